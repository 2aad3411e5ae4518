"""What is wrong with a table, by column name: everything that is looked for, the gravest first."""
from collections.abc import Set
from dataclasses import replace

import numpy as np

from ..data.tables.problem import Parts, Problem
from .belonging import group_columns, order, shared_groups, time
from .coded import Coded
from .columns import lone_columns, pairs_of_columns
from .copies import copied_rows, known_rows
from .drift import drift
from .finding import LEVELS, NOTE, Finding, names
from .giveaway import giveaways, told
from .nearly import near_rows
from .nearness import points


def findings(problem: Problem, parts: Parts) -> tuple[Finding, ...]:
    """Look for leaks, copies, groups, an order and columns that say nothing.

    Parameters
    ----------
    problem : Problem
    parts : Parts
        The test part is compared with training and validation together: both have been looked at when it is asked.

    Returns
    -------
    tuple of Finding
        Sorted by level: "found", "suspicious", "note".
    """
    everything = replace(problem, columns=problem.columns + problem.aside)
    seen, count = Coded.of(everything), len(problem.columns)
    coded = Coded(seen.codes[:count], seen.distinct[:count], seen.ordered[:count])
    found = shared_groups(problem, parts)
    known = np.concatenate([parts.train, parts.validation])
    if min(count, len(parts.test), len(known)):
        first, table = known_rows(coded, parts), points(problem, coded, known)
        found += copied_rows(problem, coded, parts, first, table) + near_rows(problem, coded, parts, first, table)
    # A column that looks like groups tells the label, too: one explanation is enough.
    together, aside = group_columns(everything, seen), {column.name for column in problem.aside}
    explained = aside.union(*(one.columns for one in together))
    found += together + giveaways(everything, seen, told(everything, seen), explained)
    found += pairs_of_columns(everything, seen) + lone_columns(everything, seen)
    found += drift(problem, parts) + order(problem) + time(problem, parts)
    return tuple(sorted((_left_out(one, aside) for one in found), key=lambda one: LEVELS.index(one.level)))


def _left_out(one: Finding, aside: Set[str]) -> Finding:
    """Say of a column that is no input here that it is none."""
    out = [name for name in one.columns if name in aside]
    return replace(one, text=f"{one.text} ({names(out)} {'is' if len(out) == 1 else 'are'} left out here)") if out else one


def accused(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return what is more than a note."""
    return tuple(one for one in found if one.level != NOTE)
