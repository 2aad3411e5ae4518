"""Gradient of a weight penalty on the device. Definition: nn/reference/penalties.py."""
from ._compat import blocks, cuda, kernel, launch

THREADS = 256


def add_to_elements(dW, W, l1, two_l2):
    """Add l1 · sign(W) + two_l2 · W to dW, a thread each element."""
    i = cuda.grid(1)
    if i < W.size:
        n, j = i // W.shape[1], i % W.shape[1]
        zero, w = W.dtype.type(0), W[n, j]
        sign = l1 if w > zero else (-l1 if w < zero else zero)
        dW[n, j] += sign + two_l2 * w


add_to_elements = kernel(add_to_elements)


def add_penalty_gradient(dW, W, l1, l2):
    """Add l1 · sign(W) + 2 · l2 · W to dW; the subgradient of |w| at 0 is 0."""
    real = dW.dtype.type
    launch(add_to_elements, blocks(W.size, THREADS), THREADS, dW, W, real(l1), real(2.0 * l2))
