"""Criteria written as text, like ``GL(5) | Patience(10)``: parsed, never evaluated."""
import ast
import difflib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from .base import Criterion
from .combine import And, Not, Or, after
from .correlation import CorrelationDriven
from .keywords import explains_arguments
from .limits import Divergence, TimeBudget
from .patience import AdaptivePatience, Patience
from .prechelt import GL, PQ, UP
from .targets import Target, ZeroError
from .without_validation import EvidenceBased, GradientNorm, LabelWave, Plateau

NAMES: dict[str, Callable[..., Criterion]] = {"after": after, **{kind.__name__: kind for kind in (
    AdaptivePatience, CorrelationDriven, Divergence, EvidenceBased, GL, GradientNorm, LabelWave, Patience, Plateau, PQ,
    Target, TimeBudget, UP, ZeroError)}}
OPERATORS = {ast.BitOr: Or, ast.BitAnd: And}
LONGEST = 2000  # characters; the parser of Python itself gives up, or worse, on expressions that are nested too deeply


@explains_arguments()
def parse(expression: str) -> Criterion:
    """Return the criterion that an expression describes.

    The grammar: the names of the criteria and ``after``, called with literal numbers, strings, True, False, None and
    keywords; ``|``, ``&``, ``~`` and parentheses, binding as in Python. Nothing else, and nothing is executed.

    Parameters
    ----------
    expression : str
        What `repr` of a criterion prints.

    Returns
    -------
    Criterion

    Raises
    ------
    ValueError
        For anything else, naming the part at fault and the nearest name.

    Examples
    --------
    >>> parse("GL(5) | after(3) & Patience(10, monitor='val_error')")
    GL(5) | after(3) & Patience(10, monitor='val_error')
    """
    if not isinstance(expression, str):
        raise ValueError(f"expression: got {expression!r}, accepted: text, like 'GL(5) | Patience(10)'")
    if len(expression) > LONGEST:
        raise ValueError(f"expression: got {len(expression)} characters, accepted: at most {LONGEST}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in strings, which no criterion takes
            tree = ast.parse(expression.strip(), mode="eval")
        return _criterion(tree.body)
    except SyntaxError as error:
        raise ValueError(f"expression: got {expression!r} ({error.msg}), accepted: names of criteria, called, with |, & "
                         "and ~") from None
    except (RecursionError, MemoryError):
        raise ValueError(f"expression: got {len(expression)} characters that are nested too deeply, accepted: fewer "
                         "levels") from None


def _criterion(node: ast.expr) -> Criterion:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_criterion(node.left), _criterion(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        return Not(_criterion(node.operand))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _called(_known(node.func.id), node)
    if isinstance(node, ast.Name):
        raise ValueError(f"expression: got {_known(node.id)}, accepted: its arguments in parentheses, like "
                         f"{node.id}({_arguments(node.id)})")
    if isinstance(node, ast.BoolOp):
        raise ValueError("expression: got `or` or `and`, accepted: | and & to combine criteria")
    raise ValueError(f"expression: got {ast.unparse(node)!r}, accepted: {', '.join(NAMES)}, called with numbers and "
                     "strings, and combined with |, &, ~ and parentheses")


def _known(name: str) -> str:
    if name not in NAMES:
        by_lower = {known.lower(): known for known in NAMES}
        near = difflib.get_close_matches(name.lower(), by_lower, 1, cutoff=0.5)
        hint = f"; did you mean {by_lower[near[0]]!r}?" if near else ""
        raise ValueError(f"criterion: got {name!r}, accepted: {', '.join(NAMES)}{hint}")
    return name


def _called(name: str, node: ast.Call) -> Criterion:
    signature = inspect.signature(NAMES[name])
    values = [_literal(name, argument) for argument in node.args]
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg not in signature.parameters:
            near = difflib.get_close_matches(str(keyword.arg), signature.parameters, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{name}: got {keyword.arg or '**'}, accepted: {_arguments(name)}{hint}")
        if keyword.arg in keywords:
            raise ValueError(f"{ast.unparse(node)}: got {keyword.arg} twice, accepted: once")
        keywords[keyword.arg] = _literal(name, keyword.value)
    try:
        signature.bind(*values, **keywords)
    except TypeError as error:
        raise ValueError(f"{name}: got {ast.unparse(node)} ({error}), accepted: {_arguments(name)}") from None
    return NAMES[name](*values, **keywords)


def _arguments(name: str) -> str:
    return ", ".join(inspect.signature(NAMES[name]).parameters) or "no arguments"


def _literal(name: str, node: ast.expr) -> int | float | str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str | None):  # a bool is an int
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    raise ValueError(f"{name}: got {ast.unparse(node)!r}, accepted: numbers, strings, True, False and None")
