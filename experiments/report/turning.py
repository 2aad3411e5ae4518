"""The view of a direction that turns: recorded runs of `trainers.turning` as an interactive part of the page."""
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..runs.store import Run
from .web_parts import Part

TITLES = {"clouds": "Two clouds", "figure_1": "Figure 1 of Soudry et al.", "four_points": "Four points"}
CURVES = ("update", "train_loss", "train_error", "norm", "margin", "angle", "expected")
DIGITS = 6  # that count, of what the page holds


def part(recorded: Iterable[tuple[Any, Run]]) -> Part:
    """Return the part that shows some runs, pairs of a `trainers.turning.Turn` and what it left."""
    recorded = list(recorded)
    return Part(name="turning", title="A direction turns to that of the support vector machine", question="margin_theory",
                html_template="turning.html", scripts=("uPlot.iife.min.js", "stepper.js", "turning.js"),
                styles=("uPlot.min.css", "stepper.css", "turning.css"), data=[_shown(*one) for one in recorded],
                alt=" ".join(_told(*one) for one in recorded))


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


def _told(turn: Any, run: Run) -> str:
    """Say what is seen of one run."""
    angle, margin, norm, expected = (run.curves[name] for name in ("angle", "margin", "norm", "expected"))
    count, share = f"{int(run.curves['update'][-1]):,}".replace(",", "\u202f"), margin[-1] / run.scalars["svm.margin"]
    theory = f" (theory: {expected[-1]:.2g})" if np.isfinite(expected[-1]) else ""
    return (f"{_title(turn)}: over {count} updates the angle to the support vector machine falls from {angle[0]:.0f} to "
            f"{angle[-1]:.2g} degrees{theory}; the margin ends at {100 * share:.0f} % of the machine's, and the norm of the "
            f"weights grows from {norm[0]:.2g} to {norm[-1]:.2g}.")
