"""Optimizers: choices and their meaning. The steps themselves stand in nn/reference/optimizers.py and nn/cpu.

Notation: θ parameters, g gradient of the objective (penalty included), η learning rate, λ weight decay, t = 1, 2, …
"""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from losses.keywords import explains_arguments

from . import elsewhere
from .checks import learning_rate as check_learning_rate
from .checks import real_number
from .schedules import OWN, ReduceOnPlateau, Schedule, rates_at
from .shared.codes import ADAM, OptimizerCode
from .shared.codes import RPROP as RPROP_KIND
from .shared.codes import SGD as SGD_KIND
from .shared.parameters import aligned_zeros

Rate = float | Schedule | ReduceOnPlateau | Callable[[float], float]


def _check_rate(learning_rate: Any) -> None:
    check_learning_rate("learning_rate", learning_rate, OWN)


class Optimizer:
    """What `fit` asks of an optimizer: its settings as a code, and room for its state."""

    learning_rate: Rate
    slots: ClassVar[int] = 0  # state vectors of P elements
    full_batch_only: ClassVar[bool] = False

    def rates(self, first: int, count: int, per_epoch: float) -> np.ndarray:
        """Return the learning rates (count,) of the updates `first`, `first` + 1, …, counted from 0.

        Raises TypeError or ValueError where a function of the user's own returns no rate.
        """
        return rates_at(self.learning_rate, np.arange(first, first + count) / per_epoch)

    def state(self, p: int, dtype: DTypeLike) -> tuple[np.ndarray, ...]:
        """Return the two state vectors for p parameters; those not in use are empty."""
        return tuple(aligned_zeros(p if i < self.slots else 0, dtype) for i in range(2))

    def code(self) -> OptimizerCode:
        """Return the settings as kernels see them."""
        raise NotImplementedError


@explains_arguments(elsewhere.SGD)
@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    g ← g + λ θ;  v ← μ v + g;  θ ← θ − η v, or with Nesterov's look-ahead θ ← θ − η (g + μ v).

    The weight decay λ is *not* decoupled: it is added to the gradient of every parameter, as in PyTorch, so it is scaled
    by η and enters the momentum. The velocity starts at 0 and takes g without damping.

    Parameters
    ----------
    learning_rate : float > 0, a schedule, or any function of the epoch (float)
    momentum : float in [0, 1)
    nesterov : bool, needs momentum > 0
    weight_decay : float >= 0

    Raises
    ------
    TypeError, ValueError : naming the argument, the value received and what is accepted

    References
    ----------
    Polyak (1964), USSR Comput. Math. 4(5); Sutskever et al., ICML 2013, eqs. 1-4 (with η outside the velocity, as PyTorch).

    """

    learning_rate: Rate
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)
        if real_number("momentum", self.momentum, low=0, high=1) == 1:
            raise ValueError("momentum: got 1, accepted: a number in [0, 1)")
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: got True with momentum 0, accepted: True only with momentum > 0")
        real_number("weight_decay", self.weight_decay, low=0)

    @property
    def slots(self) -> int:  # type: ignore[override]
        """One velocity, where there is momentum."""
        return int(self.momentum > 0)

    def code(self) -> OptimizerCode:
        """Return the settings as kernels see them."""
        return OptimizerCode(SGD_KIND, momentum=float(self.momentum), nesterov=bool(self.nesterov),
                             weight_decay=float(self.weight_decay))


@explains_arguments(elsewhere.ADAM)
@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: steps of about η, whatever the size of the gradient.

    g ← g + λ θ;  m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;
    θ ← θ − η [m / (1 − β₁ᵗ)] / [√(v / (1 − β₂ᵗ)) + ε].

    The weight decay λ is *not* decoupled: it is added to the gradient (as in PyTorch); for the decoupled form see `AdamW`.

    Parameters
    ----------
    learning_rate : float > 0, a schedule, or any function of the epoch (float)
    betas : (float, float), each in [0, 1)
    eps : float > 0
    weight_decay : float >= 0

    Raises
    ------
    TypeError, ValueError : naming the argument, the value received and what is accepted

    References
    ----------
    Kingma & Ba, ICLR 2015 (arXiv 1412.6980), algorithm 1.

    """

    learning_rate: Rate = 1e-3
    betas: tuple = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    slots: ClassVar[int] = 2
    decoupled: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)
        if not isinstance(self.betas, (tuple, list)) or len(self.betas) != 2:
            raise ValueError(f"betas: got {self.betas!r}, accepted: two numbers in [0, 1)")
        for beta in self.betas:
            if real_number("betas", beta, low=0, high=1) == 1:
                raise ValueError(f"betas: got {self.betas!r}, accepted: two numbers in [0, 1)")
        real_number("eps", self.eps, low=0, open_low=True)
        real_number("weight_decay", self.weight_decay, low=0)

    def code(self) -> OptimizerCode:
        """Return the settings as kernels see them."""
        return OptimizerCode(ADAM, beta1=float(self.betas[0]), beta2=float(self.betas[1]), eps=float(self.eps),
                             weight_decay=float(self.weight_decay), decoupled=self.decoupled)


@explains_arguments(elsewhere.ADAM)
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ − η λ θ beside Adam's step, so λ is not divided by √v.

    Parameters as `Adam`; weight_decay defaults to 0.01.

    References
    ----------
    Loshchilov & Hutter, ICLR 2019 (arXiv 1711.05101), algorithm 2, with η both for the step and for the decay.

    """

    weight_decay: float = 0.01
    decoupled: ClassVar[bool] = True


@explains_arguments(elsewhere.RPROP)
@dataclass(frozen=True)
class RPROP(Optimizer):
    """Resilient backprop, iRPROP−: each parameter has a step size of its own, and only the sign of its gradient counts.

    Same sign as before: Δ ← min(grow · Δ, largest). Sign changed: Δ ← max(shrink · Δ, smallest) and g ← 0 for this step.
    θ ← θ − sign(g) Δ. Full batch only: with mini-batches signs flip by chance, and the steps would shrink to nothing.

    Parameters
    ----------
    learning_rate : float > 0
        The first step size Δ of every parameter.
    shrink, grow : float
        0 < shrink < 1 < grow.
    smallest, largest : float > 0
        Bounds of Δ.

    Raises
    ------
    TypeError, ValueError : naming the argument, the value received and what is accepted

    References
    ----------
    Igel & Hüsken, Neurocomputing 50 (2003), algorithm 4; after Riedmiller & Braun, ICNN 1993.

    """

    learning_rate: float = 0.1
    shrink: float = 0.5
    grow: float = 1.2
    smallest: float = 1e-6
    largest: float = 50.0

    slots: ClassVar[int] = 2  # the last gradient, and the step sizes
    full_batch_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        real_number("learning_rate", self.learning_rate, low=0, open_low=True)
        if not 0 < real_number("shrink", self.shrink, low=0) < 1:
            raise ValueError(f"shrink: got {self.shrink!r}, accepted: a number in (0, 1)")
        real_number("grow", self.grow, low=1, open_low=True)
        real_number("smallest", self.smallest, low=0, open_low=True)
        real_number("largest", self.largest, low=self.smallest)
        real_number("learning_rate", self.learning_rate, low=self.smallest, high=self.largest)

    def state(self, p: int, dtype: DTypeLike) -> tuple[np.ndarray, ...]:
        """Return the last gradient (0) and the step sizes."""
        before, size = super().state(p, dtype)
        size[:] = self.learning_rate
        return before, size

    def code(self) -> OptimizerCode:
        """Return the settings as kernels see them."""
        return OptimizerCode(RPROP_KIND, shrink=float(self.shrink), grow=float(self.grow), smallest=float(self.smallest),
                             largest=float(self.largest))
