"""Flipping an exact number of labels, and splitting so that every part has the same class shares."""
from collections.abc import Sequence
from numbers import Integral

import numpy as np

from .checks import class_ids


def flip_labels(y: np.ndarray, fraction: float, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Give exactly int(N * fraction) samples a different, uniformly drawn class.

    The count is exact, not binomial, and goes over the whole set: that is the published protocol of the flooding paper's
    synthetic problems. (Its code once flipped a single label by mistake; a test guards the count here.)

    Parameters
    ----------
    y : array of int, shape (N,)
        Labels in 0 .. classes - 1. Not changed.
    fraction : float
        Share of labels to flip, in [0, 1].
    classes : int
        Number of classes, at least 2.
    rng : numpy.random.Generator
        Source of the choice.

    Returns
    -------
    ndarray of int64, shape (N,)
        A copy with the flipped labels.

    Raises
    ------
    TypeError, ValueError
        When `fraction`, `classes` or a label is out of range, or `y` is not (N,) whole numbers.
    """
    y = class_ids(y).copy()  # (N,)
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"fraction: got {fraction!r}, accepted: a number from 0 to 1")
    if classes < 2:
        raise ValueError(f"classes: got {classes!r}, accepted: an integer of at least 2")
    if y.size and (y.min() < 0 or y.max() >= classes):
        raise ValueError(f"y: got values from {y.min()} to {y.max()}, accepted: class ids from 0 to {classes - 1}")
    # 0.29 * 100 is 28.999999999999996 in floating point: the tiny addend keeps the count that is meant.
    count = int(len(y) * fraction + 1e-9)
    flipped = rng.permutation(len(y))[:count]  # (count,)
    # Adding 1 .. classes - 1 modulo classes reaches every other class and never the same one.
    y[flipped] = (y[flipped] + rng.integers(1, classes, size=count)) % classes
    return y


def stratified_split(y: np.ndarray, sizes: Sequence[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Cut a data set into disjoint parts that all have its class shares, up to about one sample: see `stratified_order`.

    Equal rows may end in different parts; `experiments.data.grouped_split` keeps them together.

    Parameters
    ----------
    y : array of int, shape (N,)
        Class ids.
    sizes : sequence of int
        Size of each part, at least 0, at most N together.
    rng : numpy.random.Generator
        Source of the choice.

    Returns
    -------
    list of ndarray of int64
        Indices into `y`, one array of the requested size per part.

    Raises
    ------
    TypeError, ValueError
        When a size is no integer or below 0, or the sizes exceed N.
    """
    y, sizes = class_ids(y), list(sizes)
    if not all(isinstance(size, Integral) for size in sizes):
        raise TypeError(f"sizes: got {sizes}, accepted: integers")
    if min(sizes, default=-1) < 0 or sum(sizes) > len(y):
        raise ValueError(f"sizes: got {sizes}, accepted: sizes of at least 0 that sum to at most N = {len(y)}")
    return np.split(stratified_order(y, rng)[:sum(sizes)], np.cumsum(sizes)[:-1])


def stratified_order(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random order, int64 (N,), in which every stretch of samples has each class in proportion, but for about one.

    Each class is shuffled and its samples get evenly spread random ranks in [0, 1); sorting all samples by rank interleaves
    the classes.
    """
    rank = np.empty(len(y))  # (N,)
    for label in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == label))  # (N_label,)
        rank[members] = (np.arange(len(members)) + rng.random(len(members))) / len(members)
    return np.argsort(rank, kind="stable")
