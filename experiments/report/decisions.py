"""What to do in a situation, as far as runs tell: an action that follows intervals, and what was measured."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .compare import BETTER, FEWEST, UNKNOWN, WORSE, Difference, half_width, judge, mean_and_error, paired
from .ratios import Ratio
from .tables import number

KEEP, STOP, FLOOD, CURB, LOOK = "keep training", "stop", "flood", "stop or flood", "look at the data"
EITHER, DEPENDS, UNTOLD, NOT_YET = "no clear difference", "it depends", "cannot tell yet", "not yet run"
ACTIONS = {KEEP: "blue", STOP: "red", FLOOD: "green", CURB: "red", LOOK: "purple", EITHER: "ink", DEPENDS: "orange",
           UNTOLD: "quiet", NOT_YET: "quiet"}  # each with its hue


@dataclass(frozen=True)
class Advice:
    """What one question's runs say.

    Attributes
    ----------
    action : str
        One of `ACTIONS`.
    measured : str
        By which figures, with their intervals.
    """

    action: str
    measured: str


@dataclass(frozen=True)
class Decision:
    """A row of the decision table.

    Attributes
    ----------
    situation : str
        Of the reader.
    question : str
        Name of the question whose runs it rests on.
    advice : Advice
    runs : str
        Which runs: "default, 10 seeds"; "" where there are none.
    """

    situation: str
    question: str
    advice: Advice
    runs: str = ""


def course(verdicts: Sequence[str], better: str = KEEP, worse: str = STOP) -> str:
    """Return the action that follows from verdicts on "is it better afterwards?", one of each case.

    What was gained in some cases and lost in none calls for `better`; the other way round for `worse`; both depends on the
    case. Where nothing is clear there is no clear difference; of too few runs nobody can tell.
    """
    clear = {BETTER, WORSE} & set(verdicts)
    if len(clear) == 2:
        return DEPENDS
    if clear:
        return better if BETTER in clear else worse
    return UNTOLD if UNKNOWN in verdicts or not verdicts else EITHER


def compared(before: Any, after: Any, factor: float = 1.0, *, comparisons: int = 1) -> tuple[Difference, str]:
    """Compare figures (seeds,), lower being better; in words: "6.18 → 5.11 (-1.07 ±0.42)", the change with its interval.

    The interval holds together with those of `comparisons` at 95 %, as the verdict does. Where one of the two is missing in
    some runs, such as zero training error that was never reached, it is said how many are left: "(…; 5 of 10 runs)".
    """
    a, b = (factor * np.asarray(values, dtype=float) for values in (before, after))
    both = ~np.isnan(a - b)
    found = paired(a[both], b[both], comparisons=comparisons)
    half = half_width(found.error, int(both.sum()), comparisons)
    means = [number(float(values[both].mean())) if both.any() else "–" for values in (a, b)]
    return found, f"{means[0]} → {means[1]}" + _aside(signed(found.mean, half) if np.isfinite(half) else "", both)


def ratio(before: Any, after: Any, *, comparisons: int = 1) -> tuple[Difference, str]:
    """Compare figures (seeds,) by their ratio, whose interval is that of its logarithm: "× 2.93 (2.61 to 3.29)"."""
    a, b = (np.asarray(values, dtype=float) for values in (before, after))
    known = (a > 0) & (b > 0)  # neither NaN nor 0, which has no ratio
    change = np.log(b[known]) - np.log(a[known])
    found = Ratio.of(change, comparisons=comparisons)
    ends = f"{number(found.low)} to {number(found.high)}" * found.known
    return judge(change, comparisons=comparisons), f"× {number(found.mean)}" + _aside(ends, known)


def _aside(interval: str, used: np.ndarray) -> str:
    """What stands in brackets behind a figure: its interval, and how many of the runs it is of, unless of all."""
    said = [interval] * bool(interval) + [f"{used.sum()} of {len(used)} runs"] * (not used.all())
    return f" ({'; '.join(said)})" if said else ""


def with_interval(values: Any, factor: float = 1.0, *, comparisons: int = 1) -> str:
    """Return "mean ±half the width of the 95 % interval" of figures (seeds,), NaN left out; the mean alone of too few.

    `comparisons` as in `compared`: a figure that a verdict is about has the interval of that verdict.
    """
    values = factor * np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    mean, error = mean_and_error(values)
    if len(values) < FEWEST or error == 0:
        return number(mean)
    half = half_width(error, len(values), comparisons)
    digits = _places(half)
    return f"{mean:.{digits}f} ±{half:.{digits}f}"


def signed(mean: float, half: float) -> str:
    """Return "-1.07 ±0.42"."""
    digits = _places(half) if half else 2
    return f"{mean:+.{digits}f} ±{half:.{digits}f}"


def _places(half: float) -> int:
    """Places that show two digits of an error, four at most."""
    return int(min(4, max(0, 1 - np.floor(np.log10(half)))))
