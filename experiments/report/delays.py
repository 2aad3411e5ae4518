"""Runs that predict new samples long after the training samples, and what stopping rules would have returned of them.

A run has the answer from the first check on at which 90 % of the test samples are right. A rule misses it when the model
that it returns is less good, though the run gets there: runs that never do have nothing to miss.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from . import plots
from .measured import returned_check
from .shares import Share

BEGUN, ENOUGH = 0.10, 0.90  # accuracies on the test set
ZERO, RISE, THERE, END = "zero", "rise", "there", "end"


class Returned(NamedTuple):
    """What a rule does in each run, (seeds,).

    `stop`: epoch, NaN where it never fires; `trained`: the same, there the last epoch; `accuracy`: of the model that it
    returns on the test set, that of its best check or, of a rule that has none, of the stop.
    """

    stop: np.ndarray
    trained: np.ndarray
    accuracy: np.ndarray


@dataclass(frozen=True)
class Delays:
    """Runs that differ in their seed alone, with a record each.

    Attributes
    ----------
    weight_decay : float
    runs : sequence of mapping of str to array (checks,)
        "epoch", "train_error", "test_error" and what else rules ask for.
    """

    weight_decay: float
    runs: Sequence[Mapping[str, np.ndarray]]

    @property
    def title(self) -> str:
        """What they are called."""
        return f"weight decay {self.weight_decay:g}"

    @property
    def epochs(self) -> np.ndarray:
        """Of the checks, (checks,)."""
        return self.runs[0]["epoch"]

    def record(self, name: str) -> np.ndarray:
        """A metric of all seeds, (seeds, checks)."""
        return np.array([run[name] for run in self.runs])

    @cached_property
    def moments(self) -> dict[str, np.ndarray]:
        """Checks, from 0, (seeds,); NaN where it never came.

        `ZERO`: the first without a training error; `RISE`: from there the first with a tenth of the test samples right;
        `THERE`: the first with `ENOUGH`; `END`.
        """
        right, learnt = 1 - self.record("test_error"), self.record("train_error") == 0
        since = np.maximum.accumulate(learnt, axis=1)
        return {ZERO: _first(learnt), RISE: _first(since & (right >= BEGUN)), THERE: _first(since & (right >= ENOUGH)),
                END: np.full(len(right), len(self.epochs) - 1.0)}

    def at(self, moment: str, name: str, factor: float = 1.0) -> np.ndarray:
        """A metric at a moment, (seeds,), NaN where it never came; "accuracy" is that on the test set."""
        checks = self.moments[moment]
        values = 1 - self.record("test_error") if name == "accuracy" else self.record(name)
        picked = values[np.arange(len(values)), np.nan_to_num(checks).astype(int)]
        return factor * np.where(np.isnan(checks), np.nan, picked)

    @cached_property
    def there(self) -> np.ndarray:
        """Which runs get there, (seeds,)."""
        return ~np.isnan(self.moments[THERE])

    @property
    def late(self) -> bool:
        """Whether most runs get there."""
        return bool(self.there.mean() > 0.5)

    @cached_property
    def _asked(self) -> dict[str, Returned]:
        return {}

    def returned(self, rule: str) -> Returned:
        """Ask a stopping rule, given as an expression, what it would have done; once, as it takes a while."""
        if rule not in self._asked:
            self._asked[rule] = self._replayed(rule)
        return self._asked[rule]

    def _replayed(self, rule: str) -> Returned:
        from stopping import replay
        from stopping.expression import parse

        found = [replay(parse(rule), run) for run in self.runs]
        stops = np.array([np.nan if one.stopped_epoch is None else one.stopped_epoch for one in found])
        taken = [returned_check(one) for one in found]
        accuracy = np.array([1 - run["test_error"][check - 1] for run, check in zip(self.runs, taken, strict=True)])
        return Returned(stops, np.where(np.isnan(stops), self.epochs[-1], stops), accuracy)

    def missed(self, rule: str) -> Share:
        """In how many of the runs that get there a rule returns a model that is not."""
        return Share.of(self.returned(rule).accuracy[self.there] < ENOUGH)

    def patience(self, monitor: str, mode: str = "min") -> np.ndarray:
        """The least patience in epochs, without a least improvement, that would not have missed it, (seeds,); else NaN.

        `Patience(p)` goes on as long as improvements are at most p checks apart. NaN, too, where no improvement comes once
        the run is there: such a metric never returns that model.
        """
        sign, step = (1 if mode == "min" else -1), self.epochs[0]
        best = np.minimum.accumulate(sign * self.record(monitor), axis=1)
        needed = np.full(len(best), np.nan)
        for r, (values, good) in enumerate(zip(best, 1 - self.record("test_error") >= ENOUGH, strict=True)):
            better = np.flatnonzero(np.diff(values, prepend=np.inf) < 0)  # checks, from 0, that are the best so far
            reached = np.flatnonzero(good[better])
            if len(reached):
                needed[r] = step * np.diff(better[:reached[0] + 1], prepend=-1).max()
        return needed


def _first(happened: Any) -> np.ndarray:
    """The first check, from 0, at which something holds, (seeds,); NaN where it never does."""
    return np.where(happened.any(axis=1), happened.argmax(axis=1), np.nan)


def rules_panel(cases: Sequence[Delays], rules: Mapping[str, str], what: str, axis: Any) -> None:
    """Draw means of what rules do, by weight decay: the "accuracy" in percent of what they return, or epochs "trained"."""
    values = [[np.mean(getattr(one.returned(rule), what)) for one in cases] for rule in rules.values()]
    first, factor, high = (list(rules), 100, 100.0) if what == "accuracy" else ([""] * len(rules), 1, cases[0].epochs[-1])
    plots.heat_map(axis, factor * np.array(values), first, [f"{one.weight_decay:g}" for one in cases], form="{:.0f}", low=0,
                   high=high)


def patience_panel(cases: Sequence[Delays], hues: Sequence[str], figure: str, axis: Any) -> None:
    """Draw the share of runs that patience with a figure misses, over the patience."""
    for one, hue in zip(cases, hues, strict=False):
        if one.there.any():
            needed = one.patience(figure)[one.there]
            least = np.sort(needed[~np.isnan(needed)])
            shares = 100 * (1 - np.arange(len(least) + 1) / len(needed))
            axis.step([one.epochs[0], *least, one.epochs[-1]], [*shares, shares[-1]], where="post",
                      color=plots.ink(hue), label=one.title)
    plots.log(axis, "x")
