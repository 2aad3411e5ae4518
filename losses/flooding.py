"""The flooding family: keep the training loss from going to zero.

One table says it all. ψ turns a loss around a level, and the objective is the base's mean of it; w = ψ' is what each
sample's gradient is multiplied by.

====================  ===========================  ==============================  ==========================
class                 objective φ                  N · weight w_i                  at the level
====================  ===========================  ==============================  ==========================
Flooding              ψ(J), ψ(u) = |u - b| + b     sign(J - b)                     0
InstanceFlooding      mean ψ(l_i), the same ψ      sign(l_i - b)                   0
AdaFlooding           mean ψ_i(l_i), b_i for b     sign(l_i - b_i)                 0
SoftAD                mean ψ(l_i),                 (l_i - b)/√(s² + (l_i - b)²)    0, and steady around it
                      ψ(u) = √(s² + (u - b)²)
                      - s + b
====================  ===========================  ==============================  ==========================

Where samples have weights, J and "mean" are Σ w_i u_i / Σ w_i: the flood turns the loss, and never the weight.
(`RelaxLoss`, which alternates between flooding and something else, is in relax.py.)
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .base import Loss, set_frozen
from .elsewhere import FLOOD
from .keywords import explains_arguments
from .weights import given


def mirrored(values: NDArray, level: float | NDArray) -> tuple[NDArray, NDArray]:
    """|values - level| + level and its slope, the sign, 0 at the level; where the level is 0, the values and 1."""
    # sign(d)·d is |d|, and stays analytic for the complex step. NaN stays NaN.
    sign = np.where(level == 0, 1.0, np.sign(values.real - level))
    return sign * (values - level) + level, sign


def softened(values: NDArray, level: float, scale: float) -> tuple[NDArray, NDArray]:
    """√(scale² + (values - level)²) - scale + level and its slope."""
    d = values - level
    with np.errstate(over="ignore", invalid="ignore"):
        root = np.sqrt(scale * scale + d * d)
        soft, slope = d * d / (root + scale) + level, (d / root).real  # root - scale without the subtraction
    sign, far = np.sign(d.real), np.isinf(root)  # far: d² overflows, and soft and slope are ∞/∞
    return np.where(far, d * sign - scale + level, soft), np.where(far, sign, slope)


class Flood(Loss):
    """What all of the family share: a base loss whose samples keep their own losses, weighted in another way."""

    base: Loss

    def _set_up(self, **values: object) -> None:
        if not isinstance(self.base, Loss):
            raise TypeError(f"base: got {self.base!r}, accepted: a loss, as in {type(self).__name__}(CrossEntropy(), ...)")
        if self.base.flood != "none":
            raise ValueError(f"base: got {self.base!r}, accepted: a loss that is not flooded already")
        set_frozen(self, row=self.base.row, row_parameter=self.base.row_parameter, confidence=self.base.confidence,
                   **values)

    @property
    def raw(self) -> Loss:
        """The base loss."""
        return self.base.raw

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """As the base loss does."""
        return self.base.prepare(y, n, k)

    def labels(self, y: ArrayLike, k: int) -> NDArray | None:
        """As the base loss does."""
        return self.base.labels(y, k)

    def answers(self, y: ArrayLike, k: int) -> str:
        """As the base loss does."""
        return self.base.answers(y, k)

    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """As the base loss does: flooding changes no sample's own loss."""
        return self.base.rows(outputs, y)

    def target_weights(self, y: NDArray) -> NDArray | None:
        """As the base loss does."""
        return self.base.target_weights(y)

    def _weigh_each(self, turned: tuple[NDArray, NDArray], indices: NDArray | None,
                    weights: NDArray | None) -> tuple[float, NDArray]:
        """Objective and weights where ψ acts on each loss by itself, before the base's mean; turned: (ψ(l), ψ'(l))."""
        values, slopes = turned
        objective, outer = self.base.weigh(values, indices=indices, **given(weights))  # and then the chain rule
        return objective, outer * slopes.astype(outer.dtype)


@explains_arguments(FLOOD)
@dataclass(frozen=True, repr=False)
class Flooding(Flood):
    """Minimise |J - b| + b, with J the mean loss of the batch and b the flood level (Ishida et al., ICML 2020).

    Above the level this is plain training. Below it the gradient changes its sign and the loss rises again: it floats
    around b. So after zero training error the weights keep moving, but the mean loss no longer falls towards 0.

    Parameters
    ----------
    base : Loss
        Any loss that is not flooded already.
    level : float >= 0
        The level b. 0 is the base loss exactly, bit for bit. Sensible levels lie just under the loss that cannot be
        avoided (the Bayes cross-entropy of noisy labels, see `suggest_level`); a level above the risk hurts.

    Notes
    -----
    The mean over the batch comes first, and one sign holds for the whole batch: sign(J - b), which is 0 at J == b.

    The trap is to flood the vector of losses that `reduction='none'` gives in other frameworks, mean(|l_i - b| + b):
    that is another method, `InstanceFlooding`, with a sign per sample. Losses 0.2 and 1.0 with b = 0.5: J = 0.6, and
    both descend; per instance the first one ascends.

    A penalty on the weights stands outside and never changes sign. `per_sample` and logged losses are always raw.
    """

    base: Loss
    level: float = field()  # field(): required, although Loss has a `level` of its own
    flood = "flooding"

    def __post_init__(self) -> None:
        self._set_up(level=checks.nonnegative_number("level", self.level))

    def weigh(self, losses: NDArray, *, indices: NDArray | None = None,
              weights: NDArray | None = None) -> tuple[float, NDArray]:
        """|J - b| + b, and the base loss's weights times sign(J - b); see `Loss.weigh`."""
        J, slopes = self.base.weigh(losses, indices=indices, **given(weights))
        if self.level == 0:
            return J, slopes  # and not |J| + 0, which differs for losses below zero
        sign = np.sign(J.real - self.level).item()
        # sign·(J - b) is |J - b|, and stays analytic for the complex step. NaN stays NaN.
        return sign * (J - self.level) + self.level, slopes * slopes.dtype.type(sign)


@explains_arguments(FLOOD)
@dataclass(frozen=True, repr=False)
class InstanceFlooding(Flood):
    """Minimise the mean of |l_i - b| + b: flooding sample by sample (iFlood, Xie et al., ICLR 2022).

    After zero training error every sample is held at its own loss b, that is for cross-entropy at the confidence
    p_y = exp(-b): a cap on the confidence of each sample, where `Flooding` only holds the mean.

    Parameters
    ----------
    base : Loss
        Any loss that is not flooded already.
    level : float >= 0
        The level b of every sample; a sample exactly at it has weight 0. Level 0 is the base loss, bit for bit.
    """

    base: Loss
    level: float = field()
    flood = "instance"

    def __post_init__(self) -> None:
        self._set_up(level=checks.nonnegative_number("level", self.level))

    def weigh(self, losses: NDArray, *, indices: NDArray | None = None,
              weights: NDArray | None = None) -> tuple[float, NDArray]:
        """Mean of |l_i - b| + b, and the base loss's weights times sign(l_i - b); see `Loss.weigh`."""
        return self._weigh_each(mirrored(losses, self.level), indices, weights)


@explains_arguments(FLOOD)
@dataclass(frozen=True, repr=False)
class SoftAD(Flood):
    """Minimise the mean of √(s² + (l_i - b)²) - s + b: ascent and descent blend (Holland & Nakatani, NeurIPS 2024).

    The weight (l_i - b)/√(s² + (l_i - b)²) is near 0 around the level and never beyond 1, so after zero training error
    samples drift to their level and rest there, where a sign would throw them to and fro.

    Parameters
    ----------
    base : Loss
        Any loss that is not flooded already.
    level : float >= 0
        The level b (the authors' θ; best ones are several times those of `Flooding`). Level 0 is, as for the whole
        family, plain training bit for bit, and not the limit of small levels.
    scale : float > 0, default 1.0
        The width s over which descent turns into ascent; towards 0 this becomes `InstanceFlooding`. The authors' loss is
        s times this one (they take s = 1), up to a constant.
    """

    base: Loss
    level: float = field()
    scale: float = 1.0
    flood = "soft"

    def __post_init__(self) -> None:
        scale = checks.positive_number("scale", self.scale)
        self._set_up(level=checks.nonnegative_number("level", self.level), scale=scale, flood_parameter=scale)

    def weigh(self, losses: NDArray, *, indices: NDArray | None = None,
              weights: NDArray | None = None) -> tuple[float, NDArray]:
        """Mean of √(s² + (l_i - b)²) - s + b, and the base loss's weights times its slopes; see `Loss.weigh`."""
        if self.level == 0:
            return self.base.weigh(losses, indices=indices, **given(weights))
        return self._weigh_each(softened(losses, self.level, self.scale), indices, weights)


@explains_arguments(FLOOD)
@dataclass(frozen=True, repr=False, eq=False)
class AdaFlooding(Flood):
    """Minimise the mean of |l_i - b_i| + b_i: a level for every sample of the data set (Bae et al., TMLR 2024).

    After zero training error easy samples are held at low losses and hard ones, whose labels may be wrong, at high ones.

    Parameters
    ----------
    base : Loss
        Any loss that is not flooded already.
    levels : array_like (N,), >= 0
        Level of each sample, in the order of the data set. `fit` shuffles; each batch brings its samples' indices. With
        an RNN that has an output at every step, all steps of a sequence share its level. A sample of level 0 is trained
        plainly. `nn.adaptive_levels` computes levels from networks that did not see the sample.
    """

    base: Loss
    levels: NDArray = field()
    flood = "adaptive"

    def __post_init__(self) -> None:
        levels = checks.array_of("levels", self.levels).astype(np.float64)  # a copy
        if levels.ndim != 1 or levels.size == 0:
            raise ValueError(f"levels: got shape {levels.shape}, accepted: (N,), one level for each sample")
        bad = ~(np.isfinite(levels) & (levels >= 0))
        if bad.any():
            raise ValueError(f"levels[{bad.argmax()}]: got {levels[bad.argmax()]}, accepted: finite numbers >= 0")
        levels.flags.writeable = False
        self._set_up(levels=levels)

    def check_samples(self, n: int) -> None:
        """Raise ValueError unless there is one level for each of `n` samples."""
        if n != len(self.levels):
            raise ValueError(f"levels: got {len(self.levels)} entries for {n} samples, accepted: one for each")

    def weigh(self, losses: NDArray, *, indices: NDArray | None = None,
              weights: NDArray | None = None) -> tuple[float, NDArray]:
        """Mean of |l_i - b_i| + b_i, and the base loss's weights times sign(l_i - b_i); see `Loss.weigh`."""
        if indices is None:
            self.check_samples(len(losses))
            indices = np.arange(len(losses))
        return self._weigh_each(mirrored(losses, self.levels[indices]), indices, weights)

    def __eq__(self, other: object) -> bool:
        return type(other) is AdaFlooding and self.base == other.base and np.array_equal(self.levels, other.levels)

    def __hash__(self) -> int:
        return hash((self.base, self.levels.tobytes()))

    def __repr__(self) -> str:
        # Checkpoints recognise a loss by its repr, so all of the levels must show in it.
        digest = hashlib.sha256(self.levels.tobytes()).hexdigest()[:16]
        return f"AdaFlooding({self.base!r}, levels=<{len(self.levels)} of mean {self.levels.mean():.4g}, sha256 {digest}>)"
