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
from ..report.capacity import Grid, heat, intervals
from ..report.compare import BETTER, WORSE, Difference, half_width, mean_and_error, paired
from ..report.flipped import Flipped
from ..report.measured import load
from ..report.risk import confidence_term, log_growth_counted, samples_needed, weights
from ..report.tables import Table, mean_error, number
from ..report.words import between, counted, listed, opening_by, spread
from ..runs.settings import DIFFERENT, SHARE, SOME, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.data_sets import FOLDED, SETS
from ..trainers.description import Description, describe

RUN_TIMES = {"quick": "20 s", "default": "2 min 30 s", "full": "3 h"}  # on 2 cores
TITLES = {"digits_folds": "Digits", "breast_cancer_folds": "Breast cancer", "diabetes_folds": "Diabetes (Proben1)"}
NEEDED = 5  # divisions, below which "no clear difference" does not mean that there is none


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of perfect_training_accuracy."""

    seeds: Annotated[int, at_least(1)] = 6
    """Divisions of each table into five folds, each held out once: with 30 runs half a point of validation error is clear."""
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
    names = {data: table for data, table in FOLDED.items() if found(table)}
    fixed: dict[str, Any] = {
        "experiment": "perfect_training_accuracy", "epochs": config.epochs, "batch_size": config.batch_size,
        "learning_rate": config.learning_rate, "curves": "thinned", "models": (("zero", "zero error"),),
        "measures": ("experiments.trainers.folded:validation",)}
    return {(data, noise): {(width, size): [describe(
        seed=seed, data=data, files=fingerprint(table), noise=noise, train=size, validation=SAMPLES[table] // FOLDS,
        hidden=(width,), **fixed) for seed in range(config.seeds * FOLDS)]
        for width in sorted(config.widths) for size in sorted(config.samples) if size <= SAMPLES[table] * (FOLDS - 1) // FOLDS}
        for data, table in names.items() for noise in config.noise}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for case in arms(config).values() for some in case.values() for one in some])


@dataclass(frozen=True)
class Case(Flipped):
    """One table and share of flips: the settings, and the errors of all networks."""

    config: Config
    grid: Grid

    @property
    def title(self) -> str:
        """For tables and figures."""
        return f"{TITLES[self.data]}, {100 * self.noise:g} % flipped"

    def layers(self, width: int) -> tuple[int, int, int]:
        """Inputs, hidden units and classes."""
        return SETS[self.data].inputs, width, SETS[self.data].classes

    def term(self, width: int, samples: int, **how: Any) -> float:
        """What the bound adds to the training error."""
        return confidence_term(samples, self.layers(width), **how)

    def gained(self, first: np.ndarray) -> np.ndarray:
        """How far validation errors lie above those of the best with training errors left, in points; (samples, seeds)."""
        return 100 * (first - self.grid.best(False)[0])

    def against(self) -> dict[str, np.ndarray]:
        """What is compared with the best that has training errors left; (samples, seeds)."""
        return {"the best without a training error": self.gained(self.grid.best(True)[0]),
                "the smallest that reaches zero": self.gained(self.grid.smallest())}


def gather(store: Store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    return [Case(data, noise, config, _grid(store, config, case)) for (data, noise), case in arms(config).items()]


def _grid(store: Store, config: Config, case: dict[tuple[int, int], list[Description]]) -> Grid:
    widths, samples = (tuple(sorted(set(some))) for some in zip(*case, strict=True))
    runs = {place: load(store, some) for place, some in case.items()}

    def of(figure: Any) -> np.ndarray:
        values = np.array([[figure(runs[width, size]) for size in samples] for width in widths])
        return values.reshape(*values.shape[:2], config.seeds, FOLDS, *values.shape[3:])
    return Grid(widths, samples, runs[widths[0], samples[0]].curves("epoch")[0], of(lambda one: one.curves("train_error")),
                of(lambda one: one.curves("val_error")), of(lambda one: one.at("zero", "val_error")))


def tables(results: Sequence[Case]) -> list[Table]:
    """A row per number of samples: where the best networks are, what they are beside those without errors, and the bound."""
    heads = ["samples", "zero from, units", "best, val. error, %", "it is perfect, %", "without an error, points", "verdict",
             "smallest with none, points", "verdict", "bound adds", "gap, largest", "SRM takes, units", "that costs, points"]
    found_, cells = [], sum(len(case.grid.samples) for case in results)
    for case in results:
        grid, rows = case.grid, []
        chosen, cost = grid.structural(partial(case.term, growth=log_growth_counted))
        for n, size in enumerate(grid.samples):
            fits = [width for width, share in zip(grid.widths, grid.perfect_at()[:, n], strict=True) if share >= 0.5]
            differences = [_text(paired(0 * some[n], some[n], comparisons=cells)) for some in case.against().values()]
            rows.append([str(size), str(min(fits, default="–")), _mean(100 * grid.best(False)[0][n]),
                         _mean(100 * grid.share_perfect()[n]), *differences[0], *differences[1],
                         between(case.term(width, size) for width in grid.widths), f"{grid.end('gap')[:, n].mean(axis=1).max():.2f}",
                         between(grid.widths[place] for place in chosen[n]), _mean(100 * cost[n])])
        found_.append(Table(f"{case.title} ({spread(case.config.seeds, 'division')})", heads, rows, (
            "zero from: smallest network of which most runs reached zero training error. Best: of all sizes and epochs with "
            "training errors left; points: above it. Perfect: without a training error. Bound: Vapnik's, of the growth "
            "function of relu networks; SRM: by the bound that takes the number of weights for the VC dimension.")))
    return found_


def _mean(values: Any) -> str:
    return mean_error(*mean_and_error(values))


def _text(difference: Difference) -> tuple[str, str]:
    return mean_error(difference.mean, difference.error), difference.verdict


def figures(results: Sequence[Case], folder: Path) -> list:
    """Draw errors over size and samples, then by how much it pays to have no training error, and the bound."""
    divisions = spread(results[0].config.seeds, "division")
    parts = {"training error, %": "train", "validation error, %": "val", "gap, points": "gap"}
    pages = {"": [case for case in results if case.data == results[0].data],
             "_tables": [case for case in results if case.data != results[0].data]}
    paths = []
    for name, cases in pages.items():
        panels = [[partial(_heat, case, part) for part in parts.values()] for case in cases]
        paths += plots.page(folder / f"perfect_training_accuracy{name}.png", panels, size=(8.4, 1.2 + 2.9 * len(cases)),
                            heads=[[f"{case.title}:\n{part}" for part in parts] for case in cases], x="training samples",
                            y=["hidden units"] * len(cases), title="At the end of training; red: zero training error above")
    panels = [[partial(_gains, case), partial(_bound, case)] for case in results]
    return paths + plots.page(folder / "perfect_training_accuracy_best.png", panels, size=(8.4, 1.4 + 2.4 * len(results)),
                              heads=[[case.title, case.title] for case in results], legend=3,
                              title=f"Is it better to have no training error? ({divisions}; bars: 95 %)")


def _heat(case: Case, part: str, axis: Any) -> None:
    grid = case.grid
    heat(axis, grid, 100 * grid.end(part).mean(axis=2), 100 * float(grid.end("val").mean(axis=2).max()))


def _gains(case: Case, axis: Any) -> None:
    looks = ((plots.BLUE, "o"), (plots.ORANGE, "s"))
    intervals(axis, case.grid.samples, [(label, *look, values) for look, (label, values) in zip(
        looks, case.against().items(), strict=True)], lambda some: half_width(mean_and_error(some)[1], len(some)))
    axis.set(xlabel="training samples", ylabel="points above the best with errors")


def _bound(case: Case, axis: Any) -> None:
    grid, size = case.grid, case.grid.samples[-1]
    w = [weights(case.layers(width)) for width in grid.widths]
    axis.plot(w, [case.term(width, size) for width in grid.widths], "-", color=plots.ink(plots.BLACK), label="bound")
    axis.plot(w, [case.term(width, size, growth=log_growth_counted) for width in grid.widths], "--",
              color=plots.ink(plots.GREY), label="with h = weights")
    plots.curve(axis, w, grid.end("gap")[:, -1].T, "gap", hue=plots.RED, split="", marker="o")
    axis.axhline(1, ls=":", color=plots.ink(plots.BLACK), lw=1)
    axis.set(xlabel=f"weights ({size} samples, log)", ylabel="validation - training error")
    plots.log(axis, "x")


def answer(results: Sequence[Case]) -> str:
    """Open with yes, no or what it depends on; then where the best is, what just fits, and what the bound says."""
    cases = [(case, case.grid, case.title) for case in results]
    verdicts, said = [], []
    for name in results[0].against():
        each = [paired(0 * values, values, comparisons=len(results))
                for values in (case.against()[name].mean(axis=0) for case in results)]
        verdicts.append([one.verdict for one in each])
        said.append(listed(f"{mean_error(one.mean, one.error)} ({title}: {one.verdict})"
                           for one, (*_, title) in zip(each, cases, strict=True)))
    start = opening_by({"validation error": verdicts[0]}, [case.labels for case in results], results[0].config.seeds, NEEDED,
                       "the labels")
    shares = listed(f"{100 * grid.share_perfect().mean():.0f} % ({title})" for _, grid, title in cases)
    stopped = between(100 * np.nanmean(grid.best(False)[1]) for _, grid, _ in cases)
    wide = [100 * (grid.end("val")[-1] - grid.smallest()).mean(axis=0) for _, grid, _ in cases]
    wider = listed(f"{_mean(some)} ({paired(0 * some, some, comparisons=len(wide)).verdict})" for some in wide)
    every = [(case, width, n, size) for case, grid, _ in cases for width in grid.widths for n, size in enumerate(grid.samples)]
    gaps = np.array([case.grid.end("gap")[case.grid.widths.index(width), n].mean() for case, width, n, _ in every])
    terms, rule = (np.array([case.term(width, size, **how) for case, width, _, size in every])
                   for how in ({}, {"growth": log_growth_counted}))
    needed = [samples_needed(1.0, results[0].layers(width)) for width in (results[0].grid.widths[0], results[0].grid.widths[-1])]
    chosen = [case.grid.structural(partial(case.term, growth=log_growth_counted)) for case in results]
    taken = [results[i].grid.widths[place] for i, (places, _) in enumerate(chosen) for place in places.flat]
    cost = listed(f"{_mean(100 * one.mean(axis=0))} ({title})" for (_, one), (*_, title) in zip(chosen, cases, strict=True))
    absent = "".join(f" Skipped: {TITLES[data]}, whose table is not on this machine." for data in FOLDED
                     if data not in {case.data for case in results})
    return (f"{start} The best of all sizes and epochs, chosen by cross-validation, had no training error in {shares} of "
            f"folds. Networks at their best without a training error were above those at their best with some, in points of "
            f"validation error: {said[0]}; the latter would have reached zero later, and were stopped rather than small, in "
            f"{stopped} %. The smallest network that reached zero, as soon as it did: {said[1]}. Textbook (Hastie et al.): a "
            f"network without training errors typically generalises poorly. Measured: better in {verdicts[0].count(BETTER)}, "
            f"worse in {verdicts[0].count(WORSE)} of {counted(len(results), 'case')}. Belkin et al.: the smallest network "
            f"that fits is the worst of those that do. Measured: the largest, at the end, lay {wider} points above it. "
            f"Structural risk minimisation: Vapnik's bound adds {between(terms)} to the training error, 1 or more for "
            f"{np.sum(terms >= 1)} of {len(terms)} networks and samples, where the gap was {gaps.max():.2g} or less: at least "
            f"{np.min(terms / np.maximum(gaps, 1e-9)):.1f} times the gap. To fall to 1 it takes {number(needed[0])} samples for the smallest, "
            f"{number(needed[1])} for the largest network on {results[0].title.partition(',')[0]}. Were the number of weights "
            f"the VC dimension, it would be 1 or more for {np.sum(rule >= 1)}, and take {between(taken)} hidden units, at a "
            f"cost in validation error beside the size that cross-validation chose of {cost} points.{absent}")
