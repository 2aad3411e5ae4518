"""What `fit` and `fit_fleet` refuse before any training."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import CALLS, instance
from ..model import Model
from ..optimizers import Optimizer

OPTIONAL_KINDS = (  # (setting, what it must have where it is not None, what is accepted)
    ("stopping", ("requires", "reset", "update", "best_step"), "a criterion of `stopping`, such as Patience(10)"),
    ("on_check", ("__call__",), "a function of (model, row)"),
    ("on_epoch", ("__call__",), "a function of (model, epoch)"),
    ("augment", ("__call__",), "a function of (x, y, rng)"),
    ("penalty", ("l1", "l2"), "losses.L1(strength), losses.L2(strength), or their sum"))

# Methods that a class of one's own may define anew without training taking notice, and what to write instead.
UNHEARD = {"model": {"forward", "evaluate", "loss_and_gradients"}, "loss": {"per_sample", "value", "value_and_gradient"},
           "penalty": {"value", "add_gradient"}}
UNHEARD_ADVICE = {
    "model": "an nn.MLP or nn.RNN as it is, whose layers a backend computes",
    "loss": "a losses.Loss that defines rows(outputs, y), from which the others follow",
    "penalty": "losses.L1(strength), losses.L2(strength), or their sum; anything else is part of a loss of your own"}


def refuse_batch_of_one(model: Model, n: int, batch_size: int, argument: str, drop_last: bool = False) -> None:
    """Raise ValueError if batches of this size out of n samples leave one sample alone, which has no variance."""
    if not model.statistics or (drop_last and min(n, batch_size) > 1):
        return
    if n > 1 and n % batch_size != 1 % batch_size:  # x % 1 is 0, also where every batch is of one
        return
    accepted = "at least 2 samples in every batch"
    if n == 1:
        raise ValueError(f"{argument}: got 1 sample, accepted with batch normalisation: {accepted}")
    if batch_size == 1:
        raise ValueError(f"batch_size: got 1 (on-line training), accepted with batch normalisation: {accepted}; or MLP(..., "
                         "batch_norm=False)")
    rest = "None (full batch), or drop_last=True, which leaves that batch out"
    near = next(size for distance in range(n) for size in (batch_size + distance, batch_size - distance)
                if 2 <= size <= n and n % size != 1)
    raise ValueError(f"batch_size: got {batch_size} with {n} samples in {argument}, which leaves a last batch of 1, "
                     f"accepted with batch normalisation: {accepted}, by batch_size={near} (a last batch of "
                     f"{n % near or near}), {rest}")


def weights_at_fault(model: Model) -> str:
    """Return what is to be said of weights with which the very first loss is not finite, and what to do about it."""
    bad = [name for views in (model.parameters, model.statistics) for name, array in views.items()
           if not np.isfinite(array).all()]
    found = (f"the model began with weights that are not finite ({', '.join(bad)})" if bad else "its loss is not finite "
             f"with the weights that the model began with (the largest is {np.abs(model.flat).max():g})")
    return (f"{found}, as training that diverged leaves them; make the model afresh, {type(model).__name__}"
            "(**model.settings()), or take a copy from before, model.copy()"
            + ("" if bad else "; or check the scale of the inputs"))


def _require(argument: str, value: Any, attributes: Any, accepted: str) -> None:
    """Raise TypeError unless the value has all the attributes."""
    instance(argument, value, all(hasattr(value, name) for name in attributes), accepted, CALLS.get(argument, {}))


def check_kinds(model: Model, settings: Any) -> None:
    """Raise TypeError where the model or one of the Settings is of the wrong kind altogether."""
    _require("model", model, ("check_x", "flat", "backend"), "an nn.MLP or nn.RNN")
    _require("loss", settings.loss, ("prepare", "rows", "weigh"), "a losses.Loss, such as CrossEntropy()")
    instance("optimizer", settings.optimizer, isinstance(settings.optimizer, Optimizer),
             "SGD(...), Adam(...), AdamW(...), RPROP(...)", CALLS["optimizer"])
    for argument, attributes, accepted in OPTIONAL_KINDS:
        if getattr(settings, argument) is not None:
            _require(argument, getattr(settings, argument), attributes, accepted)
    for argument, thing, instead in (("model", model, ()), ("loss", settings.loss, ("rows", "weigh", "objective")),
                                     ("penalty", settings.penalty, ())):
        _refuse_maths_of_ones_own(argument, thing, instead)


def _refuse_maths_of_ones_own(argument: str, thing: Any, instead: Sequence[str]) -> None:
    """Raise TypeError for a class that defines anew what training never calls: another's maths would be trained.

    `instead` are the methods that training does call: where the class defines one of them too, its maths is used.
    """
    for cls in type(thing).__mro__:
        if cls.__module__.partition(".")[0] in ("losses", "nn"):
            return  # one of ours
        own = vars(cls).keys()
        unheard = sorted(UNHEARD[argument] & own)
        if unheard and not own & set(instead):
            raise TypeError(f"{argument}: got {thing!r}, whose class {cls.__name__} defines {', '.join(unheard)}, which "
                            f"training does not call, accepted: {UNHEARD_ADVICE[argument]}")
