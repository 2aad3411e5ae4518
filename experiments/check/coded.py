"""A table as small whole numbers: equal values of a column have equal codes, and a missing value has a code of its own."""
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data.tables.problem import CATEGORY, Problem

FEW = 20  # distinct values up to which numbers are taken for names of something
HALF_RANGE = 0.7413  # of a normal distribution, standard deviation / quartile range


def place_and_scale(values: np.ndarray) -> tuple[float, float]:
    """Median of the finite values (N,), and their deviation as the quartiles have it, which outliers do not move.

    Of a column of which half is one value the deviation is the range. 0 where nothing varies.
    """
    seen = values[np.isfinite(values)]
    if len(seen) < 2:
        return 0.0, 0.0
    low, middle, high = np.quantile(seen / 4, (0.25, 0.5, 0.75)).tolist()  # a quarter: differences must not overflow
    return 4 * middle, 4 * (HALF_RANGE * (high - low) or float(np.ptp(seen / 4)))


@dataclass(frozen=True)
class Coded:
    """Codes of all values of a table.

    Attributes
    ----------
    codes : ndarray of int32, shape (D, N)
        Of numbers in their order, missing last.
    distinct : ndarray of int64, shape (D,)
        How many codes a column has.
    ordered : ndarray of bool, shape (D,)
        Whether neighbouring codes are neighbouring values: numbers and dates.
    """

    codes: np.ndarray
    distinct: np.ndarray
    ordered: np.ndarray

    @classmethod
    def of(cls, problem: Problem) -> "Coded":
        """Code the columns of a problem."""
        codes = np.empty((len(problem.columns), len(problem)), dtype=np.int32)  # (D, N)
        distinct = np.empty(len(codes), dtype=np.int64)
        for place, column in enumerate(problem.columns):
            values = column.values
            if column.kind == CATEGORY:
                values = np.where(column.missing, np.iinfo(np.int64).max, values)
            found, inverse = np.unique(values, return_inverse=True)  # one NaN for all
            codes[place], distinct[place] = inverse.reshape(-1), len(found)
        return cls(codes, distinct, np.array([column.kind != CATEGORY for column in problem.columns], dtype=bool))

    @cached_property
    def many(self) -> np.ndarray:
        """Columns of real numbers, as far as one can see, bool (D,): ordered and with more than a few values."""
        return self.ordered & (self.distinct > FEW)

    @cached_property
    def hashes(self) -> np.ndarray:
        """One number per row, uint64 (N,), the sum of those of its values: equal rows, equal numbers."""
        total = np.zeros(self.codes.shape[1], dtype=np.uint64)
        for place in range(len(self.codes)):
            total += self.hash_of(place, slice(None))
        return total

    def hash_of(self, place: int, rows: np.ndarray | slice, step: int = 0) -> np.ndarray:
        """Numbers of the values of some rows of one column, or of the values so many steps above them."""
        # SplitMix64 (Steele, Lea and Flood 2014): neighbouring codes to unrelated numbers. Two unequal rows among 100 000
        # get the same number once in 10^9 tables; sums of unsigned numbers wrap as they should.
        x = (self.codes[place, rows].astype(np.int64) + (step + (place + 1 << 33))).astype(np.uint64)
        x *= np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
