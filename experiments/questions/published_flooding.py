"""Does flooding reproduce the published Two-Gaussians row?

Ishida et al. (ICML 2020) trained one network on two Gaussians in ten dimensions with 1, 5 and 10 % flipped labels, by plain
cross-entropy and by flooding at a level chosen for each share. Their six accuracies are measured again here: same data
protocol, same network, same optimizer, the published levels, a new training set for every seed. The choice of the level is
not repeated.

The published figures are known from a transcription (github.com/bongseokkim/flooding), without their standard errors and
without the number of runs behind each.
"""
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from ..data import two_gaussians_bayes
from ..report import plots
from ..report.compare import BETTER, UNKNOWN, WORSE
from ..report.measured import Measured, load
from ..report.tables import Table, number
from ..report.words import counted, listed, spread, too_few
from ..runs.settings import DIFFERENT, SOME, Settings, above, at_least
from ..runs.store import Store
from ..runs.sweep import Threads, train_missing
from ..trainers.description import Description, describe
from ..trainers.train import TRAINER

RUN_TIMES = {"quick": "100 s", "default": "11 min", "full": "11 min"}  # on 2 cores, compilation included
# Share of flipped labels -> the flooding level chosen there, accuracy on labels with flips, %, without and with flooding.
PUBLISHED = {0.01: (0.17, 90.52, 92.13), 0.05: (0.22, 84.79, 88.03), 0.10: (0.32, 78.44, 83.59)}
CHECK_EPOCHS = 10  # between looks at the training set, which cost a third of an update
TOLERANCE = 1.0  # points of accuracy within which a cell counts as reproduced
METHODS = (("plain cross-entropy", plots.PLAIN, -0.18), ("flooding", plots.FLOODING, 0.18))  # and places in the figure


@dataclass(frozen=True)
class Config(Settings):
    """Settings of published_flooding; the defaults are the published protocol."""

    seeds: Annotated[int, at_least(1)] = 20
    """Runs per cell, each with its own data and weights: at 10 % flips accuracy scatters by 1.5 points from run to run."""
    noise: Annotated[tuple[float, ...], SOME, DIFFERENT] = tuple(PUBLISHED)
    """Shares of flipped labels, out of the published three; each brings its published level."""
    train: Annotated[int, at_least(2)] = 100
    """Training samples per class, one batch of 200: the size that matches the published row best (50 is worse)."""
    test: Annotated[int, at_least(1)] = 10_000
    """Test samples per class, as in the authors' code: 0.3 points of sampling error for one run, 0.06 for 20."""
    hidden: Annotated[tuple[int, ...], SOME, at_least(1)] = (500, 500, 500, 500)
    """Hidden units, as in the authors' code, each layer with batch normalisation."""
    epochs: Annotated[int, at_least(1)] = 500
    """Updates, as published; the last epoch is judged."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, as published."""
    workers: Annotated[int, at_least(0, "0 for one per core")] = 0
    """Runs trained at the same time; 0 takes one per core. Results do not depend on it."""

    @classmethod
    def quick(cls) -> "Config":
        """Three seeds of the same protocol: a first look, the deviations of single cells are mostly scatter."""
        return cls(seeds=3)

    @classmethod
    def full(cls) -> "Config":
        """The same as the default: the tolerance of one point is meant for 20 seeds."""
        return cls()

    def related(self, need: Callable[..., None]) -> None:
        """The noise is a published one."""
        need(set(self.noise) <= set(PUBLISHED), "noise", f"different shares out of {', '.join(map(str, PUBLISHED))}")


class Cell(NamedTuple):
    """One cell of the published row: share of flips, level (0: plain), published accuracy, runs to make, finished runs."""

    noise: float
    level: float
    published: float
    specs: Sequence[Description]
    runs: Measured = Measured(())

    @property
    def best(self) -> Any:
        """What no classifier can beat on the labels of this cell."""
        return two_gaussians_bayes(noise=self.noise)

    @property
    def difference(self) -> float:
        """Measured mean accuracy minus the published one, in points."""
        return self.runs.mean("accuracy", 100) - self.published

    @property
    def reproduced(self) -> bool:
        """Whether the mean lies within the tolerance of the published accuracy."""
        return abs(self.difference) < TOLERANCE

    def in_errors(self, form: str) -> str:
        """The difference in standard errors of our mean, or a dash where these are unknown or zero."""
        error = self.runs.error("accuracy", 100)
        return f"{self.difference / error:{form}}" if error > 0 else "–"


def cells(config: Config) -> list[Cell]:
    """All cells of a configuration: for each share of flips first without, then with flooding."""
    def cell(noise: float, level: float, published: float) -> Cell:
        return Cell(noise, level, published, [
            describe(experiment="published_flooding", seed=seed, data="two_gaussians", noise=noise, level=level,
                     train=config.train, test=config.test, hidden=config.hidden, batch_norm=True, init="fan_in_uniform",
                     epochs=config.epochs, learning_rate=config.learning_rate, every=CHECK_EPOCHS,
                     measures=("last_check", "final_test")) for seed in range(config.seeds)])

    return [cell(noise, *one) for noise in config.noise for level, plain, flooded in (PUBLISHED[noise],)
            for one in ((0.0, plain), (level, flooded))]


def departures(config: Config) -> list[str]:
    """Names of the settings of the protocol that are not the published ones."""
    return [field.name for field in fields(Config) if field.name not in ("seeds", "noise", "workers")
            and getattr(config, field.name) != field.default]


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    runs = [spec.settings() for cell in cells(config) for spec in cell.specs]
    train_missing(store, runs, TRAINER, Threads(config.workers), "training")


class Results(NamedTuple):
    """All cells with their runs, and the configuration that they are of."""

    row: list[Cell]
    config: Config


def gather(store: Store, config: Config) -> Results:
    """All cells with their runs from the store; raises StoreError when a run is missing."""
    return Results([cell._replace(runs=load(store, cell.specs)) for cell in cells(config)], config)


def tables(results: Results) -> list[Table]:
    """One table: measured and published accuracies, cross-entropy and training error, mean ± standard error over seeds."""
    heads = ("flips", "level", "accuracy, %", "published", "difference", "in s.e.", "test cross-entropy",
             "training error, %", "best possible, %")
    note = ["accuracy, test cross-entropy: on test labels with flips, after the last epoch; best possible: Bayes",
            "in s.e.: difference / standard error of our mean alone; those of the published figures are not known to us"]
    if changed := departures(results.config):
        note.append(f"NOT the published protocol: {', '.join(changed)} changed")
    rows = [(f"{one.noise:.0%}", f"{one.level:g}" if one.level else "plain", one.runs.text("accuracy", 100),
             f"{one.published:.2f}", f"{one.difference:+.2f}", one.in_errors("+.1f"), one.runs.text("test_loss"),
             one.runs.text("train_error", 100), f"{100 * (1 - one.best.noisy_error):.2f}") for one in results.row]
    title = f"Two Gaussians, published and measured ({spread(results.config.seeds, 'seed')})"
    return [Table(title, heads, rows, "\n".join(note))]


def figures(results: Results, folder: Path) -> list:
    """Draw the figure; returns its files."""
    return draw(results, folder / "published_flooding.png")


def draw(results: Results, path: str | PathLike[str]) -> list:
    """Accuracy beside the published values, and test cross-entropy: every run a dot, means with standard errors."""
    seeds = results.config.seeds
    title = f"Two Gaussians, published and measured ({counted(seeds, 'seed')}{', bars: ± standard error' * (seeds > 1)})"
    panels = [partial(_panel, results.row, figure) for figure in ("accuracy", "test_loss")]
    return plots.page(path, [panels], size=(10.5, 4.6), title=title, legend=5)


def _panel(row: Sequence[Cell], figure: str, axis: Any) -> None:
    for i, one in enumerate(row):
        values = one.runs.values(figure, 100 if figure == "accuracy" else 1)
        label, hue, shift = METHODS[i % 2]
        plots.dots(axis, i // 2 + shift - 0.06, values, hue=hue)
        plots.point(axis, i // 2 + shift, values, label, hue=hue, size=4, capsize=5)
        if figure == "accuracy":
            axis.errorbar([i // 2 + shift + 0.1], [one.published], yerr=[TOLERANCE], fmt="D", ms=5, elinewidth=3,
                          color=plots.ink(plots.BLACK), mfc=plots.paper(), ecolor=plots.tone(plots.GREY, 0.4),
                          label=f"published (± {TOLERANCE:g} point)")
        best = 100 * (1 - one.best.noisy_error) if figure == "accuracy" else one.best.cross_entropy
        axis.hlines(best, i // 2 - 0.42, i // 2 + 0.42, color=plots.ink(plots.BLUE), lw=1.2, ls="--", label="best possible")
    axis.set_xticks(range(len(row) // 2), [f"{one.noise:.0%}" for one in row[::2]])
    axis.set(xlabel="flipped labels", xlim=(-0.6, len(row) // 2 - 0.4), ylabel="accuracy on test labels with flips, %")
    if figure == "test_loss":
        axis.set_ylabel("test cross-entropy, nats (log scale)")
        plots.log(axis, "y")


def answer(results: Results) -> str:
    """Open with yes, no or what it depends on, then answer in three sentences that quote the measured numbers."""
    return " ".join(sentences(results))


def sentences(results: Results) -> list[str]:
    """Yes, no or what it depends on; then: are the accuracies those published, does flooding help, what was memorised."""
    row = results.row
    pairs = list(zip(row[::2], row[1::2], strict=True))  # without and with flooding
    return [_opening(row, results.config), _reproduced(row), _flooding_helps(pairs), _memorised(pairs)]


def _opening(row: Sequence[Cell], config: Config) -> str:
    if changed := departures(config):
        return f"It depends on the protocol, and this was not the published one ({', '.join(changed)} changed)."
    if not all(one.runs.half_width("accuracy", 100) < TOLERANCE for one in row):
        return f"It depends on more than {counted(config.seeds, 'seed')}: these scatter too much to tell."
    count = sum(one.reproduced for one in row)
    return "Yes." if count == len(row) else "No." if not count else "It depends on the cell."


def _reproduced(row: Sequence[Cell]) -> str:
    outside, seeds = [one for one in row if not one.reproduced], len(row[0].specs)
    return "; ".join([f"{len(row) - len(outside)} of {len(row)} accuracies come out within {TOLERANCE:g} point of the "
                      f"published ones {f'over {seeds} seeds' if seeds > 1 else 'with one seed'}",
                      *map(_deviation, outside)]) + "."


def _deviation(one: Cell) -> str:
    """How far a cell is off, and what scatter has to do with it."""
    error = one.runs.error("accuracy", 100)
    # Whether the interval of our mean excludes the published figure, taken as exact.
    clear = abs(one.difference) > one.runs.half_width("accuracy", 100)
    text = (f"{one.noise:.0%} flips {'with' if one.level else 'without'} flooding "
            f"{'deviates' if clear else 'is off'} by {one.difference:+.2f} points "
            f"({one.runs.text('accuracy', 100)} instead of {one.published:.2f}")
    if math.isnan(error):
        return f"{text}; one seed shows no scatter)"
    if not clear:
        return f"{text}, no more than these seeds scatter)"
    if error == 0:
        return f"{text}, and these seeds do not scatter)"
    text = f"{text}, {one.in_errors('.1f').lstrip('-')} of our standard errors"
    if abs(one.difference) <= 2 * error:  # from 61 seeds on a t interval is narrower than that
        return f"{text})"
    runs = consistent_runs(one.difference, error * math.sqrt(len(one.specs)), len(one.specs))
    return (f"{text}, and more than two combined ones "
            + (f"unless the published figure is a mean of at most {runs} runs)" if runs else
               "even if the published figure is a single run)"))


def consistent_runs(difference: float, deviation: float, seeds: int) -> int:
    """Most runs behind a published mean for which a difference is within two combined standard errors; 0: not even one.

    If published runs scatter like ours (standard deviation `deviation` > 0), a difference of means over `seeds` and n runs
    has the variance deviation² (1/seeds + 1/n). Raises ValueError when every n will do.
    """
    share = (difference / (2 * deviation)) ** 2 - 1 / seeds
    if share <= 0:
        raise ValueError(f"difference: got {difference!r}, accepted: more than two of our own standard errors, here "
                         f"{2 * deviation / math.sqrt(seeds):g}")
    return int(1 / share)


def _flooding_helps(pairs: Any) -> str:
    found = [flooded.runs.gain(plain.runs) for plain, flooded in pairs]
    verdicts, gains = [one.verdict for one in found], listed(f"{one.mean:+.1f}" for one in found)
    published = listed(f"{flooded.published - plain.published:+.1f}" for plain, flooded in pairs)
    if UNKNOWN in verdicts:
        effect = f"{too_few(len(pairs[0][0].specs), 'seed')} cannot tell whether flooding raises accuracy"
    else:
        effect = (f"Flooding's accuracy is clearly better in {verdicts.count(BETTER)} of {counted(len(pairs), 'share')} of "
                  f"flips" + f" and clearly worse in {verdicts.count(WORSE)}" * (WORSE in verdicts))
    losses = [(flooded.runs.mean("test_loss"), plain.runs.mean("test_loss")) for plain, flooded in pairs]
    return (f"{effect} (by {gains} points, published {published}), and its test cross-entropy is below half of plain "
            f"training's in {sum(a < b / 2 for a, b in losses)} of {len(pairs)} "
            f"({listed(f'{number(a)} against {number(b)}' for a, b in losses)}).")


def _memorised(pairs: Any) -> str:
    wrong, errors = ([number(100 * pair[i].runs.mean("train_error")) for pair in pairs] for i in (1, 0))
    gaps = listed(f"{one.runs.mean('accuracy', 100) - 100 * (1 - one.best.noisy_error):+.1f}" for _, one in pairs)
    plain = ("memorised every training label, flipped ones included" if set(errors) == {"0"} else
             f"left {listed(errors)} % of the training labels wrong")
    return (f"Plain training {plain}, flooding left {listed(wrong)} % of them wrong, and flooding's accuracy differs from "
            f"the best possible one by {gaps} points.")
