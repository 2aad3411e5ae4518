"""A network as arrays, so that one kernel serves every architecture, and the buffers a batch needs.

The same tables and workspace fields are used by all backends.
"""
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from .parameters import aligned_zeros

# Columns of the layer table, one row a dense layer. AT_W, AT_B, AT_GAMMA and AT_BETA are offsets into the flat
# vector, AT_STATISTICS one into the running statistics (means there, variances OUT further on); -1 where the layer has none.
IN, OUT, AT_W, AT_B, ACTIVATION, AT_GAMMA, AT_BETA, AT_STATISTICS = range(8)

NO_UPDATE = -1  # in place of an update's number: no dropout


class Workspace(NamedTuple):
    """Buffers of one batch. Layer l's output lies at `at[l]`, row-major (rows, size); layer 0 is the input itself."""

    activations: np.ndarray  # (sum of rows · size,)
    deltas: np.ndarray  # gradients of the activations, in the same places
    at: np.ndarray  # (layers + 1,) int64
    losses: np.ndarray  # (rows,) raw loss of each sample
    weights: np.ndarray  # (rows,) d objective / d loss of each sample
    samples: np.ndarray  # (rows,) int64: the samples' indices in the data set
    labels: np.ndarray  # (rows,) int64: class ids of the batch
    targets: np.ndarray  # (rows, width): targets of the batch, where the loss takes them
    row_weights: np.ndarray | None  # (rows,) how much each counts, as given; None: all the same


class Norm(NamedTuple):
    """Batch normalisation; None in its place where a network has none (compiled code then leaves it out)."""

    normalised: np.ndarray  # ẑ of the batch, in the places of the activations
    statistics: np.ndarray  # (2 · normalised units,) mean and variance of the batch
    running: np.ndarray  # (2 · normalised units,) the model's running ones
    eps: float
    momentum: float


class Drop(NamedTuple):
    """Dropout; None in its place where a network has none."""

    inputs: np.ndarray  # what each layer sees of the activations before it, in the same places
    rates: np.ndarray  # (layers,) rate on the input of each dense layer
    seed: int  # of the masks


def layer_table(sizes: Sequence[int], offsets: Mapping[str, int], activation_codes: Iterable[int]) -> np.ndarray:
    """Return the (layers, 8) int64 table of dense layers whose parameters are named W1, b1, gamma1, …"""
    rows, statistics = [], 0
    for l, (n_in, n_out, code) in enumerate(zip(sizes[:-1], sizes[1:], activation_codes, strict=True), start=1):
        normalised = f"gamma{l}" in offsets
        rows.append((n_in, n_out, offsets[f"W{l}"], offsets.get(f"b{l}", -1), code, offsets.get(f"gamma{l}", -1),
                     offsets.get(f"beta{l}", -1), statistics if normalised else -1))
        statistics += 2 * n_out if normalised else 0
    return np.array(rows, np.int64)  # (layers, 8)


def workspace(layers: np.ndarray, rows: int, dtype: DTypeLike, width: int, weighted: bool = False) -> Workspace:
    """Allocate the buffers for batches of at most `rows` samples with `width` targets each, and weights if `weighted`."""
    sizes = np.append(layers[0, IN], layers[:, OUT])
    room = -(-rows * sizes // 16) * 16  # every layer starts on a cache line, also in float32
    at = np.append(0, np.cumsum(room))
    real = np.float64
    return Workspace(
        aligned_zeros(at[-1], dtype), aligned_zeros(at[-1], dtype), at[:-1],
        np.zeros(rows, dtype if np.dtype(dtype).kind == "c" else real), np.zeros(rows, real),
        np.arange(rows), np.zeros(rows, np.int64), np.zeros((rows, width), dtype),
        np.zeros(rows, real) if weighted else None)


def matrix(flat: np.ndarray, at: int, rows: int, columns: int) -> np.ndarray:
    """Return the (rows, columns) view that starts at element `at` of a flat vector."""
    return flat[at:at + rows * columns].reshape(rows, columns)


def vector(flat: np.ndarray, at: int, n: int) -> np.ndarray:
    """Return the (n,) view that starts at element `at`; an empty one for at < 0 (no bias) or an empty vector (no state)."""
    return flat[at:at + n] if at >= 0 else flat[:0]
