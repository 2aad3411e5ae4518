"""Compare criteria on the same recorded runs, in Prechelt's terms: how much slower, how much better?"""
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Criterion
from .checks import finite_number
from .keywords import explains_arguments
from .replay import History, column, is_history, replay
from .tables import aligned


@explains_arguments()
@dataclass(frozen=True)
class Comparison:
    """What `compare` returns; `print` it, or read `rows`.

    Attributes
    ----------
    rows : list of dict
        One for each criterion, in the order given. ``criterion``: its expression; ``runs``: how many; ``never``: in how many
        of them it never fired; ``stop``: mean check of the stop; ``slowness``; ``cost`` in percent; ``good``: a share.
    metric : str
        What solutions were judged by.
    within : float
        How near to the best of the run is good.
    """

    rows: list[dict[str, Any]]
    metric: str
    within: float

    def __str__(self) -> str:
        return (f"{aligned(self.rows)}\n"
                f"slowness: stop / fastest stop of the run; cost: % of {self.metric} above the run's lowest; "
                f"good: share of runs within {100 * self.within:g} %")


@explains_arguments()
def compare(criteria: Iterable[Criterion], histories: Iterable[History], *, metric: str | None = None,
            within: float = 0.01) -> Comparison:
    """Return how slow and how good each criterion is on recorded runs.

    The *solution* of a criterion in a run is the network it would return: the one of its best check up to the stop, or
    of the stop if it knows no best. One that never fires runs to the end of the record.

    Parameters
    ----------
    criteria : sequence of Criterion
    histories : sequence of mappings of str to array_like, (C,)
        As for `replay`, recorded beyond the stop of any criterion: what never fired is not known to be slow.
    metric : str, optional
        Lower is better, never negative. None: ``"test_loss"`` if all runs have it, else ``"val_loss"``, which flatters
        criteria that choose by it.
    within : float
        A solution is good if its metric is at most ``(1 + within)`` times the lowest of the run.

    Returns
    -------
    Comparison
        Means over the runs. *Slowness*: stop over the earliest stop of all these criteria in the same run, 1 for the
        fastest; in epochs where they are on record and positive, else in checks; a lower bound where a run ended first.
        *Cost*: ``100 (metric of the solution / lowest of the run - 1)`` percent, the lowest over the whole record; infinite
        if the solution's value is not finite, or not 0 where the lowest is 0. *Good*: the share of runs with a good one.

    Raises
    ------
    TypeError
        If `criteria` or `histories` is not a sequence of such.
    ValueError
        If one is empty, or a metric is missing, negative, nowhere finite, or not recorded once per check; if `within` is no
        number of at least 0.

    Notes
    -----
    Prechelt measures a criterion's slowness relative to another criterion on the same run; the other is the fastest here.

    References
    ----------
    L. Prechelt, "Automatic early stopping using cross validation: quantifying the criteria", Neural Networks 11 (1998).

    Examples
    --------
    >>> from stopping import GL, Patience
    >>> run = {"val_loss": [4.0, 2.0, 2.2, 1.0, 1.1, 1.2, 1.3, 1.4]}
    >>> [row["slowness"] for row in compare([GL(5), Patience(2)], [run]).rows]
    [1.0, 2.0]
    """
    criteria = _several("criteria", criteria, lambda value: isinstance(value, Criterion), "[GL(5), Patience(10)]")
    histories = _several("histories", histories, is_history, "[history]")
    within = finite_number("within", within, least=0)
    if metric is None:
        metric = "test_loss" if all("test_loss" in history for history in histories) else "val_loss"
    runs = [_run(criteria, history, metric, f"histories[{i}]") for i, history in enumerate(histories)]
    rows = [_row(criterion, [run[j] for run in runs], within) for j, criterion in enumerate(criteria)]
    return Comparison(rows, metric, within)


def _short(value: object) -> str:
    """Return a value on one line; a table by its type."""
    text = repr(value)
    return text if "\n" not in text else f"a {type(value).__name__}"


def _several(name: str, values: object, fits: Callable[[object], bool], example: str) -> list[Any]:
    if isinstance(values, str | Criterion) or is_history(values) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name}: got {_short(values)}, accepted: a sequence, like {example}")
    values = list(values)
    for value in values:
        if not fits(value):
            raise TypeError(f"{name}: got {_short(value)} in it, accepted: a sequence, like {example}")
    if not values:
        raise ValueError(f"{name}: got none, accepted: a sequence of at least one, like {example}")
    return values


def _run(criteria: list[Criterion], history: History, metric: str, where: str) -> list[tuple[int, bool, float, float]]:
    """Return (check of the stop, fired, slowness, cost) of each criterion in one run."""
    try:
        values, decisions = _judged_values(history, metric), [replay(criterion, history) for criterion in criteria]
        for decision in decisions:
            if decision.checks != len(values):
                raise ValueError(f"{metric!r}: got {len(values)} entries, accepted: {decision.checks}, one for each check")
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    stops = [decision.stopped_step or decision.checks for decision in decisions]
    times = _times(stops, history)
    solutions = [decision.best_step or stop for decision, stop in zip(decisions, stops, strict=True)]
    lowest = float(np.min(values[np.isfinite(values)]))
    return [(stop, decision.stopped_step is not None, time / min(times), _cost(float(values[solution - 1]), lowest))
            for stop, decision, time, solution in zip(stops, decisions, times, solutions, strict=True)]


def _judged_values(history: History, metric: str) -> NDArray:
    if metric not in history:
        raise ValueError(f"metric: got {metric!r}, accepted: one of {', '.join(map(repr, history))}; pass metric=")
    values = np.array(column(metric, history[metric]))  # (C,)
    if not np.isfinite(values).any():
        raise ValueError(f"{metric!r}: got no finite value, accepted: at least one")
    if (values < 0).any():
        raise ValueError(f"{metric!r}: got negative values, accepted: others, of which percentages make sense; pass "
                         "another metric=")
    return values


def _times(stops: list[int], history: History) -> Sequence[float]:
    if "epoch" in history:
        counts = column("epoch", history["epoch"])
        epochs = [counts[stop - 1] for stop in stops]
        if all(0 < epoch < math.inf for epoch in epochs):
            return epochs
    return stops


def _cost(value: float, lowest: float) -> float:
    if not math.isfinite(value):
        return math.inf
    if value == lowest:
        return 0.0
    return 100 * (value - lowest) / lowest if lowest > 0 else math.inf


def _row(criterion: Criterion, outcomes: list[tuple[int, bool, float, float]], within: float) -> dict[str, Any]:
    stops, fired, slowness, costs = zip(*outcomes, strict=True)
    mean = float(np.mean(costs))
    good = sum(cost <= 100 * within for cost in costs) / len(costs)
    return {"criterion": repr(criterion), "runs": len(outcomes), "never": fired.count(False), "stop": float(np.mean(stops)),
            "slowness": float(np.mean(slowness)), "cost": mean, "good": good}
