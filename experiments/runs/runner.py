"""What runs in this process: its cores, its threads as they end, and measurements, one at a time."""
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from contextvars import ContextVar

from ..ways_out import say
from .progress import Bar, say_unused
from .store import Run, Store

Measure = Callable[[Callable[[float], None]], Run]

_expected: ContextVar[str] = ContextVar("expected", default="")


@contextmanager
def expected(text: str) -> Iterator[None]:
    """Let `measure_missing` say how long all of a command takes, before it begins."""
    token = _expected.set(text)
    try:
        yield
    finally:
        _expected.reset(token)


def cores() -> int:
    """Cores this process may use: fewer than the machine has, inside a container or a batch job."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def as_they_end(futures: set[Future]) -> Iterator[set[Future]]:
    """Yield the futures that have ended, some at a time, until all have."""
    while futures:
        # The timeout keeps Ctrl-C alive on systems where waiting for a lock cannot be interrupted.
        done, futures = wait(futures, timeout=0.5, return_when=FIRST_COMPLETED)
        yield done


def measure_missing(store: Store, parts: Sequence[tuple[Mapping, Measure]], title: str) -> int:
    """Measure what the store lacks, one after another in this thread: nothing may run beside a measurement.

    Parameters
    ----------
    store : Store
        Each part is written as soon as it is finished.
    parts : sequence of (settings, measure)
        The identity under which a part is stored, and ``measure(tick) -> Run``; it calls ``tick(share)`` with the share
        done, 0 to 1, every now and then.
    title : str
        Left of the progress bar, which is not shown when output is not a terminal.

    Returns
    -------
    int
        How many were measured.
    """
    from nn.processor import one_blas_thread, thread_limit

    wanted = {id(settings) for settings in store.missing([settings for settings, _ in parts])}
    todo = [part for part in parts if id(part[0]) in wanted]
    if not todo:
        return 0
    say_unused(store, [settings for settings, _ in parts])
    takes = f", {_expected.get()}" if _expected.get() else ""
    say(f"{title}: {len(todo)} of {len(parts)} to do{takes}")
    with Bar(title, len(todo)) as bar:
        for settings, measure in todo:
            begin = time.perf_counter()
            with one_blas_thread(), thread_limit(cores()):
                run = measure(_ticker(bar))
            store.save(settings, run, time.perf_counter() - begin)
    return len(todo)


def _ticker(bar: Bar) -> Callable[[float], None]:
    """Return the tick function of one part."""
    reported = 0.0

    def tick(share: float) -> None:
        nonlocal reported
        bar.advance(share - reported)
        reported = share

    return tick
