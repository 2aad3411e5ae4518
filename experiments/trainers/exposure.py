"""What privacy measures of a model: its answers to every sample, for membership attacks, and reconstructed inputs."""
from typing import Any

import numpy as np

from . import inversion
from .measures import PARTS, Subject, gives

STEPS, SIZE = 30, 0.1  # of both climbs: classes show best while most pixels are grey; later all are black or white
DIRECTIONS, WIDTH = 20, 0.05  # of the black box: 40 queries per image and step
STARTS = 2  # images per class
MEMBER, VALIDATION, OTHER = range(3)  # part a sample is in, as PARTS has them


def log_odds(outputs: np.ndarray) -> np.ndarray:
    """Return log p_k/(1 - p_k) of every class, float64 (N, K), of the softmax of outputs (N, K)."""
    from losses.margins import log_odds_margins

    return np.stack([log_odds_margins(outputs, np.full(len(outputs), k)) for k in range(outputs.shape[1])], axis=1)


def answers(one: Subject) -> dict:
    """Log-odds of every class on every sample, labels and parts, samples sorted by their pixels.

    Parts of another seed are other cuts of one table, so that place i is the same sample in all runs, one's target and the
    others' shadow. Half precision has 3 digits of odds, finer than seeds differ.
    """
    parts = [getattr(one.data, part) for part in PARTS.values()]
    x = np.concatenate([part.x for part in parts])
    order = np.lexsort(x.T)
    odds = log_odds(np.concatenate([one.model.forward(part.x) for part in parts]))
    return {"odds": odds[order].astype(np.float16),
            "labels": np.concatenate([part.y for part in parts])[order].astype(np.int8),
            "parts": np.repeat(np.arange(len(parts), dtype=np.int8), list(map(len, parts)))[order]}


@gives(*(f"{box}_{what}" for box in ("white", "black") for what in ("class", "mean", "nearest")))
def reconstruction(one: Subject) -> dict:
    """What climbs for each class show, from grey with a little noise: `inversion.likeness` of both boxes.

    "white_images" and "black_images" (K, D) are those of one start; "member_images" and "other_images" class means.
    """
    both = inversion.sides(*((part.x, part.y) for part in (one.data.train, one.data.test)))
    classes, inputs = len(one.data.classes), one.data.train.x.shape[1]
    y = np.tile(np.arange(classes), STARTS)  # (M,)
    rng = np.random.default_rng(0)
    start = 0.5 + 0.05 * rng.standard_normal((len(y), inputs))
    ways = {"white": inversion.white_box(one.model, y),
            "black": inversion.black_box(one.model.forward, y, DIRECTIONS, WIDTH, rng)}
    found: dict[str, Any] = {}
    for box, gradient in ways.items():
        images = inversion.climb(gradient, start, STEPS, SIZE)
        found |= {f"{box}_{what}": value for what, value in inversion.likeness(images, y, both).items()}
        found[f"{box}_images"] = images[:classes].astype(np.float32)
    empty = np.full((1, inputs), np.nan)
    for place, side in enumerate(("member", "other")):
        found[f"{side}_images"] = np.stack([both.get(k, (empty, empty))[place].mean(axis=0) for k in range(classes)]
                                           ).astype(np.float32)
    return found
