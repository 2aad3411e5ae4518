"""Every way out of a command: one line and an exit code, never a traceback of Python's own on Ctrl-C or a full disk.

stopping/ways_out.py is the same file, because stopping imports nothing of ours.
"""
import argparse
import difflib
import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from types import FrameType
from typing import Any

FULL = (errno.ENOSPC, errno.EIO, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


class Parser(argparse.ArgumentParser):
    """One whose help is written or fails, as argparse keeps quiet about a full disk, and that names misspelt options.

    Options are not to be abbreviated: ``allow_abbrev=False``.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse an option that there is not by its name: argparse would first miss what it was meant to give."""
        given = list(sys.argv[1:] if args is None else args)
        known = [name for name in self._option_string_actions if name.startswith("--")]
        for word in takewhile("--".__ne__, () if self._subparsers or {"-h", "--help"} & {*given} else given):
            name = word.partition("=")[0]
            if name.startswith("--") and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                self.error(f"option: got {name!r}, accepted: {', '.join(known)}"
                           + "".join(f"; did you mean {one!r}?" for one in close))
        return super().parse_known_args(given, namespace)

    def print_help(self, file: Any = None) -> None:
        """Write the help to standard output, or to a file."""
        (sys.stdout if file is None else file).write(self.format_help())


def say(text: str) -> None:
    """Print a line beside the results, on standard error; the work goes on where nobody can read it."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def run(main: Callable[[], int], program: str, ours: bool) -> int:
    """Call `main()` as a whole process; return its exit code. `ours`: whether Ctrl-C is for us to handle.

    A Ctrl-C that strikes inside an import or a callback can come out as another exception, or be printed as ignored by the
    interpreter: whatever follows it is taken as the interruption that it is.
    """
    came: list[int] = []
    _open_all()

    def watched() -> int:
        if came:
            raise KeyboardInterrupt
        return main()

    def interrupt(number: int, frame: FrameType | None) -> None:
        """Interrupt `main`, and nothing that follows it: a second Ctrl-C must not cut the line, nor take the exit code."""
        came.append(number)
        while frame is not None and frame.f_code is not watched.__code__:
            frame = frame.f_back
        if frame is not None:
            raise KeyboardInterrupt

    try:
        if ours:
            signal.signal(signal.SIGINT, interrupt)
            sys.unraisablehook = _unless_interrupted
        code = watched()
    except SystemExit as error:  # of option parsers, after --help and bad options
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else EXIT_FAILED
    except BaseException as error:
        if came or isinstance(error, KeyboardInterrupt):
            print(f"\n{program}: interrupted", file=sys.stderr)
            code = EXIT_INTERRUPTED
        elif isinstance(error, OSError) and error.errno in FULL and error.filename is None:  # files have names
            print(f"{program}: cannot write the output: {error.strerror}", file=sys.stderr)
            code = EXIT_FAILED
        elif isinstance(error, BrokenPipeError) and _nobody_reads():
            code = 0
        else:
            raise
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to be interrupted
    # A Ctrl-C inside exec, as dataclasses call it, leaves a mark by which Python would end itself by the signal after all,
    # whatever code it is given; the next exec takes it away (`unhandled_keyboard_interrupt` of CPython).
    exec("")
    return _flushed(code, program)


def _open_all() -> None:
    """Open what a shell closed (`>&-`): Python has None in its place, and a file of ours would be taken for it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115  # for as long as the process lasts
            os.set_inheritable(nothing.fileno(), True)
            setattr(sys, name, nothing)


def _unless_interrupted(unraisable: Any) -> None:
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _nobody_reads() -> bool:
    """Return whether it is standard output whose reader went away (`| head`), and not another pipe that broke."""
    try:
        print(flush=True)
    except BrokenPipeError:
        return True
    return False


def _flushed(code: int, program: str) -> int:
    """Write what is left of standard output; what cannot be written is said once, and not again when Python ends."""
    try:
        sys.stderr.flush()
    except OSError:  # nobody reads it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    try:
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader went away (`| head`)
        code = 0
    except OSError as error:
        if code != EXIT_FAILED:  # or it has been said
            print(f"{program}: cannot write the output: {error.strerror}", file=sys.stderr)
        code = code or EXIT_FAILED
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
