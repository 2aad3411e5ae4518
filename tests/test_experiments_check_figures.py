"""The figures of a check: their names, their panels, and that they can be drawn of whatever came of it."""
import dataclasses
import math

import pytest

from experiments.check.figures import figures
from experiments.report import plots
from experiments.report.plots import Look, drawn
from tests.own_tables import made

CASES = {"classes": {"end": (0.2, 0.9), "flood": (0.2, 0.4)}, "numbers": {"regression": True, "flood": (0.2, 0.4)},
         "never zero": {"zero_epoch": math.nan}, "one run": {"seeds": 1}}


def renamed(results, source, classes=None):
    problem = dataclasses.replace(results.problem, source=source, digest="0123456789abcdef",
                                  **({} if classes is None else {"classes": classes}))
    return dataclasses.replace(results, problem=problem)


@pytest.mark.parametrize("how, panels", [({}, (2, 2)), ({"regression": True}, (1, 1))])
def test_names_and_panels(tmp_path, monkeypatch, how, panels):
    pages = []
    monkeypatch.setattr(plots, "page", lambda path, rows, **kw: pages.append((path, len(rows[0]), kw["title"])) or [path])
    paths = figures(renamed(made(**how), "../Größe & [Gewicht].csv"), tmp_path)
    assert [path.name for path in paths] == ["check_Gr_e_Gewicht_01234567.png", "check_Gr_e_Gewicht_01234567_rules.png"]
    assert all(path.parent == tmp_path for path in paths)  # whatever the table is called
    assert tuple(count for _, count, _ in pages) == panels
    assert pages[0][2].startswith("Training past the best" if how else "Training past zero error")


def test_a_matrix_of_many_classes_is_left_out(tmp_path, monkeypatch):
    pages = []
    monkeypatch.setattr(plots, "page", lambda path, rows, **kw: pages.append(len(rows[0])) or [path])
    figures(renamed(made(), "a.csv", tuple(map(str, range(11)))), tmp_path)
    assert pages == [2, 1]


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("how", CASES.values(), ids=CASES)
def test_they_are_drawn(tmp_path, how, dark):
    with drawn(Look(svg=True, dark=dark)):
        paths = figures(renamed(made(**how), "a$b.csv"), tmp_path)
    assert len(paths) == 4 and all(path.stat().st_size > 5000 for path in paths)
