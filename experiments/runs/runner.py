"""Train many independent runs at once and keep each as soon as it is finished."""
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from .progress import Bar
from .store import Run, Store

_expected: ContextVar[str] = ContextVar("expected", default="")


@contextmanager
def expected(text: str) -> Iterator[None]:
    """Let `train_missing` say how long all of a command takes, before it begins."""
    token = _expected.set(text)
    try:
        yield
    finally:
        _expected.reset(token)


class Cancelled(Exception):
    """Raised inside a run when the user or another run's failure ends the whole."""


@dataclass(frozen=True)
class Job:
    """One run to be made.

    Attributes
    ----------
    settings : mapping
        Everything that decides its outcome: the identity under which it is stored.
    train : callable
        ``train(tick) -> Run``; it calls ``tick(share)`` with the share done, 0 to 1, every now and then.
    cost : float
        Expected work in any unit, for the progress bar and the order of jobs.
    """

    settings: Mapping
    train: Callable[[Callable[[float], None]], Run]
    cost: float = 1.0


def cores() -> int:
    """Cores this process may use: fewer than the machine has, inside a container or a batch job."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def as_they_end(futures: set[Future]) -> Iterator[set[Future]]:
    """Yield the futures that have ended, some at a time, until all have."""
    while futures:
        # The timeout keeps Ctrl-C alive on systems where waiting for a lock cannot be interrupted.
        done, futures = wait(futures, timeout=0.5, return_when=FIRST_COMPLETED)
        yield done


def train_missing(store: Store, jobs: Sequence[Job], title: str, workers: int = 0) -> int:
    """Train the jobs that have no finished run in the store.

    Runs go to threads, not processes: compiled training releases the GIL, compiles once for all, and each run uses one core.

    Parameters
    ----------
    store : Store
        Each run is written as soon as it is finished.
    jobs : sequence of Job
        Independent of each other.
    title : str
        Left of the progress bar, which is not shown when output is not a terminal.
    workers : int
        Threads; 0 takes one per core.

    Returns
    -------
    int
        How many runs were trained.

    Raises
    ------
    Exception
        The first failure of a job, after the others were told to end; finished runs are kept.
    """
    wanted = {id(settings) for settings in store.missing([job.settings for job in jobs])}
    # Long runs first: otherwise the last one starts when all others are done and leaves cores idle.
    todo = sorted((job for job in jobs if id(job.settings) in wanted), key=lambda job: -job.cost)
    if not todo:
        return 0
    takes = f", {_expected.get()}" if _expected.get() else ""
    print(f"{title}: {len(todo)} of {len(jobs)} runs to train{takes}", file=sys.stderr, flush=True)
    cancel = threading.Event()
    workers = min(workers or cores(), len(todo))
    pool = ThreadPoolExecutor(max_workers=workers)
    threads = 1 if workers > 1 else cores()  # of each run: runs must not compete for the same cores
    with Bar(title, sum(job.cost for job in todo)) as bar:
        pending = {pool.submit(_train_and_keep, store, job, _ticker(bar, job.cost, cancel), threads) for job in todo}
        try:
            for done in as_they_end(pending):
                for future in done:
                    future.result()  # raises what the job raised
        except BaseException as error:
            cancel.set()
            # After Ctrl-C nobody wants to wait; the runs end at their next check.
            pool.shutdown(wait=not isinstance(error, KeyboardInterrupt), cancel_futures=True)
            raise
        pool.shutdown()
    return len(todo)


def _train_and_keep(store: Store, job: Job, tick, threads: int) -> None:
    """Train and store one run, before its worker takes the next: an interruption never loses a finished one."""
    from nn.processor import one_blas_thread, thread_limit

    begin = time.perf_counter()
    with one_blas_thread(), thread_limit(threads):
        run = job.train(tick)
    store.save(job.settings, run, time.perf_counter() - begin)
    tick(1.0)


def _ticker(bar, cost: float, cancel: threading.Event):
    """Return the tick function of one job: it moves the bar, and ends the job when all shall end."""
    reported = 0.0

    def tick(share: float) -> None:
        nonlocal reported
        if cancel.is_set():
            raise Cancelled
        bar.advance((share - reported) * cost)
        reported = share

    return tick
