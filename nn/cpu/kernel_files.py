"""Numba's cache of one function, under our hash of the sources and with checked files.

By itself Numba asks whether the file a function stands in is the one that was compiled (its path,
its bytes, the function's first line), and whether the function's bytecode is: too much, as a
comment changes the file; and too little, as neither knows what the function calls. Here the stamp
of compile.py is the one guard. It names the folder, and stands in every index and, together with
the function's full name, in every file's name.

A flipped bit in machine code ends the process, so that every file begins with its checksum.
"""
import contextlib
import hashlib
import io
import os
import pickle
import stat
import sys

from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    _CacheLocator,
)


class Damaged(Exception):
    """A cache file is not what was written."""


class Locator(_CacheLocator):
    """Where a function's files lie and what they are valid for."""

    def __init__(self, function, folder, stamp):
        self._py_file = function.__code__.co_filename  # named in a warning of Numba
        self._folder, self._stamp = str(folder), stamp
        self.name = f"{function.__module__}.{function.__qualname__}"

    def get_cache_path(self):
        """Return the folder."""
        return self._folder

    def get_source_stamp(self):
        """Return what an index must bear to be read."""
        return self._stamp

    def get_disambiguator(self):
        """Return what tells functions of the same short name apart."""
        return hashlib.sha256(f"{self._stamp} {self.name}".encode()).hexdigest()[:16]


class Implementation(CompileResultCacheImpl):
    """How a kernel becomes bytes: Numba's way, with our locator in place of Numba's."""

    def __init__(self, function, folder, stamp):
        # Not the base class's: it looks for a locator by itself, and asks the environment for one.
        self._lineno = function.__code__.co_firstlineno
        self._locator = Locator(function, folder, stamp)
        name = self._locator.name.rpartition(".<locals>.")[2]
        self._filename_base = self.get_filename_base(name, getattr(sys, "abiflags", ""))


class KernelCache(FunctionCache):
    """The cache of one dispatcher.

    One process at a time adds to it, and none stumbles over a damaged file. Numba reads a
    function's index, picks a free file name and writes both; two processes doing so at once can
    point one signature at the other's machine code (numba#4807). Readers need no lock: files are
    replaced atomically, data first.
    """

    def __init__(self, function, folder, stamp):
        # Not the base class's, which makes the implementation of the function alone.
        self._name, self._py_func = repr(function), function
        self._impl = Implementation(function, folder, stamp)
        self._cache_path, self._lock = str(folder), folder / "lock"
        self._cache_file = CheckedFiles(cache_path=self._cache_path, source_stamp=stamp,
                                        filename_base=self._impl.filename_base)
        self.enable()

    def save_overload(self, sig, data):
        """Keep a kernel, if the disk lets us."""
        with contextlib.suppress(OSError), _file_lock(self._lock):
            try:
                super().save_overload(sig, data)
            except Damaged:
                self.flush()
                super().save_overload(sig, data)

    def load_overload(self, sig, target_context):
        """Return a kernel, None where there is none."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever is made of a broken file: forget it and compile anew
            with contextlib.suppress(OSError), _file_lock(self._lock):
                self.flush()
            return None

    def _index_key(self, sig, codegen):
        """Return what one function's kernels differ in; its bytecode is covered by the stamp."""
        return sig, codegen.magic_tuple()


class CheckedFiles(IndexDataCacheFile):
    """Numba's index and data files of one function, each behind the SHA-256 of its content."""

    @contextlib.contextmanager
    def _open_for_write(self, filepath):
        content = io.BytesIO()
        with super()._open_for_write(filepath) as file:
            yield content
            file.write(hashlib.sha256(content.getvalue()).digest() + content.getvalue())

    def _read(self, path):
        """Return the content of a file; raise Damaged before anybody unpickles or runs it."""
        if not stat.S_ISREG(os.stat(path).st_mode):  # a named pipe would be waited for
            raise Damaged(path)
        with open(path, "rb") as file:
            checksum, content = file.read(32), file.read()
        if hashlib.sha256(content).digest() != checksum:
            raise Damaged(path)
        return content

    def _load_index(self):
        try:
            content = io.BytesIO(self._read(self._index_path))
        except FileNotFoundError:
            return {}
        if pickle.load(content) != self._version:
            return {}
        stamp, overloads = pickle.load(content)
        return overloads if stamp == self._source_stamp else {}

    def _load_data(self, name):
        return pickle.loads(self._read(self._data_path(name)))


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
