"""One recorded run: a history for `replay` and `compare`, and what is known about how it was read."""
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .names import OURS, is_accuracy
from .table import Column, Table

ROUNDING = 1e-3  # float16 accuracies may exceed 1 by that


@dataclass(frozen=True)
class Reading:
    """How a log was read.

    Attributes
    ----------
    path, kind : str
        The file, and what wrote it.
    sources : dict of str to str
        Our name -> the name in the file.
    lines : array (C,)
        Where the last row of each check stands in the file.
    epochs : array (C,) or None
        The epochs as the file counts them.
    step : str or None
        The column that counts steps.
    run : int
        Which run of the file, from 1.
    runs : int
        How many runs there are.
    notes : list of str
    """

    path: str
    kind: str
    sources: dict[str, str]
    lines: NDArray
    epochs: NDArray | None
    step: str | None
    run: int = 1
    runs: int = 1
    notes: list[str] = field(default_factory=list)


class Log(dict[str, NDArray]):
    """Metric names -> arrays (C,), one entry per check, with two attributes.

    Attributes
    ----------
    measured : dict of str to array (C,)
        Whether there is an entry at all; where there is none the array has NaN, and `replay` asks no rule on it.
    reading : Reading
    """

    def __init__(self, columns: Mapping[str, Column], reading: Reading) -> None:
        super().__init__((name, column.values) for name, column in columns.items())
        self.measured = {name: column.measured for name, column in columns.items()}
        self.reading = reading

    def with_own_names(self) -> "Log":
        """Return the log with every recognised column under the file's name as well, and epochs as the file counts them."""
        columns = {name: Column(values, self.measured[name]) for name, values in self.items()}
        if self.reading.epochs is not None:
            columns["epoch"] = Column(self.reading.epochs, self.measured["epoch"])
        for ours, theirs in self.reading.sources.items():
            columns.setdefault(theirs, columns[ours])
        return Log(columns, self.reading)


def named(path: str, table: Table, epoch: str | None, step: str | None, theirs: Mapping[str, list[str]],
          columns: Mapping[str, str]) -> Log:
    """Return a table of checks under our names, epoch first, with errors made from accuracies.

    Of several columns that may mean the same the first counts, unless it is measured less than half as often as another.
    """
    usable = {name: column for name, column in table.columns.items() if column.problem is None}
    sources = {}
    for ours, found in theirs.items():
        fills = {name: int(usable[name].measured.sum()) for name in found if name in usable}
        if fills:
            sources[ours] = next(name for name, fill in fills.items() if 2 * fill >= max(fills.values()))
    sources |= columns
    sources = {ours: sources[ours] for ours in (*OURS, *sources) if ours in sources}
    notes, history = list(table.notes), dict[str, Column]()
    own = usable.get(epoch or "")
    if own is not None:
        history["epoch"] = Column(own.values + _shift(own.values, table, sources), own.measured)
    history |= {ours: usable[source] for ours, source in sources.items() if source in usable and ours != "epoch"}
    taken = {*sources.values(), epoch}
    history |= {name: column for name, column in usable.items()
                if name not in taken and name not in history and column.measured.any()}
    shares = []
    for which in ("train", "val", "test"):
        accuracy = history.get(f"{which}_accuracy")
        if accuracy is not None and f"{which}_error" not in history:
            error, note = _error(accuracy.values, sources[f"{which}_accuracy"])
            notes += [note] if note else []
            shares += [] if note else [sources[f"{which}_accuracy"]]
            if error is not None:
                history[f"{which}_error"] = Column(error, accuracy.measured)
    if any("percent" in note for note in notes):
        notes += [f"{name!r} is read as shares" for name in shares]
    notes += [f"{sources[ours]!r} exceeds 1: an error in percent, left as it is" for ours in sources
              if ours.endswith("_error") and (history[ours].values > 1 + ROUNDING).any()]
    epochs = None if own is None else own.values
    return Log(history, Reading(path, table.kind, sources, table.lines, epochs, step, notes=notes))


def _error(accuracy: NDArray, name: str) -> tuple[NDArray | None, str]:
    """Return 1 - accuracy, of shares or of percent, whichever the whole column is; None where it is neither."""
    finite = accuracy[np.isfinite(accuracy)]
    if len(finite) and (finite.min() < -ROUNDING or finite.max() > 100 * (1 + ROUNDING)):
        return None, f"{name!r} goes from {finite.min():.4g} to {finite.max():.4g}: no accuracy, so no error is made of it"
    if len(finite) and finite.max() > 1 + ROUNDING:
        return np.clip((100 - accuracy) / 100, 0, 1), f"{name!r} is read as percent"
    return np.clip(1 - accuracy, 0, 1), ""


def _shift(epochs: NDArray, table: Table, sources: Mapping[str, str]) -> int:
    """Return 1 where epochs are counted from 0 while the first has been trained, to say how many are complete; else 0.

    Our own logs, which also have updates, and logs with fractions of epochs say 0 before training, and so does a first
    row that has validation metrics alone where others have training metrics.
    """
    known = epochs[~np.isnan(epochs)]
    counted = "update" in table.columns or "update" in sources
    if not len(known) or known.min() != 0 or counted or (known != np.floor(known)).any():
        return 0
    trained = [table.columns[name].measured for ours, name in sources.items()
               if ours.startswith("train_") and name in table.columns and table.columns[name].problem is None]
    has = np.any(trained, axis=0) if trained else np.ones(len(epochs), dtype=bool)
    return 0 if not has[0] and has[1:].any() else 1


def refuse_accuracy_as_error(columns: Mapping[str, str]) -> None:
    """Raise ValueError where somebody maps an accuracy to an error."""
    for ours, source in columns.items():
        if ours.endswith("_error") and is_accuracy(source):
            right = ours.replace("_error", "_accuracy")
            raise ValueError(f"columns: got {source!r} for {ours!r}, accepted: an error; of an accuracy one is made: "
                             f"--columns {right}={source}, columns={{{right!r}: {source!r}}}")
