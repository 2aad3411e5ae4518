"""Whose models are kept: each rule of a description follows a run check by check, and what it would return is copied.

So rules are compared on one run, with the same data and the same initial weights; the run itself goes on to its end.
"At zero error" means one thing in every question: the first epoch without a training error, whenever the checks are.
"""
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

END, ZERO = "end", "zero error"


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
    zero_error : callable(model) -> bool
        Whether a model makes no training error; asked after every epoch until then, and only where a rule wants to know.

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

    def __init__(self, rules: Any, zero_error: Any = None) -> None:
        self.stopped: dict[str, float] = {}
        self.taken: dict[str, Taken] = {}
        self._criteria: dict[str, Any] = {}
        self._epochs: dict[str, Callable[[], float]] = {}  # from which the model is taken
        self._checks, self._zero_error = 0, zero_error
        self._zeros: list[str] = []  # the rules "zero error"
        self._multiples: list[str] = []  # and those that take a multiple of its epoch
        for name, rule in rules:
            self._read(name, rule)

    def _read(self, name: str, rule: str) -> None:
        from stopping import ZeroError
        from stopping.expression import parse

        factor, times, other = rule.partition(" * ")
        if rule == END:
            return
        if rule == ZERO:
            self._zeros.append(name)
            return
        if rule.startswith("epoch "):
            after = float(rule.removeprefix("epoch "))
            self._epochs[name] = lambda: after
        elif times:
            known = [*self._zeros, *self._criteria]
            if other not in known:
                raise ValueError(f"models: got {rule!r}, accepted: a factor of one of {', '.join(known)}")
            self._epochs[name] = lambda: float(factor) * self.stopped.get(other, math.inf)
            self._multiples += [name] * (other in self._zeros)
        else:
            criterion = self._criteria[name] = parse(rule)
            if isinstance(criterion, ZeroError) and criterion.requires == ("train_error",):
                raise ValueError(f"models: got {rule!r}, which would find a check, accepted: {ZERO!r}, the first epoch")

    @property
    def looks(self) -> bool:
        """Whether it has to be told of every epoch."""
        return any(name not in self.taken for name in (*self._zeros, *self._multiples))

    def epoch(self, model: Any, epoch: int) -> bool:
        """Look at the model after an epoch; return whether there is nothing left to look for."""
        if any(name not in self.stopped for name in self._zeros) and self._zero_error(model):
            for name in self._zeros:
                self.taken[name], self.stopped[name] = take(float(epoch), model), float(epoch)
        self._take_from(epoch, model, self._multiples)
        return not self.looks

    def _take_from(self, epoch: float, model: Any, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.taken and epoch >= self._epochs[name]():
                self.taken[name] = take(float(epoch), model)

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
        self._take_from(epoch, model, self._epochs)
