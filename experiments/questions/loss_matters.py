"""Does it depend on the loss whether training past 100 % accuracy makes sense?

Cross-entropy never stops pushing: theory has margins grow like log t (Soudry et al., JMLR 2018). Hinge losses stop at margin
1, squared error pulls outputs to their targets. Each is trained at least 20 times as long as to zero training error, plain,
with smoothed labels where that is defined, and flooded (Ishida et al., ICML 2020). No weight decay; no biases, so that the
network is homogeneous and its margins can be divided by the norm of the weights.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..report import plots
from ..report.compare import BETTER, WORSE, clearly_above, mean_and_error, paired
from ..report.measured import Measured, load
from ..report.tables import Table, mean_error
from ..report.words import between, counted, depends_on_more, listed, spread, tally, unjudged
from ..runs.settings import DIFFERENT, SHARE, SOME, Range, Settings, above, at_least
from ..runs.store import Store
from ..runs.sweep import Threads, train_missing
from ..trainers.data_sets import SETS
from ..trainers.description import Description, describe
from ..trainers.train import TRAINER

RUN_TIMES = {"quick": "25 s", "default": "2 min 30 s", "full": "1 h"}  # on 2 cores
TIMES = (1, 2, 5, 10, 20)  # of the epochs to zero training error
LOSSES = {"cross-entropy": plots.RED, "squared error": plots.BLUE, "hinge": plots.ORANGE, "squared hinge": plots.GREEN}
SMOOTHED, FLOODED = " + smoothing", " + flooding"
UNFLOODED = (*LOSSES, "cross-entropy" + SMOOTHED, "squared error" + SMOOTHED)
DATA = {"two_gaussians": "Two Gaussians", "digits": "Digits"}
EXPONENTIAL = "cross-entropy"  # what the other losses are compared with
# Name, figure, factor for display, logarithmic axes.
FIGURES = (("test error, %", "test_error", 100, "x"), ("test loss", "test_loss", 1, "xy"),
           ("smallest margin", "margin_min", 1, "x"), ("normalised, 1e-6", "margin_normalized", 1e6, "x"),
           ("weights' norm", "parameter_norm", 1, "x"))
TEST = 2500  # samples per class of Two Gaussians; of the digits all that are left
TENFOLD = math.log(10)  # by which theory has the margins of gradient descent grow while t grows tenfold


@dataclass(frozen=True)
class Config(Settings):
    """Settings of loss_matters."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each loss, with the data, initial weights and order that the other losses have too."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels, of both data sets: as they are, and with one in ten wrong."""
    train: Annotated[int, at_least(20)] = 200
    """Training samples: few, so that every loss reaches zero error soon and generalisation is not saturated."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (128, 128)
    """Hidden units: far more weights than samples."""
    epochs: Annotated[int, at_least(20)] = 1400
    """Zero error must come within a twentieth of them; squared error needs up to 60."""
    batch_size: Annotated[int, at_least(1)] = 40
    """Five updates per epoch."""
    learning_rate: Annotated[float, above(0)] = 4e-3
    """Of Adam, constant, so that the time axis is not stretched; larger than usual: squared error begins slowly."""
    smoothing: Annotated[float, Range(0, 1, beyond=True, below=True)] = 0.1
    """Label smoothing of cross-entropy and squared error, the usual one."""
    level: Annotated[float, above(0, 1)] = 0.1
    """Flood level as a share of the loss of a network that outputs zeros (log K for cross-entropy, else 1). Not tuned."""
    workers: Annotated[int, at_least(0, "0 for one per core")] = 0
    """Runs trained at the same time; results do not depend on it."""

    @classmethod
    def quick(cls) -> "Config":
        """Labels as they are, three seeds, short runs: shows the direction."""
        return cls(seeds=3, noise=(0.0,), epochs=800)

    @classmethod
    def full(cls) -> "Config":
        """More seeds and shares, more than 60 times the epochs to zero error."""
        return cls(seeds=30, noise=(0.0, 0.05, 0.10, 0.20), epochs=5000)


def arms(config: Config, data: str, noise: float) -> dict[str, list[Description]]:
    """Return what is trained in one case: a description per seed of every loss, plain, smoothed and flooded."""
    generated = data == "two_gaussians"  # counted per class
    fixed = {"experiment": "loss_matters", "data": data, "noise": noise, "train": config.train // (1 + generated),
             "test": TEST if generated else 0, "hidden": config.hidden, "bias": False, "epochs": config.epochs,
             "batch_size": config.batch_size, "learning_rate": config.learning_rate, "dense": config.epochs // TIMES[-1],
             "growth": 1.1, "metrics": ("margin_min", "margin_median", "margin_normalized"), "measures": ("final_test",),
             "models": (("1", "zero error"), *((f"{n}", f"{n} * 1") for n in TIMES[1:]), ("end", "end"))}
    level = {loss: config.level * (math.log(SETS[data].classes) if loss == EXPONENTIAL else 1) for loss in LOSSES}
    change: dict[str, dict] = {loss: {} for loss in LOSSES}
    change |= {arm: {"label_smoothing": config.smoothing} for arm in UNFLOODED if SMOOTHED in arm}
    change |= {loss + FLOODED: {"level": level[loss]} for loss in LOSSES}
    return {arm: [describe(loss=arm.partition(" +")[0].replace("-", "_").replace(" ", "_"), seed=seed, **fixed, **settings)
                  for seed in range(config.seeds)] for arm, settings in change.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    runs = [one.settings() for data in DATA for noise in config.noise
            for some in arms(config, data, noise).values() for one in some]
    train_missing(store, runs, TRAINER, Threads(config.workers), "training")


class Case(NamedTuple):
    """One data set and share of flips: its title, number of classes, seeds, epochs, and the runs of every arm."""

    title: str
    classes: int
    seeds: int
    epochs: int
    arms: dict[str, Measured]

    def at(self, arm: str, time: int | str, figure: str, factor: float = 1.0) -> np.ndarray:
        """A figure (seeds,) at a multiple of the epochs to zero error, NaN where that came too late, or at the "end"."""
        late = self.arms[arm].at("1", "epoch") > self.epochs // TIMES[-1]
        return np.where(late & (time != "end"), np.nan, self.arms[arm].at(str(time), figure, factor))

    def gained(self, arm: str, figure: str) -> np.ndarray:
        """By how much training on raised the test error, in points, or the logarithm of the test loss; (seeds,)."""
        before, after = (self.at(arm.removesuffix(FLOODED), 1, figure), self.at(arm, "end", figure))
        return 100 * (after - before) if figure == "test_error" else np.log(after / before)


def gather(store: Store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    return [Case(f"{title}, {100 * noise:g} % flipped", SETS[data].classes, config.seeds, config.epochs,
                 {arm: load(store, some) for arm, some in arms(config, data, noise).items()})
            for data, title in DATA.items() for noise in config.noise]


def tables(results: Sequence[Case]) -> list[Table]:
    """One table per case: a row per loss, each figure at the first epoch without a training error and at the end."""
    heads = ["loss", "zero at epoch", *(f"{name}{when}" for name, *_ in FIGURES for when in (", then", ", end"))]
    note = ("then: the first epoch without a training error, if it came within the first {} of {} epochs, all of which were "
            "looked at; end: at least {} times that. Test loss: each loss's own. Normalised: smallest margin / norm^layers.")
    wanted: list = [(1, "epoch", 1), *((time, figure, factor) for _, figure, factor, _ in FIGURES for time in (1, "end"))]
    return [Table(f"{case.title} ({spread(case.seeds, 'seed')})", heads, [
        [arm, *(mean_error(*mean_and_error(case.at(arm, *one))) for one in wanted)] for arm in case.arms],
        note.format(case.epochs // TIMES[-1], case.epochs, TIMES[-1])) for case in results]


def figures(results: Sequence[Case], folder: Path) -> list:
    """Draw what training on changes, and what happens meanwhile on the test set and to the margins."""
    seeds = spread(results[0].seeds, "seed")
    panels = [[partial(_changes, case) for case in results[i:i + 2]] for i in range(0, len(results), 2)]
    paths = plots.page(folder / "loss_matters.png", panels, title=f"Does training on pay? ({seeds})", legend=4,
                       y=["change of test error, points"] * len(panels), size=(8.4, 1.8 + 2.7 * len(panels)))
    for page, shown in (("test", FIGURES[:2]), ("margins", FIGURES[2:])):
        paths += plots.page(folder / f"loss_matters_{page}.png", [[partial(_course, case, one) for one in shown]
                                                                  for case in results], size=(8.4, 1.6 + 2.2 * len(results)),
                            title=f"After zero training error ({seeds})", x="epoch / epoch of zero error (log)", legend=3)
    return paths


def _changes(case: Case, axis: Any) -> None:
    """Change of the test error by arm, mean with standard error: a group of points per loss."""
    for place, (loss, hue) in enumerate(LOSSES.items()):
        for step, (kind, marker) in enumerate({"": "o", SMOOTHED: "s", FLOODED: "^"}.items()):
            if loss + kind in case.arms:
                values = case.gained(loss + kind, "test_error")
                plots.point(axis, place + 0.25 * (step - 1), values, loss + kind, hue=hue, marker=marker)
    axis.axhline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(LOSSES)), [loss.replace(" ", "\n") for loss in LOSSES])
    axis.set_title(case.title)


def _course(case: Case, shown: tuple, axis: Any) -> None:
    """One figure over multiples of the epochs to zero error, mean and standard error of the seeds that reached it."""
    name, figure, factor, scale = shown
    for arm in UNFLOODED:
        values = np.array([case.at(arm, time, figure, factor) for time in TIMES]).T  # (seeds, times)
        if len(values := values[~np.isnan(values).any(axis=1)]):
            plots.curve(axis, TIMES, values, arm, hue=LOSSES[arm.removesuffix(SMOOTHED)], split="",
                        linestyle="--" if SMOOTHED in arm else "-")
    axis.set(title=case.title, ylabel=name)
    plots.log(axis, scale)


def answer(results: Sequence[Case]) -> str:
    """Open with yes, no or what it depends on; then what training on did, and how that compares with theory."""
    others, both = [arm for arm in UNFLOODED if arm != EXPONENTIAL], ("test_error", "test_loss")
    of, cases = len(others) * len(results), counted(len(results), "case")
    found = [[paired(case.gained(EXPONENTIAL, figure), case.gained(arm, figure), comparisons=of).verdict
              for case in results for arm in others] for figure in both]
    clear = [sum(one in (BETTER, WORSE) for one in verdicts) for verdicts in found]
    start = (depends_on_more(results[0].seeds, "seed") if all(map(unjudged, found)) else
             "Yes." if all(clear) else "It depends on what counts." if any(clear) else "No.")
    factors = listed(f"{_means(np.exp(case.gained(arm, both[1])) for case in results)} ({arm})" for arm in UNFLOODED)
    flooded = [tally([one for loss in LOSSES for one in _verdicts(results, (loss, "end"), (loss + FLOODED, "end"), figure)])
               for figure in both]
    changed = "; ".join(f"{arm} {tally(_verdicts(results, (arm, 1), (arm, 'end'), both[0]))}" for arm in UNFLOODED)
    growth = [case.at(EXPONENTIAL, 20, "margin_min") - case.at(EXPONENTIAL, 2, "margin_min") for case in results]
    faster = [sum(clearly_above(values, bound) for values in growth) for bound in (0, TENFOLD)]
    hinge = [case.at("hinge", "end", "margin_min") for case in results]
    still = _means(np.isclose(case.at("hinge", 20, "parameter_norm"), case.at("hinge", "end", "parameter_norm"),
                              rtol=1e-6) * 100.0 for case in results)
    off = [_means(np.sqrt(case.at("squared error", time, "train_loss") / case.classes) for case in results)
           for time in (1, "end")]
    nearer = tally(_verdicts(results, ("squared error", 1), ("squared error", "end"), "train_loss"))
    return (f"{start} What training on did to the test error differed clearly from what it did with cross-entropy in "
            f"{clear[0]} of {of} comparisons, to the test loss in {clear[1]}. By test error, the end beside the first epoch "
            f"without a training error was, in {cases}: {changed}. Test loss was multiplied by {factors}. Flooding, at a "
            f"level not tuned, beside the plain loss at the end: test error {flooded[0]}, test loss {flooded[1]} of "
            f"{len(LOSSES) * len(results)} comparisons. Theory: cross-entropy's margins grow like log t, by {TENFOLD:.1f} "
            f"per tenfold t (gradient descent, one layer). Measured: the smallest grew by {_means(growth)}, clearly in "
            f"{faster[0]} of {cases}, clearly faster than that in {faster[1]}. Theory: the hinge's margins stop at 1. "
            f"Measured: the smallest ended at {_means(hinge)}, beyond in {sum(clearly_above(one, 1) for one in hinge)}; "
            f"{still} % of runs stood still in the end. Theory: with squared error the outputs return to their targets. "
            f"Measured: the root mean square distance went from {off[0]} to {off[1]}, {nearer}.")


def _means(cases: Any) -> str:
    """Return the smallest and the largest mean over seeds of some cases."""
    return between(mean_and_error(values)[0] for values in cases)


def _verdicts(results: Sequence[Case], before: tuple, after: tuple, figure: str) -> list[str]:
    """Per case, what one loss at one time is compared with another loss or time."""
    return [paired(case.at(before[0], before[1], figure), case.at(after[0], after[1], figure)).verdict for case in results]
