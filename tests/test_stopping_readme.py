"""The commands that stopping/README.md shows, on the log it shows, with the answer it shows."""
import re
import shlex
import sys
from pathlib import Path

import pytest

from stopping.__main__ import main

PAGE = (Path(__file__).parents[1] / "stopping" / "README.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    [log] = blocks("csv")
    (tmp_path / "log.csv").write_text(log)
    (tmp_path / "twice.csv").write_text(log * 2)
    monkeypatch.chdir(tmp_path)


def run(command):
    program, *arguments = shlex.split(command, comments=True)
    assert (program, arguments[:2]) == ("python", ["-m", "stopping"])
    return main(arguments[2:])


def test_the_page_has_an_example_of_every_option(capsys):
    with pytest.raises(SystemExit):
        main(["replay", "--help"])
    options = set(re.findall(r"--\w+", capsys.readouterr().out)) - {"--help"}
    assert len(COMMANDS) >= 6 and options and all(any(option in line for line in COMMANDS) for option in options)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("stopping.command.draw", lambda criteria, log, path: Path(path).touch())  # others look at figures
    assert run(command) == 0
    said = capsys.readouterr()
    assert said.err == "" and ("log.csv" in said.out or "twice.csv" in said.out)
    assert (tmp_path / "out.png").exists() == ("out.png" in command)


def test_the_answer_is_the_one_shown(capsys):
    assert run(COMMANDS[0]) == 0
    assert capsys.readouterr().out.splitlines() == blocks("text")[0].splitlines()


@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[1], "python -m stopping replay log.csv log.csv"])
def test_a_terminal_shows_no_line_longer_than_itself_and_the_same_words(command, capsys, monkeypatch):
    assert run(command) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 and sorted({*" ".join(lines).split()}) == sorted({*whole.split()})
    sentence = next(line for line in whole.splitlines() if line.startswith("No: "))
    assert sentence in re.sub(r"\n  ", " ", "\n".join(lines))
