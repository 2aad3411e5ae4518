"""The counter-based random bits: the same for Python integers, arrays and compiled code, and random enough."""
import itertools

import numba
import numpy as np
import pytest

from nn.reference.dropout import dropout_forward
from nn.shared.random_bits import sample_key, unit_bits
from tests.bits import dropout_bits

# (seed, update, layer, sample, unit) -> key, bits. Once written down, never to change: a resumed run draws the same masks.
GOLDEN = {
    (0, 0, 0, 0, 0): (0x5A0240D8, 0x7C111966),
    (0, 0, 0, 0, 1): (0x5A0240D8, 0xD5453FB3),
    (0, 0, 1, 0, 0): (0x0B8072D2, 0x74C79E4F),
    (1, 0, 1, 0, 0): (0x2FE81E96, 0x8989A1AE),
    (0, 1, 1, 0, 0): (0x50EA96C2, 0x666942F3),
    (0, 0, 1, 1, 0): (0xC851D737, 0x6ED1A7FC),
    (3, 5, 2, 7, 11): (0x48AD9C2E, 0xD7F51984),
    (4294967296, 0, 1, 0, 0): (0x8544069D, 0xB074DFEF),
    (123456789012345, 99999, 3, 59999, 1023): (0x387F1BF7, 0x38D2D3DF),
    (9223372036854775807, 2147483647, 12, 2147483647, 1048576): (0x7AE666F5, 0xEE3BEC2F),
}


def test_golden_vectors():
    key_compiled, bits_compiled = numba.njit(sample_key), numba.njit(unit_bits)
    for (*words, unit), expected in GOLDEN.items():
        assert dropout_bits(*words, unit) == expected
        for key_of, bits_of in ((sample_key, unit_bits), (key_compiled, bits_compiled)):
            key = key_of(*words)
            assert (int(key), int(bits_of(key, unit))) == expected
        key = sample_key(*words[:3], np.array([words[3]]))
        assert key.dtype == np.int64 and (key[0], unit_bits(key, np.array([unit]))[0]) == expected


def test_arrays_equal_single_numbers():
    samples, units = np.array([0, 1, 2, 70_000, 2**31, 2**32 - 1]), np.arange(300)
    found = unit_bits(sample_key(5, 9, 2, samples)[:, None], units)
    assert found.min() >= 0 and found.max() < 2**32
    for n, j in itertools.product(range(6), (0, 1, 150, 299)):
        bits = unit_bits(sample_key(5, 9, 2, int(samples[n])), j)
        assert found[n, j] == bits == dropout_bits(5, 9, 2, int(samples[n]), j)[1]


def kept(rate=0.5, seed=0, update=0, layer=1, samples=1500, units=64):
    """The mask (samples, units) as 0 and 1, by the backends' own function."""
    dropped = np.empty((samples, units))
    dropout_forward(dropped, np.ones((samples, units)), rate, seed, update, layer, np.arange(samples))
    return (dropped != 0).astype(float)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_keep_rate(rate):
    for seed, update in ((0, 0), (1, 0), (0, 1), (7, 1000)):
        mask = kept(rate, seed, update)
        for axis, count in ((None, mask.size), (0, len(mask)), (1, mask.shape[1])):  # all, each unit, each sample
            deviation = np.abs(mask.mean(axis=axis) - (1 - rate)) / np.sqrt(rate * (1 - rate) / count)
            assert np.max(deviation) < 6
            if axis is not None:  # nor more even than chance
                assert abs(np.mean(deviation**2) - 1) < 4.5 * np.sqrt(2 / deviation.size)


def test_masks_are_not_correlated():
    first = kept()
    others = {"seed": kept(seed=1), "high seed": kept(seed=2**32), "update": kept(update=1), "layer": kept(layer=2),
              "unit": np.roll(first, 1, axis=1), "sample": np.roll(first, 1, axis=0),
              "sample and unit": np.roll(first, (1, 1), (0, 1)), "half the units": np.roll(first, 32, axis=1),
              "swapped words": kept(update=1, layer=0), "far sample": np.roll(first, 256, axis=0)}
    for name, other in others.items():
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 4.5 / np.sqrt(first.size), name
    by_unit, by_sample = np.corrcoef(first.T), np.corrcoef(first)  # every pair, not only neighbours
    for correlations, n in ((by_unit, len(first)), (by_sample, first.shape[1])):
        pairs = correlations[np.triu_indices(len(correlations), 1)]
        assert np.abs(pairs).max() < 6.5 / np.sqrt(n)
        assert np.sqrt(np.mean(pairs**2)) == pytest.approx(1 / np.sqrt(n), rel=0.1)


def test_every_bit_is_fair_and_every_word_counts():
    bits = unit_bits(sample_key(0, 0, 1, np.arange(4000))[:, None], np.arange(16)).ravel()
    for position in range(32):
        assert abs(np.mean(bits >> position & 1) - 0.5) < 5 * 0.5 / np.sqrt(bits.size)
    base = [3, 5, 1, 7]
    for word, position in itertools.product(range(4), range(31)):
        changed = base.copy()
        changed[word] ^= 1 << position
        assert sample_key(*changed) != sample_key(*base)
    flips = [bin(sample_key(3, 5, 1, n) ^ sample_key(3, 5, 1, n ^ 1 << b)).count("1") for n in range(200) for b in range(16)]
    assert np.mean(flips) == pytest.approx(16, abs=0.3)  # one bit of input changes half of the output
