"""The results store: one SQLite file per results folder, finished runs only.

A run is known by the hash of everything that decides its outcome (`identity.run_key`). It is written in one transaction when
it is complete, so an interrupted run leaves no trace and a finished one is never trained again. Each run has a checksum,
compared whenever it is loaded. The schema is described in experiments/README.md.
"""
import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from ..ways_out import say
from . import identity, records, schema
from .records import Run
from .schema import APPLICATION_ID, SCHEMA_VERSION, StoreError, damaged

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "Run", "Store", "StoreError"]


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
        When the folder cannot be written, or the file is damaged, not ours or from a newer version. It is left as it was.
        One from an older version keeps its runs and gets what it lacks.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "results.sqlite"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the results folder {self.folder}: {error.strerror or error}") from error
        if self.path.exists() and not self.path.is_file():
            raise StoreError(f"{self.path}: got what is no regular file, accepted: a results file, or a new name. Choose "
                             "another --results folder")
        with self._connection() as connection:
            version = schema.version_of(connection, self.path)
            if version == 0:
                schema.create(connection, self.path)
            elif version < SCHEMA_VERSION:
                _upgrade(connection, self.path)

    def _connection(self) -> AbstractContextManager[Connection]:
        return schema.opened(self.path)

    def load(self, settings: Mapping) -> Run | None:
        """Return the finished run with exactly these settings, or None.

        Raises
        ------
        StoreError
            When the file is damaged: what is returned is what was saved.
        """
        key = identity.run_key(dict(settings))
        with self._connection() as connection:
            # One read transaction: another process may add a run in between.
            connection.execute("BEGIN")
            found = connection.execute(f"{records.SELECT} WHERE key = ?", (key,)).fetchone()
            if found is None:
                if key in {row.about["key"] for row in records.rows(connection, self.path)}:
                    raise damaged(self.path, "a run is not found by its key")
                return None
            row = records.look_over(found, self.path)
            if row.about["key"] != key:
                raise damaged(self.path, "a key leads to another run")
            return records.read(connection, row, self.path)[0]

    def require(self, settings: Mapping) -> Run:
        """Return the finished run with exactly these settings: tables, figures and answers come from complete results only.

        Raises
        ------
        StoreError
            When it is missing.
        """
        run = self.load(settings)
        if run is None:
            raise StoreError(f"{self.path}: got no runs of this configuration, accepted: all of them; run the experiment "
                             "first (it trains only those that are missing)")
        return run

    def missing(self, settings_list: Any) -> list:
        """Of a list of settings, those that have no finished run yet, in order."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            keys = {row.about["key"] for row in records.rows(connection, self.path)}
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
        text = identity.canonical(settings)
        if identity.canonical(json.loads(text)) != text:
            raise ValueError(f"settings: got {settings!r}, accepted: names that are text, at every level")
        about = {"key": identity.run_key(settings), "experiment": settings["experiment"], "settings": text,
                 "code": settings["code"], "seed": int(settings["seed"]), "dtype": settings["dtype"],
                 "created": datetime.now(timezone.utc).isoformat(timespec="seconds"), "seconds": float(seconds) + 0.0,
                 "versions": json.dumps(machine["versions"]), "cpu": machine["cpu"]}
        with self._connection() as connection, schema.transaction(connection):
            return records.insert(connection, about, run)

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
            connection.execute("BEGIN")
            return sum(row.about["experiment"] == experiment for row in records.rows(connection, self.path))

    def codes(self, experiments: Collection[str]) -> Counter[str]:
        """How many finished runs of some experiments the store holds, by the version of the code that made them."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            return Counter(row.about["code"] for row in records.rows(connection, self.path)
                           if row.about["experiment"] in experiments)


def _upgrade(connection: Connection, path: str | PathLike[str]) -> None:
    """Give the runs of a store of schema 1 their checksums: all of them, or the file stays as it is."""
    with schema.transaction(connection):
        if schema.version_of(connection, path) == SCHEMA_VERSION:
            return  # another process was faster
        schema.require_integrity(connection, path)
        found = records.rows(connection, path)
        checksums = [(row.id, records.read(connection, row, path, checked=False)[1]) for row in found]
        connection.execute(schema.TABLES["checksums"])
        connection.executemany("INSERT INTO checksums VALUES (?, ?)", checksums)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    say(f"{path}: its {len(found)} runs were kept and have checksums now (schema {SCHEMA_VERSION}, which an older "
        "afterzero refuses)")
