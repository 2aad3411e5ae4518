"""What stands for the module `cuda` in kernels on the simulated GPU."""
import sys

from tests.cuda.simulated_arrays import new_array
from tests.cuda.simulated_clock import WARP, SimulatorError
from tests.cuda.simulated_launch import name_of
from tests.cuda.simulated_local import LocalVector, as_dtype


class _Shared:
    """`cuda.shared`: one array of the whole block for each line that asks for one."""

    def __init__(self, cuda):
        self._cuda = cuda

    def array(self, shape, dtype):
        """Return the array of the line that calls."""
        return self._cuda.running.shared_array(sys._getframe(1), shape, dtype)


class _Local:
    """`cuda.local`: an array of the thread's own."""

    def __init__(self, clock):
        self._clock = clock

    def array(self, shape, dtype):
        """Return a new array."""
        name = name_of(sys._getframe(1))
        if isinstance(shape, int):
            return LocalVector(self._clock, shape, as_dtype(dtype), name)
        return new_array(self._clock, shape, dtype, name)


class Missing(SimulatorError, AttributeError):
    """A kernel uses what is not simulated."""


class Cuda:
    """Stands for the module `cuda` in kernels."""

    warpsize = WARP

    def __init__(self, clock):
        self.shared, self.local = _Shared(self), _Local(clock)
        # Set whenever a launch, a block or a thread begins or goes on.
        self.running = self.gridDim = self.blockDim = self.blockIdx = self.threadIdx = None
        self._clock = clock

    def __getattr__(self, name):
        raise Missing(f"cuda.{name}: the simulator has no such thing (tests/cuda/simulated_cuda.py)")

    @property
    def laneid(self):
        """Number of the thread in its warp."""
        return self._clock.thread.number % WARP

    def grid(self, dimensions):
        """Return the thread's place in the grid."""
        t, b, n = self.threadIdx, self.blockIdx, self.blockDim
        if dimensions == 1:
            return b.x * n.x + t.x
        return (b.x * n.x + t.x, b.y * n.y + t.y, b.z * n.z + t.z)[:dimensions]

    def gridsize(self, dimensions):
        """Return the number of threads of the grid."""
        size = tuple(b * n for b, n in zip(self.gridDim, self.blockDim, strict=True))
        return size[0] if dimensions == 1 else size[:dimensions]

    def syncthreads(self):
        """Wait for all threads of the block."""
        self.running.wait(sys._getframe(1))

    def syncwarp(self, mask=0xFFFFFFFF):
        """Wait for the lanes of the warp that are named by the bits of `mask`."""
        self.running.wait(sys._getframe(1), mask)

    def shfl_sync(self, mask, value, lane):
        """Return the value of a lane of the warp."""
        return self.running.exchange(sys._getframe(1), mask, value, lane % WARP)

    def shfl_up_sync(self, mask, value, delta):
        """Return the value of the lane `delta` below; the lowest ones keep their own."""
        lane = self.laneid - delta
        return self.running.exchange(sys._getframe(1), mask, value, lane if lane >= 0 else self.laneid)

    def shfl_down_sync(self, mask, value, delta):
        """Return the value of the lane `delta` above; the highest ones keep their own."""
        lane = self.laneid + delta
        return self.running.exchange(sys._getframe(1), mask, value, lane if lane < WARP else self.laneid)

    def shfl_xor_sync(self, mask, value, bits):
        """Return the value of the lane whose number differs in `bits`."""
        return self.running.exchange(sys._getframe(1), mask, value, self.laneid ^ bits)
