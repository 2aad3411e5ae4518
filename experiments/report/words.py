"""Words that answers and titles share: counts, lists, verdicts, how an answer opens, what so few seeds can tell."""
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np

from .compare import BETTER, FEWEST, UNCLEAR, UNKNOWN, WORSE, half_width, mean_and_error
from .tables import mean_error, number

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def counted(count: int, what: str) -> str:
    """Return "1 seed", "3 seeds"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def flips(noise: float) -> str:
    """Return what a title says of a share of flipped labels: "10 % flipped"."""
    return f"{100 * noise:g} % flipped"


def listed(words: Iterable[str]) -> str:
    """Join words: "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def between(values: Iterable[float]) -> str:
    """Return the smallest and the largest of some numbers, without NaN: "0.21 to 1.4"; where they read alike one: "0.21"."""
    values = [value for value in values if not math.isnan(value)] or [math.nan]
    low, high = number(min(values), 2), number(max(values), 2)
    return low if low == high else f"{low} to {high}"


def means(cases: Iterable[Any]) -> str:
    """Return the smallest and the largest mean over seeds of a figure (seeds,) of some cases."""
    return between(mean_and_error(values)[0] for values in cases)


def text(values: Any) -> str:
    """Return "mean ±error" of a figure (seeds,), NaN left out; of one value that value."""
    return mean_error(*mean_and_error(np.atleast_1d(values)))


def of_those(values: Any) -> str:
    """Return "mean ±error" of figures (runs,), and of how many runs, where some have none (NaN)."""
    known = int(np.sum(~np.isnan(values)))
    return text(values) + f" ({known} of {counted(len(values), 'run')})" * (known < len(values))


def interval(values: Any, digits: int = 1, half: float | None = None) -> str:
    """Return "mean ±half the width of its 95 % t interval", NaN left out; the mean alone of fewer than three.

    Parameters
    ----------
    values : array (seeds,)
    digits : int
        After the point.
    half : float, optional
        Half the width, where it is not that of `compare.half_width`.
    """
    values = np.asarray(values, dtype=float)
    mean, error = mean_and_error(values)
    half = half_width(error, int(np.sum(~np.isnan(values)))) if half is None else half
    return "–" if math.isnan(mean) else f"{mean:.{digits}f}" + (f" ±{half:.{digits}f}" if math.isfinite(half) else "")


def paragraph(sentences: Callable[..., Iterable[str]]) -> Callable[..., str]:
    """Make of a function that returns sentences one that returns them as one text; the function itself: `__wrapped__`."""
    @wraps(sentences)
    def joined(*arguments: Any) -> str:
        return " ".join(sentences(*arguments))
    return joined


def tally(verdicts: Sequence[str]) -> str:
    """Count clear verdicts: "clearly better in 1, worse in 2"; what is not named was not clearly different."""
    counts = [f"{verdict} in {verdicts.count(verdict)}" for verdict in (BETTER, WORSE) if verdict in verdicts]
    said = f"clearly {', '.join(counts) or 'different in none'}"
    return judgeable(verdicts, said) if verdicts else said


def judgeable(verdicts: Sequence[str], said: str) -> str:
    """Return what is said of some verdicts, or "not to be judged in any" where there were too few runs for every one."""
    return "not to be judged in any" if unjudged(verdicts) else said


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


def opening_of_difference(measures: Iterable[Sequence[str]], count: int, what: str = "seed") -> str:
    """Return the first sentence of an answer to "does it depend on …?", from the verdicts of comparisons by each measure.

    Yes takes a clear difference by every measure, either way; one by some only depends on what counts.
    """
    found = list(measures)
    clear = [bool({BETTER, WORSE} & set(verdicts)) for verdicts in found]
    if all(map(unjudged, found)):
        return depends_on_more(count, what)
    return "Yes." if all(clear) else "It depends on what counts." if any(clear) else "No."


def _gains(verdicts: Sequence[str]) -> str:
    return "gains" if BETTER in verdicts else "loses" if WORSE in verdicts else "does not change clearly"


def opening_by(measures: Mapping[str, Sequence[str]], groups: Sequence[str], count: int, needed: int, what: str) -> str:
    """Return the first sentence of an answer to "is it better?" where cases stand in groups that may explain a difference.

    "No for the test loss (worse in 4 of 4 cases); for the test error it depends on the labels: worse where 10 % are wrong,
    better where they are clean."

    Parameters
    ----------
    measures : mapping of str to sequence of str
        Measure -> the verdicts of its cases.
    groups : sequence of str
        Of each case: "where 10 % are wrong".
    count, needed : int
        Seeds that there are, and that the claim needs: from fewer, no clear difference does not mean that there is none.
    what : str
        What the groups are about: "the labels".
    """
    unknown = all(unjudged(verdicts) for verdicts in measures.values())
    unclear = not any({BETTER, WORSE} & set(verdicts) for verdicts in measures.values())
    if unknown or (unclear and count < needed):
        return f"It depends on more than {counted(count, 'seed')}, which cannot tell: the question takes {needed}."
    if unclear:
        return f"No: {listed(measures)} did not change clearly{f' in any of {len(groups)} cases' * (len(groups) > 1)}."
    parts = [(*_part(verdicts, groups, count, needed, what), f"for the {name}") for name, verdicts in measures.items()]
    (_, answer, why, about), *others = sorted(parts, key=lambda part: part[0])  # plain words first
    said = [f"{answer[0].upper()}{answer[1:]} {about}{why}", *(
        f"{answer} {about}{why}" if place == 0 else f"{about} {answer}{why}" for place, answer, why, about in others)]
    return f"{'; '.join(said)}."


def _part(verdicts: Sequence[str], groups: Sequence[str], count: int, needed: int, what: str) -> tuple[int, str, str]:
    """Return what is said of one measure: its place (yes and no stand before what depends, that before what is not clear),
    the answer and why.
    """
    clear = {verdict for verdict in verdicts if verdict in (BETTER, WORSE)}
    judged = len(verdicts) - list(verdicts).count(UNKNOWN)
    if not clear:
        return 2, (f"{too_few(count, 'seed').lower()} cannot tell" if count < needed else "there is no clear difference"), ""
    if len(clear) == 1:
        [word] = clear
        cases = f" ({word} in {list(verdicts).count(word)} of {counted(judged, 'case')})" if len(verdicts) > 1 else ""
        return 0, "yes" if word == BETTER else "no", cases
    found = {group: {verdict for verdict, own in zip(verdicts, groups, strict=True) if own == group} & clear
             for group in groups}
    if any(len(some) > 1 for some in found.values()):
        return 1, "it depends on the data", f": {tally(verdicts)} of {counted(judged, 'case')}"
    each = [f"{word} {' and '.join(group for group, some in found.items() if (word in some if word in clear else not some))}"
            for word in (WORSE, BETTER, *[UNCLEAR] * (not all(found.values())))]
    return 1, f"it depends on {what}", f": {', '.join(each)}"
