"""Random tables in which nothing is wrong, and faults to plant in them."""
import dataclasses

import numpy as np
from scipy.stats import norm, rankdata

from experiments.data.tables.problem import Column, Parts, Problem

CLASSES = ("no", "yes", "perhaps", "never", "other")


def random_table(seed, regression=None):
    """Make a table of any shape: rows 50 to 2000, columns 2 to 30, a label that depends on some of them, with noise.

    Columns are normal, heavy-tailed, skewed, rounded, counts, mostly zero, two values, or names; some have missing values;
    they depend on a few common causes, on the class, or on nothing.
    """
    rng = np.random.default_rng([seed, 18])
    rows = int(np.exp(rng.uniform(np.log(50), np.log(2000))))
    count = int(rng.integers(2, 31))
    causes = rng.standard_normal((rows, int(rng.integers(1, 6))))  # (N, C)
    shared = rng.choice([0.0, 0.3, 0.7, 0.95])  # of each column's variance, by the common causes
    few = rng.random() < 0.25  # a questionnaire: all columns of few values
    weights = rng.standard_normal((causes.shape[1], count))
    weights /= np.linalg.norm(weights, axis=0)
    hidden = np.sqrt(shared) * causes @ weights + np.sqrt(1 - shared) * rng.standard_normal((rows, count))  # (N, D)
    regression = rng.random() < 0.25 if regression is None else regression
    score = hidden @ (rng.standard_normal(count) * (rng.random(count) < 0.5)) + 0.5 * np.sin(2 * causes[:, 0])
    score = score / max(score.std(), 1e-9)
    noise = rng.uniform(0.7, 2)
    y, classes = _label(rng, score + noise * rng.standard_normal(rows), regression)
    if not regression and rng.random() < 0.3:  # classes that are clouds
        hidden += rng.uniform(-0.5, 0.5, (len(classes), count))[y] * (rng.random(count) < 0.5)
    missing = rng.choice([0.0, 0.02, 0.2])
    columns = tuple(_column(rng, f"c{place}", hidden[:, place], few, missing * (rng.random() < 0.5))
                    for place in range(count))
    return Problem("made.csv", f"{seed}", "target", columns, (), y, classes)


def _label(rng, score, regression):
    if regression:
        return (score if rng.random() < 0.5 else np.exp(score)), ()
    count = int(rng.choice([2, 2, 2, 3, 5]))
    shares = rng.dirichlet(np.full(count, rng.choice([2.0, 20.0])))
    shares = np.maximum(shares, 0.08) / np.maximum(shares, 0.08).sum()
    y = np.searchsorted(np.quantile(score, np.cumsum(shares)[:-1]), score)
    return y.astype(np.int64), CLASSES[:count]


def _column(rng, name, hidden, few, missing):
    kind = rng.choice(["levels", "two", "rare", "names", "grades"] if few else [
        "normal", "normal", "normal", "heavy", "skewed", "outliers", "rounded", "count", "zeros", "levels", "two", "rare",
        "names", "many_names"])
    absent = rng.random(len(hidden)) < missing
    unit = 10 ** rng.uniform(-2, 3)
    if kind in ("names", "many_names"):
        count = int(rng.integers(3, 9) if kind == "names" else rng.integers(10, 40))
        codes = np.searchsorted(np.quantile(hidden, np.sort(rng.random(count - 1))), hidden)
        codes = rng.permutation(count)[codes].astype(np.int64)
        return Column(name, "category", np.where(absent, -1, codes), tuple(f"v{code}" for code in range(count)))
    values = {
        "normal": lambda: unit * hidden,
        "heavy": lambda: unit * np.sign(hidden) * np.abs(hidden)**3 / rng.random(len(hidden)),
        "skewed": lambda: unit * np.exp(hidden),
        "outliers": lambda: unit * np.where(rng.random(len(hidden)) < 0.01, 1e4, 1) * hidden,
        "rounded": lambda: np.round(rng.uniform(3, 20) * hidden) / 10, "count": lambda: np.floor(np.exp(1 + hidden)),
        "zeros": lambda: np.where(hidden < rng.uniform(0, 1.5), 0, np.round(10 * hidden)),
        "levels": lambda: np.round(np.clip(hidden, -2, 2) * rng.uniform(0.5, 2)),
        "two": lambda: 1.0 * (hidden > rng.uniform(-1, 1)),
        "rare": lambda: 1.0 * (hidden > rng.uniform(1.5, 2)), "grades": lambda: np.round(np.clip(2 * hidden, -4, 4))}[kind]()
    return Column(name, "number", np.where(absent, np.nan, values))


def cut(problem, seed=0, share=0.2):
    """Part rows at random: as many to validate, as many to test."""
    order = np.random.default_rng([seed, 19]).permutation(len(problem))
    size = max(1, round(share * len(problem)))
    return Parts(*(np.sort(part) for part in (order[2 * size:], order[:size], order[size:2 * size])))


def with_column(problem, column, place=None):
    columns = list(problem.columns)
    columns.insert(len(columns) if place is None else place, column)
    return dataclasses.replace(problem, columns=tuple(columns))


def _changed_rows(problem, into, rows):
    """Write rows over others, with their labels."""
    def copied(values):
        values = values.copy()
        values[into] = values[rows]
        return values
    return dataclasses.replace(problem, columns=tuple(dataclasses.replace(column, values=copied(column.values))
                                                      for column in problem.columns), y=copied(problem.y))


def copies(problem, parts, rng, share=0.02):
    """Training rows in the test part."""
    count = max(2, int(np.ceil(share * len(parts.test))))
    into, rows = rng.choice(parts.test, count, replace=False), rng.choice(parts.train, count, replace=False)
    return _changed_rows(problem, into, rows), ("copies",), ()


def near_copies(problem, parts, rng, share=0.02, noise=1e-3):
    """The same, with noise of 1e-3 of the scale of each column of real numbers (of the value, where that is more)."""
    count = max(2, int(np.ceil(share * len(parts.test))))
    into, rows = rng.choice(parts.test, count, replace=False), rng.choice(parts.train, count, replace=False)
    problem = _changed_rows(problem, into, rows)
    columns = []
    for column in problem.columns:
        values = column.values.copy()
        if real(column):
            low, high = np.nanquantile(values, (0.25, 0.75))
            size = np.maximum(np.abs(values[into]), (high - low) / 1.35)
            size = np.where(np.abs(values[into]) > 5 * (high - low), size, (high - low) / 1.35)
            values[into] += noise * size * rng.standard_normal(count)
        columns.append(dataclasses.replace(column, values=values))
    return dataclasses.replace(problem, columns=tuple(columns)), ("near_copies",), ()


def real(column):
    return column.kind == "number" and len(np.unique(column.values[~np.isnan(column.values)])) > 0.5 * len(column.values)


def label_in_words(problem, parts, rng):
    """A column that is the label for 95 % of the rows."""
    wrong = rng.random(len(problem)) < 0.05
    count = len(problem.classes)
    names = rng.permutation(count)[np.where(wrong, rng.integers(0, count, len(problem)), problem.y)]
    column = Column("outcome", "category", names.astype(np.int64), tuple(f"w{code}" for code in range(count)))
    return with_column(problem, column), ("tells_label", "is_label"), ("outcome",)


def label_as_number(problem, parts, rng, noise=0.15):
    """A number that is the label with noise, of 15 % of the distance of two classes or of a normal target's deviation."""
    if problem.classes:
        y = rng.permutation(len(problem.classes))[problem.y]
    else:
        y = norm.ppf(rankdata(problem.y) / (len(problem) + 1))
    column = Column("score", "number", 37 + 8 * (y + noise * rng.standard_normal(len(y))))
    return with_column(problem, column), ("tells_label", "is_label"), ("score",)


def label_in_missing(problem, parts, rng):
    """A column that is missing for one class, but for 5 % of the rows."""
    known = problem.y == np.bincount(problem.y).argmax() if problem.classes else problem.y > np.median(problem.y)
    values = np.where(known ^ (rng.random(len(known)) < 0.05), rng.standard_normal(len(known)), np.nan)
    return with_column(problem, Column("followup", "number", values)), ("missing_tells_label",), ("followup",)


def declared_groups(problem, parts, rng, size=8):
    """Groups, given as such, with rows on both sides."""
    groups = np.arange(len(problem)) // size
    return dataclasses.replace(problem, groups=groups, group="patient"), ("shared_groups",), ("patient",)


def undeclared_groups(problem, parts, rng, size=5):
    """Numbers of patients among the inputs, each of whom has one label (95 % of the rows)."""
    groups = np.arange(len(problem)) // size
    y = problem.y[groups * size]
    y = np.where(rng.random(len(y)) < 0.05, problem.y, y)
    order = rng.permutation(groups.max() + 1)[groups]
    if rng.random() < 0.5:
        column = Column("patient", "number", 1000.0 + order)
    else:
        column = Column("patient", "category", order.astype(np.int64), tuple(f"P{code}" for code in range(groups.max() + 1)))
    shuffled = rng.permutation(len(problem))
    problem = dataclasses.replace(with_column(problem, column), y=y)
    return _permuted(problem, shuffled), ("looks_like_groups",), ("patient",)


def running_number(problem, parts, rng):
    """A table numbered when it was sorted by label, and shuffled later."""
    numbers = np.empty(len(problem))
    numbers[np.argsort(problem.y, kind="stable")] = 1.0 + np.arange(len(problem))
    return with_column(problem, Column("id", "number", numbers)), ("numbering_tells_label",), ("id",)


def same_column(problem, parts, rng):
    """A column again, under another name."""
    place = max(range(len(problem.columns)), key=lambda place: len(np.unique(problem.columns[place].values)))
    column = dataclasses.replace(problem.columns[place], name="again")
    return with_column(problem, column), ("same_column",), (problem.columns[place].name, "again")


def linear_column(problem, parts, rng):
    """A column of real numbers in another unit."""
    values = 100 * rng.standard_normal(len(problem))
    problem = with_column(problem, Column("celsius", "number", values), 0)
    problem = with_column(problem, Column("fahrenheit", "number", 1.8 * values + 32))
    return problem, ("linear_column",), ("celsius", "fahrenheit")


def _permuted(problem, order):
    columns = tuple(dataclasses.replace(column, values=column.values[order]) for column in problem.columns)
    return dataclasses.replace(problem, columns=columns, y=problem.y[order])


FAULTS = (copies, near_copies, label_in_words, label_as_number, label_in_missing, declared_groups, undeclared_groups,
          running_number, same_column, linear_column)


def has_reals(problem, least):
    return sum(real(column) for column in problem.columns) >= least


def suits(fault, problem):
    """Whether a fault can be planted: near copies need real numbers, words for the label classes."""
    if fault is near_copies:
        return has_reals(problem, 3)
    if fault is copies:
        return has_reals(problem, 2)
    return bool(problem.classes) if fault in (label_in_words, undeclared_groups) else True


def as_test_file(problem, share=0.25):
    """The last rows as if they came from a file of their own: problem and parts."""
    rows = len(problem)
    first = rows - max(1, round(share * rows))
    order = np.random.default_rng([rows, 21]).permutation(first)
    size = max(1, round(share * first))
    parts = Parts(np.sort(order[size:]), np.sort(order[:size]), np.arange(first, rows))
    return dataclasses.replace(problem, test_from=first), parts
