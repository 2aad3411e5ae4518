"""The figures of privacy."""
import math
from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from ...report import plots
from ...report.compare import mean_and_error
from ...report.words import spread
from .attacked import LIRA, Attacked, Case
from .cases import PLAIN, TIMES

# Attack: hue, line, marker. The loss and the entropy with the label in it all but agree, as do confidence and entropy: the
# first of two is drawn wider, so that both show.
ATTACKS = {LIRA: (plots.PURPLE, "-", "D"), "loss": (plots.RED, "-", "o"), "modified entropy": (plots.ORANGE, ":", "v"),
           "confidence": (plots.SKY, "-", "s"), "entropy": (plots.BLUE, "--", "^"), "correctness": (plots.GREY, "--", "x")}
WIDE = ("loss", "confidence")
# What the name of a model begins with: its hue.
KINDS = {PLAIN: plots.PLAIN, "flooding": plots.FLOODING, "RelaxLoss": plots.BLUE, "dropout": plots.ORANGE}


def draw_length(results: Sequence[Case], path: str | PathLike[str]) -> list:
    """AUC of the attacks on plain models over the length of training."""
    return plots.page(path, [[partial(_length, case) for case in results]], y=["AUC (0.5: chance)"], legend=3,
                      title=f"Who was in the training set? ({spread(results[0].seeds, 'run')})",
                      size=(1.2 + 3.6 * max(2, len(results)), 4.6))


def _length(case: Case, axis: Any) -> None:
    for attack, (hue, line, marker) in ATTACKS.items():
        places = [place for place, time in enumerate(TIMES) if case.plain[time].there.any()]
        means, errors = np.array([mean_and_error(case.plain[list(TIMES)[place]].found("auc", attack)) for place in places]).T
        axis.errorbar(places, means, yerr=np.nan_to_num(errors), color=plots.ink(hue), ls=line, marker=marker, capsize=2,
                      lw=4 if attack in WIDE else 1.6, ms=8 if attack in WIDE else 4, elinewidth=1, label=attack)
    axis.axhline(0.5, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(TIMES)), [name.replace(" ", "\n", 1) for name in TIMES.values()])
    axis.set_xlim(-0.4, len(TIMES) - 0.6)
    axis.set_title(f"plain, {case.title}")


def draw_defences(results: Sequence[Case], path: str | PathLike[str]) -> list:
    """What attacks find out about each kind of model, and its test error: a row per case, a panel per figure."""
    panels = [[partial(_rows, case, figure) for figure in ("auc", "balanced", "test_error")] for case in results]
    return plots.page(path, panels, title=f"What is left of the leak ({spread(results[0].seeds, 'run')})", legend=2,
                      size=(9.6, 1.3 + (0.7 + 0.26 * len(results[0].rows)) * len(results)))


def _rows(case: Case, figure: str, axis: Any) -> None:
    """Draw one figure of every kind of model, by membership attack where it is one's."""
    attacks = {"auc": (LIRA, "loss"), "balanced": ("loss",), "test_error": ("",)}[figure]
    rows = {name: one for name, one in case.rows.items() if one.there.any()}
    end = list(rows).index(f"{PLAIN}, {TIMES['end']}")
    hues = [plots.ink(KINDS[name.partition(" ")[0].rstrip(",")]) for name in rows]
    for attack in attacks:
        means, errors = np.array([mean_and_error(_figure(one, figure, attack)) for one in rows.values()]).T
        axis.scatter(means, range(len(rows)), s=45, c=hues, marker=ATTACKS[attack][2] if attack else "s")
        axis.hlines(range(len(rows)), means - np.nan_to_num(errors), means + np.nan_to_num(errors), hues, lw=2.5)
        axis.axvline(means[end], color=plots.ink(plots.GREY), lw=1, ls=":", zorder=0)
    for attack in attacks if figure == "auc" else ():
        axis.plot([], [], ATTACKS[attack][2], color=plots.ink(plots.BLACK), label=attack)
    names = [name.removesuffix(", end") if place > end else name for place, name in enumerate(rows)]
    axis.set_yticks(range(len(rows)), names)
    axis.yaxis.set_visible(figure == "auc")  # the other panels stand beside it
    for place in range(len(rows)) if figure != "auc" else ():
        axis.axhline(place, color=plots.tone(plots.GREY, 0.7), lw=0.8, zorder=0)
    axis.invert_yaxis()
    axis.set_xlabel({"auc": "AUC", "balanced": "balanced accuracy of the loss, %", "test_error": "test error, %"}[figure])
    if figure == "test_error":
        plots.log(axis, "x")
    if figure == "balanced":
        axis.set_title(case.title)


def _figure(one: Attacked, figure: str, attack: str) -> np.ndarray:
    return one.found(figure, attack) * (100 if figure == "balanced" else 1) if attack else one.values(figure, 100)


def draw_images(case: Case, path: str | PathLike[str]) -> list:
    """Draw what was reconstructed of the first run beside class means: a row per model and way, a column per class."""
    wanted = {"mean of members": (case.plain["end"], "member"), "mean of others": (case.plain["end"], "other"),
              "white box, zero error": (case.plain["zero"], "white"), "white box, end": (case.plain["end"], "white"),
              "black box, end": (case.plain["end"], "black"),
              **{f"white box, {name}": (one, "white") for name, one in case.defences.items()}}
    rows = {name: one.images(kind) for name, (one, kind) in wanted.items() if one.there.any()}
    return plots.page(path, [[partial(_mosaic, rows)]], title=f"Reconstructed from the model, {case.title}",
                      size=(8.4, 0.9 + 0.6 * len(rows)))


def _mosaic(rows: Mapping[str, np.ndarray], axis: Any) -> None:
    """Draw images (K, D) of each row, a pixel apart."""
    classes, inputs = next(iter(rows.values())).shape
    side = math.isqrt(inputs)
    sheet = np.full((len(rows), side + 1, classes, side + 1), np.nan)
    for place, images in enumerate(rows.values()):
        sheet[place, :side, :, :side] = images.reshape(classes, side, side).swapaxes(0, 1)
    axis.set_facecolor(plots.ink(plots.SKY))  # between images, which are black to white
    axis.imshow(np.ma.masked_invalid(sheet.reshape(len(rows) * (side + 1), -1)[:-1, :-1]), cmap="gray", vmin=0, vmax=1)
    axis.set_xticks((side + 1) * np.arange(classes) + side / 2 - 0.5, range(classes))
    axis.set_yticks((side + 1) * np.arange(len(rows)) + side / 2 - 0.5, list(rows))
    axis.grid(visible=False)
    axis.set_xlabel("class")
