"""From columns to what a network takes, with every statistic from the training rows alone."""
import numpy as np

from ..preprocessing import Standardisation
from ..sets import DataSet, Split
from .errors import TableError, shown
from .problem import CATEGORY, Column, Parts, Problem
from .telling import GIVEN, least

MOST = 32  # categories of one column with an input of their own
REACH = 1000.0  # standard deviations; rows that lie further out than this stand at it


def encoded(problem: Problem, parts: Parts) -> DataSet:
    """Make a data set of the parts of a problem.

    Numbers and dates are standardised, missing ones at the mean; a category gets an input of its own if it is frequent, the
    others share one; a column with missing values has an input that says so. How many inputs there are depends on the table
    alone, not on the parts, so that networks of several splits have one shape; what they hold is measured on training rows.

    Parameters
    ----------
    problem : Problem
    parts : Parts

    Returns
    -------
    DataSet
        Inputs float32 (n, D), D names in `input_names`. Labels int64 (n,); of a regression problem float32 (n, 1),
        standardised: see `target_scale`.

    Raises
    ------
    TableError
        If a number to predict is too far from those of training for float32.
    """
    rows_of = parts.train, parts.validation, parts.test
    inputs = len(input_names(problem))
    x = [np.empty((len(rows), inputs), dtype=np.float32) for rows in rows_of]
    place = 0
    for column in problem.columns:
        wide = len(_names(column, len(problem)))
        block = _encoded(column, parts.train, wide)
        for part, rows in zip(x, rows_of, strict=True):
            part[:, place:place + wide] = block[rows]
        place += wide
    if problem.classes:
        y = problem.y
    else:
        mean, scale = target_scale(problem, parts)
        with np.errstate(over="ignore"):
            y = ((problem.y - mean) / scale).astype(np.float32)[:, None]
        if not np.isfinite(y).all():
            value = problem.y[np.flatnonzero(~np.isfinite(y[:, 0]))[0]]
            raise TableError(f"{problem.source}, column {shown(problem.label)}: got {value:g}, accepted: numbers not that "
                             f"far from those to train on, {mean:g} and about {scale:g} around it")
    train, validation, test = (Split(part, y[rows], y[rows]) for part, rows in zip(x, rows_of, strict=True))
    return DataSet(problem.source, train, validation, test, classes=problem.classes, source=problem.source,
                   licence="the reader's own")


def input_names(problem: Problem) -> tuple[str, ...]:
    """Return what the inputs of an encoded problem are, D names."""
    return tuple(name for column in problem.columns for name in _names(column, len(problem)))


def target_scale(problem: Problem, parts: Parts) -> tuple[float, float]:
    """Return mean and standard deviation of the training rows' numbers to predict; a prediction is mean + scale output."""
    step = Standardisation.of(problem.y[parts.train][:, None])
    return float(step.mean[0]), float(step.scale[0])


def _names(column: Column, rows: int) -> list[str]:
    flag = [f"{column.name} missing"] if flagged(column, rows) else []
    if column.kind != CATEGORY:
        return [column.name, *flag]
    own, rest = slots(column, rows)
    return [*(f"{column.name}: frequent {j + 1}" for j in range(own)), *([f"{column.name}: others"] if rest else []), *flag]


def slots(column: Column, rows: int) -> tuple[int, bool]:
    """Return how many categories have an input of their own, and whether the others share one."""
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    own = min(MOST, int((counts >= least(rows)).sum()))
    return own, own < int((counts > 0).sum())


def flagged(column: Column, rows: int) -> bool:
    """Say whether an input says where values are missing: if they are in as many rows as a category of its own needs."""
    if column.categories == (GIVEN,):  # its one input says it
        return False
    return int(column.missing.sum()) >= least(rows)


def _encoded(column: Column, train: np.ndarray, wide: int) -> np.ndarray:
    """Return the inputs of one column, (N, wide)."""
    x = np.zeros((len(column.values), wide), dtype=np.float32)
    missing = column.missing
    if flagged(column, len(missing)) and 0 < missing[train].sum() < len(train):  # else nothing can be learnt of it
        x[:, -1] = missing
    if column.kind != CATEGORY:
        x[:, 0] = _standardised(column.values, column.values[train])
        return x
    own, rest = slots(column, len(column.values))
    counts = np.bincount(column.values[train][~missing[train]], minlength=len(column.categories))
    frequent = np.argsort(-counts, kind="stable")[:own]
    slot = np.full(len(column.categories) + 1, own if rest else -1)
    slot[frequent[counts[frequent] > 0]] = np.flatnonzero(counts[frequent] > 0)
    slot[-1] = -1  # missing
    which = slot[column.values]
    rows = np.flatnonzero(which >= 0)
    x[rows, which[rows]] = 1
    return x


def _standardised(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return values in standard deviations from the mean of the training rows (N,); 0 where missing or nothing varies."""
    present = train[~np.isnan(train)]
    if not len(present) or present.min() == present.max():
        return np.zeros(len(values))
    step = Standardisation.of(present[:, None])
    with np.errstate(over="ignore"):
        z = (values - step.mean[0]) / step.scale[0]
    return np.where(np.isnan(values), 0.0, np.clip(z, -REACH, REACH))
