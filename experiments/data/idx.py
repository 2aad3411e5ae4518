"""IDX files, the format of MNIST and its successors: two zero bytes, a type, the number of axes, their sizes, the elements.

A file may be damaged, cut off, not what its name says, or made to fill the memory. The parser believes nothing: it reads no
more than the header promises and one byte, keeps only what was really there, and refuses every file that is not exact.
"""
import gzip
import math
import struct
import zlib
from os import PathLike
from typing import Any

import numpy as np

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
OTHER_TYPES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
MAX_AXES = 8
PIECE = 1 << 20  # bytes asked for at once: a reader may allocate what it is asked for before it knows what is there


class IdxError(ValueError):
    """A file is not what it should be: names the file, what was found and what is accepted."""


def read_idx(path: str | PathLike[str], *, max_bytes: int = 2**30) -> np.ndarray:
    """Read an IDX file of unsigned bytes, as it is or packed with gzip (told apart by its content, not by its name).

    Parameters
    ----------
    path : str or path
    max_bytes : int
        The header may not promise more elements than this; 1 GiB by default. Memory use stays within twice the elements
        that are really there, and a few megabytes.

    Returns
    -------
    ndarray of uint8
        With the axes that the header names, at least one, none of them empty. Owns its memory and is writable.

    Raises
    ------
    IdxError
        (a ValueError) When the file is anything but one whole IDX file of unsigned bytes.
    OSError
        When the file cannot be opened or read.
    """
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            return parse_idx(file, path, max_bytes=max_bytes)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return parse_idx(unpacked, path, max_bytes=max_bytes)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise IdxError(f"{path}: got damaged gzip data ({error}), accepted: a whole .gz file") from None


def parse_idx(stream: Any, path: str | PathLike[str], *, max_bytes: int = 2**30) -> np.ndarray:
    """Read one array from a binary stream that must end with it; `path` is what errors call it. See `read_idx`."""
    shape = _read_header(stream, path)
    size = math.prod(shape)  # of Python integers: it cannot overflow
    if size > max_bytes:
        raise IdxError(f"{path}: got a header that promises {shape} = {size} bytes, accepted: at most max_bytes = "
                       f"{max_bytes}")
    content = _read_at_most(stream, size + 1)
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content)}"
        raise IdxError(f"{path}: got {found} bytes after the header, accepted: {size}, for the shape {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def encode_header(shape: Any) -> bytes:
    """Return what stands before the elements of an array of uint8 of this shape."""
    return struct.pack(f">HBB{len(shape)}I", 0, UNSIGNED_BYTE, len(shape), *shape)


def encode_idx(array: np.ndarray) -> bytes:
    """Return an array of uint8 as the bytes of an IDX file; the inverse of `parse_idx`.

    Raises
    ------
    TypeError, ValueError
        When the elements are not uint8, or the shape is not one that `read_idx` accepts.
    """
    array = np.asarray(array)
    if array.dtype != np.uint8:
        raise TypeError(f"array: got dtype {array.dtype}, accepted: uint8")
    if not 1 <= array.ndim <= MAX_AXES or array.size == 0:
        raise ValueError(f"array: got shape {array.shape}, accepted: 1 to {MAX_AXES} axes, none of them empty")
    return encode_header(array.shape) + array.tobytes()


def _read_header(stream: Any, path: str | PathLike[str]) -> Any:
    """Return the shape."""
    magic = _read_at_most(stream, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise IdxError(f"{path}: got first bytes {magic.hex(' ') or 'none'}, accepted: an IDX file, 00 00 08 and the "
                       "number of axes")
    kind, axes = magic[2], magic[3]
    if kind != UNSIGNED_BYTE:
        name = f" ({OTHER_TYPES[kind]})" if kind in OTHER_TYPES else ""
        raise IdxError(f"{path}: got element type 0x{kind:02X}{name}, accepted: 0x08 (uint8)")
    if not 1 <= axes <= MAX_AXES:
        raise IdxError(f"{path}: got {axes} axes, accepted: 1 to {MAX_AXES}")
    sizes = _read_at_most(stream, 4 * axes)
    if len(sizes) < 4 * axes:
        raise IdxError(f"{path}: got {len(sizes)} bytes of axis sizes, accepted: {4 * axes}, for {axes} axes")
    shape = struct.unpack(f">{axes}I", sizes)
    if 0 in shape:
        raise IdxError(f"{path}: got the shape {shape}, accepted: no empty axis")
    return shape


def _read_at_most(stream: Any, size: int) -> bytearray:
    """Read up to `size` bytes; fewer only at the end of the stream."""
    content = bytearray()
    while len(content) < size and (piece := stream.read(min(PIECE, size - len(content)))):
        content += piece
    return content
