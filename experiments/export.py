"""`export NAME`: what the store holds of an experiment, as two tidy CSV files.

The store is opened read-only: an export never creates or changes it, and a sweep may go on writing meanwhile.
"""
import csv
import difflib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from experiments.results import BUSY_SECONDS, StoreError, require_ours

ABOUT = ("key", "experiment", "created", "seconds", "cpu")  # columns of `runs` that settings do not hold


class ExportError(Exception):
    """There is nothing to export, or nowhere to write it; the message says why and what to do."""


def export(folder, names: Sequence[str], output, *, force: bool = False) -> list[Path]:
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
        Whether existing files may be replaced.

    Returns
    -------
    list of Path
        The two files.

    Raises
    ------
    ExportError
        When there are no such runs, or a file exists already.
    StoreError
        When the store cannot be read.
    """
    output = Path(output)
    if output.is_dir():
        raise ExportError(f"--output is {str(output)!r}, which is a folder; accepted: the name of a file")
    curves = output.with_name(f"{output.stem}_curves{output.suffix or '.csv'}")
    for path in (output, curves):
        if path.exists() and not force:
            raise ExportError(f"{path} exists already; nothing was written. Choose another --output, or add --force")
    with _reading(Path(folder) / "results.sqlite") as connection:
        runs = _runs(connection, names)  # first: what a sweep adds from here on is not looked for
        scalars = _scalars(connection, names)
        figures = _names(scalars.values())
        settings = _names(run["settings"] for run in runs)
        _write(output, [*ABOUT, *settings, *figures], (
            [*(run[name] for name in ABOUT), *(_text(run["settings"].get(name)) for name in settings),
             *(_text(scalars.get(run["id"], {}).get(name)) for name in figures)] for run in runs))
        metrics = [name for (name,) in connection.execute(
            f"SELECT DISTINCT metric FROM curves JOIN runs ON run = id WHERE {_among(names)} ORDER BY metric", tuple(names))]
        _write(curves, ["key", *settings, "check", *metrics], _checks(connection, runs, settings, metrics))
    return [output, curves]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a store read-only."""
    if not path.is_file():
        raise ExportError(f"there is no results file {path}; run an experiment first, or name its folder with --results")
    try:
        # A folder that may not be written has no room for the index of the log; a file without a log needs none.
        frozen = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if frozen else ''}", uri=True,
                                     timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            require_ours(connection, path)
            yield connection
    except sqlite3.DatabaseError as error:
        raise StoreError(f"cannot read the results file {path}: {error}") from error


def _among(names: Sequence[str]) -> str:
    return f"experiment IN ({', '.join('?' * len(names))})"


def _runs(connection, names: Sequence[str]) -> list[dict]:
    rows = connection.execute(f"SELECT id, {', '.join(ABOUT)}, settings FROM runs WHERE {_among(names)} ORDER BY id",
                              tuple(names)).fetchall()
    if not rows:
        known = [name for (name,) in connection.execute("SELECT DISTINCT experiment FROM runs ORDER BY 1")]
        close = difflib.get_close_matches(names[0], known, n=1, cutoff=0.5)
        there = (f"did you mean {close[0]!r}?" if close else f"it has runs of {', '.join(known)}" if known else
                 "it is empty: run the experiment first")
        raise ExportError(f"the results file has no runs of {names[0]!r}; {there}")
    return [{"id": number, **dict(zip(ABOUT, about, strict=True)),
             "settings": {name: value for name, value in json.loads(settings).items() if name not in ABOUT}}
            for number, *about, settings in rows]


def _scalars(connection, names: Sequence[str]) -> dict[int, dict]:
    found: dict[int, dict] = {}
    for number, name, value in connection.execute(
            f"SELECT run, name, value FROM scalars JOIN runs ON run = id WHERE {_among(names)}", tuple(names)):
        found.setdefault(number, {})[name] = value
    return found


def _checks(connection, runs, settings, metrics) -> Iterator[list]:
    for run in runs:
        checks: dict[int, dict] = {}
        rows = connection.execute('SELECT "check", metric, value FROM curves WHERE run = ?', (run["id"],))
        for check, metric, value in rows:
            checks.setdefault(check, {})[metric] = value
        about = [run["key"], *(_text(run["settings"].get(name)) for name in settings)]
        for check in sorted(checks):
            yield [*about, check, *(_text(checks[check].get(metric)) for metric in metrics)]


def _names(mappings: Iterable) -> list[str]:
    """All names, each once, in the order in which they first appear."""
    return list({name: None for mapping in mappings for name in mapping})


def _text(value):
    """A cell: empty where there is no value, JSON for a list or a dict, numbers with all their digits."""
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"))
    return "" if value is None else value


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write one file, whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
            partial = Path(file.name)
        try:
            with partial.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(columns)
                writer.writerows(rows)
            partial.chmod(0o644)
            partial.replace(path)
        except BaseException:
            partial.unlink()
            raise
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from error
