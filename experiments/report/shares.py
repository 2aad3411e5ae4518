"""Shares of runs in which something happened, with the interval that so few runs leave."""
from dataclasses import dataclass
from typing import Any

import numpy as np

from .compare import CONFIDENCE
from .tables import number


@dataclass(frozen=True)
class Share:
    """How many of some runs.

    Attributes
    ----------
    hits, runs : int
    comparisons : int
        Of so many the intervals hold together (Bonferroni).
    """

    hits: int
    runs: int
    comparisons: int = 1

    @classmethod
    def of(cls, happened: Any, *, comparisons: int = 1) -> "Share":
        """Count booleans (runs,)."""
        happened = np.asarray(happened, dtype=bool)
        return cls(int(happened.sum()), len(happened), comparisons)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of Clopper and Pearson (Biometrika, 1934): never too short, whatever the true share."""
        from scipy.special import betaincinv

        tail, missed = (1 - CONFIDENCE) / 2 / self.comparisons, self.runs - self.hits
        low = float(betaincinv(self.hits, missed + 1, tail)) if self.hits else 0.0
        high = float(betaincinv(self.hits + 1, missed, 1 - tail)) if missed else 1.0
        return low, high

    @property
    def mostly(self) -> bool:
        """Whether it happens more often than not, with its whole interval."""
        return self.interval[0] > 0.5

    @property
    def seldom(self) -> bool:
        """Whether it happens less often than not, with its whole interval."""
        return self.interval[1] < 0.5

    def __str__(self) -> str:
        low, high = (number(100 * end, 2) for end in self.interval)
        return f"{self.hits} of {self.runs} ({low} to {high} %)"
