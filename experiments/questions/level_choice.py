"""Can a flood level be chosen well where a whole grid is too expensive?

Two Gaussians with flipped labels. Against the full grid of `flooding_table`, chosen by validation accuracy, stand: no
flooding; a coarse grid of a few levels; the level that `losses.suggest_level` names from the share of flipped labels, where
this is known; the level that it names from the validation loss of a plain run; and AdaFlood, a level for every sample from
auxiliary networks. The cost of each is counted in whole trainings. No method stops early.

Runs of the grid are those of `flooding_table`: whichever of the two comes first trains them.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..report import plots
from ..report.compare import UNKNOWN, WORSE
from ..report.measured import Measured, load
from ..report.tables import Table, mean_error, number
from ..report.words import counted, depends_on_more, spread, too_few, unjudged
from ..runs.settings import DIFFERENT, SOME, above, at_least, choice
from ..runs.store import Store
from ..runs.sweep import pool, train_missing
from ..trainers import flooding_grid
from ..trainers.data_sets import bayes_figures
from ..trainers.description import Description
from ..trainers.flooding_grid import DATA, TITLES, Trial, choose, trials
from ..trainers.train import TRAINER

RUN_TIMES = {"quick": "80 s", "default": "8 min", "full": "1.5 h"}  # on 2 cores, compilation included
STORED_AS = ("level_choice", "flooding_table")  # whose runs the answer rests on
# What a method is called, and its mark.
METHODS = {"none": ("no flooding", "X", plots.PLAIN), "grid": ("full grid", "s", plots.FLOODING),
           "coarse": ("coarse grid", "o", plots.BLUE), "noise": ("suggested from the noise", "v", plots.SKY),
           "held_out": ("suggested from held-out loss", "^", plots.ORANGE), "adaflood": ("AdaFlood", "D", plots.PURPLE)}


@dataclass(frozen=True)
class Config(flooding_grid.Grid):
    """Settings of level_choice: those of flooding_table's grid, whose levels the cheap ways are compared with, and more."""

    data: Annotated[tuple[str, ...], choice(*DATA), SOME, DIFFERENT] = DATA[:1]
    """Data sets: two_gaussians, sinusoid, spiral. The first is the one whose published figures are known."""
    coarse: Annotated[tuple[float, ...], at_least(0), SOME, DIFFERENT] = (0.0, 0.1, 0.2, 0.3, 0.4)
    """A grid for five trainings."""
    fraction: Annotated[float, above(0, 1)] = 0.8
    """Of the estimated cross-entropy, as `suggest_level` recommends."""
    folds: Annotated[int, at_least(2)] = 5
    """Auxiliary networks of AdaFlood, as its authors have."""
    auxiliary_epochs: Annotated[int, at_least(1)] = 25
    """Of AdaFlood's auxiliary networks: stopped before they memorise labels, as a level above the risk hurts."""
    gamma: Annotated[float, above(0, 1)] = 0.5
    """Of AdaFlood: how far its levels are drawn towards 0; the middle of what its authors search."""

    @classmethod
    def quick(cls) -> "Config":
        """Two trials, a grid of four levels and a coarse one of two."""
        return cls(levels=(0.0, 0.1, 0.2, 0.3), coarse=(0.0, 0.2), seeds=2, epochs=150)

    @classmethod
    def full(cls) -> "Config":
        """The published grid and protocol."""
        return cls(levels=flooding_grid.GRID, epochs=500, every=1)


# --- runs ---

def adaflood(config: Config, data: str, noise: float, seed: int) -> Description:
    """Return the run with a level for every sample."""
    return flooding_grid.spec(config, data, noise, 0.0, seed).but(
        experiment="level_choice", flood="adaflood", gamma=config.gamma, folds=config.folds,
        auxiliary_epochs=config.auxiliary_epochs)


def suggested(config: Config, noise: float, held_out: float) -> dict[str, float]:
    """Return what `losses.suggest_level` says to who knows the noise, and to who has trained once without flooding."""
    from losses import suggest_level

    known = held_out == held_out  # a diverged run suggests nothing
    return {"held_out": suggest_level(held_out_loss=held_out, fraction=config.fraction) if known else 0.0,
            "noise": suggest_level(noise=noise, fraction=config.fraction)}


def at_levels(config: Config, data: str, noise: float, grid: Sequence[Trial]) -> dict[str, list[Description]]:
    """Return the runs at suggested levels, by method, one per trial."""
    found: dict[str, list[Description]] = {"held_out": [], "noise": []}
    for seed, trial in enumerate(grid):
        for method, level in suggested(config, noise, trial.runs[trial.plain].scalars["lowest_val_loss"]).items():
            found[method].append(flooding_grid.spec(config, data, noise, round(level, 4), seed).but(
                experiment="level_choice"))
    return found


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet: grid and AdaFlood, then the suggested levels."""
    where = [(data, noise) for data in config.data for noise in config.noise]
    both = replace(config, levels=tuple(sorted({*config.levels, *config.coarse})))
    first = [*flooding_grid.grid(both), *(adaflood(config, *one, seed) for one in where for seed in range(config.seeds))]
    with pool(config.scheduler, config.workers) as place:
        train_missing(store, [one.settings() for one in first], TRAINER, place, "grid and AdaFlood")
        second = [run for one in where for runs in at_levels(config, *one, trials(store, config, *one)).values()
                  for run in runs]
        train_missing(store, [one.settings() for one in second], TRAINER, place, "suggested levels")


# --- results ---

class Case(NamedTuple):
    """One data set with one share of flipped labels.

    Attributes
    ----------
    data, noise : str, float
    runs : dict of str -> Measured
        Per method, one run per trial: the one it ends up with.
    levels : dict of str -> ndarray (trials,)
        Their levels; NaN where every sample has its own.
    costs : dict of str -> float
        Per method, in whole trainings.
    epochs : int
    """

    data: str
    noise: float
    runs: dict[str, Measured]
    levels: dict[str, np.ndarray]
    costs: dict[str, float]
    epochs: int

    @property
    def title(self) -> str:
        """For tables and figures."""
        return f"{TITLES[self.data]}, {100 * self.noise:g} % flipped"

    @property
    def best(self) -> Any:
        """What no classifier can beat."""
        return bayes_figures(self.data, self.noise)


def gather(store: Store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    return [_case(store, config, data, noise) for data in config.data for noise in config.noise]


def _case(store: Store, config: Config, data: str, noise: float) -> Case:
    grid, coarse = trials(store, config, data, noise), trials(store, config, data, noise, config.coarse)
    chosen = {"none": [trial.specs[trial.plain] for trial in grid], "grid": [trial.specs[trial.last] for trial in grid],
              "coarse": [trial.specs[choose(trial.runs, "")] for trial in coarse],
              **at_levels(config, data, noise, grid),
              "adaflood": [adaflood(config, data, noise, seed) for seed in range(config.seeds)]}
    levels = {method: np.array([np.nan if method == "adaflood" else spec.loss.level for spec in specs])
              for method, specs in chosen.items()}
    # A fold's network sees all samples but its own; epochs of the full batch cost what they have samples.
    auxiliary = config.folds * (1 - 1 / config.folds) * config.auxiliary_epochs / config.epochs
    costs = {"none": 1.0, "grid": float(len(config.levels)), "coarse": float(len(config.coarse)), "noise": 1.0,
             "held_out": 2.0, "adaflood": 1 + auxiliary}
    return Case(data, noise, {method: load(store, chosen[method]) for method in METHODS}, levels, costs, config.epochs)


def tables(results: Sequence[Case]) -> list[Table]:
    """One table per data set and noise: accuracy, difference from the grid, level and cost of every method."""
    return [_table(case) for case in results]


def _table(case: Case) -> Table:
    rows = []
    for method, (name, *_) in METHODS.items():
        gain, level, compared = case.runs[method].gain(case.runs["grid"]), case.levels[method], method != "grid"
        rows.append((name, case.runs[method].text("accuracy", 100), mean_error(gain.mean, gain.error) * compared,
                     gain.verdict * compared, "per sample" if np.isnan(level).any() else f"{level.mean():.3f}",
                     number(case.costs[method])))
    title = f"{case.title}: accuracy in % on noisy test labels ({spread(len(case.runs['grid'].runs), 'trial')})"
    return Table(title, ("", "accuracy", "minus full grid", "which is", "mean level", "trainings"), rows,
                 f"best possible accuracy {100 - 100 * case.best.noisy_error:.1f} %, Bayes cross-entropy "
                 f"{case.best.cross_entropy:.3f}; {case.epochs} epochs")


def figures(results: Sequence[Case], folder: Path) -> list:
    """Draw the figure; returns its files."""
    return draw(results, folder / "level_choice.png")


def draw(results: Sequence[Case], path: str | PathLike[str]) -> list:
    """Accuracy over cost, a panel per case."""
    title = f"Accuracy on noisy test labels over cost ({spread(len(results[0].runs['grid'].runs), 'trial')})"
    return plots.page(path, [[partial(_panel, case) for case in results]], title=title,
                      size=(1.2 + 3.6 * len(results), 4.2), x="whole trainings (log scale)", y=["accuracy, %"], legend=4)


def _panel(case: Case, axis: Any) -> None:
    for method, (name, marker, hue) in METHODS.items():
        # Side by side where they cost the same, so that none hides another.
        same = [one for one in case.costs if case.costs[one] == case.costs[method]]
        place = case.costs[method] * 1.1 ** (same.index(method) - (len(same) - 1) / 2)
        plots.point(axis, place, case.runs[method].values("accuracy", 100), name, hue=hue, marker=marker)
    axis.axhline(100 - 100 * case.best.noisy_error, color=plots.ink(plots.GREY), lw=1, ls="-.",
                 label="best possible accuracy")
    axis.set_title(case.title)
    plots.log(axis, "x", 0.8, 1.25 * max(case.costs.values()))


def answer(results: Sequence[Case]) -> str:
    """Open with yes, no or what it depends on, then answer in sentences that quote the measured numbers."""
    return " ".join(sentences(results))


def sentences(cases: Sequence[Case]) -> list[str]:
    """Return yes, no or what it depends on; what each cheap way loses against the grid; the cheapest that is no worse."""
    costs, count, others = cases[0].costs, len(cases[0].runs["grid"].runs), [name for name in METHODS if name != "grid"]
    found = {method: [case.runs[method].gain(case.runs["grid"]) for case in cases] for method in others}
    verdicts = {method: [gain.verdict for gain in gains] for method, gains in found.items()}
    gains = {method: float(np.mean([gain.mean for gain in found[method]])) for method in others}
    judged = not unjudged([verdict for some in verdicts.values() for verdict in some])
    said = "; ".join(f"{METHODS[method][0]} {_gain(gains[method])} for {_trainings(costs[method])}"
                     + f" (clearly worse in {verdicts[method].count(WORSE)})" * judged for method in others)
    opening = f"Against the full grid of {_trainings(costs['grid'])}, on average over {counted(len(cases), 'case')}: {said}."
    if not judged:
        return [depends_on_more(count, "trial"), opening, f"{too_few(count, 'trial')} cannot tell which of them will do."]
    # A method that could not be judged in some case (its runs diverged) is not known to be as good there.
    good = [method for method in others if not {WORSE, UNKNOWN} & set(verdicts[method])]
    if not good:
        return ["No.", opening, "No other way can be recommended: each was clearly worse in some case, or failed."]
    best = min(good, key=lambda method: (costs[method], -gains[method]))
    return ["Yes.", opening, f"The cheapest that was clearly worse in no case: {METHODS[best][0]}, for "
            f"{100 * costs[best] / costs['grid']:.0f} % of the cost of the grid."]


def _gain(points: float) -> str:
    return "diverged" if np.isnan(points) else f"{round(points, 1) + 0.0:+.1f} points"


def _trainings(cost: float) -> str:
    return "1 training" if cost == 1 else f"{cost:.3g} trainings"
