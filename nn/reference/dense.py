"""Dense layer z = x W + b and its backward pass.

Shapes: x (B, in), W (in, out), b (out,), z (B, out). An empty b, db or dx means: not
there, not wanted.
"""
import numpy as np


def dense_forward(z, x, W, b):
    """Fill z = x W + b."""
    np.matmul(x, W, out=z)
    if b.size:
        z += b


def dense_backward(dx, dW, db, dz, x, W):
    """Fill dx = dz Wᵀ, dW = xᵀ dz and db = Σ over the batch of dz.

    Forward: z_nj = Σ_i x_ni W_ij + b_j. Chain rule: what was used many times collects the sum of
    what all its users send back.
    """
    # Every output j used x_ni: dx_ni = Σ_j dz_nj W_ij, a sum over outputs, so W is transposed.
    if dx.size:
        np.matmul(dz, W.T, out=dx)
    # Every sample n used W_ij: dW_ij = Σ_n x_ni dz_nj; dz already carries the 1/B of a mean loss.
    np.matmul(x.T, dz, out=dW)
    # Every sample used b_j too.
    if db.size:
        np.sum(dz, axis=0, out=db)
