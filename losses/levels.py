"""Where to start the search for a flood level."""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .keywords import explains_arguments


@explains_arguments()
def suggest_level(*, soft_labels: ArrayLike | None = None, noise: float | None = None, classes: int | None = None,
                  held_out_loss: float | None = None, fraction: float = 0.8) -> float:
    """Return a starting level for flooding: `fraction` of an estimate of the cross-entropy that cannot be avoided.

    Why just under it: for a fixed network with risk R and empirical risk R^, the flooded estimate |R^ - b| + b has a mean
    squared error that is smaller than that of R^ by exactly 4·E[1{R^ < b} (b - R^)(R - b)] (Ishida et al., ICML 2020). So
    every level b <= R helps, the more the nearer to R, and a level above the risk hurts. R is never below the Bayes risk
    of the loss that is trained with, so a level below that is safe for every network. For cross-entropy this is the Bayes
    *cross-entropy*, the mean entropy of the true class probabilities, and not the Bayes *error*: with 10 % of the labels
    of two classes flipped, 0.325 and not 0.1.

    Parameters
    ----------
    soft_labels : array_like (N, K), or (N,) probabilities of class 1, optional
        Probabilities of the classes of samples, say from several annotators: estimate = their mean entropy.
    noise : float in [0, 1), optional
        Share of labels known to be flipped, each to one of the other classes at random: estimate = entropy of that
        channel, H(noise) + noise·log(classes - 1). It leaves out what is uncertain without the noise, so it is low.
    classes : int >= 2, optional
        Number of classes that `noise` is about; 2 unless told.
    held_out_loss : float >= 0, optional
        Cross-entropy of a trained network on data it has not seen: an estimate from above.
    fraction : float in (0, 1], default 0.8
        The levels of the published Two Gaussians table are 0.76 to 0.94 of the Bayes cross-entropy.

    Returns
    -------
    float
        With more than one estimate given, the fraction of the smallest. A start for a search, not its result.

    Raises
    ------
    TypeError, ValueError
        If there is nothing to estimate from, or an argument is out of range.
    """
    fraction = checks.positive_number("fraction", fraction)
    if fraction > 1:
        raise ValueError(f"fraction: got {fraction!r}, accepted: a number in (0, 1]; a level above the risk hurts")
    if noise is None and classes is not None:
        raise ValueError(f"classes: got {classes!r} without noise, accepted: together with noise only")
    estimates = []
    if soft_labels is not None:
        estimates.append(_mean_entropy(soft_labels))
    if noise is not None:
        estimates.append(_channel_entropy(noise, 2 if classes is None else classes))
    if held_out_loss is not None:
        estimates.append(checks.nonnegative_number("held_out_loss", held_out_loss))
    if not estimates:
        raise ValueError("suggest_level: got nothing to estimate from, accepted: soft_labels, noise or held_out_loss")
    return fraction * min(estimates)


def _mean_entropy(soft_labels: ArrayLike) -> float:
    p = checks.as_finite_rows(soft_labels, "soft_labels").astype(np.float64)
    p = checks.distributions("soft_labels", np.hstack([1 - p, p]) if p.shape[1] == 1 else soft_labels)
    return max(0.0, float(-(p * np.log(np.where(p > 0, p, 1))).sum() / len(p)))


def _channel_entropy(noise: float, classes: int) -> float:
    noise, K = checks.nonnegative_number("noise", noise, below=1.0), checks.integer("classes", classes, low=2)
    if noise == 0:
        return 0.0
    return -noise * math.log(noise / (K - 1)) - (1 - noise) * math.log1p(-noise)


@explains_arguments()
def levels_from_losses(losses: ArrayLike, gamma: float = 0.5) -> NDArray:
    """Return AdaFlood's levels b_i = -log((1 - γ) exp(-l_i) + γ) from losses of networks that did not see sample i.

    exp(-l_i) is the probability that such a network gives the label; it is moved towards 1 by γ, because the network to
    be trained will see the sample: γ = 0 leaves b_i = l_i, γ = 1 gives b_i = 0 (Bae et al., TMLR 2024).

    Parameters
    ----------
    losses : array_like (N,), >= 0
        Held-out cross-entropy of each sample; `nn.adaptive_levels` measures it.
    gamma : float in [0, 1], default 0.5
        The paper has no default and searches 0.05 to 0.95.

    Returns
    -------
    ndarray, float64 (N,)
        For `AdaFlooding`. Never above the losses.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, for wrong shapes, or numbers out of range.
    """
    gamma = checks.nonnegative_number("gamma", gamma)
    if gamma > 1:
        raise ValueError(f"gamma: got {gamma!r}, accepted: a number in [0, 1]")
    l = checks.array_of("losses", losses).astype(np.float64)
    if l.ndim != 1 or l.size == 0 or not (np.isfinite(l) & (l >= 0)).all():
        raise ValueError(f"losses: got {losses!r}, accepted: finite numbers >= 0 of shape (N,)")
    if gamma == 0:
        return l
    with np.errstate(divide="ignore"):  # of the form that is not taken
        near = -np.log1p((1 - gamma) * np.expm1(-l))  # small losses keep their digits
        far = -np.logaddexp(np.log1p(-gamma) - l, np.log(gamma))  # so does a small γ
    return np.where(l < 1, near, far)
