"""The recurrent part of a network in NumPy, in front of the dense layers; nn/cpu/rnn.py mirrors it.

For each direction, over the steps of each sequence:

    u_t = x_t W_xh + b_h,  h_t = f(u_t + h_before W_hh),  layer 0 of the dense layers = pool(h),

h_before is the state of the step taken before, 0 for the first. `sequences` is a sequences.Packed,
`front` a sequences.Front. What v.h, g.dW_hh, … are: views.py.
"""
import numpy as np

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
from .views import DirectionGradients, DirectionViews

NOT_WANTED = np.zeros(0)


def rnn_forward(work, sequences, flat, front, batch, rows):
    """Fill layer 0 with the pooled states (rows, directions · H) of the `batch` sequences."""
    for d in range(len(front.offsets)):
        v = DirectionViews(work, sequences, flat, front, d, batch, rows)
        if front.tokens:
            lookup_forward(v.u, v.tokens, v.W_xh, v.b_h)
        else:
            dense_forward(v.u, v.x, v.W_xh, v.b_h)
        recurrence_forward(v.h, v.u, v.W_hh, v.starts, front.kind, v.reverse)
        pool_forward(v.pooled, v.h, v.starts, v.lengths, front.pooling, v.reverse, v.column)


def rnn_backward(dflat, work, sequences, flat, front, batch, rows, input_gradient):
    """Fill the recurrent part of `dflat` from the gradient of layer 0.

    z_t = u_t + h_before W_hh is what f is applied to; the forward's lines from the last to the
    first:

        pool(h)                   dh from dpooled
        h_t = f(z_t)              dz_t = (dh_t + dz_after W_hhᵀ) f'(z_t), dz_after of the next step
        z_t = … + h_before W_hh   dW_hh = Σ_t h_beforeᵀ dz_t: each step uses the same W_hh
        u_t = x_t W_xh + b_h      dW_xh = Σ_t x_tᵀ dz_t, db_h = Σ_t dz_t, dx_t = dz_t W_xhᵀ

    A packed array holds all steps, so that each sum over t is one product. With `input_gradient`
    the dx of the packed input is filled too.
    """
    sequences.dx[...] = 0
    for d in range(len(front.offsets)):
        v = DirectionViews(work, sequences, flat, front, d, batch, rows)
        g = DirectionGradients(dflat, work, sequences, front, d, rows, input_gradient)
        pool_backward(g.dh, g.dpooled, v.starts, v.lengths, front.pooling, v.reverse, v.column)
        recurrence_backward(
            g.dz, g.dh, v.h, v.W_hh.T, v.starts, v.lengths, front.kind, v.reverse, front.truncate)
        previous_states(v.h_before, v.h, v.starts, v.reverse)
        dense_backward(NOT_WANTED, g.dW_hh, NOT_WANTED, g.dz, v.h_before, v.W_hh)
        if front.tokens:
            lookup_backward(g.dW_xh, g.db_h, g.dz, v.tokens)
        else:
            dense_backward(g.dx, g.dW_xh, g.db_h, g.dz, v.x, v.W_xh)
            g.dx_sum += g.dx  # both directions read the same input
