"""Should a network reach perfect training accuracy?

Capacity against data: networks of many sizes learn from many numbers of samples, with and without flipped labels, judged by
stratified cross-validation after every epoch. Does the best size and epoch have training errors left? The textbook says yes
(T. Hastie, R. Tibshirani, J. Friedman, The elements of statistical learning, 2009, section 7.2); networks far beyond the one
that just fits are said to do well (M. Belkin et al., PNAS 2019). What would structural risk minimisation have chosen?
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..data.cross_validation import FOLDS, SAMPLES, fingerprint, found
from ..report import plots
from ..report.capacity import Grid, gain_panel, heat_panel
from ..report.compare import BETTER, WORSE, Difference, judge, mean_and_error
from ..report.measured import Measured, load_all
from ..report.risk import bound_panel, bound_sentences, counted_term
from ..report.tables import Table, mean_error, number
from ..report.words import between, counted, judgeable, listed, opening_by, spread, text
from ..runs.settings import DIFFERENT, SHARE, SOME, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed
from ..trainers.data_sets import FOLDED, SETS
from ..trainers.description import Description
from ..trainers.flipped import Flipped

RUN_TIMES = {"quick": "20 s", "default": "2 min 15 s", "full": "3 h"}  # on 2 cores
TITLES = {"digits_folds": "Digits", "breast_cancer_folds": "Breast cancer", "diabetes_folds": "Diabetes (Proben1)"}
PARTS = {"training error, %": "train", "validation error, %": "val", "gap, points": "gap"}
GROUPS = ("the best without a training error", "the smallest that reaches zero")  # beside the best with errors
NEEDED = 5  # divisions, below which "no clear difference" does not mean that there is none


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of perfect_training_accuracy."""

    seeds: Annotated[int, at_least(1)] = 6
    """Divisions of each table into five folds, each held out once: what differs clearly by a point needs about six. All are
    of one table: intervals are about division and training, not about other data."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels, of training and held-out samples: as they are, and with one in ten wrong."""
    samples: Annotated[tuple[int, ...], at_least(20), DIFFERENT, SOME] = (50, 100, 200, 400, 800)
    """Training samples, a part of four folds; a table takes those that it has."""
    widths: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (2, 4, 8, 16, 32, 128)
    """Units of the one hidden layer: from too few for any of these tasks to many more weights than samples."""
    epochs: Annotated[int, at_least(2)] = 160
    """Enough for the largest network to fit the most samples with flips; small ones might fit more in a longer time."""
    batch_size: Annotated[int, at_least(1)] = 32
    """The usual one."""
    learning_rate: Annotated[float, above(0)] = 3e-3
    """Of Adam, constant."""

    def related(self, need: Any) -> None:
        """Every table must have enough samples."""
        super().related(need)
        least = min(SAMPLES.values()) * (FOLDS - 1) // FOLDS
        need(min(self.samples) <= least, "samples", f"one of at most {least}, four folds of the smallest table")

    @classmethod
    def quick(cls) -> "Config":
        """Few sizes of network and data: shows the direction."""
        return cls(seeds=5, samples=(50, 200), widths=(4, 16, 128))

    @classmethod
    def full(cls) -> "Config":
        """More divisions, shares, sizes, and ten times the epochs."""
        return cls(seeds=12, noise=(0.0, 0.05, 0.10, 0.20), samples=(50, 100, 200, 400, 800, 1400), epochs=1500,
                   widths=(1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256))


def arms(config: Config) -> dict[tuple[str, float], dict[tuple[int, int], list[Description]]]:
    """Return what is trained in each case, data and share of flips: by width and samples, a description per fold."""
    def some(data: str, table: str, noise: float) -> dict[tuple[int, int], list[Description]]:
        room = SAMPLES[table] * (FOLDS - 1) // FOLDS
        return {(width, size): per_seed(
            config.seeds * FOLDS, experiment="perfect_training_accuracy", data=data, files=fingerprint(table), noise=noise,
            train=size, validation=SAMPLES[table] // FOLDS, hidden=(width,), epochs=config.epochs, curves="thinned",
            batch_size=config.batch_size, learning_rate=config.learning_rate, models=(("zero", "zero error"),),
            measures=("experiments.trainers.folded:validation",))
            for width in config.widths for size in config.samples if size <= room}
    return {(data, noise): some(data, table, noise) for data, table in FOLDED.items() if found(table)
            for noise in config.noise}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for case in arms(config).values() for some in case.values() for one in some])


def gather(store: Store, config: Config) -> list[Grid]:
    """Load everything; raises StoreError when runs are missing."""
    return [grid_of(*case, load_all(store, some)) for case, some in arms(config).items()]


def grid_of(data: str, noise: float, runs: dict[tuple[int, int], Measured]) -> Grid:
    """Return the errors of one case."""
    return Grid.of(runs, FOLDS, table=TITLES[data], noise=noise, inputs=SETS[data].inputs, classes=SETS[data].classes)


def compared(grid: Grid) -> dict[str, np.ndarray]:
    """How many points what has no training error lies above the best that has some; (samples, seeds)."""
    return dict(zip(GROUPS, (grid.above(grid.perfect), grid.above(grid.smallest)), strict=True))


def tables(results: Sequence[Grid]) -> list[Table]:
    """A row per number of samples: where the best networks are, how those without errors compare, and the bound."""
    heads = ["samples", "zero from, units", "best with errors, %", "best is perfect, %", "best without: above it",
             "verdict", "smallest without: above", "verdict", "largest gap, points", "SRM takes, units", "cost, points"]
    note = ("zero from: the smallest network of which most runs reached zero training error; best: validation error of the "
            "best size and epoch with training errors left, chosen on the other divisions; perfect: folds in which the best "
            "of all had no training error; SRM: structural risk minimisation, with as many VC dimensions as weights.")
    cells, all_tables = sum(len(grid.samples) for grid in results), []
    for grid in results:
        chosen, cost = grid.structural(counted_term)
        gaps, beside, rows = grid.end("gap").mean(axis=2), compared(grid), []
        for n, size in enumerate(grid.samples):
            fits = [str(width) for width, fit in zip(grid.widths, grid.fits[:, n], strict=True) if fit]
            verdicts = [text for some in beside.values() for text in _beside(against_zero(some[n], cells))]
            rows.append([str(size), (fits or ["–"])[0], text(100 * grid.imperfect[0][n].mean(axis=1)),
                         text(100 * grid.shares[n]), *verdicts, number(100 * gaps[:, n].max()),
                         listed(str(grid.widths[place]) for place in np.unique(chosen[n])), text(cost[n])])
        all_tables.append(Table(f"{grid.title} ({spread(_seeds(results), 'division')})", heads, rows, note))
    return all_tables


def against_zero(values: np.ndarray, comparisons: int) -> Difference:
    """Judge differences (seeds,) of validation error: below 0 is better."""
    return judge(values, comparisons=comparisons)


def _seeds(results: Sequence[Grid]) -> int:
    return results[0].val.shape[2]


def _beside(one: Difference) -> tuple[str, str]:
    return mean_error(one.mean, one.error), one.verdict


def figures(results: Sequence[Grid], folder: Path) -> list:
    """Draw errors over size and samples; then whether it is better to have no training error, and the bound."""
    paths, first = [], results[0].table
    for name, grids in {"": [grid for grid in results if grid.table == first],
                        "_tables": [grid for grid in results if grid.table != first]}.items():
        panels = [[partial(heat_panel, grid, part) for part in PARTS.values()] for grid in grids]
        paths += plots.page(folder / f"perfect_training_accuracy{name}.png", panels, size=(8.4, 1.2 + 2.6 * len(grids)),
                            heads=[[f"{grid.title}:\n{part}" for part in PARTS] for grid in grids], x="training samples",
                            y=["hidden units"] * len(grids),
                            title="Errors at the end; above the line most runs reached zero training error")
    panels = [[partial(gain_panel, grid, compared(grid)), partial(bound_panel, grid)] for grid in results]
    return paths + plots.page(folder / "perfect_training_accuracy_best.png", panels, size=(8.4, 1.4 + 2.1 * len(results)),
                              heads=[[grid.title] * 2 for grid in results], legend=3, title="Is it better to have no "
                              f"training error? ({counted(_seeds(results), 'division')}; bars: 95 %)")


def answer(results: Sequence[Grid]) -> str:
    """Open with yes, no or what it depends on; then where the best is, what just fits, and what the bound says."""
    beside = {name: [against_zero(compared(grid)[name].mean(axis=0), len(results)) for grid in results] for name in GROUPS}
    best, small = beside.values()
    verdicts = [one.verdict for one in best]
    start = opening_by({"validation error": verdicts}, [Flipped("", grid.noise).labels for grid in results],
                       _seeds(results), NEEDED, "the labels")

    def each(some: Sequence[Difference]) -> str:
        return listed(f"{mean_error(one.mean, one.error)} ({grid.title}: {one.verdict})"
                      for grid, one in zip(results, some, strict=True))
    shares = listed(f"{100 * grid.shares.mean():.0f} % ({grid.title})" for grid in results)
    stopped = between(100 * mean_and_error(grid.imperfect[1])[0] for grid in results)
    judged = judgeable(verdicts, f"clearly worse in {verdicts.count(WORSE)}, better in {verdicts.count(BETTER)}")
    wide = [against_zero(grid.largest.mean(axis=0), len(results)) for grid in results]
    absent = "".join(f" Skipped: {table}, which is not on this machine." for table in TITLES.values()
                     if table not in {grid.table for grid in results})
    return (f"{start} The best of all sizes and epochs, chosen by cross-validation, had no training error in {shares} of "
            "folds. In points of validation error, above the best size and epoch with training errors left was the best "
            f"without: {each(best)}. The former network would reach zero, and was only stopped, in {stopped} % of folds. "
            f"The smallest network that reaches zero, as soon as it does, was above it: {each(small)}. Textbook (Hastie et "
            f"al.): a network without training errors typically generalises poorly. Measured: at its best {judged} of "
            f"{counted(len(results), 'case')}. Belkin et al.: beyond the size that just fits, larger is better. Measured: "
            f"the largest network, at the end, lay above the smallest that fits: {each(wide)}. "
            f"{bound_sentences(results)}{absent}")
