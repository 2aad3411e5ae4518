"""Any criterion as a callback of Keras 3."""
from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from keras.callbacks import Callback as KerasCallback

from ..base import Criterion
from ..files import place, replacing
from .watching import RestoresOnExit, Watcher


class Callback(RestoresOnExit, KerasCallback):
    """Stop `model.fit` when a criterion says so, and give the model its best weights.

    Parameters
    ----------
    criterion, names : as `watching.Watcher` takes them
        Metrics are those of `fit`: "loss" is train_loss, of "accuracy" an error is made.
    restore_best : bool
        Give the model the weights of the criterion's best epoch when training ends. Keras calls nobody when `fit` is
        left by an exception or Ctrl-C; as a context manager (``with Callback(...) as rule: model.fit(...)``) it is done
        then, too.
    training : (x, y), optional
        Measure training loss and metrics on these with frozen weights at each epoch's end, in place of Keras' average
        over an epoch in which weights were changing.
    state : path, optional
        A JSON file with the criterion's counters, written at each epoch's end and read when training begins: what
        `BackupAndRestore` is for the model. The best weights lie beside it, as ``PATH.weights.h5``. Both stay when training
        has ended: another run needs another path.
    """

    def __init__(self, criterion: Criterion | str, *, restore_best: bool = True, names: Mapping[str, str] | None = None,
                 training: tuple[Any, Any] | None = None, state: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        self.watcher = Watcher(criterion, self._take, self._give, names, keep=restore_best)
        self._training, self._state = training, state
        self._weights = "" if state is None else f"{os.fspath(state)}.weights.h5"

    def _take(self) -> list[Any]:
        if self._state is not None:
            with TemporaryDirectory(prefix="stopping-") as folder:  # Keras itself would write over links
                self.model.save_weights(Path(folder, "best.weights.h5"))
                with open(Path(folder, "best.weights.h5"), "rb") as saved, replacing(self._weights) as file:
                    shutil.copyfileobj(saved, file)
        return self.model.get_weights()

    def _give(self, weights: list[Any]) -> None:
        self.model.set_weights(weights)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Start afresh, or where the state left off; OSError where no state can be written."""
        if self._state is not None:
            place(self._state)
            place(self._weights)
            if os.path.exists(self._state):
                self._resume(self._state)
        self.watcher.begin()

    def _resume(self, path: str | os.PathLike[str]) -> None:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        best = None
        if os.path.exists(self._weights):
            now = self.model.get_weights()
            self.model.load_weights(self._weights)
            best = self.model.get_weights()
            self.model.set_weights(now)
        self.watcher.load_state_dict(state, best)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ask the criterion."""
        metrics = dict(logs or {})
        if self._training is not None:
            metrics |= self.model.evaluate(*self._training, verbose=0, return_dict=True)
        if self.watcher.see(metrics):
            self.model.stop_training = True
        if self._state is not None:
            with replacing(self._state, text=True) as file:
                json.dump(self.watcher.state_dict(), file, allow_nan=False)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Put the best weights back."""
        self.watcher.restore()
