"""Data sets with nothing, or less, to learn: labels or inputs drawn at random, pixels shuffled, one input with two labels.

After Zhang et al. (Understanding deep learning requires rethinking generalization, ICLR 2017, section 2).
"""
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .labels import flip_labels
from .sets import DataSet, Split

STREAM = 40  # generators are seeded by (seed, STREAM + part), apart from those that split and flip


def random_labels(data: DataSet, seed: int, noise: float) -> DataSet:
    """Training labels drawn uniformly from all classes; test labels stay, so that chance is an error of 1 - 1/K."""
    labels = _generator(seed, 0).integers(len(data.classes), size=len(data.train))
    return replace(data, train=replace(data.train, y=labels))


def shuffled_pixels(data: DataSet, seed: int, noise: float) -> DataSet:
    """One permutation of the pixels for all images: who does not know what is a neighbour of what loses nothing."""
    order = _generator(seed, 0).permutation(data.train.x.shape[1])  # (D,)
    return _each_part(data, lambda x, part: np.ascontiguousarray(x[:, order]))


def random_pixels(data: DataSet, seed: int, noise: float) -> DataSet:
    """Another permutation of the pixels for each image: its mean and its histogram remain."""
    return _each_part(data, lambda x, part: _generator(seed, part).permuted(x, axis=1))


def random_inputs(data: DataSet, seed: int, noise: float) -> DataSet:
    """Gaussian inputs with mean and deviation of all training pixels, drawn apart from the labels."""
    mean, deviation = float(data.train.x.mean()), float(data.train.x.std())
    return _each_part(data, lambda x, part: _generator(seed, part).normal(mean, deviation, x.shape).astype(x.dtype))


def two_labels(data: DataSet, seed: int, noise: float) -> DataSet:
    """The first half of the training inputs twice, a share `noise` of them with another label the second time.

    No function is right on more than half of such a pair: the training error is at least noise/2, the cross-entropy at least
    noise log 2, and one label in noise/2 of the test set is flipped as well. Needs an even number of training samples.
    """
    count, classes = len(data.train), len(data.classes)
    if count % 2:
        raise ValueError(f"train: got {count}, accepted: an even number, for every input comes twice")
    x, y = data.train.x[:count // 2], data.train.y_clean[:count // 2]
    second, test = (flip_labels(labels, share, classes, _generator(seed, part)) for part, (labels, share) in enumerate(
        ((y, noise), (data.test.y_clean, noise / 2))))
    return replace(data, train=Split(np.tile(x, (2, 1)), np.append(y, second), np.tile(y, 2)),
                   test=replace(data.test, y=test))


CHANGES = {change.__name__: change for change in (random_labels, shuffled_pixels, random_pixels, random_inputs, two_labels)}


def randomized(data: DataSet, change: str, *, seed: int, noise: float = 0.0) -> DataSet:
    """Return a data set with one of `CHANGES`.

    Parameters
    ----------
    data : DataSet
        With images or other real inputs (N, D), and classes.
    change : str
    seed : int
        Decides everything random.
    noise : float in [0, 1]
        Of `two_labels`, which starts from the clean labels. The others leave flips as they are.

    Returns
    -------
    DataSet
        Its name is "NAME_CHANGE".
    """
    return replace(CHANGES[change](data, seed, noise), name=f"{data.name}_{change}")


def _generator(seed: int, part: int) -> np.random.Generator:
    return np.random.default_rng([seed, STREAM + part])


def _each_part(data: DataSet, change: Callable[[np.ndarray, int], np.ndarray]) -> DataSet:
    train, validation, test = (replace(split, x=change(split.x, part))
                               for part, split in enumerate((data.train, data.validation, data.test)))
    return replace(data, train=train, validation=validation, test=test)
