"""The command line: ``python -m stopping replay log.csv --criterion "GL(5) | Patience(10)"``."""
import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from .answers import findings, verdict
from .base import Criterion
from .combine import leaves
from .expression import NAMES, parse
from .figure import draw, kind_of
from .judging import cautions, costs, decided, panel, row
from .logs import Log, read_logs
from .logs.table import listed
from .terminal import in_blocks, wrapped
from .together import copied, in_words, together
from .ways_out import Parser, say

LARGE = 50e6             # bytes; above, say how long
BYTES_PER_SECOND = 8e6   # read and judged, about, on one core
MEMORY = 10              # times the size of the file, at most about: where a check stands in several rows


def main(arguments: Sequence[str] | None = None, program: str = "python -m stopping") -> int:
    """Run the command line; return the exit status: 0, or 2 for anything wrong with what was asked."""
    options = _parser(program).parse_args(arguments)
    try:
        _replay(options)
    except (ValueError, OSError, ImportError) as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # standard output, see ways_out.py
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        print(f"{program.split()[-1]}: {said}", file=sys.stderr)
        return 2
    except RecursionError:
        print(f"{program.split()[-1]}: the expression is nested too deeply", file=sys.stderr)
        return 2
    return 0


def _parser(program: str) -> Parser:
    parser = Parser(prog=program, allow_abbrev=False, description="Stopping criteria on recorded runs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="replay")
    command = commands.add_parser(
        "replay", allow_abbrev=False, help="what does a recorded run say, and where would criteria have stopped it?",
        description="Say what a training log shows, and where each criterion would have stopped the run: logs of Keras, "
                    "Lightning, transformers, Ultralytics, fastai, skorch, TensorBoard, W&B, XGBoost, LightGBM, CatBoost "
                    "and others, in cells or JSON.",
        epilog=f"Criteria: {', '.join(NAMES)}. They are combined with |, &, ~ and parentheses, and watch the names shown, "
               "ours or the file's.")
    command.add_argument("log", nargs="+", help="cells whose first line names the columns, or JSON; files of one metric "
                         "each are joined by step")
    command.add_argument("--criterion", action="append", metavar="EXPRESSION",
                         help='for example "GL(5) | Patience(10)"; repeatable; without, a panel of rules')
    command.add_argument("--columns", metavar="OURS=THEIRS,...", help="for example val_loss=my_val,train_loss=my_train")
    command.add_argument("--runs", metavar="last|all|N", help="which, if a file holds several runs")
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.add_argument("--figure", metavar="FILE", help="draw it; .png, .svg or .pdf; of several runs FILE-1, FILE-2, ...")
    return parser


def _replay(options: argparse.Namespace) -> None:
    for path in options.log:
        if os.path.isdir(path) or not os.path.exists(path):
            kind = "a folder" if os.path.isdir(path) else "no such file"
            raise ValueError(f"{path}: got {kind}, accepted: a file, cells whose first line names the columns, or JSON")
    if options.figure is not None:
        kind_of(options.figure, "--figure")
    size = sum(os.path.getsize(path) for path in options.log if os.path.isfile(path))
    if size > LARGE:
        megabytes = size / 1e6
        say(f"reading {megabytes:.0f} MB: about {size / BYTES_PER_SECOND:.0f} s and {MEMORY * megabytes:.0f} MB of memory")
    given = [parse(text) for text in options.criterion or ()]
    watched = {name for criterion in given for name in criterion.requires}
    logs = [log.with_own_names() for log in read_logs(options.log, _columns(options.columns), options.runs, watched)]
    figures = _figures(options.figure, len(logs))
    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    copies = copied(logs)
    documents = []
    for place, log in enumerate(logs):
        criteria, notes = _criteria(given, log)
        if place in copies:
            notes = [*notes, f"the same numbers as in run {copies[place] + 1} of those given: they count once"]
        documents.append(_document(log, criteria, notes))
        if not options.json:
            print("\n" * (place > 0) + _text(documents[-1], width))
        if figures:
            draw(criteria, log, figures[place])
    of_its_own = [place for place in range(len(logs)) if place not in copies]
    whole = together([logs[place] for place in of_its_own], [documents[place] for place in of_its_own])
    if options.json:
        found = [{**document, "together": whole} if whole else document for document in documents]
        print(json.dumps(found, indent=1, allow_nan=False, default=str))
        return
    if whole:
        print(f"\n{in_words(whole, width)}")
    if figures:
        print(f"drawn: {', '.join(figures)}")


def _figures(path: str | None, runs: int) -> list[str]:
    """Return the file for each run: out.png, or out-1.png, out-2.png and so on."""
    if path is None or runs == 1:
        return [] if path is None else [path]
    name, ending = os.path.splitext(path)
    return [f"{name}-{number}{ending}" for number in range(1, runs + 1)]


def _criteria(given: Sequence[Criterion], log: Log) -> tuple[list[Criterion], list[str]]:
    if not given:
        return panel(log)
    for criterion in given:
        _need(criterion, log)
    return list({repr(part): part for criterion in given for part in (*leaves(criterion), criterion)}.values()), []


def _document(log: Log, criteria: Sequence[Criterion], notes: Sequence[str]) -> dict[str, Any]:
    reading = log.reading
    decisions = [decided(criterion, log) for criterion in criteria]
    return {"log": reading.path, "run": reading.run, "runs": reading.runs, "kind": reading.kind,
            "checks": len(reading.lines), "recognised": reading.sources,
            "notes": list(dict.fromkeys([*reading.notes, *notes, *cautions(criteria, log)])),
            "answer": verdict(log), "findings": findings(log),
            "rules": [{**row(criterion, decision, log),
                       **costs(log, decision.best_step or decision.stopped_step or decision.checks)}
                      for criterion, decision in zip(criteria, decisions, strict=True)]}


def _text(document: dict[str, Any], width: int | None) -> str:
    checks, runs = document["checks"], document["runs"]
    which = f", run {document['run']} of {runs}" if runs > 1 else ""
    names = ", ".join(ours if ours == theirs else f"{ours} = {theirs!r}" for ours, theirs in document["recognised"].items())
    names = names or "no name is recognised"
    lines = [f"{document['log']}{which}: {checks} check{'s' * (checks != 1)}", f"read as {document['kind']}: {names}"]
    lines += [f"note: {note}" for note in document["notes"]]
    lines += [document["answer"], *document["findings"].values()]
    lines = [wrapped(line, width) for line in lines]
    if document["rules"]:
        measured = ("its value", "above end")  # and what is above the best; all else counts
        exact = {name for name in document["rules"][0] if name not in measured and not name.endswith(" above best")}
        lines.append(in_blocks([{**one, "stops at check": one["stops at check"] or "never"} for one in document["rules"]],
                               width, exact))
    return "\n".join(lines)


def _columns(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    pairs = [pair.partition("=") for pair in text.split(",")]
    for ours, sign, theirs in pairs:
        if not (ours.strip() and sign and theirs.strip()):
            raise ValueError(f"--columns: got {text!r}, accepted: OURS=THEIRS pairs, like "
                             "val_loss=my_val,train_loss=my_train")
    columns = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    if len(columns) < len(pairs):
        raise ValueError(f"--columns: got {text!r}, accepted: each of our names once")
    return columns


def _need(criterion: Criterion, log: Log) -> None:
    missing = [name for name in criterion.requires if name not in log]
    if missing:
        name = missing[0]
        other = f", or {name.replace('_error', '_accuracy')}=NAME for an accuracy" if name.endswith("_error") else ""
        raise ValueError(f"{log.reading.path}: got the columns {listed(log)}, accepted: with {listed(missing)}, "
                         f"which {criterion!r} needs; say which is which: --columns {name}=NAME{other}")
