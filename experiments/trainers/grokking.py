"""Modular addition by a network with one hidden layer, watched long after zero training error, with everything on record.

New sums come out right much later than those that were learnt (Power et al., "Grokking: Generalization Beyond Overfitting on
Small Algorithmic Datasets", arXiv:2201.02177, 2022). Every run goes on to its end, and its record has a row per check, so
that stopping rules can be asked afterwards what they would have done.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..data.modular import modular_addition
from ..runs.identity import code_version
from ..runs.store import Run

TRAINER = __name__
VARIED = ("seed", "weight_decay")
METRICS = ("margin_min", "margin_normalized", "prediction_changes", "evidence")
RECORD = ("epoch", *(f"{part}_{what}" for part in ("train", "val", "test") for what in ("loss", "error")), "parameter_norm",
          *METRICS)
BETAS = 0.9, 0.98  # of AdamW, as Power et al. have them
CURVE_POINTS = 60  # of the curves, which are to be looked at: the record is in the arrays
UPDATE_SECONDS, FLOPS, CHECKS = 1e-4, 6e10, 4  # of one core; what a check costs, in updates


@dataclass(frozen=True)
class Addition:
    """One run: full batch, so that an epoch is an update; cross-entropy, no offsets.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; pairs to learn from, initial weights.
    modulus, train : int
        As `modular_addition` takes them.
    hidden : int
        Units of the relu layer.
    weight_decay, learning_rate : float
        Of AdamW: weights shrink by the product of the two with every update.
    epochs, every : int
        How long, and epochs between checks.
    dtype : str
    """

    experiment: str
    seed: int
    modulus: int
    train: int
    hidden: int = 128
    weight_decay: float = 0.0
    learning_rate: float = 1e-2
    epochs: int = 1
    every: int = 1
    dtype: str = "float32"

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "code": code_version(TRAINER)}


def addition_of(settings: Mapping) -> Addition:
    """Return the run whose `settings` these are."""
    return Addition(**{name: value for name, value in settings.items() if name != "code"})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = addition_of(settings)
    update = UPDATE_SECONDS + run.train * 3 * run.modulus * run.hidden * 6 / FLOPS
    return run.epochs * update * (1 + CHECKS / run.every)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Arrays `RECORD`: of every check (checks,) epoch, losses and errors on all three parts, the norm
        of the weights, and `METRICS`, of which the changes are NaN at the first. Curves: the same, at ever fewer checks.

    Raises
    ------
    ValueError
        For sizes that are not accepted.
    ArithmeticError
        When a loss is no longer finite: the learning rate was too large.
    """
    from losses import CrossEntropy
    from nn import MLP, AdamW, fit_fleet
    from nn.processor import one_blas_thread, thread_limit

    many = [addition_of(run) for run in runs]
    one, sets = many[0], [modular_addition(run.modulus, run.train, seed=run.seed) for run in many]
    train, validation, test = ([np.stack([getattr(getattr(data, part), axis) for data in sets]) for axis in "xy"]
                               for part in ("train", "validation", "test"))
    with one_blas_thread(), thread_limit(1):
        fleet = fit_fleet(MLP((2 * one.modulus, one.hidden, one.modulus), bias=False, dtype=one.dtype), *train,
                          members=[{"seed": run.seed, "weight_decay": run.weight_decay} for run in many],
                          loss=CrossEntropy(), optimizer=AdamW(one.learning_rate, betas=BETAS), epochs=one.epochs,
                          batch_size=None, validation=tuple(validation), test=tuple(test), metrics=METRICS,
                          check_every=one.every, workers=1, progress=False)
    if broken := [message for message in fleet.messages if message]:
        raise ArithmeticError(f"learning_rate: got {one.learning_rate}, accepted: a smaller one ({broken[0]})")
    return [_run(fleet.history(r)) for r in range(len(many))]


def _run(history: Any) -> Run:
    record = {name: np.asarray(history[name], dtype=float) for name in RECORD}
    checks = len(record["epoch"])
    rows = np.unique(np.geomspace(1, checks, CURVE_POINTS).round().astype(int)) - 1
    return Run(curves={name: values[rows] for name, values in record.items()}, arrays=record)
