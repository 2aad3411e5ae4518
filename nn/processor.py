"""The processor: threads that kernels may use, calls that Ctrl-C cannot tear, and BLAS kept to one thread."""
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import threadpoolctl

from .cpu import cython_blas


def uninterrupted(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
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
def _coordinator() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "afterzero")


_thread = threading.local()


@contextlib.contextmanager
def thread_limit(limit: int | None) -> Iterator[None]:
    """Let kernels called from this thread use at most `limit` threads (None: as before, at first as many as pay)."""
    before = getattr(_thread, "limit", None)
    _thread.limit = before if limit is None else limit
    try:
        yield
    finally:
        _thread.limit = before


def most_threads() -> int:
    """Return how many threads kernels called from this one may use: what `thread_limit` says, or else Numba."""
    import numba
    return getattr(_thread, "limit", None) or numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]


_lock, _inside = threading.Lock(), 0
_before: list[int] = []


def _start_over() -> None:
    """Forget what threads of the parent process, which a forked child does not have, were doing."""
    global _lock, _inside
    _lock, _inside = threading.Lock(), 0
    _coordinator.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)


@functools.lru_cache
def _blas() -> list[Any]:
    """Return the controls of all BLAS libraries, the one that kernels call by address included."""
    cython_blas.load()  # whether or not a kernel has been compiled yet
    return [library for library in threadpoolctl.ThreadpoolController().lib_controllers if library.user_api == "blas"]


def _set_threads(library: Any, threads: int) -> None:
    # From 3.7 on, threadpoolctl ignores every thread but the first that asked while that one lives; here whoever comes first
    # sets the number and whoever leaves last takes it back, so the library itself is asked.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(threads)


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
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
