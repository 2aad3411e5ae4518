"""Two Gaussians with label noise, the first synthetic problem of the flooding paper, and what is best possible on it.

Protocol: Ishida et al., "Do We Need Zero Training Loss After Achieving Zero Training Error?", ICML 2020, with the
label noise of their corrected code (an exact share of flipped labels, on training, validation and test data alike).
"""
import math

import numpy as np

from losses import bayes

from .checks import counts
from .labels import flip_labels
from .sets import DataSet, Split


def two_gaussians(train: int = 100, validation: int = 100, test: int = 10_000, *, dimensions: int = 10,
                  distance: float = 1.0, noise: float = 0.1, seed: int = 0) -> DataSet:
    """Class 0 is N(0, I), class 1 is N(distance * (1, ..., 1), I), equally likely.

    Parameters
    ----------
    train, validation, test : int
        Samples PER CLASS.
    dimensions : int
        D, the number of inputs.
    distance : float
        Every coordinate of the second mean (called m in the paper).
    noise : float
        Share of labels flipped, exactly int(N * noise) in each part; clean labels are kept beside them.
    seed : int
        Each part has a generator of its own, seeded by (seed, part), so that resizing one leaves the others as they are.

    Returns
    -------
    DataSet
        x is float32 of shape (2 * n, D), class 0 first; y is int64 of shape (2 * n,).

    Raises
    ------
    TypeError, ValueError
        When `train` or `dimensions` is below 1, `validation` or `test` below 0, `distance` is not finite or `noise`
        is out of range.
    """
    counts(1, train=train, dimensions=dimensions)
    counts(0, validation=validation, test=test)
    if not math.isfinite(distance):
        raise ValueError(f"distance: got {distance!r}, accepted: a finite number")
    splits = []
    for part, size in enumerate((train, validation, test)):
        rng = np.random.default_rng([seed, part])
        x = rng.standard_normal((2 * size, dimensions))  # (2n, D)
        x[size:] += distance
        y = np.repeat(np.array([0, 1]), size)  # (2n,)
        splits.append(Split(x.astype(np.float32), flip_labels(y, noise, 2, rng), y))
    train_set, validation_set, test_set = splits
    return DataSet("two_gaussians", train_set, validation_set, test_set, classes=("N(0, I)", f"N({distance:g}, I)"),
                   source="generated; protocol of Ishida et al. 2020, arXiv 2002.08709", licence="none needed")


def two_gaussians_bayes(*, dimensions: int = 10, distance: float = 1.0, noise: float = 0.1) -> bayes.BayesFigures:
    """Bayes error and Bayes cross-entropy of `two_gaussians`: see `losses.bayes.two_gaussians`.

    Returns
    -------
    BayesFigures
        Accurate to 1e-13.
    """
    return bayes.two_gaussians(distance * math.sqrt(dimensions), noise=noise)
