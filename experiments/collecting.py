"""What a store holds of every question, as `report.page.Finding`: the fullest complete runs of each, and why others lack."""
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from types import ModuleType
from typing import Any

from . import registry
from .report import papers
from .report.page import Finding
from .report.words import counted, listed
from .runs.records import Row
from .runs.snapshot import Snapshot

PRESETS: dict[str, Callable[[Any], Any]] = {
    "full": lambda kind: kind.full(), "default": lambda kind: kind(), "quick": lambda kind: kind.quick()}
OPTIONS = {"full": " --full", "default": "", "quick": " --quick"}
NOT_SHOWN = ("workers", "scheduler", "data_dir")  # settings on which no result depends, and folders of a machine


@dataclass(frozen=True)
class Found:
    """The fullest complete runs of a question.

    Attributes
    ----------
    module : module
    preset : str
    config, results : object
        As the question has them.
    rows : list of Row
        Of its runs.
    """

    module: ModuleType
    preset: str
    config: Any
    results: Any
    rows: list[Row]

    @property
    def runs(self) -> str:
        """Which they are, in a few words."""
        seeds = len({row.about["seed"] for row in self.rows})
        return f"{self.preset}, {counted(seeds, 'seed')}"


def look(name: str, store: Snapshot, presets: Sequence[str] = tuple(PRESETS)) -> tuple[Found | None, list[str]]:
    """Return the fullest complete runs of a question, if there are any, and notes on what is not complete.

    Raises
    ------
    StoreError
        When the store is damaged.
    """
    module, notes = registry.load(name), []
    own = [row for row in store.runs.values() if row.about["experiment"] in getattr(module, "STORED_AS", (name,))]
    if not own:
        return None, []
    for preset in presets:
        config = PRESETS[preset](module.Config)
        keys = store.asked(partial(module.run, config))
        rows = store.present(keys)
        if keys and len(rows) == len(keys):
            return Found(module, preset, config, module.gather(store, config), rows), []
        if rows:
            notes.append(f"{preset}: {len(rows)} of {counted(len(keys), 'run')} are there; "
                         f"afterzero run {name}{OPTIONS[preset]} goes on from there")
    if not notes:
        notes.append(f"The store holds {counted(len(own), 'run')} of this question with other settings, or of another "
                     "version of the code, which are not shown")
    return None, notes


def finding(name: str, found: Found | None, notes: list[str], draw: Callable[[str, Found], Any]) -> Finding:
    """Return what there is to show; `draw(name, found)` gives the pictures."""
    entry = registry.entry(name)
    bare = Finding(name, entry.question, entry.times, registry.path(name), papers.named(registry.docstring(name)),
                   notes=notes)
    if found is None:
        return bare
    return replace(bare, runs=found.preset, answer=found.module.answer(found.results),
                   tables=found.module.tables(found.results), pictures=draw(name, found), how=how(found))


def how(found: Found) -> Mapping[str, str]:
    """How some runs were made: as many words as a reader needs to make them again."""
    rows = found.rows
    days = sorted({row.about["created"][:10] for row in rows})
    versions = sorted({_versions(row) for row in rows})
    epochs = sorted({one for row in rows if isinstance(one := row.settings.get("epochs"), int)})
    said = {
        "runs": f"{found.preset}, {counted(len(rows), 'run')}, {counted(len({row.about['seed'] for row in rows}), 'seed')}",
        "epochs": _between(epochs), "trained on": " to ".join(dict.fromkeys((days[0], days[-1]))),
        "training took": _added_up(sum(row.about["seconds"] for row in rows)),
        "processor": listed(sorted({row.about["cpu"] or "unknown" for row in rows})),
        "versions": "; ".join(versions), "code": ", ".join(sorted({row.about["code"] for row in rows})),
        "settings": ", ".join(f"{one.name} {_value(getattr(found.config, one.name))}" for one in fields(found.config)
                              if one.name not in NOT_SHOWN)}
    return {name: text for name, text in said.items() if text}


def _versions(row: Row) -> str:
    try:
        known = json.loads(row.about["versions"])
        return ", ".join(f"{name} {version}" for name, version in known.items() if version and name != "llvmlite")
    except (ValueError, AttributeError):
        return "unknown"


def _between(values: list[int]) -> str:
    return f"{values[0]} to {values[-1]}" if len(values) > 1 else str(values[0]) if values else ""


def _added_up(seconds: float) -> str:
    """Say how long the trainings of all runs took; several at a time, on a busy machine, take longer than alone."""
    took = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    return f"{took}, all runs added up"


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_value, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value)

