"""Variable-length sequences as arrays: how they are packed, and the buffers of the recurrent part.

A packed batch has no padding: sequences sorted by length, longest first; step t takes the rows starts[t]:starts[t+1].
"""
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from .parameters import aligned_zeros

AT_W_XH, AT_W_HH, AT_B_H = range(3)  # columns of Front.offsets


class Front(NamedTuple):
    """What kernels know of the recurrent part, which comes in front of the dense layers."""

    offsets: np.ndarray  # (directions, 3) int64: where W_xh, W_hh, b_h of each direction start in the flat vector
    inputs: int  # D, or the number of tokens
    hidden: int  # H
    kind: int  # activation
    pooling: int
    truncate: int  # steps that BPTT goes back; 0: all
    tokens: bool  # integer inputs: a row of W_xh is looked up instead of multiplying a one-hot row


class Packed(NamedTuple):
    """A packed batch and its buffers; M is the most steps that a batch may hold."""

    x: np.ndarray  # (M · D,); empty for tokens
    dx: np.ndarray  # (M · D,); empty unless wanted
    tokens: np.ndarray  # (M,) int64; empty for dense inputs
    order: np.ndarray  # (B,) position in the batch of each sorted sequence
    lengths: np.ndarray  # (B,) int64, sorted, longest first
    starts: np.ndarray  # (T + 1,) int64
    steps: np.ndarray  # (1,) int64: length of the longest sequence
    states: np.ndarray  # (directions · M · H,) h
    deltas: np.ndarray  # (directions · M · H,) dz
    before: np.ndarray  # (directions · M · H,) the state before each step
    transposed: np.ndarray  # (directions · H · H,) W_hhᵀ, where a kernel copies it


def packed(front: Front, batch: int, most_steps: int, longest: int, dtype: DTypeLike,
           input_gradient: bool = False) -> Packed:
    """Allocate the buffers for `batch` sequences of `most_steps` steps in all, the longest having `longest`."""
    directions, H = len(front.offsets), front.hidden
    x = 0 if front.tokens else most_steps * front.inputs
    return Packed(
        aligned_zeros(x, dtype), aligned_zeros(x if input_gradient else 0, dtype),
        np.zeros(most_steps if front.tokens else 0, np.int64), np.zeros(batch, np.int64), np.zeros(batch, np.int64),
        np.zeros(longest + 1, np.int64), np.zeros(1, np.int64),
        *(aligned_zeros(directions * rows * H, dtype) for rows in (most_steps, most_steps, most_steps, H)))


def block(buffer: np.ndarray, direction: int, rows: int, columns: int) -> np.ndarray:
    """Return the (rows, columns) view of one direction."""
    start = direction * rows * columns
    return buffer[start:start + rows * columns].reshape(rows, columns)
