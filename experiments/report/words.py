"""Words that answers and titles share: counts, lists, verdicts, how an answer opens, what so few seeds can tell."""
from collections.abc import Iterable, Mapping, Sequence

from .compare import BETTER, FEWEST, UNKNOWN, WORSE
from .tables import number

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def counted(count: int, what: str) -> str:
    """Return "1 seed", "3 seeds"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """Join words: "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def between(values: Iterable[float]) -> str:
    """Return the smallest and the largest of some numbers: "0.21 to 1.4"."""
    values = list(values)
    return f"{number(min(values), 2)} to {number(max(values), 2)}"


def tally(verdicts: Sequence[str]) -> str:
    """Count clear verdicts: "clearly better in 1, worse in 2"; what is not named was not clearly different."""
    counts = [f"{verdict} in {verdicts.count(verdict)}" for verdict in (BETTER, WORSE) if verdict in verdicts]
    return "clearly " + (", ".join(counts) or "different in none")


def unjudged(verdicts: Sequence[str]) -> bool:
    """Whether there were too few runs for every one of these verdicts."""
    return set(verdicts) <= {UNKNOWN}


def spread(count: int, what: str) -> str:
    """Return what a title says in brackets: of one run there is neither a mean nor a standard error.

    Parameters
    ----------
    count : int
        Of seeds or trials.
    what : str
        "seed" or "trial".
    """
    return counted(count, what) + (", mean ± standard error" if count > 1 else "")


def too_few(count: int, what: str) -> str:
    """Return the subject of "… cannot tell": "One seed", "Two seeds"."""
    word = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return counted(count, what).replace(str(count), word, 1).capitalize()


def depends_on_more(count: int, what: str) -> str:
    """Return the opening where there were too few runs for any verdict."""
    return f"It depends on more than {counted(count, what)}: at least {FEWEST} are needed for a verdict."


def direction(verdicts: Sequence[str]) -> str:
    """Return "yes", "no", "depends" or "unknown" for "is it better?", asked in several cases.

    Yes takes a clear gain in at least half of the cases that could be judged, and no clear loss; no means that none
    gained. All else depends on the case.
    """
    judged = [verdict for verdict in verdicts if verdict != UNKNOWN]
    better, worse = judged.count(BETTER), judged.count(WORSE)
    if not judged:
        return "unknown"
    if not better:
        return "no"
    return "yes" if not worse and 2 * better >= len(judged) else "depends"


def opening(measures: Mapping[str, Sequence[str]], count: int, what: str = "seed", cases: str = "the data") -> str:
    """Return the first sentence of an answer to "is it better?": a plain yes or no, or what it depends on.

    Parameters
    ----------
    measures : mapping of str to sequence of str
        Measure -> the verdicts of its cases, as `compare.paired` gives them.
    count, what : int, str
        How many seeds or trials there were.
    cases : str
        What sets the cases apart.

    Returns
    -------
    str
        "Yes.", "No.", or "It depends on ….".
    """
    found = {name: direction(verdicts) for name, verdicts in measures.items()}
    known = {way for way in found.values() if way != "unknown"}
    lost = any(WORSE in verdicts for verdicts in measures.values())
    if not known:
        return depends_on_more(count, what)
    if known == {"no"}:
        return "No."
    # A measure that gains nothing takes nothing back either, unless it loses.
    if "depends" not in known and not lost:
        return "Yes."
    if "depends" not in known:
        return f"It depends on what counts: {', '.join(f'{name} {_gains(measures[name])}' for name in measures)}."
    clear = sum(verdict in (BETTER, WORSE) for verdicts in measures.values() for verdict in verdicts)
    gains = sum(verdict == BETTER for verdicts in measures.values() for verdict in verdicts)
    every = sum(verdict != UNKNOWN for verdicts in measures.values() for verdict in verdicts)
    return f"It depends on {cases}: of {every} comparisons {gains} gained clearly, {clear - gains} lost."


def _gains(verdicts: Sequence[str]) -> str:
    return "gains" if BETTER in verdicts else "loses" if WORSE in verdicts else "does not change clearly"
