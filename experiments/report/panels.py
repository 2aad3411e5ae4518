"""Whole panels for `plots.page`: lines over a setting, points of some groups over names, contours of a loss over a plane."""
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import plots


def lines(axis: Any, x: ArrayLike, series: Mapping[str, tuple[str, Any]], *, title: str, x_label: str, log: str = "",
          bound: tuple[str, Any] | None = None, markers: bool = True, legend: int = 1) -> None:
    """Draw means over x, with a band of one standard error.

    Parameters
    ----------
    x : array (X,)
    series : mapping of str -> (hue, array or sequence (X, seeds))
        By label. Where a seed has NaN there is no mean of all, and nothing is drawn.
    title, x_label : str
    log : {"", "x", "y", "xy"}
        Logarithmic axes.
    bound : (label, array (X,)), optional
        A dotted line, of theory for example.
    markers : bool
        A dot at every x; none for curves of many.
    legend : int
        Columns of the legend inside the panel, 0: none; one of several columns stands in the widest gap between curves.
    """
    x = np.asarray(x)
    for label, (hue, values) in series.items():
        values = np.asarray(values, dtype=float)
        whole = ~np.isnan(values).any(axis=1)  # (X,)
        plots.curve(axis, x[whole], values[whole].T, label, hue=hue, split="", marker="o" if markers else "")
    if bound:
        _dotted(axis, x, *bound)
    _finish(axis, title, log, legend)
    axis.set_xlabel(x_label)


def points(axis: Any, names: Sequence[str], groups: Mapping[str, tuple[str, Sequence[Any]]], hues: Sequence[str], *,
           title: str, log: str = "", bound: tuple[str, Any] | None = None, legend: int = 1) -> None:
    """Draw means with bars of one standard error: a place on the x axis for each name, in it a point of each group.

    Parameters
    ----------
    names : sequence of str
        Broken at spaces.
    groups : mapping of str -> (marker, sequence of array (seeds,))
        By label, the values at each name.
    hues : sequence of str
        Of each name.
    title, log, legend : as of `lines`
    bound : (label, array (names,)), optional
        A dotted line at each name.
    """
    for step, (label, (marker, values)) in enumerate(groups.items()):
        for place, (hue, some) in enumerate(zip(hues, values, strict=True)):
            plots.point(axis, place + 0.24 * (step - (len(groups) - 1) / 2), some, hue=hue, marker=marker)
        if len(groups) > 1:  # what the marker means, in no name's hue
            axis.plot([], [], marker, color=plots.ink(plots.GREY), label=label)
    if bound:  # a stroke at each name
        _dotted(axis, np.repeat(np.arange(len(names)), 3) + np.tile([-0.4, 0.4, np.nan], len(names)), bound[0],
                np.repeat(bound[1], 3))
    _finish(axis, title, log, legend)
    if not log:
        axis.set_ylim(bottom=-0.03 * axis.get_ylim()[1])  # marks at 0 are whole
    axis.set_xticks(range(len(names)), [textwrap.fill(name, 10) for name in names], fontsize="small")


def _dotted(axis: Any, x: np.ndarray, label: str, bound: Any) -> None:
    axis.plot(x, bound, ":", color=plots.ink(plots.BLACK), label=label)


def _finish(axis: Any, title: str, log: str, legend: int) -> None:
    axis.set_title(title)
    plots.log(axis, log)
    if legend and axis.get_legend_handles_labels()[0]:
        axis.legend(ncols=legend, **({"loc": "center", "bbox_to_anchor": (0.5, _gap(axis))} if legend > 1 else {}))


def _gap(axis: Any) -> float:
    """Height, as a share of the panel's, in the middle of the widest gap between the points of curves."""
    axis.get_ylim()  # Matplotlib settles the limits when it is asked
    to_panel = axis.transData - axis.transAxes
    heights = np.sort(np.concatenate([to_panel.transform(line.get_xydata())[:, 1] for line in axis.lines]))
    widest = int(np.argmax(np.diff(heights)))
    return float(heights[widest:widest + 2].mean())


def contours(axis: Any, steps: np.ndarray, plane: np.ndarray, levels: np.ndarray) -> None:
    """Draw the loss (G, G) over two directions: areas between levels, dark is low, and numbered lines; the model is a cross.

    The colours are cividis, which runs evenly from dark to light for colour-blind readers too.
    """
    from matplotlib.colors import LogNorm

    shown = np.clip(plane, levels[0], levels[-1])
    axis.contourf(steps, steps, shown, levels=levels, norm=LogNorm(levels[0], levels[-1]), cmap="cividis")
    numbered = levels[1:-1:2]
    inks = ["white" if place < len(numbered) / 2 else "black" for place in range(len(numbered))]  # on dark, on light
    lines = axis.contour(steps, steps, shown, levels=numbered, colors=inks, linewidths=0.7)
    axis.clabel(lines, fmt=lambda value: f"{value:.2g}", fontsize="x-small")
    axis.plot([0], [0], "+", color="white", ms=8, mew=1.5)
    axis.set_aspect("equal")
    axis.grid(visible=False)


def log_levels(planes: list[np.ndarray], count: int = 9) -> np.ndarray:
    """Return levels for contours that several planes share, equally far apart in their logarithm."""
    values = np.concatenate([plane.ravel() for plane in planes])
    high = float(np.quantile(values, 0.95))
    return np.geomspace(max(float(values.min()), high / 1000), high, count)
