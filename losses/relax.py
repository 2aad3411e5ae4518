"""RelaxLoss: flooding in even epochs; in odd ones samples that are wrong are spread out instead of pushed away."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .base import Loss
from .cross_entropy import diverging_is_reported_elsewhere, shifted_exponentials, times
from .elsewhere import FLOOD
from .flooding import Flooding
from .keywords import explains_arguments
from .weights import given


@explains_arguments(FLOOD)
@dataclass(frozen=True, repr=False)
class RelaxLoss(Flooding):
    """Alternate between flooding and posterior flattening, epoch by epoch (Chen et al., ICLR 2022).

    Made against attackers who tell training samples by their low losses. With J the mean loss of the batch and α the
    level:

    - even epochs (from 0): minimise |J - α| + α, that is `Flooding`;
    - odd epochs, J > α: minimise J;
    - odd epochs, J <= α: minimise mean_i([sample i is classified wrong]·F_i - l_i): ascent for all; and where the largest
      output is not the label's, F_i draws the posterior to a flat one.

    F = -Σ_j t_j log p_j is the cross-entropy of the softmax p of the outputs (one output: of the sigmoid) to the target
    t_y = min(p_y, upper), t_j = (1 - t_y)/(K - 1) for the others. The target moves with p and is differentiated with it
    (not where p_y >= upper). For the cross-entropy F - l is simply (1 - t_y)(o_y - mean_{j != y} o_j).

    After zero training error nothing is classified wrong: then this is flooding whose odd epochs ascend also at J == α.

    Parameters
    ----------
    base : Loss
        Any loss of class labels that is not flooded already.
    level : float >= 0
        The level α. 0 is the base loss exactly, bit for bit.
    upper : float in (0, 1], default 1.0
        Bound of the target's confidence in the label. The authors take 1 for CIFAR-10 and lower values elsewhere.

    Notes
    -----
    By itself, and in `model.loss_and_gradients`, this is the loss of even epochs; `in_epoch(1)` is that of odd ones. The
    weight of a sample, and its part in `flooded_fraction`, is the sign of l_i, whether F_i is there or not.
    """

    base: Loss
    level: float = field()
    upper: float = 1.0
    flood = "relax"

    def __post_init__(self) -> None:
        upper = checks.positive_number("upper", self.upper)
        if upper > 1:
            raise ValueError(f"upper: got {self.upper!r}, accepted: a number in (0, 1]")
        self._set_up(level=checks.nonnegative_number("level", self.level), upper=upper, flood_parameter=upper)

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """As the base loss does; ValueError without class labels, which "classified wrong" is about."""
        prepared = self.base.prepare(y, n, k)
        answers = self.base.answers(y, k)
        if answers != "classes":
            what = {"values": "real-valued targets", "labels": f"{k} labels per sample",
                    "half": "labels that are told apart at 0.5 instead of 0"}[answers]
            raise ValueError(f"y: got {what} for {self.base!r}, accepted: class labels, which RelaxLoss is about")
        return prepared

    def in_epoch(self, epoch: int) -> Loss:
        """Return this loss itself in even epochs, and what takes its place in odd ones."""
        return _OddEpoch(self.base, self.level, self.upper) if epoch % 2 else self


class _OddEpoch(RelaxLoss):
    """RelaxLoss in its odd epochs."""

    flood = "relaxed"

    def in_epoch(self, epoch: int) -> Loss:
        """Return this loss itself: it was chosen for an epoch already."""
        return self

    def weigh(self, losses: NDArray, *, indices: NDArray | None = None,
              weights: NDArray | None = None) -> tuple[float, NDArray]:
        """J above the level, -J at and below it: `objective` without the flattening."""
        J, slopes = self.base.weigh(losses, indices=indices, **given(weights))
        return (-J, -slopes) if self.level > 0 and J.real <= self.level else (J, slopes)

    def objective(self, outputs: NDArray, y: NDArray, *, indices: NDArray | None = None,
                  weights: NDArray | None = None) -> tuple[float, NDArray, NDArray, NDArray]:
        """`Loss.objective`, and where the batch ascends the flattening of what is classified wrong."""
        value, losses, slopes, dOutputs = super().objective(outputs, y, indices=indices, weights=weights)
        ascent = np.maximum(-slopes, 0)  # 0 where the batch descends
        if ascent.any():
            F, dF = posterior_flattening(outputs, class_of(y), self.upper)
            value += (ascent * F).sum().item()
            dOutputs += ascent[:, None].astype(dOutputs.real.dtype) * dF
        return value, losses, slopes, dOutputs


def class_of(y: NDArray) -> NDArray:
    """Class ids (N,) from what `prepare` returned: ids, one probability of class 1, or one of each class."""
    if y.ndim == 1:
        return y
    return y.argmax(axis=1) if y.shape[1] > 1 else (y[:, 0] > 0.5).astype(np.int64)


@diverging_is_reported_elsewhere
def posterior_flattening(outputs: NDArray, labels: NDArray, upper: float) -> tuple[NDArray, NDArray]:
    """F (N,) of `RelaxLoss` and its derivatives (N, K); both 0 for samples that are classified right."""
    if outputs.shape[1] == 1:
        F, dF = posterior_flattening(np.hstack([np.zeros_like(outputs), outputs]), labels, upper)  # the logits 0 and o
        # An infinite logit leaves nothing to flatten: F falls to 0 with the label's probability.
        wrong = ((outputs[:, 0].real > 0) != labels) & ~np.isinf(outputs[:, 0])
        return np.where(wrong, F, 0), np.where(wrong[:, None], dF[:, 1:], 0)
    N, K = outputs.shape
    n, real = np.arange(N), outputs.real.dtype.type
    top, gaps, e, s = shifted_exponentials(outputs)
    e[n, top] = 1
    p = e / (1 + s)[:, None]  # (N, K)
    follows = p[n, labels].real < upper  # (N,) where the target moves with p
    t = np.where(follows, p[n, labels], real(upper))  # (N,) of the label
    gap = gaps[n, labels]
    others = np.where(np.isinf(gap), np.where(np.arange(K) == labels[:, None], 0, gaps).sum(axis=1), gaps.sum(axis=1) - gap)
    mean_gap = others / (K - 1)
    F = times(t, gap) + (1 - t) * mean_gap + np.log1p(s)  # -log p_j is gap_j + log1p(s)
    # dF = p - t + dF/dt · dt/do, with dF/dt = gap_y - mean_gap and dt/do = p_y (onehot - p) where the target moves.
    pull = np.where(follows, times(p[n, labels], gap - mean_gap), 0)  # (N,)
    dF = p - ((1 - t) / (K - 1))[:, None] - pull[:, None] * p
    dF[n, labels] = p[n, labels] - t + pull * (1 - p[n, labels])
    wrong = top != labels
    return np.where(wrong, F, 0), np.where(wrong[:, None], dF, 0)
