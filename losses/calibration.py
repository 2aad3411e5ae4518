"""Does a network know how often it is right? After zero training error confidence rises while accuracy stays."""
from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .cross_entropy import shifted_exponentials, times
from .keywords import explains_arguments

TEMPERATURES = (0.01, 100.0)  # between these `fit_temperature` looks
SUM_TOLERANCE = 1e-5  # a softmax over 1000 classes in float32


@explains_arguments()
def probabilities(outputs: ArrayLike) -> NDArray:
    """Softmax of the logits of each sample; for one output, the sigmoid: the probability of class 1.

    Parameters
    ----------
    outputs : array_like, real (N, K), or (N,) for one output
        Logits. Nothing overflows, whatever their size.

    Returns
    -------
    ndarray, shape of `outputs`, float32 for float32 and float64 otherwise

    Raises
    ------
    ValueError, TypeError
        For wrong shapes or dtypes, empty data, NaN or infinite outputs.
    """
    rows = checks.as_finite_rows(outputs)
    if rows.shape[1] == 1:
        e = np.exp(-np.abs(rows))
        return (np.where(rows > 0, 1, e) / (1 + e)).astype(rows.dtype).reshape(np.shape(outputs))
    top, _, e, s = shifted_exponentials(rows)
    e[np.arange(len(rows)), top] = 1
    return e / (1 + s)[:, None]


@explains_arguments()
def expected_calibration_error(probabilities: ArrayLike, y: ArrayLike, bins: int = 15) -> float:
    """Mean over samples of |accuracy - confidence|, both averaged within bins of equal width (Guo et al., ICML 2017).

    The confidence is the largest probability; bin m of M holds confidences in ((m - 1)/M, m/M].

    Parameters
    ----------
    probabilities : array_like, real (N, K) with rows that sum to 1, or (N,) or (N, 1): probability of class 1
        `probabilities(outputs)` of this module gives them from logits.
    y : array_like (N,)
        Class ids; 0 or 1 for one column.
    bins : int >= 1, default 15

    Returns
    -------
    float
        Between 0 and 1. It rises with the number of bins for a small N: compare only with equal bins and sizes.

    Raises
    ------
    ValueError, TypeError
        For wrong shapes or dtypes, empty data, labels out of range, rows that are no distributions.
    """
    bins = checks.integer("bins", bins, low=1)
    p = checks.as_finite_rows(probabilities, "probabilities").astype(np.float64)
    y = checks.labels_for(y, *p.shape)
    p = _two_columns(p) if p.shape[1] == 1 else checks.distributions("probabilities", probabilities, tolerance=SUM_TOLERANCE)
    confidence = np.minimum(p.max(axis=1), 1)  # (N,)
    correct = p.argmax(axis=1) == y  # (N,)
    edges = np.arange(bins + 1) / bins
    inside = np.searchsorted(edges, confidence, side="left") - 1  # edges[m] < confidence <= edges[m + 1]
    # |B|/N · |accuracy - confidence| is |Σ_B (correct - confidence)| / N.
    surplus = np.bincount(inside, weights=correct - confidence, minlength=bins)  # (bins,)
    return float(np.abs(surplus).sum() / len(y))


@explains_arguments()
def fit_temperature(outputs: ArrayLike, y: ArrayLike, *, bounds: tuple[float, float] = TEMPERATURES) -> float:
    """Temperature T at which softmax(outputs/T) has the smallest cross-entropy (Guo et al., ICML 2017).

    Fit it on validation data. Accuracy does not change; T > 1 says that the network is overconfident. A validation loss that
    rises at T = 1 and still falls at the fitted T is growing weights, not worse ranking.

    Parameters
    ----------
    outputs : array_like, real (N, K >= 2), or (N,) or (N, 1) for one output
        Logits.
    y : array_like (N,)
        Class ids; 0 or 1 for one output.
    bounds : (float, float), default (0.01, 100.0)
        Smallest and largest temperature. The smallest is the answer where every sample is right: the loss then falls as
        T -> 0, without a minimum. The largest is the answer where the outputs are worse than chance.

    Warns
    -----
    UserWarning
        Where all outputs of each sample are equal: every temperature is as good, and 1 (or the nearest bound) is returned.

    Returns
    -------
    float
        Within 1e-10 relative: the cross-entropy is convex in 1/T, and this is the zero of its derivative.

    Raises
    ------
    ValueError, TypeError
        For wrong shapes or dtypes, empty data, labels out of range, NaN or infinite outputs, bounds out of order.
    """
    from scipy.optimize import brentq
    low, high = _temperatures(bounds)
    rows = checks.as_finite_rows(outputs).astype(np.float64)
    y = checks.labels_for(y, *rows.shape)
    if rows.shape[1] == 1:
        rows = np.column_stack([np.zeros(len(y)), rows])
    with np.errstate(over="ignore"):  # a difference beyond the largest float is infinite, and its class has no probability
        centred = rows - rows.max(axis=1, keepdims=True)
    gap = -centred[np.arange(len(y)), y]  # (N,) 0 where the sample is right
    if not centred.any():
        warnings.warn("outputs: got the same number for every class of each sample, accepted: outputs that differ; every "
                      "temperature gives this cross-entropy, and the one nearest to 1 is returned", stacklevel=2)
        return min(max(1.0, low), high)

    def slope(log_temperature: float) -> float:
        # d cross-entropy / d (1/T) = Σ_j p_j o_j - o_y. Both counted from the largest output: exact for right samples.
        beta = np.exp(-log_temperature)
        with np.errstate(over="ignore"):
            _, gaps, e, s = shifted_exponentials(centred * beta)
        return float(np.mean(gap - times(e, gaps).sum(axis=1) / (1 + s) / beta))

    if slope(np.log(low)) <= 0:  # a larger 1/T would be better still, or (0, all exponentials underflow) no better
        return low
    if slope(np.log(high)) >= 0:
        return high
    return float(np.exp(brentq(slope, np.log(low), np.log(high), xtol=1e-11, rtol=1e-14)))


def _temperatures(bounds: tuple[float, float]) -> tuple[float, float]:
    if np.shape(bounds) != (2,):
        raise ValueError(f"bounds: got {bounds!r}, accepted: two temperatures")
    low, high = (checks.nonnegative_number("bounds", bound) for bound in bounds)
    if not 0 < low < high:
        raise ValueError(f"bounds: got {bounds!r}, accepted: two temperatures with 0 < low < high")
    return low, high


def _two_columns(p: NDArray) -> NDArray:
    if p.min() < 0 or p.max() > 1:
        row = int(((p < 0) | (p > 1)).argmax())
        raise ValueError(f"probabilities: got {p[row]} in row {row}, accepted: numbers in [0, 1]")
    return np.hstack([1 - p, p])
