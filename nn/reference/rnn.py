"""The recurrent part of a network in NumPy: from packed sequences to layer 0 of the dense layers, and back.

`sequences` is a sequences.Packed; `front` a sequences.Front. nn/cpu/rnn.py mirrors this file.
"""
import numpy as np

from ..shared.layers import matrix, vector
from ..shared.sequences import B_H, W_HH, W_XH, block
from .dense import dense_backward, dense_forward
from .recurrent import (
    lookup_backward,
    lookup_forward,
    pool_backward,
    pool_forward,
    previous_states,
    recurrence_backward,
    recurrence_forward,
)


def encode(work, sequences, flat, front, batch, rows):
    """Fill layer 0 with the pooled states (rows, directions · H) of the `batch` sequences in the workspace."""
    starts, lengths, steps = sequences.starts, sequences.lengths[:batch], sequences.steps[0]
    starts, H = starts[:steps + 1], front.hidden
    pooled = matrix(work.activations, 0, rows, H * len(front.offsets))
    for d, at in enumerate(front.offsets):
        h = block(sequences.states, d, starts[-1], H)
        W_xh, b_h = matrix(flat, at[W_XH], front.inputs, H), vector(flat, at[B_H], H)
        if front.tokens:
            lookup_forward(h, sequences.tokens[:starts[-1]], W_xh, b_h)
        else:
            dense_forward(h, matrix(sequences.x, 0, starts[-1], front.inputs), W_xh, b_h)
        recurrence_forward(h, h, matrix(flat, at[W_HH], H, H), starts, front.kind, d == 1)
        pool_forward(pooled, h, starts, lengths, front.pooling, d == 1, d * H)


def decode(dflat, work, sequences, flat, front, batch, rows, input_gradient):
    """Fill the recurrent part of `dflat` (and dx of the packed input, if wanted) from the deltas of layer 0."""
    starts, lengths, steps = sequences.starts, sequences.lengths[:batch], sequences.steps[0]
    starts, H = starts[:steps + 1], front.hidden
    M = starts[-1]
    dpooled = matrix(work.deltas, 0, rows, H * len(front.offsets))
    dx_sum = matrix(sequences.dx, 0, M if input_gradient else 0, front.inputs)
    dx_sum[...] = 0
    for d, at in enumerate(front.offsets):
        h, dz = block(sequences.states, d, M, H), block(sequences.deltas, d, M, H)
        W_xh, W_hh = matrix(flat, at[W_XH], front.inputs, H), matrix(flat, at[W_HH], H, H)
        pool_backward(dz, dpooled, starts, lengths, front.pooling, d == 1, d * H)
        recurrence_backward(dz, dz, h, W_hh.T, starts, lengths, front.kind, d == 1, front.truncate)
        h_before = block(sequences.before, d, M, H)
        previous_states(h_before, h, starts, d == 1)
        nothing = vector(dflat, 0, 0)
        dense_backward(matrix(dflat, 0, 0, H), matrix(dflat, at[W_HH], H, H), nothing, dz, h_before, W_hh)
        dW_xh, db_h = matrix(dflat, at[W_XH], front.inputs, H), vector(dflat, at[B_H], H)
        if front.tokens:
            lookup_backward(dW_xh, db_h, dz, sequences.tokens[:M])
        else:
            dx = np.empty_like(dx_sum)
            dense_backward(dx, dW_xh, db_h, dz, matrix(sequences.x, 0, M, front.inputs), W_xh)
            dx_sum += dx  # both directions read the same input
