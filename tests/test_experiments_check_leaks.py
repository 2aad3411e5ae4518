"""What is wrong with a table is found by name, and tables with nothing wrong are not accused."""
import dataclasses
import json
import math

import numpy as np
import pytest

from experiments.check import nearly
from experiments.check.finding import FOUND, NOTE, SUSPICIOUS, Finding, named, percent
from experiments.check.leaks import accused, findings
from experiments.data import leakage_report
from experiments.data.sets import Split
from experiments.data.tables import cut as cut_table
from experiments.data.tables import problem_of
from experiments.data.tables.problem import Column, Parts, Problem
from experiments.data.uci import iris
from tests.random_tables import (
    FAULTS,
    as_test_file,
    copies,
    cut,
    label_as_number,
    label_in_words,
    random_table,
    suits,
    with_column,
)

FEW, MANY = range(20_000, 20_008), range(40_000, 40_200)  # thresholds were tuned on seeds below 1000


def planted(fault, seed):
    """Plant a fault in a random table; return whether it was found by name."""
    problem = random_table(seed)
    parts = cut(problem, seed)
    problem, kinds, columns = fault(problem, parts, np.random.default_rng([seed, 20]))
    return any(one.kind in kinds and (not columns or set(one.columns) & set(columns))
               for one in accused(findings(problem, parts)))


def suitable(fault, seeds):
    return [seed for seed in seeds if suits(fault, random_table(seed))]


def accusations(seeds):
    found = []
    for seed in seeds:
        problem = random_table(seed)
        found += [(seed, one) for one in accused(findings(problem, cut(problem, seed)))]
    return found


def test_tables_with_nothing_wrong_are_not_accused():
    assert not accusations(FEW)


@pytest.mark.slow
def test_of_200_tables_with_nothing_wrong_at_most_two_are_accused():
    found = accusations(MANY)
    assert len({seed for seed, _ in found}) <= 2, found


@pytest.mark.slow
def test_nor_are_those_with_a_test_file():
    found = [(seed, one) for seed in MANY for one in accused(findings(*as_test_file(random_table(seed))))]
    assert len({seed for seed, _ in found}) <= 2, found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_faults_are_found_by_name(fault):
    seeds = suitable(fault, FEW)[:3]
    assert len(seeds) == 3
    assert all(planted(fault, seed) for seed in seeds)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_95_of_100_faults_are_found_by_name(fault):
    seeds = suitable(fault, MANY)
    missed = [seed for seed in seeds if not planted(fault, seed)]
    assert len(missed) <= 0.05 * len(seeds), missed


def table(*columns, y, test_from=None, classes=("no", "yes"), **more):
    return Problem("made.csv", "", "target", columns, (), y, classes, test_from=test_from, **more)


def numbers(count, rows=300, seed=30):
    return [Column(f"x{place}", "number", values)
            for place, values in enumerate(np.random.default_rng(seed).standard_normal((count, rows)))]


def labels(rows=300, seed=1):
    return np.random.default_rng(seed).integers(0, 2, rows)


def of_kind(problem, kind, parts=None):
    return [one for one in findings(problem, parts or cut(problem)) if one.kind == kind]


def test_outliers_do_not_make_all_other_rows_near_duplicates():
    alarms = 0
    for seed in range(4):
        columns = numbers(6, seed=seed)
        for column in columns:
            column.values[np.random.default_rng(seed).choice(300, 3)] *= 1e5
        problem = table(*columns, y=labels())
        parts, x = cut(problem), np.stack([column.values for column in columns], axis=1)
        halves = [Split(x[rows], problem.y[rows], problem.y[rows]) for rows in (parts.train, parts.test)]
        alarms += not leakage_report(*halves).clean  # in units of the standard deviation everything is near
        assert not accused(findings(problem, parts))
    assert alarms


def test_near_copies_are_found_among_outliers_and_name_their_rows():
    columns = numbers(6)
    columns[0].values[7] = 1e9
    problem = table(*columns, y=labels())
    parts = cut(problem)
    into, rows = parts.test[:3], parts.train[5:8]
    for column in columns:
        column.values[into] = column.values[rows] * (1 + 1e-4)
    [one] = of_kind(problem, "near_copies", parts)
    assert one.level == SUSPICIOUS
    assert one.pairs.tolist() == np.stack([into, rows], axis=1).tolist()


def test_of_a_large_table_a_sample_is_compared_and_it_says_so(monkeypatch):
    problem, parts = random_table(3), cut(random_table(3))
    copied = [dataclasses.replace(column, values=np.where(np.isin(np.arange(len(problem)), parts.test), 1.0001, 1) * (
        np.concatenate([column.values[parts.train[:len(parts.test)]], np.delete(column.values, parts.test)])[
            np.argsort(np.concatenate([parts.test, np.delete(np.arange(len(problem)), parts.test)]))]))
        for column in numbers(5, len(problem))]
    problem = dataclasses.replace(problem, columns=tuple(copied))
    monkeypatch.setattr(nearly, "PAIRS", 10 * len(problem))
    [one] = of_kind(problem, "near_copies", parts)
    assert "sampled test rows" in one.text


def test_equal_rows_of_few_values_are_chance_and_copies_of_real_numbers_are_not():
    rng = np.random.default_rng(0)
    answers = [Column(f"q{place}", "number", rng.integers(0, 3, 400).astype(float)) for place in range(4)]
    questionnaire = table(*answers, y=labels(400))
    [one] = of_kind(questionnaire, "equal_rows")
    assert one.level == NOTE
    assert "chance explains that" in one.text
    assert not of_kind(questionnaire, "copies")
    measured = with_column(with_column(questionnaire, numbers(1, 400)[0]), Column("w", "number", rng.standard_normal(400)))
    parts = cut(measured)
    problem, *_ = copies(measured, parts, rng)
    problem.y[parts.test] = 1 - problem.y[parts.test]
    [one] = of_kind(problem, "copies", parts)
    assert one.level == FOUND
    assert len(one.pairs) == 2
    assert "2 of 80 test rows" in one.text
    assert "2 of them with another label" in one.text
    assert "chance would give none" in one.text


def rows_alike(kind, seed, rows=900, columns=12):
    """Tables whose rows are equal or near by nature: all of a row follows from one number, or many have nothing in it."""
    rng = np.random.default_rng(seed)
    curve = np.sin(rng.standard_normal((rows, 1)) * rng.uniform(0.5, 3, columns) + rng.uniform(0, 6, columns))
    idle = np.where(rng.random((rows, 1)) < 0.3, 0, np.exp(rng.standard_normal((rows, columns))))
    x = {"curve": curve, "rounded": np.round(curve, 1), "finely": np.round(curve, 2), "idle": np.round(idle, 2),
         "kinds": np.eye(columns)[rng.integers(0, columns, rows)]}[kind]
    return table(*(Column(f"x{place}", "number", values) for place, values in enumerate(x.T)), y=labels(rows, seed))


@pytest.mark.parametrize("kind", ["curve", "rounded", "finely", "idle", "kinds"])
def test_rows_that_are_alike_by_nature_are_no_copies(kind):
    assert not [one for seed in range(2) for one in accused(findings(rows_alike(kind, seed), cut(rows_alike(kind, seed))))]


@pytest.mark.parametrize(("noise", "kind"), [(0, "copies"), (1e-3, "near_copies")])
def test_a_rare_class_multiplied_before_splitting_is_found(noise, kind):
    rng = np.random.default_rng(0)
    rare = np.repeat(np.arange(30), 6)  # of 330 rows
    x = rng.standard_normal((330, 6))
    x = np.concatenate([x[:300], x[300 + rare] + noise * rng.standard_normal((180, 6))])
    columns = (Column(f"x{place}", "number", values) for place, values in enumerate(x.T))
    [one] = of_kind(table(*columns, y=np.repeat([0, 1], [300, 180])), kind)
    assert one.strength > 0.3


def irises(*more):
    data = iris(90, 30, 30)
    parts = data.train, data.validation, data.test
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y"))
    columns = [Column(name, "number", values.astype(float)) for name, values in zip("abcd", x.T, strict=True)]
    return table(*columns, *more, y=y, classes=data.classes), Parts(np.arange(90), np.arange(90, 120), np.arange(120, 150))


def test_an_easy_problem_is_not_called_a_leak():
    problem, parts = irises()
    assert not accused(findings(problem, parts))
    told = of_kind(problem, "tells_label", parts)
    assert {one.columns for one in told} == {("c",), ("d",)}
    assert all("easy problem" in one.text for one in told)
    # The label itself stands out even there.
    leaking, *_ = label_in_words(problem, parts, np.random.default_rng(0))
    assert ("outcome",) in [one.columns for one in of_kind(leaking, "tells_label", parts)]
    code = Column("code", "number", 10.0 - problem.y)
    [found] = of_kind(with_column(problem, code), "is_label", parts)
    assert found.level == FOUND
    assert found.columns == ("code",)


def test_a_column_that_stands_out_may_be_an_easy_problem_and_the_text_says_so():
    problem, _, columns = label_as_number(table(*numbers(5), y=labels()), None, np.random.default_rng(0))
    [one] = of_kind(problem, "tells_label")
    assert (one.level, one.columns) == (SUSPICIOUS, columns)
    assert "'score'" in one.text
    assert "or the problem is easy" in one.text


def test_a_target_as_number_and_missing_values_that_tell_it():
    rng = np.random.default_rng(0)
    target = np.exp(2 * rng.standard_normal(300))
    gone = Column("gone", "number", np.where((target > 1) ^ (rng.random(300) < 0.1), np.nan, rng.standard_normal(300)))
    problem = table(*numbers(3), gone, Column("copy", "number", 3 * target + 1), y=target, classes=())
    assert [one.columns for one in of_kind(problem, "is_label")] == [("copy",)]
    assert [one.columns for one in of_kind(problem, "missing_tells_label")] == [("gone",)]


def test_groups_are_shared_only_if_they_are_on_both_sides():
    problem = table(*numbers(3), y=labels(), groups=np.arange(300) // 10, group="patient")
    apart = Parts(np.arange(200), np.arange(200, 250), np.arange(250, 300))
    assert not of_kind(problem, "shared_groups", apart)
    [one] = of_kind(problem, "shared_groups", Parts(np.arange(200), np.arange(200, 245), np.arange(245, 300)))
    assert one.columns == ("patient",)
    assert "1 of 30 groups" in one.text


def test_a_measure_in_whole_numbers_is_no_group():
    rng = np.random.default_rng(0)
    age = rng.integers(20, 80, 600).astype(float)
    problem = table(*numbers(3, 600), Column("age", "number", age), y=(age > 50).astype(np.int64))
    assert not of_kind(problem, "looks_like_groups")
    assert [one.columns for one in of_kind(problem, "tells_label")] == [("age",)]


def test_order_of_the_file():
    series = np.repeat(labels(30), 10)
    assert [one.level for one in of_kind(table(*numbers(3), y=series), "order")] == [SUSPICIOUS]
    assert [one.level for one in of_kind(table(*numbers(3), y=np.sort(series)), "sorted")] == [NOTE]
    shuffled = table(*numbers(3), y=labels())
    assert not {"order", "sorted"} & {one.kind for one in findings(shuffled, cut(shuffled))}


def test_neighbours_of_one_group_are_no_order():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(100), 4)
    own = table(*numbers(3, rows=400), y=rng.integers(0, 2, 100)[groups])  # a label for each group
    assert of_kind(own, "order")
    assert not of_kind(dataclasses.replace(own, groups=groups, group="patient"), "order")
    series = np.repeat(np.arange(10) % 2, 40)  # and of one for many groups
    [one] = of_kind(dataclasses.replace(own, y=series, groups=groups, group="patient"), "order")
    assert "give the last rows as --test" in one.text and "--group" not in one.text


def test_dates_of_the_test_rows():
    day = Column("day", "date", np.arange(300.0))
    problem = table(*numbers(2), day, y=labels())
    assert [one.columns for one in of_kind(problem, "not_later")] == [("day",)]
    assert not of_kind(problem, "numbering")  # days are no count of the rows
    assert not of_kind(problem, "not_later", Parts(np.arange(200), np.arange(200, 250), np.arange(250, 300)))


def test_a_test_file_of_another_kind():
    columns, new = numbers(3, 600), np.arange(600) >= 400
    columns[1].values[new] += 1
    town = np.where(new & (np.arange(600) % 4 == 0), 2, labels(600, 2))
    problem = table(*columns, Column("town", "category", town, ("A", "B", "Z")), y=labels(600), test_from=400)
    parts = Parts(np.arange(300), np.arange(300, 400), np.arange(400, 600))
    assert [one.columns for one in of_kind(problem, "drift", parts)] == [("x1",), ("town",)]
    [one] = of_kind(problem, "unknown_names", parts)
    assert one.columns == ("town",)
    assert "'Z'" in one.text


@pytest.mark.parametrize("noise, said", [(0, "(row 1 of the test file is row 8)"),
                                         (1e-4, "(row 1 of the test file is nearly row 8)")])
def test_rows_of_a_test_file_are_counted_on_their_own(noise, said):
    columns, rng = numbers(4, 600), np.random.default_rng(2)
    for column in columns:
        column.values[400:] = column.values[7:207] + noise * rng.standard_normal(200)
    problem = table(*columns, y=labels(600), test_from=400)
    parts = Parts(np.arange(300), np.arange(300, 400), np.arange(400, 600))
    [one] = of_kind(problem, "near_copies" if noise else "copies", parts)
    assert said in one.text and one.pairs[0].tolist() == [400, 7]
    unlabelled = np.concatenate([np.arange(10, 410), np.arange(1, 201)])  # rows without a label were on top of either file
    [one] = of_kind(dataclasses.replace(problem, places=unlabelled), "near_copies" if noise else "copies", parts)
    assert said.replace("row 1 ", "row 2 ").replace("row 8", "row 18") in one.text


def test_columns_that_say_the_same_or_nothing():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 300)
    word, code = Column("word", "category", codes, ("a", "b", "c")), Column("code", "number", 5.0 - codes)
    a = Column("a", "number", 1e6 * rng.standard_normal(300))
    line, near = (Column(name, "number", 3 - a.values / 7 + noise * rng.standard_normal(300))
                  for name, noise in (("line", 0), ("near", 300)))
    problem = table(word, code, a, line, near, Column("still", "number", np.ones(300)), y=labels())
    found = {one.kind: one.columns for one in findings(problem, cut(problem))}
    assert found == {"same_column": ("word", "code"), "linear_column": ("a", "line"), "nearly_linear_column": ("a", "near"),
                     "constant": ("still",), "unscaled": ("a", "code")}


def test_scales_further_apart_than_a_number_holds():
    x = np.random.default_rng(0).standard_normal((2, 300))
    wide, narrow = Column("wide", "number", 1e300 * x[0]), Column("narrow", "number", 1e-12 * x[1])
    problem = table(wide, narrow, y=labels())
    [one] = [one for one in findings(problem, cut(problem)) if one.kind == "unscaled"]
    assert math.isfinite(one.strength) and "'wide' varies 1e+308 times as much as 'narrow'" in one.text


def test_copied_rows_make_no_two_columns_the_same():
    drawn = np.random.default_rng(0).integers(0, 80, 300)
    columns = [Column(one.name, "number", one.values[drawn]) for one in numbers(4, 80)]
    problem = table(*columns, y=labels(80)[drawn])
    kinds = {one.kind for one in findings(problem, cut(problem))}
    assert "copies" in kinds and "same_column" not in kinds
    again = Column("again", "number", columns[0].values)
    assert ("x0", "again") in [one.columns for one in of_kind(table(*columns, again, y=labels(80)[drawn]), "same_column")]


def test_columns_left_out_as_inputs_are_named_too(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.sort(labels(200)), rng.standard_normal((200, 3)).round(4)
    order = rng.permutation(200)
    rows = [f"{row + 1},{x[row, 0]},{x[row, 1]},{x[row, 1]},{y[row]}\n" for row in order]
    path = tmp_path / "table.csv"
    path.write_text("id,a,b,c,label\n" + "".join(rows), encoding="utf-8")
    problem = problem_of(path, "label")
    assert [column.name for column in problem.columns] == ["a", "b"]
    found = accused(findings(problem, cut_table(problem)))
    assert {one.kind: one.columns for one in found} == {"numbering_tells_label": ("id",), "same_column": ("b", "c")}
    assert all("left out here" in one.text for one in found)


def test_names_that_are_no_inputs_may_be_groups(tmp_path):
    y, x = np.repeat(labels(150), 4), numbers(2, 600)
    path = tmp_path / "table.csv"
    path.write_text("who,a,b,label\n" + "".join(
        f"patient {row // 4},{x[0].values[row]:.4f},{x[1].values[row]:.4f},{y[row]}\n"
        for row in np.random.default_rng(0).permutation(600)), encoding="utf-8")
    problem = problem_of(path, "label")
    assert dict(problem.dropped).keys() == {"who"}
    [one] = accused(findings(problem, cut_table(problem)))
    assert (one.kind, one.columns) == ("looks_like_groups", ("who",))
    assert "could be" in one.text
    assert "--group" in one.text
    grouped = problem_of(path, "label", group="who")
    assert not accused(findings(grouped, cut_table(grouped)))


@pytest.mark.parametrize("classes", [("no", "yes"), ()])
def test_nothing_much_is_a_table_too(classes):
    rows = np.arange(12)
    odd = [Column("gone", "number", np.full(12, np.nan)), Column("far", "number", np.where(rows == 3, np.inf, rows * 0.5)),
           Column("huge", "number", np.where(rows < 6, 1e308, -1e308)), Column("none", "category", np.full(12, -1))]
    y = np.zeros(12, dtype=np.int64) if classes else np.ones(12)
    for columns in (odd, odd[:1], []):
        problem = table(*columns, y=y, classes=classes)
        for parts in (cut(problem), Parts(rows[:11], rows[:0], rows[11:]), Parts(rows, rows[:0], rows[:0])):
            assert not accused(findings(problem, parts))


def test_names_are_cut_and_escaped():
    name = "a\0b\x1b[31m\n" + 10_000 * "x"
    problem, *_ = label_in_words(table(*numbers(3), y=labels()), None, np.random.default_rng(0))
    leak = dataclasses.replace(problem.columns[-1], name=name)
    problem = dataclasses.replace(problem, columns=(*problem.columns[:-1], leak))
    [one] = accused(findings(problem, cut(problem)))
    assert len(one.text) < 500
    assert one.text.isprintable()
    assert json.loads(json.dumps(one.as_dict()))["columns"] == [name]
    assert named("\ud800") == r"'\ud800'"
    assert named("weight") == "'weight'"


def test_shares_in_words():
    assert [percent(share) for share in (0, 1, 0.5, 0.9996, 0.0004, 0.034, 1e-9)] == [
        "0 %", "100 %", "50 %", "99.96 %", "0.04 %", "3.4 %", "under 0.0001 %"]


def test_a_finding_can_be_printed_and_saved():
    one = Finding("copies", FOUND, (), 0.1, "some rows", np.array([[1, 2]]))
    assert str(one) == "found: some rows"
    assert json.loads(json.dumps(one.as_dict())) == {
        "kind": "copies", "level": "found", "columns": [], "strength": 0.1, "text": "some rows", "pairs": [[1, 2]]}
