"""Two spirals with label noise, the third synthetic problem of the flooding paper, and what is best possible on it.

Arm of class 1: a (cos a, sin a); arm of class 0: (a + π)(cos a, sin a); a from 0 to 4π, plus τ N(0, I). The inputs are not
scaled: radii go up to about 5π = 15.7. The demo of the paper has two defaults for τ, 1 in its script and 0 in its project
file, and the paper's own is unknown.
"""
import math
from typing import Any

import numpy as np

from losses import bayes

from .checks import counts
from .labels import flip_labels
from .sets import DataSet, Split

TURN = 4 * math.pi
OFFSETS = (math.pi, 0.0)  # of the radius in class 0 and class 1
# The arms keep 2.6 apart: with τ below this, a sample nearer to the other arm is 5 standard deviations off (below 1e-6).
SHARP = 0.25
PANEL_NODES, PANEL_WEIGHTS = np.polynomial.legendre.leggauss(10)


def spiral(train: int = 100, validation: int = 100, test: int = 10_000, *, tau: float = 1.0, noise: float = 0.1,
           seed: int = 0) -> DataSet:
    """Two interleaved spirals in the plane.

    Parameters
    ----------
    train, validation, test : int
        Samples PER CLASS, at equal steps of the angle a: the same points of the curve in every draw, only their
        displacements differ.
    tau : float
        τ, standard deviation of the displacement in each direction, in units of x.
    noise : float
        Share of labels flipped, exactly int(N * noise) in each part; clean labels are kept beside them.
    seed : int
        Each part has a generator of its own, seeded by (seed, part), so that resizing one leaves the others as they are.

    Returns
    -------
    DataSet
        x is float32 of shape (2 * n, 2), class 0 first; y is int64 of shape (2 * n,).

    Raises
    ------
    TypeError, ValueError
        When `train` is below 1, `validation` or `test` below 0, `tau` is negative or not finite, or `noise` is out of range.
    """
    counts(1, train=train)
    counts(0, validation=validation, test=test)
    _check_tau(tau)
    splits = []
    for part, size in enumerate((train, validation, test)):
        rng = np.random.default_rng([seed, part])
        a = np.linspace(0, TURN, size)  # (n,)
        x = np.concatenate([_arm(a, offset) for offset in OFFSETS])  # (2n, 2)
        x += tau * rng.standard_normal(x.shape)
        y = np.repeat(np.array([0, 1]), size)  # (2n,)
        splits.append(Split(x.astype(np.float32), flip_labels(y, noise, 2, rng), y))
    train_set, validation_set, test_set = splits
    return DataSet("spiral", train_set, validation_set, test_set, classes=("outer arm", "inner arm"),
                   source=f"generated, tau {tau:g}; protocol of Ishida et al. 2020, arXiv 2002.08709", licence="none needed")


def spiral_bayes(*, tau: float = 1.0, noise: float = 0.1) -> bayes.BayesFigures:
    """Bayes error and Bayes cross-entropy of `spiral`, for angles uniform in [0, 4π].

    The density of a class is an integral over its arm (Gauss-Legendre in panels), a sum of Gaussians that are products of a
    function of x₁ and one of x₂; so a matrix product gives it on a whole grid of the plane, and sums over the grid give the
    three figures. Two grids, one twice as fine, give the uncertainty.

    Returns
    -------
    BayesFigures
        Below τ = 0.25 the arms do not touch, and the figures are those of flips alone, within 1e-6.

    Raises
    ------
    TypeError, ValueError
        When `tau` is negative or not finite, or `noise` is out of range.
    """
    _check_tau(tau)
    flips = bayes.flipped_labels(noise)  # refuses a bad `noise`
    if tau < SHARP:
        return bayes.BayesFigures(flips.clean_error, flips.noisy_error, flips.cross_entropy, 1e-6)
    coarse, fine = (_figures_on_grid(tau, noise, tau / steps) for steps in (4, 8))
    clean, noisy, cross_entropy = fine.tolist()
    return bayes.BayesFigures(clean, noisy, cross_entropy, float(np.abs(fine - coarse).max()) + 1e-10)


def _check_tau(tau: float) -> None:
    if not 0 <= tau < math.inf:  # also refuses NaN
        raise ValueError(f"tau: got {tau!r}, accepted: a finite number of at least 0")


def _arm(a: np.ndarray, offset: float) -> np.ndarray:
    """Points (n, 2) at angles a (n,) of the arm whose radius is a + offset."""
    return (a + offset)[:, None] * np.stack([np.cos(a), np.sin(a)], axis=1)


def _figures_on_grid(tau: float, noise: float, step: float) -> Any:
    """Return clean error, noisy error and cross-entropy (3,), summed over a square grid of the plane."""
    reach = TURN + math.pi + 9 * tau
    axis = np.arange(-reach, reach + step, step)  # (G,)
    densities = np.stack([_density(axis, tau, offset) for offset in OFFSETS])  # (2, G, G)
    total = densities.sum(axis=0) / 2  # (G, G)
    p = densities[1] / np.maximum(2 * total, np.finfo(float).tiny)  # posterior of class 1; irrelevant where total is 0
    q = p + noise * (1 - 2 * p)
    entropy = bayes.entropy(np.stack([q, 1 - q], axis=-1))
    values = np.stack([np.minimum(p, 1 - p), np.minimum(q, 1 - q), entropy])  # (3, G, G)
    return (values * total).sum(axis=(1, 2)) / total.sum()


def _density(axis: np.ndarray, tau: float, offset: float) -> np.ndarray:
    """Density of one class on the grid axis x axis: (G, G)."""
    # The curve is at most 5π long per unit of a, so panels of ten nodes and 4τ/(5π) leave τ/2 or less between nodes.
    edges = np.linspace(0, TURN, math.ceil(TURN * 5 * math.pi / (4 * tau)) + 1)  # (panels + 1,)
    half = np.diff(edges)[:, None] / 2
    a = (edges[:-1, None] + half + half * PANEL_NODES).ravel()  # (M,)
    weights = (half * PANEL_WEIGHTS).ravel() / TURN  # (M,) they sum to 1
    along = np.exp(-((axis[:, None, None] - _arm(a, offset)) / tau) ** 2 / 2) / (tau * math.sqrt(2 * math.pi))  # (G, M, 2)
    return (along[..., 0] * weights) @ along[..., 1].T
