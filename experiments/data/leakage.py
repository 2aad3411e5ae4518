"""Does a test set measure what it should? Rows known from training, rows nearly known, columns that give the label away."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .folds import row_keys
from .neighbours import nearest_rows
from .sets import Split

MAX_INTERVALS = 32  # of the one-column rule
SHOWN = 5  # examples in the text of a report


@dataclass(frozen=True)
class LeakageReport:
    """What a test set shares with a training set.

    Attributes
    ----------
    samples : tuple of int
        Sizes of training and test set.
    duplicates : ndarray of int64, shape (n, 2)
        Test rows (first column) that are also in training, each with the first such training row.
    conflicting : int
        How many of these have another label there.
    near_duplicates : ndarray of int64, shape (n, 2)
        Test rows without a duplicate whose nearest training row is within the tolerance, and that row.
    near_distances : ndarray of float64, shape (n,)
        Their distances, relative to those between two random training rows.
    train_repeats, test_repeats : int
        Rows that stand earlier in the same set already.
    features : ndarray of int64, shape (n,)
        Columns that alone predict the label.
    feature_accuracy : ndarray of float64, shape (D,)
        Share of test labels that a rule on this column alone predicts, for every column.
    majority : float
        Share of test labels that the most frequent training class predicts.
    shared_ids : list
        Identifiers that are in both sets, sorted; empty when none were given.
    tolerance, skill : float
        What `near_duplicates` and `features` were decided by.
    """

    samples: tuple[int, int]
    duplicates: np.ndarray
    conflicting: int
    near_duplicates: np.ndarray
    near_distances: np.ndarray
    train_repeats: int
    test_repeats: int
    features: np.ndarray
    feature_accuracy: np.ndarray
    majority: float
    shared_ids: list
    tolerance: float
    skill: float

    @property
    def clean(self) -> bool:
        """Was nothing found that is shared? (Repeats within one set are no leak.)"""
        return not (len(self.duplicates) or len(self.near_duplicates) or len(self.features) or self.shared_ids)

    def __str__(self) -> str:
        train, test = self.samples
        best = int(self.feature_accuracy.argmax())
        lines = [
            f"leakage from {train} training to {test} test samples: {'none found' if self.clean else 'found, see below'}",
            f"  test rows also in training: {len(self.duplicates)} ({100 * len(self.duplicates) / test:.2f} %), "
            f"{self.conflicting} of them with another label{_examples(self.duplicates)}",
            f"  test rows nearly in training (relative distance up to {self.tolerance:g}): {len(self.near_duplicates)}"
            f"{_examples(self.near_duplicates)}",
            f"  columns that alone predict the label: {', '.join(map(str, self.features)) or 'none'} (best: column {best}, "
            f"{100 * self.feature_accuracy[best]:.2f} % of test labels; most frequent class {100 * self.majority:.2f} %)",
            f"  identifiers in both: {len(self.shared_ids)}{_list(self.shared_ids)}",
            f"  rows repeated within training: {self.train_repeats}, within test: {self.test_repeats}"]
        return "\n".join(lines)


def leakage_report(train: Split, test: Split, *, tolerance: float = 0.01, skill: float = 0.95, ids: Any = None,
                   common_scale: bool = False) -> LeakageReport:
    """Look for what a test set shares with a training set.

    Parameters
    ----------
    train, test : Split
        With equally many inputs, finite. Sequences are compared with their lengths: padding is not a letter.
    tolerance : float
        Largest distance of near duplicates, as a share of the root mean square distance of two random training rows, after
        each column is divided by its training standard deviation (by 1 if it is constant there). 0 finds none. In two or
        three dimensions some rows come that near by chance.
    skill : float
        In (0, 1]. A column counts as predicting the label alone when a rule made from it on the training set (up to 32
        intervals of about equally many samples, each with its most frequent class) is right for a share of the test set of
        at least majority + skill (1 - majority), where majority is the share that the most frequent class is right for.
        It may be a leak, or an easy problem: one column of the irises gets there.
    ids : (sequence, sequence), optional
        Identifiers of training and test samples: patients, files, sources.
    common_scale : bool
        Divide all columns by one number instead: for columns of one unit, such as pixels, where a column that is almost
        constant would otherwise count most.

    Returns
    -------
    LeakageReport
        `str` of it is a summary for people. Memory use beyond it stays within a few copies of the inputs and 64 MiB.

    Raises
    ------
    TypeError, ValueError
        When shapes disagree, inputs are not finite numbers, or an argument is out of range.
    """
    _check_options(tolerance, skill)
    x, x_test = (_inputs(name, part) for name, part in (("train", train), ("test", test)))
    if x.shape[1] != x_test.shape[1] or (train.lengths is None) != (test.lengths is None):
        raise ValueError(f"train.x: got shape {np.shape(train.x)} and test.x {np.shape(test.x)}, accepted: equally many "
                         "inputs, and lengths in both or neither")
    first, repeats = _first_rows(x, x_test)
    known = np.flatnonzero(first >= 0)
    duplicates = np.stack([known, first[known]], axis=1)
    near, distances = _near_duplicates(x, x_test, np.flatnonzero(first < 0), tolerance, common_scale)
    accuracy = np.array([_column_accuracy(x[:, d], train.y, x_test[:, d], test.y) for d in range(x.shape[1])])
    majority = float(np.mean(test.y == _most_frequent(train.y)))
    return LeakageReport(
        samples=(len(x), len(x_test)), duplicates=duplicates,
        conflicting=int(np.sum(test.y[duplicates[:, 0]] != train.y[duplicates[:, 1]])), near_duplicates=near,
        near_distances=distances, train_repeats=repeats[0], test_repeats=repeats[1],
        features=np.flatnonzero((accuracy >= majority + skill * (1 - majority)) & (accuracy > majority)),
        feature_accuracy=accuracy, majority=majority, shared_ids=_shared_ids(ids, len(x), len(x_test)),
        tolerance=float(tolerance), skill=float(skill))


def _check_options(tolerance: float, skill: float) -> None:
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance: got {tolerance!r}, accepted: a number in [0, 1)")
    if not 0 < skill <= 1:
        raise ValueError(f"skill: got {skill!r}, accepted: a number in (0, 1]")


def _inputs(name: str, part: Split) -> np.ndarray:
    """Return finite inputs (N, D) in float64, lengths of sequences as a further column."""
    x, y = np.asarray(part.x), np.asarray(part.y)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name}.x: got dtype {x.dtype}, accepted: real numbers")
    if x.ndim != 2 or x.size == 0 or y.shape != (len(x),):
        raise ValueError(f"{name}.x: got shape {x.shape} and {name}.y {y.shape}, accepted: (N, D) and (N,), no "
                         "axis empty")
    x = x.astype(np.float64)
    if not np.isfinite(x).all():
        raise ValueError(f"{name}.x: got NaN or infinity, accepted: finite numbers (impute missing values first)")
    return x if part.lengths is None else np.column_stack([x, part.lengths])


def _first_rows(x: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the first equal training row of each test row (N_test,), -1 for none, and the repeats in either set."""
    _, first, inverse = np.unique(row_keys(np.concatenate([x, x_test])), return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    # An index below N is a training row: np.unique returns the first of equals, and training rows stand first.
    found = first[inverse[len(x):]]  # (N_test,)
    repeats = len(x) - int(np.sum(first < len(x))), len(x_test) - len(np.unique(inverse[len(x):]))
    return np.where(found < len(x), found, -1), repeats


def _near_duplicates(x: np.ndarray, x_test: np.ndarray, rows: np.ndarray, tolerance: float,
                     common_scale: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs (n, 2) of test rows, out of `rows`, and training rows nearby, and their relative distances (n,)."""
    constant = x.max(axis=0) == x.min(axis=0)  # (D,) not std == 0: the mean of equal numbers may be off by rounding
    deviation = np.where(constant, 0.0, x.std(axis=0))  # (D,)
    typical = np.sqrt(2 * (deviation**2).sum())  # between two random rows: E|a - b|² = 2 Σ variance
    if tolerance == 0 or typical == 0 or len(rows) == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    if common_scale:
        scale = np.full(x.shape[1], typical)
    else:
        scale = np.where(constant, 1.0, deviation) * np.sqrt(2 * np.sum(~constant))
    nearest, distances = nearest_rows(x_test[rows] / scale, x / scale, tolerance)
    near = nearest >= 0
    return np.stack([rows[near], nearest[near]], axis=1), distances[near]


def _column_accuracy(values: np.ndarray, y: np.ndarray, test_values: np.ndarray, y_test: np.ndarray) -> float:
    """Share of test labels right by the best guess within intervals of one column, chosen on the training set."""
    distinct = np.unique(values)
    if len(distinct) <= MAX_INTERVALS:
        edges = (distinct[1:] + distinct[:-1]) / 2  # codes of categories, perhaps: an interval for each
    else:
        edges = np.unique(np.quantile(values, np.arange(1, MAX_INTERVALS) / MAX_INTERVALS))
    labels, y = np.unique(y, return_inverse=True)  # 0 .. K - 1
    interval = np.searchsorted(edges, values)  # (N,)
    table = np.zeros((len(edges) + 1, len(labels)), dtype=np.int64)
    np.add.at(table, (interval, y.reshape(-1)), 1)
    guess = labels[np.where(table.any(axis=1), table.argmax(axis=1), table.sum(axis=0).argmax())]
    return float(np.mean(guess[np.searchsorted(edges, test_values)] == y_test))


def _most_frequent(y: np.ndarray) -> Any:
    labels, counts = np.unique(y, return_counts=True)
    return labels[counts.argmax()]


def _shared_ids(ids: Any, n_train: int, n_test: int) -> list:
    if ids is None:
        return []
    train_ids, test_ids = ids
    if (len(train_ids), len(test_ids)) != (n_train, n_test):
        raise ValueError(f"ids: got lengths {len(train_ids)} and {len(test_ids)}, accepted: {n_train} and "
                         f"{n_test}, one for each sample")
    return sorted(set(np.asarray(train_ids).tolist()) & set(np.asarray(test_ids).tolist()))


def _examples(pairs: Any) -> str:
    """Return the first few (test row, training row) as text."""
    return _list([f"{test} = {train}" for test, train in pairs[:SHOWN].tolist()] + ["..."] * (len(pairs) > SHOWN), SHOWN + 1)


def _list(items: Sequence[Any], most: int = SHOWN) -> str:
    return f": {', '.join(map(str, items[:most]))}" if len(items) else ""
