"""Of two seeds nothing is clear, nor not clear: not in an answer, a table or the title of a figure, of any question."""
from pathlib import Path

import pytest

from experiments import registry
from experiments.report import plots
from tests.made_up import ALWAYS_ENOUGH, MADE


def test_every_question_is_asked():
    assert {*MADE} | ALWAYS_ENOUGH == {*registry.NAMES}


def shown(name, seeds, monkeypatch):
    """All words that a question shows of made-up results, but those inside of panels."""
    module, results, titles = registry.load(name), MADE[name](seeds), []

    def page(path, panels, *, title, heads=(), y=(), **how):
        titles.extend([title, *(head for row in heads for head in row), *y])
        return [path]
    monkeypatch.setattr(plots, "page", page)
    module.figures(results, Path("unused"))
    assert titles
    tables = [text for table in module.tables(results) for text in (
        table.title, table.note, *table.columns, *(cell for row in table.rows for cell in row))]
    return [module.answer(results), *titles, *tables]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("seeds", [1, 2])
def test_of_too_few_seeds_nothing_is_clear(name, seeds, monkeypatch):
    for text in shown(name, seeds, monkeypatch):
        assert "clear" not in text, text


def test_of_more_seeds_it_may_be(monkeypatch):
    assert any("clearly" in text for text in shown("loss_matters", 3, monkeypatch))
