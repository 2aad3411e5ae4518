"""Is a difference between two checks more than chance? By the size of the validation set, the curve, or several runs."""
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .logs import Log

NORMAL_95 = 1.959964  # two-sided, as are Student's below, for 1, 2, ... degrees of freedom
STUDENT_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
              2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)
ENOUGH = 12  # checks, for a curve to show its scatter


class Change(NamedTuple):
    """What the validation error did from one check to another, with half of a 95 % interval as if both were independent."""

    samples: int
    best: float
    end: float
    half: float

    @property
    def is_noise(self) -> bool:
        """Whether chance explains it."""
        return abs(self.end - self.best) <= self.half


def change(log: Log, best: int, end: int) -> Change | None:
    """Return what val_error did from check `best` to `end`; None where nothing bounds the number of samples.

    The interval is that of two independent binomial counts out of n, with one right and one wrong answer added to each
    (Agresti and Caffo, The American Statistician 54, 2000, 280-288): without them it would be too narrow near 0 errors, and
    nothing where there are none. Both checks are of the same samples, most of which are right or wrong at both: the paired
    interval, for which one would need every prediction, is nearly always narrower. So what is more than this interval is no
    noise, and what is less may still be none.
    """
    error = log["val_error"]
    known = error[np.isfinite(error)]
    percent = 100 if len(known) and known.max() > 1.001 else 1
    samples = samples_at_least(known / percent)
    if samples is None or not np.isfinite(error[[best, end]]).all():
        return None
    before, after = float(error[best]) / percent, float(error[end]) / percent
    # The two added answers shrink the difference by n / (n + 2); scaled back, the interval stands around the one observed.
    of_one = [(samples * share + 1) / (samples + 2) for share in (before, after)]
    half = NORMAL_95 * math.sqrt(sum(share * (1 - share) for share in of_one) * (samples + 2)) / samples
    return Change(samples, percent * before, percent * after, percent * half)


def samples_at_least(errors: NDArray) -> int | None:
    """Return a lower bound on the size of a validation set: the least n with all errors multiples of 1/n, as written.

    None where fewer than two differ, or two are nearer to each other than 1e-6. Means over batches of unequal sizes are
    multiples of nothing: of them it is no bound.
    """
    values = np.unique(np.round(errors, 7))  # (distinct,); float32 writes 0.6 as 0.60000002
    gaps = np.diff(values)
    if not len(gaps) or gaps.min() < 1e-6:
        return None
    digits = next(d for d in range(8) if np.abs(np.round(values, d) - values).max() < 5e-8)
    off = 0.5 * 10.0**-digits + 1e-7  # from what was rounded to that many digits when it was written
    least = max(1, math.floor(1 / (float(gaps.min()) + 2 * off)))  # multiples of 1/n are no nearer to each other than that
    sizes = np.arange(least, min(10 * least, math.ceil(0.5 / off)) + 1)  # beyond the latter all would fit
    for value in values:
        sizes = sizes[np.abs(np.round(value * sizes) / sizes - value) <= off]
    return int(sizes[0]) if len(sizes) else least


def within_scatter(values: NDArray, best: int, end: int) -> bool:
    """Return whether a curve that only scatters about a level would end as far above its lowest check.

    The lowest of C independent normal values lies about ``sqrt(2 log C)`` standard deviations below their mean, and the last
    is with 95 % less than 1.64 above it.
    """
    known = values[np.isfinite(values)]
    if len(known) < ENOUGH:
        return False
    apart = math.sqrt(2 * math.log(len(known))) + 1.645
    return float(values[end] - values[best]) <= apart * _scatter(known)


def flat_at_the_end(values: NDArray) -> bool:
    """Return whether the last quarter of a curve brought no more than twice its usual step from check to check."""
    known = values[np.isfinite(values)]
    late = len(known) - len(known) // 4
    return len(known) >= ENOUGH and float(known[:late].min() - known.min()) <= 2 * _usual_step(known)


def _usual_step(known: NDArray) -> float:
    return float(np.median(np.abs(np.diff(known[len(known) // 2:]))))


def _scatter(known: NDArray) -> float:
    """Return the standard deviation about a smooth curve, by the second differences, to which its slope adds nothing.

    Of independent normal values their standard deviation is sqrt(6) times that, and their median size 0.6745 of theirs.
    """
    return float(np.median(np.abs(np.diff(known[len(known) // 2:], 2)))) / (0.6745 * math.sqrt(6))


def over_runs(differences: Sequence[float]) -> dict[str, Any]:
    """Return mean and half of a 95 % interval (Student's) of a difference in each run, and whether it leaves out 0."""
    mean = float(np.mean(differences))
    freedom = len(differences) - 1
    quantile = STUDENT_95[freedom - 1] if freedom <= len(STUDENT_95) else NORMAL_95 + 2.372 / freedom  # to 0.004
    half = quantile * float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
    return {"runs": len(differences), "mean": mean, "half": half, "more than chance": abs(mean) > half}
