"""Cells that are numbers, as people write them: missing, with decimal commas, thousands, percent and currency."""
import math
import re
from collections.abc import Sequence

import numpy as np

# Missing in any column; and, in a column of numbers or dates alone, words that say so (as a category they stay words).
MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "(null)", "nat", "1.#qnan",
                     "-1.#ind"})
NO_NUMBER = MISSING | {"none", "-", "--", "---", ".", "..", "*", "nil", "missing", "unknown", "n.a.", "na.", "#div/0!",
                       "#value!", "#ref!", "#name?", "#num!", "#null!"}
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
THOUSANDS = {".": re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII),
             ",": re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?", re.ASCII)}
SPACED = re.compile(r"[+-]?[1-9]\d{0,2}([ \u00a0\u202f]\d{3})+(?!\d)", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
SEEN = 200  # cells of a column from which its decimal sign is told
TRIM = " \t\r\n\u00a0\u202f$€£¥%"


def is_missing(cell: str) -> bool:
    """Say whether a cell holds no value, whatever its column."""
    return cell.strip().lower() in MISSING


def number(cell: str, decimal: str = ".") -> float | None:
    """Return the number in a cell, NaN where it says that there is none, None where it is no number."""
    text = cell.strip()
    if text.lower() in NO_NUMBER:
        return math.nan
    text = text.strip(TRIM).replace("\u2212", "-")
    if SPACED.match(text):
        text = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d)", "", text)
    if THOUSANDS[decimal].fullmatch(text):
        text = text.replace("," if decimal == "." else ".", "")
    if decimal == ",":
        if DECIMAL_COMMA.fullmatch(text):
            text = text.replace(",", ".")
        elif "." in text and not THOUSANDS[","].fullmatch(text):
            return None  # 0.5 in a column of 0,5
    if PLAIN.fullmatch(text) or INFINITE.fullmatch(text):
        return float(text)
    return None


def numbers(cells: Sequence[str], decimal: str = ".") -> tuple[np.ndarray, list[int]]:
    """Return the numbers of cells, float64 (n,), NaN where there is none, and the indices of other cells."""
    text = "".join(cells)
    simple = "_" not in text and (decimal == "." or "." not in text)  # float("1_000") is 1000
    pointed = [cell.replace(",", ".") for cell in cells] if decimal == "," and simple else cells
    if simple:
        try:
            given = [cell or "nan" for cell in pointed] if "" in pointed else pointed
            return np.fromiter(map(float, given), float, len(cells)), []
        except ValueError:
            pass
    known: dict[str, float | None] = {"": math.nan}
    values, odd = np.empty(len(cells)), []
    for i, cell in enumerate(cells):
        value: float | None
        try:
            value = known[cell] if cell in known or not simple else float(pointed[i])
        except (KeyError, ValueError):
            value = known[cell] = number(cell, decimal)
        if value is None:
            odd.append(i)
            value = math.nan
        values[i] = value
    return values, odd


def decimal_of(cells: Sequence[str], comma: str = "", point: str = "") -> tuple[str, str]:
    """Tell the decimal sign of a column.

    Parameters
    ----------
    cells : sequence of str
        Some of the column.
    comma, point : str
        What to return where cells such as 1,234 (or 1.234) may be either, and where there is neither.

    Returns
    -------
    decimal : {".", ",", comma, point}
    doubtful : str
        A cell that may be either and was not taken as Python would, for want of a clear one; "" for none.
    """
    clear = {".": 0, ",": 0}
    doubtful = ""
    for cell in [cell for cell in cells if "," in cell or "." in cell][:SEEN]:
        text = cell.strip().strip(TRIM)
        as_comma = DECIMAL_COMMA.fullmatch(text) or THOUSANDS[","].fullmatch(text)
        as_point = PLAIN.fullmatch(text) or THOUSANDS["."].fullmatch(text)
        clear[","] += bool(as_comma and not as_point)
        clear["."] += bool(as_point and not as_comma)
        if as_comma and as_point and not doubtful:
            doubtful = cell
    if clear[","] != clear["."]:
        return max(clear, key=clear.__getitem__), ""
    if "," in doubtful or not doubtful:
        return comma, doubtful
    return point, doubtful if point != "." else ""  # 1.234 is 1.234 almost everywhere
