"""The trainer of all descriptions, as `runs.sweep` wants one: which runs may share a fleet, what a run costs, training."""
import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..runs.store import Run
from .data_sets import SETS, data_bytes, load_data
from .description import Description, check_epochs, description_of
from .measures import PARTS, Subject, all_named
from .models import base_of, loss_of, network_of, optimizer_of, penalty_of
from .watching import END, Taken, Watcher, take

TRAINER = __name__
# Settings in which the members of a fleet may differ. (Their data have the same shapes then.)
VARIED = ("noise", "level", "seed")
FLEET_BYTES = 2**28  # of the members' own data, at most, unless one has more
# Curves that are "thinned": few enough checks that 2300 runs take tens of megabytes and not gigabytes.
DENSE, GROWTH = 10, 1.2
KEPT = ("epoch", "train_loss", "train_error", "val_loss", "val_error", "test_loss", "test_error", "flooded_fraction")
# Measured on one core of the machine described in experiments/README.md, networks of four layers of 500 units.
FLOPS, FLOPS_OF_CHECKS, UPDATE_SECONDS = 7e10, 3.5e10, 1.5e-9


class RunDiverged(ArithmeticError):
    """A run's loss was no longer finite, and its description does not take that for a result (measure "divergence")."""


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = description_of(settings)
    shape, data = SETS[run.data.data], run.data
    sizes = (shape.inputs, *run.network.hidden, shape.classes)
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    train = shape.per_train * data.train
    updates = -(-train // run.schedule.batch_size) if run.schedule.batch_size else 1  # an epoch
    epoch = train * weights * 6 / FLOPS + updates * weights * UPDATE_SECONDS
    check = (train + shape.per_train * data.validation + run.checks.curve_points) * weights * 2 / FLOPS_OF_CHECKS
    if "gradient_norm" in run.checks.metrics:
        check += train * weights * 4 / FLOPS_OF_CHECKS
    last = max(1, len(run.models)) * shape.per_test * data.test * weights * 2 / FLOPS
    epochs = run.schedule.epochs + run.loss.folds * run.loss.auxiliary_epochs
    return epochs * epoch + len(run.check_epochs()) * check + last


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Parameters
    ----------
    runs : list of dict
        Settings as `Description.settings` gives them.

    Returns
    -------
    list of Run
        In the same order. Curves of the checks; what measures.py says of each model that is kept, as "NAME.figure", with
        "NAME.epoch" and, of a criterion that fired, "NAME.stopped"; a rule that never fired has no entries. Without
        names of models: of the last one, as "figure". Of a run that diverged nothing is measured: all scalars are NaN.

    Raises
    ------
    RunDiverged
        When a loss is not finite and `divergence` is not among the measures.
    ValueError
        For a description that data, network or training refuse, naming the argument.
    """
    described = [description_of(run) for run in runs]
    size = max(1, FLEET_BYTES // max(1, data_bytes(described[0].data)))
    return [run for start in range(0, len(runs), size) for run in _train(described[start:start + size])]


def _train(runs: Sequence[Description]) -> list[Run]:
    """Train one fleet."""
    from nn import fit_fleet
    from nn.processor import one_blas_thread, thread_limit

    one, sets = runs[0], [load_data(run.data, run.seed) for run in runs]
    model, optimizer = network_of(one, sets[0]), optimizer_of(one)
    batches = -(-len(sets[0].train) // one.schedule.batch_size) if one.schedule.batch_size else 1
    watchers = [Watcher(run.models, partial(_without_error, data.train)) for run, data in zip(runs, sets, strict=True)]
    all_named(one.measures)  # before anything is trained
    finished: dict[int, Run] = {}

    def ended(fleet: Any, r: int) -> None:  # at once: what was copied on the way need not be kept
        finished[r] = _record(runs[r], fleet, r, sets[r], watchers[r])
        watchers[r] = Watcher(())

    with one_blas_thread(), thread_limit(1):
        members = [_member(model, run, data) for run, data in zip(runs, sets, strict=True)]
        fit_fleet(model, *_stacked(sets, "train"), members=members, loss=loss_of(one.loss, len(sets[0].train)),
                  optimizer=optimizer, penalty=penalty_of(one.loss), epochs=one.schedule.epochs,
                  batch_size=one.schedule.batch_size or None,
                  validation=_stacked(sets, "validation") if one.data.validation else None, test=curve_points_of(runs, sets),
                  metrics=one.checks.metrics, check_every=[epoch * batches for epoch in one.check_epochs()], workers=1,
                  progress=False, on_member=ended, on_check=lambda r, model, row: watchers[r](model, row),
                  on_epoch=(lambda r, model, epoch: watchers[r].epoch(model, epoch)) if watchers[0].looks else None)
    return [finished[r] for r in range(len(runs))]


def _without_error(train: Any, model: Any) -> bool:
    """Return whether a model makes no error on a training set."""
    return bool((model.forward(train.x).argmax(axis=1) == train.y).all())


def _member(model: Any, run: Description, data: Any) -> dict:
    """Return what makes a run differ from the others of its fleet."""
    from nn import adaptive_levels

    if run.loss.flood != "adaflood":
        return {"seed": run.seed, "level": run.loss.level}
    levels = adaptive_levels(model, data.train.x, data.train.y, loss=base_of(run.loss), optimizer=optimizer_of(run),
                             epochs=run.loss.auxiliary_epochs, folds=run.loss.folds, gamma=run.loss.gamma, seed=run.seed,
                             batch_size=run.schedule.batch_size or None, threads=1)
    return {"seed": run.seed, "levels": levels}


def _stacked(sets: Any, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x (R, N, D) and y (R, N) of one part of all members' data."""
    return np.stack([getattr(data, part).x for data in sets]), np.stack([getattr(data, part).y for data in sets])


def curve_points_of(runs: Sequence[Description], sets: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the test samples of the curves, x (R, N, D) and y (R, N), or None.

    Samples of one class may stand together, so they are drawn, the same for all runs of a seed.
    """
    points = runs[0].checks.curve_points
    if not points:
        return None
    some = [np.random.default_rng([run.seed, 10]).permutation(len(data.test))[:points]
            for run, data in zip(runs, sets, strict=True)]
    return (np.stack([data.test.x[rows] for data, rows in zip(sets, some, strict=True)]),
            np.stack([data.test.y[rows] for data, rows in zip(sets, some, strict=True)]))


def _record(run: Description, fleet: Any, r: int, data: Any, watcher: Watcher) -> Run:
    """Return what is kept of one member."""
    history = fleet.history(r)
    record = Run(curves=_curves(run, history))
    base, measures, diverged = base_of(run.loss), all_named(run.measures), fleet.messages[r]
    if diverged:
        if "divergence" not in run.measures:
            raise RunDiverged(f"{run.experiment}, seed {run.seed}, {run.data.data}, level {run.loss.level:g}: {diverged}")
        names = [f"{name}." for name, _ in run.models] or [""]
        record.scalars = {f"{name}{key}": np.nan for name in names for one in measures for key in getattr(one, "names", ())}
        record.scalars.update({f"{name}diverged": 1.0 for name in names})
        return record

    parts = {name: part for name, part in PARTS.items() if part != "validation" or run.data.validation}

    def subject(taken: Taken, end: Subject | None) -> Subject:
        model = fleet.new_model(r)
        model.flat[...], model.running[...] = taken.flat, taken.running
        return Subject(model, data, base, history, taken, end, parts)

    end = subject(take(float(run.schedule.epochs), fleet.model(r)), None)
    watcher.taken.update({name: end.taken for name, rule in run.models if rule == END})
    record.scalars.update({f"{name}.stopped": epoch for name, epoch in watcher.stopped.items()})
    found: dict[float, dict] = {}  # by epoch: rules often agree
    for name, taken in (watcher.taken if run.models else {"": end.taken}).items():
        if taken.epoch not in found:
            one = end if taken is end.taken else subject(taken, end)
            found[taken.epoch] = {key: value for measure in measures for key, value in measure(one).items()}
        prefix = f"{name}." if name else ""
        values = {f"{prefix}{key}": value for key, value in found[taken.epoch].items()}
        record.scalars.update({key: value for key, value in values.items() if np.ndim(value) == 0})
        record.arrays.update({key: value for key, value in values.items() if np.ndim(value)})
        if name:
            record.scalars[f"{name}.epoch"] = taken.epoch
    return record


def _curves(run: Description, history: Any) -> dict[str, np.ndarray]:
    """Return the curves that are kept."""
    if run.checks.curves == "all":
        return {name: np.asarray(history[name], dtype=float) for name in history}
    epochs = np.asarray(history["epoch"], dtype=float)
    # Those of a run with ever fewer checks, or the next ones after them.
    wanted = np.searchsorted(epochs, check_epochs(run.schedule.epochs, DENSE, GROWTH))
    rows = np.unique(wanted[wanted < len(epochs)])
    return {name: np.asarray(history[name], dtype=float)[rows] for name in KEPT if name in history}
