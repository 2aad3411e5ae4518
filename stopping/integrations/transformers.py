"""Any criterion as a callback of the Trainer of transformers."""
from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from transformers import TrainerCallback

from ..base import Criterion
from ..files import replacing
from .watching import RestoresOnExit, Watcher, measured

STATE, BEST = "stopping.json", "stopping_best.safetensors"  # what is added to a checkpoint's folder


class Callback(RestoresOnExit, TrainerCallback):
    """Stop a Trainer when a criterion says so, and give the model its best weights.

    Both are put into the folder of each checkpoint, and a Trainer that resumes from one in its output folder goes on there.

    Parameters
    ----------
    criterion, names : as `watching.Watcher` takes them; train_loss is the one that was logged last.
    restore_best : bool
        Give the model its best weights when training ends; as a context manager on exceptions and Ctrl-C, too.
    measure : callable(model) -> mapping, optional
        More metrics, such as the training error, measured in evaluation mode and without gradients.
    """

    def __init__(self, criterion: Criterion | str, *, restore_best: bool = True, names: Mapping[str, str] | None = None,
                 measure: Callable[[Any], Mapping[str, Any]] | None = None) -> None:
        self.watcher = Watcher(criterion, self._take, self._give, names, keep=restore_best)
        self._measure, self._model, self._training = measure, None, False  # type: Any, Any, bool

    def _take(self) -> dict[str, Any]:  # one by one: files refuse weights that share memory
        return {name: value.detach().clone() for name, value in self._model.state_dict().items()}

    def _give(self, weights: dict[str, Any]) -> None:
        self._model.load_state_dict(weights)

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Start afresh, or where the checkpoint that the Trainer resumed from left off."""
        self._model = more["model"]
        folder = _folder(args, state)
        if state.global_step and (folder / STATE).is_file():  # no named pipe, for which it would wait
            best = load_file(folder / BEST) if (folder / BEST).is_file() else None
            self.watcher.load_state_dict(json.loads((folder / STATE).read_text("utf-8")), best)
        elif state.global_step:
            warnings.warn(f"{folder / STATE} is not there: {self.watcher.criterion!r} starts afresh", stacklevel=2)
        self.watcher.begin()
        self._training = True

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], **more: Any) -> None:
        """Ask the criterion, unless it is an evaluation that somebody wants before or after training."""
        if self._training:
            logged = [{"loss": row["loss"]} for row in state.log_history if "loss" in row][-1:]
            more = measured(self._model, self._measure) if self._measure is not None else {}
            control.should_training_stop |= self.watcher.see({**dict(*logged), **metrics, **more})
            self.on_save(args, state, control)  # the evaluation belongs to a checkpoint that is there already

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Add counters and best weights to this step's checkpoint, if there is one."""
        if state.is_world_process_zero and (folder := _folder(args, state)).is_dir():
            if self.watcher.best is not None:  # before the counters that speak of it
                with replacing(folder / BEST) as file:
                    file.write(save(self.watcher.best))
            with replacing(folder / STATE, text=True) as file:
                json.dump(self.watcher.state_dict(), file, allow_nan=False)

    def on_train_end(self, *given: Any, **more: Any) -> None:
        """Put the best weights back."""
        self._training = False
        self.watcher.restore()

    __exit__ = on_train_end


def _folder(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
