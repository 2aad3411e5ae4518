"""What an export may do to the files around it: to those it writes, to the store, and to a spreadsheet that opens them."""
import csv
import errno
import math
import multiprocessing
import os
import shutil
import signal
import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest

from experiments import registry
from experiments.__main__ import main
from experiments.report import plots
from experiments.runs.export import cell, export
from experiments.runs.store import Run, StoreError
from nn import drawing
from tests import programs
from tests.pretending import filled, pretended, settings
from tests.programs import posix


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "results")


def run_export(tmp_path, *options, output="out.csv"):
    return main(["export", "zero_loss", "--results", str(tmp_path / "results"), "--output", str(tmp_path / output),
                 *options])


# --- the files that are written ---

@posix
@pytest.mark.parametrize("name", ["out.csv", "out_curves.csv"])
def test_force_follows_links_and_keeps_modes(tmp_path, store, name):
    (tmp_path / "far").write_text("old")
    (tmp_path / "far").chmod(0o640)
    (tmp_path / name).symlink_to("far")
    assert run_export(tmp_path, "--force") == 0
    assert (tmp_path / name).is_symlink() and stat.S_IMODE((tmp_path / "far").stat().st_mode) == 0o640
    assert (tmp_path / "far").read_text().startswith("key,")


@posix
@pytest.mark.parametrize("name", ["out.csv", "out_curves.csv"])
@pytest.mark.parametrize("kind", ["named pipe", "device"])
def test_what_is_no_regular_file_is_refused_before_anything_is_written(tmp_path, store, capsys, name, kind):
    path = tmp_path / name
    {"named pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/full")}[kind]()
    before = os.lstat(path)
    assert run_export(tmp_path, "--force") == 1
    assert capsys.readouterr().err == (f"afterzero: cannot write {path}: got a {kind}, accepted: a regular file or a new "
                                       "name\n")
    assert (os.lstat(path).st_ino, os.lstat(path).st_mode) == (before.st_ino, before.st_mode)
    assert sorted(os.listdir(tmp_path)) == [name, "results"]


@posix
def test_a_link_to_nothing_exists_already(tmp_path, store, capsys):
    (tmp_path / "out.csv").symlink_to("nothing")
    assert run_export(tmp_path) == 1 and "out.csv', which exists already" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["out.csv", "results"]


@posix
def test_the_mode_of_new_files_is_that_of_any(tmp_path, store):
    old = os.umask(0o027)
    try:
        assert run_export(tmp_path) == 0
    finally:
        os.umask(old)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("out*")} == {0o640}


@posix
@pytest.mark.parametrize("linked", [False, True])
def test_the_store_is_not_its_own_export(tmp_path, store, capsys, linked):
    output = store.path
    if linked:
        (tmp_path / "link").symlink_to(output)
        output = tmp_path / "link"
    before = store.path.read_bytes()
    assert run_export(tmp_path, "--force", output=output) == 1 and "is the results file itself" in capsys.readouterr().err
    assert store.path.read_bytes() == before and os.listdir(store.folder) == ["results.sqlite"]


@posix
def test_two_names_of_one_file_are_refused(tmp_path, store, capsys):
    (tmp_path / "out.csv").symlink_to("out_curves.csv")
    assert run_export(tmp_path, "--force") == 1 and "is one file with" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["out.csv", "results"]


def test_what_comes_to_be_there_meanwhile_is_kept(tmp_path, store, capsys, monkeypatch):
    def meanwhile(*arguments, **columns):
        (tmp_path / "out_curves.csv").write_text("mine")
    monkeypatch.setattr("experiments.runs.export._write", meanwhile)
    assert run_export(tmp_path) == 1 and "exists already" in capsys.readouterr().err
    assert (tmp_path / "out_curves.csv").read_text() == "mine" and len(os.listdir(tmp_path)) == 2


# --- a full disk ---

def full_disk(monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(os, "fsync", full)


def test_a_full_disk_leaves_no_half_export(tmp_path, store, capsys, monkeypatch):
    full_disk(monkeypatch)
    assert run_export(tmp_path) == 1
    assert capsys.readouterr().err == f"afterzero: cannot write {tmp_path / 'out_curves.csv'}: No space left on device\n"
    assert os.listdir(tmp_path) == ["results"] and os.listdir(store.folder) == ["results.sqlite"]


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_full_disk_leaves_no_half_figure(tmp_path, monkeypatch, old):
    if old:
        (tmp_path / "figure.png").write_bytes(old)
    full_disk(monkeypatch)
    with pytest.raises(StoreError, match=r"^cannot write .*figure\.png: No space left on device$"), plots.figure(
            tmp_path / "figure.png", 1, 1, size=(2, 2), title="a title"):
        pass
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([old] if old else [])


def test_a_run_whose_figure_does_not_fit_ends_with_one_line(tmp_path, capsys, monkeypatch):
    """The second of two, by which time all is trained."""
    trained = []

    def train(seed, tick):
        trained.append(seed)
        return Run(scalars={"score": 0.0})

    def figures(results, folder):
        return [path for name in ("one", "two") for path in plots.page(
            folder / f"{name}.png", [[lambda axis: axis.plot(results)]], title="a title")]
    monkeypatch.setattr(registry, "load", lambda name: pretended(train, figures))
    arguments, replacing = ["run", "zero_loss", "--results", str(tmp_path)], drawing.replacing

    def small(path, **options):
        if Path(path).name == "two.png":
            full_disk(disk)
        return replacing(path, **options)
    with monkeypatch.context() as disk:
        disk.setattr(drawing, "replacing", small)
        assert main(arguments) == 1
    assert capsys.readouterr().err.endswith(f"afterzero: cannot write {tmp_path / 'two.png'}: No space left on device\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "results.sqlite"]
    assert main(arguments) == 0 and (tmp_path / "two.png").read_bytes().startswith(b"\x89PNG") and trained == [0, 1, 2]


@posix
def test_a_figure_is_written_where_its_link_leads(tmp_path):
    (tmp_path / "far").write_bytes(b"old")
    (tmp_path / "far").chmod(0o600)
    (tmp_path / "figure.png").symlink_to("far")
    with plots.figure(tmp_path / "figure.png", 1, 1, size=(2, 2), title="a title"):
        pass
    assert (tmp_path / "far").read_bytes().startswith(b"\x89PNG") and (tmp_path / "figure.png").is_symlink()
    assert stat.S_IMODE((tmp_path / "far").stat().st_mode) == 0o600


# --- nothing is left beside the store ---

def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_is_left_beside_a_store(tmp_path, store):
    before = files(store.folder)
    assert run_export(tmp_path) == 0 and files(store.folder) == before
    Path(store.folder / "results.sqlite").write_bytes(before["results.sqlite"][:-5000])
    assert run_export(tmp_path, "--force") == 1 and list(files(store.folder)) == ["results.sqlite"]


KILLED = """
    import os, signal, sys
    from tests.pretending import filled
    from experiments.runs import schema
    from contextlib import closing
    with schema.opened(os.path.join(sys.argv[1], "results.sqlite")) as connection:  # so that the log is not taken in
        connection.execute("SELECT count(*) FROM runs").fetchone()
        filled(sys.argv[1], 5)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("lost", [None, "results.sqlite-shm"])
def test_the_log_of_a_killed_writer_is_read_and_stays(tmp_path, store, lost):
    done = programs.run("-c", KILLED, store.folder)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if lost:
        (store.folder / lost).unlink()
    before = files(store.folder)
    assert before["results.sqlite-wal"] and ("results.sqlite-shm" in before) == (lost is None)
    assert run_export(tmp_path) == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 6
    after = files(store.folder)
    before.pop("results.sqlite-shm", None), after.pop("results.sqlite-shm" if lost is None else None, None)
    assert after == before
    assert filled(store.folder, 6).count("zero_loss") == 6  # and the next writer goes on
    assert os.listdir(store.folder) == ["results.sqlite"]


@posix
def test_the_log_lies_where_a_link_to_the_store_leads(tmp_path, store):
    holder = sqlite3.connect(store.path)
    holder.execute("SELECT count(*) FROM runs").fetchone()
    filled(store.folder, 5)
    (tmp_path / "copy").mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{store.path}{suffix}", tmp_path / "copy")
    holder.close()
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "results.sqlite").symlink_to("../copy/results.sqlite")
    export(tmp_path / "link", ["zero_loss"], tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 6
    assert sorted(os.listdir(tmp_path / "copy")) == ["results.sqlite", "results.sqlite-wal"]


@posix
def test_a_store_that_is_changed_where_no_lock_holds_is_read_again(tmp_path, store, capsys, monkeypatch):
    monkeypatch.setattr("experiments.runs.reading.os.access", lambda *_: False)  # a folder that may not be written: no locks

    def meanwhile(*arguments, **columns):
        filled(store.folder, 5)
    monkeypatch.setattr("experiments.runs.export._write", meanwhile)
    assert run_export(tmp_path) == 1
    assert "was changed while it was read; do it again" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["results"]


def open_and_close(folder, ready, stop):
    """A writer that comes and goes: the log appears, is taken in and vanishes all the time."""
    for count in range(1, 100_000):
        filled(folder, count)
        ready.set()
        if stop.is_set():
            return


def test_an_export_while_writers_come_and_go_is_right(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    writer = context.Process(target=open_and_close, args=(tmp_path / "results", ready, stop))
    writer.start()
    try:
        assert ready.wait(60)
        counts = []
        for _ in range(15):
            assert run_export(tmp_path, "--force") == 0
            with open(tmp_path / "out.csv", newline="") as file:
                found = list(csv.DictReader(file))
            assert all(float(row["score"]) == -0.5 * int(row["seed"]) for row in found)
            counts.append(len(found))
    finally:
        stop.set()
        writer.join(60)
    assert writer.exitcode == 0 and counts == sorted(counts)


# --- cells that a spreadsheet would run ---

@pytest.mark.parametrize("text", [
    "=1+1", "=cmd|'/C calc'!A0", "@SUM(A1)", "+1+1", "-1+1", "-2+3+cmd|' /C calc'!A0", "\t=1", "\r=1", "\n=1", "+", "-", "=",
    "-inf", "+nan", "-1 ", "\uff1d1", "-A1"])
def test_text_that_would_run_is_quoted(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1, -1.5, -1e-300, 0, 2, True, -math.inf, "-1", "+1.5e-3", "digits", "a=b", "1-2", ""])
def test_numbers_and_other_text_stay(value):
    assert cell(value) is value


def test_no_cell_of_an_export_would_run(tmp_path, store):
    odd = {"data": "=HYPERLINK(\"x\")", "@name": "+1+1", "level": -0.5, "hidden": [-1, 2], "text": "-1"}
    run = Run({"=curve": np.array([-1.0])}, {"-scalar": -2.5})
    store.save(settings(7, "zero_loss", **odd), run, machine={"versions": {}, "cpu": "=cmd|'/C calc'!A0"})
    assert run_export(tmp_path) == 0
    for name in ("out.csv", "out_curves.csv"):
        with open(tmp_path / name, newline="", encoding="utf-8") as file:
            head, *rows = csv.reader(file)
        for text in (text for row in (head, *rows) for text in row):
            assert not text.startswith(("=", "@", "+", "\t", "\r")) and (text[:1] != "-" or math.isfinite(float(text)))
        last = dict(zip(head, rows[-1], strict=True))
        assert last["data"] == "'=HYPERLINK(\"x\")" and last["'@name"] == "'+1+1" and last["hidden"] == "[-1,2]"
        assert float(last["level"]) == -0.5 and last["text"] == "-1"
    assert last["'=curve"] == "-1.0"
