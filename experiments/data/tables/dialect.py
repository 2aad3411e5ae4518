"""How a text writes a table: what separates cells, where the names stand, what is a comment, from its first megabyte."""
import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from .errors import TableError, listed, shown
from .files import encoding_of
from .numbers import decimal_of, is_missing, number

SAMPLE = 2**20  # bytes
LONGEST_SAMPLE = 2**26  # where a line is longer than a megabyte
LOOKED_AT = 200  # rows
MOST_COLUMNS = 100_000
NO_NAMES = "the first line holds numbers and no names: columns are called 'column 1', 'column 2', ..."
SEPARATORS = ",;\t|"
WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


@dataclass(frozen=True)
class Dialect:
    """What must be known to read a text as a table.

    Attributes
    ----------
    encoding, separator : str
    comma, point : {".", ","}
        What a comma, or a point, makes the decimal sign of a column that does not say it: see `decimal_of`.
    names : tuple of str
        Of the columns, as they stand, one per cell of a row.
    skip : int
        Lines before the first row.
    rows : list of list of str
        The first few.
    row_bytes : float
        Mean size of these.
    notes : tuple of str
        What was guessed.
    """

    encoding: str
    separator: str
    comma: str
    point: str
    names: tuple[str, ...]
    skip: int
    rows: list[list[str]]
    row_bytes: float
    notes: tuple[str, ...]


def dialect_of(path: str | os.PathLike[str], label: str = "") -> Dialect:
    """Look at the first megabyte of a text.

    Parameters
    ----------
    path : str or path
    label : str
        A name that the table should have: decides where a first line may be names or numbers.

    Raises
    ------
    TableError
        If there are no two columns, or no row below the names.
    """
    head, whole, encoding = _head(path)
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = list(io.StringIO(text, newline=""))
    if not whole and len(lines) > 1:
        lines.pop()  # cut in its middle
    start, given, comment = _preamble(lines)
    lines_of_rows = lines[start:]
    separator = given or _separator(lines_of_rows)
    rows = list(islice(_rows(lines_of_rows, separator), LOOKED_AT + 1))
    if not whole and 2 < len(rows) <= LOOKED_AT:
        rows.pop()  # perhaps a cell of several lines was cut
    if not rows:
        found = shown(lines_of_rows[0]) if lines_of_rows else "nothing but comments"
        raise TableError(f"{path}, line {start + 1}: got {found}, accepted: the names of the columns, with commas, "
                         "semicolons, tabs or bars between them")
    names, inside, notes = _names(rows[0], next(_rows([comment], separator), []), label)
    # The row of names has several lines where one of them has.
    skip = start + (_lines_of_first(lines_of_rows, separator) if inside else 0)
    names, rows, more = _aligned(names, rows[inside:])
    notes += more
    _refuse(f"{path}, line {start + 1}", names)
    if not rows:
        raise TableError(f"{path}: got no rows, accepted: at least one below the names of the columns ({listed(names)})")
    decimal, point = _decimal(rows, separator)
    if separator != ",":
        notes.append(f"cells are separated by {WORDS.get(separator, shown(separator))}")
    if point == ",":
        notes.append("numbers have decimal commas")
    size = sum(map(len, lines_of_rows)) / max(1, len(lines_of_rows))
    row_bytes = size * (len(head) / max(1, len(text)))
    return Dialect(encoding, separator, decimal, point, tuple(names), skip, rows, row_bytes, tuple(notes))


def _preamble(lines: list[str]) -> tuple[int, str | None, str]:
    """Return the first line that is no comment, blank or ``sep=``; what that says; and the comment right above."""
    given, comment = None, ""
    for place, line in enumerate(lines):
        bare = line.strip()
        said = re.fullmatch(r'"?sep=(.)"?', line.strip("\r\n"))
        if said:
            given = said[1]
        elif bare and not bare.startswith("#"):
            return place, given, comment
        comment = bare.lstrip("#").strip()
    return len(lines), given, comment


def _names(first: list[str], comment: list[str], label: str) -> tuple[list[str], bool, list[str]]:
    """Return the names of the columns, whether the first row holds them, and notes."""
    first, comment = _stripped(first), _stripped(comment)
    numbers = _all_numbers(first)
    if 1 < len(comment) == len(first) and (numbers or (label in comment and label not in first)):
        return comment, False, []  # NumPy's savetxt writes them as a comment
    if numbers and label not in first:
        return [f"column {j}" for j in range(1, len(first) + 1)], False, [NO_NAMES]
    return first, True, []


def _refuse(where: str, names: list[str]) -> None:
    if len(names) < 2:
        raise TableError(f"{where}: got one column, {shown(names[0])}, accepted: two at least, the label and an input, with "
                         "commas, semicolons, tabs or bars between them")
    if len(names) > MOST_COLUMNS:
        raise TableError(f"{where}: got {len(names):,} columns, accepted: at most {MOST_COLUMNS:,}; are rows and columns "
                         "exchanged?")


def _head(path: str | os.PathLike[str]) -> tuple[bytes, bool, str]:
    """Return the beginning of a file (more of it where its lines are that long), whether that is all, and its encoding."""
    size = SAMPLE
    with open(path, "rb") as file:
        head = file.read(size)
        encoding = encoding_of(head)
        end = "\n".encode(encoding.replace("-sig", "") if encoding != "utf-16" else "utf-16-le")
        while len(head) == size and head.count(end) < 4 and b"\r" not in head and size < LONGEST_SAMPLE:
            head += file.read(size)
            size *= 2
        return head, len(head) < size or not file.read(1), encoding


def _rows(lines: list[str], separator: str) -> Iterator[list[str]]:
    """Yield rows that are not blank, up to one that csv refuses: who reads the whole file says where that is."""
    try:
        for row in csv.reader(lines, delimiter=separator, skipinitialspace=True):
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error:
        return


def _lines_of_first(lines: list[str], separator: str) -> int:
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    next(reader)
    return reader.line_num


def _separator(lines: list[str]) -> str:
    """Return what parts the most rows into as many cells as the first row has; blanks only where nothing else does."""
    best, most = ",", (0.0, 0)
    for candidate in (*SEPARATORS, " "):
        widths = [len(row) for row in islice(_rows(lines, candidate), 50)]
        if not widths or max(widths) < 2 or (candidate == " " and most > (0.9, 0)):
            continue
        usual = max(set(widths[1:] or widths), key=widths.count)
        agree = sum(width == usual for width in widths) / len(widths)
        score = (round(agree, 1) if usual > 1 and widths[0] > 1 else 0.0, usual)
        if score > most:
            best, most = candidate, score
    return best


def _aligned(names: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]]:
    """Return as many names as rows have cells, and notes: past commas after the last, with a name for R's row names."""
    notes = []
    widths = {len(row) for row in rows}
    while rows and len(names) > max(widths) and not names[-1]:
        names = names[:-1]
    if widths == {len(names) + 1}:
        if all(not row[-1].strip() for row in rows):
            rows = [row[:-1] for row in rows]
        elif len({row[0] for row in rows}) == len(rows):  # else, perhaps, 1,5 for 1.5 between commas
            names = ["row names", *names]
            notes.append("rows have a cell more than there are names: the first is the row's name, as R writes it")
    while len(names) > 2 and not names[-1] and all(not "".join(row[len(names) - 1:]).strip() for row in rows):
        names = names[:-1]  # a comma after each
        rows = [row[:len(names)] for row in rows]
    return names, rows, notes


def _decimal(rows: list[list[str]], separator: str) -> tuple[str, str]:
    """Return `comma` and `point` of `decimal_of` for columns that do not say it: as most do that say it.

    Where none does, a comma is decimal beside semicolons, and a point is.
    """
    votes = [decimal_of(column)[0] for column in zip(*[row for row in rows if len(row) == len(rows[0])], strict=True)]
    comma, point = votes.count(","), votes.count(".")
    if comma == point:
        return "," if separator == ";" else ".", "."
    return ("," if comma > point else "."), ("," if comma > point else ".")


def _all_numbers(row: list[str]) -> bool:
    cells = [cell for cell in row if not is_missing(cell)]
    return bool(cells) and all(number(cell, ".") is not None or number(cell, ",") is not None for cell in cells)


def _stripped(row: list[str]) -> list[str]:
    return [cell.strip() for cell in row]
