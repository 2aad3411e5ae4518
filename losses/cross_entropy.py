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
from .elsewhere import LOSS
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

    Notes
    -----
    Targets: class ids (N,) of any integer dtype or bool, or soft targets (N, K), non-negative with rows that sum to 1
    within 1e-6.

    With a the first largest logit and s = Σ_{j != a} exp(o_j - o_a), the loss is Σ_j t_j (o_a - o_j) + log1p(s). The
    terms are non-negative, so nothing cancels, and for a correct sample log1p(s) has full relative accuracy down to
    the smallest float. The usual logsumexp(o) - o_y gives 0 beyond a margin of 37.
    """

    label_smoothing: float = 0.0
    row = "cross_entropy"  # "soft_cross_entropy" when the prepared targets are (N, K)

    def __post_init__(self) -> None:
        s = checks.nonnegative_number("label_smoothing", self.label_smoothing, below=1.0)
        set_frozen(self, label_smoothing=s, row_parameter=s)

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """Class ids -> int64 (N,); soft targets -> float64 (N, K). See `Loss.prepare`.

        Soft targets come back final: rows sum to 1 exactly and label smoothing is mixed in (for class ids `rows` does
        that). So prepare targets once, not twice.
        """
        if k < 2:
            raise ValueError(f"outputs: got {k}, accepted: at least 2 with CrossEntropy; for one output use "
                             "BinaryCrossEntropy")
        y = checks.targets_of(y, n)
        if y.ndim == 1:
            return checks.class_ids(y, n, k)
        if y.shape != (n, k):
            raise ValueError(f"y: got shape {y.shape}, accepted: class ids ({n},) or soft targets ({n}, {k})")
        targets = checks.distributions("y", y)
        # The gradient p - t belongs to targets that sum to 1, not to 1 + 1e-6.
        targets /= targets.sum(axis=1, keepdims=True)
        return (1 - self.label_smoothing) * targets + self.label_smoothing / k

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
        losses = (t * gaps).sum(axis=1) + np.log1p(s)  # (N,)
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


@explains_arguments(LOSS)
@dataclass(frozen=True, repr=False)
class BinaryCrossEntropy(Loss):
    """Logistic loss of one logit: log(1 + exp(-o)) for label 1, log(1 + exp(o)) for label 0.

    After zero training error it does what `CrossEntropy` does: the margin grows as log t without end.

    Notes
    -----
    Labels {0, 1} of any real dtype, (N,) or (N, 1); outputs (N, 1) or (N,).

    With u = -o for label 1 and u = o for label 0, the loss is softplus(u) = max(u, 0) + log1p(exp(-|u|)) and its
    derivative ±sigmoid(u): both exact in both tails.
    """

    row = "binary_cross_entropy"

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """Labels in {0, 1} -> float64 (N, 1). See `Loss.prepare`."""
        if k != 1:
            raise ValueError(f"outputs: got {k}, accepted: exactly 1 with BinaryCrossEntropy; for more use CrossEntropy")
        return checks.binary_ids(y, n).astype(np.float64)[:, None]

    def labels(self, y: ArrayLike, k: int) -> NDArray:
        """Class ids 0 and 1, int64 (N,). See `Loss.labels`."""
        y = checks.array_of("y", y)
        return checks.binary_ids(y, y.shape[0] if y.ndim else 0)

    @diverging_is_reported_elsewhere
    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample; see `Loss.rows`."""
        sign = (1 - 2 * y).astype(outputs.real.dtype)  # (N, 1): -1 for label 1, +1 for label 0
        u = sign * outputs
        positive = u.real > 0
        e = np.exp(np.where(positive, -u, u))  # exp(-|u|), never overflows
        losses = np.where(positive, u, 0) + np.log1p(e)
        dOutputs = sign * np.where(positive, 1, e) / (1 + e)
        return losses[:, 0], dOutputs
