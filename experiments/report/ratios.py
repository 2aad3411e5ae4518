"""Ratios that are averaged by their logarithms: geometric means with the interval that so few runs leave."""
import math
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
    def of(cls, logarithms: Any, power: float = 1.0) -> "Ratio":
        """Average the logarithms (n,) of some ratios, NaN left out, each of them to a power."""
        values = power * np.asarray(logarithms, dtype=float)
        values = values[~np.isnan(values)]
        mean, error = mean_and_error(values)
        half = half_width(error, len(values))
        with np.errstate(over="ignore"):
            mean, low, high = (float(np.exp(end)) for end in (mean, mean - half, mean + half))
        return cls(mean, low, high)

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.high)

    @property
    def inverse(self) -> "Ratio":
        """What the ratio is the other way round."""
        return Ratio(1 / self.mean, 1 / self.high, 1 / self.low if self.low else math.inf)

    def beside(self, value: float, below: str, within: str, above: str) -> str:
        """Say where the whole interval lies, beside a value."""
        return below if self.high < value else above if self.low > value else within

    @property
    def times(self) -> str:
        """Return "2.3 (1.9 to 2.7)"."""
        return self._text(self.mean, self.low, self.high)

    @property
    def percent(self) -> str:
        """Return by how many percent it exceeds 1: "-3.1 (-5.0 to -1.2)"."""
        return self._text(*(100 * (end - 1) for end in (self.mean, self.low, self.high)))

    def _text(self, mean: float, low: float, high: float) -> str:
        return number(mean, 2) + (f" ({number(low, 2)} to {number(high, 2)})" if self.known else "")
