"""Several runs at once: every difference is taken within a run, and its mean over the runs has an interval."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .answers import best_check, judged, last_check
from .logs import Log
from .noise import over_runs
from .terminal import in_blocks, wrapped


def copied(logs: Sequence[Log]) -> dict[int, int]:
    """Return place -> place of an earlier run with the same numbers throughout: one file given twice is no second run."""
    found: dict[int, int] = {}
    for place, log in enumerate(logs):
        same = [j for j in range(place) if logs[j].keys() == log.keys()
                and all(np.array_equal(logs[j][name], log[name], equal_nan=True) for name in log)]
        if same:
            found[place] = same[0]
    return found


def together(logs: Sequence[Log], documents: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what runs say together of going on and of each rule that all were asked; None where they are not judged alike.

    Parameters
    ----------
    logs : sequence of Log
        At least two.
    documents : sequence of dict
        What the command says of each.
    """
    names = {judged(log) for log in logs}
    name = names.pop()
    if names or name is None or len(logs) < 2:
        return None
    changes: dict[str, Any] = {}
    metrics = [metric for metric in dict.fromkeys((name, "val_error"))
               if all(metric in log and np.isfinite(log[metric]).any() for log in logs)]
    for metric in metrics:
        ends = [(float(log[metric][best_check(log[name])]), float(log[metric][last_check(log[metric])])) for log in logs]
        if np.isfinite(ends).all():
            changes[metric] = over_runs([end - best for best, end in ends])
    rules = [{row["criterion"]: row for row in document["rules"]} for document in documents]
    shared = [{"criterion": rule, "never": sum(run[rule]["stops at check"] is None for run in rules),
               **_gain([run[rule].get("above end") for run in rules], name)}
              for rule in rules[0] if all(rule in run for run in rules)]
    return {"runs": len(logs), "judged by": name, "changes": changes, "rules": shared}


def _gain(differences: list[float | None], name: str) -> dict[str, Any]:
    known = [difference for difference in differences if difference is not None]
    if len(known) < max(2, len(differences)):
        return {f"{name} above end": None, "±": None, "more than chance": None}
    whole = over_runs(known)
    return {f"{name} above end": whole["mean"], "±": whole["half"],
            "more than chance": "yes" if whole["more than chance"] else "no"}


def in_words(found: Mapping[str, Any], width: int | None = None) -> str:
    """Return it as text, of at most `width` characters in a line: a sentence for each metric and the table of the rules."""
    lines = [f"All {found['runs']} runs together; differences are taken within each run, ± is half of a 95 % interval, of "
             "each number by itself:"]
    name = found["judged by"]
    for metric, whole in found["changes"].items():
        verdict = "more than" if whole["more than chance"] else "no more than"
        said = f"{verdict} chance explains" if metric != name else "never below, so that this says how much and not whether"
        lines.append(f"{metric} changes from the lowest {name} to the end by {whole['mean']:+.3g} ± {whole['half']:.2g}: "
                     f"{said}.")
    lines = [wrapped(line, width) for line in lines]
    return "\n".join([*lines, in_blocks(found["rules"], width)] if found["rules"] else lines)
