"""How functions are compiled: options, and an on-disk cache that can never run stale code.

Numba's own cache notices an edit of the file a function stands in, but not of the files it calls into. Here the cache
directory's name holds a hash of every source file that kernels are made of, so any edit starts an empty cache. The user's
own Numba cache is left alone.
"""
import atexit
import contextlib
import gc
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numba
from numba.core import config

import losses
import nn

from .parts import compile_part, compile_part_and_whole

JIT = not config.DISABLE_JIT

# `reassoc` lets sums be vectorised. Full `fastmath` would compile isnan() to False, and divergence would go unnoticed.
# error_model="numpy": the test for a zero divisor of the default model prevents vectorisation.
# _nrt: references to arrays are not counted, which cost a fifth of the time of small networks. The caller holds every array
# that a kernel is given until it returns, and kernels create none (Numba refuses to compile one that does).
OPTIONS = {"fastmath": {"reassoc", "contract", "nsz", "arcp"}, "error_model": "numpy", "nogil": True, "_nrt": False}
KEEP_DAYS = 30


def source_files():
    """Return every source file whose text can end up in a compiled kernel."""
    return sorted([*Path(nn.__file__).parent.rglob("*.py"), *Path(losses.__file__).parent.glob("*.py")])


def source_stamp():
    """Return a hash of those files, of Numba's version and settings, and of Python's version."""
    digest = hashlib.sha256(f"{numba.__version__} {config.OPT} {config.BOUNDSCHECK} {sys.version}".encode())
    for path in source_files():
        digest.update("/".join(path.parts[-3:]).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_root():
    """Return the folder of all caches: AFTERZERO_CACHE_DIR, or the platform's cache folder of this user."""
    if os.environ.get("AFTERZERO_CACHE_DIR"):
        return Path(os.environ["AFTERZERO_CACHE_DIR"])
    home = {"Windows": os.environ.get("LOCALAPPDATA"), "Darwin": os.path.expanduser("~/Library/Caches")}.get(
        platform.system(), os.environ.get("XDG_CACHE_HOME"))
    return Path(home or os.path.expanduser("~/.cache")) / "afterzero"


def cache_directory():
    """Return the cache directory of today's sources, created.

    It is a temporary one where the user's is not writable, and where a source was edited after this process loaded it:
    what runs here is then not what the files say, and must not be kept under their stamp.
    """
    if any(path.stat().st_mtime > nn.loaded_at for path in source_files()):
        return _temporary_directory()
    directory = cache_root() / source_stamp()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        os.utime(directory)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError:
        return _temporary_directory()
    _forget_old(directory)
    return directory


def _temporary_directory():
    directory = tempfile.mkdtemp(prefix="afterzero-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


def _forget_old(current):
    """Delete caches of sources that nobody has used for a month."""
    for other in current.parent.iterdir():
        with contextlib.suppress(OSError):
            if other != current and other.is_dir() and time.time() - other.stat().st_mtime > KEEP_DAYS * 86400:
                shutil.rmtree(other, ignore_errors=True)


@contextlib.contextmanager
def _file_lock(path):
    """Hold an exclusive lock between processes."""
    with open(path, "a+b") as handle:
        if os.name == "nt":
            import msvcrt
            msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield  # closing the file releases the lock


def _guard_cache(dispatcher, directory):
    """Let one process at a time add to the cache, and none stumble over a file that was cut short.

    Numba reads a function's index, picks a free file name and writes both; two processes doing so at once can point one
    signature at the other's machine code (numba#4807). Readers need no lock: files are replaced atomically, data first.
    """
    save, load = dispatcher._cache.save_overload, dispatcher._cache.load_overload

    def save_overload(*args):
        with contextlib.suppress(OSError), _file_lock(directory / "lock"):
            save(*args)

    def load_overload(*args):
        try:
            return load(*args)
        except Exception:  # whatever unpickling makes of a broken file: forget it and compile anew
            with contextlib.suppress(OSError):
                dispatcher._cache.flush()
            return None

    dispatcher._cache.save_overload, dispatcher._cache.load_overload = save_overload, load_overload


@contextlib.contextmanager
def _without_garbage_collection():
    """Keep Python from searching the compiler's live objects for garbage 700 times: half a second of a kernel's seven.

    Another thread that switches it off meanwhile finds it on again.
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
    """Compile a function that kernels call and that Python may call too: the twins of nn/reference."""
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
    _guard_cache(dispatcher, _directory)
    dispatcher.compile = _without_garbage_collection()(dispatcher.compile)
    return dispatcher
