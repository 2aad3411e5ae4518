"""The gap between validation and training accuracy in parts that add up: cases, bars, and sentences about them."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import plots
from .compare import BETTER, UNKNOWN, WORSE, half_width, mean_and_error, paired
from .measured import Measured
from .words import counted, depends_on_more, listed

# Part: what it is called, hue. The last two are not about measuring: what is special about the validation set, compared
# with samples that were drawn as the training samples were, and by how much the network does worse on those.
PARTS = {"averaging": ("averaging", plots.BLUE), "dropout": ("dropout", plots.ORANGE),
         "augmentation": ("augmentation", plots.GREEN), "labels": ("wrong labels", plots.PURPLE),
         "set": ("validation set", plots.SKY), "rest": ("generalisation", plots.GREY)}
LINES = (("running", "training, running", plots.RED, "--"), ("frozen", "training, measured like validation", plots.RED, "-"),
         ("validation", "validation", plots.BLACK, "-"))


class Case(NamedTuple):
    """One gap: some runs, which of their epochs is looked at (0 the first, -1 the last), and by which validation set."""

    title: str
    runs: Measured
    epoch: int
    against: str = "validation"

    def at(self, name: str) -> np.ndarray:
        """A figure (seeds,) of the epoch, in percent."""
        return self.runs.curves(name, 100)[:, self.epoch]

    @property
    def observed(self) -> np.ndarray:
        """Validation less running training accuracy (seeds,), in points."""
        return self.at(self.against) - self.at("running")

    @property
    def remedied(self) -> np.ndarray:
        """Validation accuracy less that of the same weights on training inputs as they are (seeds,)."""
        return self.at(self.against) - self.at("frozen")

    def parts(self) -> dict[str, np.ndarray]:
        """The observed gap, shared out to `PARTS`; each (seeds,)."""
        measuring = {name: self.at(name) for name in PARTS if name not in ("set", "rest")}
        return {**measuring, "set": self.at(self.against) - self.at("reference"),
                "rest": self.at("reference") - self.at("true")}


def interval(values: Any) -> str:
    """Return "mean ±half the width of its 95 % t interval"; the mean alone of fewer than three."""
    mean, error = mean_and_error(values)
    half = half_width(error, len(values))
    return f"{mean:.1f}" + (f" ±{half:.1f}" if np.isfinite(half) else "")


def verdicts(cases: Sequence[Case], which: str) -> list[str]:
    """Whether "observed" or "remedied" gaps are clearly above 0 (`BETTER`) or below (`WORSE`), all together at 95 %."""
    gaps = [getattr(case, which) for case in cases]
    return [paired(np.zeros_like(gap), gap, lower_is_better=False, comparisons=2 * len(cases)).verdict for gap in gaps]


def bars(cases: Sequence[Case], axis: Any) -> None:
    """Draw each gap as parts side by side, those that lower it left of 0, with the gap itself and what the remedy leaves."""
    for place, case in enumerate(cases):
        ends = [0.0, 0.0]
        for name, values in case.parts().items():
            mean, side = float(values.mean()), int(values.mean() < 0)
            axis.barh(place, mean, left=ends[side], height=0.55, color=plots.ink(PARTS[name][1]), lw=0,
                      label=PARTS[name][0] if place == 0 else "")
            ends[side] += mean
        for values, marker, label in ((case.observed, "D", "observed gap"), (case.remedied, "o", "after the remedy")):
            half = half_width(mean_and_error(values)[1], len(values))
            axis.errorbar(values.mean(), place, xerr=half if np.isfinite(half) else None, fmt=marker, ms=7, capsize=3,
                          color=plots.ink(plots.BLACK), mfc=plots.paper() if marker == "o" else plots.ink(plots.BLACK),
                          label=label if place == 0 else "")
    axis.axvline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_yticks(range(len(cases)), [case.title for case in cases])
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")


def course(case: Case, axis: Any) -> None:
    """Draw the three accuracies of some runs over epochs."""
    t = case.runs.curves("epoch")[0]
    for name, label, hue, line in LINES:
        plots.curve(axis, t, case.runs.curves(name, 100), label, hue=hue, split="", linestyle=line)


def opened(cases: Sequence[Case], seeds: int) -> str:
    """Open the answer: is validation above training only by how the two are measured?"""
    before, after = verdicts(cases, "observed"), verdicts(cases, "remedied")
    if set(before) <= {UNKNOWN}:
        return depends_on_more(seeds, "seed")
    above = [i for i, verdict in enumerate(before) if verdict == BETTER]
    if not above:
        return f"No: validation accuracy was not clearly above training accuracy in any of {counted(len(cases), 'case')}."
    left = [i for i in above if after[i] == BETTER]
    turned = sum(after[i] == WORSE for i in above)
    names = listed(f"“{cases[i].title}”" for i in left) if left else ""
    what = ("measured alike (weights of the epoch's end, no dropout, training inputs as they are), ")
    gone = (f"{what}validation accuracy was no longer clearly above in {len(above) - len(left)} of the {len(above)} cases "
            f"where it had been, and clearly below in {turned}")
    if not left:
        return f"Yes, by how they are measured: {gone}."
    if len(left) == len(above):
        return f"No, not only by how they are measured: {what}it was still clearly above in all {len(left)} cases: {names}."
    return f"It depends on the cause: {gone}; it stayed above in {names}, where the data themselves differ."


def split(case: Case) -> str:
    """Say of one gap how large it is, what its largest part is, what else is clear, and what the remedy leaves."""
    parts = {name: values for name, values in case.parts().items() if np.any(values)}
    clear = sorted((name for name, values in parts.items()
                    if paired(0 * values, values, comparisons=len(PARTS)).verdict in (BETTER, WORSE)),
                   key=lambda name: -abs(parts[name].mean()))
    said = listed(f"{PARTS[name][0]} {interval(parts[name])}" for name in clear) if clear else "no part clear"
    return f"{case.title} {interval(case.observed)} ({said}; after the remedy {interval(case.remedied)})"
