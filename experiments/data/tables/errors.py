"""What a table's errors have in common: names shown short and whole, and the nearest name that there is."""
import difflib
from collections.abc import Iterable, Sequence

LONGEST = 40  # letters of a cell or a name in a message
LISTED = 8  # names in a message


class TableError(ValueError):
    """A table is not what it should be: names the file, line and column, what was found and what is accepted."""


def shown(text: object, most: int = LONGEST) -> str:
    """Return a cell or a name in quotes, cut, with control characters escaped: it may be anything at all."""
    text = str(text)
    return repr(text if len(text) <= most else f"{text[:most - 1]}…")


def plainly(text: object, most: int = LONGEST) -> str:
    """Return a name as it stands in a table for people: cut, and what would move their cursor escaped."""
    return shown(text, most)[1:-1]


def listed(names: Sequence[str] | Iterable[str], most: int = LISTED) -> str:
    """Return the first few names in quotes, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(shown, names[:most])) + more


def shortened(notes: list[str], most: int = 3) -> list[str]:
    """Return the first few notes of one kind, and how many more there are."""
    return notes if len(notes) <= most + 1 else [*notes[:most], f"{len(notes) - most:,} more like that"]


def no_column(source: str, option: str, name: str, names: Sequence[str], note: str = "") -> TableError:
    """Return the error for a name that the table does not have, with the one that was meant."""
    lower = {known.casefold(): known for known in reversed(names)}
    near = difflib.get_close_matches(name.casefold(), lower, n=1, cutoff=0.6)
    meant = f"{shown(lower[near[0]])}, the nearest name, or another column: " if near else "a column: "
    return TableError(f"{source}: {option}: got {shown(name)}, which is no column, accepted: {meant}{listed(names)}"
                      f"{f' ({note})' if note else ''}")


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 cell", "2 cells", "12,000 cells"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
