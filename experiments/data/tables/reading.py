"""From a text to raw columns, in blocks of rows: what is held is numbers and codes, never the cells of the whole file."""
import csv
import io
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .dialect import WORDS, Dialect, dialect_of
from .errors import TableError, counted, shortened, shown
from .growing import LEFT, NUMBER, ODD, TEXT, Growing
from .numbers import number

BLOCK, LETTERS = 2**20, 2**25  # cells, and their letters, that are held as text at a time: about 100 MiB at most


@dataclass
class Raw:
    """A column as the file has it.

    Attributes
    ----------
    name : str
        Unique in its table.
    values : ndarray of float64, shape (N,), or None
        Numbers, NaN where there is none.
    codes : ndarray of int32, shape (N,), or None
        Which of the words, -1 where there is none.
    words : list of str
    days : bool
        Numbers are days since 1970.
    left : str
        Why nothing was kept; "" where values or codes are.
    notes : list of str
        What happened to cells.
    decimal : str
        What separates decimals in it.
    odd : (int, str) or None
        Line and text of the first cell that is no number, in a column of numbers.
    """

    name: str
    values: np.ndarray | None = None
    codes: np.ndarray | None = None
    words: Sequence[str] = ()
    days: bool = False
    left: str = ""
    notes: Sequence[str] = ()
    decimal: str = "."
    odd: tuple[int, str] | None = None


@dataclass
class RawTable:
    """Columns as a file has them.

    Attributes
    ----------
    path : str
    columns : dict of str to Raw
        In the file's order.
    lines : ndarray of int64, shape (N,)
        Where the rows stand.
    place : str
        What a number in `lines` is called: "line" of a text, "row" of other files.
    notes : list of str
    repeated : frozenset of str
        Names that several columns have in the file.
    """

    path: str
    columns: dict[str, Raw]
    lines: np.ndarray
    place: str
    notes: list[str]
    repeated: frozenset[str] = frozenset()

    def at(self, row: int) -> str:
        """Return where a row stands, for a message."""
        return f"{self.place} {self.lines[row]}"


def read_text(path: str | os.PathLike[str], label: str, modes: Mapping[str, str]) -> RawTable:
    """Read a text.

    Parameters
    ----------
    path : str or path
    label : str
        See `dialect_of`.
    modes : dict of str to {"number", "text"}
        Columns whose kind is settled beforehand.

    Raises
    ------
    TableError
        If it is no table, or not text in the encoding that it begins with.
    """
    dialect = dialect_of(path, label)
    names, notes, repeated = unique(dialect.names)
    columns = [Growing(name, dialect.comma, dialect.point, modes.get(name, NUMBER), name in modes, name in modes)
               for name in names]
    reader = _Reader(path, dialect, len(names))
    before = os.stat(path)
    lines = reader.read(columns)
    again = [Growing(column.name, dialect.comma, dialect.point, column.again or LEFT, True) for column in columns]
    if any(column.again for column in columns):
        reader.read(again)
    after = os.stat(path)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise TableError(f"{path}: got a file that changed while it was read, accepted: one that nobody writes to")
    chosen = [second if column.again else column for column, second in zip(columns, again, strict=True)]
    return RawTable(str(path), {column.name: _raw(column, column.name in modes) for column in chosen}, lines, "line",
                    [*dialect.notes, *notes, *reader.notes()], repeated)


def unique(names: Sequence[str]) -> tuple[list[str], list[str], frozenset[str]]:
    """Return names that differ, what was done to make them so, and those that stood more than once."""
    taken, seen = set(names), set[str]()
    result, notes, repeated = list[str](), list[str](), set[str]()
    numbers: dict[str, int] = {}  # where to go on: thousands may be called the same
    for place, name in enumerate(names, start=1):
        new = wanted = name or f"unnamed {place}"
        if wanted in seen or (not name and wanted in taken):
            count = numbers.get(wanted, 2)
            while (new := f"{wanted} ({count})") in taken:
                count += 1
            numbers[wanted] = count + 1
        if name and new != name:
            repeated.add(name)
            notes.append(f"two columns are called {shown(name)}: the one at place {place} is called {shown(new)} here")
        seen.add(name)
        taken.add(new)
        result.append(new)
    return result, shortened(notes), frozenset(repeated)


class _Reader:
    """Passes over one file."""

    def __init__(self, path: str | os.PathLike[str], dialect: Dialect, width: int) -> None:
        self.path, self.dialect, self.width = path, dialect, width
        self.comments = 0

    def notes(self) -> list[str]:
        return [f"{counted(self.comments, 'line')} beginning with # left out"] if self.comments else []

    def read(self, columns: list[Growing]) -> np.ndarray:
        """Give blocks of cells to the columns; return the lines in which the rows begin (N,)."""
        size = max(1, min(BLOCK // self.width, int(LETTERS / self.dialect.row_bytes)))
        lines, chunk = array("q"), []
        self.comments = 0
        for line, row in self._rows():
            lines.append(line)
            chunk.append(row)
            if len(chunk) == size:
                self._take(chunk, columns, lines)
                chunk = []
        if chunk:
            self._take(chunk, columns, lines)
        for column in columns:
            column.settle()
        return np.array(lines, dtype=np.int64)

    @staticmethod
    def _take(chunk: list[list[str]], columns: list[Growing], lines: "array[int]") -> None:
        where = np.array(lines[len(lines) - len(chunk):])
        for column, cells in zip(columns, zip(*chunk, strict=True), strict=True):
            if column.mode != LEFT:
                column.take(cells, where)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every row with the line in which it begins."""
        line, width, separator = self.dialect.skip, self.width, self.dialect.separator
        try:
            with open(self.path, newline="", encoding=self.dialect.encoding) as file:
                for _ in range(line):
                    next(file)
                reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
                for row in reader:
                    begin, line = line + 1, self.dialect.skip + reader.line_num
                    if len(row) != width:
                        if not "".join(row).strip():
                            continue  # blank
                        if row[0].startswith("#"):
                            self.comments += 1
                            continue
                        row = self._fitted(row, begin)
                    yield begin, row
        except UnicodeError:
            raise self._undecodable() from None
        except csv.Error as error:
            raise TableError(f"{self.path}, line {line + 1}: got what cannot be read ({error}), accepted: cells without a "
                             f"NUL, of at most {csv.field_size_limit():,} letters; is a quote not closed?") from None

    def _fitted(self, row: list[str], line: int) -> list[str]:
        if len(row) > self.width and not "".join(row[self.width:]).strip():
            return row[:self.width]
        separated = WORDS.get(self.dialect.separator, shown(self.dialect.separator))
        quote = "; is a quote not closed?" if any("\n" in cell for cell in row) else ""
        raise TableError(f"{self.path}, line {line}: got {counted(len(row), 'cell')}, beginning with {shown(row[0])}, "
                         f"accepted: {self.width}, one for each column, separated by {separated}{quote}")

    def _undecodable(self) -> TableError:
        """Return the error that names the first line which is not of the encoding."""
        encoding = self.dialect.encoding
        if encoding.startswith(("utf-16", "utf-32")):
            return TableError(f"{self.path}: got bytes that are no {encoding.upper()}, as its beginning says, accepted: "
                              "UTF-8, or UTF-16 throughout")
        with open(self.path, "rb") as file:
            returns = 0  # lines that end with it alone
            for row, line in enumerate(file, start=1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    byte = line[error.start]
                    ends = list(io.StringIO(line[:error.start].decode("utf-8"), newline="")) or [""]
                    before, place = ends[-1], row + returns + len(ends) - 1
                    column = len(next(csv.reader([before], delimiter=self.dialect.separator), [""]))
                    name = f", column {shown(self.dialect.names[column - 1])}" if column <= self.width else ""
                    return TableError(
                        f"{self.path}, line {place}{name}: got the byte 0x{byte:02x}, which is no UTF-8, accepted: text in "
                        "UTF-8 or UTF-16 (from Excel: save as 'CSV UTF-8'; else iconv -f WINDOWS-1252 -t UTF-8)")
                returns += line.count(b"\r") - line.endswith(b"\r\n")
        return TableError(f"{self.path}: got bytes that are no UTF-8, accepted: text in UTF-8 or UTF-16")


def _raw(column: Growing, settled: bool) -> Raw:
    notes = []
    if column.mode == LEFT:
        return Raw(column.name, left="words, thousands of them different: names, ids or prose")
    if column.mode == NUMBER and column.odd > ODD * (column.odd + column.present) and not settled:
        return Raw(column.name, left="numbers and words, thousands of them different")
    if column.mode == TEXT:
        words = column.words
        return Raw(column.name, codes=column.values(), words=words, decimal=column.decimal)
    if column.odd:
        line, cell = column.first_odd or (0, "")
        which = "cell that is no number" if column.odd == 1 else "cells that are no numbers"
        notes.append(f"missing: {column.odd:,} {which} (line {line}: {shown(cell)})")
    if column.doubtful:
        notes.append(f"{shown(column.doubtful)} read as {number(column.doubtful, column.decimal):.12g}")
    if column.infinite:
        notes.append(f"missing: {counted(column.infinite, 'infinite value')}")
    return Raw(column.name, values=column.values(), notes=notes, decimal=column.decimal, odd=column.first_odd)
