"""What a model asks of a backend: forward_pass, gradient_pass, train_steps. Everything else is shared.

The numba backend is imported when a model first asks for it, so that ``import nn`` stays quick.
"""
import contextlib
import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import threadpoolctl

from . import cython_blas
from .codes import ACTIVATIONS, OPTIMIZERS, POOLINGS, ROWS, LossCode, unserved
from .interrupts import interrupt_held_back
from .layers import ACTIVATION
from .suggestions import choose

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
        import numba
        limit = getattr(_thread, "limit", None) or numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        return self._threads.useful_threads(layers, rows, limit, front, steps)

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


def uninterrupted(function, arguments):
    """Return function(*arguments), run outside the main thread: Ctrl-C strikes only there, and only when it is done.

    So no update is left half-made, and no thread waiting for another for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*arguments)
    future = _coordinator().submit(function, *arguments)
    try:
        return future.result()
    finally:
        while not future.done():
            with contextlib.suppress(KeyboardInterrupt):  # a second Ctrl-C: the first is already on its way up
                future.exception()


@functools.lru_cache
def _coordinator():
    return ThreadPoolExecutor(1, "afterzero")


_thread = threading.local()


@contextlib.contextmanager
def thread_limit(limit):
    """Let kernels called from this thread use at most `limit` threads (None: as before, at first as many as pay)."""
    before = getattr(_thread, "limit", None)
    _thread.limit = before if limit is None else limit
    try:
        yield
    finally:
        _thread.limit = before


_lock, _inside = threading.Lock(), 0
_before: list[int] = []


def _start_over():
    """Forget what threads of the parent process, which a forked child does not have, were doing."""
    global _lock, _inside
    _lock, _inside = threading.Lock(), 0
    _coordinator.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)


@functools.lru_cache
def _blas():
    """Return the controls of all BLAS libraries, the one that kernels call by address included."""
    cython_blas.load()  # whether or not a kernel has been compiled yet
    return [library for library in threadpoolctl.ThreadpoolController().lib_controllers if library.user_api == "blas"]


def _set_threads(library, threads):
    # From 3.7 on, threadpoolctl ignores every thread but the first that asked while that one lives; here whoever comes first
    # sets the number and whoever leaves last takes it back, so the library itself is asked.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(threads)


@contextlib.contextmanager
def one_blas_thread():
    """Keep BLAS to one thread: threads of its own would fight with ours, and its results depend on their number.

    The setting is the whole process's: whoever enters first makes it, whoever leaves last, perhaps in another thread, takes
    it back.
    """
    global _inside, _before
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = [library.get_num_threads() for library in _blas()]
            for library in _blas():
                _set_threads(library, 1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for library, threads in zip(_blas(), _before, strict=True):
                    _set_threads(library, threads)
