"""Training steps in NumPy; nn/cpu/training.py mirrors this file.

A step: load a batch, forward, loss, backward, penalty, clipping, update, running statistics.
`sequences` and `front` belong to the recurrent part and are None for an MLP; `norm` and `drop` are
None where a network has no batch normalisation or dropout.
"""
import numpy as np

from losses.weights import given

from ..shared.codes import ADAM, EVERY_STEP, OPTIMIZERS, RPROP, SGD, Batch, unserved
from .mlp import backward, forward, update_statistics
from .optimizers import adam_step, rprop_step, sgd_step
from .penalties import add_penalty_gradient
from .rnn import rnn_backward, rnn_forward
from .views import OutputViews, inputs, packed_inputs, packed_rows, weight_matrices


def load_targets(work, data, n, place):
    """Copy what the outputs should become, and its weight: from `place` in the data to row n."""
    if data.labels.size:
        work.labels[n] = data.labels[place]
    elif data.targets.size:
        work.targets[n] = data.targets[place]
    if data.row_weights is not None:
        work.row_weights[n] = data.row_weights[place]


def load_vectors(work, data, layers, indices):
    """Copy the samples of an MLP's batch to layer 0; return their number."""
    rows = len(indices)
    inputs(work, layers, rows)[...] = data.x[indices]
    work.samples[:rows] = indices
    load_targets(work, data, slice(rows), indices)
    return rows


def sort_by_length(sequences, data, indices):
    """Fill order, lengths, starts and steps of a batch: longest first, ties stay in order."""
    batch, lengths = len(indices), data.lengths[indices]
    order = np.argsort(-lengths, kind="stable")
    longest = lengths[order[0]]
    active = (lengths[:, None] > np.arange(longest)).sum(axis=0)  # (T,) running at each step
    sequences.order[:batch], sequences.lengths[:batch] = order, lengths[order]
    sequences.starts[1:longest + 1], sequences.steps[0] = np.cumsum(active), longest


def load_sequences(work, sequences, data, front, indices):
    """Pack the sequences of a batch time-major without padding; return the dense layers' rows."""
    sort_by_length(sequences, data, indices)
    i, t = packed_rows(sequences)
    sorted_indices = indices[sequences.order[:len(indices)]]
    sample = sorted_indices[i]  # (M,)
    if front.tokens:
        sequences.tokens[:len(t)] = data.tokens[sample, t]
    else:
        x = data.x.reshape(len(data.x), -1, front.inputs)  # (N, T, D)
        packed_inputs(sequences, front)[...] = x[sample, t]
    if front.pooling == EVERY_STEP:
        samples, places = sample, sample * data.stride + t
    else:
        samples = places = sorted_indices
    rows = len(samples)
    work.samples[:rows] = samples
    load_targets(work, data, slice(rows), places)
    return rows


def stepless(sequences):
    """Return whether all sequences of a batch are empty: such an update moves nothing."""
    return sequences is not None and sequences.steps[0] == 0


def load_batch(work, sequences, data, layers, front, indices):
    """Copy the samples `indices` (B,) into the workspace.

    Returns the rows of the dense layers: B, or all steps where every step has an output.
    """
    if front is None:
        return load_vectors(work, data, layers, indices)
    return load_sequences(work, sequences, data, front, indices)


def loss_and_output_gradient(work, layers, data, loss, rows):
    """Fill the last deltas with the gradient of the objective, and the samples' losses and weights.

    J = φ(ℓ_1 … ℓ_B), so do_n = w_n ∂ℓ_n/∂o_n with w_n = ∂φ/∂ℓ_n: one factor for each row.
    """
    v = OutputViews(work, layers, data, rows)
    _, v.losses[...], v.weights[...], v.do[...] = loss.objective(
        v.o, v.y, indices=v.samples, **given(v.row_weights))


def add_penalties(dflat, flat, layers, front, l1, l2):
    """Add the penalty's gradient to the weight matrices; biases, gamma and beta have none."""
    pairs = weight_matrices(dflat, layers, front), weight_matrices(flat, layers, front)
    for dW, W in zip(*pairs, strict=True):
        add_penalty_gradient(dW, W, l1, l2)


def clip_gradient(dflat, clip_norm):
    """Scale the gradient down to norm `clip_norm` if it is longer (Pascanu et al. 2013)."""
    norm = np.linalg.norm(dflat.astype(np.float64))  # float32: large squares overflow
    if norm > clip_norm:
        dflat *= clip_norm / norm


def clear_frozen(dflat, free):
    """Set the gradient of what is not trained, which lies between the ranges `free`, to 0."""
    end = 0
    for start, next_end in free:
        dflat[end:start] = 0
        end = next_end
    dflat[end:] = 0


def update_parameters(flat, slots, dflat, optimizer, learning_rate, step, free):
    """Take one optimizer step of the ranges `free` (ranges, 2), all there is if none are frozen.

    `slots` (2, P or 0) are the optimizer's state vectors, `step` counts from 1. What is frozen is
    not touched: a gradient of 0 would not do, for weight decay and momentum move without one.
    """
    for start, end in free:
        part = slice(start, end)
        update_range(flat[part], [slot[part] for slot in slots], dflat[part], optimizer,
                     learning_rate, step)


def update_range(flat, slots, dflat, optimizer, learning_rate, step):
    """Take one optimizer step of some neighbouring parameters."""
    o = optimizer
    if o.kind == SGD:
        sgd_step(flat, slots[0], dflat, learning_rate, o.momentum, o.nesterov, o.weight_decay)
    elif o.kind == ADAM:
        adam_step(flat, slots[0], slots[1], dflat, learning_rate, o.beta1, o.beta2, o.eps,
                  o.weight_decay, o.decoupled, step)
    elif o.kind == RPROP:
        rprop_step(flat, slots[0], slots[1], dflat, o.shrink, o.grow, o.smallest, o.largest)
    else:
        served = (SGD, ADAM, RPROP)
        raise unserved("optimizer", o.kind, OPTIMIZERS, served, "nn/reference/training.py")


def forward_pass(work, sequences, norm, drop, flat, layers, front, data, batch, team):
    """Load and run a batch; return the number of rows of the outputs."""
    rows = load_batch(work, sequences, data, layers, front, batch.indices)
    if front is not None:
        rnn_forward(work, sequences, flat, front, len(batch.indices), rows)
    forward(work, norm, drop, flat, layers, rows, batch.training, batch.update)
    return rows


def gradient_pass(weights, work, sequences, norm, drop, layers, front, data, loss, batch, team):
    """Fill `weights.dflat` with the gradient of the objective on a batch, in training mode.

    forward_pass made outputs of inputs, the loss made J of outputs: what follows goes back the same
    way. Returns the rows of the outputs.
    """
    flat, dflat = weights.flat, weights.dflat
    rows = forward_pass(work, sequences, norm, drop, flat, layers, front, data, batch, team)
    if rows > 0:  # empty sequences may have none
        loss_and_output_gradient(work, layers, data, loss, rows)
    layer_0_wanted = batch.input_gradient or front is not None
    backward(dflat, work, norm, drop, flat, layers, rows, layer_0_wanted, batch.update)
    if front is not None:
        samples, wanted = len(batch.indices), batch.input_gradient
        rnn_backward(dflat, work, sequences, flat, front, samples, rows, wanted)
    return rows


def train_steps(log, weights, work, sequences, norm, drop, layers, front, task, team):
    """Take the updates of `task.plan`: batch, gradient, log, penalty, clipping, step, statistics.

    Returns the number of updates taken: fewer than planned when a loss was not finite, before that
    gradient was used. `team` is the compiled backends' set of threads; NumPy has no use for it.
    """
    flat, slots, dflat = weights
    data, loss, penalty, optimizer, plan, free = task
    for k, learning_rate in enumerate(plan.learning_rates):
        update = plan.first + k
        epoch, indices = _batch_of(plan, update)
        batch = Batch(indices, update, training=True, input_gradient=False)
        rows = gradient_pass(weights, work, sequences, norm, drop, layers, front, data,
                             loss.in_epoch(epoch), batch, team)
        _record(log, k, work, rows)
        if not np.isfinite(log.losses[k]):
            return k
        if stepless(sequences) or _weightless(work, rows):
            continue
        add_penalties(dflat, flat, layers, front, penalty.l1, penalty.l2)
        if penalty.clip_norm > 0:
            clear_frozen(dflat, free)
            clip_gradient(dflat, penalty.clip_norm)
        update_parameters(flat, slots, dflat, optimizer, learning_rate, update + 1, free)
        if norm is not None:
            update_statistics(norm, layers, rows)
    return len(plan.learning_rates)


def _batch_of(plan, update):
    """Return the epoch of an update and the samples (B,) of its batch; the last may be smaller."""
    n, batch_size = len(plan.orders[0]), plan.batch_size
    epoch, batch = divmod(update, -(-n // batch_size))
    order = plan.orders[epoch - plan.first_epoch]
    return epoch, order[batch * batch_size:(batch + 1) * batch_size]


def _weightless(work, rows):
    """Return whether all rows of a batch weigh 0: such an update moves nothing, not momentum."""
    return work.row_weights is not None and not work.row_weights[:rows].any()


def _record(log, k, work, rows):
    """Write the raw mean loss of a batch, and the share of its rows below the flood."""
    log.losses[k], log.flooded[k], log.rows[k] = 0, 0, rows
    if rows > 0:
        log.losses[k] = np.mean(work.losses[:rows])
        log.flooded[k] = np.mean(work.weights[:rows] < 0)
