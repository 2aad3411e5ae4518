"""Sinusoid with label noise, the second synthetic problem of the flooding paper: two classes on both sides of a wave.

The label is a function of the input, class 1 where w·x + sin(v·x) > 0, so that flipped labels are all the noise there is.

Three inputs and waves go by this name. All are here, because their results must not be mixed:

"gaussian"
    x ~ N(0, I), w = (1, 1), v = (-1, 1): Holland and Nakatani (SoftAD, NeurIPS 2024), following the flooding paper.
"disc"
    x uniform in the disc of radius 2, w = (1.5, 0), v = (0, 1.5): what the demo of the flooding paper runs.
"wide"
    x ~ N(0, 4 I) in any number of dimensions, w = (1, 0, ...), v = (0, 1, 0, ...): that demo's other generator. There it
    flips a single label by mistake; here it flips the share that is asked for, as in all others.
"""
import numpy as np
from numpy.typing import ArrayLike

from losses import bayes

from .checks import counts
from .labels import flip_labels
from .sets import DataSet, Split

VARIANTS = ("gaussian", "disc", "wide")


def sinusoid(train: int = 100, validation: int = 100, test: int = 20_000, *, variant: str = "gaussian", dimensions: int = 2,
             noise: float = 0.1, seed: int = 0) -> DataSet:
    """Class 1 lies where w·x + sin(v·x) > 0; see the module for the three variants.

    Parameters
    ----------
    train, validation, test : int
        Samples in all (not per class, as in `two_gaussians`): the published protocols count so.
    variant : {"gaussian", "disc", "wide"}
    dimensions : int
        D, the number of inputs; above 2 with "wide" only, where all but the first two are noise.
    noise : float
        Share of labels flipped, exactly int(N * noise) in each part; clean labels are kept beside them.
    seed : int
        Each part has a generator of its own, seeded by (seed, part), so that resizing one leaves the others as they are.

    Returns
    -------
    DataSet
        x is float32 of shape (N, D), y is int64 of shape (N,); both classes are equally likely, but not exactly half each.

    Raises
    ------
    TypeError, ValueError
        When `train` is below 1, `validation` or `test` below 0, `dimensions` below 2, or `noise` or `variant` is not one
        of those accepted.
    """
    counts(1, train=train)
    counts(0, validation=validation, test=test)
    counts(2, dimensions=dimensions)
    if variant not in VARIANTS:
        raise ValueError(f"variant: got {variant!r}, accepted: {', '.join(map(repr, VARIANTS))}")
    if dimensions > 2 and variant != "wide":
        raise ValueError(f"dimensions: got {dimensions!r}, accepted with variant {variant!r}: 2")
    splits = []
    for part, size in enumerate((train, validation, test)):
        rng = np.random.default_rng([seed, part])
        x = _inputs(size, dimensions, variant, rng).astype(np.float32)  # (N, D)
        y = (sinusoid_side(x, variant) > 0).astype(np.int64)  # (N,) of the rounded inputs, those a learner sees
        splits.append(Split(x, flip_labels(y, noise, 2, rng), y))
    train_set, validation_set, test_set = splits
    return DataSet("sinusoid", train_set, validation_set, test_set, classes=("below", "above"),
                   source=f"generated, variant {variant!r}; protocol of Ishida et al. 2020, arXiv 2002.08709",
                   licence="none needed")


def sinusoid_side(x: ArrayLike, variant: str = "gaussian") -> np.ndarray:
    """w·x + sin(v·x), positive in class 1; inputs (N, D) to float64 (N,)."""
    a, b = np.asarray(x, dtype=np.float64).T[:2]  # (N,), (N,)
    if variant == "gaussian":
        return a + b + np.sin(b - a)
    if variant == "disc":
        return 1.5 * a + np.sin(1.5 * b)
    return a + np.sin(b)


def sinusoid_bayes(*, noise: float = 0.1) -> bayes.BayesFigures:
    """Bayes error and Bayes cross-entropy of every variant: see `losses.bayes.flipped_labels`.

    Returns
    -------
    BayesFigures
        Clean error 0, noisy error min(noise, 1 - noise), cross-entropy H(noise).
    """
    return bayes.flipped_labels(noise)


def _inputs(size: int, dimensions: int, variant: str, rng: np.random.Generator) -> np.ndarray:
    """Return inputs (size, dimensions) in float64."""
    if variant == "gaussian":
        return rng.standard_normal((size, 2))
    if variant == "wide":
        return 2 * rng.standard_normal((size, dimensions))
    # Two coordinates of a uniform point on the unit sphere in four dimensions are uniform in the unit disc (Archimedes).
    points = rng.standard_normal((size, 4))
    return 2 * points[:, :2] / np.linalg.norm(points, axis=1, keepdims=True)
