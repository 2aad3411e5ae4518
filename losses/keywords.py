"""Calls with an argument that does not exist here: name it, and what to write instead.

Packages that stand alone keep a copy each of this file; a test holds the copies together, byte for byte.
"""
from __future__ import annotations

import difflib
import functools
import inspect
import reprlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

Thing = TypeVar("Thing")
POSITIONAL = "*"  # key of the hint for a call with too many positional arguments
NOTHING = "nothing: "  # how a hint begins where there is no counterpart; why follows


def explains_arguments(hints: dict[str, str] | None = None) -> Callable[[Thing], Thing]:
    """Return a decorator for a function, or for a class and its constructor.

    A call with an unknown keyword, or with too many arguments by position, raises a TypeError that names the argument, what
    was received and what is accepted. Nothing else changes: `inspect.signature` shows the arguments as they are written.

    Parameters
    ----------
    hints : dict of str to str, optional
        What other libraries call an argument -> what to write here. Without a hint the nearest name is suggested.
    """
    def decorate(thing: Thing) -> Thing:
        target: Any = thing
        if isinstance(thing, type):
            target.__init__ = _guarded(target.__init__, target.__name__, hints or {})
        else:
            target = _guarded(target, target.__name__, hints or {})
        return target
    return decorate


def _guarded(function: Callable[..., Any], name: str, hints: dict[str, str]) -> Callable[..., Any]:
    parameters = inspect.signature(function).parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    by_position = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    accepted = [other for other in known if other != "self"]
    any_keyword = inspect.Parameter.VAR_KEYWORD in kinds
    most = float("inf") if inspect.Parameter.VAR_POSITIONAL in kinds else len(by_position)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > most:
            given = args[1:] if by_position[:1] == ["self"] else args
            shown = [other for other in by_position if other != "self"]
            raise TypeError(_too_many(name, given, shown, [other for other in accepted if other not in shown], hints))
        if not any_keyword and not kwargs.keys() <= set(known):
            raise TypeError("\n".join(_unknown(name, other, value, accepted, hints)
                                      for other, value in kwargs.items() if other not in known))
        return function(*args, **kwargs)
    return call


def _too_many(name: str, given: Sequence[Any], by_position: list[str], by_name: list[str], hints: dict[str, str]) -> str:
    message = f"{name}: got {len(given)} arguments by position, accepted: {', '.join(by_position) or 'none'}"
    message += f"; by name: {', '.join(by_name)}" if by_name else ""
    return f"{message}; {hints[POSITIONAL]}" if POSITIONAL in hints else message


def _unknown(name: str, argument: str, value: Any, accepted: list[str], hints: dict[str, str]) -> str:
    message = f"{argument}: got {reprlib.repr(value)}, but {name} has no such argument, accepted"
    if argument in hints:
        hint = hints[argument]
        return f"{message}: nothing of the kind; {hint[len(NOTHING):]}" if hint.startswith(NOTHING) else f"{message}: {hint}"
    near = nearest(argument, accepted)
    return f"{message}: {', '.join(accepted) or 'none'}" + (f"; did you mean {near!r}?" if near else "")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one of the `known` words that is most like this one, whatever its case and underscores; None: none is."""
    plain = {_plain(other): other for other in known}
    near = difflib.get_close_matches(_plain(word), plain, 1)
    return plain[near[0]] if near else None


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")
