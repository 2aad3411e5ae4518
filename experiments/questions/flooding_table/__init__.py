"""Does flooding help where labels are wrong, and does early stopping make it needless?

The synthetic table of Ishida et al. (ICML 2020, arXiv 2002.08709): three data sets, three shares of flipped labels, with and
without early stopping, with and without flooding. The level is chosen from a grid by validation accuracy, in every trial
anew; early stopping takes the epoch of the best validation accuracy. Labels are noisy in training, validation and test.

A run is trained to the end and remembers its best validation epoch. What early stopping would have returned is a second,
shorter run with the same settings, which is the same run up to there bit for bit; it is made for the levels that were chosen
alone. So the large test set is looked at once per run.
"""
import math
from dataclasses import dataclass, replace

from ...runs.settings import requirement
from ...runs.sweep import check_places, pool, train_missing
from ...trainers.flooding_runs import DATA, Spec

RUN_TIMES = {"quick": "1 min", "default": "19 min", "full": "4 h"}  # on 2 cores, compilation included
GRID = tuple(round(0.01 * step, 2) for step in range(51))  # the published one
COARSE = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)

TRAINER = "experiments.trainers.flooding_runs"


@dataclass(frozen=True)
class Grid:
    """Settings of a grid of runs; the defaults keep the published networks and data and save on levels and epochs."""

    data: tuple[str, ...] = DATA
    """Data sets: two_gaussians, sinusoid, spiral. Of the last two only the form is published, so only the first is
    compared."""
    noise: tuple[float, ...] = (0.01, 0.05, 0.10)
    """Shares of flipped labels, as published: low, middle, high."""
    levels: tuple[float, ...] = COARSE
    """Flood levels to choose from; 0 is no flooding. The published grid has 51, of which these are every fifth, and 0.02 for
    low noise."""
    seeds: int = 5
    """Trials, each with its own data and weights."""
    train: int = 100
    """Training samples per class (sinusoid: in all), as published."""
    validation: int = 100
    """Validation samples, counted likewise: few, so levels that differ by a point of accuracy are chosen by chance."""
    test: int = 10_000
    """Test samples per class (sinusoid: half of all): they put the sampling error at 0.3 points per trial."""
    hidden: tuple[int, ...] = (500, 500, 500, 500)
    """Hidden units, as published, with the batch normalisation of the authors' code."""
    epochs: int = 250
    """Of one update each. Published: 500. Without flooding all labels are memorised by epoch 50."""
    every: int = 5
    """Epochs between checks of the validation set, from which early stopping chooses. Published: 1, for twice the cost."""
    learning_rate: float = 1e-3
    """Of Adam, as published."""
    scheduler: str = ""
    """Address of a Dask scheduler whose workers train, such as tcp://10.0.0.1:8786. Results do not depend on it."""
    workers: int = 0
    """Worker processes on this machine; 0: threads of this process, one per core. Nor on this."""


@dataclass(frozen=True)
class Config(Grid):
    """Settings of flooding_table."""

    curve_seeds: int = 1
    """Trials whose test loss is followed through training for the second figure: runs of their own."""
    curve_points: int = 2000
    """Test samples for these curves."""

    @classmethod
    def quick(cls) -> "Config":
        """Two Gaussians, four levels, two trials: shows the effect, not its size."""
        return cls(data=("two_gaussians",), levels=(0.0, 0.1, 0.2, 0.3), seeds=2, epochs=150, curve_points=1000)

    @classmethod
    def full(cls) -> "Config":
        """The published protocol: 51 levels, 500 epochs, every epoch checked."""
        return cls(levels=GRID, epochs=500, every=1, curve_seeds=2)

    def __post_init__(self):
        check(self)


def check(config, followed: bool = True) -> None:
    """Raise ValueError for the first setting out of range; `followed`: whether there are settings of curves."""
    need = requirement(config)

    need(bool(config.data) and set(config.data) <= set(DATA) and len(set(config.data)) == len(config.data), "data",
         f"different names out of {', '.join(DATA)}")
    def different(values, limit: float) -> bool:
        return bool(values) and all(0 <= value < limit for value in values) and len(set(values)) == len(values)

    need(different(config.noise, 1), "noise", "different shares from 0 to below 1")
    need(different(config.levels, math.inf) and 0 in config.levels and len(config.levels) > 1, "levels",
         "different levels, among them 0")
    for name in ("seeds", "train", "validation", "test", "epochs", "every", *(["curve_points"] if followed else [])):
        need(getattr(config, name) >= 1, name, "a whole number of at least 1")
    need(bool(config.hidden) and all(units >= 1 for units in config.hidden), "hidden", "whole numbers of at least 1")
    need(0 < config.learning_rate < math.inf, "learning_rate", "a number above 0")
    if followed:
        need(0 <= config.curve_seeds <= config.seeds, "curve_seeds", "a whole number from 0 to seeds")
    check_places(config.scheduler, config.workers)


def spec(config, data: str, noise: float, level: float, seed: int) -> Spec:
    """Return one run of the grid."""
    return Spec("flooding_table", data, config.train, config.validation, config.test, noise, config.hidden, level,
                config.learning_rate, config.epochs, config.every, seed)


def grid(config) -> list[Spec]:
    """Return all runs from which levels are chosen."""
    return [spec(config, data, noise, level, seed) for data in config.data for noise in config.noise
            for level in config.levels for seed in range(config.seeds)]


def stopped(run: Spec, epoch: int) -> Spec:
    """Return the run that ends where early stopping would have ended this one."""
    return replace(run, epochs=epoch, every=epoch)


def followed(config, run: Spec) -> Spec:
    """Return the same run with its test loss looked at on the way."""
    return replace(run, every=0, curve_points=config.curve_points)


def run(config: Config, store) -> None:
    """Train every run that the store does not have yet: the grid, then what the chosen levels ask for."""
    from .report import second_runs

    with pool(config.scheduler, config.workers) as place:
        for title, runs in (("grid of levels", lambda: grid(config)), ("chosen levels", lambda: second_runs(store, config))):
            train_missing(store, [one.settings() for one in runs()], TRAINER, place, title)


def tables(store, config: Config) -> list:
    """One table per data set: accuracies of the four cells, mean ± standard error over trials."""
    from .report import gather, table

    return [table(cells) for cells in gather(store, config)]


def figures(store, config: Config) -> list:
    """Draw both figures from the store; returns their paths."""
    from .drawing import draw_curves, draw_levels
    from .report import gather

    cells = gather(store, config)
    paths = draw_levels(cells, store.folder / "flooding_table_levels.png")
    if config.curve_seeds:
        paths += draw_curves(cells, store.folder / "flooding_table_curves.png")
    return paths


def answer(store, config: Config) -> str:
    """Open with yes, no or what it depends on, then answer in sentences that quote the measured numbers."""
    from .report import gather
    from .sentences import sentences

    return " ".join(sentences(gather(store, config)))
