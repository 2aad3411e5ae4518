"""The SQLite file of a results store: its tables, how it is opened, and what its errors mean."""
import sqlite3
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from os import PathLike
from sqlite3 import Connection
from typing import Any

SCHEMA_VERSION = 2  # 1 had no checksums
APPLICATION_ID = 0x61667A30  # "afz0" in the file's header marks it as ours
BUSY_SECONDS = 60.0  # how long a writer waits for another one

TABLES = {
    "runs": """CREATE TABLE runs (
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
    )""",
    "curves": """CREATE TABLE curves (
        run INTEGER NOT NULL REFERENCES runs(id),
        metric TEXT NOT NULL,
        "check" INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (run, metric, "check")
    ) WITHOUT ROWID""",
    "scalars": """CREATE TABLE scalars (
        run INTEGER NOT NULL REFERENCES runs(id),
        name TEXT NOT NULL,
        value REAL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID""",
    "arrays": """CREATE TABLE arrays (
        run INTEGER NOT NULL REFERENCES runs(id),
        name TEXT NOT NULL,
        npy BLOB NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID""",
    "checksums": """CREATE TABLE checksums (
        run INTEGER PRIMARY KEY REFERENCES runs(id),
        sha256 TEXT NOT NULL
    )""",
}


class StoreError(Exception):
    """The results file cannot be used; the message says why and what to do."""


def damaged(path: str | PathLike[str], what: object) -> StoreError:
    """The error of a store that does not hold what was written into it."""
    return StoreError(f"{path}: got a damaged results file, accepted: one as it was written; {what}. Put a copy of it "
                      "back, or move it away and run the experiment again")


@contextmanager
def opened(path: str | PathLike[str], database: Any = None) -> Iterator[sqlite3.Connection]:
    """Open a results file; whatever SQLite finds wrong with it, now or later, is a StoreError that names `path`.

    Parameters
    ----------
    path : Path
    database : str, optional
        URI to open it by; None: for reading and writing, made when missing.
    """
    try:
        # isolation_level=None: transactions begin and end where the caller says so.
        with closing(sqlite3.connect(database or path, uri=database is not None, timeout=BUSY_SECONDS,
                                     isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            # Two of SQLite's own recommendations for files that somebody else may have made.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            try:
                yield connection
            except BaseException as error:
                # Cursors in the traceback would keep the file open, and its log on the disk, for as long as the error lives.
                traceback.clear_frames(error.__traceback__)
                raise
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _explained(path, error) from error


def _explained(path: str | PathLike[str], error: Any) -> StoreError:
    words = _one_line(str(error))
    if isinstance(error, UnicodeDecodeError) or words.startswith("Could not decode"):
        return damaged(path, "its text is not UTF-8")
    if type(error) is sqlite3.DatabaseError and "not a database" not in words:
        return damaged(path, words)
    remedy = next((what for sign, what in REMEDIES.items() if sign in words), "")
    return StoreError(f"cannot use the results file {path}: {words}{remedy}")


def _one_line(words: str) -> str:
    """SQLite quotes what it finds in a file: one line of it, and nothing that a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in words)[:200]


REMEDIES = {"locked": ". Another program keeps it busy: try again when that has ended",
            "full": ". Make room on the disk; the same command goes on from there",
            "not a database": ". Choose another --results folder; if it was a store, it is damaged: put a copy of it back",
            "unsupported file format": ". It is of a newer SQLite, or damaged: put a copy of it back",
            "disk I/O error": ". The disk fails or is full, or the file is damaged: put a copy of it back"}


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Everything inside happens, or nothing: also when the body raises or the process dies."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def version_of(connection: Connection, path: str | PathLike[str]) -> int:
    """Return the schema of a store, 1 or 2, or 0 for an empty file; StoreError for all else. Nothing is written."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    found = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    if application == 0 and version == 0 and not found:
        return 0
    if application != APPLICATION_ID:
        raise StoreError(f"{path}: got a database of another program, accepted: a results file; nothing was changed. "
                         "Choose another --results folder")
    if version > SCHEMA_VERSION:
        raise StoreError(f"{path}: got schema {version} of a newer afterzero, accepted: up to {SCHEMA_VERSION}; nothing "
                         "was changed. Choose another --results folder or upgrade")
    expected = {name: sql for name, sql in TABLES.items() if name != "checksums" or version > 1}
    tables = {name: sql for _, name, sql in found if name in TABLES}
    if version < 1 or tables.keys() != expected.keys() or any(
            _words(tables[name]) != _words(sql) for name, sql in expected.items()) or any(
            kind == "trigger" for kind, *_ in found):
        raise damaged(path, "its tables are not those of a store")
    return version


def _words(sql: Any) -> list[str]:
    return sql.split() if isinstance(sql, str) else []


def require_integrity(connection: Connection, path: str | PathLike[str]) -> None:
    """Raise StoreError unless SQLite finds all pages in order: the one check of a store of schema 1."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, _one_line(found))


def create(connection: Connection, path: str | PathLike[str]) -> None:
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
    with transaction(connection):
        if not version_of(connection, path):
            for statement in TABLES.values():
                connection.execute(statement)  # not executescript: that would commit first
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
