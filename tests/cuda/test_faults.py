"""Is the simulator any good? Faults planted in the shipped kernels are found, each by the error that it is worth."""
import contextlib

import pytest

from nn.cuda import _compat
from tests.cuda.cases import kernels
from tests.cuda.faults import FAULTS, Fault, instead, loss, planted, source, twin
from tests.cuda.simulator import SimulatorError, simulated
from tests.cuda.small import modules, small_tiles

# One of each kind of mistake; the others are slow.
EVERYDAY = {"a tile is read before it is there", "a tile is overwritten while others read it", "an element beyond the last",
            "threads without a unit leave", "the mean of no steps", "a penalty in place of the gradient"}


@pytest.fixture(autouse=True)
def gpu():
    with small_tiles(), simulated() as machine:
        yield machine


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in EVERYDAY else pytest.mark.slow) for name in FAULTS])
def test_fault_is_found(name):
    fault = FAULTS[name]
    fault.check()  # without it nothing is found
    with planted(fault), pytest.raises((SimulatorError, AssertionError)) as caught:
        fault.check()
    assert caught.type is fault.found


def test_every_file_with_kernels_has_a_fault():
    assert {FAULTS[name].found for name in EVERYDAY} == {fault.found for fault in FAULTS.values()}
    assert {fault.file for fault in FAULTS.values()} == {name.partition(".")[0] for name in kernels()}


# What runs each barrier; those of the function whose absence nothing can notice, and how many it has of them.
RUNS_BARRIERS = {
    "products": [twin("dense", "dense_forward")],
    "reductions": [twin("normalization", "batch_norm_forward"), twin("training", "clip_gradient"), loss("ce, batch")],
    "recurrent": [twin("recurrent", "recurrence_forward"), twin("recurrent", "recurrence_backward")]}


@pytest.mark.slow
def test_every_barrier_is_missed():
    """Each `cuda.syncthreads()` of nn/cuda is taken out by itself."""
    unnoticed = []
    for name in modules():
        lines = source(name).splitlines()
        for k in [k for k, line in enumerate(lines) if line.strip().startswith("cuda.syncthreads()")]:
            without = "\n".join([*lines[:k], lines[k].replace("cuda.syncthreads()", "pass"), *lines[k + 1:]])
            with instead(name, without), contextlib.suppress(SimulatorError):
                for check in RUNS_BARRIERS[name]:
                    check()
                unnoticed.append(f"nn/cuda/{name}.py:{k + 1}")
    assert unnoticed == []


def test_a_fault_is_planted_in_what_runs(gpu):
    penalties = modules()["penalties"]
    code = penalties.add_to_elements.body.__code__
    with planted(FAULTS["a penalty in place of the gradient"]):
        assert penalties.add_to_elements.body.__code__ is not code and isinstance(penalties.add_to_elements, _compat.Kernel)
    assert penalties.add_to_elements.body.__code__ is code
    for text in "no such line", "blocks(":
        with pytest.raises(LookupError, match="times, not once"), planted(Fault("activations", text, "", None, Exception)):
            pass
