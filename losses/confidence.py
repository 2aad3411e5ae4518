"""The confidence penalty: outputs that are too sure cost something."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .base import Loss, set_frozen
from .cross_entropy import diverging_is_reported_elsewhere, shifted_exponentials, times
from .elsewhere import FLOOD
from .keywords import explains_arguments
from .weights import given

DEEPEST = 20  # penalties around each other, whose strengths add up: each is a level of recursion


@explains_arguments(FLOOD)
@dataclass(frozen=True, repr=False)
class ConfidencePenalty(Loss):
    """The base loss minus strength times the entropy of the predicted classes (Pereyra et al., 2017).

    After zero training error it ends the growth of the margin: the base's push shrinks with the probability that is left
    beside the label, the penalty's pull with that times its logarithm, so that from some confidence on the pull is
    stronger. The optimum lies at a finite margin, as under label smoothing.

    Parameters
    ----------
    base : Loss
        Any loss whose outputs are logits, not flooded: flood this one instead, as in
        ``Flooding(ConfidencePenalty(CrossEntropy(), 0.1), level=0.1)``.
    strength : float >= 0

    Notes
    -----
    It is a part of each sample's own loss, as label smoothing is, and so of every logged one. The loss may lie below
    zero, down to -strength · log K.

    With a the first largest logit, gaps g_j = o_a - o_j and s = Σ_{j != a} exp(-g_j): H = E + log1p(s) with
    E = Σ_j p_j g_j, and dH/do_j = p_j (g_j - E). For one output o, of probability sigmoid(o): dH/do = -o p (1 - p).
    """

    base: Loss
    strength: float

    def __post_init__(self) -> None:
        if not isinstance(self.base, Loss):
            raise TypeError(f"base: got {self.base!r}, accepted: a loss, as in ConfidencePenalty(CrossEntropy(), 0.1)")
        if self.base.flood != "none":
            raise ValueError(f"base: got {self.base!r}, accepted: a loss that is not flooded; put the flood around the "
                             "ConfidencePenalty")
        depth, inner = 1, self.base
        while isinstance(inner, ConfidencePenalty):
            depth, inner = depth + 1, inner.base
        if depth > DEEPEST:
            raise ValueError(f"base: got {depth - 1} penalties, accepted: up to {DEEPEST} around each other; use one, "
                             "with the sum of their strengths")
        strength = checks.nonnegative_number("strength", self.strength)
        set_frozen(self, strength=strength, row=self.base.row, row_parameter=self.base.row_parameter,
                   confidence=strength + self.base.confidence)

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """As the base loss does; ValueError for several labels per sample: the entropy is that of one class."""
        prepared = self.base.prepare(y, n, k)
        if self.base.answers(y, k) == "labels":
            raise ValueError(f"y: got {k} labels per sample for {self.base!r}, accepted: one class per sample, as "
                             "ConfidencePenalty needs it")
        return prepared

    def labels(self, y: ArrayLike, k: int) -> NDArray | None:
        """As the base loss does."""
        return self.base.labels(y, k)

    def answers(self, y: ArrayLike, k: int) -> str:
        """As the base loss does."""
        return self.base.answers(y, k)

    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample; see `Loss.rows`."""
        losses, dOutputs = self.base.rows(outputs, y)
        if self.strength == 0:
            return losses, dOutputs
        H, dH = entropies(outputs)
        strength = outputs.real.dtype.type(self.strength)
        return losses - strength * H, dOutputs - strength * dH

    def target_weights(self, y: NDArray) -> NDArray | None:
        """As the base loss does."""
        return self.base.target_weights(y)

    def weigh(self, losses: NDArray, *, indices: NDArray | None = None,
              weights: NDArray | None = None) -> tuple[float, NDArray]:
        """As the base loss does."""
        return self.base.weigh(losses, indices=indices, **given(weights))


@diverging_is_reported_elsewhere
def entropies(outputs: NDArray) -> tuple[NDArray, NDArray]:
    """Entropy (N,) of the softmax of each row of logits (one output: of the sigmoid), and its derivatives (N, K)."""
    if outputs.shape[1] == 1:
        H, dH = entropies(np.hstack([np.zeros_like(outputs), outputs]))  # the two logits 0 and o
        sure = np.isinf(outputs)  # no uncertainty is left
        return np.where(sure[:, 0], 0, H), np.where(sure, 0, dH[:, 1:])
    top, gaps, e, s = shifted_exponentials(outputs)
    E = times(e, gaps).sum(axis=1) / (1 + s)  # (N,); the top's gap is 0
    e[np.arange(len(outputs)), top] = 1
    p = e / (1 + s)[:, None]  # (N, K)
    return E + np.log1p(s), times(p, gaps - E[:, None])
