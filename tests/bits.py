"""The random bits of dropout by another way than nn/shared/random_bits.py."""


def dropout_bits(seed, update, layer, sample, unit):
    """The hash with big integers and one modulo: Wellons' lowbias32 after each word, then once more for the unit."""
    def lowbias32(h):
        h ^= h >> 16
        h = h * 0x7FEB352D % 2**32
        h ^= h >> 15
        h = h * 0x846CA68B % 2**32
        return h ^ h >> 16

    h, sample, unit = 0, int(sample), int(unit)
    for word in (seed % 2**32, seed // 2**32 % 2**32, update, layer, sample):
        h = (lowbias32((h ^ word) % 2**32) + 0x9E3779B9) % 2**32
    return h, lowbias32((h + unit * 0x9E3779B9) % 2**32)
