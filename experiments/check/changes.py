"""Whether a difference between two models of the same divisions is one, and whether it matters."""
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..report.compare import BETTER, FEWEST, UNKNOWN, WORSE, half_width

SAME, TOO_FEW = "the same", "too few rows to tell"


@dataclass(frozen=True)
class Change:
    """What became of a figure, lower being better.

    Attributes
    ----------
    before, after, mean, half : float
        Means over the divisions, the mean difference, and half the width of its interval.
    verdict : str
        "better" or "worse": the interval leaves out zero, and reaches beyond what matters; "the same": it lies within what
        matters; "too few rows to tell": neither; "cannot be judged": fewer than three divisions.
    count : int
        Divisions.
    """

    before: float
    after: float
    mean: float
    half: float
    verdict: str
    count: int


def change(before: ArrayLike, after: ArrayLike, *, matters: float, ratio: float, comparisons: int = 1,
           sampling: float = 0.0, least: float = 0.0) -> Change:
    """Compare two models division by division.

    Divisions share rows, so their differences vary less than those of new tables would: the variance of the mean is
    s² (1/J + n_test/n_train), not s²/J (Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 2003).

    Parameters
    ----------
    before, after : array (divisions,)
        NaN where a division has no such model.
    matters : float
        A difference below it makes no difference.
    ratio : float
        n_test / n_train; 0 where all divisions are tested on the same rows.
    comparisons : int
        Intervals that are to hold at once with 95 % (Bonferroni).
    sampling : float
        Variance that the choice of the test rows adds, where they are the same in all divisions.
    least : float
        Half the width at least, however alike the divisions are.
    """
    pairs = np.array([before, after], dtype=float)  # (2, divisions)
    a, b = pairs[:, ~np.isnan(pairs).any(axis=0)]
    count = len(a)
    if not count:
        return Change(math.nan, math.nan, math.nan, math.inf, UNKNOWN, 0)
    difference = b - a
    mean = float(difference.mean())
    means = float(a.mean()), float(b.mean())
    if count < FEWEST:
        return Change(*means, mean, math.inf, UNKNOWN, count)
    half = max(least, half_width(math.sqrt(float(difference.var(ddof=1)) * (1 / count + ratio) + sampling), count,
                                 comparisons))
    if abs(mean) + half <= matters:
        verdict = SAME
    elif abs(mean) > half:
        verdict = BETTER if mean < 0 else WORSE
    else:
        verdict = TOO_FEW
    return Change(*means, mean, half, verdict, count)
