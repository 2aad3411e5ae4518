"""One race: all contenders of a workload with so many threads, validated, then timed in turns."""
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...runs.store import Run
from .contenders import DEFINITION, OURS, SGEMM, entered, unavailable
from .harness import WrongCurve, check_curve, rotation
from .process import ContenderFailed, Process
from .workloads import Workload

EPOCHS_CHECKED = 2
CALL_SECONDS = 0.2  # a timed call of a peer takes at least so long: it has no set-up that more epochs would hide
PAUSE = 0.25  # before each call with several threads: until then the last contender's idle threads spin and take a core
VALIDATED, TIMING_ONLY = "ok", "timing only"


def measure(workload: Workload, threads: int, names: Sequence[str], rounds: int, tick: Callable[..., None]) -> Run:
    """Validate and time every contender.

    Parameters
    ----------
    workload : Workload
    threads : int
        Threads and cores of each contender.
    names : sequence of str
        Peers that take part; empty is all.
    rounds : int
    tick : callable
        Called with the share done; may raise to end the race.

    Returns
    -------
    Run
        Curves "wall.NAME", "cpu.NAME": seconds per epoch of each round (for "sgemm" per product of matrices); scalars
        "difference.NAME" (largest relative difference of a loss from the definition), "first.NAME" (seconds of the first
        call: compilation and `EPOCHS_CHECKED` epochs), "measured" (when, seconds since 1970); array "status"
        (contenders, 2): name, and "ok", "timing only" or why it has no times.
    """
    run, status = Run(), {}
    steps = len(entered(workload.kind, names)) + 1 + rounds
    with contextlib.ExitStack() as processes:
        reference = definition(workload)
        racers = {SGEMM: processes.enter_context(Process(SGEMM, workload, threads))}
        for number, contender in enumerate(entered(workload.kind, names), start=1):
            tick(number / steps)
            status[contender.name] = unavailable(contender, workload.kind) or _admit(
                contender.name, workload, threads, reference, racers, processes, run)
        times: dict[str, list] = {name: [] for name in racers}  # (wall, CPU) of each round
        calls: dict[str, int] = {}
        for number, order in enumerate([list(racers), *rotation(racers, rounds)]):  # the first finds the number of epochs
            tick((steps - rounds + max(0, number - 1)) / steps)
            for name in order:
                if name not in times:
                    continue
                try:
                    if name in calls:
                        time.sleep(PAUSE if threads > 1 else 0.0)
                        times[name].append(_timed(racers[name], calls[name]))
                    else:
                        calls[name] = _epochs_per_call(name, workload, racers[name])
                except ContenderFailed as error:
                    if name == SGEMM:
                        raise
                    status[name] = f"FAILED: {error}"
                    del times[name]
    for name, pairs in times.items():
        run.curves[f"wall.{name}"], run.curves[f"cpu.{name}"] = np.array(pairs).T
    run.scalars["measured"] = time.time()
    run.arrays["status"] = np.array(list(status.items()))
    return run


def definition(workload: Workload) -> list:
    """The loss curve of the definition in float64."""
    with Process(DEFINITION, workload, 1) as process:
        return process.ask(do="curve", epochs=EPOCHS_CHECKED)["losses"]


def _admit(name: str, workload: Workload, threads: int, reference: Any, racers: Any, processes: Any, run: Any) -> str:
    """Start one contender and validate it; return its status."""
    try:
        process = processes.enter_context(Process(name, workload, threads))
        answer = process.ask(do="curve", epochs=EPOCHS_CHECKED)
        run.scalars[f"first.{name}"] = answer["seconds"]
        if answer["validated"]:
            run.scalars[f"difference.{name}"] = check_curve(answer["losses"], reference)
        process.ask(do="time", epochs=1)  # what the validating call left uncompiled
    except (ContenderFailed, WrongCurve) as error:
        return f"FAILED: {error}"
    racers[name] = process
    return VALIDATED if answer["validated"] else TIMING_ONLY


def _timed(racer: Any, epochs: int) -> tuple[float, float]:
    """Wall and CPU seconds per epoch of one call."""
    answer = racer.ask(do="time", epochs=epochs)
    return answer["wall"] / epochs, answer["cpu"] / epochs


def _epochs_per_call(name: str, workload: Workload, racer: Any) -> int:
    """Epochs of one timed call: ours always the workload's, so that set-up has its stated share."""
    if name == OURS:
        return workload.epochs
    once = max(racer.ask(do="time", epochs=1)["wall"], 1e-6)
    return max(1, min(math.ceil(CALL_SECONDS / once), 10 * workload.epochs))
