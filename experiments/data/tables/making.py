"""From files and names of columns to a problem: rows with labels, the columns to learn from, and what was left out."""
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from .aside import put_aside
from .dialect import NO_NAMES
from .dropping import drop_constant, drop_repeated
from .errors import TableError, counted, listed, no_column, shown
from .files import TEXT as TEXT_FILE
from .files import digest_of, kind_of
from .growing import LEFT, NUMBER, TEXT
from .labels import classes_of, targets_of
from .numbers import number
from .problem import NUMBER as KIND_NUMBER
from .problem import Column, Problem
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
    paths = [path, test] if test else [path]
    for one in paths:
        refuse_too_large(one, label)
    making = _Making(path, label, group, regression)
    if test:
        making.append(test)
    return making.problem(paths)


class _Making:
    """A problem while it is made: the rows of the table, then those of a test file, then what they are all told to be."""

    def __init__(self, path: str | os.PathLike[str], label: str, group: str, regression: bool) -> None:
        self.path, self.label, self.group, self.regression = path, label, group, regression
        self.modes = {label: NUMBER if regression else TEXT, **({group: TEXT} if group else {})}
        self.table = table = self._read(path, self.modes)
        _refuse_few(path, len(table.lines), "")
        y, self.classes, notes = self._labels(table, ())
        self.keep = keep = _labelled(y)
        self.rows = int(keep.sum())
        _refuse_few(path, self.rows, " with a label")
        self.y, self.places, self.notes = y[keep], np.flatnonzero(keep), [*table.notes, *notes]
        self.test_from: int | None = None
        self.tells = {name: told(raw) for name, raw in table.columns.items() if name not in (label, group)}
        self.dropped = {name: tell.reason for name, tell in self.tells.items() if tell.column is None}
        self.columns = {name: replace(tell.column, values=tell.column.values[keep]) for name, tell in self.tells.items()
                        if tell.column is not None}
        drop_constant(self.columns, self.dropped)
        self.members = [(table.columns[group], keep)] if group else []

    def append(self, test: str | os.PathLike[str]) -> None:
        """Put the rows of a test file behind those of the table."""
        modes = {name: LEFT if tell.column is None else NUMBER if tell.column.kind == KIND_NUMBER and not tell.form else TEXT
                 for name, tell in self.tells.items()}
        other = self._read(test, {**modes, **self.modes})
        y, self.classes, notes = self._labels(other, self.classes, test=True)
        keep = _labelled(y)
        if not keep.any():
            raise TableError(f"{test}: got no row with a label, accepted: one at least")
        if digest_of([test]) == digest_of([self.path]):
            self.notes.append("the test file holds the table itself, byte for byte: every test row is known from training")
        unknown = [name for name in other.columns if name not in self.table.columns]
        if unknown:
            notes.append(f"{counted(len(unknown), 'column')} that the table has not, left out: {listed(unknown)}")
        self.notes += [f"{Path(test).name}: {note}" for note in [*other.notes, *notes]]
        _append(other, keep, self.tells, self.columns, self.dropped)
        self.y, self.test_from = np.concatenate([self.y, y[keep]]), self.rows
        self.places = np.concatenate([self.places, np.flatnonzero(keep)])
        self.members += [(other.columns[self.group], keep)] if self.group else []

    def problem(self, paths: list[str | os.PathLike[str]]) -> Problem:
        """Return what was made of these files."""
        groups, notes = _groups(self.members, self.group)
        drop_repeated(self.columns, self.dropped)
        names = list(self.table.columns)
        dropped = tuple((name, self.dropped[name]) for name in names if name in self.dropped)
        if not self.columns:
            reasons = "; ".join(f"{shown(name)}: {reason}" for name, reason in dropped[:3])
            raise TableError(f"{self.path}: got no column to learn from ({reasons}), accepted: one at least, with different "
                             "values")
        if len(self.columns) > self.rows:
            notes.append(f"{counted(len(self.columns), 'column')} for {counted(self.rows, 'row')}: enough to tell any row "
                         "by heart")
        return Problem(
            source=Path(self.path).name, digest=digest_of(paths, MEANING, self.label, self.group, self.regression),
            label=self.label, columns=tuple(self.columns[name] for name in names if name in self.columns), dropped=dropped,
            y=self.y, classes=self.classes, groups=groups, group=self.group, test_from=self.test_from,
            places=self.places, notes=tuple(dict.fromkeys([*self.notes, *notes])),
            aside=() if self.test_from else put_aside(self.table.columns, self.dropped, self.keep))

    def _read(self, path: str | os.PathLike[str], modes: dict[str, str]) -> RawTable:
        table = _table(path, self.label, modes)
        _require(table, "label", self.label)
        if self.group:
            _require(table, "group", self.group)
        return table

    def _labels(self, table: RawTable, known: tuple[str, ...],
                test: bool = False) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
        if self.regression:
            y, notes = targets_of(table, self.label, test)
            return y, (), notes
        return classes_of(table, self.label, known)


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


def _labelled(y: np.ndarray) -> np.ndarray:
    """Say which rows have a label, bool (N,)."""
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
