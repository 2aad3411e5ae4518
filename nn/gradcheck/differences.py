"""Derivatives of f along a direction by the complex step and by central differences, and how far they can be trusted."""
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..checks import refuse_objects

EPS = float(np.finfo(np.float64).eps)
ONE_SIDED = 1e-3  # one-sided slopes that differ by more than this share of their size betray a kink between them
ASIDE = 1e-8  # so far to both sides of an entry the complex step looks for a kink
ARRAY = ("f: got an array of shape {}, accepted: one number for each theta. For several outputs check their sum with random "
         "weights R, f = lambda theta: np.sum(R * outputs(theta)), whose gradient is what backward makes of the upstream "
         "gradient R; check_backward does that")


class Probe:
    """Evaluates f and its branches at theta moved along a direction of one array."""

    def __init__(self, f: Callable[[Any], Any], thetas: Mapping[str, np.ndarray], single: bool, h: float,
                 kinks: Callable[[Any], Mapping[str, Any]] | None, seed: int) -> None:
        self.f, self.thetas, self.single, self.h, self.kinks = f, thetas, single, h, kinks
        self._seed = seed
        self._here: float | None = None

    def _moved(self, name: str, offset: np.ndarray) -> Any:
        moved = {key: array.astype(np.result_type(array, offset), copy=True) for key, array in self.thetas.items()}
        moved[name] += offset
        return moved["theta"] if self.single else moved

    def _value(self, theta: Any) -> Any:
        """Return f(theta), a number; TypeError or ValueError for anything else."""
        made = self.f(theta)
        value = np.asarray(made)
        if np.ma.is_masked(made):
            raise TypeError("f: got a masked value, accepted: one number for each theta; what a mask hides is no number")
        if value.dtype.kind not in "biufc":
            raise TypeError(f"f: got a value of type {value.dtype}, accepted: one number for each theta")
        if value.size != 1:
            raise TypeError(ARRAY.format(value.shape))
        if not np.isfinite(value).all():
            raise ValueError(f"f: got {value.item()} near theta, accepted: a finite number")
        return value.item()

    def _real(self, theta: Any) -> float:
        value = self._value(theta)
        if isinstance(value, complex):
            raise TypeError(f"f: got {value!r} for real theta, accepted: a real number")
        return float(value)

    def complex_step(self, name: str, direction: np.ndarray,
                     perturbed: Mapping[str, np.ndarray] | None = None) -> float:
        """Return Im f(theta + ih·direction) / h; of theta itself, or with its arrays multiplied by those of `perturbed`."""
        moved = self._moved(name, 1j * self.h * direction)
        for key, factor in (perturbed or {}).items():
            array = moved if self.single else moved[key]
            array *= factor
        value = self._value(moved)
        if not isinstance(value, complex):
            raise TypeError("f: got a real value for complex theta, accepted: f in complex-safe arithmetic; "
                            "use method='central' for any other")
        return value.imag / self.h

    def complex_kink(self, name: str, direction: np.ndarray) -> str | None:
        """Return which of the caller's kinks theta lies at, or None."""
        if self.kinks is None:
            return None
        aside = ASIDE * direction * np.maximum(1, np.abs(self.thetas[name]))
        return changed_branch(self.kinks(self._moved(name, aside)), self.kinks(self._moved(name, -aside)))

    def complex_noise(self, name: str, direction: np.ndarray, slope: float) -> float:
        """Return how far the slope moves when theta does by a few roundings: what is left open where terms cancel."""
        rng, noise = np.random.default_rng(self._seed), 0.0
        for _ in range(3):
            factors = {key: 1 + 2 * EPS * rng.choice([-1, 1], array.shape) for key, array in self.thetas.items()}
            noise = max(noise, 8 * abs(self.complex_step(name, direction, factors) - slope))
        return noise

    def central(self, name: str, direction: np.ndarray, analytic: float) -> tuple[float, float, str | None]:
        """Return (slope, what rounding leaves open in it, name of the kink in between or None).

        Only whether to look twice depends on the analytic value, never what is then seen.
        """
        h = self.h
        above, below = self._moved(name, h * direction), self._moved(name, -h * direction)
        sides = [] if self.kinks is None else self._copies(above, below)  # f may write to its argument
        f_above, f_below = self._real(above), self._real(below)
        slope = (f_above - f_below) / (2 * h)
        bound = 8 * EPS * max(abs(f_above), abs(f_below)) / h
        doubtful = abs(analytic - slope) > max(1e-8 * abs(slope), bound)
        if self.kinks is not None:
            kink = changed_branch(self.kinks(sides[0]), self.kinks(sides[1]))
            if kink is not None or not doubtful:
                return slope, bound, kink
        if self._bends(name, direction, f_above, f_below, 0.0 if doubtful else ONE_SIDED * abs(slope)):
            return slope, bound, "one-sided slopes differ"
        if doubtful:
            bound = max([bound] + [4 * abs(self._slope(name, share * h * direction, share * h) - slope)
                                   for share in (0.5, 0.7)])
        return slope, bound, None

    @staticmethod
    def _copies(*thetas: Any) -> list[Any]:
        return [{key: array.copy() for key, array in theta.items()} if isinstance(theta, dict) else theta.copy()
                for theta in thetas]

    def _slope(self, name: str, offset: np.ndarray, h: float) -> float:
        return (self._real(self._moved(name, offset)) - self._real(self._moved(name, -offset))) / (2 * h)

    def _bends(self, name: str, direction: np.ndarray, f_above: float, f_below: float, allowed: float) -> bool:
        """Return whether the slopes to the two sides differ by more than `allowed`, as at a kink."""
        if self._here is None:
            self._here = self._real(self._moved(name, 0.0 * direction))
        h, f_here = self.h, self._here
        bend = abs(f_above - 2 * f_here + f_below) / h  # difference of the one-sided slopes
        if bend <= allowed + 64 * EPS * abs(f_here) / h:
            return False
        # Curvature bends too, which shows where the slope is nearly 0; but its bend grows with the step, a kink's does not.
        far = 10 * h * direction
        f_above, f_below = self._real(self._moved(name, far)), self._real(self._moved(name, -far))
        return abs(f_above - 2 * f_here + f_below) / (10 * h) < 5 * bend


def changed_branch(above: Mapping[str, Any], below: Mapping[str, Any]) -> str | None:
    """Return the name and place of the first branch that differs between two answers of `kinks`, or None."""
    for name in above:
        for branches in (above[name], below[name]):
            refuse_objects(f"kinks {name}", branches, np.asarray(branches))
        changed = np.argwhere(np.asarray(above[name]) != np.asarray(below[name]))
        if len(changed):
            return f"{name} at {tuple(map(int, changed[0]))} changes branch"
    return None
