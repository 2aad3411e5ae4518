"""What a module means, as text of our own that comments, docstrings, formatting and Python's version leave alone.

Results of training and compiled kernels are kept under a hash of the code that made them. Better comments must not cost
either, so that hash is made of syntax trees: each node by the name of its kind and its fields in alphabetical order, without
positions. Neither `ast.dump` nor `ast.unparse` will do, as their output differs between versions of Python: they write
fields that only some versions have, and quote f-strings in different ways.

What counts: every name, operator, constant (by type and value, so that 1, 1.0 and True differ), annotation and decorator,
and the order of statements. What does not: strings that stand alone, of which docstrings are one kind, and `pass`.

Which modules belong to a hash stands in reached.py. Standard library only.
"""
from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# "ctx" follows from where a name stands; "kind" is the u of u"text"; the others hold comments.
UNREAD = {"ctx", "kind", "type_comment", "type_ignores"}


class Import(NamedTuple):
    """``import a.b`` (level 0, no names), or ``from ..a import b, c`` (level 2, names b and c).

    Attributes
    ----------
    level : int
        Leading dots.
    module : str
        "" in ``from . import b``.
    names : tuple of str
    whole : bool
        Whether the packages above a dotted module are named too, as in ``import a.b`` without ``as``.
    """

    level: int
    module: str
    names: tuple[str, ...]
    whole: bool


class Meaning(NamedTuple):
    """One module's source.

    Attributes
    ----------
    digest : str
        SHA-256 of its text.
    own_digest : str
        Of a package's file: the same without imports and ``__all__`` at the top level, which is all that it does to somebody
        who only wants one of the modules below it. Of others: `digest`.
    imports : tuple of Import
        Wherever they stand, in functions too.
    mentioned : frozenset of str
        Identifiers in the text of a package's file.
    """

    digest: str
    own_digest: str
    imports: tuple[Import, ...]
    mentioned: frozenset[str]


def text_of(source: bytes | str) -> str:
    """Return the text of a module's syntax tree.

    Raises
    ------
    SyntaxError, ValueError
        For a source that this version of Python cannot read.
    """
    return _text(ast.parse(source))[0]


@functools.cache
def meaning_of(source: bytes, package: bool = False) -> Meaning:
    """Return what a module's source means; remembered, so that the same bytes are read once per process."""
    tree = ast.parse(source)
    text, found = _text(tree)
    digest = own_digest = _sha(text)
    if package:
        tree.body = [statement for statement in tree.body if not _binds_names_alone(statement)]
        own_digest = _sha(_text(tree)[0])
    return Meaning(digest, own_digest, tuple(entry for node in found for entry in _imports(node)),
                   frozenset(re.findall(r"'(\w+)'", text) if package else ()))


def _text(tree: ast.Module) -> tuple[str, list]:
    pieces: list[str] = []
    found: list[ast.Import | ast.ImportFrom] = []
    _write(tree, pieces.append, found)
    return "".join(pieces), found


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _imports(node: Any) -> Iterator[Import]:
    if isinstance(node, ast.ImportFrom):
        yield Import(node.level, node.module or "", tuple(alias.name for alias in node.names), False)
    else:
        for alias in node.names:
            yield Import(0, alias.name, (), alias.asname is None)


def _binds_names_alone(statement: ast.stmt) -> bool:
    """Whether a statement of a package's file gives names to what other modules hold, or says which are public."""
    return (isinstance(statement, ast.Import | ast.ImportFrom)
            or (isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) and target.id == "__all__"
                                                         for target in statement.targets)))


@functools.cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(sorted(set(kind._fields) - UNREAD))


def _write(node: Any, put: Callable[[str], object], found: list) -> None:
    """Give the text of a node to `put`, and its imports to `found`."""
    kind: Any = type(node)
    if kind is ast.Constant:
        put(f"({type(node.value).__name__} {node.value!a})")
        return
    if kind is ast.Import or kind is ast.ImportFrom:
        found.append(node)
    put(f"({kind.__name__}")
    for name in _fields(kind):
        value = getattr(node, name, None)
        if value is None or value == []:
            continue  # so a field that only newer versions have, and nobody here uses, is not seen
        if kind is ast.JoinedStr:
            value = _pieces(value)
        elif name == "format_spec" and not _pieces(value.values):
            continue  # f"{x:}"
        put(f" {name}=")
        if isinstance(value, list):
            put("[")
            for item in value:
                if not _does_nothing(item):
                    _write_value(item, put, found)
            put("]")
        else:
            _write_value(value, put, found)
    put(")")


def _write_value(value: Any, put: Callable[[str], object], found: list) -> None:
    if isinstance(value, ast.AST):
        _write(value, put, found)
    else:  # an identifier, a number, None in place of a key in {**others}
        put(f"{value!a},")


def _does_nothing(item: Any) -> bool:
    kind = type(item)
    return kind is ast.Pass or (kind is ast.Expr and type(item.value) is ast.Constant and type(item.value.value) is str)


def _pieces(values: list) -> list:
    """Return the parts of an f-string: neighbouring texts as one, empty ones left out; parsers differ in this."""
    joined: list = []
    for value in values:
        if type(value) is ast.Constant and joined and type(joined[-1]) is ast.Constant:
            joined[-1] = ast.Constant(str(joined[-1].value) + str(value.value))
        elif type(value) is not ast.Constant or value.value:
            joined.append(value)
    return joined
