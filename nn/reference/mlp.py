"""The dense layers of a network in NumPy. This is the definition; nn/cpu/mlp.py mirrors it.

A layer is dropout on its input, dense, batch normalisation, activation:

    x = dropout(a_in),  z = x W + b,  y = norm(z),  a = f(y),  and a is the a_in of the next layer.

`work` is a layers.Workspace whose layer 0 holds the batch; `flat` (P,) holds the parameters,
`dflat` (P,) receives their gradients in the same layout; `layers` is the layer table. `norm` and
`drop` (layers.Norm, layers.Drop) are None in networks without. What v.x, g.dW, … are: views.py.
"""
from ..shared.layers import NO_UPDATE
from .activations import activation_backward, activation_forward
from .dense import dense_backward, dense_forward
from .dropout import dropout_backward, dropout_forward
from .normalization import (
    batch_norm_backward,
    batch_norm_evaluate,
    batch_norm_forward,
    update_running,
)
from .views import LayerGradients, LayerViews, statistics


def forward(work, norm, drop, flat, layers, rows, training, update):
    """Fill the activations of every layer from layer 0; the last ones are the outputs (rows, K).

    In training, batch normalisation uses the batch's statistics, and dropout draws the masks of
    this update (none for NO_UPDATE).
    """
    drop = drop if training and update != NO_UPDATE else None
    for l in range(len(layers)):
        v = LayerViews(work, norm, drop, flat, layers, l, rows)
        if drop is not None:
            dropout_forward(v.x, v.a_in, v.rate, drop.seed, update, l, v.samples)
        dense_forward(v.z, v.x, v.W, v.b)
        if v.normalised and training:
            batch_norm_forward(v.y, v.z_hat, v.mean, v.var, v.z, v.gamma, v.beta, norm.eps)
        elif v.normalised:
            batch_norm_evaluate(
                v.y, v.z, v.gamma, v.beta, v.running_mean, v.running_var, norm.eps)
        activation_forward(v.a, v.y, v.kind)


def backward(dflat, work, norm, drop, flat, layers, rows, input_gradient, update):
    """Fill `dflat` from the gradient of the outputs, which lies in the last deltas.

    The forward pass before it must have been in training mode, with the same update. Its four lines
    are retraced from the last to the first:

        a = f(y)             dy = da f'(y)
        y = norm(z)          dz, dγ, dβ from dy
        z = x W + b          dx = dz Wᵀ, dW = xᵀ dz, db = Σ_n dz_n
        x = dropout(a_in)    da_in = dx · mask / (1 - rate), the da of the layer before

    With `input_gradient` the deltas of layer 0 are filled too; without, nobody needs them.
    """
    drop = drop if update != NO_UPDATE else None
    for l in range(len(layers) - 1, -1, -1):
        v = LayerViews(work, norm, drop, flat, layers, l, rows)
        dx_wanted = l > 0 or input_gradient
        g = LayerGradients(dflat, work, layers, l, rows, dx_wanted)
        activation_backward(g.dy, g.da, v.a, v.kind)
        if v.normalised:
            batch_norm_backward(g.dz, g.dgamma, g.dbeta, g.dy, v.z_hat, v.var, v.gamma, norm.eps)
        dense_backward(g.dx, g.dW, g.db, g.dz, v.x, v.W)
        if drop is not None and dx_wanted:
            dropout_backward(g.da_in, g.dx, v.rate, drop.seed, update, l, v.samples)


def update_statistics(norm, layers, rows):
    """Move the running statistics towards those of the batch just seen in training mode."""
    for layer in layers:
        mean, var, running_mean, running_var = statistics(norm, layer)
        if mean is not None:
            update_running(running_mean, running_var, mean, var, rows, norm.momentum)
