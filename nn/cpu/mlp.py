"""The dense layers of a network, compiled. Definition: nn/reference/mlp.py.

What is added here is the team: every thread runs these functions, takes the panels of its rank, and waits for the others
where it needs what they computed.
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
from .dense import bias_gradient, dense_forward_panel, dense_input_gradient_panel, dense_parameter_gradient_panel
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

    In training, batch normalisation uses the batch's statistics, and dropout draws the masks of this update (none for
    NO_UPDATE).
    """
    for l in range(layers.shape[0]):
        n_in, n_out = layers[l, IN], layers[l, OUT]
        x = matrix(work.activations, work.at[l], rows, n_in)
        z = matrix(work.activations, work.at[l + 1], rows, n_out)
        if drop is not None:  # a test by itself: then Numba leaves the branch out where drop is None
            if training and update != NO_UPDATE:
                a, x = x, matrix(drop.inputs, work.at[l], rows, n_in)
                for panel in range(team.rank, panels(n_in), team.size):
                    lo, hi = panel_bounds(panel, n_in)
                    dropout_forward_panel(x, a, drop.rates[l], drop.seed, update, l, work.samples, lo, hi)
                wait(team)
        weights, b = matrix(flat, layers[l, AT_W], n_in, n_out), vector(flat, layers[l, AT_B], n_out)
        for panel in range(team.rank, panels(n_out), team.size):
            lo, hi = panel_bounds(panel, n_out)
            dense_forward_panel(z, x, weights, b, lo, hi)
            if norm is not None:
                _normalise(work, norm, flat, layers, l, z, rows, training, lo, hi)
            activation_forward_panel(z, layers[l, ACTIVATION], lo, hi)
        wait(team)


def _normalise(work, norm, flat, layers, l, z, rows, training, lo, hi):
    layer, units = layers[l], layers[l, OUT]
    if layer[AT_GAMMA] < 0:
        return
    gamma, beta = vector(flat, layer[AT_GAMMA], units), vector(flat, layer[AT_BETA], units)
    at = layer[AT_STATISTICS]
    if training:
        batch_norm_forward_panel(z, matrix(norm.normalised, work.at[l + 1], rows, units), vector(norm.statistics, at, units),
                                 vector(norm.statistics, at + units, units), gamma, beta, norm.eps, lo, hi)
    else:
        batch_norm_evaluate_panel(z, gamma, beta, vector(norm.running, at, units),
                                  vector(norm.running, at + units, units), norm.eps, lo, hi)


def backward(dflat, work, norm, drop, flat, layers, rows, input_gradient, update, team):
    """Fill `dflat` (and the deltas of layer 0, if wanted) from the gradient of the outputs in the last deltas.

    The output layer is linear, so its deltas are its dz. On the way down a thread takes the columns of dx that it has just
    made through the dropout, activation and normalisation of the layer below, which turns them into that layer's dz.
    """
    for l in range(layers.shape[0] - 1, -1, -1):
        n_in, n_out = layers[l, IN], layers[l, OUT]
        a, dx = matrix(work.activations, work.at[l], rows, n_in), matrix(work.deltas, work.at[l], rows, n_in)
        x = a
        if drop is not None:
            if update != NO_UPDATE:
                x = matrix(drop.inputs, work.at[l], rows, n_in)
        dz = matrix(work.deltas, work.at[l + 1], rows, n_out)
        weights, dweights = matrix(flat, layers[l, AT_W], n_in, n_out), matrix(dflat, layers[l, AT_W], n_in, n_out)
        for panel in range(team.rank, panels(n_in), team.size):
            lo, hi = panel_bounds(panel, n_in)
            dense_parameter_gradient_panel(dweights, dz, x, lo, hi)
            if l > 0 or input_gradient:
                dense_input_gradient_panel(dx, dz, weights, lo, hi)
                if drop is not None:
                    if update != NO_UPDATE:
                        dropout_backward_panel(dx, drop.rates[l], drop.seed, update, l, work.samples, lo, hi)
            if l > 0:
                activation_backward_panel(dx, a, layers[l - 1, ACTIVATION], lo, hi)
                if norm is not None:
                    _normalise_backward(dflat, work, norm, flat, layers, l - 1, dx, rows, lo, hi)
        if team.rank == team.size - 1:
            bias_gradient(vector(dflat, layers[l, AT_B], n_out), dz)
        wait(team)


def _normalise_backward(dflat, work, norm, flat, layers, l, dz, rows, lo, hi):
    layer, units = layers[l], layers[l, OUT]
    if layer[AT_GAMMA] < 0:
        return
    batch_norm_backward_panel(
        dz, vector(dflat, layer[AT_GAMMA], units), vector(dflat, layer[AT_BETA], units),
        matrix(norm.normalised, work.at[l + 1], rows, units), vector(norm.statistics, layer[AT_STATISTICS] + units, units),
        vector(flat, layer[AT_GAMMA], units), norm.eps, lo, hi)


def update_statistics(norm, layers, rows):
    """Move the running statistics towards those of the batch just seen in training mode."""
    for l in range(layers.shape[0]):
        layer, units = layers[l], layers[l, OUT]
        if layer[AT_GAMMA] >= 0:
            at = layer[AT_STATISTICS]
            update_running_panel(vector(norm.running, at, units), vector(norm.running, at + units, units),
                                 vector(norm.statistics, at, units), vector(norm.statistics, at + units, units), rows,
                                 norm.momentum, 0, units)


_normalise, _normalise_backward = inner(_normalise), inner(_normalise_backward)
forward, backward, update_statistics = inner(forward), inner(backward), inner(update_statistics)
