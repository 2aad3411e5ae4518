"""Elementwise activations on the device.

Definition: nn/reference/activations.py; scalar maths: nn/shared/scalars.py.
"""
import math

from ..shared import scalars
from ..shared.codes import IDENTITY, RELU, SIGMOID, TANH
from ._compat import blocks, cuda, device, kernel, launch

# Whoever calls kernels asks first (nn/backends.py): they cannot raise.
SERVED = (IDENTITY, RELU, TANH, SIGMOID)
THREADS = 256

relu, relu_backward = device(scalars.relu), device(scalars.relu_backward)
tanh_backward = device(scalars.tanh_backward)
sigmoid, sigmoid_backward = device(scalars.sigmoid), device(scalars.sigmoid_backward)


def activate(z, kind):
    """Return f(z)."""
    F = type(z)
    if kind == RELU:
        return relu(z)
    if kind == TANH:
        return F(math.tanh(z))
    if kind == SIGMOID:
        return sigmoid(z, F(math.exp(-abs(z))))
    return z


def activate_backward(da, a, kind):
    """Return da f'(z), written through a = f(z)."""
    if kind == RELU:
        return relu_backward(da, a)
    if kind == TANH:
        return tanh_backward(da, a)
    if kind == SIGMOID:
        return sigmoid_backward(da, a)
    return da


activate, activate_backward = device(activate), device(activate_backward)


def forward_elements(a, z, kind):
    """Fill a = f(z), a thread each element."""
    i = cuda.grid(1)
    if i < a.size:
        n, j = i // a.shape[1], i % a.shape[1]
        a[n, j] = activate(z[n, j], kind)


def backward_elements(dz, da, a, kind):
    """Fill dz = da f'(z), a thread each element."""
    i = cuda.grid(1)
    if i < dz.size:
        n, j = i // dz.shape[1], i % dz.shape[1]
        dz[n, j] = activate_backward(da[n, j], a[n, j], kind)


forward_elements, backward_elements = kernel(forward_elements), kernel(backward_elements)


def activation_forward(a, z, kind):
    """Fill a = f(z); a may be z."""
    launch(forward_elements, blocks(a.size, THREADS), THREADS, a, z, kind)


def activation_backward(dz, da, a, kind):
    """Fill dz = da f'(z); dz may be da."""
    launch(backward_elements, blocks(dz.size, THREADS), THREADS, dz, da, a, kind)
