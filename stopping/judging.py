"""What rules make of a log: a row each, the panel that is asked by default, and where a rule could not judge."""
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .answers import best_check, judged, last_check
from .at_once import found_at_once
from .base import Criterion
from .combine import leaves
from .expression import parse
from .logs import Log
from .logs.names import OURS, PARTS, plain, rises_by_name
from .logs.table import listed
from .prechelt import GL
from .replay import StopDecision, asked_at, replay

PANEL = ("ZeroError()", "Patience(10)", "Patience(10, monitor='val_error')", "GL(5)", "PQ(0.5)", "UP(3)",
         "AdaptivePatience(10)", "Divergence()")


def panel(log: Log) -> tuple[list[Criterion], list[str]]:
    """Return the rules of the default panel that a log has the columns for, and a note on those that cannot judge it."""
    asked = [criterion for criterion in map(parse, PANEL)
             if all(name in log and np.isfinite(log[name]).any() for name in criterion.requires)]
    below = {criterion: [name for name in criterion.requires if isinstance(criterion, GL) and (log[name] < 0).any()]
             for criterion in asked}
    notes = [f"{criterion!r} is not asked: it takes ratios of {names[0]}, which is negative at times"
             for criterion, names in below.items() if names]
    if not any(name.startswith("val_") for criterion in asked for name in criterion.requires):
        notes += _others(log)
    return [criterion for criterion, names in below.items() if not names], notes


def _others(log: Log) -> list[str]:
    """Return a note on validation metrics that no rule of the panel watches, where it watches none."""
    names = [name for name in log if "val" in {PARTS.get(word) for word in plain(name).split("_")} and name not in OURS]
    if not names:
        return []
    mode = ", mode='max'" * rises_by_name(names[0])
    return [f"{listed(names)}: watched by a rule only if it says so, like --criterion \"Patience(10, {names[0]!r}{mode})\""]


def decided(criterion: Criterion, log: Log) -> StopDecision:
    """Return where a rule stops; an error names the file too."""
    checks = len(log.reading.lines)
    asked = np.asarray(asked_at(criterion, log, checks), dtype=int)
    silent = any(np.isnan(log[name]).all() for name in criterion.requires)  # `replay` has a word on that
    found = None if silent else found_at_once(criterion, {name: log[name][asked] for name in criterion.requires})
    if found is not None:
        stop, best = (None if step is None else int(asked[step - 1]) + 1 for step in found[:2])
        epochs, updates = log.get("epoch"), log.get("update")
        return StopDecision(stop, _at(epochs, stop), best, _at(epochs, best), found.best_value, checks,
                            _at(updates, stop), _at(updates, best))
    try:
        return replay(criterion, log)
    except ValueError as error:
        raise ValueError(f"{log.reading.path}: {error}") from None


def _at(counts: NDArray | None, step: int | None) -> float | None:
    return None if counts is None or step is None else float(counts[step - 1])


def row(criterion: Criterion, decision: StopDecision, log: Log) -> dict[str, Any]:
    """Return the stop and the best check, also in the file's epochs, and in updates and steps, where those are on record."""
    step = log.reading.step or ""
    known = {"epoch": log.reading.epochs, "update": log.get("update"), step: log.get(step)}
    counts = {name: values for name, values in known.items() if values is not None}

    def at(values: Any, step: int | None) -> float | None:
        return None if step is None or math.isnan(values[step - 1]) else float(values[step - 1])
    value = decision.best_value
    return {"criterion": repr(criterion), "stops at check": decision.stopped_step,
            **{name: at(values, decision.stopped_step) for name, values in counts.items()},
            "best check": decision.best_step,
            **{f"its {name}": at(values, decision.best_step) for name, values in counts.items()},
            "its value": value if value is None or math.isfinite(value) else None}


def costs(log: Log, solution: int | None) -> dict[str, float | None]:
    """Return by how much the solution of a rule is above the best of the run and above its end, by the judged metric."""
    name = judged(log)
    if name is None or solution is None or not np.isfinite(log[name][solution - 1]):
        return {} if name is None else {f"{name} above best": None, "above end": None}
    values = log[name]
    value = float(values[solution - 1])
    return {f"{name} above best": value - float(values[best_check(values)]),
            "above end": value - float(values[last_check(values)])}


def cautions(criteria: Sequence[Criterion], log: Log) -> list[str]:
    """Return what to know about the answers: columns that are mostly blank, and metrics watched the wrong way round."""
    checks = len(log.reading.lines)
    alike: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for criterion in criteria:
        blank = tuple(name for name in criterion.requires if name in log.measured and not log.measured[name].all())
        asked = len(asked_at(criterion, log, checks))
        if asked < checks:
            alike.setdefault((asked, blank), []).append(repr(criterion))
    found = [_asked(rules, asked, checks, blank) for (asked, blank), rules in alike.items()]
    for rule in (rule for criterion in criteria for rule in leaves(criterion)):
        monitor, mode = str(getattr(rule, "monitor", "")), getattr(rule, "mode", None)
        if mode == "min" and monitor in log and rises_by_name(monitor) and _change(log, monitor) > 0:
            found.append(f"{rule!r} takes lower for better, but {monitor} rises: mode='max'?")
        if mode == "max" and monitor in log and monitor.endswith(("loss", "error")) and _change(log, monitor) < 0:
            found.append(f"{rule!r} takes higher for better, but {monitor} falls: mode='min'?")
    return found


def _asked(rules: Sequence[str], asked: int, checks: int, blank: Sequence[str]) -> str:
    silent = f"; {'it' if len(rules) == 1 else 'they'} could not fire at the others" if 2 * asked < checks else ""
    return (f"{', '.join(rules)} {'was' if len(rules) == 1 else 'were'} asked at {asked} of {checks} checks, where "
            f"{', '.join(blank)} {'was' if len(blank) == 1 else 'were'} measured{silent}")


def _change(log: Log, name: str) -> float:
    """From the mean of the first half to that of the second; 0 of fewer than two checks."""
    values = log[name][np.isfinite(log[name])]
    half = len(values) // 2
    return float(np.mean(values[half:]) - np.mean(values[:half])) if half else 0.0
