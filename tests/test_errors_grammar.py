"""Errors of losses and stopping in one grammar: the argument, what was received, what is accepted."""
import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for package in ("losses", "stopping") for path in (ROOT / package).rglob("*.py"))
GRAMMAR = re.compile(r".*: got .*, accepted: .+", re.DOTALL)


def refusals(tree):
    """Yield (line, message) of every ValueError and TypeError raised with a text; what is put into it becomes "…"."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        text = node.exc.args[0]
        kind = getattr(node.exc.func, "id", "")
        if kind in ("ValueError", "TypeError") and isinstance(text, (ast.JoinedStr, ast.Constant)):
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "…" for part in parts)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_errors_say_what_was_received_and_what_is_accepted(path):
    found = dict(refusals(ast.parse(path.read_text(encoding="utf-8"))))
    passed_on = {"…: …"}  # an error of an inner call, with the place it came from
    assert {line: text for line, text in found.items() if not GRAMMAR.fullmatch(text) and text not in passed_on} == {}


def test_other_grammars_are_found():
    lines = ["raise ValueError(f'level must be positive, not {level}')",
             "raise TypeError(f'level: got {level}, accepted: numbers')"]
    tree = ast.parse("\n".join(lines))
    assert [bool(GRAMMAR.fullmatch(text)) for _, text in refusals(tree)] == [False, True]
