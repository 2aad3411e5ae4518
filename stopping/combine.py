"""Criteria made of criteria: ``a | b``, ``a & b``, ``~a``, and ``after(n)`` to go with them.

Operands are asked about the same check and nothing is latched: ``a & b`` stops at a check where *both* say stop, not
at the later of two first times. Every operand sees every check, even where its vote can no longer matter; else its
counters would depend on its neighbour.
"""
from .arguments import whole_number
from .base import Criterion
from .keywords import explains_arguments


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
        If an object occurs twice; from `update`, if an operand was also updated from outside (`reset()` mends that).
    """

    def __init__(self, *operands):
        for operand in operands:
            if not isinstance(operand, Criterion):
                raise TypeError(f"operands must be stopping criteria, like Patience(10), not {operand!r}")
        self.operands = operands
        _refuse_repeats(self)
        super().__init__(requires=(name for operand in operands for name in operand.requires))

    def _verdict(self, votes: list[bool]) -> bool:
        raise NotImplementedError

    def _admit(self, values):
        for operand in self.operands:
            if operand.step != self.step:
                raise ValueError(f"{operand!r} has seen {operand.step} checks, but its whole, {self!r}, {self.step}: "
                                 "update a part through the whole alone; reset() of the whole starts a run")
            operand._admit(values)

    def _decide(self, values):
        votes = [operand._advance(values) for operand in self.operands]  # a list, not a generator: no short circuit
        leader = next((operand for operand in self.operands if operand.best_step is not None), None)
        if leader is not None:
            self.best_step, self.best_value = leader.best_step, leader.best_value
        return self._verdict(votes)

    def reset(self):
        """Forget the run, and let every operand forget it."""
        super().reset()
        for operand in self.operands:
            operand.reset()

    def state_dict(self):
        """Return the counters of the whole and, in order, of every operand."""
        return {**super().state_dict(), "operands": [operand.state_dict() for operand in self.operands]}

    def _refuse_foreign(self, state):
        super()._refuse_foreign(state)
        states = state["operands"]
        if not isinstance(states, list | tuple) or len(states) != len(self.operands):
            raise ValueError(f"a state of {self!r} holds a list of {len(self.operands)} operands, not {states!r}")
        for operand, part in zip(self.operands, states, strict=True):
            operand._refuse_foreign(part)

    def _restore(self, state):
        super()._restore(state)
        for operand, part in zip(self.operands, state["operands"], strict=True):
            operand._restore(part)


class Binary(Combination):
    """Base of the operators that stand between two criteria."""

    _symbol = ""

    def __init__(self, left: Criterion, right: Criterion):
        super().__init__(left, right)

    def __repr__(self):
        left, right = self.operands
        # Python groups from the left: a | b | c is (a | b) | c, so only the right side needs brackets at equal binding.
        return (f"{_bracketed(left, left._binding < self._binding)} {self._symbol} "
                f"{_bracketed(right, right._binding <= self._binding)}")


@explains_arguments()
class Or(Binary):
    """``a | b``: stop at a check where at least one of the two says stop."""

    _symbol = "|"
    _binding = 1

    def _verdict(self, votes):
        return any(votes)


@explains_arguments()
class And(Binary):
    """``a & b``: stop at a check where both say stop."""

    _symbol = "&"
    _binding = 2

    def _verdict(self, votes):
        return all(votes)


@explains_arguments()
class Not(Combination):
    """``~a``: stop at a check where `a` does not say stop. ``Patience(10) & ~Target(0.9, "val_loss")`` waits for both."""

    _binding = 3

    def __init__(self, operand: Criterion):
        super().__init__(operand)

    def _verdict(self, votes):
        return not votes[0]

    def __repr__(self):
        [operand] = self.operands
        return f"~{_bracketed(operand, operand._binding < self._binding)}"


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

    def __init__(self, n):
        self.n = whole_number("n", n, least=1)
        super().__init__(requires=())

    def _decide(self, values):
        return self.step >= self.n

    def __repr__(self):
        return f"after({self.n})"


after = After  # read as a word: after(10) & Patience(5)


def _bracketed(criterion, needed):
    return f"({criterion!r})" if needed else repr(criterion)


def _parts(criterion):
    yield criterion
    for operand in getattr(criterion, "operands", ()):
        yield from _parts(operand)


def leaves(criterion):
    """Return the criteria without operands in an expression, from left to right."""
    return [part for part in _parts(criterion) if not getattr(part, "operands", ())]


def _refuse_repeats(whole):
    seen: set[int] = set()
    for part in _parts(whole):
        if id(part) in seen:
            raise ValueError(f"{part!r} occurs twice in {whole!r} as one object, so every check would count twice: "
                             "make a second one")
        seen.add(id(part))
