"""fit(frozen=, drop_last=): what is frozen is untouched bit for bit, and the rest is trained as the formulas say."""
import numpy as np
import pytest

from losses import L1, L2
from nn import RNN, RPROP, SGD, Adam, AdamW, fit, fit_fleet
from tests.checkpointing import LENGTHS, SEQUENCE_LABELS, SEQUENCES, contents
from tests.fitting import CE, X_VAL, Y_VAL, X, Y, network, order, tanh_gradient, train

OPTIMIZERS = [SGD(0.2), SGD(0.2, momentum=0.9, nesterov=True, weight_decay=0.1), Adam(0.03, weight_decay=0.1),
              AdamW(0.03, weight_decay=0.1), RPROP(0.05)]
ALL = {"penalty": L1(0.01) + L2(0.1), "clip_norm": 0.3}


def full(optimizer):
    return None if isinstance(optimizer, RPROP) else 7


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("frozen", [[1], ["W2"], ["b1", "W3"], [2, "b3"], (np.int64(3),)], ids=str)
def test_untouched_bit_for_bit_and_without_a_state(backend, optimizer, frozen, tmp_path):
    model = network(backend, (4, 5, 3, 2), dtype="float32")
    before = {name: array.copy() for name, array in model.parameters.items()}
    train(model, optimizer=optimizer, batch_size=full(optimizer), frozen=frozen, checkpoint=tmp_path / "run", **ALL)
    rests = {name for name in before if name in frozen or int(name[1]) in frozen}
    assert {name for name in before if np.array_equal(before[name], model.parameters[name])} == rests
    arrays, at = contents(tmp_path / "run")[1], 0
    fresh = optimizer.state(model.flat.size, np.float32)
    for name, array in model.parameters.items():
        part = slice(at, at + array.size)
        moved = [k for k in range(optimizer.slots) if not np.array_equal(arrays[f"slot{k}"][part], fresh[k][part])]
        assert bool(moved) == (name not in rests and optimizer.slots > 0), (name, moved)
        at += array.size


@pytest.mark.parametrize("batch_size", [1, 7])
def test_by_hand(backend, batch_size):
    """Plain SGD, momentum and clipping by the norm of what is trained alone."""
    model, flat = network(backend), network("numpy")
    p, v = {name: array.copy() for name, array in flat.parameters.items()}, {"W2": 0, "b2": 0}
    train(model, optimizer=SGD(0.2, momentum=0.5), batch_size=batch_size, frozen=[1], clip_norm=0.4)
    for epoch in range(3):
        indices = order(epoch)
        for start in range(0, len(X), batch_size):
            batch = indices[start:start + batch_size]
            g = tanh_gradient(p, X[batch], Y[batch])[1]
            norm = np.sqrt(sum((g[name] ** 2).sum() for name in v))
            for name in v:
                v[name] = 0.5 * v[name] + g[name] * min(1, 0.4 / norm)
                p[name] = p[name] - 0.2 * v[name]
    for name, array in p.items():
        np.testing.assert_allclose(model.parameters[name], array, rtol=1e-11, atol=1e-13)


def test_the_first_layer_frozen_is_the_rest_on_its_activations(backend):
    """What is left is a network of one layer on the first one's activations."""
    whole, rest = network(backend), network(backend, (5, 2))
    hidden = whole.encode(X, 1)
    rest.parameters["W1"], rest.parameters["b1"] = whole.parameters["W2"], whole.parameters["b2"]
    for optimizer in OPTIMIZERS:
        one, other = whole.copy(), rest.copy()
        for model, x, frozen in ((one, X, [1]), (other, hidden, ())):
            train(model, x, optimizer=optimizer, batch_size=full(optimizer), frozen=frozen, clip_norm=0.2)
        np.testing.assert_allclose(one.parameters["W2"], other.parameters["W1"], rtol=1e-11, atol=1e-13)


def test_running_statistics_of_a_frozen_layer_rest(backend):
    model = network(backend, (4, 5, 3, 2), batch_norm=True)
    model.statistics["running_mean1"][:] = 7
    before = {name: array.copy() for name, array in model.statistics.items()}
    train(model, frozen=[1])
    moved = [name for name in before if not np.array_equal(before[name], model.statistics[name])]
    assert moved == ["running_mean2", "running_var2"]
    train(model, frozen=["gamma1"])
    assert not np.array_equal(before["running_mean1"], model.statistics["running_mean1"])


def test_recurrent(backend):
    model = RNN(3, 4, 2, bidirectional=True, seed=1, backend=backend)
    before = {name: array.copy() for name, array in model.parameters.items()}
    fit(model, SEQUENCES, SEQUENCE_LABELS, lengths=LENGTHS, loss=CE, optimizer=AdamW(0.1), epochs=2, batch_size=4,
        frozen=["W_hh", "b_h_reverse"], progress=False, **ALL)
    rest = [name for name in before if np.array_equal(before[name], model.parameters[name])]
    assert rest == ["W_hh", "b_h_reverse"]


def test_a_fleet_and_a_checkpoint(backend, tmp_path):
    options = {"loss": CE, "optimizer": Adam(0.05), "batch_size": 7, "frozen": ["W1", "b2"], "drop_last": True,
               "progress": False}
    alone = network(backend)
    fit(alone, X, Y, epochs=4, **options)
    fleet = fit_fleet(network(backend), X, Y, members=[{}, {"learning_rate": 0.1}], epochs=4, **options)
    assert np.array_equal(fleet.model(0).flat, alone.flat)
    assert np.array_equal(fleet.model(1).parameters["W1"], network(backend).parameters["W1"])
    for epochs in (1, 4):
        again = network(backend)
        fit(again, X, Y, epochs=epochs, checkpoint=tmp_path / "run", **options)
    assert np.array_equal(again.flat, alone.flat)


@pytest.mark.parametrize(("frozen", "error", "words"), [
    ("W1", TypeError, "frozen: got 'W1', accepted: a sequence"), (1, TypeError, "frozen: got 1, accepted: a sequence"),
    ([3], ValueError, "frozen: got 3, accepted: .*W1, b1, W2, b2"), (["W9"], ValueError, "frozen: got 'W9'"),
    ([True], ValueError, "frozen: got True"), ([1, 2], ValueError, "every parameter"),
    (None, TypeError, "frozen: got None")])
def test_what_cannot_be_frozen(frozen, error, words):
    model = network("numpy")
    with pytest.raises(error, match=words):
        train(model, frozen=frozen)
    assert np.array_equal(model.flat, network("numpy").flat)


# --- the last batch ---

@pytest.mark.parametrize("batch_size", [1, 5, 7, 22, 23, 30, None])
def test_drop_last_by_hand(backend, batch_size):
    model, at = network(backend), 0
    p = {name: array.copy() for name, array in network("numpy").parameters.items()}
    history = train(model, batch_size=batch_size, drop_last=True)
    size = min(batch_size or 23, 23)
    for epoch in range(3):
        for start in range(0, 23 - 23 % size, size):
            batch, at = order(epoch)[start:start + size], at + 1
            for name, gradient in tanh_gradient(p, X[batch], Y[batch])[1].items():
                p[name] = p[name] - 0.2 * gradient
    assert history["update"][-1] == at
    for name, array in p.items():
        np.testing.assert_allclose(model.parameters[name], array, rtol=1e-11, atol=1e-13)


def test_drop_last_is_the_remedy_for_a_batch_of_one(backend):
    model = network(backend, batch_norm=True)
    with pytest.raises(ValueError, match=r"a last batch of 1, accepted.*drop_last=True"):
        train(model, batch_size=11)
    assert train(model, batch_size=11, drop_last=True)["update"].tolist() == [2, 4, 6]
    with pytest.raises(ValueError, match="batch_size: got 1"):
        train(model, batch_size=1, drop_last=True)
    with pytest.raises(TypeError, match="drop_last: got 1, accepted: True or False"):
        train(model, drop_last=1)


def test_drop_last_measures_all(backend):
    history = train(network(backend), drop_last=True, validation=(X_VAL, Y_VAL), check_every=[0])
    assert history["train_error"][0] == np.mean(network(backend).predict(X) != Y)
