"""One step of each optimizer over the flat parameter vector; formulas: nn/optimizers.py.

theta, dtheta and the state vectors are (P,). An empty velocity means: no momentum.
"""
import numpy as np


def sgd_step(theta, velocity, dtheta, learning_rate, momentum, nesterov, weight_decay):
    """Move theta against the gradient dtheta, with momentum in `velocity`."""
    step = dtheta + weight_decay * theta
    if velocity.size:
        velocity *= momentum
        velocity += step
        # Nesterov looks ahead: the step the velocity *will* take, with the gradient of today.
        step = step + momentum * velocity if nesterov else velocity
    theta -= learning_rate * step


def adam_step(theta, m, v, dtheta, learning_rate, beta1, beta2, eps, weight_decay, decoupled, step):
    """Move theta by the ratio of the gradient's running moments m and v; `step` counts from 1."""
    if decoupled:
        theta *= 1 - learning_rate * weight_decay
        weight_decay = 0.0
    dtheta = dtheta + weight_decay * theta
    m[...] = beta1 * m + (1 - beta1) * dtheta
    v[...] = beta2 * v + (1 - beta2) * dtheta * dtheta
    # m and v start at 0, so after t steps they hold only a share 1 - beta^t of the average.
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    theta -= learning_rate * m_hat / (np.sqrt(v_hat) + eps)


def rprop_step(theta, before, size, dtheta, shrink, grow, smallest, largest):
    """Move each theta by its own step size, against the sign of its gradient.

    `before` is the gradient of the last step.
    """
    agreement = np.sign(dtheta) * np.sign(before)  # the product of two small gradients may be 0
    size[...] = np.where(agreement > 0, np.minimum(size * grow, largest),
                         np.where(agreement < 0, np.maximum(size * shrink, smallest), size))
    # After a change of sign the minimum was jumped over: no step now, and no second shrinking next
    # time (iRPROP−).
    before[...] = np.where(agreement < 0, 0, dtheta)
    theta -= np.sign(before) * size
