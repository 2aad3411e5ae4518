"""Test rows that are nearly training rows: copied with a little noise, and nearer than rows come to each other by chance.

The scale of a column is robust (a quartile range, and the logarithm of what lies far out), so that a single outlier does
not make all other rows near duplicates. How many would be that near by chance follows from how many are somewhat farther:
in δ dimensions the number of rows within a distance r grows as r^δ, and δ is measured (Facco et al. 2017, "Estimating the
intrinsic dimension of datasets by a minimal neighborhood information": the ratio of the distances of second and first
neighbour) and taken 30 % lower.
"""
import numpy as np

from ..data.neighbours import nearest_rows
from ..data.tables.problem import Parts, Problem
from .coded import Coded
from .copies import about, poisson_tail
from .finding import SUSPICIOUS, Finding, percent, row
from .nearness import NEAR, in_a_crowd, some

SHELLS = (4, 16, 64)  # how much farther rows are counted for comparison
ENOUGH = 5  # rows in a shell
CROWDED = 3.0  # rows of few values in other columns stand in heaps, whose dimension is lower
CHANCE = 1e-4
PAIRS = 2**27  # of rows compared: some 10^10 products, a few seconds


def near_rows(problem: Problem, coded: Coded, parts: Parts, first: np.ndarray, table: np.ndarray) -> list[Finding]:
    """Look for rows of the test part, other than copies, that are nearly rows of training or validation.

    Parameters
    ----------
    first : ndarray of int64, shape (N_test,)
        An equal row for each test row, -1 for none: `copies.known_rows`.
    table : ndarray of float64, shape (N, D)
        `nearness.points`.

    Returns
    -------
    list of Finding
        None or one.
    """
    known, rows = np.concatenate([parts.train, parts.validation]), parts.test[first < 0]
    moving = int(coded.many.sum())  # D' columns in which near rows may differ at all
    if min(len(known), len(rows)) == 0 or moving < 2:
        return []
    sampled = len(rows) > max(1, PAIRS // len(known))
    if sampled:
        rows = np.sort(np.random.default_rng(len(problem)).choice(rows, max(1, PAIRS // len(known)), replace=False))
    nearest, distances = nearest_rows(table[rows], table[known], NEAR * SHELLS[-1])
    near = distances <= NEAR
    if not near.any():
        return []
    dimension = _dimension(table[known][:, coded.many])
    expected = _by_shells(distances, dimension)
    asked = some(np.flatnonzero(near))
    alone = asked[~in_a_crowd(table, rows[asked], known)]
    if poisson_tail(expected, len(alone)) >= CHANCE:
        return []
    pairs = np.stack([rows[near], known[nearest[near]]], axis=1)  # (n, 2)
    other = int(np.sum(problem.y[pairs[:, 0]] != problem.y[pairs[:, 1]]))
    test, like = (row(problem, place) for place in pairs[0])
    text = (f"{len(pairs)} of {len(rows)} {'sampled ' * sampled}test rows ({percent(near.mean())}) are nearly, within "
            f"{percent(NEAR)} of the scale of the columns, a row of training or validation, {other} of them with another "
            f"{'label' if problem.classes else 'target'} ({test} is nearly {like}), where "
            f"chance gives {about(expected)}: they could be the same thing measured or rounded twice; drop one of each, or "
            "keep them on one side with --group")
    return [Finding("near_copies", SUSPICIOUS, (), float(near.mean()), text, pairs)]


def _by_shells(distances: np.ndarray, dimension: float) -> float:
    """How many rows chance would put within `NEAR`, from the nearest shell around it that has some."""
    for shell in SHELLS:
        farther = int(np.sum((distances > NEAR) & (distances <= NEAR * shell)))
        if farther >= ENOUGH:
            break
    # Of rows with λ neighbours there on average, 1 - exp(-λ) have one.
    others = len(distances) - int(np.sum(distances <= NEAR))
    mean = -np.log(1 - min((farther + 0.5) / (others + 1), 1 - 1 / (others + 2)))
    return float(CROWDED * others * mean / (shell**dimension - 1))


def _dimension(table: np.ndarray, most: int = 1000) -> float:
    """Intrinsic dimension of rows (N, D'), from below; at least 1."""
    from scipy.spatial.distance import cdist

    if len(table) < 4:
        return 1.0
    rng = np.random.default_rng(len(table))
    rows = table[rng.permutation(len(table))[:most]]
    distances = cdist(rows, rows)
    np.fill_diagonal(distances, np.inf)
    first, second = np.partition(distances, 1, axis=1)[:, :2].T  # of each row's neighbours
    apart = first > 0
    if not apart.any():
        return 1.0
    # P(second / first > m) = m^-δ, so that half are above 2^(1/δ); the median does not feel a few copies.
    ratio = np.median(second[apart] / first[apart])
    return float(np.clip(0.7 * np.log(2) / max(np.log(ratio), 1e-3), 1, 12))
