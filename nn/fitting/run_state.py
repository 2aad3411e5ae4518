"""The state of a training run in a checkpoint: what must be there, in which bounds, and how a run takes it over.

A run knows what its own checkpoint can hold: which checks lie before an update, how many losses have come since, which
metrics leave something behind. All is compared with that before anything is touched.
"""
import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..archive import File, Wanted, shown
from ..engine import State
from ..shared.parameters import Views
from .identity import epochs_of, require_reachable, require_same, require_same_checks
from .run import BestKeeper, TrainingRun

DECIDED = ("criterion", "stopped_epoch", "best_epoch")
VALUES = ("identity", "update", "last_loss", *DECIDED)  # and perhaps "end": DECIDED after a check that only ends the run
LONGEST_SECONDS = 1e10  # three centuries
RunState = tuple[dict[str, Any], dict[str, np.ndarray]]  # plain values, and arrays
ROUNDING = 1e-9  # of a mean of shares
SHARES = ("train_error", "val_error", "test_error", "flooded_fraction")  # columns in [0, 1] where they are not NaN


def state_of(run: TrainingRun, keeper: BestKeeper, identity: dict[str, Any]) -> RunState:
    """Return the state of a run: its plain values, for JSON, and its arrays."""
    identity = identity | {"checks": run.check_points.text_until(run.update)}
    values = {"identity": identity, "update": run.update, "last_loss": repr(run.last_loss), **_decided(run)}
    weights = run.engine.weights()
    arrays = {"flat": weights.flat, "running": weights.running, "slot0": weights.slots[0], "slot1": weights.slots[1],
              "history": run.history.to_array()}
    for i, parts in enumerate(zip(*run.since_check, strict=True)):
        arrays[f"since_check{i}"] = np.concatenate(parts)
    if keeper.best is not None:
        arrays["best_flat"], arrays["best_running"] = keeper.best
    return values, arrays | {f"meter_{name}": array for name, array in run.meter.state().items()}


def with_end(before: RunState, run: TrainingRun) -> RunState:
    """Return a state, and beside it what a check found and decided that was made only because the run ends there.

    So a longer run, which is not checked there, goes on from the state alone.
    """
    values, arrays = before
    return values | {"end": _decided(run)}, arrays | {"end_row": run.history.to_array()[-1]}


def _decided(run: TrainingRun) -> dict[str, Any]:
    history, criterion = run.history, run.criterion
    # A copy, for a user's own may hand out what it goes on with.
    return {"criterion": None if criterion is None else copy.deepcopy(criterion.state_dict()),
            "stopped_epoch": history.stopped_epoch, "best_epoch": history.best_epoch}


def is_sound(arrays: dict[str, np.ndarray]) -> bool:
    """Return whether such arrays are worth a file: a run that diverged in its last update goes on from the one before."""
    return all(np.isfinite(array).all() for name, array in arrays.items()
               if name in ("flat", "running", "best_flat", "best_running"))


def read(file: File, run: TrainingRun, keeper: BestKeeper, identity: dict[str, Any]) -> RunState:
    """Return the checked values and arrays of a File, or raise CheckpointError; nothing has changed in either case.

    A check that was made only because that run ended is among them if this one ends there too.
    """
    values = file.values
    ended = isinstance(values, dict) and "end" in values
    file.require_keys("values", values, (*VALUES, "end") if ended else VALUES)
    before, update = values["identity"], values["update"]
    require_same(file, before, identity, run.settings.resume == "anyway")
    file.require(type(update) is int and update >= 0, f"update: got {shown(update)}, accepted: an integer >= 0")
    require_reachable(file, run, before, update)
    file.require(update <= run.total, f"update: got {shown(update)}, accepted: an integer from 0 to {run.total}")
    require_same_checks(file, run, before, update)
    checks = run.check_points.lasting(update)
    epochs = (run.check_points.first(checks) / run.batches).tolist()
    _require_decided(file, run, values, epochs)
    stopped = values["stopped_epoch"] is not None
    file.require(update % run.batches == 0 or stopped, f"update: got {update}, which is within an epoch")
    file.require(not stopped or update == run.check_points.first(checks)[-1], "stopped_epoch: the run went on after it")
    _require_last_loss(file, values["last_loss"], update)
    if ended:
        _require_end(file, run, epochs, ended=not stopped and update == epochs_of(before) * run.batches)
    arrays = file.arrays(_wanted_arrays(run, keeper, values, checks))
    points = run.check_points.first(checks)
    _require_history(file, run, arrays["history"], points)
    _require_bounds(file, run, arrays)
    if not ended:
        return values, arrays
    rows = np.vstack([arrays["history"], arrays["end_row"]])
    _require_history(file, run, rows, np.append(points, update))
    return _after_end(run, keeper, values, arrays | {"history": rows}) if update == run.total else (values, arrays)


def _require_end(file: File, run: TrainingRun, epochs: list[float], ended: bool) -> None:
    """Raise CheckpointError for a check that only ends the run, where it `ended`, but not so or not with such a find."""
    values, every = file.values, run.check_points.every
    file.require(ended and every is not None and (every == 0 or values["update"] % every),
                 "end: after this update no run is checked only because it ends")
    file.require_keys("end", values["end"], DECIDED)
    _require_decided(file, run, values["end"], [*epochs, values["update"] / run.batches])
    file.require(values["end"]["best_epoch"] in (values["best_epoch"], values["update"] / run.batches),
                 "end: its best epoch is neither this one nor the best one before")


def _after_end(run: TrainingRun, keeper: BestKeeper, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> RunState:
    """Return the state after the check that only ends the run; `arrays` holds its row already."""
    arrays = {name: array for name, array in arrays.items() if not name.startswith("since_check")}
    if keeper.restores and values["end"]["best_epoch"] == values["update"] / run.batches:
        arrays |= {"best_flat": arrays["flat"], "best_running": arrays["running"]}
    return values | values["end"], arrays


def _require_decided(file: File, run: TrainingRun, decided: dict[str, Any], epochs: list[float]) -> None:
    """Raise CheckpointError for a criterion's state, stop or best that a run with checks at these epochs cannot have."""
    for name, accepted in (("stopped_epoch", epochs[-1:]), ("best_epoch", epochs)):
        file.require(decided[name] is None or (run.criterion is not None and type(decided[name]) is float
                                               and decided[name] in accepted),
                     f"{name}: got {shown(decided[name])}, accepted: null, or the epoch of a check")
    file.require((decided["criterion"] is None) == (run.criterion is None), "criterion: a state without one, or none")


def _require_last_loss(file: File, text: Any, update: int) -> None:
    try:
        loss = float(text) if isinstance(text, str) else None
    except ValueError:
        loss = None
    file.require(loss is not None and repr(loss) == text and math.isfinite(loss) == (update > 0)
                 and not math.isinf(loss),
                 f"last_loss: got {shown(text)}, accepted: a finite number as text, or 'nan' before the first update")


def _wanted_arrays(run: TrainingRun, keeper: BestKeeper, values: dict[str, Any], checks: int) -> dict[str, Wanted]:
    """Return dict name -> Wanted."""
    flat, running = (Wanted(array.dtype, array.shape) for array in (run.model.flat, run.model.running))
    slots = {f"slot{i}": Wanted(slot.dtype, slot.shape, finite=False) for i, slot in enumerate(run.engine.weights().slots)}
    real, whole = np.dtype(np.float64), np.dtype(np.int64)
    wanted = {"flat": flat, "running": running, **slots,
              "history": Wanted(real, (checks, len(run.history)), finite=False),  # NaN where nothing can be measured
              "meter_seconds": Wanted(real, ())}
    since = values["update"] - (int(run.check_points.first(checks)[-1]) if checks else 0)
    if since:
        wanted |= {f"since_check{i}": Wanted(dtype, (since,)) for i, dtype in enumerate((real, whole, real))}
    if keeper.restores and values["best_epoch"] is not None:
        wanted |= {"best_flat": flat, "best_running": running}
    if "end" in values:
        wanted["end_row"] = Wanted(real, (len(run.history),), finite=False)
    if "update_norm" in run.history:
        wanted["meter_flat"] = flat
    if "prediction_changes" in run.history and checks:
        train = run.sets["train"]
        several = (run.model.outputs,) if train.answers == "labels" else ()
        wanted["meter_predictions"] = Wanted(whole, (run.model.rows_of(train.inputs), *several))
    return wanted


def _require_history(file: File, run: TrainingRun, rows: np.ndarray, points: np.ndarray) -> None:
    """Raise CheckpointError for rows that a run cannot have measured after these updates (checks,)."""
    columns = dict(zip(run.history, rows.T, strict=True))
    file.require(np.array_equal(columns["update"], points), "history: its updates are not those of the checks")
    file.require(np.array_equal(columns["epoch"], points / run.batches), "history: its epochs are not those of the checks")
    file.require(np.isfinite(columns["train_loss"]).all(), "history: train_loss is not finite")
    for name in SHARES:
        column = columns.get(name, points[:0])
        share = (column >= 0) & (column <= 1 + ROUNDING)
        file.require((np.isnan(column) | share).all(), f"history: {name} is not in [0, 1]")


def no_negative_variance(statistics: Mapping[str, np.ndarray]) -> bool:
    """Return whether all running variances of a model, dict name -> array, can be variances."""
    return all((array >= 0).all() for name, array in statistics.items() if name.startswith("running_var"))


def _require_bounds(file: File, run: TrainingRun, arrays: dict[str, np.ndarray]) -> None:
    """Raise CheckpointError for arrays with entries that would bring NaN, or a negative count, later on."""
    model, empty = run.model, np.zeros(0)
    inputs = run.sets["train"].inputs
    labels, rows = max(model.outputs, 2), model.rows_of(inputs)
    file.require(0 <= arrays["meter_seconds"] <= LONGEST_SECONDS,
                 f"meter_seconds: got {arrays['meter_seconds']}, accepted: from 0 to {LONGEST_SECONDS}")
    # Slots may have overflown, and such a parameter rests (its second moment) or diverges; NaN is in no bounds.
    bounds = {"slot0": (-np.inf, np.inf), "slot1": (0, np.inf), "meter_predictions": (0, labels - 1),
              "since_check1": (int(inputs.lengths.all()), rows), "since_check2": (0, 1)}
    for name, (least, most) in bounds.items():
        array = arrays.get(name, empty)
        file.require(((array >= least) & (array <= most)).all(),
                     f"{name}: got others, accepted: numbers from {least} to {most}")
    for name in {"running", "best_running"} & set(arrays):
        statistics = Views(arrays[name], {statistic: array.shape for statistic, array in model.statistics.items()})
        file.require(no_negative_variance(statistics), f"{name} holds negative variances")


def take_over(run: TrainingRun, keeper: BestKeeper, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Go on from what `read` returned."""
    run.engine.set_weights(State(arrays["flat"], arrays["running"], (arrays["slot0"], arrays["slot1"])))
    run.update, run.last_loss = values["update"], float(values["last_loss"])
    run.history.fill(arrays["history"])
    if run.reductions is not None:  # what it has seen is in the record
        for values_at_check in arrays["history"]:
            run.reductions.see(dict(zip(run.history, values_at_check.tolist(), strict=True)))
    run.history.stopped_epoch, run.history.best_epoch = values["stopped_epoch"], values["best_epoch"]
    if "since_check0" in arrays:
        run.since_check = [tuple(arrays[f"since_check{i}"] for i in range(3))]
    run.meter.set_state({name[6:]: array for name, array in arrays.items() if name.startswith("meter_")})
    if "best_flat" in arrays:
        keeper.best = (arrays["best_flat"], arrays["best_running"])
