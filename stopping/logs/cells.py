"""Text in cells: encodings, separators, decimal commas, comments, and lines that were cut."""
import csv
import math
import os
import re
import stat
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from .table import COMMA, Column, Table, listed, number, shown

THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
CHUNK = 50_000  # cells that are held as text at a time
Row = tuple[int, list[str]]  # (line number, cells)


def encoding(path: str | Path) -> str:
    """Return how a text is encoded: UTF-8, or UTF-16 where it begins with its mark or every other byte is 0."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # to open a folder is an error that says so
        raise ValueError(f"{path}: got a pipe or a device, accepted: a file, because it is read more than once")
    with open(path, "rb") as file:
        head = file.read(64)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(head) >= 8 and not any(head[1:8:2]) and all(head[0:8:2]):
        return "utf-16-le"
    if b"\0" in head:
        raise ValueError(f"{path}: got a binary file, accepted: text in UTF-8 or UTF-16")
    return "utf-8-sig"


def read_cells(path: str | Path) -> Table:
    """Return a text of cells as a table.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no text, a row has too many or too few cells, a name occurs twice, or there are no rows.
    """
    with open(path, newline="", encoding=encoding(path)) as file:
        reader = _Reader(path, file)
        try:
            return reader.table()
        except UnicodeError as error:
            raise ValueError(f"{path}: got other bytes ({error}), accepted: text in UTF-8 or UTF-16") from None
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line}: got what cannot be read ({error}), accepted: "
                             "comma-separated cells") from None


class _Reader:
    """One pass over a file; what is kept is numbers."""

    def __init__(self, path: str | Path, file: Iterator[str]) -> None:
        self.path, self.file, self.line = path, file, 1
        self.notes: list[str] = []
        self.dots, self.commas = False, set[int]()

    def table(self) -> Table:
        header, rows = self._opened()
        width = len(header)
        while width > 1 and not header[width - 1]:  # a comma after the last name
            width -= 1
        header = header[:width]
        repeated = sorted(name for name, times in Counter(header).items() if name and times > 1)
        if repeated:
            raise ValueError(f"{self.path}: got more than one column {shown(repeated[0])}, accepted: one of each name")
        columns = [_Growing() for _ in header]
        lines = array("q")
        borders: list[int] = []
        chunk: list[list[str]] = []
        for line, row in self._checked(rows, header):
            if row[0].strip() == header[0] and [cell.strip() for cell in row] == header:
                borders.append(len(lines))
                continue
            lines.append(line)
            chunk.append(row)
            if len(chunk) * width >= CHUNK:
                self._take(chunk, columns, lines)
                chunk = []
        self._take(chunk, columns, lines)
        if not lines:
            raise ValueError(f"{self.path}: got no rows, accepted: at least one below the names of the columns "
                             f"({listed(header)})")
        found = {name: column.done() for name, column in zip(header, columns, strict=True) if name}
        clear = self.semicolons or any(columns[j].clear for j in self.commas)
        if self.dots or not clear:
            for j in self.commas:  # 1,234 beside 0.5, or alone between tabs: a thousand, or a decimal comma?
                found[header[j]] = found[header[j]]._replace(problem=columns[j].comma)
        return Table("a table", found, np.array(lines), borders, self.notes)

    def _opened(self) -> tuple[list[str], Iterator[Row]]:
        """Return the names and the rows below them, past blank lines, comments and ``sep=;``."""
        comments, separator, line = [], None, ""
        for line in self.file:
            text = line.strip()
            given = re.fullmatch(r'"?sep=(.)"?', line.strip("\r\n"))
            if given:
                separator = given[1]
            elif text.startswith(("#", "//")):
                comments.append(text.lstrip("#/ \t"))
            elif text:
                break
            self.line += 1
        else:
            line = ""
        second = next(self.file, "")
        if comments and line.strip() and _all_numbers(line, separator):  # NumPy's savetxt writes the names as a comment
            second, line, self.line = line + second, comments[-1] + "\n", self.line - 1
        if separator is None:
            separator = _separator(line, second.splitlines()[0] if second else "")
        self.comma, self.semicolons = separator != ",", separator == ";"
        rows = self._rows(chain(second.splitlines(keepends=True), self.file), separator)
        if separator == " ":
            return line.split(), rows
        names = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        return [name.strip() for name in names], rows

    def _rows(self, lines: Iterator[str], separator: str) -> Iterator[Row]:
        first = self.line
        if separator == " ":
            for self.line, line in enumerate(lines, first + 1):
                if line.strip() and not line.startswith("#"):
                    yield self.line, line.split()
            return
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        self.line += 1
        for row in reader:
            self.line = first + reader.line_num
            if row and not row[0].startswith("#") and (len(row) > 1 or row[0].strip()):
                yield self.line, row

    def _checked(self, rows: Iterator[Row], header: list[str]) -> Iterator[Row]:
        """Yield the rows, all of one length; leave out a last line that is cut, and say so."""
        width, wrong = len(header), None
        last: list[str] = []
        before: list[str] = []
        for line, row in rows:
            if wrong is not None:
                break
            if "---" in row[0] + row[1 if len(row) > 1 else 0] and not "".join(row).strip("-:= "):
                continue  # a rule below the names, as skorch and Markdown have it
            if len(row) > width and not any(cell.strip() for cell in row[width:]):
                row = row[:width]
            if len(row) != width:
                wrong = line, row
                continue
            before, last = last, row
            yield line, row
        else:
            if wrong is None and before and len(last[-1]) < len(before[-1]) and not _ends_with_a_line(self.path):
                self.notes.append(f"the last line ({self.line}) has no end: its last number, {shown(last[-1])}, may be cut "
                                  "short")
            if wrong is not None and len(wrong[1]) < width and not _ends_with_a_line(self.path):
                self.notes.append(f"the last line ({wrong[0]}) is cut short, with {len(wrong[1])} of {width} cells: left "
                                  "out")
                return
        if wrong is not None:
            cells = f"{len(wrong[1])} cell{'s' * (len(wrong[1]) != 1)}"
            raise ValueError(f"{self.path}, line {wrong[0]}: got {cells}, accepted: {width}, one for each "
                             "name in the first line")

    def _take(self, chunk: list[list[str]], columns: list["_Growing"], lines: "array[int]") -> None:
        for j, (column, cells) in enumerate(zip(columns, zip(*chunk, strict=True), strict=False)):
            if column.problem is None:
                column.take(cells, lines[len(lines) - len(chunk):], self.comma)
                if column.problem is None:
                    self.dots |= column.dots
                    if column.comma is not None:
                        self.commas.add(j)


class _Growing:
    """A column while it is read."""

    def __init__(self) -> None:
        self.values: list[np.ndarray] = []
        self.measured: list[np.ndarray] = []
        self.problem: tuple[int, str] | None = None
        self.comma: tuple[int, str] | None = None
        self.dots = self.clear = False

    def take(self, cells: tuple[str, ...], lines: "array[int]", decimal_comma: bool) -> None:
        text = "".join(cells)
        self.dots |= decimal_comma and "." in text
        try:
            if "_" in text:
                raise ValueError
            if "" in cells:
                self.values.append(np.array([float(cell) if cell else math.nan for cell in cells]))
                self.measured.append(np.array([cell != "" for cell in cells]))
            else:
                self.values.append(np.fromiter(map(float, cells), float, len(cells)))
                self.measured.append(np.ones(len(cells), dtype=bool))
            return
        except ValueError:
            pass
        found = []
        for line, cell in zip(lines, cells, strict=True):
            value = number(cell, decimal_comma)
            if value is None:
                self.problem = line, cell
                return
            if self.comma is None and "," in cell and COMMA.fullmatch(cell.strip().rstrip("% ")):
                self.comma = line, cell
            self.clear |= bool(self.comma) and "," in cell and not THOUSANDS.fullmatch(cell.strip())
            found.append(value)
        self.values.append(np.array([value for value, _ in found]))
        self.measured.append(np.array([measured for _, measured in found]))

    def done(self) -> Column:
        empty = np.zeros(0)
        if self.problem is not None:
            return Column(empty, empty.astype(bool), self.problem)
        return Column(np.concatenate(self.values or [empty]), np.concatenate(self.measured or [empty.astype(bool)]))


def _separator(header: str, row: str) -> str:
    """Return what separates the names: a comma, semicolon, tab or bar; else blanks, where names and cells are as many."""
    best = max(",;\t|", key=header.count)
    if best in header:
        return best
    several = len(header.split()) > 1 and len(header.split()) == len(row.split())
    return " " if several else ","


def _all_numbers(line: str, separator: str | None) -> bool:
    cells = [cell for cell in re.split(r"[;\t ]+|,", line.strip()) if cell]
    return bool(cells) and all(number(cell) is not None for cell in cells)


def _ends_with_a_line(path: str | Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-min(2, os.path.getsize(path)), os.SEEK_END)
        return file.read().rstrip(b"\0")[-1:] in (b"\n", b"\r")
