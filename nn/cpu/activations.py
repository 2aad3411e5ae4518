"""Elementwise activations, compiled.

Definition: nn/reference/activations.py; scalar maths: nn/shared/scalars.py.
"""
from ..shared import scalars
from ..shared.codes import IDENTITY, RELU, SIGMOID, TANH
from .compile import inner, twin
from .copies import copy
from .floats import exp, tanh
from .views import part

# Whoever calls compiled code asks first (nn/backends.py): it cannot raise.
SERVED = (IDENTITY, RELU, TANH, SIGMOID)

relu, relu_backward = inner(scalars.relu), inner(scalars.relu_backward)
tanh_backward = inner(scalars.tanh_backward)
sigmoid, sigmoid_backward = inner(scalars.sigmoid), inner(scalars.sigmoid_backward)


def activation_forward_panel(a, kind, lo, hi):
    """Apply f to the columns lo:hi of a, in place.

    With two arrays that may be one, loops would not be vectorised.
    """
    for n in range(a.shape[0]):
        here = part(a, n, lo, hi)
        if kind == RELU:
            for j in range(here.size):
                here[j] = relu(here[j])
        elif kind == TANH:
            for j in range(here.size):
                here[j] = tanh(here[j])
        elif kind == SIGMOID:
            for j in range(here.size):
                here[j] = sigmoid(here[j], exp(-abs(here[j])))


def activation_backward_panel(dz, a, kind, lo, hi):
    """Multiply the columns lo:hi of dz by f'(z), in place."""
    for n in range(a.shape[0]):
        here, state = part(dz, n, lo, hi), part(a, n, lo, hi)
        if kind == RELU:
            for j in range(here.size):
                here[j] = relu_backward(here[j], state[j])
        elif kind == TANH:
            for j in range(here.size):
                here[j] = tanh_backward(here[j], state[j])
        elif kind == SIGMOID:
            for j in range(here.size):
                here[j] = sigmoid_backward(here[j], state[j])


activation_forward_panel = inner(activation_forward_panel)
activation_backward_panel = inner(activation_backward_panel)


def activation_forward(a, z, kind):
    """Fill a = f(z); a may be z."""
    copy(a, z)
    activation_forward_panel(a, kind, 0, a.shape[1])


def activation_backward(dz, da, a, kind):
    """Fill dz = da f'(z); dz may be da."""
    copy(dz, da)
    activation_backward_panel(dz, a, kind, 0, a.shape[1])


activation_forward, activation_backward = twin(activation_forward), twin(activation_backward)
