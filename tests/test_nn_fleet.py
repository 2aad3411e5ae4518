"""`fit_fleet`: every member is the lone `fit`, bit for bit, whoever else is in the fleet and however it is trained."""
import copy
import pickle
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

import nn.fleet.fit_fleet
from losses import L1, L2, AdaFlooding, Flooding, SquaredError
from nn import RPROP, SGD, Adam, AdamW, FleetHistory, GaussianNoise, cosine, fit_fleet, step
from stopping import GL, Patience, Target, replay
from tests.fitting import CE, X_VAL, Y_VAL, X, network
from tests.fleets import EVERYTHING, FLOOD, LEVELS, MEMBERS, OPTIONS, WRONG, assert_member, fleet_of, lone, threads_left

# --- each override is the setting it names ---


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


def test_on_epoch_knows_whose_epoch_it_is(backend):
    seen = []
    fleet = fleet_of(network(backend), [{"seed": 8}, {"seed": 9}], workers=1,
                     on_epoch=lambda r, model, epoch: seen.append((r, epoch, model.seed)) or epoch == r + 1)
    assert seen == [(r, epoch, fleet.model(r).seed) for r in range(2) for epoch in range(1, r + 2)]


# --- the members do not know of one another ---


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
    train = nn.fleet.fit_fleet.train

    def watched(run, *rest):
        flying.add(run)
        most.append(len(flying))
        time.sleep(0.01)
        train(run, *rest)
        flying.remove(run)
    monkeypatch.setattr(nn.fleet.fit_fleet, "train", watched)
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


@pytest.mark.parametrize("workers", [1, 3])
def test_on_check_sees_each_member_as_its_lone_fit_does(workers):
    def noted(rows, model, row):
        rows.append((row, model.flat.copy()))

    template, seen = network("numpy"), [[] for _ in MEMBERS]
    fleet_of(template, MEMBERS, **EVERYTHING, workers=workers, on_check=lambda r, model, row: noted(seen[r], model, row))
    for rows, member in zip(seen, MEMBERS, strict=True):
        alone = []
        options = EVERYTHING | {"loss": Flooding(CE, member["level"]), "seed": member["seed"]}
        lone(template, model_seed=member["seed"], on_check=lambda *what, alone=alone: noted(alone, *what), **options)
        assert len(rows) == len(alone) > 3
        for (row, flat), (row_alone, flat_alone) in zip(rows, alone, strict=True):
            assert row == row_alone and np.array_equal(flat, flat_alone)


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
