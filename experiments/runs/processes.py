"""Worker processes of this machine, which train the shards of a sweep.

Each worker gets its shards through a pipe and answers through another. Nothing listens, so nobody else on the machine can
give it work. Pipes tell of deaths, too: a worker's answers end when it dies, and its shards end when the driver does, upon
which the worker ends as well.
"""
import logging
import multiprocessing
import os
import pickle
import signal
import tempfile
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection

from nn.interrupts import interrupt_held_back

from .shards import Finished, Shard, SweepError
from .worker import serve

TRIES = 4  # of a shard whose worker died: the next one may find the memory that this one lacked
# One thread per worker and one worker per core. These are read when a library is loaded, so before a worker starts.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
# Not fork: a copy of this process would inherit locks that threads hold which it lacks, and the pipes of the other workers.
SPAWN = multiprocessing.get_context("spawn")


class WorkerTraceback(Exception):
    """Cause of an exception that a worker sent: where it was raised there."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class Died(Exception):
    """A worker ended without an answer; the message says how."""


class Worker:
    """A process that trains one shard at a time.

    Attributes
    ----------
    shard : Shard or None
        What it is training.
    answers : multiprocessing.connection.Connection
        Ready when there is a result, or when the worker died.
    """

    def __init__(self) -> None:
        # Pipes that lead both ways are sockets, and so would be what passes a connection to a process that runs already.
        tasks, self._tasks = SPAWN.Pipe(duplex=False)
        self.answers, answers = SPAWN.Pipe(duplex=False)
        self._process = SPAWN.Process(target=serve, args=(tasks, answers), name="afterzero-worker", daemon=True)
        self.shard: Shard | None = None
        self._process.start()
        tasks.close()  # as long as this process held the worker's ends, neither would notice the other's death
        answers.close()

    def give(self, shard: Shard) -> None:
        """Let it train a shard."""
        self.shard = shard
        with suppress(OSError):  # when it is dead, which its answers say as well
            self._tasks.send(shard)

    def result(self) -> tuple[list[Finished], BaseException | None]:
        """Take what has become of the shard: finished runs, or why there are none; neither while it goes on.

        Raises
        ------
        Died
        """
        try:
            answer = self.answers.recv_bytes()
        except (EOFError, OSError):  # before an answer, or half way through one
            self.end()
            raise Died(_ending(self._process.exitcode)) from None
        answer = pickle.loads(answer)
        if len(answer) == 2:  # what was logged there, such as why it takes so long at first
            logging.getLogger("afterzero").log(*answer)
            return [], None
        self.shard = None
        finished, error, trace = answer
        if error is not None:
            error.__cause__ = WorkerTraceback(trace)
        return finished, error

    def end(self) -> None:
        """End the process, whatever it does: what it leaves unfinished would be thrown away."""
        self._process.kill()
        self._process.join()
        self._tasks.close()
        self.answers.close()


class Processes:
    """Worker processes, as a `sweep.Pool`. They start when there is something to train, and one that dies is replaced.

    Parameters
    ----------
    workers : int
        Processes, with one thread each.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._running: list[Worker] = []
        self._temporary = tempfile.TemporaryDirectory(prefix="afterzero-")  # theirs: they are killed and clean up nothing

    def results(self, shards: Sequence[Shard]) -> Generator[list[Finished], None, None]:
        """As `sweep.Pool.results`. The first failure of a shard is raised; no other one is begun then.

        A shard whose worker died is tried again when all others have been begun: what can be had is kept first.

        Raises
        ------
        SweepError
            When a shard took several workers down, or no worker can be started.
        """
        waiting, deaths = deque(shards), Counter[str]()
        try:
            while waiting or self._busy():
                self._hand_out(waiting)
                failure = None
                for worker in self._ready():
                    shard = worker.shard
                    finished: list[Finished] = []
                    try:
                        finished, error = worker.result()
                    except Died as death:
                        self._running.remove(worker)
                        error = self._bury(shard, death, waiting, deaths)
                    failure = failure or error
                    if finished:
                        yield finished
                if failure:
                    raise failure
        finally:
            if self._busy():  # with what nobody waits for any more
                self.close()

    def close(self) -> None:
        """End all workers."""
        while self._running:
            self._running.pop().end()

    def remove_temporary(self) -> None:
        """Delete what the workers left."""
        self._temporary.cleanup()

    def _busy(self) -> bool:
        return any(worker.shard for worker in self._running)

    def _hand_out(self, waiting: deque[Shard]) -> None:
        """Give each worker a shard, and start those that are missing, while shards last."""
        for worker in self._running:
            if waiting and worker.shard is None:
                worker.give(waiting.popleft())
        while waiting and len(self._running) < self.workers:
            try:
                # A worker of which half is started complains, and nobody ends it.
                with interrupt_held_back(), _inherited(self._temporary.name):
                    self._running.append(Worker())
            except OSError as error:
                raise SweepError(f"workers: got {self.workers!r}, of which number {len(self._running) + 1} cannot be "
                                 f"started ({error}), accepted: fewer") from error
            self._running[-1].give(waiting.popleft())

    def _ready(self) -> list[Worker]:
        # The timeout keeps Ctrl-C alive on systems where waiting cannot be interrupted.
        ready = connection.wait([worker.answers for worker in self._running], timeout=0.5)
        return [worker for worker in self._running if worker.answers in ready]

    def _bury(self, shard: Shard | None, death: Died, waiting: deque[Shard], deaths: Counter[str]) -> SweepError | None:
        """Put the shard of a dead worker back; returns an error when that has happened too often."""
        if shard is None:
            return None
        deaths[shard.name] += 1
        if deaths[shard.name] < TRIES:
            waiting.append(shard)
            return None
        return SweepError(f"shard {shard.name} was tried on {TRIES} workers and all of them died, the last one {death}: "
                          f"perhaps there is too little memory for {self.workers} at a time. Finished runs are kept and the "
                          "same command goes on from there")


@contextmanager
def local(workers: int) -> Iterator[Processes]:
    """Open worker processes on this machine, and end them afterwards.

    Parameters
    ----------
    workers : int
    """
    place = Processes(workers)
    try:
        yield place
    finally:
        place.close()
        place.remove_temporary()


@contextmanager
def _inherited(temporary: str) -> Iterator[None]:
    """Let processes started meanwhile have one thread and this folder for temporary files, and be deaf to Ctrl-C.

    A terminal sends it to them, too.
    """
    blocks = hasattr(signal, "pthread_sigmask")
    if blocks:
        from multiprocessing.resource_tracker import ensure_running

        ensure_running()  # starts with the first worker otherwise, and unblocks SIGINT just before that
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    ours = {**ONE_THREAD, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary)}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _ending(code: int | None) -> str:
    """Return an exit code for people."""
    if code is None or code >= 0:
        return f"with exit code {code}"
    try:
        return f"of {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal
        return f"of signal {-code}"
