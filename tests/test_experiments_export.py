"""`export`: tidy CSV of what the store holds, read-only, and nobody's file overwritten."""
import csv
import functools
import json
import multiprocessing
import os
import shutil
import sqlite3
import stat

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.runs.store import Run, Store
from tests import pretending

settings = functools.partial(pretending.settings, experiment="zero_loss", hidden=[5, 4])


def filled(folder, experiment="zero_loss"):
    store = Store(folder)
    for seed in range(3):
        store.save(settings(seed, experiment=experiment, **({"level": 0.1} if seed else {})),
                   Run({"epoch": np.array([1.0, 2.0, 4.0]), "test_loss": np.array([1 / 3, np.nan, seed])},
                       {"end.test_error": 1 / 7, **({"zero.epoch": np.nan} if seed else {})}, {"margins": np.zeros(3)}), 1.5)
    return store


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def export(capsys, *arguments):
    code = main(["export", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out + err


def test_a_row_per_run_and_a_row_per_check(tmp_path, capsys):
    filled(tmp_path / "results")
    filled(tmp_path / "results", "other")
    code, text = export(capsys, "zero_loss", "--results", tmp_path / "results", "--output", tmp_path / "out.csv")
    assert code == 0 and text.splitlines() == [f"written: {tmp_path / 'out.csv'}", f"written: {tmp_path / 'out_curves.csv'}"]
    runs, checks = read(tmp_path / "out.csv"), read(tmp_path / "out_curves.csv")
    assert [run["seed"] for run in runs] == ["0", "1", "2"] and {run["experiment"] for run in runs} == {"zero_loss"}
    assert [run["level"] for run in runs] == ["", "0.1", "0.1"]
    for run in runs:
        assert float(run["end.test_error"]) == 1 / 7 and run["zero.epoch"] == ""  # NaN, or none: an empty cell
        assert json.loads(run["hidden"]) == [5, 4] and run["seconds"] == "1.5" and run["created"].endswith("+00:00")
    assert len(checks) == 9 and list(checks[0])[-3:] == ["check", "epoch", "test_loss"]
    for row, (seed, check, epoch) in zip(checks, [(s, c, e) for s in range(3) for c, e in ((1, 1.0), (2, 2.0), (3, 4.0))],
                                         strict=True):
        assert (row["seed"], row["check"], float(row["epoch"])) == (str(seed), str(check), epoch)
        assert row["key"] == runs[seed]["key"]
        assert row["test_loss"] == ("" if check == 2 else str([1 / 3, 0, float(seed)][check - 1]))


def test_level_choice_brings_the_runs_that_its_answer_rests_on(tmp_path, capsys):
    filled(tmp_path / "results", "flooding_table")
    filled(tmp_path / "results", "level_choice")
    assert export(capsys, "level_choice", "--results", tmp_path / "results", "--output", tmp_path / "a.csv")[0] == 0
    assert {run["experiment"] for run in read(tmp_path / "a.csv")} == {"flooding_table", "level_choice"}


def test_the_default_name_is_that_of_the_experiment(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filled("results")
    assert export(capsys, "zero_loss")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("*")) == ["results", "zero_loss.csv", "zero_loss_curves.csv"]


@pytest.mark.parametrize("existing", ["out.csv", "out_curves.csv"])
def test_existing_files_are_not_overwritten_unless_told(tmp_path, capsys, existing):
    filled(tmp_path / "results")
    (tmp_path / existing).write_text("mine")
    arguments = ("zero_loss", "--results", tmp_path / "results", "--output", tmp_path / "out.csv")
    code, text = export(capsys, *arguments)
    assert code == 1 and existing in text and "exists already" in text and "--force" in text
    assert (tmp_path / existing).read_text() == "mine" and len(list(tmp_path.glob("out*"))) == 1
    assert export(capsys, *arguments, "--force")[0] == 0 and len(read(tmp_path / "out.csv")) == 3


@pytest.mark.parametrize("arguments, code, message", [
    (("zero_los",), 2, "did you mean 'zero_loss'?"), ((), 2, "export: got no name of an"),
    (("--force", "zero_loss"), 2, "put the name first: afterzero export NAME --force"),
    (("zero_loss", "--results", "nowhere"), 1, "--results: got 'nowhere', which holds no results file"),
    (("flooding_table", "--results", "results"), 1, "has no runs, accepted: zero_loss"),
    (("zero_loss", "--results", "empty"), 1, "it is empty: run the experiment first"),
    (("zero_loss", "--results", "foreign"), 1, "database of another program"),
    (("zero_loss", "--results", "text"), 1, "file is not a database"),
    (("zero_loss", "--results", "results", "--output", "no/such/folder.csv"), 1, "cannot write no/such/folder.csv"),
    (("zero_loss", "--results", "results", "--output", "."), 1, "--output: got '.', which is a folder, accepted: the name"),
    (("zero_loss", "--results", "results", "--output", "empty", "--force"), 1, "--output: got 'empty', which is a folder"),
    (("zero_loss", "--results", "results", "--output", "folder.csv", "--force"), 1, "cannot write folder_curves.csv")])
def test_misuse_is_one_clear_line(tmp_path, capsys, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    filled("results")
    Store("empty")
    for name in ("foreign", "text", "folder_curves.csv"):
        (tmp_path / name).mkdir()
    (tmp_path / "text" / "results.sqlite").write_text("my notes" * 1000)
    foreign = sqlite3.connect(tmp_path / "foreign" / "results.sqlite")
    foreign.execute("CREATE TABLE runs (mine TEXT)")
    foreign.commit()
    foreign.close()
    found, text = export(capsys, *arguments)
    assert found == code and message in text and len(text.splitlines()) == 1
    assert not (tmp_path / "nowhere").exists() and not list(tmp_path.glob("*.part"))
    assert not [path for path in tmp_path.glob("*.csv") if path.name not in ("folder.csv", "folder_curves.csv")]


def test_what_a_crash_left_in_the_log_is_seen_and_left_there(tmp_path, capsys):
    store = Store(tmp_path / "results")
    holder = sqlite3.connect(store.path)  # while somebody is connected the log is not taken into the file
    holder.execute("SELECT count(*) FROM runs").fetchone()
    filled(store.folder)
    shutil.copytree(store.folder, tmp_path / "crashed", ignore=shutil.ignore_patterns("*-shm"))
    holder.close()
    before = {path.name: path.read_bytes() for path in (tmp_path / "crashed").iterdir()}
    assert before["results.sqlite-wal"]
    assert export(capsys, "zero_loss", "--results", tmp_path / "crashed", "--output", tmp_path / "out.csv")[0] == 0
    assert len(read(tmp_path / "out.csv")) == 3
    assert {name: (tmp_path / "crashed" / name).read_bytes() for name in before} == before


@pytest.mark.skipif(os.name != "posix", reason="changes the mode of a folder")
def test_a_store_that_may_not_be_written_is_read(tmp_path, capsys, monkeypatch):
    store = filled(tmp_path / "results")
    before = store.path.read_bytes()
    store.path.chmod(stat.S_IRUSR)
    store.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    monkeypatch.setattr("experiments.runs.export.os.access", lambda *_: False)  # which root never hears
    try:
        assert export(capsys, "zero_loss", "--results", store.folder, "--output", tmp_path / "out.csv")[0] == 0
        assert sorted(path.name for path in store.folder.iterdir()) == ["results.sqlite"]
    finally:
        store.folder.chmod(0o700)
        store.path.chmod(0o600)
    assert store.path.read_bytes() == before and len(read(tmp_path / "out.csv")) == 3


def keep_writing(folder, ready, stop):
    store = Store(folder)
    for seed in range(10_000):
        store.save(settings(seed), Run({"epoch": np.arange(5.0)}, {"score": float(seed)}))
        ready.set()
        if stop.is_set():
            return


def test_an_export_beside_a_writer_sees_whole_runs(tmp_path, capsys):
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    writer = context.Process(target=keep_writing, args=(tmp_path / "results", ready, stop))
    writer.start()
    try:
        assert ready.wait(60)
        for turn in range(5):
            output = tmp_path / f"{turn}.csv"
            assert export(capsys, "zero_loss", "--results", tmp_path / "results", "--output", output)[0] == 0
            runs = read(output)
            assert [float(run["score"]) for run in runs] == [float(run["seed"]) for run in runs]
            assert len(read(tmp_path / f"{turn}_curves.csv")) == 5 * len(runs)
    finally:
        stop.set()
        writer.join(60)
    assert writer.exitcode == 0
