"""Rows as points: each column in units of its own, which outliers do not set; and whether a row stands in a crowd."""
import numpy as np

from ..data.tables.problem import CATEGORY, Column, Problem
from .coded import Coded, place_and_scale

NEAR = 0.004  # root mean square over the columns of real numbers, in units of their scale
WIDE = 16 * NEAR
CROWD = 4  # rows within WIDE for each within NEAR: in one dimension there are 16 of them
ASKED = 300  # rows of which the neighbours are counted, at most
ABSENT = 1000.0  # where a missing value lies: away from all numbers
FARTHEST = 1e300  # infinity is a place, too
BLOCK = 2**22  # distances at a time: 32 MiB


def points(problem: Problem, coded: Coded, known: np.ndarray) -> np.ndarray:
    """Return all rows as points (N, D), with scales from the rows `known`; distances are means over columns of numbers."""
    table = np.stack([_placed(column, known) for column in problem.columns], axis=1)  # (N, D)
    table /= np.sqrt(max(1, coded.many.sum()))
    return table


def _placed(column: Column, known: np.ndarray) -> np.ndarray:
    """Return a column (N,) in units of its scale in training; names as whole numbers, so that no two are near."""
    if column.kind == CATEGORY:
        return column.values.astype(float)
    middle, scale = place_and_scale(column.values[known])
    # Outliers come to lie at the logarithm of their distance, and with them the noise of their copies.
    with np.errstate(over="ignore"):
        placed = np.arcsinh(np.clip((column.values - middle) / (scale or 1.0), -FARTHEST, FARTHEST))
    return np.where(column.missing, ABSENT, placed)


def in_a_crowd(table: np.ndarray, rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Say of rows that have others nearby whether they are in a crowd, where that happens by chance; bool (n,).

    Copies have what they were copied from nearby, and for a wide way round nothing else.
    """
    from scipy.spatial.distance import cdist  # here, not above: the command line must not wait for SciPy

    crowded = np.zeros(len(rows), dtype=bool)
    step = max(1, BLOCK // len(known))
    for start in range(0, len(rows), step):
        distances = cdist(table[rows[start:start + step]], table[known])
        near, wide = ((distances <= reach).sum(axis=1) for reach in (NEAR, WIDE))
        crowded[start:start + step] = wide >= CROWD * np.maximum(near, 1)
    return crowded


def some(rows: np.ndarray) -> np.ndarray:
    """Return the rows, or as many of them as are asked about."""
    return rows if len(rows) <= ASKED else np.sort(np.random.default_rng(len(rows)).choice(rows, ASKED, replace=False))
