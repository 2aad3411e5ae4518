"""Inverted dropout: a unit is kept with probability 1 - rate and then scaled by 1 / (1 - rate).

a (B, H) are the activations, `samples` (B,) the samples' indices in the data set. The mask is a
function of (seed, update, layer, sample, unit), so the backward pass draws it again instead of
storing it.
"""
import numpy as np

from ..shared.random_bits import sample_key, unit_bits


def _keep(units, rate, seed, update, layer, samples):
    keys = sample_key(seed, update, layer, samples)
    bits = unit_bits(keys[:, None], np.arange(units))  # (B, H)
    return bits >= int(rate * 2**32)


def dropout_forward(dropped, a, rate, seed, update, layer, samples):
    """Fill dropped = a · mask / (1 - rate)."""
    keep = _keep(a.shape[1], rate, seed, update, layer, samples)
    dropped[...] = np.where(keep, a / (1 - rate), 0)


def dropout_backward(da, ddropped, rate, seed, update, layer, samples):
    """Fill da = ddropped · mask / (1 - rate); da may be ddropped.

    Forward: dropped = a · mask / (1 - rate), a product with a constant; so is the way back.
    """
    keep = _keep(da.shape[1], rate, seed, update, layer, samples)
    da[...] = np.where(keep, ddropped / (1 - rate), 0)
