"""Training steps on the device: the host starts kernels and waits for none between updates.

Definition: nn/reference/training.py. How many threads to start follows from the batch's samples and
lengths, which the host knows. What it does not know are the losses: whether they are finite, and
whether an update moves anything, is noted on the device in `log.marks`, which the kernels that move
something read.
"""
import math
from typing import NamedTuple

import numpy as np

from ..shared.codes import ADAM, RPROP, SGD, Batch
from ..shared.layers import AT_W, IN, OUT, matrix
from ..shared.sequences import AT_W_HH, AT_W_XH
from ._compat import cuda, kernel, launch
from .clipping import clear_frozen, clip_gradient
from .loading import load_batch, stepless
from .mlp import backward, forward, update_statistics
from .optimizers import adam_step, rprop_step, sgd_step
from .penalties import add_penalty_gradient
from .reductions import THREADS, sum_of_block
from .rnn import rnn_backward, rnn_forward
from .rows import MEAN, TOTAL, flatten_rows, in_epoch, loss_rows, weigh_rows
from .views import Indices, outputs_of

OPTIMIZERS_SERVED = (SGD, ADAM, RPROP)  # asked before a call, see activations.py

# Of `marks`: whether this update moves anything; whether all losses were finite so far; how many
# updates were taken.
MOVES, ALIVE, TAKEN = range(3)


class DeviceLog(NamedTuple):
    """A Log whose numbers are written on the device."""

    losses: object  # (updates,) raw mean loss of each batch
    flooded: object  # (updates,) share of its rows whose gradient was reversed
    rows: np.ndarray  # (updates,) int64, on the host
    marks: object  # (3,) int32


def note(losses, flooded, marks, k, weights, summary, steps):
    """Write what became of batch k, and mark whether its update moves anything; one block.

    `steps` 0: nothing, for all sequences are empty. Without rows there is no loss either.
    """
    values = cuda.shared.array(THREADS, losses.dtype)
    thread, one, zero = cuda.threadIdx.x, losses.dtype.type(1), losses.dtype.type(0)
    negative = zero
    for n in range(thread, weights.size, THREADS):
        if weights[n] < zero:
            negative += one
    negative = sum_of_block(values, negative, thread)
    if thread == 0:
        marks[MOVES] = 0
        if marks[ALIVE] != 0:
            loss, share, total = zero, zero, zero
            if weights.size > 0:
                loss, share = summary[MEAN], negative / losses.dtype.type(weights.size)
                total = summary[TOTAL]
            losses[k], flooded[k] = loss, share
            if abs(loss) < losses.dtype.type(math.inf):  # false for a NaN
                marks[TAKEN] += 1
                # A batch whose rows all weigh 0 moves nothing, not momentum either.
                marks[MOVES] = 1 if total > zero and steps > 0 else 0
            else:
                marks[ALIVE] = 0


note = kernel(note)


def loss_and_output_gradient(work, layers, data, loss, rows):
    """Fill the last deltas with the gradient of the objective, and the samples' losses and weights.

    The raw mean loss is left in `work.summary`.
    """
    v = outputs_of(work, layers, data, rows)
    loss_rows(v.losses, v.do, v.o, v.labels, v.targets, loss, loss.confidence)
    weigh_rows(v.do, v.weights, v.losses, v.samples, v.row_weights, loss, work.summary)
    flatten_rows(v.do, v.weights, v.o, v.labels, v.targets, loss, loss.upper)


def add_penalties(dflat, flat, layers, front, l1, l2):
    """Add the penalty's gradient to the weight matrices; biases, gamma and beta have none."""
    places = [(layer[AT_W], layer[IN], layer[OUT]) for layer in layers.tolist()]
    for at in front.offsets.tolist() if front is not None else ():
        places.append((at[AT_W_XH], front.inputs, front.hidden))
        places.append((at[AT_W_HH], front.hidden, front.hidden))
    for place in places:
        add_penalty_gradient(matrix(dflat, *place), matrix(flat, *place), l1, l2)


def update_range(flat, slots, dflat, optimizer, learning_rate, step, moves=None):
    """Take one optimizer step of some neighbouring parameters, if `moves` says so."""
    o = optimizer
    if o.kind == SGD:
        sgd_step(flat, slots[0], dflat, learning_rate, o.momentum, o.nesterov, o.weight_decay,
                 moves)
    elif o.kind == ADAM:
        adam_step(flat, slots[0], slots[1], dflat, learning_rate, o.beta1, o.beta2, o.eps,
                  o.weight_decay, o.decoupled, step, moves)
    elif o.kind == RPROP:
        rprop_step(flat, slots[0], slots[1], dflat, o.shrink, o.grow, o.smallest, o.largest, moves)


def update_parameters(flat, slots, dflat, optimizer, learning_rate, step, free, moves=None):
    """Take one optimizer step of the ranges `free` (ranges, 2), all there is if none are frozen.

    `slots` (2, P or 0) are the optimizer's state vectors, `step` counts from 1.
    """
    for start, end in free.tolist():
        if (start, end) == (0, flat.size):
            update_range(flat, slots, dflat, optimizer, learning_rate, step, moves)
        else:
            theta, dtheta = flat[start:end], dflat[start:end]
            here = [slot[start:end] if slot.size > 0 else slot for slot in slots]
            update_range(theta, here, dtheta, optimizer, learning_rate, step, moves)


def forward_pass(work, sequences, norm, drop, flat, layers, front, data, batch, team):
    """Load and run a batch; return the number of rows of the outputs."""
    rows = load_batch(work, sequences, data, layers, front, batch.indices)
    if front is not None:
        rnn_forward(work, sequences, flat, front, len(batch.indices.host), rows)
    forward(work, norm, drop, flat, layers, rows, batch.training, batch.update)
    return rows


def gradient_pass(weights, work, sequences, norm, drop, layers, front, data, loss, batch, team):
    """Fill `weights.dflat` with the gradient of the objective on a batch, in training mode.

    Returns the rows of the outputs.
    """
    flat, dflat = weights.flat, weights.dflat
    rows = forward_pass(work, sequences, norm, drop, flat, layers, front, data, batch, team)
    if rows > 0:  # empty sequences may have none
        loss_and_output_gradient(work, layers, data, loss, rows)
    layer_0_wanted = batch.input_gradient or front is not None
    backward(dflat, work, norm, drop, flat, layers, rows, layer_0_wanted, batch.update)
    if front is not None:
        samples, wanted = len(batch.indices.host), batch.input_gradient
        rnn_backward(dflat, work, sequences, flat, front, samples, rows, wanted)
    return rows


def train_steps(log, weights, work, sequences, norm, drop, layers, front, task, team):
    """Take the updates of `task.plan`: batch, gradient, log, penalty, clipping, step, statistics.

    How many were taken stands in `log.marks`: fewer than planned when a loss was not finite, after
    which nothing moves. `plan.orders` (epochs, N) are a views.Indices.
    """
    flat, slots, dflat = weights
    data, loss, penalty, optimizer, plan, free = task
    moves = log.marks  # whose first element is MOVES
    for k, learning_rate in enumerate(plan.learning_rates):
        update = plan.first + k
        epoch, indices = _batch_of(plan, update)
        batch = Batch(indices, update, training=True, input_gradient=False)
        rows = gradient_pass(weights, work, sequences, norm, drop, layers, front, data,
                             in_epoch(loss, epoch), batch, team)
        log.rows[k] = rows
        v = outputs_of(work, layers, data, rows)
        launch(note, 1, THREADS, log.losses, log.flooded, log.marks, k, v.weights, work.summary,
               0 if stepless(sequences) else 1)
        if penalty.l1 != 0 or penalty.l2 != 0:
            add_penalties(dflat, flat, layers, front, penalty.l1, penalty.l2)
        if penalty.clip_norm > 0:
            clear_frozen(dflat, free)
            clip_gradient(dflat, penalty.clip_norm)
        update_parameters(flat, slots, dflat, optimizer, learning_rate, update + 1, free, moves)
        if norm is not None:
            update_statistics(norm, layers, rows, moves)


def _batch_of(plan, update):
    """Return the epoch of an update and its Indices; the last batch of an epoch may be smaller."""
    n, batch_size = plan.orders.host.shape[1], plan.batch_size
    epoch, batch = divmod(update, -(-n // batch_size))
    row, start = epoch - plan.first_epoch, batch * batch_size
    return epoch, Indices(plan.orders.host[row, start:start + batch_size], plan.orders.device,
                          row * n + start)
