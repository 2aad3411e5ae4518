"""`export NAME`: what the store holds of an experiment, as two tidy CSV files.

The store is opened read-only: an export never creates or changes it, and a sweep may go on writing meanwhile.
"""
import csv
import difflib
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from . import records, schema
from .outputs import writing
from .reading import reading
from .records import Row, Run

ABOUT = ("key", "experiment", "created", "seconds", "cpu")  # columns of `runs` that settings do not hold
# What makes text a formula, also in full width.
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class ExportError(Exception):
    """There is nothing to export, or nowhere to write it; the message says why and what to do."""


def export(folder: str | PathLike[str], names: Sequence[str], output: str | PathLike[str], *,
           force: bool = False) -> list[Path]:
    """Write the runs of some experiments as CSV: one row per run, and one row per run and check.

    Parameters
    ----------
    folder : path
        Of the results store.
    names : sequence of str
        Experiments as the column `experiment` names them.
    output : path
        Of the file with a row per run: settings, final figures, when and where it was trained. Curves go beside it, into
        "NAME_curves.csv": key and settings of the run, `check` from 1, a column per metric.
    force : bool
        Whether existing files may be replaced. Links are followed, modes kept; what is no regular file stays.

    Returns
    -------
    list of Path
        The two files.

    Raises
    ------
    ExportError
        When there are no such runs, a file exists already, or there is nowhere to write.
    StoreError
        When the store cannot be read, is damaged, or a file cannot be written. No file is left half written.

    Notes
    -----
    Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers are written as they are.
    """
    output, store = Path(output), Path(folder) / "results.sqlite"
    if output.is_dir():
        raise ExportError(f"--output: got {str(output)!r}, which is a folder, accepted: the name of a file")
    curves = output.with_name(f"{output.stem}_curves{output.suffix or '.csv'}")
    _check_places(output, curves, store, force)
    if not store.is_file():
        raise ExportError(f"--results: got {str(folder)!r}, which holds no results file, accepted: a folder with one; run "
                          "an experiment first")
    # The store is closed first, so that files take their places only if it was good to the end.
    with (writing(output, text=True) as first, writing(curves, text=True) as second,
          reading(store) as (connection, version)):
        if version == 1:
            schema.require_integrity(connection, store)
        rows = _rows(connection, names, store)
        found = ((row, records.read(connection, row, store, checked=version > 1)[0]) for row in rows)
        _write(first, second, found, settings=_names(_settings(row) for row in rows),
               scalars=_columns(connection, "SELECT name FROM scalars WHERE run = ?", rows),
               metrics=sorted(_columns(connection, "SELECT DISTINCT metric FROM curves WHERE run = ?", rows)))
        _check_places(output, curves, store, force)  # again, for what came to be there meanwhile
    return [output, curves]


def _check_places(output: Path, curves: Path, store: Path, force: bool) -> None:
    """Raise ExportError if a file must not, or cannot, be written."""
    from nn.files import place

    for path in (output, curves):
        if os.path.lexists(path) and not force:
            raise ExportError(f"--output: got {str(path)!r}, which exists already, accepted: another name, or --force; "
                              "nothing was written")
        try:
            target = place(path)
        except OSError as error:
            raise ExportError(f"cannot write {path}: {error.strerror}") from error
        if target == Path(os.path.realpath(store)):
            raise ExportError(f"--output: got {str(path)!r}, which is the results file itself, accepted: another name; "
                              "nothing was written")
    if place(output) == place(curves):
        raise ExportError(f"--output: got {str(output)!r}, which is one file with {str(curves)!r}, accepted: another name; "
                          "nothing was written")


def _rows(connection: Connection, names: Sequence[str], store: Path) -> list[Row]:
    """All rows of these experiments, or an error that says what there is."""
    rows = records.rows(connection, store)
    wanted = [row for row in rows if row.about["experiment"] in names]
    if not wanted:
        known = sorted({name if name.isprintable() else repr(name) for name in (row.about["experiment"] for row in rows)})
        close = difflib.get_close_matches(names[0], known, n=1, cutoff=0.5)
        there = ", ".join(known) or "none, for it is empty: run the experiment first"
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ExportError(f"experiment: got {names[0]!r}, of which the results file has no runs, accepted: {there}{hint}")
    return wanted


def _settings(row: Row) -> dict:
    return {name: value for name, value in row.settings.items() if name not in ABOUT}


def _columns(connection: Connection, query: str, rows: Sequence[Row]) -> list[str]:
    return _names([name for (name,) in connection.execute(query, (row.id,)) if isinstance(name, str)] for row in rows)


def _names(groups: Iterable[Iterable[str]]) -> list[str]:
    """All names, each once, in the order in which they first appear."""
    return list({name: None for group in groups for name in group})


def _write(first: Any, second: Any, found: Iterable[tuple[Row, Run]], settings: list, scalars: list, metrics: list) -> None:
    """Write both files at once, a run at a time."""
    runs, checks = csv.writer(first, lineterminator="\n"), csv.writer(second, lineterminator="\n")
    runs.writerow(map(cell, [*ABOUT, *settings, *scalars]))
    checks.writerow(map(cell, ["key", *settings, "check", *metrics]))
    for row, run in found:
        chosen = _settings(row)
        values = [cell(chosen.get(name)) for name in settings]
        about, figures = [cell(row.about[name]) for name in ABOUT], [cell(run.scalars.get(name)) for name in scalars]
        runs.writerow([*about, *values, *figures])
        checks.writerows([cell(row.about["key"]), *values, *line] for line in _checks(run, metrics))


def _checks(run: Run, metrics: list) -> Iterator[list]:
    curves = [run.curves.get(name, ()) for name in metrics]
    for check in range(max(map(len, curves), default=0)):
        yield [check + 1, *(cell(float(curve[check])) if check < len(curve) else "" for curve in curves)]


def cell(value: Any) -> Any:
    """What stands in a cell: nothing for None and NaN, all digits of a number, JSON for a list or a dict; text is text."""
    if isinstance(value, list | dict):
        value = json.dumps(value, separators=(",", ":"))
    if isinstance(value, str):
        return f"'{value}" if value.startswith(RUN_BY_SPREADSHEETS) and not _is_number(value) else value
    return "" if value is None or value != value else value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text == text.strip()
    except ValueError:
        return False
