"""The frame that all stopping criteria share.

A criterion sees the metrics of one check after the other and says after each whether to stop now. It is a pure
function of that record: the same object stops a live run or is replayed on a recorded one. It knows no model, no
epoch and no clock, only checks, counted from 1; how many updates lie between two checks is the business of the loop
around it.

To write a criterion, derive from `Criterion`, keep every constructor argument as an attribute of the same name
(`repr` reads them), call `super().__init__` last, and write two methods: `_begin` puts the counters at their start,
`_decide` looks at one check. Name the counters in `_counters`; reset, saving, replay and the operators then work
without a further line.
"""
from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NoReturn

from numpy.typing import NDArray

from . import states

# What every criterion counts, whatever it watches.
COMMON_COUNTERS = ("step", "stopped_step", "best_step", "best_value")
State = Mapping[str, Any]
Values = dict[str, float]  # what the metrics of one check are, all that are required
LONGEST_RUN = 2**53  # checks: whole numbers up to here are exact in JSON and in floats


class Criterion:
    """Base of all stopping criteria.

    Parameters
    ----------
    requires : iterable of str
        Names of the metrics that `update` must be given at every check.

    Attributes
    ----------
    requires : tuple of str
        The same, without repetition. Whoever computes metrics need compute no others.
    step : int
        Checks seen since the start of the run.
    stopped_step : int or None
        The check, counted from 1, at which the criterion first said stop; None while it has not. A record of what
        happened: it stays when a later check no longer says stop.
    best_step, best_value : int or None, float or None
        The best check so far and its value; None before there is one, and always None for criteria that know no best
        (`ZeroError`, `Target`). `best_step == step` right after `update` means: keep a copy of the weights now.

    Notes
    -----
    Nothing is latched: `update` speaks of the present check alone, so a rule that said stop may later take it back.
    """

    requires: tuple[str, ...]
    step: int
    stopped_step: int | None
    best_step: int | None
    best_value: float | None

    _counters: ClassVar[tuple[str, ...]] = ()  # attributes that change during a run, besides the common ones
    _identity: ClassVar[tuple[str, ...]] = ()  # settings without which the counters have no meaning
    _binding: ClassVar[int] = 4                # how tightly repr() holds together: | 1, & 2, ~ 3, a plain call 4

    def __init__(self, requires: Iterable[str]) -> None:
        self.requires = tuple(dict.fromkeys(requires))
        self._clear()

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse to change a setting: what is derived from it, and what has been counted with it, would stay as it was."""
        cls: Any = type(self)
        if name in _settings(cls) and name in vars(self):
            raise AttributeError(f"{name}: got {value!r}, accepted: no assignment, for {self!r} keeps its settings; make "
                                 "another criterion")
        super().__setattr__(name, value)

    # --- what a criterion writes itself ---

    def _begin(self) -> None:
        """Put the counters named in `_counters` at their start."""

    def _admit(self, values: Values) -> None:
        """Raise if this check cannot be judged. Called before any counter moves, so that an error changes nothing."""

    def _decide(self, values: Values) -> bool:
        """Look at check number `step` and say whether to stop now."""
        raise NotImplementedError

    def _quiet(self, columns: Mapping[str, NDArray]) -> int:
        """Return how many checks, the first of (C,), would only be counted: no stop, no best, no counter of one's own."""
        return 0

    def _check_counters(self, state: State) -> None:
        """Raise ValueError if a counter of one's own is none that a run could leave. Here: if it is no plain value."""
        for name in self._counters:
            states.plain(name, state[name])

    def _remember_best(self, value: float) -> None:
        """Note the present check as the best one if its value is finite and strictly below all before."""
        if math.isfinite(value) and (self.best_value is None or value < self.best_value):
            self.best_step, self.best_value = self.step, value

    def _refuse_negative(self, values: Values, names: Iterable[str], advice: str) -> None:
        """Raise if one of the metrics, of which a ratio is to be taken, is negative."""
        for name in names:
            if values[name] < 0:
                raise ValueError(f"{name}: got {values[name]!r} at check {self.step + 1}, accepted: values that are not "
                                 f"negative, of which {self!r} takes ratios; {advice}")

    # --- a run ---

    def update(self, /, **metrics: Any) -> bool:
        """Take in the metrics of one check.

        Parameters
        ----------
        **metrics : number
            One number each (Python, NumPy, or any array of no dimensions). Names that are not in `requires` are
            ignored.

        Returns
        -------
        bool
            True: stop now.

        Raises
        ------
        ValueError
            If a required metric is missing or is not one real number. The criterion is then as it was before the call.
        """
        return self._see({name: _number(name, metrics[name]) for name in self._present(metrics)})

    def _see(self, values: Values) -> bool:
        """Take in one check whose numbers are floats, all that are required and perhaps no others."""
        self._admit(values)
        return self._advance(values)

    def reset(self) -> None:
        """Forget the run: the criterion is as new. `fit` and `replay` start with this, so an instance can be reused."""
        self._clear()

    def _present(self, metrics: Any) -> tuple[str, ...]:
        missing = [name for name in self.requires if name not in metrics]
        if missing:
            raise ValueError(f"metrics: got {_listing(metrics)}, accepted: with {_listing(missing)}, which {self!r} needs "
                             "at every check")
        return self.requires

    def _advance(self, values: Values) -> bool:
        vars(self)["step"] += 1  # past __setattr__, which guards settings: half the time of a check
        return self._answered(self._decide(values))

    def _answered(self, stop: bool) -> bool:
        if stop and self.stopped_step is None:
            self.stopped_step = self.step
        return stop

    def _clear(self) -> None:
        self.step = 0
        self.stopped_step = self.best_step = self.best_value = None
        self._begin()

    # --- saving and resuming ---

    def state_dict(self) -> dict[str, Any]:
        """Return the counters, ready for strict JSON (`json.dumps(..., allow_nan=False)`).

        JSON has no NaN and no infinity: they are stored as the strings "nan", "inf" and "-inf".
        """
        return {"criterion": type(self).__name__, **{name: _encode(getattr(self, name)) for name in self._fields()}}

    def _fields(self) -> tuple[str, ...]:
        return (*self._identity, *COMMON_COUNTERS, *self._counters)

    def load_state_dict(self, state: State) -> None:
        """Continue from the counters of `state`.

        Settings are not part of the state: the ones of this object hold from here on, so a newly configured patience
        wins over that of the run which saved. `stopped_step` is what that run recorded.

        Raises
        ------
        ValueError
            Naming the field, if `state` belongs to another class of criterion, watches another metric, lacks or exceeds
            the counters of this one, or holds in one of them what no run can leave there: another type, a negative
            count, a best check after the last one. Nothing else is raised, whatever `state` is made of, and the criterion
            is then as it was before the call.
        """
        self._refuse_foreign(state)
        self._restore(state)

    def _refuse_foreign(self, state: State) -> None:
        """Raise ValueError unless `_restore` can take the state over as a whole."""
        if not isinstance(state, Mapping):
            raise ValueError(f"state: got {states.shown(state)}, accepted: a mapping, of {self!r}")
        for name in ("criterion", *self._identity):
            own, given = type(self).__name__ if name == "criterion" else getattr(self, name), state.get(name)
            if type(given) is not type(own) or given != own:
                raise ValueError(f"{name} in a state: got {states.shown(given)}, accepted: {own!r}, as in {self!r}")
        own_fields = {"criterion", *self._fields()}
        if set(state) != own_fields:
            lacking, surplus = own_fields - set(state), list(set(state) - own_fields)
            raise ValueError(f"state: got one that lacks {_listing(sorted(lacking))} and holds {states.shown(surplus)} "
                             f"besides, accepted: a state of {self!r}, which holds {_listing(sorted(own_fields))}")
        self._check_common(state)
        self._check_counters(state)

    def _check_common(self, state: State) -> None:
        step = states.count("step", state["step"], LONGEST_RUN)
        for name in ("stopped_step", "best_step"):
            if state[name] is not None and states.count(name, state[name], step) == 0:
                states.refuse(name, 0, "None, or a check, counted from 1")
        if (state["best_value"] is None) != (state["best_step"] is None):
            states.refuse("best_value", state["best_value"], "None where best_step is, and only there")
        if state["best_value"] is not None:
            states.number("best_value", state["best_value"])

    def _restore(self, state: State) -> None:
        for name in (*COMMON_COUNTERS, *self._counters):
            setattr(self, name, _decode(state[name]))

    # --- operators ---

    def __or__(self, other: Criterion) -> Criterion:
        from .combine import Or  # here, because combine imports this module
        return Or(self, other) if isinstance(other, Criterion) else NotImplemented

    def __and__(self, other: Criterion) -> Criterion:
        from .combine import And
        return And(self, other) if isinstance(other, Criterion) else NotImplemented

    def __invert__(self) -> Criterion:
        from .combine import Not
        return Not(self)

    def __bool__(self) -> NoReturn:
        # `Patience(10) or ZeroError()` is just Patience(10) in Python: the second rule would be lost without a word.
        raise TypeError("criterion: got a question whether it is true (`or`, `and`, `if`), accepted: | and & to combine "
                        "criteria, `is not None` to ask whether there is one")

    def __repr__(self) -> str:
        arguments = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = getattr(self, name)
            if parameter.default is parameter.empty:
                arguments.append(repr(value))
            elif value != parameter.default:
                arguments.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(arguments)})"


@functools.cache
def _settings(cls: Any) -> frozenset[str]:
    """Return the names of the attributes that stay as the constructor has set them."""
    return (frozenset(inspect.signature(cls).parameters) | {"requires", "operands"}) - set(getattr(cls, "_counters", ()))


def _number(name: str, value: Any) -> float:
    # A string would pass float(), and so would a one-element array with a warning: neither is one number of one check.
    # A masked number would become NaN with a warning.
    scalar = not isinstance(value, str | bytes) and tuple(getattr(value, "shape", ())) == ()
    if scalar and getattr(value, "mask", False) in (False, None):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise ValueError(f"metric {name}: got {value!r}, accepted: one real number per check")


def _listing(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "nothing"


def _encode(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_encode(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(entry) for entry in value]
    return float(value) if isinstance(value, str) and value in states.NOT_FINITE else value
