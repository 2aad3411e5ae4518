"""Can a flood level be chosen well where a whole grid is too expensive?

Two Gaussians with flipped labels. Against the full grid of `flooding_table`, chosen by validation accuracy, stand: no
flooding; a coarse grid of a few levels; the level that `losses.suggest_level` names from the share of flipped labels, where
this is known; the level that it names from the validation loss of a plain run; and AdaFlood, a level for every sample from
auxiliary networks. The cost of each is counted in whole trainings. No method stops early.

Runs of the grid are those of `flooding_table`: whichever of the two comes first trains them.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..report import costs, plots
from ..report.costs import Way
from ..report.measured import Measured, load_all
from ..report.tables import Table, number
from ..report.words import paragraph, spread
from ..runs.settings import DIFFERENT, SOME, above, at_least, choice
from ..runs.store import Store
from ..trainers.description import Description
from ..trainers.flipped import Flipped
from ..trainers.flooding_grid import DATA, Grid, Trial, choose, grid, spec, trials

RUN_TIMES = {"quick": "1 min 20 s", "default": "8 min", "full": "1 h 30 min"}  # on 2 cores, compilation included
STORED_AS = ("level_choice", "flooding_table")  # whose runs the answer rests on
METHODS = {"none": Way("no flooding", "X", plots.PLAIN), "grid": Way("full grid", "s", plots.FLOODING),
           "coarse": Way("coarse grid", "o", plots.BLUE), "noise": Way("suggested from the noise", "v", plots.SKY),
           "held_out": Way("suggested from held-out loss", "^", plots.ORANGE),
           "adaflood": Way("AdaFlood", "D", plots.PURPLE)}


@dataclass(frozen=True)
class Config(Grid):
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
        return replace(super().quick(), coarse=(0.0, 0.2))


def adaflood(config: Config, data: str, noise: float, seed: int) -> Description:
    """Return the run with a level for every sample."""
    return spec(config, data, noise, 0.0, seed).but(experiment="level_choice", flood="adaflood", gamma=config.gamma,
                                                    folds=config.folds, auxiliary_epochs=config.auxiliary_epochs)


def at_levels(config: Config, data: str, noise: float, found: Sequence[Trial]) -> dict[str, list[Description]]:
    """Return a run per trial at what `losses.suggest_level` tells who has trained once plainly, and who knows the noise."""
    from losses import suggest_level

    def at(seed: int, level: float) -> Description:
        return spec(config, data, noise, round(level, 4), seed).but(experiment="level_choice")

    losses = [trial.runs[trial.plain].scalars["lowest_val_loss"] for trial in found]
    told = [suggest_level(held_out_loss=one, fraction=config.fraction) if one == one else 0.0  # of a diverged run: nothing
            for one in losses]
    known = suggest_level(noise=noise, fraction=config.fraction)
    return {"held_out": list(map(at, range(len(found)), told)), "noise": [at(seed, known) for seed in range(len(found))]}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet: grid and AdaFlood, then the suggested levels."""
    both = replace(config, levels=tuple(sorted({*config.levels, *config.coarse})))
    config.train_all(store, {
        "grid and AdaFlood": lambda: [*grid(both), *(adaflood(config, *case, seed) for case in config.cases()
                                                     for seed in range(config.seeds))],
        "suggested levels": lambda: [one for case in config.cases() for some in at_levels(
            config, *case, trials(store, config, *case)).values() for one in some]})


@dataclass(frozen=True)
class Case(Flipped):
    """One data set and share of flips: by method the run of each trial that it ends up with, the levels (trials,) of these
    (NaN where every sample has its own), and the cost in whole trainings; epochs of one.
    """

    runs: dict[str, Measured]
    levels: dict[str, np.ndarray]
    costs: dict[str, float]
    epochs: int


def gather(store: Store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    return [_case(store, config, *one) for one in config.cases()]


def _case(store: Store, config: Config, data: str, noise: float) -> Case:
    found, coarse = trials(store, config, data, noise), trials(store, config, data, noise, config.coarse)
    chosen = {"none": [trial.specs[trial.plain] for trial in found], "grid": [trial.specs[trial.last] for trial in found],
              "coarse": [trial.specs[choose(trial.runs, "")] for trial in coarse],
              **at_levels(config, data, noise, found),
              "adaflood": [adaflood(config, data, noise, seed) for seed in range(config.seeds)]}
    levels = {method: np.array([np.nan if method == "adaflood" else one.loss.level for one in specs])
              for method, specs in chosen.items()}
    # A fold's network sees all samples but its own; epochs of the full batch cost what they have samples.
    price = {"none": 1.0, "grid": float(len(config.levels)), "coarse": float(len(config.coarse)), "noise": 1.0,
             "held_out": 2.0, "adaflood": 1 + (config.folds - 1) * config.auxiliary_epochs / config.epochs}
    return Case(data, noise, load_all(store, {method: chosen[method] for method in METHODS}), levels, price, config.epochs)


def tables(results: Sequence[Case]) -> list[Table]:
    """One table per data set and noise: accuracy, difference from the grid, level and cost of every method."""
    def row(case: Case, method: str) -> list[str]:
        levels = case.levels[method]
        return [METHODS[method].name, *costs.compared(case, method, "grid"),
                "per sample" if np.isnan(levels).any() else f"{levels.mean():.3f}", number(case.costs[method])]

    return [Table(f"{case.title}: accuracy in % on noisy test labels ({spread(len(case.runs['grid'].runs), 'trial')})",
                  ("", "accuracy", "minus full grid", "which is", "mean level", "trainings"),
                  [row(case, method) for method in METHODS],
                  f"best possible accuracy {case.best_accuracy:.1f} %, Bayes cross-entropy {case.best.cross_entropy:.3f}; "
                  f"{case.epochs} epochs") for case in results]


def figures(results: Sequence[Case], folder: Path) -> list:
    """Draw accuracy over cost, a panel per case."""
    title = f"Accuracy on noisy test labels over cost ({spread(len(results[0].runs['grid'].runs), 'trial')})"
    return plots.cases(folder / "level_choice.png", _panel, [results], title=title, size=(1.2 + 3.6 * len(results), 4.2),
                       x="whole trainings (log scale)", y=["accuracy, %"], legend=4)


def _panel(case: Case, axis: Any) -> None:
    costs.panel(case, METHODS, axis)
    case.best_line(axis)


@paragraph
def answer(results: Sequence[Case]) -> list[str]:
    """Return yes, no or what it depends on; what each cheap way loses against the grid; the cheapest that is no worse."""
    return costs.sentences(results, METHODS, "grid", price="training", what="trial")
