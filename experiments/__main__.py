"""The entry of ``python -m experiments`` and of the console script ``afterzero``, which are the same; see command.py.

Ctrl-C ends it with one line from here on, also while everything else is still being imported.
"""
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    """Leave at once: nothing has been made yet that would have to be cleaned up."""
    import os  # loaded since Python started

    os.write(2, b"\nafterzero: interrupted before anything began\n")
    os._exit(130)


BY_DEFAULT = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where Ctrl-C is ignored, or someone else's
if BY_DEFAULT:
    signal.signal(signal.SIGINT, _leave)

from . import ours  # noqa: E402
from .command import PROGRAM, menu  # noqa: E402
from .command import main as _main  # noqa: E402
from .running import parse  # noqa: E402
from .ways_out import run  # noqa: E402

__all__ = ["main", "menu", "parse"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; without arguments those of the process, which ends with the exit code that is returned.

    Parameters and return value as `command.main`.
    """
    return _main(arguments) if arguments is not None else run(lambda: _main(sys.argv[1:]), PROGRAM, BY_DEFAULT)


if __name__ == "__main__":
    sys.exit(main())
# Imported: the console script calls `main` next, which takes over.
if BY_DEFAULT and not ours.is_script():
    signal.signal(signal.SIGINT, signal.default_int_handler)
