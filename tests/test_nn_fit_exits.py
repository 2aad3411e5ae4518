"""Every way out of `fit`: end, stop, Ctrl-C, divergence; which weights the model has then, and what is reported."""
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from losses import Flooding, SquaredError
from nn import MLP, SGD, TrainingDiverged, TrainingInterrupted
from nn.fitting.metrics import Meter
from stopping import Patience, Target, ZeroError, replay
from tests.fitting import CE, X_VAL, Y_VAL, X, Y, network, train

Y_WRONG = 1 - (X_VAL[:, 0] > 0)  # training makes this validation loss worse


def recorded(model, **options):
    """Train; return the history and the weights at every check."""
    weights = []
    history = train(model, on_check=lambda m, row: weights.append(m.flat.copy()), **options)
    return history, weights


# --- end and stop ---

@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize(("criterion", "epochs", "stops"), [
    (Patience(5, "val_loss"), 60, True), (Patience(500, "val_loss"), 12, False),
    (Patience(4, "train_loss", mode="max"), 60, True), (Patience(5, "val_loss") & ZeroError("val_error"), 12, False),
    (ZeroError(hold=100) | Patience(3, "val_error"), 60, True)])
def test_best_weights_at_the_end_and_at_a_stop(backend, criterion, epochs, stops, restore):
    model = network(backend)
    history, weights = recorded(model, epochs=epochs, validation=(X_VAL, Y_WRONG), stopping=criterion, check_every=2,
                                restore_best=restore)
    decision = replay(criterion, history)
    assert (history.stopped_epoch is not None) == stops
    assert history.stopped_epoch == decision.stopped_epoch
    assert history.best_epoch == decision.best_epoch
    best = decision.best_step - 1
    assert best < history.checks - 1  # or the last weights could pass for the best
    assert np.array_equal(model.flat, weights[best if restore else -1])
    if stops:
        assert history.stopped_epoch == history["epoch"][-1]


def test_best_is_the_check_that_stops(backend):
    model = network(backend)
    criterion = Patience(50, "train_loss") | Target(0.5, "train_loss")
    history, weights = recorded(model, epochs=500, stopping=criterion, optimizer=SGD(0.05))
    assert history.stopped_epoch == history.best_epoch == history["epoch"][-1] < 500
    assert history["train_loss"][-1] == history["train_loss"].min() <= 0.5 < history["train_loss"][-2]
    assert np.array_equal(model.flat, weights[-1])


def test_best_before_the_first_update(backend):
    model = network(backend)
    start = model.flat.copy()
    history = train(model, epochs=8, stopping=Patience(3, "train_loss", mode="max"), check_every=range(33))
    assert (history.best_epoch, history["update"][0]) == (0, 0)
    assert np.array_equal(model.flat, start)


def test_criterion_without_a_best_leaves_the_last_weights(backend):
    model = network(backend)
    history, weights = recorded(model, y=X[:, 0] > 0, epochs=400, stopping=ZeroError(), optimizer=SGD(0.5))
    assert history["train_error"][-1] == 0 < history["train_error"][0]
    assert history.stopped_epoch == history["epoch"][-1]
    assert history.best_epoch is None
    assert np.array_equal(model.flat, weights[-1])


def test_best_of_nothing_but_nan_leaves_the_last_weights(backend, monkeypatch):
    monkeypatch.setattr(Meter, "_update_norm", lambda self, outputs: np.nan)  # what would be NaN always is refused
    model, criterion = network(backend), Patience(3, "update_norm")
    history, weights = recorded(model, stopping=criterion, epochs=9, optimizer=SGD(0.01))
    assert (history.stopped_epoch, history.best_epoch) == (3, None)
    assert np.array_equal(model.flat, weights[-1])


def test_a_criterion_can_be_used_again(backend):
    criterion, runs = Patience(5, "val_loss"), []
    for _ in range(2):
        model = network(backend)
        history = train(model, epochs=60, validation=(X_VAL, Y_WRONG), stopping=criterion)
        runs.append((history.stopped_epoch, history.best_epoch, history.checks, model.flat.tobytes()))
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("monitor", "validation", "message"), [
    ("val_loss", None, r"stopping: got .*Patience\(3.* watches 'val_loss', accepted: with validation=\(x, y\)"),
    ("test_error", (X_VAL, Y_VAL), r"stopping: .*watches 'test_error', accepted: with test=\(x, y\)"),
    ("gradient_nrom", None, r"stopping: .*'gradient_nrom'.*accepted: .*did you mean 'gradient_norm'"),
    ("val_los", (X_VAL, Y_VAL), r"stopping: .*'val_los'.*accepted: .*did you mean 'val_loss'")])
def test_criterion_that_needs_what_is_not_measured(backend, monitor, validation, message):
    model = network(backend)
    before = model.flat.copy()
    with pytest.raises(ValueError, match=message):
        train(model, stopping=Patience(3, monitor), validation=validation)
    assert np.array_equal(model.flat, before)


# --- divergence ---

def diverging(model, **options):
    target = np.stack([X[:, 0], X[:, 1]], axis=1)
    with pytest.raises(TrainingDiverged) as caught:
        train(model, y=target, **{"loss": SquaredError(), "optimizer": SGD(2e30), "epochs": 99, "batch_size": None,
                                  **options})
    return caught.value


@pytest.mark.parametrize("loss", [SquaredError(), Flooding(SquaredError(), 0.1)])
def test_divergence_is_named(backend, loss):
    # Full batch: the loss of update u + 1 is the training loss after u updates, so checks tell what is to be reported.
    model, checked = network(backend, activation="relu"), network(backend, activation="relu")
    error = diverging(model, loss=loss, check_every=0)
    assert error.history.checks == 0
    finite = diverging(checked, loss=loss, check_every=range(99)).history
    assert np.isfinite(finite["train_loss"]).all()
    assert finite["update"].tolist() == list(range(finite.checks))
    assert error.update == finite["update"][-1] + 2 > 2
    assert error.learning_rate == 2e30
    assert error.last_loss == pytest.approx(finite["train_loss"][-1], rel=1e-9)
    for piece in ("diverged", f"update {error.update}", "learning rate 2e+30", f"last finite loss {error.last_loss:g}"):
        assert piece in str(error)
    assert isinstance(error, ArithmeticError)


def test_divergence_restores_the_best_weights(backend):
    def rows(restore):
        model, weights = network(backend, activation="relu"), []
        error = diverging(model, check_every=[0, 1, 2], optimizer=SGD(1e20), stopping=Patience(9, "train_loss"),
                          restore_best=restore, on_check=lambda m, row: weights.append(m.flat.copy()))
        return model, weights, error.history
    model, weights, history = rows(True)
    assert history.best_epoch == 0
    assert history.stopped_epoch is None
    assert np.array_equal(model.flat, weights[0])
    model, weights, history = rows(False)
    assert not np.array_equal(model.flat, weights[0])


@pytest.mark.parametrize("metrics", [(), ("margin_min", "margin_median", "gradient_norm", "prediction_changes")])
@pytest.mark.parametrize("check_every", [0, [0], None])
def test_nan_weights(backend, check_every, metrics):
    model = network(backend)
    model.parameters["W2"][0, 0] = np.nan
    with pytest.raises(TrainingDiverged, match=r"update 1 .*learning rate 0.2") as caught:
        train(model, check_every=check_every, metrics=metrics)
    assert caught.value.history.checks == 0
    assert np.isnan(caught.value.last_loss)


# --- Ctrl-C ---

@pytest.mark.parametrize("best", [True, False])
def test_interrupt_in_a_callback(backend, best):
    model, weights = network(backend), []

    def on_check(m, row):
        weights.append(m.flat.copy())
        if len(weights) == 4:
            raise KeyboardInterrupt
    with pytest.raises(TrainingInterrupted, match="after 4 checks") as caught:
        train(model, epochs=50, validation=(X_VAL, Y_WRONG), restore_best=best, stopping=Patience(40, "val_loss"),
              on_check=on_check)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.history.checks == 4
    assert caught.value.history.best_epoch == 1
    assert np.array_equal(model.flat, weights[0 if best else -1])


def test_other_errors_in_a_callback_restore_too(backend):
    model, weights = network(backend), []

    def on_check(m, row):
        weights.append(m.flat.copy())
        if len(weights) == 4:
            raise RuntimeError("mine")
    with pytest.raises(RuntimeError, match="mine"):
        train(model, epochs=50, validation=(X_VAL, Y_WRONG), stopping=Patience(40, "val_loss"), on_check=on_check)
    assert np.array_equal(model.flat, weights[0])


# After the checks at updates 0, 1, 2 there is nothing but compiled training. Signals of its own making strike inside one
# chunk of it, for one that comes after `fit` is no business of fit's; the one from outside comes whenever it comes.
CHILD = """
import json, os, signal, sys, threading, time
import numpy as np
import nn.fitting.run
from losses import CrossEntropy
from nn import MLP, SGD, TrainingInterrupted, fit
from stopping import Patience

threads, signals, best = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
x, y = rng.normal(size=(256, 10)), rng.integers(0, 2, 256)
model, weights = MLP([10, 512, 512, 2], dtype="float64", backend="numba"), []
inside = threading.Event()
train_chunk = nn.fitting.run.TrainingRun._train_chunk

def watched_chunk(self, count):
    try:
        if count > 1:
            inside.set()
        train_chunk(self, count)
    finally:
        inside.clear()

def strike():
    inside.wait()
    for i in range(signals):
        time.sleep(0.01)
        if inside.is_set():
            os.kill(os.getpid(), signal.SIGINT)

sys.stderr.isatty = lambda: False
if signals:
    nn.fitting.run.TrainingRun._train_chunk = watched_chunk
    nn.fitting.run._Pace.took = lambda self, updates, seconds: setattr(self, "updates", 300)  # at least some 150 ms
    threading.Thread(target=strike, daemon=True).start()
try:
    fit(model, x, y, loss=CrossEntropy(), optimizer=SGD(1e-3), epochs=10**5, check_every=[0, 1, 2], threads=threads,
        stopping=Patience(99, "train_loss", mode="max") if best else None,
        on_check=lambda m, row: (weights.append(m.flat.copy()), row["update"] == 2 and not signals
                                 and print("started", flush=True)))
except TrainingInterrupted as error:
    flat = model.flat.copy()
    time.sleep(0.2)  # is some thread still at work?
    history = error.history
    print(json.dumps({"history": history["update"].tolist(), "quiet": bool(np.array_equal(flat, model.flat)),
                      "finite": bool(np.isfinite(flat).all()), "keyboard": isinstance(error, KeyboardInterrupt),
                      "same as check": [i for i, w in enumerate(weights) if np.array_equal(w, flat)],
                      "best": None if history.best_epoch is None else int(np.argmax(history["train_loss"]))}))
    train = fit(model, x, y, loss=CrossEntropy(), optimizer=SGD(1e-3), epochs=1, threads=threads)  # all is in order still
    assert train.checks == 1
"""


def check_report(report, best):
    assert report["history"] == [0, 1, 2]
    assert report["keyboard"]
    assert report["quiet"]
    assert report["finite"]
    # Without a best: the weights after the chunk, or those of the last check if Ctrl-C came before it had begun.
    assert report["same as check"] in ([[report["best"]]] if best else [[], [2]])


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("threads", "best"), [
    (1, False), (2, True), *(pytest.param(*both, marks=pytest.mark.slow) for both in ((1, True), (2, False)))])
def test_two_signals_in_compiled_training(threads, best):
    done = subprocess.run([sys.executable, "-c", CHILD, json.dumps([threads, 2, best])], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    check_report(json.loads(done.stdout), best)


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_from_outside_is_prompt(threads):
    with subprocess.Popen([sys.executable, "-c", CHILD, json.dumps([threads, 0, True])], stdout=subprocess.PIPE,
                          text=True) as child:
        assert child.stdout.readline() == "started\n"
        time.sleep(1.0)  # chunks have found their length
        os.kill(child.pid, signal.SIGINT)
        struck = time.perf_counter()
        report = child.stdout.readline()
        assert time.perf_counter() - struck < 2.0
        check_report(json.loads(report), True)
        assert child.wait(timeout=60) == 0


def test_weights_that_are_not_finite_after_the_last_check_are_reported(backend):
    with pytest.raises(TrainingDiverged):
        train(MLP([X.shape[1], 3, 2], backend=backend), 1e15 * X, Y, loss=CE, optimizer=SGD(1e30), epochs=1, batch_size=None,
              check_every=[0])
