"""From one table of samples to training, validation and test parts: what all loaders of real data do alike."""
from typing import Any

import numpy as np

from .checks import part_sizes
from .labels import flip_labels, stratified_split
from .sets import Split


def split_parts(x: np.ndarray, y: np.ndarray, sizes: Any, classes: int, *, noise: float = 0.0, seed: int = 0,
                lengths: np.ndarray | None = None, stream: int = 0) -> list[Split]:
    """Stratified, seeded parts of a data set, with flipped labels beside the clean ones.

    Parameters
    ----------
    x : ndarray (N, ...)
    y : ndarray of int64 (N,)
    sizes : sequence of int
        One size per part; at most N in all.
    classes : int
    noise : float
        Share of labels flipped, an exact count in each part.
    seed : int
        Decides who goes where, and the flips.
    lengths : ndarray of int64 (N,), optional
        Of sequences.
    stream : int
        The generators are seeded by (seed, stream), (seed, stream + 1), ...: a second file of the same set takes others.

    Returns
    -------
    list of Split

    Raises
    ------
    ValueError
        When the sizes do not fit or `noise` is out of range.
    """
    parts = stratified_split(y, sizes, np.random.default_rng([seed, stream]))
    # Each part draws its flips from its own generator: a larger test set never changes the training labels.
    splits = []
    for number, part in enumerate(parts, start=stream + 1):
        y_seen = flip_labels(y[part], noise, classes, np.random.default_rng([seed, number]))
        splits.append(Split(x[part], y_seen, y[part], None if lengths is None else lengths[part]))
    return splits


def three_sizes(samples: int, train: int | None, validation: int | None, test: int | None) -> tuple[int, int, int]:
    """Sizes of three parts of N samples; None takes half of N for training, a quarter for validation, the rest for test.

    Raises
    ------
    TypeError, ValueError
        As `checks.part_sizes`.
    """
    train = (samples + 1) // 2 if train is None else train
    validation = (samples + 2) // 4 if validation is None else validation
    return part_sizes(samples, train, validation, test)
