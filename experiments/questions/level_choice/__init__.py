"""Can a flood level be chosen well where a whole grid is too expensive?

Two Gaussians with flipped labels. Against the full grid of `flooding_table`, chosen by validation accuracy, stand: no
flooding; a coarse grid of a few levels; the level that `losses.suggest_level` names from the share of flipped labels, where
this is known; the level that it names from the validation loss of a plain run; and AdaFlood, a level for every sample from
auxiliary networks. The cost of each is counted in whole trainings. No method stops early.

Runs of the grid are those of `flooding_table`: whichever of the two comes first trains them.
"""
import math
from dataclasses import dataclass, replace

from ...runs.settings import requirement
from ...runs.sweep import pool, train_missing
from ...trainers import flooding_grid
from ...trainers.description import Description
from ...trainers.flooding_grid import DATA
from ...trainers.train import TRAINER

RUN_TIMES = {"quick": "80 s", "default": "8 min", "full": "1.5 h"}  # on 2 cores, compilation included
STORED_AS = ("level_choice", "flooding_table")  # whose runs the answer rests on


@dataclass(frozen=True)
class Config(flooding_grid.Grid):
    """Settings of level_choice: those of flooding_table's grid, whose levels the cheap ways are compared with, and more."""

    data: tuple[str, ...] = DATA[:1]
    """Data sets: two_gaussians, sinusoid, spiral. The first is the one whose published figures are known."""
    coarse: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4)
    """A grid for five trainings."""
    fraction: float = 0.8
    """Of the estimated cross-entropy, as `suggest_level` recommends."""
    folds: int = 5
    """Auxiliary networks of AdaFlood, as its authors have."""
    auxiliary_epochs: int = 25
    """Of AdaFlood's auxiliary networks: stopped before they memorise labels, as a level above the risk hurts."""
    gamma: float = 0.5
    """Of AdaFlood: how far its levels are drawn towards 0; the middle of what its authors search."""

    @classmethod
    def quick(cls) -> "Config":
        """Two trials, a grid of four levels and a coarse one of two."""
        return cls(levels=(0.0, 0.1, 0.2, 0.3), coarse=(0.0, 0.2), seeds=2, epochs=150)

    @classmethod
    def full(cls) -> "Config":
        """The published grid and protocol."""
        return cls(levels=flooding_grid.GRID, epochs=500, every=1)

    def __post_init__(self):
        flooding_grid.check(self, followed=False)
        need = requirement(self)
        for name, low in (("folds", 2), ("auxiliary_epochs", 1)):
            need(getattr(self, name) >= low, name, f"a whole number of at least {low}")
        for name in ("gamma", "fraction"):
            need(0 < getattr(self, name) <= 1, name, "a number above 0 and at most 1")
        need(bool(self.coarse) and len(set(self.coarse)) == len(self.coarse) and all(0 <= b < math.inf for b in self.coarse),
             "coarse", "different levels of at least 0")


def grid(config: Config) -> list[Description]:
    """Return the runs of the full and of the coarse grid, known by the name of flooding_table."""
    both = replace(config, levels=tuple(sorted({*config.levels, *config.coarse})))
    return flooding_grid.grid(both)


def at_level(config: Config, data: str, noise: float, level: float, seed: int) -> Description:
    """Return the run at a suggested level."""
    return flooding_grid.spec(config, data, noise, round(level, 4), seed).but(experiment="level_choice")


def adaflood(config: Config, data: str, noise: float, seed: int) -> Description:
    """Return the run with a level for every sample."""
    return flooding_grid.spec(config, data, noise, 0.0, seed).but(
        experiment="level_choice", flood="adaflood", gamma=config.gamma, folds=config.folds,
        auxiliary_epochs=config.auxiliary_epochs)


def run(config: Config, store) -> None:
    """Train every run that the store does not have yet: grid and AdaFlood, then the suggested levels."""
    from .report import suggested

    first = grid(config) + [adaflood(config, data, noise, seed) for data in config.data for noise in config.noise
                            for seed in range(config.seeds)]
    with pool(config.scheduler, config.workers) as place:
        train_missing(store, [one.settings() for one in first], TRAINER, place, "grid and AdaFlood")
        second = suggested(store, config)
        train_missing(store, [one.settings() for one in second], TRAINER, place, "suggested levels")


def tables(store, config: Config) -> list:
    """One table per data set and noise: accuracy and cost of every method."""
    from .report import gather, table

    return [table(case, config) for case in gather(store, config)]


def figures(store, config: Config) -> list:
    """Draw accuracy over cost; returns the paths."""
    from .report import draw, gather

    return draw(gather(store, config), store.folder / "level_choice.png")


def answer(store, config: Config) -> str:
    """Open with yes, no or what it depends on, then answer in sentences that quote the measured numbers."""
    from .report import gather, sentences

    return " ".join(sentences(gather(store, config)))
