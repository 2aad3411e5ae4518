"""Learning-rate schedules: pass one as `learning_rate=`, or any function of your own, epoch (float) -> rate.

They count in epochs, fractions of an epoch included: update u, counted from 0, of B per epoch is at epoch u / B. Each states
its own horizon and none asks how long training is going to be, so that a run can be trained on.
"""
from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from losses.keywords import explains_arguments

from . import elsewhere
from .checks import choose, integer, learning_rate, real_number


@dataclass(frozen=True)
class Schedule:
    """A learning rate as a function of the epoch; make one with the functions below."""

    kind: str
    learning_rate: float
    numbers: tuple = ()

    def __call__(self, epoch: Any) -> Any:
        """Return the learning rates at these epochs (array of floats, 0 at the start)."""
        epoch = np.asarray(epoch, np.float64)
        return self.learning_rate * _SHAPES[self.kind](epoch, *self.numbers)

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(map(repr, (self.learning_rate, *self.numbers)))})"


_SHAPES: dict[str, Callable] = {
    "constant": np.ones_like,
    "step": lambda epoch, every, factor: factor ** np.floor(epoch / every + 1e-9),  # 0.3 / 0.1 < 3
    "cosine": lambda epoch, epochs, final: final + (1 - final) * (1 + np.cos(np.pi * np.minimum(epoch / epochs, 1))) / 2,
    "inverse_time": lambda epoch, decay: 1 / (1 + decay * epoch),
}


@explains_arguments(elsewhere.SCHEDULE)
def constant(learning_rate: float) -> Schedule:
    """Return η(e) = η.

    Parameters
    ----------
    learning_rate : float > 0

    Returns
    -------
    Schedule
        A function of the epoch (float, or array of floats).

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    """
    return Schedule("constant", real_number("learning_rate", learning_rate, low=0, open_low=True))


@explains_arguments(elsewhere.SCHEDULE)
def step(learning_rate: float, every: float, factor: float = 0.1) -> Schedule:
    """Return η(e) = η · factor^⌊e / every⌋: a drop every so many epochs.

    Parameters
    ----------
    learning_rate : float > 0
        η, that of the first epochs.
    every : float > 0
        Epochs.
    factor : float > 0

    Returns
    -------
    Schedule
        A function of the epoch (float, or array of floats).

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    """
    return Schedule("step", real_number("learning_rate", learning_rate, low=0, open_low=True),
                    (real_number("every", every, low=0, open_low=True), real_number("factor", factor, low=0, open_low=True)))


@explains_arguments(elsewhere.SCHEDULE)
def cosine(learning_rate: float, epochs: float, final: float = 0.0) -> Schedule:
    """Return half a cosine from η down to final · η over `epochs`, then flat (Loshchilov & Hutter, ICLR 2017, eq. 5).

    Parameters
    ----------
    learning_rate : float > 0
    epochs : float > 0
    final : float from 0 to 1
        A share of the learning rate.

    Returns
    -------
    Schedule
        A function of the epoch (float, or array of floats).

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    """
    return Schedule("cosine", real_number("learning_rate", learning_rate, low=0, open_low=True),
                    (real_number("epochs", epochs, low=0, open_low=True), real_number("final", final, low=0, high=1)))


@explains_arguments(elsewhere.SCHEDULE)
def inverse_time(learning_rate: float, decay: float) -> Schedule:
    """Return η(e) = η / (1 + decay · e): the 1/t schedule of Robbins & Monro (1951).

    Parameters
    ----------
    learning_rate : float > 0
    decay : float >= 0
        Per epoch.

    Returns
    -------
    Schedule
        A function of the epoch (float, or array of floats).

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    """
    return Schedule("inverse_time", real_number("learning_rate", learning_rate, low=0, open_low=True),
                    (real_number("decay", decay, low=0),))


def rates_at(schedule: Any, epochs: Any) -> Any:
    """Return the rates of a number, a schedule or a function of the epoch, at epochs (array): an array of the same shape.

    A function is called with one float after the other.

    Raises
    ------
    TypeError, ValueError
        Where a function returns something else than a finite number >= 0.

    """
    if isinstance(schedule, numbers.Real):
        schedule = constant(float(schedule))
    if isinstance(schedule, OWN):
        return schedule(epochs)
    epochs = np.asarray(epochs, np.float64)
    return np.array([_rate(schedule, epoch) for epoch in epochs.ravel().tolist()], np.float64).reshape(epochs.shape)


def _rate(function: Any, epoch: float) -> float:
    rate = function(epoch)
    rate = rate[()] if isinstance(rate, np.ndarray) and rate.ndim == 0 else rate
    name = getattr(function, "__qualname__", function)
    message = (f"learning_rate: got {rate!r} from {name} at epoch {epoch:g}, accepted: a finite number >= 0")
    if isinstance(rate, (bool, np.bool_)) or not isinstance(rate, numbers.Real):
        raise TypeError(message)
    if not 0 <= float(rate) < np.inf:
        raise ValueError(message)
    return float(rate)


@dataclass(frozen=True)
class Warmup(Schedule):
    """A schedule whose first epochs rise from 0; `warmup` makes one."""

    schedule: Any = None

    def __call__(self, epoch: Any) -> Any:
        """Return the learning rates at these epochs (array of floats, 0 at the start)."""
        epoch = np.asarray(epoch, np.float64)
        return rates_at(self.schedule, epoch) * np.minimum(epoch / self.numbers[0], 1)

    def __repr__(self) -> str:
        return f"warmup({self.schedule!r}, {self.numbers[0]!r})"


@explains_arguments(elsewhere.SCHEDULE)
def warmup(schedule: Any, epochs: float) -> Schedule:
    """Return η(e) = schedule(e) · min(e / epochs, 1): a linear rise from 0 over the first epochs.

    The schedule's own clock starts with training, not after the rise: from `epochs` on, the rate is the schedule's. The very
    first update, at epoch 0, has rate 0, as everywhere where a rate is a function of the epoch alone; it moves an
    optimizer's state but no parameter. (Goyal et al. 2017, arXiv 1706.02677, section 2.2.)

    Parameters
    ----------
    schedule : float > 0, a schedule, or a function of the epoch
        For a rate that falls on a plateau as well: ``ReduceOnPlateau(warmup(rate, epochs))``.
    epochs : float > 0

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    """
    if isinstance(schedule, ReduceOnPlateau):
        raise TypeError(f"schedule: got {schedule!r}, accepted: a number, a schedule or a function of the epoch; the "
                        "other way round, ReduceOnPlateau(warmup(rate, epochs)), both act")
    learning_rate("schedule", schedule, OWN)
    return Warmup("warmup", 1.0, (real_number("epochs", epochs, low=0, open_low=True),), schedule)


@explains_arguments(elsewhere.SCHEDULE)
@dataclass(frozen=True)
class ReduceOnPlateau:
    """A rate that is multiplied by `factor` whenever `patience` checks in a row brought no improvement of a metric.

    After a reduction it takes another `patience` such checks to the next one. NaN is no improvement, nor is a tie. What it
    has seen belongs to the run, not to this object: it can be used for many runs, the members of a fleet among them, and a
    run that goes on from a checkpoint goes on with what the checks before have made of the rate.

    Parameters
    ----------
    rate : float > 0, a schedule, or a function of the epoch
        What is multiplied.
    monitor : str
        A column of the History; it is measured if it is a metric on request.
    factor : float in (0, 1)
    patience : int >= 1
        Checks, not epochs: see `check_every`.
    mode : {"min", "max"}
        Whether less or more is better.

    Raises
    ------
    TypeError, ValueError : naming the argument, the value received and what is accepted

    """

    rate: Any
    monitor: str = "val_loss"
    factor: float = 0.1
    patience: int = 10
    mode: str = field(default="min", kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.rate, ReduceOnPlateau):
            raise TypeError(f"rate: got {self.rate!r}, accepted: a number, another schedule or a function of the epoch")
        learning_rate("rate", self.rate, OWN)
        if not isinstance(self.monitor, str):
            raise TypeError(f"monitor: got {self.monitor!r}, accepted: the name of a column of the History, such as "
                            "'val_loss'")
        if real_number("factor", self.factor, low=0, high=1, open_low=True) == 1:
            raise ValueError(f"factor: got {self.factor!r}, accepted: a number in (0, 1)")
        integer("patience", self.patience, low=1)
        choose("mode", self.mode, ("min", "max"))

    def __call__(self, epoch: Any) -> Any:
        """Return the rates at these epochs as they are without any reduction."""
        return rates_at(self.rate, epoch)


class Reductions:
    """What a ReduceOnPlateau makes of the checks of one run: a pure function of the record.

    Attributes
    ----------
    scale : float
        What its rate is to be multiplied by now.

    """

    def __init__(self, plateau: ReduceOnPlateau) -> None:
        self._plateau, self.requires = plateau, (plateau.monitor,)
        self._sign = 1.0 if plateau.mode == "min" else -1.0
        self._best, self._waited, self._count = np.inf, 0, 0

    def __repr__(self) -> str:
        return repr(self._plateau)

    @property
    def scale(self) -> float:
        """The factor to the power of the reductions so far."""
        return self._plateau.factor ** self._count

    def see(self, row: Mapping[str, float]) -> None:
        """Take note of a check: a mapping name -> value."""
        value = self._sign * row[self._plateau.monitor]
        self._waited += 1
        if value < self._best:  # never true of NaN
            self._best, self._waited = value, 0
        elif self._waited >= self._plateau.patience:
            self._waited, self._count = 0, self._count + 1


OWN = (Schedule, ReduceOnPlateau)  # what `learning_rate` takes besides numbers and functions
