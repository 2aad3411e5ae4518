"""Training steps, compiled: any number of updates in one call.

Definition: nn/reference/training.py.

`sequences` and `front` are None for an MLP, `norm` and `drop` where there is no batch normalisation
or dropout, `work.row_weights` where all samples count the same, `loss.confidence` and `loss.upper`
for most losses. Numba leaves out a branch on `x is not None` where the argument x is None (hence
arguments of their own for such fields), so nobody waits for compiling what is not used.
"""
import math

import numpy as np

from ..shared.codes import ADAM, EVERY_STEP, RPROP, SGD, Batch
from ..shared.layers import AT_W, IN, OUT
from ..shared.sequences import AT_W_HH, AT_W_XH
from .compile import apart, entry, inner, plain
from .copies import copy_row
from .floats import FLUSH_DENORMALS, float_state, set_float_state
from .mlp import backward, forward, update_statistics
from .optimizers import adam_step, rprop_step, sgd_step
from .penalties import add_penalty_gradient
from .rnn import rnn_backward, rnn_forward
from .rows import flatten_rows, in_epoch, load_weight, loss_rows, weigh_rows, weightless
from .threads import LOADED, wait
from .views import matrix, part, row, vector

OPTIMIZERS_SERVED = (SGD, ADAM, RPROP)  # asked before a call, see activations.py
BLOCK = 16384  # parameters that one thread updates at a time


def load_targets(work, data, n, place):
    """Copy what the output should become, and its weight: from `place` in the data to row n."""
    if data.labels.size > 0:
        work.labels[n] = data.labels[place]
    elif data.targets.size > 0:
        copy_row(row(work.targets, n), row(data.targets, place))
    load_weight(work.row_weights, data.row_weights, n, place)


def load_vectors(work, data, layers, indices):
    """Copy the samples of an MLP's batch to layer 0; return their number."""
    x = matrix(work.activations, work.at[0], indices.size, layers[0, IN])
    for n in range(indices.size):
        copy_row(row(x, n), row(data.x, indices[n]))
        work.samples[n] = indices[n]
        load_targets(work, data, n, indices[n])
    return indices.size


def sort_by_length(sequences, data, indices):
    """Fill order, lengths, starts and steps of a batch: longest first, ties stay in order.

    That takes one pass over the batch for each length.
    """
    longest = 0
    for n in range(indices.size):
        longest = max(longest, data.lengths[indices[n]])
    sequences.steps[0] = longest
    place = 0
    for length in range(longest, -1, -1):
        for n in range(indices.size):
            if data.lengths[indices[n]] == length:
                sequences.order[place], sequences.lengths[place] = n, length
                place += 1
    active = indices.size
    for t in range(longest):
        while sequences.lengths[active - 1] <= t:
            active -= 1
        sequences.starts[t + 1] = sequences.starts[t] + active


def load_sequences(work, sequences, data, front, indices):
    """Pack the sequences of a batch time-major without padding; return the dense layers' rows."""
    sort_by_length(sequences, data, indices)
    every_step = front.pooling == EVERY_STEP
    for t in range(sequences.steps[0]):
        for i in range(sequences.starts[t + 1] - sequences.starts[t]):
            m, sample = sequences.starts[t] + i, indices[sequences.order[i]]
            if front.tokens:
                sequences.tokens[m] = data.tokens[sample, t]
            else:
                D = front.inputs
                copy_row(vector(sequences.x, m * D, D), part(data.x, sample, t * D, (t + 1) * D))
            if every_step:
                work.samples[m] = sample
                load_targets(work, data, m, sample * data.stride + t)
    if every_step:
        return sequences.starts[sequences.steps[0]]
    for i in range(indices.size):
        work.samples[i] = indices[sequences.order[i]]
        load_targets(work, data, i, work.samples[i])
    return indices.size


def stepless(sequences):
    """Return whether all sequences of a batch are empty: such an update moves nothing."""
    longest = 1
    if sequences is not None:
        longest = sequences.steps[0]
    return longest == 0


stepless = inner(stepless)
load_targets, sort_by_length = inner(load_targets), plain(sort_by_length)
load_vectors, load_sequences = inner(load_vectors), plain(load_sequences)


def load_batch(work, sequences, data, layers, front, indices, team):
    """Copy the samples `indices` (B,) into the workspace.

    Returns the rows of the dense layers: B, or all steps where every step has an output.
    """
    if team.rank == 0:
        if front is None:
            team.gate[LOADED] = load_vectors(work, data, layers, indices)
        else:
            team.gate[LOADED] = load_sequences(work, sequences, data, front, indices)
    wait(team)
    return team.gate[LOADED]


def loss_and_output_gradient(work, layers, data, loss, rows):
    """Fill the last deltas with the gradient of the objective, and the samples' losses and weights.

    Returns the raw mean loss.
    """
    last = layers.shape[0]
    K = layers[last - 1, OUT]
    o = matrix(work.activations, work.at[last], rows, K)
    do = matrix(work.deltas, work.at[last], rows, K)
    loss_rows(work.losses, do, o, work.labels, work.targets, loss, loss.confidence)
    mean = weigh_rows(do, work.weights, work.losses, work.samples, work.row_weights, loss)
    flatten_rows(do, work.weights, o, work.labels, work.targets, loss, loss.upper)
    return mean


def add_penalties(dflat, flat, layers, front, l1, l2):
    """Add the penalty's gradient to the weight matrices; biases, gamma and beta have none."""
    for l in range(layers.shape[0]):
        at, n_in, n_out = layers[l, AT_W], layers[l, IN], layers[l, OUT]
        dW, W = matrix(dflat, at, n_in, n_out), matrix(flat, at, n_in, n_out)
        add_penalty_gradient(dW, W, l1, l2)
    if front is not None:
        D, H = front.inputs, front.hidden
        for d in range(front.offsets.shape[0]):
            at = front.offsets[d, AT_W_XH]
            add_penalty_gradient(matrix(dflat, at, D, H), matrix(flat, at, D, H), l1, l2)
            at = front.offsets[d, AT_W_HH]
            add_penalty_gradient(matrix(dflat, at, H, H), matrix(flat, at, H, H), l1, l2)


def clip_gradient(dflat, clip_norm):
    """Scale the gradient down to norm `clip_norm` if it is longer (Pascanu et al. 2013)."""
    squares = 0.0
    for i in range(dflat.size):
        squares += float(dflat[i]) * float(dflat[i])  # float32: large squares overflow
    norm = math.sqrt(squares)
    if norm > clip_norm:
        scale = dflat.dtype.type(clip_norm / norm)
        for i in range(dflat.size):
            dflat[i] *= scale


def clear_frozen(dflat, free):
    """Set the gradient of what is not trained, which lies between the ranges `free`, to 0."""
    end = 0
    for r in range(free.shape[0]):
        for i in range(end, free[r, 0]):
            dflat[i] = 0
        end = free[r, 1]
    for i in range(end, dflat.size):
        dflat[i] = 0


def update_range(flat, slots, dflat, optimizer, learning_rate, step, at, n):
    """Take one optimizer step of the n parameters from `at` on."""
    o = optimizer
    theta, dtheta, first = vector(flat, at, n), vector(dflat, at, n), vector(slots[0], at, n)
    if o.kind == SGD:
        sgd_step(theta, first, dtheta, learning_rate, o.momentum, o.nesterov, o.weight_decay)
    elif o.kind == ADAM:
        adam_step(theta, first, vector(slots[1], at, n), dtheta, learning_rate, o.beta1,
                  o.beta2, o.eps, o.weight_decay, o.decoupled, step)
    elif o.kind == RPROP:
        rprop_step(theta, first, vector(slots[1], at, n), dtheta, o.shrink, o.grow, o.smallest,
                   o.largest)


update_range = inner(update_range)


def update_parameters(flat, slots, dflat, optimizer, learning_rate, step, free, team):
    """Take one optimizer step of the ranges `free` (ranges, 2), all there is if none are frozen.

    `slots` (2, P or 0) are the optimizer's state vectors, `step` counts from 1.
    """
    for r in range(free.shape[0]):
        start, size = free[r, 0], free[r, 1] - free[r, 0]
        for k in range(team.rank, (size + BLOCK - 1) // BLOCK, team.size):
            n = min(BLOCK, size - k * BLOCK)
            update_range(flat, slots, dflat, optimizer, learning_rate, step, start + k * BLOCK, n)


load_batch = inner(load_batch)
loss_and_output_gradient, add_penalties = inner(loss_and_output_gradient), inner(add_penalties)
clip_gradient, clear_frozen = apart(clip_gradient), plain(clear_frozen)
update_parameters = inner(update_parameters)


def forward_pass(work, sequences, norm, drop, flat, layers, front, data, batch, team):
    """Load and run a batch; return the number of rows of the outputs."""
    rows = load_batch(work, sequences, data, layers, front, batch.indices, team)
    if front is not None:
        rnn_forward(work, sequences, flat, front, batch.indices.size, rows, team)
    forward(work, norm, drop, flat, layers, rows, batch.training, batch.update, team)
    return rows


run_forward = inner(forward_pass)


def gradient_pass(weights, work, sequences, norm, drop, layers, front, data, loss, batch, team):
    """Fill `weights.dflat` with the gradient of the objective on a batch, in training mode.

    Returns the rows of the outputs.
    """
    flat, dflat = weights.flat, weights.dflat
    rows = run_forward(work, sequences, norm, drop, flat, layers, front, data, batch, team)
    if team.rank == 0 and rows > 0:  # empty sequences may have none
        loss_and_output_gradient(work, layers, data, loss, rows)
    wait(team)
    layer_0_wanted = batch.input_gradient or front is not None
    backward(dflat, work, norm, drop, flat, layers, rows, layer_0_wanted, batch.update, team)
    if front is not None:
        samples, wanted = batch.indices.size, batch.input_gradient
        rnn_backward(dflat, work, sequences, flat, front, samples, rows, wanted, team)
    return rows


def train_steps(log, weights, work, sequences, norm, drop, layers, front, task, team):
    """Take the updates of `task.plan`: batch, gradient, log, penalty, clipping, step, statistics.

    Returns the number of updates taken: fewer than planned when a loss was not finite, before that
    gradient was used.
    """
    state = float_state()
    set_float_state(state | np.uint32(FLUSH_DENORMALS))
    flat, slots, dflat = weights
    data, loss, penalty, optimizer, plan, free = task
    # True and False; as literals they would make Numba compile everything twice.
    training, input_gradient = team.size > 0, team.size < 0
    layer_0_wanted = input_gradient or front is not None
    n, batch_size = plan.orders.shape[1], plan.batch_size
    batches = (n + batch_size - 1) // batch_size
    taken = 0
    for k in range(plan.learning_rates.size):
        update = plan.first + k
        start = update % batches * batch_size
        samples = min(batch_size, n - start)
        indices = vector(plan.orders[update // batches - plan.first_epoch], start, samples)
        batch = Batch(indices, update, training, input_gradient)
        rows = run_forward(work, sequences, norm, drop, flat, layers, front, data, batch, team)
        if team.rank == 0:
            log.losses[k], log.flooded[k], log.rows[k] = 0.0, 0.0, rows
            if rows > 0:
                log.losses[k] = loss_and_output_gradient(
                    work, layers, data, in_epoch(loss, update // batches), rows)
                negative = 0
                for i in range(rows):
                    negative += work.weights[i] < 0.0
                log.flooded[k] = negative / rows
        wait(team)
        if not math.isfinite(log.losses[k]):
            break
        if stepless(sequences) or weightless(work.row_weights, rows):
            wait(team)  # all have looked before the next batch is loaded
            taken = k + 1
            continue
        backward(dflat, work, norm, drop, flat, layers, rows, layer_0_wanted, update, team)
        if front is not None:
            rnn_backward(dflat, work, sequences, flat, front, samples, rows, None, team)
        if team.rank == 0 and (penalty.l1 != 0.0 or penalty.l2 != 0.0):
            add_penalties(dflat, flat, layers, front, penalty.l1, penalty.l2)
        if team.rank == 0 and penalty.clip_norm > 0.0:
            clear_frozen(dflat, free)
            clip_gradient(dflat, penalty.clip_norm)
        wait(team)
        update_parameters(flat, slots, dflat, optimizer, plan.learning_rates[k], update + 1, free,
                          team)
        if norm is not None:
            if team.rank == 0:
                update_statistics(norm, layers, rows)
        wait(team)
        taken = k + 1
    set_float_state(state)
    return taken


forward_pass, gradient_pass = entry(forward_pass), entry(gradient_pass)
train_steps = entry(train_steps)
