"""Does flooding reproduce the published Two-Gaussians row?

Ishida et al. (ICML 2020) trained one network on two Gaussians in ten dimensions with 1, 5 and 10 % flipped labels, by plain
cross-entropy and by flooding at a level chosen for each share. Their six accuracies are measured again here: same data
protocol, same network, same optimizer, the published levels, a new training set for every seed. The choice of the level is
not repeated. The published figures are known from a transcription (github.com/bongseokkim/flooding), without their standard
errors and without the number of runs behind each.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from ..report import plots
from ..report.compare import BETTER, UNKNOWN, WORSE
from ..report.measured import Measured, load
from ..report.published import Beside
from ..report.tables import Table, number
from ..report.words import counted, listed, paragraph, spread, too_few
from ..runs.settings import at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.description import Description
from ..trainers.flipped import Flipped
from ..trainers.flooding_grid import PUBLISHED, Protocol

RUN_TIMES = {"quick": "1 min 40 s", "default": "11 min", "full": "11 min"}  # on 2 cores, compilation included
CHECK_EPOCHS = 10  # between looks at the training set, which cost a third of an update
TOLERANCE = 1.0  # points of accuracy within which a cell counts as reproduced
METHODS = (("plain cross-entropy", plots.PLAIN, -0.18), ("flooding", plots.FLOODING, 0.18))  # and places in the figure


@dataclass(frozen=True)
class Config(Protocol, OnThreads):
    """Settings of published_flooding; the defaults are the published protocol, and each share brings its published level."""

    seeds: Annotated[int, at_least(1)] = 20
    """Runs per cell, each with its own data and weights: at 10 % flips accuracy scatters by 1.5 points from run to run."""

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


@dataclass(frozen=True)
class Cell(Flipped):
    """One cell of the published row: data, share of flips, level (0: plain), runs to make, what they measured."""

    level: float
    specs: Sequence[Description]
    beside: Beside

    @property
    def runs(self) -> Measured:
        """The finished runs."""
        return self.beside.runs

    @property
    def reproduced(self) -> bool:
        """Whether the mean lies within the tolerance of the published accuracy."""
        return abs(self.beside.difference) < TOLERANCE


def cells(config: Config) -> list[Cell]:
    """All cells of a configuration: for each share of flips first without, then with flooding."""
    def cell(noise: float, level: float, published: float) -> Cell:
        return Cell("two_gaussians", noise, level, [config.described(
            experiment="published_flooding", seed=seed, data="two_gaussians", noise=noise, level=level, every=CHECK_EPOCHS,
            measures=("last_check", "final_test")) for seed in range(config.seeds)], Beside(Measured(()), published))

    return [cell(noise, *one) for noise in config.noise for level, plain, flooded in (PUBLISHED[noise],)
            for one in ((0.0, plain), (level, flooded))]


def departures(config: Config) -> list[str]:
    """Names of the settings of the protocol that are not the published ones."""
    return [field.name for field in fields(Protocol)
            if field.name != "noise" and getattr(config, field.name) != field.default]


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [spec for cell in cells(config) for spec in cell.specs])


class Results(NamedTuple):
    """All cells with their runs, and the configuration that they are of."""

    row: list[Cell]
    config: Config


def gather(store: Store, config: Config) -> Results:
    """All cells with their runs from the store; raises StoreError when a run is missing."""
    return Results([replace(cell, beside=replace(cell.beside, runs=load(store, cell.specs)))
                    for cell in cells(config)], config)


def tables(results: Results) -> list[Table]:
    """One table: measured and published accuracies, cross-entropy and training error, mean ± standard error over seeds."""
    heads = ("flips", "level", "accuracy, %", "published", "difference", "in s.e.", "test cross-entropy",
             "training error, %", "best possible, %")
    note = ["accuracy, test cross-entropy: on test labels with flips, after the last epoch; best possible: Bayes",
            "in s.e.: difference / standard error of our mean alone; those of the published figures are not known to us"]
    if changed := departures(results.config):
        note.append(f"NOT the published protocol: {', '.join(changed)} changed")
    rows = [(f"{100 * one.noise:.0f} %", f"{one.level:g}" if one.level else "plain", one.runs.text("accuracy", 100),
             f"{one.beside.published:.2f}", f"{one.beside.difference:+.2f}", one.beside.in_errors("+.1f"),
             one.runs.text("test_loss"), one.runs.text("train_error", 100), f"{one.best_accuracy:.2f}")
            for one in results.row]
    title = f"Two Gaussians, published and measured ({spread(results.config.seeds, 'seed')})"
    return [Table(title, heads, rows, "\n".join(note))]


def figures(results: Results, folder: Path) -> list:
    """Draw accuracy beside the published values, and test cross-entropy: every run a dot, means with standard errors."""
    seeds = results.config.seeds
    title = f"Two Gaussians, published and measured ({counted(seeds, 'seed')}{', bars: ± standard error' * (seeds > 1)})"
    panels = [partial(_panel, results.row, figure) for figure in ("accuracy", "test_loss")]
    return plots.page(folder / "published_flooding.png", [panels], size=(10.5, 4.6), title=title, legend=5)


def _panel(row: Sequence[Cell], figure: str, axis: Any) -> None:
    for i, one in enumerate(row):
        values = one.runs.values(figure, 100 if figure == "accuracy" else 1)
        label, hue, shift = METHODS[i % 2]
        plots.dots(axis, i // 2 + shift - 0.06, values, hue=hue)
        plots.point(axis, i // 2 + shift, values, label, hue=hue, size=4, capsize=5)
        if figure == "accuracy":
            axis.errorbar([i // 2 + shift + 0.1], [one.beside.published], yerr=[TOLERANCE], fmt="D", ms=5, elinewidth=3,
                          color=plots.ink(plots.BLACK), mfc=plots.paper(), ecolor=plots.tone(plots.GREY, 0.4),
                          label=f"published (± {TOLERANCE:g} point)")
        best = one.best_accuracy if figure == "accuracy" else one.best.cross_entropy
        axis.hlines(best, i // 2 - 0.42, i // 2 + 0.42, color=plots.ink(plots.BLUE), lw=1.2, ls="--", label="best possible")
    axis.set_xticks(range(len(row) // 2), [f"{100 * one.noise:.0f} %" for one in row[::2]])
    axis.set(xlabel="flipped labels", xlim=(-0.6, len(row) // 2 - 0.4), ylabel="accuracy on test labels with flips, %")
    if figure == "test_loss":
        axis.set_ylabel("test cross-entropy, nats (log scale)")
        plots.log(axis, "y")


@paragraph
def answer(results: Results) -> list[str]:
    """Yes, no or what it depends on; then: are the accuracies those published, does flooding help, what was memorised."""
    row = results.row
    pairs = list(zip(row[::2], row[1::2], strict=True))  # without and with flooding
    return [_opening(row, results.config), _reproduced(row), _flooding_helps(pairs), _memorised(pairs)]


def _opening(row: Sequence[Cell], config: Config) -> str:
    if changed := departures(config):
        return f"It depends on the protocol, and this was not the published one ({', '.join(changed)} changed)."
    if not all(one.beside.half_width < TOLERANCE for one in row):
        return f"It depends on more than {counted(config.seeds, 'seed')}: these scatter too much to tell."
    count = sum(one.reproduced for one in row)
    return "Yes." if count == len(row) else "No." if not count else "It depends on the cell."


def _reproduced(row: Sequence[Cell]) -> str:
    outside, seeds = [one for one in row if not one.reproduced], len(row[0].specs)
    return "; ".join([f"{len(row) - len(outside)} of {len(row)} accuracies come out within {TOLERANCE:g} point of the "
                      f"published ones {f'over {seeds} seeds' if seeds > 1 else 'with one seed'}",
                      *(one.beside.deviation(f"{100 * one.noise:.0f} % flips {'with' if one.level else 'without'} flooding")
                        for one in outside)]) + "."


def _flooding_helps(pairs: Any) -> str:
    found = [flooded.runs.gain(plain.runs) for plain, flooded in pairs]
    verdicts, gains = [one.verdict for one in found], listed(f"{one.mean:+.1f}" for one in found)
    published = listed(f"{flooded.beside.published - plain.beside.published:+.1f}" for plain, flooded in pairs)
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
    gaps = listed(f"{one.runs.mean('accuracy', 100) - one.best_accuracy:+.1f}" for _, one in pairs)
    plain = ("memorised every training label, flipped ones included" if set(errors) == {"0"} else
             f"left {listed(errors)} % of the training labels wrong")
    return (f"Plain training {plain}, flooding left {listed(wrong)} % of them wrong, and flooding's accuracy differs from "
            f"the best possible one by {gaps} points.")
