"""Arrays of the simulated GPU: every access is checked for bounds, for races and for being written before it is read."""
import operator

import numpy as np

from tests.cuda.simulated_clock import NEVER, HostAccess, OutOfBounds, Race, SimulatorError, Unwritten
from tests.cuda.simulated_local import NOTHING, as_dtype, text_of


class Array:
    """A device array, or a view of one: contiguous elements of a shared list of cells.

    A signed integer or a boolean is read as Python's own number, for in a kernel any arithmetic with it is 64 bits wide;
    other elements are NumPy's scalars of the dtype, so that float32 stays float32 and unsigned ones notice an underflow.
    """

    __slots__ = ("cells", "clock", "dtype", "first", "kind", "marks", "name", "others", "readers", "shape", "size",
                 "strangers", "writers")

    def __init__(self, cells, marks, clock, dtype, shape, first=0, name="array"):
        self.cells, self.clock, self.dtype, self.first, self.name = cells, clock, dtype, first, name
        # Stamps: the last writer, the last reader, another reader of the same epoch, a reader of another block.
        self.writers, self.readers, self.others, self.strangers = self.marks = marks
        self.shape, self.size = shape, int(np.prod(shape, dtype=int))
        self.kind = {"i": int, "b": bool}.get(dtype.kind, dtype.type)  # of what a cell holds

    @property
    def ndim(self):
        """Number of dimensions."""
        return len(self.shape)

    @property
    def nbytes(self):
        """Size in bytes."""
        return self.size * self.dtype.itemsize

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        raise SimulatorError(f"{self.name}: kernels index arrays, they do not iterate over them")

    def __array__(self, *arguments, **keywords):
        raise HostAccess(f"{self.name}: a device array becomes a host array by copy_to_host() alone")

    # --- elements

    def __getitem__(self, index):
        at = self._find(index)
        return self._read(at, index) if at.__class__ is int else at

    def __setitem__(self, index, value):
        at = self._find(index)
        if at.__class__ is not int:
            raise SimulatorError(f"{self.name}[{text_of(index)}] = … fills many elements: kernels write one by one")
        self._write(at, index, value)

    def _read(self, at, index):
        """Return the element of a cell."""
        clock = self.clock
        stamp = clock.stamp
        value = self.cells[at]
        if value is NOTHING or stamp < 0:
            raise self._unreadable(index)
        writer = self.writers[at]
        if writer != stamp and (writer >= clock.epoch or clock.launch <= writer < clock.block) and clock.unordered(writer):
            raise self._race("reads", index, "written", writer)
        before = self.readers[at]
        if before != stamp:
            if before >= clock.epoch:
                if not clock.warp_barriers or clock.keeps(before, self.others[at]):
                    self.others[at] = before
            elif clock.launch <= before < clock.block:
                self.strangers[at] = before
            self.readers[at] = stamp
        return value

    def _write(self, at, index, value):
        """Fill a cell."""
        clock = self.clock
        stamp = clock.stamp
        if stamp < 0:
            raise HostAccess(f"{self.name}[{text_of(index)}] is written by the host: use copy_to_device()")
        epoch, launch, block = clock.epoch, clock.launch, clock.block
        before = self.writers[at]
        if before != stamp and (before >= epoch or launch <= before < block) and clock.unordered(before):
            raise self._race("writes", index, "written", before)
        before = self.readers[at]
        if before != stamp and (before >= epoch or launch <= before < block) and clock.unordered(before):
            raise self._race("writes", index, "read", before)
        before = self.others[at]
        if before >= epoch and clock.unordered(before):
            raise self._race("writes", index, "read", before)
        if self.strangers[at] >= launch:
            raise self._race("writes", index, "read", self.strangers[at])
        self.writers[at] = stamp
        self.cells[at] = value if value.__class__ is self.kind else self.kind(value)

    # --- places

    def _find(self, index):
        """Return the cell of an index, or the view it stands for."""
        index = index if index.__class__ is tuple else (index,)
        if len(index) > len(self.shape):
            raise OutOfBounds(f"{self.name}[{text_of(index)}]: the array has {len(self.shape)} dimensions")
        if any(i.__class__ is slice for i in index):
            return self._cut(index)
        offset = 0
        for i, n in zip(map(operator.index, index), self.shape, strict=False):
            if not 0 <= i < n:
                raise self._outside(index)
            offset = offset * n + i
        if len(index) == len(self.shape):
            return self.first + offset
        rest = self.shape[len(index):]
        return self._view(rest, self.first + offset * int(np.prod(rest)))

    def _cut(self, index):
        """Return a view: a range of the first dimension."""
        cut = index[0]
        if len(index) > 1 or cut.step not in (None, 1):
            raise SimulatorError(f"{self.name}[{text_of(index)}]: views are contiguous ranges of the first dimension")
        start, stop = (None if end is None else operator.index(end) for end in (cut.start, cut.stop))
        start, stop = 0 if start is None else start, self.shape[0] if stop is None else stop
        if not 0 <= start <= stop <= self.shape[0]:
            raise self._outside(index)
        row = int(np.prod(self.shape[1:], dtype=int))
        return self._view((stop - start, *self.shape[1:]), self.first + start * row)

    def _view(self, shape, first):
        return kind_of(shape)(self.cells, self.marks, self.clock, self.dtype, shape, first, self.name)

    def reshape(self, *shape):
        """Return a view of another shape, with as many elements."""
        shape = tuple(operator.index(n) for n in (shape[0] if isinstance(shape[0], tuple) else shape))
        if -1 in shape:
            known = -int(np.prod(shape, dtype=int))
            shape = tuple(self.size // known if n == -1 else n for n in shape)
        if int(np.prod(shape, dtype=int)) != self.size:
            raise OutOfBounds(f"{self.name}.reshape{shape}: there are {self.size} elements")
        return self._view(shape, self.first)

    def ravel(self):
        """Return a view of one dimension."""
        return self._view((self.size,), self.first)

    def _unreadable(self, index):
        if self.clock.stamp < 0:
            return HostAccess(f"{self.name}[{text_of(index)}] is read by the host: use copy_to_host()")
        return Unwritten(f"{self.clock.here()} reads {self.name}[{text_of(index)}], which was never written")

    def _outside(self, index):
        where = f"{self.name}[{text_of(index)}] is outside of the shape {self.shape}"
        return OutOfBounds(f"{self.clock.here()}: {where}" if self.clock.stamp >= 0 else where)

    def _race(self, does, index, did, stamp):
        clock = self.clock
        return Race(f"{clock.here()} {does} {self.name}[{text_of(index)}], {did} by {clock.who(stamp)}, and no barrier "
                    "stands between")

    # --- copies between host and device

    def copy_to_host(self, out=None):
        """Return the elements as a NumPy array; those never written become NaN, or the smallest integer."""
        with self.clock.lock:
            return self._copy_to_host(out)

    def _copy_to_host(self, out):
        self._needs_host("copy_to_host")
        # Of integers 0 would pass for a result; the smallest one is as conspicuous as they can be.
        blank = np.nan if self.dtype.kind == "f" else np.iinfo(self.dtype).min if self.dtype.kind in "iu" else False
        cells = self.cells[self.first:self.first + self.size]
        values = np.array([blank if cell is NOTHING else cell for cell in cells], self.dtype).reshape(self.shape)
        if out is None:
            return values
        _same(f"{self.name}.copy_to_host", out, self)
        out[...] = values
        return out

    def copy_to_device(self, source):
        """Overwrite all elements by those of a NumPy array, or of another device array, of the same shape and dtype."""
        with self.clock.lock:
            self._copy_to_device(source)

    def _copy_to_device(self, source):
        self._needs_host("copy_to_device")
        _same(f"{self.name}.copy_to_device", source, self)
        cells = source.cells[source.first:source.first + source.size] if isinstance(source, Array) else source.ravel()
        self.cells[self.first:self.first + self.size] = [c if c is NOTHING else self.kind(c) for c in cells]

    def _needs_host(self, name):
        if self.clock.stamp >= 0:
            raise SimulatorError(f"{self.clock.here()} calls {self.name}.{name}: that is the host's")


class Vector(Array):
    """An array of one dimension: as `Array`, quicker."""

    __slots__ = ()

    def __getitem__(self, index):
        i = index if index.__class__ is int else _whole(index)
        if 0 <= i < self.size:
            return self._read(self.first + i, index)
        return super().__getitem__(index)

    def __setitem__(self, index, value):
        i = index if index.__class__ is int else _whole(index)
        if 0 <= i < self.size:
            self._write(self.first + i, index, value)
        else:
            super().__setitem__(index, value)


class Matrix(Array):
    """An array of two dimensions: as `Array`, quicker."""

    __slots__ = ()

    def __getitem__(self, index):
        at = self._quickly(index)
        return super().__getitem__(index) if at < 0 else self._read(at, index)

    def __setitem__(self, index, value):
        at = self._quickly(index)
        if at < 0:
            super().__setitem__(index, value)
        else:
            self._write(at, index, value)

    def _quickly(self, index):
        """Return the cell of an index, or -1 where it needs another look."""
        if index.__class__ is not tuple or len(index) != 2:
            return -1
        i, j = index
        if i.__class__ is not int:
            i = _whole(i)
        if j.__class__ is not int:
            j = _whole(j)
        rows, columns = self.shape
        return self.first + i * columns + j if 0 <= i < rows and 0 <= j < columns else -1


def _whole(index):
    """Return NumPy's integers as Python's; of anything else, which takes longer, -1."""
    return int(index) if isinstance(index, np.integer) else -1


def kind_of(shape):
    """Return the class for arrays of a shape."""
    return {1: Vector, 2: Matrix}.get(len(shape), Array)


def new_array(clock, shape, dtype, name="array"):
    """Return an array in which nothing is written."""
    shape = tuple(operator.index(n) for n in (shape if isinstance(shape, tuple | list) else (shape,)))
    if any(n < 0 for n in shape):
        raise OutOfBounds(f"{name}: the shape {shape} has a negative size")
    size = int(np.prod(shape, dtype=int))
    dtype = as_dtype(dtype)
    return kind_of(shape)([NOTHING] * size, tuple([NEVER] * size for _ in range(4)), clock, dtype, shape, name=name)


def _same(name, given, array):
    if given.shape != array.shape or given.dtype != array.dtype:
        raise SimulatorError(f"{name}: got shape {given.shape} of {given.dtype}, accepted: {array.shape} of {array.dtype}")
