"""What a model asks of a backend: forward_pass, gradient_pass, train_steps. Everything else is shared.

The numba backend is imported when a model first asks for it, so that ``import nn`` stays quick.
"""
import functools

import numpy as np

from .checks import choose
from .interrupts import interrupt_held_back
from .processor import most_threads, uninterrupted
from .shared.codes import ACTIVATIONS, OPTIMIZERS, POOLINGS, ROWS, LossCode, unserved
from .shared.layers import ACTIVATION

BACKENDS = ("numpy", "numba")


@functools.lru_cache
def backend_named(name):
    """Return the backend, or raise ValueError naming the ones there are."""
    choose("backend", name, BACKENDS)
    return NumpyBackend() if name == "numpy" else NumbaBackend()


class NumpyBackend:
    """The definition, nn/reference."""

    name = "numpy"

    def __init__(self):
        from .reference import training
        self._kernels = training

    def loss_for_kernels(self, loss, y):
        """Return what kernels take as their loss: here the loss itself."""
        return loss

    def threads(self, layers, rows, front=None, steps=0):
        """Return the number of threads to use: one, NumPy's own."""
        return 1

    def forward_pass(self, *arguments, threads):
        """Run samples; arguments and result as in nn/reference/training.py."""
        return self._kernels.forward_pass(*arguments, None)

    def gradient_pass(self, *arguments, threads):
        """Fill the gradient; arguments and result as in nn/reference/training.py."""
        return self._kernels.gradient_pass(*arguments, None)

    def train_steps(self, *arguments, threads):
        """Take the updates of a plan, in the caller's thread; arguments and result as in nn/reference/training.py."""
        # Overflow on the way to divergence is reported by `fit`.
        with interrupt_held_back(), np.errstate(over="ignore", invalid="ignore"):
            return self._kernels.train_steps(*arguments, None)


class NumbaBackend:
    """The compiled backend, nn/cpu: each method is one compiled call (one per thread)."""

    name = "numba"

    def __init__(self):
        from .cpu import activations, online, recurrent, rows, threads, training
        self._kernels, self._online, self._threads = training, online, threads
        self._activations, self._recurrent, self._rows = activations, recurrent, rows

    def loss_for_kernels(self, loss, y):
        """Return the loss for prepared y as compiled code sees it; raise TypeError for a loss that only Python knows."""
        from losses.rows import FLOODS, RELAX, RELAXED
        if loss.row is None or _overridden(loss):
            raise TypeError(f"loss: got {loss!r}, which has no compiled row function (losses/rows.py); "
                            "accepted: a loss of `losses`, or backend='numpy'")
        soft = loss.row == "cross_entropy" and y.ndim == 2  # prepared soft targets; smoothing is already mixed in
        row = _served("loss", "soft_cross_entropy" if soft else loss.row, ROWS, self._rows.SERVED, "nn/cpu/rows.py")
        levels = loss.levels.copy()  # compiled code would take a read-only array for another type
        flood = _served("flood", loss.flood, FLOODS, self._rows.SERVED_FLOODS, "nn/cpu/rows.py")
        parameter = float(loss.flood_parameter)
        confidence = float(loss.confidence) if loss.confidence else None
        upper = parameter if flood in (RELAX, RELAXED) else None
        return LossCode(row, float(loss.row_parameter), flood, float(loss.level), parameter, levels, confidence, upper)

    def threads(self, layers, rows, front=None, steps=0):
        """Return the number of threads that pay for batches of this size, within `thread_limit` and the processors."""
        return self._threads.useful_threads(layers, rows, most_threads(), front, steps)

    def forward_pass(self, *arguments, threads):
        """Run samples; arguments and result as in nn/reference/training.py."""
        self._require_served(arguments[5], arguments[6])
        return self._run(self._kernels.forward_pass, arguments, threads)

    def gradient_pass(self, *arguments, threads):
        """Fill the gradient; arguments and result as in nn/reference/training.py."""
        self._require_served(arguments[6], arguments[7])
        return self._run(self._kernels.gradient_pass, arguments, threads)

    def train_steps(self, *arguments, threads):
        """Take the updates of a plan; arguments and result as in nn/reference/training.py."""
        *_, norm, drop, layers, front, _, _, penalty, optimizer, plan = arguments
        self._require_served(layers, front)
        if optimizer.kind not in self._kernels.OPTIMIZERS_SERVED:
            raise unserved("optimizer", optimizer.kind, OPTIMIZERS, self._kernels.OPTIMIZERS_SERVED, "nn/cpu/training.py")
        if self._online.serves(norm, drop, front, penalty, optimizer, plan):
            return self._run(self._online.train_steps, arguments, 1)
        return self._run(self._kernels.train_steps, arguments, threads)

    def _require_served(self, layers, front):
        """Raise ValueError for a kind without compiled maths: compiled code would pass over it in silence."""
        for kind in set(layers[:, ACTIVATION].tolist()):
            if kind not in self._activations.SERVED:
                raise unserved("activation", kind, ACTIVATIONS, self._activations.SERVED, "nn/cpu/activations.py")
        if front is not None:
            if front.kind not in self._recurrent.SERVED:
                raise unserved("activation", front.kind, ACTIVATIONS, self._recurrent.SERVED, "nn/cpu/recurrent.py")
            if front.pooling not in self._recurrent.SERVED_POOLINGS:
                raise unserved("pooling", front.pooling, POOLINGS, self._recurrent.SERVED_POOLINGS, "nn/cpu/recurrent.py")

    def _run(self, kernel, arguments, threads):
        if threads == 1:  # one compiled call: nothing can strike in the middle
            return self._threads.run_team(kernel, arguments, 1)
        return uninterrupted(self._threads.run_team, (kernel, arguments, threads))


def _served(argument, name, names, served, where):
    """Return the code of a name; raise ValueError unless the file `where` serves it."""
    if names.get(name) not in served:
        raise unserved(argument, name, names, served, where)
    return names[name]


def _overridden(loss):
    """Return whether a user's class replaced the maths of a loss but inherited the name of its compiled twin."""
    for cls in type(loss).__mro__:
        if cls.__module__.partition(".")[0] == "losses":
            break  # one of ours: losses/rows.py holds its twin
        if {"rows", "weigh", "objective", "in_epoch"} & vars(cls).keys():
            return True
    return hasattr(loss, "base") and _overridden(loss.base)
