"""Ways out of the commands: one line and an exit code; nothing of the user's is mistaken for ours."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.report.tables import Table, _blocks, wrapped
from tests.programs import ROOT, environment, posix, start
from tests.terminals import all_of

WIDE = Table("Title [bold] of a table that has many columns", ("", *(f"column {i}" for i in range(9))),
             [(f"row {r}", *(f"{r}.{i}{i}{i} ±0.0{i}" for i in range(9))) for r in range(3)],
             "a note with [brackets] that is longer than a line of a narrow terminal, so that it has to be wrapped at words")


# --- tables on a terminal ---

def on_a_terminal(code, columns):
    """What a script prints to a pseudo-terminal of so many columns."""
    import fcntl
    import pty
    import struct
    import termios
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    variables = {name: value for name, value in environment(TERM="xterm").items() if name not in ("COLUMNS", "LINES")}
    child = start("-c", code, stdout=theirs, env=variables)
    os.close(theirs)
    text = all_of(ours)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text.decode())


@posix
@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_every_digit_is_on_the_terminal(columns):
    code = "from tests.test_experiments_ways_out import WIDE\nprint(WIDE.render())"
    text = on_a_terminal(code, columns)
    assert all(len(line) <= columns for line in text.splitlines())
    assert all(cell in text for row in [WIDE.columns, *WIDE.rows] for cell in row)
    assert "…" not in text and "[bold]" in text and "[brackets]" in text


@posix
def test_answers_are_wrapped_at_words_on_a_terminal():
    words = " ".join(f"word{i}" for i in range(60))
    text = on_a_terminal(f"from experiments.report.tables import wrapped\nprint(wrapped({words!r}))", 60)
    assert text.split() == words.split() and all(len(line) <= 60 for line in text.splitlines())


def test_in_a_pipe_lines_stay_whole(capsys):
    assert wrapped("word " * 60) == "word " * 60
    assert len(WIDE.plain().splitlines()) == 3 + 3 + 3


def test_blocks_hold_every_column_once_and_begin_with_the_first():
    blocks = _blocks([10, 20, 20, 20, 70], 60)
    assert blocks == [[0, 1, 2], [0, 3], [0, 4]]


# --- full disks ---

@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["experiments"], ["experiments", "--help"], ["experiments", "--version"],
                                     ["stopping", "replay", "LOG", "--criterion", "GL(5)"]], ids=" ".join)
def test_a_full_disk_behind_standard_output(tmp_path, command, unbuffered):
    log = tmp_path / "log.csv"
    log.write_text("epoch,train_loss,val_loss\n1,2,2\n2,1,3\n")
    with open("/dev/full", "w") as full:
        child = start("-m", *(str(log) if word == "LOG" else word for word in command), stdout=full,
                      env=environment(PYTHONUNBUFFERED=unbuffered))
        _, err = child.communicate(timeout=60)
    assert child.returncode == 1 and len(err.splitlines()) == 1 and "No space left" in err, err


# --- closed streams, and those that nobody reads ---

@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", [["experiments", "run", "zero_loss", "--help"], ["experiments", "check", "--help"],
                                       ["stopping", "--help"]], ids=" ".join)
def test_a_closed_stream_is_no_error(arguments, closed):
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", *arguments], env=environment(),
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "") and bool(done.stdout) == (closed == "2>&-")


@posix
@pytest.mark.parametrize("arguments", [["experiments", "nonsense"], ["stopping", "replay", "nonsense.csv"]], ids=" ".join)
def test_errors_are_no_output_where_their_stream_is_closed(arguments):
    done = subprocess.run(["sh", "-c", '"$@" 2>&-', "sh", sys.executable, "-m", *arguments], env=environment(),
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")


@posix
def test_files_and_workers_take_no_closed_streams_place():
    """Whatever writes to a stream by its number, as a library in C may, would write into a file of ours."""
    code = """
import os, subprocess, sys
from experiments.ways_out import run
def main():
    with open(os.devnull) as file:
        inside = subprocess.run([sys.executable, "-c", "import os; [os.fstat(number) for number in range(3)]"])
        return 10 * (file.fileno() > 2) + inside.returncode
sys.exit(run(main, "name", False))
"""
    done = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code], env=environment(), timeout=60)
    assert done.returncode == 10


UNREAD = """
import sys
from experiments.runs.progress import Progress
from experiments.ways_out import run
def main():
    with Progress("title", 2, 1.0, 1) as progress:
        progress.advance(0.5)
    print("results")
    return 0
sys.exit(run(main, "name", False))
"""


@posix
@pytest.mark.parametrize("kind", ["full", "broken"])
def test_work_goes_on_where_nobody_reads_how_far_it_is(kind):
    if kind == "full":
        unread = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, unread = os.pipe()
        os.close(reader)
    try:
        done = subprocess.run([sys.executable, "-c", UNREAD], env=environment(), stdout=subprocess.PIPE, stderr=unread,
                              timeout=60)
    finally:
        os.close(unread)
    assert (done.returncode, done.stdout) == (0, b"results\n")


@posix
def test_work_goes_on_when_the_terminal_is_closed():
    """As after `disown`: the bar is drawn no more."""
    import pty
    code = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from experiments.runs.progress import Progress
from experiments.ways_out import run
def main():
    with Progress("title", 2, 1.0, 1) as progress:
        os.write(1, b"begun\\n")  # a bar takes what is printed
        sys.stdin.readline()
        time.sleep(0.5)
        progress.advance(0.5)
    print("results")
    return 0
sys.exit(run(main, "name", False))
"""
    ours, theirs = pty.openpty()
    child = start("-c", code, stderr=theirs, stdin=subprocess.PIPE, env=environment(TERM="xterm"))
    os.close(theirs)
    assert child.stdout.readline() == "begun\n"
    os.close(ours)
    assert child.communicate("\n", timeout=60)[0] == "results\n" and child.returncode == 0


@posix
def test_commands_that_cannot_say_what_is_wrong_fail():
    reader, unread = os.pipe()
    os.close(reader)
    try:
        child = start("-m", "experiments", "nonsense", stderr=unread)
    finally:
        os.close(unread)
    assert child.communicate(timeout=60)[0].strip() == "" and child.returncode != 0


# --- Ctrl-C ---

@posix
@pytest.mark.parametrize("package", ["experiments", "stopping"])
def test_ctrl_c_from_the_first_line_on(package, tmp_path):
    """A signal at each of 20 moments after the handler stands: one line and 130, or done before it came."""
    arguments = ["run", "zero_loss", "--help"] if package == "experiments" else ["replay", "log.csv", "--criterion", "GL(5)"]
    (tmp_path / "log.csv").write_text("epoch,train_loss,val_loss\n1,2,2\n2,1,3\n")
    code = f"""
import runpy, signal, sys
install = signal.signal
def told(*handler):
    install(*handler)
    print("stands", file=sys.stderr, flush=True)
    signal.signal = install
signal.signal = told
sys.argv[1:] = {arguments!r}
runpy.run_module({package!r}, run_name="__main__", alter_sys=True)
"""
    codes = []
    for moment in range(20):
        child = start("-c", code, cwd=tmp_path, env=environment(TMPDIR=str(tmp_path)))
        assert child.stderr.readline() == "stands\n"
        time.sleep(0.02 * moment)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
        codes.append(child.returncode)
        assert child.returncode in (130, 0) and "Traceback" not in err and "ignored" not in err, err
        assert child.returncode == 0 or len(err.strip().splitlines()) == 1, err
    assert 130 in codes
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


@posix
def test_a_second_ctrl_c_changes_nothing():
    """It comes when the first has been answered, while Python still obeys."""
    code = """
import os, signal, sys
from experiments.ways_out import run
install = signal.signal
def twice(number, handler):
    if handler == signal.SIG_IGN:
        os.kill(os.getpid(), signal.SIGINT)
    return install(number, handler)
def main():
    signal.signal = twice
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        print("answered")
        return 130
sys.exit(run(main, "name", True))
"""
    child = start("-c", code)
    assert child.communicate(timeout=60) == ("answered\n", "") and child.returncode == 130


@posix
@pytest.mark.parametrize("call", [["-m", "stopping"], ["-mstopping"], ["-bm", "stopping"], ["-bmstopping"]], ids=" ".join)
def test_ctrl_c_while_numpy_loads(tmp_path, call):
    """`python -m stopping` loads the package, and NumPy with it, before the first line of its entry."""
    (tmp_path / "numpy.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    child = start(*call, "--help", env=environment(tmp_path))
    assert child.stdout.readline() == "loading\n"
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60) == ("", "\nstopping: interrupted\n") and child.returncode == 130


@posix
def test_ctrl_c_within_exec_gives_the_exit_code_too(tmp_path):
    """Python ends itself by the signal, whatever its exit code, after an interruption in exec(), as dataclasses call it."""
    (tmp_path / "tyro.py").write_text("exec('import os, signal; os.kill(os.getpid(), signal.SIGINT)')\n")
    child = start("-m", "experiments", "run", "zero_loss", "--help", env=environment(tmp_path))
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "") and len(err.strip().splitlines()) == 1, err


@posix
@pytest.mark.parametrize("arguments", [["experiments", "report"], ["experiments", "check"], ["experiments", "replay"],
                                       ["stopping"]])
def test_help_that_cannot_be_written_is_said(arguments):
    """Unbuffered, the disk is full while the parser writes, and not when Python ends."""
    with open("/dev/full", "w") as full:
        child = start("-u", "-m", *arguments, "--help", stdout=full)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 1 and "cannot write the output: No space left" in err and len(err.splitlines()) == 1


def test_importing_stopping_leaves_ctrl_c_alone():
    out = start("-c", "import signal, stopping; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)")
    assert out.communicate(timeout=60)[0] == "True\n"


def test_both_packages_leave_in_the_same_way():
    assert (ROOT / "experiments/ways_out.py").read_bytes() == (ROOT / "stopping/ways_out.py").read_bytes()


# --- modules of the user's own ---

@pytest.mark.parametrize("call", [["-m", "experiments"], ["-mexperiments"], ["-bmexperiments"]], ids=" ".join)
def test_the_command_names_a_users_losses_in_one_line(tmp_path, call):
    (tmp_path / "losses.py").touch()
    _, err = start(*call, "--version", cwd=tmp_path).communicate(timeout=60)
    assert err.startswith(f"afterzero: losses: got {tmp_path / 'losses.py'}, accepted: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize("ours", ["nn", "experiments.data"])
@pytest.mark.parametrize("folder", [False, True])
def test_a_users_losses_is_named(tmp_path, folder, ours):
    mine = tmp_path / ("losses/__init__.py" if folder else "losses.py")
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine = 1\n")
    (tmp_path / "script.py").write_text(f"from {ours} import anything\n")
    _, err = start(tmp_path / "script.py").communicate(timeout=60)
    assert f"losses: got {mine}, accepted: {ROOT / 'losses'}" in err and "rename" in err.splitlines()[-1]


@pytest.mark.parametrize("call", [["afterzero_mine.py"], ["-m", "mine"], ["-m", "mine", "experiments"]], ids=" ".join)
def test_a_users_losses_is_named_however_the_script_is_called(tmp_path, call):
    (tmp_path / "mine").mkdir()
    for name in ("losses.py", "mine/__main__.py"):
        (tmp_path / name).touch()
    for name in ("afterzero_mine.py", "mine/__init__.py"):
        (tmp_path / name).write_text("from experiments.data import digits\n")
    _, err = start(*call, cwd=tmp_path).communicate(timeout=60)
    assert f"losses: got {tmp_path / 'losses.py'}, accepted: {ROOT / 'losses'}" in err


@pytest.mark.parametrize("name", ["losses", "nn", "stopping"])
def test_a_users_module_is_named_by_the_command(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("mine = 1\n")
    child = start("-m", "experiments", cwd=tmp_path)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1 and len(err.splitlines()) == 1
    assert f"{name}: got {tmp_path / name}.py" in err and "rename it" in err


# --- what the command says of itself ---

def test_version_help_and_replay(tmp_path):
    import nn
    assert start("-m", "experiments", "--version").communicate(timeout=60)[0] == f"afterzero {nn.__version__}\n"
    text = start("-m", "experiments", "--help").communicate(timeout=60)[0]
    assert "replay LOG" in text and ".venv/bin/afterzero" in text and max(map(len, text.splitlines())) <= 100
    (tmp_path / "log.csv").write_text("epoch,train_loss,val_loss\n1,2,2\n2,1,3\n")
    arguments = ("replay", str(tmp_path / "log.csv"), "--criterion", "GL(5)")
    ours, theirs = (start("-m", package, *arguments).communicate(timeout=60)[0] for package in ("experiments", "stopping"))
    assert ours == theirs and "GL(5" in ours
