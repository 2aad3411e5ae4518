"""Faults planted in the kernels as they are shipped: where, what is written instead, what runs it, what comes of it."""
import contextlib
import inspect
import types
from pathlib import Path
from typing import Any, NamedTuple

from nn.cuda import _compat
from tests.cuda.cases import NETWORK, NETWORKS, compare_gradient, compare_trained, losses_and_floods, one_layer, trained
from tests.cuda.simulator import Arithmetic, Divergence, OutOfBounds, Race, Unwritten
from tests.cuda.small import modules
from tests.cuda.twins import KERNEL, compare_twin

WRONG = AssertionError  # the simulator sees nothing amiss, but the numbers are


class Fault(NamedTuple):
    """A planted fault; `old` stands in the file once."""

    file: str  # a module of nn.cuda
    old: str
    new: str
    check: Any
    found: type  # the error that must come


def twin(module, name, dtype="float32"):
    """Return a check of one function."""
    def check():
        assert max(compare_twin(module, name, dtype)) <= KERNEL[dtype]
    return check


def without_room(name):
    """Return a check of a recurrence whose matrix fits no shared memory."""
    def check():
        _compat.machine.most_shared = 0
        try:
            twin("recurrent", name)()
        finally:
            del _compat.machine.most_shared
    return check


def gradient(name, dtype="float64"):
    """Return a check of a network's gradient."""
    def check():
        assert max(compare_gradient(NETWORKS[name], dtype)) <= NETWORK[dtype]
    return check


def loss(wanted, dtype="float64"):
    """Return a check of the gradient of a loss."""
    def check():
        [(_, found, y, outputs)] = [row for row in losses_and_floods() if row[0] == wanted]
        assert max(compare_gradient(one_layer(y, outputs), dtype, found)) <= NETWORK[dtype]
    return check


def training(name):
    """Return a check of some updates, and of what is logged about them."""
    def check():
        compare_trained(trained(name), trained(name, backend="numpy"), 1e-10)
    return check


PRODUCT, BACKWARD = twin("dense", "dense_forward"), twin("dense", "dense_backward")
FAULTS = {
    "a tile is read before it is there": Fault(
        "products", "        cuda.syncthreads()  # all has been copied before anybody reads\n", "", PRODUCT, Unwritten),
    "a tile is overwritten while others read it": Fault(
        "products", "        cuda.syncthreads()  # all have read before the next DEPTH is copied over it\n", "", PRODUCT,
        Race),
    "the last row of tiles is one too high": Fault(
        "products", "if m < M and n < N:", "if m <= M and n < N:", PRODUCT, OutOfBounds),
    "the last columns of a tile are not read": Fault(
        "products", "if n0 + j < N and k0 + k < end:", "if n0 + j < N - U(1) and k0 + k < end:", PRODUCT, WRONG),
    "a sum that does not start at 0": Fault(
        "products", "    for i in range(SUMS):\n        sums[i] = zero\n", "", PRODUCT, Unwritten),
    "all parts of a sum in one place": Fault(
        "products", "c[U(cuda.blockIdx.z) * M + m, n] = value", "c[m, n] = value", BACKWARD, Race),
    "an index below 0": Fault("products", "a[m0 + i, k0 + k]", "a[m0 + i - U(1), k0 + k]", PRODUCT, Arithmetic),
    "lanes are added up before they are there": Fault(
        "reductions", "    cuda.syncthreads()  # all have written what is read now\n", "", BACKWARD, Unwritten),
    "lanes are written while others add up": Fault(
        "reductions", "    cuda.syncthreads()  # all have read, and `lanes` is free for the next sum\n", "",
        twin("normalization", "batch_norm_forward"), Race),
    "a part of a sum goes on to the end": Fault(
        "reductions", "min(first + rows, a.shape[0])", "a.shape[0]", BACKWARD, WRONG),
    "a barrier that half of the threads reach": Fault(
        "reductions", "        cuda.syncthreads()\n        if thread < apart:\n            values[thread] +=",
        "        if thread < apart:\n            cuda.syncthreads()\n            values[thread] +=",
        loss("ce, batch"), Divergence),
    "an element beyond the last": Fault(
        "activations", "if i < a.size:", "if i <= a.size:", twin("activations", "activation_forward"), OutOfBounds),
    "one more is cleared": Fault(
        "clipping", "if i < end:", "if i <= end:", twin("training", "clear_frozen"), OutOfBounds),
    "a block's own largest number alone": Fault(
        "clipping", "    largest = largest_of_block(values, largest, thread)\n    if largest != zero:",
        "    largest = found[cuda.blockIdx.x]\n    if largest != zero:", twin("training", "clip_gradient"), WRONG),
    "masks by the place in the batch": Fault(
        "dropout", "np.int64(samples[n])", "np.int64(n)", twin("dropout", "dropout_forward"), WRONG),
    "sequences of one length in one place": Fault(
        "loading", "if there > length or (there == length and other < n):", "if there > length:", gradient("rnn"), Race),
    "every thread notes the sample": Fault(
        "loading", "        if i == 0:\n            samples[n] = sample\n", "        samples[n] = sample\n",
        gradient("one layer"), Race),
    "steps of the whole batch": Fault(
        "loading", "(starts[t + 1] - starts[t]) * D", "starts[1] * D", gradient("rnn"), Race),
    "threads without a unit leave": Fault(
        "normalization", "    rows = z.shape[0] if j < z.shape[1] else 0  #",
        "    if j >= z.shape[1]:\n        return\n    rows = z.shape[0]  #", twin("normalization", "batch_norm_forward"),
        Divergence),
    "the variance begins with the mean's sum": Fault(
        "normalization", "    value = z.dtype.type(0)\n    for n in range(lane, rows, LANES):\n        centred",
        "    for n in range(lane, rows, LANES):\n        centred", twin("normalization", "batch_norm_forward"), Arithmetic),
    "momentum where nothing moves": Fault(
        "optimizers", "    if i < theta.size and moves[0] != 0:\n        theta[i], m[i]",
        "    if i < theta.size:\n        theta[i], m[i]", training("empty sequences"), WRONG),
    "a penalty in place of the gradient": Fault(
        "penalties", "dW[n, j] += sign", "dW[n, j] = sign", twin("penalties", "add_penalty_gradient"), WRONG),
    "a step begins before the last one is whole": Fault(
        "recurrent", "        cuda.syncthreads()  # the step is whole before the next one reads it\n", "",
        twin("recurrent", "recurrence_forward"), Unwritten),
    "cut off at the wrong steps": Fault(
        "recurrent", "from_end % truncate != 0", "from_end % truncate == 0", twin("recurrent", "recurrence_backward"),
        WRONG),
    "W_hh in the place of the states": Fault(
        "recurrent", "            room[at_W + s] = W_hh[s // H, s % H]", "            room[after + s] = W_hh[s // H, s % H]",
        twin("recurrent", "recurrence_forward"), Unwritten),
    "the transpose of what does not fit": Fault(
        "recurrent", "else W[m, j]", "else W[j, m]", without_room("recurrence_forward"), WRONG),
    "the mean of no steps": Fault(
        "recurrent", "value /= h.dtype.type(max(length, 1))", "value /= h.dtype.type(length)",
        twin("recurrent", "pool_forward"), Arithmetic),
    "a share of tokens reaches into the next": Fault(
        "recurrent", "min((share + 1) * STEPS, dz.shape[0])", "min((share + 1) * STEPS + 1, dz.shape[0])",
        twin("recurrent", "lookup_backward"), WRONG),
    "one direction alone": Fault(
        "rnn", "part[m, i] if first else total[m, i] + part[m, i]", "part[m, i]", gradient("reverse too"), WRONG),
    "below the flood it goes on down": Fault(
        "rows", "weight = flood_weight(flood, own, summary[J], here, parameter)",
        "weight = abs(flood_weight(flood, own, summary[J], here, parameter))", training("flooding"), WRONG),
    "each row by the batch's loss": Fault(
        "rows", "if flood not in (INSTANCE, SOFT, ADAPTIVE):", "if flood != ADAPTIVE:", loss("ce, instance"), WRONG),
    "all threads write the summary": Fault(
        "rows", "    if thread == 0:\n        mean", "    if thread >= 0:\n        mean", loss("ce, none"), Race),
    "what stands at the flood counts as below it": Fault(
        "training", "if weights[n] < zero:", "if weights[n] <= zero:", training("weights"), WRONG),
}


@contextlib.contextmanager
def planted(fault):
    """Let the functions of a module be those of its source with the fault in it."""
    text = source(fault.file)
    if text.count(fault.old) != 1:
        raise LookupError(f"nn/cuda/{fault.file}.py holds {text.count(fault.old)} times, not once: {fault.old!r}")
    with instead(fault.file, text.replace(fault.old, fault.new)):
        yield


def source(name):
    """Return the text of a module of nn.cuda as it is shipped."""
    return Path(inspect.getsourcefile(modules()[name])).read_text(encoding="utf-8")


@contextlib.contextmanager
def instead(name, text):
    """Let the functions of a module have the code of another text; who has imported them gets it too."""
    module = modules()[name]
    other = types.ModuleType(module.__name__)
    other.__package__ = module.__package__
    exec(compile(text, module.__file__, "exec"), vars(other))
    functions, faulty = _functions(module), _functions(other)
    before = {name: function.__code__ for name, function in functions.items()}
    for name, function in functions.items():
        function.__code__ = faulty[name].__code__
    try:
        yield
    finally:
        for name, code in before.items():
            functions[name].__code__ = code


def _functions(module):
    """Return the Python functions that a module defines, those inside of kernels and compiled functions too."""
    values = {name: value.body if isinstance(value, _compat.Kernel) else getattr(value, "py_func", value)
              for name, value in vars(module).items()}
    return {name: f for name, f in values.items() if isinstance(f, types.FunctionType) and f.__module__ == module.__name__}
