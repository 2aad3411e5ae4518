"""The view of a direction that turns: recorded runs of `trainers.turning` as an interactive part of the page."""
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..runs.store import Run
from .web_parts import Part
from .words import listed

TITLES = {"clouds": "Two clouds", "figure_1": "Figure 1 of Soudry et al.", "four_points": "Four points"}
CURVES = ("update", "train_loss", "train_error", "norm", "margin", "angle", "expected")
DIGITS = 6  # that count, of what the page holds


def part(recorded: Iterable[tuple[Any, Run]]) -> Part:
    """Return the part that shows some runs, pairs of a `trainers.turning.Turn` and what it left."""
    recorded = list(recorded)
    return Part(name="turning", title="A direction turns to that of the support vector machine", question="margin_theory",
                html_template="turning.html", scripts=("uPlot.iife.min.js", "stepper.js", "turning.js"),
                styles=("uPlot.min.css", "stepper.css", "turning.css"), data=[_shown(*one) for one in recorded],
                alt=_told(recorded) if recorded else "")


def _title(turn: Any) -> str:
    return TITLES.get(turn.data, turn.data)


def _shown(turn: Any, run: Run) -> dict[str, Any]:
    """What scripts need of one run."""
    return {"title": _title(turn), "best": rounded(run.scalars["svm.margin"]), "y": run.arrays["y"].tolist(),
            **{name: rounded(run.arrays[name]) for name in ("x", "w")}, "direction": rounded(run.arrays["svm.direction"]),
            "across": rounded(run.scalars["across"]),
            "support": run.arrays["svm.support"].tolist(), **{name: rounded(run.curves[name]) for name in CURVES}}


def rounded(values: Any) -> Any:
    """Return numbers with the `DIGITS` that count, in lists as an array has them; None where one is not finite."""
    if np.ndim(values):
        return [rounded(value) for value in values]
    return float(f"{values:.{DIGITS}g}") if np.isfinite(values) else None


def _told(recorded: Sequence[tuple[Any, Run]]) -> str:
    """Say what is seen."""
    falls, margins = [], []
    for turn, run in recorded:
        angle, expected = run.curves["angle"], run.curves["expected"][-1]
        theory = f" (theory: {expected:.2g})" if np.isfinite(expected) else ""
        falls.append(f"on {_title(turn)} from {angle[0]:.0f} to {angle[-1]:.2g} degrees{theory}")
        margins.append(f"{100 * run.curves['margin'][-1] / run.scalars['svm.margin']:.0f} %")
    updates = f"{int(recorded[0][1].curves['update'][-1]):,}".replace(",", "\u202f")
    return (f"Over {updates} updates the angle between the weights and those of the support vector machine falls "
            f"{listed(falls)}. Of the machine's margin {listed(margins)} {'is' if len(margins) == 1 else 'are'} reached.")
