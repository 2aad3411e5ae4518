"""Panels about networks of many sizes on many numbers of samples: heat maps with a frontier, intervals, the bound."""
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import plots
from .capacity import Grid
from .compare import half_width, mean_and_error
from .risk import confidence_term, log_growth_counted, weights

LOOKS = ((plots.BLUE, "o"), (plots.ORANGE, "s"))


def heat_panel(grid: Grid, part: str, axis: Any) -> None:
    """Draw an error at the end in percent, and the frontier beyond which most runs reach zero training error."""
    values, top = (100 * grid.end(name).mean(axis=2) for name in (part, "val"))
    plots.heat_map(axis, values[::-1], [str(width) for width in grid.widths[::-1]], [str(size) for size in grid.samples],
                   form="{:.1f}", low=0, high=float(top.max()))
    _frontier(axis, grid.fits[::-1])


def _frontier(axis: Any, inside: np.ndarray) -> None:
    """Draw the border of the cells (rows, columns) of a heat map that are inside, where it runs between two cells."""
    below, right = np.argwhere(inside[1:] != inside[:-1]), np.argwhere(inside[:, 1:] != inside[:, :-1])
    edges = [*(((column - 0.5, column + 0.5), (row + 0.5, row + 0.5)) for row, column in below),
             *(((column + 0.5, column + 0.5), (row - 0.5, row + 0.5)) for row, column in right)]
    for colour, width in ((plots.paper(), 5), (plots.ink(plots.RED), 3)):  # all of the halo below all of the line
        for x, y in edges:
            axis.plot(x, y, color=colour, lw=width, solid_capstyle="round")


def gain_panel(grid: Grid, groups: Mapping[str, np.ndarray], axis: Any) -> None:
    """Draw means of groups (samples, seeds) with their 95 % intervals, by number of samples."""
    for step, ((label, values), (hue, marker)) in enumerate(zip(groups.items(), LOOKS, strict=True)):
        for place, some in enumerate(values):
            mean, error = mean_and_error(some)
            wide = half_width(error, int((~np.isnan(some)).sum()))
            axis.errorbar([place + 0.2 * (step - 0.5)], [mean], yerr=[wide] if np.isfinite(wide) else None, fmt=marker, ms=6,
                          color=plots.ink(hue), capsize=3, label=label)
    axis.axhline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(grid.samples)), [str(size) for size in grid.samples])
    axis.set(xlabel="training samples", ylabel="points above best with errors")


def bound_panel(grid: Grid, axis: Any) -> None:
    """Draw validation minus training error over the number of weights, of the most samples, below what the bound allows."""
    size, layers = grid.samples[-1], [grid.layers(width) for width in grid.widths]
    x = [weights(one) / 1000 for one in layers]
    axis.plot(x, [confidence_term(size, one) for one in layers], "-", color=plots.ink(plots.BLACK), label="bound")
    axis.plot(x, [confidence_term(size, one, log_growth_counted) for one in layers], "--", color=plots.ink(plots.PURPLE),
              label="bound if h = weights")
    plots.curve(axis, x, grid.end("gap")[:, -1].T, "gap", hue=plots.RED, split="", marker="o")
    axis.set(xlabel=f"thousands of weights (log), {size} samples", ylabel="gap, bound on it")
    axis.set_ylim(bottom=0)
    plots.log(axis, "x")
