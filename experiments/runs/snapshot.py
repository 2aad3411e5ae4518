"""A results store as it is at one moment, read only: what a report of many questions is made from."""
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from sqlite3 import Connection
from typing import Any, NoReturn

from . import identity, records, schema
from .reading import reading
from .records import Row, Run
from .schema import StoreError
from .store import Store


class Noting(Store):
    """No store at all: it has no runs, and notes which ones it is asked for."""

    def __init__(self) -> None:
        self.folder, self.path = Path(), Path("results.sqlite")
        self.runs: dict[str, Row] = {}
        self._noted: list[str] = []

    def load(self, settings: Mapping) -> Run | None:
        """Return nothing."""
        return None

    def missing(self, settings_list: Any) -> list:
        """Return nothing, so that nobody trains; what was asked about is noted."""
        self._noted += [identity.run_key(dict(settings)) for settings in settings_list]
        return []

    def asked(self, train: Callable[[Any], Any]) -> list[str]:
        """Return the keys of all runs that `train(store)` would have trained into this store, as far as can be told.

        A question that chooses its last runs by its first ones stops asking where these are missing.

        Raises
        ------
        StoreError
            When nothing is missing, and yet something is wrong.
        """
        self._noted = []
        try:
            train(self)
        except StoreError:
            if len(self.present(self._noted)) == len(self._noted):
                raise
        return list(dict.fromkeys(self._noted))

    def present(self, keys: Any) -> list[Row]:
        """Return the rows of those of some runs that are there."""
        return [self.runs[key] for key in keys if key in self.runs]

    def save(self, settings: Mapping, run: Run, seconds: float = 0.0, machine: Mapping | None = None) -> NoReturn:
        """Refuse."""
        raise TypeError("store: got a snapshot, which is only read, accepted: a Store")


class Snapshot(Noting):
    """The runs of one moment. Nothing is written, and what is missing is only noted: see `asked`.

    Attributes
    ----------
    runs : dict of str -> Row
        By key: all rows, looked over.
    """

    def __init__(self, connection: Connection, path: Path, *, checked: bool) -> None:
        super().__init__()
        self.folder, self.path = path.parent, path
        self.runs = {row.about["key"]: row for row in records.rows(connection, path)}
        self._read_from, self._checked = connection, checked

    def load(self, settings: Mapping) -> Run | None:
        """As `Store.load`."""
        row = self.runs.get(identity.run_key(dict(settings)))
        return None if row is None else records.read(self._read_from, row, self.path, checked=self._checked)[0]


@contextmanager
def snapshot(folder: str | PathLike[str]) -> Iterator[Snapshot]:
    """Open the store of a folder for reading.

    Raises
    ------
    StoreError
        When there is none, or it is damaged, not ours, of a newer version, or without any run. Nothing is made or changed.
    """
    path = Path(folder) / "results.sqlite"
    if not path.is_file():
        raise StoreError(f"--results: got {str(folder)!r}, which holds no results file, accepted: a folder with one; run an "
                         "experiment first")
    with reading(path) as (connection, version):
        if version == 1:
            schema.require_integrity(connection, path)
        yield Snapshot(connection, path, checked=version > 1)
