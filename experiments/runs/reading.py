"""A store that is only read: nothing is created or changed in its folder, whoever else writes or has died writing.

SQLite keeps two files beside a store that somebody writes: the log ("-wal"), with what is not yet in the file itself, and
its index ("-shm"). The last one to leave removes both, but only if it may write; a reader that may not makes them and
leaves them. A writer that was killed leaves both.
"""
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .schema import StoreError, opened, version_of

SUFFIXES = ("", "-wal", "-shm")
PATIENCE_SECONDS = 10.0  # how long a store may change too fast to be opened


class Changing(StoreError):
    """Others write the store while it is read, and no lock holds them back."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the results file {path} was changed while it was read; do it again")


@contextmanager
def reading(path: Path) -> Iterator[tuple[sqlite3.Connection, int]]:
    """Yield a connection in a read transaction, and the schema version.

    Raises
    ------
    StoreError
        When the file is no store, is damaged, or was changed by somebody whom no lock could hold back.
    """
    real = Path(os.path.realpath(path))  # the log lies beside the file, not beside a link to it
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with ExitStack() as stack:
            try:
                connection, version, before = _begin(real, path, stack)
            except Changing:  # writers come and go, and their files with them
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
                continue
            yield connection, version
            if before is not None and _state(real) != before:
                raise Changing(path)
            return


def _begin(real: Path, path: Path, stack: ExitStack) -> tuple[sqlite3.Connection, int, list | None]:
    """Open the store; return the connection, the version, and the state to compare with where no lock protects it."""
    database, log, index = (real.with_name(real.name + suffix) for suffix in SUFFIXES)
    writable = os.access(real.parent, os.W_OK) and os.access(real, os.W_OK)
    before, expected = None, log.exists() and index.exists()
    if expected:
        how = "mode=ro"  # somebody writes, or was killed: both files are there and stay
        if writable:
            stack.callback(_tidy, log, database, path)
    elif log.exists():
        # A copy of a killed writer's folder. SQLite would make the index anew, so it does that elsewhere.
        database = _copy(real, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="afterzero-export-"))), path)
        how = "mode=rw"
    elif writable:
        how = "mode=rw"  # nobody else is here, and both files will be gone afterwards
    else:
        before, how = _state(real), "mode=ro&immutable=1"  # no locks, which need a folder that may be written
    try:
        connection = stack.enter_context(opened(path, f"{database.as_uri()}?{how}"))
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        version = version_of(connection, path)
    except (sqlite3.OperationalError, StoreError) as error:
        if expected and not (log.exists() and index.exists()):
            raise Changing(path) from error
        raise
    if not version:
        raise StoreError(f"{path}: got an empty file, accepted: one with runs; run an experiment first")
    return connection, version, before


def _tidy(log: Path, database: Path, path: Path) -> None:
    """Remove an empty log, if nobody uses it: the last writer left in between. SQLite knows and does that itself."""
    if log.exists() and not log.stat().st_size:
        with opened(path, f"{database.as_uri()}?mode=rw") as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _state(real: Path) -> list:
    """What tells whether a store was written in between; the index is not part of it."""
    states: list = []
    for suffix in SUFFIXES[:2]:
        try:
            found = os.stat(real.with_name(real.name + suffix))
            states.append((found.st_ino, found.st_size, found.st_mtime_ns))
        except FileNotFoundError:
            states.append(None)
    return states


def _copy(real: Path, folder: Path, path: Path) -> Path:
    before = _state(real)
    try:
        for suffix in SUFFIXES[:2]:
            shutil.copyfile(real.with_name(real.name + suffix), folder / f"copy.sqlite{suffix}")
    except FileNotFoundError as error:
        raise Changing(path) from error
    except OSError as error:
        raise StoreError(f"cannot read the results file {path}: {error.strerror or error}") from error
    if _state(real) != before:
        raise Changing(path)
    return folder / "copy.sqlite"
