"""The recurrent part of a network, compiled. Definition: nn/reference/rnn.py.

Each direction is the work of one thread.
"""
from ..shared.sequences import AT_B_H, AT_W_HH, AT_W_XH
from .compile import inner
from .dense import (
    bias_gradient,
    dense_forward_panel,
    dense_input_gradient_panel,
    dense_parameter_gradient_panel,
)
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
from .threads import wait
from .views import matrix, vector


def rnn_forward(work, sequences, flat, front, batch, rows, team):
    """Fill layer 0 with the pooled states (rows, directions · H) of the `batch` sequences."""
    starts, lengths = sequences.starts[:sequences.steps[0] + 1], sequences.lengths[:batch]
    D, H, directions = front.inputs, front.hidden, front.offsets.shape[0]
    M = starts[starts.size - 1]
    pooled = matrix(work.activations, work.at[0], rows, H * directions)
    for d in range(team.rank, directions, team.size):
        h = matrix(sequences.states, d * M * H, M, H)
        W_xh = matrix(flat, front.offsets[d, AT_W_XH], D, H)
        W_hh = matrix(flat, front.offsets[d, AT_W_HH], H, H)
        b_h = vector(flat, front.offsets[d, AT_B_H], H)
        if front.tokens:
            lookup_forward(h, sequences.tokens, W_xh, b_h)
        else:
            dense_forward_panel(h, matrix(sequences.x, starts[0], M, D), W_xh, b_h, 0, H)
        recurrence_forward(h, h, W_hh, starts, front.kind, d == 1)
        pool_forward(pooled, h, starts, lengths, front.pooling, d == 1, d * H)
    wait(team)


def rnn_backward(dflat, work, sequences, flat, front, batch, rows, input_gradient, team):
    """Fill the recurrent part of `dflat` from the gradient of layer 0.

    With `input_gradient` the dx of the packed input is filled too.
    """
    starts, lengths = sequences.starts[:sequences.steps[0] + 1], sequences.lengths[:batch]
    D, H, directions = front.inputs, front.hidden, front.offsets.shape[0]
    M = starts[starts.size - 1]
    dpooled = matrix(work.deltas, work.at[0], rows, H * directions)
    for d in range(team.rank, directions, team.size):
        h = matrix(sequences.states, d * M * H, M, H)
        dz = matrix(sequences.deltas, d * M * H, M, H)
        h_before = matrix(sequences.before, d * M * H, M, H)
        W_hh_T = matrix(sequences.transposed, d * H * H, H, H)
        dW_xh = matrix(dflat, front.offsets[d, AT_W_XH], D, H)
        dW_hh = matrix(dflat, front.offsets[d, AT_W_HH], H, H)
        db_h = vector(dflat, front.offsets[d, AT_B_H], H)
        transpose(W_hh_T, matrix(flat, front.offsets[d, AT_W_HH], H, H))
        pool_backward(dz, dpooled, starts, lengths, front.pooling, d == 1, d * H)
        recurrence_backward(
            dz, dz, h, W_hh_T, starts, lengths, front.kind, d == 1, front.truncate)
        previous_states(h_before, h, starts, d == 1)
        dense_parameter_gradient_panel(dW_hh, dz, h_before, 0, H)
        if front.tokens:
            lookup_backward(dW_xh, db_h, dz, sequences.tokens)
        else:
            x = matrix(sequences.x, starts[0], M, D)
            dense_parameter_gradient_panel(dW_xh, dz, x, 0, D)
            bias_gradient(db_h, dz)
    wait(team)
    if input_gradient and team.rank == 0:
        dx_sum = matrix(sequences.dx, starts[0], M, D)
        dx = matrix(sequences.x, starts[0], M, D)  # x has served its purpose
        for d in range(directions):
            dz = matrix(sequences.deltas, d * M * H, M, H)
            W_xh = matrix(flat, front.offsets[d, AT_W_XH], D, H)
            dense_input_gradient_panel(dx, dz, W_xh, 0, D)
            for m in range(M):
                for i in range(D):  # both directions read the same input
                    dx_sum[m, i] = dx[m, i] if d == 0 else dx_sum[m, i] + dx[m, i]
    wait(team)


rnn_forward, rnn_backward = inner(rnn_forward), inner(rnn_backward)
