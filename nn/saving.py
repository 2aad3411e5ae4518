"""Models in files: `save` and `load`."""
import inspect
import json
from math import prod
from os import PathLike
from typing import Any

import numpy as np

from losses.answers import ANSWERS
from losses.keywords import explains_arguments

from . import mlp, rnn
from .archive import LONGEST_JSON, CheckpointError, File, Wanted, not_ours, opened, place, printable, shown
from .backends import BACKENDS
from .checks import choose
from .fitting.checkpoint import check_place, write
from .fitting.run_state import no_negative_variance
from .model import DTYPES, Model

CLASSES: dict[str, type[Model]] = {"MLP": mlp.MLP, "RNN": rnn.RNN}


@explains_arguments()
def save(path: str | PathLike[str], model: Model) -> None:
    """Write a model: settings, parameters, running statistics, and how `predict` reads the outputs.

    Parameters
    ----------
    path : str or Path
        Replaced atomically if it exists.
    model : MLP or RNN
        Its weights must be finite: those of a run that diverged are of no use to anybody.

    Raises
    ------
    TypeError, ValueError, OSError
        Naming the argument; nothing has been written then.

    """
    if isinstance(path, Model) and not isinstance(model, Model):
        raise TypeError(f"save: got the model first and the path, {model!r}, second, accepted: save(path, model)")
    path = place("path", path)
    name = type(model).__name__
    if CLASSES.get(name) is not type(model):
        raise TypeError(f"model: got {model!r}, accepted: an nn.MLP or nn.RNN")
    check_place("path", path)
    if not (np.isfinite(model.flat).all() and np.isfinite(model.running).all()):
        raise ValueError("model: got weights that are not finite, accepted: finite ones; has its training diverged?")
    values = {"class": name, "settings": model.settings()}
    if model.answers != ANSWERS[0]:
        values["answers"] = model.answers
    if len(json.dumps(values)) > LONGEST_JSON["model"] - 100:
        raise ValueError(f"model: got settings of more than {LONGEST_JSON['model']} characters, accepted: fewer, for no "
                         "file with more is read; are there thousands of layers?")
    write(path, "model", values, {"flat": model.flat, "running": model.running})


@explains_arguments()
def load(path: str | PathLike[str], *, backend: str | None = None) -> Model:
    """Return the model that `save` wrote, on another backend if asked for.

    The file need not be trusted: whatever is in it, no code from it is run, no more memory is taken than a few times its
    size, and what is returned is a model that `save` could have written.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        If the file is foreign, truncated, damaged, of a newer version, or the checkpoint of a training run; if anything
        in it is not what a model needs.
    TypeError, ValueError, OSError
        Naming the argument, for a path or a backend that is none, or a file that may not be read.

    """
    path = place("path", path)
    if backend is not None:
        choose("backend", backend, BACKENDS)
    with opened(path, "model") as file:
        values = file.values
        answers = ANSWERS[0]  # what a model says that has not been fitted, and most that have, stands in no file
        if isinstance(values, dict) and "answers" in values:
            answers = values["answers"]
            file.require(isinstance(answers, str) and answers in ANSWERS[1:],
                         f"answers: got {shown(answers)}, accepted: {', '.join(ANSWERS[1:])}")
        file.require_keys("values", values, ("class", "settings", *(["answers"] if answers != ANSWERS[0] else [])))
        name, settings = values["class"], values["settings"]
        file.require(isinstance(name, str) and name in CLASSES,
                     f"class: got a model of class {shown(name)}, accepted: {', '.join(CLASSES)}")
        file.require_keys("settings", settings, tuple(inspect.signature(CLASSES[name]).parameters))
        arrays = file.arrays(_wanted_arrays(file, name, settings))  # before a model of such sizes is made
        model = _model(file, name, settings, arrays, backend)
        file.require(answers not in ("half", "labels") or (model.outputs == 1) == (answers == "half"),
                     f"answers: got {answers!r} for {model.outputs} outputs, accepted: 'half' for one output alone")
        model.answer_as(answers)
        return model


def _wanted_arrays(file: File, name: str, settings: dict[str, Any]) -> dict[str, Wanted]:
    """Return what the arrays must be, from settings of which nothing has been checked; makes none of them."""
    for flag in {"batch_norm", "bias", "bidirectional"} & set(settings):
        file.require(isinstance(settings[flag], bool), f"{flag}: got {shown(settings[flag])}, accepted: true or false")
    dtype = settings["dtype"]
    file.require(isinstance(dtype, str) and dtype in DTYPES, f"dtype: got {shown(dtype)}, accepted: {', '.join(DTYPES)}")
    sizes = settings["sizes"] if name == "MLP" else [settings[size] for size in ("inputs", "hidden", "outputs")]
    file.require(isinstance(sizes, list) and len(sizes) > 1 and all(type(size) is int and size > 0 for size in sizes),
                 f"sizes: got {shown(sizes)}, accepted: positive integers")
    if name == "MLP":
        parameters, statistics = mlp.layout(sizes, settings["bias"], settings["batch_norm"])
    else:
        inputs, hidden, outputs = sizes
        parameters, statistics = rnn.layout(inputs, hidden, outputs, settings["bidirectional"]), {}
    return {array: Wanted(np.dtype(dtype), (sum(map(prod, shapes.values())),))
            for array, shapes in (("flat", parameters), ("running", statistics))}


def _model(file: File, name: str, settings: dict[str, Any], arrays: dict[str, np.ndarray], backend: str | None) -> Model:
    """Return the model of these settings, or raise CheckpointError for what is no setting."""
    try:
        model = CLASSES[name](**settings)
        # A constructor takes more than it returns, True for 1 and 1 for 1.0; a file that save wrote holds what it returns.
        file.require(json.dumps(model.settings()) == json.dumps(settings), "its settings are not as a model gives them")
        if backend is not None and backend != model.backend:
            model = CLASSES[name](**settings | {"backend": backend})
    except CheckpointError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise not_ours(file.path, printable(str(error))) from None
    model.flat[:], model.running[:] = arrays["flat"], arrays["running"]
    file.require(no_negative_variance(model.statistics), "running holds negative variances")
    return model
