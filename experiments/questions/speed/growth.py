"""How the time of an epoch grows with one size, all others fixed, until an epoch takes too long: ours alone, one thread."""
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...runs.store import Run
from .contenders import OURS, SGEMM, by_name, unavailable
from .harness import exponent
from .process import Process
from .workloads import ADAM, SGD, Workload, flops

CALL_SECONDS, CALLS = 0.1, 3  # the median of so many calls


@dataclass(frozen=True)
class Axis:
    """One size that grows.

    Attributes
    ----------
    name, title : str
    first, most : int
        Smallest and largest size; it doubles in between.
    task : callable
        Size -> Workload.
    """

    name: str
    title: str
    first: int
    most: int
    task: Callable[[int], Workload]


def _mlp(network: Sequence[int], samples: int = 1000, batch: int = 50, optimizer: Any = ADAM, replicas: int = 0) -> Workload:
    data = "largest" if network[0] > 10 else "sum"
    return Workload("growth", "", tuple(network), samples, batch, optimizer, 1e-4, data, 1, replicas=replicas)


_RNN = Workload("growth", "", (26, 64, 18), 256, 64, SGD, 0.01, "letters", 1, equal=True)
AXES = (
    Axis("width", "units of both hidden layers (64-w-w-10, N 1000, batch 50, Adam)", 8, 4096,
         lambda w: _mlp((64, w, w, 10))),
    Axis("depth", "hidden layers of 64 units (10-64-...-2, N 1000, batch 50, Adam)", 1, 256,
         lambda layers: _mlp((10, *[64] * layers, 2))),
    Axis("samples", "samples (10-32-32-2, batch 50, Adam)", 125, 4_096_000, lambda n: _mlp((10, 32, 32, 2), n)),
    Axis("batch", "batch size (64-256-256-10, N 4096, SGD)", 1, 4096,
         lambda batch: _mlp((64, 256, 256, 10), 4096, batch, SGD)),
    Axis("length", "steps of each sequence (bidirectional RNN, 64 units, 256 sequences, batch 64, SGD)", 2, 4096,
         lambda steps: replace(_RNN, longest=steps)),
    Axis("replicas", "networks of a fleet (10-32-32-2, N 1000, batch 50, SGD)", 1, 4096,
         lambda replicas: _mlp((10, 32, 32, 2), optimizer=SGD, replicas=replicas)),
)


def measure(axis: Axis, seconds: float, tick: Callable[..., None]) -> Run:
    """Double the size until an epoch takes longer than `seconds`.

    Returns
    -------
    Run
        Curves "size", "seconds" (median CPU time of an epoch), "flops" (operations per second), each (points,); scalar
        "peak", operations per second of a large product of matrices. Without them the array "status" says why.
    """
    run = Run(scalars={"measured": time.time()})
    reason = unavailable(by_name(OURS), axis.task(axis.first).kind)
    run.arrays["status"] = np.array([reason or "ok"])
    if reason:
        return run
    with Process(SGEMM, axis.task(axis.first), 1) as process:
        run.scalars["peak"] = by_name(SGEMM).load("mlp").flops() / _epoch_seconds(process)
    sizes: list[float] = []
    times: list[float] = []
    with Process(OURS, axis.task(axis.first), 1) as process:
        while _goes_on(times, seconds) and (not sizes or 2 * sizes[-1] <= axis.most):
            tick(min(0.99, len(sizes) / 12))
            size = 2 * int(sizes[-1]) if sizes else axis.first
            process.build(OURS, axis.task(size), 1)
            times.append(_epoch_seconds(process))
            sizes.append(size)
    rates = [flops(axis.task(int(size))) / spent for size, spent in zip(sizes, times, strict=True)]
    run.curves = {"size": np.array(sizes), "seconds": np.array(times), "flops": np.array(rates)}
    return run


def _goes_on(times: Sequence[float], seconds: float) -> bool:
    """At least three sizes; then until an epoch is too long and longer than the last (larger batches make it shorter)."""
    return len(times) < 3 or times[-1] < seconds or times[-1] < 0.95 * times[-2]


def _epoch_seconds(process: Process) -> float:
    """Median CPU seconds of an epoch; the call of one epoch before it compiles and tells how many fill `CALL_SECONDS`."""
    process.ask(do="time", epochs=1)
    once = process.ask(do="time", epochs=1)["cpu"]
    epochs = int(np.clip(CALL_SECONDS / max(once, 1e-6), 1, 1000))
    return float(np.median([process.ask(do="time", epochs=epochs)["cpu"] / epochs for _ in range(CALLS)]))


def exponents(run: Run) -> tuple[float, float]:
    """Exponents fitted to the lower and to the upper half of the sizes."""
    sizes, seconds = run.curves["size"], run.curves["seconds"]
    half = (len(sizes) + 1) // 2
    return exponent(sizes[:half], seconds[:half]), exponent(sizes[-half:], seconds[-half:])
