"""The dense layers of a network, compiled. Definition: nn/reference/mlp.py.

What is added here is the team: every thread runs these functions, takes the panels of its rank, and
waits for the others where it needs what they computed.
"""

from ..shared.layers import (
    ACTIVATION,
    AT_B,
    AT_BETA,
    AT_GAMMA,
    AT_STATISTICS,
    AT_W,
    IN,
    NO_UPDATE,
    OUT,
)
from .activations import activation_backward_panel, activation_forward_panel
from .compile import inner
from .dense import (
    bias_gradient,
    dense_forward_panel,
    dense_input_gradient_panel,
    dense_parameter_gradient_panel,
)
from .dropout import dropout_backward_panel, dropout_forward_panel
from .normalization import (
    batch_norm_backward_panel,
    batch_norm_evaluate_panel,
    batch_norm_forward_panel,
    update_running_panel,
)
from .threads import compiled_panels as panels
from .threads import panel_bounds, wait
from .views import matrix, vector


def forward(work, norm, drop, flat, layers, rows, training, update, team):
    """Fill the activations of every layer from layer 0; the last ones are the outputs (rows, K).

    In training, batch normalisation uses the batch's statistics, and dropout draws the masks of
    this update (none for NO_UPDATE).
    """
    for l in range(layers.shape[0]):
        n_in, n_out = layers[l, IN], layers[l, OUT]
        x = matrix(work.activations, work.at[l], rows, n_in)
        z = matrix(work.activations, work.at[l + 1], rows, n_out)
        if drop is not None:  # a test by itself: Numba leaves the branch out where drop is None
            if training and update != NO_UPDATE:
                a_in, x = x, matrix(drop.inputs, work.at[l], rows, n_in)
                for panel in range(team.rank, panels(n_in), team.size):
                    lo, hi = panel_bounds(panel, n_in)
                    dropout_forward_panel(
                        x, a_in, drop.rates[l], drop.seed, update, l, work.samples, lo, hi)
                wait(team)
        W, b = matrix(flat, layers[l, AT_W], n_in, n_out), vector(flat, layers[l, AT_B], n_out)
        for panel in range(team.rank, panels(n_out), team.size):
            lo, hi = panel_bounds(panel, n_out)
            dense_forward_panel(z, x, W, b, lo, hi)
            if norm is not None:
                _normalise(work, norm, flat, layers, l, z, rows, training, lo, hi)
            activation_forward_panel(z, layers[l, ACTIVATION], lo, hi)
        wait(team)


def _normalise(work, norm, flat, layers, l, z, rows, training, lo, hi):
    layer, n_out = layers[l], layers[l, OUT]
    if layer[AT_GAMMA] < 0:
        return
    gamma, beta = vector(flat, layer[AT_GAMMA], n_out), vector(flat, layer[AT_BETA], n_out)
    at_mean, at_var = layer[AT_STATISTICS], layer[AT_STATISTICS] + n_out
    if training:
        z_hat = matrix(norm.normalised, work.at[l + 1], rows, n_out)
        mean, var = vector(norm.statistics, at_mean, n_out), vector(norm.statistics, at_var, n_out)
        batch_norm_forward_panel(z, z_hat, mean, var, gamma, beta, norm.eps, lo, hi)
    else:
        mean, var = vector(norm.running, at_mean, n_out), vector(norm.running, at_var, n_out)
        batch_norm_evaluate_panel(z, gamma, beta, mean, var, norm.eps, lo, hi)


def backward(dflat, work, norm, drop, flat, layers, rows, input_gradient, update, team):
    """Fill `dflat` from the gradient of the outputs, which lies in the last deltas.

    The output layer is linear, so its deltas are its dz. On the way down a thread takes the columns
    of dx that it has just made through the dropout, activation and normalisation of the layer
    below, which turns them into that layer's dz. With `input_gradient` the deltas of layer 0 are
    filled too.
    """
    for l in range(layers.shape[0] - 1, -1, -1):
        n_in, n_out = layers[l, IN], layers[l, OUT]
        a_in = matrix(work.activations, work.at[l], rows, n_in)
        dx = matrix(work.deltas, work.at[l], rows, n_in)
        x = a_in
        if drop is not None:
            if update != NO_UPDATE:
                x = matrix(drop.inputs, work.at[l], rows, n_in)
        dz = matrix(work.deltas, work.at[l + 1], rows, n_out)
        W = matrix(flat, layers[l, AT_W], n_in, n_out)
        dW = matrix(dflat, layers[l, AT_W], n_in, n_out)
        for panel in range(team.rank, panels(n_in), team.size):
            lo, hi = panel_bounds(panel, n_in)
            dense_parameter_gradient_panel(dW, dz, x, lo, hi)
            if l > 0 or input_gradient:
                dense_input_gradient_panel(dx, dz, W, lo, hi)
                if drop is not None:
                    if update != NO_UPDATE:
                        dropout_backward_panel(
                            dx, drop.rates[l], drop.seed, update, l, work.samples, lo, hi)
            if l > 0:
                activation_backward_panel(dx, a_in, layers[l - 1, ACTIVATION], lo, hi)
                if norm is not None:
                    _normalise_backward(dflat, work, norm, flat, layers, l - 1, dx, rows, lo, hi)
        if team.rank == team.size - 1:
            bias_gradient(vector(dflat, layers[l, AT_B], n_out), dz)
        wait(team)


def _normalise_backward(dflat, work, norm, flat, layers, l, dz, rows, lo, hi):
    layer, n_out = layers[l], layers[l, OUT]
    if layer[AT_GAMMA] < 0:
        return
    dgamma, dbeta = vector(dflat, layer[AT_GAMMA], n_out), vector(dflat, layer[AT_BETA], n_out)
    z_hat = matrix(norm.normalised, work.at[l + 1], rows, n_out)
    var = vector(norm.statistics, layer[AT_STATISTICS] + n_out, n_out)
    gamma = vector(flat, layer[AT_GAMMA], n_out)
    batch_norm_backward_panel(dz, dgamma, dbeta, z_hat, var, gamma, norm.eps, lo, hi)


def update_statistics(norm, layers, rows):
    """Move the running statistics towards those of the batch just seen in training mode."""
    for l in range(layers.shape[0]):
        layer, n_out = layers[l], layers[l, OUT]
        if layer[AT_GAMMA] >= 0:
            at_mean, at_var = layer[AT_STATISTICS], layer[AT_STATISTICS] + n_out
            update_running_panel(
                vector(norm.running, at_mean, n_out), vector(norm.running, at_var, n_out),
                vector(norm.statistics, at_mean, n_out), vector(norm.statistics, at_var, n_out),
                rows, norm.momentum, 0, n_out)


_normalise, _normalise_backward = inner(_normalise), inner(_normalise_backward)
forward, backward, update_statistics = inner(forward), inner(backward), inner(update_statistics)
