"""Learning-rate schedules: pass one as `learning_rate=`. They count in epochs, fractions of an epoch included."""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from losses.keywords import explains_arguments

from . import elsewhere
from .checks import real_number


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
    """Return η(e) = η."""
    return Schedule("constant", real_number("learning_rate", learning_rate, low=0, open_low=True))


@explains_arguments(elsewhere.SCHEDULE)
def step(learning_rate: float, every: float, factor: float = 0.1) -> Schedule:
    """Return η(e) = η · factor^⌊e / every⌋: a drop every so many epochs."""
    return Schedule("step", real_number("learning_rate", learning_rate, low=0, open_low=True),
                    (real_number("every", every, low=0, open_low=True), real_number("factor", factor, low=0, open_low=True)))


@explains_arguments(elsewhere.SCHEDULE)
def cosine(learning_rate: float, epochs: float, final: float = 0.0) -> Schedule:
    """Return half a cosine from η down to final · η over `epochs`, then flat (Loshchilov & Hutter, ICLR 2017, eq. 5)."""
    return Schedule("cosine", real_number("learning_rate", learning_rate, low=0, open_low=True),
                    (real_number("epochs", epochs, low=0, open_low=True), real_number("final", final, low=0, high=1)))


@explains_arguments(elsewhere.SCHEDULE)
def inverse_time(learning_rate: float, decay: float) -> Schedule:
    """Return η(e) = η / (1 + decay · e): the 1/t schedule of Robbins & Monro (1951)."""
    return Schedule("inverse_time", real_number("learning_rate", learning_rate, low=0, open_low=True),
                    (real_number("decay", decay, low=0),))
