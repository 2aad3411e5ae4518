"""The entry of ``python -m stopping``: see command.py. Ctrl-C ends it with one line from here on, during imports too."""
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    """Leave at once: nothing has been made yet that would have to be cleaned up."""
    import os  # loaded since Python started

    os.write(2, b"\nstopping: interrupted\n")
    os._exit(130)


BY_DEFAULT = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where Ctrl-C is ignored, or someone else's
if BY_DEFAULT:
    signal.signal(signal.SIGINT, _leave)

from .command import main as _main  # noqa: E402
from .ways_out import run  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; without arguments those of the process. Return value as `command.main`."""
    return _main(arguments) if arguments is not None else run(_main, "stopping", BY_DEFAULT)


if __name__ == "__main__":
    sys.exit(main())
if BY_DEFAULT:  # imported by a test
    signal.signal(signal.SIGINT, signal.default_int_handler)
