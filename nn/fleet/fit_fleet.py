"""fit_fleet: many replicas of one network, trained side by side in threads."""
import contextlib
import copy
import dataclasses
import functools
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from losses.base import Loss
from losses.keywords import explains_arguments

from .. import elsewhere
from ..checks import integer
from ..fitting.checkpoint import RunFile
from ..fitting.fit import progress_bar, train
from ..fitting.history import TrainingDiverged, TrainingInterrupted
from ..fitting.metrics import labelled_set
from ..fitting.refusals import check_kinds
from ..fitting.run import BestKeeper, TrainingRun
from ..fitting.settings import Settings
from ..model import Model
from ..optimizers import Optimizer
from ..processor import one_blas_thread, thread_limit
from .history import FleetHistory
from .members import Member, MemberSets, blame, read_members, with_weights
from .together import stepping


@explains_arguments(elsewhere.FLEET)
def fit_fleet(model: Model, x: ArrayLike, y: ArrayLike, *, members: Iterable[Mapping[str, Any]], loss: Loss,
              optimizer: Optimizer, epochs: int, workers: int | None = None, max_memory: int | None = None,
              batch_size: int | None = 32, penalty: Any = None, validation: Sequence[Any] | None = None,
              test: Sequence[Any] | None = None, metrics: str | Iterable[str] = (), stopping: Any = None,
              restore_best: bool = True, check_every: int | Sequence[int] | None = None, lengths: ArrayLike | None = None,
              augment: Callable[..., Any] | None = None, clip_norm: float | None = None, seed: int = 0,
              progress: bool = True, on_member: Any = None, on_check: Callable[..., Any] | None = None,
              on_epoch: Callable[..., Any] | None = None, drop_last: bool = False,
              frozen: Sequence[int | str] = (), sample_weight: ArrayLike | None = None) -> FleetHistory:
    """Train R replicas of a network on all processors, each as a `fit` of its own; return the record of all of them.

    Every replica starts afresh, so it is bit for bit what this lone `fit` makes (here of a member that overrides the seed
    and the flood level, with data that all share)::

        alone = type(model)(**(model.settings() | {"seed": 7}))
        fit(alone, x, y, loss=Flooding(CrossEntropy(), level=0.1), optimizer=optimizer, epochs=epochs, seed=7, ...)

    whatever the number of workers, and whatever the other members are.

    Parameters
    ----------
    model : MLP or RNN
        The template: its settings are those of all replicas. It is not changed, and its weights play no part.
    x, y, lengths : arrays
        As `fit` takes them, shared by all replicas; or with one more axis in front, of length R, which holds each
        replica's own. Each of the three may be shared or not. Integers (a, b, c) for an RNN are inputs (N, T, D) that all
        share if c is D, and tokens (R, N, T) of each replica if not. What can be read both ways raises.
    members : list of R dicts
        What each replica overrides:

        - ``seed``: both the model's (initial weights and dropout masks) and that of the orders and of `augment`. Without
          it they are ``model.seed`` and the argument `seed`.
        - ``learning_rate`` (a number or a schedule), ``weight_decay``: of the optimizer.
        - ``level``: of a flooded loss. A fleet with plain members takes ``loss=Flooding(base, 0)``, which is the base.
        - ``levels`` (N,): of AdaFlooding.
        - ``penalty``: a penalty, such as ``L1(1e-4) + L2(1e-3)``, None, or a number: the strength in place of that of the
          fleet's L1 or L2.
    loss, optimizer, epochs, batch_size, penalty, metrics, restore_best, check_every, clip_norm, seed : as `fit` takes them
    workers : int, optional
        Threads; None: as many as there are processors, or as members where a backend trains many at once. With the NumPy
        backend they mostly wait for one another; on a GPU (``backend="cuda"``) members take turns, a chunk of updates each.
    max_memory : int, optional
        Bytes that the replicas in training may take together, by estimate: fewer are trained at a time where they would
        take more. The data, and what is kept of the others (parameters and history), come on top. None: no bound.
    validation, test : (x, y), or (x, y, lengths) for an RNN, optional
        Each part shared or with a leading axis R.
    stopping : criterion, optional
        As `fit` takes it. Each replica has a copy of it, which ends the training of that replica alone. To compare criteria
        train without, and ask ``stopping.replay(criterion, fleet.history(r))``: the answer is the same.
    augment : callable(x, y, rng) -> (x, y), optional
        As `fit` takes it. It is called from several threads.
    progress : bool
        Show a progress bar over all updates, if standard error is a terminal.
    on_member : callable(fleet, r), optional
        Called in the calling thread whenever a replica has come to its end, with the FleetHistory so far.
    on_check : callable(r, model, row), optional
        As `fit` takes it, with the replica's index in front. It is called in the replica's thread.
    on_epoch : callable(r, model, epoch) -> bool, optional
        As `fit` takes it, likewise.
    drop_last, frozen : as `fit` takes them
    sample_weight : array (N,) or (R, N), optional
        As `fit` takes it, shared by all replicas or each one's own.

    Returns
    -------
    FleetHistory

    Raises
    ------
    TypeError, ValueError
        For arguments, before any training; an error that is one member's says which one's (members[3]: …).
    TrainingInterrupted
        On Ctrl-C, with a FleetHistory of what there is as `.history`. Replicas in training end within one chunk (about
        0.3 s) or check.

    Notes
    -----
    A replica whose loss is not finite any more is recorded as diverged and does not raise; the others go on. Any other error
    in a replica ends the whole fleet and is raised.

    """
    settings = Settings.of(locals(), checkpoint=None, threads=1, resume=None)
    check_kinds(model, settings)
    if on_member is not None and not callable(on_member):
        raise TypeError(f"on_member: got {on_member!r}, accepted: a function of (fleet, r)")
    integer("seed", seed, low=0)  # also where all members have their own
    settings, chosen = with_weights(settings, read_members(members, settings))
    sets = {"training": (x, y, lengths), "validation": validation, "test": test}
    own = {name: MemberSets(model, data, len(chosen), name) for name, data in sets.items() if data is not None}
    together = stepping(model.backend)
    crew = _Crew(chosen, own, together)
    sample = crew.check(model, settings)
    fleet = FleetHistory(model, [member.overrides for member in chosen], sample.history, sample.check_points, sample.batches)
    most = len(chosen) if together and workers is None else _workers(workers)
    threads, total = int(min(most, len(chosen), _room(max_memory, sample))), sample.total * len(chosen)
    try:
        sample.compile()  # in this thread, where Ctrl-C need not wait for its end
        del sample  # its buffers
        with one_blas_thread(), progress_bar(progress, total) as advance:
            crew.train(fleet, threads, advance, on_member)
    except KeyboardInterrupt:
        done = f"{np.count_nonzero(fleet.finished)} of {fleet.replicas} replicas are done"
        raise TrainingInterrupted(fleet, f"training was interrupted: {done}") from None
    return fleet


def _workers(workers: int | None) -> int:
    """Return the number of threads asked for; None: of processors that this process may use."""
    if workers is not None:
        return integer("workers", workers, low=1, extra=" or None")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _room(max_memory: int | None, run: TrainingRun) -> float:
    """Return how many members like this run fit into so many bytes."""
    if max_memory is None:
        return np.inf
    least = run.memory()
    if integer("max_memory", max_memory, low=1, extra=" or None") < least:
        raise ValueError(f"max_memory: got {max_memory}, accepted: at least {least} (bytes that one replica in training "
                         "takes), or None")
    return max_memory // least


class _Stopped(Exception):
    """Raised inside a member's training when the fleet ends before it."""


class _Crew:
    """The members' settings and data, and how they are trained."""

    def __init__(self, chosen: list[Member], sets: dict[str, MemberSets], together: Any) -> None:
        self._chosen, self._sets, self._together = chosen, sets, together
        self._stop = threading.Event()

    def check(self, model: Model, plain: Settings) -> TrainingRun:
        """Raise an error for whatever `fit` would refuse; return the run of the first member with the fleet's Settings."""
        prototype = type(model)(**model.settings())
        differ = any(data.own for data in self._sets.values())
        if differ:
            with blame(0):  # or its faults would be taken for all members'
                for name, data in self._sets.items():
                    labelled_set(prototype, plain.loss, data.checked(0), name)
        sample = self._run(0, prototype, plain)
        for r, member in enumerate(self._chosen):
            if differ or member.settings.loss is not plain.loss or member.settings.penalty is not plain.penalty \
                    or member.settings.sample_weight is not plain.sample_weight:
                with blame(r):
                    self._run(r, prototype, member.settings)
        return sample

    def _run(self, r: int, model: Model, settings: Settings) -> TrainingRun:
        augmented = settings.augment is not None
        data = {name: part.raw(r) if augmented and name == "training" else part.checked(r)
                for name, part in self._sets.items()}
        return TrainingRun(model, data, dataclasses.replace(settings, stopping=copy.deepcopy(settings.stopping)))

    def train(self, fleet: FleetHistory, threads: int, advance: Callable[..., None], on_member: Any) -> None:
        """Train all members, so many at a time, each into the fleet."""
        ended: queue.SimpleQueue = queue.SimpleQueue()  # of (member's index, future)
        with _pool(threads, self._stop) as pool:
            for r in range(len(self._chosen)):
                future = pool.submit(self._train_one, r, fleet, advance)
                future.add_done_callback(functools.partial(_report, ended, r))
            for _ in self._chosen:
                r, future = _next(ended)
                future.result()  # raises what it raised
                if on_member is not None:
                    on_member(fleet, r)

    def _train_one(self, r: int, fleet: FleetHistory, advance: Callable[..., None]) -> None:
        def tick(updates: int, loss: float) -> None:
            if self._stop.is_set():
                raise _Stopped
            advance(updates, loss)
        model, settings = fleet.new_model(r), self._chosen[r].settings
        called: dict[str, Any] = {name: functools.partial(getattr(settings, name), r) for name in ("on_check", "on_epoch")
                  if getattr(settings, name) is not None}
        settings = dataclasses.replace(settings, **called)
        run = self._run(r, model, settings)
        keeper = BestKeeper(run)
        message, finished = None, True
        try:
            # As in `fit`. (NumPy's settings and the limit are each thread's own.)
            together = self._together.member(run) if self._together else contextlib.nullcontext()
            with np.errstate(over="ignore", invalid="ignore"), thread_limit(1), together:
                train(run, keeper, RunFile(run, keeper), tick)
        except TrainingDiverged as error:
            message = str(error)
        except _Stopped:
            finished = False
        keeper.restore()
        fleet.record(r, run.history, model, message, finished)
        advance(run.total - run.update, run.last_loss)  # updates that will not be taken any more


def _report(ended: "queue.SimpleQueue[Any]", r: int, future: Future[Any]) -> None:
    ended.put((r, future))


def _next(ended: "queue.SimpleQueue[Any]") -> Any:
    """Return what comes out of the queue next; Ctrl-C may strike meanwhile, on Windows only between two waits."""
    while True:
        with contextlib.suppress(queue.Empty):
            return ended.get(timeout=1.0)


@contextlib.contextmanager
def _pool(threads: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads; on the way out set `stop`, drop what has not begun and wait for what has."""
    pool = ThreadPoolExecutor(threads, "afterzero-fleet")
    try:
        yield pool
    finally:
        ended = False
        while not ended:
            with contextlib.suppress(KeyboardInterrupt):  # a second Ctrl-C: the first is already on its way up
                stop.set()
                pool.shutdown(cancel_futures=True)
                ended = True
