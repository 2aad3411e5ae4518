"""A dense layer for a batch of one: forward, backward and the SGD step are single passes over W.

Definition: nn/reference/dense.py and optimizers.py. Each operand starts at its place in a flat
array. Rows of W are read and written 16 numbers at a time. Where a row ends within a vector, the
rest belongs to the next row, or to the spare room behind the array (nn/shared/parameters.py): it is
multiplied by zeros, and written back unchanged.
"""
import numpy as np

from .compile import JIT, inner
from .vectors import (
    LANES,
    add,
    broadcast,
    first,
    get,
    load,
    multiply_add,
    put,
    put_totals,
    store,
    total,
)
from .views import matrix, vector

NARROW = 8  # outputs; fewer fill too little of a vector


def dense_forward_one(z, z_at, x, x_at, flat, w_at, b_at, n_in, n_out):
    """Fill z = x W + b, b absent where b_at < 0."""
    zero = broadcast(flat.dtype.type(0))
    n4 = n_in // 4 * 4  # four sums side by side: one alone would wait for each multiplication
    for j in range(0, n_out, LANES):
        s0 = load(flat, b_at + j) if b_at >= 0 else zero
        s1, s2, s3 = zero, zero, zero
        w = w_at + j
        for i in range(x_at, x_at + n4, 4):
            s0 = multiply_add(broadcast(get(x, i)), load(flat, w), s0)
            s1 = multiply_add(broadcast(get(x, i + 1)), load(flat, w + n_out), s1)
            s2 = multiply_add(broadcast(get(x, i + 2)), load(flat, w + 2 * n_out), s2)
            s3 = multiply_add(broadcast(get(x, i + 3)), load(flat, w + 3 * n_out), s3)
            w += 4 * n_out
        for i in range(x_at + n4, x_at + n_in):
            s0 = multiply_add(broadcast(get(x, i)), load(flat, w), s0)
            w += n_out
        store(z, z_at + j, add(add(s0, s1), add(s2, s3)))


def dense_backward_one(dx, dx_at, flat, w_at, b_at, dz, dz_at, x, x_at, n_in, n_out, rate):
    """Fill dx = W dz and take the SGD step W -= rate · x dzᵀ, b -= rate · dz.

    Each row of W is read before it is changed.
    """
    step_row(flat, b_at, dz, dz_at, n_out, rate)
    if n_out < NARROW:
        _by_columns(dx, dx_at, flat, w_at, dz, dz_at, x, x_at, n_in, n_out, rate)
        return
    zero = broadcast(flat.dtype.type(0))
    n4, minus_rate = n_in // 4 * 4, -rate  # four rows share what is read of dz
    for i in range(0, n4, 4):
        at = x_at + i
        step0 = broadcast(minus_rate * get(x, at))
        step1 = broadcast(minus_rate * get(x, at + 1))
        step2 = broadcast(minus_rate * get(x, at + 2))
        step3 = broadcast(minus_rate * get(x, at + 3))
        s0, s1, s2, s3 = zero, zero, zero, zero
        for j in range(0, n_out, LANES):
            d, w = first(load(dz, dz_at + j), n_out - j), w_at + i * n_out + j
            row0, row1 = load(flat, w), load(flat, w + n_out)
            row2, row3 = load(flat, w + 2 * n_out), load(flat, w + 3 * n_out)
            s0, s1 = multiply_add(row0, d, s0), multiply_add(row1, d, s1)
            s2, s3 = multiply_add(row2, d, s2), multiply_add(row3, d, s3)
            # In this order: the end of a vector may hold the old beginning of the next row.
            store(flat, w, multiply_add(step0, d, row0))
            store(flat, w + n_out, multiply_add(step1, d, row1))
            store(flat, w + 2 * n_out, multiply_add(step2, d, row2))
            store(flat, w + 3 * n_out, multiply_add(step3, d, row3))
        put_totals(dx, dx_at + i, s0, s1, s2, s3)
    for i in range(n4, n_in):
        step = rate * get(x, x_at + i)
        put(dx, dx_at + i, step_row(flat, w_at + i * n_out, dz, dz_at, n_out, step))


def dense_update_one(flat, w_at, b_at, dz, dz_at, x, x_at, n_in, n_out, rate):
    """Take the SGD step of a first layer, whose input needs no gradient.

    W -= rate · x dzᵀ, b -= rate · dz.
    """
    step_row(flat, b_at, dz, dz_at, n_out, rate)
    for j in range(0, n_out, LANES):
        d, w = first(load(dz, dz_at + j), n_out - j), w_at + j
        for i in range(x_at, x_at + n_in):
            store(flat, w, multiply_add(broadcast(-rate * get(x, i)), d, load(flat, w)))
            w += n_out


def clear_spare(flat):
    """Set the spare room behind the parameters to 0.

    A step that overflowed, inf · 0, may have left NaN there.
    """
    for at in range(flat.size, flat.size + LANES):
        put(flat, at, flat.dtype.type(0))


def step_row(row, at, dz, dz_at, n_out, step):
    """Return Σ_j row_j dz_j and take row -= step · dz, in one pass; nothing for at < 0."""
    sums, back = broadcast(row.dtype.type(0)), broadcast(-step)
    if at >= 0:
        for j in range(0, n_out, LANES):
            w, d = load(row, at + j), first(load(dz, dz_at + j), n_out - j)
            sums = multiply_add(w, d, sums)
            store(row, at + j, multiply_add(back, d, w))
    return total(sums)


def _by_columns(dx, dx_at, flat, w_at, dz, dz_at, x, x_at, n_in, n_out, rate):
    """Fill dx and take the step of W column by column: rows are too short for vectors."""
    for j in range(n_out):
        d, w = get(dz, dz_at + j), w_at + j
        step = rate * d
        for i in range(n_in):
            before = get(flat, w)
            put(dx, dx_at + i, before * d if j == 0 else get(dx, dx_at + i) + before * d)
            put(flat, w, before - step * get(x, x_at + i))
            w += n_out


if JIT:
    step_row, _by_columns = inner(step_row), inner(_by_columns)
    dense_forward_one, dense_backward_one = inner(dense_forward_one), inner(dense_backward_one)
    dense_update_one, clear_spare = inner(dense_update_one), inner(clear_spare)
else:  # the vectors exist only compiled; these stand in for them
    def clear_spare(flat):
        """Do nothing: what stands in here touches no spare room."""

    def dense_forward_one(z, z_at, x, x_at, flat, w_at, b_at, n_in, n_out):
        """Fill z = x W + b, b absent where b_at < 0."""
        here = vector(z, z_at, n_out)
        here[:] = vector(x, x_at, n_in) @ matrix(flat, w_at, n_in, n_out)
        if b_at >= 0:
            here += vector(flat, b_at, n_out)

    def dense_backward_one(dx, dx_at, flat, w_at, b_at, dz, dz_at, x, x_at, n_in, n_out, rate):
        """Fill dx = W dz and take the SGD step."""
        vector(dx, dx_at, n_in)[:] = matrix(flat, w_at, n_in, n_out) @ vector(dz, dz_at, n_out)
        dense_update_one(flat, w_at, b_at, dz, dz_at, x, x_at, n_in, n_out, rate)

    def dense_update_one(flat, w_at, b_at, dz, dz_at, x, x_at, n_in, n_out, rate):
        """Take the SGD step W -= rate · x dzᵀ, b -= rate · dz."""
        step = rate * vector(dz, dz_at, n_out)
        matrix(flat, w_at, n_in, n_out)[...] -= np.outer(vector(x, x_at, n_in), step)
        if b_at >= 0:
            vector(flat, b_at, n_out)[:] -= step
