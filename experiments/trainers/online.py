"""On-line training of a network on digits, beside mini-batches and full batches: every update's loss, and what time it took.

In on-line training every pattern is classified before it is learnt, which gives an error for free. Here all these errors
are kept, and what people make of them (their running average, the average of an epoch) stands beside losses measured with
frozen weights. Time is processor time of the thread that trains, of updates alone, so that neither checks nor other programs
count; it depends on the machine all the same, and on what else it does. So epochs are timed in turn with on-line ones, and
how many times as long they take is what is compared.
"""
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..data import digits
from ..runs.identity import code_version
from ..runs.store import Run

TRAINER = __name__
VARIED = ("seed",)
ROUNDS = 10  # epochs that are timed, and as many on-line
UPDATE_SECONDS, SAMPLE_SECONDS = 2e-6, 1e-6  # of one core; a pattern in a batch, and one in a check
SETS = ("train", "val", "test")


@dataclass(frozen=True)
class Course:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; data, initial weights, order.
    batch_size : int
        1: on-line; 0: all patterns.
    learning_rate : float
        Of SGD without momentum.
    train, validation : int
        Digits; the rest of the 1797 is the test set.
    hidden : tuple of int
        Units of the relu layers.
    noise : float
        Share of flipped labels of training and validation digits; the test set is judged by its true labels.
    epochs : int
    first, checks : int
        Checks in the first epoch, in which most is learnt, and in each later one: evenly spread; one that would come between
        two updates comes after the next one.
    window : int
        Patterns: 1/(1 - decay) of the running average.
    dtype : str
    """

    experiment: str
    seed: int
    batch_size: int
    learning_rate: float
    train: int = 400
    validation: int = 300
    hidden: tuple[int, ...] = (30,)
    noise: float = 0.1
    epochs: int = 1
    first: int = 20
    checks: int = 2
    window: int = 100
    dtype: str = "float32"

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "hidden": list(self.hidden), "code": code_version(TRAINER)}

    @property
    def samples_at_once(self) -> int:
        """Patterns of an update."""
        return min(self.batch_size or self.train, self.train)

    @property
    def updates(self) -> int:
        """Updates of an epoch."""
        return -(-self.train // self.samples_at_once)


def course_of(settings: Mapping) -> Course:
    """Return the run whose `settings` these are."""
    fields = {name: value for name, value in settings.items() if name != "code"}
    return Course(**{**fields, "hidden": tuple(fields["hidden"])})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = course_of(settings)
    checks = min(run.checks, run.updates)
    return run.epochs * (run.updates * UPDATE_SECONDS + (run.train + checks * 1797) * SAMPLE_SECONDS)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Curves, a value per check, the first before training: `epoch`, `update`; `running`, the running
        average of the losses before each update, and `average`, their mean since the epoch began (NaN before the first
        update); with frozen weights `train_loss`, `train_error` and the same of "val" and "test". Array `losses`: before
        each update. A run whose loss is not finite ends there: all its later values are NaN. Scalars `online_seconds`,
        processor time of an epoch on-line, which depends on the machine, and `times_online`, how many times that an epoch
        of this run takes.
    """
    from nn.processor import one_blas_thread, thread_limit

    with one_blas_thread(), thread_limit(1), np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
        return [_train(course_of(run)) for run in runs]


def _train(run: Course) -> Run:
    trained = Training(run)
    rows = [trained.check()]
    for epoch in range(run.epochs):
        for update in check_points(run, run.checks if epoch else run.first):
            trained.train(update)
            rows.append(trained.check())
    return Run(curves={name: np.array([row[name] for row in rows]) for name in rows[0]}, scalars=times(run),
               arrays={"losses": np.concatenate(trained.losses).astype(np.float32)})


def times(run: Course) -> dict[str, float]:
    """Time epochs of a run in turn with on-line ones, all at one rate, at which none diverges: it is the same work."""
    kinds = [Training(replace(run, batch_size=size, learning_rate=0.01)) for size in (run.batch_size, 1)]
    spent = np.array([[one.timed() for one in kinds] for _ in range(ROUNDS + 1)])[1:].sum(axis=0)  # the first warms up
    return {"online_seconds": float(spent[1]) / ROUNDS, "times_online": float(spent[0] / spent[1])}


def check_points(run: Course, checks: int) -> list[int]:
    """Updates of an epoch after which a run is looked at; the last is the epoch's end."""
    return sorted({math.ceil(part * run.updates / checks) for part in range(1, checks + 1)})


class Training:
    """A network on its way, as `nn.fit` trains it: same orders, same updates, bit for bit."""

    def __init__(self, run: Course) -> None:
        from losses import CrossEntropy
        from nn import MLP, SGD
        from stopping import RunningAverage

        data = digits(run.train, run.validation, noise=run.noise, seed=run.seed)
        self.run, self.loss, self.optimizer = run, CrossEntropy(), SGD(run.learning_rate)
        self.sets = {"train": (data.train.x, data.train.y), "val": (data.validation.x, data.validation.y),
                     "test": (data.test.x, data.test.y_clean)}
        self.model = MLP((data.train.x.shape[1], *run.hidden, len(data.classes)), dtype=run.dtype, seed=run.seed)
        inputs = self.model.check_x(data.train.x)
        y = self.loss.prepare(data.train.y, run.train, self.model.outputs)
        self.engine = self.model.open(inputs, y, self.loss, batch=run.samples_at_once, optimizer=self.optimizer)
        self.average = RunningAverage(max(0.0, 1 - run.samples_at_once / run.window))
        self.update, self.diverged = 0, False
        self.losses: list[np.ndarray] = []
        self.sums = np.zeros(2)  # of this epoch: losses, patterns
        self._steps(0, 0)  # compiled before the clock runs

    def train(self, until: int) -> None:
        """Train until `until` updates of this epoch are done."""
        (epoch, first), at_once = divmod(self.update, self.run.updates), self.run.samples_at_once
        if first == 0:
            self.sums = np.zeros(2)
        count = until - first
        if not self.diverged:
            losses, taken = self._steps(epoch, count)
            self.diverged = taken < count or not np.isfinite(self.model.flat).all()
            rows = np.minimum(self.run.train - at_once * np.arange(first, until), at_once)
            self.losses.append(losses)
            self.sums += float(losses @ rows), float(rows.sum())
            for loss in losses:
                self.average.update(loss)
        self.update += count

    def timed(self) -> float:
        """Train for one epoch, of which nothing is kept, and return the processor time that it takes."""
        started = time.thread_time()
        self._steps(self.update // self.run.updates, self.run.updates)
        self.update += self.run.updates
        return time.thread_time() - started

    def _steps(self, epoch: int, count: int) -> tuple[np.ndarray, int]:
        """Take updates of an epoch; return the loss before each, and how many there were (fewer of a run that diverges)."""
        from nn.shared.codes import Log, Plan

        order = np.random.default_rng([self.run.seed, epoch]).permutation(self.run.train)
        log = Log(np.full(count, np.nan), np.empty(count), np.empty(count, np.int64))
        plan = Plan(self.update, self.run.samples_at_once, epoch, order[np.newaxis],
                    self.optimizer.rates(self.update, count, self.run.updates))
        return log.losses, self.engine.steps(plan, log)

    def check(self) -> dict[str, float]:
        """Return averages of the losses before updates, and losses and errors of all sets with frozen weights."""
        row = {"epoch": self.update / self.run.updates, "update": float(self.update),
               "running": self.average.value, "average": self.sums[0] / self.sums[1] if self.sums[1] else np.nan}
        for name, (x, y) in self.sets.items():
            outputs = np.full((len(y), self.model.outputs), np.nan) if self.diverged else self.model.forward(x)
            row[f"{name}_loss"] = np.nan if self.diverged else float(self.loss.value(outputs, y))
            row[f"{name}_error"] = np.nan if self.diverged else float(np.mean(outputs.argmax(axis=1) != y))
        return row
