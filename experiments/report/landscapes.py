"""Panels of loss landscapes: profiles over a step, contours over a plane."""
from typing import Any

import numpy as np

from . import plots


def profiles(axis: Any, steps: np.ndarray, values: np.ndarray, label: str = "", **how: Any) -> None:
    """Draw the mean of some profiles (runs, steps) with a band of one standard error; of no runs nothing."""
    if len(values):
        plots.curve(axis, steps, values, label, split="", **how)


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
