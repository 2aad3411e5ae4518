"""Does it depend on the loss whether training past 100 % accuracy makes sense?

Cross-entropy never stops pushing: theory has the margins of separable data grow like log t (Soudry et al., JMLR 2018). The
hinge losses stop where every margin is 1, squared error pulls all outputs to their targets. Each is trained at least 20
times as long as the first epoch without a training error took, as it is, with smoothed labels where that is defined, and
with flooding (Ishida et al., ICML 2020). No weight decay. Without biases the network is homogeneous: its margins can be
divided by the norm of the weights.
"""
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple

import numpy as np

from ..report import plots
from ..report.compare import BETTER, UNKNOWN, WORSE, Difference, half_width, mean_and_error, paired
from ..report.measured import Measured, load
from ..report.tables import Table, mean_error, number
from ..report.words import counted, depends_on_more, listed, spread, tally
from ..runs.settings import DIFFERENT, SHARE, SOME, Range, Settings, above, at_least
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
POINTS = 100  # of percent
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
    test: Annotated[int, at_least(2)] = 5000
    """Test samples of Two Gaussians; of the digits all that are left."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (128, 128)
    """Hidden units: far more weights than samples."""
    epochs: Annotated[int, at_least(20)] = 1400
    """Zero error must come within a twentieth of them, in which every epoch is looked at; squared error needs up to 60."""
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
             "test": config.test // 2 if generated else 0, "hidden": config.hidden, "bias": False, "epochs": config.epochs,
             "batch_size": config.batch_size, "learning_rate": config.learning_rate, "dense": config.epochs // TIMES[-1],
             "growth": 1.1, "metrics": ("margin_min", "margin_median", "margin_normalized"), "measures": ("final_test",),
             "models": (("1", "ZeroError()"), *((f"{n}", f"{n} * 1") for n in TIMES[1:]), ("end", "end"))}
    change = dict.fromkeys(LOSSES, {}) | {loss + SMOOTHED: {"label_smoothing": config.smoothing} for loss in list(LOSSES)[:2]}
    untrained = {EXPONENTIAL: math.log(SETS[data].classes)}
    change |= {loss + FLOODED: {"level": config.level * untrained.get(loss, 1.0)} for loss in LOSSES}
    return {arm: [describe(loss=arm.partition(" +")[0].replace("-", "_").replace(" ", "_"), seed=seed, **fixed, **settings)
                  for seed in range(config.seeds)] for arm, settings in change.items()}


def run(config: Config, store) -> None:
    """Train every run that the store does not have yet."""
    runs = [one.settings() for data in DATA for noise in config.noise
            for some in arms(config, data, noise).values() for one in some]
    train_missing(store, runs, TRAINER, Threads(config.workers), "training")


class Case(NamedTuple):
    """One data set and share of flips: its title, number of classes, epochs, and the finished runs of every arm."""

    title: str
    classes: int
    epochs: int
    arms: dict[str, Measured]

    def at(self, arm: str, time: int | str, figure: str, factor: float = 1.0) -> np.ndarray:
        """A figure of all seeds, shape (seeds,), at a multiple of the epochs to zero error, or the "end".

        NaN where zero error did not come within a twentieth of the epochs.
        """
        def of(run):
            if time != "end" and not run.scalars.get("1.epoch", math.inf) <= self.epochs // TIMES[-1]:
                return math.nan
            epoch, curves = run.scalars[f"{time}.epoch"], run.curves
            given = run.scalars.get(f"{time}.{figure}")
            return curves[figure][np.searchsorted(curves["epoch"], epoch)] if given is None else given
        return factor * np.array([of(run) for run in self.arms[arm].runs])

    def gained(self, arm: str, figure: str) -> np.ndarray:
        """By how much training on raised the test error, in points, or the logarithm of the test loss; (seeds,)."""
        before, after = (self.at(arm.removesuffix(FLOODED), 1, figure), self.at(arm, "end", figure))
        return POINTS * (after - before) if figure == "test_error" else np.log(after / before)

    def against(self, arm: str, figure: str, comparisons: int) -> Difference:
        """What training on gained with one loss, compared with cross-entropy."""
        return paired(self.gained(EXPONENTIAL, figure), self.gained(arm, figure), comparisons=comparisons)


def gather(store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    return [Case(f"{title}, {POINTS * noise:g} % flipped", SETS[data].classes, config.epochs,
                 {arm: load(store, some) for arm, some in arms(config, data, noise).items()})
            for data, title in DATA.items() for noise in config.noise]


def tables(results: Sequence[Case]) -> list[Table]:
    """One table per case: a row per loss, each figure at the first epoch without a training error and at the end."""
    shown = {"test error, %": ("test_error", POINTS), "test loss": ("test_loss", 1), "smallest margin": ("margin_min", 1),
             "median": ("margin_median", 1), "normalised, 1e-6": ("margin_normalized", 1e6), "weights' norm": ("parameter_norm", 1)}
    heads = ["loss", "zero at epoch", *(f"{name}{when}" for name in shown for when in (", then", ", end"))]
    note = ("then: the first epoch without a training error, if it came within the first {} of {} epochs, all of which were "
            "looked at; end: at least {} times that. Test loss: each loss's own. Normalised: smallest margin / norm^layers.")
    return [Table(f"{case.title} ({spread(len(case.arms[EXPONENTIAL].runs), 'seed')})", heads, [
        [arm, *(mean_error(*mean_and_error(case.at(arm, time, figure, factor))) for time, figure, factor in (
            (1, "epoch", 1), *((time, *what) for what in shown.values() for time in (1, "end"))))]
        for arm in case.arms], note.format(case.epochs // TIMES[-1], case.epochs, TIMES[-1])) for case in results]


def figures(results: Sequence[Case], folder) -> list:
    """Draw what training on changes, and what happens meanwhile on the test set and to the margins."""
    seeds = spread(len(results[0].arms[EXPONENTIAL].runs), "seed")
    pairs = [results[i:i + 2] for i in range(0, len(results), 2)]
    pages = {"test": {"test error, %": ("test_error", POINTS, False), "test loss, each its own (log)": ("test_loss", 1, True)},
             "margins": {"smallest margin": ("margin_min", 1, False), "the same / norm³, 1e-6".replace(
                 "³", "^layers"): ("margin_normalized", 1e6, False), "norm of all weights": ("parameter_norm", 1, False)}}
    return [*plots.page(folder / "loss_matters.png", [[partial(_changes, case) for case in pair] for pair in pairs], size=(8.4, 7),
                        title=f"Does training on after zero error pay? ({seeds})", legend=4,
                        y=["change of test error from zero error to the end, points"] * len(pairs)),
            *(path for page, columns in pages.items() for path in plots.page(
                folder / f"loss_matters_{page}.png", [[partial(_course, case, name, *what) for name, what in columns.items()]
                                                      for case in results], size=(8.4, 1.6 + 2.3 * len(results)), legend=3,
                title=f"After zero training error ({seeds})", x="epoch / epoch of zero error (log)"))]


def _changes(case: Case, axis) -> None:
    """Change of the test error by arm, mean with standard error: a group of points per loss."""
    for place, (loss, hue) in enumerate(LOSSES.items()):
        for step, (kind, marker) in enumerate({"": "o", SMOOTHED: "s", FLOODED: "^"}.items()):
            if loss + kind in case.arms:
                values = case.gained(loss + kind, "test_error")
                plots.point(axis, place + 0.25 * (step - 1), values, loss + kind, hue=hue, marker=marker)
    axis.axhline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(LOSSES)), [loss.replace(" ", "\n") for loss in LOSSES])
    axis.set_title(case.title)


def _course(case: Case, name: str, figure: str, factor: float, logarithmic: bool, axis) -> None:
    """One figure over multiples of the epochs to zero error, mean and standard error of the seeds that reached it."""
    for arm in UNFLOODED:
        values = np.array([case.at(arm, time, figure, factor) for time in TIMES]).T  # (seeds, times)
        if len(values := values[~np.isnan(values).any(axis=1)]):
            plots.curve(axis, TIMES, values, arm, hue=LOSSES[arm.removesuffix(SMOOTHED)], split="",
                        linestyle="--" if SMOOTHED in arm else "-")
    axis.set(title=case.title, ylabel=name)
    plots.log(axis, "xy" if logarithmic else "x")


def answer(results: Sequence[Case]) -> str:
    """Open with yes, no or what it depends on; then what training on did, and how that compares with theory."""
    others = [arm for arm in UNFLOODED if arm != EXPONENTIAL]
    found = {figure: [case.against(arm, figure, len(others) * len(results)).verdict for case in results for arm in others]
             for figure in ("test_error", "test_loss")}
    clear = {figure: sum(one in (BETTER, WORSE) for one in verdicts) for figure, verdicts in found.items()}
    of, count = len(found["test_error"]), len(results[0].arms[EXPONENTIAL].runs)
    if set(found["test_error"] + found["test_loss"]) == {UNKNOWN}:
        start = [depends_on_more(count, "seed")]
    else:
        start = ["Yes." if all(clear.values()) else "It depends on what counts." if any(clear.values()) else "No.",
                 f"What training on did to the test error differed clearly from what it did with cross-entropy in "
                 f"{clear['test_error']} of {of} comparisons, to the test loss in {clear['test_loss']}."]
    changed = {arm: [paired(case.at(arm, 1, "test_error"), case.at(arm, "end", "test_error")).verdict for case in results]
               for arm in UNFLOODED}
    factors = {arm: [math.exp(np.nanmean(case.gained(arm, "test_loss"))) for case in results] for arm in UNFLOODED}
    flooded = {figure: [paired(case.at(loss, "end", figure), case.at(loss + FLOODED, "end", figure)).verdict
                        for case in results for loss in LOSSES] for figure in ("test_error", "test_loss")}
    return " ".join([
        *start, f"By test error, the end beside the first epoch without a training error was, in {counted(len(results), 'case')}: "
        f"{'; '.join(f'{arm} {tally(verdicts)}' for arm, verdicts in changed.items())}.",
        f"Test loss was multiplied by {listed(f'{_range(values)} ({arm})' for arm, values in factors.items())}.",
        f"Flooding, at a level that was not tuned, beside the plain loss at the end: test error {tally(flooded['test_error'])}, "
        f"test loss {tally(flooded['test_loss'])} of {len(flooded['test_error'])} comparisons.", *_theory(results)])


def _theory(results: Sequence[Case]) -> list[str]:
    """Say what theory has the margins do after zero error, and what they did."""
    growth = [case.at(EXPONENTIAL, 20, "margin_min") - case.at(EXPONENTIAL, 2, "margin_min") for case in results]
    hinge = [case.at("hinge", "end", "margin_min") - 1 for case in results]
    still = np.concatenate([case.at("hinge", 20, "parameter_norm") == case.at("hinge", "end", "parameter_norm")
                            for case in results])
    rms = {time: [np.nanmean(np.sqrt(case.at("squared error", time, "train_loss") / case.classes)) for case in results]
           for time in (1, "end")}
    nearer = [paired(case.at("squared error", 1, "train_loss"), case.at("squared error", "end", "train_loss")).verdict
              for case in results]
    return [f"Theory: cross-entropy's margins grow like log t, by {TENFOLD:.1f} while t grows tenfold (gradient descent, one "
            f"layer); measured: the smallest grew by {_range(map(np.nanmean, growth))}, clearly in {_beyond(growth, 0)} of "
            f"{len(results)} cases and clearly faster than that in {_beyond(growth, TENFOLD)}.",
            f"Theory: the hinge's margins stop at 1; measured: the smallest ended {_range(map(np.mean, hinge))} from it, "
            f"clearly beyond in {_beyond(hinge, 0)}, and {still.sum()} of {still.size} runs stood still in the end.",
            f"Theory: with squared error outputs return to their targets; measured: the root mean square distance went from "
            f"{_range(rms[1])} to {_range(rms['end'])}, {tally(nearer)}."]


def _beyond(cases, bound: float) -> int:
    """Count the cases whose mean is clearly above a bound: the 95 % interval lies there."""
    known = [values[~np.isnan(values)] for values in cases]
    return sum(bool(np.mean(one) - half_width(mean_and_error(one)[1], len(one)) > bound) for one in known if len(one))


def _range(values) -> str:
    """Return "LOWEST to HIGHEST"."""
    values = list(values)
    return f"{number(min(values), 2)} to {number(max(values), 2)}"
