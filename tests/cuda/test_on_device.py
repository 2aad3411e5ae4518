"""The script for a machine with a GPU, without one: it notes what fails and goes on, and its checks run in the simulator."""
import functools
import itertools
import sys

import pytest

from nn.cuda import _compat
from tests.cuda import device_checks, on_device
from tests.cuda.cases import trained
from tests.cuda.random_shapes import random_shapes
from tests.cuda.simulator import simulated
from tests.cuda.small import small_tiles


def checks():
    yield "good", lambda: "as it should be"
    yield "bad", lambda: 1 / 0
    yield "good too", lambda: None


def test_what_fails_is_noted_and_the_rest_goes_on(tmp_path, capsys):
    report = on_device.Report(tmp_path / "report.txt")
    report.run("checks", on_device.part(checks))
    report.run("broken", lambda report: 1 / 0)
    report.run("last", lambda report: report.say("done"))
    text = report.path.read_text(encoding="utf-8")
    assert text == capsys.readouterr().out and report.failures == 2
    for line in ("as it should be", "2 passed, 1 failed", "FAILED bad: ZeroDivisionError", "FAILED broken", "done"):
        assert text.count(line) == 1
    report.start -= on_device.LIMIT
    report.run("late", lambda report: report.say("never"))
    assert report.failures == 3 and report.lines[-1] == "## late: NOT RUN, the time is over"


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["on_device"])
    monkeypatch.setattr(_compat.machine, "unavailable", lambda: "there is no driver", raising=False)
    assert on_device.main() == 2
    assert capsys.readouterr().out == "no GPU: there is no driver\n"


@pytest.mark.slow
@pytest.mark.parametrize("part", device_checks.PARTS)
def test_checks_run(part, monkeypatch):
    monkeypatch.setattr(device_checks, "EPOCHS", 1)
    monkeypatch.setattr(device_checks, "random_shapes", functools.partial(random_shapes, shapes=5, largest=7))
    parts = device_checks.PARTS | {"fit": lambda: device_checks.fit_checks(
        lambda name, dtype: trained(name, dtype, "numpy", device_checks.EPOCHS))}
    with small_tiles(), simulated():
        for _, check in itertools.islice(parts[part](), 2):
            check()
