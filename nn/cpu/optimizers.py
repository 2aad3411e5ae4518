"""One step of each optimizer, compiled.

Definition: nn/reference/optimizers.py; scalar maths: nn/shared/scalars.py.
"""
import math

from ..shared import scalars
from .compile import inner, twin

sgd_element, adam_element, rprop_element = (
    inner(scalars.sgd_element), inner(scalars.adam_element), inner(scalars.rprop_element))


def sgd_step(theta, velocity, dtheta, learning_rate, momentum, nesterov, weight_decay):
    """Move theta against the gradient dtheta, with momentum in `velocity`."""
    real = theta.dtype.type
    rate, momentum_, decay = real(learning_rate), real(momentum), real(weight_decay)
    if velocity.size == 0:
        for i in range(theta.size):
            theta[i] -= rate * (dtheta[i] + decay * theta[i])
    else:
        for i in range(theta.size):
            theta[i], velocity[i] = sgd_element(
                theta[i], velocity[i], dtheta[i], rate, momentum_, nesterov, decay)


def adam_step(theta, m, v, dtheta, learning_rate, beta1, beta2, eps, weight_decay, decoupled, step):
    """Move theta by the ratio of the gradient's running moments m and v; `step` counts from 1."""
    real = theta.dtype.type
    shrink = real(1.0 - learning_rate * weight_decay) if decoupled else real(1)
    decay = real(0) if decoupled else real(weight_decay)
    # The corrections for m and v starting at 0 are the same for all elements: one product each
    # instead of two divisions.
    rate, root = real(learning_rate / (1.0 - beta1**step)), real(1.0 / math.sqrt(1.0 - beta2**step))
    beta1_, beta2_, eps_ = real(beta1), real(beta2), real(eps)
    for i in range(theta.size):
        theta[i], m[i], v[i] = adam_element(
            theta[i], m[i], v[i], dtheta[i], rate, beta1_, beta2_, eps_, decay, shrink, root)


def rprop_step(theta, before, size, dtheta, shrink, grow, smallest, largest):
    """Move each theta by its own step size, against the sign of its gradient.

    `before` is the gradient of the last step.
    """
    real = theta.dtype.type
    down, up, low, high = real(shrink), real(grow), real(smallest), real(largest)
    for i in range(theta.size):
        theta[i], before[i], size[i] = rprop_element(
            theta[i], before[i], size[i], dtheta[i], down, up, low, high)


sgd_step, adam_step, rprop_step = twin(sgd_step), twin(adam_step), twin(rprop_step)
