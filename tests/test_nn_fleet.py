"""`fit_fleet`: every member is the lone `fit`, bit for bit, whoever else is in the fleet and however it is trained."""
import copy
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
import threadpoolctl

import nn.fleet
from losses import L1, L2, AdaFlooding, BinaryCrossEntropy, Flooding, SquaredError
from nn import (
    RNN,
    RPROP,
    SGD,
    Adam,
    AdamW,
    FleetHistory,
    GaussianNoise,
    TrainingInterrupted,
    cosine,
    fit,
    fit_fleet,
    step,
)
from stopping import GL, Patience, Target, replay
from tests.fitting import CE, X_TEST, X_VAL, Y_TEST, Y_VAL, X, Y, network

FLOOD = Flooding(CE, 0.0)
WRONG = 1 - Y_VAL  # the validation loss rises
OPTIONS = {"loss": CE, "optimizer": SGD(0.2), "epochs": 3, "batch_size": 7, "progress": False}


def fleet_of(model, members, x=X, y=Y, **options):
    return fit_fleet(model, x, y, members=members, **OPTIONS | options)


def lone(template, x=X, y=Y, *, model_seed=None, **options):
    """Return (model, history) of the lone fit that fit_fleet's docstring speaks of."""
    model = type(template)(**(template.settings() | ({} if model_seed is None else {"seed": model_seed})))
    return model, fit(model, x, y, **OPTIONS | options)


def threads_left():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("afterzero-fleet")]


def assert_member(fleet, r, alone):
    model, history = alone
    mine = fleet.model(r)
    assert type(mine) is type(model)
    assert mine.settings() == model.settings()
    assert np.array_equal(mine.flat, model.flat)
    assert np.array_equal(mine.running, model.running)
    assert fleet.history(r) == history
    assert fleet.history(r).stopped_epoch == history.stopped_epoch
    assert fleet.history(r).best_epoch == history.best_epoch
    for name in history:
        expected = np.full(len(fleet.update), np.nan)
        expected[:history.checks] = history[name]
        assert np.array_equal(fleet[name][r], expected, equal_nan=True), name


# --- each override is the setting it names ---

LEVELS = np.linspace(0, 0.6, len(X))


@pytest.mark.parametrize(("overrides", "settings", "fleets"), [
    ({}, {}, {}),
    ({}, {"seed": 5}, {"seed": 5}),
    ({"seed": 11}, {"model_seed": 11, "seed": 11}, {"seed": 5}),
    ({"learning_rate": 0.05}, {"optimizer": SGD(0.05, momentum=0.5)}, {"optimizer": SGD(0.2, momentum=0.5)}),
    ({"learning_rate": step(0.3, 1)}, {"optimizer": Adam(step(0.3, 1))}, {"optimizer": Adam(0.2)}),
    ({"weight_decay": 0.3}, {"optimizer": AdamW(cosine(0.1, 2), weight_decay=0.3)}, {"optimizer": AdamW(cosine(0.1, 2))}),
    ({"learning_rate": 0.02}, {"optimizer": RPROP(0.02)}, {"optimizer": RPROP(), "batch_size": None}),
    ({"level": 0.6}, {"loss": Flooding(CE, 0.6)}, {"loss": FLOOD}),
    ({"level": 0}, {"loss": CE}, {"loss": Flooding(CE, 0.5)}),
    ({"levels": LEVELS}, {"loss": AdaFlooding(CE, LEVELS)}, {"loss": AdaFlooding(CE, 0 * LEVELS)}),
    ({"penalty": 0.1}, {"penalty": L2(0.1)}, {"penalty": L2(0.0)}),
    ({"penalty": 0.1}, {"penalty": L1(0.1)}, {"penalty": L1(0.5)}),
    ({"penalty": L1(0.01) + L2(0.1)}, {"penalty": L1(0.01) + L2(0.1)}, {"penalty": L2(0.5)}),
    ({"penalty": None}, {}, {"penalty": L2(0.5)}),
    ({"seed": 2, "level": 0.4, "learning_rate": 0.4, "weight_decay": 0.1, "penalty": L1(0.1)},
     {"model_seed": 2, "seed": 2, "loss": Flooding(CE, 0.4), "optimizer": SGD(0.4, weight_decay=0.1), "penalty": L1(0.1)},
     {"loss": FLOOD})])
def test_overrides(backend, overrides, settings, fleets):
    template = network(backend)
    before = {"level": 0.1} if "level" in overrides else {}
    fleet = fleet_of(template, [before, overrides, {"seed": 8}], **fleets)
    common = {name: value for name, value in fleets.items() if name in ("batch_size", "optimizer", "loss", "seed")}
    assert_member(fleet, 1, lone(template, **common | settings))
    assert not np.array_equal(fleet.model(1).flat, fleet.model(2).flat)
    assert fleet.members == [before, overrides, {"seed": 8}]
    assert fleet.replicas == 3


# --- the members do not know of one another ---

MEMBERS = [{"seed": seed, "level": level} for seed in (0, 3) for level in (0.0, 0.4, 0.7)]
EVERYTHING = {"loss": FLOOD, "validation": (X_VAL, Y_VAL), "test": (X_TEST, Y_TEST), "check_every": 3, "clip_norm": 0.5,
              "metrics": ["margin_min", "gradient_norm", "update_norm", "prediction_changes"], "penalty": L2(0.01),
              "optimizer": Adam(cosine(0.05, 3), weight_decay=0.01)}


@pytest.mark.parametrize("kind", [{}, {"dropout": 0.4}, {"batch_norm": True, "dropout": 0.2}])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_members_are_lone_fits(backend, kind, workers):
    template = network(backend, sizes=(4, 6, 5, 2), **kind)
    flat = template.flat.copy()
    fleet = fleet_of(template, MEMBERS, workers=workers, **EVERYTHING | {"metrics": iter(EVERYTHING["metrics"])})
    assert np.array_equal(template.flat, flat)
    assert all(name.startswith("running_var") == bool(array.all()) for name, array in template.statistics.items())
    for r, member in enumerate(MEMBERS):
        assert_member(fleet, r, lone(template, model_seed=member["seed"], seed=member["seed"],
                                     **EVERYTHING | {"loss": Flooding(CE, member["level"])}))
    assert fleet.update.tolist() == fleet.history(0)["update"].tolist() == [3, 6, 9, 12]
    assert fleet.epoch.tolist() == [0.75, 1.5, 2.25, 3]
    assert fleet.finished.all()
    assert not fleet.diverged.any()


def test_float32(backend):
    template = network(backend, sizes=(4, 6, 5, 2), dtype="float32")
    fleet = fleet_of(template, MEMBERS, workers=2, **EVERYTHING)
    assert_member(fleet, 4, lone(template, model_seed=3, seed=3, **EVERYTHING | {"loss": Flooding(CE, 0.4)}))


def test_the_weights_of_the_template_play_no_part():
    template = network("numpy")
    before = fleet_of(template, [{}, {"seed": 1}])
    template.flat[:] = np.nan
    assert fleet_of(template, [{}, {"seed": 1}]) == before
    assert np.isnan(template.flat).all()


def test_augmented(backend):
    template = network(backend)
    fleet = fleet_of(template, [{"seed": 1}, {"seed": 2}], augment=GaussianNoise(0.3), workers=2)
    for r, seed in enumerate((1, 2)):
        assert_member(fleet, r, lone(template, model_seed=seed, seed=seed, augment=GaussianNoise(0.3)))


def test_a_loss_of_ones_own_and_real_targets():
    class Quartic(SquaredError):
        def rows(self, outputs, y):
            return ((outputs - y)**4).sum(axis=1), 4 * (outputs - y)**3
    template, y = network("numpy"), X[:, :2]
    fleet = fleet_of(template, [{"seed": 1}, {"seed": 2}], y=y, loss=Quartic(), workers=2, optimizer=SGD(0.01))
    assert_member(fleet, 1, lone(template, y=y, model_seed=2, seed=2, loss=Quartic(), optimizer=SGD(0.01)))
    assert np.isnan(fleet["train_error"]).all()


# --- data of one's own ---

R = 3
XS = np.random.default_rng(1).normal(size=(R, *X.shape))
YS = np.array([np.roll(Y, r) for r in range(R)])
XS_VAL, YS_VAL = XS[:, :5] + 1, YS[:, :5]


@pytest.mark.parametrize("own_x", [True, False])
@pytest.mark.parametrize("own_y", [True, False])
@pytest.mark.parametrize("own_validation", [True, False])
def test_data_of_ones_own(own_x, own_y, own_validation):
    template = network("numpy")
    fleet = fleet_of(template, [{"seed": r} for r in range(R)], XS if own_x else X, YS if own_y else Y, workers=2,
                     validation=(XS_VAL, YS_VAL) if own_validation else (X_VAL, Y_VAL), test=(XS_VAL[0], YS_VAL))
    for r in range(R):
        assert_member(fleet, r, lone(template, XS[r] if own_x else X, YS[r] if own_y else Y, model_seed=r, seed=r,
                                     validation=(XS_VAL[r], YS_VAL[r]) if own_validation else (X_VAL, Y_VAL),
                                     test=(XS_VAL[0], YS_VAL[r])))


@pytest.mark.parametrize("y", [np.eye(2)[YS], np.eye(2)[Y], YS.tolist(), Y.tolist()])
def test_forms_of_targets(y):
    fleet = fleet_of(network("numpy"), [{}] * R, XS.tolist(), y)
    for r in range(R):
        assert_member(fleet, r, lone(network("numpy"), XS[r], y[r] if len(y) == R else y))


@pytest.mark.parametrize("y", [Y, Y[:, None], YS, YS[:, :, None]])
def test_targets_of_one_output(y):
    template = network("numpy", sizes=(4, 3, 1))
    fleet = fleet_of(template, [{}] * R, y=y, loss=BinaryCrossEntropy())
    for r in range(R):
        assert_member(fleet, r, lone(template, y=y[r] if len(y) == R else y, loss=BinaryCrossEntropy()))


def test_as_many_replicas_as_samples():
    x, y = X[:R], YS[:, :R]  # (R, N) with N = R, but no (N, K): there are two outputs
    fleet = fleet_of(network("numpy"), [{}] * R, x, y)
    for r in range(R):
        assert_member(fleet, r, lone(network("numpy"), x, y[r]))
    three = network("numpy", sizes=(4, 5, 3))
    with pytest.raises(ValueError, match=r"training y: got shape \(3, 3\).*or class ids of 3 replicas"):
        fleet_of(three, [{}] * R, x, y)
    soft = np.eye(3)[[2, 0, 1]]
    fleet = fleet_of(three, [{}] * R, x, np.broadcast_to(soft, (R, 3, 3)))
    assert_member(fleet, 1, lone(three, x, soft))


def test_shared_data_are_not_copied(monkeypatch):
    """Every member's kernels read the same memory."""
    seen = []
    use = nn.run.Run._use
    monkeypatch.setattr(nn.run.Run, "_use", lambda self, train: (use(self, train), seen.append(self._data.x))[0])
    fleet_of(network("numpy", dtype="float32"), [{}] * R)  # a cast copy, but one for all
    assert len(seen) > R
    assert all(np.shares_memory(seen[0], x) for x in seen)


# --- recurrent networks ---

N, T = 12, 5
TOKENS = np.random.default_rng(2).integers(0, 4, (R, N, T))
INPUTS = np.random.default_rng(3).normal(size=(R, N, T, 4))
LENGTHS = np.random.default_rng(4).integers(1, T + 1, (R, N))
CLASSES = np.random.default_rng(5).integers(0, 2, (R, N, T))


INTEGERS = (10 * INPUTS).astype(int)


@pytest.mark.parametrize("x", [TOKENS, TOKENS[0], INPUTS, INPUTS[0], INTEGERS, INTEGERS[0]])
@pytest.mark.parametrize("pooling", ["last", "none"])
@pytest.mark.parametrize(("own_y", "own_lengths"), [(False, False), (True, False), (False, True), (True, True)])
def test_recurrent(x, pooling, own_y, own_lengths):
    template = RNN(4, 3, 2, pooling=pooling, bidirectional=True, dtype="float64", dropout=0.2, backend="numpy")
    y = CLASSES if pooling == "none" else CLASSES[:, :, 0]
    lengths = LENGTHS if own_lengths else LENGTHS[0]
    own_x = len(x) == R
    options = {"epochs": 2, "batch_size": 5}
    fleet = fleet_of(template, [{"seed": r} for r in range(R)], x, y if own_y else y[0], lengths=lengths,
                     validation=(x, y, lengths) if own_x else None, workers=2, **options)
    for r in range(R):
        mine = (x[r] if own_x else x, y[r] if own_y else y[0])
        assert_member(fleet, r, lone(template, *mine, lengths=lengths[r] if own_lengths else lengths, model_seed=r, seed=r,
                                     validation=(x[r], y[r], lengths[r] if own_lengths else lengths) if own_x else None,
                                     **options))


@pytest.mark.compiled
def test_recurrent_compiled():
    template = RNN(4, 3, 2, dtype="float64")
    fleet = fleet_of(template, [{"seed": r} for r in range(R)], TOKENS, CLASSES[:, :, 0], lengths=LENGTHS, workers=2)
    for r in range(R):
        assert_member(fleet, r, lone(template, TOKENS[r], CLASSES[r, :, 0], lengths=LENGTHS[r], model_seed=r, seed=r))


def test_integers_that_could_be_tokens_or_inputs():
    template = RNN(4, 3, 2, backend="numpy")
    x, y = TOKENS[:, :, :4], CLASSES[:, :, 0]
    with pytest.raises(ValueError, match=r"training x: got integers of shape \(3, 12, 4\).*tokens \(R, N, T\)"):
        fleet_of(template, [{}] * R, x, y)
    shared = fleet_of(template, [{}] * R, x.astype(float), Y[:R])  # as the message says: floats are inputs …
    assert_member(shared, 2, lone(template, x, Y[:R]))
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1)))  # … and tokens may have one more step
    tokens = fleet_of(template, [{}] * R, padded, y, lengths=np.full(12, 4))
    assert_member(tokens, 2, lone(template, padded[2], y[2], lengths=np.full(12, 4)))


# --- stopping ---

@pytest.mark.parametrize("criterion", [Patience(2, "val_loss"), GL(5.0) | Target(0.1, "train_loss"),
                                       Patience(3, "margin_min", "max")])
@pytest.mark.parametrize("restore_best", [True, False])
def test_stopping_freezes_one_replica(backend, criterion, restore_best):
    members = [{"seed": 0, "learning_rate": 0.001}, {"seed": 0}, {"seed": 1}, {"seed": 5, "learning_rate": 1.0}]
    options = {"validation": (X_VAL, WRONG), "epochs": 12}
    before = repr(criterion), criterion.state_dict()
    live = fleet_of(network(backend), members, stopping=criterion, restore_best=restore_best, workers=2, **options)
    assert (repr(criterion), criterion.state_dict()) == before  # each replica has a copy
    free = fleet_of(network(backend), members, metrics=["margin_min"], **options)
    for r, member in enumerate(members):
        assert_member(live, r, lone(network(backend), model_seed=member["seed"], seed=member["seed"], **options,
                                    stopping=copy.deepcopy(criterion), restore_best=restore_best,
                                    optimizer=SGD(member.get("learning_rate", 0.2))))
        decision = replay(criterion, free.history(r))
        assert decision.stopped_epoch == live.history(r).stopped_epoch
        assert decision.best_epoch == live.history(r).best_epoch
        for epochs, epoch in ((live.stopped_epoch, decision.stopped_epoch), (live.best_epoch, decision.best_epoch)):
            assert np.array_equal(epochs[r], np.nan if epoch is None else epoch, equal_nan=True)
    assert len({history.checks for history in map(live.history, range(4))}) > 1  # or nothing was shown
    assert live.finished.all()


# --- divergence ---

@pytest.mark.parametrize("workers", [1, 2])
def test_divergence_is_one_replicas_own(backend, workers):
    members = [{"seed": 0}, {"seed": 0, "learning_rate": 1e300}, {"seed": 2}]
    fleet = fleet_of(network(backend, sizes=(4, 5, 2), activation="relu"), members, workers=workers, epochs=4)
    assert fleet.diverged.tolist() == [False, True, False]
    assert fleet.finished.all()
    assert fleet.messages[0] is fleet.messages[2] is None
    assert "learning rate 1e+300" in fleet.messages[1]
    assert fleet["train_loss"].shape == (3, 4)
    assert np.isnan(fleet["train_loss"][1]).all()
    assert np.isfinite(fleet["train_loss"][[0, 2]]).all()
    for r in (0, 2):
        assert_member(fleet, r, lone(network(backend, sizes=(4, 5, 2), activation="relu"), model_seed=r, seed=r, epochs=4))
    assert "1 diverged" in repr(fleet)


def test_overflow_in_a_check_is_divergence_and_no_warning():
    fleet = fleet_of(network("numpy", activation="relu"), [{}, {"learning_rate": 1e300}], epochs=1, batch_size=None)
    assert fleet.diverged.tolist() == [False, True]


def test_errors_in_a_replica_end_the_fleet_and_are_raised():
    def augment(x, y, rng):
        raise RuntimeError("mine")
    with pytest.raises(RuntimeError, match="mine"):
        fleet_of(network("numpy"), [{}] * 50, augment=augment, epochs=100)
    assert not threads_left()


# --- memory ---

def test_waves(monkeypatch):
    flying, most = set(), []
    train = nn.fleet.train

    def watched(run, *rest):
        flying.add(run)
        most.append(len(flying))
        time.sleep(0.01)
        train(run, *rest)
        flying.remove(run)
    monkeypatch.setattr(nn.fleet, "train", watched)
    template, members = network("numpy"), [{"seed": r} for r in range(8)]
    free = fleet_of(template, members, workers=4)
    assert max(most) > 2
    with pytest.raises(ValueError, match=r"max_memory: got 1, accepted: at least \d+ \(bytes") as caught:
        fleet_of(template, members, max_memory=1)
    least = int(str(caught.value).split("at least ")[1].split()[0])
    for room, flights in ((least, 1), (2 * least, 2), (3 * least - 1, 2)):
        most.clear()
        assert fleet_of(template, members, workers=4, max_memory=room) == free
        assert max(most) <= flights
    with pytest.raises(ValueError, match="max_memory"):
        fleet_of(template, members, max_memory=least - 1)


@pytest.mark.parametrize("options", [{}, {"epochs": 60, "check_every": 0}, {"optimizer": Adam()},
                                     {"validation": (np.zeros((20_000, 4)), np.zeros(20_000, int))},
                                     {"metrics": ["evidence"], "stopping": Patience(5, "train_loss")}])
@pytest.mark.parametrize("sizes", [(4, 20, 2), (4, 100, 100, 2)])
def test_estimate_of_memory(options, sizes):
    template = network("numpy", sizes=sizes)
    x, y = np.zeros((2000, 4)), np.zeros(2000, int)
    options = OPTIONS | {"epochs": 2, "batch_size": 1000} | options
    with pytest.raises(ValueError, match="max_memory") as caught:
        fit_fleet(template, x, y, members=[{}], max_memory=1, **options)
    least = int(str(caught.value).split("at least ")[1].split()[0])
    fit_fleet(template, x, y, members=[{}], **options)  # imports are no part of it
    tracemalloc.start()
    fit_fleet(template, x, y, members=[{}], **options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.8 * peak < least < 5 * peak  # an estimate from above: chunks may hold fewer orders


# --- the record ---

def test_mapping():
    fleet = fleet_of(network("numpy"), [{"seed": 1}, {"seed": 2}], validation=(X_VAL, Y_VAL), check_every=[0, 1, 9])
    assert isinstance(fleet, FleetHistory)
    assert list(fleet) == list(fleet.history(0))
    assert len(fleet) == len(list(fleet))
    assert "val_error" in fleet
    assert fleet["val_error"].shape == (2, 3)
    assert fleet["val_error"].dtype == np.float64
    assert fleet.update.tolist() == [0, 1, 9]
    with pytest.raises(KeyError):
        fleet["val_eror"]
    assert fleet.model(0) is not fleet.model(0)
    assert pickle.loads(pickle.dumps(fleet)) == fleet  # a part of a sweep may come from another machine
    assert fleet != fleet_of(network("numpy"), [{"seed": 1}, {"seed": 3}], validation=(X_VAL, Y_VAL), check_every=[0, 1, 9])


def test_on_member():
    seen = []

    def on_member(fleet, r):
        assert threading.current_thread() is threading.main_thread()
        assert fleet.finished[r]
        seen.append((r, fleet.model(r).flat.copy(), fleet.history(r)))
    fleet = fleet_of(network("numpy"), [{"seed": r} for r in range(5)], on_member=on_member, workers=2)
    assert sorted(r for r, *_ in seen) == list(range(5))
    for r, flat, history in seen:
        assert np.array_equal(flat, fleet.model(r).flat)
        assert history == fleet.history(r)


@pytest.mark.parametrize("shown", [True, False])
def test_progress_bar(capsys, monkeypatch, shown):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    fleet_of(network("numpy"), [{"learning_rate": 1e300}, {}], progress=shown)
    output = capsys.readouterr()
    assert output.out == ""
    assert ("training" in output.err) == shown


# --- bad input ---

class NoReset:
    requires, best_step = (), None

    def update(self, **row):
        return False


@pytest.mark.parametrize(("members", "options", "error", "message"), [
    ([], {}, ValueError, "members: got an empty list"),
    ({"seed": 1}, {}, TypeError, "members: got .*accepted: a list of dicts"),
    (7, {}, TypeError, "members: got 7, accepted: a list of dicts"),
    ([{}, 3], {}, TypeError, r"members\[1\]: got 3, accepted: a dict"),
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
    ([{}, {"level": -1}], {"loss": FLOOD}, ValueError, r"members\[1\]: level .*got -1"),
    ([{"levels": LEVELS}], {"loss": FLOOD}, ValueError, r"members\[0\]: levels: .*AdaFlooding"),
    ([{}, {"levels": LEVELS[1:]}], {"loss": AdaFlooding(CE, LEVELS)}, ValueError, r"members\[1\]: levels has 22 entries"),
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
    ([{}], {"stopping": NoReset()}, TypeError, "^stopping: got"),
    ([{}], {"stopping": Patience(3)}, ValueError, "^stopping: .*pass validation"),
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
    monkeypatch.setattr(nn.fleet, "train", lambda *_: pytest.fail("training has begun"))
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
import nn.run
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
seen, check, nn.run.Run.check = [], nn.run.Run.check, watched
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
