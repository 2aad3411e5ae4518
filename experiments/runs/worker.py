"""What a worker process does: train the shards that come through a pipe, and end with the driver."""
import os
import pickle
import queue
import signal
import threading
import traceback
from multiprocessing import connection

from .shards import Shard, run_shard


def serve(tasks: connection.Connection, answers: connection.Connection) -> None:
    """Train what comes until the driver is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it cannot be blocked
    shards: queue.SimpleQueue[Shard] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, shards), daemon=True).start()
    while True:
        answer = _answer(shards.get())
        try:
            answers.send_bytes(answer)
        except OSError:
            os._exit(1)  # nobody reads it


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
