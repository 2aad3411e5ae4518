"""Sweeps: a grid of runs is cut into fleets, which are trained here or on a cluster, and kept as they arrive.

A run is a dict of plain values, its settings, whose hash is its identity in the store. Runs that differ in little (seed,
noise, flood level) are one shard: the members of one `nn.fit_fleet`. What a member becomes depends on its own settings
alone, so neither cut nor place matters: on one CPU type results are the same bit for bit.

A trainer is a module that is named in each shard, with three things: `VARIED`, the settings in which the runs of a
shard may differ; `seconds(run)`, what a run costs, about; and `train_fleet(runs) -> list of results.Run`.
"""
import importlib
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from . import identity
from .progress import Progress
from .runner import as_they_end, cores
from .store import Run, Store

# At most, of a shard with more than one run: this is lost when a worker dies, and a sweep has some shards for every worker.
SHARD_SECONDS, SHARD_RUNS, SHARE = 20.0, 8, 0.01
WORKERS_ON_WINDOWS = 60  # where one call can wait for 63 pipes


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep; the message says how much is done."""


class SweepError(Exception):
    """A sweep cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Shard:
    """Runs that one worker trains in one go; plain values only, so that it can travel.

    Attributes
    ----------
    trainer : str
        Name of a module, for example "experiments.trainers.flooding_runs".
    runs : tuple of dict
        Settings of each run.
    """

    trainer: str
    runs: tuple[dict, ...]

    @property
    def name(self) -> str:
        """The same for the same runs, different for others."""
        return f"{self.trainer}-{identity.run_key({'runs': list(self.runs)})[:32]}"

    @property
    def seconds(self) -> float:
        """Estimated seconds of one core."""
        return sum(map(importlib.import_module(self.trainer).seconds, self.runs))


class Finished(NamedTuple):
    """What a worker sends back of one run."""

    settings: dict
    run: Run
    seconds: float  # the run's equal share of its shard's time
    machine: dict  # `identity.machine` of where it was trained


class Pool(Protocol):
    """Where shards are trained: `Threads` here, `processes.Processes` or `cluster.Dask`."""

    workers: int

    def results(self, shards: Sequence[Shard]) -> Generator[list[Finished], None, None]:
        """Train all shards, and yield what each leaves as it arrives, in any order."""


def cut(runs: Sequence[dict], trainer: str) -> list[Shard]:
    """Cut a grid into shards of at most about 20 s, a hundredth of the whole and 8 runs, but at least one run each.

    Parameters
    ----------
    runs : sequence of dict
        The whole grid: what is in the store already makes no difference to the cut. Each counts once.
    trainer : str

    Returns
    -------
    list of Shard
        The same for the same grid, whatever will train it.
    """
    module = importlib.import_module(trainer)
    shards: dict[str, list[list[dict]]] = {}  # by what the members of a fleet share
    filled: dict[str, float] = {}
    limit = min(SHARD_SECONDS, SHARE * sum(map(module.seconds, runs)))
    for run in {identity.run_key(run): run for run in runs}.values():
        shared = identity.canonical({name: value for name, value in run.items() if name not in module.VARIED})
        cost = module.seconds(run)
        if shared not in shards or filled[shared] + cost > limit or len(shards[shared][-1]) == SHARD_RUNS:
            shards.setdefault(shared, []).append([])
            filled[shared] = 0.0
        shards[shared][-1].append(run)
        filled[shared] += cost
    return [Shard(trainer, tuple(members)) for group in shards.values() for members in group]


def run_shard(shard: Shard) -> list[Finished]:
    """Train one shard; a pure function of it, on one core. This is what travels to a worker.

    Raises
    ------
    SweepError
        When this machine has other sources than the one that made the shard.
    """
    here = identity.code_version()
    for run in shard.runs:
        if run["code"] != here:
            raise SweepError(f"a worker on {identity.cpu_name()} has version {here} of the code and the sweep is of version "
                             f"{run['code']}; install the same afterzero on all machines and restart their workers")
    begin = time.perf_counter()
    results = importlib.import_module(shard.trainer).train_fleet(list(shard.runs))
    each = (time.perf_counter() - begin) / len(shard.runs)
    machine = identity.machine()
    return [Finished(run, result, each, machine) for run, result in zip(shard.runs, results, strict=True)]


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
        raise ValueError(f"workers is {workers!r}; accepted: a whole number, 0 for threads of this process")
    if workers > WORKERS_ON_WINDOWS and sys.platform == "win32":
        raise ValueError(f"workers is {workers!r}; accepted: at most {WORKERS_ON_WINDOWS} on Windows, or a scheduler")
    if scheduler and workers:
        raise ValueError(f"workers is {workers!r} and scheduler {scheduler!r}; accepted: one of them")


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
