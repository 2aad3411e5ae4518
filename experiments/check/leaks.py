"""What is wrong with a table, by column name: everything that is looked for, the gravest first.

How often that is right was measured on random tables (tests/random_tables.py: 50 to 2000 rows, 2 to 30 columns, numbers,
heavy tails, outliers, counts, few values, names, missing values, rare classes, noisy labels). Thresholds were chosen on
seeds 0 to 999: none of 1000 tables accused, nor with the last quarter of the rows as a test file. On seeds 40 000 to 40 199,
not looked at before: 1 of 200 accused, 1 with a test file; of planted faults found by name

    copies of training rows, 2 % of the test part (at least 2)          139 of 139    tables with 2 columns of real numbers
    the same with noise of 0.1 % of each column's scale                 119 of 122    tables with 3
    a category that is the label for 95 % of the rows                   152 of 152
    a number that is the label with noise, 15 % of a class step         199 of 200
    a column missing for one class but for 5 % of the rows              200 of 200
    groups of 8 rows, declared, on both sides                           200 of 200
    groups of 5 rows among the inputs, one label for 95 %               150 of 152
    a running number given when the table was sorted by label           200 of 200
    a column there twice; a column in another unit                      200 of 200 each

An earlier version found 126 of 134 copies on seeds 10 000 to 10 199, and took tables for copied in which all of a row
follows from one number: hence `copies._seen_once` and `nearness.in_a_crowd`. Of 1700 tables of such and other special kinds
1 is accused now. Not found: copies in tables of few values alone, where chance makes equal rows; two columns that only
together tell the label.
"""
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
    copied = any(one.kind == "copies" for one in found)
    once = np.sort(np.unique(coded.hashes, return_index=True)[1]) if copied else None
    found += pairs_of_columns(everything, seen, once) + lone_columns(everything, seen)
    found += drift(problem, parts) + order(problem) + time(problem, parts)
    return tuple(sorted((_left_out(one, aside) for one in found), key=lambda one: LEVELS.index(one.level)))


def _left_out(one: Finding, aside: Set[str]) -> Finding:
    """Say of a column that is no input here that it is none."""
    out = [name for name in one.columns if name in aside]
    return replace(one, text=f"{one.text} ({names(out)} {'is' if len(out) == 1 else 'are'} left out here)") if out else one


def accused(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return what is more than a note."""
    return tuple(one for one in found if one.level != NOTE)
