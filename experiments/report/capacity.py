"""Networks of many sizes, trained on many numbers of samples, cross-validated: which is best, and has it training errors?

Best is chosen on other divisions into folds than those it is judged on. Which checks of a run had a training error is known
from that run alone, as it would be to whoever trains it.
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import plots
from .compare import half_width, mean_and_error
from .measured import Measured
from .words import flips

LOOKS = ((plots.BLUE, "o"), (plots.ORANGE, "s"))


@dataclass(frozen=True)
class Grid:
    """One table and share of flips: the errors of all networks. A seed is one division into folds.

    Attributes
    ----------
    table : str
        What it is called.
    noise : float
    inputs, classes : int
    widths, samples : tuple of int
        Hidden units and training samples, ascending.
    train, val : array (widths, samples, seeds, folds, checks)
        Training and validation error.
    zero : array (widths, samples, seeds, folds)
        Validation error after the first epoch without a training error, whenever the checks are; NaN where there was none.
    """

    table: str
    noise: float
    inputs: int
    classes: int
    widths: tuple[int, ...]
    samples: tuple[int, ...]
    train: np.ndarray
    val: np.ndarray
    zero: np.ndarray

    @classmethod
    def of(cls, runs: Mapping[tuple[int, int], Measured], folds: int, **about: Any) -> "Grid":
        """Read the runs of each (width, samples), which are those of fold 0, 1, ... of one division after another.

        `about`: the fields up to `classes`.
        """
        widths, samples = (tuple(sorted(set(some))) for some in zip(*runs, strict=True))

        def errors(figure: Callable[[Measured], Any]) -> np.ndarray:
            values = np.array([[figure(runs[width, size]) for size in samples] for width in widths])
            return values.reshape(*values.shape[:2], -1, folds, *values.shape[3:])
        return cls(**about, widths=widths, samples=samples, train=errors(lambda one: one.curves("train_error")),
                   val=errors(lambda one: one.curves("val_error")), zero=errors(lambda one: one.at("zero", "val_error")))

    @property
    def title(self) -> str:
        """For tables and figures."""
        return f"{self.table}, {flips(self.noise)}"

    def layers(self, width: int) -> tuple[int, int, int]:
        """Inputs, hidden units and classes."""
        return self.inputs, width, self.classes

    @cached_property
    def shares(self) -> np.ndarray:
        """In which share of the folds the best size and epoch has no training error; (samples, seeds).

        Best by the mean of the folds of that division, as whoever cross-validates would choose; the mean over equals.
        """
        mean = self.val.mean(axis=3)  # (widths, samples, seeds, checks)
        best = mean == mean.min(axis=(0, 3), keepdims=True)
        return (best * (self.train == 0).mean(axis=3)).sum(axis=(0, 3)) / best.sum(axis=(0, 3))

    def _best(self, perfect: bool) -> tuple[np.ndarray, np.ndarray]:
        """Validation error of the best size and epoch without a training error, or with some, and whether its run reached
        zero at any epoch; (samples, seeds, folds), NaN where there is none such.
        """
        # The first epoch without an error is one more place to be.
        val = np.concatenate([self.val, self.zero[..., None]], axis=-1)
        asked = np.concatenate([(self.train == 0) == perfect, ~np.isnan(self.zero[..., None]) & perfect], axis=-1)
        # Over folds: (widths, samples, seeds, checks + 1).
        total, count = np.nansum(val, axis=3), (~np.isnan(val)).sum(axis=3)
        error, reached = np.full((2, *self.val.shape[1:4]), np.nan)
        for n, s, f in np.ndindex(error.shape):
            others = np.delete(total[:, n], s, axis=1).sum(axis=1), np.delete(count[:, n], s, axis=1).sum(axis=1)
            known = asked[:, n, s, f] & (others[1] > 0)
            if known.any():
                mean = np.where(known, others[0] / np.maximum(others[1], 1), np.inf)
                chosen = np.unravel_index(np.argmin(mean), mean.shape)
                error[n, s, f], reached[n, s, f] = val[:, n, s, f][chosen], not np.isnan(self.zero[chosen[0], n, s, f])
        return error, reached

    @cached_property
    def perfect(self) -> np.ndarray:
        """Validation error of the best size and epoch without a training error; (samples, seeds, folds)."""
        return self._best(True)[0]

    @cached_property
    def imperfect(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of the best with training errors left, and whether that network reached zero at another epoch."""
        return self._best(False)

    @property
    def smallest(self) -> np.ndarray:
        """Of the smallest network that reaches zero training error, as soon as it does; (samples, seeds, folds)."""
        first = np.argmax(~np.isnan(self.zero), axis=0)  # NaN where all are
        return np.take_along_axis(self.zero, first[None], axis=0)[0]

    def above(self, errors: np.ndarray) -> np.ndarray:
        """By how many points errors (samples, seeds, folds) lie above the best with training errors left: means of the folds
        that have both, (samples, seeds).
        """
        return mean_of(100 * (errors - self.imperfect[0]))

    @property
    def largest(self) -> np.ndarray:
        """How many points the largest network at the end lies above `smallest`; (samples, seeds)."""
        return mean_of(100 * (self.val[-1, ..., -1] - self.smallest))

    @property
    def fits(self) -> np.ndarray:
        """Whether most runs reached zero training error; (widths, samples)."""
        return (~np.isnan(self.zero)).mean(axis=(2, 3)) >= 0.5

    def end(self, part: str) -> np.ndarray:
        """Error at the end, mean of the folds: "train", "val", or their difference, the "gap"; (widths, samples, seeds)."""
        return self.end("val") - self.end("train") if part == "gap" else getattr(self, part)[..., -1].mean(axis=3)

    def structural(self, term: Callable[[int, Sequence[int]], float]) -> tuple[np.ndarray, np.ndarray]:
        """What structural risk minimisation chooses: least training error of a run plus `term(samples, layers)`.

        Returns
        -------
        chosen : array (samples, seeds)
            Place of the width; the smaller of equals.
        cost : array (samples, seeds)
            How many points its validation error at the end is above that of the width which the other divisions find best.
        """
        terms = np.array([[term(size, self.layers(width)) for size in self.samples] for width in self.widths])
        chosen = np.argmin(self.train.mean(axis=3).min(axis=-1) + terms[..., None], axis=0)
        end = self.end("val")  # (widths, samples, seeds)
        if end.shape[2] == 1:
            return chosen, np.full(chosen.shape, np.nan)
        others = np.argmin(end.sum(axis=2, keepdims=True) - end, axis=0)
        own, best = (np.take_along_axis(end, place[None], axis=0)[0] for place in (chosen, others))
        return chosen, 100 * (own - best)


def mean_of(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where all is."""
    known = ~np.isnan(values)
    return np.where(known.any(axis=-1), np.nansum(values, axis=-1) / np.maximum(known.sum(axis=-1), 1), np.nan)


# --- panels ---


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
