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
from .cases import TIMES

HUES = {"loss": plots.RED, "confidence": plots.SKY, "entropy": plots.BLUE, "modified entropy": plots.ORANGE,
        LIRA: plots.PURPLE, "correctness": plots.GREY}
LINES = {"loss": "-", "confidence": "--", "entropy": "-.", "modified entropy": ":", LIRA: "-", "correctness": "--"}
MARKERS = {"loss": "o", "confidence": "s", "entropy": "^", "modified entropy": "v", LIRA: "D", "correctness": "x"}
# What the name of a defence begins with: hue, marker.
DEFENCES = {"flooding": (plots.FLOODING, "^"), "RelaxLoss": (plots.BLUE, "D"), "dropout": (plots.ORANGE, "s")}


def draw_membership(results: Sequence[Case], path: str | PathLike[str]) -> list:
    """AUC of the attacks over the length of training, and what defences at its end leave of it at which test error."""
    panels = [[partial(panel, case) for case in results] for panel in (_length, _defences)]
    return plots.page(path, panels, title=f"Who was in the training set? ({spread(results[0].seeds, 'run')})", legend=5,
                      y=["AUC", "AUC of the loss attack"], size=(1.2 + 3.6 * max(2, len(results)), 7.6))


def _length(case: Case, axis: Any) -> None:
    for attack, hue in HUES.items():
        places = [place for place, time in enumerate(TIMES) if case.plain[time].there.any()]
        found = [mean_and_error(case.plain[list(TIMES)[place]].found("auc", attack)) for place in places]
        means, errors = np.array(found).T
        axis.errorbar(places, means, yerr=np.nan_to_num(errors), color=plots.ink(hue), ls=LINES[attack], lw=1.6,
                      marker=MARKERS[attack], ms=5, capsize=2, label=attack)
    axis.axhline(0.5, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(TIMES)), [name.replace(" ", "\n", 1) for name in TIMES.values()])
    axis.set_title(f"plain, {case.title}")


def _defences(case: Case, axis: Any) -> None:
    for time, marker, size in (("stop", "v", 7), ("zero", "X", 7), ("end", "o", 8)):
        _place(axis, case.plain[time], f"plain, {TIMES[time]}", plots.RED, marker, size)
    for kind, (hue, marker) in DEFENCES.items():
        some = {name: one for name, one in case.defences.items() if name.startswith(kind)}
        course = [[mean_and_error(values)[0] for values in _both(one)] for one in some.values()]
        if len(course) > 1:
            axis.plot(*np.array(course).T, color=plots.ink(hue), lw=1)
        for place, (name, one) in enumerate(some.items()):
            _place(axis, one, "" if place else kind, hue, marker, 6)
            x, y = course[place]
            axis.annotate(name.removeprefix(f"{kind} "), (x, y), xytext=(4, 4), textcoords="offset points",
                          fontsize="x-small", color=plots.ink(hue))
    axis.axhline(0.5, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xlabel("test error, %")


def _both(one: Attacked) -> tuple[np.ndarray, np.ndarray]:
    return one.values("test_error", 100), one.found("auc", "loss")


def _place(axis: Any, one: Attacked, label: str, hue: str, marker: str, size: float) -> None:
    """Draw one kind of model: its test error and its leak, each with its standard error."""
    (x, across), (y, up) = map(mean_and_error, _both(one))
    axis.errorbar([x], [y], xerr=np.nan_to_num(across), yerr=np.nan_to_num(up), fmt=marker, color=plots.ink(hue), ms=size,
                  capsize=2, label=label or None)


def draw_images(case: Case, path: str | PathLike[str]) -> list:
    """Draw what was reconstructed of the first run beside class means: a row per model and way, a column per class."""
    wanted = {"mean of members": (case.plain["end"], "member"), "mean of others": (case.plain["end"], "other"),
              "white box, zero error": (case.plain["zero"], "white"), "white box, end": (case.plain["end"], "white"),
              "black box, end": (case.plain["end"], "black"),
              **{f"white box, {name}": (one, "white") for name, one in case.defences.items()}}
    rows = {name: one.images(kind) for name, (one, kind) in wanted.items() if one.there.any()}
    return plots.page(path, [[partial(_mosaic, rows)]], title=f"Reconstructed from the model, {case.title}",
                      size=(8.0, 0.9 + 0.55 * len(rows)))


def _mosaic(rows: Mapping[str, np.ndarray], axis: Any) -> None:
    """Draw images (K, D) of each row, a pixel apart."""
    classes, inputs = next(iter(rows.values())).shape
    side = math.isqrt(inputs)
    sheet = np.full((len(rows), side + 1, classes, side + 1), np.nan)
    for place, images in enumerate(rows.values()):
        sheet[place, :side, :, :side] = images.reshape(classes, side, side).swapaxes(0, 1)
    axis.imshow(np.ma.masked_invalid(sheet.reshape(len(rows) * (side + 1), -1)), cmap="gray", vmin=0, vmax=1)
    axis.set_xticks((side + 1) * np.arange(classes) + side / 2 - 0.5, range(classes))
    axis.set_yticks((side + 1) * np.arange(len(rows)) + side / 2 - 0.5, list(rows))
    axis.grid(visible=False)
    axis.set_xlabel("class")
