"""What is in a table, counted and measured by hand."""
import json

import numpy as np
import pytest

from experiments.check import facts as module
from experiments.check.facts import facts, nearest_training_rows
from experiments.data.tables import encoded
from experiments.data.tables.problem import Column, Parts, Problem


def problem(y, classes, rows=10):
    x = np.arange(rows, dtype=float)
    x[4] = np.nan
    town = np.where(np.arange(rows) % 2, 0, 1)
    town[[0, 9]] = -1
    return Problem("made.csv", "", "out\x07come", (Column("x", "number", x), Column("town", "category", town, ("A", "B")),
                                                   Column("day", "date", np.arange(rows) * 30.0)),
                   (("id", "a running number"),), np.asarray(y), classes)


PARTS = Parts(np.arange(6), np.array([6, 7]), np.array([8, 9]))


def test_counts_and_guessing_of_classes():
    one = problem([1, 1, 1, 1, 0, 0, 1, 0, 0, 1], ("no", "yes"))
    seen = facts(one, PARTS)
    assert seen.rows == {"all": 10, "train": 6, "validation": 2, "test": 2}
    assert seen.columns == {"number": 2 - 1, "category": 1, "date": 1, "dropped": 1}
    assert seen.classes == {"yes": 6, "no": 4}
    assert seen.missing == {"x": 1, "town": 2}
    assert (seen.measure, seen.always, seen.guess) == ("accuracy", "yes", 0.5)
    data = encoded(one, PARTS)
    near = ((data.test.x[:, None] - data.train.x)**2).sum(axis=2).argmin(axis=1)
    assert seen.nearest == np.mean(one.y[PARTS.train][near] == one.y[PARTS.test])
    other = facts(problem([1, 1, 1, 1, 0, 0, 1, 0, 0, 0], ("no", "yes")), PARTS)
    assert (other.guess, other.nearest) == (0.0, 1.0)
    assert json.loads(json.dumps(seen.as_dict()))["compared"] == [2, 6]
    assert str(seen).splitlines() == [
        "rows: 10 (6 to train on, 2 to choose by, 2 to test on)",
        f"columns: 1 number, 1 category, 1 date; 1 left out; {seen.inputs} inputs of the network",
        r"classes of 'out\x07come': 'yes' 6 (60 %), 'no' 4 (40 %)",
        "missing values: 'town' 2 (20 %), 'x' 1 (10 %)",
        f"accuracy on the test rows: 50.0 % by guessing (always 'yes'), {100 * seen.nearest:.1f} % by the nearest training "
        "row"]


def test_guessing_a_number():
    y = np.array([0, 1, 2, 3, 4, 5, 0, 0, 2.5, 4.5])
    seen = facts(problem(y, ()), PARTS)
    assert seen.guess == pytest.approx(np.sqrt(2))  # the mean is 2.5
    assert seen.target == pytest.approx({"mean": 2.2, "deviation": y.std(), "least": 0, "most": 5})
    assert "'out\\x07come': mean 2.2" in str(seen)
    assert "1.414 by guessing (always the mean)" in str(seen)


def test_the_nearest_row_is_that_of_the_definition(monkeypatch):
    rng = np.random.default_rng(0)
    x, x_test = (rng.standard_normal((rows, 4)).astype(np.float32) + 100 for rows in (70, 40))
    monkeypatch.setattr(module, "BLOCK", 300)
    nearest, queries, rows = nearest_training_rows(x, x_test)
    assert rows == 70
    assert queries.tolist() == list(range(40))
    assert nearest.tolist() == ((x_test[:, None] - x)**2).sum(axis=2).argmin(axis=1).tolist()


def test_of_a_large_table_a_sample_is_looked_at_and_it_says_so(monkeypatch):
    monkeypatch.setattr(module, "TRAINING_ROWS", 4)
    monkeypatch.setattr(module, "TEST_ROWS", 1)
    one = problem([1, 1, 1, 1, 0, 0, 1, 0, 0, 1], ("no", "yes"))
    seen = facts(one, PARTS, encoded(one, PARTS))
    assert seen.compared == (1, 4)
    assert "(1 test and 4 training rows, drawn at random)" in str(seen)


def test_many_classes_and_columns_are_cut():
    rows = np.arange(40)
    columns = tuple(Column(f"c{place}", "number", np.where(rows == place, np.nan, rows)) for place in range(12))
    many = Problem("made.csv", "", "y", columns, (), rows % 20, tuple(map(str, range(20))))
    lines = str(facts(many, Parts(rows[:30], rows[30:35], rows[35:]))).splitlines()
    assert lines[2].endswith("and 12 more")
    assert lines[3].endswith("and 4 more columns")
    assert max(map(len, lines)) < 300


def test_one_input_is_no_inputs():
    one = problem([1, 1, 1, 1, 0, 0, 1, 0, 0, 1], ("no", "yes"))
    seen = facts(Problem(**{**vars(one), "columns": (Column("x", "number", np.arange(10.0)),)}), PARTS)
    assert "; 1 left out; 1 input of the network" in str(seen)
