"""README and gallery: one command writes them from a store, and their structure is that of the questions that there are."""
import os
import re
from pathlib import Path

import pytest

from experiments import deciding, publishing, registry
from experiments.report.page import markdown
from experiments.runs.schema import StoreError
from tests.programs import posix

ROOT = Path(__file__).resolve().parent.parent
README, CATALOGUE = (ROOT.joinpath(*names).read_text(encoding="utf-8") for names in (
    ("README.md",), ("experiments", "README.md")))


# --- the documents of this checkout ---

def test_every_question_stands_in_the_gallery_in_the_registrys_order():
    found = list(publishing.entries(CATALOGUE))
    assert found == [name for name in registry.NAMES if not publishing.own_section(CATALOGUE, name)]
    for name, entry in publishing.entries(CATALOGUE).items():
        assert f"*{registry.entry(name).question}*" in entry


def test_every_picture_of_the_documents_is_there():
    for folder, text in ((ROOT, README), (ROOT / "experiments", CATALOGUE)):
        linked = re.findall(r"\]\(((?:experiments/)?gallery/[^)]+)\)", text)
        assert [path for path in linked if not (folder / path).is_file()] == [] and linked
    shown = set(re.findall(r"gallery/(\w+\.png)", README + CATALOGUE))
    assert {path.name for path in (ROOT / "experiments" / "gallery").iterdir()} == shown  # and none is left over


def test_the_decision_table_of_the_readme_has_all_rows_and_is_of_todays_runs():
    versions = publishing.versions(README)
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in
            publishing.DECISIONS.search(README)["text"].splitlines()[2:]}
    expected = [line.split(" | ")[0].removeprefix("| ") for line in markdown(deciding.decisions({})).splitlines()[2:]]
    assert list(rows) == expected
    for row in deciding.TABLE:
        assert ("**not yet run**" in rows[row.situation]) == (row.question not in versions), row.situation
    assert {name: publishing.version(name) for name in versions} == versions


# --- the command ---

GALLERY = "# A\n\n## Gallery\n\nWords.\n\n### speed\n\nold\n\n### zero_loss\n\nold\n\n## After\n\n### privacy\n"


@posix
@pytest.mark.parametrize("name", ["README.md", "experiments/README.md"])
def test_a_pipe_in_a_documents_place_is_not_waited_for(tmp_path, name):
    (tmp_path / "experiments").mkdir()
    for other in {"README.md", "experiments/README.md"} - {name}:
        (tmp_path / other).touch()
    os.mkfifo(tmp_path / name)
    with pytest.raises(StoreError, match=r"README\.md: got a named pipe, accepted: a regular file"):
        publishing.publish(tmp_path, tmp_path)


def test_new_entries_stand_in_order_and_nothing_else_changes():
    new = {"zero_loss": "### zero_loss\n\nnew\n\n", "privacy": "### privacy\n\nnew\n\n"}
    assert publishing.with_gallery(GALLERY, new) == (
        "# A\n\n## Gallery\n\nWords.\n\n### zero_loss\n\nnew\n\n### speed\n\nold\n\n## After\n\n### privacy\n")
    assert publishing.with_gallery(CATALOGUE, {}) == CATALOGUE
    with pytest.raises(StoreError, match="got 0 galleries, accepted: one"):
        publishing.entries("# A\n")


def test_rows_of_other_questions_stay(monkeypatch):
    from experiments.report.decisions import KEEP, NOT_YET, STOP, Advice, Decision

    monkeypatch.setattr(publishing, "version", lambda name: f"version-{name}")
    text = "a\n<!-- decision table: begin, runs none -->\n<!-- decision table: end -->\nb\n"
    first = [Decision("s", "zero_loss", Advice(KEEP, "1")), Decision("t", "speed", Advice(NOT_YET, ""))]
    once = publishing.with_decisions(text, first, ["zero_loss"])
    assert publishing.versions(once) == {"zero_loss": "version-zero_loss"}
    assert once.startswith("a\n") and once.endswith("\nb\n")
    second = [Decision("s", "zero_loss", Advice(NOT_YET, "")), Decision("t", "speed", Advice(STOP, "2"))]
    twice = publishing.with_decisions(once, second, ["speed", "privacy"])
    assert "| s | **keep training** | 1 |" in twice and "| t | **stop** | 2 |" in twice
    assert publishing.versions(twice) == {"zero_loss": "version-zero_loss", "speed": "version-speed"}
    with pytest.raises(StoreError, match="got 0 decision tables, accepted: one"):
        publishing.with_decisions("nothing", first, [])
