"""``run NAME``: its options become settings; what is missing is trained; tables, figures and the answer are shown."""
import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from . import registry
from .report.tables import wrapped
from .ways_out import say

PROGRAM = "afterzero"
EXIT_FAILED, EXIT_BAD_USE, EXIT_INTERRUPTED = 1, 2, 130


class UsageError(Exception):
    """The command line cannot be understood; the message says what is accepted."""


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
    dark : bool
        Figures on a dark ground.
    takes : str
        How long it takes, about, on 2 cores, where nothing is stored yet.
    """

    results: Path
    format: Literal["png", "svg"] = "png"
    talk: bool = False
    dark: bool = False
    takes: str = field(default="", compare=False)


def parse(name: str, options: list[str]) -> Any:
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

    from .runs.settings import with_ranges

    entry, module = registry.entry(name), registry.load(name)
    # add_help=False, allow_abbrev=False: this parser looks for its two options and leaves all, --help too, to tyro.
    common = argparse.ArgumentParser(f"{PROGRAM} run {name}", add_help=False, allow_abbrev=False)
    common.add_argument("--quick", action="store_true")
    common.add_argument("--full", action="store_true")
    preset, _ = common.parse_known_args(options)
    if preset.quick and preset.full:
        raise UsageError("--quick: got --full as well, accepted: one of them")
    default = module.Config.quick() if preset.quick else module.Config.full() if preset.full else module.Config()
    quick, usual, full = entry.times
    shown = with_ranges(module.Config)
    initial = shown(**vars(default))

    @dataclass(frozen=True)
    class Options:
        quick: tyro.conf.FlagCreatePairsOff[bool] = False
        full: tyro.conf.FlagCreatePairsOff[bool] = False
        results: Path = Path("results")
        format: Literal["png", "svg"] = "png"
        talk: tyro.conf.FlagCreatePairsOff[bool] = False
        dark: tyro.conf.FlagCreatePairsOff[bool] = False
        config: tyro.conf.OmitArgPrefixes[shown] = initial  # type: ignore[valid-type]

    # tyro takes a field's help text from the class's source or its docstring; this docstring quotes the measured times.
    Options.__doc__ = f"""{entry.question}

    Args:
        quick: A small version, {quick}; single options below override it.
        full: More seeds and epochs, {full}; the default takes {usual}.
        results: Folder of the results store and the figures. Finished runs in it are never trained again.
        format: svg writes an SVG beside each PNG.
        talk: Figures with letters, lines and marks that can be read from the last row.
        dark: Figures on a dark ground, for a dark page or slide.
        config: Settings, each with its reason and what it accepts.
    """
    chosen = tyro.cli(Options, prog=f"{PROGRAM} run {name}", description=entry.question, args=options)
    return module, module.Config(**vars(chosen.config)), Common(
        chosen.results, chosen.format, chosen.talk, chosen.dark, quick if preset.quick else full if preset.full else usual)


def run(name: str, options: list[str]) -> int:
    """Run one experiment and turn what goes wrong into one line and an exit code, which is returned."""
    module, config, common = parse(name, options)
    from .runs.runner import expected
    from .runs.store import Store

    def work() -> int:
        store = Store(common.results)
        with expected(f"about {common.takes} on 2 cores if all have to be trained"):
            return answer(module, config, store, common)

    return settled(work, common.results)


def settled(work: Callable[[], int], results: Path) -> int:
    """Do what trains into a results folder; what goes wrong becomes one line and an exit code, which is returned."""
    from .runs.settings import SettingError
    from .runs.shards import SweepError
    from .runs.store import StoreError

    try:
        with _heard():
            return work()
    except SettingError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_BAD_USE
    except (StoreError, SweepError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_FAILED
    except ArithmeticError as error:  # a run that diverged, by settings
        if isinstance(error, (ZeroDivisionError, OverflowError, FloatingPointError)):
            raise  # a mistake of ours
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_BAD_USE
    except KeyboardInterrupt as error:
        return _interrupted(error, results)


@contextmanager
def _heard() -> Iterator[None]:
    """Show what is logged, once each: without a progress bar to say it, why kernels take their time at first."""
    said = set[str]()

    class Once(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            known, text = len(said), record.getMessage()
            said.add(text)
            if len(said) > known:
                say(text)  # to standard error as it is now: a progress bar takes it over, to stay below

    log, handler, level = logging.getLogger("afterzero"), Once(), logging.getLogger("afterzero").level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def _interrupted(error: KeyboardInterrupt, results: Path) -> int:
    """Say what Ctrl-C during training leaves, and return the exit code, or end here where workers are not done."""
    from .runs.sweep import SweepInterrupted

    # Leading newline: the terminal has just echoed ^C.
    done = f"; {error}" if isinstance(error, SweepInterrupted) else ""
    print(f"\n{PROGRAM}: interrupted{done}; finished runs are kept in {results} and the same command goes on from there",
          file=sys.stderr)
    if threading.active_count() > 1:
        # A worker that is still inside a compiled call must not delay the way out: what is finished is stored, and what is
        # not would be thrown away anyhow.
        leave_at_once()
    return EXIT_INTERRUPTED


def leave_at_once() -> None:
    """End this process as interrupted, without waiting for its threads."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    if cache := sys.modules.get("nn.cpu.cache"):
        cache.remove_temporary()  # Python would, but is not given the time
    os._exit(EXIT_INTERRUPTED)


def answer(module: ModuleType, config: Any, store: Any, common: Common) -> int:
    """Train what is missing, load all results once, then show tables, figures and the answer."""
    from .report.plots import Look, drawn

    module.run(config, store)
    results = module.gather(store, config)
    for table in module.tables(results):
        print(table.render())
    with drawn(Look(svg=common.format == "svg", talk=common.talk, dark=common.dark)):
        paths = module.figures(results, store.folder)
    for path in paths:
        print(f"{'table' if path.suffix == '.md' else 'figure'}: {path}")
    print("", wrapped(module.answer(results)), sep="\n")
    return 0
