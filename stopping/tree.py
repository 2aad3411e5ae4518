"""Walks through criteria made of criteria, without recursion: ``a | b | c | ...`` may be a long chain."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .base import Criterion
    from .combine import Combination

Result = TypeVar("Result")


def parts(criterion: Criterion) -> Iterator[Criterion]:
    """Yield a criterion and all it is made of, a whole before its parts, from left to right."""
    left = [criterion]
    while left:
        part = left.pop()
        yield part
        left += reversed(getattr(part, "operands", ()))


def upwards(criterion: Criterion, kind: type[Combination]) -> list[Criterion]:
    """Return a criterion and all it is made of, every part before its whole; what is no `kind` counts as one part."""
    order, left = [], [criterion]
    while left:
        part = left.pop()
        order.append(part)
        left += part.operands if isinstance(part, kind) else ()
    return order[::-1]


def from_below(criterion: Criterion, kind: type[Combination], of_leaf: Callable[[Criterion], Result],
               of_whole: Callable[[Any, list[Result]], Result]) -> Result:
    """Return of_whole(criterion, [the same of each operand]), where a part that is no `kind` gives of_leaf(part)."""
    results: list[Result] = []  # of the operands that no whole has taken yet
    for part in upwards(criterion, kind):
        if isinstance(part, kind):
            first = len(results) - len(part.operands)
            results[first:] = [of_whole(part, results[first:])]
        else:
            results.append(of_leaf(part))
    return results[0]
