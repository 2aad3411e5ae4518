"""A column while its file is read, block after block: numbers as long as it goes, then the words and which of them where."""
from dataclasses import dataclass, field

import numpy as np

from .numbers import MISSING, decimal_of, number, numbers

NUMBER, TEXT, LEFT = "number", "text", "left"
ODD = 0.1  # a column with a larger share of cells that are no numbers is not one of numbers
MAX_WORDS = 20_000  # different ones, or
MAX_LETTERS = 2**24  # of them together; more than that, and mostly different: names or prose, not categories
MANY_VALUES = 20  # different numbers above which words among them are slips, not categories
ZEROS = 4  # digits from which a leading zero means a code, such as a postcode


class _Codes(dict[str, int]):
    """Cell to code, made as cells come; -1 for what is missing."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.letters = 0

    def __missing__(self, cell: str) -> int:
        word = cell.strip()
        self.letters += len(cell)
        code = -1 if word.lower() in MISSING else self.words.setdefault(word, len(self.words))
        self[cell] = code
        return code


@dataclass
class Growing:
    """A column while it is read.

    Attributes
    ----------
    name : str
    comma, point : str
        See `decimal_of`.
    mode : {"number", "text", "left"}
        What cells are kept as; "left" keeps nothing.
    forced : bool
        Whether the mode is for good.
    keep : bool
        Whether words are kept however many there are.
    again : str
        The mode in which the file must be read once more for this column; "" for none.
    """

    name: str
    comma: str = "."
    point: str = "."
    mode: str = NUMBER
    forced: bool = False
    keep: bool = False
    again: str = ""
    blocks: list[np.ndarray] = field(default_factory=list)
    decimal: str = "."
    doubtful: str = ""
    rows: int = 0
    present: int = 0  # numbers
    odd: int = 0  # cells that are no numbers, where numbers are read
    first_odd: tuple[int, str] | None = None  # line and cell
    infinite: int = 0
    codes: _Codes = field(default_factory=_Codes)

    def take(self, cells: tuple[str, ...], lines: np.ndarray) -> None:
        """Add the cells of a block of rows, which stand in these lines of the file."""
        if not self.rows:
            self.decimal, self.doubtful = decimal_of(cells, self.comma, self.point)
        if self.mode == NUMBER:
            self._take_numbers(cells, lines)
        elif self.mode == TEXT:
            self._take_words(cells)
        self.rows += len(cells)

    @property
    def words(self) -> list[str]:
        """What the codes mean."""
        return list(self.codes.words)

    def settle(self) -> None:
        """Decide, at the end, whether a column of few different numbers with words among them is one of numbers."""
        if self.mode == NUMBER and not self.forced and self.odd:
            distinct = np.unique(np.concatenate(self.blocks))
            if few_values(int((~np.isnan(distinct)).sum()), self.present):
                self.blocks, self.mode, self.again = [], LEFT, TEXT

    def values(self) -> np.ndarray:
        """Return numbers (float64) or codes (int32), (N,)."""
        values = np.concatenate(self.blocks) if self.blocks else np.empty(0)
        self.blocks = []
        return values

    def _take_numbers(self, cells: tuple[str, ...], lines: np.ndarray) -> None:
        values, odd = numbers(cells, self.decimal)
        infinite = np.isinf(values)
        if infinite.any():
            self.infinite += int(infinite.sum())
            values[infinite] = np.nan
        present = len(values) - int(np.isnan(values).sum())
        if odd and self.first_odd is None:
            self.first_odd = int(lines[odd[0]]), cells[odd[0]]
        self.odd += len(odd)
        self.present += present
        if not self.forced and (self.odd > ODD * (self.odd + self.present) or _leading_zeros(cells, values)):
            self._become_text(cells)
        else:
            self.blocks.append(values)

    def _become_text(self, cells: tuple[str, ...]) -> None:
        self.blocks = []
        if self.rows:
            self.mode, self.again = LEFT, TEXT  # the words of the blocks before are gone
        else:
            self.mode = TEXT
            self._take_words(cells)

    def _take_words(self, cells: tuple[str, ...]) -> None:
        codes = np.fromiter(map(self.codes.__getitem__, cells), np.int32, len(cells))
        self.blocks.append(codes)
        different = len(self.codes.words)
        many = different > MAX_WORDS or self.codes.letters > MAX_LETTERS
        if self.keep or not many or different < (self.rows + len(cells)) / 2:
            return
        some = self.words[::max(1, different // 1000)]
        numeric = sum(number(word, self.decimal) is not None for word in some) > (1 - ODD) * len(some)
        self.again = NUMBER if numeric and not self.forced else ""
        self.mode, self.blocks, self.codes = LEFT, [], _Codes()


def few_values(different: int, rows: int) -> bool:
    """Say whether numbers are so few, and so often the same, that words among them are categories like them, not slips."""
    return different <= MANY_VALUES and 2 * different <= rows


def words_of(cells: list[str]) -> tuple[np.ndarray, list[str]]:
    """Return the code of each cell, -1 where missing, and the words that the codes mean."""
    codes = _Codes()
    return np.fromiter(map(codes.__getitem__, cells), np.int32, len(cells)), list(codes.words)


def _leading_zeros(cells: tuple[str, ...], values: np.ndarray) -> bool:
    """Say whether some are codes such as 01234, which would not be the same without their zeros."""
    if not np.array_equal(values, np.floor(values), equal_nan=True):
        return False
    return any(cell[:1] == "0" and len(cell) >= ZEROS and cell.isdigit() for cell in cells)
