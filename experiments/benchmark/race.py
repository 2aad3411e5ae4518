"""One race: all contenders of a workload with so many threads, validated, then timed in turns."""
import contextlib
import math
import time

import numpy as np

from experiments.benchmark.contenders import DEFINITION, OURS, SGEMM, entered, unavailable
from experiments.benchmark.harness import WrongCurve, check_curve, rotation
from experiments.benchmark.process import ContenderFailed, Process
from experiments.results import Run

EPOCHS_CHECKED = 2
CALL_SECONDS = 0.2  # a timed call of a peer takes at least so long: it has no set-up that more epochs would hide
PAUSE = 0.25  # before each call with several threads: until then the last contender's idle threads spin and take a core
VALIDATED, TIMING_ONLY = "ok", "timing only"


def measure(workload, threads: int, names, rounds: int, tick) -> Run:
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
        calls = {name: _epochs_per_call(name, workload, racer) for name, racer in racers.items()}
        times: dict[str, list] = {f"{clock}.{name}": [] for name in racers for clock in ("wall", "cpu")}
        for number, order in enumerate(rotation(racers, rounds)):
            tick((steps - rounds + number) / steps)
            for name in order:
                time.sleep(PAUSE if threads > 1 else 0.0)
                answer = racers[name].ask(do="time", epochs=calls[name])
                for clock in ("wall", "cpu"):
                    times[f"{clock}.{name}"].append(answer[clock] / calls[name])
    run.curves.update({name: np.array(values) for name, values in times.items()})
    run.scalars["measured"] = time.time()
    run.arrays["status"] = np.array(list(status.items()))
    return run


def definition(workload) -> list:
    """The loss curve of the definition in float64."""
    with Process(DEFINITION, workload, 1) as process:
        return process.ask(do="curve", epochs=EPOCHS_CHECKED)["losses"]


def _admit(name, workload, threads, reference, racers, processes, run) -> str:
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


def _epochs_per_call(name, workload, racer) -> int:
    """Epochs of one timed call: ours always the workload's, so that set-up has its stated share."""
    if name == OURS:
        return workload.epochs
    once = max(racer.ask(do="time", epochs=1)["wall"], 1e-6)
    return max(1, min(math.ceil(CALL_SECONDS / once), 10 * workload.epochs))
