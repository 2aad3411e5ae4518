"""Does flooding help where labels are wrong, and does early stopping make it needless?

The synthetic table of Ishida et al. (ICML 2020, arXiv 2002.08709): three data sets, three shares of flipped labels, with and
without early stopping, with and without flooding. The level is chosen from a grid by validation accuracy, in every trial
anew; early stopping takes the epoch of the best validation accuracy. Labels are noisy in training, validation and test.

A run is trained to the end and remembers its best validation epoch. What early stopping would have returned is a second,
shorter run with the same settings, which is the same run up to there bit for bit; it is made for the levels that were chosen
alone. So the large test set is looked at once per run.
"""
from dataclasses import dataclass

from ...runs.sweep import pool, train_missing
from ...trainers.flooding_grid import GRID, Grid, check, grid
from ...trainers.train import TRAINER

RUN_TIMES = {"quick": "1 min", "default": "19 min", "full": "4 h"}  # on 2 cores, compilation included
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
