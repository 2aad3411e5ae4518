"""Reading checkpoint files, which nobody vouches for: a checksum tells damage, not intent.

So nothing is read into memory before it is known to be wanted: the JSON has a greatest size, arrays are only taken
uncompressed, and before the first of them is read all names, types and shapes must be those that the reader asked for.
How a file looks stands in checkpoint.py, which writes it.
"""
import contextlib
import hashlib
import io
import json
import os
import re
import reprlib
import stat
import zipfile
from collections.abc import Iterable, Iterator
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

MAGIC = b"afterzero checkpoint\n"
VERSION = 1
LONGEST_JSON = {"model": 2**16, "training run": 2**24}  # bytes
LONGEST_INTEGER = 1000  # digits; from text to number takes the square of it
SPARE = 2**16  # bytes that the archive may take beside its arrays, for names and a directory
BLOCK = 2**16  # bytes
NPY = b"\x93NUMPY\x01\x00"
# What NumPy writes for a vector, a table or a single number of numbers, in the byte order of most machines.
NPY_HEADER = re.compile(rb"\{'descr': '([<>|=][a-zA-Z]\d{1,2})', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n")


class CheckpointError(ValueError):
    """A file is no checkpoint, is damaged, is too new, or belongs to another configuration; it was left as it is."""


def not_ours(path: Path, what: str) -> CheckpointError:
    """Return the error for a file with a right checksum that no afterzero writes; `what` says by what one sees that."""
    return CheckpointError(f"{path}: got a file that afterzero did not write, accepted: one that it wrote; {what}")


class Wanted(NamedTuple):
    """An array that a reader asks for."""

    dtype: np.dtype
    shape: tuple
    finite: bool = True  # False: NaN and infinities may be in it; its reader looks closer


@contextlib.contextmanager
def opened(path: Path, kind: str) -> Iterator["File"]:
    """Yield the File at this path, its checksum compared and its values read."""
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise CheckpointError(f"{path}: got what is no regular file, accepted: an afterzero checkpoint")
    with open(path, "rb") as file:
        yield File(path, file, kind)


class File:
    """A checkpoint file: plain values, and arrays to be asked for.

    Attributes
    ----------
    values
        What the JSON holds: anything. Check it before use.

    """

    def __init__(self, path: Path, file: BinaryIO, kind: str) -> None:
        self.path, self._file = path, file
        if file.read(len(MAGIC)) != MAGIC:
            raise CheckpointError(f"{path}: got no afterzero checkpoint, accepted: a file that begins as one")
        checksum = file.readline(100)
        start, digest = file.tell(), hashlib.sha256()
        while block := file.read(BLOCK):
            digest.update(block)
        self._end = file.tell()
        if checksum != digest.hexdigest().encode() + b"\n":
            raise CheckpointError(f"{path}: got a file that is truncated or damaged, accepted: one with its own checksum")
        file.seek(start)
        text = file.readline(LONGEST_JSON[kind] + 1)
        self.require(text.endswith(b"\n"), f"its JSON is longer than {LONGEST_JSON[kind]} bytes, or not ended")
        self._start = file.tell()
        self.values = self._values(text, kind)

    def require(self, good: Any, what: str) -> None:
        """Raise CheckpointError unless all is good."""
        if not good:
            raise not_ours(self.path, what)

    def require_keys(self, name: str, value: Any, keys: Iterable[str]) -> None:
        """Raise CheckpointError unless a value is a dict with these keys."""
        self.require(isinstance(value, dict) and set(value) == set(keys),
                     f"{name}: got {shown(value)}, accepted: exactly the fields {', '.join(keys)}")

    def _values(self, text: bytes, kind: str) -> dict[str, Any]:
        try:
            header = json.loads(text.decode(), parse_int=_integer, parse_constant=_no_constant)
        except Exception as error:  # whatever a parser makes of nonsense: RecursionError and MemoryError, too
            raise not_ours(self.path, f"its JSON cannot be read: {type(error).__name__}: {shown(str(error))}") from None
        self.require(isinstance(header, dict), f"its JSON is {shown(header)}")
        version = header.get("version")
        self.require(type(version) is int and version > 0, f"version: got {shown(version)}, accepted: 1 to {VERSION}")
        if version > VERSION:
            raise CheckpointError(f"{self.path}: got format version {shown(version)}, accepted: up to {VERSION}; update "
                                  "afterzero to read it")
        self.require_keys("JSON", header, ("version", "kind", "values"))
        if header["kind"] != kind:
            raise CheckpointError(f"{self.path}: got a checkpoint of a {shown(header['kind'])[1:-1]}, accepted: of a {kind}")
        return header["values"]

    def arrays(self, wanted: dict[str, Wanted]) -> dict[str, np.ndarray]:
        """Return the arrays as a dict name -> ndarray.

        Parameters
        ----------
        wanted : dict name -> Wanted

        Raises
        ------
        CheckpointError
            If one is missing, there are others, or a type, a shape or an entry is not as wanted; also if one is
            compressed. Nothing larger than what was asked for has been read then.

        """
        most = sum(each.dtype.itemsize * prod(each.shape) for each in wanted.values()) + SPARE
        size = self._end - self._start
        self.require(size <= most, f"its arrays take {size} bytes, accepted: up to {most}, for {_listed(wanted)}")
        self._file.seek(self._start)
        try:
            with zipfile.ZipFile(io.BytesIO(self._file.read(size))) as archive:
                self._check_members(archive.infolist(), wanted)
                for name, each in wanted.items():
                    self._check_header(archive, name, each)
                found = {name: _data(archive, name, each) for name, each in wanted.items()}
        except CheckpointError:
            raise
        except Exception as error:  # as above
            raise not_ours(self.path, f"its arrays cannot be read: {type(error).__name__}: {shown(str(error))}") from None
        for name, each in wanted.items():
            self.require(not each.finite or np.isfinite(found[name]).all(), f"{name} holds numbers that are not finite")
        return found

    def _check_members(self, members: Any, wanted: dict[str, Wanted]) -> None:
        names = [member.filename for member in members]
        expected = [f"{name}.npy" for name in wanted]
        self.require(sorted(names) == sorted(expected), f"it holds the arrays {shown(names)}, accepted: {_listed(wanted)}")
        for member in members:
            plain = member.compress_type == zipfile.ZIP_STORED and member.compress_size == member.file_size
            self.require(plain and not member.flag_bits & 1, f"{member.filename} is compressed or encrypted")

    def _check_header(self, archive: zipfile.ZipFile, name: str, wanted: Wanted) -> None:
        """Raise CheckpointError unless a member is an array of this type and shape, and of the size that they give."""
        with archive.open(f"{name}.npy") as member:
            start = member.read(len(NPY) + 2)
            length = int.from_bytes(start[len(NPY):], "little")
            text = member.read(length)
        match = NPY_HEADER.fullmatch(text) if start[:len(NPY)] == NPY else None
        if match is None:
            raise not_ours(self.path, f"{name} is no array of numbers as NumPy writes it")
        dtype, shape = match[1].decode(), tuple(_integer(n) for n in match[2].decode().replace(" ", "").split(",") if n)
        self.require(dtype == wanted.dtype.str and shape == wanted.shape,
                     f"{name}: got type {dtype} and shape {shape}, accepted: {wanted.dtype.str} and {wanted.shape}")
        size = len(NPY) + 2 + length + wanted.dtype.itemsize * prod(shape)
        self.require(archive.getinfo(f"{name}.npy").file_size == size, f"{name} has another length than its shape gives")


def _data(archive: zipfile.ZipFile, name: str, wanted: Wanted) -> np.ndarray:
    """Return the array of a member whose header has been checked."""
    size = wanted.dtype.itemsize * prod(wanted.shape)
    with archive.open(f"{name}.npy") as member:
        data = bytearray(member.read())  # to its end, where its own checksum is compared
    return np.ndarray(wanted.shape, wanted.dtype, data, offset=len(data) - size)


def place(argument: str, path: str | PathLike[str]) -> Path:
    """Return the Path of a file to be written or read; raise an error that names the argument for anything else."""
    accepted = "the path of a file, as text or pathlib.Path"
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise TypeError(f"{argument}: got {shown(path)}, accepted: {accepted}")
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise ValueError(f"{argument}: got {shown(os.fspath(path))}, accepted: {accepted}")
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{argument}: got {str(path)!r}, which is a folder, accepted: {accepted}")
    return path


def shown(value: Any) -> str:
    """Return a short printable text for a value from a file."""
    try:
        return _short.repr(value)
    except Exception:  # a number of more digits than Python prints
        return f"something of type {type(value).__name__}"


def printable(text: str) -> str:
    """Return a text that may come from a file without what would steer a terminal, and not at any length."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:1000])


_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 200


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError(f"JSON: got an integer of {len(text)} digits, accepted: up to {LONGEST_INTEGER}")
    return int(text)


def _no_constant(text: str) -> None:
    raise ValueError(f"JSON: got {text}, accepted: finite numbers")
