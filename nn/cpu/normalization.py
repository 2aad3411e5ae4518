"""Batch normalisation, compiled. Definition: nn/reference/normalization.py.

Each function handles the columns lo:hi, so that threads can share a layer: units do not mix in
batch normalisation.
"""
import numpy as np

from .compile import inner, twin
from .copies import copy
from .views import part, vector


def batch_norm_forward_panel(y, z_hat, mean, var, gamma, beta, eps, lo, hi):
    """Normalise columns lo:hi of y in place; fill those of z_hat, mean and var of the batch."""
    real, width = y.dtype.type, hi - lo
    mean, var = vector(mean, lo, width), vector(var, lo, width)
    gamma, beta = vector(gamma, lo, width), vector(beta, lo, width)
    rows, one = real(y.shape[0]), real(1)
    for j in range(width):
        mean[j] = real(0)
    for n in range(y.shape[0]):
        z = part(y, n, lo, hi)
        for j in range(width):
            mean[j] += z[j]
    for j in range(width):
        mean[j] /= rows
        var[j] = real(0)
    for n in range(y.shape[0]):
        z, centred = part(y, n, lo, hi), part(z_hat, n, lo, hi)
        for j in range(width):
            centred[j] = z[j] - mean[j]
        for j in range(width):
            var[j] += centred[j] * centred[j]
    for j in range(width):
        var[j] /= rows
    for n in range(y.shape[0]):
        here, normalised = part(y, n, lo, hi), part(z_hat, n, lo, hi)
        for j in range(width):
            normalised[j] *= one / np.sqrt(var[j] + real(eps))
        for j in range(width):
            here[j] = gamma[j] * normalised[j] + beta[j]


def batch_norm_evaluate_panel(y, gamma, beta, running_mean, running_var, eps, lo, hi):
    """Normalise columns lo:hi of y in place, with the running statistics."""
    real, width = y.dtype.type, hi - lo
    gamma, beta = vector(gamma, lo, width), vector(beta, lo, width)
    mean, var = vector(running_mean, lo, width), vector(running_var, lo, width)
    for n in range(y.shape[0]):
        here = part(y, n, lo, hi)
        for j in range(width):
            here[j] = gamma[j] / np.sqrt(var[j] + real(eps)) * (here[j] - mean[j]) + beta[j]


def batch_norm_backward_panel(dz, dgamma, dbeta, z_hat, var, gamma, eps, lo, hi):
    """Turn columns lo:hi of dz from dy into dz, and fill those of dγ and dβ.

    The derivation stands in the reference.
    """
    real, width = dz.dtype.type, hi - lo
    one, rows = real(1), real(dz.shape[0])
    dgamma, dbeta = vector(dgamma, lo, width), vector(dbeta, lo, width)
    var, gamma = vector(var, lo, width), vector(gamma, lo, width)
    for j in range(width):
        dgamma[j] = real(0)
        dbeta[j] = real(0)
    for n in range(dz.shape[0]):
        dy, normalised = part(dz, n, lo, hi), part(z_hat, n, lo, hi)
        for j in range(width):
            dgamma[j] += dy[j] * normalised[j]
        for j in range(width):
            dbeta[j] += dy[j]
    for n in range(dz.shape[0]):
        here, normalised = part(dz, n, lo, hi), part(z_hat, n, lo, hi)
        for j in range(width):
            here[j] -= dbeta[j] / rows + normalised[j] * (dgamma[j] / rows)
        for j in range(width):
            here[j] *= gamma[j] * (one / np.sqrt(var[j] + real(eps)))


def update_running_panel(running_mean, running_var, mean, var, rows, momentum, lo, hi):
    """Move the running statistics of the units lo:hi towards the batch's."""
    real = mean.dtype.type
    share, unbiased = real(momentum), real(rows / (rows - 1.0))
    for j in range(lo, hi):
        running_mean[j] += share * (mean[j] - running_mean[j])
        running_var[j] += share * (var[j] * unbiased - running_var[j])


batch_norm_forward_panel = inner(batch_norm_forward_panel)
batch_norm_evaluate_panel = inner(batch_norm_evaluate_panel)
batch_norm_backward_panel = inner(batch_norm_backward_panel)
update_running_panel = inner(update_running_panel)


def batch_norm_forward(y, z_hat, mean, var, z, gamma, beta, eps):
    """Fill y, the normalised z_hat, and the batch's mean and variance; y may be z."""
    copy(y, z)
    batch_norm_forward_panel(y, z_hat, mean, var, gamma, beta, eps, 0, z.shape[1])


def batch_norm_evaluate(y, z, gamma, beta, running_mean, running_var, eps):
    """Fill y with the running statistics in place of the batch's; y may be z."""
    copy(y, z)
    batch_norm_evaluate_panel(y, gamma, beta, running_mean, running_var, eps, 0, z.shape[1])


def batch_norm_backward(dz, dgamma, dbeta, dy, z_hat, var, gamma, eps):
    """Fill dz, dγ = Σ dy ẑ and dβ = Σ dy; dz may be dy."""
    copy(dz, dy)
    batch_norm_backward_panel(dz, dgamma, dbeta, z_hat, var, gamma, eps, 0, dz.shape[1])


def update_running(running_mean, running_var, mean, var, rows, momentum):
    """Move the running statistics towards the batch's.

    The variance they keep is the unbiased one, var · B/(B − 1).
    """
    update_running_panel(running_mean, running_var, mean, var, rows, momentum, 0, mean.shape[0])


batch_norm_forward, batch_norm_evaluate = twin(batch_norm_forward), twin(batch_norm_evaluate)
batch_norm_backward, update_running = twin(batch_norm_backward), twin(update_running)
