"""The direction of a linear classifier in two dimensions, recorded from the first update on: it turns to the support vector
machine's.

As in `separable`: full-batch gradient descent on the cross-entropy of two classes that a line through the origin separates.
Theory is about the sum of the losses and its step η: w(t) = w_svm log(ηt) + w̃ + o(1), with z_n·w̃ = -log alpha_n of the
support vectors (Soudry et al., JMLR 2018). What w̃ has across w_svm decides the angle: it falls like 1/log t, or faster where
there is nothing across.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from ..runs.identity import code_version
from ..runs.settings import one_of
from ..runs.store import Run
from .separable_sets import FIXED, problem

TRAINER = __name__
VARIED = ("seed",)
SETS = ("clouds", "figure_1", "four_points")
POINTS = 24  # of the clouds
CLOUDS = 10  # of some draws one in which the difference of the classes' means points far from the machine
UPDATE_SECONDS, FRAME_SECONDS = 1.6e-5, 1e-3  # of one core


@dataclass(frozen=True)
class Turn:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; initial weights.
    data : str
        Of `SETS`.
    updates : int
    frames : int
        At most: at evenly spaced log t, the first before training.
    step : float
        As of `separable.descent`: η in units of 1/β.
    dtype : str
    """

    experiment: str
    seed: int
    data: str
    updates: int = 100_000
    frames: int = 64
    step: float = 1.0
    dtype: str = "float64"

    def __post_init__(self) -> None:
        one_of("data", self.data, SETS)

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "code": code_version(TRAINER)}

    def recorded(self) -> list[int]:
        """Updates after which weights are recorded."""
        spread = np.geomspace(1, self.updates, max(2, self.frames - 1)).round().astype(int)
        return [0, *np.unique(spread).tolist()]


def turn_of(settings: Mapping) -> Turn:
    """Return the run whose `settings` these are."""
    return Turn(**{name: value for name, value in settings.items() if name != "code"})


def recordings() -> list[Turn]:
    """Return what the page shows: a run of each set."""
    return [Turn("turning", 0, data) for data in SETS]


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = turn_of(settings)
    return run.updates * UPDATE_SECONDS + run.frames * FRAME_SECONDS


class Points(NamedTuple):
    """Samples x (N, 2) and labels y (N,) of {0, 1}, which a line through the origin separates."""

    x: np.ndarray
    y: np.ndarray


def points(name: str) -> Points:
    """Return a set; every other sample is shown as one of class 0, mirrored, which is the same condition on w."""
    z = _clouds() if name == "clouds" else problem(name, len(FIXED[name]), 0).x  # (N, 2)
    y = 1 - np.arange(len(z)) // 2 % 2 if name == "figure_1" else 1 - np.arange(len(z)) % 2  # figure 1: as it is drawn there
    return Points(np.where(y[:, None] == 1, z, -z), y)


def _clouds() -> np.ndarray:
    """Return samples (N, 2) of class 1 beyond a line, spread along it, with their middle far to one side."""
    rng, across = np.random.default_rng([CLOUDS, 7]), np.array([np.cos(np.pi / 3), np.sin(np.pi / 3)])
    distance, along = 0.5 + rng.exponential(0.8, POINTS), rng.normal(1.0, 1.1, POINTS)
    return np.outer(distance, across) + np.outer(along, [across[1], -across[0]])


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Curves of the frames: `update`; `train_loss` (mean); `train_error`; `norm`, ‖w‖; `margin`, the
        smallest distance y(w·x)/‖w‖ of a sample from the line, negative on its wrong side; `angle` to the machine, degrees;
        `expected`, what it would be were w = w_svm log(ηt) + w̃ (NaN before log(ηt) is 1, and where w̃ has nothing across
        w_svm). Arrays: `x`, `y`; `w` (frames, 2); `svm.direction` (2,); `svm.support`, numbers of the support vectors.
        Scalars: `eta`; `svm.margin`; `across`, how much w̃ has across w_svm (0: the angle falls faster than 1/log t).
    """
    from nn.processor import one_blas_thread, thread_limit

    with one_blas_thread(), thread_limit(1):
        return [_train(turn_of(run)) for run in runs]


def _train(run: Turn) -> Run:
    from losses import BinaryCrossEntropy
    from losses.margins import hard_margin
    from nn import MLP, SGD, fit

    data = points(run.data)
    svm = hard_margin(data.x, data.y)
    eta = float(run.step * 4 / np.linalg.norm(data.x, 2) ** 2)
    model = MLP((2, 1), bias=False, dtype=run.dtype, seed=run.seed)
    weights = [model.flat.copy()]
    fit(model, data.x, data.y, loss=BinaryCrossEntropy(), optimizer=SGD(eta * len(data.x)), epochs=run.updates,
        batch_size=None, check_every=run.recorded()[1:], seed=run.seed, progress=False,
        on_check=lambda model, row: weights.append(model.flat.copy()))
    w, t = np.array(weights, dtype=float), np.array(run.recorded(), dtype=float)  # (F, 2), (F,)
    return Run(curves={"update": t, **seen(w, data), "angle": angles(w, svm.direction),
                       "expected": expected(t, eta, data, svm)},
               scalars={"eta": eta, "svm.margin": svm.margin, "across": across(rest(data, svm), svm.direction)},
               arrays={"x": data.x, "y": data.y, "w": w, "svm.direction": svm.direction, "svm.support": svm.support})


def seen(w: np.ndarray, data: Points) -> dict[str, np.ndarray]:
    """Return what weights w (F, 2) make of the samples, (F,) each: loss, error, norm and margin, as in `train_fleet`."""
    q = np.where(data.y == 1, 1.0, -1.0) * (w @ data.x.T)  # (F, N)
    norm = np.linalg.norm(w, axis=1)
    return {"train_loss": np.logaddexp(0, -q).mean(axis=1), "train_error": (q <= 0).mean(axis=1), "norm": norm,
            "margin": q.min(axis=1) / norm}


def angles(w: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the angles (F,) between w (F, 2) and a direction of length 1, in degrees; exact where an arc cosine is not."""
    along = w @ direction
    across = np.linalg.norm(w - along[:, None] * direction, axis=1)
    return np.degrees(np.arctan2(across, along))


def rest(data: Points, svm: Any) -> np.ndarray:
    """Return w̃ (2,) of w_svm log(ηt) + w̃: support vectors span the plane."""
    z = (np.where(data.y == 1, 1.0, -1.0)[:, None] * data.x)[svm.support]  # (S, 2)
    return np.linalg.lstsq(z, -np.log(svm.alpha[svm.support]), rcond=None)[0]


def across(w: np.ndarray, direction: np.ndarray) -> float:
    """Return how long the part of w (2,) across a direction of length 1 is; 0 where only rounding leaves any."""
    size = float(np.linalg.norm(w - (w @ direction) * direction))
    return size if size > 1e-9 * np.linalg.norm(w) else 0.0


def expected(t: np.ndarray, eta: float, data: Points, svm: Any) -> np.ndarray:
    """Return the angle (F,) in degrees of w_svm log(ηt) + w̃; NaN where that says nothing."""
    w = rest(data, svm)
    with np.errstate(divide="ignore"):
        clock = np.log(eta * t)
    known = (clock >= 1) & (across(w, svm.direction) > 0)
    return np.where(known, angles(np.where(known, clock, 0)[:, None] * svm.w + w, svm.direction), np.nan)
