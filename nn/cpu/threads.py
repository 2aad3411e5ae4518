"""A team of threads that run the same kernel and wait for one another between its phases.

Numba's `prange` would do the same, but kernels compiled with parallel=True cannot be cached safely
and take seconds to compile. Here every thread calls the same compiled, GIL-free function with its
own rank; work is cut by shape alone, so that results do not depend on the number of threads.
"""
import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .compile import JIT, inner
from .floats import X86

# Elements of `gate`, on cache lines of their own; LOADED: how many rows of a batch rank 0 has
# loaded.
ARRIVED, GENERATION, LOADED = 0, 8, 16
# Looks at the gate (some 0.3 ms) before the processor is left to others; waking up takes 0.1 ms.
PATIENCE = 20_000
NAP = 20  # µs; on a busy machine the thread that is waited for needs the processor more
# Columns of a matrix that one thread handles at a time; at large batches BLAS copies the other
# factor of the product once for each panel.
PANEL = 400
WORTHWHILE = 4e6  # floating-point operations of one product, from which a second thread pays


class Team(NamedTuple):
    """The gate all threads of a team share, this thread's rank, and their number."""

    gate: np.ndarray
    rank: int
    size: int


def solo():
    """Return a team of one."""
    return Team(np.zeros(24, np.int64), 0, 1)


def _element(context, builder, sig, args):
    pointer = context.make_array(sig.args[0])(context, builder, args[0]).data
    return builder.gep(pointer, [args[1]])


@intrinsic
def atomic_add(typing, array, i, value):
    """Add to array[i], visible to all threads, and return what stood there before."""
    def generate(context, builder, sig, args):
        return builder.atomic_rmw("add", _element(context, builder, sig, args), args[2], "seq_cst")
    return types.int64(array, types.intp, types.int64), generate


@intrinsic
def atomic_load(typing, array, i):
    """Return array[i] as the other threads see it."""
    def generate(context, builder, sig, args):
        return builder.load_atomic(_element(context, builder, sig, args), "seq_cst", 8)
    return types.int64(array, types.intp), generate


@intrinsic
def pause(typing):
    """Tell the processor that this loop waits.

    It saves power, and the other thread of this core goes faster.
    """
    def generate(context, builder, sig, args):
        if X86:
            builder.call(cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()
    return types.void(), generate


@intrinsic
def give_way(typing):
    """Leave the processor to others for a moment."""
    def generate(context, builder, sig, args):
        i32 = ir.IntType(32)
        if os.name == "nt":
            name, kind, values = "SwitchToThread", ir.FunctionType(i32, []), []
        else:
            name, kind, values = "usleep", ir.FunctionType(i32, [i32]), [ir.Constant(i32, NAP)]
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)
        return context.get_dummy_value()
    return types.void(), generate


def wait(team):
    """Return when every thread of the team has called this."""
    if team.size == 1:
        return
    generation = atomic_load(team.gate, GENERATION)
    if atomic_add(team.gate, ARRIVED, 1) == team.size - 1:
        # Before the gate opens, or a fast thread would be counted twice.
        atomic_add(team.gate, ARRIVED, -team.size)
        atomic_add(team.gate, GENERATION, 1)
        return
    looks = 0
    while atomic_load(team.gate, GENERATION) == generation:
        looks += 1
        if looks > PATIENCE:
            give_way()
        else:
            pause()


def panels(columns):
    """Return into how many panels a matrix is cut: by its shape, whatever the number of threads."""
    return max(1, (columns + PANEL - 1) // PANEL)


def panel_bounds(panel, columns):
    """Return the first column of a panel and the one after its last.

    Panels are multiples of 16 columns wide.
    """
    unit = 16 * compiled_panels(columns)
    width = (columns + unit - 1) // unit * 16
    return min(panel * width, columns), min((panel + 1) * width, columns)


compiled_panels = inner(panels)
wait, panel_bounds = inner(wait), inner(panel_bounds)


def useful_threads(layers, rows, limit, front=None, steps=0):
    """Return how many threads to use for batches of `rows`.

    As many as the recurrent part has directions, if its `steps` time steps in all pay for them, or
    else as the widest layer has panels, if they pay.
    """
    if not JIT:
        return 1
    if front is not None and 2.0 * steps * front.hidden**2 >= WORTHWHILE:
        return min(limit, len(front.offsets))
    sizes = np.append(layers[0, 0], layers[:, 1])
    largest = int(np.argmax(sizes[:-1] * sizes[1:]))
    if 2.0 * rows * sizes[largest] * sizes[largest + 1] < WORTHWHILE:
        return 1
    return int(max(1, min(limit, panels(int(sizes[largest:largest + 2].max())))))


def run_team(kernel, arguments, threads):
    """Call kernel(*arguments, team) once per thread; return the result of rank 0, this thread.

    Must not be interrupted between two of the calls, or a thread would wait at the gate for ever.
    """
    if threads == 1:
        return kernel(*arguments, solo())
    gate = np.zeros(24, np.int64)
    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(kernel, *arguments, Team(gate, rank, threads))
                  for rank in range(1, threads)]
        result = kernel(*arguments, Team(gate, 0, threads))
        for other in others:
            other.result()
    return result
