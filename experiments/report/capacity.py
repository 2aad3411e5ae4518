"""Networks of many sizes, trained on many numbers of samples, cross-validated: which of them is best, and has it errors left?

Best is chosen on other divisions into folds than those it is judged on. Which checks of a run had a training error is known
from that run alone, as it would be to whoever trains it.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import plots


@dataclass(frozen=True)
class Grid:
    """Errors (widths, samples, seeds, folds, checks); a seed is one division into folds.

    Attributes
    ----------
    widths, samples : tuple of int
        Ascending.
    epochs : array (checks,)
    train, val : array (widths, samples, seeds, folds, checks)
        Training and validation error.
    zero : array (widths, samples, seeds, folds)
        Validation error after the first epoch without a training error; NaN where there was none.
    """

    widths: tuple[int, ...]
    samples: tuple[int, ...]
    epochs: np.ndarray
    train: np.ndarray
    val: np.ndarray
    zero: np.ndarray

    def share_perfect(self) -> np.ndarray:
        """In which share of the folds the best size and epoch has no training error; (samples, seeds).

        Best by the mean of the folds of that division, as whoever cross-validates would choose; the mean of equals.
        """
        mean = self.val.mean(axis=3)  # (widths, samples, seeds, checks)
        best = mean == mean.min(axis=(0, 3), keepdims=True)
        perfect = (self.train == 0).mean(axis=3)
        return (best * perfect).sum(axis=(0, 3)) / best.sum(axis=(0, 3))

    def best(self, perfect: bool) -> tuple[np.ndarray, np.ndarray]:
        """Validation error of the best size and epoch with no training error, or with some; (samples, seeds).

        And in which share of the folds its network reached zero training error at some epoch. NaN where a fold has none such,
        or there is one seed, so that nothing is left to choose on.
        """
        sizes = self.val.shape[1:4]  # samples, seeds, folds
        error, reached = np.full(sizes, np.nan), np.full(sizes, np.nan)
        for n, s, f in np.ndindex(sizes) if sizes[1] > 1 else ():
            others = np.delete(self.val[:, n], s, axis=1).mean(axis=(1, 2))  # (widths, checks)
            asked = (self.train[:, n, s, f] == 0) == perfect
            if asked.any():
                chosen = np.unravel_index(np.argmin(np.where(asked, others, np.inf)), others.shape)
                error[n, s, f] = self.val[:, n, s, f][chosen]
                reached[n, s, f] = not np.isnan(self.zero[chosen[0], n, s, f])
        return error.mean(axis=2), reached.mean(axis=2)

    def smallest(self) -> np.ndarray:
        """Validation error of the smallest network that reaches zero training error, as soon as it does; (samples, seeds)."""
        first = np.argmax(~np.isnan(self.zero), axis=0)  # NaN where all are
        return np.take_along_axis(self.zero, first[None], axis=0)[0].mean(axis=2)

    def perfect_at(self) -> np.ndarray:
        """Share of runs that reached zero training error; (widths, samples)."""
        return (~np.isnan(self.zero)).mean(axis=(2, 3))

    def end(self, part: str) -> np.ndarray:
        """Error at the end, mean of the folds: of "train", "val", or their difference, the "gap"; (widths, samples, seeds)."""
        return self.end("val") - self.end("train") if part == "gap" else getattr(self, part)[..., -1].mean(axis=3)

    def structural(self, term: Callable[[int, int], float]) -> tuple[np.ndarray, np.ndarray]:
        """What structural risk minimisation chooses: least training error of a run plus `term(width, samples)`.

        Returns
        -------
        chosen : array (samples, seeds)
            Place of the width; the smaller of equals.
        cost : array (samples, seeds)
            By how much its validation error at the end is above that of the width which the other divisions find best.
        """
        terms = np.array([[term(width, size) for size in self.samples] for width in self.widths])  # (widths, samples)
        chosen = np.argmin(self.train.mean(axis=3).min(axis=-1) + terms[..., None], axis=0)
        end = self.end("val")  # (widths, samples, seeds)
        seeds = end.shape[2]
        if seeds == 1:
            return chosen, np.full(chosen.shape, np.nan)
        others = (end.sum(axis=2, keepdims=True) - end) / (seeds - 1)
        own = [np.take_along_axis(end, place[None], axis=0)[0] for place in (chosen, np.argmin(others, axis=0))]
        return chosen, own[0] - own[1]


def heat(axis: Any, grid: Grid, values: np.ndarray, high: float) -> None:
    """Draw values (widths, samples) in percent, and the frontier from which most runs reach zero training error."""
    plots.heat_map(axis, values[::-1], [str(width) for width in grid.widths[::-1]], [str(n) for n in grid.samples],
                   form="{:.1f}", low=0, high=high)
    frontier(axis, grid.perfect_at()[::-1] >= 0.5)


def frontier(axis: Any, inside: np.ndarray) -> None:
    """Draw the border of the cells (rows, columns) of a heat map that are inside, where it runs between cells."""
    for column in range(inside.shape[1]):
        for row in range(inside.shape[0]):
            for there, x, y in (((row + 1, column), (-0.5, 0.5), (0.5, 0.5)), ((row, column + 1), (0.5, 0.5), (-0.5, 0.5))):
                if there[0] < inside.shape[0] and there[1] < inside.shape[1] and inside[row, column] != inside[there]:
                    ends = np.add(column, x), np.add(row, y)
                    axis.plot(*ends, color=plots.paper(), lw=4.5, solid_capstyle="round")
                    axis.plot(*ends, color=plots.ink(plots.RED), lw=2.5, solid_capstyle="round")


def intervals(axis: Any, names: Sequence[Any], groups: Sequence[tuple[str, str, str, Any]], width: Callable) -> None:
    """Draw means with bars of `width(values)` to each side: groups of (label, hue, marker, values (names, seeds))."""
    for step, (label, hue, marker, values) in enumerate(groups):
        for place, some in enumerate(values):
            middle = float(np.mean(some))
            if np.isfinite(middle):
                axis.errorbar([place + 0.18 * (step - (len(groups) - 1) / 2)], [middle], yerr=[width(some)], fmt=marker, ms=6,
                              color=plots.ink(hue), capsize=3, label=label if place == 0 else "")
    axis.axhline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(names)), [str(name) for name in names])
