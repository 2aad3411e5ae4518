"""The recurrent part of a network on the device. Definition: nn/reference/rnn.py."""
from ..shared.codes import IDENTITY
from ._compat import blocks, cuda, kernel, launch, nothing
from .dense import dense_forward, dense_input_gradient, dense_parameter_gradient
from .recurrent import (
    lookup_backward,
    lookup_forward,
    pool_backward,
    pool_forward,
    previous_states,
    recurrence_backward,
    recurrence_forward,
    transpose,
)
from .views import direction_gradients_of, direction_of

THREADS = 256


def rnn_forward(work, sequences, flat, front, batch, rows):
    """Fill layer 0 with the pooled states (rows, directions · H) of the `batch` sequences."""
    for d in range(len(front.offsets)):
        v = direction_of(work, sequences, flat, front, d, batch, rows)
        if front.tokens:
            lookup_forward(v.u, v.tokens, v.W_xh, v.b_h)
        else:
            dense_forward(v.u, v.x, v.W_xh, v.b_h)
        recurrence_forward(v.h, v.u, v.W_hh, v.starts, front.kind, v.reverse, batch)
        pool_forward(v.pooled, v.h, v.starts, v.lengths, front.pooling, v.reverse, v.column)


def rnn_backward(dflat, work, sequences, flat, front, batch, rows, input_gradient):
    """Fill the recurrent part of `dflat` from the gradient of layer 0.

    With `input_gradient` the dx of the packed input is filled too.
    """
    nowhere = nothing(1, flat.dtype)
    for d in range(len(front.offsets)):
        v = direction_of(work, sequences, flat, front, d, batch, rows)
        g = direction_gradients_of(dflat, work, sequences, front, d, rows, input_gradient)
        transpose(v.W_hh_T, v.W_hh)
        pool_backward(g.dh, g.dpooled, v.starts, v.lengths, front.pooling, v.reverse, v.column)
        recurrence_backward(
            g.dz, g.dh, v.h, v.W_hh_T, v.starts, v.lengths, front.kind, v.reverse, front.truncate)
        previous_states(v.h_before, v.h, v.starts, v.reverse)
        dense_parameter_gradient(g.dW_hh, nowhere, g.dz, v.h_before)
        if front.tokens:
            lookup_backward(g.dW_xh, g.db_h, g.dz, v.tokens)
        else:
            dense_parameter_gradient(g.dW_xh, g.db_h, g.dz, v.x)
    if input_gradient:
        fill_input_gradient(dflat, work, sequences, flat, front, batch, rows)


def add_elements(total, part, first):
    """Fill total = part, or add to it if not `first`, a thread each element."""
    s = cuda.grid(1)
    if s < total.size:
        m, i = s // total.shape[1], s % total.shape[1]
        total[m, i] = part[m, i] if first else total[m, i] + part[m, i]


add_elements = kernel(add_elements)


def fill_input_gradient(dflat, work, sequences, flat, front, batch, rows):
    """Fill dx of the packed input from the deltas of its steps; the input is overwritten."""
    for d in range(len(front.offsets)):
        v = direction_of(work, sequences, flat, front, d, batch, rows)
        g = direction_gradients_of(dflat, work, sequences, front, d, rows, True)
        dense_input_gradient(g.dx, g.dz, v.W_xh, nothing(2, flat.dtype), IDENTITY)
        # both directions read the same input
        launch(add_elements, blocks(g.dx.size, THREADS), THREADS, g.dx_sum, g.dx, d == 0)
