"""Ctrl-C while ``python -m stopping`` loads: the package comes first, then its entry, and NumPy takes a while.

Imported before everything else. Whoever imports the package as a library keeps his own ways with signals.
"""
import signal
import sys
from types import FrameType


def leave(number: int, frame: FrameType | None) -> None:
    """Leave at once: nothing has been made yet that would have to be cleaned up."""
    import os  # loaded since Python started

    os.write(2, b"\nstopping: interrupted\n")
    os._exit(130)


def guard() -> bool:
    """Let Ctrl-C leave at once; return False where Ctrl-C is ignored, or somebody else's."""
    ours = signal.getsignal(signal.SIGINT) in (signal.default_int_handler, leave)
    if ours:
        signal.signal(signal.SIGINT, leave)
    return ours


def is_command() -> bool:
    """Return whether Python looks for our entry: argv is "-m" meanwhile. Options may stand before a name, as in -Im."""
    if sys.argv[:1] != ["-m"]:
        return False
    word = sys.orig_argv[-len(sys.argv)]  # behind it are its arguments alone
    return word == "stopping" or (word[:1] == "-" and word.endswith("mstopping"))


if is_command():
    guard()
