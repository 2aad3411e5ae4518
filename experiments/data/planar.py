"""Two sets in the plane that everybody knows, with label noise: a disc in a ring, and four corners (exclusive or).

Neither can be separated by a line, both by one hidden layer; their classes touch nowhere, so that flipped labels are all the
noise there is: `losses.bayes.flipped_labels` has what is best possible.
"""
from collections.abc import Callable

import numpy as np

from .checks import counts
from .labels import flip_labels
from .sets import DataSet, Split

GAP = 0.2  # the corners keep so far from the axes, on both sides


def circles(train: int = 100, validation: int = 100, test: int = 10_000, *, noise: float = 0.1, seed: int = 0) -> DataSet:
    """Class 1 is the disc of radius 1, class 0 the ring around it from 1.4 to 2, both evenly filled.

    Parameters
    ----------
    train, validation, test : int
        Samples PER CLASS.
    noise : float
        Share of labels flipped, exactly int(N * noise) in each part; clean labels are kept beside them.
    seed : int
        Each part has a generator of its own, seeded by (seed, part), so that resizing one leaves the others as they are.

    Returns
    -------
    DataSet
        x is float32 of shape (2 * n, 2), class 0 first; y is int64 of shape (2 * n,).

    Raises
    ------
    TypeError, ValueError
        When `train` is below 1, `validation` or `test` below 0, or `noise` is out of range.
    """
    def inputs(n: int, rng: np.random.Generator) -> np.ndarray:
        low, high = np.repeat([1.4, 0.0], n), np.repeat([2.0, 1.0], n)  # (2n,), (2n,)
        # Areas grow with the square of the radius.
        radius = np.sqrt(rng.uniform(low**2, high**2))
        angle = rng.uniform(0, 2 * np.pi, 2 * n)
        return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    return _drawn("circles", ("ring", "disc"), inputs, (train, validation, test), noise, seed)


def corners(train: int = 100, validation: int = 100, test: int = 10_000, *, noise: float = 0.1, seed: int = 0) -> DataSet:
    """Exclusive or: class 1 where the two inputs have different signs, each evenly from 0.2 to 2 away from 0.

    Arguments, result and errors as `circles`.
    """
    def inputs(n: int, rng: np.random.Generator) -> np.ndarray:
        x = rng.uniform(GAP, 2, (2 * n, 2))  # (2n, 2)
        first = rng.choice([-1.0, 1.0], 2 * n)
        return x * np.stack([first, np.where(np.arange(2 * n) < n, first, -first)], axis=1)

    return _drawn("corners", ("same signs", "different signs"), inputs, (train, validation, test), noise, seed)


def _drawn(name: str, classes: tuple[str, str], inputs: Callable[[int, np.random.Generator], np.ndarray],
           sizes: tuple[int, int, int], noise: float, seed: int) -> DataSet:
    """Return the set whose inputs(n, rng) are (2n, 2), class 0 first."""
    counts(1, train=sizes[0])
    counts(0, validation=sizes[1], test=sizes[2])
    splits = []
    for part, size in enumerate(sizes):
        rng = np.random.default_rng([seed, part])
        x, y = inputs(size, rng).astype(np.float32), np.repeat(np.array([0, 1]), size)  # (2n, 2), (2n,)
        splits.append(Split(x, flip_labels(y, noise, 2, rng), y))
    train, validation, test = splits
    return DataSet(name, train, validation, test, classes=classes, source="generated", licence="none needed")
