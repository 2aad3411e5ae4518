"""Does a curve descend a second time? A statistic of curves over seeds, without judgement by eye.

A second descent has three turning points: a minimum, a later maximum, a later minimum. Those that make the smaller one of
rise and fall largest would be found in noise too. So each seed is measured at the turning points of the other seeds' mean
curve: where there is nothing but noise, its rise and fall are zero in the mean.
"""
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .compare import FEWEST, half_width, mean_and_error

WIDTH = 5  # checks of the running median
SMALLEST = 0.01  # share of the value at the peak that a rise or fall must exceed to be one
NOISES = 2.0  # standard deviations that rise and fall of one seed must exceed to count


class Turns(NamedTuple):
    """Places of the three turning points in a curve."""

    first: int
    peak: int
    last: int


def smoothed(curves: np.ndarray) -> np.ndarray:
    """Return the running median over `WIDTH` checks of curves (..., checks); at the ends over those that there are."""
    half, checks = WIDTH // 2, curves.shape[-1]
    return np.stack([np.median(curves[..., max(0, i - half):i + half + 1], axis=-1) for i in range(checks)], axis=-1)


def turns(curve: np.ndarray, begin: int) -> Turns | None:
    """Return the turning points of a curve (checks,) with the largest min(rise, fall), its peak not before `begin`.

    None where no rise is followed by a fall.
    """
    before = np.minimum.accumulate(curve)
    after = np.minimum.accumulate(curve[::-1])[::-1]
    size = np.minimum(curve - before, curve - after)  # (checks,)
    size[:begin] = 0
    peak = int(size.argmax())
    if size[peak] <= 0:
        return None
    return Turns(int(curve[:peak].argmin()), peak, peak + int(curve[peak:].argmin()))


@dataclass(frozen=True)
class Descent:
    """Whether some runs, one per seed, descend a second time.

    Attributes
    ----------
    rises, falls : array (seeds,)
        Of each seed, at the turning points of the others, as shares of the value at the peak; 0 where they have none.
    seen : array (seeds,) of bool
        Whether a seed's own rise and fall, at its own turning points, exceed `SMALLEST` and `NOISES` times its own noise.
    turns : Turns or None
        Of the mean curve of all seeds.
    """

    rises: np.ndarray
    falls: np.ndarray
    seen: np.ndarray
    turns: Turns | None

    def there(self, comparisons: int = 1) -> bool | None:
        """Whether rise and fall lie above `SMALLEST` with their whole 95 % t intervals; None with too few seeds to tell.

        `comparisons`: how many such answers are to hold at once (Bonferroni).
        """
        if np.isfinite(self.falls).sum() < FEWEST:
            return None
        return all(_clear(values, comparisons) for values in (self.rises, self.falls))


def second_descent(epochs: np.ndarray, curves: np.ndarray, zero: np.ndarray) -> Descent:
    """Look for a second descent after zero training error.

    Parameters
    ----------
    epochs : array (checks,)
    curves : array (seeds, checks)
        Test losses.
    zero : array (seeds,)
        Epochs of zero training error, NaN where there was none; the peak is looked for when all that have one are past it.
        Without any nothing can be told: all figures are NaN.
    """
    seeds, smooth = len(curves), smoothed(curves)
    if np.isnan(zero).all():
        nothing = np.full(seeds, np.nan)
        return Descent(nothing, nothing, np.zeros(seeds, dtype=bool), None)
    begin = int(np.searchsorted(epochs, np.nanmax(zero)))
    pairs, seen = [], []
    for seed, curve in enumerate(smooth):
        others = np.delete(smooth, seed, axis=0)
        pairs.append(_sizes(curve, turns(others.mean(axis=0), begin)) if len(others) else (np.nan, np.nan))
        own, at = curves[seed] - curve, turns(curve, begin)
        # Until then the curve is steep, so that the median leaves more than noise.
        noise = 1.4826 * float(np.median(np.abs(own[begin:]))) if begin < len(own) else 0.0
        seen.append(at is not None and min(_sizes(curve, at)) > max(SMALLEST, NOISES * noise / curve[at.peak]))
    rises, falls = np.array(pairs).T
    return Descent(rises, falls, np.array(seen), turns(smooth.mean(axis=0), begin))


def _sizes(curve: np.ndarray, at: Turns | None) -> tuple[float, float]:
    """Rise and fall of a curve at turning points, as shares of its value at the peak."""
    if at is None:
        return 0.0, 0.0
    first, peak, last = curve[list(at)]
    return float((peak - first) / peak), float((peak - last) / peak)


def _clear(values: np.ndarray, comparisons: int) -> bool:
    mean, error = mean_and_error(values)
    return mean - half_width(error, int(np.isfinite(values).sum()), comparisons) > SMALLEST
