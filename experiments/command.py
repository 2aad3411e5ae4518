"""The commands of ``python -m experiments``, which is the console script ``afterzero`` too.

Nothing heavy is imported before an experiment runs, so that the menu and every ``--help`` appear at once.
"""
import argparse
import difflib
import importlib.util
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from . import registry
from .report.tables import wrapped

PROGRAM = "afterzero"
USAGE = f"""usage: {PROGRAM} [-h]                     show the menu of questions
       {PROGRAM} run NAME [--quick | --full] [options]
       {PROGRAM} run NAME --help            options of one experiment, with a reason for each
       {PROGRAM} export NAME [--output FILE] [--force]
                                         its finished runs as CSV: NAME.csv and NAME_curves.csv
       {PROGRAM} replay LOG --criterion EXPRESSION
                                         where would a stopping rule have stopped a recorded run?
       {PROGRAM} --version

`python -m experiments` is the same command. Finished runs are kept (--results DIR, default
./results) and are never trained again: a run that was interrupted goes on where it stopped, and
tables and figures are redrawn at once. Without activating the virtual environment (`.
.venv/bin/activate`) it is called by its path: .venv/bin/{PROGRAM}, or .venv/bin/python -m
experiments."""
EXIT_FAILED, EXIT_BAD_USE, EXIT_INTERRUPTED = 1, 2, 130
HOME = Path(__file__).resolve().parent.parent  # of all our packages


class UsageError(Exception):
    """The command line cannot be understood; the message says what is accepted."""


def menu() -> str:
    """Every experiment with its question and run times, as text of at most 100 columns."""
    lines = ["Which question?", ""]
    for entry in map(registry.entry, registry.NAMES):
        quick, default, full = entry.times
        lines += [f"  {entry.name}", f"      {entry.question}",
                  f"      --quick {quick}, default {default}, --full {full}", ""]
    return "\n".join([*lines, f"Run one with: {PROGRAM} run {registry.NAMES[0]}", f"More: {PROGRAM} --help"])


def nearest(word: str, known) -> str:
    """Return "; did you mean ...?" when a known word is close, otherwise the list of known ones."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"accepted: {', '.join(known)}"


def main(arguments=None) -> int:
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
    wrong = foreign()
    if wrong:
        print(f"{PROGRAM}: {wrong}", file=sys.stderr)
        return EXIT_FAILED
    try:
        return _dispatch(arguments)
    except UsageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_BAD_USE
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted before any training began", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`afterzero | head`). Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def foreign() -> str:
    """Return what is wrong if Python finds another module under the name of one of our packages; else ""."""
    for name in ("losses", "nn", "stopping"):
        spec = importlib.util.find_spec(name)
        place = Path(spec.origin or next(iter(spec.submodule_search_locations or []), "")) if spec else Path()
        if place.resolve() != HOME / name / "__init__.py":
            return (f"{name}: got {place}, accepted: {HOME / name}; a module of yours has the name of one of "
                    "ours: rename it, or call from another folder")
    return ""


def version() -> str:
    """The version of the package, read without importing it."""
    text = (HOME / "nn" / "__init__.py").read_text(encoding="utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        print(menu())
        return 0
    command, *rest = arguments
    if command == "--version":
        print(f"{PROGRAM} {version()}")
        return 0
    if command == "replay":
        from stopping import command as stopping_command
        return stopping_command.main(["replay", *rest], program=PROGRAM)
    if command in ("-h", "--help"):
        print(USAGE, menu(), sep="\n\n")
        return 0
    if command in registry.NAMES:
        raise UsageError(f"unknown command {command!r}; did you mean '{PROGRAM} run {command}'?")
    if command not in COMMANDS:
        raise UsageError(f"unknown command {command!r}; {nearest(command, [*COMMANDS, 'replay', '--help', '--version'])}")
    if not rest:
        raise UsageError(f"{command}: which experiment? {nearest('', registry.NAMES)}")
    name, *options = rest
    if name in ("-h", "--help"):
        print(USAGE, menu(), sep="\n\n")
        return 0
    if name not in registry.NAMES:
        option = name.startswith("-")
        hint = f"put the name first: {PROGRAM} {command} NAME {name}" if option else nearest(name, registry.NAMES)
        raise UsageError(f"unknown experiment {name!r}; {hint}")
    return COMMANDS[command](name, options)


@dataclass(frozen=True)
class Common:
    """What every experiment accepts.

    Attributes
    ----------
    results : Path
        Folder of the results store and the figures.
    format : {"png", "svg"}
        "svg" writes an SVG beside each PNG.
    talk : bool
        Figures with larger letters.
    takes : str
        How long it takes, about, on 2 cores, where nothing is stored yet.
    """

    results: Path
    format: Literal["png", "svg"] = "png"
    talk: bool = False
    takes: str = field(default="", compare=False)


def parse(name: str, options: list[str]):
    """Turn the options of ``run NAME`` into the experiment's module, its Config and the common options.

    A preset (--quick, --full) chooses the Config that single options then change.

    Raises
    ------
    SystemExit
        Code 0 after --help, 2 for options that are unknown (the nearest is suggested) or have bad values.
    UsageError
        When both presets are given.
    """
    import tyro  # 0.1 s that the menu need not wait for

    entry, module = registry.entry(name), registry.load(name)
    # add_help=False, allow_abbrev=False: this parser looks for its two options and leaves all, --help too, to tyro.
    common = argparse.ArgumentParser(f"{PROGRAM} run {name}", add_help=False, allow_abbrev=False)
    common.add_argument("--quick", action="store_true")
    common.add_argument("--full", action="store_true")
    preset, _ = common.parse_known_args(options)
    if preset.quick and preset.full:
        raise UsageError("--quick and --full exclude each other; accepted: one of them")
    default = module.Config.quick() if preset.quick else module.Config.full() if preset.full else module.Config()
    quick, usual, full = entry.times

    @dataclass(frozen=True)
    class Options:
        quick: tyro.conf.FlagCreatePairsOff[bool] = False
        full: tyro.conf.FlagCreatePairsOff[bool] = False
        results: Path = Path("results")
        format: Literal["png", "svg"] = "png"
        talk: tyro.conf.FlagCreatePairsOff[bool] = False
        config: tyro.conf.OmitArgPrefixes[module.Config] = default  # type: ignore[name-defined]

    # tyro takes a field's help text from the class's source or its docstring; this docstring quotes the measured times.
    Options.__doc__ = f"""{entry.question}

    Args:
        quick: A small version, {quick}; single options below override it.
        full: More seeds and epochs, {full}; the default takes {usual}.
        results: Folder of the results store and the figures. Finished runs in it are never trained again.
        format: svg writes an SVG beside each PNG.
        talk: Figures with letters, lines and marks that can be read from the last row.
        config: Settings, each with its reason.
    """
    chosen = tyro.cli(Options, prog=f"{PROGRAM} run {name}", description=entry.question, args=options)
    return module, chosen.config, Common(chosen.results, chosen.format, chosen.talk,
                                         quick if preset.quick else full if preset.full else usual)


def _run(name: str, options: list[str]) -> int:
    module, config, common = parse(name, options)
    from .runs.runner import expected
    from .runs.settings import SettingError
    from .runs.shards import SweepError
    from .runs.store import Store, StoreError
    from .runs.sweep import SweepInterrupted

    try:
        store = Store(common.results)
        with expected(f"about {common.takes} on 2 cores if all have to be trained"):
            return _answer(module, config, store, common)
    except SettingError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_BAD_USE
    except StoreError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except SweepError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        # Leading newline: the terminal has just echoed ^C.
        done = f"; {error}" if isinstance(error, SweepInterrupted) else ""
        print(f"\n{PROGRAM}: interrupted{done}; finished runs are kept in {common.results} and the same command goes on "
              "from there", file=sys.stderr)
        if threading.active_count() > 1:
            # A worker that is still inside a compiled call must not delay the way out: what is finished is stored, and
            # what is not would be thrown away anyhow.
            sys.stdout.flush()
            sys.stderr.flush()
            if cache := sys.modules.get("nn.cpu.cache"):
                cache.remove_temporary()  # Python would, but is not given the time
            os._exit(EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED


def _answer(module, config, store, common: Common) -> int:
    """Train what is missing, then show table, figures and answer from the store."""
    from .report.plots import Look, drawn

    module.run(config, store)
    for table in module.tables(store, config):
        print(table.render())
    with drawn(Look(svg=common.format == "svg", talk=common.talk)):
        paths = module.figures(store, config)
    for path in paths:
        print(f"{'table' if path.suffix == '.md' else 'figure'}: {path}")
    print("", wrapped(module.answer(store, config)), sep="\n")
    return 0


def _export(name: str, options: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} export {name}", allow_abbrev=False, description=(
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
        return 1
    return 0


COMMANDS = {"run": _run, "export": _export}
