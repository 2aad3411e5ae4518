"""Losses of a batch, row by row, compiled. The maths of one row stands in losses/rows.py."""
import math

from losses import rows
from losses.rows import ADAPTIVE, FLOODING, INSTANCE, NO_FLOOD, RELAX, RELAXED, SOFT

from ..shared.codes import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    HINGE,
    SOFT_CROSS_ENTROPY,
    SQUARED_ERROR,
    SQUARED_HINGE,
    LossCode,
)
from .compile import inner
from .views import elements, row

# What the functions below serve; asked before a call, see activations.py.
SERVED = (CROSS_ENTROPY, SOFT_CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR, HINGE,
          SQUARED_HINGE)
SERVED_FLOODS = (NO_FLOOD, FLOODING, INSTANCE, SOFT, ADAPTIVE, RELAX, RELAXED)

cross_entropy, soft_cross_entropy = inner(rows.cross_entropy), inner(rows.soft_cross_entropy)
binary_cross_entropy, squared_error = inner(rows.binary_cross_entropy), inner(rows.squared_error)
hinge, add_confidence_penalty = inner(rows.hinge), inner(rows.add_confidence_penalty)
flood_weight = inner(rows.flood_weight)
add_posterior_flattening = inner(rows.add_posterior_flattening)


def scale(vector, factor):
    """Multiply a vector by a number."""
    w = vector.dtype.type(factor)
    for j in range(vector.size):
        vector[j] *= w


scale = inner(scale)


def loss_rows(losses, dz, outputs, labels, targets, loss, confidence):
    """Fill the losses (rows,) and their gradients dz (rows, K), not yet weighted."""
    if loss.kind == CROSS_ENTROPY:
        for n in range(dz.shape[0]):
            losses[n] = cross_entropy(row(dz, n), row(outputs, n), labels[n], loss.parameter)
    elif loss.kind == SOFT_CROSS_ENTROPY:
        for n in range(dz.shape[0]):
            losses[n] = soft_cross_entropy(row(dz, n), row(outputs, n), row(targets, n))
    elif loss.kind == BINARY_CROSS_ENTROPY:
        for n in range(dz.shape[0]):
            losses[n] = binary_cross_entropy(row(dz, n), row(outputs, n), row(targets, n))
    elif loss.kind == SQUARED_ERROR:
        for n in range(dz.shape[0]):
            losses[n] = squared_error(row(dz, n), row(outputs, n), row(targets, n))
    elif loss.kind == HINGE or loss.kind == SQUARED_HINGE:
        for n in range(dz.shape[0]):
            losses[n] = hinge(
                row(dz, n), row(outputs, n), labels[n], loss.parameter, loss.kind == SQUARED_HINGE)
    if confidence is not None:
        for n in range(dz.shape[0]):
            losses[n] += add_confidence_penalty(row(dz, n), row(outputs, n), confidence)


def class_of(labels, targets, n, kind):
    """Return a row's class: its label, largest target, or whether its one target is above 1/2."""
    if kind in (CROSS_ENTROPY, HINGE, SQUARED_HINGE):
        return labels[n]
    if targets.shape[1] == 1:
        return int(targets[n, 0] > 0.5)
    top = 0
    for j in range(1, targets.shape[1]):
        if targets[n, j] > targets[n, top]:
            top = j
    return top


def load_weight(row_weights, all_weights, n, place):
    """Copy how much a row counts, from `place` in the data to row n of the batch."""
    if all_weights is not None:
        row_weights[n] = all_weights[place]


def weightless(row_weights, n_rows):
    """Return whether all rows of a batch weigh 0: such an update moves nothing, not momentum."""
    heaviest = 1.0
    if row_weights is not None:
        heaviest = 0.0
        for n in range(n_rows):
            heaviest = max(heaviest, row_weights[n])
    return heaviest == 0.0


def weigh_unequal_rows(dz, weights, losses, samples, row_weights, loss):
    """Do what `weigh_rows` does where rows count unequally: φ is of J = Σ w ℓ / Σ w."""
    total, J = 0.0, 0.0
    for n in range(dz.shape[0]):
        total += row_weights[n]
        if row_weights[n] != 0.0 or abs(losses[n]) != math.inf:  # 0·∞ = 0; a NaN goes in
            J += row_weights[n] * losses[n]
    total = total if total > 0.0 else 1.0
    J /= total
    each = loss.flood == INSTANCE or loss.flood == SOFT or loss.flood == ADAPTIVE
    for n in range(dz.shape[0]):
        level = loss.levels[samples[n]] if loss.flood == ADAPTIVE else loss.level
        own = losses[n] if each else J
        slope = flood_weight(loss.flood, own, J, level, loss.flood_parameter)
        weights[n] = slope * row_weights[n] / total
        scale(row(dz, n), weights[n])


load_weight, weightless = inner(load_weight), inner(weightless)
weigh_unequal_rows = inner(weigh_unequal_rows)


def weigh_rows(dz, weights, losses, samples, row_weights, loss):
    """Fill the weights w_i = ∂φ/∂ℓ_i (rows,), multiply each row of dz by its own.

    Returns the raw mean loss. The batch mean comes first: flooding a batch reverses all its samples
    or none. `row_weights` None: all rows count the same.
    """
    n_rows = dz.shape[0]
    mean = 0.0
    for n in range(n_rows):
        mean += losses[n]
    mean /= n_rows
    if row_weights is not None:
        weigh_unequal_rows(dz, weights, losses, samples, row_weights, loss)
    elif loss.flood == INSTANCE or loss.flood == SOFT or loss.flood == ADAPTIVE:
        for n in range(n_rows):
            level = loss.levels[samples[n]] if loss.flood == ADAPTIVE else loss.level
            weight = flood_weight(loss.flood, losses[n], mean, level, loss.flood_parameter)
            weights[n] = weight / n_rows
            scale(row(dz, n), weights[n])
    else:
        weight = flood_weight(loss.flood, mean, mean, loss.level, loss.flood_parameter) / n_rows
        for n in range(n_rows):
            weights[n] = weight
        scale(elements(dz), weight)
    return mean


def flatten_rows(dz, weights, outputs, labels, targets, loss, upper):
    """Add RelaxLoss's flattening of wrong rows, where the batch ascends in an odd epoch."""
    if upper is not None:
        if loss.flood == RELAXED:
            for n in range(dz.shape[0]):
                if weights[n] < 0.0:
                    label = class_of(labels, targets, n, loss.kind)
                    add_posterior_flattening(row(dz, n), row(outputs, n), label, upper, -weights[n])


def in_epoch(loss, epoch):
    """Return the loss as it stands in an epoch: RelaxLoss alternates."""
    flood = RELAXED if loss.flood == RELAX and epoch % 2 == 1 else loss.flood
    return LossCode(loss.kind, loss.parameter, flood, loss.level, loss.flood_parameter, loss.levels,
                    loss.confidence, loss.upper)


class_of, in_epoch = inner(class_of), inner(in_epoch)
loss_rows, weigh_rows, flatten_rows = inner(loss_rows), inner(weigh_rows), inner(flatten_rows)
