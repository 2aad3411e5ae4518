"""Logs of any size: work that grows with the rows, counted and not timed, and what is said beforehand of a large file."""
import json

import numpy as np

from stopping import Criterion, command, read_csv
from stopping.logs import cells, runs
from stopping.logs.table import Column, Table

VISITED = []


class Counted(np.ndarray):
    """An array whose entries are counted whenever NumPy goes through them."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        VISITED.append(max(map(np.size, inputs)))
        plain = [np.asarray(value) if isinstance(value, Counted) else value for value in inputs]
        if out:
            options["out"] = tuple(np.asarray(value) for value in out)
        found = getattr(ufunc, method)(*plain, **options)
        return counted(found)

    def __array_function__(self, function, types, given, options):
        VISITED.append(self.size)
        return super().__array_function__(function, types, given, options)


def counted(values):
    return np.asarray(values).view(Counted) if isinstance(values, np.ndarray) else values


def visits(epochs):
    """Return how many entries are gone through to find the checks of a sparse log: 10 steps and one validation each."""
    rows = np.arange(11 * epochs)
    is_val = rows % 11 == 10

    def column(values, measured):
        return Column(counted(np.where(measured, values, np.nan)), counted(measured))
    everywhere = np.ones(len(rows), dtype=bool)
    table = Table("a table", {"epoch": column(rows // 11, everywhere), "step": column(rows, everywhere),
                              "loss": column(1 / (rows + 1), ~is_val), "val_loss": column(1 / (rows + 1), is_val)}, rows)
    VISITED.clear()
    [one], _ = runs.split(runs.without_the_end(table, ["loss"], ["val_loss"], []), "epoch", "step", ["loss", "val_loss"])
    found = runs.merged(one, "epoch", "step", ["loss"], ["val_loss"])
    assert len(found.lines) == epochs and found.columns["val_loss"].values[0] == 1 / 11
    return sum(VISITED)


def test_rows_are_gone_through_a_fixed_number_of_times():
    few, many = visits(50), visits(400)
    assert few > 11 * 50 and many < 8.5 * few


def test_little_of_a_file_is_held_as_text_however_wide_it_is(tmp_path, monkeypatch):
    held = []
    take = cells._Reader._take
    monkeypatch.setattr(cells._Reader, "_take", lambda self, chunk, *rest: held.append(sum(map(len, chunk))) or take(
        self, chunk, *rest))
    monkeypatch.setattr(cells, "CHUNK", 100)
    for columns in (1, 40, 600):
        names = ["val_loss", *(f"c{n}" for n in range(columns))]
        (tmp_path / "log.csv").write_text(f"{','.join(names)}\n" + f"{','.join('1' for _ in names)}\n" * 60)
        assert len(read_csv(tmp_path / "log.csv")["val_loss"]) == 60
        assert max(held) <= 100 + len(names)
        held.clear()


def test_rules_are_asked_once_per_check_at_most_and_not_where_they_would_only_count(tmp_path, monkeypatch, capsys):
    asked = []
    see = Criterion._see
    monkeypatch.setattr(Criterion, "_see", lambda self, values: asked.append(type(self).__name__) or see(self, values))
    rows = "".join(f"{n},{1 / n},{1 / n},{1 / n}\n" for n in range(1, 301))
    (tmp_path / "log.csv").write_text("epoch,loss,train_error,val_loss\n" + rows)
    assert command.main(["replay", str(tmp_path / "log.csv"), "--json"]) == 0
    [document] = json.loads(capsys.readouterr().out)
    rules = [rule["criterion"].partition("(")[0] for rule in document["rules"]]
    assert {"ZeroError", "Divergence", "Patience", "UP"} <= set(rules)
    assert asked == []  # all are found in whole columns
    assert command.main(["replay", str(tmp_path / "log.csv"), "--criterion", "Patience(9) | UP(3)"]) == 0
    assert asked == ["Or"] * 300


def test_a_large_file_is_announced_with_the_time_it_takes(tmp_path, monkeypatch, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,val_loss\n1,2\n2,1\n")
    assert command.main(["replay", str(path)]) == 0 and capsys.readouterr().err == ""
    monkeypatch.setattr(command, "LARGE", 10)
    monkeypatch.setattr(command, "BYTES_PER_SECOND", path.stat().st_size / 3)
    assert command.main(["replay", str(path)]) == 0
    assert capsys.readouterr().err == "reading 0 MB: about 3 s and 0 MB of memory\n"
