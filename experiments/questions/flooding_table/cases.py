"""The cases of flooding_table: settings, what is trained, and what was."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from ...report.measured import Measured, load
from ...runs.settings import at_least
from ...runs.store import Store
from ...trainers.description import Description
from ...trainers.flipped import Flipped
from ...trainers.flooding_grid import Grid, Trial, followed, grid, trials

COLUMNS = ("without", "flooded", "early", "early_flooded")


@dataclass(frozen=True)
class Config(Grid):
    """Settings of flooding_table."""

    curve_seeds: Annotated[int, at_least(0, "no more than seeds")] = 1
    """Trials whose test loss is followed through training for the second figure: runs of their own."""
    curve_points: Annotated[int, at_least(1)] = 2000
    """Test samples for these curves."""

    @classmethod
    def quick(cls) -> "Config":
        """Two Gaussians, four levels, two trials: shows the effect, not its size."""
        return replace(super().quick(), curve_points=1000)

    @classmethod
    def full(cls) -> "Config":
        """The published protocol: 51 levels, 500 epochs, every epoch checked."""
        return replace(super().full(), curve_seeds=2)

    def related(self, need: Callable[..., None]) -> None:
        """No more curves than trials."""
        super().related(need)
        need(self.curve_seeds <= self.seeds, "curve_seeds", "a whole number from 0 to seeds")


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet: the grid, then what the chosen levels ask for."""
    config.train_all(store, {"grid of levels": lambda: grid(config), "chosen levels": lambda: [
        one for case in config.cases() for some in asked(config, trials(store, config, *case)) for one in some]})


def runs(config: Config) -> list[Description]:
    """Return the grid, from which all else follows."""
    return grid(config)


def asked(config: Config, found: Sequence[Trial]) -> tuple[list[Description], ...]:
    """Return what is asked once the levels are chosen, one run per trial each: stopped early without and with flooding;
    and, of the first trials, those whose test loss is followed, likewise.
    """
    some = found[:config.curve_seeds]
    return ([trial.stopped(trial.plain) for trial in found], [trial.stopped(trial.early) for trial in found],
            [followed(config, trial.specs[trial.plain]) for trial in some],
            [followed(config, trial.specs[trial.last]) for trial in some])


@dataclass(frozen=True)
class Case(Flipped):
    """One data set with one share of flipped labels.

    Attributes
    ----------
    trials : list of Trial
    runs : dict of str -> Measured
        By `COLUMNS`, a run per trial; the last two stopped at their best validation epoch.
    curves : tuple of Measured
        Without and with flooding, with test loss on the way.
    """

    trials: Sequence[Trial]
    runs: dict[str, Measured]
    curves: Sequence[Measured]

    def levels(self, which: str) -> np.ndarray:
        """Chosen levels, shape (trials,); which: "last" or "early"."""
        return np.array([trial.specs[getattr(trial, which)].loss.level for trial in self.trials])


def gather(store: Store, config: Config) -> list[list[Case]]:
    """Load everything: a list per data set, a Case per noise; raises StoreError when runs are missing."""
    return [[_case(store, config, data, noise) for noise in config.noise] for data in config.data]


def _case(store: Store, config: Config, data: str, noise: float) -> Case:
    found = trials(store, config, data, noise)
    early, early_flooded, *curves = (load(store, specs) for specs in asked(config, found))
    last = Measured([trial.runs[trial.plain] for trial in found]), Measured([trial.runs[trial.last] for trial in found])
    return Case(data, noise, found, dict(zip(COLUMNS, (*last, early, early_flooded), strict=True)), curves)
