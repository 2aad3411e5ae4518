"""The recurrent part of a network, compiled. Definition: nn/reference/rnn.py. Each direction is the work of one thread."""
from ..shared.sequences import AT_B_H, AT_W_HH, AT_W_XH
from .compile import inner
from .dense import bias_gradient, dense_forward_panel, dense_input_gradient_panel, dense_parameter_gradient_panel
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
    """Fill layer 0 with the pooled states (rows, directions · H) of the `batch` sequences in the workspace."""
    starts, lengths = sequences.starts[:sequences.steps[0] + 1], sequences.lengths[:batch]
    H, M, directions = front.hidden, starts[starts.size - 1], front.offsets.shape[0]
    pooled = matrix(work.activations, work.at[0], rows, H * directions)
    for d in range(team.rank, directions, team.size):
        h = matrix(sequences.states, d * M * H, M, H)
        W_xh, W_hh = matrix(flat, front.offsets[d, AT_W_XH], front.inputs, H), matrix(flat, front.offsets[d, AT_W_HH], H, H)
        b_h = vector(flat, front.offsets[d, AT_B_H], H)
        if front.tokens:
            lookup_forward(h, sequences.tokens, W_xh, b_h)
        else:
            dense_forward_panel(h, matrix(sequences.x, starts[0], M, front.inputs), W_xh, b_h, 0, H)
        recurrence_forward(h, h, W_hh, starts, front.kind, d == 1)
        pool_forward(pooled, h, starts, lengths, front.pooling, d == 1, d * H)
    wait(team)


def rnn_backward(dflat, work, sequences, flat, front, batch, rows, input_gradient, team):
    """Fill the recurrent part of `dflat` (and dx of the packed input, if wanted) from the deltas of layer 0."""
    starts, lengths = sequences.starts[:sequences.steps[0] + 1], sequences.lengths[:batch]
    H, M, directions = front.hidden, starts[starts.size - 1], front.offsets.shape[0]
    dpooled = matrix(work.deltas, work.at[0], rows, H * directions)
    for d in range(team.rank, directions, team.size):
        h, dz = matrix(sequences.states, d * M * H, M, H), matrix(sequences.deltas, d * M * H, M, H)
        h_before, W_hh_T = matrix(sequences.before, d * M * H, M, H), matrix(sequences.transposed, d * H * H, H, H)
        W_hh_at = front.offsets[d, AT_W_HH]
        transpose(W_hh_T, matrix(flat, W_hh_at, H, H))
        pool_backward(dz, dpooled, starts, lengths, front.pooling, d == 1, d * H)
        recurrence_backward(dz, dz, h, W_hh_T, starts, lengths, front.kind, d == 1, front.truncate)
        previous_states(h_before, h, starts, d == 1)
        dense_parameter_gradient_panel(matrix(dflat, W_hh_at, H, H), dz, h_before, 0, H)
        dW_xh, db_h = matrix(dflat, front.offsets[d, AT_W_XH], front.inputs, H), vector(dflat, front.offsets[d, AT_B_H], H)
        if front.tokens:
            lookup_backward(dW_xh, db_h, dz, sequences.tokens)
        else:
            dense_parameter_gradient_panel(dW_xh, dz, matrix(sequences.x, starts[0], M, front.inputs), 0, front.inputs)
            bias_gradient(db_h, dz)
    wait(team)
    if input_gradient and team.rank == 0:
        dx = matrix(sequences.dx, starts[0], M, front.inputs)
        dx_of_one = matrix(sequences.x, starts[0], M, front.inputs)  # x has served its purpose
        for d in range(directions):
            dense_input_gradient_panel(dx_of_one, matrix(sequences.deltas, d * M * H, M, H),
                                       matrix(flat, front.offsets[d, AT_W_XH], front.inputs, H), 0, front.inputs)
            for m in range(M):
                for i in range(front.inputs):  # both directions read the same input
                    dx[m, i] = dx_of_one[m, i] if d == 0 else dx[m, i] + dx_of_one[m, i]
    wait(team)


rnn_forward, rnn_backward = inner(rnn_forward), inner(rnn_backward)
