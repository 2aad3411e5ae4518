"""`fit_fleet`: what it refuses before it trains, and Ctrl-C."""
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import threadpoolctl

import nn.fleet.fit_fleet
from losses import L2, AdaFlooding
from nn import RNN, RPROP, TrainingInterrupted, step
from stopping import Patience
from tests.fitting import CE, X_VAL, Y_VAL, Y, network
from tests.fleets import CLASSES, FLOOD, LENGTHS, LEVELS, TOKENS, XS, YS, R, assert_member, fleet_of, lone, threads_left

# --- bad input ---

class NoReset:
    requires, best_step = (), None

    def update(self, **row):
        return False


@pytest.mark.parametrize(("members", "options", "error", "message"), [
    ([], {}, ValueError, "members: got an empty list"),
    ({"seed": 1}, {}, TypeError, "members: got .*accepted: a list of dicts"),
    (7, {}, TypeError, "members: got 7, accepted: a list of dicts"),
    ([{}, 3], {}, TypeError, r"members\[1\]: overrides: got 3, accepted: a dict"),
    ([{}, {"sed": 1}], {}, ValueError, r"members\[1\]: key: got 'sed'.*did you mean 'seed'"),
    ([{}, {1: 1}], {}, ValueError, r"members\[1\]: key: got 1, accepted: 'seed'"),
    ([{"seed": -1}], {}, ValueError, r"members\[0\]: seed: got -1"),
    ([{"seed": 1.5}], {}, TypeError, r"members\[0\]: seed: got 1.5"),
    ([{}, {}, {"learning_rate": 0}], {}, ValueError, r"members\[2\]: learning_rate: got 0"),
    ([{"learning_rate": step(0.1, 1)}], {"optimizer": RPROP(), "batch_size": None}, TypeError,
     r"members\[0\]: learning_rate"),
    ([{"weight_decay": -1}], {}, ValueError, r"members\[0\]: weight_decay: got -1"),
    ([{"weight_decay": 0.1}], {"optimizer": RPROP(), "batch_size": None}, ValueError,
     r"members\[0\]: weight_decay: got 0.1, but the fleet's optimizer RPROP.* SGD, Adam"),
    ([{"level": 0.1}], {}, ValueError, r"members\[0\]: level: got 0.1, but the fleet's loss CrossEntropy.* Flooding"),
    ([{}, {"level": -1}], {"loss": FLOOD}, ValueError, r"members\[1\]: level: got -1"),
    ([{"levels": LEVELS}], {"loss": FLOOD}, ValueError, r"members\[0\]: levels: .*AdaFlooding"),
    ([{}, {"levels": LEVELS[1:]}], {"loss": AdaFlooding(CE, LEVELS)}, ValueError, r"members\[1\]: levels: got 22 entries"),
    ([{"penalty": 0.1}], {}, TypeError, r"members\[0\]: penalty: got 0.1, .*it is None"),
    ([{"penalty": -0.1}], {"penalty": L2(1)}, ValueError, r"members\[0\]: penalty: strength"),
    ([{"penalty": L2}], {}, TypeError, r"members\[0\]: penalty: got <class"),
    ([{}], {"loss": 3}, TypeError, "^loss: got 3"),
    ([{}], {"epochs": 0}, ValueError, "^epochs: got 0"),
    ([{}], {"seed": -1}, ValueError, "^seed: got -1"),
    ([{}], {"workers": 0}, ValueError, "^workers: got 0"),
    ([{}], {"workers": 2.0}, TypeError, "^workers: got 2.0"),
    ([{}], {"max_memory": -5}, ValueError, "^max_memory: got -5"),
    ([{}], {"on_member": 5}, TypeError, "^on_member: got 5"),
    ([{}], {"on_check": "print"}, TypeError, "^on_check: got 'print'"),
    ([{}], {"on_epoch": 1}, TypeError, "^on_epoch: got 1, accepted: a function"),
    ([{}], {"stopping": NoReset()}, TypeError, "^stopping: got"),
    ([{}], {"stopping": Patience(3)}, ValueError, "^stopping: .*accepted: with validation"),
    ([{}], {"metrics": ["margin"]}, ValueError, "^metrics: got 'margin'"),
    ([{}], {"validation": X_VAL}, ValueError, "^validation: got ndarray"),
    ([{}], {"validation": (X_VAL[:, :3], Y_VAL)}, ValueError, "^validation x: got shape"),
    ([{}], {"lengths": [1]}, ValueError, "^training lengths: got an array, but an MLP"),
    ([{}] * 3, {"x": XS[:2]}, ValueError, r"^training x: got shape \(2, 23, 4\), accepted: \(N, 4\), or .*R = 3"),
    ([{}] * 3, {"x": XS[None]}, ValueError, r"^training x: got shape \(1, 3, 23, 4\)"),
    ([{}] * 3, {"x": [[1.0], [2.0, 3.0]]}, ValueError, "^training x: got nested sequences of unequal length"),
    ([{}] * 3, {"y": YS[:2]}, ValueError, r"^training y: got shape \(2, 23\), accepted: \(23,\) or .*R = 3"),
    ([{}] * 3, {"y": Y[1:]}, ValueError, r"^training y: got shape \(22,\)"),
    ([{}] * 3, {"y": YS + 5}, ValueError, r"^members\[0\]: training y"),
    ([{}] * 3, {"y": YS + np.array([[0], [0], [5]])}, ValueError, r"^members\[2\]: training y"),
    ([{}] * 3, {"y": Y + 5}, ValueError, "^training y"),
    ([{}] * 3, {"x": XS + np.where(np.arange(R) == 1, np.inf, 0)[:, None, None]}, ValueError,
     r"^members\[1\]: training x: got inf"),
])
def test_bad_input(monkeypatch, members, options, error, message):
    monkeypatch.setattr(nn.fleet.fit_fleet, "train", lambda *_: pytest.fail("training has begun"))
    template = network("numpy")
    flat = template.flat.copy()
    with pytest.raises(error, match=message):
        fleet_of(template, members, **options)
    assert np.array_equal(template.flat, flat)


@pytest.mark.parametrize(("options", "message"), [
    ({"x": TOKENS[:2]}, r"^training x: got shape \(2, 12, 5\), accepted: \(N, T, 4\) or integer tokens"),
    ({"lengths": LENGTHS[:2]}, r"^training lengths: got shape \(2, 12\), accepted: .*R = 3"),
    ({"lengths": LENGTHS + np.array([[0], [9], [0]])}, r"^members\[1\]: training lengths: got values from"),
    ({"y": CLASSES}, r"^members\[0\]: training y"),
    ({"y": CLASSES[:, :5]}, r"^training y: got shape \(3, 5, 5\), accepted: \(12,\) or .*R = 3")])
def test_bad_input_for_sequences(options, message):
    options = {"x": TOKENS, "y": CLASSES[:, :, 0], "lengths": LENGTHS} | options
    with pytest.raises(ValueError, match=message):
        fleet_of(RNN(4, 3, 2, backend="numpy"), [{}] * R, **options)


# --- Ctrl-C ---

def test_interrupt_in_a_callback():
    def on_member(fleet, r):
        if fleet.finished.sum() >= 3:
            raise KeyboardInterrupt
    fleet_of(network("numpy"), [{}])  # loads every BLAS library
    before = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
    members = [{"seed": r} for r in range(200)]
    with pytest.raises(TrainingInterrupted, match=r"training was interrupted: \d+ of 200 replicas are done") as caught:
        fleet_of(network("numpy"), members, on_member=on_member, workers=2, epochs=20)
    fleet = caught.value.history
    assert isinstance(caught.value, KeyboardInterrupt)
    assert not threads_left()
    assert [library["num_threads"] for library in threadpoolctl.threadpool_info()] == before
    assert 3 <= fleet.finished.sum() < 100
    alone = {r: lone(network("numpy"), model_seed=r, seed=r, epochs=20) for r in [*np.flatnonzero(fleet.finished)[:5], 199]}
    for r, (model, history) in alone.items():
        if fleet.finished[r]:
            assert_member(fleet, r, (model, history))
    assert np.isnan(fleet["train_loss"][199]).all()  # its turn never came
    assert np.array_equal(fleet.model(199).flat, network("numpy", seed=199).flat)
    assert not fleet.diverged.any()


# Two replicas take their third check after a million updates. The signal comes when both have had their second.
CHILD = """
import json, sys, threading
import numpy as np
import nn.fitting.run
from losses import CrossEntropy
from nn import MLP, SGD, TrainingInterrupted, fit_fleet
from threadpoolctl import threadpool_info

def watched(run):
    row = check(run)
    seen.append(row)
    if len(seen) == 4:
        print("started", flush=True)
    return row

rng = np.random.default_rng(0)
x, y = rng.normal(size=(256, 10)), rng.integers(0, 2, 256)
settings = {"sizes": [10, 256, 256, 2], "dtype": "float64", "backend": sys.argv[1]}
options = {"loss": CrossEntropy(), "optimizer": SGD(1e-3), "workers": 2, "progress": False}
fit_fleet(MLP(**settings), x, y, members=[{}], epochs=1, **options)  # compiles
seen, check, nn.fitting.run.TrainingRun.check = [], nn.fitting.run.TrainingRun.check, watched
before = [library["num_threads"] for library in threadpool_info()]
try:
    fit_fleet(MLP(**settings), x, y, members=[{"seed": r} for r in range(6)], epochs=10**6, check_every=[0, 8, 10**6],
              **options)
except TrainingInterrupted as error:
    fleet = error.history
    print(json.dumps({"checks": [fleet.history(r).checks for r in range(6)], "finished": fleet.finished.tolist(),
                      "rows": np.isfinite(fleet["train_loss"]).sum(axis=1).tolist(),
                      "threads": [thread.name for thread in threading.enumerate() if "fleet" in thread.name],
                      "trained": [not np.array_equal(fleet.model(r).flat, MLP(**settings, seed=r).flat) for r in range(6)],
                      "limits": before == [library["num_threads"] for library in threadpool_info()]}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=pytest.mark.compiled)])
def test_ctrl_c_from_outside(backend):
    with subprocess.Popen([sys.executable, "-c", CHILD, backend], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "started\n"
        time.sleep(0.5)
        os.kill(child.pid, signal.SIGINT)
        struck = time.perf_counter()
        report = json.loads(child.stdout.readline())
        assert time.perf_counter() - struck < 4.0
        assert child.wait(timeout=60) == 0
    assert report == {"checks": [2, 2, 0, 0, 0, 0], "rows": [2, 2, 0, 0, 0, 0], "finished": [False] * 6, "threads": [],
                      "trained": [True, True, False, False, False, False], "limits": True}
