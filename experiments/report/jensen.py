"""By how much flooding batches differs from flooding the whole set: the gap of Jensen's inequality, measured and predicted.

|x - b| is convex. So over the batches t of an epoch, with mean losses J_t and their mean J,

    gap = mean_t |J_t - b| - |J - b|  >=  0,

and flooding batches minimises an upper bound of the flooded loss of the whole set (WaveBound, NeurIPS 2022, arXiv
2210.14303). The gap is 0 where all batches lie on one side of b, largest for batches of one sample, and its mean over random
batches never grows with their size.

If σ² is the variance of the losses of N samples, a batch of B of them, drawn without replacement, has a mean of variance
s² = σ²/B · (N - B)/(N - 1). Were that mean normal, E|J_t - b| would be the mean of a folded normal distribution, and so

    gap = 2 s (φ(u) - u Φ(-u)),  u = |J - b| / s,

with density φ and distribution function Φ of the standard normal: s·√(2/π) where the loss floats at the level, J = b.
"""
import math
from typing import Any

import numpy as np

DRAWS = 400  # orders of the samples: the gap of their mean is then known to a few percent, also of four large batches


def measured_gap(losses: Any, level: float, batch_size: int, *, draws: int = DRAWS) -> float:
    """Mean gap over random orders of the samples.

    Parameters
    ----------
    losses : array (N,)
        Of each sample, all from one network.
    level : float
        The flood level b.
    batch_size : int
        B, which divides N, as all batches are to weigh the same.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ValueError
        When the batches are not equal.
    """
    losses = np.asarray(losses, dtype=float)
    if batch_size < 1 or len(losses) % batch_size:
        raise ValueError(f"batch_size: got {batch_size!r}, accepted: a divisor of the {len(losses)} samples")
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(1 if batch_size in (1, len(losses)) else draws):  # else every order is the same
        apart = rng.permutation(losses).reshape(-1, batch_size).mean(axis=1) - level
        # mean|x| - |mean x| is twice the smaller one of the means of both signs, and so without cancellation.
        gaps.append(2 * min(np.maximum(apart, 0).mean(), np.maximum(-apart, 0).mean()))
    return float(np.mean(gaps))


def predicted_gap(losses: Any, level: float, batch_size: int) -> float:
    """The gap that the formula gives from mean and variance of the losses (N,) of all samples."""
    from scipy.special import ndtr  # Φ

    losses = np.asarray(losses, dtype=float)
    count = len(losses)
    s = losses.std() * math.sqrt((count - batch_size) / (count - 1) / batch_size) if count > 1 else 0.0
    if s == 0:
        return 0.0
    u = abs(losses.mean() - level) / s
    return float(2 * s * (math.exp(-u * u / 2) / math.sqrt(2 * math.pi) - u * ndtr(-u)))
