"""The other end of a worker's pipes."""
import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .workloads import Workload

# Read by OpenMP, OpenBLAS, MKL and Numba when they are loaded: so they must be set before the process starts.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class ContenderFailed(Exception):
    """A contender raised, or its process ended; the message is its own."""


class Process:
    """A contender in a fresh process that may use `threads` cores.

    Parameters
    ----------
    contender : str
    workload : Workload
    threads : int
    extra : dict, optional
        More environment variables.

    Raises
    ------
    ContenderFailed
        When it cannot be built.
    """

    def __init__(self, contender: str, workload: Workload, threads: int, extra: Any = None) -> None:
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "AFTERZERO_WORKER_CORES": str(threads)}
        if threads == 1:
            # Without this JAX hands parts of a product to a pool, even on one core.
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        root = str(Path(__file__).resolve().parents[3])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        # A session of its own: Ctrl-C reaches the asker alone, and when that goes the worker's input ends.
        self.process = subprocess.Popen([sys.executable, "-m", "experiments.questions.speed.worker"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
                                        env={**environment, **(extra or {})})
        try:
            self.build(contender, workload, threads)
        except BaseException:
            self.close()
            raise

    def build(self, contender: str, workload: Workload, threads: int) -> None:
        """Give the process (another) problem."""
        fields = {name: value for name, value in asdict(workload).items() if name != "targets"}
        self.ask(do="build", contender=contender, workload=fields, threads=threads)

    def ask(self, **order: Any) -> dict:
        """Send an order and wait for its answer.

        Raises
        ------
        ContenderFailed
        """
        try:
            self.process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
            line = self.process.stdout.readline()  # type: ignore[union-attr]
        except BrokenPipeError:
            line = ""
        if not line:
            raise ContenderFailed(f"its process ended with code {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ContenderFailed(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):  # an order that it never read
            self.process.stdin.close()  # type: ignore[union-attr]
        self.process.stdout.close()  # type: ignore[union-attr]

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
