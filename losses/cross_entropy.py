"""Cross-entropy from logits: exact where clipped probabilities saturate, that is where this project looks.

From clipped probabilities the loss stops at 2.2e-16 for margins beyond 36, while the true value at margin 40 (3
classes) is 8.5e-18 and still falls: after zero error that difference is the whole story. Hence every formula here is
arranged so that no two nearly equal numbers are subtracted.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .base import Loss, set_frozen
from .elsewhere import LOSS, WITHOUT_CLASSES
from .keywords import explains_arguments

# A network that diverges gives inf or NaN here; `fit` reports it once, a warning per update would bury that report.
diverging_is_reported_elsewhere = np.errstate(over="ignore", invalid="ignore")


def shifted_exponentials(outputs: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Split softmax into numbers that lose nothing: p_top = 1/(1 + s), p_j = e_j/(1 + s), 1 - p_top = s/(1 + s).

    Parameters
    ----------
    outputs : ndarray (N, K), real or complex

    Returns
    -------
    top : ndarray, int (N,)
        First largest output (by real part) of every row.
    gaps : ndarray (N, K)
        o_top - o_j, never negative.
    e : ndarray (N, K)
        exp(o_j - o_top), except 0 at the top itself.
    s : ndarray (N,)
        Sum of e: all the probability that is not at the top, in units of p_top.
    """
    outputs = np.ascontiguousarray(outputs)  # NumPy sums pairwise, to full accuracy, only along contiguous rows
    n = np.arange(len(outputs))
    top = outputs.real.argmax(axis=1)
    gaps = outputs[n, top][:, None] - outputs  # (N, K)
    e = np.exp(-gaps)  # (N, K)
    e[n, top] = 0
    return top, gaps, e, e.sum(axis=1)


def times(shares: NDArray, gaps: NDArray) -> NDArray:
    """Return shares·gaps, with 0·∞ = 0: what has no share adds nothing, however far off. NaN stays NaN."""
    with np.errstate(invalid="ignore"):
        return np.where((shares == 0) & np.isinf(gaps), 0, shares * gaps)


@explains_arguments(LOSS)
@dataclass(frozen=True, repr=False)
class CrossEntropy(Loss):
    """Softmax cross-entropy of K >= 2 logits: -Σ_j t_j log softmax(o)_j.

    After zero training error it keeps pushing: the gradient 1 - p_y is never 0, the margins of separable data grow as
    log t without end (Soudry et al. 2018). Label smoothing ends that: the optimum then lies at a finite margin.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default 0.0
        The target becomes (1 - s)·target + s/K (Szegedy et al. 2016).
    class_weight : array_like (K,), >= 0, optional
        How much a sample of each class counts: J = Σ w_n l_n / Σ w_n over the batch, w_n = Σ_k t_nk c_k with the target t
        before smoothing, times the sample's own weight (`fit(sample_weight=...)`). For equal shares of all classes take
        N/(K·np.bincount(y)). `per_sample` and logged losses stay raw.

    Notes
    -----
    Targets: class ids (N,) of any integer dtype or bool, or soft targets (N, K), non-negative with rows that sum to 1
    within 1e-6 (8 ε of a coarser dtype: 0.008 for float16). A logit of -inf is a class that is ruled out: it costs nothing
    unless it has a share of the target, which then makes the loss infinite.

    With a the first largest logit and s = Σ_{j != a} exp(o_j - o_a), the loss is Σ_j t_j (o_a - o_j) + log1p(s). The
    terms are non-negative, so nothing cancels, and for a correct sample log1p(s) has full relative accuracy down to
    the smallest float. The usual logsumexp(o) - o_y gives 0 beyond a margin of 37.
    """

    label_smoothing: float = 0.0
    class_weight: ArrayLike | None = None
    row = "cross_entropy"  # "soft_cross_entropy" when the prepared targets are (N, K)

    def __post_init__(self) -> None:
        s = checks.nonnegative_number("label_smoothing", self.label_smoothing, below=1.0)
        set_frozen(self, label_smoothing=s, row_parameter=s)
        if self.class_weight is not None:  # as a tuple: it is compared, hashed and shown
            set_frozen(self, class_weight=tuple(checks.weights("class_weight", self.class_weight, of="class").tolist()))

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """Class ids -> int64 (N,); soft targets -> float64 (N, K). See `Loss.prepare`.

        Soft targets come back final: rows sum to 1 exactly and label smoothing is mixed in (for class ids `rows` does
        that). So prepare targets once, not twice.
        """
        if k < 2:
            raise ValueError(f"outputs: got {k}, accepted: at least 2 with CrossEntropy; for one output use "
                             "BinaryCrossEntropy")
        if self.class_weight is not None:
            checks.weights("class_weight", self.class_weight, k, of="output")
        y = checks.targets_of(y, n)
        if y.ndim == 1:
            return checks.class_ids(y, n, k)
        if y.shape != (n, k):
            raise ValueError(f"y: got shape {y.shape}, accepted: class ids ({n},) or soft targets ({n}, {k})")
        targets = checks.distributions("y", y)
        # The gradient p - t belongs to targets that sum to 1, not to 1 + 1e-6.
        targets /= targets.sum(axis=1, keepdims=True)
        return (1 - self.label_smoothing) * targets + self.label_smoothing / k

    def target_weights(self, y: NDArray) -> NDArray | None:
        """Σ_k t_nk c_k / max c (N,), t before smoothing; None without class weights. See `Loss.target_weights`."""
        if self.class_weight is None:
            return None
        c = np.array(self.class_weight)  # (K,)
        c /= c.max()
        if y.ndim == 1:
            return c[y]
        # Prepared targets are (1 - s) t + s/K, rounded, and not below s/K.
        return np.maximum(y - self.label_smoothing / len(c), 0) / (1 - self.label_smoothing) @ c

    def labels(self, y: ArrayLike, k: int) -> NDArray:
        """Class ids, or the first largest soft target; int64 (N,). See `Loss.labels`."""
        y = checks.array_of("y", y)
        return y.argmax(axis=1).astype(np.int64) if y.ndim == 2 else checks.class_ids(y, len(y), k)

    @diverging_is_reported_elsewhere
    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample; see `Loss.rows`."""
        n = np.arange(len(outputs))
        t = self._targets(y, outputs)  # (N, K)
        top, gaps, e, s = shifted_exponentials(outputs)
        losses = times(t, gaps).sum(axis=1) + np.log1p(s)  # (N,)
        p_top = 1 / (1 + s)
        # dO = p - t. Harmless where p <= 1/2, which holds everywhere but at the top.
        dOutputs = e * p_top[:, None] - t  # (N, K)
        # There p - t = p(1 - t) - t(1 - p) with 1 - p = s/(1 + s): exact for t = 1 even where p rounds to 1.
        t_top = t[n, top]
        dOutputs[n, top] = p_top * (1 - t_top) - t_top * (s * p_top)
        return losses, dOutputs

    def _targets(self, y: NDArray, outputs: NDArray) -> NDArray:
        """Return prepared targets as (N, K) in the precision of `outputs`."""
        N, K = outputs.shape
        F = outputs.real.dtype.type
        if y.ndim == 2:
            return y.astype(F)
        spread = F(self.label_smoothing) / F(K)
        t = np.full((N, K), spread, dtype=F)
        t[np.arange(N), y] += F(1) - F(self.label_smoothing)
        return t


@explains_arguments(WITHOUT_CLASSES)
@dataclass(frozen=True, repr=False)
class BinaryCrossEntropy(Loss):
    """Logistic loss of every logit: y log(1 + exp(-o)) + (1 - y) log(1 + exp(o)), summed over the K outputs.

    One output tells two classes apart; K > 1 outputs answer K questions, each of them yes or no (multi-label).

    After zero training error it does what `CrossEntropy` does: the margin grows as log t without end.

    Notes
    -----
    Targets in [0, 1] of any real dtype, (N, K), or (N,) for one output: labels 0 and 1, or probabilities. Errors count a
    target above 1/2 as a label 1; with K > 1 the error is the share of wrong entries.

    With e = exp(-|o|), softplus(±o) = max(±o, 0) + log1p(e), and the derivative p(1 - y) - y(1 - p) is
    ((1 - y) - y e)/(1 + e) for o > 0 and ((1 - y) e - y)/(1 + e) elsewhere: exact in both tails.
    """

    row = "binary_cross_entropy"

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """Targets in [0, 1] -> float64 (N, K). See `Loss.prepare`."""
        y = checks.targets_of(y, n)
        if k > 1 and y.shape != (n, k):
            raise ValueError(f"y: got shape {y.shape}, accepted: targets ({n}, {k}) in [0, 1] with BinaryCrossEntropy and "
                             f"{k} outputs, ({n},) for 1 output alone; for one class per sample use CrossEntropy")
        if y.shape not in ((n,), (n, k)):
            raise ValueError(f"y: got shape {y.shape}, accepted: labels of shape ({n},) or ({n}, 1) for one output")
        return checks.shares_of_one("y", y.reshape(n, k))

    def labels(self, y: ArrayLike, k: int) -> NDArray:
        """Whether a target is above 1/2: int64 (N,) for one output, else (N, K). See `Loss.labels`."""
        y = checks.array_of("y", y)
        prepared = self.prepare(y, y.shape[0] if y.ndim else 0, k)
        labels = (prepared > 0.5).astype(np.int64)
        return labels[:, 0] if k == 1 else labels

    @diverging_is_reported_elsewhere
    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample; see `Loss.rows`."""
        y = y.astype(outputs.real.dtype)  # (N, K)
        positive = outputs.real > 0
        e = np.exp(np.where(positive, -outputs, outputs))  # exp(-|o|), never overflows
        losses = times(y, np.where(positive, 0, -outputs)) + times(1 - y, np.where(positive, outputs, 0)) + np.log1p(e)
        dOutputs = np.where(positive, (1 - y) - y * e, (1 - y) * e - y) / (1 + e)
        return losses.sum(axis=1), dOutputs
