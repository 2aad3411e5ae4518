"""Whether kernels are being compiled at this moment, for whoever lets a user wait and wants to say why."""
import logging
import threading
import time
from typing import Any

MESSAGE = "compiling, once for this installation (about 10 s)"

_lock, _under_way, _since, _watchers = threading.Lock(), 0, 0.0, 0


def begin() -> None:
    """Note that a kernel, which no cache has, begins to be compiled; said in the log where nobody watches."""
    global _under_way, _since
    with _lock:
        _under_way += 1
        if _under_way == 1:
            _since = time.monotonic()
            if not _watchers:
                logging.getLogger("afterzero").info(MESSAGE)


def end() -> None:
    """Note that it is done."""
    global _under_way
    with _lock:
        _under_way -= 1


def seconds() -> float | None:
    """Return for how long kernels have been compiled without a pause; None when none is."""
    return time.monotonic() - _since if _under_way else None


def text() -> str:
    """Return what to show beside a progress bar: the message with the seconds running, or nothing."""
    waited = seconds()
    return "" if waited is None else f"{MESSAGE}: {waited:.0f} s"


def bar_column() -> Any:
    """Return a progress bar for rich in whose place the message stands while kernels are compiled."""
    from rich.progress import BarColumn
    from rich.text import Text

    class BarOrMessage(BarColumn):
        def render(self, task: Any) -> Any:
            message = text()
            return Text(message) if message else super().render(task)
    return BarOrMessage()


class Watched:
    """While it is entered somebody shows `text`, so that no line is logged."""

    def __enter__(self) -> None:
        global _watchers
        with _lock:
            _watchers += 1

    def __exit__(self, *error: object) -> None:
        global _watchers
        with _lock:
            _watchers -= 1
