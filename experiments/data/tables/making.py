"""From files and names of columns to a problem: rows with labels, the columns to learn from, and what was left out."""
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from .dialect import NO_NAMES
from .errors import TableError, counted, listed, no_column, shown
from .files import TEXT as TEXT_FILE
from .files import digest_of, kind_of
from .growing import LEFT, NUMBER, TEXT
from .labels import classes_of, targets_of
from .numbers import number
from .problem import CATEGORY, Column, Problem
from .problem import NUMBER as KIND_NUMBER
from .reading import Raw, RawTable, read_text
from .size import refuse_too_large
from .telling import Told, coded, converted, told

MEANING = 1  # raised where the same file and options give other numbers than before: part of the digest
FEWEST = 10  # rows


def problem_of(path: str | os.PathLike[str], label: str, *, group: str = "", test: str | os.PathLike[str] = "",
               regression: bool = False) -> Problem:
    """Read a table and make a problem of it.

    Parameters
    ----------
    path : str or path
        CSV or TSV as text, Parquet or Feather.
    label : str
        The column to learn.
    group : str
        The column of what must not stand on both sides of a split (patients, sites); "" for none.
    test : str or path
        A table of the same columns whose rows are the test part; "" for none.
    regression : bool
        The label is a number to predict, not a class.

    Returns
    -------
    Problem

    Raises
    ------
    TableError
        If a file cannot be read as a table, or its columns make no problem.
    """
    if group and group == label:
        raise TableError(f"group: got {shown(group)}, the label itself, accepted: another column")
    refuse_too_large(path, label)
    if test:
        refuse_too_large(test, label)
    modes = {label: NUMBER if regression else TEXT, **({group: TEXT} if group else {})}
    table = _table(path, label, modes)
    _require(table, "label", label)
    if group:
        _require(table, "group", group)
    _refuse_few(path, len(table.lines), "")
    y, classes, more = _labels(table, label, regression)
    notes = [*table.notes, *more]
    keep = _labelled(y)
    rows = int(keep.sum())
    _refuse_few(path, rows, " with a label")
    y = y[keep]
    tells = {name: told(raw) for name, raw in table.columns.items() if name not in (label, group)}
    dropped = {name: tell.reason for name, tell in tells.items() if tell.column is None}
    columns = {name: replace(tell.column, values=tell.column.values[keep]) for name, tell in tells.items()
               if tell.column is not None}
    _drop_constant(columns, dropped)
    members = [(table.columns[group], keep)] if group else []
    if test:
        other = _test_table(test, label, group, modes, tells)
        y_test, classes, more = _labels(other, label, regression, classes, test=True)
        keep = _labelled(y_test)
        if not keep.any():
            raise TableError(f"{test}: got no row with a label, accepted: one at least")
        if digest_of([test]) == digest_of([path]):
            notes.append("the test file holds the table itself, byte for byte: every test row is known from training")
        notes += [f"{Path(test).name}: {note}" for note in [*other.notes, *more, *_unknown(other, table)]]
        _append(other, keep, tells, columns, dropped)
        y = np.concatenate([y, y_test[keep]])
        members += [(other.columns[group], keep)] if group else []
    groups, more = _groups(members, group)
    notes += more
    _drop_repeated(columns, dropped)
    if not columns:
        gone = [f"{shown(name)}: {dropped[name]}" for name in table.columns if name in dropped]
        reasons = "; ".join(gone[:3])
        raise TableError(f"{path}: got no column to learn from ({reasons}), accepted: one at least, with different values")
    if len(columns) > rows:
        notes.append(f"{counted(len(columns), 'column')} for {counted(rows, 'row')}: enough to tell any row by heart")
    return Problem(
        source=Path(path).name, digest=digest_of([path, *([test] if test else [])], MEANING, label, group, regression),
        label=label, columns=tuple(columns[name] for name in table.columns if name in columns),
        dropped=tuple((name, dropped[name]) for name in table.columns if name in dropped), y=y, classes=classes,
        groups=groups, group=group, test_from=rows if test else None,
        notes=tuple(dict.fromkeys(notes)))


def _table(path: str | os.PathLike[str], label: str, modes: dict[str, str]) -> RawTable:
    if kind_of(path) == TEXT_FILE:
        return read_text(path, label, modes)
    from .columnar import read_columnar

    return read_columnar(path, kind_of(path))


def _refuse_few(path: str | os.PathLike[str], rows: int, which: str) -> None:
    if rows < FEWEST:
        raise TableError(f"{path}: got {counted(rows, 'row')}{which}, accepted: {FEWEST} at least, to train on, to choose "
                         "by and to test on")


def _require(table: RawTable, option: str, name: str) -> None:
    if name not in table.columns:
        hint = NO_NAMES if NO_NAMES in table.notes else ""
        if not hint and any(number(known) is not None for known in table.columns):
            hint = "some of these are numbers: does the first line hold the names of the columns?"
        raise no_column(table.path, option, name, list(table.columns), hint)
    if name in table.repeated:
        raise TableError(f"{table.path}: {option}: got {shown(name)}, the name of several columns, accepted: one of its own")


def _labels(table: RawTable, label: str, regression: bool, known: tuple[str, ...] = (),
            test: bool = False) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    if regression:
        y, notes = targets_of(table, label, test)
        return y, (), notes
    return classes_of(table, label, known)


def _labelled(y: np.ndarray) -> np.ndarray:
    return ~np.isnan(y) if y.dtype.kind == "f" else y >= 0


def _groups(members: list[tuple[Raw, np.ndarray]], group: str) -> tuple[np.ndarray | None, list[str]]:
    """Return numbers of groups, int64 (N,), over all files, and notes; who has none is a group of its own."""
    if not members:
        return None, []
    ids: dict[str, int] = {}
    parts = []
    for raw, keep in members:
        codes, words = coded(raw)
        table = np.array([ids.setdefault(word, len(ids)) for word in words] + [-1], dtype=np.int64)
        parts.append(table[codes][keep])
    groups = np.concatenate(parts)
    missing = groups < 0
    groups = np.where(missing, len(ids) + np.cumsum(missing) - 1, groups)
    groups = np.unique(groups, return_inverse=True)[1].reshape(-1).astype(np.int64)  # some had no label
    notes = []
    if missing.any():
        notes.append(f"{counted(int(missing.sum()), 'row')} without a {shown(group)}: each a group of its own")
    if len(groups) == groups.max() + 1:
        notes.append(f"{shown(group)} differs in every row: it keeps nothing together")
    return groups, notes


def _drop_constant(columns: dict[str, Column], dropped: dict[str, str]) -> None:
    """Leave out columns with one value: not those that have it in some rows only, which says something."""
    for name, column in list(columns.items()):
        missing = column.missing
        if missing.all():
            dropped[name] = "no value in any row that has a label"
        elif not missing.any() and column.values.min() == column.values.max():
            value = column.categories[int(column.values[0])] if column.kind == CATEGORY else f"{column.values[0]:g}"
            dropped[name] = f"constant: {shown(value)} in every row"
        else:
            continue
        del columns[name]


def _drop_repeated(columns: dict[str, Column], dropped: dict[str, str]) -> None:
    """Leave out columns that are equal, row by row, to one before."""
    first: dict[object, str] = {}
    for name, column in list(columns.items()):
        values = column.values + 0  # -0 becomes 0
        if values.dtype.kind == "f":
            values[np.isnan(values)] = np.nan  # one of the many bit patterns
        key = column.kind, column.categories, hashlib.sha256(values.tobytes()).digest()
        if key in first:
            dropped[name] = f"equal to {shown(first[key])} in every row"
            del columns[name]
        first.setdefault(key, name)


def _test_table(test: str | os.PathLike[str], label: str, group: str, modes: dict[str, str],
                tells: dict[str, Told]) -> RawTable:
    """Read a test file, its columns as those of the table."""
    wanted = {name: LEFT if tell.column is None else NUMBER if tell.column.kind == KIND_NUMBER and not tell.form else TEXT
              for name, tell in tells.items()}
    table = _table(test, label, {**wanted, **modes})
    _require(table, "label", label)
    if group:
        _require(table, "group", group)
    return table


def _unknown(other: RawTable, table: RawTable) -> list[str]:
    names = [name for name in other.columns if name not in table.columns]
    return [f"{counted(len(names), 'column')} that the table has not, left out: {listed(names)}"] if names else []


def _append(other: RawTable, keep: np.ndarray, tells: dict[str, Told], columns: dict[str, Column],
            dropped: dict[str, str]) -> None:
    """Put the rows of a test file behind those of the table; leave out columns that it has not."""
    source = Path(other.path).name
    for name, column in list(columns.items()):
        if name not in other.columns:
            dropped[name] = f"not in {source}"
            del columns[name]
            continue
        values, categories, note = converted(other.columns[name], tells[name], source)
        columns[name] = replace(column, values=np.concatenate([column.values, values[keep]]), categories=categories,
                                note="; ".join(filter(None, [column.note, note])))
