"""Read the CSV log of any framework as a history: Keras' CSVLogger, Lightning's CSVLogger, our own, or anything named."""
import csv
import difflib
import math
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .elsewhere import CSV
from .keywords import explains_arguments

# Our name <- theirs, the first one present counts. Accuracies are kept, and errors are made of them.
RECOGNISED = {
    "train_loss": ("train_loss", "train_loss_epoch", "train/loss", "train/loss_epoch", "training_loss", "loss"),
    "val_loss": ("val_loss", "val_loss_epoch", "val/loss", "val/loss_epoch", "valid_loss", "validation_loss", "eval_loss"),
    "test_loss": ("test_loss", "test_loss_epoch", "test/loss"),
    "train_error": ("train_error",),
    "val_error": ("val_error",),
    "test_error": ("test_error",),
    "train_accuracy": ("train_accuracy", "train_acc", "train_acc_epoch", "train/acc", "train/accuracy", "accuracy", "acc",
                       "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy"),
    "val_accuracy": ("val_accuracy", "val_acc", "val_acc_epoch", "val/acc", "val/accuracy", "valid_acc", "eval_accuracy",
                     "val_sparse_categorical_accuracy", "val_categorical_accuracy", "val_binary_accuracy"),
    "test_accuracy": ("test_accuracy", "test_acc", "test/acc", "test/accuracy"),
}
Rows = list[tuple[int, list[str]]]  # (line number, cells)
NOT_A_NUMBER = ("na", "n/a", "nan", "none", "null")  # Keras writes NA where an epoch had no validation


@explains_arguments(CSV)
def read_csv(path: str | Path, columns: Mapping[str, str] | None = None) -> dict[str, NDArray]:
    """Return the CSV log of a training run as a history for `replay` and `compare`.

    Parameters
    ----------
    path : str or path
        The first line names the columns; they are separated by commas, semicolons or tabs.
    columns : mapping of str to str, optional
        Our name -> the name in the file, for what is not recognised: ``{"val_loss": "my_val"}``.

    Returns
    -------
    dict of str to array (C,)
        Recognised and mapped columns under our names, others under their own. Of those, columns which are not numbers
        throughout are left out. ``train_error`` is made from ``train_accuracy`` (a share) where it is not there itself,
        and likewise for val and test.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it has no columns that are recognised or mapped, a row has too many or too few cells, one of those columns has
        a cell that is no number, or there are no rows. The message names file, line and column.

    Notes
    -----
    *Lightning* (columns ``epoch`` and ``step``) writes training and validation metrics in rows of their own. Rows of one
    epoch are merged, the last entry of each column counts, rows without an epoch are passed over. If there are validation
    metrics, only epochs with one are checks: patience is counted in validations. *Keras* and Lightning count epochs
    from 0. An ``epoch`` that starts at 0 is raised by one, to say how many are complete, except in our own logs, which
    also have ``update``.

    Keras' training loss is the average over the epoch, of weights that were changing.
    """
    header, rows = _cells(path)
    sources = _sources(path, header, columns)
    epoch, update = (sources.get(name, name) for name in ("epoch", "update"))
    sparse = epoch in header and "step" in header
    table: dict[str, NDArray] = {}
    strict = set(sources.values()) | ({epoch} & set(header))
    for name in header:
        column = _numbers(path, header.index(name), name, rows, name in strict, sparse)
        if column is not None and name:
            table[name] = column
    first_epoch = np.nanmin(table[epoch]) if epoch in table and not np.isnan(table[epoch]).all() else None
    if sparse:
        table = _merged(table, epoch, [source for ours, source in sources.items() if ours.startswith("val_")])
        if not len(table[epoch]):
            raise ValueError(f"{path}: got no row with an epoch, accepted: at least one")
    if first_epoch == 0 and update not in table:
        table[epoch] = table[epoch] + 1
    return _named(table, epoch, sources)


def _cells(path: str | Path) -> tuple[list[str], Rows]:
    """Return the header and the rows as (line number, cells), all of one length."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            first = file.readline()
            reader = csv.reader(chain([first], file), delimiter=max(",;\t", key=first.count), skipinitialspace=True)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if row]
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: got other bytes ({error}), accepted: text in UTF-8") from None
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num}: got what cannot be read ({error}), accepted: "
                             "comma-separated cells") from None
    for line, row in rows:
        if len(row) != len(header):
            raise ValueError(f"{path}, line {line}: got {len(row)} cells, accepted: {len(header)}, one for each name in "
                             "the first line")
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: got more than one column {repeated[0]!r}, accepted: one of each name")
    return header, rows


def _sources(path: str | Path, header: list[str], columns: Mapping[str, str] | None) -> dict[str, str]:
    """Return our name -> name in the file, for all that is recognised or mapped."""
    columns = {} if columns is None else columns
    if not isinstance(columns, Mapping):
        raise TypeError(f"columns: got {columns!r}, accepted: a mapping of our names to those in the file, like "
                        f"{{'val_loss': 'my_val'}}")
    for name in columns.values():
        if name not in header:
            near = difflib.get_close_matches(str(name), header, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"columns: got {name!r}, accepted: columns of {path}: "
                             f"{', '.join(map(repr, filter(None, header)))}{hint}")
    present = {ours: next((name for name in theirs if name in header), None) for ours, theirs in RECOGNISED.items()}
    sources = {**{ours: name for ours, name in present.items() if name is not None}, **columns}
    if not sources:
        names = ", ".join(map(repr, filter(None, header))) or "nothing"
        raise ValueError(f"{path}: got the columns {names}, accepted: recognised ones; say which is which: "
                         "columns={'val_loss': NAME}, or --columns val_loss=NAME")
    return sources


def _numbers(path: str | Path, j: int, name: str, rows: Rows, strict: bool, sparse: bool) -> NDArray | None:
    """Return column j as an array; if it is not made of numbers: None, or an error if `strict`."""
    if not rows:
        raise ValueError(f"{path}: got no rows, accepted: at least one below the names of the columns")
    values = []
    for line, row in rows:
        value = _number(row[j].strip(), sparse)
        if value is None:
            if strict:
                raise ValueError(f"{path}, line {line}, column {name!r}: got {row[j]!r}, accepted: a number")
            return None
        values.append(value)
    return np.array(values)


def _number(cell: str, sparse: bool) -> float | None:
    if cell.lower() in NOT_A_NUMBER or (not cell and sparse):
        return math.nan
    try:
        return float(cell) if "_" not in cell else None  # float() takes 1_000
    except ValueError:
        return None


def _merged(table: dict[str, NDArray], epoch: str, validation: list[str]) -> dict[str, NDArray]:
    """Return one row per epoch, with the last entry of each column; epochs without a validation metric are left out."""
    epochs = list(dict.fromkeys(table[epoch][~np.isnan(table[epoch])].tolist()))
    of_epoch = [np.flatnonzero(table[epoch] == value) for value in epochs]
    merged = {name: np.array([_last(values[rows]) for rows in of_epoch]) for name, values in table.items()}
    if validation and epochs:
        checks = ~np.isnan(np.stack([merged[name] for name in validation])).all(axis=0)
        merged = {name: values[checks] for name, values in merged.items()} if checks.any() else merged
    return merged


def _last(values: NDArray) -> float:
    entries = values[~np.isnan(values)]
    return entries[-1] if len(entries) else math.nan


def _named(table: dict[str, NDArray], epoch: str, sources: dict[str, str]) -> dict[str, NDArray]:
    """Return the table under our names, epoch first, with errors made from accuracies."""
    theirs = set(sources.values())
    history = {"epoch": table[epoch]} if epoch in table else {}
    history |= {ours: table[name] for ours, name in sources.items()}
    history |= {name: values for name, values in table.items() if name not in theirs and name not in history}
    for which in ("train", "val", "test"):
        accuracy = history.get(f"{which}_accuracy")
        if accuracy is not None and f"{which}_error" not in history and not (accuracy > 1).any():  # not in percent
            history[f"{which}_error"] = 1 - accuracy
    return history
