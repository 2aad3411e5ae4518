"""The dense layers of a network on the device. Definition: nn/reference/mlp.py.

What is added here are the fused kernels: bias and activation go with the product of the forward
pass, the activation's derivative with that of the backward pass, where nothing lies in between.
"""
from ..shared.codes import IDENTITY
from ..shared.layers import ACTIVATION, AT_GAMMA, NO_UPDATE
from ._compat import nothing
from .activations import activation_backward, activation_forward
from .dense import (
    dense_activation_forward,
    dense_forward,
    dense_input_gradient,
    dense_parameter_gradient,
)
from .dropout import dropout_backward, dropout_forward
from .normalization import (
    batch_norm_backward,
    batch_norm_evaluate,
    batch_norm_forward,
    update_running,
)
from .views import gradients_of, layer_of, statistics_of


def forward(work, norm, drop, flat, layers, rows, training, update):
    """Fill the activations of every layer from layer 0; the last ones are the outputs (rows, K).

    In training, batch normalisation uses the batch's statistics, and dropout draws the masks of
    this update (none for NO_UPDATE).
    """
    drop = drop if training and update != NO_UPDATE else None
    for l in range(len(layers)):
        v = layer_of(work, norm, drop, flat, layers, l, rows)
        if drop is not None:
            dropout_forward(v.x, v.a_in, v.rate, drop.seed, update, l, v.samples)
        if not v.normalised:
            dense_activation_forward(v.a, v.x, v.W, v.b, v.kind)
            continue
        dense_forward(v.z, v.x, v.W, v.b)
        if training:
            batch_norm_forward(v.y, v.z_hat, v.mean, v.var, v.z, v.gamma, v.beta, norm.eps)
        else:
            batch_norm_evaluate(
                v.y, v.z, v.gamma, v.beta, v.running_mean, v.running_var, norm.eps)
        activation_forward(v.a, v.y, v.kind)


def backward(dflat, work, norm, drop, flat, layers, rows, input_gradient, update):
    """Fill `dflat` from the gradient of the outputs, which lies in the last deltas.

    The output layer is linear, so its deltas are its dz. With `input_gradient` the deltas of layer
    0 are filled too.
    """
    drop = drop if update != NO_UPDATE else None
    for l in range(len(layers) - 1, -1, -1):
        v = layer_of(work, norm, drop, flat, layers, l, rows)
        g = gradients_of(dflat, work, layers, l, rows, l > 0 or input_gradient)
        if v.normalised:
            batch_norm_backward(g.dz, g.dgamma, g.dbeta, g.dy, v.z_hat, v.var, v.gamma, norm.eps)
        dense_parameter_gradient(g.dW, g.db, g.dz, v.x)
        if g.dx.size == 0:
            continue
        below = layers[l - 1, ACTIVATION] if l > 0 else IDENTITY
        a_in = v.a_in if l > 0 else nothing(2, flat.dtype)
        if drop is None:
            dense_input_gradient(g.dx, g.dz, v.W, a_in, below)
        else:  # the mask comes between the product and the derivative
            dense_input_gradient(g.dx, g.dz, v.W, nothing(2, flat.dtype), IDENTITY)
            dropout_backward(g.da_in, g.dx, v.rate, drop.seed, update, l, v.samples)
            if l > 0:
                activation_backward(g.da_in, g.da_in, a_in, below)


def update_statistics(norm, layers, rows, moves=None):
    """Move the running statistics towards those of the batch just seen in training mode."""
    for layer in layers:
        if layer[AT_GAMMA] >= 0:
            mean, var, running_mean, running_var = statistics_of(norm, layer)
            update_running(running_mean, running_var, mean, var, rows, norm.momentum, moves)
