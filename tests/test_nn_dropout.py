"""Dropout: the mask on each backend, and networks that train with it."""
import numpy as np
import pytest

import nn.cpu.dropout
import nn.reference.dropout
from losses import CrossEntropy, Flooding
from nn import MLP, RNN, SGD, Adam, check_model, fit
from tests.bits import dropout_bits
from tests.numerical import complex_step, relative_error

BACKENDS = {"numpy": nn.reference.dropout, "numba": nn.cpu.dropout}
CE = CrossEntropy()
RNG = np.random.default_rng(61)
X, Y = RNG.normal(size=(22, 4)), RNG.integers(3, size=22)

# --- the layer alone ---


def dropped(module, a, rate, **where):
    where = {"seed": 3, "update": 5, "layer": 1, "samples": np.arange(len(a)) * 3, **where}
    result = np.full(a.shape, np.nan, a.dtype)
    module.dropout_forward(result, a, rate, *where.values())
    return result


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.75, 0.9])
def test_inverted_scaling_and_the_same_mask_on_both_backends(rate, dtype):
    a = RNG.uniform(0.5, 2, size=(40, 50)).astype(dtype)
    one, two = (dropped(module, a, rate) for module in BACKENDS.values())
    assert one.dtype == two.dtype == dtype
    np.testing.assert_array_equal(one != 0, two != 0)
    np.testing.assert_allclose(one, two, rtol=1e-6 if dtype == "float32" else 1e-15)
    threshold = int(rate * 2**32)
    mask = np.array([[dropout_bits(3, 5, 1, 3 * n, j)[1] >= threshold for j in range(50)] for n in range(40)])
    np.testing.assert_array_equal(one != 0, mask)
    np.testing.assert_allclose(one[mask], a[mask] / (1 - rate), rtol=1e-6 if dtype == "float32" else 1e-15)
    if rate == 0:
        np.testing.assert_array_equal(one, a)
        np.testing.assert_array_equal(two, a)


def test_the_expectation_stays(backend):
    total = sum(dropped(BACKENDS[backend], np.ones((40, 50)), 0.3, update=u).mean() for u in range(50)) / 50
    assert total == pytest.approx(1, abs=5 * np.sqrt(0.3 / 0.7 / 1e5))


def test_backward_by_complex_step(backend):
    module, a = BACKENDS[backend], RNG.normal(size=(5, 8))
    ddropped = RNG.normal(size=(5, 8)) + 0.3
    da = np.full(a.shape, np.nan)
    module.dropout_backward(da, ddropped, 0.4, 3, 5, 1, np.arange(5) * 3)
    assert relative_error(da, complex_step(lambda a: np.sum(ddropped * dropped(nn.reference.dropout, a, 0.4)), a)) <= 1e-13
    same = ddropped.copy()
    module.dropout_backward(same, same, 0.4, 3, 5, 1, np.arange(5) * 3)
    np.testing.assert_array_equal(same, da)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_equal_to_the_threshold_are_kept_on_both_ways(backend, dtype):
    """The one value in 2^32 where > and >= differ, so that forward and backward could disagree unnoticed."""
    module, ones = BACKENDS[backend], np.ones((3, 6), dtype)
    for n, j in ((0, 0), (1, 3), (2, 5)):
        rate = dropout_bits(3, 5, 1, 3 * n, j)[1] / 2**32  # exact, so this unit's bits are the threshold
        forward = dropped(module, ones, rate)
        backward = np.full_like(ones, np.nan)
        module.dropout_backward(backward, ones, rate, 3, 5, 1, np.arange(3) * 3)
        assert forward[n, j] != 0 and backward[n, j] != 0
        np.testing.assert_array_equal(forward, backward)


# --- networks ---


def network(backend, sizes=(4, 8, 7, 3), **options):
    return MLP(list(sizes), **{"activation": "tanh", "dropout": 0.4, "dtype": "float64", "seed": 4, "backend": backend,
                               **options})


def masks(model, update, samples):
    """Of each hidden layer: 0, or 1 / (1 - rate)."""
    return [np.array([[(dropout_bits(model.seed, update, l, n, j)[1] >= int(rate * 2**32)) / (1 - rate)
                       for j in range(model.sizes[l])] for n in samples]) for l, rate in enumerate(model.dropout, start=1)]


def written_out(model, x, update, samples):
    """Outputs with dropout on the hidden layers alone."""
    p, (first, second) = model.parameters, masks(model, update, samples)
    a = np.tanh(x @ p["W1"] + p["b1"]) * first
    return np.tanh(a @ p["W2"] + p["b2"]) * second @ p["W3"] + p["b3"]


@pytest.mark.parametrize("dropout", [0.4, (0.2, 0.6), (0.0, 0.5), (0.5, 0.0)])
def test_on_hidden_layers_never_on_input_or_output(backend, dropout):
    model = network(backend, dropout=dropout)
    for update in (0, 1, 12345):
        found = model.forward(X, training=True, update=update)
        np.testing.assert_allclose(found, written_out(model, X, update, range(22)), rtol=1e-13, atol=1e-15)
        assert model.loss_and_gradients(X, Y, CE, update=update)[0] == pytest.approx(CE.value(found, Y), rel=1e-13)
    assert not np.array_equal(model.forward(X, training=True, update=0), model.forward(X, training=True, update=1))
    linear = MLP([4, 3], dropout=0.9, dtype="float64", backend=backend)
    np.testing.assert_array_equal(linear.forward(X, training=True, update=0), linear.forward(X))


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-13), ("float32", 1e-5)])
def test_same_masks_on_both_backends(dtype, tolerance):
    sizes = (4, 300, 20, 3)  # more than one panel
    one, two = (network(backend, sizes, dtype=dtype, activation="sigmoid") for backend in ("numpy", "numba"))
    for update in (0, 7):
        a, b = (m.forward(X, training=True, update=update) for m in (one, two))
        assert relative_error(b, a) <= tolerance  # one unit more or less would be far beyond
        assert relative_error(one.forward(X, training=True, update=update + 1), a) > 0.01


def test_off_without_an_update_and_in_evaluation(backend):
    model, plain = network(backend), network(backend, dropout=0.0)
    for call in (lambda m: m.forward(X), lambda m: m.forward(X, training=True, update=None),
                 lambda m: m.forward(X, update=3), lambda m: m.predict_proba(X), lambda m: m.encode(X, 2)):
        np.testing.assert_array_equal(call(model), call(plain))
    (a, one), (b, two) = (m.loss_and_gradients(X, Y, CE) for m in (model, plain))
    assert a == b
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("loss", [CE, Flooding(CE, 9.0)])
@pytest.mark.parametrize("options", [{}, {"dropout": (0.6, 0.2)}, {"activation": "relu", "batch_norm": True}])
def test_gradients_with_the_mask_frozen(backend, options, loss):
    model, gradients = network(backend, **options), []
    for update in (0, 6):
        report = check_model(model, X[:5], Y[:5], loss, update=update)
        assert all(p.error <= (1e-11 if ":" in p.name else 1e-13) for p in report.parameters), str(report)
        gradients.append(model.loss_and_gradients(X[:5], Y[:5], loss, update=update)[1])
    again = model.loss_and_gradients(X[:5], Y[:5], loss, update=6)[1]
    for name in again:
        np.testing.assert_array_equal(again[name], gradients[1][name])
    assert relative_error(gradients[0]["W2"], gradients[1]["W2"]) > 0.1


@pytest.mark.parametrize("pooling", ["last", "mean", "none"])
@pytest.mark.parametrize("tokens", [False, True])
def test_recurrent_network(backend, tokens, pooling):
    lengths = np.array([3, 1, 4, 2])
    x = RNG.integers(4, size=(4, 4)) if tokens else RNG.normal(size=(4, 4, 4))
    y = RNG.integers(3, size=(4, 4) if pooling == "none" else 4)
    model = RNN(4, 5, 3, bidirectional=True, pooling=pooling, dropout=0.4, dtype="float64", seed=4, backend=backend)
    report = check_model(model, x, y, CE, lengths, update=6)
    assert all(p.error <= (1e-11 if ":" in p.name else 1e-13) for p in report.parameters), str(report)
    rate, units = model.dropout, range(10)
    mask = np.array([[(dropout_bits(4, 6, 0, n, j)[1] >= int(rate * 2**32)) / (1 - rate) for j in units] for n in range(4)])
    states, found = model.encode(x, 0, lengths), model.forward(x, lengths, training=True, update=6)
    if pooling == "none":  # all steps of a sequence share its mask
        mask, found = mask[:, None], found[np.arange(4) < lengths[:, None]]
    expected = states * mask @ model.parameters["W_hy"] + model.parameters["b_y"]
    expected = expected[np.arange(4) < lengths[:, None]] if pooling == "none" else expected
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


# --- fit ---


def train(model, **options):
    return fit(model, X, Y, **{"loss": CE, "optimizer": SGD(0.2), "epochs": 5, "batch_size": 6, "seed": 5, **options})


@pytest.mark.parametrize("options", [{}, {"optimizer": Adam(0.02), "batch_size": None, "epochs": 20},
                                     {"batch_size": 1, "epochs": 1}, {"loss": Flooding(CE, 1.05), "clip_norm": 0.5}])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_backends_agree_over_20_updates(options, batch_norm):
    if batch_norm and options.get("batch_size") == 1:
        return
    models = [network(backend, dropout=(0.2, 0.6), batch_norm=batch_norm) for backend in ("numpy", "numba")]
    one, two = (train(m, **options) for m in models)
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-9, atol=1e-9, err_msg=name)
    plain = network("numpy", dropout=0.0, batch_norm=batch_norm)
    train(plain, **options)
    assert relative_error(models[0].flat, plain.flat) > 1e-3


def test_masks_belong_to_samples_of_the_data_set_and_to_updates(backend):
    """The loss of every batch, with masks by data-set index and number of the update; the step by differences of it."""
    model, by_hand = network(backend, sizes=(4, 3, 3, 3)), network("numpy", sizes=(4, 3, 3, 3))
    history = train(model, epochs=2)
    update, losses = 0, []
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(22)
        for batch in (order[i:i + 6] for i in range(0, 22, 6)):
            def objective(flat, batch=batch, update=update):
                p = type("", (), {"seed": 4, "sizes": by_hand.sizes, "dropout": by_hand.dropout, "parameters": {
                    name: flat[a:b].reshape(by_hand.parameters[name].shape) for name, a, b in places(by_hand)}})
                o = written_out(p, X[batch], update, batch)
                return np.mean(np.log(np.exp(o).sum(axis=1)) - o[np.arange(len(batch)), Y[batch]])

            losses.append((objective(by_hand.flat), len(batch)))
            by_hand.flat -= 0.2 * complex_step(objective, by_hand.flat)
            update += 1
    assert relative_error(model.flat, by_hand.flat) <= 1e-12
    running = [sum(loss * n for loss, n in losses[i:i + 4]) / 22 for i in (0, 4)]
    np.testing.assert_allclose(history["train_loss_running"], running, rtol=1e-12)
    assert history["train_loss"][-1] == pytest.approx(CE.value(model.forward(X), Y), rel=1e-12)  # measured without dropout


def places(model):
    """(name, start, end) of each parameter in the flat vector."""
    ends = np.cumsum([array.size for array in model.parameters.values()])
    return [(name, end - array.size, end) for (name, array), end in zip(model.parameters.items(), ends, strict=True)]


def test_rate_0_is_no_dropout(backend):
    models = [network(backend, **options) for options in ({"dropout": 0.0}, {"dropout": (0.0, 0)})]
    models.append(MLP([4, 8, 7, 3], activation="tanh", dtype="float64", seed=4, backend=backend))
    for model in models:
        train(model)
        np.testing.assert_array_equal(model.flat, models[0].flat)


@pytest.mark.parametrize("seed", [0, 2**32 + 7, 2**63 + 1, 2**64 + 5])
def test_any_seed(seed):
    one, two = (network(backend, seed=seed) for backend in ("numpy", "numba"))
    assert relative_error(*(m.forward(X, training=True, update=2) for m in (one, two))) <= 1e-13
    np.testing.assert_allclose(one.forward(X, training=True, update=2), written_out(one, X, 2, range(22)), rtol=1e-13)


@pytest.mark.compiled
def test_number_of_threads_changes_no_bit():
    flats = []
    x, y = RNG.normal(size=(70, 40)), RNG.integers(3, size=70)
    for threads in (1, 2):
        model = network("numba", (40, 300, 530, 3), dtype="float32")
        fit(model, x, y, loss=CE, optimizer=Adam(1e-3), epochs=2, batch_size=32, threads=threads)
        flats.append(model.flat)
    np.testing.assert_array_equal(*flats)
