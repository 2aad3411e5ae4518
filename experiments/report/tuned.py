"""Methods that are compared at one setting each, chosen for all seeds by validation (levels.py)."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import plots
from .compare import BETTER, WORSE, Difference, mean_and_error, paired
from .levels import Levels
from .measured import Measured
from .methods import Methods
from .tables import Table, mean_error
from .words import listed, tally

# Name in tables and figures -> figure of the models of the end, factor for display.
Figures = Mapping[str, tuple[str, float]]


@dataclass(frozen=True)
class Tuned(Methods):
    """The methods of one case.

    Attributes
    ----------
    chosen : mapping of str -> Levels
        By method, all its candidates; of a method without a choice there is none.
    """

    chosen: Mapping[str, Levels]

    @classmethod
    def of(cls, title: str, runs: Mapping[str, Mapping[float, Measured]]) -> "Tuned":
        """Choose for each method among its candidates, by setting; one that has a single candidate has no choice."""
        chosen = {name: Levels.of(list(some), list(some.values())) for name, some in runs.items() if len(some) > 1}
        return cls(title, {name: (chosen[name].chosen if name in chosen else next(iter(some.values())), "end")
                           for name, some in runs.items()}, chosen)

    def values(self, method: str, figure: str, factor: float = 1.0) -> np.ndarray:
        """A figure of a method, (seeds,): measured, or what the last check saw; "loss_gap": test minus training loss."""
        if figure == "loss_gap":
            return self.values(method, "test_loss", factor) - self.values(method, "train_loss", factor)
        runs, rule = self.runs[method]
        return runs.at(rule, figure, factor)

    def compared(self, before: str, after: str, figure: str, *, comparisons: int = 1) -> Difference:
        """What one method is compared with another, lower being better; `comparisons` as `compare.paired` takes it."""
        return paired(self.values(before, figure), self.values(after, figure), comparisons=comparisons)

    def table(self, figures: Figures, seeds: str, note: str = "") -> Table:
        """A row per method: what was chosen, which share of resamplings of the seeds agrees, and figures."""
        def row(name: str) -> list[str]:
            one = self.chosen.get(name)
            return [name, *((f"{one.level:g}", f"{one.choice.share:.0%}") if one else ("", "")),
                    *(mean_error(*mean_and_error(self.values(name, *how))) for how in figures.values())]
        return Table(f"{self.title} ({seeds})", ("method", "setting", "agree", *figures), list(map(row, self.runs)), note)

    def bars(self, figure: str, factor: float, hues: Mapping[str, str], named: bool, axis: Any) -> None:
        """Draw one figure of all methods as bars with standard errors; `named`: whether they are named at the axis."""
        found = [mean_and_error(self.values(name, figure, factor)) for name in self.runs]
        plots.bars(axis, list(self.runs) if named else [""] * len(found), *np.nan_to_num(np.transpose(found)),
                   hues=[hues[name] for name in self.runs])


def verdicts(cases: Sequence[Tuned], before: str, after: str, figure: str, *, comparisons: int = 1) -> list[str]:
    """Per case, what a method is compared with another one; `comparisons` as `compare.paired` takes it."""
    return [case.compared(before, after, figure, comparisons=comparisons).verdict for case in cases]


def beside(cases: Sequence[Tuned], before: str, others: Sequence[str], figures: Figures, comparisons: int) -> str:
    """What differed clearly from a method: "SoftAD by test loss clearly better in 2; else there is no clear difference"."""
    def clear_ones(name: str) -> list[str]:
        found = {label.partition(",")[0]: verdicts(cases, before, name, figure, comparisons=comparisons)
                 for label, (figure, _) in figures.items()}
        return [f"{label} {tally(said)}" for label, said in found.items() if {BETTER, WORSE} & set(said)]

    clear = [f"{name} by {listed(parts)}" for name in others if (parts := clear_ones(name))]
    return "; ".join([*clear, f"{'else ' * bool(clear)}there is no clear difference"])
