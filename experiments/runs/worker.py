"""What a worker process does: train the shards that come through a pipe, and end with the driver."""
import logging
import os
import pickle
import queue
import signal
import threading
import traceback
from contextlib import suppress
from multiprocessing import connection

from .shards import Shard, run_shard


def serve(tasks: connection.Connection, answers: connection.Connection) -> None:
    """Train what comes until the driver is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it cannot be blocked
    sending = threading.Lock()  # for what several threads log
    logging.getLogger("afterzero").addHandler(_Passing(answers, sending))
    logging.getLogger("afterzero").setLevel(logging.INFO)
    shards: queue.SimpleQueue[Shard] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, shards), daemon=True).start()
    while True:
        answer = _answer(shards.get())
        try:
            with sending:
                answers.send_bytes(answer)
        except OSError:
            os._exit(1)  # nobody reads it


class _Passing(logging.Handler):
    """Let the driver log what is logged here: its level and text, an answer of its own."""

    def __init__(self, answers: connection.Connection, sending: threading.Lock) -> None:
        super().__init__()
        self._answers, self._sending = answers, sending

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError), self._sending:  # the driver may be gone
            self._answers.send_bytes(pickle.dumps((record.levelno, record.getMessage())))


def _listen(tasks: connection.Connection, shards: queue.SimpleQueue) -> None:
    """Pass shards on, and end the worker with the driver, at once and in the middle of a shard."""
    try:
        while True:
            shards.put(tasks.recv())
    except (EOFError, OSError):
        pass
    finally:
        os._exit(1)


def _answer(shard: Shard) -> bytes:
    """Return finished runs, an exception, its traceback; one that cannot travel is described."""
    try:
        return pickle.dumps((run_shard(shard), None, ""))
    except Exception as error:
        trace = traceback.format_exc()
        try:
            answer = pickle.dumps(([], error, trace))
            pickle.loads(answer)
        except Exception:
            answer = pickle.dumps(([], RuntimeError(f"{type(error).__name__}: {error}"), trace))
        return answer
