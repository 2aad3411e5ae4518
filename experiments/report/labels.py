"""Names beside points of a panel, where there is room."""
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import plots

NEAR, FAR = 7, (14, 20, 27, 34, 48, 62)  # points between a mark and its name; from FAR on a line leads there
AROUND = [(1, 0.35), (-1, 0.35), (1, -0.35), (-1, -0.35), (0.3, 1), (-0.3, -1), (0.3, -1), (-0.3, 1), (0.8, 0.8),
          (0.8, -0.8), (-0.8, 0.8), (-0.8, -0.8)]
HEIGHT, MARK = 9.5, 4.5  # points: of a line of small letters, and half a mark


class Named(NamedTuple):
    """A mark at (x, y), its name and hue; nothing is written where the name is ""."""

    x: float
    y: float
    name: str
    hue: str


def write(axis: Any, marks: Sequence[Named], size: tuple[float, float] = (240, 190)) -> None:
    """Write each name where it covers no mark and no other name, or as little of them as can be.

    Parameters
    ----------
    axis : Matplotlib axes
        Whose limits are final.
    marks : sequence of Named
    size : (float, float)
        Points that the panel is wide and high, about: the layout is made later.
    """
    from nn.drawing import width_of

    at = [np.array(size) * _inside(axis, mark) for mark in marks]
    taken = [(*(point - MARK), *(point + MARK)) for point in at]  # left, bottom, right, top
    crowd = [sum(float(np.linalg.norm(point - other) < FAR[2]) for other in at) for point in at]
    # Who stands alone has room near by whatever the others take.
    for mark, point in sorted(zip(marks, at, strict=True), key=lambda one: -crowd[marks.index(one[0])]):
        if not mark.name:
            continue
        width = 72 * width_of(mark.name, 7.5) + 2
        spots = [(far, side) for far, side in itertools.product((NEAR, *FAR), AROUND)]
        boxes = [_box(point, width, far * np.array(side)) for far, side in spots]
        costs = [sum(_shared(box, other) for other in taken) + 20 * _outside(box, size) + 0.3 * far
                 + 60 * _crossed(point, far * np.array(side), at) for box, (far, side) in zip(boxes, spots, strict=True)]
        best = int(np.argmin(costs))
        far, side = spots[best]
        taken.append(boxes[best])
        shift = far * np.array(side)
        axis.annotate(mark.name, (mark.x, mark.y), tuple(shift), textcoords="offset points", fontsize=7.5,
                      color=plots.ink(mark.hue), ha="left" if shift[0] > 0 else "right", va="center",
                      arrowprops={"arrowstyle": "-", "lw": 0.5, "color": plots.ink(mark.hue)} if far > NEAR else None)


def _inside(axis: Any, mark: Named) -> np.ndarray:
    """Where a mark stands, as shares of the panel."""
    return axis.transLimits.transform(axis.transScale.transform((mark.x, mark.y)))


def _box(point: np.ndarray, width: float, shift: np.ndarray) -> tuple[float, float, float, float]:
    x, y = point + shift
    left = x if shift[0] > 0 else x - width
    return left, y - HEIGHT / 2, left + width, y + HEIGHT / 2


def _shared(one: Sequence[float], other: Sequence[float]) -> float:
    """Area that two boxes share."""
    across, down = (min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))
    return max(0.0, across) * max(0.0, down)


def _crossed(point: np.ndarray, shift: np.ndarray, at: Sequence[np.ndarray]) -> int:
    """How many other marks a line to a name would cross."""
    line = point + np.linspace(0, 1, 9)[1:, None] * shift  # (8, 2)
    return sum(bool((np.abs(line - other).max(axis=1) < MARK).any()) for other in at if (np.abs(other - point) > MARK).any())


def _outside(box: Sequence[float], size: tuple[float, float]) -> float:
    """How far a box reaches over the panel's rim, in points."""
    return sum(max(0.0, -box[k]) + max(0.0, box[k + 2] - size[k]) for k in (0, 1))
