"""The arrays of the formulas, by their names: all index arithmetic of the definition is in here.

Parameters, their gradients, activations and deltas each lie in one flat array
(nn/shared/layers.py). The classes below cut out what one layer, or one direction of a recurrent
network, works on. Nothing is copied: to write into a view is to write into the flat array. Arrays
have the dtype of the flat one, which is complex where the complex step asks.
"""
import numpy as np

from ..shared.layers import (
    ACTIVATION,
    AT_B,
    AT_BETA,
    AT_GAMMA,
    AT_STATISTICS,
    AT_W,
    IN,
    OUT,
    matrix,
    vector,
)
from ..shared.sequences import AT_B_H, AT_W_HH, AT_W_XH, block


class LayerViews:
    """One dense layer: x = dropout(a_in), z = x W + b, y = norm(z), a = f(y).

    a_in (B, in) is the a of the layer before; x is a_in itself without dropout (`drop` None), which
    alone has a rate and samples (B,). z, y and a (B, out) are one array, each overwrites the one
    before. gamma, beta, mean, var, running_mean, running_var (out,) and z_hat (B, out) are there
    only if `normalised`.
    """

    def __init__(self, work, norm, drop, flat, layers, l, rows):
        layer = layers[l].tolist()  # numbers of Python's own cut faster
        n_in, n_out = layer[IN], layer[OUT]
        self.W, self.b = matrix(flat, layer[AT_W], n_in, n_out), vector(flat, layer[AT_B], n_out)
        self.a_in = self.x = matrix(work.activations, work.at[l], rows, n_in)
        if drop is not None:
            self.x = matrix(drop.inputs, work.at[l], rows, n_in)
            self.rate, self.samples = drop.rates[l], work.samples[:rows]
        self.z = self.y = self.a = matrix(work.activations, work.at[l + 1], rows, n_out)
        self.kind = layer[ACTIVATION]
        self.normalised = layer[AT_GAMMA] >= 0
        if self.normalised:
            self.gamma = vector(flat, layer[AT_GAMMA], n_out)
            self.beta = vector(flat, layer[AT_BETA], n_out)
            self.z_hat = matrix(norm.normalised, work.at[l + 1], rows, n_out)
            self.mean, self.var, self.running_mean, self.running_var = statistics(norm, layer)


class LayerGradients:
    """The gradients of `LayerViews`, dX that of X; dx and da_in are empty unless wanted.

    da, dy and dz (B, out) are one array, dx and da_in (B, in) another.
    """

    def __init__(self, dflat, work, layers, l, rows, dx_wanted):
        layer = layers[l].tolist()
        n_in, n_out = layer[IN], layer[OUT]
        self.dW = matrix(dflat, layer[AT_W], n_in, n_out)
        self.db = vector(dflat, layer[AT_B], n_out)
        if layer[AT_GAMMA] >= 0:
            self.dgamma = vector(dflat, layer[AT_GAMMA], n_out)
            self.dbeta = vector(dflat, layer[AT_BETA], n_out)
        self.da = self.dy = self.dz = matrix(work.deltas, work.at[l + 1], rows, n_out)
        self.dx = self.da_in = matrix(work.deltas, work.at[l], rows if dx_wanted else 0, n_in)


class OutputViews:
    """What the loss sees: o and do (rows, K) of the last layer; losses, weights, samples (rows,).

    y is (rows,) class ids or (rows, width) targets. row_weights (rows,) is how much each row
    counts; None: all the same.
    """

    def __init__(self, work, layers, data, rows):
        K = layers[-1, OUT]
        self.o = matrix(work.activations, work.at[-1], rows, K)
        self.do = matrix(work.deltas, work.at[-1], rows, K)
        self.y = work.labels[:rows] if data.labels.size else work.targets[:rows]
        self.losses, self.weights = work.losses[:rows], work.weights[:rows]
        self.row_weights = None if work.row_weights is None else work.row_weights[:rows]
        self.samples = work.samples[:rows]


class DirectionViews:
    """One direction of the recurrence: u = x W_xh + b_h, h_t = f(u_t + h_before_t W_hh).

    Packed arrays have M rows, see recurrent.py: x (M, D) or tokens (M,), u, h, h_before (M, H); u
    and h are one array. pooled (rows, directions · H) is layer 0 of the dense layers, where this
    direction owns the columns from `column` on. starts (T + 1,), lengths (batch,).
    """

    def __init__(self, work, sequences, flat, front, d, batch, rows):
        at, D, H = front.offsets[d], front.inputs, front.hidden
        self.starts = sequences.starts[:sequences.steps[0] + 1]
        self.lengths, self.reverse = sequences.lengths[:batch], d == 1
        M = self.starts[-1]
        self.W_xh, self.b_h = matrix(flat, at[AT_W_XH], D, H), vector(flat, at[AT_B_H], H)
        self.W_hh = matrix(flat, at[AT_W_HH], H, H)
        self.tokens = sequences.tokens[:M]  # one of these two is empty
        self.x = matrix(sequences.x, 0, 0 if front.tokens else M, D)
        self.u = self.h = block(sequences.states, d, M, H)
        self.h_before = block(sequences.before, d, M, H)
        self.pooled = matrix(work.activations, 0, rows, len(front.offsets) * H)
        self.column = d * H


class DirectionGradients:
    """The gradients of `DirectionViews`, dX that of X; dh and dz (M, H) are one array.

    dx (M, D) is this direction's own and new, dx_sum (M, D) that of all; empty unless wanted.
    """

    def __init__(self, dflat, work, sequences, front, d, rows, dx_wanted):
        at, D, H = front.offsets[d], front.inputs, front.hidden
        M = sequences.starts[sequences.steps[0]]
        self.dW_xh, self.db_h = matrix(dflat, at[AT_W_XH], D, H), vector(dflat, at[AT_B_H], H)
        self.dW_hh = matrix(dflat, at[AT_W_HH], H, H)
        self.dh = self.dz = block(sequences.deltas, d, M, H)
        self.dpooled = matrix(work.deltas, 0, rows, len(front.offsets) * H)
        self.dx_sum = matrix(sequences.dx, 0, M if dx_wanted else 0, D)
        self.dx = np.empty_like(self.dx_sum)


def statistics(norm, layer):
    """Return mean, var, running_mean, running_var (out,) of a layer, each None without gamma."""
    if layer[AT_GAMMA] < 0:
        return None, None, None, None
    n_out, at_mean = layer[OUT], layer[AT_STATISTICS]
    return tuple(vector(array, at, n_out) for array in (norm.statistics, norm.running)
                 for at in (at_mean, at_mean + n_out))


def inputs(work, layers, rows):
    """Return layer 0 (rows, in): the x of a network of dense layers."""
    return matrix(work.activations, work.at[0], rows, layers[0, IN])


def packed_rows(sequences):
    """Return (i, t), both (M,): which sorted sequence, and which of its steps, each row holds."""
    starts = sequences.starts[:sequences.steps[0] + 1]
    t = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return np.arange(len(t)) - starts[t], t


def packed_inputs(sequences, front):
    """Return the packed input (M, D)."""
    return matrix(sequences.x, 0, sequences.starts[sequences.steps[0]], front.inputs)


def weight_matrices(flat, layers, front):
    """Yield every weight matrix of a network: each W; W_xh and W_hh of each direction."""
    for layer in layers:
        yield matrix(flat, layer[AT_W], layer[IN], layer[OUT])
    for at in front.offsets if front is not None else ():
        yield matrix(flat, at[AT_W_XH], front.inputs, front.hidden)
        yield matrix(flat, at[AT_W_HH], front.hidden, front.hidden)
