"""The entry of ``python -m stopping``: see command.py. Ctrl-C ends it with one line, during imports too: see entering.py."""
import signal
import sys
from collections.abc import Sequence

from .entering import guard

OURS = guard()

from .command import main as _main  # noqa: E402
from .ways_out import run  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; without arguments those of the process. Return value as `command.main`."""
    return _main(arguments) if arguments is not None else run(_main, "stopping", OURS)


if __name__ == "__main__":
    sys.exit(main())
if OURS:  # imported by a test
    signal.signal(signal.SIGINT, signal.default_int_handler)
