"""The settings of a training: what `fit` and `fit_fleet` hand on, from the call to the run and its checkpoint."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..checks import choose, integer, real_number
from ..shared.codes import PenaltyCode
from .described import digest, parts_of
from .freezing import frozen_names
from .identity import criterion_parts
from .refusals import check_kinds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Arguments of `fit` other than model, data and the progress bar; what each means stands there.

    A new one is a field here (in `recorded` too if a run must not go on with another), an argument of `fit` and `fit_fleet`,
    and acts where a TrainingRun reads it. Defaults are those of the two signatures.
    """

    loss: Any
    optimizer: Any
    epochs: int
    batch_size: int | None
    penalty: Any
    clip_norm: float | None
    metrics: str | Iterable[str]
    stopping: Any
    seed: int
    check_every: int | Sequence[int] | None
    augment: Callable | None
    restore_best: bool
    checkpoint: Any
    on_check: Callable | None
    on_epoch: Any
    threads: int | None
    drop_last: bool
    frozen: Sequence[int | str]
    resume: str | None
    sample_weight: Any

    @classmethod
    def of(cls, arguments: dict[str, Any], **fixed: Any) -> Settings:
        """Return the settings out of all arguments of a function (its `locals()`) and what it has no argument for."""
        given = arguments | fixed
        if isinstance(given["metrics"], Iterator):
            given["metrics"] = tuple(given["metrics"])  # it gives them once, and the members of a fleet ask in turn
        return cls(**{field.name: given[field.name] for field in dataclasses.fields(cls)})

    def checked(self, model: Any) -> Settings:
        """Return them with plain numbers; raise TypeError or ValueError for what is wrong whatever the data."""
        check_kinds(model, self)
        if not isinstance(self.drop_last, (bool, np.bool_)):
            raise TypeError(f"drop_last: got {self.drop_last!r}, accepted: True or False")
        if self.resume is not None:
            choose("resume", self.resume, ("anyway",))
        return dataclasses.replace(
            self, frozen=frozen_names(model, self.frozen), epochs=integer("epochs", self.epochs, low=1),
            seed=integer("seed", self.seed, low=0),
            threads=None if self.threads is None else integer("threads", self.threads, low=1))

    def samples_at_once(self, n: int) -> int:
        """Return how many of n samples make a batch."""
        if self.batch_size is None:
            return n
        return min(n, integer("batch_size", self.batch_size, low=1, extra=" or None"))

    def penalty_code(self) -> PenaltyCode:
        """Return the penalty and the clipping as the kernels take them."""
        clip = 0.0 if self.clip_norm is None else real_number("clip_norm", self.clip_norm, low=0, open_low=True)
        l1, l2 = (self.penalty.l1, self.penalty.l2) if self.penalty is not None else (0.0, 0.0)
        return PenaltyCode(float(l1), float(l2), clip)

    def updates_per_epoch(self, n: int, batch_size: int) -> int:
        """Return how many batches of this size an epoch of n samples has."""
        return n // batch_size if self.drop_last else -(-n // batch_size)

    def recorded(self, run: Any) -> dict[str, Any]:
        """Return what a checkpoint records of them, in terms of the run: dict name -> text.

        A file that lacks a name, or has one more, is refused as foreign. A setting that is newer than such files must
        therefore be left out while it is at its default, so that they can still be resumed.
        """
        newer = {"drop_last": "True"} if self.drop_last else {}
        newer |= {"frozen": ", ".join(map(str, self.frozen))} if self.frozen else {}
        newer |= {} if self.sample_weight is None else {"sample_weight": digest(np.asarray(self.sample_weight, np.float64))}
        return {**parts_of(self.loss, "loss"), **parts_of(self.optimizer, "optimizer"), "epochs": str(self.epochs),
                "batch_size": str(run.batch_size), "penalty and clip_norm": repr(tuple(run.penalty)),
                "metrics": ", ".join(run.history), **criterion_parts(self.stopping), "seed": str(self.seed),
                "checks": run.check_points.text_until(run.update), **parts_of(self.augment, "augment"),
                "restore_best": str(bool(self.restore_best)), **newer}
