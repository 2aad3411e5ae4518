"""Penalties on the weights. They stand outside the flood: flooding never changes their sign."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import checks
from .base import constructor_form, set_frozen
from .elsewhere import PENALTY
from .keywords import explains_arguments


class Penalty:
    """l1·Σ|w| + l2·Σw² over weight matrices (not over biases or normalisation parameters).

    Two numbers describe every penalty, so compiled code takes them as they are and a sum of penalties adds them.

    Attributes
    ----------
    l1, l2 : float
        Strengths.
    """

    l1: float = 0.0
    l2: float = 0.0

    def value(self, weights: Iterable[NDArray]) -> float:
        """Penalty of the given weights.

        Parameters
        ----------
        weights : iterable of ndarray
            The weight matrices. Complex ones (the complex step) give a complex value.

        Returns
        -------
        float
            In float64, whatever the weights are.
        """
        # w·w and sign(w)·w, not |w|² and |w|: the complex step needs the analytic continuation.
        return sum(((self.l1 * np.sign(w.real) * w + self.l2 * w * w).sum().item() for w in map(_wide, weights)), 0.0)

    def add_gradient(self, dweights: Iterable[NDArray], weights: Iterable[NDArray]) -> None:
        """Add the penalty's gradient l1·sign(w) + 2·l2·w to `dweights`, in place; sign(0) is 0.

        Parameters
        ----------
        dweights : sequence of ndarray
            Gradients of the weight matrices, changed in place.
        weights : sequence of ndarray
            The weight matrices, in the same order and of the same shapes.

        Raises
        ------
        ValueError
            For another number of arrays, or other shapes.
        """
        for dw, w in zip(dweights, weights, strict=True):
            if dw.shape != w.shape:
                raise ValueError(f"dweights: got an array of shape {dw.shape}, accepted: {w.shape}, as in weights")
            dw += self.l1 * np.sign(w) + 2 * self.l2 * w

    def __add__(self, other: Penalty) -> Penalty:
        """Both penalties at once, such as L1(1e-4) + L2(1e-3)."""
        if not isinstance(other, Penalty):
            return NotImplemented
        return PenaltySum(self.l1 + other.l1, self.l2 + other.l2)

    def __repr__(self) -> str:
        return constructor_form(self)


@explains_arguments(PENALTY)
@dataclass(frozen=True, repr=False)
class L1(Penalty):
    """strength·Σ|w| over weight matrices: gradient strength·sign(w), with the subgradient 0 at w = 0.

    After zero training error it stops the growth of the weights and goes on to thin them out: a weight that the loss does
    not hold is driven to 0 at constant speed (and with a finite learning rate then jumps about 0 in steps of its size).

    Parameters
    ----------
    strength : float >= 0
    """

    strength: float

    def __post_init__(self) -> None:
        strength = checks.nonnegative_number("strength", self.strength)
        set_frozen(self, strength=strength, l1=strength)


@explains_arguments(PENALTY)
@dataclass(frozen=True, repr=False)
class L2(Penalty):
    """strength·Σw² over weight matrices: gradient 2·strength·w.

    After zero training error it stops the weights from growing without end: the norm settles where the loss pushes as
    hard as the penalty pulls.

    Parameters
    ----------
    strength : float >= 0
    """

    strength: float

    def __post_init__(self) -> None:
        strength = checks.nonnegative_number("strength", self.strength)
        set_frozen(self, strength=strength, l2=strength)


@dataclass(frozen=True, repr=False)
class PenaltySum(Penalty):
    """What L1(a) + L2(b) gives: a·Σ|w| + b·Σw² (the elastic net).

    Parameters
    ----------
    l1, l2 : float >= 0
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        set_frozen(self, l1=checks.nonnegative_number("l1", self.l1), l2=checks.nonnegative_number("l2", self.l2))

    def __repr__(self) -> str:
        return f"L1({self.l1!r}) + L2({self.l2!r})"


def _wide(values: NDArray) -> NDArray:
    kind = np.complex128 if np.iscomplexobj(values) else np.float64
    return checks.array_of("parameters", values, "biufc").astype(kind, copy=False)
