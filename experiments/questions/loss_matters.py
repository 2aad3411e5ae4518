"""Does it depend on the loss whether training past 100 % accuracy makes sense?

Cross-entropy never stops pushing: theory has margins grow like log t (Soudry et al., JMLR 2018). Hinge losses stop at margin
1, squared error pulls outputs to their targets. Each is trained at least 20 times as long as to zero training error, plain,
with smoothed labels where defined, and flooded (Ishida et al., ICML 2020). No weight decay; no biases: margins of such a
homogeneous network can be divided by the norm of the weights.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..report import plots
from ..report.compare import BETTER, FEWEST, WORSE, Difference, clearly_above, mean_and_error, paired
from ..report.measured import Measured, load_all
from ..report.methods import verdicts
from ..report.tables import Table, mean_error
from ..report.words import counted, listed, means, opening_of_difference, paragraph, spread, tally, unjudged
from ..runs.settings import DIFFERENT, SHARE, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed
from ..trainers.data_sets import SETS
from ..trainers.description import Description
from ..trainers.flipped import Flipped

RUN_TIMES = {"quick": "20 s", "default": "2 min 30 s", "full": "1 h"}  # on 2 cores
TIMES = (1, 2, 5, 10, 20)  # of the epochs to zero training error
LOSSES = {"cross-entropy": plots.RED, "squared error": plots.BLUE, "hinge": plots.ORANGE, "squared hinge": plots.GREEN}
SMOOTHED, FLOODED = " + smoothing", " + flooding"
UNFLOODED = (*LOSSES, "cross-entropy" + SMOOTHED, "squared error" + SMOOTHED)
DATA = {"two_gaussians": 2500, "digits": 0}  # and test samples: per class; 0 takes all that are left
EXPONENTIAL, TENFOLD = "cross-entropy", math.log(10)  # by which theory has its margins grow while t grows tenfold
FIGURES = (  # name, figure, factor for display, logarithmic axes
    ("test error, %", "test_error", 100, "x"), ("test loss", "test_loss", 1, "xy"), ("least margin", "margin_min", 1, "x"),
    ("normalised, 1e-6", "margin_normalized", 1e6, "x"), ("weights' norm", "parameter_norm", 1, "x"))


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of loss_matters."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each loss, with the data, initial weights and order that the other losses have too."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels, of both data sets: as they are, and with one in ten wrong."""
    train: Annotated[int, Range(20, 1795)] = 200  # of 1797 digits one validates, and one at least tests
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
    fixed = {"experiment": "loss_matters", "data": data, "noise": noise, "train": config.train // SETS[data].per_train,
             "test": DATA[data], "hidden": config.hidden, "bias": False, "epochs": config.epochs,
             "batch_size": config.batch_size, "learning_rate": config.learning_rate, "dense": config.epochs // TIMES[-1],
             "growth": 1.1, "metrics": ("margin_min", "margin_median", "margin_normalized"), "measures": ("final_test",),
             "models": (("1", "zero error"), *((f"{n}", f"{n} * 1") for n in TIMES[1:]), ("end", "end"))}
    change = {arm: {"label_smoothing": config.smoothing} if SMOOTHED in arm else {} for arm in UNFLOODED}
    change |= {loss + FLOODED: {"level": config.level * (math.log(SETS[data].classes) if loss == EXPONENTIAL else 1)}
               for loss in LOSSES}
    return {arm: per_seed(config.seeds, loss=arm.partition(" +")[0].replace("-", "_").replace(" ", "_"), **fixed, **settings)
            for arm, settings in change.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for data in DATA for noise in config.noise
                             for some in arms(config, data, noise).values() for one in some])


@dataclass(frozen=True)
class Case(Flipped):
    """One data set and share of flips: the settings, and the runs of every arm."""

    config: Config
    arms: dict[str, Measured]

    def at(self, arm: str, time: int | str, figure: str, factor: float = 1.0) -> np.ndarray:
        """A figure (seeds,) at a multiple of the epochs to zero error, NaN where that came too late, or at the "end"."""
        late = self.arms[arm].at("1", "epoch") > self.config.epochs // TIMES[-1]
        return np.where(late & (time != "end"), np.nan, self.arms[arm].at(str(time), figure, factor))

    def compared(self, before: tuple[str, Any], after: tuple[str, Any], figure: str, *, comparisons: int = 1) -> Difference:
        """What one arm at one time is compared with another one or another time."""
        return paired(self.at(*before, figure), self.at(*after, figure), comparisons=comparisons)

    def gained(self, arm: str, figure: str) -> np.ndarray:
        """By how much training on raised the test error, in points, or the logarithm of the test loss; (seeds,)."""
        before, after = self.at(arm.removesuffix(FLOODED), 1, figure), self.at(arm, "end", figure)
        return 100 * (after - before) if figure == "test_error" else np.log(after / before)


def gather(store: Store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    return [Case(data, noise, config, load_all(store, arms(config, data, noise))) for data in DATA for noise in config.noise]


def tables(results: Sequence[Case]) -> list[Table]:
    """One table per case: a row per loss, each figure at the first epoch without a training error and at the end."""
    heads = ["loss", "zero at epoch", *(f"{name}{when}" for name, *_ in FIGURES for when in (", then", ", end"))]
    wanted: list = [(1, "epoch", 1), *((time, figure, factor) for _, figure, factor, _ in FIGURES for time in (1, "end"))]
    note = (f"then: the first epoch (all are looked at) without a training error, if within a {TIMES[-1]}th of all; "
            f"end: at least {TIMES[-1]} times that. Test loss: each loss's own. Normalised: smallest margin / norm^layers.")
    return [Table(f"{case.title} ({spread(case.config.seeds, 'seed')})", heads, [
        [arm, *(mean_error(*mean_and_error(case.at(arm, *one))) for one in wanted)] for arm in case.arms], note)
        for case in results]


def figures(results: Sequence[Case], folder: Path) -> list:
    """Draw what training on changes, and what happens meanwhile on the test set and to the margins."""
    seeds, rows = spread(results[0].config.seeds, "seed"), [results[i:i + 2] for i in range(0, len(results), 2)]
    paths = plots.cases(folder / "loss_matters.png", _changes, rows, title=f"Does training on pay? ({seeds})", legend=4,
                        y=["change of test error, points"] * len(rows), size=(8.4, 1.8 + 2.7 * len(rows)))
    for page, shown in (("test", FIGURES[:2]), ("margins", FIGURES[2:])):
        panels = [[partial(_course, case, *one) for one in shown] for case in results]
        paths += plots.page(folder / f"loss_matters_{page}.png", panels, size=(8.4, 1.6 + 2.2 * len(results)), legend=3,
                            title=f"After zero training error ({seeds})", x="epoch / epoch of zero error (log)")
    return paths


def _changes(case: Case, axis: Any) -> None:
    """Change of the test error by arm, mean with standard error: a group of points per loss."""
    for place, (loss, hue) in enumerate(LOSSES.items()):
        for aside, kind, marker in ((-0.25, "", "o"), (0, SMOOTHED, "s"), (0.25, FLOODED, "^")):
            if (arm := loss + kind) in case.arms:
                plots.point(axis, place + aside, case.gained(arm, "test_error"), arm, hue=hue, marker=marker)
    axis.axhline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(LOSSES)), [loss.replace(" ", "\n").replace("-", "-\n") for loss in LOSSES])


def _course(case: Case, name: str, figure: str, factor: float, scale: str, axis: Any) -> None:
    """One figure over multiples of the epochs to zero error, mean and standard error of the seeds that reached it."""
    for arm in UNFLOODED:
        values = np.array([case.at(arm, time, figure, factor) for time in TIMES]).T  # (seeds, times)
        plots.curve(axis, TIMES, values, arm, hue=LOSSES[arm.removesuffix(SMOOTHED)], split="", whole=True,
                    shade=0.09, linestyle="--" if SMOOTHED in arm else "-")
    plots.log(axis, scale)
    axis.set(title=case.title, ylabel=name)


@paragraph
def answer(results: Sequence[Case]) -> list[str]:
    """Open with yes, no or what it depends on; then what training on did, and how that compares with theory."""
    others, both = [arm for arm in UNFLOODED if arm != EXPONENTIAL], ("test_error", "test_loss")
    of, cases = len(others) * len(results), counted(len(results), "case")
    found = [[paired(case.gained(EXPONENTIAL, figure), case.gained(arm, figure), comparisons=of).verdict
              for case in results for arm in others] for figure in both]
    clear = [sum(one in (BETTER, WORSE) for one in some) for some in found]
    changed = "; ".join(f"{arm} {tally(verdicts(results, (arm, 1), (arm, 'end'), both[0]))}" for arm in UNFLOODED)
    factors = listed(f"{means(np.exp(case.gained(arm, both[1])) for case in results)} ({arm})" for arm in UNFLOODED)
    flooded = [tally([one for loss in LOSSES for one in verdicts(results, (loss, "end"), (loss + FLOODED, "end"), figure)])
               for figure in both]
    said = [] if all(map(unjudged, found)) else [
        f"What training on did to the test error differed clearly from what it did with cross-entropy in {clear[0]} of {of} "
        f"comparisons, to the test loss in {clear[1]}."]
    return [opening_of_difference(found, results[0].config.seeds), *said,
            f"By test error, the end beside the first epoch without a training error was, in {cases}: {changed}.",
            f"Test loss was multiplied by {factors}.", "Flooding, at a level not tuned, beside the plain loss at the end: "
            f"test error {flooded[0]}, test loss {flooded[1]} of {len(LOSSES) * len(results)} comparisons.",
            *_beside_theory(results, cases)]


def _beside_theory(results: Sequence[Case], cases: str) -> list[str]:
    """Return what theory says of three losses after zero error, each with what was measured."""
    growth = [case.at(EXPONENTIAL, 20, "margin_min") - case.at(EXPONENTIAL, 2, "margin_min") for case in results]
    faster = [sum(clearly_above(values, bound) for values in growth) for bound in (0, TENFOLD)]
    hinge = [case.at("hinge", "end", "margin_min") for case in results]
    late, end = ([case.at("hinge", time, "parameter_norm") for case in results] for time in (20, "end"))
    still = means(np.where(np.isnan(a), np.nan, 100.0 * np.isclose(a, b, rtol=1e-6)) for a, b in zip(late, end, strict=True))
    off = [means(np.sqrt(case.at("squared error", time, "train_loss") / SETS[case.data].classes) for case in results)
           for time in (1, "end")]
    nearer = tally(verdicts(results, ("squared error", 1), ("squared error", "end"), "train_loss"))
    judged = results[0].config.seeds >= FEWEST
    sure = f", clearly in {faster[0]} of {cases}, clearly faster in {faster[1]}" * judged
    beyond = f", beyond in {sum(clearly_above(one, 1) for one in hinge)}" * judged
    return [f"Theory: cross-entropy's margins grow like log t, by {TENFOLD:.1f} per tenfold t (one layer). Measured: the "
            f"smallest grew by {means(growth)}{sure}. Theory: the hinge's margins stop at 1. Measured: the smallest ended "
            f"at {means(hinge)}{beyond}; {still} % of runs stood still. Theory: squared error's outputs return to their "
            f"targets. Measured: they were {off[0]} away at zero error, {off[1]} at the end, {nearer}."]
