"""Ishida et al.'s synthetic experiment (ICML 2020, arXiv 2002.08709), which questions share: its settings and published
figures, the grid of flood levels, and the choice of a level by validation.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ..runs.settings import DIFFERENT, SHARE, SOME, Settings, above, at_least, choice
from ..runs.store import Run, Store
from .asking import OnWorkers
from .description import Description, describe

DATA = ("two_gaussians", "sinusoid", "spiral")
GRID = tuple(round(0.01 * step, 2) for step in range(51))  # the published one
COARSE = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
# Two Gaussians, no early stopping: share of flipped labels -> the flooding level chosen there, accuracy on labels with flips
# in %, without and with flooding; as others have transcribed it (github.com/bongseokkim/flooding).
PUBLISHED = {0.01: (0.17, 90.52, 92.13), 0.05: (0.22, 84.79, 88.03), 0.10: (0.32, 78.44, 83.59)}


@dataclass(frozen=True)
class Protocol(Settings):
    """Settings of the published protocol; the defaults are those of the publication and the authors' code."""

    noise: Annotated[tuple[float, ...], SHARE, SOME, DIFFERENT] = tuple(PUBLISHED)
    """Shares of flipped labels, as published: low, middle, high."""
    train: Annotated[int, at_least(2)] = 100
    """Training samples per class (sinusoid: in all), one batch of all: the size that matches the published row best."""
    test: Annotated[int, at_least(1)] = 10_000
    """Test samples per class (sinusoid: half of all), as in the authors' code: 0.3 points of sampling error for one run."""
    hidden: Annotated[tuple[int, ...], SOME, at_least(1)] = (500, 500, 500, 500)
    """Hidden units, as published, each layer with the batch normalisation of the authors' code."""
    epochs: Annotated[int, at_least(1)] = 500
    """Of one update each, as published."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, as published."""

    def described(self, **more: Any) -> Description:
        """Return one run with these settings, and more of them as `describe` takes them."""
        return describe(train=self.train, test=self.test, hidden=self.hidden, batch_norm=True, init="fan_in_uniform",
                        epochs=self.epochs, learning_rate=self.learning_rate, **more)


@dataclass(frozen=True)
class Grid(OnWorkers, Protocol):
    """Settings of a grid of runs; the defaults keep the published networks and data and save on levels and epochs."""

    data: Annotated[tuple[str, ...], choice(*DATA), SOME, DIFFERENT] = DATA
    """Data sets: two_gaussians, sinusoid, spiral. Of the last two only the form is published, so only the first is
    compared."""
    levels: Annotated[tuple[float, ...], at_least(0), DIFFERENT] = COARSE
    """Flood levels to choose from; 0 is no flooding. The published grid has 51, of which these are every fifth, and 0.02 for
    low noise."""
    seeds: Annotated[int, at_least(1)] = 5
    """Trials, each with its own data and weights."""
    validation: Annotated[int, at_least(1)] = 100
    """Validation samples, counted like `train`: few, so levels that differ by a point of accuracy are chosen by chance."""
    epochs: Annotated[int, at_least(1)] = 250
    """Of one update each. Published: 500. Without flooding all labels are memorised by epoch 50."""
    every: Annotated[int, at_least(1)] = 5
    """Epochs between checks of the validation set, from which early stopping chooses. Published: 1, for twice the cost."""

    @classmethod
    def quick(cls) -> Any:
        """Two Gaussians, four levels, two trials: shows the effect, not its size."""
        return cls(data=DATA[:1], levels=(0.0, 0.1, 0.2, 0.3), seeds=2, epochs=150)

    @classmethod
    def full(cls) -> Any:
        """The published protocol: 51 levels, 500 epochs, every epoch checked."""
        return cls(levels=GRID, epochs=500, every=1)

    def cases(self) -> list[tuple[str, float]]:
        """Data sets, each with each share of flipped labels."""
        return [(data, noise) for data in self.data for noise in self.noise]

    def related(self, need: Callable[..., None]) -> None:
        """No flooding is among several levels."""
        super().related(need)
        need(0 in self.levels and len(self.levels) > 1, "levels", "different levels, among them 0")


def spec(config: Grid, data: str, noise: float, level: float, seed: int) -> Description:
    """Return one run of the grid."""
    return config.described(experiment="flooding_table", seed=seed, data=data, noise=noise, level=level,
                            validation=config.validation, every=config.every, curves="thinned",
                            measures=("last_check", "final_test", "best_check", "divergence"))


def grid(config: Grid) -> list[Description]:
    """Return all runs from which levels are chosen."""
    return [spec(config, *one, level, seed) for one in config.cases() for level in config.levels
            for seed in range(config.seeds)]


def stopped(run: Description, epoch: int) -> Description:
    """Return the run that ends where early stopping would have ended this one."""
    return run.but(epochs=epoch, every=epoch)


def followed(config: Any, run: Description) -> Description:
    """Return the same run with its test loss looked at on the way."""
    return run.but(every=0, curve_points=config.curve_points)


def choose(runs: Sequence[Run], which: str) -> int:
    """Index of the run with the lowest validation error; the validation loss decides between equals, then the lower level.

    Parameters
    ----------
    runs : sequence of Run
        One per level, ascending.
    which : {"", "best_"}
        The last epoch's, or the best epoch's. A diverged run is never chosen unless all diverged.
    """
    return min(range(len(runs)), key=lambda i: tuple(
        value if value == value else np.inf for value in (runs[i].scalars[f"{which}val_error"],
                                                          runs[i].scalars[f"{which}val_loss"])))


@dataclass(frozen=True)
class Trial:
    """One trial of one data set and noise: its runs by level, and which levels validation chose."""

    specs: list[Description]
    runs: list[Run]

    @property
    def last(self) -> int:
        """Index of the level chosen at the last epoch."""
        return choose(self.runs, "")

    @property
    def early(self) -> int:
        """Index of the level chosen at each run's best epoch."""
        return choose(self.runs, "best_")

    @property
    def plain(self) -> int:
        """Index of the run without flooding."""
        return next(i for i, one in enumerate(self.specs) if one.loss.level == 0)

    def stopped(self, index: int) -> Description:
        """Return what early stopping takes from a run; of a diverged one, the run itself."""
        epoch = self.runs[index].scalars["best_epoch"]
        return self.specs[index] if epoch != epoch else stopped(self.specs[index], int(epoch))


def trials(store: Store, config: Any, data: str, noise: float, levels: Sequence[float] | None = None) -> list[Trial]:
    """Load the grid of one data set and noise, or of its runs those with some levels."""
    found = []
    for seed in range(config.seeds):
        specs = [spec(config, data, noise, level, seed) for level in sorted(levels or config.levels)]
        found.append(Trial(specs, [store.require(one.settings()) for one in specs]))
    return found
