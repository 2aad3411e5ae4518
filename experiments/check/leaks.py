"""What is wrong with a table, by column name: everything that is looked for, the gravest first."""
from ..data.tables.problem import Parts, Problem
from .belonging import group_columns, order, shared_groups, time
from .coded import Coded
from .columns import lone_columns, pairs_of_columns
from .copies import copied_rows, known_rows
from .drift import drift
from .finding import LEVELS, NOTE, Finding
from .giveaway import giveaways, told
from .nearly import near_rows


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
    coded = Coded.of(problem)
    found = shared_groups(problem, parts) + copied_rows(problem, coded, parts)
    if len(coded.codes) and min(len(parts.test), len(parts.train) + len(parts.validation)):
        found += near_rows(problem, coded, parts, known_rows(coded, parts))
    # A column that looks like groups tells the label, too: one explanation is enough.
    together = group_columns(problem, coded)
    found += together + giveaways(problem, coded, told(problem, coded), {one.columns[0] for one in together})
    found += pairs_of_columns(problem, coded) + drift(problem, parts) + order(problem) + time(problem, parts)
    return tuple(sorted(found + lone_columns(problem, coded), key=lambda one: LEVELS.index(one.level)))


def accused(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return what is more than a note."""
    return tuple(one for one in found if one.level != NOTE)
