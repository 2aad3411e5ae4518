"""Checks that all loaders share. Every refusal names the argument, the value received and what is accepted."""
import operator
from typing import Any

import numpy as np


def counts(low: int = 1, **named: Any) -> tuple[int, ...]:
    """Return the values of named arguments as ints of at least `low`.

    Raises
    ------
    TypeError, ValueError
        Naming the first argument that is no integer, or is too small.
    """
    numbers = []
    for name, value in named.items():
        try:
            number = operator.index(value)
        except TypeError:
            raise TypeError(f"{name}: got {value!r}, accepted: an integer of at least {low}") from None
        if number < low:
            raise ValueError(f"{name}: got {value!r}, accepted: an integer of at least {low}")
        numbers.append(number)
    return tuple(numbers)


def part_sizes(samples: int, train: int, validation: int, test: int | None) -> tuple[int, int, int]:
    """Return the sizes of three parts of N samples; a test size of None is all that is left.

    A part of which nothing is wanted is empty: with 0 and 0 for the others, everything can be trained on.

    Raises
    ------
    TypeError, ValueError
        Unless they are integers, of at least 1 for training and 0 for the others, that fit together.
    """
    counts(1, train=train)
    counts(0, validation=validation, **({} if test is None else {"test": test}))
    if train + validation + (test or 0) > samples:
        raise ValueError(f"train, validation and test: got {train}, {validation} and {test}, accepted: at most {samples} "
                         "together")
    return train, validation, samples - train - validation if test is None else test


def numbers_of(name: str, values: Any) -> np.ndarray:
    """Return `values` as an array.

    Raises
    ------
    TypeError
        When entries are masked: what a mask hides would come back as if it had been measured.
    """
    if np.ma.is_masked(values):
        raise TypeError(f"{name}: got {np.ma.count_masked(values)} masked entries, accepted: numbers; fill them, or leave "
                        "their rows out")
    return np.asarray(values)


def class_ids(y: Any, low: int = 0) -> np.ndarray:
    """Return class ids (N,) as int64, N at least `low`; booleans are 0 and 1.

    Raises
    ------
    TypeError, ValueError
        Fractions and text are refused, whole floats too: a cast would make classes of measurements.
    """
    y = numbers_of("y", y)
    if y.size == 0 and y.ndim == 1:
        y = y.astype(np.int64)  # an empty list has no dtype of its own
    if y.ndim != 1 or len(y) < low:
        raise ValueError(f"y: got shape {y.shape}, accepted: (N,) class ids, N at least {low}")
    if y.dtype.kind not in "biu":
        raise TypeError(f"y: got dtype {y.dtype}, accepted: integer class ids; for words "
                        "np.unique(y, return_inverse=True)[1]")
    return y.astype(np.int64, copy=False)
