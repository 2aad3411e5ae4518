"""Two classes that a hyperplane through the origin may separate: sets of known limits, drawn ones, digits 0 against 1."""
from typing import Any, NamedTuple

import numpy as np

from .. import data as datasets
from ..runs.settings import one_of

# Samples z = y·x, all of class 1: mirrored ones are the same condition. Each set is known to the last digit.
FOUR_POINTS = ((1.0, 3.0), (1.0, -2.0), (2.0, 1.0), (3.0, -1.0))  # the first two decide: w = (1, 0), alpha = (.4, .6)
GENERIC = ((1.0, 2.0), (2.0, 0.5), (3.0, 3.0), (4.0, 1.0))  # w = (3/7, 2/7), of the first two; it settles as t^-0.2
FIGURE_1 = ((0.5, 1.5), (1.5, 0.5)) * 2  # Soudry et al., figure 1: w = (.5, .5), with twelve others off the margin
FIXED = {"four_points": FOUR_POINTS, "generic": GENERIC, "figure_1": FIGURE_1}
INPUTS = {**dict.fromkeys(FIXED, 2), "two_gaussians": 10, "digits": 64}
VALIDATION, DIGITS = 1000, 360  # drawn samples; images of a 0 or a 1


class Problem(NamedTuple):
    """What is learnt, x (N, D), y (N,) of {0, 1}, and how that is judged, likewise."""

    x: np.ndarray
    y: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray


def problem(name: str, train: int, seed: int) -> Problem:
    """Return one set.

    Parameters
    ----------
    name : str
        Of `INPUTS`.
    train : int
        Training samples, N: even for "two_gaussians"; ignored for those that are `FIXED`.
    seed : int
        What is drawn, or which digits are trained on.

    Raises
    ------
    ValueError
        For another name, or sizes that do not fit.
    """
    one_of("data", name, INPUTS)
    if name == "digits":
        return _digits(train, seed)
    if name == "two_gaussians":
        drawn = datasets.two_gaussians(train // 2, VALIDATION // 2, 0, noise=0.0, seed=seed)
        # The means are 0 and 1 in every coordinate; half way between them lies the best hyperplane without an offset.
        return Problem(drawn.train.x - 0.5, drawn.train.y, drawn.validation.x - 0.5, drawn.validation.y)
    Z = np.array(FIXED[name])  # (N, 2)
    if name == "figure_1":
        Z = np.vstack([Z, _off_the_margin()])
    wide = np.random.default_rng([seed, 1]).normal(size=(VALIDATION, 2)) * (1.5, 1) + (1.5, 0)
    return Problem(Z, np.ones(len(Z), int), wide, np.ones(VALIDATION, int))


def _off_the_margin() -> np.ndarray:
    """Return twelve samples (12, 2) beyond 1.3 times the margin of figure 1."""
    rng, others = np.random.default_rng(0), list[np.ndarray]()
    while len(others) < 12:
        z = rng.uniform(0, 4, 2)
        if z.sum() / 2 > 1.3:
            others.append(z)
    return np.array(others)


def _digits(train: int, seed: int) -> Problem:
    """Return digits 0 against 1, `train` of them to learn from, all others to judge by."""
    if not 2 <= train < DIGITS:
        raise ValueError(f"train: got {train}, accepted: 2 to {DIGITS - 1} of the {DIGITS} digits 0 and 1")
    parts: Any = datasets.digits(1000, 700, seed=0)
    x, y = (np.concatenate([getattr(part, name) for part in (parts.train, parts.validation, parts.test)]) for name in "xy")
    order = np.random.default_rng([seed, 1]).permutation(np.flatnonzero(y < 2))
    train_rows, rest = order[:train], order[train:]
    return Problem(x[train_rows], y[train_rows], x[rest], y[rest])
