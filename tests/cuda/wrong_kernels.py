"""Kernels with a mistake each: what the simulator raises, and words of its message."""
import math

import numpy as np

from tests.cuda.simulator import (
    Arithmetic,
    Divergence,
    Endless,
    Missing,
    OutOfBounds,
    Race,
    SimulatorError,
    TooLarge,
    Unwritten,
)

cuda = None  # the simulator's while a test runs
THREADS = 8
WIDE = 49152 // 4 + 1



def no_barrier(y, x):
    s = cuda.shared.array(THREADS, x.dtype)
    s[cuda.threadIdx.x] = x[cuda.threadIdx.x]
    y[cuda.threadIdx.x] = s[max(cuda.threadIdx.x - 1, 0)]


def no_barrier_after(y, x):
    s = cuda.shared.array(THREADS, x.dtype)
    for _ in range(2):
        s[cuda.threadIdx.x] = x[cuda.threadIdx.x]
        cuda.syncthreads()
        y[cuda.threadIdx.x] = s[(cuda.threadIdx.x + 1) % THREADS]


def all_write_one(y, x):
    y[0] = x[cuda.threadIdx.x]


def read_by_two_written_by_one(y, x):
    if cuda.threadIdx.x < 2 or cuda.threadIdx.x == 5:
        y[cuda.threadIdx.x] = x[0]
    if cuda.threadIdx.x == 5:
        x[0] = x[5]


def neighbours_in_place(y, x):
    i = cuda.grid(1)
    if i > 0:
        x[i] = x[i - 1]


def blocks_share(y, x):
    if cuda.threadIdx.x == 0:
        y[0] = x[cuda.blockIdx.x]
    cuda.syncthreads()


def blocks_read_what_one_writes(y, x):
    for k in range(2):
        y[cuda.grid(1)] = x[0]
        cuda.syncthreads()
        if cuda.blockIdx.x == 1 and cuda.threadIdx.x == 0 and k == 1:
            x[0] = x[1]


def one_block_reads_another_writes(y, x):
    if cuda.blockIdx.x == 0:
        y[cuda.grid(1)] = x[9]
    elif cuda.threadIdx.x == 0:
        x[9] = x[1]


def block_reads_another_s_sum(y, x):
    y[cuda.grid(1)] = x[cuda.grid(1)]
    cuda.syncthreads()
    if cuda.grid(1) == THREADS:
        y[THREADS] = y[0]


def barrier_for_some(y, x):
    if cuda.threadIdx.x < 3:
        cuda.syncthreads()


def barriers_of_two_branches(y, x):
    if cuda.threadIdx.x < 3:
        cuda.syncthreads()
    else:
        cuda.syncthreads()


def returns_early(y, x):
    if cuda.grid(1) >= 13:
        return
    cuda.syncthreads()
    y[cuda.grid(1)] = x[cuda.grid(1)]


def shared_unwritten(y, x):
    s = cuda.shared.array(THREADS + 1, x.dtype)
    s[cuda.threadIdx.x] = x[0]
    cuda.syncthreads()
    y[cuda.threadIdx.x] = s[cuda.threadIdx.x + 1]


def shared_left_by_the_block_before(y, x):
    s = cuda.shared.array(1, x.dtype)
    if cuda.grid(1) == 0:
        s[0] = x[0]
    cuda.syncthreads()
    y[cuda.grid(1)] = s[0]


def local_unwritten(y, x):
    a = cuda.local.array(2, x.dtype)
    a[0] = x[0]
    y[cuda.grid(1)] = a[0] + a[1]


def local_outside(y, x):
    a = cuda.local.array(2, x.dtype)
    a[1] = x[0]
    y[cuda.grid(1)] = a[int(x[3]) - 4]


def local_written_outside(y, x):
    a = cuda.local.array(2, x.dtype)
    a[2] = x[0]


def global_unwritten(y, x):
    y[cuda.grid(1)] += x[0]


def behind(y, x):
    y[cuda.grid(1)] = x[cuda.grid(1) + 1]


def before(y, x):
    y[cuda.grid(1)] = x[cuda.grid(1) - 1]


def column_outside(y, x):
    """Inside of the memory, in the next row."""
    y.reshape(4, 4)[cuda.threadIdx.x // 4, cuda.threadIdx.x % 4 + 1] = x[0]


def range_outside(y, x):
    row = x[12:20]
    y[cuda.grid(1)] = row[cuda.threadIdx.x]


def underflow(y, x):
    y[cuda.grid(1)] = x[int(np.uint32(cuda.threadIdx.x) - np.uint32(1))]


def overflow(y, x):
    y[cuda.grid(1)] = x.dtype.type(3e38) * x[cuda.threadIdx.x]


def divided(y, x):
    y[cuda.grid(1)] = x[0] / x[0]


def root(y, x):
    y[cuda.grid(1)] = math.sqrt(x[cuda.grid(1)] - x[1])


def much_shared(y, x):
    s = cuda.shared.array(WIDE, x.dtype)
    s[cuda.threadIdx.x] = x[0]


def endless(y, x):
    step = cuda.blockDim.x
    while step >= 0:
        cuda.syncthreads()
        step //= 2


def atomic(y, x):
    cuda.atomic.add(y, 0, x[0])


def fills(y, x):
    y[0:2] = x[0]


WRONG = {
    no_barrier: (Race, "reads s[0], written by thread (0, 0, 0) of block (0, 0, 0), and no barrier stands between"),
    no_barrier_after: (Race, "thread (1, 0, 0) of block (0, 0, 0) writes s[1], read by thread (0, 0, 0)"),
    all_write_one: (Race, "thread (1, 0, 0) of block (0, 0, 0) writes y[0], written by thread (0, 0, 0)"),
    read_by_two_written_by_one: (Race, "thread (5, 0, 0) of block (0, 0, 0) writes x[0], read by thread (1, 0, 0)"),
    neighbours_in_place: (Race, "thread (2, 0, 0) of block (0, 0, 0) reads x[1], written by thread (1, 0, 0)"),
    blocks_share: (Race, "thread (0, 0, 0) of block (1, 0, 0) writes y[0], written by thread (0, 0, 0) of block (0, 0, 0)"),
    blocks_read_what_one_writes: (Race, "of block (1, 0, 0) writes x[0], read by thread (7, 0, 0) of block (0, 0, 0)"),
    one_block_reads_another_writes: (Race, "of block (1, 0, 0) writes x[9], read by thread (7, 0, 0) of block (0, 0, 0)"),
    block_reads_another_s_sum: (Race, "of block (1, 0, 0) reads y[0], written by thread (0, 0, 0) of block (0, 0, 0)"),
    barrier_for_some: (Divergence, "5 have left the kernel, thread (3, 0, 0) among them"),
    barriers_of_two_branches: (Divergence, "thread (0, 0, 0) waits at line"),
    returns_early: (Divergence, "block (1, 0, 0): 5 threads wait"),
    shared_unwritten: (Unwritten, "thread (7, 0, 0) of block (0, 0, 0) reads s[8], which was never written"),
    shared_left_by_the_block_before: (Unwritten, "thread (0, 0, 0) of block (1, 0, 0) reads s[0]"),
    local_unwritten: (Unwritten, "reads a[1]"),
    local_outside: (OutOfBounds, "thread (0, 0, 0) of block (0, 0, 0): a[-1] is outside of the shape (2,)"),
    local_written_outside: (OutOfBounds, "thread (0, 0, 0) of block (0, 0, 0): a[2] is outside of the shape (2,)"),
    global_unwritten: (Unwritten, "reads y[0]"),
    behind: (OutOfBounds, "thread (7, 0, 0) of block (1, 0, 0): x[16] is outside of the shape (16,)"),
    before: (OutOfBounds, "thread (0, 0, 0) of block (0, 0, 0): x[-1] is outside"),
    column_outside: (OutOfBounds, "thread (3, 0, 0) of block (0, 0, 0): y[0, 4] is outside of the shape (4, 4)"),
    range_outside: (OutOfBounds, "x[12:20] is outside of the shape (16,)"),
    underflow: (Arithmetic, "thread (0, 0, 0) of block (0, 0, 0) of underflow: overflow encountered in scalar subtract"),
    overflow: (Arithmetic, "thread (2, 0, 0) of block (0, 0, 0) of overflow"),
    divided: (Arithmetic, "invalid value encountered in scalar divide"),
    root: (Arithmetic, "thread (0, 0, 0) of block (0, 0, 0) of root: "),
    much_shared: (TooLarge, "s makes 49156 bytes of shared memory"),
    endless: (Endless, "endless: block (0, 0, 0) waits for the 10001th time, accepted: 10000; the last time at line"),
    atomic: (Missing, "cuda.atomic: the simulator has no such thing"),
    fills: (SimulatorError, "fills many elements"),
}
