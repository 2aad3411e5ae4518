"""Reconstruction of inputs from a trained classifier: climbs from a start that shows nothing to what the model is sure of.

A climb asks for gradients (white box), or for outputs alone and estimates them (black box). What it shows of a class is one
thing, what it shows of those whom the model was trained on another: both are measured against samples it was not trained on.
"""
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Sides = dict[int, tuple[np.ndarray, np.ndarray]]  # by class: members (n, D), other samples (n, D)


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
    from losses.margins import log_odds_margins

    def odds(x: np.ndarray) -> np.ndarray:
        return log_odds_margins(query(x.reshape(-1, x.shape[-1])), np.tile(y, directions)).reshape(directions, len(y))

    def gradient(x: np.ndarray) -> np.ndarray:
        u = rng.standard_normal((directions, *x.shape))  # (directions, M, D)
        slopes = (odds(x + width * u) - odds(x - width * u)) / (2 * width)  # (directions, M)
        return np.mean(slopes[..., None] * u, axis=0)
    return gradient


# --- what they show ---


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
