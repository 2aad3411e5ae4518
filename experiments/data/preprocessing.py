"""Steps between raw columns and a network, each with its statistics from the training set alone.

The common mistake is to compute means, medians or quantiles over all data and to split afterwards: the test set has then
told the training set something. Here a step is made from training inputs, `Step.of(train_x)`, and knows nothing else;
`prepared(data, Step.of, ...)` does it for all parts of a data set. Statistics are float64; the dtype of inputs is kept.
"""
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from .checks import numbers_of
from .sets import DataSet

NORMAL_MAD = 1.4826  # of a normal distribution, standard deviation / median absolute deviation
STRATEGIES = ("mean", "median", "most_frequent")


class Step(Protocol):
    """What `prepared` applies."""

    def apply(self, x: Any) -> np.ndarray:
        """Inputs (N, D) to inputs of the same shape and dtype."""
        ...


@dataclass(frozen=True)
class Standardisation:
    """Columns to mean 0 and standard deviation 1, as measured on training inputs.

    Attributes
    ----------
    mean, scale : ndarray of float64, shape (D,)
        What is subtracted, and what the difference is divided by.
    constant : ndarray of bool, shape (D,)
        Columns with a single value in training. Their scale is 1: they become 0 there, and where another part differs, its
        difference stays in the units of the column.
    """

    mean: np.ndarray
    scale: np.ndarray
    constant: np.ndarray

    @classmethod
    def of(cls, x: Any) -> "Standardisation":
        """Measure training inputs (N, D), finite; the standard deviation is that of the N rows themselves (divided by N)."""
        values = _table("x", x, missing=False)
        # Not std == 0: the mean of equal numbers may differ from them by rounding, and so would get a scale of 1e-17.
        constant = values.max(axis=0) == values.min(axis=0)  # (D,)
        unit = _unit(values)  # (D,)
        mean = np.where(constant, values[0], (values / unit).mean(axis=0) * unit)  # (D,)
        scale = (values / unit).std(axis=0) * unit
        return cls(mean, np.where(constant, 1.0, np.maximum(scale, np.nextafter(0.0, 1.0))), constant)

    def apply(self, x: Any) -> np.ndarray:
        """Inputs (N, D), finite, of any part; ValueError where a result is not: too far out, in units of a tiny scale."""
        table = _table("x", x, len(self.mean), missing=False)
        with np.errstate(over="ignore"):
            result = _as_dtype_of(x, (table - self.mean) / self.scale)
        if not np.isfinite(result).all():
            row, column = np.argwhere(~np.isfinite(result))[0].tolist()
            raise ValueError(f"x[{row}, {column}]: got {table[row, column]}, accepted: values near {self.mean[column]:g}, "
                             f"in units of the scale of their column in training, {self.scale[column]:g}")
        return result


@dataclass(frozen=True)
class Imputation:
    """Missing values (NaN) replaced by a statistic of the training column.

    Attributes
    ----------
    values : ndarray of float64, shape (D,)
        What is filled in.
    """

    values: np.ndarray

    @classmethod
    def of(cls, x: Any, strategy: str = "mean") -> "Imputation":
        """Measure training inputs (N, D), where NaN is missing.

        Parameters
        ----------
        x : array (N, D)
        strategy : {"mean", "median", "most_frequent"}
            The last takes the smallest of several equally frequent values: use it for codes of categories.

        Raises
        ------
        ValueError
            When a column has no value at all in training, `strategy` is unknown, or `x` is infinite or of a wrong shape.
        """
        if strategy not in STRATEGIES:
            raise ValueError(f"strategy: got {strategy!r}, accepted: {', '.join(map(repr, STRATEGIES))}")
        table = _table("x", x)
        _refuse_empty_columns(table)
        if strategy == "most_frequent":
            return cls(np.array([_most_frequent(column[~np.isnan(column)]) for column in table.T]))
        return cls((np.nanmean if strategy == "mean" else np.nanmedian)(table, axis=0))

    def apply(self, x: Any) -> np.ndarray:
        """Inputs (N, D) of any part; no NaN is left."""
        table = _table("x", x, len(self.values))
        return _as_dtype_of(x, np.where(np.isnan(table), self.values, table))


@dataclass(frozen=True)
class Clipping:
    """Values beyond bounds, measured on training inputs, moved to the bounds; NaN stays NaN.

    Attributes
    ----------
    low, high : ndarray of float64, shape (D,)
        Bounds; infinite where a column is not clipped.
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of_quantiles(cls, x: Any, low: float = 0.01, high: float = 0.99) -> "Clipping":
        """Bounds at two quantiles of each training column, 0 <= low < high <= 1.

        Of N samples about N (1 - high) are moved in each column even if nothing is wrong with them.
        """
        if not 0 <= low < high <= 1:
            raise ValueError(f"low and high: got {low!r} and {high!r}, accepted: 0 <= low < high <= 1")
        table = _table("x", x)
        _refuse_empty_columns(table)
        return cls(*np.nanquantile(table, (low, high), axis=0))

    @classmethod
    def of_deviations(cls, x: Any, k: float = 5.0) -> "Clipping":
        """Bounds at median ± k deviations, each 1.4826 times the median absolute deviation of the training column.

        For a normal distribution this is k standard deviations, but outliers hardly move it. A column of which more than
        half is one value has deviation 0; it is not clipped, or its rarer values, say a code for yes, would be wiped out.
        """
        if not 0 < k < math.inf:
            raise ValueError(f"k: got {k!r}, accepted: a finite number above 0")
        table = _table("x", x)
        _refuse_empty_columns(table)
        median = np.nanmedian(table, axis=0)  # (D,)
        deviation = NORMAL_MAD * np.nanmedian(np.abs(table - median), axis=0)  # (D,)
        reach = np.where(deviation > 0, k * deviation, np.inf)
        return cls(median - reach, median + reach)

    def apply(self, x: Any) -> np.ndarray:
        """Inputs (N, D) of any part."""
        return _as_dtype_of(x, np.clip(_table("x", x, len(self.low)), self.low, self.high))


def prepared(data: DataSet, *makers: Callable[[np.ndarray], Step]) -> DataSet:
    """Apply steps to all parts that have samples, each step made from the training inputs as the steps before left them.

    Parameters
    ----------
    data : DataSet
        Not changed.
    *makers : callable
        Training inputs -> step, such as `Standardisation.of` or `lambda x: Imputation.of(x, "median")`; in this order:
        impute, clip, standardise.

    Returns
    -------
    DataSet
    """
    for maker in makers:
        step = maker(data.train.x)
        parts = {name: getattr(data, name) for name in ("train", "validation", "test")}
        data = replace(data, **{name: replace(part, x=step.apply(part.x)) for name, part in parts.items() if len(part)})
    return data


def _table(name: str, x: Any, columns: Any = None, *, missing: bool = True) -> np.ndarray:
    """Return inputs as float64 (N, D), N and D at least 1, without infinity, and without NaN unless it may be missing."""
    x = numbers_of(name, x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name}: got dtype {x.dtype}, accepted: real numbers")
    if x.ndim != 2 or x.size == 0 or columns not in (None, x.shape[1]):
        raise ValueError(f"{name}: got shape {x.shape}, accepted: (N, {'D' if columns is None else columns}), N at least 1")
    table = x.astype(np.float64)
    bad = np.isinf(table) if missing else ~np.isfinite(table)
    if bad.any():
        row, column = np.argwhere(bad)[0].tolist()
        raise ValueError(f"{name}[{row}, {column}]: got {table[row, column]}, accepted: finite numbers"
                         f"{', or NaN for missing' if missing else ' (impute missing values first)'}")
    return table


def _unit(values: np.ndarray) -> np.ndarray:
    """Return a power of two per column (D,) in whose units squares neither vanish nor overflow; 1 where none do anyway."""
    exponent = np.frexp(np.abs(values).max(axis=0))[1]
    # Division by a power of two is exact, and by 1 for all but a few columns in the world. (2^1024 is infinite.)
    return np.where(np.abs(exponent) > 400, np.ldexp(1.0, np.clip(exponent, -1021, 1023)), 1.0)


def _as_dtype_of(x: Any, result: np.ndarray) -> np.ndarray:
    """Return the result in the float dtype of x, float64 if x has none."""
    dtype = np.asarray(x).dtype
    return result.astype(dtype if dtype.kind == "f" else np.float64, copy=False)


def _refuse_empty_columns(table: np.ndarray) -> None:
    empty = np.flatnonzero(np.isnan(table).all(axis=0))
    if empty.size:
        raise ValueError(f"x: got no value in column {', '.join(map(str, empty))}, accepted: a value in each training "
                         "column")


def _most_frequent(values: np.ndarray) -> Any:
    unique, counts = np.unique(values, return_counts=True)
    return unique[counts.argmax()]
