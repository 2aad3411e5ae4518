"""Files of one metric each: TensorBoard's CSV export and CatBoost's TSV, joined by step."""
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .names import PARTS, plain
from .table import Column, Table, scattered, shown

TAG = re.compile(r"(?:run-)?(?P<run>.*?)-?tag-(?P<tag>.+)")


def is_series(path: str, table: Table) -> bool:
    """Return whether a file has one metric, which its own name or that of its folder tells."""
    found = {plain(name) for name in table.columns}
    return {"step", "value"} <= found <= {"wall_time", "step", "value"} or ("iter" in found and _catboost(path) is not None)


def _catboost(path: str) -> str | None:
    return {"learn_error": "train", "test_error": "val"}.get(Path(path).stem)


def joined(series: Sequence[tuple[str, Table]]) -> Table:
    """Return one table with a row per step and a column per file; what a file lacks at a step was not measured.

    Raises
    ------
    ValueError
        If two files have the same name of a metric, or a step or value is no number.
    """
    read = [one for path, table in series for one in _columns(path, table)]
    every = np.unique(np.concatenate([steps for _, steps, _ in read]))
    columns = {"step": Column(every, np.ones(len(every), dtype=bool))}
    for name, steps, values in read:
        if name in columns:
            raise ValueError(f"{series[0][0]}: got {shown(name)} from two files, accepted: one file for each metric")
        places = np.searchsorted(every, steps)
        if len(np.unique(places)) < len(places):
            raise ValueError(f"{series[0][0]}: got a step twice in {shown(name)}, accepted: one run in a file")
        columns[name] = scattered(places, values.values, values.measured, len(every))
    kind = "CatBoost's TSV" if _catboost(series[0][0]) else "TensorBoard's CSV export"
    return Table(kind, columns, np.arange(1, len(every) + 1), notes=[note for _, table in series for note in table.notes])


def _columns(path: str, table: Table) -> list[tuple[str, np.ndarray, Column]]:
    by_plain = {plain(name): name for name in table.columns}
    counter = by_plain.get("step", by_plain.get("iter", ""))
    for name, column in table.columns.items():
        if column.problem is not None and plain(name) != "wall_time":
            raise ValueError(f"{path}, line {column.problem[0]}, column {shown(name)}: got {shown(column.problem[1])}, "
                             "accepted: a number")
    steps = table.columns[counter]
    known = np.flatnonzero(steps.measured & ~np.isnan(steps.values))
    part = _catboost(path)
    found = []
    for name, column in table.columns.items():
        if name != counter and plain(name) != "wall_time":
            given = Column(column.values[known], column.measured[known])
            found.append((f"{part}/{name}" if part else _tag(path), steps.values[known], given))
    return found


def _tag(path: str) -> str:
    """Return train/TAG, val/TAG or TAG of TensorBoard's name of a file, run-RUN-tag-TAG.csv; Keras' runs have a set each."""
    match = TAG.fullmatch(Path(path).stem)
    if match is None:
        return Path(path).stem
    parts = {PARTS[word] for word in plain(match["run"]).split("_") if word in PARTS}
    return f"{parts.pop()}/{match['tag']}" if len(parts) == 1 else match["tag"]
