"""Runs that go on long after zero training error, plain and flooded: what they do, and how that is drawn and called."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import plots
from .compare import FEWEST, Difference, mean_and_error, paired
from .descent import Descent, second_descent, smoothed
from .measured import Measured
from .panels import contours, log_levels
from .tables import Table, mean_error
from .words import counted, depends_on_more, listed

PLAIN, START = "plain", "flood's start"
MOMENTS = {"zero": "zero error", "start": START, "end": "end"}
HUES = (plots.PLAIN, plots.FLOODING, plots.BLUE, plots.PURPLE, plots.ORANGE, plots.SKY)
LINES = {"zero": ":", "start": "--", "end": "-"}


@dataclass(frozen=True)
class LongRuns:
    """One data set and share of flips: the runs of every arm, the plain ones first, from the same starts.

    Attributes
    ----------
    data, noise, title : str, float, str
        As a description has them; what they are called together.
    arms : mapping of str to Measured
        One of them is `PLAIN`.
    comparisons : int
        How many verdicts of a kind are to hold at once.
    """

    data: str
    noise: float
    title: str
    arms: Mapping[str, Measured]
    comparisons: int = 1

    @property
    def seeds(self) -> int:
        """Runs of each arm."""
        return len(self.arms[PLAIN].runs)

    @cached_property
    def zero(self) -> float:
        """Mean epoch of zero training error of the plain networks; NaN where there is none."""
        return mean_and_error(self.arms[PLAIN].at("zero", "epoch"))[0]

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

    def there(self, arm: str) -> bool | None:
        """Whether an arm's second descent is clear; None with too few seeds to tell."""
        return self.descents[arm].there(self.comparisons)

    def turning(self, arm: str, curve: str, factor: float = 1.0) -> np.ndarray:
        """A smoothed curve at the turning points of the mean test loss, (seeds, 3); NaN without."""
        values, at = self.arms[arm].curves(curve, factor), self.descents[arm].turns
        return np.full((len(values), 3), np.nan) if at is None else smoothed(values)[:, list(at)]

    def compared(self, before: tuple[str, str], after: tuple[str, str], figure: str) -> Difference:
        """A figure of an arm's model (arm, when) beside that of another one."""
        return paired(self.arms[before[0]].at(before[1], figure), self.arms[after[0]].at(after[1], figure),
                      comparisons=self.comparisons)

    def turned(self, arm: str, curve: str) -> Difference:
        """A curve at the second minimum of the test loss beside its value at the peak."""
        _, peak, last = self.turning(arm, curve).T
        return paired(peak, last, comparisons=self.comparisons)

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

    def test_loss(self, axis: Any) -> None:
        """Test loss over epochs, as far as the flooded networks' goes; turning points where the second descent is clear."""
        lows, tops = [], []
        for (arm, runs), hue in zip(self.arms.items(), HUES, strict=False):
            epochs, values = runs.curves("epoch")[0], runs.curves("test_loss")
            plots.curve(axis, epochs, values, arm, hue=hue)
            if arm != PLAIN:
                mean = values.mean(axis=0)
                lows.append(mean.min())
                tops.append(mean[epochs >= np.nan_to_num(self.zero)].max())
            if self.there(arm):
                turns = (self.turning(arm, name).mean(axis=0) for name in ("epoch", "test_loss"))
                for epoch, value in zip(*turns, strict=True):
                    plots.mark(axis, epoch, value, "o", hue=hue, size=6)
        axis.set_ylim(0.7 * min(lows), 1.3 * max(tops))
        self._frame(axis, "test loss")

    def train_loss(self, axis: Any) -> None:
        """Training loss over epochs, down to where flooded networks are held."""
        for (arm, runs), hue in zip(self.arms.items(), HUES, strict=False):
            plots.curve(axis, runs.curves("epoch")[0], runs.curves("train_loss"), arm, hue=hue, split="train")
        self._frame(axis, "training loss", 5e-3)

    def slopes(self, axis: Any) -> None:
        """Norms of both losses' gradients over epochs, of the models whose rules are numbers and of the last."""
        numbers = {name for key in self.arms[PLAIN].runs[0].scalars if (name := key.removesuffix(".epoch")).isdigit()}
        rules = [*sorted(numbers, key=int), "end"]
        for (arm, runs), hue in zip(self.arms.items(), HUES, strict=False):
            for split in ("train", "test"):
                values = np.transpose([runs.at(rule, f"slope_{split}") for rule in rules])  # (seeds, rules)
                plots.curve(axis, [runs.at(rule, "epoch").mean() for rule in rules], values, arm, hue=hue, split=split)
        self._frame(axis, "gradient norm", 1e-2)

    def _frame(self, axis: Any, what: str, low: float = 0) -> None:
        axis.axvline(self.zero, color=plots.ink(plots.GREY), lw=1, ls="-.", label="zero training error, plain")
        axis.set(title=self.title, ylabel=what)
        plots.log(axis, "x")
        if low:
            plots.log(axis, "y", low)

    def profile(self, part: str, steps: np.ndarray, axis: Any) -> None:
        """The loss on training or test set along random directions."""
        for arm, when in self.places:
            if len(values := self.arrays(arm, when, f"profile_{part}")):  # (runs, S)
                plots.curve(axis, steps, values, f"{arm}, {MOMENTS[when]}", hue=HUES[list(self.arms).index(arm)], split="",
                            linestyle=LINES[when])
        axis.set(title=self.title, ylabel=f"{plots.split_name(part)} loss")
        plots.log(axis, "y", *[1e-2] * (part == "train"))

    def plane(self, place: tuple[str, str], steps: np.ndarray, axis: Any) -> None:
        """The training loss of the first seed on a plane; all models of the case share the levels."""
        shown = {one: found[0] for one in self.places if len(found := self.arrays(*one, "plane"))}
        arm, when = place
        if place in shown:
            contours(axis, steps, shown[place], log_levels(list(shown.values())))
        axis.set_title(f"{arm.partition(' at ')[0]}, {MOMENTS[when]}")


# --- words ---

def opening(cases: Sequence[LongRuns], needed: int) -> str:
    """Return the first sentence of an answer: in which cases the second descent is there with flooding.

    `needed`: seeds that the claim takes; from fewer, no clear descent does not mean that there is none.
    """
    seeds = cases[0].seeds
    found = {case.title: [one for arm in case.flooded if (one := case.there(arm)) is not None] for case in cases}
    judged = {title: some for title, some in found.items() if some}
    if seeds < FEWEST:
        return depends_on_more(seeds, "seed")
    if not judged:
        return "It depends on more epochs: zero training error was not reached."
    every = [one for some in judged.values() for one in some]
    if all(every):
        return f"Yes: with flooding the test loss descended a second time in all of {counted(len(every), 'comparison')}."
    if not any(every):
        no = f"with flooding no second descent of the test loss was clear in {counted(len(every), 'comparison')}"
        few = f"It depends on more than {seeds} seeds, the question takes {needed}"
        return f"{few if seeds < needed else 'No'}: {no}."
    there = listed(f"{title} ({sum(some)} of {counted(len(some), 'level')})" for title, some in judged.items() if any(some))
    none = [title for title, some in judged.items() if not any(some)]
    level = " and the level" * any(len(set(some)) > 1 for some in judged.values())
    return (f"It depends on the data{level}: with flooding the test loss clearly descended a second time on {there}"
            f"{f', not on {listed(none)}' if none else ''}.")


def turning_table(cases: Sequence[LongRuns], title: str) -> Table:
    """The turning points of the test loss, a row per case and arm."""
    heads = ["", *(f"{point}{of}" for point in ("minimum", "peak", "2nd minimum") for of in (", epoch", "")),
             "rise, %", "fall, %", "error at peak, %", "then, %", "seen in"]
    return Table(title, heads, [row for case in cases for row in case.turning_rows()],
                 "turning points of the mean curve; rise and fall in % of the peak, each seed at those of the other seeds")
