"""Rows of different things as aligned text."""
import numbers
from collections.abc import Container, Iterable, Mapping, Sequence


def aligned(rows: Sequence[Mapping[str, object]], columns: Iterable[str] | None = None,
            exact: Container[str] = ()) -> str:
    """Return rows (dicts with the same keys) as lines of text: words to the left, numbers to the right.

    Numbers have four digits, in `exact` columns all of theirs.
    """
    columns = list(columns or rows[0])
    cells = [columns, *([_text(row[name], name in exact) for name in columns] for row in rows)]
    widths = [max(len(line[j]) for line in cells) for j in range(len(columns))]
    left = [any(isinstance(row[name], str) for row in rows) for name in columns]
    padded = (map(_padded, line, widths, left) for line in cells)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def _text(value: object, exact: bool) -> str:
    if value is None:
        return "-"
    if exact and isinstance(value, numbers.Real):
        return f"{value:.15g}"
    return f"{value:.4g}" if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral) else str(value)


def _padded(text: str, width: int, to_left: bool) -> str:
    return text.ljust(width) if to_left else text.rjust(width)
