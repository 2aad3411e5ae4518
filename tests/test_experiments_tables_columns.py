"""What a column is told to be, what is left out by name, what is a label and what is none."""
import numpy as np
import pytest

from experiments.data.tables import TableError, problem_of

N = 40


def table(folder, names="x,y", rows=N, **columns):
    """Write a table of functions of the row: y is a class, x a number unless they are given."""
    makers = {"x": lambda i: f"{(i * 37) % 101}.5", "y": lambda i: "uv"[i % 2], **columns}
    used = [*columns, *(name for name in names.split(",") if name not in columns)]
    lines = [",".join(used), *(",".join(f'"{makers[name](i)}"' for name in used) for i in range(rows))]
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def told(folder, cell, rows=N):
    problem = problem_of(table(folder, c=cell, rows=rows), "y")
    [column] = [column for column in problem.columns if column.name == "c"]
    return column


def dropped(folder, cell, name="c", rows=N):
    return dict(problem_of(table(folder, **{name: cell}, rows=rows), "y").dropped).get(name)


# --- kinds ---

@pytest.mark.parametrize("cell, categories", [
    (lambda i: ["red", "green", "blue"][i % 3], ("blue", "green", "red")), (lambda i: i % 2 == 0, ("False", "True")),
    (lambda i: ["01234", "98765", "00001"][i % 3], ("00001", "01234", "98765")),  # postcodes, not numbers
    (lambda i: [" a ", "a", "-", "none"][i % 4], ("-", "a", "none")), (lambda i: "+-"[i // 2 % 2], ("+", "-")),
    (lambda i: f"k{i % 15}" if i % 8 else f"rare {i}", tuple(sorted({f"k{i % 15}" if i % 8 else f"rare {i}"
                                                                     for i in range(N)})))])
def test_categories(tmp_path, cell, categories):
    column = told(tmp_path, cell)
    assert (column.kind, column.categories, column.note) == ("category", categories, "")
    assert [column.categories[code] for code in column.values] == [str(cell(i)).strip() for i in range(N)]


def test_a_missing_category_is_missing(tmp_path):
    column = told(tmp_path, lambda i: "" if i % 5 == 1 else "NA" if i % 5 == 2 else "ab"[i % 2])
    assert column.categories == ("a", "b") and column.values[:4].tolist() == [0, -1, -1, 1]
    assert np.flatnonzero(column.missing).tolist() == [i for i in range(N) if i % 5 in (1, 2)]


@pytest.mark.parametrize("cell, days, note", [
    (lambda i: f"2024-03-{1 + i % 28:02}", 19783, "written year-month-day"),
    (lambda i: f"2024/3/{1 + i % 28}", 19783, "written year-month-day"),
    (lambda i: f"{1 + i % 28}.3.2024", 19783, "written day.month.year"),
    (lambda i: f"3/{1 + i % 28}/2024", 19783, "written month/day/year"),
    (lambda i: f"{1 + i % 28}/03/2024", 19783, "written day.month.year"),
    (lambda i: f"3/{1 + i % 9}/2024", 19783, "written month/day/year (day and month may be the other way round)"),
    (lambda i: f"3.{1 + i % 9}.2024", 19725, "written day.month.year (day and month may be the other way round)"),
    (lambda i: f"202403{1 + i % 28:02}", 19783, "written yearmonthday"),
    (lambda i: f"{1 + i % 28} Mar 2024", 19783, "written day month year"),
    (lambda i: f"March {1 + i % 28}, 2024", 19783, "written month day, year"),
    (lambda i: f"2024-03-{1 + i % 28:02}T18:00:00Z", 19783.75, "written year-month-day"),
    (lambda i: f"2024-03-{1 + i % 28:02} 06:00:00.000 PM", 19783.75, "written year-month-day"),
    (lambda i: f"2024-03-{1 + i % 28:02} 12:00 AM", 19783, "written year-month-day"),
    (lambda i: f"2024-03-{1 + i % 28:02} 19:00+01:00", 19783.75, "written year-month-day")])
def test_dates_are_days(tmp_path, cell, days, note):
    column = told(tmp_path, cell)
    assert (column.kind, column.note, column.values[0]) == ("date", note, days)


def test_dates_with_gaps_and_slips(tmp_path):
    others = {3: "unknown", 5: "soon", 6: "2024-02-31"}
    column = told(tmp_path, lambda i: others.get(i, f"2024-02-{i % 28 + 1}"))
    assert column.kind == "date" and np.flatnonzero(column.missing).tolist() == [3, 5, 6]
    assert column.note == "written year-month-day; missing: 2 cells written otherwise ('soon', '2024-02-31')"


def test_times_are_hours(tmp_path):
    column = told(tmp_path, lambda i: f"{i % 24}:45:36")
    assert column.kind == "number" and column.values[2] == pytest.approx(2.76)
    assert column.note == "times written hours:minutes, in hours"


@pytest.mark.parametrize("cell, kind, missing, note", [
    (lambda i: "oops" if i == 7 else f"{i * i}.5", "number", [7], "missing: 1 cell that is no number (line 9: 'oops')"),
    (lambda i: "inf" if i in (3, 7) else f"{i * i}.5", "number", [3, 7], "missing: 2 infinite values"),
    (lambda i: "1e999" if i == 7 else f"{i * i}.5", "number", [7], "missing: 1 infinite value"),
    (lambda i: "many" if i == 7 else i % 5, "category", [],
     "numbers and words in one column ('0', 'many'): all taken as categories"),
    (lambda i: ["a", "b", "7"][i % 3], "category", [],
     "numbers and words in one column ('7', 'a'): all taken as categories")])
def test_mixed_columns(tmp_path, cell, kind, missing, note):
    column = told(tmp_path, cell)
    assert (column.kind, column.note, np.flatnonzero(column.missing).tolist()) == (kind, note, missing)


# --- left out, by name ---

@pytest.mark.parametrize("cell, reason", [
    (lambda i: i, "a running number: equal steps from row to row"),
    (lambda i: 5000 - 3 * i, "a running number: equal steps from row to row"),
    (lambda i: 100 + i * 7 % N, "a running number, in another order than the rows"),
    (lambda i: "same", "constant: 'same' in every row"), (lambda i: 1.50, "constant: '1.5' in every row"),
    (lambda i: "", "no value in any row"), (lambda i: ["NA", "?", " "][i % 3], "no value in any row"),
    (lambda i: f"{i + 10} kg", "text that differs in every row ('10 kg', ...): a name, an id or prose"),
    (lambda i: "same" if i < 2 else f"name {i}", "text with 39 different values in 40 rows, hardly any in 2"),
    (lambda i: f"{(i * 37) % 101}.5", "equal to 'x' in every row"),
    (lambda i: f"{(i * 37) % 10}.0" if i % 10 else "-0.0" if i % 3 else "0", "equal to 'x' in every row")])
def test_columns_to_learn_nothing_from(tmp_path, cell, reason):
    path = table(tmp_path, names="x,c,y", c=cell)
    if "equal to" in reason:
        path = table(tmp_path, x=lambda i: str(cell(i)).lstrip("-"), c=cell)
    problem = problem_of(path, "y")
    assert [(name, why[:len(reason)]) for name, why in problem.dropped] == [("c", reason)]
    assert [column.name for column in problem.columns] == ["x"]


@pytest.mark.parametrize("name, is_id", [
    ("PassengerId", True), ("user_id", True), ("ID", True), ("row nr", True), ("", True), ("Unnamed: 0", True),
    ("area", False), ("valid", False), ("price", False)])
def test_different_whole_numbers_are_ids_by_their_name_alone(tmp_path, name, is_id):
    reason = dropped(tmp_path, lambda i: i * i + 1000, name)
    if not name:
        reason = dict(problem_of(table(tmp_path, **{"": lambda i: i * i + 1000}), "y").dropped).get("unnamed 1")
    assert reason == ("all different whole numbers, and the name of an id" if is_id else None)
    assert dropped(tmp_path, lambda i: i * i % 50 + 1000, name or "id") is None  # repeated: no id


@pytest.mark.parametrize("cell", [lambda i: i if i != 5 else "", lambda i: i if i < 39 else "", lambda i: i + 0.5,
                                  lambda i: i if i else 3, lambda i: i * i, lambda i: "yes" if i % 7 == 0 else "",
                                  lambda i: 1 if i % 7 == 0 else ""])
def test_what_is_like_them_and_may_tell_something_stays(tmp_path, cell):
    assert dropped(tmp_path, cell) is None


def test_of_rare_prose_only_its_presence_is_kept(tmp_path):
    column = told(tmp_path, lambda i: f"complaint {i}" if i % 4 == 0 else "")
    assert column.categories == ("(any text)",) and column.values.tolist() == [0, -1, -1, -1] * (N // 4)
    assert column.note == ("text that differs in every row ('complaint 0', ...): a name, an id or prose; only whether there "
                           "is one is looked at")


def test_thousands_of_words_are_not_kept(tmp_path, monkeypatch):
    from experiments.data.tables import growing, reading

    monkeypatch.setattr(growing, "MAX_WORDS", 20)
    monkeypatch.setattr(reading, "BLOCK", 30)
    assert dropped(tmp_path, lambda i: f"w{i}") == "words, thousands of them different: names, ids or prose"
    column = told(tmp_path, lambda i: "word" if i == 0 else f"{i * i}.5", rows=80)  # words first, then numbers throughout
    assert column.kind == "number" and column.values[79] == 79 * 79 + 0.5 and column.missing.sum() == 1


# --- labels ---

@pytest.mark.parametrize("cell, classes", [
    (lambda i: "ba"[i % 2], ("a", "b")), (lambda i: [2, 10, 1][i % 3], ("1", "2", "10")),
    (lambda i: ["1", "1.0", "02", "2"][i % 4], ("1", "2")), (lambda i: [-1, 1][i % 2], ("-1", "1")),
    (lambda i: i % 2 == 0, ("False", "True")), (lambda i: "+-"[i % 2], ("+", "-")),
    (lambda i: ["none", "-"][i % 2], ("-", "none")),
    (lambda i: [0.5, 1.5][i % 2], ("0.5", "1.5")), (lambda i: ["1", "2", "x"][i % 3], ("1", "2", "x"))])
def test_classes(tmp_path, cell, classes):
    problem = problem_of(table(tmp_path, y=cell), "y")
    assert problem.classes == classes and len(problem) == N and problem.notes == ()
    assert len(set(problem.y.tolist())) == len(classes)


def test_rows_without_a_label_are_left_out_and_said(tmp_path):
    path = table(tmp_path, y=lambda i: ["u", "v", "", "?"][i % 4], c=lambda i: i)
    problem = problem_of(path, "y")
    assert len(problem) == 20 and problem.columns[0].values.tolist() == [(i * 37) % 101 + 0.5 for i in range(N) if i % 4 < 2]
    assert problem.notes == ("20 rows without a label in 'y' left out (the first: line 4)",)
    assert problem.places.tolist() == [i for i in range(N) if i % 4 < 2]
    assert problem.dropped[0][0] == "c"  # still a running number, though rows in between are gone


def test_what_becomes_constant_without_them(tmp_path):
    path = table(tmp_path, y=lambda i: ["u", "v", ""][i % 3], c=lambda i: "late" if i % 3 == 2 else "early",
                 d=lambda i: 5 if i % 3 == 2 else "")
    assert problem_of(path, "y").dropped == (("c", "constant: 'early' in every row"),
                                             ("d", "no value in any row that has a label"))


@pytest.mark.parametrize("cell, message", [
    (lambda i: "u", r"got one class, 'u', in every row, accepted: two classes"),
    (lambda i: "", "got no label in any row, accepted: two classes"), (lambda i: "u" if i else "", "got one class, 'u'"),
    (lambda i: i, "a running number: equal steps from row to row, '0' to '39', accepted: classes.*to predict, --regression"),
    (lambda i: i * 7 % N, "a running number, in another order.*--regression"),
    (lambda i: i * i % 1000 + 0.5, r"got 39 different numbers in 40 rows, accepted: classes.*--regression"),
    (lambda i: f"{i // 2}.5" if i % 2 else i * 3 // 7, "different numbers in 40 rows"),
    (lambda i: f"w{i}", r"got 40 different words in 40 rows, accepted: classes, .* on average$")])
def test_what_is_no_class(tmp_path, cell, message):
    path = table(tmp_path, y=cell)
    with pytest.raises(TableError, match=message) as caught:
        problem_of(path, "y")
    assert str(caught.value).startswith(f"{path}, column 'y': got")


def test_what_the_reader_is_asked_about(tmp_path):
    notes = problem_of(table(tmp_path, y=lambda i: ["Yes", "yes", "no"][i % 3]), "y").notes
    assert notes == ("classes 'Yes' and 'yes' differ by capitals alone: two classes",)
    notes = problem_of(table(tmp_path, y=lambda i: "rare" if i in (3, 8) else "uv"[i % 2]), "y").notes
    assert notes == ("1 class of fewer than 3 rows ('rare'): not in every part",)
    notes = problem_of(table(tmp_path, y=lambda i: 5 * i), "y", regression=True).notes
    assert notes == ("'y' is a running number: equal steps from row to row: is it what is to be predicted?",)
    notes = problem_of(table(tmp_path, y=lambda i: i % 30, rows=120), "y").notes
    assert notes == ("30 different numbers in 'y' are taken as classes; --regression predicts a number",)


def test_regression(tmp_path):
    problem = problem_of(table(tmp_path, y=lambda i: f"{i * i},5" if i else "", rows=20), "y", regression=True)
    assert problem.classes == () and problem.y.dtype == np.float64
    assert problem.y.tolist() == [i * i + 0.5 for i in range(1, 20)]
    for cell, message in ((lambda i: "x" if i == 7 else i * i, "line 9, column 'y': got 'x', accepted: a number"),
                          (lambda i: "7", "got 7 in every row"), (lambda i: "", "got no value in any row")):
        with pytest.raises(TableError, match=message):
            problem_of(table(tmp_path, y=cell), "y", regression=True)


@pytest.mark.parametrize("rows, labels", [(1, 1), (9, 9), (30, 9)])
def test_too_few_rows(tmp_path, rows, labels):
    path = table(tmp_path, y=lambda i: "uv"[i % 2] if i < labels else "", rows=rows)
    with pytest.raises(TableError, match=rf"got {labels} rows?( with a label)?, accepted: 10 at least"):
        problem_of(path, "y")


def test_nothing_to_learn_from(tmp_path):
    with pytest.raises(TableError, match=r"no column to learn from \('a': constant: '1' in every row; 'b': a running num"):
        problem_of(table(tmp_path, names="y", a=lambda i: 1, b=lambda i: i), "y")
