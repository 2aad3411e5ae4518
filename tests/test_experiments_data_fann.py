"""Tables in FANN's format and the Proben1 problems in them."""
import os
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.data import FannError, proben1, read_fann
from experiments.data.proben1 import PROBLEMS, SUBFOLDERS, Problem, _folder

VALID = b"2 3 1\n0.5 -1 2e3\n1\n0 0 .25 \n0\n"


def write(folder, content, name="table"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [VALID, VALID.replace(b"\n", b"\r\n"), VALID.rstrip(), VALID + b"\n\n",
                                     VALID.replace(b" ", b"\t")])
def test_a_table(tmp_path, content):
    x, y = read_fann(write(tmp_path, content))
    assert x.dtype == y.dtype == np.float64
    assert x.tolist() == [[0.5, -1, 2000], [0, 0, 0.25]] and y.tolist() == [[1], [0]]


@pytest.mark.parametrize("content, message", [
    (b"", "got first line b'', accepted: three whole numbers"),
    (b"2 3\n", "first line b'2 3"), (b"2 3 1 4\n", "first line"), (b"2.0 3 1\n", "first line"), (b"-2 3 1\n", "first line"),
    (b"1_0 3 1\n", "first line"), (b"99999999999 3 1\n", "first line"), (b"0 3 1\n", "0 samples, 3 inputs, 1 outputs, acc"),
    (b"1 0 1\n\n1\n", "0 inputs"), (VALID.replace(b"2 3 1", b"3 3 1"), "got 4 lines after the first, accepted: 6"),
    (VALID.replace(b"2 3 1", b"1 3 1"), "got 4 lines after the first, accepted: 2"),
    (VALID.replace(b"2 3 1", b"2 2 1"), "line 2: got 3 numbers, accepted: 2"),
    (VALID.replace(b"0 0 .25", b"0 .25"), "line 4: got 2 numbers, accepted: 3"),
    (VALID.replace(b"\n0\n", b"\n0 1\n"), "line 5: got 2 numbers, accepted: 1"),
    (b"1 2147483647 2147483647\n1\n1\n", "accepted: enough for 1 x"),
    *[(VALID.replace(b".25", word), "line 4: got .*, accepted: 3 finite decimal numbers")
      for word in (b"nan", b"inf", b"1e999", b"1_0", b"0x1", b"1e", b"--1", b"\xff", b"1,5", b"1d5")]])
def test_every_other_file_is_refused(tmp_path, content, message):
    with pytest.raises(FannError, match=message) as caught:
        read_fann(write(tmp_path, content))
    assert "table" in str(caught.value) and isinstance(caught.value, ValueError)


def test_a_limit_on_size(tmp_path):
    path = write(tmp_path, VALID)
    assert len(read_fann(path, max_bytes=len(VALID))[0]) == 2
    with pytest.raises(FannError, match=f"got {len(VALID)} bytes, accepted: at most max_bytes = {len(VALID) - 1}"):
        read_fann(path, max_bytes=len(VALID) - 1)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(VALID) - 1), length=st.integers(0, 5), inserted=st.one_of(
    st.binary(max_size=5), st.text("0123456789 .-e\n", max_size=12).map(str.encode)))
def test_edited_files_are_read_exactly_or_refused(tmp_path_factory, place, length, inserted):
    content = VALID[:place] + inserted + VALID[place + length:]
    path = write(tmp_path_factory.getbasetemp(), content)
    tracemalloc.start()
    try:
        x, y = read_fann(path)
        numbers = np.concatenate([np.concatenate(pair) for pair in zip(x, y, strict=True)])
        assert [len(x), x.shape[1], y.shape[1], *numbers] == [float(word) for word in content.split()]
    except FannError as error:
        assert ": got " in str(error) and "accepted" in str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1 << 20


# --- Proben1 ---

@pytest.fixture
def small_problem(monkeypatch, tmp_path):
    """A problem of 40 samples, a third of them in class 1, in two files."""
    monkeypatch.delenv("AFTERZERO_DATA", raising=False)
    monkeypatch.setitem(PROBLEMS, "diabetes", Problem(40, 2, 2))
    monkeypatch.setitem(PROBLEMS, "building", Problem(40, 2, 2, classes=False))

    def make(folder=tmp_path, outputs=("1 0", "0 1"), problem="diabetes"):
        folder.mkdir(parents=True, exist_ok=True)
        for part, start in (("train", 0), ("test", 20)):
            rows = [f"{k} {k / 40}\n{outputs[k % 3 == 0]}\n" for k in range(start, start + 20)]
            write(folder, f"20 2 2\n{''.join(rows)}".encode(), f"{problem}.{part}")
        return folder

    return make


def test_both_tables_are_cut_anew(small_problem):
    data = proben1("diabetes", data_dir=small_problem(), seed=1)
    parts = data.train, data.validation, data.test
    assert [part.x.shape for part in parts] == [(20, 2), (10, 2), (10, 2)]
    x, y = (np.concatenate([getattr(part, what) for part in parts]) for what in ("x", "y"))
    assert sorted(x[:, 0]) == list(range(40)) and np.array_equal(y, x[:, 0] % 3 == 0)
    assert data.train.x.dtype == np.float32 and data.train.y.dtype == np.int64 and data.classes == ("0", "1")
    assert data.train.x[:, 0].max() > 19  # not the package's own cut
    noisy = proben1("diabetes", data_dir=small_problem(), seed=1, noise=0.2)
    assert np.sum(noisy.train.y != noisy.train.y_clean) == 4 and np.array_equal(noisy.train.y_clean, data.train.y)


def test_regression_has_targets_and_no_classes(small_problem):
    folder = small_problem(outputs=("0.25 1", "0.5 2"), problem="building")
    data = proben1("building", data_dir=folder)
    assert data.classes == () and data.train.y.shape == (20, 2) and data.train.y.dtype == np.float32
    assert np.array_equal(data.test.y[:, 0], np.where(data.test.x[:, 0] % 3 == 0, 0.5, 0.25))
    with pytest.raises(ValueError, match=r"noise: got 0.1, accepted for 'building', which has no classes: 0"):
        proben1("building", data_dir=folder, noise=0.1)


@pytest.mark.parametrize("subfolder", [".", *SUBFOLDERS])
def test_folder_of_the_variable(small_problem, tmp_path, monkeypatch, subfolder):
    small_problem(tmp_path / subfolder)
    monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path))
    assert len(proben1("diabetes").train) == 20


def test_refusals(small_problem, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="problem: got 'cancer', accepted: 'building', 'diabetes'"):
        proben1("cancer")
    with pytest.raises(FileNotFoundError, match=r"data_dir: got .* does not hold the files"):
        proben1("diabetes", data_dir=tmp_path)
    for outputs in (("1 1", "0 1"), ("0.5 0.5", "0 1"), ("0 0", "0 1")):
        with pytest.raises(FannError, match="outputs that are not one of 2, accepted: one 1 in each row"):
            proben1("diabetes", data_dir=small_problem(outputs=outputs))
    small_problem()
    for changed, message in ((Problem(41, 2, 2), "40 samples, accepted: 41"),
                             (Problem(40, 3, 2), "2 inputs and 2 outputs, accepted: 3 and 2")):
        monkeypatch.setitem(PROBLEMS, "diabetes", changed)
        with pytest.raises(FannError, match=message):
            proben1("diabetes", data_dir=tmp_path)


def test_nothing_anywhere(monkeypatch):
    monkeypatch.delenv("AFTERZERO_DATA", raising=False)
    monkeypatch.setattr(sys.modules["experiments.data.proben1"], "SYSTEM_FOLDER", "/nowhere")
    with pytest.raises(FileNotFoundError, match=r"is neither below AFTERZERO_DATA nor in /nowhere, accepted: a folder"):
        proben1("diabetes")


def test_the_real_tables():
    try:
        _folder("diabetes", None)
    except FileNotFoundError as error:
        pytest.skip(f"{error} (AFTERZERO_DATA is {os.environ.get('AFTERZERO_DATA')!r})")
    for problem, about in PROBLEMS.items():
        data = proben1(problem)
        parts = data.train, data.validation, data.test
        assert sum(map(len, parts)) == about.samples and data.train.x.shape[1] == about.inputs
        assert len(data.classes) == (about.outputs if about.classes else 0)
        assert min(part.x.min() for part in parts) >= -1e-6 and max(part.x.max() for part in parts) <= 1 + 1e-6
        if about.classes:
            assert set(np.unique(data.train.y)) == set(range(about.outputs))
