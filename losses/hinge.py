"""Hinge losses: a margin is asked for, and nothing beyond it."""
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
class Hinge(Loss):
    """max(0, margin - (o_y - max_{j != y} o_j)), multi-class (Crammer & Singer, JMLR 2001); one output: max(0, margin - q).

    After zero training error it stops: once every sample has reached the margin, loss and gradient are exactly 0 and the
    weights stand still (a weight penalty apart).

    Parameters
    ----------
    margin : float >= 0, default 1.0
        The output margin asked for. 0 is the perceptron's loss, which stops at the first correct answer.

    Notes
    -----
    Targets: class ids (N,); with one output o, labels {0, 1}, and q is o for label 1 and -o for label 0.

    Two kinks, two conventions: where several outputs tie for the runner-up, the first of them gets the derivative; where
    the margin is reached exactly, the derivative is 0.
    """

    margin: float = 1.0
    row = "hinge"

    def __post_init__(self) -> None:
        margin = checks.nonnegative_number("margin", self.margin)
        set_frozen(self, margin=margin, row_parameter=margin)

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """Class ids, or labels in {0, 1} for one output -> int64 (N,). See `Loss.prepare`."""
        return checks.labels_for(y, n, k)

    def labels(self, y: ArrayLike, k: int) -> NDArray:
        """Class ids, int64 (N,). See `Loss.labels`."""
        y = checks.array_of("y", y)
        return checks.labels_for(y, y.shape[0] if y.ndim else 0, k)

    @diverging_is_reported_elsewhere
    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample; see `Loss.rows`."""
        q, dq = margins_and_derivatives(outputs, y)
        missing = outputs.real.dtype.type(self.margin) - q  # (N,)
        active = ~(missing.real <= 0)  # NaN counts as active, so that it stays visible
        return np.where(active, missing, 0), -dq * active[:, None]


@explains_arguments(WITHOUT_CLASSES)
@dataclass(frozen=True, repr=False)
class SquaredHinge(Hinge):
    """The square of `Hinge`, smooth where the margin is reached; the runner-up's kink remains.

    After zero training error it stops at the margin too, but creeps towards it: the push shrinks with the distance left,
    while the hinge pushes with full strength to the end.

    Parameters
    ----------
    margin : float >= 0, default 1.0
    """

    row = "squared_hinge"

    @diverging_is_reported_elsewhere
    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample; see `Loss.rows`."""
        losses, dOutputs = super().rows(outputs, y)
        return losses * losses, np.where(dOutputs == 0, 0, 2 * losses[:, None] * dOutputs)  # 0 also beside infinite losses


def margins_and_derivatives(outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Output margins q (N,) and dq/dOutputs (N, K); ties go to the first runner-up. Complex outputs: by the real part."""
    N, K = outputs.shape
    n, F = np.arange(N), outputs.dtype.type
    if K == 1:
        sign = np.where(y == 1, F(1), F(-1))  # (N,)
        return sign * outputs[:, 0], sign[:, None]
    others = outputs.real.copy()
    others[n, y] = -np.inf
    runner_up = others.argmax(axis=1)  # (N,)
    runner_up = np.where(runner_up == y, y == 0, runner_up)  # all others are -inf: the first of them
    dq = np.zeros((N, K), dtype=F)
    dq[n, y] += 1
    dq[n, runner_up] -= 1
    return outputs[n, y] - outputs[n, runner_up], dq
