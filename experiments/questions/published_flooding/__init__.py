"""Does flooding reproduce the published Two-Gaussians row?

Ishida et al. (ICML 2020) trained one network on two Gaussians in ten dimensions with 1, 5 and 10 % flipped labels, by plain
cross-entropy and by flooding at a level chosen for each share. Their six accuracies are measured again here: same data
protocol, same network, same optimizer, the published levels, a new training set for every seed. The choice of the level is
not repeated.

The published figures are known from a transcription (github.com/bongseokkim/flooding), without their standard errors and
without the number of runs behind each.
"""
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from ...runs.settings import requirement
from ...runs.sweep import Threads, train_missing
from ...trainers.description import Description, describe
from ...trainers.train import TRAINER

RUN_TIMES = {"quick": "100 s", "default": "11 min", "full": "11 min"}  # on 2 cores, compilation included


@dataclass(frozen=True)
class Published:
    """The published figures for one share of flipped labels.

    Attributes
    ----------
    level : float
        Flooding level chosen there, nats.
    plain, flooded : float
        Accuracy on test labels with flips, %, last epoch, without and with flooding.
    """

    level: float
    plain: float
    flooded: float


PUBLISHED: Mapping[float, Published] = MappingProxyType({
    0.01: Published(0.17, 90.52, 92.13), 0.05: Published(0.22, 84.79, 88.03), 0.10: Published(0.32, 78.44, 83.59)})
CHECK_EPOCHS = 10  # between looks at the training set, which cost a third of an update
TOLERANCE = 1.0  # points of accuracy within which a cell counts as reproduced


@dataclass(frozen=True)
class Config:
    """Settings of published_flooding; the defaults are the published protocol."""

    seeds: int = 20
    """Runs per cell, each with its own data and weights: at 10 % flips accuracy scatters by 1.5 points from run to run."""
    noise: tuple[float, ...] = tuple(PUBLISHED)
    """Shares of flipped labels, out of the published three; each brings its published level."""
    train: int = 100
    """Training samples per class, one batch of 200: the size that matches the published row best (50 is worse)."""
    test: int = 10_000
    """Test samples per class, as in the authors' code: 0.3 points of sampling error for one run, 0.06 for 20."""
    hidden: tuple[int, ...] = (500, 500, 500, 500)
    """Hidden units, as in the authors' code, each layer with batch normalisation."""
    epochs: int = 500
    """Updates, as published; the last epoch is judged."""
    learning_rate: float = 1e-3
    """Of Adam, as published."""
    workers: int = 0
    """Runs trained at the same time; 0 takes one per core. Results do not depend on it."""

    @classmethod
    def quick(cls) -> "Config":
        """Three seeds of the same protocol: a first look, the deviations of single cells are mostly scatter."""
        return cls(seeds=3)

    @classmethod
    def full(cls) -> "Config":
        """The same as the default: the tolerance of one point is meant for 20 seeds."""
        return cls()

    def __post_init__(self):
        _check(self)


def _check(config: Config) -> None:
    """Raise ValueError for the first setting out of range."""
    need = requirement(config)

    for name in ("seeds", "test", "epochs"):
        need(getattr(config, name) >= 1, name, "a whole number of at least 1")
    need(config.train >= 2, "train", "a whole number of at least 2")
    noise = config.noise
    need(0 < len(set(noise)) == len(noise) and set(noise) <= set(PUBLISHED), "noise",
         f"different shares out of {', '.join(f'{share:g}' for share in PUBLISHED)}")
    need(bool(config.hidden) and all(units >= 1 for units in config.hidden), "hidden", "whole numbers of at least 1")
    need(0 < config.learning_rate < math.inf, "learning_rate", "a number above 0")
    need(config.workers >= 0, "workers", "a whole number, 0 for one per core")


@dataclass(frozen=True)
class Cell:
    """One cell of the published row with the runs that measure it again.

    Attributes
    ----------
    noise, level : float
        Share of flipped labels; flooding level in nats, 0 without flooding.
    published : float
        Accuracy, %.
    specs : tuple of Description
        One run per seed.
    """

    noise: float
    level: float
    published: float
    specs: tuple[Description, ...]


def cells(config: Config) -> list[Cell]:
    """All cells of a configuration: for each share of flips first without, then with flooding."""
    def cell(noise: float, level: float, published: float) -> Cell:
        return Cell(noise, level, published, tuple(
            describe(experiment="published_flooding", seed=seed, data="two_gaussians", noise=noise, level=level,
                     train=config.train, test=config.test, hidden=config.hidden, batch_norm=True, init="fan_in_uniform",
                     epochs=config.epochs, learning_rate=config.learning_rate, every=CHECK_EPOCHS,
                     measures=("last_check", "final_test")) for seed in range(config.seeds)))

    return [cell(noise, level, accuracy) for noise in config.noise
            for level, accuracy in ((0.0, PUBLISHED[noise].plain), (PUBLISHED[noise].level, PUBLISHED[noise].flooded))]


def departures(config: Config) -> list[str]:
    """Names of the settings of the protocol that are not the published ones."""
    published = Config()
    return [field.name for field in fields(Config) if field.name not in ("seeds", "noise", "workers")
            and getattr(config, field.name) != getattr(published, field.name)]


def run(config: Config, store) -> None:
    """Train every run that the store does not have yet."""
    runs = [spec.settings() for cell in cells(config) for spec in cell.specs]
    train_missing(store, runs, TRAINER, Threads(config.workers), "training")


def tables(store, config: Config) -> list:
    """One table: measured and published accuracies, cross-entropy and training error, mean ± standard error over seeds."""
    from .report import gather, row_table

    return [row_table(gather(store, config), config)]


def figures(store, config: Config) -> list:
    """Draw the figure from the store; returns its paths."""
    from .drawing import draw_row
    from .report import gather

    return draw_row(gather(store, config), store.folder / "published_flooding.png")


def answer(store, config: Config) -> str:
    """Open with yes, no or what it depends on, then answer in three sentences that quote the measured numbers."""
    from .report import gather, sentences

    return " ".join(sentences(gather(store, config), config))
