"""Is the suite any good? Classic backprop bugs are planted in a copy of the sources; for each one some test must fail.

The bugs stand in tests/mutants. Most runs switch the JIT off, which is fast; a few leave it on, to show that a bug planted
in an undecorated kernel body or in scalar maths reaches the compiled code.
"""
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.mutants import EVERYDAY, MUTANTS, TABLES, Mutant

ROOT = Path(__file__).parent.parent
# Each run sets the JIT itself, so once is enough: not again where the tests run with the JIT off.
pytestmark = pytest.mark.compiled

FOLDERS = ("nn", "losses", "stopping", "experiments", "tests")
# A test's path follows: where CI is set pytest prints whole messages, and a report of ours has lines that begin with FAILED.
SUMMARY = re.compile(r"^(FAILED|ERROR) (tests/\S+)", re.MULTILINE)

CLEAN = Mutant("", "", "", " ".join(sorted({mutant.tests for mutant in MUTANTS.values() if not mutant.jit})))


def plant(mutant, folder):
    """Copy the sources into a folder and plant the bug; the text must be there exactly once."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "test_mutations.py"))
    shutil.copy(ROOT / "setup.cfg", folder)
    if mutant.file:
        path = folder / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise LookupError(f"{mutant.file} holds {text.count(mutant.old)} times, not once: {mutant.old!r}")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def outcome(mutant, folder):
    """Return (exit status, output) of pytest in a copy that holds the bug."""
    plant(mutant, folder)
    # PYTHONPATH comes before an installed package, so that the copy is what is tested.
    environment = os.environ | {"NUMBA_DISABLE_JIT": "0" if mutant.jit else "1", "PYTHONPATH": str(folder),
                                "AFTERZERO_CACHE_DIR": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--assert=plain", "-p", "no:cacheprovider",
               *mutant.tests.split()]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    shutil.rmtree(folder)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """Name -> future of every run that was selected, two at a time."""
    chosen = [item.callspec.params["name"] for item in request.session.items
              if item.path == request.path and hasattr(item, "callspec") and not item.get_closest_marker("skip")]
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(outcome, MUTANTS.get(name, CLEAN), tmp_path_factory.mktemp(name)) for name in chosen}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clean"])
def test_the_copy_passes_without_a_bug(outcomes, name):
    status, output = outcomes[name].result()
    assert status == 0, output


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in EVERYDAY else pytest.mark.slow) for name in MUTANTS])
def test_bug_is_found(outcomes, name):
    status, output = outcomes[name].result()
    found = SUMMARY.findall(output)
    # 1: tests ran and some failed. A bug that breaks the import (2), or a selection that is empty (4, 5), proves nothing.
    assert status == 1 and [kind for kind, _ in found] == ["FAILED"], f"{name} survived ({status}):\n{output}"


def test_every_bug_can_be_planted():
    assert len(MUTANTS) == sum(map(len, TABLES)) and set(MUTANTS) >= EVERYDAY
    for name, mutant in MUTANTS.items():
        assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1, f"{name}: {mutant.old!r}"


def test_the_copy_is_what_runs(tmp_path):
    plant(CLEAN, tmp_path)
    command = [sys.executable, "-c", "import nn, losses, sys; print(nn.__file__, losses.__file__)"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / "nn" / "__init__.py"), str(tmp_path / "losses" / "__init__.py")]
