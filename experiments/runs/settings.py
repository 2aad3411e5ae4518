"""Settings of a question: their ranges stand beside them in `Config`, checked here and shown by ``--help``.

``epochs: Annotated[int, at_least(1)] = 300`` refuses 0, 2.5 and NaN by "epochs: got 0, accepted: a whole number of at least
1". A range of a tuple holds for each of its values; `SOME` and `DIFFERENT` are about the tuple. What relates one field to
another stays code: `Settings.related`.
"""
import dataclasses
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np


class SettingError(ValueError):
    """A setting that shows to be wrong only when it is used, such as a folder that lacks files; the message says which."""


@dataclass(frozen=True)
class Range:
    """Numbers that a setting may be.

    Attributes
    ----------
    low, high : float
        Infinity itself is never inside.
    beyond, below : bool
        Whether `low`, or `high`, is itself outside.
    note : str
        What one of the numbers means, for messages.
    """

    low: float = -math.inf
    high: float = math.inf
    beyond: bool = False
    below: bool = False
    note: str = ""

    def holds(self, value: Any) -> bool:
        """Whether a value is inside; NaN is not."""
        return bool((value > self.low if self.beyond else value >= self.low)
                    and (value < self.high if self.below else value <= self.high) and math.isfinite(value))

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.beyond else f"of at least {self.low:g}"
        if math.isinf(self.high):
            return low
        if self.beyond:
            return f"{low} and {'below' if self.below else 'at most'} {self.high:g}"
        return f"from {self.low:g} to {'below ' if self.below else ''}{self.high:g}"


@dataclass(frozen=True)
class Names:
    """Texts that a setting may be."""

    names: tuple[str, ...]

    def holds(self, value: Any) -> bool:
        """Whether a text is among them."""
        return value in self.names


SOME, DIFFERENT = "at least one", "different"  # of the values of a tuple: not (), and none twice
SHARE = Range(0, 1, below=True)


def at_least(low: float, note: str = "") -> Range:
    """Numbers from `low` on."""
    return Range(low, note=note)


def above(low: float, high: float = math.inf) -> Range:
    """Numbers above `low`, and at most `high`."""
    return Range(low, high, beyond=True)


def choice(*names: str) -> Names:
    """One of these texts."""
    return Names(names)


@dataclass(frozen=True)
class Accepted:
    """What one field accepts.

    Attributes
    ----------
    kind : type
        int, float, str …, of the value or of each value of a tuple.
    many : bool
        Whether it is a tuple.
    range : Range or Names, optional
    marks : tuple of str
        `SOME`, `DIFFERENT`.
    """

    kind: type
    many: bool
    range: Range | Names | None
    marks: tuple[str, ...]

    def __str__(self) -> str:
        one, more = {int: ("a whole number", "whole numbers"), float: ("a number", "numbers")}.get(
            self.kind, ("a name", "names"))
        words = [DIFFERENT] * (DIFFERENT in self.marks) + [more if self.many else one]
        if isinstance(self.range, Names):
            words = [*words, "out of"] if self.many else []
            words.append(", ".join(self.range.names))
        elif self.range:
            words.append(str(self.range) + (f", {self.range.note}" if self.range.note else ""))
        return " ".join(words) + (f", {SOME}" if SOME in self.marks else "")

    def holds(self, value: Any) -> bool:
        """Whether a value is accepted."""
        if not self.many:
            return self._one(value)
        return (isinstance(value, tuple) and all(map(self._one, value)) and (bool(value) or SOME not in self.marks)
                and (len(set(value)) == len(value) or DIFFERENT not in self.marks))

    def _one(self, value: Any) -> bool:
        kinds = {int: (int, np.integer), float: (int, float, np.number)}.get(self.kind, (self.kind,))
        return (isinstance(value, kinds) and not isinstance(value, bool)
                and (self.range is None or self.range.holds(value)))


def accepted(kind: type) -> dict[str, Accepted]:
    """Return what the fields of a dataclass accept; those without a range are left out."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            continue
        inner, *marks = get_args(hint)
        many = get_origin(inner) is tuple
        ranges = [mark for mark in marks if isinstance(mark, Range | Names)]
        found[name] = Accepted(get_args(inner)[0] if many else inner, many, ranges[0] if ranges else None,
                               tuple(mark for mark in marks if isinstance(mark, str)))
    return found


@dataclass(frozen=True)
class Settings:
    """Base of every question's `Config`: checks the ranges of its fields, then what `related` demands.

    Raises
    ------
    ValueError
        For the first setting out of range: "name: got VALUE, accepted: …".
    """

    def __post_init__(self) -> None:
        need = requirement(self)
        for name, one in accepted(type(self)).items():
            need(one.holds(getattr(self, name)), name, str(one))
        self.related(need)

    def related(self, need: Callable[[bool, str, str], None]) -> None:
        """Check what relates fields to each other, by ``need(good, name, accepted)``."""


def requirement(config: Any, error: type[ValueError] = ValueError) -> Callable[[bool, str, str], None]:
    """Return a function need(good, name, accepted) for the settings of one experiment.

    Parameters
    ----------
    config : dataclass
        Of the settings.
    error : type
        What it raises.

    Returns
    -------
    callable
        It raises `error` unless `good`, with the name of the setting, its value and what is accepted.
    """
    def need(good: bool, name: str, accepted: str) -> None:
        if not good:
            raise error(f"{name}: got {getattr(config, name)!r}, accepted: {accepted}")
    return need


def one_of(name: str, value: Any, accepted: Collection | None) -> None:
    """Raise ValueError unless a value is among those accepted; None accepts all."""
    if accepted is not None and value not in accepted:
        raise ValueError(f"{name}: got {value!r}, accepted: {', '.join(map(repr, accepted))}")


def with_ranges(kind: type) -> type:
    """Return the same dataclass for tyro, whose help says what each field accepts behind its reason and default."""
    import tyro

    hints, ranges = get_type_hints(kind, include_extras=True), accepted(kind)

    def described(name: str) -> Any:
        if name not in ranges:
            return hints[name]

        def hint(default: str) -> str:
            return f"(default: {default}; accepted: {ranges[name]})"

        return Annotated[hints[name], tyro.conf.arg(help_behavior_hint=hint)]

    return dataclasses.make_dataclass(kind.__name__, [(field.name, described(field.name), field)
                                                      for field in dataclasses.fields(kind)], bases=(kind,), frozen=True)
