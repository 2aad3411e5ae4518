"""Criteria written as text, and the command line that replays them."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stopping import GL, And, Not, Or, Patience, Target, parse, read_csv
from stopping.__main__ import main

ROOT = Path(__file__).parents[1]
NO_CRITERION = "expression: got .*, accepted: after, AdaptivePatience"
LOG = "epoch,accuracy,loss,val_loss\n" + "".join(
    f"{epoch},{accuracy},{1 - accuracy},{val}\n" for epoch, (accuracy, val) in enumerate(
        [(0.5, 1.0), (0.6, 0.8), (0.7, 0.82), (0.8, 0.85), (0.9, 0.9), (1.0, 1.0)]))


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return str(path)


def table(lines):
    """Return the lines of the table, its head first."""
    return lines[next(n for n, line in enumerate(lines) if line.startswith("criterion ")):]


# --- parse ---

def test_operators_bind_as_in_python():
    whole = parse(" GL(5) | Patience(10) & ~Target(0.1, 'val_loss') ")
    assert type(whole) is Or and type(whole.operands[1]) is And and type(whole.operands[1].operands[1]) is Not
    assert type(parse("(GL(5) | Patience(1)) & GL(2)")) is And


@pytest.mark.parametrize("text, value", [
    ("Target(-0.5, 'm')", -0.5), ("Target(value=1e-3, monitor='m')", 1e-3), ("Target(5, \"m\", mode='max')", 5)])
def test_numbers_strings_and_keywords(text, value):
    stop = parse(text)
    assert type(stop) is Target and stop.value == value and stop.monitor == "m"


def test_other_literals():
    stop = parse("Patience(3, min_delta=0.5, relative=True, baseline=None)")
    assert stop.relative is True and stop.baseline is None


@pytest.mark.parametrize("text, message", [
    ("Patince(10)", "criterion: got 'Patince', accepted: after, AdaptivePatience,"),
    ("patience(10)", "did you mean 'Patience'"), ("gl(5)", "did you mean 'GL'"), ("After(5)", "did you mean 'after'"),
    ("xyzzy(5)", "criterion: got 'xyzzy', accepted: after, AdaptivePatience, CorrelationDriven,"),
    ("Patience(10, min_detla=1)", "Patience: got min_detla, accepted: patience, monitor, mode, min_delta,"),
    ("Patience(**{})", r"Patience: got \*\*, accepted: patience, monitor, mode, min_delta, relative,"),
    ("Patience()", r"Patience: got Patience\(\) \(missing a required argument: 'patience'\), accepted: patience,"),
    ("Patience(patience=5, patience=6)", r"Patience\(patience=5, patience=6\): got patience twice, accepted: once"),
    ("GL(5, 6)", "too many positional arguments"), ("GL(5, alpha=6)", "multiple values"),
    ("Patience", "expression: got Patience, accepted: its arguments in parentheses, like"),
    ("Patience(0)", "patience: got 0, accepted: a whole number of at least 1"),
    ("GL(5) or GL(6)", r"expression: got `or` or `and`, accepted: \| and & to"), ("GL(5) + GL(6)", NO_CRITERION),
    ("-GL(5)", NO_CRITERION),
    ("GL(5) < GL(6)", NO_CRITERION), ("5", "expression: got '5', accepted:"), ("GL(5), GL(6)", NO_CRITERION),
    ("GL(1 + 1)", r"GL: got '1 \+ 1', accepted: numbers, strings, True, False and None"), ("GL([1])", "GL: got"),
    ("GL(-'a')", "GL: got"), ("GL(-True)", "GL: got"), ("GL(1j)", "GL: got"),
    ("GL(*[1])", "GL: got"),
    ("GL(b'1')", "GL: got"), ("GL(...)", "GL: got"), ("GL(f'{1}')", "GL: got"), ("GL(GL(1))", "GL: got"),
    ("__import__('os').system('true')", NO_CRITERION), ("__import__('os')", "criterion: got '__import__', accepted:"),
    ("GL.__init__(5)", NO_CRITERION), ("GL(5).reset()", NO_CRITERION), ("(lambda: 0)()", NO_CRITERION),
    ("[GL(5) for x in (1,)]", NO_CRITERION), ("x := GL(5)", r"expression: got 'x := GL\(5\)' \(invalid syntax\),"),
    ("GL(5) if 1 else GL(6)", NO_CRITERION),
    ("GL(5", r"expression: got .*, accepted: names of criteria"), ("GL(5)\nGL(6)", "invalid syntax"),
    ("", r"expression: got .*, accepted: names"), ("GL(5) |", "invalid syntax"),
    ("GL(5)\0", "null bytes"), ("~" * 1500 + "GL(5)", "nested too deeply|too many nested"),
    ("(" * 900 + "GL(5)" + ")" * 900, "nested|too many"), ("GL(5) | " * 500 + "GL(5)", "expression: got 4005 characters,"),
    (5, "expression: got"), (None, "expression: got")])
def test_anything_else_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_a_long_chain_is_no_problem():
    assert len(repr(parse(" | ".join(["GL(5)"] * 200)))) == 200 * 8 - 3


# --- the command ---

def test_it_prints_each_operand_and_the_whole(log, capsys):
    assert main(["replay", log, "--criterion", "GL(5) | Patience(3) | after(9) & ~ZeroError()"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{log}: 6 checks"
    assert lines[1] == "read as a table: train_loss = 'loss', val_loss, train_accuracy = 'accuracy'"
    assert lines[2] == "No: after epoch 1 val_loss got no better; the network of that check is the one to keep."
    lines[2:] = table(lines)
    assert lines[2].split() == ["criterion", "stops", "at", "check", "epoch", "best", "check", "its", "epoch", "its",
                                "value", "val_loss", "above", "best", "above", "end"]
    assert [line.split()[:-2] for line in lines[3:7]] == [  # epochs as the file counts them, from 0
        ["GL(5)", "4", "3", "2", "1", "0.8"], ["Patience(3)", "5", "4", "2", "1", "0.8"],
        ["after(9)", "never", "-", "-", "-", "-"], ["ZeroError()", "6", "5", "-", "-", "-"]]
    assert lines[7].startswith("GL(5) | Patience(3) | after(9) & ~Zero")
    assert lines[7].split()[-7:-2] == ["4", "3", "2", "1", "0.8"]
    assert len(lines) == 8


def test_a_lone_criterion_is_one_row(log, capsys):
    assert main(["replay", log, "--criterion", "GL(5) | GL(5)"]) == 0
    assert len(table(capsys.readouterr().out.splitlines())) == 3
    assert main(["replay", log, "--criterion", "GL(5)"]) == 0
    assert len(table(capsys.readouterr().out.splitlines())) == 2


def test_columns(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("mine,fit\n1,1\n2,1\n")
    assert main(["replay", str(path), "--criterion", "Patience(1)", "--columns", "val_loss=mine, train_loss=fit"]) == 0
    assert table(capsys.readouterr().out.splitlines())[1].split()[:-2] == ["Patience(1)", "2", "1", "1"]


def test_updates_are_shown_where_they_are_on_record(tmp_path, capsys):
    path = tmp_path / "ours.csv"
    path.write_text("update,epoch,val_loss\n500,0.5,1\n1000,1,0.9\n1500,1.5,1\n")
    assert main(["replay", str(path), "--criterion", "Patience(1)"]) == 0
    row = table(capsys.readouterr().out.splitlines())[1]
    assert row.split()[:-2] == ["Patience(1)", "3", "1.5", "1500", "2", "1", "1000", "0.9"]


@pytest.mark.parametrize("ending, magic", [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_figure(log, tmp_path, capsys, ending, magic):
    path = tmp_path / f"out.{ending}"
    expression = "GL(5) | Patience(3) | after(9) & ~ZeroError() | Patience(99, 'train_error')"
    assert main(["replay", log, "--criterion", expression, "--figure", str(path)]) == 0
    assert path.read_bytes().startswith(magic) and capsys.readouterr().out.splitlines()[-1] == f"drawn: {path}"


def test_figure_of_a_criterion_that_watches_nothing(log, tmp_path):
    assert main(["replay", log, "--criterion", "after(3)", "--figure", str(tmp_path / "out.png")]) == 0


@pytest.mark.parametrize("arguments, message", [
    (["--criterion", "Patince(3)"], "did you mean 'Patience'?"), (["--criterion", "GL(5) |"], "invalid syntax"),
    (["--criterion", "Patience(3, 'val_los')"], "val_los'"), (["--criterion", "GL(0 - 1)"], "GL: got"),
    (["--criterion", "LabelWave(3)"], "--columns prediction_changes=NAME"),
    (["--criterion", "GL(5)", "--columns", "val_loss"], "OURS=THEIRS pairs"),
    (["--criterion", "GL(5)", "--columns", "val_loss=vall_loss"], "did you mean 'val_loss'?"),
    (["--criterion", "GL(5)", "--columns", "val_loss=loss,val_loss=accuracy"], "each of our names once"),
    (["--criterion", "GL(5)", "--figure", "out"], "--figure: got 'out', accepted: "),
    (["--criterion", "GL(5)", "--figure", "out.xyz"], "--figure: got 'out.xyz', accepted: a name that ends in .png, "),
    (["--criterion", "GL(5)", "--figure", "no/such/folder/out.png"], "No such file")])
def test_errors_are_one_line_and_status_2(log, arguments, message, capsys):
    assert main(["replay", log, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("stopping: ") and captured.err.count("\n") == 1
    assert any(part in captured.err for part in message.split("|"))


def test_an_expression_too_deep_to_replay_is_an_error_like_any_other(log, capsys):
    assert main(["replay", log, "--criterion", "~" * 310 + "GL(5)"]) == 2
    assert "got 301 levels, accepted: up to 300" in capsys.readouterr().err


def test_a_figure_of_no_known_kind_is_refused_before_anything_is_printed(log, capsys):
    assert main(["replay", log, "--figure", "out.xyz"]) == 2 and capsys.readouterr().out == ""


@pytest.mark.parametrize("option, meant", [("--figur", "--figure"), ("--criterium=GL(5)", "--criterion")])
def test_a_misspelt_option_is_named_and_none_is_abbreviated(log, capsys, option, meant):
    with pytest.raises(SystemExit) as stopped:
        main(["replay", log, option])
    said = capsys.readouterr().err
    assert stopped.value.code == 2 and f"option: got {option.partition('=')[0]!r}, accepted: --help, " in said
    assert said.endswith(f"did you mean {meant!r}?\n")


def test_a_missing_log_and_bad_usage(tmp_path, capsys):
    assert main(["replay", "nothing.csv", "--criterion", "GL(5)"]) == 2
    assert "nothing.csv: got no such file, accepted: a file, " in capsys.readouterr().err
    assert main(["replay", str(tmp_path)]) == 2 and ": got a folder, accepted: a file, " in capsys.readouterr().err
    for arguments in ([], ["replay"], ["replay", "--json"], ["rewind", "log.csv"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2


def test_as_a_process(log):
    def run(expression):
        command = [sys.executable, "-W", "error", "-m", "stopping", "replay", log, "--criterion", expression]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
                              timeout=60)
    done, failed = run("GL(5) | Patience(10)"), run("GL(5) | Patience('\\d')")
    assert (done.returncode, done.stderr) == (0, "") and "GL(5) | Patience(10)" in done.stdout
    assert failed.returncode == 2 and failed.stdout == "" and "Traceback" not in failed.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_went_away_is_no_error(log):
    """`python -m stopping replay log.csv | head -1`, where every line is written at once."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = subprocess.run([sys.executable, "-m", "stopping", "replay", log], cwd=ROOT, stdout=gone, text=True,
                              stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="folders of POSIX")
def test_a_figure_in_a_folder_that_is_gone(log, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    replay = [sys.executable, "-m", "stopping", "replay", log, "--figure", "a.png"]
    done = subprocess.run(["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *replay], cwd=gone, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    assert (done.returncode, done.stderr) == (2, "stopping: a.png: No such file or directory\n")


def test_another_pipe_that_broke_is_one(capfd):
    from stopping.ways_out import run
    with pytest.raises(BrokenPipeError):
        run(lambda: (_ for _ in ()).throw(BrokenPipeError(32, "Broken pipe")), "stopping", False)


def test_what_is_drawn_lazily_is_not_imported():
    code = "import sys, stopping, stopping.__main__; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_the_python_way_gives_the_same(log):
    from stopping import replay
    decision = replay(parse("GL(5) | Patience(3)"), read_csv(log))
    assert decision == replay(GL(5) | Patience(3), read_csv(log)) and decision.stopped_step == 4


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_figures_hide_no_criterion_and_never_vary(tmp_path, ending):
    """Criteria that stop at one check and agree on the best all show, and the same picture is the same file."""
    import numpy as np
    from matplotlib.figure import Figure

    from stopping import GL, UP, Patience
    from stopping.figure import draw
    history = {"val_loss": [5.0, 4.0, 3.0, 3.5, 4.0, 4.5]}
    criteria = [Patience(2), GL(30), Patience(1) & Patience(2), UP(2), UP(3)]
    made, save = [], Figure.savefig

    def spy(self, path, **options):
        made.append(self)
        save(self, path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", spy)
        for name in "ab":
            draw(criteria, history, tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    figure = made[0]
    never = [line for line in figure.axes[0].get_lines() if not len(line.get_xdata())]
    assert [line.get_linewidth() for line in never] == [1.5, 1.5]  # none lies beneath the other
    if ending == "png":
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        canvas = FigureCanvasAgg(figure)

        def pixels():
            canvas.draw()
            return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)

        shown, marks = pixels(), [line for line in figure.axes[0].get_lines()[1:] if len(line.get_xdata())]
        assert len(marks) >= 6
        for mark in marks:
            mark.set_visible(False)
            changed = np.abs(pixels() - shown).max(axis=-1) > 60  # edges that are blended do not count
            assert changed.sum() >= (150 if mark.get_marker() == "None" else 12)
            mark.set_visible(True)
