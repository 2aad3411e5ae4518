"""Methods that are compared on the same seeds in several cases, and what may be said of the differences."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .compare import BETTER, UNKNOWN, WORSE, Difference, mean_and_error, paired
from .measured import Measured
from .tables import number
from .words import tally, too_few, unjudged

PERCENT = ("error", "error_clean", "changed", "movement")  # ends of the names of figures that are shares


@dataclass(frozen=True)
class Methods:
    """The methods of one case.

    Attributes
    ----------
    title : str
        Of the case.
    runs : mapping of str to (Measured, str)
        Of each method its runs, one per seed, and the rule whose models are meant: its figures are named "RULE.FIGURE".
    """

    title: str
    runs: Mapping[str, tuple[Measured, str]]

    def values(self, method: str, figure: str, factor: float = 1.0) -> np.ndarray:
        """One figure of one method for all seeds, shape (seeds,); NaN where the rule never fired."""
        runs, rule = self.runs[method]
        return runs.values(f"{rule}.{figure}", factor)

    def mean(self, method: str, figure: str, factor: float = 1.0) -> float:
        """Mean over the seeds for which the rule fired."""
        return mean_and_error(self.values(method, figure, factor))[0]

    def text(self, method: str, figure: str, factor: float | None = None) -> str:
        """Return "mean ±error"; without a factor shares are in percent."""
        runs, rule = self.runs[method]
        return runs.text(f"{rule}.{figure}", 100 ** figure.endswith(PERCENT) if factor is None else factor)

    def compared(self, before: str, after: str, figure: str, *, comparisons: int = 1) -> Difference:
        """What one method is compared with another, lower being better; `comparisons` as `compare.paired` takes it."""
        return paired(self.values(before, figure), self.values(after, figure), comparisons=comparisons)

    def means(self, a: str, b: str, figure: str) -> tuple[float, float]:
        """Means of two methods over the seeds that have both."""
        values = np.array([self.values(a, figure), self.values(b, figure)])
        both = values[:, ~np.isnan(values).any(axis=0)]
        first, second = both.mean(axis=1) if both.size else (np.nan, np.nan)
        return float(first), float(second)

    def change(self, a: str, b: str, figure: str) -> float:
        """Relative change of a figure from one method to another; the larger divides, so twice and half count the same."""
        before, after = self.means(a, b, figure)
        return abs(after - before) / max(after, before) if after != before else 0.0

    def pair(self, a: str, b: str, figure: str, between: str = "to") -> str:
        """Both means with a word between them, shares in percent: "0.312 to 1.40", "19.9 to 20.6 %"."""
        share = figure.endswith(PERCENT)
        first, second = (100 ** share * mean for mean in self.means(a, b, figure))
        return f"{number(first)} {between} {number(second)}{' %' * share}"


class Compared(Protocol):
    """A case whose methods can be compared."""

    def compared(self, before: Any, after: Any, figure: str, *, comparisons: int = 1) -> Difference:
        """What one method is compared with another, by a figure."""


def verdicts(cases: Sequence[Compared], before: Any, after: Any, figure: str, *, comparisons: int = 1) -> list[str]:
    """Per case, what a method is compared with another one; `comparisons` as `compare.paired` takes it."""
    return [case.compared(before, after, figure, comparisons=comparisons).verdict for case in cases]


def best(cases: Sequence[Methods], against: str, methods: Sequence[str], figures: Sequence[str], example: Methods,
         ) -> tuple[str, bool]:
    """Return the method that did best against another one, and whether it was better on balance; "" if none can be judged.

    The most verdicts better and the fewest worse, over all cases and figures; the first figure of an example decides
    between equals.
    """
    found = {name: [verdict for figure in figures for verdict in verdicts(cases, against, name, figure)] for name in methods}
    balance = {name: said.count(BETTER) - said.count(WORSE) for name, said in found.items() if not unjudged(said)}
    if not balance:
        return "", False
    name = max(balance, key=lambda name: (balance[name], -example.mean(name, figures[0])))
    return name, balance[name] > 0


def alternative(cases: Sequence[Methods], against: str, methods: Mapping[str, str], figures: Mapping[str, str],
                example: Methods, *, count: int, what: str) -> str:
    """Return a sentence about which method did best against another one, by `best`, with what an example measured.

    Parameters
    ----------
    methods, figures : mapping of str to str
        Method -> its name; name -> figure, whose last word is how the example's are called.
    count : int
        Of seeds.
    what : str
        The name of the other method.
    """
    name, better = best(cases, against, tuple(methods), tuple(figures.values()), example)
    if not name:
        return f"{too_few(count, 'seed')} cannot tell which alternative to {what} is best."
    lead = (f"Of the alternatives to {what}, {methods[name]} did best" if better else
            f"No alternative to {what} was clearly better on balance; {methods[name]} came closest")
    pairs = ", ".join(f"{called.split()[-1]} {example.pair(name, against, figure, 'instead of')}"
                      for called, figure in figures.items())
    return f"{lead}: {outcome(cases, against, name, figures)}; in that case {pairs}."


def outcome(cases: Sequence[Methods], before: str, after: str, figures: Mapping[str, str]) -> str:
    """What one method is compared with another: "test error was clearly better in 2 and test loss … in 4 of 4 cases".

    Parameters
    ----------
    figures : mapping of str to str
        Name -> figure.
    """
    found = {name: verdicts(cases, before, after, figure) for name, figure in figures.items()}
    text = " and ".join(f"{name} {'was ' * (not i)}{_tally(said)}" for i, (name, said) in enumerate(found.items()))
    judged = len(cases) - next(iter(found.values())).count(UNKNOWN)
    if judged < len(cases):
        return f"{text} of {judged} cases with enough seeds"
    return text if judged == 1 else f"{text} of {judged} cases"


def _tally(said: Sequence[str]) -> str:
    """Count clear verdicts; a single case needs no count."""
    if len(said) > 1:
        return tally(said)
    return f"clearly {said[0]}" if said[0] in (BETTER, WORSE) else (
        "not to be judged" if said[0] == UNKNOWN else "not clearly different")
