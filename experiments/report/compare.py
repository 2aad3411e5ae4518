"""Means, standard errors, and which words a measured difference deserves."""
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

BETTER, WORSE, UNCLEAR, UNKNOWN = "better", "worse", "no clear difference", "cannot be judged"
AGREES, DEVIATES = "agrees", "deviates"
CONFIDENCE = 0.95
# Pairs for a verdict. Two leave one degree of freedom: the spread is then known from a single difference, which is small by
# chance often enough (figures are shares of a test set and repeat) to make nothing look clear; and of two seeds both go the
# same way half the time where there is no effect at all.
FEWEST = 3


def mean_and_error(values: Any) -> tuple[float, float]:
    """Mean and standard error over seeds, ignoring NaN.

    Parameters
    ----------
    values : array, shape (seeds,)
        One figure per seed.

    Returns
    -------
    mean, standard_error : float
        NaN where there are no (for the error: fewer than two) finite values.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    mean = float(values.mean()) if len(values) else math.nan
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
    return mean, error


def half_width(error: float, count: int, comparisons: int = 1) -> float:
    """Half the width of the 95 % t interval of a mean of `count` figures with this standard error.

    Infinite below three figures, which tell too little about their own spread. `comparisons`: how many intervals are to hold
    at once with 95 % (Bonferroni).
    """
    from scipy.special import stdtrit  # Student's t quantile

    return error * float(stdtrit(count - 1, 1 - (1 - CONFIDENCE) / 2 / comparisons)) if count >= FEWEST else math.inf


def clearly_above(values: Any, bound: float) -> bool:
    """Whether the mean of some figures lies above a bound with its whole 95 % t interval, NaN left out."""
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    mean, error = mean_and_error(values)
    return len(values) >= FEWEST and mean - half_width(error, len(values)) > bound


def agreement(values: Any, expected: float, tolerance: float, *, comparisons: int = 1) -> str:
    """Whether figures are what theory expects, NaN left out.

    Returns
    -------
    str
        `AGREES` if the whole 95 % t interval of their mean lies within `tolerance` of the expected figure, `DEVIATES` if it
        lies outside, `UNCLEAR` otherwise, `UNKNOWN` of fewer than three. `comparisons` as in `half_width`.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if len(values) < FEWEST:
        return UNKNOWN
    mean, error = mean_and_error(values)
    off, half = abs(mean - expected), half_width(error, len(values), comparisons)
    return AGREES if off + half <= tolerance else DEVIATES if off - half > tolerance else UNCLEAR


@dataclass(frozen=True)
class Difference:
    """A paired difference between two methods over the same seeds.

    Attributes
    ----------
    mean, error : float
        Mean of b - a over the seeds and its standard error.
    verdict : str
        "better", "worse", "no clear difference" or "cannot be judged": what b is, compared with a.
    """

    mean: float
    error: float
    verdict: str


def paired(a: ArrayLike, b: ArrayLike, *, lower_is_better: bool = True, comparisons: int = 1) -> Difference:
    """Compare two methods seed by seed.

    Both methods of a seed share data and initial weights, so their difference varies less than either figure. A
    difference is called clear when the t interval of its mean (95 %, seeds - 1 degrees of freedom) excludes zero:
    with 3 seeds that takes 4.3 standard errors, with 10 seeds 2.3. Fewer than 3 seeds cannot be judged.

    Parameters
    ----------
    a, b : array, shape (seeds,)
        Figures of the two methods; a seed where either is NaN is left out.
    lower_is_better : bool
        Whether a negative b - a is an improvement.
    comparisons : int
        How many differences are looked at together, so that none of all is called clear by chance: see `half_width`.

    Returns
    -------
    Difference
        Mean and standard error of b - a, and the verdict on b.
    """
    return judge(np.asarray(b, dtype=float) - np.asarray(a, dtype=float), lower_is_better=lower_is_better,
                  comparisons=comparisons)


def judge(differences: ArrayLike, *, lower_is_better: bool = True, comparisons: int = 1) -> Difference:
    """The same of differences (seeds,) that are at hand, NaN left out."""
    values = np.asarray(differences, dtype=float)
    values = values[~np.isnan(values)]
    mean, error = mean_and_error(values)
    if len(values) < FEWEST:
        return Difference(mean, error, UNKNOWN)
    if abs(mean) <= half_width(error, len(values), comparisons):
        return Difference(mean, error, UNCLEAR)
    return Difference(mean, error, BETTER if (mean < 0) == lower_is_better else WORSE)
