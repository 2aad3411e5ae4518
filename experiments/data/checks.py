"""Checks that all loaders share. Every refusal names the argument, the value received and what is accepted."""
import operator


def counts(low: int = 1, **named) -> tuple[int, ...]:
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
            raise TypeError(f"{name} is {value!r}; accepted: an integer of at least {low}") from None
        if number < low:
            raise ValueError(f"{name} is {value!r}; accepted: an integer of at least {low}")
        numbers.append(number)
    return tuple(numbers)
