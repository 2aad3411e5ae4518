"""How well one column alone tells the label: a rule learnt from all other rows, tried on each row (leave-one-out)."""
from dataclasses import dataclass

import numpy as np

from .coded import FEW

SIDE = 5  # rows above and below in the order of a column whose labels are asked
FEWEST = 5  # rows of a class, or missing values, from which on a share means something
ROWS = 20_000  # looked at, at most


@dataclass(frozen=True)
class Skill:
    """What a rule on one column reaches.

    Attributes
    ----------
    share : float
        Of rows it is right for; of a regression problem the share of the variance of the target's ranks that it explains.
    skill : float
        0 for guessing, 1 for always right: the better of (share - majority) / (1 - majority) and the same of the mean
        over classes, so that a rare class counts, too. Of a regression problem `share`.
    chance : float
        Probability of so much without any connection, in one column.
    """

    share: float
    skill: float
    chance: float


NONE = Skill(0.0, 0.0, 1.0)


def sampled_rows(count: int, most: int = ROWS) -> np.ndarray:
    """All rows, or as many as are looked at: sorted indices."""
    return np.arange(count) if count <= most else np.sort(np.random.default_rng(count).choice(count, most, replace=False))


def class_skill(codes: np.ndarray, ordered: bool, y: np.ndarray) -> Skill:
    """Measure one column of a classification problem.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        As `coded.Coded` has them: equal where values are.
    ordered : bool
        Whether neighbouring codes are neighbouring values.
    y : ndarray of int64, shape (N,)
    """
    classes, y = np.unique(y, return_inverse=True)
    votes = _others(codes, ordered, np.eye(len(classes), dtype=np.float32)[y])  # (N, K)
    sizes = np.bincount(y)  # (K,)
    if len(sizes) < 2:
        return NONE
    known = votes.any(axis=1)
    plain = np.where(known, votes.argmax(axis=1), sizes.argmax())
    # Each class as if it had equally many rows.
    fair = np.where(known, (votes / sizes).argmax(axis=1), sizes.argmax())
    majority = sizes.max() / len(y)
    share = float(np.mean(plain == y))
    kept = sizes >= 2
    recall = (np.bincount(y[fair == y], minlength=len(sizes)) / sizes)[kept].mean()
    skills = (share - majority) / (1 - majority), (recall - 1 / len(sizes)) / (1 - 1 / len(sizes))
    best = int(np.argmax(skills))
    return Skill(share, float(skills[best]), _independent(y, (plain, fair)[best], len(sizes)))


def missing_skill(missing: np.ndarray, y: np.ndarray) -> Skill:
    """What it tells of one class against the others where a value is missing, bool (N,): the difference of its shares."""
    y = np.unique(y, return_inverse=True)[1].reshape(-1)
    sizes, gone = np.bincount(y), np.bincount(y[missing], minlength=y.max() + 1)  # (K,)
    if len(sizes) < 2:
        return NONE
    apart = np.abs(gone / sizes - (gone.sum() - gone) / (len(y) - sizes)) * (sizes >= FEWEST)
    best = int(apart.argmax())
    right = float(np.mean((y == best) == missing))
    return Skill(max(right, 1 - right), float(apart[best]), _independent(y, missing.astype(np.int64), len(sizes)))


def target_skill(codes: np.ndarray, ordered: bool, y: np.ndarray) -> Skill:
    """The same of a regression problem, target float64 (N,): in ranks, which no outlier moves."""
    from scipy.special import fdtrc
    from scipy.stats import rankdata

    ranks = rankdata(y) / len(y)  # (N,)
    away = ranks - ranks.mean()
    if len(y) < 4 or y.min() == y.max():
        return NONE
    sums = _others(codes, ordered, np.stack([away, np.ones(len(y))], axis=1))  # (N, 2)
    guess = np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(y)), where=sums[:, 1] > 0)
    share = max(0.0, float(1 - ((away - guess)**2).sum() / (away**2).sum()))
    return Skill(share, share, float(fdtrc(1, len(y) - 2, (len(y) - 2) * share / max(1 - share, 1e-12))))


def _others(codes: np.ndarray, ordered: bool, values: np.ndarray) -> np.ndarray:
    """Sum `values` (N, K) over the other rows that are like a row: of the same code, or its neighbours in order."""
    distinct = int(codes.max()) + 1
    if not ordered or distinct <= FEW:
        sums = np.zeros((distinct, values.shape[1]))
        np.add.at(sums, codes, values)
        return sums[codes] - values
    # Equal values in an order of no meaning: the file's order may be by label.
    shuffled = np.random.default_rng(len(codes)).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values[order], axis=0, dtype=float)])  # (N + 1, K)
    place = np.arange(len(codes))
    low, high = np.maximum(place - SIDE, 0), np.minimum(place + SIDE + 1, len(codes))
    sums = np.empty(values.shape)
    sums[order] = total[high] - total[low] - values[order]
    return sums


def _independent(y: np.ndarray, guess: np.ndarray, classes: int) -> float:
    """Chance of a table of labels and guesses at least as far from independence (G test)."""
    from scipy.special import chdtrc

    table = np.bincount(y * classes + guess, minlength=classes**2).reshape(classes, classes).astype(float)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / len(y)
    seen = table > 0
    g = 2 * float((table[seen] * np.log(table[seen] / expected[seen])).sum())
    freedom = (np.count_nonzero(table.sum(axis=1)) - 1) * (np.count_nonzero(table.sum(axis=0)) - 1)
    return float(chdtrc(freedom, g)) if freedom else 1.0
