"""Autoencoders, hidden codes, and weights handed from one network to another."""
import numpy as np
import pytest

from losses import SquaredError
from nn import MLP, RNN, Adam, fit
from tests.checkpointing import LENGTHS, SEQUENCE_LABELS, SEQUENCES, TOKENS
from tests.fitting import RNG, X, train

SIZES = [64, 32, 8, 32, 64]
IMAGES = RNG.random((40, 5)) @ RNG.random((5, 64)) / 5  # 40 images made of 5 parts


def test_autoencoder(backend):
    model = MLP(SIZES, seed=1, backend=backend)
    history = fit(model, IMAGES, IMAGES, loss=SquaredError(), optimizer=Adam(3e-3), epochs=60, batch_size=10)
    variance = ((IMAGES - IMAGES.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert history["train_loss"][-1] < 0.2 * history["train_loss"][0]
    assert history["train_loss"][-1] < 0.8 * variance  # better than the mean image
    assert np.isnan(history["train_error"]).all()
    code = model.encode(IMAGES, 2)
    assert code.shape == (40, 8)
    p, a = model.parameters, code.astype(np.float64)  # the rest of the network decodes the code
    decoded = np.maximum(a @ p["W3"] + p["b3"], 0) @ p["W4"] + p["b4"]
    np.testing.assert_allclose(model.forward(IMAGES), decoded, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 7, 513, 1100])  # an evaluation takes 512 rows at a time
def test_encode_is_the_forward_pass_up_to_there(backend, rows):
    model = MLP(SIZES, activation="tanh", dtype="float64", dropout=0.5, seed=1, backend=backend)
    x = np.random.default_rng(rows).normal(size=(rows, 64))
    a = x
    for layer in range(4):
        code = model.encode(x, layer)
        assert code.shape == (rows, SIZES[layer])
        assert code.dtype == np.float64
        np.testing.assert_allclose(code, a, rtol=0, atol=1e-13)
        a = np.tanh(a @ model.parameters[f"W{layer + 1}"] + model.parameters[f"b{layer + 1}"])


def test_encode_with_batch_norm_uses_the_running_statistics(backend):
    model = MLP([4, 5, 3, 2], activation="sigmoid", dtype="float64", batch_norm=True, dropout=0.3, backend=backend)
    train(model)
    a = X
    for l in (1, 2):
        p, s = model.parameters, model.statistics
        z = (a @ p[f"W{l}"] - s[f"running_mean{l}"]) / np.sqrt(s[f"running_var{l}"] + 1e-5)
        a = 1 / (1 + np.exp(-(p[f"gamma{l}"] * z + p[f"beta{l}"])))
        np.testing.assert_allclose(model.encode(X, l), a, rtol=0, atol=1e-12)
    np.testing.assert_allclose(model.forward(X), a @ p["W3"] + p["b3"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", ["last", "mean", "none"])
def test_encode_of_a_recurrent_network_is_its_pooled_state(backend, pooling):
    model = RNN(3, 4, 2, bidirectional=True, pooling=pooling, dtype="float64", backend=backend)
    code = model.encode(SEQUENCES, 0, LENGTHS)
    assert code.shape == ((11, 5, 8) if pooling == "none" else (11, 8))
    outputs = code @ model.parameters["W_hy"] + model.parameters["b_y"]
    expected = model.forward(SEQUENCES, LENGTHS)
    valid = np.arange(5) < LENGTHS[:, None]
    if pooling == "none":
        assert not code[~valid].any()
        outputs, expected = outputs[valid], expected[valid]
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("layer", "error"), [(4, ValueError), (99, ValueError), (-1, ValueError), (1.0, TypeError),
                                              (True, TypeError), ("1", TypeError), (None, TypeError)])
def test_layers_that_are_not_there(layer, error):
    with pytest.raises(error, match="layer: got"):
        MLP(SIZES, backend="numpy").encode(IMAGES, layer)


def test_encode_checks_its_input():
    with pytest.raises(ValueError, match=r"x: got shape \(23, 4\), accepted: \(N, 64\)"):
        MLP(SIZES, backend="numpy").encode(X, 1)


# --- copy_from ---

def snapshot(model):
    return {name: array.copy() for name, array in {**model.parameters, **model.statistics}.items()}


def changed(model, before):
    return {name for name, array in snapshot(model).items() if not np.array_equal(array, before[name])}


def normalised(seed, sizes=(4, 5, 3, 2), **options):
    model = MLP(sizes, batch_norm=True, seed=seed, **{"backend": "numpy", **options})
    model.flat += np.random.default_rng(seed).normal(size=model.flat.size)
    model.running[:] = np.random.default_rng(seed + 1).random(model.running.size)
    return model


FIRST = {"W1", "gamma1", "beta1", "running_mean1", "running_var1"}
SECOND = {name.replace("1", "2") for name in FIRST}


@pytest.mark.parametrize(("layers", "taken"), [
    (None, FIRST | SECOND | {"W3", "b3"}), ([1], FIRST), ([2], SECOND), ((1, 2), FIRST | SECOND), ([3], {"W3", "b3"}),
    ([2, "b3"], SECOND | {"b3"}), (["W1", "W3"], {"W1", "W3"}), (["running_mean2"], {"running_mean2"}), ([], set()),
    (np.array([1]), FIRST), (range(2, 4), SECOND | {"W3", "b3"})])
def test_copy_from(backend, layers, taken):
    target, source = normalised(1, backend=backend), normalised(2)
    before, theirs = snapshot(target), snapshot(source)
    target.copy_from(source, layers=layers)
    assert changed(target, before) == taken
    for name in taken:
        assert np.array_equal(snapshot(target)[name], theirs[name])
    assert changed(source, theirs) == set()
    source.flat[:] = 0  # a copy, not a view
    assert all(np.array_equal(snapshot(target)[name], theirs[name]) for name in taken)
    if layers is None:
        source.flat[:] = target.flat
        np.testing.assert_allclose(target.forward(X), source.forward(X), rtol=1e-5, atol=1e-3)


def test_part_of_a_deeper_network(backend):
    """Encoder of a trained autoencoder as the beginning of a classifier."""
    autoencoder = MLP(SIZES, activation="tanh", seed=1, backend=backend)
    fit(autoencoder, IMAGES, IMAGES, loss=SquaredError(), optimizer=Adam(3e-3), epochs=3)
    classifier = MLP([64, 32, 8, 3], activation="tanh", seed=2, backend=backend)
    last = classifier.parameters["W3"].copy()
    classifier.copy_from(autoencoder, layers=[1, 2])
    assert np.array_equal(classifier.encode(IMAGES, 2), autoencoder.encode(IMAGES, 2))
    assert np.array_equal(classifier.parameters["W3"], last)


def test_other_backend_and_dtype():
    source = MLP([4, 5, 2], dtype="float64", seed=1, backend="numpy")
    target = MLP([4, 5, 2], dtype="float32", seed=2, backend="numba")
    target.copy_from(source)
    assert np.array_equal(target.flat, source.flat.astype(np.float32))
    np.testing.assert_allclose(target.forward(X), source.forward(X), atol=1e-5)


def test_recurrent_networks_by_name(backend):
    source = RNN(3, 4, 2, bidirectional=True, seed=1, backend=backend)
    target = RNN(3, 4, 7, seed=2, backend=backend)
    before = snapshot(target)
    target.copy_from(source, layers=["W_xh", "W_hh", "b_h"])
    assert changed(target, before) == {"W_xh", "W_hh", "b_h"}
    assert np.array_equal(target.encode(SEQUENCES, 0, LENGTHS), source.encode(SEQUENCES, 0, LENGTHS)[:, :4])
    fit(target, TOKENS % 3, SEQUENCE_LABELS, lengths=LENGTHS, loss=SquaredError(), optimizer=Adam(), epochs=1)


@pytest.mark.parametrize(("make", "layers", "words"), [
    (lambda: normalised(2, (4, 6, 3, 2)), None, r"layers: got W1 of shape \(4, 6\) in .*, accepted: W1 of shape \(4, 5\)"),
    (lambda: normalised(2, (4, 5, 3, 9)), None, r"got W3 of shape \(3, 9\) in .*, accepted: W3 of shape \(3, 2\)"),
    (lambda: normalised(2, (4, 5, 3, 9)), ["W1", 3], "got W3 of shape"),
    (lambda: normalised(2), [1, 4], "got 4, accepted: layer"),
    (lambda: normalised(2), [0], "got 0, accepted"), (lambda: normalised(2), [1, "W9"], "got 'W9', accepted: .*W1, gamma1"),
    (lambda: normalised(2), [1, "b1"], "got 'b1'"),
    (lambda: MLP([4, 5, 2], backend="numpy"), [1, 2], "got no gamma1"),
    (lambda: MLP([4, 5, 3, 2], backend="numpy"), [1], "got no gamma1 in the other network"),
    (lambda: RNN(4, 5, 2, backend="numpy"), None, "got no W1 in the other network"),
    (lambda: normalised(2), "W1", "layers: got 'W1', accepted: a sequence"),
    (lambda: normalised(2), 1, "layers: got 1, accepted: a sequence")])
def test_what_does_not_fit_changes_nothing(make, layers, words):
    target = normalised(1)
    before = snapshot(target)
    with pytest.raises(ValueError, match=words):
        target.copy_from(make(), layers=layers)
    assert changed(target, before) == set()


def test_statistics_that_do_not_fit_change_nothing():
    """Their shapes are looked at before the first parameter is written."""
    target, source = normalised(1), normalised(2)
    before = snapshot(target)
    vars(source)["statistics"] = {name: array[:1] for name, array in source.statistics.items()}
    with pytest.raises(ValueError, match="running_mean1 of shape"):
        target.copy_from(source, layers=[1])
    assert changed(target, before) == set()
