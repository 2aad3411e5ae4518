"""Attacks on a trained classifier: who was in its training set (membership), what its inputs looked like (reconstruction).

A membership attack gives every sample a score, higher where it takes it for a member. The scores here are computed from the
log-odds log p_k/(1 - p_k) of every class k, which say all that the probabilities say and do not saturate: after zero error
most p_y round to 1 in any dtype. Reconstruction climbs from a start that shows nothing to an input of which the model is
sure; it asks for gradients (white box) or for outputs alone (black box).
"""
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Sides = dict[int, tuple[np.ndarray, np.ndarray]]  # by class: members (n, D), other samples (n, D)

# --- membership ---


def log_odds(outputs: np.ndarray) -> np.ndarray:
    """Return log p_k/(1 - p_k) of every class, float64 (N, K), of the softmax of outputs (N, K)."""
    from losses.margins import log_odds_margins

    return np.stack([log_odds_margins(outputs, np.full(len(outputs), k)) for k in range(outputs.shape[1])], axis=1)


def _log_p(odds: np.ndarray) -> np.ndarray:
    """log p; of the negative odds log(1 - p)."""
    return -np.logaddexp(0, -odds)


def _of_label(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    return odds[np.arange(len(y)), y]


def loss(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus the cross-entropy: members have a low loss (Yeom et al., CSF 2018, adversary 2)."""
    return _log_p(_of_label(odds, y))


def confidence(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Log-odds of the largest probability, whatever the label is (Salem et al., NDSS 2019, adversary 3)."""
    return odds.max(axis=1)


def entropy(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus the entropy of the answer, Σ_k p_k log p_k; it does without the label too."""
    return np.sum(np.exp(_log_p(odds)) * _log_p(odds), axis=1)


def modified_entropy(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus Song & Mittal's entropy (USENIX Security 2021, eq. 8), which a sure wrong answer raises instead of lowering.

    (1 - p_y) log p_y + Σ_{k != y} p_k log(1 - p_k)
    """
    terms = np.exp(_log_p(odds)) * _log_p(-odds)  # (N, K)
    terms[np.arange(len(y)), y] = np.exp(_log_p(-_of_label(odds, y))) * loss(odds, y)
    return terms.sum(axis=1)


def correctness(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 where the label is predicted, else 0: what the gap between training and test error tells (Yeom et al., adversary 1)."""
    return (odds.argmax(axis=1) == y).astype(float)


SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "loss": loss, "confidence": confidence, "entropy": entropy, "modified entropy": modified_entropy,
    "correctness": correctness}


def likelihood_ratio(odds: np.ndarray, shadows: np.ndarray) -> np.ndarray:
    """LiRA in its offline form (Carlini et al., IEEE S&P 2022, section VI): how unlikely a non-member would have such odds.

    How easy a sample is, is known from shadow models that were not trained on it; the score is the target's log-odds of the
    label less their mean, in standard deviations, which orders samples as the one-sided test's probability does. As the
    paper has it where shadows are few, one variance stands for all samples.

    Parameters
    ----------
    odds : array (N,)
        The target's log-odds of the labels.
    shadows : array (S, N)
        Those of the shadow models, NaN where one was trained on the sample.

    Returns
    -------
    array (N,)

    Raises
    ------
    ValueError
        When a sample has fewer than two shadow models that were not trained on it.
    """
    apart = ~np.isnan(shadows)  # (S, N)
    count = apart.sum(axis=0)  # (N,)
    if len(count) and count.min() < 2:
        raise ValueError(f"shadows: got {count.min()} not trained on some sample, accepted: at least 2 for each")
    mean = np.where(apart, shadows, 0).sum(axis=0) / count
    squares = np.where(apart, (shadows - mean) ** 2, 0).sum(axis=0) / (count - 1)
    return (odds - mean) / math.sqrt(squares.mean())


# --- how well scores tell members from others ---


def auc(members: np.ndarray, others: np.ndarray) -> float:
    """Probability that a member scores higher than another sample, a tie counting half: the area under the ROC curve."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([members, others]))  # (M + N,)
    count = len(members)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(others)))


def threshold_at(others: np.ndarray, rate: float) -> float:
    """Return the lowest threshold that no more than this share of the non-members exceeds."""
    return float(np.sort(others)[::-1][int(rate * len(others) + 1e-9)])


def best_threshold(members: np.ndarray, others: np.ndarray) -> float:
    """Return the threshold above which "member" has the best balanced accuracy; halfway to the next score, if there is one."""
    scores = np.unique(np.concatenate([members, others]))
    below_or_at = [np.searchsorted(np.sort(some), scores, "right") / len(some) for some in (members, others)]
    best = int(np.argmax(below_or_at[1] - below_or_at[0]))
    return float(scores[best:best + 2].mean())


def balanced_accuracy(members: np.ndarray, others: np.ndarray, threshold: float) -> float:
    """Mean of the shares of members above a threshold and of others at or below it."""
    return float((np.mean(members > threshold) + np.mean(others <= threshold)) / 2)


# --- reconstruction ---


def climb(gradient: Callable[[np.ndarray], np.ndarray], start: np.ndarray, steps: int, size: float) -> np.ndarray:
    """Follow a gradient uphill, within pixels from 0 to 1 (model inversion, Fredrikson et al., CCS 2015).

    Parameters
    ----------
    gradient : callable (M, D) -> (M, D)
        Of what is climbed, a row for each of M images. Its direction alone counts: near zero loss its length is nearly 0.
    start : array (M, D)
    steps, size : int, float
        How many, and the Euclidean length of each before pixels are cut off at 0 and 1.

    Returns
    -------
    array (M, D)
    """
    x = start.copy()
    for _ in range(steps):
        slope = np.asarray(gradient(x), dtype=np.float64)
        length = np.abs(slope).max(axis=1, keepdims=True)  # squares of 1e-200 would vanish
        slope = slope / np.where(length > 0, length, 1)
        x = np.clip(x + size * slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9), 0, 1)
    return x


def white_box(model: Any, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gradient of log p_y for the input, (M, D) -> (M, D), by the model's own backward; up to a factor 1/M."""
    from losses import CrossEntropy

    def gradient(x: np.ndarray) -> np.ndarray:
        return -model.loss_and_gradients(x, y, CrossEntropy(), input_gradient=True)[1]["x"]
    return gradient


def black_box(query: Callable[[np.ndarray], np.ndarray], y: np.ndarray, directions: int, width: float,
              rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gradient of the log-odds of y, whose direction is that of log p_y, estimated from outputs alone.

    Mean of u·(f(x + w·u) - f(x - w·u))/2w over random directions u, in pairs (natural evolution strategies; Wierstra et al.,
    JMLR 2014; against classifiers, Ilyas et al., ICML 2018).

    Parameters
    ----------
    query : callable (M, D) -> outputs (M, K)
    y : array (M,)
        Class ids.
    directions, width : int, float
        Pairs of queries per image and step, and w.
    rng : numpy.random.Generator
    """
    def odds(x: np.ndarray) -> np.ndarray:
        return _of_label(log_odds(query(x.reshape(-1, x.shape[-1]))), np.tile(y, directions)).reshape(directions, len(y))

    def gradient(x: np.ndarray) -> np.ndarray:
        u = rng.standard_normal((directions, *x.shape))  # (directions, M, D)
        slopes = (odds(x + width * u) - odds(x - width * u)) / (2 * width)  # (directions, M)
        return np.mean(slopes[..., None] * u, axis=0)
    return gradient


# --- what reconstructions show ---


def correlations(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the correlation over pixels of each image (M, D) with each other one (N, D), (M, N); 0 for a flat image."""
    def standard(some: np.ndarray) -> np.ndarray:
        centred = some - some.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(centred, axis=1, keepdims=True)
        return centred / np.where(norm > 0, norm, 1)
    return standard(images) @ standard(others).T


def sides(members: tuple[np.ndarray, np.ndarray], others: tuple[np.ndarray, np.ndarray]) -> Sides:
    """Return of every class members and equally many other samples, where there are both.

    Parameters
    ----------
    members, others : pair of arrays (N, D), (N,)
        Samples and labels that the model was, and was not, trained on.
    """
    found = {}
    for k in np.unique(members[1]):
        both = [x[labels == k] for x, labels in (members, others)]
        count = min(map(len, both))
        if count:
            found[int(k)] = (both[0][:count], both[1][:count])
    return found


def likeness(images: np.ndarray, y: np.ndarray, both: Sides) -> dict[str, float]:
    """Return what reconstructions resemble, as mean differences of correlations that are 0 where they show nothing.

    Parameters
    ----------
    images : array (M, D)
    y : array (M,)
        The class of each.
    both : dict of int -> (members, others)
        Of `sides`; images of a class that it lacks are left out.

    Returns
    -------
    dict
        "class": correlation with the mean of the class's other samples, less that with the means of the other classes.
        "mean": with the mean of the class's members, less that of its other samples.
        "nearest": with the most similar member of the class, less that with the most similar other sample of it.
        NaN where there is nothing to compare.
    """
    names = ("class", "mean", "nearest")
    away = {k: others.mean(axis=0) for k, (_, others) in both.items()}
    found = []
    for image, k in zip(images, y, strict=True):
        if k not in both:
            continue
        to_means = {other: float(correlations(image[None], mean[None])[0, 0]) for other, mean in away.items()}
        to_members, to_others = (correlations(image[None], some)[0] for some in both[k])  # (count,) each
        to_own = float(correlations(image[None], both[k][0].mean(axis=0)[None])[0, 0])
        elsewhere = [value for other, value in to_means.items() if other != k]
        found.append((to_means[k] - float(np.mean(elsewhere)) if elsewhere else math.nan, to_own - to_means[k],
                      float(to_members.max() - to_others.max())))
    return dict(zip(names, map(float, np.mean(found, axis=0)), strict=True)) if found else dict.fromkeys(names, math.nan)
