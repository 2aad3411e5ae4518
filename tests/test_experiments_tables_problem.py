"""From a table to parts and inputs: test files, groups, splits, and statistics from the training rows alone."""
from dataclasses import replace

import numpy as np
import pytest

from experiments.data.tables import (
    HEADS,
    Column,
    Problem,
    TableError,
    cut,
    described,
    encoded,
    input_names,
    problem_of,
    target_scale,
)

GAP = np.nan


def write(folder, name, names, rows):
    path = folder / name
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def problem(rows=200, classes=("u", "v"), seed=0, **more):
    rng = np.random.default_rng(seed)
    columns = (Column("n", "number", np.where(rng.random(rows) < 0.1, GAP, rng.normal(5, 3, rows))),
               Column("c", "category", rng.integers(-1, 4, rows), ("p", "q", "r", "s")),
               Column("d", "date", rng.integers(19000, 20000, rows).astype(float)))
    y = np.arange(rows) % max(1, len(classes)) if classes else rng.normal(100, 7, rows)
    return Problem("t.csv", "0", "y", columns, (("id", "a running number"),), y, classes, **more)


# --- a test file ---

def both(folder, test_names="x,c,y", test_rows=(("1.5", "q", "u"), ("2.5", "zz", "v"), ("", "", "u")), **options):
    main = write(folder, "main.csv", "x,c,id,y", [(f"{i * i}.5", "pqr"[i % 3], i, "uv"[i % 2]) for i in range(40)])
    test = write(folder, "test.csv", test_names, test_rows)
    return problem_of(main, "y", test=test, **options)


def test_rows_of_a_test_file_are_the_test_part(tmp_path):
    table = both(tmp_path)
    assert table.test_from == 40 and len(table) == 43 and table.y[40:].tolist() == [0, 1, 0]
    x, c = table.columns
    assert x.values[40:42].tolist() == [1.5, 2.5] and np.isnan(x.values[42])
    assert c.categories == ("p", "q", "r", "zz") and c.values[40:].tolist() == [1, 3, -1]
    assert c.note == "test.csv has 1 category that the table has not: 'zz'"
    for split, sizes in ((0.2, (30, 10, 3)), (0.1, (36, 4, 3)), ((0.5, 0.3, 0.2), (25, 15, 3))):
        parts = cut(table, split)
        assert (len(parts.train), len(parts.validation), len(parts.test)) == sizes and parts.test.tolist() == [40, 41, 42]
    data = encoded(table, cut(table))
    assert len(data.test) == 3 and np.isfinite(data.test.x).all()


def test_a_test_file_that_is_the_table_is_told(tmp_path):
    main = write(tmp_path, "m.csv", "x,y", [(f"{i * i}.5", i % 2) for i in range(20)])
    other = write(tmp_path, "t.csv", "x,y", [(f"{i * i}.5", i % 2) for i in range(20)])
    for test in (main, other):
        assert problem_of(main, "y", test=test).notes == (
            "the test file holds the table itself, byte for byte: every test row is known from training",)


def test_columns_of_a_test_file_are_found_by_name(tmp_path):
    table = both(tmp_path, "y,more,c,x", [("v", 1, "p", "odd"), ("new", 2, "q", "7.5"), ("", 3, "q", "8.5")])
    assert table.classes == ("u", "v", "new") and table.y[40:].tolist() == [1, 2]
    assert table.places[38:].tolist() == [38, 39, 0, 1]
    assert {len(column.values) for column in table.columns} == {len(table)} == {42}
    assert np.isnan(table.columns[0].values[40]) and table.columns[0].values[41] == 7.5
    assert table.columns[0].note == "test.csv: missing: 1 cell that is no number (line 2: 'odd')"
    assert table.notes == (
        "test.csv: 1 row without a label in 'y' left out (the first: line 4)",
        "test.csv: 1 class that the table has not ('new'): 1 row that nobody can get right",
        "test.csv: 1 column that the table has not, left out: 'more'")
    assert both(tmp_path, "c,y", [("p", "u")]).dropped[0] == ("x", "not in test.csv")


@pytest.mark.parametrize("names, rows, message", [
    ("x,c,z", [(1, "p", "u")], "test.csv: label: got 'y', which is no column"),
    ("x,c,y", [(1, "p", "")], "got no row with a label"), ("x,c,y", [], "test.csv: got no rows"),
    ("x,c,y,y", [(1, "p", "u", "u")], "test.csv: label: got 'y', the name of several"),
    ("a,b,y", [(1, "p", "u")], "got no column to learn from .'x': not in test.csv"),
    ("x,c,y", [(1, "p")], "test.csv, line 2: got 2 cells")])
def test_a_test_file_that_cannot_be_one(tmp_path, names, rows, message):
    with pytest.raises(TableError, match=message):
        both(tmp_path, names, rows)


def test_numbers_and_dates_of_a_test_file_are_those_of_the_table(tmp_path):
    main = write(tmp_path, "m.csv", "when,k,y", [(f"{i % 28 + 1}.2.2024", i % 3, [1, 0][i % 2]) for i in range(40)])
    test = write(tmp_path, "t.csv", "when;k;y", [])
    test.write_text('when;k;y\n7.2.2024;2,5;1,0\n2024-02-07;1;"0"\n7.2.2024;1;x\n', encoding="utf-8")
    table = problem_of(main, "y", test=test)
    assert table.classes == ("0", "1", "x") and table.y[40:].tolist() == [1, 0, 2]
    assert table.columns[0].values[40] == 19760 == table.columns[0].values[42] and np.isnan(table.columns[0].values[41])
    assert table.columns[0].note.endswith("t.csv: missing, as no dates like those of the table: '2024-02-07'")
    assert table.columns[1].values[40:].tolist() == [2.5, 1, 1]


def test_the_digest_is_of_bytes_and_options(tmp_path):
    main = write(tmp_path, "m.csv", "x,g,y", [(f"{i * i}.5", i % 5, i % 2) for i in range(40)])
    same = write(tmp_path, "other.csv", "x,g,y", [(f"{i * i}.5", i % 5, i % 2) for i in range(40)])
    other = write(tmp_path, "third.csv", "x,g,y", [(f"{i * i}.5", i % 5, i % 2) for i in range(41)])
    digests = [problem_of(main, "y").digest, problem_of(other, "y").digest, problem_of(main, "g").digest,
               problem_of(main, "y", group="g").digest, problem_of(main, "y", test=same).digest,
               problem_of(main, "y", regression=True).digest]
    assert len(set(digests)) == 6 and problem_of(same, "y").digest == digests[0]


# --- groups and splits ---

def test_groups_are_kept_together_over_files(tmp_path):
    names = ["ann", "bob", "", "1", "1.0", "eve"]
    main = write(tmp_path, "m.csv", "x,who,y", [(f"{i * i}.5", names[i % 6], i % 2) for i in range(60)])
    test = write(tmp_path, "t.csv", "x,who,y", [(5, "ann", ""), (1, "bob", 0), (2, "zoe", 1), (3, "", 1)])
    table = problem_of(main, "y", group="who", test=test)
    assert table.group == "who" and [column.name for column in table.columns] == ["x"]
    who = table.groups
    assert len({who[i] for i in range(60) if i % 6 == 2} | {who[62]}) == 11  # nobody's rows are alone
    assert who[60] == who[1] == who[7] and who[61] not in who[:60] and len(set(who)) == 5 + 1 + 11
    assert table.notes[1:] == ("11 rows without a 'who': each a group of its own",)
    alone = problem_of(write(tmp_path, "a.csv", "x,who,y", [(f"{i * i}.5", i, i % 2) for i in range(20)]), "y", group="who")
    assert alone.notes == ("'who' differs in every row: it keeps nothing together",)
    parts = cut(problem_of(main, "y", group="who"), seed=3)
    whose = problem_of(main, "y", group="who").groups
    for one, other in ((parts.train, parts.validation), (parts.train, parts.test), (parts.validation, parts.test)):
        assert not set(whose[one]) & set(whose[other])


@pytest.mark.parametrize("classes", [("u", "v"), ("a", "b", "c"), ()])
@pytest.mark.parametrize("split, sizes", [(0.2, (120, 40, 40)), (0.1, (160, 20, 20)), ((0.5, 0.25, 0.25), (100, 50, 50)),
                                          ((0.5, 0.2, 0.1), (100, 40, 20))])
def test_parts_are_disjoint_and_alike(classes, split, sizes):
    table = problem(classes=classes)
    parts = [cut(table, split, seed) for seed in (0, 0, 1)]
    for part in parts:
        rows = np.concatenate([part.train, part.validation, part.test])
        assert (len(part.train), len(part.validation), len(part.test)) == sizes and len(set(rows.tolist())) == len(rows)
        for one in (part.train, part.validation, part.test):
            assert one.dtype == np.int64 and (np.diff(one) > 0).all()
            if classes:
                assert np.abs(np.bincount(table.y[one]) / len(one) - 1 / len(classes)).max() < 1.5 / len(one)
            else:
                assert abs(np.median(table.y[one]) - np.median(table.y)) < 4
    assert np.array_equal(parts[0].train, parts[1].train) and not np.array_equal(parts[0].train, parts[2].train)


@pytest.mark.parametrize("split", [0, 0.5, 1, -0.1, np.nan, "x", None, (0.5, 0.5), (0.6, 0.3, 0.2), (0.5, 0.5, 0.0),
                                   (1, 1, 1)])
def test_shares_that_are_none(split):
    with pytest.raises(TableError, match=r"split: got .*, accepted: a share above 0 and below 0.5 to test on, or three"):
        cut(problem(), split)


def test_parts_that_cannot_be_made():
    with pytest.raises(TableError, match=r"t.csv, column 'g': got 2 groups, the largest of 150 rows, accepted: groups"):
        cut(problem(groups=np.repeat([0, 1], [150, 50]), group="g"))
    with pytest.raises(TableError, match="got one class among the rows to train on, accepted: two at least"):
        for seed in range(20):
            cut(replace(problem(), y=np.repeat([0, 1], [199, 1])), 0.25, seed)
    assert len(cut(problem(10)).validation) == len(cut(problem(10), 0.01).test) + 1 == 2
    for rows in range(8, 20):  # however shares are rounded, no row is lost
        parts = cut(problem(rows))
        assert len(parts.train) + len(parts.validation) + len(parts.test) == rows


# --- inputs ---

def test_statistics_come_from_training_rows_alone():
    table = problem()
    parts = cut(table)
    first = encoded(table, parts)
    held = np.setdiff1d(np.arange(len(table)), parts.train)
    changed = [column.values.copy() for column in table.columns]
    for values, far in zip(changed, (1e6, 3, 4e4), strict=True):
        values[held] = far
    second = encoded(replace(table, columns=tuple(replace(column, values=values) for column, values
                                                  in zip(table.columns, changed, strict=True))), parts)
    assert np.array_equal(first.train.x, second.train.x) and not np.array_equal(first.test.x, second.test.x)


def test_inputs_by_hand():
    n = Column("n", "number", np.array([1, 3, GAP, 5, GAP, 100, 7, 2e9, 3, 3.0]))
    c = Column("c", "category", np.array([0, 0, 1, 1, 1, 0, 2, 3, -1, -1]), ("p", "q", "r", "s"))
    table = Problem("t.csv", "0", "y", (n, c), (), np.arange(10) % 2, ("u", "v"))
    parts = replace(cut(table), train=np.array([0, 1, 2, 3, 4]), validation=np.array([5, 8]), test=np.array([6, 7, 9]))
    data = encoded(table, parts)
    assert input_names(table) == ("n", "n missing", "c: frequent 1", "c: frequent 2", "c: others", "c missing")
    z = (np.array([1, 3, 3, 5, 3]) - 3) / np.std([1, 3, 5])
    assert data.train.x.dtype == np.float32 and data.train.x[:, 0] == pytest.approx(z, abs=1e-6)
    assert data.train.x[:, 1].tolist() == [0, 0, 1, 0, 1]
    # In training q is the most frequent, then p; nothing is missing there, so that input is left at 0.
    assert data.train.x[:, 2:].tolist() == [[0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    assert data.validation.x[:, 2:].tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    assert data.test.x[:, 2:].tolist() == [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert data.test.x[1, 0] == 1000 and data.test.x[2, 0] == 0  # 2e9 is beyond all reach
    assert data.train.y.tolist() == [0, 1, 0, 1, 0] and data.train.y.dtype == np.int64 and data.classes == ("u", "v")


def test_a_column_that_training_knows_nothing_of_is_silent():
    n = Column("n", "number", np.array([GAP] * 5 + [1, 2, 3, 4, 5]))
    m = Column("m", "number", np.array([2.0] * 5 + [1, 2, 3, 4, 5]))
    table = Problem("t.csv", "0", "y", (n, m), (), np.arange(10) % 2, ("u", "v"))
    parts = replace(cut(table), train=np.arange(5), validation=np.arange(5, 7), test=np.arange(7, 10))
    data = encoded(table, parts)
    assert not data.train.x.any() and not data.test.x.any() and not data.validation.x.any()


def test_a_category_that_training_has_not_is_one_of_the_others():
    c = Column("c", "category", np.array([0, 0, 1, 1, 0, 3, 3, 3, 1, 2]), ("p", "q", "r", "s"))
    table = Problem("t.csv", "0", "y", (c,), (), np.arange(10) % 2, ("u", "v"))
    parts = replace(cut(table), train=np.arange(5), validation=np.arange(5, 8), test=np.arange(8, 10))
    data = encoded(table, parts)
    assert input_names(table)[3] == "c: others" and data.validation.x.tolist() == [[0, 0, 0, 1]] * 3
    assert data.train.x.tolist() == [[1, 0, 0, 0]] * 2 + [[0, 1, 0, 0]] * 2 + [[1, 0, 0, 0]]
    assert data.test.x.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]  # of three places one stays free: two categories are known


def test_presence_of_prose_is_one_input():
    given = Column("n", "category", np.arange(20) % 2 - 1, ("(any text)",))
    table = Problem("t.csv", "0", "y", (given,), (), np.arange(20) // 10, ("u", "v"))
    parts = cut(table)
    assert encoded(table, parts).train.x.tolist() == [[row % 2] for row in parts.train]


def test_all_splits_of_a_table_have_one_shape():
    rng = np.random.default_rng(0)
    long_tail = Column("c", "category", np.minimum(rng.geometric(0.1, 300) - 1, 59), tuple(map(str, range(60))))
    table = Problem("t.csv", "0", "y", (long_tail,), (), np.arange(300) % 2, ("u", "v"))
    shapes = {encoded(table, cut(table, seed=seed)).train.x.shape for seed in range(10)}
    assert shapes == {(180, len(input_names(table)))} and len(input_names(table)) < 34
    x = encoded(table, cut(table)).train.x
    assert (x.sum(axis=1) == 1).all() and (np.diff(x[:, :-1].sum(axis=0)) <= 0).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1.0, 1e20, 1e300])
def test_any_scale_is_taken(scale):
    table = problem()
    table = replace(table, columns=(replace(table.columns[0], values=table.columns[0].values * scale),))
    data = encoded(table, cut(table))
    assert np.isfinite(data.train.x).all() and abs(data.train.x[:, 0].std() - 1) < 0.1


def test_numbers_to_predict_are_standardised_by_training():
    table = problem(classes=())
    parts = cut(table)
    data = encoded(table, parts)
    mean, scale = target_scale(table, parts)
    assert data.classes == () and data.train.y.shape == (120, 1) and data.train.y.dtype == np.float32
    assert abs(data.train.y.mean()) < 1e-6 and abs(data.train.y.std() - 1) < 1e-6
    far = replace(table, y=np.where(np.arange(200) == parts.test[0], 1e300, table.y))
    with pytest.raises(TableError, match=r"t.csv, column 'y': got 1e\+300, accepted: numbers not that far"):
        encoded(far, parts)
    assert mean + scale * data.test.y[:, 0] == pytest.approx(table.y[parts.test], rel=1e-5)


def test_what_was_done_is_described():
    rows = described(replace(problem(groups=np.arange(200) // 4, group="g"), notes=("so",)))
    assert [row[:3] for row in rows] == [("y", "label", ""), ("g", "group", ""), ("n", "number", "10.5 %"),
                                         ("c", "category", "18.5 %"), ("d", "date", ""), ("id", "left out", "")]
    assert {len(row) for row in rows} == {len(HEADS)} and "none of 50 groups is put into two parts" in rows[1][3]
    assert rows[2][3].endswith("missing at the mean; an input says what is missing")
    assert rows[3][3] == "4 categories, an input for each; an input says what is missing"
    assert rows[5][3] == "a running number"
    gap = Column("n", "number", np.where(np.arange(200) == 7, GAP, np.arange(200) % 9))
    assert described(replace(problem(), columns=(gap,)))[1][2:] == (  # one is too few for an input
        "0.5 %", "standardised by mean and deviation in training; missing at the mean")
    assert rows[0][3] == "2 classes to tell apart"
    given = Column("n", "category", np.arange(200) % 2 - 1, ("(any text)",), "prose; only whether there is one is looked at")
    assert described(replace(problem(), columns=(given,)))[1] == (
        "n", "category", "50.0 %", "an input says where there is any; prose; only whether there is one is looked at")
    tail = Column("c", "category", np.arange(200) % 150, tuple(map(str, range(150))), "so it is")
    assert described(replace(problem(), columns=(tail,)))[1][3] == (
        "150 categories, an input for each of the frequent ones (in 2 rows, at most 32), one for all others; so it is")
    assert "number to predict" in described(problem(classes=()))[0][3]
