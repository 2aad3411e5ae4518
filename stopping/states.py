"""Checks of saved states, which may come from a file that nobody vouches for.

A state is believed only if a run could have left it: every function here raises ValueError, naming the field, what stands
there and what is accepted. Nothing from the state is printed at length.
"""
import math
import reprlib
from collections.abc import Mapping
from typing import Any, NoReturn

NOT_FINITE = ("nan", "inf", "-inf")  # what JSON has no numbers for
DEEPEST = 20  # lists within lists, in counters of criteria that users wrote

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 60


def shown(value: object) -> str:
    """Return a short text for any value, however long or deep."""
    try:
        return _short.repr(value)
    except Exception:  # an int of more digits than Python prints, a repr that fails: the type must do
        return f"something of type {type(value).__name__}"


def refuse(name: str, value: object, accepted: str) -> NoReturn:
    """Raise the ValueError."""
    raise ValueError(f"{name} in a state: got {shown(value)}, accepted: {accepted}")


def count(name: str, value: Any, most: int) -> int:
    """Return a whole number from 0 to `most`."""
    if type(value) is not int:  # a bool is an int
        refuse(name, value, "a whole number")
    if not 0 <= value <= most:
        refuse(name, value, f"from 0 to {most}")
    return value


def number(name: str, value: Any, *, finite: bool = True, least: float = -math.inf) -> float:
    """Return a real number; not finite ones (unless refused) are NaN, infinities, and the strings that stand for them."""
    if type(value) is str and value in NOT_FINITE:
        value = float(value)
    try:
        good = type(value) in (int, float) and not value < least and (not finite or math.isfinite(value))
        float(value)
    except (OverflowError, TypeError, ValueError):  # an int that no float can hold; no number at all
        good = False
    if not good:
        bound = f" of at least {least:g}" if least > -math.inf else ""
        refuse(name, value, ("a finite number" if finite else "a number") + bound)
    return value


def numbers(name: str, value: Any, most: int, *, finite: bool = False, least: float = -math.inf) -> list[float]:
    """Return a list of at most `most` real numbers, one for each check."""
    if not isinstance(value, list | tuple) or len(value) > most:
        refuse(name, value, f"a list of at most {most} numbers")
    return [number(f"{name}[{i}]", entry, finite=finite, least=least) for i, entry in enumerate(value)]


def plain(name: str, value: object) -> None:
    """Raise ValueError unless a value is made of what JSON holds, and not nested deeply."""
    layer: list[Any]
    layer, accepted = [value], "numbers, texts, True, False, None, and lists and dicts of them"
    for _ in range(DEEPEST):
        if not layer:
            return
        inside: list[Any] = []
        for entry in layer:
            if isinstance(entry, list | tuple):
                inside.extend(entry)
            elif isinstance(entry, Mapping):
                inside.extend(entry.values())
            elif entry is not None and not isinstance(entry, bool | int | float | str):
                refuse(name, value, accepted)
        layer = inside
    if layer:
        refuse(name, value, f"{accepted}, nested up to {DEEPEST} deep")
