"""The command line: ``python -m stopping replay log.csv --criterion "GL(5) | Patience(10)"``."""
import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from .base import Criterion
from .combine import leaves
from .expression import NAMES, parse
from .logs import read_csv
from .replay import History, StopDecision, replay
from .tables import aligned


def main(arguments: Sequence[str] | None = None, program: str = "python -m stopping") -> int:
    """Run the command line; return the exit status: 0, or 2 for anything wrong with what was asked."""
    options = _parser(program).parse_args(arguments)
    try:
        _replay(options)
    except (ValueError, OSError, ImportError) as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # standard output, see ways_out.py
        print(f"{program.split()[-1]}: {error}", file=sys.stderr)
        return 2
    except RecursionError:
        print(f"{program.split()[-1]}: the expression is nested too deeply", file=sys.stderr)
        return 2
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Stopping criteria on recorded runs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="replay")
    command = commands.add_parser(
        "replay", help="where would criteria have stopped a recorded run?",
        description="Print where each criterion, and the whole expression, would have stopped the run recorded in a CSV log "
                    "(Keras' CSVLogger and Lightning's are recognised).",
        epilog=f"Criteria: {', '.join(NAMES)}. They are combined with |, &, ~ and parentheses.")
    command.add_argument("log", help="CSV file whose first line names the columns")
    command.add_argument("--criterion", required=True, metavar="EXPRESSION", help='for example "GL(5) | Patience(10)"')
    command.add_argument("--columns", metavar="OURS=THEIRS,...", help="for example val_loss=my_val,train_loss=my_train")
    command.add_argument("--figure", metavar="FILE", help="draw it; .png, .svg or .pdf")
    return parser


def _replay(options: argparse.Namespace) -> None:
    criterion = parse(options.criterion)
    history = read_csv(options.log, _columns(options.columns))
    _need(criterion, history, options.log)
    criteria = list({repr(part): part for part in (*leaves(criterion), criterion)}.values())
    decisions = [replay(part, history) for part in criteria]
    counts = [count for count in ("epoch", "update") if count in history]
    print(f"{options.log}: {decisions[0].checks} checks")
    print(aligned([_row(part, decision, counts) for part, decision in zip(criteria, decisions, strict=True)]))
    if options.figure is not None:
        from .figure import draw
        draw(criteria, history, options.figure)
        print(f"drawn: {options.figure}")


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


def _need(criterion: Criterion, history: History, log: str) -> None:
    missing = [name for name in criterion.requires if name not in history]
    if missing:
        raise ValueError(f"{log}: got the columns {', '.join(map(repr, history))}, accepted: with "
                         f"{', '.join(map(repr, missing))}, "
                         f"which {criterion!r} needs; say which is which: --columns {missing[0]}=NAME")


def _row(criterion: Criterion, decision: StopDecision, counts: Iterable[str]) -> dict[str, Any]:
    """Return a row of the table: the stop and the best check, also in epochs and updates where those are on record."""
    return {"criterion": repr(criterion), "stops at check": decision.stopped_step or "never",
            **{count: getattr(decision, f"stopped_{count}") for count in counts},
            "best check": decision.best_step, **{f"its {count}": getattr(decision, f"best_{count}") for count in counts},
            "its value": decision.best_value}
