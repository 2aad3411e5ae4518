"""The recurrence h_t = f(x_t W_xh + h_{t-1} W_hh + b_h) over packed sequences, and BPTT.

A batch is sorted by length, longest first, and packed time-major without padding: step t occupies
the rows starts[t]:starts[t+1], one row for each sequence that is still running, in the same order
at every step. So the sequences running at step t are the first rows of step t-1, no state ever
crosses padding, and padded steps cost nothing.

Packed arrays have M = Σ lengths rows: u (M, H) is the input's part x W_xh + b_h, h (M, H) the
states. starts (T+1,), lengths (B,) sorted. `reverse` runs from each sequence's last step to its
first; h is 0 before the first step taken. A pooling that is not in SERVED raises ValueError.
"""
import numpy as np

from ..shared.codes import EVERY_STEP, LAST, MEAN, POOLINGS, unserved
from .activations import activation_backward, activation_forward

SERVED = (LAST, MEAN, EVERY_STEP)  # poolings


def recurrence_forward(h, u, W_hh, starts, kind, reverse):
    """Fill the states h; h may be u."""
    if h is not u:
        h[...] = u
    steps = len(starts) - 1
    for t in range(steps - 1, -1, -1) if reverse else range(steps):
        before = t + 1 if reverse else t - 1
        now = h[starts[t]:starts[t + 1]]
        if 0 <= before < steps:
            # Forward, all rows of this step were running before; reverse, only the longer
            # sequences were (the first rows).
            rows = min(len(now), starts[before + 1] - starts[before])
            now[:rows] += h[starts[before]:starts[before] + rows] @ W_hh
        activation_forward(now, now, kind)


def recurrence_backward(dz, dh, h, W_hh_T, starts, lengths, kind, reverse, truncate):
    """Fill dz from dh, what the pooling sends to each state; dz may be dh.

    Forward: z_t = u_t + h_{t-1} W_hh, h_t = f(z_t). So h_t is used twice, by the pooling and by
    z_{t+1}, and backpropagation through time adds what the two send back, last step first:

        dh_t = (from the pooling) + dz_{t+1} W_hhᵀ,  dz_t = dh_t f'(z_t),

    t + 1 being the step *taken* later. W_hh_T is W_hhᵀ itself, (H, H): a view here; compiled
    backends transpose once instead of in every step. With truncate = k > 0 the second term is cut
    every k steps, counted from the end of each sequence.
    """
    if dz is not dh:
        dz[...] = dh
    steps = len(starts) - 1
    for t in range(steps) if reverse else range(steps - 1, -1, -1):
        after = t - 1 if reverse else t + 1
        now = dz[starts[t]:starts[t + 1]]
        if 0 <= after < steps:
            rows = min(len(now), starts[after + 1] - starts[after])
            dh_now = dz[starts[after]:starts[after] + rows] @ W_hh_T
            if truncate > 0:
                from_end = np.full(rows, t) if reverse else lengths[:rows] - 1 - t
                dh_now[from_end % truncate == 0] = 0
            now[:rows] += dh_now
        activation_backward(now, now, h[starts[t]:starts[t + 1]], kind)


def previous_states(h_before, h, starts, reverse):
    """Fill h_before (M, H): the state each step started from, 0 for the first step taken.

    Then dW_hh = h_beforeᵀ dz is one product over all steps.
    """
    h_before[...] = 0
    steps = len(starts) - 1
    for t in range(steps):
        before = t + 1 if reverse else t - 1
        if 0 <= before < steps:
            rows = min(starts[t + 1] - starts[t], starts[before + 1] - starts[before])
            h_before[starts[t]:starts[t] + rows] = h[starts[before]:starts[before] + rows]


def pool_forward(pooled, h, starts, lengths, pooling, reverse, column):
    """Fill the columns `column`, … of pooled (B, directions·H), or (M, …) where every step is kept.

    LAST is the last state taken: at the last valid step, or at t = 0 in reverse. MEAN is over the
    valid steps. Of a sequence of length 0 both are 0. EVERY_STEP keeps all.
    """
    columns = slice(column, column + h.shape[1])
    if pooling == LAST:
        for i, length in enumerate(lengths):
            last = i if reverse else starts[length - 1] + i
            pooled[i, columns] = h[last] if length > 0 else 0
    elif pooling == MEAN:
        for i, length in enumerate(lengths):
            pooled[i, columns] = h[starts[:length] + i].sum(axis=0) / max(length, 1)
    elif pooling == EVERY_STEP:
        pooled[:, columns] = h
    else:
        raise unserved("pooling", pooling, POOLINGS, SERVED, "nn/reference/recurrent.py")


def pool_backward(dh, dpooled, starts, lengths, pooling, reverse, column):
    """Fill dh (M, H) with what the pooled state's gradient sends to each state.

    LAST came from one state, MEAN from each with the factor 1/length, EVERY_STEP is each its own.
    """
    columns = slice(column, column + dh.shape[1])
    if pooling == LAST:
        dh[...] = 0
        for i, length in enumerate(lengths):
            if length > 0:
                dh[i if reverse else starts[length - 1] + i] = dpooled[i, columns]
    elif pooling == MEAN:
        for i, length in enumerate(lengths):
            dh[starts[:length] + i] = dpooled[i, columns] / max(length, 1)
    elif pooling == EVERY_STEP:
        dh[...] = dpooled[:, columns]
    else:
        raise unserved("pooling", pooling, POOLINGS, SERVED, "nn/reference/recurrent.py")


def lookup_forward(u, tokens, W_xh, b_h):
    """Fill u = W_xh[tokens] + b_h: a one-hot row times W_xh is a row of W_xh. tokens (M,)."""
    u[...] = W_xh[tokens] + b_h


def lookup_backward(dW_xh, db_h, dz, tokens):
    """Fill dW_xh, whose row k collects dz of every step that held token k, and db_h = Σ dz."""
    dW_xh[...] = 0
    np.add.at(dW_xh, tokens, dz)
    np.sum(dz, axis=0, out=db_h)
