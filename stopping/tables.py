"""Rows of different things as aligned text."""
import numbers
import textwrap
from collections.abc import Container, Iterable, Mapping, Sequence


def wrapped(text: str, width: int | None) -> str:
    """Return a sentence in lines of at most `width` characters, the others indented; None: in one line."""
    if width is None or len(text) <= width:
        return text
    return "\n".join(textwrap.wrap(text, max(width, 20), subsequent_indent="  ", break_long_words=False,
                                   break_on_hyphens=False))


def aligned(rows: Sequence[Mapping[str, object]], columns: Iterable[str] | None = None,
            exact: Container[str] = (), width: int | None = None) -> str:
    """Return rows (dicts with the same keys) as lines of text: words to the left, numbers to the right.

    Numbers have four digits, in `exact` columns all of theirs. Columns that find no room in `width` characters stand in a
    block below, beside the first column once more.
    """
    columns = list(columns or rows[0])
    cells = [columns, *([_text(row[name], name in exact) for name in columns] for row in rows)]
    widths = [max(len(line[j]) for line in cells) for j in range(len(columns))]
    left = [any(isinstance(row[name], str) for row in rows) for name in columns]
    padded = [list(map(_padded, line, widths, left)) for line in cells]
    return "\n\n".join("\n".join("  ".join(line[j] for j in block).rstrip() for line in padded)
                       for block in _blocks(widths, width))


def _blocks(widths: Sequence[int], width: int | None) -> list[list[int]]:
    """Return which columns stand side by side: the first, and as many others as find room beside it, at least one."""
    blocks = [[0]]
    for j in range(1, len(widths)):
        if width is not None and len(blocks[-1]) > 1 and sum(widths[k] + 2 for k in blocks[-1]) + widths[j] > width:
            blocks.append([0])
        blocks[-1].append(j)
    return blocks


def _text(value: object, exact: bool) -> str:
    if value is None:
        return "-"
    if exact and isinstance(value, numbers.Real):
        return f"{value:.15g}"
    return f"{value:.4g}" if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral) else str(value)


def _padded(text: str, width: int, to_left: bool) -> str:
    return text.ljust(width) if to_left else text.rjust(width)
