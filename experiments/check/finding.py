"""One thing that whoever owns a table should know about it, in one sentence and with how sure it is."""
from dataclasses import dataclass, field

import numpy as np

from ..data.tables.problem import Problem

FOUND, SUSPICIOUS, NOTE = "found", "suspicious", "note"
LEVELS = (FOUND, SUSPICIOUS, NOTE)  # the gravest first
LONGEST = 40  # letters of a name in a text
SHOWN = 4  # names in a list


@dataclass(frozen=True)
class Finding:
    """What was seen in a table.

    Attributes
    ----------
    kind : str
        What it is, for programs: "copies", "tells_label".
    level : {"found", "suspicious", "note"}
        "found": the numbers leave no other reading. "suspicious": there is an innocent reading, which the text names.
        "note": nothing is wrong by it, but it should be known.
    columns : tuple of str
        Names as the file has them; () where it is about rows.
    strength : float
        The number that decided: a share of rows, a skill; see the text.
    text : str
        One sentence: the column, the number, and what to do. Names in it are cut and their control characters escaped.
    pairs : ndarray of int64, shape (n, 2), or None
        Rows of the test part, each with a row that it repeats; from 0, those without a label left out, a test file's behind
        the table's.
    """

    kind: str
    level: str
    columns: tuple[str, ...]
    strength: float
    text: str
    pairs: np.ndarray | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.level}: {self.text}"

    def as_dict(self) -> dict:
        """Return what JSON can hold."""
        return {"kind": self.kind, "level": self.level, "columns": list(self.columns), "strength": float(self.strength),
                "text": self.text} | ({} if self.pairs is None else {"pairs": self.pairs.tolist()})


def named(name: str) -> str:
    """Return a name in quotes, of at most 40 letters, control characters escaped."""
    head = name[:LONGEST + 1]
    shown = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in head)
    return f"'{shown}'" if len(shown) <= LONGEST else f"'{shown[:LONGEST - 1]}…'"


def names(columns: tuple[str, ...] | list[str]) -> str:
    """Return the first few names: "'a', 'b' and 3 more"."""
    some = [named(name) for name in columns[:SHOWN]]
    more = [f"{len(columns) - SHOWN} more"] if len(columns) > SHOWN else []
    *head, last = some + more
    return f"{', '.join(head)} and {last}" if head else last


def row(problem: Problem, place: int) -> str:
    """Return how people count a row: from 1 in its file, also where rows above it have no label."""
    tests = problem.test_from is not None and bool(place >= problem.test_from)
    if problem.places is not None:
        number = int(problem.places[place])
    else:
        number = place - (problem.test_from or 0) * tests
    return f"row {number + 1}{' of the test file' * tests}"


def percent(share: float) -> str:
    """Return "97 %", "0.4 %"; never "100 %" or "0 %" of what is only near them."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    digits = next((digits for digits in range(5) if 0 < float(f"{100 * share:.{digits}f}") < 100), None)
    if digits is None:
        return "under 0.0001 %" if share < 0.5 else "over 99.9999 %"
    return f"{100 * share:.{max(digits, 1 if share < 0.1 else 0)}f} %"
