"""Batch normalisation between a dense layer and its activation.

y = γ ẑ + β with ẑ = (z − mean) / √(var + ε), unit by unit.

z, y, z_hat (B, H); mean, var, gamma, beta (H,). In training mean and var are the batch's own (var
biased); in evaluation the running ones. Ioffe & Szegedy, ICML 2015 (arXiv 1502.03167), algorithm 1.
"""
import numpy as np


def batch_norm_forward(y, z_hat, mean, var, z, gamma, beta, eps):
    """Fill y, the normalised z_hat, and the batch's mean and variance; y may be z."""
    np.mean(z, axis=0, out=mean)
    centred = z - mean
    np.mean(centred * centred, axis=0, out=var)  # not np.var, whose |·|² breaks the complex step
    z_hat[...] = centred / np.sqrt(var + eps)
    y[...] = gamma * z_hat + beta


def batch_norm_evaluate(y, z, gamma, beta, running_mean, running_var, eps):
    """Fill y with the running statistics in place of the batch's; y may be z."""
    y[...] = gamma * ((z - running_mean) / np.sqrt(running_var + eps)) + beta


def batch_norm_backward(dz, dgamma, dbeta, dy, z_hat, var, gamma, eps):
    """Fill dz, dγ = Σ dy ẑ and dβ = Σ dy; dz may be dy.

    Forward: y = γ ẑ + β, ẑ = (z − mean) / √(var + ε), with mean and var of the batch.
    """
    np.sum(dy * z_hat, axis=0, out=dgamma)
    np.sum(dy, axis=0, out=dbeta)
    # mean and var depend on every z of the batch. Through the mean, dz loses its batch mean;
    # through the variance it loses its component along ẑ (∂var/∂z_n is proportional to ẑ_n):
    #   dz = γ/√(var + ε) · (dy − mean(dy) − ẑ mean(dy ẑ))
    rows = dy.shape[0]
    dz[...] = gamma / np.sqrt(var + eps) * (dy - dbeta / rows - z_hat * (dgamma / rows))


def update_running(running_mean, running_var, mean, var, rows, momentum):
    """Move the running statistics towards the batch's.

    The variance they keep is the unbiased one, var · B/(B − 1).
    """
    running_mean += momentum * (mean - running_mean)
    running_var += momentum * (var * (rows / (rows - 1)) - running_var)
