"""The code in the documentation runs as it stands."""
import re
from pathlib import Path

import pytest

from tests.test_mutations import MUTANTS

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


def test_the_number_of_planted_bugs_is_the_one_claimed():
    claimed = int(re.search(r"plants (\d+) classic", (ROOT / "README.md").read_text(encoding="utf-8"))[1])
    assert len(MUTANTS) == claimed
