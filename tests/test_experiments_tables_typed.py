"""Parquet and Feather: the same table as text, damaged files refused, and the way to what reads them."""
import sys

import numpy as np
import pytest

from experiments.data.tables import TableError, cut, encoded, estimated, problem_of

pa = pytest.importorskip("pyarrow")
import datetime  # noqa: E402
import decimal  # noqa: E402

import pyarrow.feather  # noqa: E402
import pyarrow.parquet  # noqa: E402


def write(folder, name, names, rows):
    path = folder / name
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def columnar(folder, kind, **more):
    n = 40
    start = datetime.datetime(2024, 3, 1, 18, tzinfo=datetime.timezone.utc)
    table = pa.table({
        "x": pa.array([None if i == 3 else (i * 37 % 101) + 0.5 for i in range(n)], pa.float32()),
        "w": pa.array([["p", "q", None][i % 3] for i in range(n)]).dictionary_encode(),
        "t": pa.array([start + datetime.timedelta(days=i % 7) for i in range(n)]),
        "d": pa.array([datetime.date(2024, 3, 1 + i % 5) for i in range(n)]),
        "b": pa.array([[True, False, None][i % 3] for i in range(n)]),
        "k": pa.array([decimal.Decimal(i * i % 7) / 2 for i in range(n)]),
        "u": pa.array([2**63 + i * i % 5 * 2**40 for i in range(n)], pa.uint64()),
        "inf": pa.array([float("inf")] + [i * i / 2 for i in range(n - 1)]),
        "list": pa.array([[i] for i in range(n)]), "none": pa.nulls(n), "i": pa.array(range(n)),
        "late": pa.array([datetime.timedelta(seconds=i * i) for i in range(n)]),
        "y": pa.array([i % 2 == 0 for i in range(n)]), **more})
    path = folder / f"table.{kind}"
    if kind == "parquet":
        pyarrow.parquet.write_table(table, path, row_group_size=16)
    else:
        pyarrow.feather.write_feather(table, path, chunksize=16, **({"version": 1} if kind == "v1" else {}))
    return path


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_typed_files(tmp_path, kind):
    table = problem_of(columnar(tmp_path, kind), "y")
    found = {column.name: column for column in table.columns}
    kinds = {"x": "number", "w": "category", "t": "date", "d": "date", "b": "category", "k": "number", "u": "number",
             "inf": "number", "late": "number"}
    assert {name: column.kind for name, column in found.items()} == kinds
    assert found["x"].values[4] == 148 % 101 + 0.5 and np.flatnonzero(found["x"].missing).tolist() == [3]
    assert found["w"].categories == ("p", "q") and found["w"].values[:3].tolist() == [0, 1, -1]
    assert found["b"].categories == ("false", "true") and found["b"].values[:3].tolist() == [1, 0, -1]
    assert found["t"].values[:2].tolist() == [19783.75, 19784.75] and found["d"].values[1] == 19784
    assert found["k"].values[:4].tolist() == [0, 0.5, 2, 1] and found["late"].values[5] == 25 / 3600
    assert found["inf"].note == "missing: 1 infinite value" and np.isnan(found["inf"].values[0])
    assert dict(table.dropped) == {"list": "'list<item: int64>': neither numbers, words nor dates" if kind == "feather" else
                                   "'list<element: int64>': neither numbers, words nor dates", "none": "no value in any row",
                                   "i": "a running number: equal steps from row to row"}
    assert table.classes == ("false", "true") and np.isfinite(encoded(table, cut(table)).test.x).all()


def test_typed_and_text_files_are_one_table(tmp_path):
    main = columnar(tmp_path, "parquet")
    test = write(tmp_path, "t.csv", "y,w,x,d,k,b,u,inf,t,late",
                 [("true", "q", "2.5", "2024-03-02", "1.5", "false", 1, 2, "", "3")])
    table = problem_of(main, "y", test=test)
    found = {column.name: column.values[-1] for column in table.columns}
    assert table.y[-1] == 1 and (found["w"], found["x"], found["k"], found["b"], found["late"]) == (1, 2.5, 1.5, 0, 3)
    assert found["d"] == 19784
    rows = [(f"2024-03-{i % 28 + 1:02}", f"{i * i}.5", ["true", "false"][i % 2]) for i in range(20)]
    swapped = problem_of(write(tmp_path, "m.csv", "d,x,y", rows), "y", test=main)
    assert swapped.columns[0].values[20:23].tolist() == [19783, 19784, 19785] and swapped.columns[1].values[20] == 0.5
    crossed = problem_of(write(tmp_path, "m.csv", "x,d,y", rows), "y", test=main)
    assert np.isnan(crossed.columns[0].values[20:]).all() and np.isnan(crossed.columns[1].values[20:]).all()
    assert "as no dates like those of the table: '0.5'" in crossed.columns[0].note


def test_whole_numbers_that_floats_confuse_stay_apart(tmp_path):
    ids = [2**60 + i % 4 for i in range(40)]
    main = columnar(tmp_path, "parquet", y=pa.array(ids), g=pa.array(ids))
    text = write(tmp_path, "t.csv", "x,g,y", [(f"{i * i}.5", ids[i], ids[i]) for i in range(40)])
    for table in (problem_of(main, "y", group="g"), problem_of(text, "y", group="g")):
        assert table.classes == tuple(str(2**60 + i) for i in range(4)) and table.groups.max() == 3
        assert table.y.tolist() == [i % 4 for i in range(40)] == table.groups.tolist()


def test_typed_files_say_their_rows(tmp_path):
    path = columnar(tmp_path, "parquet", z=pa.array(["u" if i < 35 else None for i in range(40)]))
    assert estimated(path).rows == 40
    with pytest.raises(TableError, match="got one class, 'u'"):
        problem_of(path, "z")
    path = columnar(tmp_path, "parquet", y=pa.array([None, "u", "v", "v"] * 10))
    assert problem_of(path, "y").notes == ("10 rows without a label in 'y' left out (the first: row 1)",)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_damaged_typed_files(tmp_path, kind):
    path = columnar(tmp_path, kind)
    whole = path.read_bytes()
    for content in (whole[:-20], whole[:len(whole) // 2], whole[:8]):
        path.write_bytes(content)
        with pytest.raises(TableError, match=rf"got a {kind} file that cannot be read"):
            problem_of(path, "y")


def test_a_typed_file_that_lies_about_its_words(tmp_path):
    """Read unchecked it would end the process, or raise what nobody expects."""
    path = tmp_path / "t.feather"
    table = pa.table({"w": ["needle", "hay"] * 10, "y": ["u", "v"] * 10})
    pyarrow.feather.write_feather(table, path, compression="uncompressed")
    path.write_bytes(path.read_bytes().replace(b"needle", b"nee\xccle"))
    with pytest.raises(TableError, match=r"got a feather file that cannot be read \(.*UTF8"):
        problem_of(path, "y")


def test_the_way_to_pyarrow_is_said(tmp_path, monkeypatch):
    path = columnar(tmp_path, "parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TableError, match=r"pyarrow: got none .*, accepted: .* pip install -e '\.\[tables\]'; CSV is read"):
        problem_of(path, "y")
    text = write(tmp_path, "t.csv", "x,y", [(f"{i * i}.5", i % 2) for i in range(20)])
    assert len(problem_of(text, "y")) == 20
