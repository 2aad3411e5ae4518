"""Criteria that end a run which has gone wrong or has cost enough. They know no best check."""
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .base import Criterion, Values
from .checks import finite_number, first_where, metric_name
from .elsewhere import CRITERION, TIME
from .keywords import explains_arguments


@explains_arguments(CRITERION)
class Divergence(Criterion):
    """Stop when a metric is NaN or infinite, or above `threshold`.

    Parameters
    ----------
    threshold : float, optional
        The largest value that is still fine; None: any finite one.
    monitor : str
        The metric to watch.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    The one criterion for which NaN is a reason to stop. Others treat it as no improvement: combine them, as in
    ``Patience(10) | Divergence(monitor="val_loss")``. Then the best of Patience is that of before.

    Examples
    --------
    >>> stop = Divergence(10)
    >>> [stop.update(train_loss=loss) for loss in (1.0, 10.0, 11.0, float("nan"))]
    [False, False, True, True]
    """

    _identity = ("monitor",)

    def __init__(self, threshold: float | None = None, monitor: str = "train_loss") -> None:
        self.threshold = None if threshold is None else finite_number("threshold", threshold)
        self.monitor = metric_name("monitor", monitor)
        super().__init__(requires=(self.monitor,))

    def _decide(self, values: Values) -> bool:
        value = values[self.monitor]
        return not math.isfinite(value) or (self.threshold is not None and value > self.threshold)

    def _quiet(self, columns: Mapping[str, NDArray]) -> int:
        values = columns[self.monitor]
        return first_where(~np.isfinite(values) | (values > (math.inf if self.threshold is None else self.threshold)))


@explains_arguments(TIME)
class TimeBudget(Criterion):
    """Stop when the run has taken `seconds`.

    It has no clock of its own: the elapsed time is a metric like the others. So a recorded run can be replayed, a slower
    machine simulated, and a resumed run may count its time from wherever it likes.

    Parameters
    ----------
    seconds : float
        Above 0.
    monitor : str
        Seconds since the start of the run.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    Asked at checks only: the run takes longer than the budget by up to the time between two checks.

    Examples
    --------
    >>> stop = TimeBudget(60)
    >>> [stop.update(seconds=elapsed) for elapsed in (29.1, 58.9, 88.5)]
    [False, False, True]
    """

    _identity = ("monitor",)

    def __init__(self, seconds: float, *, monitor: str = "seconds") -> None:
        self.seconds = finite_number("seconds", seconds, above=0)
        self.monitor = metric_name("monitor", monitor)
        super().__init__(requires=(self.monitor,))

    def _decide(self, values: Values) -> bool:
        return values[self.monitor] >= self.seconds
