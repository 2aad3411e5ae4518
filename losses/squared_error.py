"""Squared error: the loss of regression, and of classification by one-hot targets."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .base import Loss, set_frozen
from .cross_entropy import diverging_is_reported_elsewhere
from .elsewhere import WITHOUT_CLASSES
from .keywords import explains_arguments


@explains_arguments(WITHOUT_CLASSES)
@dataclass(frozen=True, repr=False)
class SquaredError(Loss):
    """Sum over the outputs of (o - y)²; the objective is its mean over samples.

    After zero training error it pulls the outputs to their targets from both sides: with one-hot targets margins end
    at 1 and do not grow. No factor 1/2: the derivative is 2 (o - y).

    Parameters
    ----------
    label_smoothing : float in [0, 1), default 0.0
        Of class ids: the one-hot row becomes (1 - s)·row + s/K, so that margins end at 1 - s. Real targets refuse it.

    Notes
    -----
    Targets: real numbers (N, K), or (N,) with one output; integer class ids (N,) with K > 1 outputs become one-hot
    rows. Where all targets of one output are 0 or 1, whatever their dtype, they are labels, and an output above 0.5 says 1.
    """

    label_smoothing: float = 0.0
    row = "squared_error"

    def __post_init__(self) -> None:
        set_frozen(self, label_smoothing=checks.nonnegative_number("label_smoothing", self.label_smoothing, below=1.0))

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """Real targets or class ids -> float64 (N, K). See `Loss.prepare`."""
        y = checks.targets_of(y, n)
        if self._holds_ids(y, k):
            s = self.label_smoothing
            return (1 - s) * np.eye(k)[checks.class_ids(y, n, k)] + s / k
        if y.shape != (n, k) and not (k == 1 and y.shape == (n,)):
            ids = f", or integer class ids ({n},)" if k > 1 else f" or ({n},)"
            raise ValueError(f"y: got shape {y.shape} and dtype {y.dtype}, accepted: real targets ({n}, {k}){ids}")
        if self.label_smoothing:
            raise ValueError(f"label_smoothing: got {self.label_smoothing:g} with real targets, accepted: 0, or class ids "
                             f"({n},) with at least 2 outputs")
        checks.refuse_nonfinite("y", y)
        return y.astype(np.float64).reshape(n, k)

    def labels(self, y: ArrayLike, k: int) -> NDArray | None:
        """Integer class ids where K > 1, {0, 1} where K = 1, int64 (N,); None for real targets. See `Loss.labels`."""
        y = checks.array_of("y", y)
        if k == 1 and y.size and ((y == 0) | (y == 1)).all():
            return y.reshape(-1).astype(np.int64)
        return checks.class_ids(y, len(y), k) if self._holds_ids(y, k) else None

    def answers(self, y: ArrayLike, k: int) -> str:
        """As `Loss.answers`; with one output trained towards 0 and 1 the border lies between them."""
        answers = super().answers(y, k)
        return "half" if answers == "classes" and k == 1 else answers

    @diverging_is_reported_elsewhere
    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample; see `Loss.rows`."""
        error = outputs - y.astype(outputs.real.dtype)  # (N, K)
        return (error * error).sum(axis=1), 2 * error

    @staticmethod
    def _holds_ids(y: NDArray, k: int) -> bool:
        return k > 1 and y.ndim == 1 and y.dtype.kind in "biu"
