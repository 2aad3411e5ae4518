"""One contender in a process of its own, asked over pipes: ``python -m experiments.questions.speed.worker``.

Every line of standard input is a JSON order, every answer a line of JSON:

    {"do": "build", "contender": name, "workload": {...}, "threads": n}  ->  {}
    {"do": "curve", "epochs": n}  ->  {"losses": [...], "validated": bool, "seconds": s}
    {"do": "time", "epochs": n}  ->  {"wall": s, "cpu": s}        one call, seconds in all
    {"do": "age"}  ->  {"cpu": s}        CPU time of the process since its start

A contender that fails answers {"error": text}. The process ends when its input does, even in the middle of a call: so
nothing goes on when whoever asked was interrupted.
"""
import json
import os
import queue
import sys
import threading
import time
import traceback
from typing import Any


def limit_cores(threads: int) -> None:
    """Let this process use `threads` cores: thread pools that obey no option obey this."""
    # The last ones: the first tend to serve interrupts.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


class Worker:
    """Carries out orders."""

    def __init__(self) -> None:
        self.contender: Any = None

    def build(self, order: Any) -> dict:
        """Import a contender and give it its problem."""
        from .contenders import by_name
        from .workloads import Problem, Workload

        workload = Workload(**{**order["workload"], "network": tuple(order["workload"]["network"])})
        self.contender = by_name(order["contender"]).load(workload.kind)(Problem(workload), order["threads"])
        return {}

    def curve(self, order: Any) -> dict:
        """Train for validation; the first call compiles."""
        begin = time.perf_counter()
        losses = self.contender.curve(order["epochs"])
        return {"losses": losses.astype(float).tolist(), "validated": self.contender.validated,
                "seconds": time.perf_counter() - begin}

    def time(self, order: Any) -> dict:
        """Time one call."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.contender.train(order["epochs"])
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}

    def age(self, order: Any) -> dict:
        """CPU time so far."""
        return {"cpu": time.process_time()}


def main() -> None:
    """Answer orders until the input ends."""
    orders: queue.Queue = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            orders.put(json.loads(line))
        os._exit(0)

    # Libraries print; their words must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    limit_cores(int(os.environ["AFTERZERO_WORKER_CORES"]))
    threading.Thread(target=read, daemon=True).start()
    worker = Worker()
    while True:
        order = orders.get()
        try:
            answer = getattr(worker, order["do"])(order)
        except Exception as error:  # whatever it is, it is that contender's, and the race goes on without it
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".partition("\n")[0][:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
