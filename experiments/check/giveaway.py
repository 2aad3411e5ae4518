"""Columns that give the label away: by their values, by where they are missing, or by numbering the rows.

What is written here cannot tell a leak from an easy problem: in both one column is enough. It says which of the two the
other columns support.
"""
import math
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from ..data.tables.problem import NUMBER, Column, Problem
from .coded import Coded
from .finding import FOUND, NOTE, SUSPICIOUS, Finding, named, names, percent
from .skill import FEWEST, NONE, ROWS, Skill, class_skill, missing_skill, sampled_rows, target_skill

TELLS = 0.8  # of skill; of two classes right for 90 % of the rows where half is guessing
TELLS_TARGET = 0.93  # of the variance of the target's ranks
TELLS_A_BIT = 0.3  # of skill, for what should tell nothing: where values are missing, the order of the file
EASY = 0.9  # of the best column's skill: where another column comes that near, the problem is easy rather than leaking
SURE = 0.97  # skill of a column that is looked at even where another comes near
CHANCE = 1e-6  # in any of all columns


@dataclass(frozen=True)
class Told:
    """What each column tells, in the order of the columns: by values, and by where they are missing."""

    values: tuple[Skill, ...]
    missing: tuple[Skill, ...]


def told(problem: Problem, coded: Coded) -> Told:
    """Measure all columns of a problem, on at most `skill.ROWS` rows."""
    rows = sampled_rows(len(problem))
    measure = class_skill if problem.classes else target_skill
    values, missing = [], []
    for place, column in enumerate(problem.columns):
        absent = column.missing
        codes = np.unique(coded.codes[place, rows], return_inverse=True)[1].reshape(-1)
        values.append(measure(codes, bool(coded.ordered[place]), problem.y[rows]))
        enough = FEWEST <= absent[rows].sum() <= len(rows) - FEWEST
        missing.append(NONE if not enough else missing_skill(absent[rows], problem.y[rows]) if problem.classes else
                       target_skill(absent[rows].astype(np.int64), False, problem.y[rows]))
    return Told(tuple(values), tuple(missing))


def giveaways(problem: Problem, coded: Coded, by: Told, explained: Set[str] = frozenset()) -> list[Finding]:
    """Look for columns that give the label away; of those `explained` otherwise nothing is said of their values."""
    found = _other_words(problem, coded) + _numbering(problem, coded, by)
    absent = _missingness(problem, by)
    known = {one.columns[0] for one in found} | {one.columns[0] for one in absent if one.strength >= TELLS}
    return found + absent + _by_values(problem, by, known | explained)


def _enough(problem: Problem, one: Skill, least: float) -> bool:
    return one.skill >= least and one.chance * len(problem.columns) < CHANCE


def _by_values(problem: Problem, by: Told, known: Set[str]) -> list[Finding]:
    least = TELLS if problem.classes else TELLS_TARGET
    told = {column.name: one for column, one in zip(problem.columns, by.values, strict=True) if column.name not in known}
    found = []
    for name, one in told.items():
        if not _enough(problem, one, least):
            continue
        others = {other: skill.skill for other, skill in told.items() if other != name}
        rivals = [other for other, skill in others.items() if skill >= EASY * one.skill]
        innocent = bool(rivals) and one.skill < SURE
        if rivals:
            reading = (f"{names(rivals)} {'does' if len(rivals) == 1 else 'do'} nearly the same, which looks like an easy "
                       "problem rather than a leak; make sure that none of them is only known after the label")
        else:
            best = f"the next best reaches a skill of {max(0.0, *others.values()):.2f}" if others else "there is no other"
            reading = (f"no other column comes near ({best}): it could be the label in another form or something known only "
                       "after it, and then it must go; or the problem is easy")
        found.append(Finding("tells_label", NOTE if innocent else SUSPICIOUS, (name,), one.skill,
                             f"column {named(name)} alone {_reaches(problem, one)}; {reading}"))
    return found


def _reaches(problem: Problem, one: Skill) -> str:
    if not problem.classes:
        return f"explains {percent(one.share)} of the variance of {named(problem.label)} (in ranks)"
    majority = np.bincount(problem.y).max() / len(problem)
    rows = f"{ROWS} rows drawn at random" if len(problem) > ROWS else "the rows"
    return (f"tells {named(problem.label)} for {percent(one.share)} of {rows}, where guessing is right for "
            f"{percent(majority)} (skill {one.skill:.2f} of 1)")


def _other_words(problem: Problem, coded: Coded) -> list[Finding]:
    """Columns with one value for each class and one class for each value."""
    y = np.unique(problem.y, return_inverse=True)[1].reshape(-1)
    count = int(y.max()) + 1
    if count < 2:
        return []
    found = []
    for column, codes, distinct, ordered in zip(problem.columns, coded.codes, coded.distinct, coded.ordered, strict=True):
        if distinct != count or len(np.unique(codes.astype(np.int64) * count + y)) != count:
            continue
        # The chance that an order of its values hits the labels, of all columns, in natural logarithms.
        if log_chance(np.bincount(y)) + math.log(len(problem.columns)) > math.log(CHANCE):
            continue
        if problem.classes or (ordered and _monotone(codes, y)):
            found.append(Finding("is_label", FOUND, (column.name,), 1.0,
                                 f"column {named(column.name)} is {named(problem.label)} in other words, row by row: leave "
                                 "it out of the inputs"))
    return found


def log_chance(counts: np.ndarray) -> float:
    """Logarithm of the chance that shuffled values fall into given rows: of the inverse multinomial coefficient."""
    from scipy.special import gammaln

    return float(gammaln(counts + 1).sum() - gammaln(counts.sum() + 1))


def _monotone(codes: np.ndarray, y: np.ndarray) -> bool:
    order = np.argsort(codes, kind="stable")
    steps = np.diff(y[order])
    return bool((steps >= 0).all() or (steps <= 0).all())


def _missingness(problem: Problem, by: Told) -> list[Finding]:
    return [Finding("missing_tells_label", SUSPICIOUS, (column.name,), one.skill,
                    f"whether column {named(column.name)} is missing ({percent(float(column.missing.mean()))} of the rows) "
                    f"{_absent(problem, column, one)}: find out why it is missing; if that is decided after the label, "
                    "leave the column out")
            for column, one in zip(problem.columns, by.missing, strict=True) if _enough(problem, one, TELLS_A_BIT)]


def _absent(problem: Problem, column: Column, one: Skill) -> str:
    if not problem.classes:
        return _reaches(problem, one)
    of_class = [float(column.missing[problem.y == label].mean()) if np.any(problem.y == label) else 0.0
                for label in range(len(problem.classes))]
    most, least = int(np.argmax(of_class)), int(np.argmin(of_class))
    return (f"depends on {named(problem.label)}: {percent(of_class[most])} of {named(problem.classes[most])}, "
            f"{percent(of_class[least])} of {named(problem.classes[least])}")


def _numbering(problem: Problem, coded: Coded, by: Told) -> list[Finding]:
    """Running numbers that tell the label: the table was sorted when they were given."""
    found = []
    for place, (column, one) in enumerate(zip(problem.columns, by.values, strict=True)):
        if column.kind != NUMBER or not numbers_rows(column.values, int(coded.distinct[place])):
            continue
        if _enough(problem, one, TELLS_A_BIT):
            level = SUSPICIOUS if one.skill < TELLS else FOUND
            found.append(Finding("numbering_tells_label", level, (column.name,), one.skill,
                                 f"column {named(column.name)} numbers the rows, and alone {_reaches(problem, one)}: the "
                                 "table was sorted when it was numbered; leave the column out"))
        else:
            found.append(Finding("numbering", NOTE, (column.name,), one.skill, f"column {named(column.name)} numbers the "
                                 "rows and tells nothing about what is to be predicted: leave it out"))
    return found


def numbers_rows(values: np.ndarray, distinct: int) -> bool:
    """Whether numbers (N,) are a running number: whole, no two equal, and hardly a gap."""
    if len(values) < 4 or distinct != len(values) or not np.isfinite(values).all() or (values != np.round(values)).any():
        return False
    return bool(np.ptp(values) < 1.5 * len(values))
