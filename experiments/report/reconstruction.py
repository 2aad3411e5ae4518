"""What is read off autoencoders that were watched while they trained: does better reconstruction go with better
classification of the code, is a plateau the end, and where would which rule have stopped?
"""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..runs.store import Run
from .measured import Measured, returned_check
from .shares import Share

# What a rule is called and what it is; a check is five epochs by default. The last four need no validation set; evidence is
# derived for the gradients of plain SGD.
RULES = {"Patience 4": "Patience(4)", "Patience 10": "Patience(10)", "Adaptive 10": "AdaptivePatience(10)", "GL 5": "GL(5)",
         "PQ 1": "PQ(1)", "UP 3": "UP(3)", "Correlation": "CorrelationDriven(10, 0.0, 3)",
         "Plateau 2 %": "Plateau(0.02, 4, relative=True)", "Plateau 0.5 %": "Plateau(0.005, 4, relative=True)",
         "Gradient 0.5": "GradientNorm(0.5)", "Evidence": "EvidenceBased()"}
LATE = 0.1  # share of the epochs after which training is late
STUCK = 0.2  # by which validation error still falls after a plateau that was not the end
CALM = 0.02  # a new low of the last quarter that is not below this is none: the run had ended
LEFT = 0.8  # of the training loss of a plateau, below which it has been left
MEAN = 0.9  # of the variance: what a network leaves that reconstructs more than the mean image
FOOLED = 1.25  # times the run's lowest test error: what was returned was not trained to its end


def rank_correlation(a: Any, b: Any) -> float:
    """Spearman's: the correlation of the ranks, ties sharing theirs; NaN where one of the two does not vary."""
    from scipy.stats import rankdata

    x, y = (rankdata(values) - (len(values) + 1) / 2 for values in (a, b))
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale else np.nan


def looks(run: Run, since: float = 0.0) -> np.ndarray:
    """Checks at which a classifier was trained, from `since` epochs on."""
    return np.flatnonzero(np.isfinite(run.curves["accuracy"]) & (run.curves["epoch"] >= since))


def over_time(runs: Measured, share: float = 0.0) -> np.ndarray:
    """Rank correlation (seeds,), within each run, of how well test images are reconstructed with the code's accuracy:
    1 if the code gets better whenever the reconstruction does. `share`: of the epochs, left out at the beginning.
    """
    def one(run: Run) -> float:
        at = looks(run, share * run.curves["epoch"][-1])
        return rank_correlation(-run.curves["test_loss"][at], run.curves["accuracy"][at])
    return np.array([one(run) for run in runs.runs])


def best_look(run: Run) -> int:
    """The look with the lowest validation error."""
    at = looks(run)
    return int(at[np.argmin(run.curves["val_loss"][at])])


def at_best(runs: Measured, curve: str) -> np.ndarray:
    """A curve (seeds,) where validation error is lowest."""
    return np.array([run.curves[curve][best_look(run)] for run in runs.runs])


def over_sizes(runs: Sequence[Measured]) -> np.ndarray:
    """The same correlation (seeds,), within each seed, over networks of different codes where validation error is lowest."""
    losses, accuracies = (np.array([at_best(one, curve) for one in runs]) for curve in ("test_loss", "accuracy"))
    return np.array([rank_correlation(-loss, accuracy) for loss, accuracy in zip(losses.T, accuracies.T, strict=True)])


def since_early(runs: Measured) -> tuple[float, np.ndarray, np.ndarray]:
    """What training brings from the first look that is late (see `LATE`) to where validation error is lowest.

    Returns
    -------
    epoch : float
        Of that look.
    error, points : array (seeds,)
        By how many percent test error falls, and by how many points the accuracy of the code rises.
    """
    epochs, best = runs.runs[0].curves["epoch"], [best_look(run) for run in runs.runs]
    early = looks(runs.runs[0], LATE * epochs[-1])[0]
    loss, accuracy = ([(run.curves[name][early], run.curves[name][at]) for run, at in zip(runs.runs, best, strict=True)]
                      for name in ("test_loss", "accuracy"))
    return (float(epochs[early]), np.array([100 * (1 - after / before) for before, after in loss]),
            np.array([100 * (after - before) for before, after in accuracy]))


# --- plateaus ---

class Moment(NamedTuple):
    """A run where its training loss stands still: whether it is stuck, the gradient's norm, what other rates bring."""

    stuck: bool
    norm: float
    gains: dict[str, float]


def moments(run: Run) -> list[Moment]:
    """The first plateau of a run, which is stuck or the end; and its end, where it is one. See `STUCK` and `CALM`."""
    epochs, val, norms = (run.curves[name] for name in ("epoch", "val_loss", "gradient_norm"))
    found, at = [], run.scalars.get("plateau.epoch", np.nan)

    def moment(name: str, check: int, stuck: bool) -> Moment:
        key = f"{name}.gain "
        return Moment(stuck, float(norms[check]),
                      {one.removeprefix(key): gain for one, gain in run.scalars.items() if one.startswith(key)})
    if not np.isnan(at) and at < epochs[-1]:
        check = int(np.searchsorted(epochs, at))
        found.append(moment("plateau", check, bool(val[check:].min() < (1 - STUCK) * val[check])))
    quarter = int(np.searchsorted(epochs, 0.75 * epochs[-1]))
    if 0 < quarter < len(val) and val[quarter:].min() >= (1 - CALM) * val[:quarter].min():
        found.append(moment("end", len(val) - 1, False))
    return found


class Told(NamedTuple):
    """What the moments of some seeds say. Arrays (seeds,) are means over the moments of a seed, NaN where it has none.

    Attributes
    ----------
    counts, helped : (int, int)
        Of moments that are stuck, and that are the end; and those where a doubled rate does better than going on as before.
    norms : array
        Natural logarithm of the ratio of gradient norms, stuck to end.
    gains : dict of str -> (array, array)
        By factor of the rate: what it brings more than going on as before, in percent of the loss, stuck and at the end.
    """

    counts: tuple[int, int]
    helped: tuple[int, int]
    norms: np.ndarray
    gains: dict[str, tuple[np.ndarray, np.ndarray]]


def told(arms: Sequence[Measured]) -> Told:
    """Collect the moments of all arms, seed by seed."""
    seeds = [[moment for arm in arms for moment in moments(arm.runs[s])] for s in range(len(arms[0].runs))]
    parts = [[[one for one in some if one.stuck is stuck] for some in seeds] for stuck in (True, False)]
    norms = [np.array([_mean([np.log(one.norm) for one in some]) for some in part]) for part in parts]
    factors = sorted({factor for some in seeds for one in some for factor in one.gains} - {"1"}, key=float)

    def more(factor: str, part: list[list[Moment]]) -> np.ndarray:
        return np.array([_mean([100 * (one.gains[factor] - one.gains["1"]) for one in some]) for some in part])

    def helped(part: list[list[Moment]]) -> int:
        return sum(one.gains.get("2", np.nan) > one.gains.get("1", np.nan) for some in part for one in some)
    stuck, end = parts
    return Told((sum(map(len, stuck)), sum(map(len, end))), (helped(stuck), helped(end)), norms[0] - norms[1],
                {factor: (more(factor, stuck), more(factor, end)) for factor in factors})


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else np.nan


def smallest_before(runs: Measured) -> Share:
    """In how many runs that left their first plateau (see `LEFT`) the gradient's norm is, up to there, at least once as
    small as ever after: any threshold that ends such a run ends it before.
    """
    found = []
    for run in runs.runs:
        loss, norms = run.curves["train_loss"], run.curves["gradient_norm"]
        check = int(np.searchsorted(run.curves["epoch"], run.scalars.get("plateau.epoch", np.inf)))
        left = np.flatnonzero(loss[check:] < LEFT * loss[check:check + 1])
        if len(left):
            at = check + int(left[0])
            found.append(norms[:at].min() <= norms[at:].min())
    return Share.of(found)


def points_of_leaving(runs: Measured) -> np.ndarray:
    """By how many points (seeds,) the code is better, when a network reconstructs more than the mean image (see `MEAN`) for
    the first time, than before training; NaN where it never did.
    """
    def one(run: Run) -> float:
        at = looks(run)
        beyond = at[run.curves["test_loss"][at] < MEAN]
        return 100 * float(run.curves["accuracy"][beyond[0]] - run.curves["accuracy"][0]) if len(beyond) else np.nan
    return np.array([one(run) for run in runs.runs])


# --- rules ---

class Outcome(NamedTuple):
    """What a rule would have made of some runs; arrays (seeds,).

    Attributes
    ----------
    stopped : array
        Epochs at which it stops, NaN: never.
    epochs : array
        Of the models that it returns.
    cost : array
        Their test error over the lowest of the run, which nobody knows.
    points : array
        Accuracy of their codes less that where validation error is lowest, in points.
    """

    stopped: np.ndarray
    epochs: np.ndarray
    cost: np.ndarray
    points: np.ndarray

    @property
    def fooled(self) -> Share:
        """In how many runs it stops with what is far from the run's best."""
        return Share.of(~np.isnan(self.stopped) & (self.cost > FOOLED))


def outcome(rule: str, runs: Measured) -> Outcome:
    """Replay a rule on some runs."""
    from stopping import parse, replay

    rows = []
    for run in runs.runs:
        decision = replay(parse(rule), run.curves)
        step = returned_check(decision)
        at = looks(run)
        accuracy = np.interp(run.curves["epoch"][step - 1], run.curves["epoch"][at], run.curves["accuracy"][at])
        rows.append((np.nan if decision.stopped_epoch is None else decision.stopped_epoch, run.curves["epoch"][step - 1],
                     run.curves["test_loss"][step - 1] / run.curves["test_loss"].min(),
                     100 * (accuracy - run.curves["accuracy"][best_look(run)])))
    return Outcome(*np.array(rows).T)
