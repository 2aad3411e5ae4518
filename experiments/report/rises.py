"""Temporary rises of what is watched during training, and rules that stop in them.

A *temporary rise* of a measure is a stretch of epochs that are not below the lowest value before, and that must be passed:
later the measure falls by more than `GAIN` below that value. A rule that waits for a rise stops *in a temporary one* if that
is so of what it watches, and *too early* if it is so of the test loss.
"""
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arms import text
from .compare import UNCLEAR, UNKNOWN, WORSE, paired
from .measured import Measured, returned_check
from .shares import Share
from .words import listed, unjudged

GAIN = 0.01


def ends(runs: Measured, name: str) -> np.ndarray:
    """A curve (seeds, epochs) at the ends of epochs 1, 2, …"""
    epochs = runs.curves("epoch")[0]
    return runs.curves(name)[:, (epochs > 0) & (epochs == np.round(epochs))]


class Rise(NamedTuple):
    """A temporary rise: its length in epochs, and its height above the lowest value before, as a share of that."""

    length: int
    height: float


def rises(values: Any) -> list[Rise]:
    """The temporary rises of a curve (epochs,) that never is negative."""
    found, best, since = [], 0, np.asarray(values, dtype=float)
    for now in range(1, len(since)):
        if since[now] >= since[best] or np.isnan(since[now]):
            continue
        if now > best + 1 and np.nanmin(since[now:]) < (1 - GAIN) * since[best]:
            found.append(Rise(now - best - 1, float(np.nanmax(since[best + 1:now]) / since[best] - 1)))
        best = now
    return found


def worst_rises(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each curve (seeds, epochs): how many temporary rises, the longest in epochs, the highest in percent; 0: none."""
    each = [rises(curve) for curve in curves]
    return (np.array([len(some) for some in each], dtype=float),
            np.array([max((rise.length for rise in some), default=0) for some in each], dtype=float),
            np.array([100 * max((rise.height for rise in some), default=0.0) for some in each]))


class Stops(NamedTuple):
    """What a rule did in the runs of some seeds; arrays (seeds,). Errors in percent, losses in nats."""

    epoch: np.ndarray
    fired: np.ndarray
    deceived: np.ndarray
    early: np.ndarray
    test_loss: np.ndarray
    test_error: np.ndarray
    excess: np.ndarray

    @property
    def in_rise(self) -> Share:
        """In how many runs it stopped in a temporary rise of what it watches."""
        return Share.of(self.deceived)

    @property
    def too_early(self) -> Share:
        """In how many runs it stopped too early for the test loss."""
        return Share.of(self.early)


def falls_on(values: np.ndarray, stop: int) -> bool:
    """Whether a curve (epochs,) falls, after so many, by more than `GAIN` below its lowest value up to there."""
    return stop < len(values) and bool(np.nanmin(values[stop:]) < (1 - GAIN) * np.nanmin(values[:stop]))


def stops(decide: Callable[[Mapping], Any], monitor: str, runs: Measured) -> Stops:
    """Ask a criterion, at every end of an epoch, where it stops the runs, and what it then returns.

    Parameters
    ----------
    decide : callable(history) -> stopping.StopDecision
        Its `replay`.
    monitor : str
        What it watches.
    runs : Measured
    """
    names = [name for name in runs.runs[0].curves if name not in ("epoch", "update")]
    curves, rows = {name: ends(runs, name) for name in names}, []
    for seed, loss in enumerate(curves["test_loss"]):
        decision = decide({name: values[seed] for name, values in curves.items()})
        stop = decision.stopped_step or decision.checks
        taken = returned_check(decision) - 1
        deceived = decision.best_step is not None and falls_on(curves[monitor][seed], stop)
        rows.append((stop, decision.stopped_step is not None, deceived, falls_on(loss, stop), loss[taken],
                     100 * curves["test_error"][seed][taken], 100 * (loss[taken] / np.nanmin(loss) - 1)))
    return Stops(*(np.array(column) for column in zip(*rows, strict=True)))


def best_of(found: Mapping[str, Stops], rules: Iterable[str]) -> str:
    """The rule that returns the lowest mean test loss; of several with the same one, the one that stops first."""
    return min(rules, key=lambda rule: (round(found[rule].test_loss.mean(), 9), found[rule].epoch.mean()))


def beside(found: Mapping[str, Stops], best: str) -> dict[str, str]:
    """What every other rule is beside the best, by the test loss that it returns (all intervals at once)."""
    return {rule: paired(found[best].test_loss, one.test_loss, comparisons=len(found) - 1).verdict
            for rule, one in found.items() if rule != best}


def advice(found: Mapping[str, Stops], free: Sequence[str]) -> str:
    """Say which rule returns the best networks, which others do not do clearly worse, and which are deceived by rises.

    Parameters
    ----------
    found : mapping of str to Stops
    free : sequence of str
        Rules that need no validation samples.
    """
    def told(rule: str) -> str:
        return f"{rule} ({text(found[rule].excess)} %, epoch {text(found[rule].epoch)})"
    best = best_of(found, found)
    verdicts = beside(found, best)
    alike = [rule for rule, verdict in verdicts.items() if verdict in (UNCLEAR, UNKNOWN)]
    ours = best_of(found, free)
    said = [f"How to stop (in brackets: test loss returned above the lowest, epoch of the stop): by {told(best)}.",
            f"Not clearly worse: {listed([told(rule) for rule in alike] or ['none'])}; clearly worse: "
            f"{listed([told(rule) for rule, verdict in verdicts.items() if verdict == WORSE] or ['none'])}."]
    if unjudged([*verdicts.values()]):
        said[1] = "Which others are worse so few seeds cannot tell."
    if ours != best:
        word = {WORSE: "clearly worse than that", UNCLEAR: "not clearly worse", UNKNOWN: "not to be judged"}[verdicts[ours]]
        noise = "; it is a temporary rise that ends it, which says nothing of new data" * found[ours].in_rise.mostly
        said.append(f"The best without validation samples, {ours}, is {word}{noise}.")
    deceived = [f"{rule} ({one.in_rise})" for rule, one in found.items() if one.in_rise.mostly]
    return " ".join([*said, f"In a temporary rise of what they watch stop, in most runs: {listed(deceived or ['none'])}."])
