"""Checked inputs and targets, between what users hand in and what kernels take."""
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike


class Inputs(NamedTuple):
    """Checked inputs: x (N, D) of an MLP; of an RNN x (N, T, D) or tokens (N, T), with lengths (N,)."""

    x: np.ndarray
    tokens: np.ndarray
    lengths: np.ndarray

    @property
    def count(self) -> int:  # type: ignore[override]
        """Number of samples N."""
        return max(len(self.x), len(self.tokens))


def kernel_targets(y: np.ndarray | None, outputs: int, dtype: DTypeLike) -> tuple[np.ndarray, np.ndarray]:
    """Return (labels, targets) of which one is empty."""
    none = np.zeros((0, outputs), dtype)
    if y is None:
        return np.zeros(0, np.int64), none
    return (y, none) if y.ndim == 1 else (np.zeros(0, np.int64), y.astype(dtype))
