"""Ask a criterion where it would have stopped a run that is already recorded."""
import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np

from .base import Criterion
from .checks import refuse_masked
from .combine import leaves
from .keywords import explains_arguments
from .limits import Divergence


class History(Protocol):
    """A recorded run: a mapping of metric names to arrays, or a pandas.DataFrame."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a metric, one entry per check."""

    def __contains__(self, name: object, /) -> bool:
        """Return whether a metric is on record."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the names."""


@explains_arguments()
@dataclass(frozen=True)
class StopDecision:
    """Where a criterion stops a recorded run.

    Attributes
    ----------
    stopped_step : int or None
        The check, counted from 1, at which it stops; None: never.
    stopped_epoch : float or None
        ``history["epoch"]`` there; None: never, or no epochs on record.
    best_step, best_value : int or None, float or None
        The best check up to the stop (up to the end if there is none) and its value; None: the criterion has no best.
    best_epoch : float or None
        ``history["epoch"]`` at the best check.
    checks : int
        Length of the record.
    stopped_update, best_update : float or None
        ``history["update"]`` at the stop and at the best check.
    """

    stopped_step: int | None
    stopped_epoch: float | None
    best_step: int | None
    best_epoch: float | None
    best_value: float | None
    checks: int
    stopped_update: float | None = None
    best_update: float | None = None


@explains_arguments()
def replay(criterion: Criterion, history: History) -> StopDecision:
    """Return where `criterion` would have stopped the run recorded in `history`.

    The answer is that of the live run: the criterion sees the same numbers in the same order, and nothing after its
    stop. It works on a fresh copy; `criterion` itself, which may be in the middle of a run, is not touched.

    Parameters
    ----------
    criterion : Criterion
        Any criterion or combination.
    history : mapping of str to array_like, (C,), or pandas.DataFrame
        One entry per check for each metric in `criterion.requires`; others are ignored, except for ``"epoch"`` and
        ``"update"``, in which the answer is given as well. Of what `read_csv` returns, checks at which one of these
        metrics was not measured are passed over; steps are counted in all checks nevertheless.

    Returns
    -------
    StopDecision

    Raises
    ------
    TypeError
        If `criterion` is not a criterion or `history` not a mapping.
    ValueError
        If a required metric is missing, is not 1-D and real, or is of another length; if there are no checks at all, or
        those of several members, as in the frame of a fleet; if a metric is NaN at every one of several checks and no
        `Divergence` watches it, for other rules have nothing to go by.

    Examples
    --------
    >>> from stopping import Patience
    >>> decision = replay(Patience(2), {"val_loss": [0.9, 0.7, 0.8, 0.7, 0.1]})
    >>> decision.stopped_step, decision.best_step
    (4, 2)
    """
    if not isinstance(criterion, Criterion):
        raise TypeError(f"criterion: got {criterion!r}, accepted: a stopping criterion, like Patience(10)")
    columns = _columns(criterion, history)
    epochs, updates = columns.get("epoch"), columns.get("update")
    checks = len(next(iter(columns.values())))
    asked = asked_at(criterion, history, checks)
    judge = copy.deepcopy(criterion)
    judge.reset()
    _ask(judge, {name: columns[name] if len(asked) == checks else [columns[name][check] for check in asked]
                 for name in judge.requires}, len(asked))
    stop, best = (None if step is None else asked[step - 1] + 1 for step in (judge.stopped_step, judge.best_step))
    return StopDecision(stop, _at(epochs, stop), best, _at(epochs, best), judge.best_value, checks,
                        _at(updates, stop), _at(updates, best))


def _ask(judge: Criterion, series: Mapping[str, list[float]], checks: int) -> None:
    """Let a criterion see checks up to its stop, each of its metrics as (C,)."""
    update = type(judge).update is not Criterion.update  # somebody's own: it is to be asked
    see = (lambda values: judge.update(**values)) if update else judge._see
    first = judge._quiet({name: np.array(values) for name, values in series.items()}) if _is_ours(judge) else 0
    judge.step = first
    rows = zip(*series.values(), strict=True) if series else itertools.repeat((), checks)
    for row in itertools.islice(rows, first, None):
        if see(dict(zip(series, row, strict=True))):
            break


def _is_ours(criterion: Criterion) -> bool:
    return type(criterion).__module__.partition(".")[0] == __package__


def asked_at(criterion: Criterion, history: History, checks: int) -> Sequence[int]:
    """Return the checks, from 0, at which all was measured that a criterion needs; what `read_csv` returns knows."""
    measured = getattr(history, "measured", {})
    needed = [measured[name] for name in criterion.requires if name in measured] if isinstance(measured, dict) else []
    return np.flatnonzero(np.all(needed, axis=0)).tolist() if needed else range(checks)


def is_history(value: object) -> TypeGuard[History]:
    """Return whether columns can be looked up in `value`: a mapping, or a DataFrame (pandas is not imported for that)."""
    return isinstance(value, Mapping) or (not isinstance(value, type) and getattr(value, "ndim", 0) == 2
                                          and hasattr(value, "keys") and hasattr(value, "columns"))


def _columns(criterion: Criterion, history: History) -> dict[str, list[float]]:
    """Return the columns that matter, as lists of floats of one length."""
    if not is_history(history):
        raise TypeError(f"history: got a {type(history).__name__}, accepted: a mapping of metric names to arrays, or a "
                        "DataFrame")
    criterion._present(history)
    _refuse_several(criterion, history)
    names = dict.fromkeys(criterion.requires)
    names |= dict.fromkeys(name for name in ("epoch", "update") if name in history)
    # A criterion may require nothing; any column tells the number of checks then.
    columns = {name: column(name, history[name]) for name in names or list(history)[:1]}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"history: got metrics of different lengths, {lengths}, accepted: one entry per check in each")
    if not any(lengths.values()):
        raise ValueError("history: got no checks, accepted: at least one")
    _refuse_silent(criterion, columns)
    return columns


def _refuse_several(criterion: Criterion, history: History) -> None:
    """Raise ValueError for a table of several runs below each other, which would be taken for one."""
    members = set(map(str, np.asarray(history["member"]).ravel())) if "member" in history else set()
    if len(members) > 1 and "member" not in criterion.requires:
        raise ValueError(f"history: got the checks of {len(members)} members below each other, accepted: those of one; ask "
                         "each by itself, such as fleet.history(0) or frame[frame.member == 0]")


def _refuse_silent(criterion: Criterion, columns: Mapping[str, list[float]]) -> None:
    """Raise ValueError where a rule watches what is NaN throughout: it would stop for that, or never, and mean nothing.

    A single check may be NaN for what counts changes since the one before; a rule of one's own may read NaN as it likes.
    """
    rules = leaves(criterion)
    told = {rule.monitor for rule in rules if isinstance(rule, Divergence)}  # NaN tells this one something
    for rule in rules:
        if not _is_ours(rule):
            continue
        for name in rule.requires:
            if name not in told and len(columns[name]) > 1 and np.isnan(columns[name]).all():
                raise ValueError(f"history[{name!r}]: got NaN at every check, of which {rule!r} can make nothing, accepted: "
                                 "numbers at some checks (targets that are real numbers have losses and no errors)")


def column(name: str, values: Any) -> list[float]:
    """Return one column of a history as a list of floats; ValueError if it is not a 1-D array of real numbers."""
    refuse_masked(f"history[{name!r}]", values)
    try:
        array = np.asarray(values)  # (C,)
        if array.dtype.kind == "O" and getattr(getattr(values, "dtype", None), "kind", "") in ("f", "i", "u", "b"):
            array = values.to_numpy(dtype=float, na_value=np.nan)  # pandas' own numbers, where some are missing
    except ValueError as error:  # nested lists of unequal length
        raise ValueError(f"history[{name!r}]: got no array ({error}), accepted: a 1-D array of real numbers") from None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "fiub"):
        raise ValueError(f"history[{name!r}]: got {array.ndim}-D of type {array.dtype}, "
                         "accepted: a 1-D array of real numbers")
    return array.astype(float).tolist()


def _at(counts: list[float] | None, step: int | None) -> float | None:
    return None if counts is None or step is None else counts[step - 1]
