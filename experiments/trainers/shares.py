"""Shares of an effect among its causes, and of all small sets of samples that do well by chance."""
import math

import numpy as np


def shared_out(values: np.ndarray) -> np.ndarray:
    """Share out values[1, …, 1] - values[0, …, 0] to causes: the mean gain of each over all orders (Shapley 1953).

    Parameters
    ----------
    values : array (2,) * causes
        By whether each cause is switched off.

    Returns
    -------
    array (causes,)
    """
    n, others = values.ndim, list(np.ndindex((2,) * (values.ndim - 1)))
    weights = [math.factorial(sum(one)) * math.factorial(n - 1 - sum(one)) / math.factorial(n) for one in others]
    gains = (np.moveaxis(values, cause, 0) for cause in range(n))
    return np.array([sum(w * (g[1][one] - g[0][one]) for w, one in zip(weights, others, strict=True)) for g in gains])


def share_above(right: int, total: int, drawn: int, accuracy: float) -> float:
    """Share of all sets of `drawn` out of `total` samples, `right` of them right, whose accuracy is above another one."""
    above = (k for k in range(drawn + 1) if k > accuracy * drawn + 1e-9)
    ways = sum(math.comb(right, k) * math.comb(total - right, drawn - k) for k in above)
    return ways / math.comb(total, drawn)
