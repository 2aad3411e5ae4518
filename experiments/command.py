"""The commands of ``python -m experiments``, which is the console script ``afterzero`` too.

Nothing heavy is imported before an experiment runs, so that the menu and every ``--help`` appear at once.
"""
import difflib
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import ours, registry
from .documenting import table
from .report.tables import wrapped
from .running import EXIT_BAD_USE, EXIT_FAILED, EXIT_INTERRUPTED, PROGRAM, UsageError, run
from .ways_out import Parser

USAGE = f"""usage: {PROGRAM} [-h]
           show the menu of questions
       {PROGRAM} run NAME [--quick | --full] [options]
           answer one question
       {PROGRAM} run NAME --help
           options of one experiment, with a reason for each
       {PROGRAM} export NAME [--output FILE] [--force]
           its finished runs as CSV: NAME.csv and NAME_curves.csv
       {PROGRAM} table NAME [--write FILE] [--figures DIR]
           what its default found as Markdown, for a document
       {PROGRAM} check TABLE --label COLUMN [options]
           the question answered for a table of your own: CSV, TSV, Parquet or Feather
       {PROGRAM} report [--output FILE | --serve [--port N]]
           one page with every answer that the finished runs give
       {PROGRAM} replay LOG... [--criterion EXPRESSION]
           what does a training log say, and where would rules have stopped?
       {PROGRAM} play [--port N] [--no-browser]
           train live in your browser, past zero error, on a page of this machine alone
       {PROGRAM} --version

`python -m experiments` is the same command. Finished runs are kept (--results DIR, default ./results) and are never \
trained again: a run that was interrupted goes on where it stopped, and tables and figures are redrawn at once. Without \
activating the virtual environment (`. .venv/bin/activate`) it is called by its path: .venv/bin/{PROGRAM}, or \
.venv/bin/python -m experiments."""
HOME = Path(__file__).resolve().parent.parent  # of all our packages


def menu() -> str:
    """Every experiment with its question and run times."""
    lines = ["Which question?", ""]
    for entry in map(registry.entry, registry.NAMES):
        quick, default, full = entry.times
        lines += [f"  {entry.name}", f"      {entry.question}",
                  f"      --quick {quick}, default {default}, --full {full}", ""]
    return "\n".join([*lines, f"Run one with: {PROGRAM} run {registry.NAMES[0]}",
                      f"For a table of your own: {PROGRAM} check TABLE --label COLUMN", f"More: {PROGRAM} --help"])


def show(*parts: str) -> None:
    """Print parts with an empty line between them, broken at words for the terminal; in a pipe for 80 columns."""
    width = shutil.get_terminal_size((80, 24)).columns
    print(*(wrapped(part, width) for part in parts), sep="\n\n")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the list of known words, with "; did you mean ...?" when one of them is close."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return ", ".join(known) + (f"; did you mean {close[0]!r}?" if close else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program name; None takes those of the process.

    Returns
    -------
    int
        Exit code: 0 done, 2 misuse, 1 a folder, file or cluster cannot be used or has no results, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # "±" on a terminal that has none must not end in a traceback
    wrong = ours.foreign()
    if wrong:
        print(f"{PROGRAM}: {wrong}", file=sys.stderr)
        return EXIT_FAILED
    try:
        return _dispatch(arguments)
    except UsageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_BAD_USE
    except KeyboardInterrupt:
        print(f"\n{PROGRAM}: interrupted{' before any training began' * (arguments[:1] == ['run'])}", file=sys.stderr)
        return EXIT_INTERRUPTED


def version() -> str:
    """The version of the package, read without importing it."""
    text = (HOME / "nn" / "__init__.py").read_text(encoding="utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        show(menu())
        return 0
    command, *rest = arguments
    if command == "--version":
        print(f"{PROGRAM} {version()}")
        return 0
    if command in ("-h", "--help"):
        show(USAGE, menu())
        return 0
    if command not in COMMANDS:
        known = [*COMMANDS, "--help", "--version"]
        accepted = (f"{', '.join(known)}; did you mean '{PROGRAM} run {command}'?" if command in registry.NAMES else
                    nearest(command, known))
        raise UsageError(f"command: got {command!r}, accepted: {accepted}")
    chosen = COMMANDS[command]
    return _named(command, chosen, rest) if chosen.named else chosen.act(rest)


def _named(command: str, chosen: "Command", rest: list[str]) -> int:
    """Call a command that takes the name of an experiment first."""
    if not rest:
        raise UsageError(f"{command}: got no name of an experiment, accepted: {', '.join(registry.NAMES)}")
    name, *options = rest
    if name in ("-h", "--help"):
        show(USAGE, menu())
        return 0
    if name not in registry.NAMES:
        accepted = (f"{', '.join(registry.NAMES)}; put the name first: {PROGRAM} {command} NAME {name}"
                    if name.startswith("-") else nearest(name, registry.NAMES))
        raise UsageError(f"experiment: got {name!r}, accepted: {accepted}")
    return chosen.act(name, options)


def _export(name: str, options: list[str]) -> int:
    parser = Parser(prog=f"{PROGRAM} export {name}", allow_abbrev=False, description=(
        "Write the finished runs of an experiment as tidy CSV: a row per run (settings and final figures), and beside it, "
        "in FILE_curves.csv, a row per run and check."))
    parser.add_argument("--output", type=Path, default=Path(f"{name}.csv"), metavar="FILE", help="default: %(default)s")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR",
                        help="folder of the results store, which is only read (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="replace files that exist already")
    chosen = parser.parse_args(options)
    from .runs.export import ExportError, export
    from .runs.store import StoreError

    try:
        names = getattr(registry.load(name), "STORED_AS", (name,))
        for path in export(chosen.results, names, chosen.output, force=chosen.force):
            print(f"written: {path}")
    except (ExportError, StoreError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_FAILED
    return 0


def _replay(options: list[str]) -> int:
    from stopping import command as stopping_command

    return stopping_command.main(["replay", *options], program=PROGRAM)


def _check(options: list[str]) -> int:
    from .check.command import main as check

    return check(options)


def _play(options: list[str]) -> int:
    from .play import play

    return play(options)


def _report(options: list[str]) -> int:
    from .reporting import report

    return report(options, version())


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    act : callable
        act(name, options) -> exit code; act(options) for one that is about no experiment.
    named : bool
        Whether an experiment's name comes first.
    """

    act: Callable[..., int]
    named: bool = True


COMMANDS = {"run": Command(run), "export": Command(_export), "table": Command(table),
            "check": Command(_check, named=False), "report": Command(_report, named=False),
            "replay": Command(_replay, named=False), "play": Command(_play, named=False)}
