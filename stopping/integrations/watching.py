"""What every integration does: find a criterion's metrics under a framework's names, ask it, and keep the best weights."""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..base import Criterion
from ..expression import parse
from ..logs.names import alike, candidates, is_accuracy


class Watcher:
    """A criterion at work in somebody's loop, with the weights of its best check.

    Parameters
    ----------
    criterion : Criterion or str
        An object, or an expression such as ``"GL(5) | Patience(10)"``.
    take : callable() -> weights
        Returns a copy of the weights as they are; called at each check that is the best so far. None: nothing is kept.
    give : callable(weights)
        Puts them back.
    names : mapping of str to str, optional
        Our name of a metric -> the framework's, for what is not recognised: ``{"val_error": "val_my_accuracy"}``. Where
        the name says accuracy an error is made of it.
    keep : bool
        False: keep no weights after all.

    Attributes
    ----------
    criterion : Criterion
    best : weights or None
        What `take` returned at the best check.

    Examples
    --------
    A loop of one's own, in any framework::

        watcher = Watcher("GL(5) | Patience(10)", take=lambda: copy.deepcopy(net.state_dict()), give=net.load_state_dict)
        with watcher:                                   # on the way out, whichever, the best weights are back
            for epoch in range(1000):
                ...
                if watcher.see(train_loss=..., val_loss=...):
                    break
    """

    def __init__(self, criterion: Criterion | str, take: Callable[[], Any] | None = None,
                 give: Callable[[Any], None] | None = None, names: Mapping[str, str] | None = None, *,
                 keep: bool = True) -> None:
        if not isinstance(criterion, Criterion | str):
            raise TypeError(f"criterion: got {criterion!r}, accepted: a criterion of stopping, or an expression such as "
                            "'GL(5) | Patience(10)'")
        if (take is None) != (give is None):
            raise ValueError(f"take, give: got {take!r} and {give!r}, accepted: both or neither")
        self.criterion = parse(criterion) if isinstance(criterion, str) else criterion
        self.names = dict(names or {})
        self._take, self._give = (take, give) if keep else (None, None)
        self.best: Any = None
        self._resumed = False
        self._recognised: tuple[tuple[str, ...], dict[str, list[str]]] = (), {}
        self.criterion.reset()

    def begin(self) -> None:
        """Start a run: forget the last one, unless a state was loaded since."""
        if not self._resumed:
            self.criterion.reset()
            self.best = None
        self._resumed = False

    def see(self, found: Mapping[str, Any] | None = None, /, **metrics: Any) -> bool:
        """Take in the metrics of one check, under our names or the framework's; return whether to stop now.

        Raises
        ------
        ValueError
            If a metric that the criterion needs is not among them, naming those that are, or may be one of several.
        """
        given = {**(found or {}), **metrics}
        stop = self.criterion.update(**{name: self._value(name, given) for name in self.criterion.requires})
        if self._take is not None and self.criterion.best_step == self.criterion.step:
            self.best = self._take()
        return stop

    def _value(self, name: str, given: Mapping[str, Any]) -> float:
        source = self._source(name, given)
        if source is None or source not in given:
            raise ValueError(f"metrics: got {', '.join(map(str, given)) or 'none'}, accepted: with {name}, which "
                             f"{self.criterion!r} needs at every check; names={{{name!r}: ...}} says what it is called here")
        return _error_of(source, given[source]) if name.endswith("_error") else float(given[source])

    def _source(self, name: str, given: Mapping[str, Any]) -> str | None:
        """Return what a metric is called here, recognised as in a log: `stopping.logs` reads what these frameworks write."""
        if name in self.names or name in given:
            return self.names.get(name, name)
        if self._recognised[0] != tuple(given):
            self._recognised = tuple(given), candidates(given)
        theirs = self._recognised[1]
        found = theirs.get(name) or theirs.get(name.replace("_error", "_accuracy")) or []
        if len(found) > 1 and len(likely := alike(found)) > 1:
            raise ValueError(f"metrics: got {', '.join(likely)}, which may all be {name}, accepted: one; say which: "
                             f"names={{{name!r}: {likely[0]!r}}}")
        return found[0] if found else None

    def restore(self) -> None:
        """Put the best weights back, if there are any."""
        if self._give is not None and self.best is not None:
            self._give(self.best)

    def __enter__(self) -> Watcher:
        self.begin()
        return self

    def __exit__(self, *error: object) -> None:
        self.restore()

    def state_dict(self) -> dict[str, Any]:
        """Return the criterion's counters, ready for JSON."""
        return self.criterion.state_dict()

    def load_state_dict(self, state: Mapping[str, Any], best: Any = None) -> None:
        """Go on from there at the next `begin`, with the best weights of that run where they are known."""
        self.criterion.load_state_dict(state)
        self.best, self._resumed = best, True


class RestoresOnExit:
    """A callback as a context manager: the best weights are back on every way out of it."""

    watcher: Watcher

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self.watcher.restore()


def measured(module: Any, measure: Callable[[Any], Mapping[str, Any]]) -> dict[str, Any]:
    """Return what `measure` says of a PyTorch module in evaluation mode, without gradients; its mode is left as it was."""
    import torch
    training = module.training
    try:
        module.eval()
        with torch.no_grad():
            return dict(measure(module))
    finally:
        module.train(training)


def _error_of(name: str, value: Any) -> float:
    """Return an error rate as it is, of an accuracy what lacks to 1."""
    number = float(value)
    if not is_accuracy(name):
        return number
    if math.isfinite(number) and not -1e-6 <= number <= 1 + 1e-6:
        raise ValueError(f"{name}: got {number:g}, accepted: an accuracy between 0 and 1")
    return min(max(1 - number, 0.0), 1.0) if math.isfinite(number) else number
