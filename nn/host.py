"""An engine whose arrays lie on the host: the buffers, and how rows find their order. All of our backends are made of it.

What is added in nn/backends.py are the calls of the kernels, which see the buffers as they are described in nn/shared. A
backend whose buffers lie elsewhere (nn/device.py) says how to get at them: `_on_host`, `_steps_in_all`.
"""
import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from .engine import NO_PENALTY, Network, State
from .interrupts import interrupt_held_back
from .processor import one_blas_thread
from .shared.codes import EVERY_STEP, Batch, Data, Frozen, PenaltyCode, Plan, Task, Weights
from .shared.inputs import Inputs, kernel_targets
from .shared.layers import IN, NO_UPDATE, OUT, Drop, Norm, Workspace, matrix, workspace
from .shared.parameters import aligned_zeros, bytes_of
from .shared.sequences import block, packed


class HostEngine:
    """Everything of engine.Engine but `_forward`, `_gradient` and `steps`, which call kernels."""

    def __init__(self, network: Network, inputs: Inputs, y: np.ndarray | None = None, loss: Any = None, *, batch: int,
                 optimizer: Any = None, penalty: PenaltyCode = NO_PENALTY, frozen: Frozen | None = None,
                 input_gradient: bool = False, weights: np.ndarray | None = None) -> None:
        self._network, self._loss, self._batch_size = network, loss, batch
        self._optimizer, self._penalty, self._input_gradient = optimizer, penalty, input_gradient
        self._frozen = frozen
        self._free = np.array([[0, network.flat.size]]) if frozen is None else frozen.free
        self._sizes = np.append(network.layers[0, IN], network.layers[:, OUT])
        self._every_step = network.front is not None and network.front.pooling == EVERY_STEP
        p, dtype = network.flat.size, network.flat.dtype
        slots = optimizer.state(p, dtype) if optimizer is not None else (np.zeros(0, dtype),) * 2
        self._weights = Weights(network.flat, slots, aligned_zeros(p if loss is not None else 0, dtype))
        self._work, self._sequences, self._norm, self._drop = self._buffers(inputs, y, weights is not None)
        self._batch, self._rows = np.zeros(0, np.int64), 0  # samples of the last pass, and its rows
        self.load(inputs, y, weights)

    def _buffers(self, inputs: Inputs, y: np.ndarray | None,
                 weighted: bool) -> tuple[Workspace, Any, Norm | None, Drop | None]:
        """Return Workspace, Packed, Norm, Drop for batches of these samples; None what the network does not use."""
        network, batch, dtype = self._network, self._batch_size, self._network.flat.dtype
        width = self._sizes[-1] if y is None or y.ndim == 1 else y.shape[1]
        rows, sequences = batch, None
        if network.front is not None:
            most_steps = int(np.sort(inputs.lengths)[::-1][:batch].sum())
            rows = most_steps if self._every_step else batch
            sequences = packed(network.front, batch, most_steps, int(inputs.lengths.max()), dtype, self._input_gradient)
        work = workspace(network.layers, rows, dtype, width, weighted)
        like, norm, drop = work.activations.size, None, None
        if network.running.size:
            norm = Norm(aligned_zeros(like, dtype), np.zeros(network.running.size, dtype), network.running, network.eps,
                        network.momentum)
        if network.rates.any():
            drop = Drop(aligned_zeros(like, dtype), network.rates, network.seed)
        return work, sequences, norm, drop

    def load(self, inputs: Inputs, y: np.ndarray | None, weights: np.ndarray | None = None) -> None:
        """See engine.Engine."""
        self._inputs = inputs
        real = np.dtype(self._network.flat.real.dtype)
        labels, targets = kernel_targets(y, self._sizes[-1], real)
        x, steps = inputs.x, 1
        if self._network.front is not None:
            steps = self._padded_steps = (inputs.tokens if self._network.front.tokens else x).shape[1]
            x = x.reshape(len(x), -1 if x.size else 0)  # (N, T · D)
            if self._every_step and y is not None:  # rows of valid steps, spread to sample · T + step
                valid = (np.arange(steps) < inputs.lengths[:, None]).ravel()
                spread = np.zeros((valid.size, *y.shape[1:]), labels.dtype if y.ndim == 1 else real)
                spread[valid] = y
                labels, targets = (spread, targets) if y.ndim == 1 else (labels, spread)
                if weights is not None:
                    compact, weights = weights, np.zeros(valid.size)
                    weights[valid] = compact
        self._data = Data(x, inputs.tokens, inputs.lengths, labels, targets, steps, weights)
        self._kernel_loss = None if self._loss is None else self._loss_for_kernels(y)

    def _loss_for_kernels(self, y: np.ndarray | None) -> Any:
        """Return what the kernels take as their loss, for prepared targets: the loss itself, if they are Python."""
        return self._loss

    def _forward(self, batch: Batch) -> int:
        """Run a batch; return the rows of the dense layers."""
        raise NotImplementedError

    def _gradient(self, batch: Batch) -> int:
        """Fill the gradient of a batch; return the rows of the dense layers."""
        raise NotImplementedError

    def _task(self, plan: Plan) -> Task:
        """Return what `steps` hands to the kernels for a plan."""
        return Task(self._data, self._kernel_loss, self._penalty, self._optimizer.code(), plan, self._free)

    @contextlib.contextmanager
    def _statistics_at_rest(self) -> Iterator[None]:
        """Give running statistics that are frozen their values back; steps do not depend on them."""
        if self._frozen is None or not self._frozen.resting.size:
            yield
            return
        parts = [slice(*ends) for ends in self._frozen.resting.tolist()]
        before = [self._network.running[part].copy() for part in parts]
        with interrupt_held_back():
            try:
                yield
            finally:
                for part, values in zip(parts, before, strict=True):
                    self._network.running[part] = values

    def forward(self, indices: np.ndarray, training: bool = False, update: int = NO_UPDATE) -> np.ndarray:
        """See engine.Engine."""
        self._run(indices, training, update)
        return self.activations(-1)

    def _run(self, indices: np.ndarray, training: bool, update: int) -> None:
        with one_blas_thread():
            self._batch, self._rows = indices, self._forward(Batch(indices, update, training, False))

    def gradient(self, indices: np.ndarray, update: int = NO_UPDATE) -> np.ndarray:
        """See engine.Engine."""
        with one_blas_thread():
            self._batch, self._rows = indices, self._gradient(Batch(indices, update, True, self._input_gradient))
        return self._on_host(self._weights.dflat)

    def evaluate(self, layer: int = -1) -> np.ndarray:
        """See engine.Engine."""
        n = self._inputs.count
        total = int(self._inputs.lengths.sum()) if self._every_step else n
        result, at = np.empty((total, self._sizes[layer]), self._network.flat.dtype), 0
        for start in range(0, n, self._batch_size):
            self._run(np.arange(start, min(start + self._batch_size, n)), False, NO_UPDATE)
            self._put(result[at:at + self._rows], self._work.activations, layer)
            at += self._rows
        return result

    def activations(self, l: int) -> np.ndarray:
        """See engine.Engine."""
        return self._rows_of(self._work.activations, l)

    def deltas(self, l: int) -> np.ndarray:
        """See engine.Engine."""
        return self._rows_of(self._work.deltas, l)

    def _rows_of(self, buffer: np.ndarray, l: int) -> np.ndarray:
        """Return the rows of a layer, in the batch's order."""
        rows = np.empty((self._rows, self._sizes[l]), buffer.dtype)
        self._put(rows, buffer, l)
        return rows

    def _put(self, rows: np.ndarray, buffer: np.ndarray, l: int) -> None:
        found = self._on_host(matrix(buffer, self._work.at[l], self._rows, self._sizes[l]))
        if self._network.front is None:
            rows[...] = found
        elif self._every_step:
            n, t = self._packed_rows()
            lengths = self._inputs.lengths[self._batch]
            rows[(np.cumsum(lengths) - lengths)[n] + t] = found
        else:
            rows[self._on_host(self._sequences.order)[:len(self._batch)]] = found

    def _packed_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which sample of the batch and which step each row of a packed array holds, (M,) each."""
        starts = self._on_host(self._sequences.starts)[:self._sequences.steps[0] + 1]
        running = np.diff(starts)
        t = np.repeat(np.arange(len(running)), running)
        return self._on_host(self._sequences.order)[np.arange(len(t)) - starts[t]], t

    def _on_host(self, buffer: np.ndarray) -> np.ndarray:
        """Return what a buffer, or a part of one, holds now."""
        return buffer

    def _steps_in_all(self) -> int:
        """Return M, the steps of all sequences of the last batch."""
        return int(self._sequences.starts[self._sequences.steps[0]])

    def _padded(self, rows: np.ndarray) -> np.ndarray:
        """Return packed rows (M, size) as (B, T, size), 0 in the padding."""
        full = np.zeros((len(self._batch), self._padded_steps, rows.shape[1]), rows.dtype)
        full[self._packed_rows()] = rows
        return full

    def _packed(self, buffer: np.ndarray, direction: int) -> np.ndarray:
        """Return a direction's rows (M, H) of a packed buffer."""
        H = self._network.front.hidden  # type: ignore[union-attr]
        return self._on_host(block(buffer, direction, self._steps_in_all(), H))

    def states(self, direction: int) -> np.ndarray:
        """See engine.Engine."""
        return self._padded(self._packed(self._sequences.states, direction))

    def state_deltas(self, direction: int) -> np.ndarray:
        """See engine.Engine."""
        return self._padded(self._packed(self._sequences.deltas, direction))

    def input_deltas(self) -> np.ndarray:
        """See engine.Engine."""
        if self._network.front is None:
            return self.deltas(0)
        M, D = self._steps_in_all(), self._network.front.inputs
        return self._padded(self._on_host(matrix(self._sequences.dx, 0, M, D)))

    def weights(self) -> State:
        """See engine.Engine."""
        return State(self._network.flat, self._network.running, self._weights.slots)

    def set_weights(self, state: State) -> None:
        """See engine.Engine."""
        for own, new in zip((self._network.flat, self._network.running, *self._weights.slots),
                            (state.flat, state.running, *state.slots), strict=True):
            own[:] = new

    def memory(self) -> int:
        """See engine.Engine."""
        return bytes_of([self._weights[1:], self._work, self._sequences, self._norm, self._drop])
