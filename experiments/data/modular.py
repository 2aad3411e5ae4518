"""Sums modulo p: all p² of them, some to learn from, the others to judge by (Power et al., arXiv:2201.02177, 2022)."""
import numpy as np

from .sets import DataSet, Split

STREAM = 80  # generators are seeded by (seed, STREAM), apart from those of other sets


def modular_addition(modulus: int, train: int, *, seed: int = 0) -> DataSet:
    """Return (a + b) mod p for all pairs (a, b), each number as p inputs of which one is 1.

    Parameters
    ----------
    modulus : int, at least 2
        p.
    train : int
        Pairs to learn from, drawn at random; half of the others validate, the rest tests.
    seed : int
        Which pairs.

    Returns
    -------
    DataSet
        Inputs (N, 2p), classes "0" to "p - 1". (a, b) and (b, a) may stand in different parts.

    Raises
    ------
    ValueError
        For sizes that leave a part empty.
    """
    if modulus < 2:
        raise ValueError(f"modulus: got {modulus}, accepted: a whole number of at least 2")
    pairs = modulus**2
    if not 1 <= train <= pairs - 2:
        raise ValueError(f"train: got {train}, accepted: 1 to {pairs - 2} of the {pairs} pairs")
    a, b = np.divmod(np.arange(pairs), modulus)  # (N,), (N,)
    one = np.eye(modulus, dtype=np.float32)
    x, y = np.hstack([one[a], one[b]]), (a + b) % modulus  # (N, 2p), (N,)
    order = np.random.default_rng([seed, STREAM]).permutation(pairs)
    learnt, watched, rest = np.split(order, [train, train + (pairs - train) // 2])
    train_part, validation, test = (Split(x[rows], y[rows], y[rows]) for rows in (learnt, watched, rest))
    return DataSet("modular_addition", train_part, validation, test, tuple(map(str, range(modulus))),
                   "generated (Power et al. 2022)", "none needed")
