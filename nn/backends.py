"""The backends, by name; each opens engines of its own. What an engine is: engine.py.

The kernels of a compiled backend are imported when a model first asks for it, so that ``import nn`` stays quick.
"""
import functools
import importlib
from collections.abc import Callable, Collection, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from .checks import choose
from .engine import Network
from .host import HostEngine
from .interrupts import interrupt_held_back
from .processor import most_threads, uninterrupted
from .shared.codes import ACTIVATIONS, LOSSES, OPTIMIZERS, POOLINGS, Log, LossCode, Plan, unserved
from .shared.inputs import Inputs
from .shared.layers import ACTIVATION
from .shared.sequences import Front


class NumpyBackend:
    """The definition, nn/reference."""

    name = "numpy"

    def __init__(self) -> None:
        from .reference import training
        self.kernels = training

    def open(self, network: Network, inputs: Inputs, y: np.ndarray | None = None, loss: Any = None,
             **options: Any) -> "NumpyEngine":
        """See engine.Backend."""
        return NumpyEngine(self.kernels, network, inputs, y, loss, **options)


class NumpyEngine(HostEngine):
    """Calls the definition, in the caller's thread: a debugger steps into it."""

    def __init__(self, kernels: ModuleType, *arguments: Any, **options: Any) -> None:
        self._kernels = kernels
        super().__init__(*arguments, **options)

    def _forward(self, batch: Any) -> int:
        network = self._network
        return self._kernels.forward_pass(self._work, self._sequences, self._norm, self._drop, network.flat, network.layers,
                                          network.front, self._data, batch, None)

    def _gradient(self, batch: Any) -> int:
        network = self._network
        return self._kernels.gradient_pass(self._weights, self._work, self._sequences, self._norm, self._drop,
                                           network.layers, network.front, self._data, self._kernel_loss, batch, None)

    def steps(self, plan: Plan, log: Log) -> int:
        """See engine.Engine."""
        network = self._network
        # Overflow on the way to divergence is reported by `fit`.
        with interrupt_held_back(), self._statistics_at_rest(), np.errstate(over="ignore", invalid="ignore"):
            return self._kernels.train_steps(log, self._weights, self._work, self._sequences, self._norm, self._drop,
                                             network.layers, network.front, self._task(plan), None)


class CompiledBackend:
    """What backends with compiled kernels have in common: they serve the kinds that their files name, and no others."""

    place: str  # where the kernels stand
    kernels: ModuleType
    activations: ModuleType
    recurrent: ModuleType
    rows: ModuleType

    def require_served(self, layers: np.ndarray, front: Front | None, optimizer: Any) -> None:
        """Raise ValueError for a kind without compiled maths: compiled code would pass over it in silence."""
        for kind in set(layers[:, ACTIVATION].tolist()):
            if kind not in self.activations.SERVED:
                raise unserved("activation", kind, ACTIVATIONS, self.activations.SERVED, f"{self.place}/activations.py")
        if front is not None:
            if front.kind not in self.recurrent.SERVED:
                raise unserved("activation", front.kind, ACTIVATIONS, self.recurrent.SERVED, f"{self.place}/recurrent.py")
            if front.pooling not in self.recurrent.SERVED_POOLINGS:
                served = self.recurrent.SERVED_POOLINGS
                raise unserved("pooling", front.pooling, POOLINGS, served, f"{self.place}/recurrent.py")
        served = self.kernels.OPTIMIZERS_SERVED
        if optimizer is not None and optimizer.code().kind not in served:
            raise unserved("optimizer", optimizer.code().kind, OPTIMIZERS, served, f"{self.place}/training.py")

    def loss_for_kernels(self, loss: Any, y: Any) -> Any:
        """Return the loss for prepared y as compiled code sees it; raise TypeError for a loss that only Python knows."""
        from losses.rows import FLOODS, RELAX, RELAXED
        if loss.row is None or _overridden(loss):
            raise TypeError(f"loss: got {loss!r}, which has no compiled row function (losses/rows.py), "
                            "accepted: a loss of `losses`, or backend='numpy'")
        soft = loss.row == "cross_entropy" and y.ndim == 2  # prepared soft targets; smoothing is already mixed in
        kind = _served("loss", "soft_cross_entropy" if soft else loss.row, LOSSES, self.rows.SERVED, f"{self.place}/rows.py")
        levels = loss.levels.copy()  # compiled code would take a read-only array for another type
        flood = _served("flood", loss.flood, FLOODS, self.rows.SERVED_FLOODS, f"{self.place}/rows.py")
        parameter = float(loss.flood_parameter)
        confidence = float(loss.confidence) if loss.confidence else None
        upper = parameter if flood in (RELAX, RELAXED) else None
        return LossCode(kind, float(loss.row_parameter), flood, float(loss.level), parameter, levels, confidence, upper)


class NumbaBackend(CompiledBackend):
    """The compiled backend, nn/cpu: what an engine is asked for is one compiled call (one per thread)."""

    name, place = "numba", "nn/cpu"

    def __init__(self) -> None:
        from .cpu import activations, online, recurrent, rows, threads, training
        self.kernels, self.online, self.threads = training, online, threads
        self.activations, self.recurrent, self.rows = activations, recurrent, rows

    def open(self, network: Network, inputs: Inputs, y: np.ndarray | None = None, loss: Any = None, *, optimizer: Any = None,
             **options: Any) -> "NumbaEngine":
        """See engine.Backend."""
        self.require_served(network.layers, network.front, optimizer)
        return NumbaEngine(self, network, inputs, y, loss, optimizer=optimizer, **options)

    def useful_threads(self, network: Network, inputs: Inputs, batch: int) -> int:
        """Return the number of threads that pay for batches of this size, within `thread_limit` and the processors."""
        steps = 0 if network.front is None else batch * inputs.lengths.mean()
        return self.threads.useful_threads(network.layers, batch, most_threads(), network.front, steps)


class CudaBackend(CompiledBackend):
    """The kernels of nn/cuda on a GPU, or on whatever nn/cuda/_compat.py holds for one."""

    name, place = "cuda", "nn/cuda"

    def __init__(self) -> None:
        # By name: who trains on the CPU does not depend on what is in these files (nn/shared/reached.py).
        names = "_compat", "activations", "recurrent", "rows", "training", "views"
        modules = {name: importlib.import_module(f"nn.cuda.{name}") for name in names}
        if why := modules["_compat"].machine.unavailable():
            raise RuntimeError("backend: got 'cuda', accepted: 'numba' or 'numpy' on this machine (a model that is there "
                               f"moves with model.copy(backend='numba')); {why}")
        self.device = importlib.import_module("nn.device")
        self.compat, self.kernels, self.views = modules["_compat"], modules["training"], modules["views"]
        self.activations, self.recurrent, self.rows = (modules[name] for name in ("activations", "recurrent", "rows"))

    def open(self, network: Network, inputs: Inputs, y: np.ndarray | None = None, loss: Any = None, *, optimizer: Any = None,
             **options: Any) -> Any:
        """See engine.Backend."""
        self.require_served(network.layers, network.front, optimizer)
        if network.front is not None and network.front.hidden > (most := self.recurrent.most_hidden(network.flat.dtype)):
            raise ValueError(f"hidden: got {network.front.hidden}, accepted: at most {most} in {network.flat.dtype} on "
                             "backend='cuda', where the states of a time step lie in shared memory")
        return self.device.CudaEngine(self, network, inputs, y, loss, optimizer=optimizer, **options)


class NumbaEngine(HostEngine):
    """Calls compiled kernels with a team of threads, whose number was found out when the engine was opened."""

    def __init__(self, backend: NumbaBackend, network: Network, inputs: Inputs, *arguments: Any, batch: int,
                 **options: Any) -> None:
        self._backend = backend
        self._threads = backend.useful_threads(network, inputs, batch)
        super().__init__(network, inputs, *arguments, batch=batch, **options)

    def _loss_for_kernels(self, y: np.ndarray | None) -> Any:
        return self._backend.loss_for_kernels(self._loss, y)

    def _forward(self, batch: Any) -> int:
        network = self._network
        return self._call(self._backend.kernels.forward_pass, (
            self._work, self._sequences, self._norm, self._drop, network.flat, network.layers, network.front, self._data,
            batch))

    def _gradient(self, batch: Any) -> int:
        network = self._network
        return self._call(self._backend.kernels.gradient_pass, (
            self._weights, self._work, self._sequences, self._norm, self._drop, network.layers, network.front, self._data,
            self._kernel_loss, batch))

    def steps(self, plan: Plan, log: Log) -> int:
        """See engine.Engine."""
        network, task, online = self._network, self._task(plan), self._backend.online
        arguments = (log, self._weights, self._work, self._sequences, self._norm, self._drop, network.layers, network.front,
                     task)
        if self._frozen is None and online.serves(self._norm, self._drop, network.front, task.penalty, task.optimizer, plan):
            return self._call(online.train_steps, arguments, 1)
        with self._statistics_at_rest():
            return self._call(self._backend.kernels.train_steps, arguments)

    def _call(self, kernel: Callable[..., Any], arguments: tuple[Any, ...], threads: int | None = None) -> Any:
        threads, run_team = threads or self._threads, self._backend.threads.run_team
        if threads == 1:  # one compiled call: nothing can strike in the middle
            return run_team(kernel, arguments, 1)
        return uninterrupted(run_team, (kernel, arguments, threads))


def _served(argument: str, name: Any, names: Mapping[str, int], served: Collection[Any], where: str) -> int:
    """Return the code of a name; raise ValueError unless the file `where` serves it."""
    if names.get(name) not in served:
        raise unserved(argument, name, names, served, where)
    return names[name]


def _overridden(loss: Any) -> bool:
    """Return whether a user's class replaced the maths of a loss but inherited the name of its compiled twin."""
    for cls in type(loss).__mro__:
        if cls.__module__.partition(".")[0] == "losses":
            break  # one of ours: losses/rows.py holds its twin
        if {"rows", "weigh", "objective", "in_epoch"} & vars(cls).keys():
            return True
    return hasattr(loss, "base") and _overridden(loss.base)


_make = functools.lru_cache(lambda kind: kind())
BACKENDS = {"numpy": NumpyBackend, "numba": NumbaBackend, "cuda": CudaBackend}  # each made when it is first asked for


def backend_named(name: str) -> Any:
    """Return the backend, or raise ValueError naming the ones there are."""
    return _make(BACKENDS[choose("backend", name, BACKENDS)])
