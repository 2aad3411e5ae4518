"""On-line training, compiled: batches of one.

Forward, backward and the SGD step of a layer are single passes over W here; matrix products of one
row would spend their time on being called. `train_steps` is the one of nn/cpu/training.py for the
case that `serves` describes: dense layers only, plain SGD.
"""
import math

import numpy as np

from ..shared.codes import SGD
from ..shared.layers import ACTIVATION, AT_B, AT_W, IN, OUT
from .activations import activation_backward_panel, activation_forward_panel
from .compile import entry
from .dense_one import clear_spare, dense_backward_one, dense_forward_one, dense_update_one
from .floats import FLUSH_DENORMALS, float_state, set_float_state
from .rows import in_epoch, weightless
from .training import load_targets, loss_and_output_gradient
from .views import matrix


def serves(norm, drop, front, penalty, optimizer, plan):
    """Return whether these settings are on-line training by plain SGD of a network of dense layers.

    The number of threads plays no part: results must not depend on it, and sums are formed in
    another order here.
    """
    return (plan.batch_size == 1 and norm is None and drop is None and front is None
            and optimizer.kind == SGD and optimizer.momentum == optimizer.weight_decay == 0.0
            and penalty.l1 == penalty.l2 == penalty.clip_norm == 0.0)


def train_steps(log, weights, work, sequences, norm, drop, layers, front, task, team):
    """Take the updates of `task.plan` with a team of one; all else as in nn/cpu/training.py."""
    state = float_state()
    set_float_state(state | np.uint32(FLUSH_DENORMALS))
    flat, data, loss, plan = weights.flat, task.data, task.loss, task.plan
    n, last = plan.orders.shape[1], layers.shape[0]
    inputs, activations, deltas = data.x.reshape(data.x.size), work.activations, work.deltas
    clear_spare(flat)
    taken = 0
    for k in range(plan.learning_rates.size):
        update = plan.first + k
        sample = plan.orders[update // n - plan.first_epoch, update % n]
        work.samples[0] = sample
        load_targets(work, data, 0, sample)
        for l in range(last):
            n_in, n_out, at = layers[l, IN], layers[l, OUT], work.at[l + 1]
            w_at, b_at = layers[l, AT_W], layers[l, AT_B]
            if l == 0:
                dense_forward_one(
                    activations, at, inputs, sample * n_in, flat, w_at, b_at, n_in, n_out)
            else:
                dense_forward_one(
                    activations, at, activations, work.at[l], flat, w_at, b_at, n_in, n_out)
            a = matrix(activations, at, 1, n_out)
            activation_forward_panel(a, layers[l, ACTIVATION], 0, n_out)
        log.losses[k] = loss_and_output_gradient(work, layers, data, in_epoch(loss, update // n), 1)
        log.flooded[k], log.rows[k] = 1.0 if work.weights[0] < 0.0 else 0.0, 1
        if not math.isfinite(log.losses[k]):
            break
        if weightless(work.row_weights, 1):
            taken = k + 1
            continue
        rate = flat.dtype.type(plan.learning_rates[k])
        for l in range(last - 1, -1, -1):
            n_in, n_out, at = layers[l, IN], layers[l, OUT], work.at[l + 1]
            w_at, b_at = layers[l, AT_W], layers[l, AT_B]
            if l == 0:
                dense_update_one(
                    flat, w_at, b_at, deltas, at, inputs, sample * n_in, n_in, n_out, rate)
            else:
                dense_backward_one(deltas, work.at[l], flat, w_at, b_at, deltas, at, activations,
                                   work.at[l], n_in, n_out, rate)
                da = matrix(deltas, work.at[l], 1, n_in)
                a = matrix(activations, work.at[l], 1, n_in)
                activation_backward_panel(da, a, layers[l - 1, ACTIVATION], 0, n_in)
        taken = k + 1
    set_float_state(state)
    return taken


train_steps = entry(train_steps)
