"""Sweeps: the shards of a grid are trained here or on a cluster, and runs kept as they arrive (see shards.py)."""
import importlib
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Protocol

from . import identity
from .progress import Progress, say_unused
from .runner import as_they_end, cores
from .shards import Finished, Shard, cut, run_shard
from .store import Store

WORKERS_ON_WINDOWS = 60  # where one call can wait for 63 pipes


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep; the message says how much is done."""


class Pool(Protocol):
    """Where shards are trained: `Threads` here, `processes.Processes` or `cluster.Dask`."""

    workers: int

    def results(self, shards: Sequence[Shard]) -> Generator[list[Finished], None, None]:
        """Train all shards, and yield what each leaves as it arrives, in any order."""


class Threads:
    """Threads of this process, one shard in each; 0: as many as there are cores."""

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or cores()

    def results(self, shards: Sequence[Shard]) -> Generator[list[Finished], None, None]:
        """As `Pool.results`. The first failure of a shard is raised; no other one is begun then."""
        pool = ThreadPoolExecutor(self.workers, "afterzero-sweep")
        failed = threading.Event()

        def train(shard: Shard) -> list[Finished]:
            if failed.is_set():  # by a thread that would take its next shard before anybody hears of the failure
                return []
            try:
                return run_shard(shard)
            except BaseException:
                failed.set()
                raise

        try:
            for done in as_they_end({pool.submit(train, shard) for shard in shards}):
                for future in sorted(done, key=lambda future: future.exception() is not None):  # what is good first
                    yield future.result()
        finally:
            # Nobody wants to wait after Ctrl-C; threads still training throw their shard away.
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def pool(scheduler: str = "", workers: int = 0) -> Iterator[Pool]:
    """Open where shards are trained.

    Parameters
    ----------
    scheduler : str
        Address of a Dask scheduler, for example "tcp://10.0.0.1:8786".
    workers : int
        So many worker processes on this machine. Neither: threads of this process.

    Raises
    ------
    SweepError
        With `scheduler`: Dask is not installed, or the scheduler does not answer.
    """
    if not scheduler and not workers:
        yield Threads()
        return
    if scheduler:
        from . import cluster

        with cluster.connect(scheduler) as dask:
            yield dask
    else:
        from . import processes

        with processes.local(workers) as place:
            yield place


def check_places(scheduler: str, workers: int) -> None:
    """Raise ValueError unless these are good arguments for `pool`."""
    if workers < 0:
        raise ValueError(f"workers: got {workers!r}, accepted: a whole number, 0 for threads of this process")
    if workers > WORKERS_ON_WINDOWS and sys.platform == "win32":
        raise ValueError(f"workers: got {workers!r}, accepted: at most {WORKERS_ON_WINDOWS} on Windows, or a scheduler")
    if scheduler and workers:
        raise ValueError(f"workers: got {workers!r} beside scheduler {scheduler!r}, accepted: one of them")


def train_missing(store: Store, runs: Sequence[dict], trainer: str, place: Pool, title: str) -> int:
    """Train what the store lacks; this process alone writes, each run once and as soon as it has arrived.

    Parameters
    ----------
    store : Store
    runs : sequence of dict
        Settings; trained on `place`, long shards first.
    trainer : str
    place : Pool
        Of `pool`.
    title : str
        Left of the progress.

    Returns
    -------
    int
        How many runs were trained.

    Raises
    ------
    SweepInterrupted
        On Ctrl-C. Shards in flight are lost, nothing else.
    SweepError, Exception
        The first failure of a shard; what arrived before is kept.
    """
    wanted = {identity.run_key(run) for run in store.missing(runs)}
    cuts = [Shard(shard.trainer, tuple(run for run in shard.runs if identity.run_key(run) in wanted))
            for shard in cut(runs, trainer)]
    todo = sorted((shard for shard in cuts if shard.runs), key=lambda shard: -shard.seconds)
    if not todo:
        return 0
    say_unused(store, runs)
    cost = sum(shard.seconds for shard in todo)
    try:
        with Progress(title, len(wanted), cost, place.workers) as progress, closing(place.results(todo)) as arriving:
            for finished in arriving:
                _keep(store, finished, progress.advance, importlib.import_module(trainer).seconds)
    except KeyboardInterrupt:  # perhaps between keeping a run and counting it, so the store is asked
        kept = len(wanted) - len(wanted & {identity.run_key(run) for run in store.missing(runs)})
        raise SweepInterrupted(f"{kept} of {len(wanted)} runs of this sweep are done and kept") from None
    return len(wanted)


def _keep(store: Store, finished: list[Finished], advance: Callable[[float], None], cost: Callable[[dict], float]) -> None:
    for settings, run, taken, machine in finished:
        store.save(settings, run, taken, machine)
        advance(cost(settings))
