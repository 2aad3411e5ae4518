"""Per-element maths, written once: plain functions that a compiled backend (`nn.cpu`) compiles by assignment.

Every constant takes the type of the argument (``type(z)(1)``): a bare ``1.0`` would turn float32 arithmetic into float64.
Derivatives are functions of the activation's *output* a = f(z), so the backward pass needs no z.
"""
from math import sqrt


def relu(z):
    """Return max(z, 0); NaN stays NaN, so that a diverged network is noticed."""
    zero = type(z)(0)
    return zero if z < zero else z


def relu_backward(da, a):
    """Return dz = da where the output is positive; the subgradient at z = 0 is 0."""
    zero = type(a)(0)
    return da if a > zero else zero


def tanh_backward(da, a):
    """Return dz = da (1 - a²)."""
    return da * (type(a)(1) - a * a)


def sigmoid(z, exp_minus_abs_z):
    """Return 1 / (1 + e^-z) from e^-|z|, which cannot overflow."""
    one = type(z)(1)
    return (one if z >= type(z)(0) else exp_minus_abs_z) / (one + exp_minus_abs_z)


def sigmoid_backward(da, a):
    """Return dz = da a (1 - a)."""
    return da * a * (type(a)(1) - a)


def sgd_element(theta, velocity, dtheta, learning_rate, momentum, nesterov, weight_decay):
    """Return (theta, velocity) after one step of `nn.SGD`; the formula stands in its docstring."""
    dtheta = dtheta + weight_decay * theta
    velocity = momentum * velocity + dtheta
    step = dtheta + momentum * velocity if nesterov else velocity
    return theta - learning_rate * step, velocity


def adam_element(theta, m, v, dtheta, learning_rate, beta1, beta2, eps, weight_decay, shrink, root):
    """Return (theta, m, v) after one step of `nn.Adam`; the formula stands in its docstring.

    `learning_rate` already holds 1 / (1 - beta1^t), `root` is 1 / sqrt(1 - beta2^t), `shrink` is 1 - lr·wd (AdamW) or 1.
    """
    one = type(theta)(1)
    dtheta = dtheta + weight_decay * theta
    m = beta1 * m + (one - beta1) * dtheta
    v = beta2 * v + (one - beta2) * dtheta * dtheta
    return shrink * theta - learning_rate * m / (type(theta)(sqrt(v)) * root + eps), m, v


def rprop_element(theta, before, size, dtheta, shrink, grow, smallest, largest):
    """Return (theta, before, size) after one step of `nn.RPROP`; the formula stands in its docstring."""
    zero = type(theta)(0)
    if (dtheta > zero and before > zero) or (dtheta < zero and before < zero):  # their product may underflow to 0
        size = min(size * grow, largest)
    elif (dtheta > zero and before < zero) or (dtheta < zero and before > zero):
        size = max(size * shrink, smallest)
        dtheta = zero
    step = size if dtheta > zero else (-size if dtheta < zero else zero)
    return theta - step, dtheta, size
