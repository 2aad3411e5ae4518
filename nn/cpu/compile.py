"""How functions are compiled: options, and an on-disk cache (cache.py) that runs no stale code.

Numba's own cache notices an edit of the file a function stands in, but not of the files it calls
into. Here the cache directory's name holds a hash of every source file that kernels are made of, so
any edit starts an empty cache. The user's own Numba cache is left alone.
"""
import contextlib
import gc
import hashlib
import sys
import threading
from pathlib import Path

import numba
from numba.core import config

import losses

from .. import compiling
from ..interrupts import interrupt_held_back
from ..shared.loaded import LOADED_AT
from .cache import cache_folder, guard, temporary_folder
from .parts import compile_part, compile_part_and_whole

JIT = not config.DISABLE_JIT

# `reassoc` lets sums be vectorised. Full `fastmath` would compile isnan() to False, and divergence
# would go unnoticed.
# error_model="numpy": the test for a zero divisor of the default model prevents vectorisation.
# _nrt: references to arrays are not counted, which cost a fifth of the time of small networks. The
# caller holds every array that a kernel is given until it returns, and kernels create none (Numba
# refuses to compile one that does).
OPTIONS = {"fastmath": {"reassoc", "contract", "nsz", "arcp"}, "error_model": "numpy",
           "nogil": True, "_nrt": False}


def source_files():
    """Return every source file whose text can end up in a compiled kernel."""
    folder = Path(__file__).resolve().parents[1]
    return sorted([*folder.rglob("*.py"), *Path(losses.__file__).parent.glob("*.py")])


def source_stamp():
    """Return a hash of those files, of Numba's version and settings, and of Python's version."""
    settings = f"{numba.__version__} {config.OPT} {config.BOUNDSCHECK} {sys.version}"
    digest = hashlib.sha256(settings.encode())
    for path in source_files():
        digest.update("/".join(path.parts[-3:]).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_directory():
    """Return the cache directory of today's sources, created.

    It is a temporary one where the user's cannot be used, and where a source was edited after this
    process loaded it: what runs here is then not what the files say, and must not be kept under
    their stamp.
    """
    if any(path.stat().st_mtime > LOADED_AT for path in source_files()):
        return temporary_folder()
    return cache_folder(source_stamp())


@contextlib.contextmanager
def _without_garbage_collection():
    """Keep Python from searching the compiler's live objects for garbage 700 times.

    That takes half a second of a kernel's seven. Another thread that switches it off meanwhile
    finds it on again.
    """
    enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if enabled:
            gc.enable()


_directory = None


def inner(function):
    """Compile a function that only compiled functions call; calling it from Python would crash."""
    return compile_part(function, OPTIONS)


def twin(function):
    """Compile a function that kernels call and Python may call too: a twin of nn/reference."""
    return compile_part_and_whole(function, OPTIONS) if JIT else function


def entry(function):
    """Compile a function that Python calls, and cache it with everything it calls."""
    global _directory
    if not JIT:
        return function
    if _directory is None:
        _directory = cache_directory()
    before, config.CACHE_DIR = config.CACHE_DIR, str(_directory)
    try:
        dispatcher = numba.njit(cache=True, **OPTIONS)(function)
    finally:
        config.CACHE_DIR = before
    guard(dispatcher, _directory)
    dispatcher.compile = _compiler(dispatcher.compile, dispatcher._cache)
    return dispatcher


def _compiler(compile_, cache):
    """Return a dispatcher's `compile` that says when to wait and runs to its end despite Ctrl-C.

    An exception that strikes inside Numba comes out as another one, or not at all: it is held back
    till the kernel is made.
    """
    load = cache.load_overload

    def load_overload(*args):
        found = load(*args)
        if found is None:
            compiling.begin()
            state.begun = True
        return found

    def compile_held(*args):
        state.begun = False
        try:
            with interrupt_held_back(), _without_garbage_collection():
                return compile_(*args)
        finally:
            if state.begun:
                state.begun = False
                compiling.end()

    state = threading.local()
    cache.load_overload = load_overload
    return compile_held
