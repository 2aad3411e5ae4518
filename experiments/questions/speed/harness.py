"""The arithmetic of a fair race: order of the rounds, medians and quartiles, ratios, validation, verdicts."""
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

TIE = 1.15  # ratios closer to 1 than this are called a tie: it is what repeated runs on a shared machine differ by
TOLERANCE = 1e-4


class WrongCurve(Exception):
    """A contender's losses are not those of the definition, so it does not do the same work."""


def rotation(names: Any, rounds: int) -> list[list]:
    """Order of the contenders in each round: all of them, each round begun by the next one.

    A slow phase of the machine then meets all alike, and nobody always runs after the same neighbour.
    """
    names = list(names)
    return [names[r % len(names):] + names[:r % len(names)] for r in range(rounds)]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of some measurements."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Any) -> "Spread":
        """Summarise values, shape (rounds,); NaN when there are none."""
        values = np.asarray(values, float)
        if not values.size:
            return cls(math.nan, math.nan, math.nan)
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
        return cls(float(median), float(low), float(high))


def ratio(ours: ArrayLike, theirs: ArrayLike) -> Spread:
    """Median and quartiles of ours / theirs, formed round by round: both (rounds,), in seconds."""
    return Spread.of(np.asarray(ours, float) / np.asarray(theirs, float))


def verdict(value: float) -> str:
    """Words for a ratio ours / theirs."""
    if math.isnan(value):
        return "–"
    if 1 / TIE < value < TIE:
        return "tie"
    return f"{1 / value:.3g} x faster" if value < 1 else f"{value:.3g} x slower"


def judged(value: float, most: float) -> str:
    """"met", or by how much a ratio misses its target."""
    if math.isnan(value):
        return "not measured"
    return "met" if value <= most else f"missed by {value / most:.2f} x"


def fastest(medians: dict[str, float]) -> str | None:
    """Name of the smallest median, None when there is none."""
    return min(medians, key=medians.__getitem__) if medians else None


def check_curve(losses: Any, reference: ArrayLike) -> float:
    """Return the largest relative difference between two loss curves of the same shape.

    Raises
    ------
    WrongCurve
        When it exceeds `TOLERANCE`, or the shapes differ, or a loss is not finite.
    """
    losses, reference = np.asarray(losses, float), np.asarray(reference, float)
    if losses.shape != reference.shape:
        raise WrongCurve(f"its loss curve has shape {losses.shape} instead of {reference.shape}")
    worst = float(np.max(np.abs(losses - reference) / np.abs(reference)))
    if not worst <= TOLERANCE:
        raise WrongCurve(f"its losses differ from the definition by {worst:.1e} (at most {TOLERANCE:.0e}): "
                         f"first epoch {np.mean(losses[0]):.6f} instead of {np.mean(reference[0]):.6f}")
    return worst


def exponent(sizes: Any, seconds: Any) -> float:
    """Slope p of the straight line through (log size, log seconds): seconds grow as size ** p. NaN below two points."""
    if len(sizes) < 2:
        return math.nan
    return float(np.polyfit(np.log(np.asarray(sizes, float)), np.log(np.asarray(seconds, float)), 1)[0])
