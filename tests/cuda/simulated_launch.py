"""One launch on the simulated GPU: blocks one after another, and their threads as greenlets that wait at barriers."""
import contextlib
import contextvars
import functools
import linecache
from itertools import starmap

import numpy as np
from greenlet import GreenletExit, getcurrent, greenlet

from tests.cuda.simulated_arrays import new_array
from tests.cuda.simulated_clock import WARP, Divergence, Endless, SimulatorError, TooLarge, Unwritten
from tests.cuda.simulated_local import NOTHING

STATIC_SHARED = 48 * 1024  # bytes of `cuda.shared.array(CONSTANT, …)` in a block; ptxas refuses more
MOST_SHARED = 227 * 1024  # bytes with what a launch asks for; sm_90
MOST_BARRIERS = 10_000  # of a block, on the small arrays of these tests


class Thread:
    """One thread of a block: its number and place, and where it waits."""

    __slots__ = ("greenlet", "index", "mask", "number", "site", "value")

    def __init__(self, number, index):
        self.number, self.index = number, index
        self.greenlet = None  # the one that runs it, once it has waited
        self.site = self.mask = None  # of the barrier: code and place in it; the lanes, where it is a warp's own
        self.value = NOTHING  # what it shows to its warp


class Launch:
    """A kernel's body with its arguments, on a grid."""

    def __init__(self, machine, body, arguments, shared):
        self.clock, self.cuda = machine.clock, machine.cuda
        self.body, self.arguments, self.dynamic = body, arguments, shared

    def run(self, grid, size):
        """Run all blocks, in the order of their numbers."""
        clock = self.clock
        clock.size, clock.threads = size, size.x * size.y * size.z
        clock.launch, clock.blocks = clock.next, []
        places = [(number, size.place(number)) for number in range(clock.threads)]
        for number in range(grid.x * grid.y * grid.z):
            self.cuda.blockIdx = grid.place(number)
            self._run_block(list(starmap(Thread, places)))

    def _run_block(self, threads):
        clock = self.clock
        self.shared, self.static = {}, 0
        self.hub, self.threads, self.unstarted = getcurrent(), threads, threads[::-1]
        clock.block = clock.next
        clock.blocks.append((clock.block, self.cuda.blockIdx))
        clock.new_epoch()
        try:
            # A greenlet runs one thread after another until one of them waits, and is that thread's from then on: a kernel
            # without barriers needs a single greenlet.
            while self.unstarted:
                worker = greenlet(self._work)
                worker.gr_context = contextvars.copy_context()  # NumPy's error state
                worker.switch()
            barriers = 0
            while waiting := [thread for thread in threads if thread.site is not None]:
                barriers += 1
                if barriers > MOST_BARRIERS:
                    raise Endless(f"{self.body.__name__}: block {self.cuda.blockIdx} waits for the {barriers}th time, "
                                  f"accepted: {MOST_BARRIERS}; the last time at {_at(waiting[0])}")
                for thread in self._released(waiting):
                    thread.site = None
                    self._enter(thread)
                    thread.greenlet.switch()
        finally:
            for thread in threads:
                if thread.greenlet is not None and not thread.greenlet.dead:
                    with contextlib.suppress(GreenletExit):
                        thread.greenlet.throw()

    def _work(self):
        while self.unstarted:
            thread = self.unstarted.pop()
            self._enter(thread)
            self.body(*self.arguments)
            if thread.greenlet is not None:
                return

    def _enter(self, thread):
        clock, cuda = self.clock, self.cuda
        clock.thread, cuda.threadIdx = thread, thread.index
        clock.stamp = clock.warps[thread.number // WARP] + thread.number

    # --- barriers

    def wait(self, frame, mask=None, step=0):
        """Let the thread that runs wait at a barrier: of its block, or of the lanes `mask` of its warp."""
        if mask is not None and not self.clock.warp_barriers:
            raise SimulatorError(f"{self.body.__name__} waits for a warp: tell the simulator by warp_barriers=True")
        thread = self.clock.thread
        thread.site, thread.mask = (frame.f_code, frame.f_lasti, frame.f_lineno, step), mask
        if thread.greenlet is None:
            thread.greenlet = getcurrent()
        self.hub.switch()

    def exchange(self, frame, mask, value, lane):
        """Show a value to the other lanes of the warp, and return that of `lane`."""
        thread = self.clock.thread
        source = thread.number - thread.number % WARP + lane
        thread.value = value
        self.wait(frame, mask, step=1)
        if not (mask >> lane) & 1 or source >= len(self.threads) or self.threads[source].value is NOTHING:
            raise Unwritten(f"{self.clock.here()} asks in line {frame.f_lineno} of {frame.f_code.co_name} for the value of "
                            f"lane {lane}, which shows none")
        found = self.threads[source].value
        self.wait(frame, mask, step=2)
        thread.value = NOTHING
        return found

    def _released(self, waiting):
        """Return the threads whose barrier is complete, and begin what comes after it."""
        first = next((thread for thread in waiting if thread.mask is not None), None)
        if first is not None:
            return self._released_warp(first, waiting)
        self._agree(waiting)
        if len(waiting) < len(self.threads):
            left = next(thread for thread in self.threads if thread.site is None)
            raise Divergence(f"block {self.cuda.blockIdx}: {len(waiting)} threads wait at {_at(waiting[0])}, but "
                             f"{len(self.threads) - len(waiting)} have left the kernel, thread {left.index} among them")
        self.clock.new_epoch()
        return waiting

    def _released_warp(self, first, waiting):
        """Release the lanes that the first one's mask names: they all wait with it, but for those that left the kernel."""
        warp = first.number // WARP
        named = [t for t in waiting if t.number // WARP == warp and (first.mask >> (t.number % WARP)) & 1]
        if first not in named:
            raise Divergence(f"block {self.cuda.blockIdx}: thread {first.index} waits at {_at(first)}, and the mask "
                             f"{first.mask:#x} does not name it")
        self._agree(named)
        self.clock.new_warp_epoch(warp)
        return named

    def _agree(self, threads):
        first = threads[0]
        for thread in threads:
            if thread.site != first.site or thread.mask != first.mask:
                raise Divergence(f"block {self.cuda.blockIdx}: thread {first.index} waits at {_at(first)}, thread "
                                 f"{thread.index} at {_at(thread)}")

    # --- shared memory

    def shared_array(self, frame, shape, dtype):
        """Return the block's array of a line; the first thread that comes by makes it."""
        dynamic = shape == 0
        key = "dynamic" if dynamic else (frame.f_code, frame.f_lasti)
        array = self.shared.get(key)
        if array is None:
            shape = self.dynamic // np.dtype(dtype).itemsize if dynamic else shape
            array = self.shared[key] = new_array(self.clock, shape, dtype, name_of(frame))
            self.static += 0 if dynamic else array.nbytes
            if self.static > STATIC_SHARED or self.static + self.dynamic > MOST_SHARED:
                raise TooLarge(f"{self.body.__name__}: {array.name} makes {self.static} bytes of shared memory, and the "
                               f"launch asks for {self.dynamic}, accepted: {STATIC_SHARED}, and {MOST_SHARED} in all")
        if dynamic and array.dtype != dtype:
            raise SimulatorError(f"{name_of(frame)}: dynamic shared memory is one array, of one dtype; got {dtype} after "
                                 f"{array.dtype}")
        return array


def name_of(frame):
    """Return the name that a line gives to the array it makes."""
    return _name(frame.f_code.co_filename, frame.f_lineno)


@functools.cache
def _name(file, number):
    line = linecache.getline(file, number)
    return line.partition("=")[0].strip() or f"the array of line {number}"


def _at(thread):
    code, _, line, _ = thread.site
    lanes = "" if thread.mask is None else f" with the lanes {thread.mask:#x}"
    return f"line {line} of {code.co_name}{lanes}"
