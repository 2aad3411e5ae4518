"""Elementwise activations a = f(z) and dz = da f'(z), with f' written through the output a.

Arrays (B, H). `a` may be `z` itself and `dz` may be `da`. Kinds: nn.shared.codes. The real part
decides which side of a kink a complex z lies on, so that the complex step can differentiate through
relu. A kind that is not in SERVED raises ValueError: it must never become another one's maths.
"""
import numpy as np

from ..shared.codes import ACTIVATIONS, IDENTITY, RELU, SIGMOID, TANH, unserved

SERVED = (IDENTITY, RELU, TANH, SIGMOID)


def activation_forward(a, z, kind):
    """Fill a = f(z)."""
    if kind == RELU:
        a[...] = np.where(z.real <= 0, 0, z)  # slope 0 at 0, as backward has it
    elif kind == TANH:
        np.tanh(z, out=a)
    elif kind == SIGMOID:
        # e^-|z| cannot overflow: 1/(1 + e^-z) = e^z/(1 + e^z) for negative z.
        negative = z.real < 0
        e = np.exp(np.where(negative, z, -z))
        a[...] = np.where(negative, e, 1) / (1 + e)
    elif kind == IDENTITY:
        a[...] = z
    else:
        raise unserved("activation", kind, ACTIVATIONS, SERVED, "nn/reference/activations.py")


def activation_backward(dz, da, a, kind):
    """Fill dz = da f'(z): a_nj = f(z_nj) alone depends on z_nj, so there is no sum."""
    if kind == RELU:
        dz[...] = np.where(a.real > 0, da, 0)
    elif kind == TANH:
        dz[...] = da * (1 - a * a)
    elif kind == SIGMOID:
        dz[...] = da * a * (1 - a)
    elif kind == IDENTITY:
        dz[...] = da
    else:
        raise unserved("activation", kind, ACTIVATIONS, SERVED, "nn/reference/activations.py")
