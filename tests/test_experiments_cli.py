"""The command line: quick to appear, helpful when misused, and safe to interrupt."""
import io
import logging
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from experiments import registry, running
from experiments.__main__ import main, parse
from experiments.command import COMMANDS, PROGRAM
from experiments.report.tables import Table
from experiments.runs.progress import Bar
from experiments.runs.store import Run, Store
from nn import compiling
from tests import programs
from tests.pretending import Config, pretended, settings
from tests.programs import ROOT, posix

QUESTION = "Does it make sense to train on after 100 % training accuracy?"


def command(*arguments, **options):
    return programs.run("-m", "experiments", *arguments, **options)


def complaint(capsys, *arguments):
    """Misuse: exit code 2, nothing on standard output, no traceback; returns the message."""
    try:
        code = main(arguments)
    except SystemExit as error:  # tyro's way out
        code = error.code
    out, err = capsys.readouterr()
    assert code == 2 and "Traceback" not in out + err
    return " ".join(re.sub("[│╭╮╰╯─]", " ", out + err).split())


@pytest.mark.parametrize("columns, width", [(None, 80), ("50", 50), ("200", 200)])
@pytest.mark.parametrize("arguments", [(), ("--help",), ("run", "--help")], ids=" ".join)
def test_menu_shows_questions_and_times_within_the_terminal(monkeypatch, capsys, arguments, columns, width):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    words = " ".join(out.split())  # nothing is cut
    for name in registry.NAMES:
        entry = registry.entry(name)
        assert f" {name} {entry.question} --quick {entry.times[0]}," in words
        assert f"      {entry.question[:20]}" in out  # as far in as before
    assert QUESTION in words and all(time in words for name in registry.NAMES for time in registry.entry(name).times)
    assert not arguments or all(f"{PROGRAM} {one}" in words for one in (*COMMANDS, "--version"))


def test_module_menu_imports_nothing_heavy():
    script = ("import sys; from experiments.__main__ import main; main([]); main(['--help']); "
              "heavy = {'numpy', 'numba', 'matplotlib', 'scipy', 'tyro', 'nn'} & set(sys.modules); "
              "sys.exit(', '.join(heavy) or 0)")
    done = programs.run("-c", script)
    assert done.returncode == 0, done.stderr


def test_help_of_an_experiment_imports_nothing_heavy():
    done = programs.run("-c", """
        import sys
        from experiments import registry
        from experiments.__main__ import main
        for name in registry.NAMES:
            try:
                main(["run", name, "--help"])
            except SystemExit as error:
                assert error.code == 0
            heavy = {"numba", "matplotlib", "scipy", "nn"} & set(sys.modules)
            assert not heavy, f"{name} imports {heavy}"
            print("-- next --")
    """)
    assert done.returncode == 0, done.stderr
    for name, text in zip(registry.NAMES, done.stdout.split("-- next --"), strict=False):
        for word in (registry.entry(name).question, "--quick", "--full", "--results", "Settings, each with its reason"):
            assert word in text, name
    assert done.stdout.count("-- next --") == len(registry.NAMES) and "type: ignore" not in done.stdout


def test_python_m_experiments():
    done = command()
    assert done.returncode == 0 and QUESTION in done.stdout and not done.stderr
    assert command("run", "--help").stdout == command("--help").stdout != ""
    wrong = command("run", "zero_los")
    assert wrong.returncode == 2 and "did you mean 'zero_loss'?" in wrong.stderr and "Traceback" not in wrong.stderr


@pytest.mark.parametrize("arguments, message", [
    (("rum",), "command: got 'rum', accepted: run, export, table, check, report, replay, play, --help, --version; "
               "did you mean 'run'?"),
    (("zero_loss",), "did you mean 'afterzero run zero_loss'?"),
    (("run",), f"run: got no name of an experiment, accepted: {', '.join(registry.NAMES)}"),
    (("run", "zeroloss"), "; did you mean 'zero_loss'?"),
    (("run", "qqq"), f"experiment: got 'qqq', accepted: {', '.join(registry.NAMES)}"),
    (("run", "--quick", "zero_loss"), "put the name first"),
    (("run", "zero_loss", "--quick", "--full"), "--quick: got --full as well, accepted: one of them"),
    (("run", "zero_loss", "--sedes", "3"), "Perhaps you meant: --seeds"),
    (("run", "zero_loss", "--quik"), "Perhaps you meant: --quick"),
    (("run", "zero_loss", "--seeds", "many"), "invalid literal for int() with base 10: 'many'"),
    (("run", "zero_loss", "--seeds", "0"), "seeds: got 0, accepted: a whole number of at least 1"),
    (("run", "zero_loss", "--image-noise", "1.5"), "image_noise: got (1.5,), accepted: different numbers"),
    (("run", "zero_loss", "--gaussian-levels", "0.1"),
     "gaussian_levels: got (0.1,), accepted: one level per gaussian_noise"),
    (("run", "zero_loss", "--learning-rate", "nan"), "learning_rate: got nan, accepted: a number above 0"),
    (("run", "zero_loss", "--learning-rate", "inf"), "learning_rate: got inf, accepted: a number above 0")])
def test_misuse_says_what_is_accepted(capsys, arguments, message):
    assert message in complaint(capsys, *arguments)


def test_presets_and_single_options():
    module, config, common = parse("zero_loss", ["--quick", "--seeds", "7", "--results", "somewhere"])
    assert config == module.Config(**{**vars(module.Config.quick()), "seeds": 7}) and common.results == Path("somewhere")
    assert parse("zero_loss", [])[1] == module.Config() != parse("zero_loss", ["--full"])[1] == module.Config.full()
    assert parse("zero_loss", [])[2].results == Path("results")


def test_a_foreign_results_file_is_one_clear_line(capsys, tmp_path):
    (tmp_path / "results.sqlite").write_text("not a database" * 100)
    assert main(["run", "zero_loss", "--quick", "--results", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "results.sqlite" in err


# --- an experiment that trains nothing ---

def test_run_prints_table_figures_and_answer_and_trains_once(capsys, tmp_path, monkeypatch):
    trained = []

    def train(seed, tick):
        trained.append(seed)
        tick(0.5)
        return Run(scalars={"score": seed / 2})

    monkeypatch.setattr(registry, "load", lambda name: pretended(train))
    takes = registry.entry("zero_loss").times[1]
    for said in (f"measuring: 3 of 3 to do, about {takes} on 2 cores if all have to be trained\n", ""):
        assert main(["run", "zero_loss", "--results", str(tmp_path)]) == 0
        out, err = capsys.readouterr()
        assert err == said  # the progress bar disappears when nobody watches
        assert out.splitlines() == ["Scores", "-----------", "seed  score", "-----------", "0       0.0", "1       0.5",
                                    "2       1.0", "-----------", "a note", "", f"figure: {tmp_path / 'a.png'}", "",
                                    "It does. It may. It must."]
    assert sorted(trained) == [0, 1, 2]


def test_a_failing_run_keeps_the_finished_ones(tmp_path):
    def train(seed, tick):
        if seed == 2:
            raise ArithmeticError("diverged")
        return Run(scalars={"score": 0.0})

    store = Store(tmp_path)
    with pytest.raises(ArithmeticError, match="diverged"):
        pretended(train).run(Config(), store)
    assert store.load(settings(0)) is not None and store.load(settings(2)) is None


INTERRUPTED = """
    import sys, time
    from experiments import registry
    from experiments.__main__ import main
    from experiments.runs.store import Run
    from tests.pretending import pretended

    def train(seed, tick):
        if seed == 1:
            print("second run", flush=True)
            {wait}
        return Run(scalars={{"score": 1.0}})

    registry.load = lambda name: pretended(train)
    sys.exit(main(["run", "zero_loss", "--results", {results!r}]))
"""


@posix
@pytest.mark.parametrize("wait", ["[(time.sleep(0.05), tick(0.1)) for _ in range(1000)]", "time.sleep(30)"],
                         ids=["between checks", "inside a long call"])
def test_ctrl_c_keeps_finished_runs_and_says_how_to_go_on(tmp_path, wait):
    process = programs.start("-c", INTERRUPTED.format(results=str(tmp_path), wait=wait))
    assert process.stdout.readline() == "second run\n"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and out == ""
    assert time.monotonic() - begin < 10
    _estimate, *lines = err.strip().split("\n\n")
    assert len(lines) == 1 and "finished runs are kept" in lines[0] and str(tmp_path) in lines[0] and "goes on" in lines[0]
    store = Store(tmp_path)
    assert [store.load(settings(seed)) is not None for seed in range(3)] == [True, False, False]


def test_a_reader_that_goes_away_is_no_error():
    done = subprocess.run(f"{sys.executable} -m experiments | true; exit ${{PIPESTATUS[0]}}", shell=True, cwd=ROOT,
                          executable="/bin/bash", capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == ""


def test_output_survives_a_terminal_without_unicode():
    done = command(env=programs.environment(PYTHONIOENCODING="ascii"))
    assert done.returncode == 0


def test_table_on_a_terminal_and_in_a_pipe(monkeypatch):
    table = Table("Title", ("", "a"), [("row", "1.0 ±0.1")], "note")
    primary, secondary = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(secondary, "w") as terminal, os.fdopen(primary, "rb"):
        rendered = table.render(terminal)
    assert "\x1b[" in rendered and "1.0 ±0.1" in rendered and "note" in rendered
    assert "\x1b[" not in table.plain() and table.plain().splitlines()[0] == "Title"


def test_why_nothing_moves_is_one_line_of_80_columns():
    console = Console(width=80, file=io.StringIO())
    compiling.begin()
    try:
        console.print(Bar("perfect_training_accuracy", 100.0).progress.get_renderable())
    finally:
        compiling.end()
    assert console.file.getvalue().strip().splitlines() == [f"{compiling.MESSAGE}: 0 s"]
    console.print(Bar("training", 100.0).progress.get_renderable())
    assert "training" in console.file.getvalue().splitlines()[-1]


def test_a_run_that_diverges_by_its_settings_is_one_line(tmp_path, capsys):
    options = ["--quick", "--seeds", "1", "--learning-rate", "1e30", "--epochs", "20", "--workers", "1"]
    assert main(["run", "loss_matters", *options, "--results", str(tmp_path)]) == 2
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith("afterzero: loss_matters, seed 0, ") and "is not finite (learning rate 1e+30, " in said


def test_a_mistake_in_arithmetic_is_not_taken_for_a_run_that_diverged(tmp_path):
    with pytest.raises(ZeroDivisionError):
        running.settled(lambda: 1 // 0, tmp_path)


@pytest.mark.parametrize("question, settings, message", [
    ("double_descent", {"train": 1796}, "train: got 1796, accepted: a whole number from 20 to 1795"),
    ("loss_matters", {"train": 1796}, "train: got 1796, accepted: a whole number from 20 to 1795"),
    ("flooding_family", {"train": 900}, "train: got 900, accepted: a whole number from 4 to 898"),
    ("stopping_study", {"learning_rate": 51.0},
     "learning_rate: got 51.0, accepted: with RPROP a number from 1e-06 to 50, or 0")])
def test_what_cannot_be_trained_is_refused_before(question, settings, message):
    with pytest.raises(ValueError) as refused:
        registry.load(question).Config(**settings)
    assert str(refused.value) == message


def test_what_is_logged_while_something_trains_is_shown_once(capsys):
    log = logging.getLogger("afterzero")

    def work():
        for _ in range(3):
            log.info("compiling")
        return 0
    log.info("before")
    assert running.settled(work, Path("results")) == 0
    log.info("after")
    assert capsys.readouterr().err == "compiling\n" and log.handlers == []
