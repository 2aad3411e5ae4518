"""`check` on the command line: what it prints, documents for programs, bad input, resuming, Ctrl-C, the README's example."""
import json
import re
import shlex
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.check import command
from experiments.command import main
from experiments.report import plots
from tests import programs
from tests.own_tables import overlapping, write

README = programs.ROOT / "experiments" / "README.md"
SMALL = ["--hidden", "8", "--epochs", "6", "--seeds", "3", "--workers", "1"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Sixty rows with a few copies, so that the division is told about."""
    x, y = overlapping(60, np.random.default_rng(5))
    x[40:], y[40:] = x[:20], y[:20]
    return write(tmp_path_factory.mktemp("own") / "own table.csv", x, np.array(["well", "ill"])[y])


@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr(plots, "page", lambda path, *panels, **how: [path])


@pytest.mark.compiled
def test_from_end_to_end_and_again(table, tmp_path, capsys, undrawn):
    arguments = ["check", str(table), "--label", "label", "--results", str(tmp_path / "r"), *SMALL]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert re.search(r"check: 60 rows, 10 columns; if all has to be trained about \d+ s on 1 core and \d+ MB", err)
    for words in ("own table.csv: what was done with every column", "x0 to x9 (10): number;", "guessing (always",
                  "test rows", "found: ", "Network: 8 units", "Divisions: 3", "What training on does (3 splits",
                  "With and without copies: ",
                  "What stopping rules would have returned", "Patience(10)", "Confusion at", "as well", "figure: ",
                  "Without the ", "What to do next: leave out the", "How sure: ",
                  "But first: something leaks, see above"):
        assert words in " ".join(out.split()), words
    assert all(len(line) <= 80 or line.startswith("figure: ") for line in out.splitlines()) and "nan" not in out.lower()
    assert main(arguments) == 0
    assert capsys.readouterr() == (out, err.splitlines(keepends=True)[0])  # nothing is trained again


@pytest.mark.compiled
def test_json_is_all_there_is_and_strict(table, tmp_path, capsys, undrawn):
    assert main(["check", str(table), "--label", "label", "--results", str(tmp_path), "--json", *SMALL]) == 0
    out, err = capsys.readouterr()

    def refuse(name):
        raise AssertionError(name)
    found = json.loads(out, parse_constant=refuse)
    assert "training: 6 runs" in err
    assert found["rows"] == 60 and found["classes"] == ["ill", "well"] and found["facts"]["label"] == "label"
    assert [one["kind"] for one in found["findings"]][:1] == ["copies"]
    assert found["models"][0].keys() >= {"model", "test_loss", "calibration_error"}
    assert len(found["models"][0]["test_loss"]) == 3
    assert {one["copies"] for one in found["changes"]} == {True, False}
    assert found["answer"]["answer"] and found["answer"]["how sure"] and len(found["columns"]) == 11


@pytest.mark.parametrize("arguments, code, words", [
    (["{table}", "--label", "labl"], 1, r"own table.csv: label: got 'labl', which is no column, accepted: 'label'"),
    (["missing.csv", "--label", "label"], 1, r"missing.csv"),
    (["{table}", "--label", "label", "--split", "0.6"], 2, r"--split: got 0.6, accepted: a share above 0 and at most 0.45"),
    (["{table}", "--label", "label", "--epochs", "0"], 2, r"--epochs: got 0, accepted: a whole number of at least 1"),
    (["{table}", "--label", "label", "--hidden", "0"], 2, r"--hidden: got \[0\], accepted: whole numbers of at least 1"),
    (["{table}", "--label", "label", "--group", "label"], 2, r"--group: got 'label', accepted: another column")])
def test_bad_input_is_one_line(table, tmp_path, capsys, arguments, code, words):
    results = tmp_path / "results"
    given = [argument.format(table=table) for argument in arguments]
    assert main(["check", *given, "--results", str(results)]) == code
    out, err = capsys.readouterr()
    assert out == "" and re.search(words, err) and len(err.strip().splitlines()) == 1
    assert not results.exists() or [path.name for path in results.iterdir()] == ["results.sqlite"]


def test_one_class_is_refused(tmp_path, capsys):
    path = write(tmp_path / "one.csv", np.random.default_rng(0).normal(size=(20, 2)), ["a"] * 20)
    assert main(["check", str(path), "--label", "label", "--results", str(tmp_path)]) == 1
    assert re.search(r"one\.csv.*'label'.*one class", capsys.readouterr().err)


def test_what_cannot_be_read_leaves_no_folder(table, tmp_path, capsys):
    for path, label in ((tmp_path / "none.csv", "label"), (table, "lable")):
        assert main(["check", str(path), "--label", label, "--results", str(tmp_path / "results")]) == 1
        assert not (tmp_path / "results").exists()
    assert "'lable', which is no column, accepted: 'label'" in capsys.readouterr().err


def test_without_a_label_the_option_is_named(table, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["check", str(table)])
    assert "--label" in capsys.readouterr().err


def test_what_else_is_printed_is_no_json(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "check", lambda chosen, say: (print("progress"), say("a table"), "{}")[-1])
    assert command.main(["own.csv", "--label", "y", "--json", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("{}\n", "progress\n")


def test_columns_that_are_treated_alike_share_a_line():
    rows = [("y", "label", "", "2 classes"), *((f"x{n}", "number", "", "standardised") for n in range(5)),
            *((name, "number", "3 %", "standardised") for name in "abc")]
    assert command.together(rows) == [rows[0], ("x0 to x4 (5)", *rows[1][1:]), *rows[6:]]
    problem = SimpleNamespace(source="t.csv", notes=("a note",))
    many = [(f"x{n}", "number", f"{n} %", "standardised") for n in range(100)]
    text, note = command._data(problem, many)
    assert "and 40 more (all with --json)" in text and len(text.splitlines()) == 62 and note == "a note"


INTERRUPTED = """
    import signal, sys, time
    from experiments.trainers import own_table
    from experiments.command import main
    from experiments.runs.store import Run, Store

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

    def train(runs):
        if runs[0]["seed"] == 1:
            while not Store({results!r}).count("check"):  # the first is kept by another thread
                time.sleep(0.05)
            print("second division", file=sys.stderr, flush=True)
            time.sleep(30)
        return [Run(scalars={{"diverged": 0.0}}) for run in runs]
    own_table.train_fleet = train
    sys.exit(main(["check", {table!r}, "--label", "label", "--results", {results!r}, "--json", *{small!r}]))
"""


@programs.posix
def test_ctrl_c_keeps_what_is_finished(table, tmp_path):
    process = programs.start("-c", INTERRUPTED.format(table=str(table), results=str(tmp_path), small=SMALL))
    said = list(iter(process.stderr.readline, "second division\n"))
    assert said[0].startswith("check: 60 rows") and said[1].startswith("training: 6 runs")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and out == ""
    [line] = err.strip().splitlines()
    assert re.search(r"interrupted; [1-5] of 6 runs of this sweep are done and kept", line) and "goes on" in line


@pytest.mark.compiled
def test_the_readmes_example_runs(tmp_path, monkeypatch, capsys, undrawn):
    section = README.read_text(encoding="utf-8").partition("## Your own table: check\n")[2].partition("\n## ")[0]
    [line] = [line for line in section.splitlines() if line.startswith("afterzero check ") and "--group" in line]
    program, *arguments = shlex.split(line, comments=True)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 90)
    x = np.stack([np.arange(90) // 2, rng.normal(size=90) + y, rng.normal(size=90)], axis=1)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "patients.csv", x, np.array(["healthy", "sick"])[y], ("patient", "age", "weight"))
    table = tmp_path / "patients.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("weight,label", "weight,diagnosis"), encoding="utf-8")
    assert program == "afterzero" and main([*arguments, "--quick", "--epochs", "5", "--hidden", "4"]) == 0
    out = capsys.readouterr().out
    assert "patient: group" in out and (tmp_path / "results" / "results.sqlite").is_file()


def test_a_misspelt_option_is_named_rather_than_what_it_would_have_given(table, capsys):
    for arguments in (["--labl", "label"], ["--labl=label"]):
        with pytest.raises(SystemExit) as stopped:
            main(["check", str(table), *arguments])
        said = capsys.readouterr().err
        assert stopped.value.code == 2 and "option: got '--labl', accepted: --help, --label, " in said
        assert said.endswith("did you mean '--label'?\n")
