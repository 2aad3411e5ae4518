"""The gap between validation and training accuracy in parts that add up: cases, bars, and sentences about them."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import plots
from .compare import BETTER, FEWEST, UNCLEAR, UNKNOWN, WORSE, half_width, judge, mean_and_error
from .measured import Measured
from .words import between, counted, depends_on_more, interval, listed

# Part: what it is called, hue. The last two are not about measuring: what is special about the validation set, compared
# with samples that were drawn as the training samples were, and by how much the network does worse on those.
PARTS = {"averaging": ("averaging", plots.BLUE), "dropout": ("dropout", plots.ORANGE),
         "augmentation": ("augmentation", plots.GREEN), "labels": ("wrong labels", plots.PURPLE),
         "set": ("validation set", plots.RED), "rest": ("generalisation", plots.GREY)}
# Accuracy: how it is measured, the hue of that, part of the data.
LINES = (("running", "running", plots.BLUE, "train"), ("frozen", "measured like validation", plots.RED, "train"),
         ("validation", "", plots.RED, "val"))


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


def verdicts(cases: Sequence[Case], which: str) -> list[str]:
    """Whether "observed" or "remedied" gaps are clearly above 0 (`BETTER`) or below (`WORSE`), all together at 95 %."""
    gaps = [getattr(case, which) for case in cases]
    return [judge(gap, lower_is_better=False, comparisons=2 * len(cases)).verdict for gap in gaps]


def bars(cases: Sequence[Case], axis: Any) -> None:
    """Draw each gap as parts side by side, those that lower it left of 0, with the gap itself and what the remedy leaves."""
    axis.use_sticky_edges = False  # or the longest bar ends at the rim
    for place, case in enumerate(cases):
        ends = [0.0, 0.0]
        for name, values in case.parts().items():
            mean, side = float(values.mean()), int(values.mean() < 0)
            axis.barh(place, mean, left=ends[side], height=0.55, color=plots.ink(PARTS[name][1]), lw=0,
                      label=PARTS[name][0] if place == 0 else "")
            ends[side] += mean
        for values, shift, marker, label in ((case.observed, -0.13, "D", "observed gap"),
                                             (case.remedied, 0.13, "o", "after the remedy")):
            half = half_width(mean_and_error(values)[1], len(values))
            axis.errorbar(values.mean(), place + shift, xerr=half if np.isfinite(half) else None, fmt=marker, ms=7,
                          capsize=3, color=plots.ink(plots.BLACK), mfc=plots.paper() if marker == "o" else None,
                          label=label if place == 0 else "")
    axis.axvline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_yticks(range(len(cases)), [case.title for case in cases])
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")


def course(case: Case, axis: Any) -> None:
    """Draw the three accuracies of some runs over epochs."""
    t = case.runs.curves("epoch")[0]
    for name, label, hue, split in LINES:
        plots.curve(axis, t, case.runs.curves(name, 100), label, hue=hue, split=split)


def opened(cases: Sequence[Case], seeds: int) -> str:
    """Open the answer: is validation above training by how the two are measured?"""
    before, after = verdicts(cases, "observed"), verdicts(cases, "remedied")
    if set(before) <= {UNKNOWN}:
        return depends_on_more(seeds, "seed")
    above = [i for i, verdict in enumerate(before) if verdict == BETTER]
    if not above:
        return f"No: validation accuracy was not clearly above training accuracy in any of {counted(len(cases), 'case')}."
    left, turned, open_ = ([cases[i].title for i in above if after[i] == verdict] for verdict in (BETTER, WORSE, UNCLEAR))
    said = [f"{words} in {len(some)} ({listed(some)})" for words, some in (
        ("clearly below", turned), ("still clearly above", left), ("neither", open_)) if some]
    start = ("It depends on the cause" if left and turned else "No" if left else "Yes" if 2 * len(turned) >= len(above)
             else f"It depends on more than {counted(seeds, 'seed')}, which cannot tell")
    return (f"{start}: validation accuracy was clearly above the training accuracy shown in {len(above)} of "
            f"{counted(len(cases), 'case')}; measured alike (weights of the epoch's end, no dropout, training inputs as "
            f"they are) it was, of these, {listed(said)}.")


def split(case: Case) -> str:
    """Say of one gap how large it is, what the remedy leaves, and what clearly raises it, where there are runs enough."""
    gap = f"{case.title} {interval(case.observed)} → {interval(case.remedied)}"
    if len(case.observed) < FEWEST:
        return gap
    parts = sorted(case.parts().items(), key=lambda part: -part[1].mean())
    raising = [f"{PARTS[name][0]} {interval(values)}" for name, values in parts
               if judge(values, lower_is_better=False, comparisons=len(PARTS)).verdict == BETTER]
    return f"{gap} ({listed(raising or ['no part clear'])})"


def lost(cases: Sequence[Case]) -> str:
    """Return the range over cases of what generalisation takes away, in points."""
    return between(-case.parts()["rest"].mean() for case in cases)
