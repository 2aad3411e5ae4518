"""Tables for people: rich on a terminal, aligned plain text in a pipe or a file."""
import math
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A title, a line of column heads and rows of text.

    Attributes
    ----------
    title : str
        One line above the table.
    columns : sequence of str
        The first heads the row names.
    rows : sequence of sequence of str
        Each as long as `columns`.
    note : str
        One line below, or "".
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def plain(self, width: float = math.inf) -> str:
        """Return the table as aligned text without colours; columns that find no room in `width` stand in a block below."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        text = []
        for columns in _blocks(widths, width):
            block = ["  ".join(line[i].ljust(widths[i]) if i == 0 else line[i].rjust(widths[i]) for i in columns)
                     for line in lines]
            rule = "-" * len(block[0])
            text += [rule, block[0], rule, *block[1:]]
        note = [wrapped(self.note, width)] if self.note else []
        return "\n".join([wrapped(self.title, width), *text, text[0], *note, ""])

    def render(self, stream: Any = None) -> str:
        """Return the table for a stream (default: standard output): in rich's form when that is a terminal wide enough."""
        stream = sys.stdout if stream is None else stream
        if not getattr(stream, "isatty", lambda: False)():
            return self.plain()
        from rich import box
        from rich.console import Console
        from rich.measure import Measurement
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(title=Text(self.title, style="bold"), caption=Text(self.note) if self.note else None,
                          box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left", pad_edge=False)
        for i, name in enumerate(self.columns):
            table.add_column(Text(name), justify="left" if i == 0 else "right", no_wrap=True)
        for row in self.rows:
            table.add_row(*map(Text, row))
        console = Console(file=stream)
        console.width = console.width or 80  # COLUMNS=0
        # By default rich measures within the console's width, and then cuts cells to fit.
        if Measurement.get(console, console.options.update(max_width=10_000), table).maximum > console.width:
            return self.plain(console.width)
        with console.capture() as capture:
            console.print(table)
        return capture.get()


def _blocks(widths: Sequence[int], width: float) -> list[list[int]]:
    """Share columns out over blocks of a width, each of which begins with the first column."""
    blocks: list[list[int]] = [[0]]
    for i in range(1, len(widths)):
        if len(blocks[-1]) > 1 and sum(widths[j] + 2 for j in blocks[-1]) + widths[i] > width:
            blocks.append([0])
        blocks[-1].append(i)
    return blocks


def wrapped(text: str, width: float | None = None) -> str:
    """Return text broken at words for the terminal (or a `width`), each line as far in as its first part.

    In a pipe or a file lines stay whole.
    """
    if width is None:
        width = (shutil.get_terminal_size().columns or 80) if sys.stdout.isatty() else math.inf
    if width == math.inf:
        return text
    return "\n".join(textwrap.fill(line, max(1, int(width)), break_long_words=False, break_on_hyphens=False,
                                   subsequent_indent=line[:len(line) - len(line.lstrip())]) for line in text.split("\n"))


def number(value: float, digits: int = 3) -> str:
    """Return a number with `digits` significant digits, or a dash for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if -4 < magnitude < 6:
        return f"{value:.{max(0, digits - 1 - magnitude)}f}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def mean_error(mean: float, error: float) -> str:
    """Return "mean ±error": the error with two significant digits, the mean to the same decimal place.

    Without an error (one seed, or equal values, whose mean is rounded) the mean stands alone.
    """
    if not math.isfinite(mean) or not math.isfinite(error) or error <= 1e-12 * abs(mean):
        return number(mean)
    magnitude = math.floor(math.log10(max(abs(mean), error)))
    if magnitude < -3 or magnitude >= 6:
        scale = 10.0 ** magnitude
        return f"({mean / scale:.1f} ±{error / scale:.1f})e{magnitude}"
    places = min(4, max(0, 1 - math.floor(math.log10(error))))
    return f"{mean:.{places}f} ±{error:.{places}f}"
