"""Any criterion as a callback of Lightning."""
from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback as LightningCallback

from ..base import Criterion
from .watching import Watcher, measured


class Callback(LightningCallback):
    """Stop a Trainer when a criterion says so, and give the module its best weights; both are part of its checkpoints.

    Parameters
    ----------
    criterion, names : as `watching.Watcher` takes them
        Asked after each validation; where there is none, or "train_…" metrics are needed, when a training epoch ends.
    restore_best : bool
        Give the module the weights of the criterion's best check on every way out, exceptions and Ctrl-C included.
    measure : callable(module) -> mapping, optional
        More metrics, such as the training error, measured in evaluation mode and without gradients.
    """

    def __init__(self, criterion: Criterion | str, *, restore_best: bool = True, names: Mapping[str, str] | None = None,
                 measure: Callable[[LightningModule], Mapping[str, Any]] | None = None) -> None:
        super().__init__()
        self.watcher = Watcher(criterion, self._take, self._give, names, keep=restore_best)
        self._measure, self._validated = measure, False
        needed = self.watcher.criterion.requires if measure is None else ()
        self._needs_epoch = any(name.startswith("train_") for name in needed)
        self._module: Any = None

    def _take(self) -> dict[str, Any]:
        return copy.deepcopy(self._module.state_dict())

    def _give(self, weights: dict[str, Any]) -> None:
        self._module.load_state_dict(weights)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start afresh, or where a checkpoint left off."""
        self._module = pl_module
        self.watcher.begin()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask the criterion, unless this is the validation before training that looks for mistakes."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._validated = True
            if not self._needs_epoch:
                self._check(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask it here where nothing is validated, or the whole epoch is needed."""
        if not trainer.enable_validation or (self._needs_epoch and self._validated):
            self._check(trainer, pl_module)
        self._validated = False

    def _check(self, trainer: Trainer, module: LightningModule) -> None:
        more = measured(module, self._measure) if self._measure is not None else {}
        stop = self.watcher.see({**trainer.callback_metrics, **more})
        # Metrics that are not synchronised differ between processes; one that went on alone would wait for the others.
        if trainer.strategy.reduce_boolean_decision(stop, all=False):
            trainer.should_stop = True

    def on_fit_end(self, *given: Any) -> None:
        """Put the best weights back."""
        self.watcher.restore()

    on_exception = on_fit_end

    def state_dict(self) -> dict[str, Any]:
        """Return what goes into a checkpoint."""
        return {"criterion": self.watcher.state_dict(), "best": self.watcher.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.watcher.load_state_dict(state_dict["criterion"], state_dict["best"])
