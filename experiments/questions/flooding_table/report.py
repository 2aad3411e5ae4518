"""What flooding_table reports: levels chosen in every trial, and a table per data set."""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...report.compare import mean_and_error
from ...report.tables import Table, mean_error
from ...report.words import spread
from ...runs.store import Run
from ...trainers.data_sets import bayes_figures
from ...trainers.description import Description
from ...trainers.flooding_grid import TITLES, Trial, followed, trials
from . import Config

# Two Gaussians, no early stopping, by noise: accuracy in % without flooding, level, accuracy with it. From Ishida et al.,
# ICML 2020, as others have transcribed it (github.com/bongseokkim/flooding).
PUBLISHED = {0.01: (90.52, 0.17, 92.13), 0.05: (84.79, 0.22, 88.03), 0.10: (78.44, 0.32, 83.59)}


def second_runs(store, config: Config) -> list[Description]:
    """Return what is asked once the levels are chosen: the stopped runs, and those whose test loss is followed."""
    wanted = []
    for data in config.data:
        for noise in config.noise:
            for seed, trial in enumerate(trials(store, config, data, noise)):
                wanted += [trial.stopped(trial.plain), trial.stopped(trial.early)]
                if seed < config.curve_seeds:
                    wanted += [followed(config, trial.specs[index]) for index in {trial.plain, trial.last}]
    return wanted


@dataclass(frozen=True)
class Cell:
    """One data set with one share of flipped labels.

    Attributes
    ----------
    data, noise : str, float
    trials : list of Trial
    without, flooded, early, early_flooded : list of Run
        One per trial; the last two stopped at their best validation epoch.
    curves : list of (Run, Run)
        Without and with flooding, with test loss on the way.
    """

    data: str
    noise: float
    trials: list[Trial]
    without: list[Run]
    flooded: list[Run]
    early: list[Run]
    early_flooded: list[Run]
    curves: list[tuple[Run, Run]]

    def accuracies(self, which: str) -> np.ndarray:
        """Accuracy in % on the noisy test labels, shape (trials,)."""
        return 100 - 100 * np.array([run.scalars["test_error"] for run in getattr(self, which)])

    def levels(self, which: str) -> np.ndarray:
        """Chosen levels, shape (trials,); which: "last" or "early"."""
        return np.array([trial.specs[getattr(trial, which)].loss.level for trial in self.trials])

    @property
    def best(self):
        """What no classifier can beat."""
        return _bayes(self.data, self.noise)

    @property
    def title(self) -> str:
        """For figures."""
        return f"{TITLES[self.data]}, {100 * self.noise:g} % flipped"


@lru_cache(maxsize=32)  # the spiral's take a second
def _bayes(data: str, noise: float):
    return bayes_figures(data, noise)


def gather(store, config: Config) -> list[list[Cell]]:
    """Load everything: a list per data set, a Cell per noise."""
    return [[_cell(store, config, data, noise) for noise in config.noise] for data in config.data]


def _cell(store, config: Config, data: str, noise: float) -> Cell:
    def load(run):
        return store.require(run.settings())

    found = trials(store, config, data, noise)
    curves = [tuple(load(followed(config, trial.specs[index])) for index in (trial.plain, trial.last))
              for trial in found[:config.curve_seeds]]
    return Cell(data, noise, found, [trial.runs[trial.plain] for trial in found],
                [trial.runs[trial.last] for trial in found], [load(trial.stopped(trial.plain)) for trial in found],
                [load(trial.stopped(trial.early)) for trial in found], curves)  # type: ignore[arg-type]


def table(cells: Sequence[Cell]) -> Table:
    """Accuracies of one data set, a row per noise."""
    published = cells[0].data == "two_gaussians"
    columns = ["flipped", "without", "flooding", "early stop", "both", "best possible", "level", "level, both", "Bayes CE",
               *(["published: without", "flooding (level)"] if published else [])]
    cases = ("without", "flooded", "early", "early_flooded")
    rows = [[f"{100 * cell.noise:g} %", *(mean_error(*mean_and_error(cell.accuracies(which))) for which in cases),
             f"{100 - 100 * cell.best.noisy_error:.1f}", *(_levels(cell.levels(which)) for which in ("last", "early")),
             f"{cell.best.cross_entropy:.3f}", *(_published(cell.noise) if published else [])] for cell in cells]
    count = len(cells[0].trials)
    one = cells[0].trials[0].specs[0]
    protocol = " (published: 500, 51)" if published else ""
    note = (f"{one.schedule.epochs} epochs, {len(cells[0].trials[0].specs)} levels{protocol}; "
            "level: mean (smallest to largest) over trials, 0 is none; CE: cross-entropy, nats")
    diverged = sum(bool(run.scalars["diverged"]) for cell in cells for trial in cell.trials for run in trial.runs)
    if diverged:
        note += f"\n{diverged} runs diverged and were not chosen"
    title = f"{TITLES[cells[0].data]}: accuracy in % on noisy test labels ({spread(count, 'trial')})"
    return Table(title, columns, rows, note)


def _levels(levels: np.ndarray) -> str:
    low, high = levels.min(), levels.max()
    return f"{levels.mean():.2f}" + (f" ({low:g} to {high:g})" if low < high else "")


def _published(noise: float) -> list[str]:
    if noise not in PUBLISHED:
        return ["–", "–"]
    without, level, flooded = PUBLISHED[noise]
    return [f"{without:.2f}", f"{flooded:.2f} ({level:.2f})"]
