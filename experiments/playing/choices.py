"""What can be chosen in the page of `play`, and what is accepted of what it sends."""
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

MOST_LAYERS, MOST_UNITS = 4, 128
DATA = {"gaussians": "two Gaussians", "circles": "disc in a ring", "corners": "corners (exclusive or)",
        "sinusoid": "sinusoid", "spiral": "spiral"}
ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}
LOSSES = {"cross_entropy": "cross-entropy", "smoothed": "cross-entropy, smoothed labels", "squared_error": "squared error",
          "hinge": "hinge", "squared_hinge": "squared hinge"}
OPTIMIZERS = {"sgd": "SGD", "momentum": "SGD with momentum 0.9", "adam": "Adam", "adamw": "AdamW",
              "rprop": "RPROP (full batch)"}
BATCHES = {"1": "1: on-line", "8": "8", "32": "32: mini-batch", "full": "all: full batch"}
SPEEDS = {"4": "4 epochs a second", "30": "30 epochs a second", "200": "200 epochs a second", "0": "as fast as it goes"}


class Refused(ValueError):
    """Something that the page sent is not accepted.

    Attributes
    ----------
    name : str
        What it was sent for.
    """

    def __init__(self, name: str, got: Any, accepted: str) -> None:
        super().__init__(f"{name}: got {_shown(got)}, accepted: {accepted}")
        self.name = name


@dataclass(frozen=True)
class Choices:
    """One run: everything that it follows from.

    Attributes
    ----------
    data, samples, noise : str, int, float
        Training samples in all; share of wrong labels in training and validation data (the test set has the true ones).
    hidden : tuple of int
        Units of the hidden layers; none: a linear classifier.
    activation, loss : str
    level : float
        Flood level; 0: none.
    optimizer, rate : str, float
    batch : int or None
        Samples a batch; None: all.
    seed : int
        Of data, first weights and orders.
    """

    data: str = "circles"
    samples: int = 60
    noise: float = 0.1
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    loss: str = "cross_entropy"
    level: float = 0.0
    optimizer: str = "adam"
    rate: float = 0.01
    batch: int | None = 32
    seed: int = 0

    def as_sent(self) -> dict[str, str]:
        """Return them as the page sends them: name -> text."""
        texts = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in asdict(self).items()}
        return texts | {"hidden": "-".join(map(str, self.hidden)), "batch": str(self.batch or "full")}


def _shown(got: Any) -> str:
    text = repr(got)
    return text if len(text) <= 60 else f"{text[:57]}..."


def one_of(known: Mapping[str, str]) -> Callable[[str, Any], str]:
    """Return a reader of names."""
    def read(name: str, got: Any) -> str:
        if not isinstance(got, str) or got not in known:
            raise Refused(name, got, ", ".join(known))
        return got
    return read


def whole(low: int, high: int, step: int = 1) -> Callable[[str, Any], int]:
    """Return a reader of whole numbers."""
    def read(name: str, got: Any) -> int:
        if not isinstance(got, str) or not re.fullmatch(r"-?[0-9]{1,12}", got) or not low <= int(got) <= high or (
                int(got) % step):
            raise Refused(name, got, f"{'a whole' if step == 1 else 'an even'} number from {low} to {high}")
        return int(got)
    return read


def real(low: float, high: float) -> Callable[[str, Any], float]:
    """Return a reader of numbers."""
    def read(name: str, got: Any) -> float:
        try:
            number = float(got) if isinstance(got, str) and len(got) <= 30 else math.nan
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise Refused(name, got, f"a number from {np.format_float_positional(low, trim='-')} to {high:g}")
        return number
    return read


def layers(name: str, got: Any) -> tuple[int, ...]:
    """Read the sizes of hidden layers out of text such as "64-64"."""
    units = re.findall(r"[0-9]+", got) if isinstance(got, str) and re.fullmatch(r"[0-9 ,-]{0,30}", got) else None
    if units is None or len(units) > MOST_LAYERS or not all(1 <= int(unit) <= MOST_UNITS for unit in units):
        raise Refused(name, got, f"up to {MOST_LAYERS} layers of 1 to {MOST_UNITS} units, such as 64-64; nothing: no hidden "
                                 "layer")
    return tuple(map(int, units))


def batch(name: str, got: Any) -> int | None:
    """Read the size of a batch; None: all samples."""
    text = one_of(BATCHES)(name, got)
    return None if text == "full" else int(text)


READ: dict[str, Callable[[str, Any], Any]] = {
    "data": one_of(DATA), "samples": whole(10, 500, 2), "noise": real(0, 0.5), "hidden": layers,
    "activation": one_of(ACTIVATIONS), "loss": one_of(LOSSES), "level": real(0, 5), "optimizer": one_of(OPTIMIZERS),
    "rate": real(1e-6, 10), "batch": batch, "seed": whole(0, 2**31 - 1)}
speed = one_of(SPEEDS)


def read(sent: Any) -> Choices:
    """Return the choices that the page sent, each as text under its name.

    Raises
    ------
    Refused
        Naming what is missing, unknown, or out of its range.
    """
    if not isinstance(sent, dict):
        raise Refused("choices", sent, "an object")
    names = [field.name for field in fields(Choices)]
    for name in sent:
        if name not in names:
            raise Refused("choices", name, ", ".join(names))
    for name in names:
        if name not in sent:
            raise Refused(name, None, "a text")
    chosen = Choices(**{name: READ[name](name, sent[name]) for name in names})
    if chosen.optimizer == "rprop" and chosen.batch is not None:
        raise Refused("batch", sent["batch"], "full with RPROP, whose step sizes need the whole gradient")
    return chosen
