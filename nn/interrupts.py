"""Ctrl-C at a moment when something is half made: an update, or a kernel that is being compiled."""
import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Hold Ctrl-C back inside; what came meanwhile strikes on the way out.

    Signals reach the main thread alone, and only a handler of Python's can be called later: elsewhere nothing changes.
    """
    handler = None
    if threading.current_thread() is threading.main_thread():
        handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, the system's own, or another thread
        yield
        return
    came = []
    signal.signal(signal.SIGINT, lambda *received: came.append(received))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])
