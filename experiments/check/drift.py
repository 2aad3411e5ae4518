"""A separate test file: is it drawn like the training file? Each column's distribution, names never seen, the labels."""
import numpy as np

from ..data.tables.problem import CATEGORY, Column, Parts, Problem
from .copies import poisson_tail
from .finding import NOTE, SUSPICIOUS, Finding, named, names, percent

CHANCE = 1e-4  # in any of all columns (Bonferroni)
LEAST = 0.1  # distance of the distribution functions, or of shares: less may be clear and still not matter
UNKNOWN = 0.01  # share of test rows with a name that training does not have
RARE = 1.5  # how many times as many chance is granted: names seen once are few


def drift(problem: Problem, parts: Parts) -> list[Finding]:
    """Compare the columns of a separate test file with training; nothing where there is none."""
    known, asked = np.concatenate([parts.train, parts.validation]), parts.test
    if problem.test_from is None or min(len(known), len(asked)) == 0:
        return []
    found = []
    label = Column(problem.label, CATEGORY if problem.classes else "number", problem.y, problem.classes)
    for column in (*problem.columns, label):
        distance, chance = _distance(column, known, asked)
        found += _unknown_names(column, known, asked, len(problem.columns)) if column.kind == CATEGORY else []
        if distance >= LEAST and chance * (2 * len(problem.columns) + 2) < CHANCE:
            found.append(Finding("drift", SUSPICIOUS, (column.name,), distance,
                                 f"column {named(column.name)} is distributed otherwise in the test file than in training "
                                 f"(distance {distance:.2f} of 1): the test asks about rows of another kind"))
    return found


def _unknown_names(column: Column, known: np.ndarray, asked: np.ndarray, columns: int) -> list[Finding]:
    new = np.setdiff1d(column.values[asked], column.values[known])
    new = new[new >= 0]
    rows = int(np.isin(column.values[asked], new).sum())
    share = rows / len(asked)
    if share < UNKNOWN:
        return []
    # Good and Turing: the next row has a name never seen with the share of rows whose name was seen once.
    once = np.sum(np.unique(column.values[known], return_counts=True)[1] == 1)
    expected = RARE * len(asked) * (once + 1) / len(known)
    by_chance = poisson_tail(expected, rows) * columns >= CHANCE
    text = (f"{percent(share)} of the rows of the test file have a value of {named(column.name)} that training never has "
            f"({names([column.categories[code] for code in new])}): the network cannot know it")
    return [Finding("unknown_names", NOTE if by_chance else SUSPICIOUS, (column.name,), share,
                    text + "; rare values do that by chance" * by_chance)]


def _distance(column: Column, known: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """Largest distance of the distributions of a column, missing values included, and the smallest chance of it."""
    from scipy.special import kolmogorov

    a, b = column.values[known], column.values[asked]
    size = len(a) * len(b) / (len(a) + len(b))
    missing = abs(float(column.missing[known].mean() - column.missing[asked].mean()))
    cases = [(missing, _shares(column.missing[known].astype(np.int64), column.missing[asked].astype(np.int64)))]
    if column.kind == CATEGORY:
        codes = np.unique(np.concatenate([a, b]), return_inverse=True)[1].reshape(-1)
        shares = [np.bincount(part, minlength=codes.max() + 1) / len(part) for part in (codes[:len(a)], codes[len(a):])]
        cases.append((float(np.abs(shares[0] - shares[1]).sum() / 2), _shares(codes[:len(a)], codes[len(a):])))
    else:
        a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
        if min(len(a), len(b)):
            size = len(a) * len(b) / (len(a) + len(b))
            at = np.concatenate([a, b])
            most = float(np.abs(np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)).max())
            cases.append((most, float(kolmogorov(np.sqrt(size) * most))))
    return min(cases, key=lambda case: (case[1], -case[0]))


def _shares(a: np.ndarray, b: np.ndarray) -> float:
    """Chance of two samples of codes at least as unlike (χ² of homogeneity, rare codes joined)."""
    from scipy.special import chdtrc

    table = np.stack([np.bincount(part, minlength=max(a.max(), b.max()) + 1) for part in (a, b)]).astype(float)  # (2, C)
    rare = table.sum(axis=0) * min(len(a), len(b)) / (len(a) + len(b)) < 5  # fewer than 5 expected in the smaller sample
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(chdtrc(table.shape[1] - 1, ((table - expected)**2 / expected).sum())) if table.shape[1] > 1 else 1.0
