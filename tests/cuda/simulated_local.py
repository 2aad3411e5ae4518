"""Memory of one thread on the simulated GPU, and what all of its memory has in common."""
import numpy as np

from tests.cuda.simulated_clock import OutOfBounds, Unwritten

# What an element holds that nothing was written to. No value of a kernel can be it.
NOTHING = object()


class LocalVector:
    """An array of a thread's own: nobody else can touch it."""

    __slots__ = ("cells", "clock", "dtype", "kind", "name", "shape", "size")

    def __init__(self, clock, size, dtype, name):
        self.cells, self.clock, self.dtype, self.name = [NOTHING] * size, clock, dtype, name
        self.shape, self.size, self.kind = (size,), size, dtype.type

    def __getitem__(self, index):
        if not 0 <= index < self.size:
            raise OutOfBounds(f"{self.clock.here()}: {self.name}[{text_of(index)}] is outside of the shape {self.shape}")
        value = self.cells[index]
        if value is NOTHING:
            raise Unwritten(f"{self.clock.here()} reads {self.name}[{text_of(index)}], which was never written")
        return value

    def __setitem__(self, index, value):
        if not 0 <= index < self.size:
            raise OutOfBounds(f"{self.clock.here()}: {self.name}[{text_of(index)}] is outside of the shape {self.shape}")
        self.cells[index] = value if value.__class__ is self.kind else self.kind(value)


def as_dtype(dtype):
    """Return NumPy's dtype, also of a type of Numba's (`numba.float32`), which has the same name."""
    return dtype if isinstance(dtype, np.dtype) else np.dtype(dtype if isinstance(dtype, type | str) else str(dtype))


def text_of(index):
    """Return an index in words."""
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(f"{i.start}:{i.stop}" if isinstance(i, slice) else str(int(i)) for i in parts)
