"""Dense layer z = x W + b and its backward pass on the device.

Definition and shapes: nn/reference/dense.py. Bias and activation are applied where a product is
finished, in products.py, so that a layer's forward pass is one kernel.
"""
from ..shared.codes import IDENTITY
from ._compat import nothing
from .products import product_at, product_bt, product_forward
from .reductions import column_sums


def dense_activation_forward(a, x, W, b, kind):
    """Fill a = f(x W + b)."""
    product_forward(a, x, W, b, kind)


def dense_input_gradient(dx, dz, W, a_in, kind):
    """Fill dx = dz Wᵀ, times the f' of the layer below, whose output is a_in; empty: without."""
    product_bt(dx, dz, W, a_in, kind)


def dense_parameter_gradient(dW, db, dz, x):
    """Fill dW = xᵀ dz and db = Σ over the batch of dz."""
    product_at(dW, x, dz)
    if db.size > 0:
        column_sums(db, dz)


def dense_forward(z, x, W, b):
    """Fill z = x W + b."""
    dense_activation_forward(z, x, W, b, IDENTITY)


def dense_backward(dx, dW, db, dz, x, W):
    """Fill dx = dz Wᵀ, dW = xᵀ dz and db = Σ over the batch of dz."""
    if dx.size > 0:
        dense_input_gradient(dx, dz, W, nothing(2, dx.dtype), IDENTITY)
    dense_parameter_gradient(dW, db, dz, x)
