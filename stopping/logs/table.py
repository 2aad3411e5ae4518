"""What was read from a file before anything is made of it: columns of numbers, and which of them were measured."""
import math
import re
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NOT_MEASURED = frozenset(("", "na", "n/a", "#n/a", "<na>", "none", "null", "-", "--"))
WRAPPED = re.compile(r"(?:tensor|array|(?:np|numpy)\.float\d+)\(\s*\[?([^,()\[\]]+)\]?(?:,.*)?\)|\[([^,\[\]]+)\]", re.DOTALL)
COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


class Column(NamedTuple):
    """Numbers (R,), NaN where none was measured; whether each was; and the first cell that is no number, if one is none."""

    values: NDArray
    measured: NDArray
    problem: tuple[int, str] | None = None


@dataclass
class Table:
    """The rows of a file, R of them.

    Attributes
    ----------
    kind : str
        What wrote it, in words.
    columns : dict of str to Column
    lines : array (R,)
        Where each row stands: the line of a text file, or the number of a record.
    place : str
        What `lines` counts, in a word.
    borders : list of int
        Rows before which the names of the columns stand once more: somebody began anew.
    notes : list of str
        What whoever reads the answer should know.
    """

    kind: str
    columns: dict[str, Column]
    lines: NDArray
    borders: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    place: str = "line"


def number(cell: str, decimal_comma: bool = False) -> tuple[float, bool] | None:
    """Return (value, was it measured) of a cell, or None if it is no number. A literal nan is measured."""
    cell = cell.strip()
    if cell.lower() in NOT_MEASURED:
        return math.nan, False
    wrapped = WRAPPED.fullmatch(cell)
    if wrapped:
        cell = next(filter(None, wrapped.groups())).strip()
    if decimal_comma and COMMA.fullmatch(cell.rstrip("% ")):
        cell = cell.replace(",", ".")
    percent = cell.endswith("%")
    try:
        value = float(cell.rstrip("% ")) if "_" not in cell else None  # float() takes 1_000
    except ValueError:
        return None
    return None if value is None else (value / 100 if percent else value, True)


def shown(value: object) -> str:
    """Return a value for a message: on one line, escaped and cut."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 60
    return short.repr(value)


def listed(names: Iterable[object], most: int = 12) -> str:
    """Return names for a message, the first of them if there are many."""
    named = [name for name in names if name != ""]
    text = ", ".join(map(shown, named[:most])) or "nothing"
    return text if len(named) <= most else f"{text} and {len(named) - most} more"


def scattered(places: Iterable[int], values: Iterable[float], measured: Iterable[bool], rows: int) -> Column:
    """Return a column of which only some rows were written."""
    at, given = np.array(list(places), dtype=int), np.array(list(measured), dtype=bool)
    full, known = np.full(rows, np.nan), np.zeros(rows, dtype=bool)  # (R,)
    full[at], known[at] = np.array(list(values), dtype=float), given
    return Column(full, known)
