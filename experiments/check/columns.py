"""Columns by themselves and in pairs: constant, twice there, a line of another, in units far apart, with values missing."""
import math

import numpy as np

from ..data.tables.problem import CATEGORY, Problem
from .coded import Coded, place_and_scale
from .finding import FOUND, NOTE, Finding, named, names, percent
from .giveaway import log_chance
from .skill import sampled_rows

FARTHEST = 1e308  # of a ratio that float64 holds
CHANCE = 1e-6
NEARLY = 0.999  # of correlation
LINE = 1e-7  # of the scale, how far a linear function of a column may be off by rounding
ROWS = 2000  # that are compared
COLUMNS = 2000  # number columns that are compared with each other
APART = 1000.0  # ratio of scales
SPARSE = 0.5  # missing share that is said


def lone_columns(problem: Problem, coded: Coded) -> list[Finding]:
    """Columns with nothing to learn from, mostly missing ones, and units that are far apart."""
    found = []
    constant = [column.name for column, distinct in zip(problem.columns, coded.distinct, strict=True) if distinct < 2]
    if constant:
        one = len(constant) == 1
        found.append(Finding("constant", NOTE, tuple(constant), 1.0,
                             f"column{'' if one else 's'} {names(constant)} {'has' if one else 'have'} one value in "
                             f"all rows: nothing can be learnt from {'it' if one else 'them'}"))
    for column in problem.columns:
        share = float(column.missing.mean())
        if share >= SPARSE and column.name not in constant:
            found.append(Finding("mostly_missing", NOTE, (column.name,), share,
                                 f"column {named(column.name)} is missing in {percent(share)} of the rows"))
    scales = {column.name: scale for column in problem.columns
              if column.kind != CATEGORY and (scale := place_and_scale(column.values)[1])}
    if scales and max(scales.values()) > APART * min(scales.values()):
        large, small = (pick(scales, key=scales.__getitem__) for pick in (max, min))
        ratio = min(float(f"{scales[large] / scales[small]:.1g}"), FARTHEST)
        found.append(Finding("unscaled", NOTE, (large, small), ratio,
                             f"column {named(large)} varies {ratio:g} times as much as {named(small)}: a network sees "
                             "only the former unless columns are brought to one scale, which is done here"))
    return found


def pairs_of_columns(problem: Problem, coded: Coded, rows: np.ndarray | None = None) -> list[Finding]:
    """Look for columns that say the same: equal values, one name for each other name, a linear function, or nearly.

    `rows`: those to look at, without copies: copied rows make every two columns of real numbers say the same.
    """
    rows = np.arange(len(problem)) if rows is None else rows
    twice = _same_partition(problem, coded, rows)
    known = {name for one in twice for name in one.columns[1:]}
    return twice + _linear(problem, coded, known)


def _same_partition(problem: Problem, coded: Coded, rows: np.ndarray) -> list[Finding]:
    seen: dict[bytes, int] = {}
    found = []
    for place, codes in enumerate(coded.codes[:, rows]):
        distinct = len(np.unique(codes))
        if distinct < 2:
            continue
        # Numbered by first appearance, columns with the same rows together are equal, whatever the values are called.
        # Of real numbers every two columns would be: their values themselves are compared.
        by_name = distinct <= len(codes) / 2
        column = problem.columns[place]
        values = _by_appearance(codes) if by_name else column.values[rows]
        key = np.ascontiguousarray(values).tobytes() + column.kind.encode() * (not by_name)
        first = seen.setdefault(key, place)
        counts = np.bincount(codes)
        unlikely = log_chance(counts[counts > 0]) + 2 * math.log(len(problem.columns)) < math.log(CHANCE)
        if first != place and unlikely:
            other = problem.columns[first]
            equal = column.kind == other.kind and column.categories == other.categories and np.array_equal(
                column.values, other.values, equal_nan=column.kind != CATEGORY)
            found.append(Finding("same_column", FOUND, (other.name, column.name), 1.0,
                                 f"column {named(column.name)} is column {named(other.name)} "
                                 f"{'again' if equal else 'in other words or numbers'}, row by row: drop one"))
    return found


def _by_appearance(codes: np.ndarray) -> np.ndarray:
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse.reshape(-1)].astype(np.int32)


@np.errstate(over="ignore", invalid="ignore")  # of numbers near the largest there is: then nothing is found
def _linear(problem: Problem, coded: Coded, known: set[str]) -> list[Finding]:
    rows = sampled_rows(len(problem), ROWS)
    places = [place for place in np.flatnonzero(coded.many).tolist() if problem.columns[place].name not in known][:COLUMNS]
    usable, table = [], []
    for place in places:
        values = problem.columns[place].values[rows]
        missing = ~np.isfinite(values)
        if missing.mean() > 0.5:
            continue
        centre = np.median(values[~missing])
        scale = np.abs(values[~missing] - centre).max()
        if not 0 < scale < np.inf:
            continue
        usable.append(place)
        table.append(np.where(missing, 0.0, (values - centre) / scale))
    if len(usable) < 2:
        return []
    x = np.stack(table)  # (D', N)
    ranks = np.argsort(np.argsort(x, axis=1), axis=1).astype(float)
    alike = np.abs(np.triu(np.corrcoef(x), 1)) > NEARLY
    alike &= np.abs(np.triu(np.corrcoef(ranks), 1)) > NEARLY - 0.009  # not a single outlier that makes the correlation
    found = []
    for two in np.flatnonzero(alike.any(axis=0)).tolist():
        one = int(alike[:, two].argmax())  # the first that it is like
        a, b = problem.columns[usable[one]], problem.columns[usable[two]]
        both = np.isfinite(a.values) & np.isfinite(b.values)
        exact, off = _line(a.values[both], b.values[both])
        correlation = abs(float(np.corrcoef(x[[one, two]])[0, 1]))
        kind, level, strength = ("linear_column", FOUND, 1.0) if exact else ("nearly_linear_column", NOTE, correlation)
        how = ": it adds nothing, drop one" if exact else (
            f" (correlation {min(correlation, 0.9999):.4f}, off by {off:.1g} of its scale at most): it adds little")
        found.append(Finding(kind, level, (a.name, b.name), strength, f"column {named(b.name)} is "
                             f"{'' if exact else 'nearly '}a linear function of column {named(a.name)}{how}"))
    return found


def _line(a: np.ndarray, b: np.ndarray) -> tuple[bool, float]:
    """Whether b (N,) is a line of a but for rounding, and the largest deviation in units of the scale of b."""
    a, b = ((values - values.mean()) / (np.abs(values - values.mean()).max() or 1.0) for values in (a, b))
    slope = float(a @ b) / float(a @ a)
    off = float(np.abs(b - slope * a).max())
    return off < LINE, off
