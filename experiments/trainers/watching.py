"""Whose models are kept: each rule of a description follows a run check by check, and what it would return is copied.

So rules are compared on one run, with the same data and the same initial weights; the run itself goes on to its end.
"""
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

END = "end"


class Taken(NamedTuple):
    """A model of a run: its epoch, parameters and running statistics."""

    epoch: float
    flat: np.ndarray
    running: np.ndarray


def take(epoch: float, model: Any) -> Taken:
    """Return a copy of a model as it is now."""
    return Taken(epoch, model.flat.copy(), model.running.copy())


class Watcher:
    """Follows a run and copies the models that its rules take.

    Parameters
    ----------
    rules : sequence of (name, rule)
        As `Description.models`; "end" is left to the end.

    Attributes
    ----------
    stopped : dict of str -> float
        Epoch at which a stopping criterion would have ended training.
    taken : dict of str -> Taken
        Of the rules that fired, and of criteria with a best check that have not stopped: their best so far.

    Raises
    ------
    ValueError
        For a rule that cannot be read.
    """

    def __init__(self, rules: Any) -> None:
        self.stopped: dict[str, float] = {}
        self.taken: dict[str, Taken] = {}
        self._criteria: dict[str, Any] = {}
        self._epochs: dict[str, Callable[[], float]] = {}  # from which the first check is taken
        self._checks = 0
        for name, rule in rules:
            self._read(name, rule)

    def _read(self, name: str, rule: str) -> None:
        from stopping.expression import parse

        factor, times, other = rule.partition(" * ")
        if rule == END:
            return
        if rule.startswith("epoch "):
            after = float(rule.removeprefix("epoch "))
            self._epochs[name] = lambda: after
        elif times:
            if other not in self._criteria:
                raise ValueError(f"models: got {rule!r}, accepted: a factor of one of {', '.join(self._criteria)}")
            self._epochs[name] = lambda: float(factor) * self.stopped.get(other, math.inf)
        else:
            self._criteria[name] = parse(rule)

    def __call__(self, model: Any, row: Any) -> None:
        """Note one check. `row` is its line of the history."""
        self._checks += 1
        epoch = float(row["epoch"])
        for name, criterion in self._criteria.items():
            if name in self.stopped:
                continue
            stop = criterion.update(**row)
            # One with a best returns that; one without, the model that it stops at.
            if criterion.best_step == self._checks or (stop and criterion.best_step is None):
                self.taken[name] = take(epoch, model)
            if stop:
                self.stopped[name] = epoch
        for name, first in self._epochs.items():
            if name not in self.taken and epoch >= first():
                self.taken[name] = take(epoch, model)
