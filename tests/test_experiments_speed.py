"""The benchmark: its arithmetic, its referee, and that every contender does the same work. Nothing here judges a time."""
import importlib.util
import math
from dataclasses import replace

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.questions.speed import Config, answer, contenders, figures, gather, harness, parts, race, tables, workloads
from experiments.questions.speed.contenders import OURS, Contender, by_name, entered, unavailable
from experiments.questions.speed.growth import AXES
from experiments.questions.speed.harness import Spread, WrongCurve, check_curve
from experiments.questions.speed.process import ContenderFailed, Process
from experiments.questions.speed.workloads import Problem, flops, named
from experiments.runs.store import Run, Store

FLEET = pytest.mark.skipif(unavailable(by_name(OURS), "fleet") is not None, reason="this version has no nn.fit_fleet")
TINY = {"W1a": 0.01, "W1b": 0.01, "S": 0.12, "W2": 0.06, "W3-128": 0.01, "W3-500": 0.04, "W4-64": 0.02, "W4-1": 0.02,
        "W5a": 0.1, "W5b": 0.1}


def workload(name):
    return next(task for task in workloads.WORKLOADS if task.name == name)


def tiny(name):
    return workload(name).scaled(TINY[name])


# --- harness ---

def test_spread_of_known_values():
    assert Spread.of([4, 1, 3, 2, 5]) == Spread(3.0, 2.0, 4.0)
    assert all(map(math.isnan, vars(Spread.of([])).values()))


def test_ratio_is_formed_round_by_round():
    # The second round was slow for both. The ratio of medians would be 2 / 4; of rounds: 1/4, 10/20, 2/2 -> 0.5.
    assert harness.ratio([1, 10, 2], [4, 20, 2]) == Spread(0.5, 0.375, 0.75)


def test_every_round_has_all_contenders_and_begins_with_the_next():
    order = harness.rotation("abc", 4)
    assert order == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


@pytest.mark.parametrize("value, words", [(1.0, "tie"), (1.149, "tie"), (0.87, "tie"), (0.5, "2 x faster"),
                                          (1.15, "1.15 x slower"), (4.0, "4 x slower"), (math.nan, "–")])
def test_verdicts(value, words):
    assert harness.verdict(value) == words


def test_targets_are_judged():
    assert harness.judged(0.45, 0.45) == "met" and harness.judged(0.9, 0.45) == "missed by 2.00 x"
    assert harness.judged(math.nan, 1.0) == "not measured"


def test_exponent_of_a_power_law():
    sizes = np.array([8, 16, 32, 64])
    assert harness.exponent(sizes, 3e-7 * sizes ** 1.7) == pytest.approx(1.7, rel=1e-12)
    assert math.isnan(harness.exponent([8], [1.0]))


@pytest.mark.parametrize("losses, message", [([1.0, 0.5002], "differ from the definition by 4.0e-04"),
                                             ([1.0], "has shape \\(1,\\) instead of \\(2,\\)"),
                                             ([1.0, math.nan], "differ from the definition by nan")])
def test_a_wrong_curve_is_refused(losses, message):
    with pytest.raises(WrongCurve, match=message):
        check_curve(losses, [1.0, 0.5])


def test_a_right_curve_passes():
    assert check_curve([1.0, 0.50004], [1.0, 0.5]) == pytest.approx(8e-5)


# --- workloads ---

@pytest.mark.parametrize("name, published, epochs", [("W1a", 7.8e6, 1), ("W1b", 36e6, 1), ("S", 7.8e6, 1), ("W2", 4.53e9, 1),
                                                     ("W3-128", 39.7e9, 1), ("W4-64", 2.4e9, 1), ("W5a", 43e9, 100),
                                                     ("W5b", 134e9, 20)])
def test_operations_are_the_published_ones(name, published, epochs):
    assert epochs * flops(workload(name)) == pytest.approx(published, rel=0.01)


def test_problems_are_the_same_every_time_and_as_large_as_stated():
    for task in workloads.WORKLOADS:
        first, second = Problem(task), Problem(task)
        assert len(first) == task.samples == len(first.x) == len(first.y)
        assert np.array_equal(first.x, second.x) and np.array_equal(first.y, second.y)
        assert first.x.shape[1] == (task.longest or task.network[0])
        assert set(first.y) <= set(range(task.network[-1])) and len(set(first.y)) > 1


def test_members_of_a_fleet_are_seeds_times_levels():
    problem = Problem(workload("W5a"))
    pairs = set(zip(problem.seeds, problem.levels, strict=True))
    assert len(pairs) == 64 and {level for _, level in pairs} == set(workloads.LEVELS)
    assert np.array_equal(problem.orders(3)[5], problem.order(3, 5))


def test_names_are_chosen_by_their_beginning():
    assert [task.name for task in named(["W1", "S"])] == ["W1a", "W1b", "S"]


def test_growth_has_a_task_for_every_size():
    for axis in AXES:
        small, large = axis.task(axis.first), axis.task(4 * axis.first)
        assert small != large and len(Problem(small)) == small.samples
        assert flops(large) > flops(small) or axis.name == "batch"


# --- contenders do the same work ---

def definition_of(problem, epochs=2):
    return by_name(contenders.DEFINITION).load(problem.workload.kind)(problem, 1).curve(epochs)


def peer_curve(name, problem):
    return by_name(name).load(problem.workload.kind)(problem, 1).curve(2)


@pytest.mark.parametrize("name", TINY)
def test_numpy_does_what_the_definition_does(name):
    problem = Problem(tiny(name))
    assert check_curve(peer_curve("numpy", problem), definition_of(problem)) < harness.TOLERANCE


@pytest.mark.compiled
@pytest.mark.parametrize("name", [*(name for name in TINY if not name.startswith("W5")),
                                  *(pytest.param(name, marks=FLEET) for name in ("W5a", "W5b"))])
def test_ours_does_what_the_definition_does(name):
    problem = Problem(tiny(name))
    ours = by_name(OURS).load(problem.workload.kind)(problem, 1)
    check_curve(ours.curve(2), definition_of(problem))
    losses = ours.train(2)  # what is timed: the same, recorded once
    assert losses.shape == ((1, len(problem.seeds)) if problem.workload.replicas else (1,))
    assert losses[0] == pytest.approx(ours.curve(2).mean(axis=0), rel=1e-6)


# One per optimizer and kind; "jax scan" also on-line, where it takes several updates at a time. torch.compile is too slow.
PEERS = [("jax scan", "W1b"), *(
    (contender.name, name) for contender in contenders.CONTENDERS[2:] for name in ("S", "W3-128", "W4-64", "W5b")
    if workload(name).kind in contender.classes and contender.name not in ("scikit-learn", "torch compiled"))]


@pytest.mark.parametrize("peer, name", PEERS)
def test_peers_do_what_the_definition_does(peer, name):
    package = by_name(peer).package
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    problem = Problem(tiny(name))
    check_curve(peer_curve(peer, problem), definition_of(problem))


def test_a_wrong_learning_rate_is_caught():
    problem = Problem(tiny("S"))
    wrong = Problem(replace(problem.workload, learning_rate=1.01 * problem.workload.learning_rate))
    with pytest.raises(WrongCurve, match="differ from the definition"):
        check_curve(peer_curve("numpy", wrong), definition_of(problem))


def test_scikit_learn_is_timed_only():
    pytest.importorskip("sklearn")
    peer = by_name("scikit-learn").load("mlp")(Problem(tiny("S")), 1)
    assert not peer.validated and peer.train(2).shape == (2,)


# --- processes ---

def test_a_contender_that_fails_is_reported_and_its_process_lives_on():
    with Process("numpy", tiny("S"), 1) as process:
        with pytest.raises(ContenderFailed, match="TypeError"):
            process.ask(do="curve", epochs="two")
        assert np.shape(process.ask(do="curve", epochs=2)["losses"]) == (2,)
        assert set(process.ask(do="time", epochs=1)) == {"wall", "cpu"}
        process.process.kill()
        with pytest.raises(ContenderFailed, match="ended with code -9"):
            process.ask(do="time", epochs=1)


def test_missing_peers_are_named():
    missing = Contender("nonesuch", "no-such-package", {"mlp": "none:None"})
    assert missing.version() is None and unavailable(missing, "mlp") == "not installed (pip install -e '.[peers]')"


def test_ours_is_always_entered():
    assert [contender.name for contender in entered("mlp", ["numpy"])] == [OURS, "numpy"]
    assert len(entered("rnn")) > 3


# --- the experiment ---

class Racer:
    """Stands for a process: its losses and times are given."""

    def __init__(self, name, task, threads, extra=None):
        self.name, self.calls = name, 0
        if name == "jax step":
            raise ContenderFailed("RuntimeError: planted")

    def ask(self, do, epochs):
        self.calls += 1
        if self.name == "torch compiled" and self.calls == 4:  # in the first round
            raise ContenderFailed("its process ended with code -9")
        if do == "curve":
            return {"losses": [1.0, 0.5 if self.name != "jax scan" else 0.6], "validated": self.name != "scikit-learn",
                    "seconds": 1.0}
        each = {OURS: 0.001, "numpy": 0.004, "torch eager": 0.3, "jax scan": 0.0001}.get(self.name, 0.1)
        return {"wall": each * epochs, "cpu": each * epochs}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    """A store with one race of pretended processes, all peers but scikit-learn installed."""
    monkeypatch.setattr(race, "Process", Racer)
    monkeypatch.setattr(Contender, "version", lambda self: None if self.package == "scikit-learn" else "1.0")
    config = Config(workloads=("W1a",), rounds=3, growth_seconds=0, threads=(1,))
    store = Store(tmp_path)
    [part] = parts(config)
    store.save(part.settings, part.measure(lambda share: None))
    return store, config


def test_who_fails_is_named_and_counts_in_no_ratio(pretended):
    store, config = pretended
    summary, table = (text.plain() for text in tables(gather(store, config)))
    first, second = (line.split() for line in summary.splitlines() if line.startswith("W1a"))
    assert first == ["W1a,", "1", "core", "1.00", "[1.00–1.00]", "numpy", "0.25", "[0.25–0.25]", "4", "x", "faster", "≤",
                     "0.45", "met"]
    assert second[5:9] == ["torch", "eager", "0.00333", "[0.00333–0.00333]"] and second[-1] == "met"
    assert "jax step: FAILED: RuntimeError: planted" in table
    assert "torch compiled: FAILED: its process ended with code -9" in table
    assert "jax scan: FAILED: its losses differ from the definition by 2.0e-01" in table
    assert "scikit-learn: not installed (pip install -e '.[peers]')" in table
    assert "NOT INSTALLED, so not compared with: scikit-learn" in summary
    words = answer(gather(store, config))
    assert words.startswith("Yes. Against the fastest installed peer ")
    assert "faster: W1a on 1 core (4 x)" in words and "2 of 2 targets for ratios are met." in words
    assert "FAILED, and excluded from all ratios: torch compiled on W1a, jax step on W1a, jax scan on W1a." in words


def test_missed_targets_say_by_how_much(pretended, monkeypatch):
    monkeypatch.setattr("experiments.questions.speed.report.targets", lambda result: [workloads.Target(1, 0.2)])
    store, config = pretended
    assert "missed by 1.25 x" in tables(gather(store, config))[0].plain()
    assert "missed: W1a on 1 core (0.25 instead of 0.2)." in answer(gather(store, config))


def test_figures_and_markdown_come_from_the_store(pretended):
    store, config = pretended
    picture, page = figures(gather(store, config), store.folder)
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("Measured 20") and "| numpy | 4.00 [4.00–4.00] | 4 |" in text


def test_what_cannot_start_has_no_curves(monkeypatch, tmp_path):
    monkeypatch.setattr("experiments.questions.speed.growth.unavailable", lambda contender, kind: "not here")
    monkeypatch.setattr("experiments.questions.speed.cold.unavailable", lambda contender, kind: "not here")
    config, store = Config(workloads=("W6",)), Store(tmp_path)
    for part in parts(config):
        run = part.measure(lambda share: None)
        assert isinstance(run, Run) and not run.curves
        store.save(part.settings, run)
    latency, growth = (table.plain() for table in tables(gather(store, config)))
    assert "fit, MLP: not here" in latency and "width: not here" in growth
    assert answer(gather(store, config)) == (
        "It depends on peers and workloads, none of which could be compared. Nothing was measured.")
    assert all(path.exists() for path in figures(gather(store, config), store.folder))


@pytest.mark.compiled
def test_the_command_measures_once_and_redraws(capsys, tmp_path):
    options = ["run", "speed", "--quick", "--workloads", "S", "--contenders", "numpy", "--share", "0.1", "--rounds", "2",
               "--growth-seconds", "0", "--results", str(tmp_path)]
    assert main(options) == 0
    out = capsys.readouterr().out
    assert "afterzero" in out and "numpy" in out and "speed_S.png" in out and "table: " in out
    assert (tmp_path / "speed_S.png").exists() and Store(tmp_path).count("speed") == 1
    assert main(options) == 0 and Store(tmp_path).count("speed") == 1
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("option, value, message", [
    ("workloads", ("W9",), "accepted: beginnings of W1a"), ("contenders", ("julia",), "accepted: names of afterzero"),
    ("threads", (0,), "whole numbers of at least 1"), ("rounds", 0, "at least 1"), ("share", 1.5, "at most 1"),
    ("baseline", "afterzero", "one of numpy"), ("growth_seconds", -1.0, "at least 0"), ("again", -1, "at least 0")])
def test_settings_out_of_range_are_refused(option, value, message):
    with pytest.raises(ValueError, match=f"{option}: got .*{message}"):
        Config(**{option: value})
