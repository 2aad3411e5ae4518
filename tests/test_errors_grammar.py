"""Errors in one grammar everywhere: the argument, what was received, what is accepted, perhaps a remedy behind it."""
import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for package in ("losses", "stopping", "nn", "experiments") for path in (ROOT / package).rglob("*.py"))
GRAMMAR = re.compile(r".+: got .*, accepted( (with|for) [^:]+)?: .+", re.DOTALL)

# What is said of a value when it comes from elsewhere: "PLACE: error", "PLACE error", "error; hint".
PASSED_ON = re.compile(r"[\w…[\]]*:? ?…+")

# Errors that refuse nothing: they report what happened, or what the machine cannot do.
REPORTS = {"TrainingDiverged", "TrainingInterrupted", "RunDiverged", "SweepInterrupted", "WrongCurve", "ContenderFailed",
           "Changing", "Died", "RuntimeError", "LinAlgError", "ImportError", "NotImplementedError", "TypingError"}
REPORTED = re.compile(r"(cannot (write|read|use|make) .*: …+"  # and the system's own words
                      r"|shard … was tried on (several|…) workers and all of them died, .*|the scheduler at … is gone\. .*)")


def text_of(node):
    """Return the text that an expression makes, with "…" for what is put into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


def refusals(tree):
    """Yield (line, message) of every error that is made with a text, of whatever class, raised or returned."""
    for place in ast.walk(tree):
        node = place.exc if isinstance(place, ast.Raise) else place.value if isinstance(place, ast.Return) else None
        if not (isinstance(node, ast.Call) and node.args):
            continue
        raised = isinstance(node.func, (ast.Call, ast.IfExp))  # type(error)(text)
        kind = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if kind in REPORTS or not (raised or kind.endswith("Error")):
            continue
        of_system = kind.endswith(("OSError", "PermissionError", "IsADirectoryError")) and len(node.args) > 1
        text = f"…: {text_of(node.args[1])}" if of_system else text_of(node.args[0])  # OSError(number, text, path)
        if text != "…" and not PASSED_ON.fullmatch(text) and not REPORTED.fullmatch(text):
            yield node.lineno, text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_errors_say_what_was_received_and_what_is_accepted(path):
    found = dict(refusals(ast.parse(path.read_text(encoding="utf-8"))))
    assert {line: text for line, text in found.items() if not GRAMMAR.fullmatch(text)} == {}


@pytest.mark.parametrize("line", [
    "raise ValueError(f'level must be positive, not {level}')",
    "raise KeyError(f'no parameter {name!r}; there are {names}')",
    "return StoreError(f'{path} is damaged: {what}')",
    "raise IndexError('out of range')",
    "raise OutputError(f'cannot write {path} there')",
    "raise ValueError(f'{name} is {value}: ' + ('0' if one else '1'))",
    "raise PermissionError(errno.EACCES, 'may not be written', path)",
    "raise ValueError(f'level: got {level}; accepted: numbers')"])
def test_other_grammars_are_found(line):
    [(_, text)] = refusals(ast.parse(line))
    assert not GRAMMAR.fullmatch(text)


@pytest.mark.parametrize("line", [
    "raise TypeError(f'level: got {level}, accepted: numbers; did you mean {near}?')",
    "raise ValueError(f'x: got 1 sample, accepted with batch normalisation: at least 2')",
    "raise ValueError(f'{name}: got {value}, accepted: ' + ('0' if one else '1'))",
    "raise PermissionError(errno.EACCES, 'got a file that may not be written, accepted: one that may', path)"])
def test_the_grammar_is_known(line):
    [(_, text)] = refusals(ast.parse(line))
    assert GRAMMAR.fullmatch(text)


def test_what_is_accepted_follows_a_comma_in_messages_that_are_put_together_elsewhere():
    """A tail may follow a semicolon: what is accepted is no tail."""
    found = [path.name for path in SOURCES if "; accepted" in path.read_text(encoding="utf-8")]
    assert found == ["settings.py"]  # "(default: 3; accepted: …)" of --help


def test_reports_and_errors_passed_on_are_left_alone():
    lines = ["raise TrainingDiverged(history, 'at update 3')", "raise ValueError(f'{place}: {error}')",
             "raise OutputError(f'cannot write {path}: {error.strerror}')", "raise type(error)(f'{argument} {error}')",
             "raise KeyError(missing_column(name, self))"]
    assert list(refusals(ast.parse("\n".join(lines)))) == []
