"""Inverted dropout on the device.

Definition: nn/reference/dropout.py; the random bits: nn/shared/random_bits.py.
"""
import numpy as np

from ..shared import random_bits
from ._compat import blocks, cuda, device, kernel, launch

THREADS = 256

sample_key, unit_bits = device(random_bits.sample_key), device(random_bits.unit_bits)


def mask_elements(dropped, a, threshold, scale, seed, update, layer, samples):
    """Fill dropped = a · mask · scale, a thread each element."""
    i = cuda.grid(1)
    if i < a.size:
        n, j = i // a.shape[1], i % a.shape[1]
        # Every thread of a row finds its key: that costs less than reading it from memory.
        key = sample_key(seed, update, layer, np.int64(samples[n]))
        kept = unit_bits(key, j) >= threshold
        dropped[n, j] = a[n, j] * scale if kept else a.dtype.type(0)


mask_elements = kernel(mask_elements)


def dropout_forward(dropped, a, rate, seed, update, layer, samples):
    """Fill dropped = a · mask / (1 - rate)."""
    words = (np.int64(word) for word in (seed, update, layer))  # as the hash takes them
    launch(mask_elements, blocks(a.size, THREADS), THREADS, dropped, a, np.int64(rate * 2.0**32),
           a.dtype.type(1.0 / (1.0 - rate)), *words, samples)


def dropout_backward(da, ddropped, rate, seed, update, layer, samples):
    """Fill da = ddropped · mask / (1 - rate); da may be ddropped."""
    dropout_forward(da, ddropped, rate, seed, update, layer, samples)
