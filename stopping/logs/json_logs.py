"""Logs in JSON: one document or one per line, as lists of numbers or as records."""
import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .cells import encoding
from .names import PARTS
from .table import Column, Table, number, scattered, shown

AFTER_TRAINING = "train_runtime"  # in the summary with which transformers ends a run
MODES = ("mode", "phase", "split", "stage", "subset", "set")
LONGEST_NUMBER = 400  # digits: no float is longer, and Python refuses whole numbers of more than 4300


def _whole(text: str) -> int | float:
    return int(text) if len(text) < LONGEST_NUMBER else float(text)


LINES = "JSON lines"
LINE = json.JSONDecoder(parse_int=_whole)  # one for all lines: to make it takes longer than to read one
Record = tuple[int, Mapping[str, Any]]


def read_json(path: str | Path) -> Table:
    """Return a JSON log as a table.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no JSON, or holds neither records nor lists of numbers.
    """
    try:
        with open(path, encoding=encoding(path)) as file:
            first = next((line for line in file if line.strip()), "")
            try:
                whole = json.loads(first, parse_int=_whole)
                rest = next((line for line in file if line.strip()), None)
            except json.JSONDecodeError:
                whole, rest = None, ""
            if rest:  # one document per line
                file.seek(0)
                if isinstance(whole, Mapping):
                    return _from_lines(path, file)
                rest = ""
            if rest == "":
                file.seek(0)
                whole = json.load(file, parse_int=_whole)
            return _from_document(path, whole)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: got no JSON ({error.msg}), accepted: a JSON document, or one on "
                         "each line (what Python prints of a dict is none: json.dumps writes it)") from None
    except UnicodeError as error:
        raise ValueError(f"{path}: got other bytes ({error}), accepted: text in UTF-8 or UTF-16") from None
    except RecursionError:
        raise ValueError(f"{path}: got JSON that is nested too deeply, accepted: records, or lists of numbers") from None


def _from_lines(path: str | Path, file: Iterable[str]) -> Table:
    notes: list[str] = []

    def records() -> Iterator[Record]:
        last: Mapping[str, Any] = {}
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                record = LINE.decode(text)
            except json.JSONDecodeError as error:
                if not text.endswith("\n"):
                    notes.append(f"the last line ({line}) is cut short: left out")
                    return
                raise ValueError(f"{path}, line {line}: got no JSON ({error.msg}), accepted: a record on each "
                                 "line") from None
            if not isinstance(record, Mapping):
                raise ValueError(f"{path}, line {line}: got {shown(record)}, accepted: a record on each line")
            if "iter" in record and "step" in record:
                last = record
            yield line, _of_mmengine(record, last) if last and "iter" not in record else record
    table = from_records(path, LINES, records())
    table.notes += notes
    return table


def _of_mmengine(record: Mapping[str, Any], last: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record without iterations, which follows one with, as mmengine means it: of validation."""
    if "step" not in record or "epoch" in record:
        return record
    of_epoch = record["step"] == last.get("epoch")
    return {"mode": "val", **record, "step": last["step"] if of_epoch else record["step"], "epoch": last.get("epoch")}


def _from_document(path: str | Path, whole: Any) -> Table:
    if isinstance(whole, Mapping):
        if isinstance(whole.get("log_history"), list):
            return from_records(path, "transformers' trainer_state.json", _numbered(path, whole["log_history"]))
        if isinstance(whole.get("iterations"), list):
            return from_records(path, "CatBoost's catboost_training.json", _numbered(path, _catboost(whole)))
        if isinstance(whole.get("history"), Mapping):
            whole = whole["history"]
        return _from_lists(path, whole)
    if isinstance(whole, list):
        records = list(_numbered(path, whole))
        return from_records(path, _records_of([record for _, record in records]), records)
    raise ValueError(f"{path}: got {shown(whole)}, accepted: records, or lists of numbers")


def _records_of(records: list[Mapping[str, Any]]) -> str:
    if any("batches" in record for record in records):
        return "skorch's history"
    if any("main/loss" in record or "elapsed_time" in record for record in records):
        return "Chainer's LogReport"
    return "transformers' log_history" if any("total_flos" in record for record in records) else "JSON records"


def _numbered(path: str | Path, records: Iterable[Any]) -> Iterator[Record]:
    for place, record in enumerate(records, 1):
        if not isinstance(record, Mapping):
            raise ValueError(f"{path}, record {place}: got {shown(record)}, accepted: names and numbers")
        yield place, record


def _catboost(whole: Mapping[str, Any]) -> Iterator[Any]:
    """Yield its iterations, each metric under its name; what CatBoost calls test it may stop by: validation."""
    meta = whole.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    for one in whole["iterations"]:
        if not isinstance(one, Mapping):
            yield one
            continue
        record = {"iteration": one.get("iteration")}
        for which, ours in (("learn", "train"), ("test", "val")):
            values, named = one.get(which), meta.get(f"{which}_metrics")
            for j, value in enumerate(values if isinstance(values, list) else []):
                entry = named[j] if isinstance(named, list) and j < len(named) else None
                name = entry.get("name", j) if isinstance(entry, Mapping) else ("loss" if j == 0 else j)
                record[f"{ours}/{name}"] = value
        yield record


def from_records(path: str | Path, kind: str, records: Iterable[Record]) -> Table:
    """Return records as a table; a name that a record lacks was not measured there."""
    places: dict[str, array[int]] = {}
    values: dict[str, array[float]] = {}
    measured: dict[str, bytearray] = {}
    problems: dict[str, tuple[int, str]] = {}
    lines = array("q")
    for line, record in records:
        row = len(lines)
        lines.append(line)
        said = next((name for name in MODES if str(record.get(name)).lower() in PARTS), None)  # what a record is of
        mode = None if said is None else PARTS[str(record[said]).lower()]
        prefix = f"{mode}/" if mode in ("val", "test") else ""
        for name, value in _flat(record):
            if name == said:
                continue
            name = prefix + name if prefix and name not in ("epoch", "iter", "step") else name
            found = _value(value)
            if found is None:
                problems.setdefault(name, (line, str(value)[:200]))
                continue
            if name not in places:
                places[name], values[name], measured[name] = array("q"), array("d"), bytearray()
            places[name].append(row)
            values[name].append(found[0])
            measured[name].append(found[1])
    if not lines:
        raise ValueError(f"{path}: got no records, accepted: at least one")
    columns = {name: scattered(places[name], values[name], map(bool, measured[name]), len(lines)) for name in places}
    for name, problem in problems.items():
        columns[name] = Column(np.zeros(0), np.zeros(0, dtype=bool), problem)
    return Table(kind, columns, np.array(lines), place="line" if kind == LINES else "record")


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if type(value) is dict:
            yield from ((f"{name}/{inner}", entry) for inner, entry in value.items() if not isinstance(entry, list | dict))
        elif type(value) is not list:
            yield name.strip(), value


def _value(value: Any) -> tuple[float, bool] | None:
    if type(value) is float:
        return value, True
    if value is None:
        return math.nan, False
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        return number(value)
    try:
        return float(value), True
    except OverflowError:
        return None


def _from_lists(path: str | Path, whole: Mapping[str, Any]) -> Table:
    """Return lists by name as a table: Keras' ``History.history``, curves, or evaluation dicts one level deeper."""
    lists, deeper = dict[str, list[Any]](), False
    for name, value in whole.items():
        inner = value.items() if isinstance(value, Mapping) else ()
        if isinstance(value, list):
            lists[str(name)] = value
        elif inner and all(str(key).isdigit() for key in value):  # pandas' to_json: by row
            lists[str(name)] = [value[key] for key in sorted(value, key=int)]
        else:
            for metric, entry in inner:
                if isinstance(entry, list):
                    lists[f"{name}/{metric}"], deeper = entry, True
    lists = {name: entry for name, entry in lists.items() if not any(isinstance(one, list | Mapping) for one in entry)}
    lengths = {name: len(entry) for name, entry in lists.items()}
    if not lists or not max(lengths.values()):
        raise ValueError(f"{path}: got {shown(dict(whole))}, accepted: records, or a list of numbers for each metric")
    if len(set(lengths.values())) > 1:
        shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise ValueError(f"{path}: got {lengths[shortest]} entries of {shown(shortest)} and {lengths[longest]} of "
                         f"{shown(longest)}, accepted: as many of each, one per check")
    rows = lengths[next(iter(lists))]
    columns = {}
    for name, entries in lists.items():
        found = [_value(entry) for entry in entries]
        bad = next((place for place, one in enumerate(found) if one is None), None)
        columns[name] = Column(np.zeros(0), np.zeros(0, dtype=bool), (bad + 1, str(entries[bad])[:200])) if bad is not None \
            else scattered(range(rows), (one[0] for one in found if one), (one[1] for one in found if one), rows)
    kind = "an evaluation dict (XGBoost, LightGBM)" if deeper else "lists by name (Keras' history, curves)"
    return Table(kind, columns, np.arange(1, rows + 1), place="entry")
