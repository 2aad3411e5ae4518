"""What time buys, what is lost with the wrong thing watched: all from the same runs, paired."""
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ...report.compare import judge, mean_and_error
from ...report.ratios import Ratio
from .cases import Results
from .rules import COMPARED, LOSS, PATIENT, PRECHELT

BY_LOSS = [name for name, rule in COMPARED.items() if rule.watches == LOSS]
NOT_GL = [name for name in PRECHELT if not name.startswith("GL")]
FOLD, CLAIMED = 4.0, 0.96  # Prechelt: four times the time for about 4 % less test loss


def slopes(results: Results, loss: str = "", names: Iterable[str] = PRECHELT) -> np.ndarray:
    """By how much the logarithm of the test loss changes per unit of log time among some criteria, (P, R).

    The least-squares line within runs: how soon a run can be stopped at all, and how low it can get, does not count. NaN
    where all stops of a problem and seed coincide.
    """
    x, y = (results.of(values, *names) for values in (results.slowness, results.cost))  # (A, R, names)
    dx, dy = (values - values.mean(axis=2, keepdims=True) for values in (x, y))
    both, square = (results.by_problem(values.sum(axis=2), loss) for values in (dx * dy, dx * dx))
    return both / np.where(square > 0, square, np.nan)


def fourfold(results: Results, loss: str = "", *, problem: str = "", names: Iterable[str] = PRECHELT,
             comparisons: int = 1) -> Ratio:
    """Return by what a fourfold time multiplies the test loss: over problems, or over the seeds of one problem."""
    found = slopes(results, loss, names)
    values = found[results.problems.index(problem)] if problem else [mean_and_error(seeds)[0] for seeds in found]
    return Ratio.of(values, float(np.log(FOLD)), comparisons)


class Beside(NamedTuple):
    """One rule beside another, over seeds: factors of test loss and time, points of test error (R,), and two verdicts."""

    loss: Ratio
    time: Ratio
    points: np.ndarray
    by_loss: str
    by_error: str


def beside(results: Results, rule: str, other: str, comparisons: int = 1, loss: str = "") -> Beside:
    """Compare a rule with another one on the same runs, of one loss or of all."""
    cost, slowness, points = (np.diff(results.by_seed(results.of(values, other, rule), loss))[:, 0]
                              for values in (results.cost, results.slowness, results.points))
    by_loss, by_error = (judge(values, comparisons=comparisons).verdict for values in (cost, points))
    return Beside(Ratio.of(cost), Ratio.of(slowness), points, by_loss, by_error)


def ranked(results: Results, names: list[str], values: np.ndarray, loss: str = "") -> list[str]:
    """Return names of rules by the mean of some values (A, R, J), the lowest first."""
    means = results.by_seed(results.of(values, *names), loss).mean(axis=0)
    return [names[j] for j in np.argsort(means, kind="stable")]


def watched(results: Results) -> dict[str, Beside]:
    """Of every criterion that can watch either: the error watched beside the loss."""
    names = [*PRECHELT, *PATIENT]
    return {name: beside(results, f"{name}, error", name, len(names)) for name in names}

