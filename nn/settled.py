"""What a model keeps: its settings, which cannot be assigned, and its arrays, which travel by pickle and deepcopy."""
from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from .shared.parameters import Views, aligned_zeros


class Settled:
    """Base of `Model`: attributes without an underscore are set once, by the constructor."""

    flat: Any
    running: np.ndarray
    parameters: Views
    statistics: Views
    settings: Any

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse what would be ignored: a setting is read when the model is made, so it can be set once."""
        if not name.startswith("_") and (name in vars(self) or name in vars(self).get("parameters", ())):
            raise AttributeError(self._refusal(name, value))
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if not name.startswith("_") and name in vars(self) and name in self.settings():
            raise AttributeError(f"{name}: got a deletion, accepted: none, for it is a setting of {self!r}")
        super().__delattr__(name)

    def _refusal(self, name: str, value: Any) -> str:
        """Return why an attribute cannot be assigned, and what to write instead."""
        kind, got = type(self).__name__, f"{name}: got {reprlib.repr(value)}, accepted: no assignment, for"
        if name in ("parameters", "statistics", "running"):
            item = f"{name}[...]" if name == "running" else f"{name}[name]"
            return f"{got} its arrays are the model's own; model.{item} = values copies values into them"
        if name in self.parameters:
            return f"{got} it is a parameter; model.parameters[{name!r}] = values copies values into it"
        if name == "backend":
            return f"{got} a model keeps its settings; model.copy(backend={value!r}) returns one with the same weights"
        if name == "dtype":
            return f"{got} a model keeps its settings; model.copy(dtype={str(value)!r}) returns one with the same weights"
        if name not in self.settings():
            return f"{got} it follows from the settings of a model, which keeps them"
        return (f"{got} a model keeps its settings; make another, {kind}(**model.settings() | {{{name!r}: {value!r}}}), "
                "which copy_from(model) gives the weights")

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, for pickle and deepcopy: arrays as copies, and the views into them as their shapes."""
        state = vars(self).copy()
        state["statistics"] = {name: array.shape for name, array in self.statistics.items()}
        del state["parameters"]
        return state | {"_flat": self.flat.copy(), "running": self.running.copy()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take them over; the views are made anew, into vectors of this model's own, on a cache line."""
        flat = aligned_zeros(state["_flat"].size, state["_flat"].dtype)
        flat[:], running = state["_flat"], np.array(state["running"])
        vars(self).update(state | {"_flat": flat, "running": running, "parameters": Views(flat, state["_shapes"]),
                                   "statistics": Views(running, state["statistics"])})
