"""The dense layers of a network in NumPy: forward and backward. This is the definition; nn/cpu/mlp.py mirrors it.

`work` is a layers.Workspace whose layer 0 holds the batch; `flat` (P,) holds the parameters, `dflat` (P,) receives their
gradients in the same layout; `layers` is the layer table. A layer is: dropout on its input, dense, batch normalisation (if
it has gamma), activation. `norm` and `drop` (layers.Norm, layers.Drop) are None in networks without.
"""
from ..shared.layers import ACTIVATION, BETA, GAMMA, IN, NO_UPDATE, OUT, STATISTICS, B, W, matrix, vector
from .activations import activation_backward, activation_forward
from .dense import dense_backward, dense_forward
from .dropout import dropout_backward, dropout_forward
from .normalization import batch_norm_backward, batch_norm_evaluate, batch_norm_forward, update_running


def forward(work, norm, drop, flat, layers, rows, training, update):
    """Fill the activations of every layer from layer 0; the last ones are the outputs (rows, K).

    In training, batch normalisation uses the batch's statistics, and dropout draws the masks of this update (none for
    NO_UPDATE).
    """
    dropping = drop is not None and training and update != NO_UPDATE
    for l, layer in enumerate(layers):
        x = matrix(work.activations, work.at[l], rows, layer[IN])
        z = matrix(work.activations, work.at[l + 1], rows, layer[OUT])
        if dropping:
            a, x = x, matrix(drop.inputs, work.at[l], rows, layer[IN])
            dropout_forward(x, a, drop.rates[l], drop.seed, update, l, work.samples[:rows])
        dense_forward(z, x, matrix(flat, layer[W], layer[IN], layer[OUT]), vector(flat, layer[B], layer[OUT]))
        if layer[GAMMA] >= 0:
            _normalise(work, norm, flat, layer, l, z, rows, training)
        activation_forward(z, z, layer[ACTIVATION])


def _normalise(work, norm, flat, layer, l, z, rows, training):
    units = layer[OUT]
    gamma, beta = vector(flat, layer[GAMMA], units), vector(flat, layer[BETA], units)
    if training:
        mean, var = _mean_and_variance(norm.statistics, layer)
        z_hat = matrix(norm.normalised, work.at[l + 1], rows, units)
        batch_norm_forward(z, z_hat, mean, var, z, gamma, beta, norm.eps)
    else:
        mean, var = _mean_and_variance(norm.running, layer)
        batch_norm_evaluate(z, z, gamma, beta, mean, var, norm.eps)


def _mean_and_variance(statistics, layer):
    at, units = layer[STATISTICS], layer[OUT]
    return vector(statistics, at, units), vector(statistics, at + units, units)


def backward(dflat, work, norm, drop, flat, layers, rows, input_gradient, update):
    """Fill `dflat` (and the deltas of layer 0, if wanted) from the gradient of the outputs in the last deltas.

    The forward pass before it must have been in training mode, with the same update.
    """
    dropping = drop is not None and update != NO_UPDATE
    for l in range(len(layers) - 1, -1, -1):
        layer = layers[l]
        units = layer[OUT]
        x = matrix(drop.inputs if dropping else work.activations, work.at[l], rows, layer[IN])
        a = matrix(work.activations, work.at[l + 1], rows, units)
        dz = matrix(work.deltas, work.at[l + 1], rows, units)
        activation_backward(dz, dz, a, layer[ACTIVATION])
        if layer[GAMMA] >= 0:
            _, var = _mean_and_variance(norm.statistics, layer)
            batch_norm_backward(dz, vector(dflat, layer[GAMMA], units), vector(dflat, layer[BETA], units), dz,
                                matrix(norm.normalised, work.at[l + 1], rows, units), var,
                                vector(flat, layer[GAMMA], units), norm.eps)
        wanted = l > 0 or input_gradient
        dx = matrix(work.deltas, work.at[l], rows if wanted else 0, layer[IN])
        dense_backward(dx, matrix(dflat, layer[W], layer[IN], units), vector(dflat, layer[B], units),
                       dz, x, matrix(flat, layer[W], layer[IN], units))
        if dropping and wanted:
            dropout_backward(dx, dx, drop.rates[l], drop.seed, update, l, work.samples[:rows])


def update_statistics(norm, layers, rows):
    """Move the running statistics towards those of the batch just seen in training mode."""
    for layer in layers:
        if layer[GAMMA] >= 0:
            running_mean, running_var = _mean_and_variance(norm.running, layer)
            mean, var = _mean_and_variance(norm.statistics, layer)
            update_running(running_mean, running_var, mean, var, rows, norm.momentum)
