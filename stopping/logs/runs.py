"""Rows that belong together: runs, and within a run the rows of one check. All in time linear in the rows."""
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .json_logs import AFTER_TRAINING
from .table import Column, Table


def taken(table: Table, rows: NDArray) -> Table:
    """Return some rows of a table."""
    columns = {name: column if column.problem else Column(column.values[rows], column.measured[rows])
               for name, column in table.columns.items()}
    return replace(table, columns=columns, lines=table.lines[rows], borders=[], notes=list(table.notes))


def any_measured(table: Table, names: Sequence[str]) -> NDArray:
    """Return (R,) whether a row has one of these columns."""
    has = np.zeros(len(table.lines), dtype=bool)
    for name in names:
        if table.columns[name].problem is None:
            has |= table.columns[name].measured
    return has


def split(table: Table, epoch: str | None, step: str | None, metrics: Sequence[str] = ()) -> tuple[list[Table], str]:
    """Return the runs of a file, and in words where the second begins.

    A last row that repeats the `metrics` of an earlier one is a summary (of the best epoch), and left out.

    A run begins where the names stand once more, where the epoch falls or the step falls, and where an epoch repeats in rows
    that nothing else counts, unless every epoch does: those are checks within epochs.
    """
    rows = len(table.lines)
    starts = dict.fromkeys(table.borders, "the names of the columns stand once more")
    of_row = None if epoch is None or table.columns[epoch].problem else table.columns[epoch].values
    for name in filter(None, (epoch, step)):
        values, at = _known(table, name)
        for fall in np.flatnonzero(np.diff(values) < 0):
            rises = name == step and of_row is not None and of_row[at[fall + 1]] > of_row[at[fall]]
            jitters = name == step and of_row is not None and 2 * values[fall + 1] > values[fall]
            if rises or jitters:  # mmcv counts iterations within an epoch; loggers that write by turns may differ by a step
                continue
            starts.setdefault(int(at[fall + 1]), f"{name!r} falls from {values[fall]:.15g} to {values[fall + 1]:.15g}")
    if epoch is not None and step is None and _whole_rows(table):
        values, at = _known(table, epoch)
        repeats = np.flatnonzero(np.diff(values) == 0)
        _, often = np.unique(values, return_counts=True)
        if len(repeats) and not (len(often) > 1 and often.min() > 1):
            for repeat in repeats:
                starts.setdefault(int(at[repeat + 1]), f"{epoch!r} repeats {values[repeat]:.15g}")
    starts = {row: why for row, why in sorted(starts.items()) if 0 < row < rows}
    if rows - 1 in starts and _is_summary(table, metrics):
        del starts[rows - 1]
        table = taken(table, np.arange(rows - 1))
        table.notes.append("the last line repeats an earlier one: a summary, not counted as a check")
        rows -= 1
    edges = [0, *starts, rows]
    runs = [taken(table, np.arange(a, b)) for a, b in pairwise(edges)]
    why = next((f"{table.place} {table.lines[row]}: {words}" for row, words in starts.items()), "")
    return runs, why


def _is_summary(table: Table, metrics: Sequence[str]) -> bool:
    given = [column for name in metrics if (column := table.columns[name]).problem is None and column.measured[-1]]
    return bool(given) and bool(np.all([column.values[:-1] == column.values[-1] for column in given], axis=0).any())


def _known(table: Table, name: str) -> tuple[NDArray, NDArray]:
    column = table.columns[name]
    at = np.flatnonzero(column.measured & ~np.isnan(column.values)) if column.problem is None else np.zeros(0, dtype=int)
    return column.values[at], at


def rising(table: Table, count: str | None) -> Table:
    """Return a table from the first epoch to the last, where the file has the last one first."""
    if count is None:
        return table
    values, _ = _known(table, count)
    if len(values) < 3 or len(values) < len(table.lines) or not (np.diff(values) < 0).all():
        return table
    turned = taken(table, np.arange(len(table.lines))[::-1])
    turned.notes.append(f"{count!r} falls from line to line: read from the last line to the first")
    return turned


def without_uncounted(table: Table, epoch: str | None) -> Table:
    """Return a table of whole rows without those that lack the epoch which the others have."""
    if epoch is None or table.columns[epoch].measured.all() or not table.columns[epoch].measured.any():
        return table
    missing = ~table.columns[epoch].measured
    kept = taken(table, np.flatnonzero(~missing))
    kept.notes.append(_no_checks(table.lines[missing], table.place, "without an epoch"))
    return kept


def _whole_rows(table: Table) -> bool:
    """Return whether rows stand for themselves: most columns are measured in most rows."""
    known = [column.measured.mean() for column in table.columns.values() if column.problem is None]
    return float(np.median(known)) > 0.5


def without_the_end(table: Table, train: Sequence[str], val: Sequence[str], test: Sequence[str]) -> Table:
    """Return a table without the rows of tests, and without a summary and what was measured after it; a note says which."""
    keep = np.ones(len(table.lines), dtype=bool)
    summary = table.columns.get(AFTER_TRAINING)
    if summary is not None and summary.problem is None and summary.measured.any():
        step = next((table.columns[name] for name in ("step", "epoch") if name in table.columns), None)
        at = int(np.flatnonzero(summary.measured)[0])
        keep[at] = False
        if step is not None and step.problem is None:
            after = np.arange(len(keep)) > at
            keep &= ~(after & ~(step.values > step.values[at])) & ~summary.measured
    if test and (train or val):
        trained = any_measured(table, [*train, *val])
        tested = any_measured(table, test) & ~trained
        end = int(np.flatnonzero(trained)[-1]) if trained.any() else -1
        if not tested[:end + 1].any():  # else it is tested all along, in rows of their own
            keep &= ~tested
    if keep.all() or not keep.any():
        return table
    dropped = table.lines[~keep]
    kept = taken(table, np.flatnonzero(keep))
    kept.borders = [int(np.count_nonzero(keep[:row])) for row in table.borders]
    kept.notes.append(_no_checks(dropped, table.place, "of a test or a summary"))
    return kept


def _no_checks(lines: NDArray, place: str, which: str) -> str:
    if len(lines) == 1:
        return f"{place} {lines[0]} is one {which}: not counted as a check"
    return f"{len(lines)} {place}s {which}, the first of them {place} {lines[0]}: not counted as checks"


def merged(table: Table, epoch: str | None, step: str | None, train: Sequence[str], val: Sequence[str]) -> Table:
    """Return one row per check of a log whose rows hold parts of a check, with the last entry of each column.

    With validation every validation is a check: it takes the rows since the one before, and those behind it that have
    its step, or its epoch where no further validation follows in it. Without, every epoch is a check, or every step.
    """
    counts = [table.columns[name].values for name in (epoch, step) if name is not None]
    of_row = counts[0] if counts else np.arange(len(table.lines), dtype=float)
    is_check = any_measured(table, val)
    if not is_check.any():
        rows = np.flatnonzero(~np.isnan(of_row))
        counted = taken(table, rows)
        new = np.r_[True, np.diff(of_row[rows]) != 0] if len(rows) else np.zeros(0, dtype=bool)
        return _last_entries(counted, np.cumsum(new) - 1)
    is_check &= ~_continued(table, counts, is_check, val)
    segment = np.cumsum(is_check) - is_check  # rows up to a validation are of its check
    number = np.cumsum(is_check) - 1          # of the last validation so far
    same = np.zeros(len(is_check), dtype=bool)
    before = np.maximum.accumulate(np.where(is_check, np.arange(len(is_check)), -1))
    behind = (before >= 0) & ~is_check
    if step is not None:
        of_step = table.columns[step].values
        same |= behind & (of_step == of_step[before]) & ((of_row == of_row[before]) if epoch is not None else True)
    if epoch is not None:
        last_check_of_epoch = np.r_[np.diff(of_row[is_check]) != 0, True]
        same |= behind & (of_row == of_row[before]) & last_check_of_epoch[np.maximum(number, 0)]
    segment = np.where(same, number, segment)
    if epoch is not None:
        segment = np.where(np.isnan(of_row), -1, segment)  # Lightning's learning rates stand without an epoch
        # An entry counts for the check of its own epoch alone, where epochs are whole numbers.
        at = of_row[is_check]
        known = of_row[~np.isnan(of_row)]
        if (known == np.floor(known)).all() and not np.isnan(at).any():
            own = np.r_[at, np.nan][np.clip(segment, -1, len(at))]
            segment = np.where(own == of_row, segment, -1)
    inside = np.flatnonzero((segment >= 0) & (segment < is_check.sum()))
    order = inside[np.argsort(segment[inside], kind="stable")]
    found = _last_entries(taken(table, order), segment[order])
    return _without_late_validation(found, epoch, step, train)


def _continued(table: Table, counts: list[NDArray], is_check: NDArray, val: Sequence[str]) -> NDArray:
    """Return (R,) where a row goes on with the validation of the row before: the same counts, other columns."""
    rows = np.flatnonzero(is_check)
    goes_on = np.zeros(len(is_check), dtype=bool)
    if not counts or len(rows) < 2:
        return goes_on
    same = np.all([values[rows[1:]] == values[rows[:-1]] for values in counts], axis=0)
    used = np.stack([table.columns[name].measured for name in val if table.columns[name].problem is None])[:, rows]
    goes_on[rows[:-1]] = same & ~(used[:, 1:] & used[:, :-1]).any(axis=0)  # the last row of a validation is its check
    return goes_on


def _last_entries(table: Table, segment: NDArray) -> Table:
    """Return one row per segment (they ascend), with the last measured entry of each column."""
    total = int(segment[-1]) + 1 if len(segment) else 0
    columns = {}
    for name, column in table.columns.items():
        if column.problem is not None:
            columns[name] = column
            continue
        at = np.flatnonzero(column.measured)
        last = at[np.r_[np.diff(segment[at]) != 0, True]] if len(at) else at
        values, measured = np.full(total, np.nan), np.zeros(total, dtype=bool)
        values[segment[last]], measured[segment[last]] = column.values[last], True
        columns[name] = Column(values, measured)
    ends = np.flatnonzero(np.r_[np.diff(segment) != 0, True]) if len(segment) else segment
    return replace(table, columns=columns, lines=table.lines[ends])


def _without_late_validation(table: Table, epoch: str | None, step: str | None, train: Sequence[str]) -> Table:
    """Return the checks without a last one that nothing was trained for, where something was for others.

    Nothing was trained if no count went on, or the step by one alone, as Lightning's does, where more lies between checks; a
    validation further from the one before may just lack a training metric, which is logged now and then.
    """
    trained = any_measured(table, train)
    again = [table.columns[name].values for name in (epoch, step) if name is not None]
    repeats = len(trained) > 1 and bool(again) and all(values[-1] == values[-2] for values in again)
    steps = np.diff(table.columns[step].values) if step is not None else np.zeros(0)
    soon = len(steps) > 1 and bool(trained[:-1].any()) and steps[-1] <= 1 < np.median(steps[:-1])
    if len(trained) > 1 and not trained[-1] and (soon or repeats):
        line = table.lines[-1]
        table = taken(table, np.arange(len(trained) - 1))
        table.notes.append(f"{table.place} {line} is a validation after training: not counted as a check")
    return table
