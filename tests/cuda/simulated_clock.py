"""What can go wrong on the simulated GPU, and how races are found.

Whenever a block starts, and at each of its barriers, a new *epoch* begins; a thread that runs in an epoch has a stamp, the
first one of the epoch + the number of the thread, which only grows. Each element keeps the stamps of its last writer and of
its last readers. Two accesses, one of them a write, are ordered if

    they are the same thread's, or
    they lie in different launches (launches of one stream run one after another), or
    they lie in the same block, in different epochs (a barrier orders shared and global memory of the whole block).

All else is a race: nothing says which comes first, in whatever order the simulator happens to run. Blocks of one launch are
never ordered. A kernel in which no race is found gives the same result in any order of its threads, so that one is enough.
"""
import threading
from typing import NamedTuple

WARP = 32
NEVER = -1  # the stamp of no thread


class Index(NamedTuple):
    """A place in a block or in a grid, or the size of one."""

    x: int = 1
    y: int = 1
    z: int = 1

    def __str__(self):
        return f"({self.x}, {self.y}, {self.z})"

    def place(self, number):
        """Return the place with this number in a block or grid of this size."""
        return Index(number % self.x, number // self.x % self.y, number // (self.x * self.y))


class SimulatorError(Exception):
    """What a kernel did on the simulated GPU is wrong on a real one."""


class Race(SimulatorError):
    """Two threads touched an element, at least one of them wrote it, and no barrier stands between."""


class Divergence(SimulatorError):
    """Threads wait at different barriers, or some have left the kernel while others wait."""


class Unwritten(SimulatorError):
    """An element was read that nothing had been written to."""


class OutOfBounds(SimulatorError):
    """An index is negative, which Python would count from the end, or beyond the last element."""


class HostAccess(SimulatorError):
    """Host code touched single elements of a device array: on a GPU each of them is a copy, and waits for all kernels."""


class Arithmetic(SimulatorError):
    """An unsigned integer fell below 0, a number overflowed, was divided by 0, or has no square root or logarithm."""


class Endless(SimulatorError):
    """A block has waited at more barriers than any kernel of ours would."""


class TooLarge(SimulatorError):
    """A block asks for more threads or more shared memory than a GPU has."""


class Clock:
    """Which thread runs, and which stamps are ordered before it."""

    def __init__(self, warp_barriers=False):
        self.warp_barriers = warp_barriers
        self.lock = threading.RLock()  # of who launches or copies: host threads take turns, as on a stream
        self.stamp = NEVER  # of the thread that runs; NEVER in host code
        self.launch = self.block = self.epoch = 0  # the first stamp of the launch, the block and the epoch that run
        self.size, self.threads = Index(), 1  # of a block
        self.warps = []  # for each warp of the block the first stamp since its last warp barrier
        self.thread = None
        self.blocks = []  # (first stamp, index) of the blocks of this launch so far
        self.next = 0  # the first stamp that no thread has had

    def new_epoch(self):
        """Begin what comes after a barrier of the block."""
        self.epoch = self.next
        self.warps = [self.next] * -(-self.threads // WARP)
        self.next += self.threads

    def new_warp_epoch(self, warp):
        """Begin what comes after a barrier of one warp."""
        self.warps[warp] = self.next
        self.next += self.threads

    def unordered(self, stamp):
        """Return whether nothing orders an earlier access by `stamp` before the thread that runs now."""
        if stamp < self.launch or self.block <= stamp < self.epoch:
            return False
        if stamp < self.block:
            return True
        other = (stamp - self.block) % self.threads
        if other == self.thread.number:
            return False
        warp = other // WARP
        return warp != self.thread.number // WARP or stamp >= self.warps[warp]

    def keeps(self, before, other):
        """Return whether `before`, an element's last reader in this epoch, is kept beside the one that reads now.

        `other` is the one kept so far. Without barriers of warps any reader but the one that reads now will do. With them
        one of another warp is kept for the whole epoch, because no such barrier orders it.
        """
        mine, its, kept = self.thread.number, (before - self.block) % self.threads, (other - self.block) % self.threads
        apart = other >= self.epoch and kept // WARP != mine // WARP
        return its // WARP != mine // WARP or (its != mine and not apart)

    def who(self, stamp):
        """Return the thread of a stamp of this launch in words."""
        first, block = max(entry for entry in self.blocks if entry[0] <= stamp)
        return f"thread {self.size.place((stamp - first) % self.threads)} of block {block}"

    def here(self):
        """Return the thread that runs in words."""
        return self.who(self.stamp)
