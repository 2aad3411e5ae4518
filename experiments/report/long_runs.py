"""Runs that go on long after zero training error, plain and flooded: what they do, and how that is drawn and called."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..trainers.landscape import GRID, STEPS
from . import plots
from .compare import Difference, mean_and_error, paired
from .descent import Descent, second_descent, smoothed
from .flipped import Flipped
from .landscapes import contours, log_levels, profiles
from .measured import Measured
from .tables import Table, mean_error
from .words import counted, depends_on_more, listed

PLAIN, START = "plain", "flood's start"
MOMENTS = {"zero": "zero error", "start": START, "end": "end"}
HUES = (plots.PLAIN, plots.FLOODING, plots.BLUE, plots.PURPLE, plots.ORANGE, plots.SKY)
LINES = {"zero": ":", "start": "--", "end": "-"}


@dataclass(frozen=True)
class LongRuns(Flipped):
    """One data set and share of flips: the runs of every arm, the plain ones first, from the same starts."""

    arms: Mapping[str, Measured]

    @property
    def flooded(self) -> list[str]:
        """Arms but the plain one."""
        return [arm for arm in self.arms if arm != PLAIN]

    @cached_property
    def descents(self) -> dict[str, Descent]:
        """By arm; zero training error is that of the plain network."""
        zero = self.arms[PLAIN].at("zero", "epoch")
        return {arm: second_descent(runs.curves("epoch")[0], runs.curves("test_loss"), zero)
                for arm, runs in self.arms.items()}

    def turning(self, arm: str, curve: str, factor: float = 1.0) -> np.ndarray:
        """A smoothed curve at the turning points of the mean test loss, (seeds, 3); NaN without."""
        values, at = self.arms[arm].curves(curve, factor), self.descents[arm].turns
        return np.full((len(values), 3), np.nan) if at is None else smoothed(values)[:, list(at)]

    def compared(self, before: tuple[str, str], after: tuple[str, str], figure: str) -> Difference:
        """A figure of an arm's model (arm, when) beside that of another one."""
        return paired(self.arms[before[0]].at(before[1], figure), self.arms[after[0]].at(after[1], figure))

    def turned(self, arm: str, curve: str) -> Difference:
        """A curve at the second minimum of the test loss beside its value at the peak."""
        _, peak, last = self.turning(arm, curve).T
        return paired(peak, last)

    def arrays(self, arm: str, when: str, name: str) -> np.ndarray:
        """An array of all seeds that have it."""
        return np.array([run.arrays[key] for run in self.arms[arm].runs if (key := f"{when}.{name}") in run.arrays])

    @property
    def places(self) -> list[tuple[str, str]]:
        """The models whose surroundings are drawn, (arm, when): of the plain network and the least flooded one."""
        return [(PLAIN, "zero"), *((self.flooded[0], when) for when in ("start", "end")), (PLAIN, "end")]

    # --- tables ---

    def turning_rows(self) -> list[list[str]]:
        """A row per arm: epoch and test loss at each turning point, rise and fall, seeds, test error at peak and after."""
        rows = []
        for arm, found in self.descents.items():
            epochs, losses = self.turning(arm, "epoch"), self.turning(arm, "test_loss")
            figures = [*(values[:, point] for point in range(3) for values in (epochs, losses)),
                       *(100 * np.asarray(values) for values in (found.rises, found.falls)),
                       *self.turning(arm, "test_error", 100).T[1:]]
            rows.append([f"{self.title}: {arm}", *(mean_error(*mean_and_error(values)) for values in figures),
                         f"{found.seen.sum()} of {len(found.seen)}"])
        return rows

    def place_rows(self, figures: Sequence[str]) -> list[list[str]]:
        """A row per arm and moment: the epoch, and some figures of the model."""
        return [[f"{self.title}: {arm}, {name}", *(mean_error(*mean_and_error(runs.at(when, one)))
                                                   for one in ("epoch", *figures))]
                for arm, runs in self.arms.items() for when, name in MOMENTS.items() if when != "start" or arm != PLAIN]

    # --- panels ---

    def losses(self, axis: Any) -> None:
        """Training and test loss over epochs; the turning points of a clear second descent."""
        for arm, hue in zip(self.arms, HUES, strict=False):
            runs = self.arms[arm]
            plots.over_epochs(axis, runs, "loss", arm, hue=hue)
            epochs, values = (self.turning(arm, name).mean(axis=0) for name in ("epoch", "test_loss"))
            if self.descents[arm].there():
                for epoch, value in zip(epochs, values, strict=True):
                    plots.mark(axis, epoch, value, "o", hue=hue, size=6)
        self._frame(axis, "loss", 5e-3)

    def slopes(self, axis: Any) -> None:
        """Norms of both losses' gradients over epochs, of the models whose rules are numbers and of the last."""
        numbers = {name for key in self.arms[PLAIN].runs[0].scalars if (name := key.removesuffix(".epoch")).isdigit()}
        rules = [*sorted(numbers, key=int), "end"]
        for (arm, runs), hue in zip(self.arms.items(), HUES, strict=False):
            for split in ("train", "test"):
                values = np.transpose([runs.at(rule, f"slope_{split}") for rule in rules])  # (seeds, rules)
                plots.curve(axis, [runs.at(rule, "epoch").mean() for rule in rules], values, arm, hue=hue, split=split)
        self._frame(axis, "gradient norm", 1e-2)

    def _frame(self, axis: Any, what: str, low: float) -> None:
        zero = np.nanmean(self.arms[PLAIN].at("zero", "epoch"))
        axis.axvline(zero, color=plots.ink(plots.GREY), lw=1, ls="-.", label="zero training error, plain")
        axis.set(title=self.title, ylabel=what)
        plots.log(axis, "x")
        plots.log(axis, "y", low)

    def profile(self, part: str, axis: Any) -> None:
        """The loss on training or test set along random directions."""
        for arm, when in self.places:
            profiles(axis, STEPS, self.arrays(arm, when, f"profile_{part}"), f"{arm}, {MOMENTS[when]}",
                     hue=HUES[list(self.arms).index(arm)], linestyle=LINES[when])
        axis.set(title=self.title, ylabel=f"{plots.split_name(part)} loss")
        plots.log(axis, "y", 1e-2)

    def plane(self, place: tuple[str, str], axis: Any) -> None:
        """The training loss of the first seed on a plane; all models of the case share the levels."""
        shown = {one: found[0] for one in self.places if len(found := self.arrays(*one, "plane"))}
        arm, when = place
        if place in shown:
            contours(axis, GRID, shown[place], log_levels(list(shown.values())))
        axis.set_title(f"{arm}, {MOMENTS[when]}")


# --- words ---

def opening(cases: Sequence[LongRuns], seeds: int) -> str:
    """Return the first sentence of an answer: in which cases the second descent is there with flooding."""
    of = sum(len(case.arms) for case in cases)
    found = {case.title: [case.descents[arm].there(of) for arm in case.flooded] for case in cases}
    judged = {title: [one for one in some if one is not None] for title, some in found.items()}
    judged = {title: some for title, some in judged.items() if some}
    if not judged:
        return depends_on_more(seeds, "seed")
    every = [one for some in judged.values() for one in some]
    if all(every):
        return f"Yes: with flooding the test loss descended a second time in all of {counted(len(judged), 'case')}."
    if not any(every):
        return f"No: with flooding no second descent of the test loss was clear in {counted(len(judged), 'case')}."
    there = listed(f"{title} ({sum(some)} of {counted(len(some), 'level')})" for title, some in judged.items() if any(some))
    none = [title for title, some in judged.items() if not any(some)]
    return (f"It depends on the data{' and the level' * any(len(set(some)) > 1 for some in judged.values())}: with flooding "
            f"the test loss descended a second time on {there}{f', on {listed(none)} it did not' if none else ''}.")


def turning_table(cases: Sequence[LongRuns], title: str) -> Table:
    """The turning points of the test loss, a row per case and arm."""
    heads = ["", *(f"{point}{of}" for point in ("minimum", "peak", "2nd minimum") for of in (", epoch", "")),
             "rise, %", "fall, %", "error at peak, %", "then, %", "seen in"]
    return Table(title, heads, [row for case in cases for row in case.turning_rows()],
                 "turning points of the mean curve; rise and fall in % of the peak, each seed at those of the other seeds")
