"""Training steps in NumPy: gather, forward, loss, backward, penalty, clipping, update. nn/cpu/training.py mirrors this file.

`sequences` and `front` belong to the recurrent part and are None for an MLP; `norm` and `drop` are None where a network has
no batch normalisation or dropout.
"""
import numpy as np

from ..shared.codes import ADAM, NONE, OPTIMIZERS, RPROP, SGD, unserved
from ..shared.layers import IN, OUT, W, matrix
from .mlp import backward, forward, update_statistics
from .optimizers import adam_step, rprop_step, sgd_step
from .penalties import add_penalty_gradient
from .rnn import decode, encode


def gather(work, sequences, data, layers, front, indices):
    """Copy the samples `indices` (B,) into the workspace; return the rows of the dense layers: B, or all steps.

    Sequences are sorted by length, longest first (ties stay in order), and packed time-major without padding.
    """
    if front is None:
        rows = len(indices)
        matrix(work.activations, 0, rows, layers[0, IN])[...] = data.x[indices]
        work.samples[:rows] = indices
        places = indices
    else:
        batch, lengths = len(indices), data.lengths[indices]
        order = np.argsort(-lengths, kind="stable")
        indices, lengths = indices[order], lengths[order]
        T = lengths[0]
        active = (lengths[:, None] > np.arange(T)).sum(axis=0)  # (T,) sequences running at each step
        sequences.order[:batch], sequences.lengths[:batch], sequences.steps[0] = order, lengths, T
        sequences.starts[1:T + 1] = np.cumsum(active)
        M = sequences.starts[T]
        step = np.repeat(np.arange(T), active)  # (M,) of each packed row
        sequence = indices[np.concatenate([np.arange(n) for n in active])]  # (M,)
        if front.tokens:
            sequences.tokens[:M] = data.tokens[sequence, step]
        else:
            x = data.x.reshape(len(data.x), -1, front.inputs)  # (N, T, D)
            matrix(sequences.x, 0, M, front.inputs)[...] = x[sequence, step]
        rows = M if front.pooling == NONE else batch
        work.samples[:rows] = sequence if front.pooling == NONE else indices
        places = sequence * data.stride + step if front.pooling == NONE else indices
    if data.labels.size:
        work.labels[:rows] = data.labels[places]
    elif data.targets.size:
        work.targets[:rows] = data.targets[places]
    return rows


def loss_and_output_gradient(work, layers, data, loss, rows):
    """Fill the last deltas with the gradient of the objective, and the losses and weights of the samples.

    The objective is φ(ℓ_1..ℓ_B): its gradient is Σ w_i ∇ℓ_i with w_i = ∂φ/∂ℓ_i, here one factor per row.
    """
    K = layers[-1, OUT]
    outputs, dz = matrix(work.activations, work.at[-1], rows, K), matrix(work.deltas, work.at[-1], rows, K)
    y = work.labels[:rows] if data.labels.size else work.targets[:rows]
    _, work.losses[:rows], work.weights[:rows], dz[...] = loss.objective(outputs, y, indices=work.samples[:rows])


def add_penalties(dflat, flat, layers, front, l1, l2):
    """Add the penalty's gradient to the weight matrices; biases, gamma and beta are not penalised."""
    for layer in layers:
        n_in, n_out = layer[IN], layer[OUT]
        add_penalty_gradient(matrix(dflat, layer[W], n_in, n_out), matrix(flat, layer[W], n_in, n_out), l1, l2)
    for at in front.offsets if front is not None else ():
        for start, n_in in zip(at[:2], (front.inputs, front.hidden), strict=True):
            add_penalty_gradient(matrix(dflat, start, n_in, front.hidden), matrix(flat, start, n_in, front.hidden), l1, l2)


def clip_gradient(dflat, clip_norm):
    """Scale the gradient down to norm `clip_norm` if it is longer; its direction stays (Pascanu et al. 2013)."""
    norm = np.linalg.norm(dflat.astype(np.float64))  # in float32 the squares of an exploding gradient overflow
    if norm > clip_norm:
        dflat *= clip_norm / norm


def update_parameters(flat, slots, dflat, optimizer, learning_rate, step):
    """Take one optimizer step; `slots` (2, P or 0) are its state vectors, `step` counts from 1."""
    o = optimizer
    if o.kind == SGD:
        sgd_step(flat, slots[0], dflat, learning_rate, o.momentum, o.nesterov, o.weight_decay)
    elif o.kind == ADAM:
        adam_step(flat, slots[0], slots[1], dflat, learning_rate, o.beta1, o.beta2, o.eps, o.weight_decay, o.decoupled,
                  step)
    elif o.kind == RPROP:
        rprop_step(flat, slots[0], slots[1], dflat, o.shrink, o.grow, o.smallest, o.largest)
    else:
        raise unserved("optimizer", o.kind, OPTIMIZERS, (SGD, ADAM, RPROP), "nn/reference/training.py")


def forward_pass(work, sequences, norm, drop, flat, layers, front, data, indices, training, update, team):
    """Gather and run the samples `indices`; return the number of rows of the outputs."""
    rows = gather(work, sequences, data, layers, front, indices)
    if front is not None:
        encode(work, sequences, flat, front, len(indices), rows)
    forward(work, norm, drop, flat, layers, rows, training, update)
    return rows


def gradient_pass(dflat, work, sequences, norm, drop, flat, layers, front, data, loss, indices, input_gradient, update,
                  team):
    """Fill `dflat` with the gradient of the objective on the samples `indices`; return the rows of the outputs."""
    rows = forward_pass(work, sequences, norm, drop, flat, layers, front, data, indices, True, update, team)
    loss_and_output_gradient(work, layers, data, loss, rows)
    backward(dflat, work, norm, drop, flat, layers, rows, input_gradient or front is not None, update)
    if front is not None:
        decode(dflat, work, sequences, flat, front, len(indices), rows, input_gradient)
    return rows


def train_steps(log, flat, slots, dflat, work, sequences, norm, drop, layers, front, data, loss, penalty, optimizer, plan,
                team):
    """Take the updates of `plan` and write each batch's raw loss and share of flooded samples into `log`.

    Returns the number of updates taken: fewer than planned when a loss was not finite, before that gradient was used.
    `team` is the compiled backends' set of threads; NumPy has no use for it.
    """
    n, batch_size = len(plan.orders[0]), plan.batch_size
    for k, learning_rate in enumerate(plan.learning_rates):
        update = plan.first + k
        epoch, batch = divmod(update, -(-n // batch_size))
        indices = plan.orders[epoch - plan.first_epoch, batch * batch_size:(batch + 1) * batch_size]
        rows = gradient_pass(dflat, work, sequences, norm, drop, flat, layers, front, data, loss.in_epoch(epoch), indices,
                             False, update, team)
        log.losses[k], log.rows[k] = np.mean(work.losses[:rows]), rows
        log.flooded[k] = np.mean(work.weights[:rows] < 0)
        if not np.isfinite(log.losses[k]):
            return k
        add_penalties(dflat, flat, layers, front, penalty.l1, penalty.l2)
        if penalty.clip_norm > 0:
            clip_gradient(dflat, penalty.clip_norm)
        update_parameters(flat, slots, dflat, optimizer, learning_rate, update + 1)
        if norm is not None:
            update_statistics(norm, layers, rows)
    return len(plan.learning_rates)
