"""A perceptron trained on anybody's table far past zero training error, with every check on record.

The table itself does not fit into a run's settings: they name its digest, and `offered` says which table that is. So runs on
tables are trained by threads of this process only.
"""
import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..data.sets import DataSet
from ..data.tables import Parts, Problem, cut, encoded, input_names
from ..data.tables.problem import CATEGORY
from ..runs.identity import code_version
from ..runs.settings import SettingError
from ..runs.store import Run
from .measures import Subject, calibration, errors, losses, margins
from .watching import END, Watcher, take

TRAINER = __name__
VARIED = ("level",)  # runs of one division of the rows share its arrays
# A rule that never stops keeps its best check to the end.
MODELS = (("zero", "zero error"), ("best", "Patience(1000000)"), ("best_error", "Patience(1000000, monitor='val_error')"))
RANDOM, UNSCALED = "random labels", "unscaled inputs"
LARGEST = 1e6  # of unscaled inputs, so that no sum overflows
CURVE_POINTS = 60  # of the curves, which are to be looked at: the record is in the arrays
WEIGHTED = "_weighted"  # end of the names of curves that count classes by their weights; rules watch the others
# Of one core, measured on tables from 500 × 20 to 100 000 × 100: an update, a multiplication, what a row and a check cost.
UPDATE_SECONDS, SECONDS_PER_PRODUCT, ROW_SECONDS, CHECK_SECONDS = 1.2e-5, 1.4e-11, 3e-7, 4e-4

_tables: dict[str, Problem] = {}
_encoding = threading.Lock()  # one division is made once, and not by every thread that wants it


@dataclass(frozen=True)
class OwnRun:
    """One run.

    Attributes
    ----------
    seed : int
        Of the division of the rows, the initial weights and the order.
    table : str
        Digest of the table.
    split : float
        Share of the rows that tests, and as large a one that validates.
    hidden : tuple of int
        Units; () is a linear model.
    epochs, batch_size, learning_rate : int, int, float
        Of Adam.
    level : float
        Of flooding; 0: none.
    weighted : bool
        Whether classes count alike, however many rows they have.
    change : str
        "", `RANDOM` (training labels drawn anew among the training rows) or `UNSCALED` (numbers as the table has them).
    experiment, dtype : str
    """

    seed: int
    table: str
    split: float
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    level: float = 0.0
    weighted: bool = False
    change: str = ""
    experiment: str = "check"
    dtype: str = "float32"

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "hidden": list(self.hidden), "code": code_version(TRAINER)}


def own_run_of(settings: Mapping) -> OwnRun:
    """Return the run whose `settings` these are."""
    run = OwnRun(**{name: value for name, value in settings.items() if name != "code"})
    return replace(run, hidden=tuple(run.hidden))


@contextmanager
def offered(problem: Problem) -> Iterator[None]:
    """Let runs inside the block find this table by its digest."""
    _tables[problem.digest] = problem
    try:
        yield
    finally:
        del _tables[problem.digest]
        _data.cache_clear()


def table_of(digest: str) -> Problem:
    """Return the table on offer; raises SettingError when there is none of this digest."""
    if digest not in _tables:
        raise SettingError(f"table: got {digest[:12]}…, accepted: one that is offered in this process")
    return _tables[digest]


def weights_in(hidden: tuple[int, ...], inputs: int, outputs: int) -> int:
    """Return how many weights a network has, biases left out."""
    sizes = (inputs, *hidden, outputs)
    return sum(a * b for a, b in itertools.pairwise(sizes))


def seconds(settings: Mapping) -> float:
    """Estimated seconds of one core for one run."""
    run = own_run_of(settings)
    problem = table_of(run.table)
    rows, weights = len(problem), weights_in(run.hidden, len(input_names(problem)), len(problem.classes) or 1)
    train = max(1, int(rows * (1 - 2 * run.split)))
    # Forward and backward are three products a weight and row; of a check one, for all rows and, until there is no error,
    # for those of training once more.
    products = 2 * weights * (3 * train + rows + train)
    updates = -(-train // run.batch_size)
    epoch = updates * UPDATE_SECONDS + products * SECONDS_PER_PRODUCT + rows * ROW_SECONDS + CHECK_SECONDS
    return run.epochs * epoch + 5 * rows * ROW_SECONDS + 0.02


@lru_cache(maxsize=4)
def _data(digest: str, split: float, seed: int) -> DataSet:
    problem = table_of(digest)
    return encoded(problem, cut(problem, split, seed))


def data_of(run: OwnRun) -> DataSet:
    """Return the parts that a run learns from, chooses by and is tested on."""
    with _encoding:
        data = _data(run.table, run.split, run.seed)
    if run.change == RANDOM:
        y = np.random.default_rng([run.seed, 11]).permutation(data.train.y)
        return replace(data, train=replace(data.train, y=y, y_clean=y))
    if run.change == UNSCALED:
        problem = table_of(run.table)
        return _unscaled(problem, cut(problem, run.split, run.seed), data)
    return data


def _unscaled(problem: Problem, parts: Parts, data: DataSet) -> DataSet:
    """Return the same with numbers and dates as the table has them, missing ones at the mean of the training rows."""
    names = input_names(problem)
    inputs = {part: getattr(data, part).x.copy() for part in ("train", "validation", "test")}
    for column in problem.columns:
        if column.kind != CATEGORY and np.isfinite(column.values[parts.train]).any():
            values = np.where(column.missing, np.nanmean(column.values[parts.train]), column.values)
            for part, x in inputs.items():
                x[:, names.index(column.name)] = np.clip(values[getattr(parts, part)], -LARGEST, LARGEST)
    return replace(data, **{part: replace(getattr(data, part), x=x) for part, x in inputs.items()})


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Arrays "record.NAME" (checks,): losses and errors of all parts after every epoch. Of the models
        "zero" (the first epoch without a training error), "best" (lowest validation loss), "best_error" (lowest validation
        error) and "end" (for flooded runs the end alone): scalars "MODEL.FIGURE", arrays "MODEL.losses" and
        "MODEL.predictions" of the test rows, (N,). A run that diverged has the scalar "diverged" 1 and no models.
    """
    from losses import CrossEntropy, Flooding, SquaredError
    from nn import MLP, Adam, fit_fleet
    from nn.processor import one_blas_thread, thread_limit

    many = [own_run_of(run) for run in runs]
    one, data = many[0], data_of(many[0])
    classes = len(data.classes)
    base = CrossEntropy() if classes else SquaredError()
    rules = [rule for rule in MODELS if classes or rule[0] == "best"]
    watchers = [Watcher([] if run.level else rules, partial(_without_error, data.train)) for run in many]
    model = MLP((data.train.x.shape[1], *one.hidden, classes or 1), dtype=one.dtype)
    weight = _class_weights(data.train.y, classes)[data.train.y] if one.weighted and classes else None
    with one_blas_thread(), thread_limit(1):
        fleet = fit_fleet(model, data.train.x, data.train.y,
                          members=[{"seed": run.seed, "level": run.level} for run in many],
                          loss=Flooding(base, 0), optimizer=Adam(one.learning_rate), epochs=one.epochs,
                          batch_size=one.batch_size, validation=(data.validation.x, data.validation.y),
                          test=(data.test.x, data.test.y), sample_weight=weight, workers=1, progress=False,
                          on_check=lambda r, model, row: watchers[r](model, row),
                          on_epoch=(lambda r, model, epoch: watchers[r].epoch(model, epoch)) if watchers[0].looks else None)
    return [_record(fleet, r, data, base, watchers[r]) for r in range(len(many))]


def _without_error(train: Any, model: Any) -> bool:
    return bool((model.forward(train.x).argmax(axis=1) == train.y).all())


def _class_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """Return N / (K n_k) of each class, (K,); 0 where a class has no rows."""
    counts = np.bincount(y, minlength=classes)
    return np.where(counts, len(y) / (classes * np.maximum(counts, 1)), 0.0)


def _record(fleet: Any, r: int, data: DataSet, base: Any, watcher: Watcher) -> Run:
    """Return what is kept of one run."""
    history = fleet.history(r)
    record = {name: np.asarray(history[name], dtype=float) for name in history if not name.endswith(WEIGHTED)}
    checks = len(record["epoch"])
    rows = np.unique(np.geomspace(1, max(1, checks), CURVE_POINTS).round().astype(int))[:checks] - 1
    run = Run(curves={name: values[rows] for name, values in record.items()},
              arrays={f"record.{name}": values for name, values in record.items()},
              scalars={"diverged": float(bool(fleet.messages[r]))})
    if fleet.messages[r]:
        return run
    end = take(float(record["epoch"][-1]), fleet.model(r))
    for name, taken in {**watcher.taken, END: end}.items():
        model = fleet.new_model(r)
        model.flat[...], model.running[...] = taken.flat, taken.running
        scalars, arrays = _measured(Subject(model, data, base, history, taken))
        run.scalars.update({f"{name}.{key}": value for key, value in {"epoch": taken.epoch, **scalars}.items()})
        run.arrays.update({f"{name}.{key}": values for key, values in arrays.items()})
    return run


def _measured(one: Subject) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return what is kept of one model: figures, and arrays over the test rows."""
    outputs, y = one.outputs("test"), one.labels("test")
    arrays = {"losses": np.asarray(one.base.per_sample(outputs, y), dtype=np.float32)}
    if not one.data.classes:
        return losses(one), arrays
    predictions = one.predictions("test")
    arrays["predictions"] = predictions.astype(np.int32)
    found = {**losses(one), **errors(one), **calibration(one), **margins(one), **_cooled(one)}
    wrong = [float(np.mean(predictions[y == k] != k)) for k in range(len(one.data.classes)) if (y == k).any()]
    found["balanced_error"] = float(np.mean(wrong))
    return {name: value for name, value in found.items() if np.ndim(value) == 0 and name != "test_error_clean"}, arrays


def _cooled(one: Subject) -> dict[str, float]:
    """Temperature that the validation rows ask for, and the test loss with it (Guo et al., ICML 2017)."""
    from losses.calibration import fit_temperature

    temperature = float(fit_temperature(one.outputs("validation"), one.labels("validation")))
    return {"temperature": temperature,
            "cooled_loss": float(one.base.value(one.outputs("test") / temperature, one.labels("test")))}
