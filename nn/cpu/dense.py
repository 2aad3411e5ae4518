"""Dense layer z = x W + b and its backward pass, compiled.

Definition and shapes: nn/reference/dense.py.

Each function fills one panel lo:hi of its output, so that threads can share a layer; the twin of
the reference is the panel that holds everything.
"""
from .blas import product, product_at, product_bt
from .compile import inner, twin
from .views import part, row, vector


def dense_forward_panel(z, x, W, b, lo, hi):
    """Fill columns lo:hi of z = x W + b."""
    product(z, x, W, lo, hi)
    if b.size > 0:
        b_here = vector(b, lo, hi - lo)
        for n in range(z.shape[0]):
            here = part(z, n, lo, hi)
            for j in range(here.size):
                here[j] += b_here[j]


def dense_input_gradient_panel(dx, dz, W, lo, hi):
    """Fill columns lo:hi of dx = dz Wᵀ: dx_ni = Σ_j dz_nj W_ij, a sum over the outputs."""
    product_bt(dx, dz, W, lo, hi)


def dense_parameter_gradient_panel(dW, dz, x, lo, hi):
    """Fill rows lo:hi of dW = xᵀ dz: dW_ij = Σ_n x_ni dz_nj, a sum over the batch."""
    product_at(dW, x, dz, lo, hi)


def bias_gradient(db, dz):
    """Fill db = Σ over the batch of dz."""
    for j in range(db.size):
        db[j] = dz[0, j] if dz.shape[0] > 0 else db.dtype.type(0)
    for n in range(1, dz.shape[0]):
        here = row(dz, n)
        for j in range(db.size):
            db[j] += here[j]


dense_forward_panel, bias_gradient = inner(dense_forward_panel), inner(bias_gradient)
dense_input_gradient_panel = inner(dense_input_gradient_panel)
dense_parameter_gradient_panel = inner(dense_parameter_gradient_panel)


def dense_forward(z, x, W, b):
    """Fill z = x W + b."""
    dense_forward_panel(z, x, W, b, 0, z.shape[1])


def dense_backward(dx, dW, db, dz, x, W):
    """Fill dx = dz Wᵀ, dW = xᵀ dz and db = Σ over the batch of dz."""
    if dx.size > 0:
        dense_input_gradient_panel(dx, dz, W, 0, dx.shape[1])
    dense_parameter_gradient_panel(dW, dz, x, 0, dW.shape[0])
    bias_gradient(db, dz)


dense_forward, dense_backward = twin(dense_forward), twin(dense_backward)
