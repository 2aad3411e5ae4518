"""Error messages that name the argument, what was received, and what is accepted."""
import inspect
import numbers
import reprlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from losses.checks import object_kind
from losses.keywords import nearest

from .elsewhere import VALUES

CALLS = {"optimizer": {"SGD": "(learning_rate)", "Adam": "()", "AdamW": "()", "RPROP": "()"},
         "loss": {"CrossEntropy": "()", "BinaryCrossEntropy": "()", "SquaredError": "()", "Hinge": "()",
                  "SquaredHinge": "()", "Flooding": "(base, level)"},
         "penalty": {"L1": "(strength)", "L2": "(strength)"}, "stopping": {
             "Patience": "(10)", "GL": "(5)", "PQ": "(0.5)", "UP": "(3)", "ZeroError": "()", "Target": "(value, monitor)"},
         "model": {"MLP": "(sizes)", "RNN": "(inputs, hidden, outputs)"}}
REQUESTS = {"val": "fit(..., validation=(x, y))", "test": "fit(..., test=(x, y))"}
SETS = {"": "train", "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
        "test": "test"}


def choose(argument: str, value: Any, accepted: Any) -> Any:
    """Return `value` if it is one of the accepted names; raise ValueError with the nearest one otherwise."""
    if isinstance(value, str) and value in accepted:
        return value
    near = counterpart(argument, value, accepted) if isinstance(value, str) else None
    hint = f"; did you mean {near!r}?" if near else ""
    raise ValueError(f"{argument}: got {value!r}, accepted: {', '.join(map(repr, accepted))}{hint}")


def counterpart(argument: str, value: Any, accepted: Any) -> str | None:
    """Return what is called `value` elsewhere, out of the accepted names: a synonym or the nearest; None: there is none."""
    known = VALUES.get(argument, {})
    plain = value.lower().replace("_", "").replace("-", "").replace(" ", "")
    return known[plain] if known.get(plain) in accepted else nearest(value, accepted)


def instance(argument: str, value: Any, valid: Any, accepted: Any, classes: Any = ()) -> Any:
    """Return `value` if it is valid; else raise TypeError, with the call that makes what a name or a class stands for."""
    if valid and not isinstance(value, type):
        return value
    name = value if isinstance(value, str) else value.__name__ if isinstance(value, type) else ""
    near = counterpart(argument, name, tuple(classes)) if name else None
    hint = f"; did you mean {near}{classes[near]}?" if near else ""
    raise TypeError(f"{argument}: got {reprlib.repr(value)}, accepted: {accepted}{hint}")


def missing_column(name: str, columns: Iterable[str]) -> str:
    """Return the message for a column that a history lacks: the nearest one, or how to have it measured."""
    columns = tuple(columns)
    message = f"column: got {name!r}, accepted: {', '.join(columns)}"
    if not isinstance(name, str):
        return message
    head, _, tail = name.lower().rpartition("_")
    which = SETS.get(head)
    if which and tail in ("acc", "accuracy"):
        wanted = f"{which}_error"
        instead = f"1 - history[{wanted!r}] is the accuracy"
    elif which and tail in ("loss", "error", "err"):
        wanted = f"{which}_{'loss' if tail == 'loss' else 'error'}"
        instead = f"did you mean {wanted!r}?"
    else:
        near = nearest(name, columns)
        return f"{message}; did you mean {near!r}?" if near else f"{message}; others on request: fit(..., metrics=[name])"
    if wanted not in columns and which in REQUESTS:
        return f"{message}; {wanted!r} is measured by {REQUESTS[which]}"
    return f"{message}; {instead}"


def learning_rate(argument: str, value: Any, schedules: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a number above 0, one of the classes `schedules`, or a function."""
    if isinstance(value, schedules):
        return
    if isinstance(value, numbers.Real):  # the range is wrong, not the kind; a bool falls through to its own refusal
        real_number(argument, value, low=0, open_low=True)
        return
    made = getattr(value, "__module__", None) == "nn.schedules"  # one that was not called
    if callable(value) and not made and not isinstance(value, type):
        return
    hint = f"; did you mean {value.__name__}({next(iter(inspect.signature(value).parameters))}, ...)?" if made else ""
    raise TypeError(f"{argument}: got {reprlib.repr(value)}, accepted: a finite number > 0, a schedule: constant(rate), "
                    "step(rate, every, factor), cosine(rate, epochs, final), inverse_time(rate, decay), warmup(schedule, "
                    f"epochs), ReduceOnPlateau(rate, monitor), or a function of the epoch{hint}")


def real_number(argument: str, value: Any, *, low: float = -np.inf, high: float = np.inf, open_low: bool = False) -> Any:
    """Return `value` as a finite float in [low, high] (or (low, high]); raise TypeError or ValueError otherwise."""
    interval = f"a finite number {'>' if open_low else '>='} {low}" if np.isfinite(low) else "a finite number"
    if np.isfinite(high):
        interval += f" and <= {high}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{argument}: got {value!r}, accepted: {interval}")
    value = float(value)
    if not np.isfinite(value) or value < low or value > high or (open_low and value == low):
        raise ValueError(f"{argument}: got {value!r}, accepted: {interval}")
    return value


def integer(argument: str, value: Any, *, low: float, extra: str = "") -> int:
    """Return `value` as an int >= low; raise TypeError or ValueError otherwise."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{argument}: got {value!r}, accepted: an integer >= {low}{extra}")
    if value < low:
        raise ValueError(f"{argument}: got {value!r}, accepted: an integer >= {low}{extra}")
    return int(value)


def real_matrix(argument: str, value: Any, columns: int, dtype: DTypeLike) -> np.ndarray:
    """Return `value` (N, columns) as a C-contiguous array of `dtype`; N >= 1, all finite.

    Raises TypeError for object and complex arrays, ValueError for wrong shapes, no rows, NaN and infinity.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:  # nested lists of unequal length
        raise ValueError(f"{argument}: got rows of unequal length ({error}), accepted: shape (N, {columns})") from None
    refuse_objects(argument, value, array)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{argument}: got dtype {array.dtype}, accepted: real numbers")
    if array.ndim != 2 or array.shape[1] != columns:
        raise ValueError(f"{argument}: got shape {array.shape}, accepted: (N, {columns})")
    if array.shape[0] == 0:
        raise ValueError(f"{argument}: got no samples (shape {array.shape}), accepted: at least one row")
    with np.errstate(over="ignore"):  # a number too large for dtype becomes infinite, and is reported here
        array = np.ascontiguousarray(array, dtype)
    bad = ~np.isfinite(array)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(f"{argument}: got {array[row, column]} at row {row}, column {column} "
                         f"({bad.sum()} in all, as {np.dtype(dtype)}), accepted: finite numbers")
    return array


def padded_array(argument: str, value: Any) -> np.ndarray:
    """Return `value` as an array; raise ValueError for sequences of unequal length."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{argument}: got sequences of unequal length, accepted: one array padded to (N, T) or (N, T, D), "
                         "with the valid steps as lengths") from None
    refuse_objects(argument, value, array)
    return array


def refuse_objects(argument: str, value: Any, array: np.ndarray) -> None:
    """Raise TypeError for what NumPy can only wrap: sparse matrices, frames with text, generators, masked entries."""
    kind = object_kind(value, array)
    if kind:
        raise TypeError(f"{argument}: got {kind[0]}, accepted: {kind[1]}")
