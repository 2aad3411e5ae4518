"""The code in the documentation runs as it stands."""
import re
from pathlib import Path

import pytest

from experiments import documenting
from experiments.questions import zero_loss
from tests.mutants import MUTANTS

ROOT = Path(__file__).parents[1]
PAGES = sorted(page.relative_to(ROOT).as_posix()
               for page in [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("experiments/*/README.md")])


def python_blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.compiled  # as plain Python the README's training takes a minute
@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)])
def test_python_blocks_run(page):
    """One page is one session: later blocks may use the names of earlier ones."""
    session = {}
    for block in python_blocks(page):
        exec(compile(block, page, "exec"), session)


def test_the_readme_has_the_two_commands():
    commands = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [sum(word in command for command in commands) for word in ("run zero_loss", "-m pytest")] == [1, 1]
    assert all(command.startswith("python3 -m venv .venv && ") for command in commands)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", [page for page in PAGES if documenting.SECTION.search((ROOT / page).read_text("utf-8"))])
def test_tables_are_of_this_code(page):
    """Of its settings and the meaning of the code that trains; digits differ between processors."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert documenting.stale(text) == [], (
        f"python -m experiments run NAME && python -m experiments table NAME --write {page} --figures experiments/gallery")


def test_the_main_answer_is_in_the_readme_and_has_the_structure_of_today():
    [found] = documenting.SECTION.finditer((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found["name"] == "zero_loss" and documenting.EARLIER not in found["version"]
    lines = found["text"].splitlines()
    for case in zero_loss.cases(zero_loss.Config()):
        first = next(i for i, line in enumerate(lines) if line.startswith(f"| {case.title} (10 seeds, "))
        assert [line.split(" | ")[1] for line in lines[first:first + 4]] == list(zero_loss.SUMMARY), case.title
        assert lines[first].count(" | ") == 1 + len(zero_loss.METHODS)


def test_the_number_of_planted_bugs_is_the_one_claimed():
    claimed = int(re.search(r"plants (\d+) classic", (ROOT / "README.md").read_text(encoding="utf-8"))[1])
    assert len(MUTANTS) == claimed
