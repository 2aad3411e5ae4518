"""Losses of a batch on the device, a thread each row. The maths of one row: losses/rows.py.

The mean loss decides about flooding, so it is found on the device too, and nobody waits for it: one
block adds up the losses and leaves the mean in `summary`, where the next kernel reads it.
"""
import math

import numpy as np

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
from ._compat import blocks, cuda, device, kernel, launch, nothing
from .reductions import THREADS, sum_of_block

# What the functions below serve; asked before a call, see activations.py.
SERVED = (CROSS_ENTROPY, SOFT_CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR, HINGE,
          SQUARED_HINGE)
SERVED_FLOODS = (NO_FLOOD, FLOODING, INSTANCE, SOFT, ADAPTIVE, RELAX, RELAXED)

ROWS = 64  # of a block
MEAN, J, TOTAL = range(3)  # of `summary`: mean loss, weighted mean, sum of the rows' weights

cross_entropy, soft_cross_entropy = device(rows.cross_entropy), device(rows.soft_cross_entropy)
binary_cross_entropy = device(rows.binary_cross_entropy)
squared_error, hinge = device(rows.squared_error), device(rows.hinge)
confidence_penalty = device(rows.add_confidence_penalty)
posterior_flattening = device(rows.add_posterior_flattening)
flood_weight = device(rows.flood_weight)


def cross_entropy_rows(losses, dz, outputs, labels, parameter):
    """Fill a row's loss and its gradient."""
    n = cuda.grid(1)
    if n < dz.shape[0]:
        losses[n] = cross_entropy(dz[n], outputs[n], labels[n], parameter)


def soft_cross_entropy_rows(losses, dz, outputs, targets):
    """Fill a row's loss and its gradient."""
    n = cuda.grid(1)
    if n < dz.shape[0]:
        losses[n] = soft_cross_entropy(dz[n], outputs[n], targets[n])


def binary_cross_entropy_rows(losses, dz, outputs, targets):
    """Fill a row's loss and its gradient."""
    n = cuda.grid(1)
    if n < dz.shape[0]:
        losses[n] = binary_cross_entropy(dz[n], outputs[n], targets[n])


def squared_error_rows(losses, dz, outputs, targets):
    """Fill a row's loss and its gradient."""
    n = cuda.grid(1)
    if n < dz.shape[0]:
        losses[n] = squared_error(dz[n], outputs[n], targets[n])


def hinge_rows(losses, dz, outputs, labels, margin, squared):
    """Fill a row's loss and its gradient."""
    n = cuda.grid(1)
    if n < dz.shape[0]:
        losses[n] = hinge(dz[n], outputs[n], labels[n], margin, squared)


def add_confidence_rows(losses, dz, outputs, strength):
    """Add a row's confidence penalty and its gradient."""
    n = cuda.grid(1)
    if n < dz.shape[0]:
        losses[n] += confidence_penalty(dz[n], outputs[n], strength)


cross_entropy_rows, squared_error_rows = kernel(cross_entropy_rows), kernel(squared_error_rows)
soft_cross_entropy_rows = kernel(soft_cross_entropy_rows)
binary_cross_entropy_rows = kernel(binary_cross_entropy_rows)
hinge_rows, add_confidence_rows = kernel(hinge_rows), kernel(add_confidence_rows)


def loss_rows(losses, dz, outputs, labels, targets, loss, confidence):
    """Fill the losses (rows,) and their gradients dz (rows, K), not yet weighted."""
    real, threads = dz.dtype.type, (blocks(dz.shape[0], ROWS), ROWS)
    if loss.kind == CROSS_ENTROPY:
        launch(cross_entropy_rows, *threads, losses, dz, outputs, labels, real(loss.parameter))
    elif loss.kind == SOFT_CROSS_ENTROPY:
        launch(soft_cross_entropy_rows, *threads, losses, dz, outputs, targets)
    elif loss.kind == BINARY_CROSS_ENTROPY:
        launch(binary_cross_entropy_rows, *threads, losses, dz, outputs, targets)
    elif loss.kind == SQUARED_ERROR:
        launch(squared_error_rows, *threads, losses, dz, outputs, targets)
    elif loss.kind == HINGE or loss.kind == SQUARED_HINGE:
        launch(hinge_rows, *threads, losses, dz, outputs, labels, real(loss.parameter),
               loss.kind == SQUARED_HINGE)
    if confidence is not None:
        launch(add_confidence_rows, *threads, losses, dz, outputs, real(confidence))


def summarise(summary, losses, row_weights):
    """Fill the summary of a batch; one block of THREADS. `row_weights` empty: all are 1."""
    values = cuda.shared.array(THREADS, losses.dtype)
    thread, zero, n_rows = cuda.threadIdx.x, losses.dtype.type(0), losses.size
    plain, weighted, total = zero, zero, zero
    for n in range(thread, n_rows, THREADS):
        plain += losses[n]
        if row_weights.size > 0:
            total += row_weights[n]
            # 0·∞ = 0; a NaN goes in
            if row_weights[n] != zero or abs(losses[n]) != losses.dtype.type(math.inf):
                weighted += row_weights[n] * losses[n]
    plain = sum_of_block(values, plain, thread)
    weighted, total = sum_of_block(values, weighted, thread), sum_of_block(values, total, thread)
    if thread == 0:
        mean = plain / losses.dtype.type(n_rows)
        summary[MEAN], summary[J], summary[TOTAL] = mean, mean, losses.dtype.type(n_rows)
        if row_weights.size > 0:
            summary[J], summary[TOTAL] = weighted / total if total > zero else weighted, total


def weigh(dz, weights, losses, samples, row_weights, summary, levels, flood, level, parameter):
    """Fill a row's weight ∂φ/∂ℓ and multiply its gradient by it."""
    n = cuda.grid(1)
    if n < dz.shape[0]:
        zero, one = dz.dtype.type(0), dz.dtype.type(1)
        own = losses[n]
        if flood not in (INSTANCE, SOFT, ADAPTIVE):
            own = summary[J]  # one decision for the whole batch, also where a loss is infinite
        here = levels[samples[n]] if flood == ADAPTIVE else level
        count = row_weights[n] if row_weights.size > 0 else one
        total = summary[TOTAL] if summary[TOTAL] > zero else one
        weight = flood_weight(flood, own, summary[J], here, parameter) * count / total
        weights[n] = weight
        for j in range(dz.shape[1]):
            dz[n, j] *= weight


summarise, weigh = kernel(summarise), kernel(weigh)


def weigh_rows(dz, weights, losses, samples, row_weights, loss, summary):
    """Fill the weights w_i = ∂φ/∂ℓ_i (rows,), multiply each row of dz by its own.

    The raw mean loss is left in `summary`, see above.
    """
    real = dz.dtype.type
    row_weights = nothing(1, dz.dtype) if row_weights is None else row_weights
    launch(summarise, 1, THREADS, summary, losses, row_weights)
    launch(weigh, blocks(dz.shape[0], ROWS), ROWS, dz, weights, losses, samples, row_weights,
           summary, loss.levels, loss.flood, real(loss.level), real(loss.flood_parameter))


def class_of(labels, targets, n):
    """Return a row's class: its label, largest target, or whether its one target is above 1/2."""
    if labels.size > 0:
        return np.int64(labels[n])
    if targets.shape[1] == 1:
        return np.int64(targets[n, 0] + targets[n, 0] > targets.dtype.type(1))
    top = 0
    for j in range(1, targets.shape[1]):
        if targets[n, j] > targets[n, top]:
            top = j
    return np.int64(top)


class_of = device(class_of)


def add_flattening_rows(dz, weights, outputs, labels, targets, upper):
    """Add the flattening of a row whose gradient was reversed."""
    n = cuda.grid(1)
    if n < dz.shape[0] and weights[n] < dz.dtype.type(0):
        posterior_flattening(dz[n], outputs[n], class_of(labels, targets, n), upper, -weights[n])


add_flattening_rows = kernel(add_flattening_rows)


def flatten_rows(dz, weights, outputs, labels, targets, loss, upper):
    """Add RelaxLoss's flattening of wrong rows, where the batch ascends in an odd epoch."""
    if upper is not None and loss.flood == RELAXED:
        launch(add_flattening_rows, blocks(dz.shape[0], ROWS), ROWS, dz, weights, outputs, labels,
               targets, dz.dtype.type(upper))


def in_epoch(loss, epoch):
    """Return the loss as it stands in an epoch: RelaxLoss alternates."""
    flood = RELAXED if loss.flood == RELAX and epoch % 2 == 1 else loss.flood
    return LossCode(loss.kind, loss.parameter, flood, loss.level, loss.flood_parameter, loss.levels,
                    loss.confidence, loss.upper)
