"""``table NAME``: what a question found, as Markdown from the store; between two marks of a document it says of which runs.

The mark before a section holds the version of its runs: a hash of all their settings, the version of the code that trained
them among these. So a test can say that a document is of this code, without training anything and on any processor.
"""
import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import registry
from .report.tables import Table
from .running import EXIT_FAILED, PROGRAM, UsageError
from .runs.identity import settings_of
from .ways_out import Parser

SECTION = re.compile(r"<!-- (?P<name>\w+): begin, runs (?P<version>[^>]*?) -->\n(?P<text>.*?)<!-- (?P=name): end -->",
                     re.DOTALL)
EARLIER = "of an earlier version"  # of a table that takes too long to be made anew with every change, and that says so


def version(settings: Sequence[dict]) -> str:
    """Return 16 hexadecimal digits that follow from the identities of runs, in any order."""
    from .runs.identity import run_key

    return hashlib.sha256("\n".join(sorted(map(run_key, settings))).encode()).hexdigest()[:16]


def _settings(module: Any, config: Any) -> list[dict]:
    """The settings of all runs of a question, which names them by descriptions or by settings."""
    return [settings_of(one) for one in module.runs(config)]


def stale(text: str) -> list[str]:
    """Return the names of the sections of a document that are not of the runs that each question's default has today."""
    found = []
    for one in SECTION.finditer(text):
        module = registry.load(one["name"])
        current = version(_settings(module, module.Config()))
        if one["version"] != current and not (one["version"] == EARLIER and EARLIER in one["text"]):
            found.append(one["name"])
    return found


def markdown(tables: Sequence[Table], rows: Sequence[str] = ()) -> str:
    """Return tables as Markdown; neighbours with the same columns become one, whose first column is the title.

    Parameters
    ----------
    rows : sequence of str
        Names of the rows that are wanted, of tables that have them all; none: all.
    """
    parts: list[str] = []
    heads: Sequence[str] = ()
    for one in tables:
        wanted = [row for row in one.rows if row[0] in rows]
        wanted = wanted if rows and len(wanted) == len(rows) else list(one.rows)
        title = _escaped(one.title)
        if tuple(one.columns) != tuple(heads):
            heads = one.columns
            parts += ["", _line(["case", *map(_escaped, heads)]), _line(["---"] * (1 + len(heads)))]
        parts += [_line([title if i == 0 else "", *map(_escaped, row)]) for i, row in enumerate(wanted)]
        if not rows:
            parts += ["", *map(_escaped, one.note.split("\n"))] * bool(one.note)
            heads = ()
    return "\n".join(parts).strip() + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def section(name: str, module: Any, config: Any, results: Any) -> str:
    """Return what stands in a document about a question: the answer, tables, and notes of those that are whole."""
    tables, short = module.tables(results), getattr(module, "SUMMARY", ())
    notes = [f"{_escaped(one.title)}: {_escaped(one.note)}.\n" for one in tables
             if short and not {row[0] for row in one.rows} >= set(short)]
    runs = version(_settings(module, config))
    return "\n".join([f"<!-- {name}: begin, runs {runs} -->", "In the program's own words:\n",
                      f"> {module.answer(results)}\n", markdown(tables, short), *notes, f"<!-- {name}: end -->"])


def table(name: str, options: list[str]) -> int:
    """Print a question's section, or write it into a document and its figures into a folder."""
    parser = Parser(prog=f"{PROGRAM} table {name}", allow_abbrev=False, description=(
        "What the default of a question found, as Markdown, from the runs that the store holds; nothing is trained."))
    parser.add_argument("--write", type=Path, metavar="FILE",
                        help=f"replace what stands between <!-- {name}: begin ... --> and <!-- {name}: end --> there")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw the figures there, too")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: %(default)s")
    chosen = parser.parse_args(options)
    module = registry.load(name)
    if not hasattr(module, "runs"):
        with_runs = [other for other in registry.NAMES if hasattr(registry.load(other), "runs")]
        raise UsageError(f"table: got {name!r}, accepted: {', '.join(with_runs)}")
    from .runs.store import Store, StoreError

    try:
        if not (chosen.results / "results.sqlite").exists():
            raise StoreError(f"--results: got {str(chosen.results)!r}, which holds no results file, accepted: a folder "
                             "with one; run the experiment first")
        config = module.Config()
        results = module.gather(Store(chosen.results), config)
        text = section(name, module, config, results)
        if chosen.write is None:
            print(text)
        else:
            _replace(chosen.write, name, text)
            print(f"written: {chosen.write}")
        for path in module.figures(results, chosen.figures) if chosen.figures else ():
            print(f"figure: {path}")
    except StoreError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_FAILED
    return 0


def _replace(path: Path, name: str, text: str) -> None:
    from .runs.outputs import OutputError, document, writing

    old = document(path)
    found = [one for one in SECTION.finditer(old) if one["name"] == name]
    if len(found) != 1:
        raise OutputError(f"{path}: got {len(found)} sections, accepted: one, between <!-- {name}: begin, runs ... --> and "
                          f"<!-- {name}: end -->")
    with writing(path, text=True) as file:
        file.write(old[:found[0].start()] + text + old[found[0].end():])
