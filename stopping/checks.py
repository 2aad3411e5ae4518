"""Checks of constructor arguments: every message names the argument, the value it got and what is accepted."""
import math
import numbers
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Choice = TypeVar("Choice")


def whole_number(name: str, value: Any, least: int) -> int:
    """Return `value` as an int of at least `least`, or raise ValueError. A bool is not a number here."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name}: got {value!r}, accepted: a whole number of at least {least}")
    return int(value)


def finite_number(name: str, value: Any, least: float = -math.inf, above: float = -math.inf,
                  most: float = math.inf) -> float:
    """Return `value` as a finite number with ``least <= value``, ``above < value <= most``, or raise ValueError."""
    if not _is_finite(value) or value < least or (value <= above and above > -math.inf) or value > most:
        bounds = [f"of at least {least:g}"] * (least > -math.inf) + [f"above {above:g}"] * (above > -math.inf)
        bounds += [f"and at most {most:g}"] * (most < math.inf)
        raise ValueError(" ".join([f"{name}: got {value!r}, accepted: a finite number", *bounds]))
    return int(value) if isinstance(value, numbers.Integral) else float(value)  # GL(5) is to be printed as such


def _is_finite(value: object) -> bool:
    try:
        return not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def first_where(holds: NDArray) -> int:
    """Return the first place in (C,) where something holds, C where it never does."""
    return int(np.argmax(holds)) if holds.any() else len(holds)


def refuse_masked(name: str, values: Any) -> None:
    """Raise ValueError for an array with masked entries: what its mask hides must not be counted."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name}: got {np.ma.count_masked(values)} masked entries, accepted: numbers, NaN where one is "
                         "missing")


def one_of(name: str, value: Choice, choices: tuple[Choice, ...]) -> Choice:
    """Return `value` if it is one of `choices` (True is not 1 here), or raise ValueError."""
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise ValueError(f"{name}: got {value!r}, accepted: {' or '.join(map(repr, choices))}")
    return value


def metric_name(name: str, value: object) -> str:
    """Return `value` if it can name a metric, or raise ValueError."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: got {value!r}, accepted: the name of a metric, like 'val_loss'")
    return value
