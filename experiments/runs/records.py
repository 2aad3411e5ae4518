"""One run in the tables of the store: how it is written and read, and the checksum that tells whether it is still the same.

What is read may come from a damaged file or from anybody: every value is checked, and arrays are read without trust in
what their headers claim.
"""
import hashlib
import io
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from sqlite3 import Connection
from typing import Any, NamedTuple

import numpy as np

from . import identity
from .schema import damaged

# Columns of `runs` besides the row number, and the types of their values.
COLUMNS: dict[str, type] = {"key": str, "experiment": str, "settings": str, "code": str, "seed": int, "dtype": str,
                            "created": str, "seconds": float, "versions": str, "cpu": str}
SELECT = f"SELECT id, {', '.join(COLUMNS)} FROM runs"
ARRAY_KINDS = "biufcUS"  # numbers, truth values and text


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


class Row(NamedTuple):
    """A row of `runs`, looked over by itself."""

    id: int
    about: dict[str, Any]  # by the names of COLUMNS
    settings: dict


# --- writing ---

def insert(connection: Connection, about: Mapping, run: Run) -> bool:
    """Write a run inside the caller's transaction; False when its key is there already.

    Raises
    ------
    ValueError, TypeError
        When a value cannot be stored; the caller's transaction must end without it.
    """
    curves = {name: _floats(values) for name, values in run.curves.items()}
    curves = {name: values for name, values in curves.items() if len(values)}  # a run may end before its first
    scalars = {name: _floats([value]) for name, value in run.scalars.items()}
    arrays = {name: pack(name, values) for name, values in run.arrays.items()}
    checksum = _checksum(about, curves, scalars, arrays)
    cursor = connection.execute(f"INSERT OR IGNORE INTO runs ({', '.join(COLUMNS)}) VALUES "
                                f"({', '.join('?' * len(COLUMNS))})", [about[name] for name in COLUMNS])
    if cursor.rowcount == 0:
        return False
    number = cursor.lastrowid
    connection.executemany("INSERT INTO curves VALUES (?, ?, ?, ?)", (
        (number, name, check, _null(value)) for name, values in curves.items()
        for check, value in enumerate(values.tolist(), start=1)))
    connection.executemany("INSERT INTO scalars VALUES (?, ?, ?)", (
        (number, name, _null(value)) for name, values in scalars.items() for value in values.tolist()))
    connection.executemany("INSERT INTO arrays VALUES (?, ?, ?)", ((number, name, npy) for name, npy in arrays.items()))
    connection.execute("INSERT INTO checksums VALUES (?, ?)", (number, checksum))
    return True


def _floats(values: Any) -> np.ndarray:
    """Numbers as they will come back: SQLite knows neither -0.0 nor kinds of NaN."""
    numbers = np.array(values, "<f8") + 0.0
    if numbers.ndim != 1:
        raise ValueError(f"curves and scalars: got shape {numbers.shape}, accepted: (checks,) for curves, () for scalars")
    numbers[np.isnan(numbers)] = math.nan
    return numbers


def _null(value: float) -> float | None:
    """A number as SQLite keeps it: it turns NaN into NULL, and so do we, visibly."""
    return None if math.isnan(value) else value


def _checksum(about: Mapping, curves: Mapping, scalars: Mapping, arrays: Mapping) -> str:
    """SHA-256 of all of a run but its row number. Each part goes in with its length, so that none can pass for another."""
    digest = hashlib.sha256()

    def add(data: bytes) -> None:
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)

    add(json.dumps([about[name] for name in COLUMNS]).encode())
    for values in (curves, scalars, arrays):
        add(str(len(values)).encode())
        for name in sorted(values):
            add(name.encode())
            add(bytes(values[name]))
    return digest.hexdigest()


# --- reading ---

def rows(connection: Connection, path: str | PathLike[str]) -> list[Row]:
    """All rows of `runs`, each looked over, and compared with the index by which runs are found; else StoreError."""
    found = [look_over(row, path) for row in connection.execute(f"{SELECT} NOT INDEXED ORDER BY id")]
    indexed = connection.execute("SELECT key, id FROM runs INDEXED BY sqlite_autoindex_runs_1").fetchall()
    if sorted(indexed, key=repr) != sorted(((row.about["key"], row.id) for row in found), key=repr):
        raise damaged(path, "its index of runs differs from its runs")
    return found


def look_over(row: tuple, path: str | PathLike[str]) -> Row:
    """Return a row of SELECT; StoreError unless its values have the right types and agree with each other."""
    number, *values = row
    about = dict(zip(COLUMNS, values, strict=True))
    try:
        for name, kind in COLUMNS.items():
            _need(type(about[name]) is kind, f"{name} of a run is {about[name]!r:.80}")
        settings = json.loads(about["settings"])
        # The text of its own settings, and no other: no name twice, no NaN, a key that can be found again.
        _need(isinstance(settings, dict) and identity.canonical(settings) == about["settings"], "settings of a run")
        _need(identity.run_key(settings) == about["key"], "key of a run is not that of its settings")
        for name in ("experiment", "code", "dtype"):
            _need(settings.get(name) == about[name], f"{name} of a run is not that of its settings")
        _need(int(settings.get("seed", -1)) == about["seed"], "seed of a run is not that of its settings")
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    return Row(number, about, settings)


def read(connection: Connection, row: Row, path: str | PathLike[str], *, checked: bool = True) -> tuple[Run, str]:
    """Return a run and its checksum.

    Parameters
    ----------
    connection
        In a transaction with the reading of `row`.
    row : Row
    path : Path
        For messages.
    checked : bool
        Whether the store has a checksum to compare with; one of schema 1 has none.

    Raises
    ------
    StoreError
        Unless everything is there as it was written.
    """
    try:
        curves = {name: np.array(values, "<f8") for name, values in _curves(connection, row.id).items()}
        scalars = {name: np.array([value], "<f8") for name, value in _pairs(connection, "name, value FROM scalars", row.id)}
        arrays = dict(_pairs(connection, "name, npy FROM arrays", row.id, blob=True))
        checksum = _checksum(row.about, curves, scalars, arrays)
        if checked:
            stored = connection.execute("SELECT sha256 FROM checksums WHERE run = ?", (row.id,)).fetchone()
            _need(stored == (checksum,), "its checksum differs")
        run = Run({name: values.astype(float) for name, values in curves.items()},
                  {name: float(value[0]) for name, value in scalars.items()},
                  {name: unpack(name, npy) for name, npy in arrays.items()})
    except ValueError as error:  # not the database's own errors, which say more
        if isinstance(error, UnicodeDecodeError):
            raise
        raise damaged(path, f"run {row.about['key'][:12]}… of {row.about['experiment']!r:.80}: {error}") from error
    return run, checksum


def _curves(connection: Connection, number: int) -> dict[str, list[float]]:
    curves: dict[str, list[float]] = {}
    for name, check, value in connection.execute(
            'SELECT metric, "check", value FROM curves WHERE run = ? ORDER BY metric, "check"', (number,)):
        _need(type(name) is str, "a curve without a name")
        values = curves.setdefault(name, [])
        _need(type(check) is int and check == len(values) + 1, f"checks of {name!r:.80} are not counted from 1")
        values.append(_number(value))
    return curves


def _pairs(connection: Connection, what: str, number: int, *, blob: bool = False) -> Iterator[tuple[str, Any]]:
    for name, value in connection.execute(f"SELECT {what} WHERE run = ?", (number,)):
        _need(type(name) is str, "a value without a name")
        _need(not blob or type(value) is bytes, f"{name!r:.80} is no array")
        yield name, value if blob else _number(value)


def _number(value: Any) -> float:
    _need(value is None or type(value) is float, f"{value!r:.80} is no number")
    return math.nan if value is None else value


def _need(good: bool, otherwise: str) -> None:
    if not good:
        raise ValueError(otherwise)


# --- arrays ---

def pack(name: str, values: Any) -> bytes:
    """An array as the bytes of a .npy file; ValueError for what `unpack` would refuse."""
    values = np.asarray(values)
    if values.dtype.kind not in ARRAY_KINDS or not values.dtype.itemsize:
        raise ValueError(f"array {name!r}: got dtype {values.dtype}, accepted: numbers, truth values, text")
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def unpack(name: str, npy: bytes) -> np.ndarray:
    """The array in the bytes of a .npy file, or ValueError; memory is taken for what is there, not for what is claimed."""
    buffer = io.BytesIO(npy)
    try:
        version = np.lib.format.read_magic(buffer)
        _need(version == (1, 0), f"version {version}")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    except Exception as error:  # NumPy parses the header as Python: tokens, syntax, nesting, memory may all be wrong
        raise ValueError(f"array {name!r:.80}: got no header of a .npy file, accepted: one as NumPy writes it") from error
    data = npy[buffer.tell():]
    good = len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)
    good = good and dtype.kind in ARRAY_KINDS and dtype.itemsize > 0
    _need(good and dtype.itemsize * math.prod(shape) == len(data), f"array {name!r:.80} is not what its header says")
    if dtype.kind == "U":  # NumPy looks at characters no sooner than somebody reads them
        codes = np.frombuffer(data, f"{dtype.str[0]}u4")
        _need(codes.max(initial=0) <= sys.maxunicode, f"array {name!r:.80} holds what is no character")
    return np.ndarray(shape, dtype, data, order="F" if fortran else "C").copy(order="K")
