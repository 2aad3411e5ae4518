"""Data with one fault each, beside the same data without it: leaks, and steps of preparation left out or done badly.

The faults are planted in training and validation set, as whoever splits one faulty table has them; the test set has none:
it is what comes in use. Flipped labels are no fault of this kind, and are in all parts alike.
"""
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .checks import counts
from .gaussians import two_gaussians
from .preprocessing import Clipping, Imputation, Standardisation, Step, prepared
from .sets import DataSet, Split
from .uci import breast_cancer

STREAM = 100  # of the generators here: the splits and flips of a data set have others
INPUTS = 10  # of random rows
APART = 3.0  # distance of the means in each of ten coordinates: one sample in a million is on the wrong side
SHARE = 0.2  # of values that are missing
SENTINEL = -999.0  # what stands for a missing value in many a table
OUTLIERS, UNIT = 0.01, 1000.0  # share of values that were entered in a wrong unit, and its factor
COPIED = 0.5  # of the validation rows, from training


def random_rows(train: int, validation: int, test: int | None = None, *, noise: float = 0.0, seed: int = 0) -> DataSet:
    """Inputs uniform in [0, 1), shape (N, 10), and labels of two classes by coin: there is nothing to learn.

    Parameters
    ----------
    train, validation : int
    test : int, optional
        None: 1000.
    noise : float
        0: labels by chance cannot be more so.
    seed : int
        Each part has a generator of its own, so that resizing one leaves the others as they are.

    Raises
    ------
    TypeError, ValueError
        For sizes below 1, or noise.
    """
    sizes = counts(1, train=train, validation=validation, test=1000 if test is None else test)
    if noise:
        raise ValueError(f"noise: got {noise!r}, accepted: 0 with labels by chance")
    parts = []
    for part, size in enumerate(sizes):
        rng = np.random.default_rng([seed, STREAM + part])
        x, y = rng.random((size, INPUTS)).astype(np.float32), rng.integers(2, size=size)
        parts.append(Split(x, y, y))
    return DataSet("random_rows", parts[0], parts[1], parts[2], classes=("0", "1"), source="generated",
                   licence="none needed")


def far_apart(train: int, validation: int, test: int | None = None, *, noise: float = 0.0, seed: int = 0) -> DataSet:
    """Two Gaussians so far apart that hardly any sample is on the wrong side; sizes as `random_rows`, even (1 gives 2)."""
    per_class = [max(1, size // 2) for size in (train, validation, 1000 if test is None else test)]
    return replace(two_gaussians(*per_class, distance=APART, noise=noise, seed=seed), name="far_apart")


def _on_both(data: DataSet, change: Callable[[Split, np.random.Generator], Split], seed: int) -> DataSet:
    """Change training and validation set."""
    train, validation = (change(part, np.random.default_rng([seed, STREAM + number]))
                         for number, part in enumerate((data.train, data.validation)))
    return replace(data, train=train, validation=validation)


def _without_values(part: Split, rng: np.random.Generator) -> Split:
    return replace(part, x=np.where(rng.random(part.x.shape) < SHARE, np.float32(np.nan), part.x))


def _without_those_of_class_1(part: Split, rng: np.random.Generator) -> Split:
    """The first measure was not taken of the healthy."""
    x = part.x.copy()
    x[part.y == 1, 0] = np.nan
    return replace(part, x=x)


def _in_a_wrong_unit(part: Split, rng: np.random.Generator) -> Split:
    return replace(part, x=np.where(rng.random(part.x.shape) < OUTLIERS, np.float32(UNIT) * part.x, part.x))


def _filled(value: float, x: Any) -> Step:
    return Imputation(np.full(np.shape(x)[1], value))


def _scaled(data: DataSet, *makers: Any, fault: Any = None, seed: int = 0) -> DataSet:
    return prepared(_on_both(data, fault, seed) if fault else data, *makers, Standardisation.of)


def _label_column(data: DataSet, seed: int) -> DataSet:
    """A column that is the label; in use it is not known yet, and filled with the training mean."""
    def wider(part: Split, column: np.ndarray) -> Split:
        return replace(part, x=np.column_stack([part.x, column]).astype(np.float32))
    mean = np.full(len(data.test), data.train.y.mean())
    return _scaled(replace(data, train=wider(data.train, data.train.y), validation=wider(data.validation, data.validation.y),
                           test=wider(data.test, mean)))


def _duplicates(data: DataSet, seed: int) -> DataSet:
    """Half of the validation rows, and their labels, are training rows."""
    rng = np.random.default_rng([seed, STREAM])
    count = min(int(COPIED * len(data.validation)), len(data.train))
    rows = rng.choice(len(data.train), count, replace=False)
    x, y, y_clean = (getattr(data.validation, name).copy() for name in ("x", "y", "y_clean"))
    x[:count], y[:count], y_clean[:count] = data.train.x[rows], data.train.y[rows], data.train.y_clean[rows]
    return _scaled(replace(data, validation=Split(x, y, y_clean)))


# The tumours of `breast_cancer`, 30 measures in units of their own, prepared with (data, seed).
FAULTS: dict[str, Callable[[DataSet, int], DataSet]] = {
    "scaled": lambda data, seed: _scaled(data),
    "unscaled": lambda data, seed: data,
    "missing_mean": lambda data, seed: _scaled(data, Imputation.of, fault=_without_values, seed=seed),
    "missing_sentinel": lambda data, seed: _scaled(data, partial(_filled, SENTINEL), fault=_without_values, seed=seed),
    "missing_by_class": lambda data, seed: _scaled(data, partial(_filled, SENTINEL), fault=_without_those_of_class_1,
                                                   seed=seed),
    "outliers": lambda data, seed: _scaled(data, fault=_in_a_wrong_unit, seed=seed),
    "outliers_clipped": lambda data, seed: _scaled(data, Clipping.of_deviations, fault=_in_a_wrong_unit, seed=seed),
    "label_column": _label_column,
    "duplicates": _duplicates}


def tumours(fault: str, train: int, validation: int, test: int | None = None, *, noise: float = 0.0,
            seed: int = 0) -> DataSet:
    """`breast_cancer` with one of `FAULTS` in training and validation set, inputs as a network gets them."""
    data = breast_cancer(train, validation, test, noise=noise, seed=seed)
    return replace(FAULTS[fault](data, seed), name=f"tumours_{fault}")


PITFALLS: dict[str, Callable[..., DataSet]] = {
    "random_rows": random_rows, "far_apart": far_apart,
    **{f"tumours_{fault}": partial(tumours, fault) for fault in FAULTS}}


def inputs_of(name: str) -> int:
    """Number of inputs of one of `PITFALLS`."""
    return INPUTS if name in ("random_rows", "far_apart") else 30 + (name == "tumours_label_column")
