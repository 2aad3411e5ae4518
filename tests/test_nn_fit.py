"""How `fit` trains: over which batches, in which order, in chunks that do not show, with checks when asked for."""
import os
import subprocess
import sys

import numpy as np
import pytest

import nn.fitting.run
from losses import Flooding
from nn import Adam
from tests.fitting import CE, X, Y, network, order, tanh_gradient, train
from tests.terminals import all_of

# --- the order, the batches, the updates ---

@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 23), (7, [7, 7, 7, 2]), (22, [22, 1]), (23, [23]),
                                                   (None, [23]), (99, [23])])
def test_epochs_of_sgd_by_hand(backend, batch_size, sizes):
    model = network(backend)
    p = {name: array.copy() for name, array in model.parameters.items()}
    history = train(model, epochs=2, batch_size=batch_size, seed=11)
    running = []
    for epoch in range(2):
        start, total = 0, 0.0
        for rows in sizes:  # the last partial batch is kept, and each batch is a mean over its own size
            batch = order(epoch, seed=11)[start:start + rows]
            loss, gradients = tanh_gradient(p, X[batch], Y[batch])
            for name in p:
                p[name] -= 0.2 * gradients[name]
            start, total = start + rows, total + loss * rows
        running.append(total / len(X))
    for name, array in p.items():
        np.testing.assert_allclose(model.parameters[name], array, rtol=0, atol=1e-13)
    np.testing.assert_allclose(history["train_loss_running"], running, rtol=1e-12)
    assert history["update"].tolist() == [len(sizes), 2 * len(sizes)]
    assert history["epoch"].tolist() == [1, 2]


def test_seed_decides_the_order_and_nothing_else(backend):
    flats = []
    for seed in (0, 0, 1):
        model = network(backend)
        train(model, seed=seed)
        flats.append(model.flat.copy())
    assert np.array_equal(flats[0], flats[1])
    assert not np.array_equal(flats[0], flats[2])
    full = []
    for seed in (0, 1):  # a full batch is the same set in any order
        model = network(backend)
        train(model, seed=seed, batch_size=None)
        full.append(model.flat.copy())
    np.testing.assert_allclose(full[0], full[1], atol=1e-13)


def test_integers_and_lists_are_cast_once(backend):
    x = np.random.default_rng(1).integers(-3, 4, (23, 4))
    models = [network(backend) for _ in range(2)]
    train(models[0], x.astype(float))
    train(models[1], x.tolist(), Y.tolist())
    assert np.array_equal(models[0].flat, models[1].flat)


@pytest.mark.parametrize("size", [1, 3, 4, 9, 1000])
@pytest.mark.parametrize("memory", [1, 50, 10**6])
def test_chunks_do_not_matter(backend, monkeypatch, size, memory):
    def run():
        model = network(backend)
        history = train(model, epochs=5, optimizer=Adam(0.02), check_every=3, loss=Flooding(CE, 0.6))
        return model.flat.copy(), {name: history[name] for name in history}
    flat, columns = run()

    class Fixed:
        def __init__(self, operations):
            self.updates = size

        def took(self, updates, seconds):
            pass
    calls = []
    chunk = nn.fitting.run.TrainingRun._train_chunk
    monkeypatch.setattr(nn.fitting.run, "_Pace", Fixed)
    monkeypatch.setattr(nn.fitting.run, "ORDER_ELEMENTS", memory)
    monkeypatch.setattr(nn.fitting.run.TrainingRun, "_train_chunk", lambda self, n: (calls.append(n), chunk(self, n))[1])
    other, others = run()
    assert sum(calls) == 20
    assert max(calls) <= min(size, 3)  # a chunk ends at a check at the latest
    assert np.array_equal(flat, other)
    for name in columns:
        assert np.array_equal(columns[name], others[name], equal_nan=True), name


@pytest.mark.parametrize("memory", [1, 50, 10**6])
def test_chunks_of_many_epochs(backend, monkeypatch, memory):
    calls, flats = [], []
    chunk = nn.fitting.run.TrainingRun._train_chunk
    monkeypatch.setattr(nn.fitting.run.TrainingRun, "_train_chunk", lambda self, n: (calls.append(n), chunk(self, n))[1])
    for limit in (10**6, memory):
        monkeypatch.setattr(nn.fitting.run, "ORDER_ELEMENTS", limit)
        model = network(backend)
        train(model, epochs=6, check_every=0)
        flats.append(model.flat.copy())
    assert calls[0] == 24
    assert calls[1:] == {1: [4] * 6, 50: [8] * 3, 10**6: [24]}[memory]
    assert np.array_equal(*flats)


def test_pace_keeps_chunks_short():
    pace = nn.fitting.run._Pace(1e9)
    assert 1 <= pace.updates <= 3
    assert nn.fitting.run._Pace(1e12).updates == 1
    assert nn.fitting.run._Pace(10).updates * 2e-5 <= nn.fitting.run.CHUNK_SECONDS + 1e-9  # for its order
    pace.updates = 100
    pace.took(100, 50.0)  # the first chunk includes compilation: not counted
    assert pace.updates == 100
    pace.took(100, nn.fitting.run.CHUNK_SECONDS)
    assert pace.updates == 100
    for _ in range(20):
        pace.took(pace.updates, pace.updates * nn.fitting.run.CHUNK_SECONDS / 10)  # ten would fill a chunk
    assert 9 <= pace.updates <= 14
    pace.took(1, 0.0)  # a clock that did not move
    assert pace.updates <= 4 * 14


# --- when ---

@pytest.mark.parametrize(("check_every", "updates"), [
    (None, [4, 8, 12]), (0, [12]), (1, list(range(1, 13))), (5, [5, 10, 12]), (6, [6, 12]), (12, [12]), (1000, [12]),
    ([0, 1, 2, 4, 8, 12], [0, 1, 2, 4, 8, 12]), ((12,), [12]), ([0], [0]), ([8, 2, 2, 5], [2, 5, 8]),
    (np.unique(np.logspace(0, 1, 4).astype(int)), [1, 2, 4, 10]), (range(3, 10, 3), [3, 6, 9])])
def test_check_every(backend, check_every, updates):
    model, reference, seen = network(backend), network(backend), {}
    history = train(model, check_every=check_every, on_check=lambda m, row: seen.update({row["update"]: m.flat.copy()}))
    assert history["update"].tolist() == list(seen) == updates
    np.testing.assert_allclose(history["epoch"], np.array(updates) / 4, rtol=1e-15)
    full = {0: reference.flat.copy()}
    train(reference, check_every=1, on_check=lambda m, row: full.update({row["update"]: m.flat.copy()}))
    for update in updates:
        assert np.array_equal(seen[update], full[update])
    assert np.array_equal(model.flat, full[12])  # training goes on to its end after the last check
    if updates[0] == 0:
        assert np.isnan(history["train_loss_running"][0])
        assert np.isnan(history["flooded_fraction"][0])


@pytest.mark.parametrize("check_every", [None, 0, 5, [12]])
@pytest.mark.parametrize("last", [1, 2, 3])
def test_on_epoch_sees_every_epoch_until_it_has_seen_enough(backend, check_every, last):
    model, reference, seen, after = network(backend), network(backend), {}, {}
    train(reference, on_check=lambda m, row: after.update({int(row["epoch"]): m.flat.copy()}))
    plain = train(network(backend), check_every=check_every)

    def look(m, epoch):
        seen[epoch] = m.flat.copy()
        return epoch == last

    history = train(model, check_every=check_every, on_epoch=look, on_check=lambda m, row: seen.setdefault("check", None))
    assert history == plain and np.array_equal(model.flat, reference.flat)
    epochs = [epoch for epoch in seen if epoch != "check"]
    assert epochs == list(range(1, last + 1)) and all(np.array_equal(seen[epoch], after[epoch]) for epoch in epochs)
    if check_every is None:
        assert list(seen)[:2] == [1, "check"]  # it comes first


# --- the progress bar ---

SCRIPT = """
import numpy as np
from losses import CrossEntropy
from nn import MLP, SGD, fit
for progress in PROGRESS:
    fit(MLP([2, 3, 2], backend="numpy"), np.eye(2), [0, 1], loss=CrossEntropy(), optimizer=SGD(0.1), epochs=400,
        check_every=1, progress=progress)
"""


def test_no_progress_bar_without_a_terminal(capsys):
    train(network("numpy"), progress=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("shown", [True, False])
def test_progress_bar_on_a_terminal(shown):
    import pty
    ours, theirs = pty.openpty()
    script = SCRIPT.replace("PROGRESS", f"[{shown}]")
    child = subprocess.Popen([sys.executable, "-c", script], stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    text = all_of(ours)
    assert child.communicate(timeout=60)[0] == b""
    assert child.returncode == 0
    assert (b"training" in text and b"loss" in text) if shown else text == b""
