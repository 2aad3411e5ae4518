"""The engine whose arrays lie on a GPU: what goes there and what comes back. The kernels stand in nn/cuda.

Data, buffers and the optimizer's state stay on the device. The network's own vectors are the host's (engine.py): they are
taken there when a call begins, and `steps` brings them back.
"""
import threading
from typing import Any

import numpy as np

from .engine import State
from .host import HostEngine
from .interrupts import interrupt_held_back
from .shared.codes import Batch, Log, Plan, Weights
from .shared.inputs import Inputs

MOST_STEPS = np.iinfo(np.int32).max  # of all sequences, where each has an output

# Kernels of one process run one after another anyway: members of a fleet take turns, and scratch memory has one user.
TURN = threading.RLock()


class CudaEngine(HostEngine):
    """Everything of engine.Engine, on the device."""

    def __init__(self, backend: Any, network: Any, *arguments: Any, **options: Any) -> None:
        if network.flat.dtype.kind != "f":
            raise TypeError(f"dtype: got {network.flat.dtype}, accepted: float32 or float64 on backend='cuda'")
        self._backend, self._dtype = backend, network.flat.dtype
        with TURN:
            super().__init__(network, *arguments, **options)
            flat, slots, dflat = self._weights
            self._weights = Weights(self._to_device(flat), tuple(map(self._to_device, slots)), self._to_device(dflat))

    def _to_device(self, array: np.ndarray) -> Any:
        """Return a copy on the device: numbers in the network's dtype, indices in 32 bits."""
        kind = np.int32 if array.dtype.kind in "iu" else self._dtype
        if kind is np.int32 and array.size and max(abs(int(array.min())), abs(int(array.max()))) > np.iinfo(np.int32).max:
            raise ValueError(f"indices: got {array.min()} to {array.max()}, accepted: numbers of 32 bits on backend='cuda'")
        return self._backend.compat.to_device(array.astype(kind, copy=False))

    def _buffers(self, inputs: Inputs, y: np.ndarray | None, weighted: bool) -> tuple:
        views = self._backend.views
        work, sequences, norm, drop = super()._buffers(inputs, y, weighted)
        on_device = {name: self._to_device(value) for name, value in work._asdict().items() if value is not None}
        work = views.DeviceWorkspace(**on_device | {"at": work.at, "row_weights": on_device.get("row_weights")})
        work.summary = self._to_device(np.zeros(3))
        if sequences is not None:
            sequences = type(sequences)(*map(self._to_device, sequences))._replace(steps=np.zeros(2, np.int64))
        if norm is not None:
            norm = views.DeviceNorm(*map(self._to_device, norm[:3]), norm.eps, norm.momentum)
        if drop is not None:
            drop = drop._replace(inputs=self._to_device(drop.inputs))
        return work, sequences, norm, drop

    def load(self, inputs: Inputs, y: np.ndarray | None, weights: np.ndarray | None = None) -> None:
        """See engine.Engine."""
        if self._network.front is not None and self._every_step:
            # Kernels find a step's target by its place among all of them.
            n, steps = (inputs.tokens if self._network.front.tokens else inputs.x).shape[:2]
            if n * steps > MOST_STEPS:
                raise ValueError(f"x: got {n} sequences of {steps} steps, accepted: at most {MOST_STEPS} steps in all, "
                                 "padding included, with pooling='none' on backend='cuda'")
        if weights is not None and (least := weights[weights > 0].min(initial=1.0)) < (tiny := np.finfo(self._dtype).tiny):
            raise ValueError(f"sample_weight and class_weight: got one of {least:g} times the largest, accepted: 0, or from "
                             f"{tiny:.3g} times the largest, in {self._dtype} on backend='cuda'")
        with TURN:
            super().load(inputs, y, weights)
            data = self._data
            lengths = self._backend.views.Indices(data.lengths, self._to_device(data.lengths))
            on_device = {name: self._to_device(getattr(data, name)) for name in ("x", "tokens", "labels", "targets")}
            row_weights = None if data.row_weights is None else self._to_device(data.row_weights)
            self._data = data._replace(**on_device, lengths=lengths, row_weights=row_weights)

    def _loss_for_kernels(self, y: np.ndarray | None) -> Any:
        code = self._backend.loss_for_kernels(self._loss, y)
        return code._replace(levels=self._to_device(code.levels))

    def _take_weights(self) -> None:
        """Take the host's vectors to the device: who has changed them since is not known."""
        flat: Any = self._weights.flat
        flat.copy_to_device(self._network.flat)
        if self._norm is not None:
            running: Any = self._norm.running
            running.copy_to_device(self._network.running)

    def _on_device(self, batch: Batch) -> Batch:
        indices = self._backend.views.Indices(batch.indices, self._to_device(batch.indices))
        return batch._replace(indices=indices)

    def _forward(self, batch: Batch) -> int:
        network, kernels = self._network, self._backend.kernels
        with TURN, interrupt_held_back():
            self._take_weights()
            return kernels.forward_pass(
                self._work, self._sequences, self._norm, self._drop, self._weights.flat, network.layers, network.front,
                self._data, self._on_device(batch), None)

    def _gradient(self, batch: Batch) -> int:
        network, kernels = self._network, self._backend.kernels
        with TURN, interrupt_held_back():
            self._take_weights()
            return kernels.gradient_pass(
                self._weights, self._work, self._sequences, self._norm, self._drop, network.layers, network.front,
                self._data, self._kernel_loss, self._on_device(batch), None)

    def steps(self, plan: Plan, log: Log) -> int:
        """See engine.Engine; members of a fleet take turns, one call each."""
        network, kernels, updates = self._network, self._backend.kernels, len(plan.learning_rates)
        with TURN, interrupt_held_back(), self._statistics_at_rest():
            orders = self._backend.views.Indices(plan.orders, self._to_device(plan.orders.ravel()))
            losses, flooded, marks = map(self._to_device, (np.zeros(updates), np.zeros(updates), np.array([0, 1, 0])))
            own = kernels.DeviceLog(losses, flooded, log.rows, marks)
            self._take_weights()
            kernels.train_steps(
                own, self._weights, self._work, self._sequences, self._norm, self._drop, network.layers, network.front,
                self._task(plan._replace(orders=orders)), None)
            log.losses[:], log.flooded[:] = self._on_host(losses), self._on_host(flooded)
            network.flat[:] = self._on_host(self._weights.flat)
            if self._norm is not None:
                network.running[:] = self._on_host(self._norm.running)
            return int(self._on_host(marks)[kernels.TAKEN])

    def _on_host(self, buffer: Any) -> np.ndarray:
        with TURN:
            return buffer.copy_to_host()

    def _steps_in_all(self) -> int:
        return int(self._sequences.steps[1])

    def weights(self) -> State:
        """See engine.Engine."""
        return State(self._network.flat, self._network.running, [self._on_host(slot) for slot in self._weights.slots])

    def set_weights(self, state: State) -> None:
        """See engine.Engine."""
        with TURN:
            self._network.flat[:], self._network.running[:] = state.flat, state.running
            for own, new in zip(self._weights.slots, state.slots, strict=True):
                if own.size:
                    own.copy_to_device(np.ascontiguousarray(new, self._dtype))

    def memory(self) -> int:
        """See engine.Engine; of the device's memory."""
        return sum(array.size * array.dtype.itemsize for array in
                   (*self._weights[1], self._weights.dflat, *self._work, *(self._sequences or ()), *(self._norm or ()),
                    *(self._drop or ())) if hasattr(array, "copy_to_host"))
