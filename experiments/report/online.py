"""On-line beside batches: the best rate for every number of epochs, and comparisons at equal patterns and at equal time."""
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import plots
from .arms import text
from .compare import BETTER, UNCLEAR, UNKNOWN, WORSE, half_width, mean_and_error, paired
from .measured import Measured
from .tables import number
from .words import counted, depends_on_more, direction, tally

SAMPLES = "test_error"  # by which courses are compared


def at_epoch(runs: Measured, name: str, epoch: Any) -> np.ndarray:
    """A curve (seeds,) of the runs at an epoch, between checks on a straight line; NaN beyond the last one.

    A run that has diverged is wrong on all, else it would be left out and its rate be praised for the others.
    """
    epochs, curves = runs.curves("epoch"), runs.curves(name)
    if name.endswith("_error"):
        curves = np.nan_to_num(curves, nan=1.0)
    return np.array([np.interp(epoch, x, y, right=np.nan) for x, y in zip(epochs, curves, strict=True)])


class Family(NamedTuple):
    """The runs with one batch size, by learning rate."""

    title: str
    hue: str
    rates: Mapping[float, Measured]

    def best(self, epoch: float) -> float:
        """The rate with the lowest mean validation error after so many epochs; a run that diverged counts as all wrong."""
        means = {rate: np.nan_to_num(at_epoch(runs, "val_error", epoch), nan=1.0).mean()
                 for rate, runs in self.rates.items()}
        return min(means, key=lambda rate: means[rate])

    def value(self, epoch: float, name: str = SAMPLES) -> np.ndarray:
        """A curve (seeds,) after so many epochs at the best rate for them."""
        return at_epoch(self.rates[self.best(epoch)], name, epoch)

    def edge(self, epoch: float) -> bool:
        """Whether the best rate is the lowest or the highest that was tried."""
        return self.best(epoch) in (min(self.rates), max(self.rates))

    def tuned(self) -> Measured:
        """The runs at the rate whose lowest validation loss is lowest, which are looked at more closely."""
        lowest = {rate: np.nan_to_num(runs.curves("val_loss"), nan=np.inf).min(axis=1).mean()
                  for rate, runs in self.rates.items()}
        return self.rates[min(lowest, key=lambda rate: lowest[rate])]

    def times(self) -> np.ndarray:
        """How many times as long as on-line an epoch takes (seeds,): of each seed the mean over the rates."""
        return np.mean([runs.values("times_online") for runs in self.rates.values()], axis=0)

    def milliseconds(self) -> np.ndarray:
        """Processor time (seeds,) of an epoch on-line, measured in turn with this family's; mean over the rates."""
        return 1000 * np.mean([runs.values("online_seconds") for runs in self.rates.values()], axis=0)


def verdict_at(online: Family, rival: Family, epoch: float, comparisons: int) -> str:
    """What on-line training is beside a rival at equal pattern presentations."""
    return paired(rival.value(epoch), online.value(epoch), comparisons=comparisons).verdict


def epochs_in_time(rival: Family, epoch: float, comparisons: int) -> tuple[float, float, float]:
    """How many epochs of the rival take as long as `epoch` on-line: mean, and the ends of its interval."""
    ratios = 1 / rival.times()
    mean, error = mean_and_error(ratios)
    half = half_width(error, len(ratios), comparisons)
    return epoch * mean, epoch * (mean - half), epoch * (mean + half)


def verdict_in_time(online: Family, rival: Family, epoch: float, comparisons: int) -> str:
    """The same at equal time: clear only if it is at both ends of the interval of what equal time is."""
    mean, *limits = epochs_in_time(rival, epoch, comparisons)
    if not np.isfinite(limits).all():
        return UNKNOWN
    runs = rival.rates[rival.best(mean)]
    found = {paired(at_epoch(runs, SAMPLES, max(0.0, limit)), online.value(epoch), comparisons=comparisons).verdict
             for limit in limits}
    return found.pop() if len(found) == 1 else UNKNOWN if UNKNOWN in found else UNCLEAR


def opened(patterns: Mapping[str, Sequence[str]], time: Mapping[str, Sequence[str]], seeds: int) -> str:
    """Open the answer to "does on-line training learn faster?".

    Parameters
    ----------
    patterns, time : mapping of str to sequence of str
        Of each rival the verdicts after some epochs, at equal pattern presentations and at equal time.
    seeds : int
    """
    both = [_beside_all(found) for found in (patterns, time)]
    if both[0] == "unknown":
        return depends_on_more(seeds, "seed")
    start = ("Yes" if both == ["yes", "yes"] else "No" if set(both) <= {"no", "unknown"} else
             "It depends on what is kept equal" if {*both} == {"yes", "no"} else
             "It depends on the batches and on how long is trained")

    def said(found: Mapping[str, Sequence[str]]) -> str:
        judged = {name: [one for one in some if one != UNKNOWN] for name, some in found.items()}
        return "; ".join(f"beside {name} {tally(some)} of {len(some)}" if some else f"beside {name} beyond what was trained"
                         for name, some in judged.items())
    return (f"{start}. Test error on-line at equal pattern presentations: {said(patterns)}; at equal processor time, which "
            f"depends on the machine: {said(time)}.").replace(BETTER, "lower").replace(WORSE, "higher")


def _beside_all(found: Mapping[str, Sequence[str]]) -> str:
    """The same as `direction`, of all rivals that can be judged: who is far behind does not answer for the others."""
    ways = {direction(some) for some in found.values()} - {"unknown"}
    return ways.pop() if len(ways) == 1 else "depends" if ways else "unknown"


def rows(online: Family, cases: Sequence[tuple[Family, int]]) -> list[list[str]]:
    """Of a table: test error, %, of rivals after so many epochs, beside on-line at equal patterns and at equal time."""
    found, count = [], 2 * len(cases)
    for rival, epoch in cases:
        mean, low, high = epochs_in_time(rival, epoch, count)
        found.append([
            f"{rival.title}, {counted(epoch, 'epoch')}", number(online.best(epoch), 2), text(100 * online.value(epoch)),
            number(rival.best(epoch), 2), text(100 * rival.value(epoch)), verdict_at(online, rival, epoch, count),
            f"{number(mean)} ({number(low)} to {number(high)})", text(100 * rival.value(mean)),
            verdict_in_time(online, rival, epoch, count)])
    return found


def compared(online: Family, cases: Sequence[tuple[Family, int]], seeds: int) -> str:
    """Open the answer with the verdicts of all cases, at equal patterns and at equal time."""
    found: list[dict[str, list[str]]] = [{}, {}]
    for rival, epoch in cases:
        for some, verdict in zip(found, (verdict_at, verdict_in_time), strict=True):
            some.setdefault(rival.title, []).append(verdict(online, rival, epoch, 2 * len(cases)))
    patterns, time = found
    return opened(patterns, time, seeds)


def course_panel(families: Sequence[Family], epochs: np.ndarray, timed: bool, axis: Any) -> None:
    """Test error of every family, at its best rate for each number of epochs, over epochs or processor time (on-line's
    milliseconds; the first family is on-line).
    """
    for one in families:
        x = families[0].milliseconds().mean() * one.times().mean() * epochs if timed else epochs
        plots.curve(axis, x, 100 * np.array([one.value(epoch) for epoch in epochs]).T, one.title, hue=one.hue, split="")
    axis.set_xlabel("processor time, ms (log)" if timed else "presentations of every pattern (log)")
    plots.log(axis, "x")
