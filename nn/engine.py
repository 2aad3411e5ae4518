"""What a backend is: it opens an engine, which owns where arrays live. This file is all that a new backend has to know.

A model, `fit`, `fit_fleet`, the gradient check and the evidence ask an engine, and nobody else reads a workspace: so a
backend may keep its arrays on another device. To add one, implement the two protocols and name it in nn/backends.py; what
then has to work is tests/test_nn_engine.py, whose throw-away backend keeps copies of everything.

What holds for all of it:

- The host's arrays `network.flat` and `network.running` are the model's own. What they hold when a call begins is what it
  computes with (a callback, a checkpoint or `restore_best` may have changed them), and `steps` leaves there what it made.
  No other call changes them.
- Whatever is handed out is a host array that stays as it is until the engine's next pass (`forward`, `gradient`, `evaluate`
  or `steps`), and what `activations` and the like tell is of the last one.
- Rows are in the batch's order: one for each of the samples `indices`, or, where every step has an output (pooling "none"),
  all valid steps of the first sample, then of the second, … How a backend packs sequences is its own affair.
- A kind (activation, pooling, loss row, flood, optimizer) that a backend has no maths for is a ValueError at the latest when
  it would be used; a loss that only Python knows may be a TypeError.
- Results do not depend on the number of threads. Ctrl-C never finds an update half made.

N samples, B of them in a batch, T steps, D inputs, H hidden units, K outputs, P parameters, L dense layers.
"""
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from .shared.codes import Frozen, Log, PenaltyCode, Plan
from .shared.inputs import Inputs
from .shared.layers import NO_UPDATE
from .shared.sequences import Front

BLOCK_ROWS = 512  # samples that an evaluation holds in memory at a time
NO_PENALTY = PenaltyCode()


class Network(NamedTuple):
    """A model as a backend sees it: tables and parameters. Its dtype is that of `flat`, complex in a gradient check."""

    layers: np.ndarray  # (L, 8) int64, see shared/layers.py
    front: Front | None  # the recurrent part; None: there is none
    flat: np.ndarray  # (P,) parameters
    running: np.ndarray  # (S,) running means and variances; empty without batch normalisation
    rates: np.ndarray  # (L,) dropout on the input of each dense layer
    seed: int  # of the masks, as a signed number of 64 bits
    eps: float  # batch normalisation: added to variances,
    momentum: float  # and how far the running statistics move


class State(NamedTuple):
    """What training moves, as host arrays."""

    flat: np.ndarray  # (P,)
    running: np.ndarray  # (S,)
    slots: Sequence[np.ndarray]  # two of (P,) or (0,): the optimizer's


class Engine(Protocol):
    """One network on one data set, with room for batches of a given size."""

    def load(self, inputs: Inputs, y: np.ndarray | None, weights: np.ndarray | None = None) -> None:
        """Take other inputs and targets of as many samples of the same lengths, as augmentation makes them.

        Parameters
        ----------
        inputs : Inputs
            x (N, D); for a recurrent network x (N, T, D) or tokens (N, T), and lengths (N,).
        y : ndarray or None
            As `loss.prepare` returned them: labels (rows,) or targets (rows, K), for the rows of all N samples.
        weights : ndarray, float64 (rows,), or None
            How much each row counts, J = Σ w ℓ / Σ w over a batch and then flooded; None: all the same. There are some in
            every `load` if there were when the engine was opened, and in none otherwise.

        """

    def forward(self, indices: np.ndarray, training: bool = False, update: int = NO_UPDATE) -> np.ndarray:
        """Return the outputs (rows, K) of the samples `indices` (B,).

        In training mode batch normalisation takes the statistics of this batch, and dropout the masks of this update (none
        for NO_UPDATE).
        """

    def gradient(self, indices: np.ndarray, update: int = NO_UPDATE) -> np.ndarray:
        """Return the gradient (P,) of the objective of one batch, without penalty and clipping, in training mode."""

    def steps(self, plan: Plan, log: Log) -> int:
        """Take the updates of a plan and fill the log; return how many were taken.

        That is fewer than planned where a loss was not finite: it stands in the log, and its gradient was not used. The
        update of a batch whose rows all weigh 0 is counted and logged, and moves nothing.
        """

    def evaluate(self, layer: int = -1) -> np.ndarray:
        """Return the activations (rows, size) of a layer for all N samples, in evaluation mode, block by block."""

    def activations(self, l: int) -> np.ndarray:
        """Return what came out of dense layer l in the last `forward` or `gradient`: (rows, size).

        0 is what enters the first one: the inputs, or the pooled states; L or -1 the outputs.
        """

    def deltas(self, l: int) -> np.ndarray:
        """Return ∂J/∂z (rows, size) of dense layer l = 1 … L after the last `gradient`; z is before the activation."""

    def states(self, direction: int) -> np.ndarray:
        """Return the hidden states (B, T, H) of a direction in the last `forward` or `gradient`, 0 in the padding."""

    def state_deltas(self, direction: int) -> np.ndarray:
        """Return ∂J/∂z (B, T, H) of the recurrence, z before its activation, after the last `gradient`; 0 in the padding."""

    def input_deltas(self) -> np.ndarray:
        """Return ∂J/∂x (B, D) or (B, T, D) after the last `gradient`, if the engine was opened with `input_gradient`."""

    def weights(self) -> State:
        """Return what training moves, for a checkpoint."""

    def set_weights(self, state: State) -> None:
        """Go on from there; the arrays are copied."""

    def memory(self) -> int:
        """Return about how many bytes the engine holds beside the data and the network's own arrays."""


class Backend(Protocol):
    """Opens engines.

    A backend may also have ``train_fleet(engines, plans, logs) -> list of int``: `steps` of several of its engines at once,
    where that is quicker than one after another. Without it `fit_fleet` lets each member's engine step by itself.
    """

    name: str

    def open(self, network: Network, inputs: Inputs, y: np.ndarray | None = None, loss: Any = None, *, batch: int,
             optimizer: Any = None, penalty: PenaltyCode = NO_PENALTY, frozen: Frozen | None = None,
             input_gradient: bool = False, weights: np.ndarray | None = None) -> Engine:
        """Return an engine for a network and a data set.

        Parameters
        ----------
        network : Network
        inputs, y, weights : as `Engine.load` takes them; y None: only forward
        loss : losses.Loss
            Flooding included; None: only forward.
        batch : int
            Most samples in a call of `forward`, `gradient`, or a batch of `steps`, and in a block of `evaluate`.
        optimizer : nn.optimizers.Optimizer
            Its state starts afresh; None: no `steps`.
        penalty : PenaltyCode
            And the clipping, of `steps`.
        frozen : Frozen or None
            What `steps` leaves as it is, its optimizer state too: the parameters outside of `free`, which the clipping does
            not count, and the running statistics `resting`. None: nothing.
        input_gradient : bool
            Whether `gradient` computes that of the inputs too.

        Raises
        ------
        TypeError, ValueError
            For a kind of loss, flood, optimizer, activation or pooling that it does not serve.

        """
