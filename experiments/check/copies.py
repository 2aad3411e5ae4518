"""Test rows that are training rows, and whether chance explains them: in a table of few values equal rows happen.

Three things say what chance would give. (1) If columns were independent within a class, a row would meet itself in training
so many times; far below one of a row with real numbers. (2) Rows equal by chance come with rows that are equal but for one
step in one column, or that are near in all columns, as often at least; copies do not. (3) One pattern may be common for a
reason: no answer at all.
"""
import numpy as np

from ..data.tables.problem import Parts, Problem
from .coded import Coded
from .finding import FOUND, NOTE, Finding, percent, row
from .nearness import in_a_crowd, some

SLACK = 3.0  # columns are not independent: rows meet themselves more often
STEPS = 0.5  # rows equal by chance, at most, for each that is a step away
OFTEN = 4  # rows of one pattern
CHANCE = 1e-4  # below this it was not chance


def poisson_tail(expected: float, count: int) -> float:
    """Chance of at least `count` events where so many are expected."""
    from scipy.special import pdtrc  # here, not above: the command line must not wait for SciPy

    return float(pdtrc(count - 1, expected)) if count else 1.0


def known_rows(coded: Coded, parts: Parts) -> np.ndarray:
    """For each row of the test part the first equal row to learn from or to choose by, (N_test,); -1 for none."""
    known = np.concatenate([parts.train, parts.validation])
    order = np.argsort(coded.hashes[known], kind="stable")
    return _look_up(coded.hashes[parts.test], coded.hashes[known][order], known[order])


def _look_up(wanted: np.ndarray, keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the row of each key, -1 where it is not among the (sorted) keys."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, rows[at], -1)


def copied_rows(problem: Problem, coded: Coded, parts: Parts, first: np.ndarray, table: np.ndarray) -> list[Finding]:
    """Look for rows of the test part that stand in training or validation.

    Parameters
    ----------
    first : ndarray of int64, shape (N_test,)
        `known_rows`.
    table : ndarray of float64, shape (N, D)
        `nearness.points`.

    Returns
    -------
    list of Finding
        None or one: "found" beyond chance, else a note.
    """
    pairs = np.stack([parts.test[first >= 0], first[first >= 0]], axis=1)  # (n, 2)
    if len(pairs) == 0:
        return []
    share = len(pairs) / len(parts.test)
    expected, chance = _by_chance(problem, coded, parts, first, table)
    other = int(np.sum(problem.y[pairs[:, 0]] != problem.y[pairs[:, 1]]))
    labels = f"{other} of them with another {'target' if not problem.classes else 'label'}"
    said = (f"{len(pairs)} of {len(parts.test)} test rows ({percent(share)}) have exactly the inputs of a row in training "
            f"or validation, {labels} ({row(problem, pairs[0, 0])} is {row(problem, pairs[0, 1])})")
    if chance < CHANCE:
        return [Finding("copies", FOUND, (), share, f"{said}; chance would give {about(expected)}: drop the repeated "
                        "rows before splitting, or the test measures memory", pairs)]
    return [Finding("equal_rows", NOTE, (), share, f"{said}; chance explains that, in a table like this", pairs)]


def _by_chance(problem: Problem, coded: Coded, parts: Parts, first: np.ndarray, table: np.ndarray) -> tuple[float, float]:
    """How many test rows chance would make equal to others, and how likely it makes those with a `first` (N_test,)."""
    known = np.concatenate([parts.train, parts.validation])
    beside = _a_step_away(coded, parts)
    meetings = np.minimum(SLACK * _meetings(problem, coded, parts), 1)  # (N_test,)
    # No table of questions alone is sure to have no equal rows; and (2).
    least = max(0.5 * (np.sum(coded.distinct > len(problem) / 2) < 2), STEPS * np.sum(beside & (first < 0)))
    asked = some(_but_the_commonest(coded, known, parts.test, first, np.flatnonzero((first >= 0) & ~beside)))
    alone = np.sort(meetings[asked[~in_a_crowd(table, parts.test[asked], known)]])
    # The most surprising of them count: k rows, where all rows as surprising as the k-th have so few meetings together; and
    # they were chosen.
    below = np.concatenate([[0.0], np.cumsum(np.sort(meetings))])
    expected = below[np.searchsorted(np.sort(meetings), alone, "right")]
    chances = [poisson_tail(max(least, mean), k + 1) for k, mean in enumerate(expected.tolist())]
    return max(least, meetings.sum()), min([1.0, *(len(chances) * chance for chance in chances)])


def _but_the_commonest(coded: Coded, known: np.ndarray, test: np.ndarray, first: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Leave out rows of one pattern that is there often: who did not answer, a machine that stood still."""
    if len(rows) == 0:
        return rows
    patterns, counts = np.unique(first[rows], return_counts=True)
    pattern = patterns[counts.argmax()]
    often = np.sum(coded.hashes[known] == coded.hashes[pattern])
    return rows[first[rows] != pattern] if often >= OFTEN else rows


def about(expected: float) -> str:
    """Return how many chance gives, in words."""
    return "none" if expected < 0.05 else f"about {expected:.1f}" if expected < 10 else f"about {expected:.0f}"


def _meetings(problem: Problem, coded: Coded, parts: Parts) -> np.ndarray:
    """Expected number (N_test,), at most 1, of equal rows of each test row, if columns were independent within a class."""
    known = np.concatenate([parts.train, parts.validation])
    classes = problem.y if problem.classes else np.zeros(len(problem), dtype=np.int64)
    seldom = [_seen_once(codes[known]) for codes in coded.codes]
    best = np.zeros(len(parts.test))
    for label in np.unique(classes):
        rows = known[classes[known] == label]
        log = np.full(len(parts.test), np.log(max(len(rows), 1)))
        for codes, distinct, once in zip(coded.codes, coded.distinct, seldom, strict=True):
            counts = np.bincount(codes[rows], minlength=distinct)[codes[parts.test]].astype(float)
            # One of them may be the copy itself, which must not explain itself.
            log += np.log(np.maximum(counts - 1, once)) - np.log(max(len(rows), 1))
        best += np.exp(np.minimum(log, 0))
    return np.minimum(best, 1)


def _seen_once(codes: np.ndarray) -> float:
    """How many rows a value stands for that was seen once: 2 f₂ / f₁ (Good 1953), where f_r values were seen r times."""
    counts = np.bincount(np.bincount(codes), minlength=3)
    return min(0.5, (2 * counts[2] + 1) / max(counts[1], 1))


def _a_step_away(coded: Coded, parts: Parts) -> np.ndarray:
    """Which test rows have a training row that is equal but for a step in one column, bool (N_test,)."""
    known, rows = np.concatenate([parts.train, parts.validation]), parts.test
    keys = np.sort(coded.hashes[known])
    near = np.zeros(len(rows), dtype=bool)
    for place in range(len(coded.codes)):
        own = coded.hashes[rows] - coded.hash_of(place, rows)
        if coded.ordered[place]:
            for step in (-1, 1):
                near |= _among(own + coded.hash_of(place, rows, step), keys)
        else:  # any other name is a step
            near |= _unequal_among(own, coded.codes[place, rows], coded.hashes[known] - coded.hash_of(place, known),
                                   coded.codes[place, known])
    return near


def _among(wanted: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return _look_up(wanted, keys, np.zeros(len(keys), dtype=np.int64)) >= 0


def _unequal_among(wanted: np.ndarray, codes: np.ndarray, keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Whether a key is there with another code than its own."""
    order = np.lexsort([known, keys])
    keys, known = keys[order], known[order]
    low, high = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, "right") - 1  # the smallest and largest code
    return (high >= low) & ((known[np.minimum(low, len(keys) - 1)] != codes) | (known[high] != codes))
