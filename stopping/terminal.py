"""Text within the width of a terminal. Not in tables.py, which trainers reach: line breaks are no reason to train again."""
import textwrap
from collections.abc import Container, Mapping, Sequence

from .tables import aligned


def wrapped(text: str, width: int | None) -> str:
    """Return a sentence in lines of at most `width` characters, all but the first indented; None: in one line."""
    if width is None or len(text) <= width:
        return text
    return "\n".join(textwrap.wrap(text, max(width, 20), subsequent_indent="  ", break_long_words=False,
                                   break_on_hyphens=False))


def in_blocks(rows: Sequence[Mapping[str, object]], width: int | None, exact: Container[str] = ()) -> str:
    """Return rows as `aligned` does; columns that find no room in `width` stand in a block below, beside the first one."""
    first, *others = rows[0]
    blocks = [[first]]
    for name in others:
        wide = width is not None and max(map(len, aligned(rows, [*blocks[-1], name], exact).splitlines())) > width
        if wide and len(blocks[-1]) > 1:
            blocks.append([first])
        blocks[-1].append(name)
    return "\n\n".join(aligned(rows, names, exact) for names in blocks)
