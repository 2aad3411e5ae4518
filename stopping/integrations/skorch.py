"""Any criterion as a callback of skorch."""
from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from skorch.callbacks import Callback as SkorchCallback

from ..base import Criterion
from .watching import RestoresOnExit, Watcher, measured


class Callback(RestoresOnExit, SkorchCallback):
    """Stop a skorch net when a criterion says so, and give the module its best weights.

    The criterion is a function of the net's history: a net whose history goes on (`partial_fit`, `load_params` with
    `f_history`) has all of it judged again first, so that nothing else needs to be saved.

    Parameters
    ----------
    criterion, names : as `watching.Watcher` takes them
        Metrics are those of the last row of the history: "valid_loss" is val_loss, of "valid_acc" an error is made.
    restore_best : bool
        Give the module the weights of the criterion's best epoch when training ends; Ctrl-C is such an end in skorch. As
        a context manager (``with Callback(...) as rule: net.fit(...)``) it is done after exceptions, too. Weights from
        before a resumed run are not known: the best of this one counts then.
    measure : callable(module) -> mapping, optional
        More metrics, such as the training error, measured at each epoch's end in evaluation mode and without gradients;
        they are recorded in the history.
    """

    def __init__(self, criterion: Criterion | str, *, restore_best: bool = True, names: Mapping[str, str] | None = None,
                 measure: Callable[[Any], Mapping[str, Any]] | None = None) -> None:
        self.criterion, self.restore_best, self.names, self.measure = criterion, restore_best, names, measure

    def initialize(self) -> Callback:
        """Make the watcher, as skorch asks for before a net is used."""
        self.net_: Any = None
        self.watcher = Watcher(self.criterion, self._take, self._give, self.names, keep=self.restore_best)
        return self

    def _take(self) -> dict[str, Any] | None:
        return None if self.net_ is None else copy.deepcopy(self.net_.module_.state_dict())

    def _give(self, weights: dict[str, Any]) -> None:
        self.net_.module_.load_state_dict(weights)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Judge what the history holds already."""
        self.net_ = None  # those weights are gone
        self.watcher.begin()
        for row in net.history:
            if not row.keys() <= {"epoch", "batches"}:  # else that epoch was cut off, by Ctrl-C for one
                self.watcher.see(row)
        self.net_ = net

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Ask the criterion."""
        if self.measure is not None:
            for name, value in measured(net.module_, self.measure).items():
                net.history.record(name, value)
        if self.watcher.see(net.history[-1]):
            raise KeyboardInterrupt  # skorch's way to end training: it is caught, and `on_train_end` follows

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Put the best weights back."""
        self.watcher.restore()
