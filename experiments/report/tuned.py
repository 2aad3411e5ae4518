"""Methods that are compared at one setting each, chosen for all seeds by validation (levels.py).

A choice at the edge of its grid may be the grid's: a wider one might choose another setting, and how two methods compare
might be another matter. So two chosen settings are judged only where both lie inside their grids.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import plots
from .compare import BETTER, UNKNOWN, WORSE, Difference, mean_and_error
from .levels import Levels
from .measured import Measured
from .methods import Methods, verdicts
from .tables import Table, mean_error
from .words import counted, listed, tally, unjudged

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
        """What one method is compared with another, lower being better; `comparisons` as `compare.paired` takes it.

        Of two methods with a choice, one at the edge of its grid: that cannot be judged.
        """
        found = super().compared(before, after, figure, comparisons=comparisons)
        both = {before, after} <= set(self.chosen)
        return replace(found, verdict=UNKNOWN) if both and (self.edge(before) or self.edge(after)) else found

    def edge(self, method: str) -> str:
        """At which edge of its grid the choice of a method lies: "lowest", "highest", or "" inside and without a choice."""
        return self.chosen[method].edge if method in self.chosen else ""

    def table(self, figures: Figures, seeds: str, note: str = "") -> Table:
        """A row per method: what was chosen, which share of resamplings of the seeds agrees, and figures."""
        def row(name: str) -> list[str]:
            one = self.chosen.get(name)
            return [name, *((f"{one.level:g}", one.edge, f"{100 * one.choice.share:.0f} %") if one else ("", "", "")),
                    *(mean_error(*mean_and_error(self.values(name, *how))) for how in figures.values())]
        return Table(f"{self.title} ({seeds})", ("method", "setting", "edge", "agree", *figures), list(map(row, self.runs)),
                     note)

    def bars(self, figure: str, factor: float, hues: Mapping[str, str], named: bool, axis: Any) -> None:
        """Draw one figure of all methods as bars with standard errors; `named`: whether they are named at the axis, with a
        star where the choice lies at an edge.
        """
        found = [mean_and_error(self.values(name, figure, factor)) for name in self.runs]
        names = [f"{name}{' *' * bool(self.edge(name))}" * named for name in self.runs]
        plots.bars(axis, names, *np.nan_to_num(np.transpose(found)),
                   hues=[hues[name] for name in self.runs])


def at_edges(cases: Sequence[Tuned], method: str) -> tuple[int, int]:
    """In how many cases the choice of a method is the lowest and the highest of its candidates."""
    found = [case.edge(method) for case in cases]
    return found.count("lowest"), found.count("highest")


def edges(cases: Sequence[Tuned]) -> Table:
    """A row per method with a choice: in how many cases it lies at an edge of its grid."""
    rows = [(name, *(f"{count} of {len(cases)}" for count in (low, high, len(cases) - low - high)))
            for name in cases[0].chosen for low, high in [at_edges(cases, name)]]
    return Table("Where in its grid each method's choice lies", ("method", "lowest", "highest", "inside"), rows,
                 "at an edge (lowest, highest) a wider grid might choose otherwise: methods are compared with each other "
                 "only where both choices lie inside")


def edge_words(cases: Sequence[Tuned], against: str, figures: Figures, comparisons: int) -> str:
    """How many choices lie at an edge and of which methods; for how many of the lowest validation prefers a method without a
    choice, so that a lower grid would lead towards that one; what the choices inside are compared with it.
    """
    methods, total = list(cases[0].chosen), len(cases) * len(cases[0].chosen)
    found = {name: at_edges(cases, name) for name in methods}
    low, high = ({name: counts[side] for name, counts in found.items() if counts[side]} for side in (0, 1))
    if not low and not high:
        return f"All {total} choices lie inside their grids."
    said = [f"{sum(some.values())} at the {side} candidate ({listed(f'{name} {count}' for name, count in some.items())})"
            for side, some in (("lowest", low), ("highest", high)) if some]
    inside = {label.partition(",")[0]: [case.compared(against, name, figure, comparisons=comparisons).verdict
                                        for name in methods for case in cases if not case.edge(name)]
              for label, (figure, _) in figures.items()}
    rest = total - sum(low.values()) - sum(high.values())
    less = sum(case.mean(against, "val_error") <= case.mean(name, "val_error") for name in methods for case in cases
               if case.edge(name) == "lowest")
    sentences = [f"Of {total} choices {listed(said)} lie at an edge of the grid, where a wider one might choose otherwise."]
    if low:
        sentences.append(f"In {less} of the {sum(low.values())} at the lowest {against} has no higher validation error.")
    sentences.append(f"Of the other {rest} {listed(f'{label} was {tally(some)}' for label, some in inside.items())}." if rest
                     else "None lies inside.")
    return " ".join(sentences)


def judged(verdicts: Sequence[str]) -> str:
    """Count clear verdicts among those that could be judged: "clearly better in 1 of 3", "cannot be judged"."""
    return "cannot be judged" if unjudged(verdicts) else f"{tally(verdicts)} of {len(verdicts) - verdicts.count(UNKNOWN)}"


def beside(cases: Sequence[Tuned], before: str, others: Sequence[str], figures: Figures, comparisons: int) -> str:
    """What differed clearly from a method: "SoftAD by test loss clearly better in 2 of 3; no case of B can be judged"."""
    parts, same, unknown = [], [], []
    for name in others:
        found = {label.partition(",")[0]: verdicts(cases, before, name, figure, comparisons=comparisons)
                 for label, (figure, _) in figures.items()}
        known = max(len(said) - said.count(UNKNOWN) for said in found.values())
        clear = [f"{label} {judged(said)}" for label, said in found.items() if {BETTER, WORSE} & set(said)]
        if clear:
            parts.append(f"{name} by {listed(clear)}")
        elif known:
            same.append(f"{name} ({counted(known, 'case')})")
        else:
            unknown.append(name)
    if same:
        parts.append(f"without a clear difference {listed(same)}")
    if unknown:
        parts.append(f"no case of {listed(unknown)} can be judged")
    return "; ".join(parts)
