"""Finished runs of one kind, a run per seed, and what is read off them."""
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..runs.identity import settings_of
from ..runs.store import Run, Store
from .compare import Difference, half_width, mean_and_error, paired
from .tables import mean_error

Name = TypeVar("Name")


class Measured:
    """Runs that differ in their seed alone.

    Figures are scalars of the runs, by name; "accuracy" is what "test_error" leaves of 1. `factor` is 100 for percent.
    """

    runs: Sequence[Run]

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs

    def values(self, figure: str, factor: float = 1.0) -> np.ndarray:
        """One figure of all seeds, shape (seeds,); NaN where a run has none."""
        if figure == "accuracy":
            return factor * (1 - self.values("test_error"))
        return factor * np.array([run.scalars.get(figure, np.nan) for run in self.runs])

    def at(self, rule: str, figure: str, factor: float = 1.0) -> np.ndarray:
        """One figure of the models that a rule took, shape (seeds,): measured, else the check's; NaN where it took none."""
        def of(run: Run) -> Any:
            epoch, given = run.scalars.get(f"{rule}.epoch"), run.scalars.get(f"{rule}.{figure}")
            if given is not None or epoch is None:
                return np.nan if given is None else given
            return run.curves[figure][np.searchsorted(run.curves["epoch"], epoch)]
        return factor * np.array([of(run) for run in self.runs])

    def mean(self, figure: str, factor: float = 1.0) -> float:
        """Mean over the seeds that have the figure."""
        return mean_and_error(self.values(figure, factor))[0]

    def error(self, figure: str, factor: float = 1.0) -> float:
        """Standard error of the mean; NaN for one seed."""
        return mean_and_error(self.values(figure, factor))[1]

    def half_width(self, figure: str, factor: float = 1.0) -> float:
        """Half the width of the 95 % t interval of the mean; infinite below three seeds."""
        return half_width(self.error(figure, factor), len(self.runs))

    def text(self, figure: str, factor: float = 1.0) -> str:
        """Return "mean ±error", for tables and answers."""
        return mean_error(self.mean(figure, factor), self.error(figure, factor))

    def curves(self, name: str, factor: float = 1.0) -> np.ndarray:
        """One curve of all seeds, shape (seeds, checks): up to the last check that all have, as a diverged run has fewer."""
        of_all = [run.curves.get(name, np.empty(0)) for run in self.runs]  # none of a run that ended before its first check
        checks = min(map(len, of_all))
        return factor * np.array([values[:checks] for values in of_all])

    def curve_at(self, name: str, epochs: Any, factor: float = 1.0) -> float:
        """Mean over the seeds of each one's own curve at its own epoch (seeds,): at the mean of these epochs no run stopped.

        A seed whose epoch is NaN is left out. Figures of an end are measured on the whole test set, its curves on a part.
        """
        return factor * float(np.mean([np.interp(np.log(epoch), np.log(run.curves["epoch"]), run.curves[name])
                                       for run, epoch in zip(self.runs, epochs, strict=True) if not np.isnan(epoch)]))

    def gain(self, before: "Measured", figure: str = "accuracy", factor: float = 100.0) -> Difference:
        """Gain over other runs of the same seeds, and whether it is clear: more accuracy is better, less of all else."""
        return paired(before.values(figure, factor), self.values(figure, factor), lower_is_better=figure != "accuracy")


def returned_check(decision: Any) -> int:
    """The check, from 1, whose model a rule returns, by its `stopping.StopDecision`: its best; if it knows none that of its
    stop, and if it never fired the last.
    """
    return decision.best_step or decision.stopped_step or decision.checks


def load(store: Store, specs: Any) -> Measured:
    """The finished runs of these descriptions or settings, one per seed; raises StoreError when one is missing."""
    return Measured([store.require(settings_of(spec)) for spec in specs])


def load_all(store: Store, arms: Mapping[Name, Any]) -> dict[Name, Measured]:
    """The same of several arms, by name."""
    return {name: load(store, specs) for name, specs in arms.items()}
