"""Input augmentation for `fit(augment=...)`: a callable (x, y, rng) -> (x, y), called once per epoch on the whole set.

The rng is ``np.random.default_rng([seed, epoch, 1])``, so a resumed run draws the same numbers.
"""
from dataclasses import dataclass
from typing import Any

import numpy as np

from losses.checks import class_ids
from losses.keywords import explains_arguments

from ..checks import integer, padded_array, real_number


@explains_arguments()
@dataclass(frozen=True)
class GaussianNoise:
    """Add N(0, deviation²) to every input (Bishop 1995: for small noise, a penalty on the input gradient).

    Parameters
    ----------
    deviation : float >= 0

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """

    deviation: float

    def __post_init__(self) -> None:
        real_number("deviation", self.deviation, low=0)

    def __call__(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return noisy inputs and unchanged targets."""
        x = padded_array("x", x)
        return x + self.deviation * rng.standard_normal(x.shape), y


@explains_arguments()
@dataclass(frozen=True)
class Mixup:
    """Replace each sample by λ times itself plus 1 − λ times another, targets likewise; λ ~ Beta(alpha, alpha).

    Class ids y (N,) become soft targets (N, classes). Weights are not mixed: `fit` gives the mixture the first one's sample
    weight, and the class weights of its soft target. Zhang et al., ICLR 2018 (arXiv 1710.09412).

    Parameters
    ----------
    alpha : float > 0
    classes : int >= 2

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """

    alpha: float
    classes: int

    def __post_init__(self) -> None:
        real_number("alpha", self.alpha, low=0, open_low=True)
        integer("classes", self.classes, low=2)

    def __call__(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return mixed inputs and targets."""
        x, y = padded_array("x", x), padded_array("y", y)
        if x.ndim != 2:
            raise ValueError(f"x: got shape {x.shape}, accepted: (N, D); sequences of different lengths cannot be mixed")
        targets = np.eye(self.classes)[class_ids(y, len(x), self.classes)] if y.ndim == 1 else y
        share = rng.beta(self.alpha, self.alpha, len(x))
        other = rng.permutation(len(x))
        def mix(a: np.ndarray) -> np.ndarray:
            s = share.reshape(-1, *[1] * (a.ndim - 1))
            return s * a + (1 - s) * a[other]
        mixed = mix(targets)
        # float16 stays: the sums of its rows carry its rounding, which a check can know by the dtype alone
        return mix(x), mixed.astype(np.float16) if targets.dtype == np.float16 else mixed


@explains_arguments()
@dataclass(frozen=True)
class RandomShift:
    """Shift images (N, height · width) by up to `pixels` in each direction; what enters at the border is `fill`.

    The dtype of the images stays, unless they are integers that cannot hold `fill`: they become float32 then.

    Parameters
    ----------
    height, width, pixels : int >= 1
    fill : float

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """

    height: int
    width: int
    pixels: int = 1
    fill: float = 0.0

    def __post_init__(self) -> None:
        for name in ("height", "width", "pixels"):
            integer(name, getattr(self, name), low=1)
        real_number("fill", self.fill)

    def __call__(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return shifted images and unchanged targets."""
        x, h, w, p = padded_array("x", x), self.height, self.width, self.pixels
        if x.shape[1:] != (h * w,):
            raise ValueError(f"x: got shape {x.shape}, accepted: (N, {h * w}) for images of {h} x {w}")
        padded = np.full((len(x), h + 2 * p, w + 2 * p), self.fill, _dtype_for(self.fill, x.dtype))
        padded[:, p:p + h, p:p + w] = x.reshape(-1, h, w)
        down, right = rng.integers(0, 2 * p + 1, (2, len(x)))
        rows, columns = down[:, None] + np.arange(h), right[:, None] + np.arange(w)  # (N, h), (N, w)
        return padded[np.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]].reshape(x.shape), y


def _dtype_for(fill: Any, dtype: np.dtype) -> np.dtype:
    """Return `dtype`, or a float one if it is of integers that cannot hold `fill`; ValueError beyond its range."""
    if dtype.kind in "iu" and not (float(fill).is_integer() and np.iinfo(dtype).min <= fill <= np.iinfo(dtype).max):
        return np.result_type(dtype, np.float32)
    if dtype.kind == "b" and fill not in (0, 1):
        return np.dtype(np.float32)
    if dtype.kind == "f" and abs(fill) > float(np.finfo(dtype).max):
        raise ValueError(f"fill: got {fill!r}, accepted: a number that fits into the images' dtype, {dtype}")
    return dtype
