"""A GPU in Python: runs the kernels' own code, thread by thread, and finds what a GPU would hide.

    with simulated() as gpu:          # every module of nn.cuda now works on it
        ...                           # raises Race, Divergence, Unwritten, OutOfBounds, HostAccess, Arithmetic, …

Found are: races in shared and in global memory, within a block and across blocks; threads that wait at different barriers;
reads of memory that nothing was written to; indices outside of an array, negative ones too; more shared memory or threads
than a GPU has; host code that touches single elements; barriers without end; integers that underflow, numbers that
overflow.

A thread that waits at a barrier is a greenlet: all threads run in one thread of the system, in the order of their numbers,
so that every run is the same. Not simulated: rounding (float32 functions of `math` are evaluated in float64), types (the
compile tests look for float64), atomics, and anything about time. How races are found: simulated_clock.py.
"""
import contextlib
import functools
import importlib
import pkgutil
from collections import Counter

import numpy as np

import nn.cuda
from nn import backends
from tests.cuda.simulated_arrays import Array, new_array
from tests.cuda.simulated_clock import (
    Arithmetic,
    Clock,
    Divergence,
    Endless,
    HostAccess,
    Index,
    OutOfBounds,
    Race,
    SimulatorError,
    TooLarge,
    Unwritten,
)
from tests.cuda.simulated_cuda import Cuda, Missing
from tests.cuda.simulated_launch import MOST_SHARED, Launch
from tests.cuda.simulated_local import NOTHING

__all__ = ["Arithmetic", "Array", "Divergence", "Endless", "HostAccess", "Machine", "Missing", "OutOfBounds", "Race",
           "SimulatorError", "TooLarge", "Unwritten", "simulated"]

MOST_THREADS = 1024  # of a block
MOST_BLOCK = Index(1024, 1024, 64)
MOST_GRID = Index(2**31 - 1, 65535, 65535)


class Machine:
    """Launches kernels and holds arrays, as `nn.cuda._compat.machine` does.

    `launches` counts, for each kernel, the types of the arguments it was launched with. Without `run` nothing is executed.
    With floats="ignore" a number may become infinite or NaN, and an unsigned integer fall below 0. Kernels that use
    `syncwarp` or shuffles need `warp_barriers`, which cost time.
    """

    most_shared = MOST_SHARED

    def __init__(self, run=True, floats="raise", warp_barriers=False):
        self.run, self.floats = run, floats
        self.clock = Clock(warp_barriers)
        self.cuda = Cuda(self.clock)
        self.launches = {}

    def unavailable(self):
        """Return why no GPU can be used: here one always can."""
        return

    # --- arrays

    def to_device(self, array):
        """Return a copy of a NumPy array."""
        if not isinstance(array, np.ndarray):
            raise SimulatorError(f"to_device: got {type(array).__name__}, accepted: a NumPy array")
        copied = self.empty(array.shape, array.dtype)
        copied.copy_to_device(array)
        return copied

    def empty(self, shape, dtype=np.float64):
        """Return an array that must be written before it is read."""
        return new_array(self.clock, shape, dtype)

    def zeros(self, shape, dtype=np.float64):
        """Return an array of zeros."""
        array = self.empty(shape, dtype)
        array.cells[:] = [array.kind(0)] * array.size
        return array

    # --- launches

    def launch(self, kernel, grid, block, *arguments, shared=0):
        """Run all threads of all blocks; see nn/cuda/_compat.py."""
        with self.clock.lock:
            self._launch(kernel, grid, block, arguments, shared)

    def _launch(self, kernel, grid, block, arguments, shared):
        body = getattr(kernel, "body", kernel)
        if self.clock.stamp >= 0:
            raise SimulatorError(f"{self.clock.here()} launches {body.__name__}: that is the host's")
        grid, block = _size(body, "grid", grid, MOST_GRID), _size(body, "block", block, MOST_BLOCK)
        if block.x * block.y * block.z > MOST_THREADS:
            raise TooLarge(f"{body.__name__}, block: got {block}, accepted: {MOST_THREADS} threads in all")
        types = tuple(type_of(a, f"{body.__name__}, argument {k}") for k, a in enumerate(arguments))
        self.launches.setdefault(kernel, Counter())[types] += 1
        if self.run:
            self._start(body, arguments, grid, block, shared)

    def _start(self, body, arguments, grid, block, shared):
        for name, argument in zip(body.__code__.co_varnames, arguments, strict=False):
            if isinstance(argument, Array):
                argument.name = name
        arguments = [int(a) if isinstance(a, np.signedinteger) else a for a in arguments]  # as elements are read
        self.cuda.gridDim, self.cuda.blockDim = grid, block
        self.cuda.running = Launch(self, body, arguments, shared)
        wrong = self.floats
        try:
            with np.errstate(over=wrong, divide=wrong, invalid=wrong, under="ignore"):
                self.cuda.running.run(grid, block)
        except (ArithmeticError, ValueError) as error:  # of `math` and NumPy: nothing else in a kernel raises them
            raise Arithmetic(f"{self.clock.here()} of {body.__name__}: {error}") from error
        finally:
            self.clock.stamp = -1
            self.cuda.running = None


def _size(body, name, size, most):
    size = Index(*(size if isinstance(size, tuple) else (size,)))
    if not all(isinstance(n, int | np.integer) and 1 <= n <= top for n, top in zip(size, most, strict=True)):
        raise TooLarge(f"{body.__name__}, {name}: got {size}, accepted: 1 to {most}")
    return Index(*map(int, size))


def type_of(argument, name):
    """Return how Numba would type an argument: "float32[:, ::1]", "int64", …, in the words of its own signatures."""
    if isinstance(argument, Array):
        return f"{argument.dtype}[{', '.join([*[':'] * (argument.ndim - 1), '::1'])}]"
    if isinstance(argument, bool | np.bool_):
        return "boolean"
    if isinstance(argument, np.generic):
        return argument.dtype.name
    if isinstance(argument, int | float):
        return "int64" if isinstance(argument, int) else "float64"
    if argument is None:
        return "none"
    raise SimulatorError(f"{name}: got {type(argument).__name__}, accepted: a device array, a number or None (a host array "
                         "would be copied there and back by every launch)")


def _unwritten(scratch, *arguments):
    """Return memory of nn.cuda._compat.scratch, and forget what it holds."""
    array = scratch(*arguments)
    array.cells[array.first:array.first + array.size] = [NOTHING] * array.size
    return array


@contextlib.contextmanager
def simulated(*modules, **settings):
    """Let nn.cuda, and the given modules, work on a new simulated GPU, which is what the block gets.

    In their globals `cuda` becomes the simulator's, and each compiled device function the Python function it was made of;
    `scratch`, which hands out the same memory again and again, hands it out as if nothing had been written to it.
    """
    machine = Machine(**settings)
    compat = importlib.import_module("nn.cuda._compat")
    names = [f"nn.cuda.{found.name}" for found in pkgutil.iter_modules(nn.cuda.__path__)]
    kernels = [importlib.import_module(name) for name in names if name != compat.__name__]
    changed = [(vars(compat), "machine", compat.machine)]
    vars(compat)["machine"] = machine
    for namespace in (vars(module) for module in (*kernels, *modules)):
        for name, value in list(namespace.items()):
            if name == "scratch":
                new = functools.partial(_unwritten, value)
            else:
                new = machine.cuda if name == "cuda" else getattr(value, "py_func", value)
            if new is not value:
                changed.append((namespace, name, value))
                namespace[name] = new
    try:
        backends._make.cache_clear()  # the CUDA backend is made anew, on this machine
        yield machine
    finally:
        backends._make.cache_clear()
        for namespace, name, value in changed:
            namespace[name] = value
