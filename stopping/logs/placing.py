"""What names alone do not say: a loss that stands in parts, a test that is the validation, whose an accuracy is."""
from collections.abc import Mapping

import numpy as np

from . import names
from .runs import any_measured
from .table import Column, Table, shown


def without_strangers(table: Table, theirs: dict[str, list[str]]) -> None:
    """Leave out bare accuracies and errors that never stand in a row with a bare loss: whose they are nobody can tell."""
    losses = any_measured(table, [name for name in theirs.get("train_loss", ()) if names.meaning(name)[0] is None])
    for ours in ("train_accuracy", "train_error"):
        bare = [name for name in theirs.get(ours, ()) if names.meaning(name)[0] is None]
        for name in bare:
            column = table.columns[name]
            if column.problem is None and column.measured.any() and not (column.measured & losses).any():
                theirs[ours].remove(name)
                table.notes.append(f"{shown(name)} never stands in a row with a training loss, so whose it is cannot be "
                                   f"told; say so: --columns val{ours[5:]}={name}")
        if not theirs.get(ours, True):
            del theirs[ours]


def sum_components(table: Table, theirs: dict[str, list[str]], columns: Mapping[str, str]) -> None:
    """Give Ultralytics' detectors a loss: the sum of its parts, which are written weighted, the same of both sets."""
    if not any(names.ULTRALYTICS.fullmatch(name) for name in table.columns):
        return
    found = [m for name in table.columns if (m := names.COMPONENT.fullmatch(name))]
    of_set = {part: {m[2] for m in found if m[1] == part} for part in ("train", "val")}
    for part in ("train", "val"):
        parts = [m[0] for m in found if m[1] == part]
        alike = of_set["train"] == of_set["val"] or not all(of_set.values())
        if len(parts) > 1 and alike and f"{part}_loss" not in {*theirs, *columns}:
            usable = [table.columns[name] for name in parts if table.columns[name].problem is None]
            if len(usable) == len(parts):
                whole = " + ".join(parts)
                table.columns[whole] = Column(np.sum([column.values for column in usable], axis=0),
                                              np.all([column.measured for column in usable], axis=0))
                theirs[f"{part}_loss"] = [whole]


def take_tests_for_validation(table: Table, theirs: dict[str, list[str]], columns: Mapping[str, str]) -> None:
    """Let tests all along be validation as well, where there is none: it is what that run was watched by."""
    known = {**theirs, **{ours: [name] for ours, name in columns.items()}}
    trained = any_measured(table, [name for ours, found in known.items() if ours.startswith("train_") for name in found])
    tests = {ours: found for ours, found in known.items() if ours.startswith("test_")}
    tested = np.flatnonzero(any_measured(table, [name for found in tests.values() for name in found]))
    last = np.flatnonzero(trained)[-1:]
    if any(ours.startswith("val_") for ours in known) or len(tested) < 2 or not (tested[0] <= last).any():
        return
    theirs.update({f"val{ours[4:]}": list(found) for ours, found in tests.items()})
    table.notes.append("there is no validation metric, so that the test is taken for it: a test by which one stops is none")
