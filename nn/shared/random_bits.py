"""Counter-based random bits: a hash of (seed, update, layer, sample, unit), the same on every backend.

There is no state: a mask can be drawn again in the backward pass, in a resumed run, or on another device. All numbers stay
in [0, 2^48), so the same lines are right for Python integers, NumPy int64 arrays and compiled int64. Each function stands
alone, because compiled code cannot call an uncompiled neighbour.
"""


def sample_key(seed, update, layer, sample):
    """Return the 32-bit key of a row of units: the words are mixed in one after another."""
    h = 0
    for word in (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF, update, layer, sample):
        h = (h ^ word) & 0xFFFFFFFF
        h = h ^ (h >> 16)
        # h · 0x7FEB352D mod 2^32, by halves so that no product needs more than 48 bits
        h = (h * 0x352D + (((h * 0x7FEB) & 0xFFFF) << 16)) & 0xFFFFFFFF
        h = h ^ (h >> 15)
        h = (h * 0xA68B + (((h * 0x846C) & 0xFFFF) << 16)) & 0xFFFFFFFF
        h = (h ^ (h >> 16)) + 0x9E3779B9  # 2^32 / golden ratio: a word of zeros must not leave h at 0
    return h & 0xFFFFFFFF


def unit_bits(key, unit):
    """Return 32 random bits for one unit of the row.

    The mixing steps and multipliers are those of Wellons' lowbias32 (2018, public domain).
    """
    h = (key + unit * 0x9E3779B9) & 0xFFFFFFFF
    h = h ^ (h >> 16)
    h = (h * 0x352D + (((h * 0x7FEB) & 0xFFFF) << 16)) & 0xFFFFFFFF
    h = h ^ (h >> 15)
    h = (h * 0xA68B + (((h * 0x846C) & 0xFFFF) << 16)) & 0xFFFFFFFF
    return h ^ (h >> 16)
