"""Matrix products in tiles: the trick that makes a GPU quick, all of it in this file.

Computed naively, every element of c = a b reads a row of a and a column of b, and memory is the
bottleneck. Here a block computes a piece of TILE × TILE elements: it copies DEPTH columns of a and
DEPTH rows of b to shared memory, where all of its threads read them, adds up the products, and goes
on to the next DEPTH. A thread keeps EACH × EACH sums in registers: 2 · EACH numbers read make EACH²
products. Bias and activation, or its derivative, are applied to a sum before it is written.

Sums of more than LONG terms are cut: blocks add up LONG terms each, and a second kernel adds what
they found, always in the same order (reductions.py).
"""
import numpy as np

from ..shared.codes import IDENTITY
from ._compat import blocks, cuda, kernel, launch, nothing, scratch
from .activations import activate, activate_backward
from .reductions import MOST_PARTS, column_sums

U = np.uint32  # a signed index may count from the end in Numba, which doubles the inner loop

TILE, DEPTH, EACH = 64, 16, 4
SIDE = TILE // EACH  # threads along each side of the piece
STRIDE = TILE + 4  # of rows in shared memory: aligned to four numbers, and spread over the banks
ROOM = DEPTH * STRIDE
SUMS = EACH * EACH
LONG = 512


def product(c, a, b, bias, state, kind, a_transposed, b_transposed, terms):
    """Fill this block's piece of c = a b, or of one of several sums of `terms` terms each.

    a (M, K), or (K, M) if `a_transposed`; b (K, N), or (N, K) if `b_transposed`; c (sums · M, N),
    where the blocks of blockIdx.z = s add up terms s · `terms` and following. With a bias (N,),
    which may be empty: c = f(a b + bias); with a state (M, N), which may be empty: c = (a b) f'(z),
    where f(z) is the state.
    """
    left = cuda.shared.array(ROOM, c.dtype)  # (DEPTH, TILE) of aᵀ
    right = cuda.shared.array(ROOM, c.dtype)  # (DEPTH, TILE) of b
    sums = cuda.local.array(SUMS, c.dtype)
    a_here = cuda.local.array(EACH, c.dtype)
    b_here = cuda.local.array(EACH, c.dtype)
    zero = c.dtype.type(0)
    M, K = U(a.shape[0]), U(a.shape[1])
    if a_transposed:
        M, K = K, M
    N = U(c.shape[1])
    first, end = U(cuda.blockIdx.z) * U(terms), min(K, (U(cuda.blockIdx.z) + U(1)) * U(terms))
    thread = U(cuda.threadIdx.x)
    row, column = thread // U(SIDE) * U(EACH), thread % U(SIDE) * U(EACH)  # in the piece
    m0, n0 = U(cuda.blockIdx.x) * U(TILE), U(cuda.blockIdx.y) * U(TILE)
    for i in range(SUMS):
        sums[i] = zero
    for k0 in range(first, end, U(DEPTH)):
        # Neighbouring threads read neighbouring numbers, along the rows of a and b as they lie.
        for s in range(thread, U(TILE * DEPTH), U(SIDE * SIDE)):
            i, k = s // U(DEPTH), s % U(DEPTH)
            if a_transposed:
                i, k = s % U(TILE), s // U(TILE)
            value = zero
            if m0 + i < M and k0 + k < end:
                if a_transposed:
                    value = a[k0 + k, m0 + i]
                else:
                    value = a[m0 + i, k0 + k]
            left[k * U(STRIDE) + i] = value
        for s in range(thread, U(TILE * DEPTH), U(SIDE * SIDE)):
            j, k = s % U(TILE), s // U(TILE)
            if b_transposed:
                j, k = s // U(DEPTH), s % U(DEPTH)
            value = zero
            if n0 + j < N and k0 + k < end:
                if b_transposed:
                    value = b[n0 + j, k0 + k]
                else:
                    value = b[k0 + k, n0 + j]
            right[k * U(STRIDE) + j] = value
        cuda.syncthreads()  # all has been copied before anybody reads
        for k in range(U(DEPTH)):
            for i in range(EACH):
                a_here[i] = left[k * U(STRIDE) + row + U(i)]
                b_here[i] = right[k * U(STRIDE) + column + U(i)]
            for i in range(EACH):
                for j in range(EACH):
                    sums[i * EACH + j] += a_here[i] * b_here[j]
        cuda.syncthreads()  # all have read before the next DEPTH is copied over it
    for i in range(EACH):
        for j in range(EACH):
            m, n = m0 + row + U(i), n0 + column + U(j)
            if m < M and n < N:
                value = sums[i * EACH + j]
                if bias.size > 0:
                    value += bias[n]
                if state.size > 0:
                    value = activate_backward(value, state[m, n], kind)
                else:
                    value = activate(value, kind)
                c[U(cuda.blockIdx.z) * M + m, n] = value


product = kernel(product)


def _launch(c, a, b, bias, state, kind, a_transposed, b_transposed, parts=1, terms=None):
    terms = (a.shape[0] if a_transposed else a.shape[1]) if terms is None else terms
    grid = blocks(c.shape[0] // parts, TILE), blocks(c.shape[1], TILE), parts
    launch(product, grid, SIDE * SIDE, c, a, b, bias, state, kind, a_transposed, b_transposed,
           terms)


def product_forward(c, a, b, bias, kind):
    """Fill c = f(a b + bias).  a (M, K), b (K, N), bias (N,) or empty, c (M, N)."""
    _launch(c, a, b, bias, nothing(2, c.dtype), kind, False, False)


def product_bt(c, a, b, state, kind):
    """Fill c = (a bᵀ) f'(z).  a (M, K), b (N, K), c (M, N); state f(z) (M, N) or empty."""
    _launch(c, a, b, nothing(1, c.dtype), state, kind, False, True)


def product_at(c, a, b):
    """Fill c = aᵀ b.  a (K, M), b (K, N), c (M, N)."""
    none, terms = nothing(1, c.dtype), max(LONG, blocks(a.shape[0], MOST_PARTS))
    parts = blocks(a.shape[0], terms)
    if parts <= 1:
        return _launch(c, a, b, none, nothing(2, c.dtype), IDENTITY, True, False)
    M, N = c.shape
    found = scratch("products", parts * M * N, c.dtype)
    _launch(found.reshape(parts * M, N), a, b, none, nothing(2, c.dtype), IDENTITY, True, False,
            parts, terms)
    column_sums(c.reshape(M * N), found.reshape(parts, M * N))
