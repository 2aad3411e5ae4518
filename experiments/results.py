"""The results store: one SQLite file per results folder, finished runs only.

A run is known by the hash of everything that decides its outcome (`identity.run_key`). It is written in one transaction when
it is complete, so an interrupted run leaves no trace and a finished one is never trained again. The schema is described in
experiments/README.md.
"""
import io
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from experiments import identity

SCHEMA_VERSION = 1
APPLICATION_ID = 0x61667A30  # "afz0" in the file's header marks it as ours
BUSY_SECONDS = 60.0  # how long a writer waits for another one

SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    experiment TEXT NOT NULL,
    settings TEXT NOT NULL,
    code TEXT NOT NULL,
    seed INTEGER NOT NULL,
    dtype TEXT NOT NULL,
    created TEXT NOT NULL,
    seconds REAL NOT NULL,
    versions TEXT NOT NULL,
    cpu TEXT NOT NULL
);
CREATE TABLE curves (
    run INTEGER NOT NULL REFERENCES runs(id),
    metric TEXT NOT NULL,
    "check" INTEGER NOT NULL,
    value REAL,
    PRIMARY KEY (run, metric, "check")
) WITHOUT ROWID;
CREATE TABLE scalars (
    run INTEGER NOT NULL REFERENCES runs(id),
    name TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE arrays (
    run INTEGER NOT NULL REFERENCES runs(id),
    name TEXT NOT NULL,
    npy BLOB NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
"""


class StoreError(Exception):
    """The results file cannot be used; the message says why and what to do."""


@dataclass
class Run:
    """What one finished run left behind.

    Attributes
    ----------
    curves : dict of str -> ndarray of float64, shape (checks,)
        One value per check, e.g. ``curves["test_loss"]``; "epoch" and "update" are among them. NaN where not defined.
    scalars : dict of str -> float
        Final figures; NaN where not defined.
    arrays : dict of str -> ndarray
        Small arrays, e.g. margins of all training samples.
    """

    curves: dict[str, np.ndarray] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class Store:
    """Results of one folder.

    Every operation opens its own connection, so one store may be used from many threads, and many processes may use one
    folder (on a local disk: SQLite's write-ahead log does not work over network file systems).

    Parameters
    ----------
    folder : path
        Made when missing. The file inside is results.sqlite.

    Raises
    ------
    StoreError
        When the folder cannot be written, or the file is not ours or from a newer version. It is left as it was.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.path = self.folder / "results.sqlite"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the results folder {self.folder}: {error.strerror or error}") from error
        with self._connection() as connection:
            if not _is_ours(connection, self.path):
                _create(connection, self.path)

    @contextmanager
    def _connection(self):
        try:
            # isolation_level=None: transactions begin and end where this file says so.
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                yield connection
        except sqlite3.DatabaseError as error:
            raise StoreError(f"cannot use the results file {self.path}: {error}") from error

    def load(self, settings: Mapping) -> Run | None:
        """Return the finished run with exactly these settings, or None."""
        with self._connection() as connection:
            # One read transaction: another process may add a run in between.
            connection.execute("BEGIN")
            row = connection.execute("SELECT id FROM runs WHERE key = ?", (identity.run_key(dict(settings)),)).fetchone()
            return None if row is None else _read_run(connection, row[0])

    def require(self, settings: Mapping) -> Run:
        """Return the finished run with exactly these settings: tables, figures and answers come from complete results only.

        Raises
        ------
        StoreError
            When it is missing.
        """
        run = self.load(settings)
        if run is None:
            raise StoreError(f"{self.path} lacks runs of this configuration; run the experiment first "
                             "(it trains only those)")
        return run

    def missing(self, settings_list) -> list:
        """Of a list of settings, those that have no finished run yet, in order."""
        with self._connection() as connection:
            keys = {key for (key,) in connection.execute("SELECT key FROM runs")}
        return [settings for settings in settings_list if identity.run_key(dict(settings)) not in keys]

    def save(self, settings: Mapping, run: Run, seconds: float = 0.0, machine: Mapping | None = None) -> bool:
        """Write a finished run, all or nothing.

        Parameters
        ----------
        settings : mapping
            Everything that decides the outcome; must hold "experiment", "code", "seed" and "dtype".
        run : Run
            Curves (each of shape (checks,)), scalars and arrays.
        seconds : float
            How long it took.
        machine : mapping, optional
            `identity.machine` of where it was trained; None: here.

        Returns
        -------
        bool
            False when another process had already finished the same run; nothing is changed then.

        Raises
        ------
        StoreError
            When it cannot be written.
        KeyError, ValueError, TypeError
            When a required setting is missing or a value cannot be stored.
        """
        settings = dict(settings)
        machine = identity.machine() if machine is None else machine
        row = (identity.run_key(settings), settings["experiment"], identity.canonical(settings), settings["code"],
               int(settings["seed"]), settings["dtype"], datetime.now(timezone.utc).isoformat(timespec="seconds"),
               float(seconds), json.dumps(machine["versions"]), machine["cpu"])
        curves = [(name, check, _real(value)) for name, values in run.curves.items()
                  for check, value in enumerate(np.asarray(values, dtype=float), start=1)]
        scalars = [(name, _real(value)) for name, value in run.scalars.items()]
        arrays = [(name, _pack(values)) for name, values in run.arrays.items()]
        with self._connection() as connection, _transaction(connection):
            cursor = connection.execute(
                "INSERT OR IGNORE INTO runs (key, experiment, settings, code, seed, dtype, created, seconds, versions, cpu) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            if cursor.rowcount == 0:
                return False
            number = cursor.lastrowid
            connection.executemany(f"INSERT INTO curves VALUES ({number}, ?, ?, ?)", curves)
            connection.executemany(f"INSERT INTO scalars VALUES ({number}, ?, ?)", scalars)
            connection.executemany(f"INSERT INTO arrays VALUES ({number}, ?, ?)", arrays)
        return True

    def compute(self, settings: Mapping, function: Callable[[], Run]) -> Run:
        """Load the run with these settings, or call `function`, keep what it returns and return that."""
        run = self.load(settings)
        if run is None:
            begin = time.perf_counter()
            run = function()
            self.save(settings, run, time.perf_counter() - begin)
        return run

    def count(self, experiment: str) -> int:
        """How many finished runs of an experiment the store holds, of all settings."""
        with self._connection() as connection:
            return connection.execute("SELECT count(*) FROM runs WHERE experiment = ?", (experiment,)).fetchone()[0]


@contextmanager
def _transaction(connection):
    """Everything inside happens, or nothing: also when the body raises or the process dies."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_ours(connection, path) -> bool:
    """True for a store of this schema, False for an empty file; raises for anything else, without writing."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application == 0 and version == 0 and tables == 0:
        return False
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; nothing was changed. Choose another --results folder")
    if version != SCHEMA_VERSION:
        age = "newer" if version > SCHEMA_VERSION else "older"
        raise StoreError(f"{path} has schema {version} of an {age} afterzero; this one reads schema "
                         f"{SCHEMA_VERSION}. Nothing was changed. Choose another --results folder" + (" or upgrade" if
                         age == "newer" else ""))
    return True


def require_ours(connection, path) -> None:
    """Raise StoreError unless the file is a store of this schema; nothing is written."""
    if not _is_ours(connection, path):
        raise StoreError(f"{path} is an empty file; run an experiment first")


def _create(connection, path) -> None:
    """Make the tables, unless another process is just doing so."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            # Changing the journal mode does not wait for locks by itself, so two processes that start together meet here.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    with _transaction(connection):
        if not _is_ours(connection, path):
            for statement in SCHEMA.split(";"):
                connection.execute(statement)  # not executescript: that would commit first
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _read_run(connection, number: int) -> Run:
    run = Run()
    curves: dict[str, list[float]] = {}
    rows = connection.execute('SELECT metric, value FROM curves WHERE run = ? ORDER BY metric, "check"', (number,))
    for name, value in rows:
        curves.setdefault(name, []).append(_number(value))
    run.curves = {name: np.array(values) for name, values in curves.items()}
    for name, value in connection.execute("SELECT name, value FROM scalars WHERE run = ?", (number,)):
        run.scalars[name] = _number(value)
    for name, npy in connection.execute("SELECT name, npy FROM arrays WHERE run = ?", (number,)):
        run.arrays[name] = np.load(io.BytesIO(npy), allow_pickle=False)
    return run


def _real(value) -> float | None:
    """A number as SQLite keeps it: it turns NaN into NULL, and so do we, visibly."""
    value = float(value)
    return None if value != value else value


def _number(value) -> float:
    return float("nan") if value is None else value


def _pack(values) -> bytes:
    """An array as the bytes of a .npy file; objects are refused."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values), allow_pickle=False)
    return buffer.getvalue()
