"""What a run leaves alone: `fit(frozen=...)` as ranges of the flat vectors, which kernels take."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..model import Model
from ..shared.codes import Frozen
from ..shared.parameters import offsets

ACCEPTED = "layer numbers (1 is W1, b1, gamma1, beta1) or parameter names"


def frozen_names(model: Model, frozen: Any) -> tuple[str, ...]:
    """Return the names of the frozen parameters, in the order of the model.

    Raises
    ------
    TypeError, ValueError
        For what is no sequence, names nothing, or leaves nothing to be trained.

    """
    there = f"a sequence of {ACCEPTED} out of {', '.join(model.parameters)}"
    if isinstance(frozen, (str, bytes)) or np.ndim(frozen) != 1:
        raise TypeError(f"frozen: got {frozen!r}, accepted: {there}")
    chosen = set()
    for part in frozen:
        found = {name for name in model.parameters if _is_part(name, part)}
        if not found:
            raise ValueError(f"frozen: got {part!r}, accepted: {there}")
        chosen |= found
    if len(chosen) == len(model.parameters):
        raise ValueError(f"frozen: got {frozen!r}, which is every parameter, accepted: some, so that others are trained")
    return tuple(name for name in model.parameters if name in chosen)


def _is_part(name: str, part: Any) -> bool:
    if isinstance(part, str):
        return name == part
    kind = name.rstrip("0123456789")
    return not isinstance(part, (bool, np.bool_)) and kind != name and int(name[len(kind):]) == part


def frozen_ranges(model: Model, names: Sequence[Any]) -> Frozen | None:
    """Return the Frozen that these names make; None for none.

    The running statistics of a layer rest where its gamma and beta do: they are as much of the layer.
    """
    if not names:
        return None
    free = [(name, array) for name, array in model.parameters.items() if name not in names]
    resting = [(name, array) for name, array in model.statistics.items()
               if {f"gamma{_layer(name)}", f"beta{_layer(name)}"} <= set(names)]
    return Frozen(_ranges(model.parameters, free), _ranges(model.statistics, resting))


def _layer(name: str) -> str:
    return name[len(name.rstrip("0123456789")):]


def _ranges(views: Mapping[str, np.ndarray], chosen: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """Return [start, end) of these views in their vector, (ranges, 2) int64, neighbours as one."""
    starts = offsets({name: array.shape for name, array in views.items()})
    found: list[list[int]] = []
    for name, array in chosen:
        start, end = starts[name], starts[name] + array.size
        if found and found[-1][1] == start:
            found[-1][1] = end
        else:
            found.append([start, end])
    return np.array(found, np.int64).reshape(len(found), 2)
