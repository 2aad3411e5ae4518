"""The one module that imports a CUDA package, and the one way to a device.

Kernels are written in what numba-cuda and its successor numba-cuda-mlir have in common. Nothing is
compiled, and no driver is looked for, before the first launch. All of nn/cuda reaches the device
through `machine`, so that tests/cuda can put a simulator in its place.
"""
import functools
import threading
import weakref

import numpy as np

from .. import compiling
from ..interrupts import interrupt_held_back

INSTALL = "pip install 'numba-cuda[cu13]'"  # the extra `cuda` of setup.cfg


def _numba_cuda():
    # Where it is installed it takes the place of numba.cuda. Up to 0.30 its first compilation asks
    # for what NumPy 2.5 has no more.
    if not hasattr(np, "row_stack"):
        np.row_stack = np.vstack
    import numba_cuda  # noqa: F401
    from numba import cuda
    return cuda


def _numba_cuda_mlir():
    from numba_cuda_mlir import cuda, types
    from numba_cuda_mlir.lowering.builtins import lower

    # 0.6 knows the type of type(x), by which our constants are typed, but not that there is nothing
    # to do for it.
    @lower(type, types.Any)
    def type_of(builder, target, args, kwargs):
        builder.store_var(target, None)
    return cuda


def _package():
    """Return (the module `cuda`, None), or (None, why there is none)."""
    tried = []
    for importing in (_numba_cuda, _numba_cuda_mlir):
        try:
            return importing(), None
        except Exception as error:  # one that does not fit NumPy or the driver raises anything
            tried.append(f"{importing.__name__.strip('_')}: {type(error).__name__}: {error}")
    return None, "; ".join(tried)


cuda, MISSING = _package()


class Kernel:
    """A kernel: its plain Python `body`, compiled anew for each new combination of types."""

    def __init__(self, body):
        self.body = body
        functools.update_wrapper(self, body)

    @functools.cached_property
    def compiled(self):
        """Numba's dispatcher.

        Without fastmath: a NaN must be noticed, and the tanh of fastmath has eleven bits only.
        """
        return cuda.jit(self.body)


kernel = Kernel


def device(function):
    """Compile a function that only kernels call; where there is no package it stays as it is."""
    return function if cuda is None else cuda.jit(device=True)(function)


class Gpu:
    """The machine that CUDA code runs on; tests/cuda/simulator.py is another."""

    STATIC_SHARED = 48 * 1024  # bytes of shared memory that a block has without asking

    def __init__(self):
        self._room = {}  # (kernel, types) -> bytes of shared memory that were allowed

    def unavailable(self):
        """Return why no GPU can be used, and what to do about it; None if one can."""
        if cuda is None:
            return f"no CUDA package could be imported ({MISSING}): {INSTALL}"
        try:
            if cuda.is_available():
                return None
        except Exception as error:  # libraries that are missing or do not fit the driver
            return f"{type(error).__name__}: {error}; it needs an NVIDIA driver, and {INSTALL}"
        return f"no NVIDIA GPU or driver was found; it needs both, and {INSTALL}"

    @functools.cached_property
    def most_shared(self):
        """Bytes of shared memory that a block can get."""
        return int(cuda.get_current_device().MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)

    def launch(self, kernel, grid, block, *arguments, shared=0):
        """Run a kernel's body once for each thread of each block; do not wait for it."""
        compiled = kernel.compiled
        if not compiled.overloads:
            self._compile(compiled, arguments)
        if shared > self.STATIC_SHARED:
            self._make_room(compiled, arguments, shared)
        compiled[grid, block, 0, shared](*arguments)

    @staticmethod
    def _compile(compiled, arguments):
        """Compile a kernel for these arguments, saying why that takes a moment."""
        compiling.begin()
        try:
            with interrupt_held_back():  # Ctrl-C inside a compiler comes out as something else
                compiled.compile(tuple(map(compiled.typeof_pyval, arguments)))
        finally:
            compiling.end()

    def _make_room(self, compiled, arguments, nbytes):
        """Let a kernel have more shared memory: the driver wants to be asked before the launch."""
        if "mlir" in cuda.__name__:
            return  # which asks by itself
        types = tuple(map(compiled.typeof_pyval, arguments))
        if self._room.get((compiled, types), 0) >= nbytes:
            return
        from cuda.bindings import driver
        attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        compiled.compile(types)
        handle = compiled.overloads[types]._codelibrary.get_cufunc().handle
        status, function = driver.cuKernelGetFunction(handle)
        if status == driver.CUresult.CUDA_SUCCESS:
            status, = driver.cuFuncSetAttribute(function, attribute, nbytes)
        if status != driver.CUresult.CUDA_SUCCESS:
            raise RuntimeError(f"shared memory: the driver refused {nbytes} bytes with {status}")
        self._room[compiled, types] = nbytes

    def to_device(self, array):
        """Return a copy of a host array on the device."""
        return cuda.to_device(np.ascontiguousarray(array))

    def empty(self, shape, dtype):
        """Return an array of whatever was there before."""
        return cuda.device_array(shape, dtype)


machine = Gpu()


def launch(kernel, grid, block, *arguments, shared=0):
    """Run a kernel on the machine; with 0 blocks there is nothing to do."""
    if 0 not in (grid if isinstance(grid, tuple) else (grid,)):
        machine.launch(kernel, grid, block, *arguments, shared=shared)


def to_device(array):
    """Return a copy of a host array on the device."""
    return machine.to_device(array)


def blocks(n, size):
    """Return how many blocks of `size` hold n."""
    return -(-n // size)


@functools.lru_cache
def _nothing(machine, ndim, dtype):
    return machine.empty((0,) * ndim, dtype)


def nothing(ndim, dtype):
    """Return an empty array, which stands for what there is not."""
    return _nothing(machine, ndim, np.dtype(dtype))


_scratch = threading.local()  # launches of one thread run one after another, those of two mix


def scratch(purpose, n, dtype):
    """Return n elements on the device to write and read at once; the next asker gets the same."""
    mine = _scratch.__dict__.setdefault("arrays", weakref.WeakKeyDictionary())
    kept = mine.setdefault(machine, {})
    key = purpose, np.dtype(dtype)
    if key not in kept or kept[key].size < n:
        kept[key] = machine.empty(max(2 * n, 1024), dtype)
    return kept[key][:n]
