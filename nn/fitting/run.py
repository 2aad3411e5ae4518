"""One training run: its settings and data, its place in the orders, and the calls of the kernels."""
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from losses.base import Loss

from ..engine import BLOCK_ROWS
from ..model import Model
from ..processor import thread_limit
from ..schedules import ReduceOnPlateau, Reductions
from ..shared.codes import Log, Plan
from ..shared.inputs import Inputs
from ..shared.parameters import bytes_of
from .check_points import CheckPoints
from .freezing import frozen_ranges
from .history import History, TrainingDiverged
from .metrics import LabelledSet, Meter, labelled_set, needed_metrics, refuse_errors_of_values
from .refusals import refuse_batch_of_one, weights_at_fault
from .settings import Settings

MOST_UPDATES = 2**53  # whole numbers up to here are exact in the floats of a History
CHUNK_SECONDS = 0.3  # work of one compiled call: Ctrl-C and the progress bar wait no longer than this
UPDATE_SECONDS = 2e-5  # of the smallest update: its share of an epoch's order
ORDER_ELEMENTS = 4_000_000  # indices that the orders of one chunk may hold


class TrainingRun:
    """The state of one training run: where it is, and everything the kernels need.

    Parameters
    ----------
    model : MLP or RNN
    data : dict
        "training", and perhaps "validation" and "test" (or None) -> (x, y) or (x, y, lengths).
    settings : Settings

    Raises
    ------
    TypeError, ValueError
        As `fit`.

    """

    def __init__(self, model: Model, data: Mapping[str, Any], settings: Settings) -> None:
        settings = settings.checked(model)
        self.model, self.settings = model, settings
        loss, optimizer = self.loss, self.optimizer = settings.loss, settings.optimizer
        self.criterion = settings.stopping
        self.augment, self.seed, self.threads = settings.augment, settings.seed, settings.threads
        self._raw = data["training"]
        self._augmented_epoch: int | None = None
        train = labelled_set(model, loss, data["training"], "training", settings.sample_weight)
        validation, test = (_set_or_none(model, loss, data, name) for name in ("validation", "test"))
        self.sets: dict[str, Any] = {"train": train, "val": validation, "test": test}
        self.n = train.inputs.count
        loss.check_samples(self.n)
        self.batch_size = settings.samples_at_once(self.n)
        self.batches = settings.updates_per_epoch(self.n, self.batch_size)
        refuse_batch_of_one(model, self.n, self.batch_size, "training x", settings.drop_last)
        if optimizer.full_batch_only and self.batch_size < self.n:
            raise ValueError(f"batch_size: got {settings.batch_size} of {self.n} samples, accepted: None (full batch) with "
                             f"{optimizer!r}")
        self.total = settings.epochs * self.batches
        if self.total > MOST_UPDATES:
            raise ValueError(f"epochs: got {settings.epochs}, accepted: up to {MOST_UPDATES // self.batches} with "
                             f"{self.batches} updates in each, which a record can count exactly")
        self.check_points = CheckPoints(settings.check_every, self.total, self.batches)
        plateau = getattr(optimizer, "learning_rate", None)
        self.reductions = Reductions(plateau) if isinstance(plateau, ReduceOnPlateau) else None
        self.history, self.meter = self._new_history(settings.metrics)

        self.penalty = settings.penalty_code()
        with thread_limit(self.threads):
            self.engine = model.open(train.inputs, train.y, loss, batch=self.batch_size, optimizer=optimizer,
                                     penalty=self.penalty, frozen=frozen_ranges(model, settings.frozen),
                                     weights=train.weights)
        self.update = 0
        self._rates(1)  # a function that returns no rate is refused now
        self.last_loss = np.nan
        self.since_check: list[Any] = []  # (losses, rows, flooded) of each chunk
        self._watched = settings.on_epoch is not None
        if not (np.isfinite(model.flat).all() and np.isfinite(model.running).all()):
            self._diverged()  # before any training, and before there is a checkpoint
        self._pace = _Pace(6.0 * self.batch_size * model.flat.size)

    def _new_history(self, metrics: str | Iterable[str]) -> tuple[History, Meter]:
        columns = ["update", "epoch", "train_loss", "train_error", "train_loss_running", "parameter_norm",
                   "flooded_fraction"]
        for name in ("val", "test"):
            columns += [f"{name}_loss", f"{name}_error"] if self.sets[name] else []
        for name, data in self.sets.items():
            columns += [f"{name}_loss_weighted", f"{name}_error_weighted"] if data and data.weights is not None else []
        named, metrics = metrics, needed_metrics(metrics, self.criterion, columns)
        refuse_errors_of_values((named,) if isinstance(named, str) else named, "metrics", None, self.sets)
        if self.reductions is not None:
            metrics = needed_metrics(metrics, self.reductions, columns, "learning_rate")
        for argument, watcher in (("stopping", self.criterion), ("learning_rate", self.reductions)):
            refuse_errors_of_values(getattr(watcher, "requires", ()), argument, watcher, self.sets)
        return History([*columns, *metrics]), Meter(self.model, self.loss, self.sets, metrics)

    def memory(self) -> int:
        """Return about how many bytes such a run takes at most, beside the sets as they were handed in."""
        train = self.sets["train"]
        state = [self.model.flat, self.model.running, train.inputs, train.y, train.weights]
        if self.criterion is not None or "update_norm" in self.history:
            state.append(self.model.flat)  # the best weights, or those of the last check
        orders = 2 * 8 * self.n * min(self.settings.epochs, max(1, ORDER_ELEMENTS // self.n))  # twice while they are stacked
        log = 7 * 8 * self.total  # of each update: learning rate, loss, rows, flooded share; and their means at a check
        checks = 40 * len(self.check_points) * len(self.history)
        evaluations = sum(map(self._evaluation, filter(None, self.sets.values())))
        return self.engine.memory() + bytes_of(state) + orders + log + checks + evaluations

    def _evaluation(self, data: LabelledSet) -> int:
        """Return about how many bytes measuring a set takes."""
        rows = self.model.rows_of(data.inputs) * max(self.model.outputs, 2)
        engine = self.model.open(data.inputs, batch=min(data.inputs.count, BLOCK_ROWS))
        gradients = {"gradient_norm", "evidence"} & set(self.history)  # take an engine of their own
        return engine.memory() * (2 if gradients else 1) + 8 * 8 * rows  # outputs, and what the loss makes of them

    @property
    def between_epochs(self) -> bool:
        """Whether the next update is the first of an epoch."""
        return self.update % self.batches == 0

    def train_until(self, update: int, advance: Callable[..., Any], file: Any) -> None:
        """Take updates, a chunk at a time, until `update` of them are done; call `advance` with each chunk's number."""
        while self.update < update:
            count = min(update - self.update, self._pace.updates, self._updates_at_once(file.wanted or self._watched))
            started = time.perf_counter()
            self._train_chunk(count)
            self._pace.took(count, time.perf_counter() - started)
            advance(count, self.last_loss)
            if self._watched and self.between_epochs:
                self._watched = not self.settings.on_epoch(self.model, self.update // self.batches)
            if self.between_epochs and self.update < update:
                file.write()

    def _updates_at_once(self, one_epoch: Any) -> int:
        """Return how many updates may go into one chunk: some epochs' worth of orders, or one epoch that ends in Python."""
        epochs = 1 if one_epoch or self.augment is not None else max(1, ORDER_ELEMENTS // self.n)
        return epochs * self.batches - self.update % self.batches

    def _train_chunk(self, count: int) -> None:
        first_epoch, last_epoch = self.update // self.batches, (self.update + count - 1) // self.batches
        if self.augment is not None and self._augmented_epoch != first_epoch:
            augmented = self._augmented(first_epoch, self.augment)
            self.engine.load(augmented.inputs, augmented.y, augmented.weights)
            self._augmented_epoch = first_epoch
        used = self.batches * self.batch_size  # fewer than N where the last batch is dropped
        orders = np.stack([np.random.default_rng([self.seed, epoch]).permutation(self.n)[:used]
                           for epoch in range(first_epoch, last_epoch + 1)])  # (epochs, N)
        rates = self._rates(count)
        plan = Plan(self.update, self.batch_size, first_epoch, orders, rates)
        log = Log(np.empty(count), np.empty(count), np.empty(count, np.int64))
        taken = self.engine.steps(plan, log)
        if taken:
            self.last_loss = float(log.losses[taken - 1])
            self.since_check.append((log.losses[:taken], log.rows[:taken], log.flooded[:taken]))
        self.update += taken
        if taken < count:
            self._diverged()

    def _rates(self, count: int) -> np.ndarray:
        """Return the learning rates (count,) of the next updates."""
        rates = self.optimizer.rates(self.update, count, self.batches)
        return rates if self.reductions is None else rates * self.reductions.scale

    def compile(self) -> None:
        """Take no update and evaluate one sample, so that what training will call is compiled."""
        none = np.zeros(0)
        self.engine.steps(Plan(0, self.batch_size, 0, np.zeros((1, self.n), np.int64), none),
                          Log(none, none, np.zeros(0, np.int64)))
        self.model.evaluate(Inputs(*(array[:1] for array in self.sets["train"].inputs)))

    def _augmented(self, epoch: int, augment: Callable[..., Any]) -> LabelledSet:
        """Return the training set of an epoch, changed by `augment`."""
        x, y, lengths = self._raw
        rng = np.random.default_rng([self.seed, epoch, 1])
        result = augment(_read_only(x), _read_only(y), rng)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(f"augment: got {type(result).__name__} from it, accepted: a pair (x, y)")
        changed = labelled_set(self.model, self.loss, (*result, lengths), "augmented",
                               self.settings.sample_weight)
        now, given = changed.inputs, self.sets["train"].inputs
        if now.count != self.n:
            raise ValueError(f"augment: got {now.count} samples from it, accepted: as many as it was given ({self.n})")
        if len(now.tokens) != len(given.tokens) or not np.array_equal(now.lengths, given.lengths):
            raise ValueError("augment: got sequences of another kind or length from it, accepted: as it was given them")
        return changed

    def _diverged(self) -> None:
        rate = self._rates(1)[0]
        fault = weights_at_fault(self.model) if self.update == 0 else None  # the learning rate is not, yet
        raise TrainingDiverged(self.history, self.update + 1, rate, self.last_loss, fault)

    def require_finite_weights(self) -> None:
        """Raise TrainingDiverged if the last update left weights that are not finite."""
        if not np.isfinite(self.model.flat).all():
            self._diverged()

    def check(self) -> dict[str, float]:
        """Measure a row, append it to the history and return it."""
        measured = self.meter.measure()
        if not np.isfinite(measured["train_loss"]):
            self._diverged()
        row = {"update": self.update, "epoch": self.update / self.batches, **self._running(), **measured}
        self.history.append(row)
        if self.reductions is not None:
            self.reductions.see(row)
        return row

    def _running(self) -> dict[str, float]:
        """Return the averages over the updates since the last check, every row counting the same."""
        if not self.since_check:
            return {"train_loss_running": np.nan, "flooded_fraction": np.nan}
        losses, rows, flooded = (np.concatenate(part) for part in zip(*self.since_check, strict=True))
        self.since_check = []
        seen = rows.sum()  # 0 if all sequences were empty
        return {"train_loss_running": float(losses @ rows / seen) if seen else np.nan,
                "flooded_fraction": float(flooded @ rows / seen) if seen else np.nan}


def _set_or_none(model: Model, loss: Loss, data: Mapping[str, Any], name: str) -> Any:
    """Return a set out of all data, checked, or None if there is none of this name."""
    return None if data.get(name) is None else labelled_set(model, loss, data[name], name)


def _read_only(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written to: what `augment` did to it would be lost when a run is resumed."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


class BestKeeper:
    """Asks the criterion after each check, keeps the weights of its best one and gives them back on every way out."""

    def __init__(self, run: TrainingRun) -> None:
        self._model, self._criterion, self.restores = run.model, run.criterion, bool(run.settings.restore_best)
        self.best: Any = None
        self.stop = False  # (flat, running statistics)

    def see(self, row: Mapping[str, float], history: History) -> None:
        """Ask the criterion about the row just appended to the history."""
        if self._criterion is None:
            return
        self.stop = bool(self._criterion.update(**row))
        if self._criterion.best_step == history.checks:
            weights = (self._model.flat.copy(), self._model.running.copy()) if self.restores else None
            self.best, history.best_epoch = weights, row["epoch"]  # together, also under Ctrl-C

    def restore(self) -> None:
        """Give the model its best weights, if there are any."""
        if self.best is not None:
            self._model.flat[:], self._model.running[:] = self.best


class _Pace:
    """How many updates make CHUNK_SECONDS of work: guessed at first, then measured."""

    def __init__(self, operations: float) -> None:
        self.updates = int(max(1, CHUNK_SECONDS / (operations / 5e9 + UPDATE_SECONDS)))
        self._first = True

    def took(self, updates: int, seconds: float) -> None:
        if self._first:  # includes compilation
            self._first = False
        else:
            self.updates = int(np.clip(updates * CHUNK_SECONDS / max(seconds, 1e-9), self.updates / 4 + 1, self.updates * 4))
