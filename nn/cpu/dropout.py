"""Inverted dropout, compiled.

Definition: nn/reference/dropout.py; the random bits: nn/shared/random_bits.py.
"""
from ..shared import random_bits
from .compile import inner, twin
from .copies import copy
from .views import part

sample_key, unit_bits = inner(random_bits.sample_key), inner(random_bits.unit_bits)


def dropout_forward_panel(dropped, a, rate, seed, update, layer, samples, lo, hi):
    """Fill columns lo:hi of dropped = a · mask / (1 - rate)."""
    real = a.dtype.type
    threshold, scale, zero = int(rate * 2.0**32), real(1.0 / (1.0 - rate)), real(0)
    for n in range(a.shape[0]):
        key = sample_key(seed, update, layer, samples[n])
        here, there = part(dropped, n, lo, hi), part(a, n, lo, hi)
        for j in range(here.size):
            here[j] = there[j] * scale if unit_bits(key, lo + j) >= threshold else zero


def dropout_backward_panel(da, rate, seed, update, layer, samples, lo, hi):
    """Multiply columns lo:hi of da by mask / (1 - rate), in place."""
    real = da.dtype.type
    threshold, scale, zero = int(rate * 2.0**32), real(1.0 / (1.0 - rate)), real(0)
    for n in range(da.shape[0]):
        key = sample_key(seed, update, layer, samples[n])
        here = part(da, n, lo, hi)
        for j in range(here.size):
            here[j] = here[j] * scale if unit_bits(key, lo + j) >= threshold else zero


dropout_forward_panel = inner(dropout_forward_panel)
dropout_backward_panel = inner(dropout_backward_panel)


def dropout_forward(dropped, a, rate, seed, update, layer, samples):
    """Fill dropped = a · mask / (1 - rate)."""
    dropout_forward_panel(dropped, a, rate, seed, update, layer, samples, 0, a.shape[1])


def dropout_backward(da, ddropped, rate, seed, update, layer, samples):
    """Fill da = ddropped · mask / (1 - rate); da may be ddropped."""
    copy(da, ddropped)
    dropout_backward_panel(da, rate, seed, update, layer, samples, 0, da.shape[1])


dropout_forward, dropout_backward = twin(dropout_forward), twin(dropout_backward)
