"""Batch normalisation on the device. Definition: nn/reference/normalization.py.

A block owns COLUMNS units, which it alone normalises: all rows of them, every LANES-th by one
thread.
"""
import math

import numpy as np

from ._compat import blocks, cuda, kernel, launch, to_device
from .reductions import COLUMNS, LANES, SUMS, sum_of_lanes

THREADS = 256


def normalise(y, z_hat, mean, var, z, gamma, beta, eps):
    """Fill y, z_hat, and the mean and variance of a block's units; y may be z."""
    lanes = cuda.shared.array(SUMS, z.dtype)
    column, lane = cuda.threadIdx.x, cuda.threadIdx.y
    j = cuda.blockIdx.x * COLUMNS + column
    rows = z.shape[0] if j < z.shape[1] else 0  # a thread without a unit still meets the others
    count, value = z.dtype.type(z.shape[0]), z.dtype.type(0)
    for n in range(lane, rows, LANES):
        value += z[n, j]
    mean_j = sum_of_lanes(lanes, value, column, lane) / count
    value = z.dtype.type(0)
    for n in range(lane, rows, LANES):
        centred = z[n, j] - mean_j
        value += centred * centred
    var_j = sum_of_lanes(lanes, value, column, lane) / count
    if lane == 0 and rows > 0:
        mean[j], var[j] = mean_j, var_j
    deviation = math.sqrt(var_j + eps)
    for n in range(lane, rows, LANES):
        normalised = (z[n, j] - mean_j) / deviation
        z_hat[n, j] = normalised
        y[n, j] = gamma[j] * normalised + beta[j]


def normalise_backward(dz, dgamma, dbeta, dy, z_hat, var, gamma, eps):
    """Fill dz, dγ and dβ of a block's units; dz may be dy. The derivation: the reference."""
    lanes = cuda.shared.array(SUMS, dy.dtype)
    column, lane = cuda.threadIdx.x, cuda.threadIdx.y
    j = cuda.blockIdx.x * COLUMNS + column
    rows = dy.shape[0] if j < dy.shape[1] else 0
    count, value, other = dy.dtype.type(dy.shape[0]), dy.dtype.type(0), dy.dtype.type(0)
    for n in range(lane, rows, LANES):
        value += dy[n, j] * z_hat[n, j]
        other += dy[n, j]
    dgamma_j = sum_of_lanes(lanes, value, column, lane)
    dbeta_j = sum_of_lanes(lanes, other, column, lane)
    if lane == 0 and rows > 0:
        dgamma[j], dbeta[j] = dgamma_j, dbeta_j
    for n in range(lane, rows, LANES):
        centred = dy[n, j] - dbeta_j / count - z_hat[n, j] * (dgamma_j / count)
        dz[n, j] = gamma[j] / math.sqrt(var[j] + eps) * centred


def evaluate_elements(y, z, gamma, beta, running_mean, running_var, eps):
    """Fill y, a thread each element; y may be z."""
    i = cuda.grid(1)
    if i < z.size:
        n, j = i // z.shape[1], i % z.shape[1]
        normalised = (z[n, j] - running_mean[j]) / math.sqrt(running_var[j] + eps)
        y[n, j] = gamma[j] * normalised + beta[j]


def move_running(running_mean, running_var, mean, var, share, unbiased, moves):
    """Move the running statistics by a share of their distance, a thread each unit."""
    j = cuda.grid(1)
    if j < mean.size and moves[0] != 0:
        running_mean[j] += share * (mean[j] - running_mean[j])
        running_var[j] += share * (var[j] * unbiased - running_var[j])


normalise, normalise_backward = kernel(normalise), kernel(normalise_backward)
evaluate_elements, move_running = kernel(evaluate_elements), kernel(move_running)


def batch_norm_forward(y, z_hat, mean, var, z, gamma, beta, eps):
    """Fill y, the normalised z_hat, and the batch's mean and variance; y may be z."""
    launch(normalise, blocks(z.shape[1], COLUMNS), (COLUMNS, LANES), y, z_hat, mean, var, z, gamma,
           beta, z.dtype.type(eps))


def batch_norm_evaluate(y, z, gamma, beta, running_mean, running_var, eps):
    """Fill y with the running statistics in place of the batch's; y may be z."""
    launch(evaluate_elements, blocks(z.size, THREADS), THREADS, y, z, gamma, beta, running_mean,
           running_var, z.dtype.type(eps))


def batch_norm_backward(dz, dgamma, dbeta, dy, z_hat, var, gamma, eps):
    """Fill dz, dγ = Σ dy ẑ and dβ = Σ dy; dz may be dy."""
    launch(normalise_backward, blocks(dy.shape[1], COLUMNS), (COLUMNS, LANES), dz, dgamma, dbeta,
           dy, z_hat, var, gamma, dy.dtype.type(eps))


def update_running(running_mean, running_var, mean, var, rows, momentum, moves=None):
    """Move the running statistics towards the batch's; `moves` as in optimizers.py.

    The variance they keep is the unbiased one, var · B/(B − 1).
    """
    real = mean.dtype.type
    moves = to_device(np.ones(1, np.int32)) if moves is None else moves
    launch(move_running, blocks(mean.size, THREADS), THREADS, running_mean, running_var, mean, var,
           real(momentum), real(rows / (rows - 1.0)), moves)
