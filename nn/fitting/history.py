"""The record of a training run, and the exceptions that carry one."""
import copy
import csv
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np

from losses.keywords import explains_arguments

from .. import files
from ..checks import missing_column


def dtype_of(name: str) -> type:
    """Return the type of a column."""
    return np.int64 if name in ("update", "member", "check") else np.float64


def frame(columns: Mapping[str, Any]) -> Any:
    """Return columns (name -> array) as a pandas DataFrame, imported now."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install -e '.[tables]'") from error
    return pandas.DataFrame(columns)


def _read_only(self: Any, *_: Any, **__: Any) -> None:
    raise TypeError("History: got a change, accepted: none, for it is a read-only record; dict(history) may be changed")


@explains_arguments()
class History(Mapping, dict):  # type: ignore[metaclass, misc]
    """What was measured at every check: a mapping name -> array, one entry per check.

    Columns that always exist: `update` (updates taken), `epoch` (float: updates / updates per epoch), `train_loss` and
    `train_error` (over the whole training set, weights frozen, in evaluation mode), `train_loss_running` (mean of the batch
    losses since the last check, each taken before its update: what other frameworks report), `parameter_norm`,
    `flooded_fraction` (share of the samples seen since the last check whose gradient was reversed); `val_loss`, `val_error`,
    `test_loss`, `test_error` with those data; and every metric asked for. Losses are raw: no flood, no penalty. Errors
    are shares in [0, 1], NaN for real-valued targets.

    ``pandas.DataFrame(history)`` has these columns and a row per check, as `to_frame` has.

    Attributes
    ----------
    stopped_epoch : float or None
        Where the stopping criterion fired; None if training ran out.
    best_epoch : float or None
        The best check's, for a criterion that has one.

    """

    # pandas takes columns from a dict and from no other mapping, so this is one. Rows are kept instead of columns (a check
    # is recorded whole or not at all), so all reading goes through Mapping's methods, which come first and ask __getitem__.

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = tuple(names)
        dict.update(self, dict.fromkeys(self._names))  # who goes round these methods finds no values, rather than no columns
        self._rows: list[list[float]] = []
        self.stopped_epoch: float | None = None
        self.best_epoch: float | None = None

    def append(self, row: Mapping[str, float]) -> None:
        """Add one check: a mapping with exactly the columns of this history."""
        if set(row) != set(self._names):
            raise ValueError(f"row: got columns {sorted(row)}, accepted: {sorted(self._names)}")
        self._rows.append([row[name] for name in self._names])  # at once: Ctrl-C must not leave half a row

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(missing_column(name, self))
        column = self._names.index(name)
        return np.array([row[column] for row in self._rows], dtype=dtype_of(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def checks(self) -> int:
        """Number of checks so far."""
        return len(self._rows)

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same columns and values; NaN equals NaN."""
        return isinstance(other, History) and tuple(self) == tuple(other) and all(
            np.array_equal(self[name], other[name], equal_nan=True) for name in self)

    def __ne__(self, other: object) -> bool:  # dict's would compare what it holds itself
        return not self == other

    __hash__ = None  # type: ignore[assignment]
    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _read_only

    def __or__(self, other: Any) -> dict[str, Any]:
        return dict(self) | other  # type: ignore[arg-type]

    def __ror__(self, other: Any) -> dict[str, Any]:
        return other | dict(self)  # type: ignore[arg-type]

    def copy(self) -> "History":
        """Return another History with the same checks."""
        return copy.copy(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return History, (self._names,), self.__dict__ | {"_rows": list(self._rows)}

    def __repr__(self) -> str:
        return (f"History({self.checks} checks, columns {', '.join(self)}; stopped_epoch={self.stopped_epoch}, "
                f"best_epoch={self.best_epoch})")

    def to_frame(self) -> Any:
        """Return a pandas DataFrame: a row per check, the same columns.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return frame(dict(self))  # type: ignore[arg-type]

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw loss and error of training, validation and test data over epochs, with stop and best check marked.

        The axis of the loss is logarithmic where losses span more than a factor of ten. The best check is marked on the
        curve of the validation data, where there are such.

        Parameters
        ----------
        path : str or path, optional
            Where to write the figure; its ending says how: .png, .svg or .pdf.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it; pyplot does not know it, so that nothing need be closed.

        Raises
        ------
        ValueError
            If there is no check yet, or `path` has another ending.
        """
        from .history_plot import plot
        return plot(self, path)

    def to_array(self) -> np.ndarray:
        """Return all checks as one array (checks, columns), for checkpoints."""
        return np.array(self._rows, np.float64).reshape(len(self._rows), len(self._names))

    def fill(self, array: np.ndarray) -> None:
        """Take over all checks from such an array."""
        update = self._names.index("update")
        self._rows = [[int(v) if column == update else float(v) for column, v in enumerate(row)] for row in array]

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write one line per check, with a header, in full precision: the whole file, or none."""
        with files.replacing(path, text=True) as file:
            writer = csv.writer(file)
            writer.writerow(self._names)
            writer.writerows(self._rows)


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during `fit`: the model holds its best or last weights, `.history` the checks so far.

    During `fit_fleet`, `.history` is the FleetHistory of what there is.
    """

    def __init__(self, history: Any, message: str | None = None) -> None:
        super().__init__(message or f"training was interrupted after {history.checks} checks")
        self.history = history

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, vars(self).copy())


class TrainingDiverged(ArithmeticError):
    """A loss was no longer finite; `.history` holds the checks up to there.

    `fault` says what was wrong where no update had been taken yet, so that the learning rate is not to blame.
    """

    def __init__(self, history: History, update: int, learning_rate: float, last_loss: float,
                 fault: str | None = None) -> None:
        super().__init__(
            f"training diverged at update {update} (learning rate {learning_rate:g}): {fault}" if fault else
            f"training diverged: the loss of update {update} is not finite (learning rate {learning_rate:g}, last finite "
            f"loss {last_loss:g}); lower the learning rate, or check the scale of the inputs")
        self.history, self.update, self.learning_rate, self.last_loss = history, update, learning_rate, last_loss

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, vars(self).copy())


def _remade(cls: Any, args: tuple, attributes: dict[str, Any]) -> Any:
    """Return an exception as it was pickled. Python would call the class with its message alone, and a pool would hang."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(attributes)
    return error
