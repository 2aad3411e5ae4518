"""How large a table will be in memory and how long it takes to read, said beforehand; what cannot fit is refused unread."""
import os
import sys
from dataclasses import dataclass

from .columnar import size_of
from .dialect import dialect_of
from .encoding import MOST
from .errors import TableError
from .files import TEXT, kind_of
from .numbers import number

# Measured on 100,000 x 100 numbers: 0.5 µs a cell to read, of words and dates up to 0.9; at most 24 bytes a cell (float64,
# again while its blocks are put together, then float32 inputs) beside the block of text that is held while reading.
SECONDS, BYTES, BASE = 0.7e-6, 24, 2**27
COLUMN = 2**13, 1e-4  # bytes and seconds of one, however short
GIB = 2**30


@dataclass(frozen=True)
class Estimate:
    """What reading a table takes, before it is read.

    Attributes
    ----------
    rows, columns : int
        Rows as the first megabyte promises them.
    memory : int
        Bytes to read it and to make inputs of it; training comes on top.
    seconds : float
        On one core of the kind this was measured on.
    """

    rows: int
    columns: int
    memory: int
    seconds: float

    def __str__(self) -> str:
        return (f"about {self.rows:,} rows of {self.columns:,} columns: about {max(1, round(self.seconds)):,} s and "
                f"{self.memory / GIB:.1f} GiB to read")


def estimated(path: str | os.PathLike[str], label: str = "") -> Estimate:
    """Estimate what reading a table takes, from its size and its first megabyte.

    Raises
    ------
    TableError
        If it is no table, as far as can be seen.
    """
    kind = kind_of(path)
    size = os.path.getsize(path)
    if kind == TEXT:
        dialect = dialect_of(path, label)
        rows, columns = max(1, round(size / dialect.row_bytes) - dialect.skip), len(dialect.names)
        held = 4 * rows * _of_words(dialect.rows, columns)
    else:
        rows, columns, held = size_of(path, kind)
    cells = rows * columns
    return Estimate(rows, columns, BASE + BYTES * cells + held + COLUMN[0] * columns,
                    SECONDS * cells + size / 2**29 + COLUMN[1] * columns)


def _of_words(rows: list[list[str]], columns: int) -> int:
    """Return about how many inputs columns of words will have, by the first rows."""
    total = 0
    for j in range(columns):
        words = [row[j] for row in rows if j < len(row)]
        different = len(set(words))
        if 2 * different < len(words) and any(number(word) is None and number(word, ",") is None for word in set(words)):
            total += min(different, MOST + 1)
    return total


def refuse_too_large(path: str | os.PathLike[str], label: str) -> None:
    """Raise TableError for a table that cannot fit into the memory that is free."""
    estimate, free = estimated(path, label), free_memory()
    if free is not None and estimate.memory > free:
        part = max(1, int(estimate.rows * free / estimate.memory / 2))
        raise TableError(
            f"{path}: got {os.path.getsize(path) / GIB:.2f} GiB, about {estimate.rows:,} rows of {estimate.columns:,} "
            f"columns, which take {estimate.memory / GIB:.1f} GiB of memory to read, accepted: what fits into the "
            f"{free / GIB:.1f} GiB that are free; about {part:,} of its rows do, and may tell as much")


def free_memory() -> int | None:
    """Return the bytes of memory that a process can still take, None where the system does not say."""
    found = [_system(), *_limits()]
    known = [value for value in found if value is not None]
    return min(known) if known else None


def _system() -> int | None:
    try:
        for line in _text("/proc/meminfo").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    if sys.platform == "win32":
        return _windows()
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _limits(root: str = "/sys/fs/cgroup") -> list[int]:
    """Return what the limits of a container leave (cgroup 2, then 1); pages of files count as free: they give way."""
    found = []
    for limit, used, about in (("memory.max", "memory.current", "memory.stat"),
                               ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat")):
        try:
            most, now = (int(_text(root, name)) for name in (limit, used))
            pages = dict(line.split() for line in _text(root, about).splitlines())
            files = sum(int(pages.get(name, 0)) for name in ("inactive_file", "active_file"))
            found.append(max(0, most - max(0, now - files)))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return found


def _text(*place: str) -> str:
    with open(os.path.join(*place), encoding="ascii") as file:
        return file.read()


def _windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ulong), ("load", ctypes.c_ulong),
                    *((name, ctypes.c_ulonglong) for name in ("total", "free", "total_page", "free_page", "total_virtual",
                                                              "free_virtual", "extended")))

    status = Status()
    status.length = ctypes.sizeof(status)
    windll = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.free)
