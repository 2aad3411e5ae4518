"""What is measured of a model at the end, by name. Errors are shares, losses raw means (nats), without flood or penalty.

A measure is a function of a `Subject` that returns names with numbers, which become scalars of the run, or arrays. `gives`
says which scalars: a run that diverged has them too, NaN. A question's own measure is named "package.module:function".
"""
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..runs.settings import one_of
from .watching import Taken

PARTS = {"train": "train", "val": "validation", "test": "test"}
LAST = ("train_loss", "train_error", "val_loss", "val_error")


@dataclass
class Subject:
    """A model to be measured.

    Attributes
    ----------
    model : nn.MLP
        In the state to be measured.
    data : DataSet
    base : losses.Loss
        Without flood.
    history : mapping of str -> array
        Of its run, to the end.
    taken : Taken
        The same model's parameters.
    end : Subject or None
        The last model of the run; None: this is it.
    parts : dict of str -> str
        What measures of parts call those that there are: without "val" where no validation samples are wanted.
    """

    model: Any
    data: Any
    base: Any
    history: Mapping
    taken: Taken
    end: "Subject | None" = None
    parts: Mapping[str, str] = field(default_factory=lambda: PARTS)
    _outputs: dict[str, np.ndarray] = field(default_factory=dict)

    def outputs(self, part: str) -> np.ndarray:
        """Outputs (N, K) on "train", "validation" or "test", computed once."""
        if part not in self._outputs:
            self._outputs[part] = self.model.forward(getattr(self.data, part).x)
        return self._outputs[part]

    def labels(self, part: str) -> np.ndarray:
        """Labels (N,) of a part, flipped ones included."""
        return getattr(self.data, part).y

    def predictions(self, part: str) -> np.ndarray:
        """Classes (N,) on a part."""
        return self.outputs(part).argmax(axis=1)


def gives(*names: str) -> Callable:
    """Return a decorator that notes the names of the scalars that a measure returns, as its attribute `names`."""
    def noted(measure: Any) -> Callable[..., Any]:
        measure.names = names
        return measure
    return noted


@gives(*(f"{name}_error" for name in PARTS), "test_error_clean")
def errors(one: Subject) -> dict:
    """On all parts, and on the true labels of the test set."""
    found = {f"{name}_error": float(np.mean(one.predictions(part) != one.labels(part))) for name, part in one.parts.items()}
    return {**found, **_clean(one)}


@gives(*(f"{name}_loss" for name in PARTS))
def losses(one: Subject) -> dict:
    """On all parts."""
    return {f"{name}_loss": float(one.base.value(one.outputs(part), one.labels(part))) for name, part in one.parts.items()}


@gives("test_loss", "test_error", "test_error_clean")
def final_test(one: Subject) -> dict:
    """Loss and errors on the test set alone."""
    return {"test_loss": float(one.base.value(one.outputs("test"), one.labels("test"))),
            "test_error": float(np.mean(one.predictions("test") != one.labels("test"))), **_clean(one)}


def _clean(one: Subject) -> dict:
    return {"test_error_clean": float(np.mean(one.predictions("test") != one.data.test.y_clean))}


@gives("calibration_error")
def calibration(one: Subject) -> dict:
    """Expected calibration error on the test set."""
    from losses.calibration import expected_calibration_error, probabilities

    return {"calibration_error": float(expected_calibration_error(probabilities(one.outputs("test")), one.labels("test")))}


@gives("margin_min", "margin_median", "probability_margin_median")
def margins(one: Subject) -> dict:
    """Of the training set, with the labels that it was trained on; all of them as arrays (N,)."""
    from losses.margins import output_margins, probability_margins

    outputs, y = one.outputs("train"), one.labels("train")
    margins, probability = output_margins(outputs, y), probability_margins(outputs, y)  # (N,), (N,)
    return {"margin_min": float(margins.min()), "margin_median": float(np.median(margins)),
            "probability_margin_median": float(np.median(probability)),
            "output_margins": margins.astype(np.float32), "probability_margins": probability.astype(np.float32)}


@gives("gradient_norm")
def gradient_norm(one: Subject) -> dict:
    """Of the raw loss over the training set."""
    _, gradients = one.model.loss_and_gradients(one.data.train.x, one.data.train.y, one.base)
    squares = sum(float(np.vdot(g, g)) for g in (np.asarray(g, dtype=np.float64) for g in gradients.values()))
    return {"gradient_norm": math.sqrt(squares)}


@gives("movement")
def movement(one: Subject) -> dict:
    """How far the run still goes: |θ_end - θ| / |θ|."""
    flat, last = one.taken.flat, (one.end or one).taken.flat
    return {"movement": float(np.linalg.norm(last - flat) / np.linalg.norm(flat))}


@gives("changed")
def changed(one: Subject) -> dict:
    """Share of test predictions that still change."""
    return {"changed": float(np.mean(one.predictions("test") != (one.end or one).predictions("test")))}


@gives(*LAST)
def last_check(one: Subject) -> dict:
    """What the last check of the run saw of training and, if it is looked at, validation set."""
    return {name: float(one.history[name][-1]) for name in LAST if name in one.history}


@gives("best_epoch", "best_val_error", "best_val_loss", "lowest_val_loss")
def best_check(one: Subject) -> dict:
    """The first check with the lowest validation error, and the lowest validation loss of all checks."""
    history, best = one.history, int(np.argmin(one.history["val_error"]))
    return {"best_epoch": float(history["epoch"][best]), "best_val_error": float(history["val_error"][best]),
            "best_val_loss": float(history["val_loss"][best]), "lowest_val_loss": float(np.min(history["val_loss"]))}


@gives("diverged")
def divergence(one: Subject) -> dict:
    """`diverged`: 0, or 1 for a run whose loss was no longer finite, of which all else is NaN; without this one it fails."""
    return {"diverged": 0.0}


MEASURES: dict[str, Callable[[Subject], dict]] = {measure.__name__: measure for measure in (
    errors, losses, final_test, calibration, margins, gradient_norm, movement, changed, last_check, best_check, divergence)}


def named(name: str) -> Callable[[Subject], dict]:
    """Return a measure.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    module, colon, function = name.partition(":")
    if not colon:
        one_of("measures", name, (*MEASURES, "package.module:function") if name not in MEASURES else None)
        return MEASURES[name]
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"measures: got {name!r} ({error}), accepted: package.module:function") from error


def all_named(names: Sequence[str]) -> list[Callable[[Subject], dict]]:
    """Return some measures.

    Raises
    ------
    ValueError
        When there is none of a name, or two give one scalar: which of them would it be?
    """
    givers: dict[str, str] = {}
    for name in names:
        for scalar in getattr(named(name), "names", ()):
            if givers.setdefault(scalar, name) != name:
                raise ValueError(f"measures: got {givers[scalar]!r} and {name!r}, which both give {scalar!r}, accepted: one "
                                 "of them")
    return [named(name) for name in names]
