"""Why is accuracy 100 % after the second epoch: has the network memorised the data?

Networks do fit random labels (Zhang et al., ICLR 2017), but in two epochs? Three programs that were asked about are rebuilt on
random labels; how many epochs it takes is measured over the number of samples and of units, on data that are easy, real and
random; and faults of the data are planted that make it sooner, or that only look as if.
"""
import math
import textwrap
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..report import plots
from ..report.compare import BETTER, WORSE, mean_and_error, paired
from ..report.measured import Measured, load
from ..report.shares import Share
from ..report.tables import Table, mean_error
from ..report.words import counted, listed, spread, tally
from ..runs.settings import DIFFERENT, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed

RUN_TIMES = {"quick": "15 s", "default": "1 min 30 s", "full": "15 min"}  # on 2 cores
FAST, LOG_2 = 2, math.log(2)  # epochs; loss of who knows nothing of two classes
PLAIN, PATIENT, HURRIED = "10 rows", "100 rows, patience 3", "10 rows, one by one, rate × 10"
# Hue and settings. Three as they were asked about, batches and rate as libraries have them; one made to be quick.
EXAMPLES: dict[str, tuple[str, dict]] = {
    PLAIN: (plots.BLUE, {}), "10 rows, L2 0.01": (plots.GREEN, {"l2": 0.01}),
    PATIENT: (plots.ORANGE, {"train": 80, "validation": 20, "hidden": (50, 50), "every": 1}),  # a fifth validates
    HURRIED: (plots.RED, {"batch_size": 1, "learning_rate": 0.01})}
ASKED = [name for name in EXAMPLES if name != HURRIED]
DATA = {"far_apart": ("classes far apart", plots.GREEN), "digits": ("digits", plots.BLUE),
        "random_rows": ("random labels", plots.RED)}
WRONG = "wrong labels"
# Data, share of wrong labels, whether the validation set is told something that it must not know.
FAULTS = {"no fault": ("scaled", 0.0, False), "label as a column": ("label_column", 0.0, True),
          "–999 for the healthy": ("missing_by_class", 0.0, True), "missing: means": ("missing_mean", 0.0, False),
          "missing: –999": ("missing_sentinel", 0.0, False), "units left as they are": ("unscaled", 0.0, False),
          "outliers": ("outliers", 0.0, False), "outliers clipped": ("outliers_clipped", 0.0, False),
          WRONG: ("scaled", 0.2, False), "wrong labels, copies": ("duplicates", 0.2, True)}
PARTS = {"training": ("train_error", "o", plots.GREY), "validation": ("val_error", "s", plots.ORANGE),
         "new data": ("test_error", "D", plots.BLUE)}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of fast_perfect."""

    draws: Annotated[int, at_least(1)] = 200
    """Runs of each example, each on its own random rows: what happens in none of 200 happens in less than 2 %."""
    seeds: Annotated[int, at_least(1)] = 10
    """Runs of all else. Ten tell a share from one half, and errors apart that differ by a point."""
    example_epochs: Annotated[int, at_least(5)] = 100
    """Of the examples: five times what ten random rows take."""
    epochs: Annotated[int, at_least(10)] = 200
    """Of networks and samples of all sizes; a fifth of them with planted faults, where an epoch has more updates."""
    sizes: Annotated[tuple[int, ...], Range(10, 1600), DIFFERENT, SOME] = (10, 30, 100, 300, 1000)
    """Training samples, even; in batches of ten, so that an epoch has as many updates as tens of samples."""
    widths: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (8, 32, 128)
    """Units in each of two hidden layers."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, the usual one; three times that with planted faults."""

    def related(self, need: Any) -> None:
        """Classes far apart are equally many."""
        need(not any(size % 2 for size in self.sizes), "sizes", "even numbers")

    @classmethod
    def quick(cls) -> "Config":
        """Fewer of everything: shows the direction."""
        return cls(draws=60, seeds=6, epochs=100, sizes=(10, 100), widths=(8, 128))

    @classmethod
    def full(cls) -> "Config":
        """More of everything."""
        return cls(draws=2000, seeds=30, epochs=400, sizes=(10, 20, 50, 100, 200, 500, 1000), widths=(4, 8, 16, 32, 64, 128, 256))


def arms(config: Config) -> dict[tuple, list]:
    """Return what is trained, a description per seed: the examples, all sizes, planted faults."""
    own: dict[tuple, dict] = {
        ("example", name): {"train": 10, "validation": 1000, "hidden": (100, 100), "batch_size": 32, "dense": 20,
                            "data": "random_rows", "epochs": config.example_epochs, **settings}
        for name, (_, settings) in EXAMPLES.items()}
    own["example", PATIENT]["models"] = (("stop", "Patience(3)"),)
    own |= {("size", data, size, width): {"data": data, "train": size, "hidden": (width, width), "batch_size": 10}
            for data in DATA for size in config.sizes for width in config.widths}
    own |= {("fault", name): {"data": f"tumours_{fault}", "noise": noise, "train": 280, "validation": 140, "hidden": (50, 50),
                              "batch_size": 4, "epochs": config.epochs // 5, "learning_rate": 3 * config.learning_rate,
                              "measures": ("errors", "losses", "experiments.trainers.leaks:leaks")}
            for name, (fault, noise, _) in FAULTS.items()}
    fixed = {"experiment": "fast_perfect", "epochs": config.epochs, "learning_rate": config.learning_rate}
    return {arm: per_seed(config.draws if arm[0] == "example" else config.seeds, **{**fixed, **settings, "models": (
        ("two", f"epoch {FAST}"), ("zero", "zero error"), *settings.get("models", ()), ("end", "end"))})
        for arm, settings in own.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some])


class Results(NamedTuple):
    """The settings, and the runs of every arm."""

    config: Config
    runs: dict[tuple, Measured]

    def at(self, arm: tuple, figure: str, rule: str = "end", factor: float = 1.0) -> np.ndarray:
        """A figure (runs,) of the models that a rule took, NaN where it took none."""
        return self.runs[arm].at(rule, figure, factor)

    def text(self, arm: tuple, figure: str, rule: str = "end", factor: float = 1.0) -> str:
        """Return "mean ±error" of the same, of the runs that have it."""
        return mean_error(*mean_and_error(self.at(arm, figure, rule, factor)))

    def fast(self, arm: tuple) -> Share:
        """In how many runs there was no training error after one epoch or two."""
        return Share.of(self.at(arm, "epoch", "zero") <= FAST)

    def reached(self, arm: tuple) -> Share:
        """In how many runs there was none at any time."""
        return Share.of(np.isfinite(self.at(arm, "epoch", "zero")))


def gather(store: Store, config: Config) -> Results:
    """Load everything; raises StoreError when runs are missing."""
    return Results(config, {arm: load(store, specs) for arm, specs in arms(config).items()})


def tables(results: Results) -> list[Table]:
    """The examples; samples and units; planted faults."""
    config, text, seeds = results.config, results.text, spread(results.config.seeds, "seed")

    def rows(arms: dict[tuple, str], *figures: tuple) -> list[list[str]]:
        return [[name, str(results.fast(arm)), str(results.reached(arm)), text(arm, "epoch", "zero"),
                 *(text(arm, *figure) for figure in figures)] for arm, name in arms.items()]
    heads = ["100 % within two epochs", "ever", "at epoch"]
    return [
        Table(f"Random labels ({spread(config.draws, 'draw')})", ["example", *heads, "training error after two, %",
              "validation loss after two", "at 100 %", "at the end", "validation error at 100 %, %", "at the end"], rows(
                  {("example", name): name for name in EXAMPLES}, ("train_error", "two", 100), ("val_loss", "two"),
                  ("val_loss", "zero"), ("val_loss",), ("val_error", "zero", 100), ("val_error", "end", 100)),
              f"Who knows nothing has a loss of {LOG_2:.3f}. In brackets 95 % intervals. End: epoch {config.example_epochs}."),
        Table(f"Samples and units ({seeds})", ["data, samples, units", *heads, "test error then, %", "at the end, %"], rows(
            {arm: f"{DATA[arm[1]][0]}, {arm[2]}, 2 × {arm[3]}" for arm in results.runs if arm[0] == "size"},
            ("test_error", "zero", 100), ("test_error", "end", 100))),
        Table(f"Tumours with planted faults ({seeds})", ["fault", *heads, *(f"{part} error, %" for part in PARTS), "found",
              "columns", "copies, %"], [[*row[:-2], f"{_found(results, row[0])}", *row[-2:]] for row in rows(
                  {("fault", name): name for name in FAULTS}, *((figure, "end", 100) for figure, *_ in PARTS.values()),
                  ("leak_columns",), ("leak_copies", "end", 100))],
              f"At the end, epoch {config.epochs // 5}. Found: runs of whose data leakage_report says that training and "
              "validation set share something: columns that tell the label, copied rows. New data have none of the faults.")]


def _found(results: Results, fault: str) -> Share:
    """In how many runs the data were reported as leaking."""
    return Share.of(sum(results.at(("fault", fault), f"leak_{what}") for what in ("columns", "copies")) > 0)


def figures(results: Results, folder: Path) -> list:
    """Draw when networks reach 100 % and what that is worth; and what planted faults do."""
    config = results.config
    about = f"{config.draws} draws of random labels, {spread(config.seeds, 'seed')} of all else"
    paths = plots.page(folder / "fast_perfect.png", [
        [partial(_reached, results), partial(_losses, results)],
        [partial(_sizes, results, "epoch", 1, "first epoch at 100 % (log)"),
         partial(_sizes, results, "test_error", 100, "test error then, % (log)")]],
        size=(8.4, 7.4), title=f"When does training accuracy reach 100 %? ({about})")
    return paths + plots.page(folder / "fast_perfect_faults.png", [[partial(_fast_faults, results)], [
        partial(_errors, results)]], size=(8.4, 6.6), title=f"Tumours with planted faults ({spread(config.seeds, 'seed')})")


def _reached(results: Results, axis: Any) -> None:
    epochs = np.arange(1, results.config.example_epochs + 1)
    for name, (hue, _) in EXAMPLES.items():
        there = 100.0 * (results.at(("example", name), "epoch", "zero")[:, None] <= epochs)
        plots.curve(axis, epochs, there, name, hue=hue, split="", drawstyle="steps-post")
    axis.axvline(FAST, ls=":", color=plots.ink(plots.BLACK), label="epoch 2")
    axis.set(title="random labels: at 100 %, % of runs", xlabel="epoch (log)", ylim=(-3, 103))
    axis.legend()
    plots.log(axis, "x")


def _losses(results: Results, axis: Any) -> None:
    for name, (hue, _) in EXAMPLES.items():
        runs = results.runs["example", name]
        plots.curve(axis, runs.curves("epoch")[0], runs.curves("val_loss"), hue=hue, split="")
    axis.axhline(LOG_2, ls=":", color=plots.ink(plots.BLACK), label="who knows nothing: log 2")
    axis.set(title="random labels: validation loss, nats (log)", xlabel="epoch (log)")
    axis.legend()
    plots.log(axis, "xy")
