"""``check TABLE --label COLUMN``: the command line, its options with their reasons, and what it prints."""
import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from itertools import groupby
from pathlib import Path
from typing import Any

from ..report.tables import Table, wrapped
from ..running import EXIT_FAILED, PROGRAM, UsageError, settled
from ..ways_out import Parser
from ..ways_out import say as beside

MOST_COLUMNS, ALIKE = 60, 4  # lines in the table of columns; columns that share one
LARGEST_SPLIT = 0.45
LONG = 2.0  # seconds of reading that are said beforehand
DESCRIPTION = """\
Say what is in a table, whether something leaks, and whether it makes sense to train on after 100 % training accuracy:
a network sized to it is trained on several divisions of its rows, far beyond zero training error."""


def parser() -> Parser:
    """Return the options, each with its reason."""
    found = Parser(prog=f"{PROGRAM} check", allow_abbrev=False, description=DESCRIPTION)
    add = found.add_argument
    add("table", metavar="TABLE", help="a CSV, TSV, Parquet or Feather file whose first line names the columns (the last "
        "two take the extra 'tables')")
    add("--label", required=True, metavar="COLUMN", help="what is to be predicted")
    add("--group", default="", metavar="COLUMN", help="rows of one value (a patient, a day) stay on one side of a division; "
        "without, whoever stands on both sides is recognised and not predicted")
    add("--test", default="", metavar="FILE", help="a second table with the same columns, whose rows alone test; the rest "
        "is divided to train and to choose by")
    add("--split", type=float, default=0.2, metavar="SHARE", help="share of the rows that test, and as large a one to "
        "choose by; larger: narrower figures of a worse network (default: %(default)s)")
    add("--regression", action="store_true", help="labels are numbers, not classes; there is no zero error then, and the "
        "answer goes by the loss")
    add("--hidden", type=int, nargs="+", default=(), metavar="N", help="units of each hidden layer (default: two layers "
        "with about ten weights for each training row, so that it can memorise them: yours may be larger)")
    add("--epochs", type=int, metavar="N", help="how long to train (default: about 6000 updates, far beyond zero "
        "error, fewer on large tables)")
    add("--seeds", type=int, metavar="N", help="divisions of the rows, each with initial weights of its own; an "
        "interval takes three (default: 10, on large tables 5 or 3)")
    add("--quick", action="store_true", help="5 divisions and a quarter of the epochs: shows the direction; --epochs and "
        "--seeds override it")
    add("--workers", type=int, metavar="N", help="runs trained at the same time; results do not depend on it "
        "(default: one per core)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="folder of the results store and the figures; "
        "finished runs in it are never trained again (default: %(default)s)")
    add("--json", action="store_true", help="print one JSON document and nothing else")
    add("--format", choices=("png", "svg"), default="png", help="svg writes an SVG beside each PNG")
    add("--talk", action="store_true", help="figures that can be read from the last row")
    add("--dark", action="store_true", help="figures on a dark ground")
    return found


def main(options: Sequence[str]) -> int:
    """Check a table; return the exit code."""
    chosen = parser().parse_args(list(options))
    _refuse(chosen)
    from ..data.tables import TableError

    def work() -> int:
        if not chosen.json:
            check(chosen, print)
            return 0
        with redirect_stdout(sys.stderr):  # whatever else is printed is no JSON
            text = check(chosen, _nothing)
        print(text)
        return 0

    try:
        return settled(work, chosen.results)
    except TableError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_FAILED


def _nothing(text: str) -> None:
    """Print nothing."""


def _refuse(chosen: argparse.Namespace) -> None:
    """Raise UsageError for the first option out of range."""
    def need(good: bool, name: str, accepted: str) -> None:
        if not good:
            raise UsageError(f"--{name}: got {getattr(chosen, name)!r}, accepted: {accepted}")
    need(0 < chosen.split <= LARGEST_SPLIT, "split", f"a share above 0 and at most {LARGEST_SPLIT:g}, as large a one "
         "validates")
    need(all(units >= 1 for units in chosen.hidden), "hidden", "whole numbers of at least 1")
    for name in ("epochs", "seeds", "workers"):
        need(getattr(chosen, name) is None or getattr(chosen, name) >= 1, name, "a whole number of at least 1")
    need(chosen.label != chosen.group, "group", "another column than the label")


def check(chosen: argparse.Namespace, say: Callable[[str], Any]) -> str:
    """Read, examine, train and answer; say it, and return it as JSON if that is asked for, else ""."""
    from ..data.tables import cut, described, estimated, problem_of
    from ..report.plots import Look, drawn
    from ..runs.store import Store
    from ..trainers.own_table import offered
    from . import answers, document, figures, shown
    from .facts import facts
    from .leaks import findings
    from .plan import planned
    from .results import Results, copies_across
    from .training import train

    reading = estimated(chosen.table, chosen.label)
    store = None
    if reading.seconds > LONG:
        store = Store(chosen.results)  # before minutes of reading; else what cannot be read leaves no folder behind
        beside(f"check: {chosen.table}: {reading}")
    problem = problem_of(chosen.table, chosen.label, group=chosen.group, test=chosen.test, regression=chosen.regression)
    store = store or Store(chosen.results)
    with offered(problem):
        plan = planned(problem, _asked(chosen))
        beside(_beforehand(problem, plan))
        columns = described(problem)
        parts = tuple(cut(problem, chosen.split, seed) for seed in range(plan.seeds))
        known, found = facts(problem, parts[0]), findings(problem, parts[0])
        for text in (headed("The table"), *_data(problem, columns), str(known), *map(str, found),
                     headed("What is trained, and why so much"), "\n".join(plan.why), headed("What came of it")):
            say(fitted(text) + "\n")
        trained = train(plan, store)
        copied = any(one.kind == "copies" for one in found)  # and not equal by chance, as rows of a few categories are
        results = Results(problem, plan, trained, parts, copies_across(problem, parts) if copied else None)
        said = answers.answer(results, found)
        if results.divisions:
            for table in shown.tables(results):
                say(laid_out(table))
        with drawn(Look(svg=chosen.format == "svg", talk=chosen.talk, dark=chosen.dark)):
            paths = figures.figures(results, store.folder) if results.divisions else []
        say("".join(f"figure: {path}\n" for path in paths))
        say("\n\n".join([headed("The answer"), *(fitted(text) for text in said.values())]))
        if not chosen.json:
            return ""
        return document.written(document.document(results, said, columns=columns, facts=known.as_dict(), findings=found,
                                                  figures=paths))


def _asked(chosen: argparse.Namespace) -> Any:
    from .plan import Asked

    return Asked(chosen.split, tuple(chosen.hidden), chosen.epochs or 0, chosen.seeds or 0, chosen.workers or 0,
                 chosen.quick)


def _beforehand(problem: Any, plan: Any) -> str:
    from ..report.words import counted
    from ..runs.progress import duration
    from ..runs.runner import cores

    many = plan.workers or cores()
    size = f"{counted(len(problem), 'row')}, {counted(len(problem.columns), 'column')}"
    return (f"check: {size}; if all has to be trained about "
            f"{duration(plan.takes / many)} on {many} core{'s' * (many > 1)} and {plan.memory / 1e6:.0f} MB")


def _data(problem: Any, columns: Sequence[Sequence[str]]) -> list[str]:
    """Return what was done with the table."""
    lines = [f"  {name}: {kind}{f', {missing} missing' if missing else ''}; {what}"
             for name, kind, missing, what in together(columns)]
    if len(lines) > MOST_COLUMNS:
        lines[MOST_COLUMNS:] = [f"  and {len(lines) - MOST_COLUMNS} more (all with --json)"]
    return ["\n".join([f"{problem.source}: what was done with every column", *lines]), *problem.notes]


def together(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the rows with those in one that follow each other and differ in the name alone: "x0 to x19 (20)"."""
    found: list[tuple[str, ...]] = []
    for _, some in groupby(columns, key=lambda row: tuple(row[1:])):
        rows = [tuple(row) for row in some]
        found += [(f"{rows[0][0]} to {rows[-1][0]} ({len(rows)})", *rows[0][1:])] if len(rows) >= ALIKE else rows
    return found


def headed(text: str) -> str:
    """Return the head of a section."""
    return f"{text}\n{'=' * len(text)}"


def width() -> int:
    """Columns of the terminal; in a pipe 80."""
    return shutil.get_terminal_size((80, 24)).columns or 80


def fitted(text: str) -> str:
    """Return text broken at words for the terminal, never before "%"; in a pipe for 80 columns."""
    return wrapped(text.replace(" %", "\u00a0%"), width()).replace("\u00a0%", " %")


def laid_out(table: Table) -> str:
    """Return a table for the terminal; in a pipe for 80 columns."""
    return table.render() if sys.stdout.isatty() else table.plain(width())
