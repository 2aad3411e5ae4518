"""Tables as people write them: the same numbers and words in all dialects, or a refusal that says where."""
import csv
import gzip
import io
import os
import pickle
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.data.tables import TableError, dialect, estimated, problem_of, reading, size

NUMBERS = [(0.5 * i - 1.25, (i * 7) % 12 + 0.5, ["no", "yes"][i % 2]) for i in range(12)]


def text(separator=",", decimal=".", names="a,b,y", rows=NUMBERS):
    lines = [separator.join(names.split(","))]
    lines += [separator.join(str(cell).replace(".", decimal) for cell in row) for row in rows]
    return "\n".join(lines) + "\n"


def write(folder, content, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(folder, content, label="y", encoding="utf-8", **options):
    return problem_of(write(folder, content, encoding=encoding), label, **options)


def columns(problem):
    return {column.name: column.values.tolist() for column in problem.columns}


def lines(of, change):
    return "\n".join(change(number, line) for number, line in enumerate(of.splitlines())) + "\n"


PLAIN = text()


@pytest.mark.parametrize("content, encoding", [
    (PLAIN, "utf-8"), (PLAIN, "utf-8-sig"), (PLAIN, "utf-16"), (PLAIN, "utf-16-le"), (PLAIN, "utf-16-be"), (PLAIN, "utf-32"),
    (PLAIN.replace("\n", "\r\n"), "utf-8"), (PLAIN.replace("\n", "\r"), "utf-8"), (PLAIN.rstrip(), "utf-8"),
    (PLAIN + "\n  \n", "utf-8"), (text(";", ","), "utf-8"), (text(";"), "utf-8"), ("sep=;\n" + text(";"), "utf-8"),
    ("sep=:\n" + text(":"), "utf-8"), (text("\t", ","), "utf-8"), (text("\t"), "utf-16"), (text("|"), "utf-8"),
    (text("  "), "utf-8"), (text(", "), "utf-8"), (PLAIN.replace("\n", ",\n"), "utf-8"),
    (lines(PLAIN, lambda number, line: line + ",," * (number == 0)), "utf-8"),
    (lines(PLAIN, lambda number, line: line + "," * (number > 0)), "utf-8"),
    (lines(PLAIN, lambda number, line: ",".join(f'"{cell}"' for cell in line.split(","))), "utf-8"),
    ("# by hand\n\n#\n" + lines(PLAIN, lambda number, line: line + "\n# remark" * (number == 3)), "utf-8"),
    ("# " + PLAIN, "utf-8"), ("# by hand\n#" + PLAIN, "utf-8")])
def test_one_table_in_many_dialects(tmp_path, content, encoding):
    problem = read(tmp_path, content, encoding=encoding)
    assert columns(problem) == {"a": [row[0] for row in NUMBERS], "b": [row[1] for row in NUMBERS]}
    assert problem.classes == ("no", "yes") and problem.y.tolist() == [0, 1] * 6
    assert problem.y.dtype == np.int64 and problem.dropped == () and len(problem) == 12


@pytest.mark.parametrize("first, name", [("", "unnamed 1"), (None, "row names")])
def test_an_index_is_left_out_by_name(tmp_path, first, name):
    indexed = lines(PLAIN, lambda number, line: f"{number},{line}" if number else f",{line}" if first == "" else line)
    problem = read(tmp_path, indexed)
    assert problem.dropped == ((name, "a running number: equal steps from row to row"),)
    assert [column.name for column in problem.columns] == ["a", "b"]


def test_a_decimal_comma_between_commas_is_no_name_of_a_row(tmp_path):
    with pytest.raises(TableError, match=r"line 2: got 3 cells, beginning with '1', accepted: 2"):
        read(tmp_path, "x,y\n" + "1,5,no\n2,5,yes\n" * 8)


@pytest.mark.parametrize("cells, values", [
    (["1,5", "2,25", "-0,5"], [1.5, 2.25, -0.5]),  # commas throughout
    (["1.234", "0.5", "2.000"], [1.234, 0.5, 2]),  # points, although other columns have commas
    (["1.234,5", "2.000,25", "1,5"], [1234.5, 2000.25, 1.5]), (["1.234", "12.345.678", "5"], [1234, 12345678, 5]),
    (["1,5", "2,5", "0.5"], [1.5, 2.5, None])])
def test_what_a_comma_means_is_told_by_each_column(tmp_path, cells, values):
    content = "a;b;y\n" + "".join(f"{i * i},5;{cells[i % 3]};{i % 2}\n" for i in range(12))
    if None in values:  # a third of its cells are no numbers of its kind
        assert read(tmp_path, content).columns[1].categories == ("0.5", "1,5", "2,5")
        return
    assert columns(read(tmp_path, content)) == {"a": [i * i + 0.5 for i in range(12)], "b": values * 4}


@pytest.mark.parametrize("separator, cell, beside, value", [
    (";", "1,234", "x", 1.234), (",", '"1,234"', "x", 1234), ("\t", "1,234", "x", 1234), ("\t", "1,234", "0,5", 1.234),
    (";", "1.234", "0,5", 1234), (";", "1.234", "x", None), (";", "1.234", "0.5", None), (",", "1.234", "x", None)])
def test_a_doubtful_comma_is_said(tmp_path, separator, cell, beside, value):
    rows = [separator.join([cell if i % 2 else "2", beside, "uvw"[i % 3]]) for i in range(12)]
    [a, *_] = read(tmp_path, "\n".join([separator.join(["a", "b", "y"]), *rows])).columns
    assert a.values.tolist() == [2, value or 1.234] * 6
    assert a.note == (f"{cell.strip(chr(34))!r} read as {value:g}" if value else "")


def test_a_name_may_have_several_lines_and_blanks(tmp_path):
    rows = [f"{i * i}.5 kg,one two {i % 2},{'no' if i % 2 else 'yes'}\n" for i in range(12)]
    problem = read(tmp_path, '"my\na x","my b x",y\n' + "".join(rows))
    assert len(problem) == 12 and problem.y.tolist() == [1, 0] * 6 and problem.classes == ("no", "yes")
    assert problem.columns[0].name == "my b x" and problem.dropped[0][0] == "my\na x"
    problem = read(tmp_path, "the a x,the b x,y\n" + "one two three,four five six,no\nfour five six,one two three,yes\n" * 6)
    assert [column.name for column in problem.columns] == ["the a x", "the b x"]


@pytest.mark.parametrize("cells, values", [
    (["1,234.5", "12,345,678", "7"], [1234.5, 12345678, 7]), (["58.5%", "7 %", "12%"], [58.5, 7, 12]),
    (["$5.50", "€7", "-3"], [5.5, 7, -3]), (["1 234.5", "1\u00a0234\u202f567", "2"], [1234.5, 1234567, 2]),
    (["\u22121.5", "+2.", ".5"], [-1.5, 2, 0.5]), (["1e3", " 2E-1 ", "3"], [1000, 0.2, 3])])
def test_numbers_as_people_write_them(tmp_path, cells, values):
    content = "a,b,y\n" + "".join(f'{i * i},"{cells[i % 3]}",{i % 2}\n' for i in range(12))
    assert columns(read(tmp_path, content))["b"] == values * 4


@pytest.mark.parametrize("cell", ["", " ", "NA", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None", "?", "-", "--", ".",
                                  "missing", "unknown", "#DIV/0!", "<NA>", "(null)"])
def test_what_says_that_a_number_is_missing(tmp_path, cell):
    content = "a,b,y\n" + "".join(f"{i * i},{cell if i == 4 else i * i + i},{i % 2}\n" for i in range(12))
    column = read(tmp_path, content).columns[1]
    assert column.kind == "number" and column.note == ""
    assert np.flatnonzero(column.missing).tolist() == [4] == np.flatnonzero(np.isnan(column.values)).tolist()


def test_names_are_made_unique_and_said(tmp_path):
    content = "a,a,y,a (2),\n" + "".join(f"{i * i},{i * i + 1},{i % 2},{i * 3 % 5},{i * i}.5\n" for i in range(12))
    problem = read(tmp_path, content)
    assert [column.name for column in problem.columns] == ["a", "a (3)", "a (2)", "unnamed 5"]
    assert problem.notes == ("two columns are called 'a': the one at place 2 is called 'a (3)' here",)
    with pytest.raises(TableError, match=r"label: got 'a', the name of several columns, accepted: one of its own"):
        read(tmp_path, content, "a")


def test_thousands_of_one_name_are_told_apart_at_once():
    names, notes, repeated = reading.unique(["x"] * 5000 + ["x (7)", "", "unnamed 5002"])
    assert len(set(names)) == 5003 and names[:2] == ["x", "x (2)"] and names[5:7] == ["x (6)", "x (8)"]
    assert names[-3:] == ["x (7)", "unnamed 5002 (2)", "unnamed 5002"] and repeated == {"x"}
    assert len(notes) == 4 and notes[-1] == "4,996 more like that"


def test_a_file_without_names(tmp_path):
    content = "".join(f"{i * i},{i * 3 % 5},{i % 2}\n" for i in range(12))
    problem = read(tmp_path, content, "column 3")
    assert len(problem) == 12 and columns(problem)["column 1"][:3] == [0, 1, 4]
    with pytest.raises(TableError, match=r"got 'class', which is no column, .*\(the first line holds numbers and no names"):
        read(tmp_path, content, "class")
    with pytest.raises(TableError, match=r"\(some of these are numbers: does the first line hold the names of the col"):
        read(tmp_path, content.replace("0,0,0", "no,0,0", 1), "class")
    assert read(tmp_path, "2019,2020,2021\n" + content, "2021").classes == ("0", "1")  # names that are numbers


BAD = {
    "": "got an empty file", b"\xef\xbb\xbf": "got nothing but blanks", "\n \n": "got nothing but blanks",
    "a,b,y\n": r"got no rows, accepted: at least one below the names of the columns \('a', 'b', 'y'\)",
    "y\n1\n2\n": "line 1: got one column, 'y', accepted: two at least", "# x\n": "got nothing but comments",
    "a,b,y\n1,2,3\n": "got 1 row, accepted: 10 at least",
    b"a,b\0,y\n1,2,3\n": "got a NUL at byte 3", gzip.compress(b"a"): "got a gzip file, .*unpack it first",
    pickle.dumps([1]): "got a pickle, which may run code and is never read", b"PK\x03\x04abc": "ZIP.*save the sheet as CSV",
    b"FEA1abc": "Feather file of version 1", b"SQLite format 3\0": "got an SQLite database",
    PLAIN + "1,2\n": r"line 14: got 2 cells, beginning with '1', accepted: 3, one",
    PLAIN + "1,2,3,4\n" + PLAIN: "line 14: got 4 cells",
    PLAIN + '1,"2\n\n' + PLAIN: "line 14: got 2 cells.*quote not closed",
    "a,b,y\n\n# x\n1,2,no\n" + "1,2,yes\n" * 20 + "5\n": "line 25: got 1 cell, beginning with '5'",
    '"a\nb",c,y\n1,"x\ny",no\n' * 12 + "1,2\n": "line 49: got 2 cells",
    PLAIN + '1,"' + "2\n" * 70_000: r"line 14: got what cannot be read .*is a quote not closed\?",
    PLAIN.encode() + b"1,caf\xe9,no\n": "line 14, column 'b': got the byte 0xe9, which is no UTF-8, accepted: .*iconv",
    PLAIN.replace("\n", "\r").encode() + b"1,2,\xff\r": "line 14, column 'y': got the byte 0xff",
    PLAIN.encode("utf-16") + b"\x00\xd8\x00\xd8": "got bytes that are no UTF-16"}


@pytest.mark.parametrize("content", BAD, ids=range(len(BAD)))
def test_what_is_no_table_is_refused(tmp_path, content):
    with pytest.raises(TableError, match=BAD[content]) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(str(tmp_path / "table.csv")) and len(str(caught.value)) < 500
    assert sorted(os.listdir(tmp_path)) == ["table.csv"]


def test_rows_and_columns_exchanged(tmp_path, monkeypatch):
    monkeypatch.setattr(dialect, "MOST_COLUMNS", 2)
    with pytest.raises(TableError, match=r"line 1: got 3 columns, accepted: at most 2; are rows and columns exchanged\?"):
        read(tmp_path, PLAIN)


def test_messages_stay_short_and_whole(tmp_path):
    with pytest.raises(TableError) as caught:
        read(tmp_path, PLAIN + "\x1b[31m" + "w" * 5000 + "\n" + PLAIN)
    assert "'\\x1b[31mwww" in str(caught.value) and "\x1b" not in str(caught.value) and len(str(caught.value)) < 400
    wide = ",".join("n" * 90 + str(j) for j in range(200)) + "\n" + (",".join("1" * 200) + "\n") * 10
    with pytest.raises(TableError, match=r"and 192 more$") as caught:
        read(tmp_path, wide)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name, message", [
    ("tabel.csv", r"got no such file \(there is 'table.csv'\)"), ("", "got a folder"), ("a\0b", "null"),
    pytest.param("pipe", "got a named pipe", marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes"))])
def test_what_is_no_file_is_refused(tmp_path, name, message):
    write(tmp_path, PLAIN)
    if name == "pipe":
        os.mkfifo(tmp_path / name)
    with pytest.raises(TableError, match=message):
        problem_of(os.path.join(tmp_path, name), "y")


def test_the_nearest_name_is_proposed(tmp_path):
    content = PLAIN.replace("a,b,y", "width,height,Species")
    for typo in ("species", "Spezies", "SPECIES ", "specie"):
        with pytest.raises(TableError, match=r"label: got .*, which is no column, accepted: 'Species', the nearest name"):
            read(tmp_path, content, typo)
    with pytest.raises(TableError, match=r"group: got 'qqq', which is no column, accepted: a column: 'width', 'height', 'S"):
        read(tmp_path, content, "Species", group="qqq")


def test_nothing_in_a_file_is_evaluated(tmp_path):
    content = "a,b,y\n" + "".join(f"{i * i},{['=1+1', '__import__(1)', '@SUM(A1)'][i % 3]},=x{i % 2}\n" for i in range(12))
    problem = read(tmp_path, content)
    assert problem.columns[1].categories == ("=1+1", "@SUM(A1)", "__import__(1)") and problem.classes == ("=x0", "=x1")
    assert columns(read(tmp_path, PLAIN + "1_000,2,no\n"))["a"][:2] == [-1.25, -0.75]  # float() would take it
    assert read(tmp_path, PLAIN + "1_000,2,no\n").columns[0].missing[-1]


@pytest.mark.parametrize("block", [1, 3, 2**20])
def test_blocks_of_rows_make_no_difference(tmp_path, monkeypatch, block):
    monkeypatch.setattr(reading, "BLOCK", 6 * block)
    rows = [f"{i * i},{i * i if i < 30 else 'w' + str(i % 2)},{'uv'[i % 2] if i < 30 else i % 3},"
            f"{i * i if i != 35 else 'odd'},{'2024-01-02' if i % 2 else '2024-02-03'},{i % 2}\n" for i in range(60)]
    problem = read(tmp_path, "a,late,early,slip,when,y\n" + "".join(rows))
    kinds = {column.name: (column.kind, column.categories) for column in problem.columns}
    assert kinds == {"a": ("number", ()), "slip": ("number", ()), "when": ("date", ()),
                     "early": ("category", ("0", "1", "2", "u", "v")),
                     "late": ("category", tuple(sorted({str(i * i) for i in range(30)} | {"w0", "w1"})))}
    late = problem.columns[1]
    assert [late.categories[code] for code in late.values] == [row.split(",")[1] for row in rows]
    assert problem.columns[3].note == "missing: 1 cell that is no number (line 37: 'odd')"


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    take = reading.Growing.take

    def growing(column, cells, where):
        with open(tmp_path / "table.csv", "a") as file:
            file.write("1,2,no\n")
        take(column, cells, where)

    monkeypatch.setattr(reading.Growing, "take", growing)
    with pytest.raises(TableError, match="got a file that changed while it was read"):
        read(tmp_path, PLAIN)


# --- sizes ---

def test_size_is_said_beforehand(tmp_path):
    path = write(tmp_path, "a,b,y\n" + "1.25,3.50,no\n" * 50_000)
    about = estimated(path)
    assert about.columns == 3 and abs(about.rows - 50_000) < 30
    assert about.memory < 2**28 and str(about) == f"about {about.rows:,} rows of 3 columns: about 1 s and 0.1 GiB to read"


def test_five_gigabytes_are_refused_unread(tmp_path, monkeypatch):
    path = write(tmp_path, "a,b,y\n" + "1.25,3.50,no\n" * 100_000)
    with open(path, "r+b") as file:
        file.truncate(5 * 2**30)  # a hole: takes no room
    monkeypatch.setattr(size, "free_memory", lambda: 8 * 2**30)
    with pytest.raises(TableError, match=r"got 5.00 GiB, about 41\d,\d{3},\d{3} rows of 3 columns, which take 29\.\d GiB of "
                                         r"memory to read, accepted: what fits into the 8.0 GiB that are free; about"):
        problem_of(path, "y")
    assert estimated(path).seconds > 600


def test_free_memory_is_known():
    free = size.free_memory()
    assert free is None or 2**24 < free < 2**50


def test_limits_of_a_container_count_and_its_cache_does_not(tmp_path):
    assert size._limits(str(tmp_path)) == []
    for folder, names in ((tmp_path, ("max", "current")), (tmp_path / "memory", ("limit_in_bytes", "usage_in_bytes"))):
        folder.mkdir(exist_ok=True)
        pages = "anon 700\ninactive_file 3000\nactive_file 200\n"
        for name, text in zip((*names, "stat"), ("4000\n", "3900\n", pages), strict=True):
            (folder / f"memory.{name}").write_text(text)
    assert size._limits(str(tmp_path)) == [3300, 3300]
    (tmp_path / "memory.max").write_text("max\n")
    assert size._limits(str(tmp_path)) == [3300]


def test_text_is_not_held(tmp_path):
    """All cells as Python's strings would take 57 bytes and more each."""
    import tracemalloc

    rows = "".join(f"{i}.25,{i}.5,{i}.125,{i}.75,{i % 7}.5,{i % 2}\n" for i in range(5_000))
    path = write(tmp_path, f"a,b,c,d,e,y\n{rows}")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    problem = problem_of(path, "y")
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 1.5 * 8 * 6 * len(problem)


def test_ten_thousand_columns(tmp_path):
    names = ",".join(f"c{j}" for j in range(10_000))
    rows = "".join(",".join(str((j * j + i * i) % 97) for j in range(10_000)) + f",{i % 2}\n" for i in range(12))
    problem = read(tmp_path, f"{names},y\n{rows}")
    assert len(problem.columns) + len(problem.dropped) == 10_000
    assert "for 12 rows: enough to tell any row by heart" in problem.notes[-1]


# --- round trips ---

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=6).map(str.strip).filter(
    lambda word: word and any(letter.isalpha() for letter in word) and not word.startswith("#"))
DIALECTS = [{"delimiter": ",", "lineterminator": "\r\n"}, {"delimiter": ";", "quoting": csv.QUOTE_ALL},
            {"delimiter": "\t", "quoting": csv.QUOTE_NONNUMERIC}, {"delimiter": "|"}]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_a_random_table_comes_back(tmp_path_factory, data):
    n = data.draw(st.integers(12, 20))
    finite = st.floats(allow_nan=False, allow_infinity=False)
    numbers = data.draw(st.lists(st.none() | finite, min_size=n, max_size=n))
    kinds = data.draw(st.lists(WORDS, min_size=2, max_size=4, unique=True))
    words = data.draw(st.lists(st.sampled_from([*kinds, ""]), min_size=n, max_size=n))
    label = data.draw(st.lists(st.sampled_from(["p, q", 'r "s"', "t\nu"]), min_size=n, max_size=n))
    dialect = data.draw(st.sampled_from(DIALECTS))
    comma = dialect["delimiter"] != "," and data.draw(st.booleans())
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    buffer = io.StringIO()
    writer = csv.writer(buffer, **{"lineterminator": "\n", **dialect})
    writer.writerow(["x;1", "w,2", "fix", 'y "l"'])
    for i in range(n):
        value = "" if numbers[i] is None else repr(numbers[i])
        fix = f"{i * i}.5"
        writer.writerow([cell.replace(".", ",") if comma else cell for cell in (value, )] + [words[i]]
                        + [fix.replace(".", ",") if comma else fix, label[i]])
    path = write(tmp_path_factory.mktemp("t"), buffer.getvalue(), encoding=encoding)
    if len(set(label)) < 2:
        with pytest.raises(TableError, match="got one class"):
            problem_of(path, 'y "l"')
        return
    problem = problem_of(path, 'y "l"')
    found = {column.name: column for column in problem.columns}
    assert [problem.classes[code] for code in problem.y] == [word.strip() for word in label]
    assert found["fix"].values.tolist() == [i * i + 0.5 for i in range(n)]
    if "x;1" in found and found["x;1"].kind == "number":
        assert [None if np.isnan(v) else v for v in found["x;1"].values] == numbers
    else:
        assert any(name == "x;1" for name, _ in problem.dropped)
    if "w,2" in found:
        back = ["" if code < 0 else found["w,2"].categories[code] for code in found["w,2"].values]
        assert back == ["" if is_gap(word) else word for word in words]
    else:
        assert any(name == "w,2" for name, _ in problem.dropped)


BITS = [",", ";", "\t", " ", "\n", "\r", '"', "#", "sep=;\n", "\x00", "\ufeff", "\u2028", "é", "1", "0.5", "1,5", "NA",
        "inf", "1e999", "2024-01-02", "01234", "x", "no", "\x1b[31m", "12:30", "-", "_", "٣", "a,b,y\n", "1,2,no\n" * 12]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(BITS), max_size=40), st.sampled_from(["utf-8", "utf-16", "latin-1"]), st.booleans())
def test_anything_is_a_table_or_refused_with_a_reason(tmp_path_factory, bits, encoding, regression):
    content = ("a,b,y\n" + "1,2,no\n2,,yes\n4,1,yes\n" * 4 + "".join(bits)).encode(encoding, errors="replace")
    path = write(tmp_path_factory.mktemp("t"), content)
    try:
        problem = problem_of(path, "y", regression=regression)
    except TableError as error:
        assert re.search("got .*, accepted: ", str(error)) and str(error).isprintable() and len(str(error)) < 600
    else:
        assert len(problem) >= 10 and all(len(column.values) == len(problem) for column in problem.columns)
        assert not any(np.isinf(column.values).any() for column in problem.columns)


def is_gap(word):
    from experiments.data.tables.numbers import is_missing

    return is_missing(word)


@pytest.mark.skipif(sys.platform == "win32", reason="its root may write anywhere")
def test_nothing_is_written(tmp_path):
    path = write(tmp_path, PLAIN)
    before = os.stat(path)
    problem_of(path, "y")
    assert os.listdir(tmp_path) == ["table.csv"] and os.stat(path).st_mtime_ns == before.st_mtime_ns
