"""One step of each optimizer on the device, a thread each parameter.

Definition: nn/reference/optimizers.py; scalar maths: nn/shared/scalars.py. Whether an update moves
anything is known on the device alone: `moves` (1,) int32 is read there, and 0 where the loss was
not finite or the whole batch weighs nothing (training.py).
"""
import math

import numpy as np

from ..shared import scalars
from ._compat import blocks, cuda, device, kernel, launch, to_device

THREADS = 256

sgd_element, adam_element, rprop_element = (
    device(scalars.sgd_element), device(scalars.adam_element), device(scalars.rprop_element))


def sgd_elements(theta, velocity, dtheta, learning_rate, momentum, nesterov, weight_decay, moves):
    """Move theta against the gradient dtheta, with momentum in `velocity` unless that is empty."""
    i = cuda.grid(1)
    if i < theta.size and moves[0] != 0:
        if velocity.size == 0:
            theta[i] -= learning_rate * (dtheta[i] + weight_decay * theta[i])
        else:
            theta[i], velocity[i] = sgd_element(theta[i], velocity[i], dtheta[i], learning_rate,
                                                momentum, nesterov, weight_decay)


def adam_elements(theta, m, v, dtheta, learning_rate, beta1, beta2, eps, weight_decay, shrink, root,
                  moves):
    """Move theta by the ratio of m and v; the arguments are those of scalars.adam_element."""
    i = cuda.grid(1)
    if i < theta.size and moves[0] != 0:
        theta[i], m[i], v[i] = adam_element(theta[i], m[i], v[i], dtheta[i], learning_rate, beta1,
                                            beta2, eps, weight_decay, shrink, root)


def rprop_elements(theta, before, size, dtheta, shrink, grow, smallest, largest, moves):
    """Move each theta by its own step size, against the sign of its gradient."""
    i = cuda.grid(1)
    if i < theta.size and moves[0] != 0:
        theta[i], before[i], size[i] = rprop_element(theta[i], before[i], size[i], dtheta[i],
                                                     shrink, grow, smallest, largest)


sgd_elements, adam_elements = kernel(sgd_elements), kernel(adam_elements)
rprop_elements = kernel(rprop_elements)


def _run(elements, theta, *arguments, moves):
    moves = to_device(np.ones(1, np.int32)) if moves is None else moves
    launch(elements, blocks(theta.size, THREADS), THREADS, theta, *arguments, moves)


def sgd_step(theta, velocity, dtheta, learning_rate, momentum, nesterov, weight_decay, moves=None):
    """Move theta against the gradient dtheta, with momentum in `velocity`."""
    real = theta.dtype.type
    _run(sgd_elements, theta, velocity, dtheta, real(learning_rate), real(momentum), nesterov,
         real(weight_decay), moves=moves)


def adam_step(theta, m, v, dtheta, learning_rate, beta1, beta2, eps, weight_decay, decoupled, step,
              moves=None):
    """Move theta by the ratio of the gradient's running moments m and v; `step` counts from 1."""
    real = theta.dtype.type
    shrink = real(1.0 - learning_rate * weight_decay if decoupled else 1.0)
    decay = real(0.0 if decoupled else weight_decay)
    # The corrections for m and v starting at 0 are the same for all elements.
    rate, root = real(learning_rate / (1.0 - beta1**step)), real(1.0 / math.sqrt(1.0 - beta2**step))
    _run(adam_elements, theta, m, v, dtheta, rate, real(beta1), real(beta2), real(eps), decay,
         shrink, root, moves=moves)


def rprop_step(theta, before, size, dtheta, shrink, grow, smallest, largest, moves=None):
    """Move each theta by its own step size, against the sign of its gradient.

    `before` is the gradient of the last step.
    """
    real = theta.dtype.type
    _run(rprop_elements, theta, before, size, dtheta, real(shrink), real(grow), real(smallest),
         real(largest), moves=moves)
