"""One flat parameter vector and its named views.

Optimizers, gradient checks, checkpoints and backend comparisons are loops over one array; a reader sees `W1` and `b1`.
"""
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

SPARE = 16  # elements after the last one, that vectors of 16 may touch but not change
CACHE_LINE = 64  # bytes; a vector register load that straddles two lines costs up to 1.3x (measured, batch size 1)


def aligned_zeros(n: int, dtype: DTypeLike) -> np.ndarray:
    """Return a zero vector of `n` elements that starts on a cache line."""
    dtype = np.dtype(dtype)
    raw = np.zeros((n + SPARE) * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start:start + n * dtype.itemsize].view(dtype)


class Views(dict):
    """Named views into one flat vector, in order.

    Reading gives the view itself. Assigning copies the values *into* the view, so that ``views["W1"] = array`` can never
    detach a name from the vector behind it.

    Parameters
    ----------
    flat : ndarray (P,)
    shapes : dict name -> shape, in the order of the vector

    """

    __slots__ = ()  # views.W1 = array would set something else than the parameter

    def __init__(self, flat: np.ndarray, shapes: Mapping[str, tuple[int, ...]]) -> None:
        end = 0
        for name, shape in shapes.items():
            start, end = end, end + prod(shape)
            super().__setitem__(name, flat[start:end].reshape(shape))
        if end != flat.size:
            raise ValueError(f"flat: got {flat.size} elements, accepted: {end}, as the shapes {shapes} take")

    def __setitem__(self, name: str, value: ArrayLike) -> None:
        if name not in self:
            raise KeyError(f"parameter: got {name!r}, accepted: {', '.join(self)}")
        if np.ma.is_masked(value):
            raise TypeError(f"{name}: got an array with masked entries, accepted: numbers of shape {self[name].shape}")
        value = np.asarray(value)
        if value.shape != self[name].shape:
            raise ValueError(f"{name}: got shape {value.shape}, accepted: {self[name].shape}")
        self[name][...] = value

    def _fixed(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("parameters: got a change of their fixed set, accepted: assignment to one of them by name")

    def __reduce__(self) -> tuple:
        """Pickle and deepcopy: the same names and values, as views into a vector of their own."""
        flat = np.concatenate([array.ravel() for array in self.values()]) if self else np.zeros(0)
        return Views, (flat, {name: array.shape for name, array in self.items()})

    __delitem__ = __ior__ = pop = popitem = clear = setdefault = update = _fixed


def bytes_of(thing: Any) -> int:
    """Return the bytes of all arrays in nested tuples and lists."""
    if isinstance(thing, (tuple, list)):
        return sum(map(bytes_of, thing))
    return getattr(thing, "nbytes", 0)


def offsets(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Return dict name -> index of its first element in the flat vector."""
    result, end = {}, 0
    for name, shape in shapes.items():
        result[name] = end
        end += prod(shape)
    return result
