"""Ratios that are averaged by their logarithms: geometric means with the interval that so few runs leave."""
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .compare import half_width, mean_and_error
from .tables import number


@dataclass(frozen=True)
class Ratio:
    """A geometric mean and its 95 % t interval, (0, inf) where there are too few values.

    Attributes
    ----------
    mean, low, high : float
    """

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, logarithms: Any, power: float = 1.0, comparisons: int = 1) -> "Ratio":
        """Average the logarithms (n,) of some ratios, NaN left out, each to a power; `comparisons` as in `half_width`."""
        values = power * np.asarray(logarithms, dtype=float)
        values = values[~np.isnan(values)]
        mean, error = mean_and_error(values)
        half = half_width(error, len(values), comparisons)
        with np.errstate(over="ignore"):
            mean, low, high = (float(np.exp(end)) for end in (mean, mean - half, mean + half))
        return cls(mean, low, high)

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.high)

    def beside(self, value: float, below: str, within: str, above: str) -> str:
        """Say where the whole interval lies, beside a value."""
        return below if self.high < value else above if self.low > value else within

    @property
    def times(self) -> str:
        """Return "2.3 (1.9 to 2.7)"."""
        return _with_interval((self.mean, self.low, self.high))

    @property
    def percent(self) -> str:
        """Return by how many percent it exceeds 1: "-3.1 (-5.0 to -1.2)"."""
        return _with_interval([100 * (end - 1) for end in (self.mean, self.low, self.high)])

    @property
    def change(self) -> str:
        """Return the same with its unit, for sentences: "-3.1 % (-5.0 to -1.2)"."""
        return _with_interval([100 * (end - 1) for end in (self.mean, self.low, self.high)], " %")


def _with_interval(ends: Sequence[float], unit: str = "") -> str:
    mean, low, high = (number(end, 2) for end in ends)
    return f"{mean}{unit}" + (f" ({low} to {high})" if math.isfinite(ends[2]) else "")
