"""What no classifier can beat: the smallest possible error and cross-entropy where the distribution is known.

The training cross-entropy of a network that goes below the Bayes cross-entropy is memorisation, so this is where a flood
level belongs: just under the cross-entropy given here, never at the error (Ishida et al., ICML 2020, name the error; the
theorem behind their method needs a level below the risk of the loss that is minimised).

Every function gives both figures, on clean labels and on labels with symmetric flips: with probability `noise` a label is
replaced by one of the other K - 1 classes, all equally likely. A posterior p then becomes
(1 - noise) p + noise (1 - p)/(K - 1).
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .keywords import explains_arguments

QUADRATURE_BOUND = 1e-13  # of `two_gaussians`; the rule itself is far better, see `_quadrature`
TAIL = 12.0  # standard deviations: the probability beyond is below 1e-32
FAR_APART = 80.0  # standard deviations between two means, from which no sample is ever in doubt (probability < 1e-300)


@explains_arguments()
@dataclass(frozen=True)
class BayesFigures:
    """What no classifier can beat on average.

    Attributes
    ----------
    clean_error : float
        Smallest possible error on clean labels.
    noisy_error : float
        Smallest possible error on labels with flips.
    cross_entropy : float
        Smallest possible mean cross-entropy on labels with flips, in nats.
    uncertainty : float
        Of each of the three: a bound on the absolute error where they come from a formula or quadrature, the largest
        standard error where they are means over samples.
    """

    clean_error: float
    noisy_error: float
    cross_entropy: float
    uncertainty: float = 0.0


@explains_arguments()
def two_gaussians(distance: float, *, noise: float = 0.0, share: float = 0.5) -> BayesFigures:
    """Two Gaussians with one isotropic covariance σ²I, in any number of dimensions.

    Projected on the line between the means, in units of σ, s ~ N(0, 1) in class 0 and N(δ, 1) in class 1. The posterior
    logit of class 1 is z = δ s - δ²/2 + log(share/(1 - share)), and the error is made where its sign is wrong.

    Parameters
    ----------
    distance : float >= 0
        δ, the distance between the means divided by σ; for means 0 and m·(1, ..., 1) in D dimensions m·√D/σ.
    noise : float in [0, 1], default 0.0
        Probability that a label is flipped.
    share : float in (0, 1), default 0.5
        Probability of class 1.

    Returns
    -------
    BayesFigures
        The errors by the normal distribution function, the cross-entropy by quadrature, all within 1e-13.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, for numbers out of range.

    Examples
    --------
    >>> figures = two_gaussians(10**0.5, noise=0.1)  # the flooding paper's, with its highest noise
    >>> round(1 - figures.noisy_error, 4), round(figures.cross_entropy, 3)
    (0.8545, 0.391)
    """
    distance, noise = checks.nonnegative_number("distance", distance), _probability("noise", noise)
    share = _probability("share", share)
    if share in (0, 1):
        raise ValueError(f"share: got {share!r}, accepted: a number in (0, 1)")
    clean = _two_gaussians_error(distance, share)
    # More than half of the labels flipped is as good as the rest flipped: answer the opposite.
    rare = min(noise, 1 - noise)
    cross_entropy = _two_gaussians_entropy(distance, noise, share)
    return BayesFigures(clean, rare + (1 - 2 * rare) * clean, cross_entropy, QUADRATURE_BOUND)


@explains_arguments()
def gaussian_mixture(means: ArrayLike, covariances: ArrayLike = 1.0, *, shares: ArrayLike | None = None,
                     classes: ArrayLike | None = None, noise: float = 0.0, samples: int = 200_000,
                     seed: int = 0) -> BayesFigures:
    """Any mixture of Gaussians, one or more of them to a class, by Monte Carlo.

    No labels are drawn: the mean of the entropy of the posterior, and of its distance from certainty, has a far smaller
    variance than the mean of losses. Every component gets the same number of samples, weighted by its share.

    Parameters
    ----------
    means : array_like (M, D)
    covariances : float, (D, D) or (M, D, D), default 1.0
        One variance for all directions, one matrix for all components, or one for each; positive definite.
    shares : array_like (M,), optional
        Probability of each component; equal by default.
    classes : array_like of int (M,), optional
        Class of each component, 0 .. K - 1; by default each is a class of its own.
    noise : float in [0, 1], default 0.0
        Probability that a label is replaced by another class.
    samples : int, default 200 000
        In all; at least 2 for each component.
    seed : int, default 0

    Returns
    -------
    BayesFigures
        With the standard error of the worst of the three.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """
    means, factors = _checked_gaussians(means, covariances)
    M, D = means.shape
    shares = np.full(M, 1 / M) if shares is None else _checked_shares(shares, M)
    classes = checks.class_ids(np.arange(M) if classes is None else classes, M, M)
    noise, each = _probability("noise", noise), checks.integer("samples", samples, low=2 * M) // M
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    figures = np.zeros(3)
    variances = np.zeros(3)
    for mean, factor, share in zip(means, factors, shares, strict=True):
        x = mean + rng.standard_normal((each, D)) @ factor.T  # (each, D)
        values = _sample_figures(_posterior(x, means, factors, shares, classes), noise)  # (3, each)
        figures += share * values.mean(axis=1)
        variances += share**2 * values.var(axis=1, ddof=1) / each
    clean, noisy, cross_entropy = figures.tolist()
    return BayesFigures(clean, noisy, cross_entropy, float(np.sqrt(variances.max())))


@explains_arguments()
def flipped_labels(noise: float, classes: int = 2) -> BayesFigures:
    """Labels that are a function of the input, but for flips: H(noise) + noise·log(K - 1).

    Parameters
    ----------
    noise : float in [0, 1]
        Probability that a label is replaced by another class.
    classes : int >= 2, default 2
        K.

    Returns
    -------
    BayesFigures
        Exact but for rounding.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, for numbers out of range.
    """
    noise, K = _probability("noise", noise), checks.integer("classes", classes, low=2)
    each = noise / (K - 1) if K < 2**1000 else 0.0  # probability of each wrong class
    cross_entropy = 0.0
    if noise > 0:  # 0 log 0 = 0; log(noise/(K - 1)) by parts, for the quotient may be 0
        cross_entropy += noise * (math.log(K - 1) - math.log(noise))
    if noise < 1:
        cross_entropy -= (1 - noise) * math.log1p(-noise)
    rounding = 4 * float(np.finfo(float).eps) * max(1.0, cross_entropy)
    return BayesFigures(0.0, 1 - max(1 - noise, each), cross_entropy, rounding)


@explains_arguments()
def soft_labels(probabilities: ArrayLike, noise: float = 0.0) -> BayesFigures:
    """Inputs whose class probabilities are known, for example from many annotators (Ishida et al., ICLR 2023).

    Neither inputs nor a model are needed: the error is the mean of 1 - max p, the cross-entropy the mean entropy.

    Parameters
    ----------
    probabilities : array_like (N, K) with rows that sum to 1, or (N,): probability of class 1
    noise : float in [0, 1], default 0.0
        Probability that a label drawn from them is then replaced by another class.

    Returns
    -------
    BayesFigures
        With the standard error of the mean over the N samples; NaN for one sample.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, for wrong shapes, rows that are no distributions, a number out of range.
    """
    p = checks.array_of("probabilities", probabilities)
    if p.ndim == 1:
        p = p.astype(np.float64)
        p = np.column_stack([1 - p, p])
    if p.ndim != 2 or p.shape[1] < 2 or not len(p):
        raise ValueError(f"probabilities: got shape {p.shape}, accepted: (N, K >= 2), or (N,) for class 1, N >= 1")
    p = checks.distributions("probabilities", p)
    values = _sample_figures(p, _probability("noise", noise))  # (3, N)
    N = len(p)
    uncertainty = float(values.std(axis=1, ddof=1).max() / math.sqrt(N)) if N > 1 else math.nan
    clean, noisy, cross_entropy = values.mean(axis=1).tolist()
    return BayesFigures(clean, noisy, cross_entropy, uncertainty)


@explains_arguments()
def entropy(p: NDArray) -> NDArray:
    """Entropy -Σ p log p of each distribution in nats, with 0 log 0 = 0; (..., K) -> (...)."""
    p = checks.array_of("p", p)
    return 0.0 - np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)  # never -0.0


def _sample_figures(p: NDArray, noise: float) -> NDArray:
    """Return clean error, noisy error and entropy (3, N) of posteriors (N, K)."""
    q = _with_flips(p, noise)
    return np.stack([1 - p.max(axis=1), 1 - q.max(axis=1), entropy(q)])


def _with_flips(p: NDArray, noise: float) -> NDArray:
    return (1 - noise) * p + noise * (1 - p) / (p.shape[-1] - 1)


def _two_gaussians_error(distance: float, share: float) -> float:
    """Return (1 - share) P(s > c | class 0) + share P(s < c | class 1) for the s = c where the posterior logit is 0."""
    if distance == 0:
        return min(share, 1 - share)
    c = distance / 2 - math.log(share / (1 - share)) / distance
    return (1 - share) * _normal_tail(c) + share * _normal_tail(distance - c)


def _normal_tail(c: float) -> float:
    return 0.5 * math.erfc(c / math.sqrt(2))


def _two_gaussians_entropy(distance: float, noise: float, share: float) -> float:
    """E[H(q)] over both classes."""
    if distance > FAR_APART:
        return float(entropy(np.array([noise, 1 - noise])))

    def integrand(s: NDArray) -> NDArray:
        z = distance * (s - distance / 2) + math.log(share / (1 - share))
        e = np.exp(-np.abs(z))
        small, large = e / (1 + e), 1 / (1 + e)  # both posteriors, neither by a subtraction from 1
        density = (1 - share) * np.exp(-s * s / 2) + share * np.exp(-((s - distance) ** 2) / 2)
        return entropy(_with_flips(np.stack([small, large], axis=1), noise)) * density / math.sqrt(2 * math.pi)

    return _quadrature(integrand, distance)


def _quadrature(integrand: Callable[[NDArray], NDArray], distance: float) -> float:
    """Integrate by the trapezoidal rule, which converges geometrically for an analytic integrand with Gaussian tails.

    The posterior σ(z) has its poles, and H(q) its logarithmic branch points, at imaginary part π of z = δ s + ...; so the
    integrand is analytic within π/δ of the real line. In half that strip, a = π/(2δ), or 2 for close means, |σ| <= 1 and a
    Gaussian grows by exp(a²/2) <= e². With step a/8 the error is at most 2M/(exp(2π·8) - 1) for M, the integral of the
    modulus on the strip's edge, of about 30 (Trefethen & Weideman, SIAM Review 2014, theorem 5.1): 1e-20. What remains is
    rounding.
    """
    a = min(math.pi / (2 * distance), 2.0) if distance > 0 else 2.0
    low, high = -TAIL, distance + TAIL
    s, h = np.linspace(low, high, math.ceil((high - low) / (a / 8)) + 1, retstep=True)
    return float(integrand(s).sum() * h)


def _posterior(x: NDArray, means: NDArray, factors: NDArray, shares: NDArray, classes: NDArray) -> NDArray:
    """Return class probabilities (n, K) at points x (n, D)."""
    logs = np.empty((len(x), len(means)))  # (n, M) log share + log density, but for the constant of all
    with np.errstate(divide="ignore"):  # a share of 0: log 0 = -inf, probability 0
        log_shares = np.log(shares)
    for m, (mean, factor) in enumerate(zip(means, factors, strict=True)):
        whitened = np.linalg.solve(factor, (x - mean).T)  # (D, n)
        logs[:, m] = log_shares[m] - (whitened * whitened).sum(axis=0) / 2 - np.log(np.diag(factor)).sum()
    p = np.exp(logs - logs.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p @ np.eye(max(classes.max() + 1, 2))[classes]  # components of one class added up; at least two classes


def _checked_gaussians(means: ArrayLike, covariances: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return means (M, D) and the Cholesky factors (M, D, D) of the covariances."""
    means = checks.array_of("means", means).astype(np.float64)
    if means.ndim != 2 or means.size == 0:
        raise ValueError(f"means: got shape {means.shape}, accepted: (M, D), a mean for each of at least one component")
    checks.refuse_nonfinite("means", means)
    M, D = means.shape
    covariances = checks.array_of("covariances", covariances).astype(np.float64)
    if covariances.shape not in ((), (D, D), (M, D, D)):
        raise ValueError(f"covariances: got shape {covariances.shape}, accepted: a number, ({D}, {D}) or ({M}, {D}, {D})")
    matrices = np.broadcast_to(covariances * np.eye(D) if covariances.ndim == 0 else covariances, (M, D, D))
    try:
        if not np.allclose(matrices, matrices.transpose(0, 2, 1), rtol=1e-10):
            raise np.linalg.LinAlgError("not symmetric")
        return means, np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"covariances: got matrices that are not ({error}), accepted: symmetric and positive definite "
                         "ones") from None


def _checked_shares(shares: ArrayLike, M: int) -> NDArray:
    shares = checks.array_of("shares", shares)
    if shares.shape != (M,):
        raise ValueError(f"shares: got shape {shares.shape}, accepted: ({M},), one for each of the means")
    return checks.distributions("shares", shares[None])[0]


def _probability(name: str, value: float) -> float:
    number = checks.nonnegative_number(name, value)
    if number > 1:
        raise ValueError(f"{name}: got {value!r}, accepted: a number in [0, 1]")
    return number
