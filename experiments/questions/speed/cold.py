"""How long a user waits: from the start of a process to its first finished epoch, with an empty and a filled cache."""
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...runs.store import Run
from .contenders import OURS, by_name, unavailable
from .process import ContenderFailed, Process
from .workloads import WORKLOADS, Workload

_BY_NAME = {workload.name: workload for workload in WORKLOADS}
COMPILATION_MOST, WARM_MOST = 8.0, 1.0  # seconds promised for the first fit of an MLP


@dataclass(frozen=True)
class Start:
    """One first epoch.

    Attributes
    ----------
    title : str
    contender : str
    workload : Workload
    promised : bool
        Whether `COMPILATION_MOST` and `WARM_MOST` are about it.
    """

    title: str
    contender: str
    workload: Workload
    promised: bool = False


STARTS = (
    Start("fit, MLP", OURS, _BY_NAME["S"], promised=True),
    Start("fit, RNN", OURS, _BY_NAME["W4-64"].scaled(0.1)),
    Start("fit_fleet, MLP", OURS, _BY_NAME["W5a"].scaled(0.1)),
    Start("numpy, MLP", "numpy", _BY_NAME["S"]),
    Start("torch eager, MLP", "torch eager", _BY_NAME["S"]),
    Start("torch compiled, MLP", "torch compiled", _BY_NAME["S"]),
    Start("jax scan, MLP", "jax scan", _BY_NAME["S"]),
    Start("jax scan, RNN", "jax scan", _BY_NAME["W4-64"].scaled(0.1)),
    Start("scikit-learn, MLP", "scikit-learn", _BY_NAME["S"]),
)


def chosen(names: Sequence[str] = ()) -> list[Start]:
    """The starts of ours and of the peers in `names` (all when empty)."""
    return [start for start in STARTS if not names or start.contender in (OURS, *names)]


def measure(start: Start, rounds: int, tick: Callable[..., None]) -> Run:
    """Start the process `rounds` times with an empty cache, and each time once more with the cache that this left.

    Returns
    -------
    Run
        Curves "cold", "warm" (rounds,): seconds from the start of the process, interpreter included, to the end of the
        first epoch; "cold_cpu", "warm_cpu": its CPU seconds, which other programs disturb less. Without them the array
        "status" says why.
    """
    run = Run(scalars={"measured": time.time()})
    reason = unavailable(by_name(start.contender), start.workload.kind)
    try:
        times = [] if reason else [_pair(start, tick, number / rounds) for number in range(rounds)]
    except ContenderFailed as error:
        reason, times = f"FAILED: {error}", []
    run.arrays["status"] = np.array([reason or "ok"])
    if times:
        names = ("cold", "cold_cpu", "warm", "warm_cpu")
        run.curves = {name: np.array(column) for name, column in zip(names, zip(*times, strict=True), strict=True)}
    return run


def _pair(start: Start, tick: Callable[..., None], share: float) -> tuple[float, ...]:
    """Seconds to the first epoch: cold wall and CPU, warm wall and CPU."""
    tick(share)
    with tempfile.TemporaryDirectory(prefix="afterzero-cold-") as folder:
        caches = {"AFTERZERO_CACHE_DIR": folder, "TORCHINDUCTOR_CACHE_DIR": folder, "JAX_COMPILATION_CACHE_DIR": folder,
                  "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        return *_first_epoch(start, caches), *_first_epoch(start, caches)


def _first_epoch(start: Start, caches: Any) -> tuple[float, float]:
    begin = time.perf_counter()
    with Process(start.contender, start.workload, 1, caches) as process:
        process.ask(do="time", epochs=1)
        return time.perf_counter() - begin, process.ask(do="age")["cpu"]
