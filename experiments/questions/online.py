"""Does on-line training learn faster than batches, and how should an on-line loop stop?

Digits, some labels of which are flipped, are learnt one by one, in batches of twenty and all at once; each at the best of
its own learning rates for the time it has. What an on-line loop knows for free, the error of every pattern before it is
learnt, stands beside losses of frozen weights, and rules that watch one or the other are replayed on the same runs.
"""
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..report import plots
from ..report.arms import text
from ..report.measured import Measured, load_all
from ..report.online import Family, compared, course_panel, rows
from ..report.online_seen import means_panel, seen, single_panel, told
from ..report.panels import points
from ..report.rises import Stops, advice, ends, stops, worst_rises
from ..report.tables import Table
from ..report.words import listed, spread
from ..runs.settings import DIFFERENT, SHARE, SOME, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.online import TRAINER, Course

RUN_TIMES = {"quick": "15 s", "default": "1 min", "full": "9 min"}  # on 2 cores
ONLINE = "on-line"
# Batch size (0: all patterns), hue, and the factors of the rate: on-line steps are smaller, as nothing averages them.
FAMILIES = {ONLINE: (1, plots.RED, 1), "batches of 20": (20, plots.BLUE, 10), "full batch": (0, plots.GREEN, 25)}
# What is asked at the end of every epoch. {bound}: of the textbook rule.
RULES = {"epoch's average ≤ {bound:g}": "Target({bound}, 'average')",
         "epoch's average, patience 1": "Patience(1, 'average')",
         "epoch's average, plateau 1 % in 5": "Plateau(0.01, 5, 'average', relative=True)",
         "running average, patience 1": "Patience(1, 'running')",
         "running average, patience 10": "Patience(10, 'running')",
         "validation loss, patience 1": "Patience(1)",
         "validation loss, patience 10": "Patience(10)",
         "validation loss, adaptive M": "AdaptivePatience(1, minimum=3)",
         "validation loss, UP 3": "UP(3)",
         "validation error, patience 10": "Patience(10, 'val_error')"}
SERIES = {"running": "running average", "average": "epoch's average", "train_loss": "training loss, frozen",
          "val_loss": "validation loss", "val_error": "validation error"}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of online."""

    seeds: Annotated[int, at_least(1)] = 20
    """Runs of each batch size and rate: test errors scatter by 1.5 points, so 20 tell a difference of about one."""
    rates: Annotated[tuple[float, ...], above(0), DIFFERENT, SOME] = (0.005, 0.01, 0.02, 0.04, 0.08)
    """Learning rates on-line, of SGD without momentum; 10 times these in batches of 20, 40 times in full batches."""
    compared: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (1, 3, 10, 30)
    """Epochs on-line after which courses are compared, at equal patterns and at equal time."""
    epochs: Annotated[int, at_least(3)] = 100
    """Of every run: more than three times those compared, as full batches take less time; validation loss turns by 20."""
    train: Annotated[int, at_least(20)] = 400
    """Training digits."""
    validation: Annotated[int, at_least(20)] = 300
    """Validation digits, which choose the rates and stop; 1097 are left for the test."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (30,)
    """Hidden units."""
    noise: Annotated[float, SHARE] = 0.1
    """Share of flipped training and validation labels, so that stopping matters; those of the test are true."""
    bound: Annotated[float, above(0)] = 0.1
    """Of the textbook's rule, "stop when the average of the output errors of an epoch is small": the right class has 0.9."""
    window: Annotated[int, at_least(1)] = 100
    """Patterns of the running average, 1/(1 - decay): a quarter of an epoch."""

    def related(self, need: Any) -> None:
        """What is compared is trained; some digits are left."""
        need(max(self.compared) <= self.epochs, "compared", f"at most {self.epochs}, the epochs")
        need(self.train + self.validation < 1797, "train", "with `validation` below 1797 digits")

    @classmethod
    def quick(cls) -> "Config":
        """Fewer seeds and rates: shows the large differences."""
        return cls(seeds=8, rates=(0.01, 0.02, 0.04), epochs=60, compared=(1, 3, 10))

    @classmethod
    def full(cls) -> "Config":
        """Five times the seeds, more rates."""
        return cls(seeds=100, rates=(0.005, 0.007, 0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08))


class Results(NamedTuple):
    """The settings, the runs, and what every rule did on-line."""

    config: Config
    families: dict[str, Family]
    stops: dict[str, Stops]

    @property
    def tuned(self) -> Measured:
        """On-line runs at the rate with the lowest validation loss."""
        return self.families[ONLINE].tuned()

    @property
    def cases(self) -> list[tuple[Family, int]]:
        """Rivals and epochs."""
        return [(one, epoch) for name, one in self.families.items() if name != ONLINE for epoch in self.config.compared]


def arms(config: Config) -> dict[tuple[str, float], list[Course]]:
    """Return what is trained: a run per seed, by batch size and the on-line rate that its rate belongs to."""
    return {(name, rate): [Course("online", seed, batch, rate * factor, config.train, config.validation, config.hidden,
                                  config.noise, config.epochs, window=config.window) for seed in range(config.seeds)]
            for name, (batch, _, factor) in FAMILIES.items() for rate in config.rates}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some], TRAINER)


def gather(store: Store, config: Config) -> Results:
    """Load everything; raises StoreError when runs are missing."""
    return results_of(config, load_all(store, arms(config)))


def results_of(config: Config, runs: Any) -> Results:
    """Group the runs by batch size, and replay the rules."""
    from stopping import parse, replay

    families = {name: Family(name, hue, {rate * factor: runs[name, rate] for rate in config.rates})
                for name, (_, hue, factor) in FAMILIES.items()}
    tuned = families[ONLINE].tuned()
    rules: Any = ((name, parse(rule.format(bound=config.bound))) for name, rule in RULES.items())
    return Results(config, families, {name.format(bound=config.bound): stops(partial(replay, rule), rule.monitor, tuned)
                                      for name, rule in rules})


def tables(results: Results) -> list[Table]:
    """Equal patterns and equal time; what an on-line loop sees; temporary rises; rules."""
    config, online, cases = results.config, results.families[ONLINE], results.cases
    seeds = spread(config.seeds, "seed")
    around = [epoch for epoch in (1, 2, 5, 10, 20, 50) if epoch <= config.epochs]
    return [
        Table(f"Test error, %, on-line beside batches ({seeds})",
              ["beside", "rate on-line", "on-line", "rate", "equal patterns", "on-line is", "epochs in equal time",
               "equal time", "on-line is"], rows(online, cases), "Each at its best rate for so many epochs, by validation "
              "error. Equal time: processor time of the updates where they were trained; in brackets the interval in which "
              "a verdict has to hold. Epochs were timed in turn with on-line ones."),
        Table(f"What an on-line loop sees, nats ({seeds})", ["epoch", "one pattern, ±", "running average", "epoch's average",
              "training, frozen, half an epoch ago", "training, frozen", "validation, frozen", "its mean over the epoch"],
              [[str(epoch), *map(text, seen(results.tuned, config.train, epoch).values())] for epoch in around],
              "All but the validation loss is measured on training patterns; averages are of losses before each update."),
        Table(f"Temporary rises at the ends of epochs ({seeds})", ["measure", "training", "rises", "longest, epochs",
              "highest, %"], [[what, name, *map(text, worst_rises(ends(one.tuned(), measure)))] for measure, what in
              SERIES.items() for name, one in results.families.items()],
              "Not below the lowest value before, and passed: later more than 1 % below it. Means of each run's worst."),
        Table(f"Where rules stop on-line training ({seeds})", ["rule", "stops at epoch", "never", "in a rise", "too early",
              "test loss returned", "% above the lowest", "test error, %"],
              [[rule, text(one.epoch), str(int((~one.fired).sum())), str(one.in_rise), str(one.too_early),
                text(one.test_loss), text(one.excess), text(one.test_error)] for rule, one in results.stops.items()],
              "Asked after every epoch. In a rise, too early: what it watches, or the test loss, later falls by more than "
              "1 % below the lowest up to the stop. What never stops returns the end, or its best.")]


def figures(results: Results, folder: Path) -> list:
    """Draw courses over patterns and time, what an on-line loop sees, and where rules stop."""
    from stopping import RunningAverage

    config, families, seeds = results.config, list(results.families.values()), spread(results.config.seeds, "seed")
    epochs = np.unique(np.round(np.geomspace(1, config.epochs, 24)))
    paths = plots.page(folder / "online.png", [[partial(course_panel, families, epochs, timed) for timed in (False, True)]],
                       title=f"Test error at the best rate for each number of epochs ({seeds})", y=["test error, %"],
                       size=(8.4, 4.2), legend=3)
    single = partial(single_panel, results.tuned.runs[0], config.train, RunningAverage(1 - 1 / config.window), 3)
    paths += plots.page(
        folder / "online_measures.png", [[single, partial(means_panel, results.tuned)]],
        heads=[["one run, its first epochs", seeds]], y=["loss, nats"], legend=3, size=(8.4, 4.4),
        title="What an on-line loop sees, and losses of frozen weights")
    found = results.stops
    draw = partial(points, names=list(found), hues=[
        plots.RED if "average" in rule else plots.BLUE for rule in found], legend=False)
    return paths + plots.page(folder / "online_stops.png", [
        [partial(draw, title="stops at epoch", groups={"": ("o", [one.epoch for one in found.values()])})],
        [partial(draw, title="stopped in a temporary rise of what it watches, % of runs", groups={"": ("o", [
            100.0 * one.deceived for one in found.values()])})],
        [partial(draw, title="test loss returned, % above the lowest", groups={
            "": ("o", [one.excess for one in found.values()])})]], size=(8.4, 8.4),
        title=f"Rules for an on-line loop; red: without validation samples ({seeds})")


def answer(results: Results) -> str:
    """Open with which learns faster; then what an on-line loop sees, which rises must be passed, and how to stop."""
    config, online, cases = results.config, results.families[ONLINE], results.cases
    edges = sum(one.edge(epoch) for one, epoch in [*cases, *((online, epoch) for epoch in config.compared)])
    costs = listed(f"{text(one.times())} ({name})" for name, one in results.families.items())
    worst = {name: worst_rises(ends(results.tuned, name)) for name in ("running", "average", "val_loss")}
    passed = "; ".join(f"{SERIES[name]} {text(long)} epochs, {text(high)} %" for name, (_, long, high) in worst.items())
    return (f"{compared(online, cases, config.seeds)} Each at its best of {len(config.rates)} rates, {edges} of "
            f"{len(cases) + len(config.compared)} times the lowest or highest of them. An epoch on-line took "
            f"{text(online.milliseconds())} ms; timed beside that, epochs took {costs} times as long. "
            f"{told(results.tuned, config.train, [epoch for epoch in (1, 2, 10) if epoch <= config.epochs])} Temporary "
            f"rises that must be passed on-line, the longest and the highest of each run: {passed}. "
            f"{advice(results.stops, [rule for rule in results.stops if 'validation' not in rule])}")
