"""Criteria made of criteria: ``a | b``, ``a & b``, ``~a``, and ``after(n)`` to go with them.

Operands are asked about the same check and nothing is latched: ``a & b`` stops at a check where *both* say stop, not
at the later of two first times. Every operand sees every check, even where its vote can no longer matter; else its
counters would depend on its neighbour.
"""
from collections.abc import Mapping
from typing import Any

from . import tree
from .base import Criterion, State, Values
from .checks import whole_number
from .keywords import explains_arguments
from .states import refuse, shown

DEEPEST = 300  # levels of operators: JSON, in which states are saved, is read and written by recursion


class Combination(Criterion):
    """Base of the operators.

    `best_step` and `best_value` are those of the first operand that has a best. Each operand keeps its own record, so
    after a stop its `stopped_step` tells which one it was.

    Parameters
    ----------
    *operands : Criterion
        Different objects: one that occurred twice would count every check twice.

    Raises
    ------
    TypeError
        If an operand is not a criterion.
    ValueError
        If an object occurs twice, or operators are nested more than 300 deep; from `update`, if an operand was also
        updated from outside (`reset()` mends that).
    """

    def __init__(self, *operands: Criterion) -> None:
        for operand in operands:
            if not isinstance(operand, Criterion):
                raise TypeError(f"operands: got {operand!r}, accepted: stopping criteria, like Patience(10)")
        self.operands = operands
        self._depth = 1 + max((getattr(operand, "_depth", 0) for operand in operands), default=0)
        if self._depth > DEEPEST:
            raise ValueError(f"operands: got {self._depth} levels, accepted: up to {DEEPEST} levels; group them by halves, "
                             "like (a | b) | (c | d)")
        _refuse_repeats(self)
        super().__init__(requires=(name for operand in operands for name in operand.requires))

    def _verdict(self, votes: list[bool]) -> bool:
        raise NotImplementedError

    def _written(self, texts: list[str]) -> str:
        """Return the `repr`, given those of the operands."""
        return f"{type(self).__name__}({', '.join(texts)})"

    def _admit(self, values: Values) -> None:
        for part in tree.upwards(self, Combination):
            if part.step != self.step:
                raise ValueError(f"{part!r}: got {part.step} checks, accepted: {self.step}, as many as its whole, {self!r}; "
                                 "update a part through the whole alone; reset() of the whole starts a run")
            if not isinstance(part, Combination):
                part._admit(values)

    def _decide(self, values: Values) -> bool:
        def judge(whole: Combination, votes: list[bool]) -> bool:
            whole.step += whole is not self  # its own has moved already
            return whole._answered(whole._judge(votes))
        return tree.from_below(self, Combination, lambda part: part._advance(values), judge)

    def _judge(self, votes: list[bool]) -> bool:
        leader = next((operand for operand in self.operands if operand.best_step is not None), None)
        if leader is not None:
            self.best_step, self.best_value = leader.best_step, leader.best_value
        return self._verdict(votes)

    def reset(self) -> None:
        """Forget the run, and let every operand forget it."""
        for part in tree.upwards(self, Combination):
            part._clear() if isinstance(part, Combination) else part.reset()

    def state_dict(self) -> dict[str, Any]:
        """Return the counters of the whole and, in order, of every operand."""
        return tree.from_below(self, Combination, lambda part: part.state_dict(),
                               lambda whole, states: {**Criterion.state_dict(whole), "operands": states})

    def _refuse_foreign(self, state: State) -> None:
        left: list[tuple[Criterion, State]] = [(self, state)]
        while left:
            part, state = left.pop()
            if not isinstance(part, Combination):
                part._refuse_foreign(state)
                continue
            own = {name: state[name] for name in state if name != "operands"} if isinstance(state, Mapping) else state
            Criterion._refuse_foreign(part, own)
            left += part._operand_states(state)

    def _operand_states(self, state: State) -> list[tuple[Criterion, State]]:
        """Return pairs (operand, its state), checked as far as the whole and its operands depend on each other."""
        inner = state.get("operands")
        if not isinstance(inner, list | tuple) or len(inner) != len(self.operands):
            raise ValueError(f"operands in a state: got {shown(inner)}, accepted: a list of {len(self.operands)} states")
        best: list[Any] = [None, None]  # of the first operand that has one
        for each in filter(lambda each: isinstance(each, Mapping), inner):
            if each.get("step") != state["step"]:
                refuse("step", each.get("step"), f"{state['step']}, as in the whole")
            if best[0] is None:
                best = [each.get("best_step"), each.get("best_value")]
        if best != [state["best_step"], state["best_value"]]:
            refuse("best_step and best_value", best, f"{state['best_step']} and {state['best_value']}, as in the whole")
        return list(zip(self.operands, inner, strict=True))

    def _restore(self, state: State) -> None:
        left: list[tuple[Criterion, State]] = [(self, state)]
        while left:
            part, state = left.pop()
            if isinstance(part, Combination):
                Criterion._restore(part, state)
                left += zip(part.operands, state["operands"], strict=True)
            else:
                part._restore(state)

    def __reduce__(self) -> tuple[Any, ...]:
        # As a flat list, parts before their wholes: pickle and deepcopy would run out of stack on a long chain.
        places: dict[int, int] = {}
        entries: list = []
        for part in tree.upwards(self, Combination):
            places[id(part)] = len(entries)
            if isinstance(part, Combination):
                rest = {name: value for name, value in vars(part).items() if name != "operands"}
                entries.append((type(part), rest, [places[id(operand)] for operand in part.operands]))
            else:
                entries.append(part)
        return _rebuilt, (entries,)

    def __repr__(self) -> str:
        return tree.from_below(self, Combination, repr, lambda whole, texts: whole._written(texts))


class Binary(Combination):
    """Base of the operators that stand between two criteria."""

    _symbol = ""

    def __init__(self, left: Criterion, right: Criterion) -> None:
        super().__init__(left, right)

    def _written(self, texts: list[str]) -> str:
        left, right = self.operands
        # Python groups from the left: a | b | c is (a | b) | c, so only the right side needs brackets at equal binding.
        return (f"{_bracketed(texts[0], left._binding < self._binding)} {self._symbol} "
                f"{_bracketed(texts[1], right._binding <= self._binding)}")


@explains_arguments()
class Or(Binary):
    """``a | b``: stop at a check where at least one of the two says stop."""

    _symbol = "|"
    _binding = 1

    def _verdict(self, votes: list[bool]) -> bool:
        return any(votes)


@explains_arguments()
class And(Binary):
    """``a & b``: stop at a check where both say stop."""

    _symbol = "&"
    _binding = 2

    def _verdict(self, votes: list[bool]) -> bool:
        return all(votes)


@explains_arguments()
class Not(Combination):
    """``~a``: stop at a check where `a` does not say stop. ``Patience(10) & ~Target(0.9, "val_loss")`` waits for both."""

    _binding = 3

    def __init__(self, operand: Criterion) -> None:
        super().__init__(operand)

    def _verdict(self, votes: list[bool]) -> bool:
        return not votes[0]

    def _written(self, texts: list[str]) -> str:
        return f"~{_bracketed(texts[0], self.operands[0]._binding < self._binding)}"


@explains_arguments()
class After(Criterion):
    """``after(n)``: say stop from check `n` on. The lower and the upper bound of a run.

    ``after(n) & a`` does not stop before check n. Nothing is latched, so `a` is asked anew at check n and later: a
    rule that fired at check 3 but has taken it back since does not stop the run at n. ``a | after(n)`` stops at check
    n at the latest.

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    ValueError
        On a bad argument.

    Examples
    --------
    >>> from stopping import Target, after
    >>> stop = after(3) & Target(0.5, "val_loss")
    >>> [stop.update(val_loss=loss) for loss in (0.4, 0.6, 0.6, 0.5)]
    [False, False, False, True]
    """

    def __init__(self, n: int) -> None:
        self.n = whole_number("n", n, least=1)
        super().__init__(requires=())

    def _decide(self, values: Values) -> bool:
        return self.step >= self.n

    def __repr__(self) -> str:
        return f"after({self.n})"


after = After  # read as a word: after(10) & Patience(5)


def _bracketed(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def _rebuilt(entries: list[Any]) -> Criterion:
    """Return the combination that `__reduce__` took apart."""
    parts: list[Criterion] = []
    for entry in entries:
        if isinstance(entry, Criterion):
            parts.append(entry)
            continue
        kind, rest, places = entry
        whole = kind.__new__(kind)
        vars(whole).update(rest, operands=tuple(parts[place] for place in places))
        parts.append(whole)
    return parts[-1]


def leaves(criterion: Criterion) -> list[Criterion]:
    """Return the criteria without operands in an expression, from left to right."""
    return [part for part in tree.parts(criterion) if not getattr(part, "operands", ())]


def _refuse_repeats(whole: Criterion) -> None:
    seen: set[int] = set()
    for part in tree.parts(whole):
        if id(part) in seen:
            raise ValueError(f"operands: got {part!r} twice in {whole!r}, accepted: different objects, or every check would "
                             "count twice; make a second one")
        seen.add(id(part))
