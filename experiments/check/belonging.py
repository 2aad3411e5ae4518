"""Rows that belong together: groups on both sides of the split, columns that look like groups, an order of the file."""
import numpy as np

from ..data.tables.problem import DATE, Parts, Problem
from .coded import Coded
from .finding import FOUND, NOTE, SUSPICIOUS, Finding, named, percent
from .skill import sampled_rows

TOGETHER = 0.6  # of two rows of one group how much oftener they agree than others: 0 not at all, 1 always
MANY = 10  # values from which on a column may name groups rather than kinds
MEMBERS = 50  # of a group on average, at most
SCORE = 3.5  # standard errors
SIDES = 0.3  # share of what neighbours in the file could agree more than others


def shared_groups(problem: Problem, parts: Parts) -> list[Finding]:
    """Look for declared groups with rows on both sides."""
    if problem.groups is None or min(len(parts.test), len(parts.train)) == 0:
        return []
    known = np.concatenate([parts.train, parts.validation])
    both = np.isin(problem.groups[parts.test], problem.groups[known])
    if not both.any():
        return []
    groups, all_groups = len(np.unique(problem.groups[parts.test][both])), len(np.unique(problem.groups))
    share = float(both.mean())
    return [Finding("shared_groups", FOUND, (problem.group,) if problem.group else (), share,
                    f"{groups} of {all_groups} groups of {named(problem.group)} {'has' if groups == 1 else 'have'} rows in "
                    f"training and in test ({percent(share)} of the test rows): the test asks about groups that are known; "
                    "split by groups")]


def group_columns(problem: Problem, coded: Coded) -> list[Finding]:
    """Look for columns whose equal values mean equal labels though there are many of them, as names of patients do."""
    rows = sampled_rows(len(problem))
    labels = problem.y[rows] if problem.classes else _thirds(problem.y[rows])
    found = []
    for place, column in enumerate(problem.columns):
        present = ~column.missing[rows]
        codes = coded.codes[place, rows[present]].astype(np.int64)
        y = labels[present]
        if len(y) < 2:
            continue
        sizes = np.bincount(codes)
        values, repeated = int(np.sum(sizes > 0)), int(np.sum(sizes > 1))
        if column.kind == DATE or repeated < MANY or not 2 * values <= len(y) <= MEMBERS * values:
            continue
        if coded.ordered[place] and not _whole(column.values):
            continue
        same, score = _agreement(codes, y)
        base = _agreement(np.zeros_like(codes), y)[0]
        # Neighbouring numbers of a measure mean the same, those of groups do not.
        beside = _agreement(codes // 2, y, codes)[0] if coded.ordered[place] else base
        if base < 1 and same - base >= TOGETHER * (1 - base) and same - beside >= (same - base) / 2 and score >= SCORE:
            found.append(Finding(
                "looks_like_groups", SUSPICIOUS, (column.name,), same,
                f"column {named(column.name)} has {values} values, and two rows with the same one agree in "
                f"{named(problem.label)} {'' if problem.classes else '(low, middle or high) '}with a chance of "
                f"{percent(same)} (any two rows: "
                f"{percent(base)}): it could be whom or what the rows come from; if so, give --group and its name"))
    return found


def _whole(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return bool((finite == np.round(finite)).all())


def _agreement(codes: np.ndarray, y: np.ndarray, unequal: np.ndarray | None = None) -> tuple[float, float]:
    """Share of pairs with equal codes that have equal labels, and its distance from that of all pairs in standard errors.

    `unequal`: pairs with equal values of it are left out.
    """
    agreeing, pairs = _pairs(codes * (int(y.max()) + 1) + y), _pairs(codes)
    if unequal is not None:
        both = unequal * (int(y.max()) + 1) + y
        agreeing, pairs = agreeing - _pairs(both), pairs - _pairs(unequal)
    if pairs == 0:
        return 0.0, 0.0
    base = _pairs(y) / (len(y) * (len(y) - 1) / 2)
    # Pairs of one group are not independent; a group of m rows counts as m - 1 pairs.
    independent = max(1, len(codes) - len(np.unique(codes)))
    return agreeing / pairs, (agreeing / pairs - base) / np.sqrt(max(base * (1 - base), 1e-12) / independent)


def _pairs(codes: np.ndarray) -> float:
    counts = np.unique(codes, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1) / 2).sum())


def _thirds(y: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.quantile(y, (1 / 3, 2 / 3)), y)


def order(problem: Problem) -> list[Finding]:
    """Look at the order of the file: sorted by label, or neighbours that are alike."""
    y = (problem.y if problem.classes else _thirds(problem.y))[:problem.test_from]
    counts = np.bincount(y).astype(float)
    base = float((counts * (counts - 1)).sum() / max(len(y) * (len(y) - 1), 1))  # chance that two rows agree
    alike = np.diff(y) == 0
    # Neighbours of one group are kept together: only those of two can be parted.
    apart = np.full(len(alike), True) if problem.groups is None else np.diff(problem.groups[:problem.test_from]) != 0
    if len(y) < 20 or base in (0, 1) or not apart.any():
        return []
    same = alike[apart]
    excess = (same.mean() - base) / (1 - base)
    # Neighbours of a shuffled file agree like independent pairs, nearly.
    score = (same.mean() - base) / np.sqrt(base * (1 - base) / len(same))
    label = named(problem.label)
    if (~alike).sum() == np.count_nonzero(counts) - 1:
        return [Finding("sorted", NOTE, (), 1.0, f"the rows are sorted by {label}: never split such a file in its order; "
                        "here rows are drawn at random")]
    if excess >= SIDES and score >= SCORE:
        return [Finding("order", SUSPICIOUS, (), float(excess),
                        f"rows next to each other in the file agree in {label} in {percent(float(same.mean()))} of all "
                        f"cases, where {percent(base)} would be chance: they could be a series in time or belong together, "
                        "and then a split at random puts neighbours on both sides; give "
                        f"{'' if problem.groups is not None else '--group, or '}the last rows as --test")]
    return []


def time(problem: Problem, parts: Parts) -> list[Finding]:
    """Say of each date column whether what is tested is later than what is learnt."""
    found = []
    for column in problem.columns:
        known, asked = (column.values[rows] for rows in (np.concatenate([parts.train, parts.validation]), parts.test))
        if column.kind != DATE or np.isnan(known).all() or np.isnan(asked).all():
            continue
        earlier = float(np.mean(asked[~np.isnan(asked)] < np.nanmax(known)))
        if earlier > 0.05:
            found.append(Finding("not_later", NOTE, (column.name,), earlier,
                                 f"{percent(earlier)} of the test rows are earlier by {named(column.name)} than the latest "
                                 "training row: if later rows are to be predicted from earlier ones, give the latest as "
                                 "--test"))
    return found
