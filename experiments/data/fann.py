"""Tables in the text format of the FANN library: "N inputs outputs", then N times a line of inputs and a line of outputs."""
import io
import os
import re
from os import PathLike
from typing import Any

import numpy as np

NUMBERS = re.compile(rb"[0-9eE+\-. \t]*")  # what float() would also take, such as 1_0 or nan, is not FANN's


class FannError(ValueError):
    """A file is not what it should be: names the file and line, what was found and what is accepted."""


def read_fann(path: str | PathLike[str], *, max_bytes: int = 2**28) -> tuple[np.ndarray, np.ndarray]:
    """Read one table.

    Parameters
    ----------
    path : str or path
    max_bytes : int
        The file may not be larger; 256 MiB by default. Memory use stays within a small multiple of the size of the file,
        whatever its first line promises.

    Returns
    -------
    inputs : ndarray of float64, shape (N, D)
    outputs : ndarray of float64, shape (N, K)

    Raises
    ------
    FannError
        (a ValueError) When the file is anything but one whole table of finite numbers.
    OSError
        When the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise FannError(f"{path}: got {size} bytes, accepted: at most max_bytes = {max_bytes}")
        content = file.read().rstrip()
    lines = io.BytesIO(content)  # a list of all lines could take twenty times the file
    samples, inputs, outputs = _header(lines.readline(), path)
    found = content.count(b"\n")
    if found != 2 * samples:
        raise FannError(f"{path}: got {found} lines after the first, accepted: {2 * samples}, an input and an output "
                        f"line for each of {samples} samples")
    if samples * (inputs + outputs) > size:  # a number takes a digit at least: nothing is allocated for a mere promise
        raise FannError(f"{path}: got {size} bytes, accepted: enough for {samples} x ({inputs} + {outputs}) numbers")
    x, y = np.empty((samples, inputs)), np.empty((samples, outputs))
    for sample in range(samples):
        x[sample] = _row(lines.readline(), inputs, path, 2 + 2 * sample)
        y[sample] = _row(lines.readline(), outputs, path, 3 + 2 * sample)
    return x, y


def _header(line: Any, path: str | PathLike[str]) -> tuple[int, ...]:
    """Return samples, inputs, outputs."""
    if not re.fullmatch(rb"\s*[0-9]{1,10}[ \t]+[0-9]{1,10}[ \t]+[0-9]{1,10}\s*", line):
        raise FannError(f"{path}: got first line {line[:60]!r}, accepted: three whole numbers, samples, inputs, outputs")
    samples, inputs, outputs = map(int, line.split())
    if 0 in (samples, inputs, outputs):
        raise FannError(f"{path}: got {samples} samples, {inputs} inputs, {outputs} outputs, accepted: at least 1 of each")
    return samples, inputs, outputs


def _row(line: Any, count: int, path: str | PathLike[str], number: int) -> np.ndarray:
    """Return the numbers (count,) of a line."""
    words = line.split()
    if len(words) != count:
        raise FannError(f"{path}, line {number}: got {len(words)} numbers, accepted: {count}")
    try:
        values = np.array(words, dtype=np.float64) if NUMBERS.fullmatch(line.rstrip(b"\r\n")) else None
    except ValueError:
        values = None
    if values is None or not np.isfinite(values).all():
        raise FannError(f"{path}, line {number}: got {line[:60]!r}, accepted: {count} finite decimal numbers")
    return values
