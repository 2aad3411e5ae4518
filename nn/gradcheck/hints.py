"""Which classic mistake a wrong gradient fits."""
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

CLOSE = 1e-5
EXPLAINED = 0.01  # share of the difference that a mistake may leave: it may be in one small entry of a large array
Fits = Callable[[Any], bool]  # whether an array is the analytic gradient


def hint(thetas: Mapping[str, np.ndarray], name: str, analytic: np.ndarray, numerical: np.ndarray, batch: int | None = None,
         upstream: np.ndarray | None = None) -> str:
    """Return the mistake that makes `analytic` of the right gradient, in words; "" if none is known that does.

    thetas : dict name -> array, what the gradient is with respect to; batch : number of samples, where that is known;
    upstream : the gradient of the output that was handed to a backward.
    """
    def fits(candidate: np.ndarray) -> bool:
        if np.shape(candidate) != analytic.shape:
            return False
        off = np.linalg.norm(analytic - candidate)
        return bool(off <= CLOSE * np.linalg.norm(analytic) and off <= EXPLAINED * wrong)

    wrong = np.linalg.norm(analytic - numerical)
    if not np.any(numerical) or not np.any(analytic):
        return ""
    if fits(-numerical):
        return "the sign is the other one"
    if np.ndim(numerical) == 2 and (fits(numerical.T) or fits(numerical.T.reshape(numerical.shape))):
        return "it is the transpose of the right gradient: a missing transpose"
    factor = float(np.sum(analytic * numerical) / np.sum(numerical * numerical))
    if factor != 0 and fits(factor * numerical):
        return _factor(factor, batch)
    theta = thetas[name]
    if np.any(theta):
        share = float(np.sum((analytic - numerical) * theta) / np.sum(theta * theta))
        if fits(numerical + share * theta):
            return f"it differs by {share:.6g} times {name} itself: a weight penalty that only one of the two has"
    for other, W in thetas.items():
        if other != name and np.ndim(W) == 2 and np.ndim(numerical) == 2 and _swapped(W, numerical, fits):
            return f"a product with {other} where its transpose belongs (or the other way round): a missing transpose"
    if upstream is not None and _no_derivative(thetas, upstream, fits):
        return "it is what a layer without activation would have: the activation's derivative is missing"
    if numerical.size > 1 and fits(np.full(numerical.shape, numerical.sum())):
        return "summed over too many axes: every entry is the sum over the whole array"
    return ""


def _factor(factor: float, batch: int | None) -> str:
    if batch is not None and batch > 1:
        if np.isclose(factor, batch, rtol=CLOSE):
            return f"too large by the factor {batch}, the size of the batch: a sum where a mean belongs (1/B is missing)"
        if np.isclose(factor, 1 / batch, rtol=CLOSE):
            return (f"too small by the factor {batch}, the size of the batch: a mean where a sum belongs (1/B is in the "
                    "upstream gradient already)")
    return f"it is {factor:.6g} times the right one: a constant factor"


def _swapped(W: np.ndarray, numerical: np.ndarray, fits: Fits) -> bool:
    """Return whether a product with Wᵀ (or W), as its last or first factor, was taken with W (or Wᵀ) instead."""
    if W.shape[0] != W.shape[1] or np.linalg.cond(W) > 1e8:
        return False
    for M in (W, W.T):
        swap = np.linalg.solve(M.T, M)
        if numerical.shape[1] == len(W) and fits(numerical @ swap):
            return True
        if numerical.shape[0] == len(W) and fits(M @ np.linalg.solve(M.T, numerical)):
            return True
    return False


def _no_derivative(thetas: Mapping[str, np.ndarray], upstream: np.ndarray, fits: Fits) -> bool:
    """Return whether the upstream gradient went on as if z were the output: dx = dz Wᵀ, dW = xᵀ dz, db = Σ dz."""
    candidates = [upstream]
    if upstream.ndim == 2:
        candidates.append(upstream.sum(axis=0))
        matrices = [array for array in thetas.values() if np.ndim(array) == 2]
        candidates += [upstream @ M.T for M in matrices if M.shape[1] == upstream.shape[1]]
        candidates += [M.T @ upstream for M in matrices if len(M) == len(upstream)]
    return any(fits(candidate) for candidate in candidates)
