"""What makes the members of a fleet differ: their overrides, and their part of the data."""
import contextlib
import dataclasses
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from losses import L1, L2

from ..checks import choose, integer, refuse_objects
from ..fitting.settings import Settings
from ..rnn import RNN

OVERRIDES = ("seed", "learning_rate", "weight_decay", "level", "levels", "penalty")
HOLDERS = {"learning_rate": "any optimizer of nn", "weight_decay": "SGD, Adam or AdamW",
           "level": "a flooded loss, such as Flooding(CrossEntropy(), 0.0)", "levels": "AdaFlooding(base, levels)"}


class Member(NamedTuple):
    """One member: its overrides, and the settings that they make."""

    overrides: dict
    settings: Settings


@contextlib.contextmanager
def blame(r: int) -> Iterator[None]:
    """Let a TypeError or ValueError from inside say that it is about member r."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(f"members[{r}]: {error}") from error


def read_members(members: Any, settings: Settings) -> list[Member]:
    """Return the Member that each dict of overrides makes of a fleet's Settings.

    Raises TypeError or ValueError that names the member.
    """
    if isinstance(members, (str, bytes, Mapping)) or not isinstance(members, Iterable):
        raise TypeError(f"members: got {reprlib.repr(members)}, accepted: a list of dicts such as "
                        "[{'seed': 0}, {'seed': 1}]")
    members = list(members)
    if not members:
        raise ValueError("members: got an empty list, accepted: at least one dict; an empty dict overrides nothing")
    chosen = []
    for r, overrides in enumerate(members):
        with blame(r):
            chosen.append(_member(overrides, settings))
    return chosen


def _member(overrides: Any, settings: Settings) -> Member:
    """Return the Member that overrides make of the fleet's own settings."""
    if not isinstance(overrides, Mapping):
        raise TypeError(f"overrides: got {reprlib.repr(overrides)}, accepted: a dict with any of the keys "
                        f"{', '.join(map(repr, OVERRIDES))}")
    changed: dict[str, Any] = {}
    for name, value in overrides.items():
        choose("key", name, OVERRIDES)
        if name == "seed":
            changed[name] = integer(name, value, low=0)
        elif name == "penalty":
            changed[name] = _penalty(value, settings.penalty)
        else:
            holder = "loss" if name in ("level", "levels") else "optimizer"
            changed[holder] = _changed(holder, changed.get(holder, getattr(settings, holder)), name, value)
    return Member(dict(overrides), dataclasses.replace(settings, **changed))


def with_weights(settings: Settings, chosen: list[Member]) -> tuple[Settings, list[Member]]:
    """Return the fleet's Settings and Members with weights (N,) each, out of sample weights (N,) or (R, N)."""
    if settings.sample_weight is None:
        return settings, chosen
    weights = _as_array("sample_weight", settings.sample_weight)
    if weights.ndim < 2:  # a single number is for each member to refuse
        return settings, chosen
    if weights.ndim > 2 or len(weights) != len(chosen):
        raise ValueError(f"sample_weight: got shape {weights.shape}, accepted: (N,), or (R, N) with R = {len(chosen)} (the "
                         "number of members)")
    own = [member._replace(settings=dataclasses.replace(member.settings, sample_weight=weights[r]))
           for r, member in enumerate(chosen)]
    return dataclasses.replace(settings, sample_weight=weights[0]), own


def _changed(holder: Any, thing: Any, name: str, value: Any) -> Any:
    """Return a copy of a loss or an optimizer with one of its settings replaced."""
    if name not in {field.name for field in (dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ())}:
        raise ValueError(f"{name}: got {reprlib.repr(value)}, but the fleet's {holder} {thing!r} has no {name}, accepted: "
                         f"with {HOLDERS[name]}")
    return dataclasses.replace(thing, **{name: value})


def _penalty(value: Any, fleets: Any) -> Any:
    """Return the penalty that a member asked for: an object, None, or another strength of the fleet's."""
    if value is None or (hasattr(value, "l1") and hasattr(value, "l2")):
        return value
    if isinstance(fleets, (L1, L2)):
        try:
            return type(fleets)(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"penalty: {error}") from None
    raise TypeError(f"penalty: got {reprlib.repr(value)}, accepted: losses.L1(strength), losses.L2(strength), their sum, "
                    f"None, or a strength if the fleet's own penalty is an L1 or L2 (it is {fleets!r})")


class MemberSets:
    """A data set (x, y) or (x, y, lengths), each part of which all members share or has a leading axis R of members.

    Attributes
    ----------
    own : bool
        Whether any part differs between members.

    """

    def __init__(self, model: Any, data: Any, members: int, argument: str) -> None:
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError(f"{argument}: got {type(data).__name__}, accepted: (x, y), or (x, y, lengths) for an RNN")
        x, y, lengths = (*data, None)[:3]
        x, y = _as_array(f"{argument} x", x), _as_array(f"{argument} y", y)
        own_x = _x_is_own(model, x, members, f"{argument} x")
        own_lengths = False
        if lengths is not None:
            lengths = _as_array(f"{argument} lengths", lengths)
            own_lengths = lengths.ndim == 2
            if own_lengths and len(lengths) != members:
                raise ValueError(f"{argument} lengths: got shape {lengths.shape}, accepted: (N,), or (R, N) with R = "
                                 f"{members} (the number of members)")
        # Checked, cast and cleaned of padding once: the members share the copy.
        shared_x = not own_x and not own_lengths
        self._inputs = model.check_x(x, lengths, argument=f"{argument} x") if shared_x else None
        rows = x.shape[own_x:][:2 if getattr(model, "pooling", None) == "none" else 1]  # (N,), or (N, T)
        own_y = _y_is_own(y, rows, members, model.outputs, f"{argument} y")
        self._parts, self._own = (x, y, lengths), (own_x, own_y, own_lengths)
        self.own = any(self._own)

    def raw(self, r: int) -> tuple[Any, ...]:
        """Return member r's (x, y, lengths) as they were handed in."""
        return tuple(part[r] if own else part for part, own in zip(self._parts, self._own, strict=True))

    def checked(self, r: int) -> tuple[Any, ...]:
        """Return member r's (x, y, lengths) with Inputs, already checked, in place of an x that all share."""
        x, y, lengths = self.raw(r)
        return (x, y, lengths) if self._inputs is None else (self._inputs, y, None)


def _as_array(argument: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{argument}: got nested sequences of unequal length, accepted: one array") from None
    refuse_objects(argument, values, array)
    return array


def _x_is_own(model: Any, x: np.ndarray, members: int, argument: str) -> bool:
    """Return whether x has a leading axis of so many members."""
    shape, integers = x.shape, x.dtype.kind in "iu"
    forms = f"(N, {model.sizes[0]})" if not isinstance(model, RNN) else f"(N, T, {model.inputs}) or integer tokens (N, T)"
    if isinstance(model, RNN) and integers and x.ndim == 3:
        own = shape[2] != model.inputs  # else it is what the lone fit takes it for, numbers and not tokens
        if not own and shape[0] == members:
            raise ValueError(f"{argument}: got integers of shape {shape}, which may be shared inputs (N, T, "
                             f"{model.inputs}) or tokens (R, N, T) of {members} members, accepted: shared inputs as "
                             "floats; tokens with one more step of padding, and lengths")
    else:
        own = x.ndim == (4 if isinstance(model, RNN) else 3)
    if own and shape[0] != members:
        raise ValueError(f"{argument}: got shape {shape}, accepted: {forms}, or with a leading axis R = {members} (the "
                         "number of members)")
    return own


def _y_is_own(y: np.ndarray, rows: tuple[int, ...], members: int, outputs: int, argument: str) -> bool:
    """Return whether y has a leading axis of so many members, where one member's targets are `rows` or (*rows, K)."""
    n, shape = len(rows), y.shape
    shared = shape[:n] == rows and y.ndim in (n, n + 1)
    own = shape[:n + 1] == (members, *rows) and y.ndim in (n + 1, n + 2)
    if shared and own and shape[-1] == outputs:
        raise ValueError(f"{argument}: got shape {shape}, which may be shared targets (N, K) or class ids of {members} "
                         f"members, accepted: shape {(members, *shape)} for a copy (or np.broadcast_to) per member")
    if not shared and not own:
        forms = f"{rows} or {(*rows, outputs)}"
        raise ValueError(f"{argument}: got shape {shape}, accepted: {forms}, or with a leading axis R = {members} (the "
                         "number of members)")
    return own and not (shared and shape[-1] == outputs)
