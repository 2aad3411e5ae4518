"""What kernels are told besides arrays: integer kinds, dispatched on once per layer, block or update, and settings.

Never dispatched on per element. The tuples have the same fields in all backends.
"""
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

ACTIVATIONS = {"identity": 0, "relu": 1, "tanh": 2, "sigmoid": 3}
IDENTITY, RELU, TANH, SIGMOID = ACTIVATIONS.values()

# By the names of their functions in losses/rows.py (`Loss.row`).
LOSSES = {"cross_entropy": 0, "soft_cross_entropy": 1, "binary_cross_entropy": 2, "squared_error": 3, "hinge": 4,
          "squared_hinge": 5}
CROSS_ENTROPY, SOFT_CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR, HINGE, SQUARED_HINGE = LOSSES.values()

OPTIMIZERS = {"sgd": 0, "adam": 1, "rprop": 2}
SGD, ADAM, RPROP = OPTIMIZERS.values()

POOLINGS = {"last": 0, "mean": 1, "none": 2}
LAST, MEAN, EVERY_STEP = POOLINGS.values()


def unserved(argument: str, code: Any, names: Mapping[str, int], served: Any, where: str) -> ValueError:
    """Return the error for a kind that a file has no maths for: it must never become another kind's.

    `names` is one of the tables above, `served` the codes that the file `where` serves.
    """
    name = next((name for name, known in names.items() if known == code), code)
    accepted = ", ".join(repr(known) for known, served_code in names.items() if served_code in served)
    return ValueError(f"{argument}: got {name!r}, accepted: {accepted} ({where} serves no other)")


class LossCode(NamedTuple):
    """A loss as compiled code sees it."""

    kind: int  # out of LOSSES: which function of losses/rows.py
    parameter: float  # its one number
    flood: int  # how samples are weighted: losses.rows
    level: float
    flood_parameter: float  # SoftAD's scale
    levels: np.ndarray  # (samples of the data set,) float64: AdaFlooding's; else empty
    confidence: float | None  # strength of the confidence penalty on each row; None: without
    upper: float | None  # RelaxLoss's bound; None: another loss


class OptimizerCode(NamedTuple):
    """An optimizer as kernels see it; the learning rate comes with each update."""

    kind: int
    momentum: float = 0.0
    nesterov: bool = False
    beta1: float = 0.0
    beta2: float = 0.0
    eps: float = 0.0
    weight_decay: float = 0.0
    decoupled: bool = False
    shrink: float = 0.0
    grow: float = 0.0
    smallest: float = 0.0
    largest: float = 0.0


class PenaltyCode(NamedTuple):
    """What is done to the gradient before the optimizer sees it: weight penalties Σ|w| and Σw², then clipping."""

    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float = 0.0  # 0: no clipping


class Frozen(NamedTuple):
    """What training leaves alone, as ranges [start, end) of the flat vectors; see fitting/freezing.py."""

    free: np.ndarray  # (ranges, 2) int64 of the parameters: those that move, in order and apart
    resting: np.ndarray  # (ranges, 2) int64 of the running statistics: those that do not


class Data(NamedTuple):
    """Samples, what they should become (labels or targets, the other or both of them empty), and how much each counts.

    An MLP has x (N, D); an RNN x (N, T · D) or tokens (N, T), with lengths (N,). The target of sample n stands at n; where
    every step has an output, that of step t at n · stride + t.
    """

    x: np.ndarray
    tokens: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray  # (N · stride,) int64
    targets: np.ndarray  # (N · stride, K)
    stride: int
    row_weights: np.ndarray | None = None  # (N · stride,) float64; None: all the same


class Plan(NamedTuple):
    """The updates of one chunk: numbers `first`, `first` + 1, …, one for each learning rate."""

    first: int
    batch_size: int
    first_epoch: int  # the epoch of the first row of `orders`
    orders: np.ndarray  # (epochs, N) int64
    learning_rates: np.ndarray  # (updates,) float64


class Weights(NamedTuple):
    """What training moves, and what it is moved by; P parameters."""

    flat: np.ndarray  # (P,) the parameters
    slots: tuple  # two of (P,) or (0,): the optimizer's state
    dflat: np.ndarray  # (P,) the gradient


class Task(NamedTuple):
    """What is to be learned, and how: all that `train_steps` is told besides the network."""

    data: Data
    loss: Any  # LossCode; in the definition the loss itself
    penalty: PenaltyCode
    optimizer: OptimizerCode
    plan: Plan
    free: np.ndarray  # (ranges, 2) int64: the parameters that are trained, one range where none is frozen


class Batch(NamedTuple):
    """What one pass is about."""

    indices: np.ndarray  # (B,) int64: samples of the data set
    update: int  # whose dropout masks are drawn; layers.NO_UPDATE: none
    training: bool  # whether batch normalisation uses the batch's own statistics
    input_gradient: bool  # whether a backward pass goes down to the inputs


class Log(NamedTuple):
    """What the kernels report of each update."""

    losses: np.ndarray  # (updates,) float64: raw mean loss of the batch, before the update
    flooded: np.ndarray  # (updates,) float64: share of its rows whose gradient was reversed
    rows: np.ndarray  # (updates,) int64: rows of the batch, which are samples or valid steps
