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

    The interval is that of two independent binomial counts out of n. Both checks are of the same samples, most of which
    are right or wrong at both: the paired interval, for which one would need every prediction, is nearly always narrower. So
    what is more than this interval is no noise, and what is less may still be none.
    """
    error = log["val_error"]
    known = error[np.isfinite(error)]
    percent = 100 if len(known) and known.max() > 1.001 else 1
    samples = samples_at_least(known / percent)
    if samples is None or not np.isfinite(error[[best, end]]).all():
        return None
    before, after = float(error[best]) / percent, float(error[end]) / percent
    half = NORMAL_95 * math.sqrt(max(0.0, before * (1 - before) + after * (1 - after)) / samples)
    return Change(samples, percent * before, percent * after, percent * half)


def samples_at_least(errors: NDArray) -> int | None:
    """Return a lower bound on the size of a validation set: errors are multiples of 1/n, so that no two are nearer than it.

    None where fewer than two differ. It is one only about where errors were rounded when they were written, and none where
    they are means over batches of unequal sizes, which are finer.
    """
    gaps = np.diff(np.unique(np.round(errors, 9)))  # (distinct - 1,)
    gaps = gaps[gaps > 1e-7]  # float32 writes 0.6 as 0.60000002
    return max(1, round(1 / float(gaps.min()))) if len(gaps) else None


def within_scatter(values: NDArray, best: int, end: int) -> bool:
    """Return whether a curve went from `best` to `end` by no more than twice its usual step from check to check."""
    known = values[np.isfinite(values)]
    return len(known) >= ENOUGH and abs(float(values[end] - values[best])) <= 2 * _usual_step(known)


def flat_at_the_end(values: NDArray) -> bool:
    """Return whether the last quarter of a curve brought no more than twice its usual step from check to check."""
    known = values[np.isfinite(values)]
    late = len(known) - len(known) // 4
    return len(known) >= ENOUGH and float(known[:late].min() - known.min()) <= 2 * _usual_step(known)


def _usual_step(known: NDArray) -> float:
    return float(np.median(np.abs(np.diff(known[len(known) // 2:]))))


def over_runs(differences: Sequence[float]) -> dict[str, Any]:
    """Return mean and half of a 95 % interval (Student's) of a difference in each run, and whether it leaves out 0."""
    mean = float(np.mean(differences))
    freedom = len(differences) - 1
    quantile = STUDENT_95[freedom - 1] if freedom <= len(STUDENT_95) else NORMAL_95 + 2.372 / freedom  # to 0.004
    half = quantile * float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
    return {"runs": len(differences), "mean": mean, "half": half, "more than chance": abs(mean) > half}
