"""The largest margin of a linear classifier: where gradient descent on separable data heads (Soudry et al., JMLR 2018)."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .keywords import explains_arguments

OFFSET_WEIGHT = 1e4  # of the offset among the inputs, in units of 1/margin: penalised by its inverse square, then set free
TOLERANCE = 1e-8  # relative, of the optimality conditions that a solution must fulfil


@explains_arguments()
@dataclass(frozen=True)
class HardMargin:
    """The hyperplane with the largest smallest distance to the samples, y(w·x + bias) >= 1 for all of them.

    Attributes
    ----------
    direction : ndarray (D,)
        w/‖w‖.
    margin : float
        1/‖w‖, the distance of the nearest samples.
    w : ndarray (D,)
        The shortest w with y(w·x + bias) >= 1; w = Σ alpha_n y_n x_n.
    bias : float
        0.0 for hyperplanes through the origin.
    alpha : ndarray (N,)
        Solution of the dual problem, >= 0, with the sum ‖w‖². Equal samples share theirs evenly, as they do under gradient
        descent. One of several solutions where more different samples lie on the margin than w and bias have components.
    support : ndarray, int
        Samples with alpha > 0.
    """

    direction: NDArray
    margin: float
    w: NDArray
    bias: float
    alpha: NDArray
    support: NDArray


@explains_arguments()
def hard_margin(x: ArrayLike, y: ArrayLike, *, bias: bool = False) -> HardMargin:
    """Return the maximum-margin hyperplane of linearly separable data (a support vector machine without slack).

    Separability is decided first, by a linear programme; its solution also gives the scale of the margin. Then the dual,
    max Σ alpha - ‖Σ alpha_n y_n x_n‖²/2 over alpha >= 0, is solved exactly as a non-negative least-squares problem
    (Lawson & Hanson, Solving Least Squares Problems, 1974, chapter 23). Both end after finitely many steps.

    Parameters
    ----------
    x : array_like (N, D)
    y : array_like (N,)
        Labels {0, 1} or {-1, 1}.
    bias : bool, default False
        Whether the hyperplane may miss the origin. Its offset is then free, as in an SVM; it is not the weight of a constant
        input, which would be part of the norm: that is what training a bias by gradient descent leads to, and what
        `hard_margin` of x with a column of ones gives.

    Returns
    -------
    HardMargin

    Raises
    ------
    ValueError
        If the data are not separable (to the tolerance of the linear programme: a margin below some 1e-9 of the largest
        input counts as none), or with `bias` of one class only.
    ValueError, TypeError
        For wrong shapes, dtypes or labels.
    RuntimeError
        If rounding keeps a solver from its goal.
    """
    x = checks.as_finite_rows(x, "x").astype(np.float64)
    signs = _signs(y, len(x))
    if bias and (signs == signs[0]).all():
        raise ValueError("y: got one class, accepted: both with bias=True, or the margin has no bound")
    # Far from the origin the offset is a difference of large numbers; around the centre it is not.
    centre = x.mean(axis=0) if bias else np.zeros(x.shape[1])
    Z = signs[:, None] * (x - centre)  # (N, D)
    offsets = signs if bias else np.zeros(len(x))  # (N,): the condition is Z w + offsets·b >= 1
    # Equal samples are one condition, so that its multiplier is unique and can be shared out; + 0.0 turns -0.0 into 0.0.
    rows, group, count = np.unique(np.column_stack([Z, offsets]) + 0.0, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    w, b, alpha = _largest_margin(rows[:, :-1], rows[:, -1])
    alpha = (alpha / count)[group]
    norm = float(np.linalg.norm(w))
    return HardMargin(w / norm, 1 / norm, w, float(b - w @ centre) if bias else 0.0, alpha, np.flatnonzero(alpha))


def _signs(y: ArrayLike, n: int) -> NDArray:
    y = checks.targets_of(y, n)
    if y.shape not in ((n,), (n, 1)):
        raise ValueError(f"y: got shape {y.shape}, accepted: labels of shape ({n},) or ({n}, 1)")
    y = y.reshape(n)
    if not (np.isin(y, (0, 1)).all() or np.isin(y, (-1, 1)).all()):
        raise ValueError(f"y: got the values {np.unique(y)[:5]}, accepted: labels 0 and 1, or -1 and 1")
    return np.where(y == 1, 1.0, -1.0)


def _largest_margin(Z: NDArray, offsets: NDArray) -> tuple[NDArray, float, NDArray]:
    """Return the shortest w (D,) with Z w + offsets·b >= 1, its b, and the multipliers (M,) of the conditions."""
    # With Z in units of the margin, the numbers below are all around 1, however the data are scaled.
    scale = _separate(Z, offsets)
    Z = Z * scale
    support = np.flatnonzero(_multipliers(Z, offsets))
    w, b, alpha = _equations(Z[support], offsets[support])
    slack = (Z @ w + offsets * b).min() - 1
    if slack < -TOLERANCE * max(1, np.abs(Z).max()) or alpha.min() < -TOLERANCE * alpha.sum():
        raise RuntimeError(f"hard_margin: rounding kept the solver from the optimum (a sample is {-slack:.1e} inside the "
                           f"margin, the smallest multiplier is {alpha.min():.1e}): too small a margin for the scale of x")
    full = np.zeros(len(Z))
    full[support] = np.maximum(alpha, 0) * scale**2
    return w * scale, b, full


def _separate(Z: NDArray, offsets: NDArray) -> float:
    """Return ‖w‖ of some separating hyperplane, at most √D times the smallest possible; ValueError if there is none.

    Minimise ‖w‖₁ subject to Z w + offsets·b >= 1, w being the difference of two non-negative vectors.
    """
    from scipy.optimize import linprog
    D = Z.shape[1]
    unit = float(np.abs(Z).max()) or 1.0
    Z = Z / unit
    result = linprog(np.append(np.ones(2 * D), 0), A_ub=-np.column_stack([Z, -Z, offsets]), b_ub=-np.ones(len(Z)),
                     bounds=[(0, None)] * (2 * D) + [(None, None)], method="highs")
    if result.status not in (0, 2):
        raise RuntimeError(f"hard_margin: the linear programme for separability failed: {result.message}")
    if result.status == 0:
        w = result.x[:D] - result.x[D:2 * D]
        if (Z @ w + offsets * result.x[-1]).min() > 0:
            return float(np.linalg.norm(w)) / unit
    how = "" if offsets.any() else " by a hyperplane through the origin (bias=True allows any other)"
    raise ValueError(f"x and y: got samples that are not linearly separable{how}, accepted: separable ones; others have "
                     "no hard margin")


def _multipliers(Z: NDArray, offsets: NDArray) -> NDArray:
    """Return a multiple of the dual solution, from min ‖Zᵀu‖² + (weight·offsets·u)² + (1 - Σu)² over u >= 0.

    Where the gradient vanishes, ZZᵀu = (1 - Σu)·1 for the u > 0: the equations of the dual for alpha = u/(1 - Σu). The
    second term stands for the condition offsets·alpha = 0, up to 1/weight².
    """
    from scipy.optimize import nnls
    weight = OFFSET_WEIGHT * max(1.0, float(np.abs(Z).max()))
    E = np.vstack([Z.T, weight * offsets, np.ones(len(Z))])  # (D + 2, M)
    return nnls(E, np.append(np.zeros(len(E) - 1), 1.0), maxiter=10 * max(E.shape))[0]


def _equations(Z: NDArray, offsets: NDArray) -> tuple[NDArray, float, NDArray]:
    """Solve Z w + offsets·b = 1, w = Zᵀ alpha, offsets·alpha = 0: the optimum, if all these samples lie on the margin."""
    S = len(Z)
    matrix = np.block([[Z @ Z.T, offsets[:, None]], [offsets[None], np.zeros((1, 1))]])
    *alpha, b = np.linalg.lstsq(matrix, np.append(np.ones(S), 0.0), rcond=None)[0]  # without an offset b is 0
    alpha = np.array(alpha)
    return Z.T @ alpha, float(b), alpha
