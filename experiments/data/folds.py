"""Cross-validation, and splits that keep equal rows together."""
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .checks import class_ids, counts, numbers_of
from .labels import stratified_order


def row_groups(x: ArrayLike) -> np.ndarray:
    """Number the distinct rows: equal rows get equal numbers. Inputs (N, ...) to int64 (N,), numbers 0, 1, ... without gaps.

    Equal means equal in value: 0 equals -0, and NaN equals NaN, in the dtype of `x`.
    """
    keys = row_keys(x)
    _, groups = np.unique(keys, return_inverse=True)
    return groups.reshape(-1).astype(np.int64)


def k_fold(y: ArrayLike, folds: int = 5, *, seed: int = 0,
           groups: ArrayLike | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Stratified cross-validation: every sample is held out in exactly one fold.

    Parameters
    ----------
    y : array of int, shape (N,)
        Class ids.
    folds : int
        At least 2.
    seed : int
        Decides who goes where.
    groups : array of int, shape (N,), optional
        Samples of one group (equal rows, one patient, one writer) are held out together; see `row_groups`.

    Returns
    -------
    list of (ndarray of int64, ndarray of int64)
        Indices to train on and held out, both sorted, for each fold. Without groups the sizes of the folds, and the count of
        each class in them, differ by one at most; with groups by about the size of a group.

    Raises
    ------
    TypeError, ValueError
        When `folds` is below 2, a class has fewer samples (or there are fewer groups) than folds, or shapes disagree.
    """
    y = class_ids(y, low=1)
    (folds,) = counts(2, folds=folds)
    labels, sizes = np.unique(y, return_counts=True)
    if sizes.min() < folds:
        raise ValueError(f"folds: got {folds}, and class {labels[sizes.argmin()]} has {sizes.min()} samples, accepted: at "
                         "most as many folds as samples in each class")
    rng = np.random.default_rng(seed)
    if groups is None:
        # Dealt out like cards, class after class, to fold 0, 1, ..., 0, 1, ...
        order = np.concatenate([rng.permutation(np.flatnonzero(y == label)) for label in labels])  # (N,)
        fold = np.empty(len(y), dtype=np.int64)
        fold[order] = np.arange(len(y)) % folds
        held = [np.flatnonzero(fold == number) for number in range(folds)]
    else:
        held = grouped_split(y, groups, [len(y) / folds] * folds, rng)
    return [(np.setdiff1d(np.arange(len(y)), part), part) for part in held]


def grouped_split(y: ArrayLike, groups: ArrayLike, sizes: Sequence[float], rng: np.random.Generator) -> list[np.ndarray]:
    """Cut a data set into disjoint parts of about its class shares, no group in two parts.

    With `groups=row_groups(x)` no row of one part is in another: a split without duplicates to leak.

    Parameters
    ----------
    y : array of int, shape (N,)
        Class ids.
    groups : array of int, shape (N,)
        Group of each sample.
    sizes : sequence of float
        Wanted sizes, positive, at most N in all. The parts miss them by less than the largest group.
    rng : numpy.random.Generator
        Source of the choice.

    Returns
    -------
    list of ndarray of int64
        Sorted indices, one array per part.

    Raises
    ------
    ValueError
        When the sizes do not fit, shapes disagree, or a part would stay empty.
    """
    y, groups = class_ids(y, low=1), np.asarray(groups)
    if groups.shape != y.shape:
        raise ValueError(f"groups: got shape {groups.shape}, accepted: {y.shape}, as y")
    ends = np.cumsum(np.asarray(sizes, dtype=float))  # (parts,)
    if len(ends) == 0 or min(sizes) <= 0 or ends[-1] > len(y) * (1 + 1e-12):
        raise ValueError(f"sizes: got {list(sizes)}, accepted: positive sizes that sum to at most N = {len(y)}")
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    group = group.reshape(-1)  # (N,) 0 .. G - 1
    # A group counts as of the class of its first member: equal rows with unequal labels are the exception.
    order = stratified_order(y[first], rng)  # (G,)
    members = np.bincount(group)[order]  # (G,)
    middle = np.empty(len(order))
    middle[order] = np.cumsum(members) - members / 2  # in the row of all samples, where the middle of a group lies
    part = np.searchsorted(ends, middle[group])  # (N,) the part whose stretch holds it; len(ends) for the rest
    parts = [np.flatnonzero(part == number) for number in range(len(ends))]
    if min(map(len, parts)) == 0:
        raise ValueError(f"sizes: got {list(sizes)}, accepted: parts large enough for groups of up to "
                         f"{members.max()} samples")
    return parts


def row_keys(x: ArrayLike) -> np.ndarray:
    """One opaque value per row (N,), equal where rows are equal."""
    x = numbers_of("x", x)
    if x.ndim < 1 or x.size == 0 or x.dtype.kind not in "biuf":
        raise ValueError(f"x: got shape {x.shape} and dtype {x.dtype}, accepted: (N, ...) real numbers, N at least 1")
    rows = np.ascontiguousarray(x.reshape(len(x), -1))
    if rows.dtype.kind == "f":
        rows = rows + 0.0  # -0 becomes 0
        rows[np.isnan(rows)] = np.nan  # one of the many bit patterns
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).reshape(-1)
