"""A check as one JSON document: strict JSON, what is not a number is null."""
import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .results import ERROR, LOSS, Results
from .shown import FIGURES, REGRESSION, arms
from .verdicts import decision, measures


def document(results: Results, said: Mapping[str, str], *, columns: Any, facts: Any, findings: Sequence[Any],
             figures: Sequence[Path]) -> dict[str, Any]:
    """Return everything that the text says, as plain values."""
    problem, plan = results.problem, results.plan
    kinds = REGRESSION if results.regression else FIGURES
    return {
        "table": problem.source, "digest": problem.digest, "rows": len(problem), "label": problem.label,
        "classes": list(problem.classes), "notes": list(problem.notes), "columns": columns, "facts": facts,
        "findings": [one.as_dict() for one in findings],
        "training": {"hidden": list(plan.run.hidden), "epochs": plan.run.epochs, "batch_size": plan.run.batch_size,
                     "learning_rate": plan.run.learning_rate, "splits": plan.seeds, "test_share": plan.run.split,
                     "flood_levels": list(results.trained.levels), "flood_level": results.trained.level,
                     "why": list(plan.why)},
        "zero_error": {"reached": results.reached, "epochs": results.trained.plain.values("zero.epoch")},
        "models": [{"model": name, **{figure: results.values(runs, rule, figure) for figure, *_ in kinds}}
                   for name, runs, rule in arms(results)],
        "guessing": dict(zip((ERROR, LOSS), results.guessing, strict=True)),
        "changes": [{"figure": figure, "from": start, "to": "end", "copies": not fresh, **dataclasses.asdict(one)}
                    for fresh in (False, True)[:1 + (results.fresh is not None)]
                    for start in dict.fromkeys((results.start, "best"))
                    for figure, one in measures(results, start, fresh=fresh).items()] if results.divisions else [],
        "rules": [dataclasses.asdict(rule) for rule in results.rules],
        "confusion": results.confusion if problem.classes else None,
        "verdict": decision(results) if results.divisions else "diverged",
        "answer": dict(said), "figures": [str(path) for path in figures]}


def written(found: Mapping[str, Any]) -> str:
    """Return a document as text; no NaN or infinity stands in it."""
    return json.dumps(plain(found), indent=1, allow_nan=False, ensure_ascii=True)


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    return value if value is None or isinstance(value, str) else str(value)
