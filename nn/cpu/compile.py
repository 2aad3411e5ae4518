"""How functions are compiled: options, and an on-disk cache that runs no stale code.

Numba's own cache notices an edit of the file a function stands in, but not of the files it calls
into. Here one hash, the stamp, covers every module that a kernel reaches through imports, by what
it means: a comment, a docstring, another folder or a new date of a file compile nothing anew, and
an operator or a number anywhere does. Where kernels are kept: cache.py; what is in a file:
kernel_files.py. The user's own Numba cache is left alone.
"""
import functools
import hashlib
import inspect
import sys
import threading
from pathlib import Path

import llvmlite
import numba
from numba.core import config

from .. import compiling
from ..interrupts import interrupt_held_back
from ..shared.loaded import SOURCES
from ..shared.meaning import meaning_of
from ..shared.pauses import without_garbage_collection
from ..shared.reached import ROOT, read_below, version_of
from .cache import cache_folder, remember_stamp, stamp_known, temporary_folder
from .kernel_files import KernelCache
from .parts import PlainCompiler, compile_apart, compile_part, compile_part_and_whole

JIT = not config.DISABLE_JIT

# `reassoc` lets sums be vectorised. Full `fastmath` would compile isnan() to False, and divergence
# would go unnoticed.
# error_model="numpy": the test for a zero divisor of the default model prevents vectorisation.
# _nrt: references to arrays are not counted, which cost a fifth of the time of small networks. The
# caller holds every array that a kernel is given until it returns, and kernels create none (Numba
# refuses to compile one that does).
OPTIONS = {"fastmath": {"reassoc", "contract", "nsz", "arcp"}, "error_model": "numpy",
           "nogil": True, "_nrt": False}

MADE_BY = (f"{numba.__version__} {llvmlite.__version__} {config.OPT} {config.BOUNDSCHECK} "
           f"{sys.version}")

# The modules whose functions Python calls; what they import can end in a kernel.
ENTRIES = ("nn.cpu.online", "nn.cpu.training")
# But these, which this file imports: who waits for a kernel, and whether one is still good, is not
# in it.
NEVER_COMPILED = ("nn.compiling", "nn.interrupts", "nn.shared.loaded", "nn.shared.meaning",
                  "nn.shared.pauses", "nn.shared.reached")


def _of_kernels(what, read):
    """Return what `reached` or `version_of` says of the kernels' modules.

    None where their sources cannot be read.
    """
    try:
        return what(ENTRIES, without=NEVER_COMPILED, packages=("losses", "nn"), read=read)
    except (ModuleNotFoundError, OSError, SyntaxError, ValueError):
        return None


@functools.cache
def _bytes_loaded():
    """Return a hash of all that the stamp follows from, byte for byte; it finds a known stamp."""
    digest = hashlib.sha256(MADE_BY.encode())
    for path, source in sorted(SOURCES.items()):
        digest.update(f"\0{path}\0{len(source)}\0".encode() + source)
    return digest.hexdigest()[:32]


@functools.cache
def source_stamp():
    """Return a hash of what kernels are made of as it was loaded, and of what makes them.

    That is Numba with its settings, and Python. None where the package has no sources, or none that
    can be read.
    """
    if found := stamp_known(_bytes_loaded()):
        return found
    if (version := _of_kernels(version_of, SOURCES.get)) is None:
        return None
    return hashlib.sha256(f"{MADE_BY} {version}".encode()).hexdigest()[:16]


def _as_loaded():
    """Return whether the sources still mean what they meant when this process loaded them."""
    read = read_below(ROOT)
    if all(read(path) == source for path, source in SOURCES.items()):
        return True
    return _of_kernels(version_of, SOURCES.get) == _of_kernels(version_of, read)


def cache_directory():
    """Return the cache directory of today's sources, created.

    It is a temporary one where the user's cannot be used, and where a source was edited after this
    process loaded it and means something else now: which modules were imported before the edit, and
    which after it, is not known.
    """
    if source_stamp() is None or not _as_loaded():
        return temporary_folder()
    folder = cache_folder(source_stamp())
    remember_stamp(folder, _bytes_loaded())
    return folder


def _stamp_for(function):
    """Return what a cached function is valid for; None for one that must not be cached.

    A function from elsewhere, as tests have some, is made of its own file besides.
    """
    if source_stamp() is None or function.__module__ in ENTRIES:
        return source_stamp()
    try:
        source = Path(inspect.getfile(function)).read_bytes()
    except (OSError, TypeError):
        return None
    if function.__closure__:
        return None
    own = f"{meaning_of(source).digest} {function.__code__.co_firstlineno}"
    return hashlib.sha256(f"{source_stamp()} {own}".encode()).hexdigest()[:16]


_directory = None


def inner(function):
    """Compile a function that only compiled functions call; calling it from Python would crash."""
    return compile_part(function, OPTIONS)


def apart(function):
    """Compile a function as `inner` does, but called, not taken in.

    It takes half the time to compile, and costs some 50 ns per call.
    """
    return compile_apart(function, OPTIONS)


def plain(function):
    """Compile a function as `apart` does, its loops as they are written.

    For functions that copy and sort and do not calculate.
    """
    return compile_apart(function, OPTIONS, PlainCompiler)


def twin(function):
    """Compile a function that kernels call and Python may call too: a twin of nn/reference."""
    return compile_part_and_whole(function, OPTIONS) if JIT else function


def twin_apart(function):
    """Compile a twin that kernels call and do not take in; see `apart`."""
    return compile_part_and_whole(function, OPTIONS, compile_apart) if JIT else function


def entry(function):
    """Compile a function that Python calls, and cache it with everything it calls."""
    global _directory
    if not JIT:
        return function
    if _directory is None:
        _directory = cache_directory()
    dispatcher = numba.njit(no_cfunc_wrapper=True, **OPTIONS)(function)
    if (stamp := _stamp_for(function)) is not None:
        dispatcher._cache = KernelCache(function, _directory, stamp)
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
            with interrupt_held_back(), without_garbage_collection():
                return compile_(*args)
        finally:
            if state.begun:
                state.begun = False
                compiling.end()

    state = threading.local()
    cache.load_overload = load_overload
    return compile_held
