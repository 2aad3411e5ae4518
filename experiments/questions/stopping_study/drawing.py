"""Figures: slowness against cost, error against loss as what is watched, and what a fourfold time buys."""
from functools import partial
from pathlib import Path
from typing import Any

from ...report import plots
from ...report.compare import half_width, mean_and_error
from ...report.labels import Named, write
from ...report.ratios import Ratio
from ...report.words import counted
from ...trainers.trajectories import PROBLEMS
from .cases import Results
from .rules import COMPARED, END, OTHER, PATIENT, PRECHELT, WITHOUT
from .tradeoff import CLAIMED, fourfold, watched

HUES = {"GL": plots.BLUE, "PQ": plots.GREEN, "UP": plots.ORANGE, "patience": plots.PURPLE}
NAMED = ("GL 1", "GL 5", "PQ 0.5", "PQ 3", "UP 2", "UP 8", *PATIENT)  # the ends of each family
OFTEN = 10  # percent of runs without a stop, from which on a point is hollow: its slowness is a lower bound
LOSS_NAMES = {"cross_entropy": ("cross-entropy", plots.RED, "o"), "squared_error": ("squared error", plots.BLUE, "s")}


def seeds_of(results: Results) -> str:
    """Return what a title says in brackets."""
    return counted(results.config.seeds, "seed") + (", 95 % intervals" if results.config.seeds > 2 else "")


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw all figures."""
    losses, seeds = results.config.losses, seeds_of(results)
    paths = plots.page(folder / "stopping_study.png", [[partial(panel, results, loss) for loss in losses]
                                                       for panel in (families, others)], size=(7.8, 6.6),
                       heads=[[f"{LOSS_NAMES[loss][0]}: validation loss watched" for loss in losses],
                              [f"{LOSS_NAMES[loss][0]}: no validation set (red)" for loss in losses]],
                       x="stop / first of 14 (log; hollow: often never)", y=["test loss / lowest of 14 (log)"] * 2,
                       title=f"Later stops, better networks? ({seeds})")
    paths += plots.page(folder / "stopping_study_watched.png", [[
        partial(changes, results, *one) for one in (("time", "time, factor (log)"), ("loss", "test loss, factor (log)"),
                                                    ("points", "test error, points"))]], size=(8.4, 5.6),
        title=f"The validation error watched instead of the loss ({seeds})")
    return paths + plots.page(folder / "stopping_study_claim.png", [[partial(claim, results)]], size=(8.4, 4.6),
                              title=f"What four times the time buys ({seeds})", legend=3)


def _dot(axis: Any, results: Results, loss: str, name: str, hue: str, marker: str = "o") -> Named:
    """Draw one rule with its intervals, hollow where it often did not stop; return where it stands."""
    x, y = (Ratio.of(results.by_seed(results.of(values, name), loss)[:, 0]) for values in (results.slowness, results.cost))
    colour, ends = plots.ink(hue), {}
    if x.known and y.known:
        ends = {f"{which}err": [[one.mean - one.low], [one.high - one.mean]] for which, one in (("x", x), ("y", y))}
    hollow = name != END and results.never(name, loss) > OFTEN
    axis.errorbar(x.mean, y.mean, **ends, fmt=marker, ms=6, color=colour, elinewidth=0.7,
                  mfc=plots.paper() if hollow else colour)
    return Named(x.mean, y.mean, name, hue)


def families(results: Results, loss: str, axis: Any) -> None:
    """Draw the criteria that watch the loss: a line per family, named at its ends."""
    marks = []
    for family, hue in HUES.items():
        names = [name for name, rule in {**PRECHELT, **PATIENT}.items() if rule.family == family]
        found = [_dot(axis, results, loss, name, hue) for name in names]
        line = found if family != "patience" else found[:2]
        axis.plot([one.x for one in line], [one.y for one in line], color=plots.ink(hue), lw=1, alpha=0.6)
        marks += [one if one.name in NAMED else one._replace(name="") for one in found]
    plots.log(axis, "xy")
    write(axis, marks)


def others(results: Results, loss: str, axis: Any) -> None:
    """Draw the criteria that need no validation set, and others that have one."""
    marks = [_dot(axis, results, loss, name, plots.RED, "s") for name in WITHOUT]
    marks += [_dot(axis, results, loss, name, plots.GREY) for name in OTHER]
    marks += [_dot(axis, results, loss, "UP 3", HUES["UP"]), _dot(axis, results, loss, END, plots.BLACK, "D")]
    axis.margins(0.1)
    plots.log(axis, "xy")
    write(axis, marks)


def changes(results: Results, what: str, title: str, axis: Any) -> None:
    """Draw by what the time, test loss or test error of each criterion changes when it watches the error."""
    found = watched(results)
    for place, (name, one) in enumerate(found.items()):
        axis.axhline(place, color=plots.tone(plots.GREY, 0.7), lw=0.5, zorder=0)
        values = getattr(one, what)
        if what == "points":
            mean, error = mean_and_error(values)
            half = half_width(error, len(values))
            ends, known = (mean, half, half), len(values) > 2
        else:
            ends, known = (values.mean, values.mean - values.low, values.high - values.mean), values.known
        colour = plots.ink(HUES[COMPARED[name].family])
        axis.errorbar(ends[0], place, xerr=[[ends[1]], [ends[2]]] if known else None, fmt="o", ms=6, color=colour, capsize=2,
                      mfc=plots.paper() if results.never(f"{name}, error") > OFTEN else colour)
    axis.axvline(0 if what == "points" else 1, color=plots.ink(plots.BLACK), lw=1)
    axis.set_yticks(range(len(found)), list(found))
    axis.yaxis.set_visible(what == "time")  # the rows of all panels are the same
    axis.invert_yaxis()
    axis.set_xlabel(title)
    if what == "points":
        return
    low, high = axis.get_xlim()
    plots.log(axis, "x", *((min(low, 0.4), max(high, 2.5)) if what == "time" else ()))


def claim(results: Results, axis: Any) -> None:
    """Draw, by problem and loss, what a fourfold time changes, with the mean over problems and Prechelt's figure."""
    names = results.problems
    for step, loss in enumerate(results.config.losses):
        label, hue, marker = LOSS_NAMES[loss]
        shift = 0.22 * (step - (len(results.config.losses) - 1) / 2)
        rows = [*(fourfold(results, loss, problem=problem) for problem in names), fourfold(results, loss)]
        for place, one in enumerate(rows):
            ends = [[100 * (one.mean - one.low)], [100 * (one.high - one.mean)]] if one.known else None
            axis.errorbar(100 * (one.mean - 1), place + shift, xerr=ends, fmt=marker, ms=6, color=plots.ink(hue), capsize=2,
                          label=label if place == 0 else "")
    axis.axvline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.axvline(100 * (CLAIMED - 1), color=plots.ink(plots.BLACK), ls=":", label="Prechelt: about 4 % less")
    axis.set_yticks(range(len(names) + 1), [*(PROBLEMS[name].title for name in names), "mean of problems"])
    axis.invert_yaxis()
    axis.set_xlabel("change of the test loss, %")
