"""Stop when a metric has reached a given value.

Neither criterion here knows a best check: the one that reaches the target is the one wanted, so the last weights stay.
"""
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from . import states
from .base import Criterion, State, Values
from .checks import finite_number, first_where, metric_name, one_of, whole_number
from .elsewhere import CRITERION
from .keywords import explains_arguments


@explains_arguments(CRITERION)
class Target(Criterion):
    """Stop at a check where one metric has reached a value.

    At or below it counts for ``mode="min"``, at or above for ``mode="max"``.

    Parameters
    ----------
    value : float
        The value to reach.
    monitor : str
        The metric to watch.
    mode : {"min", "max"}
        Whether lower or higher is better. Never guessed: an accuracy needs ``mode="max"``.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    A value that is NaN or infinite reaches nothing. Not to be confused with the `baseline` of `Patience`, which must be
    beaten to go *on*.

    Examples
    --------
    >>> stop = Target(0.5, "train_loss")
    >>> [stop.update(train_loss=loss) for loss in (0.9, 0.5, 0.6)]
    [False, True, False]
    """

    _identity = ("monitor",)

    def __init__(self, value: float, monitor: str, mode: str = "min") -> None:
        self.value = finite_number("value", value)
        self.monitor = metric_name("monitor", monitor)
        self.mode = one_of("mode", mode, ("min", "max"))
        super().__init__(requires=(self.monitor,))

    def _decide(self, values: Values) -> bool:
        value = values[self.monitor]
        return math.isfinite(value) and (value <= self.value if self.mode == "min" else value >= self.value)

    def _quiet(self, columns: Mapping[str, NDArray]) -> int:
        values = columns[self.monitor]
        return first_where(np.isfinite(values) & (values <= self.value if self.mode == "min" else values >= self.value))


@explains_arguments(CRITERION)
class ZeroError(Criterion):
    """Stop once an error has been exactly 0 for `hold` checks in a row.

    By default: at the first check at which the whole training set is classified rightly.

    Parameters
    ----------
    monitor : str
        The error to watch, evaluated with frozen weights (a running average over an epoch reaches 0 later).
    hold : int
        Checks in a row, at least 1. A check with any other value, NaN included, starts the count again.

    Raises
    ------
    ValueError
        On a bad argument.

    Examples
    --------
    >>> stop = ZeroError(hold=2)
    >>> [stop.update(train_error=error) for error in (0.1, 0.0, 0.1, 0.0, 0.0)]
    [False, False, False, False, True]
    """

    _counters = ("held",)
    _identity = ("monitor",)

    def __init__(self, monitor: str = "train_error", hold: int = 1) -> None:
        self.monitor = metric_name("monitor", monitor)
        self.hold = whole_number("hold", hold, least=1)
        super().__init__(requires=(self.monitor,))

    def _begin(self) -> None:
        self.held = 0

    def _check_counters(self, state: State) -> None:
        states.count("held", state["held"], state["step"])

    def _decide(self, values: Values) -> bool:
        self.held = self.held + 1 if values[self.monitor] == 0 else 0
        return self.held >= self.hold

    def _quiet(self, columns: Mapping[str, NDArray]) -> int:
        return first_where(columns[self.monitor] == 0)
