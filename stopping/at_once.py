"""Where the common rules stop, found in whole columns at once: the answers of `replay`, on logs of a million checks, too.

A rule is defined by what it does check by check, in patience.py and prechelt.py; here is what that comes to over a record,
with the same comparisons and the same arithmetic, so that the answer is the same to the bit. Rules and settings that are not
here are replayed.
"""
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .base import Criterion
from .checks import first_where
from .patience import AdaptivePatience, Patience
from .prechelt import GL, PQ, UP, progress

Columns = Mapping[str, NDArray]


class Found(NamedTuple):
    """What `replay` would say: the first stop and the best check up to it, counted from 1, and the best value."""

    stopped_step: int | None
    best_step: int | None
    best_value: float | None


def found_at_once(criterion: Criterion, columns: Columns) -> Found | None:
    """Return where a rule stops on its columns, each (C,); None where it has to be replayed."""
    stops_of = RULES.get(type(criterion))
    if stops_of is None or not len(columns[criterion.monitor]):  # type: ignore[attr-defined]
        return None
    rule: Any = criterion
    values = columns[rule.monitor]
    improved = _improved(values, getattr(rule, "mode", "min"))
    last = np.maximum.accumulate(np.where(improved, np.arange(1, len(values) + 1), 0))  # (C,) the best check so far, or 0
    with np.errstate(all="ignore"):
        stops = stops_of(rule, columns, last)
    if stops is None:
        return None
    stop = first_where(stops)
    best = int(last[min(stop, len(values) - 1)])
    return Found(stop + 1 if stop < len(values) else None, best or None, float(values[best - 1]) if best else None)


def _improved(values: NDArray, mode: str) -> NDArray:
    """Return (C,) whether a check is finite and strictly better than all finite ones before."""
    known = np.where(np.isfinite(values), values if mode == "min" else -values, np.inf)
    return known < np.r_[np.inf, np.minimum.accumulate(known)[:-1]]


def _patience(rule: Patience, columns: Columns, last: NDArray) -> NDArray | None:
    if rule.min_delta or rule.relative or rule.baseline is not None:
        return None
    return np.arange(1, len(last) + 1) - np.maximum(last, rule.warmup) >= rule.patience


def _adaptive(rule: AdaptivePatience, columns: Columns, last: NDArray) -> NDArray | None:
    if rule.threshold < 1:
        return None
    extended = np.maximum(rule.factor * last, last + rule.minimum)
    return np.arange(1, len(last) + 1) >= np.maximum(rule.initial, extended)


def _gl(rule: GL, columns: Columns, last: NDArray) -> NDArray | None:
    losses = _losses(rule, columns, last)
    return None if losses is None else losses > rule.alpha


def _pq(rule: PQ, columns: Columns, last: NDArray) -> NDArray | None:
    losses, train = _losses(rule, columns, last), columns[rule.train]
    if losses is None or (train < 0).any():
        return None
    ends = np.arange(rule.strip - 1, len(last), rule.strip)
    stops = np.zeros(len(last), dtype=bool)
    for end in ends[losses[ends] > 0].tolist():  # without a loss there is no quotient above alpha
        part = progress(train[end + 1 - rule.strip:end + 1].tolist())
        stops[end] = losses[end] / part > rule.alpha  # infinite where there was no progress
        if stops[end]:
            break
    return stops


def _losses(rule: GL, columns: Columns, last: NDArray) -> NDArray | None:
    """Return GL(t) of each check; None for errors that are negative, which raise, and for the fallback."""
    values = columns[rule.monitor]
    if rule.min_progress is not None or rule.max_checks is not None or (values < 0).any():
        return None
    best = np.where(last > 0, values[last - 1], np.nan)  # (C,) E_opt
    excess = values - best
    losses = 100 * (excess / best)
    losses[excess == 0] = 0
    at_zero = (best == 0) & (excess != 0)
    losses[at_zero] = 100 * (excess[at_zero] * np.inf)
    return losses


def _up(rule: UP, columns: Columns, last: NDArray) -> NDArray | None:
    if rule.min_progress is not None or rule.max_checks is not None:
        return None
    ends = columns[rule.monitor][rule.strip - 1::rule.strip]
    strips = np.arange(len(ends))
    rises = np.r_[False, ends[1:] > ends[:-1]][:len(ends)]
    in_a_row = strips - np.maximum.accumulate(np.where(rises, -1, strips))
    stops = np.zeros(len(last), dtype=bool)
    stops[rule.strip - 1::rule.strip] = in_a_row >= rule.successive
    return stops


RULES: dict[type, Callable[[Any, Columns, NDArray], NDArray | None]] = {
    Patience: _patience, AdaptivePatience: _adaptive, GL: _gl, PQ: _pq, UP: _up}
