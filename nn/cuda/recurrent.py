"""The recurrence over packed sequences and BPTT on the device, all time steps in one kernel.

Definition and layout: nn/reference/recurrent.py. The states of different sequences have nothing to
do with each other, so a block takes SEQUENCES of them through all steps: it copies W_hh to shared
memory once, keeps the states of the last step there as well, and its threads wait for each other
once a step. A W_hh that does not fit is read from global memory.
"""
import numpy as np

from ..shared.codes import EVERY_STEP, LAST, MEAN, RELU, TANH
from . import _compat
from ._compat import blocks, cuda, device, kernel, launch, scratch
from .activations import activate, activate_backward
from .reductions import MOST_PARTS, column_sums

# Asked before a call, see activations.py.
SERVED, SERVED_POOLINGS = (RELU, TANH), (LAST, MEAN, EVERY_STEP)

U = np.uint32  # see products.py
SEQUENCES = 4  # of a block: what is read of W_hh serves all of them
THREADS = 256
STEPS = 256  # packed rows in which one block looks for a token


def through_weights(sums, room, before, W, at_W, j, known, shared):
    """Fill sums[i] = (state i @ W)[j] for the `known` sequences with a state, 0 for the others.

    The states stand in `room` from `before` on, and so does W, from at_W on, if it is `shared`.
    """
    H = U(W.shape[0])
    for i in range(SEQUENCES):
        sums[i] = W.dtype.type(0)
    if known > 0:
        for m in range(H):
            w = room[at_W + m * H + j] if shared else W[m, j]
            for i in range(SEQUENCES):
                if i < known:
                    sums[i] += room[before + U(i) * H + m] * w


through_weights = device(through_weights)


def run_states(h, u, W_hh, starts, kind, reverse, shared):
    """Fill the states h of a block's sequences; h may be u. `shared`: W_hh goes to shared memory.

    The states before a step and those after it are kept in two places by turns.
    """
    room = cuda.shared.array(0, h.dtype)  # 2 · SEQUENCES · H states, then W_hh
    sums = cuda.local.array(SEQUENCES, h.dtype)
    H, steps = U(h.shape[1]), starts.size - 1
    first, thread, threads = cuda.blockIdx.x * SEQUENCES, cuda.threadIdx.x, cuda.blockDim.x
    before, after, at_W = U(0), U(SEQUENCES) * H, U(2 * SEQUENCES) * H
    if steps == 0 or first >= starts[1]:
        return  # the whole block at once, or the others would wait for ever
    if shared:
        for s in range(U(thread), H * H, U(threads)):
            room[at_W + s] = W_hh[s // H, s % H]
    # No barrier: the first step has no state before it and uses no W_hh, and ends with one.
    known = 0  # sequences of this block that have a state already
    for k in range(steps):
        t = steps - 1 - k if reverse else k
        running = min(starts[t + 1] - starts[t] - first, SEQUENCES)
        known = min(known, running)
        for j in range(U(thread), H, U(threads)):
            through_weights(sums, room, before, W_hh, at_W, j, known, shared)
            for i in range(SEQUENCES):
                if i < running:
                    n = starts[t] + first + i
                    state = activate(u[n, j] + sums[i], kind)
                    h[n, j] = state
                    room[after + U(i) * H + j] = state
        cuda.syncthreads()  # the step is whole before the next one reads it
        before, after, known = after, before, max(running, 0)


def run_deltas(dz, dh, h, W_hh_T, starts, lengths, kind, reverse, truncate, shared):
    """Fill dz of a block's sequences, last step first; dz may be dh. `shared` as in run_states."""
    room = cuda.shared.array(0, h.dtype)  # 2 · SEQUENCES · H deltas, then W_hhᵀ
    sums = cuda.local.array(SEQUENCES, h.dtype)
    H, steps = U(h.shape[1]), starts.size - 1
    first, thread, threads = cuda.blockIdx.x * SEQUENCES, cuda.threadIdx.x, cuda.blockDim.x
    before, after, at_W = U(0), U(SEQUENCES) * H, U(2 * SEQUENCES) * H
    if steps == 0 or first >= starts[1]:
        return  # the whole block at once, or the others would wait for ever
    if shared:
        for s in range(U(thread), H * H, U(threads)):
            room[at_W + s] = W_hh_T[s // H, s % H]
    known = 0
    for k in range(steps):
        t = k if reverse else steps - 1 - k
        running = min(starts[t + 1] - starts[t] - first, SEQUENCES)
        known = min(known, running)
        for j in range(U(thread), H, U(threads)):
            through_weights(sums, room, before, W_hh_T, at_W, j, known, shared)
            for i in range(SEQUENCES):
                if i < running:
                    n = starts[t] + first + i
                    value = dh[n, j]
                    # The later step is cut off every `truncate` steps from the sequence's end.
                    from_end = t if reverse else lengths[first + i] - 1 - t
                    if i < known and (truncate == 0 or from_end % truncate != 0):
                        value += sums[i]
                    value = activate_backward(value, h[n, j], kind)
                    dz[n, j] = value
                    room[after + U(i) * H + j] = value
        cuda.syncthreads()
        before, after, known = after, before, max(running, 0)


run_states, run_deltas = kernel(run_states), kernel(run_deltas)


def most_hidden(dtype):
    """Return the largest H whose states fit into shared memory."""
    return _compat.machine.most_shared // (2 * SEQUENCES * np.dtype(dtype).itemsize)


def _run_all(step_kernel, starts, out, *arguments, batch):
    """Launch blocks for `batch` sequences; None: for as many as there may be."""
    M, H = out.shape
    steps = starts.size - 1
    batch = max(M - steps + 1, 0) if batch is None else batch
    states, weights = 2 * SEQUENCES * H, H * H
    shared = (states + weights) * out.dtype.itemsize <= _compat.machine.most_shared
    threads = min(32 * blocks(H, 32), THREADS)
    nbytes = (states + weights * shared) * out.dtype.itemsize
    launch(step_kernel, blocks(batch, SEQUENCES) if steps > 0 else 0, threads, out, *arguments,
           shared, shared=nbytes)


def recurrence_forward(h, u, W_hh, starts, kind, reverse, batch=None):
    """Fill the states h; h may be u."""
    _run_all(run_states, starts, h, u, W_hh, starts, kind, reverse, batch=batch)


def recurrence_backward(dz, dh, h, W_hh_T, starts, lengths, kind, reverse, truncate):
    """Fill dz from dh, what the pooling sends to each state; dz may be dh."""
    _run_all(run_deltas, starts, dz, dh, h, W_hh_T, starts, lengths, kind, reverse, truncate,
             batch=lengths.size)


def transpose_elements(to, W):
    """Fill `to` with Wᵀ, a thread each element."""
    i = cuda.grid(1)
    if i < W.size:
        to[i % W.shape[1], i // W.shape[1]] = W[i // W.shape[1], i % W.shape[1]]


def states_before(h_before, h, starts, reverse):
    """Fill h_before of step t = blockIdx.y, and every gridDim.y-th after it.

    That is the first rows of the step before, then zeros.
    """
    H, steps, wide = h.shape[1], starts.size - 1, cuda.gridDim.x * cuda.blockDim.x
    for t in range(cuda.blockIdx.y, steps, cuda.gridDim.y):
        before = t + 1 if reverse else t - 1
        known = 0
        if before >= 0 and before < steps:
            known = starts[before + 1] - starts[before]
        for s in range(cuda.grid(1), (starts[t + 1] - starts[t]) * H, wide):
            i, j = s // H, s % H
            h_before[starts[t] + i, j] = h[starts[before] + i, j] if i < known else h.dtype.type(0)


def pool(pooled, h, starts, lengths, pooling, reverse, column):
    """Fill the pooled states, a thread each unit of a sequence, or of a step for EVERY_STEP."""
    s, H = cuda.grid(1), h.shape[1]
    i, j = s // H, s % H
    if pooling == EVERY_STEP:
        if i < h.shape[0]:
            pooled[i, column + j] = h[i, j]
    elif i < lengths.size:
        length, value = lengths[i], h.dtype.type(0)
        if pooling == LAST and length > 0:
            value = h[i if reverse else starts[length - 1] + i, j]
        elif pooling == MEAN:
            for t in range(length):
                value += h[starts[t] + i, j]
            value /= h.dtype.type(max(length, 1))
        pooled[i, column + j] = value


def spread(dh, dpooled, starts, lengths, pooling, reverse, column):
    """Fill dh with what the pooled state's gradient sends there; threads as in `pool`."""
    s, H = cuda.grid(1), dh.shape[1]
    i, j = s // H, s % H
    if pooling == EVERY_STEP:
        if i < dh.shape[0]:
            dh[i, j] = dpooled[i, column + j]
    elif i < lengths.size:
        length, value = lengths[i], dpooled[i, column + j]
        last = 0 if reverse else length - 1
        if pooling == MEAN:
            value /= dh.dtype.type(max(length, 1))
        for t in range(length):
            dh[starts[t] + i, j] = value if pooling == MEAN or t == last else dh.dtype.type(0)


def look_up(u, tokens, W_xh, b_h):
    """Fill u = W_xh[tokens] + b_h, a thread each element."""
    s, H = cuda.grid(1), u.shape[1]
    if s < u.size:
        m, j = s // H, s % H
        u[m, j] = W_xh[tokens[m], j] + b_h[j]


def collect(found, dz, tokens):
    """Fill row (share, token) of `found` with the sum of dz over the rows of a share that held it.

    A block each token of each share of STEPS rows.
    """
    H = dz.shape[1]
    tokens_in_all = found.shape[1] // H
    share, token = cuda.blockIdx.x // tokens_in_all, cuda.blockIdx.x % tokens_in_all
    for j in range(cuda.threadIdx.x, H, cuda.blockDim.x):
        value = dz.dtype.type(0)
        for m in range(share * STEPS, min((share + 1) * STEPS, dz.shape[0])):
            if tokens[m] == token:
                value += dz[m, j]
        found[share, token * H + j] = value


transpose_elements, states_before = kernel(transpose_elements), kernel(states_before)
pool, spread, look_up, collect = kernel(pool), kernel(spread), kernel(look_up), kernel(collect)


def transpose(to, W):
    """Fill `to` with Wᵀ."""
    launch(transpose_elements, blocks(W.size, THREADS), THREADS, to, W)


def previous_states(h_before, h, starts, reverse):
    """Fill h_before (M, H): the state each step started from, 0 for the first step taken."""
    grid = min(blocks(h.size, THREADS), 64), min(starts.size - 1, MOST_PARTS)
    launch(states_before, grid, THREADS, h_before, h, starts, reverse)


def pool_forward(pooled, h, starts, lengths, pooling, reverse, column):
    """Fill the columns `column`, … of pooled (B, directions·H), or (M, …) for EVERY_STEP."""
    size = pooled.shape[0] * h.shape[1]
    launch(pool, blocks(size, THREADS), THREADS, pooled, h, starts, lengths, pooling, reverse,
           column)


def pool_backward(dh, dpooled, starts, lengths, pooling, reverse, column):
    """Fill dh (M, H) with what the pooled state's gradient sends to each state."""
    size = dpooled.shape[0] * dh.shape[1]
    launch(spread, blocks(size, THREADS), THREADS, dh, dpooled, starts, lengths, pooling, reverse,
           column)


def lookup_forward(u, tokens, W_xh, b_h):
    """Fill u = W_xh[tokens] + b_h: a one-hot row times W_xh is a row of W_xh. tokens (M,)."""
    launch(look_up, blocks(u.size, THREADS), THREADS, u, tokens, W_xh, b_h)


def lookup_backward(dW_xh, db_h, dz, tokens):
    """Fill dW_xh, whose row k collects dz of every step that held token k, and db_h = Σ dz."""
    D, H = dW_xh.shape
    shares = max(blocks(dz.shape[0], STEPS), 1)
    found = scratch("lookup", shares * D * H, dz.dtype).reshape(shares, D * H)
    launch(collect, D * shares, min(H, THREADS), found, dz, tokens)
    column_sums(dW_xh.reshape(D * H), found)
    column_sums(db_h, dz)
