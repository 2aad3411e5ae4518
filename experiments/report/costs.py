"""Ways to one end at different prices: what each gains or loses beside a dear one, and the cheapest that will do."""
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from . import plots
from .compare import UNKNOWN, WORSE, Difference
from .measured import Measured
from .tables import mean_error
from .words import counted, depends_on_more, too_few, unjudged


class Way(NamedTuple):
    """How a way is called in tables and sentences, and its mark in figures."""

    name: str
    marker: str
    hue: str


class Priced(Protocol):
    """One case: of each way the runs, one per seed or trial, and what it costs."""

    @property
    def runs(self) -> Mapping[str, Measured]:
        """By the names of the ways."""

    @property
    def costs(self) -> Mapping[str, float]:
        """Likewise."""


def panel(case: Priced, ways: Mapping[str, Way], axis: Any, figure: str = "accuracy", factor: float = 100.0) -> None:
    """Draw a figure over the cost of each way (on a logarithmic axis), mean and standard error."""
    for name, (label, marker, hue) in ways.items():
        # Side by side where they cost the same, so that none hides another.
        same = [one for one in case.costs if case.costs[one] == case.costs[name]]
        place = case.costs[name] * 1.1 ** (same.index(name) - (len(same) - 1) / 2)
        plots.point(axis, place, case.runs[name].values(figure, factor), label, hue=hue, marker=marker)
    plots.log(axis, "x", 0.8 * min(case.costs.values()), 1.25 * max(case.costs.values()))


def gains(cases: Sequence[Priced], reference: str) -> dict[str, list[Difference]]:
    """By way, its gain of accuracy over the reference in each case, in points."""
    return {name: [case.runs[name].gain(case.runs[reference]) for case in cases]
            for name in cases[0].runs if name != reference}


def compared(case: Priced, name: str, reference: str) -> tuple[str, str, str]:
    """Return cells of a table: accuracy, how much more than that of the reference, and what that is; "" of itself."""
    gain, other = case.runs[name].gain(case.runs[reference]), name != reference
    return case.runs[name].text("accuracy", 100), mean_error(gain.mean, gain.error) * other, gain.verdict * other


def sentences(cases: Sequence[Priced], ways: Mapping[str, Way], reference: str, *, price: str, what: str) -> list[str]:
    """Return yes, no or what it depends on; what each way gains over the reference; the cheapest that is clearly no worse.

    Parameters
    ----------
    cases : sequence of Priced
        Ways cost the same in all.
    reference : str
        The way that the others are compared with, a dear one.
    price, what : str
        What costs are counted in, and what runs differ in: "training", "trial".
    """
    costs, count = cases[0].costs, len(cases[0].runs[reference].runs)
    found = gains(cases, reference)
    verdicts = {name: [gain.verdict for gain in some] for name, some in found.items()}
    means = {name: float(np.mean([gain.mean for gain in some])) for name, some in found.items()}
    judged = not unjudged([verdict for some in verdicts.values() for verdict in some])
    said = "; ".join(f"{ways[name].name} {_points(means[name])} for {_priced(costs[name], price)}"
                     + f" (clearly worse in {verdicts[name].count(WORSE)})" * judged for name in found)
    opening = (f"Against the {ways[reference].name} of {_priced(costs[reference], price)}, on average over "
               f"{counted(len(cases), 'case')}: {said}.")
    if not judged:
        return [depends_on_more(count, what), opening, f"{too_few(count, what)} cannot tell which of them will do."]
    # A way that could not be judged in some case (its runs diverged) is not known to be as good there.
    good = [name for name in found if not {WORSE, UNKNOWN} & set(verdicts[name])]
    if not good:
        return ["No.", opening, "No other way can be recommended: each was clearly worse in some case, or failed."]
    best = min(good, key=lambda name: (costs[name], -means[name]))
    return ["Yes.", opening, f"The cheapest that was clearly worse in no case: {ways[best].name}, for "
            f"{100 * costs[best] / costs[reference]:.0f} % of the cost of the {reference}."]


def _points(points: float) -> str:
    return "diverged" if np.isnan(points) else f"{round(points, 1) + 0.0:+.1f} points"


def _priced(cost: float, price: str) -> str:
    return f"1 {price}" if cost == 1 else f"{cost:.3g} {price}s"
