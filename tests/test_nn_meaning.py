"""The text that a source's hash is made of: blind to what changes nothing and to Python's version, to nothing else."""
import hashlib

import pytest

from nn.shared.meaning import meaning_of, text_of

# Most of the grammar of Python 3.10. Every version must give the same text; f-strings are where their parsers differ most.
SAMPLE = r'''
"""A docstring."""
from __future__ import annotations
import os.path, sys as system
from ..a import b as c, d
from . import *

@decorate(1, *rest, key=2, **more)
class Case(Base, metaclass=Meta):
    """Another."""
    x: int = -0.0
    y: "text"
    (z): float

    async def f(self, a, /, b=1.5, *args, c, d=None, **kwargs) -> int:
        async with self as one, other:
            await one
        async for i in self:
            yield i
        return [j async for j in self if j if not i]

def g(first, second=1e400, *, third=3j):
    global state
    if first < second <= third:
        pass
    elif first is not None and (second or third):
        del first[1:2, ::3, ...], second.name
    else:
        raise ValueError("é\u1234\U0001f600 'quoted' \"twice\"") from None
    while True:
        try:
            x = y = first @ second ** -third
            x //= 7_000; x >>= 0xff
        except (A, B) as error:
            break
        except C:
            continue
        else:
            assert x, "message"
        finally:
            (n := 10)
    with (open(x) as file, y):
        return lambda a, *b, c=1: (yield)
    match x:
        case {"a": 1, **rest} | [1, *_, -2.5] if rest:
            return
        case Point(x=0, y=None) as p:
            return {**x, "k": {1, 2}, **y}, {k: v for k, v in x}, (i for i in x), x if y else z
        case "one" | 1 | True | b"one" | None:
            nonlocal_ = not ~+x

texts = (f"", f"plain", f"{x}", f"a{x!r}b{y:>{width}.{digits}f}c", f"{x = }", f"{{}}{x:}" "next" f"{y}", "a" f"b" 'c',
         rf"\d{x}",
         f"{x!s:%Y-%m}", f"{'inner'}" u"u" f'{d["k"]}', f"""{
    x}
""", f"{x:{'>'}10}", "\N{GREEK SMALL LETTER PI}", f"\N{GREEK SMALL LETTER PI}{x}", b"\x00\xff", f"{lambda_(x)!a:a{y}b}")
'''
GOLDEN = "2dc68ac406894bf8"

SAME = [
    ("x = 1", "x = 1  # one"), ("x = 1", "\n\n# above\nx=1\n"), ("x = 1", "x = (1)"), ("x = 1000", "x = 1_000"),
    ("x = 'a'", 'x = "a"'), ("x = 'ab'", "x = 'a' 'b'"), ("x = 'a'", "x = u'a'"), ("x = 16", "x = 0x10"),
    ("x = 1.50", "x = 1.5"), ("x = [1, 2]", "x = [\n    1,\n    2,\n]"), ("x = 1\r\ny = 2\r\n", "x = 1; y = 2"),
    ("x = 1", "\ufeffx = 1"), ("x = 1", '"""module"""\nx = 1'),
    ("def f(): return 1", 'def f():\n    """new"""\n    return 1'), ("def f():\n    '''old'''", "def f():\n    '''new'''"),
    ("class A: pass", "class A:\n    '''text'''"),
    ("async def f(): return 1", "async def f():\n    '''t'''\n    return 1"),
    ("class A:\n    x: int", "class A:\n    x: int\n    '''t'''"), ("x = f'a{b}'", "x = f'a' f'{b}'"),
    ("x = f'{b:}'", "x = f'{b}'"), ("f(a, b)", "f(a,\n  b,\n)"),
]
DIFFERENT = [
    ("x = 1", "x = 1.0"), ("x = 1", "x = True"), ("x = 0.0", "x = -0.0"), ("x = 1e400", "x = -1e400"),
    ("x = 1e400", "x = 1e308"), ("x = 0.1", "x = 0.1000000000000001"), ("x = 1.0", "x = 1j"), ("x = 'a'", "x = b'a'"),
    ("x = '1'", "x = 1"), ("x = None", "x = ..."), ("x = 'None'", "x = None"), ("a + b", "a - b"), ("a + b", "b + a"),
    ("a < b", "a <= b"), ("a is b", "a == b"), ("a and b", "a or b"), ("-a", "+a"), ("a @ b", "a * b"),
    ("(a + b) + c", "a + (b + c)"), ("a; b", "b; a"), ("f(a)", "f(b)"), ("f(x=a)", "f(a)"), ("f(*a)", "f(a)"),
    ("f(**a)", "f(*a)"), ("a.b", "a.c"), ("a[1:]", "a[:1]"), ("a[1]", "a[1,]"), ("{**a}", "{None: a}"),
    ("x = y", "x == y"), ("x = y", "y = x"), ("x += 1", "x = 1"), ("x: int", "x: float"),
    ("def f(a, /): a", "def f(a): a"), ("def f(*, a): a", "def f(a): a"), ("def f(a=1): a", "def f(a=2): a"),
    ("def f(): a", "async def f(): a"), ("@a\ndef f(): x", "@b\ndef f(): x"), ("if a: b", "while a: b"),
    ("if a:\n  b\nelse:\n  c", "if a:\n  c\nelse:\n  b"), ("for a in b:\n  c\nelse:\n  d", "for a in b:\n  c\n  d"),
    ("try:\n  a\nexcept E:\n  b", "try:\n  a\nfinally:\n  b"), ("f'{a}'", "f'{a!r}'"), ("f'{a}'", "f'{a:>3}'"),
    ("f'{a}'", "'{a}'"), ("f'{a}b'", "f'b{a}'"), ("def f():\n  global a\n  a = 1", "def f():\n  a = 1"),
    ("import a", "import b"), ("from . import a", "from .. import a"), ("from a import b", "from a import c"),
    ("import a as b", "import a"), ("[a for a in b]", "(a for a in b)"), ("lambda a: a", "lambda a: b"),
    ("return_ = 1", "return_ = 2"), ("a, b = c", "(a), *b = c"), ("x = 'doc'", "'doc'"), ("x = [[1], 2]", "x = [1, [2]]"),
    ("x = 'a', 'b'", "x = \"a', 'b\""),
]


def test_the_text_is_the_same_in_every_version_of_python():
    assert hashlib.sha256(text_of(SAMPLE).encode()).hexdigest()[:16] == GOLDEN
    assert text_of("def f(x):\n    return -2.5 * x") == (
        "(Module body=[(FunctionDef args=(arguments args=[(arg arg='x',)]) body=[(Return value=(BinOp left=(UnaryOp "
        "op=(USub) operand=(float 2.5)) op=(Mult) right=(Name id='x',)))] name='f',)])")


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_changes_nothing_is_not_seen(one, other):
    assert meaning_of(one.encode()).digest == meaning_of(other.encode()).digest


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_everything_else_is_seen(one, other):
    assert meaning_of(one.encode()).digest != meaning_of(other.encode()).digest


def test_lines_of_a_package_that_bind_public_names_are_not_its_own():
    one, more = b"from .a import f\n__all__ = ['f']\nX = 1\n", b"from .a import f\nimport b\n__all__ = ['f', 'b']\nX = 1\n"
    assert meaning_of(one, True).own_digest == meaning_of(more, True).own_digest
    assert meaning_of(one, True).digest != meaning_of(more, True).digest
    assert meaning_of(one, True).own_digest != meaning_of(one.replace(b"1", b"2"), True).own_digest
    assert meaning_of(one).own_digest == meaning_of(one).digest
