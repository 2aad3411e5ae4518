"""Gradient of a weight penalty, compiled. Definition: nn/reference/penalties.py."""
from .compile import twin_apart
from .views import row


def add_penalty_gradient(dW, W, l1, l2):
    """Add l1 · sign(W) + 2 · l2 · W to dW; the subgradient of |w| at 0 is 0."""
    real = dW.dtype.type
    a, b, zero = real(l1), real(2.0 * l2), real(0)
    for i in range(W.shape[0]):
        here, there = row(dW, i), row(W, i)
        for j in range(here.size):
            w = there[j]
            sign = a if w > zero else (-a if w < zero else zero)
            here[j] += sign + b * w


add_penalty_gradient = twin_apart(add_penalty_gradient)
