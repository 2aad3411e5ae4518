"""`fit` on numba equals `fit` on NumPy, which equals the formulas written out; what must agree to the last bit does."""
import numpy as np
import pytest

from losses import L2, BinaryCrossEntropy, CrossEntropy, Flooding, SquaredError
from nn import MLP, SGD, Adam, AdamW, fit
from nn.cpu.threads import useful_threads
from tests.numerical import relative_error

RNG = np.random.default_rng(31)
X = RNG.normal(size=(27, 4)) * [1, 2, 0.5, 1] + [0, 0.3, 0, -0.2]
Y = np.where(RNG.random(27) < 0.2, RNG.integers(3, size=27), (X[:, 0] > 0) + (X[:, 1] > 0))

# batch size -> (samples, epochs) that make 20 updates: 20·1, (7 + 7 + 7 + 6)·5, 27·20
MODES = {1: (20, 1), 7: (27, 5), None: (27, 20)}
OPTIMIZERS = {
    "sgd": SGD(0.3), "momentum": SGD(0.1, momentum=0.8), "nesterov": SGD(0.1, momentum=0.8, nesterov=True),
    "weight_decay": SGD(0.2, momentum=0.5, weight_decay=0.05), "adam": Adam(0.03),
    "adam_decay": Adam(0.03, weight_decay=0.1), "adamw": AdamW(0.03, weight_decay=0.2),
}
LOSSES = {"plain": CrossEntropy(), "flooded": Flooding(CrossEntropy(), 0.9)}


def start(backend, sizes=(4, 6, 5, 3), seed=2, **options):
    return MLP(list(sizes), **{"activation": "tanh", "dtype": "float64", "seed": seed, "backend": backend, **options})


def train(model, batch_size, *, x=X, y=Y, **options):
    n, epochs = MODES[batch_size]
    options = {"loss": CrossEntropy(), "optimizer": SGD(0.3), "epochs": epochs, "seed": 5, **options}
    return fit(model, x[:n], y[:n], batch_size=batch_size, **options)


def assert_histories_agree(one, two, tolerance):
    assert list(one) == list(two)
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=tolerance, atol=tolerance, err_msg=name)
    assert (one.stopped_epoch, one.best_epoch) == (two.stopped_epoch, two.best_epoch)


@pytest.mark.parametrize("penalty", [None, L2(0.02)], ids=["no_penalty", "l2"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", MODES)
def test_backends_agree_over_20_updates(batch_size, optimizer, loss, penalty):
    models = [start("numpy"), start("numba")]
    histories = [train(m, batch_size, loss=LOSSES[loss], optimizer=OPTIMIZERS[optimizer], penalty=penalty, check_every=4,
                       validation=(X, Y), metrics=("margin_min", "margin_median", "gradient_norm", "update_norm",
                                                   "prediction_changes")) for m in models]
    assert histories[0]["update"].tolist() == [4, 8, 12, 16, 20]
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    assert relative_error(models[0].flat, start("numpy").flat) > 0.05  # it was no standing still
    assert_histories_agree(*histories, 1e-9)
    flooded = histories[0]["flooded_fraction"]
    if loss == "plain":
        assert not flooded.any()
    elif penalty is None and "decay" not in optimizer and optimizer != "adamw":
        assert 0 < flooded.mean() < 1  # both sides of the level were met


@pytest.mark.parametrize("loss, y, outputs", [
    (SquaredError(), RNG.normal(size=(27, 3)), 3), (SquaredError(), Y, 3), (BinaryCrossEntropy(), Y > 0, 1),
    (CrossEntropy(0.1), RNG.dirichlet([1, 1, 1], 27), 3), (Flooding(SquaredError(), 1.5), Y, 3)])
@pytest.mark.parametrize("activation, bias", [("relu", True), ("sigmoid", False), ("identity", True)])
def test_backends_agree_for_every_kind_of_target(loss, y, outputs, activation, bias):
    models = [start(backend, (4, 6, outputs), activation=activation, bias=bias) for backend in ("numpy", "numba")]
    histories = [train(m, 7, y=y, loss=loss, optimizer=SGD(0.05)) for m in models]
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    assert_histories_agree(*histories, 1e-9)


# --- the formulas written out ---


def written_out(optimizer, loss, l2, batch_size):
    """Train as the documentation says: orders from the seed, one gradient and one step for each batch."""
    model, (n, epochs), t = start("numpy"), MODES[batch_size], 0
    o, decay = optimizer, optimizer.weight_decay
    state = {name: (np.zeros(p.shape), np.zeros(p.shape)) for name, p in model.parameters.items()}
    for epoch in range(epochs):
        order, size = np.random.default_rng([5, epoch]).permutation(n), batch_size or n
        for batch in (order[i:i + size] for i in range(0, n, size)):
            t += 1
            J, gradients = model.loss_and_gradients(X[batch], Y[batch], loss.raw)
            for name, w in model.parameters.items():
                g = gradients[name] * np.sign(J - loss.level) + (2 * l2 * w if name.startswith("W") else 0)
                a, b = state[name]
                if isinstance(o, SGD):
                    g = g + decay * w
                    a[...] = o.momentum * a + g
                    w -= o.learning_rate * (g + o.momentum * a if o.nesterov else a)
                else:
                    shrink = o.learning_rate * decay * w if isinstance(o, AdamW) else 0
                    g = g if isinstance(o, AdamW) else g + decay * w
                    a[...] = o.betas[0] * a + (1 - o.betas[0]) * g
                    b[...] = o.betas[1] * b + (1 - o.betas[1]) * g**2
                    w -= shrink + o.learning_rate * (a / (1 - o.betas[0]**t)) / (np.sqrt(b / (1 - o.betas[1]**t)) + o.eps)
    return model.flat


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss, l2", [("plain", 0.0), ("flooded", 0.02)])
@pytest.mark.parametrize("batch_size", MODES)
def test_fit_is_what_the_formulas_say(backend, batch_size, loss, l2, optimizer):
    model = start(backend)
    train(model, batch_size, loss=LOSSES[loss], optimizer=OPTIMIZERS[optimizer], penalty=L2(l2) if l2 else None)
    assert relative_error(model.flat, written_out(OPTIMIZERS[optimizer], LOSSES[loss], l2, batch_size)) <= 1e-9


# --- 50 epochs ---
# Training amplifies rounding: where a unit switches, or a batch stands near the flood level, two runs that differ in the
# last bit part for good, and no backend could follow another. So first a run is started one ulp away, on NumPy alone; only
# where that stays below 1e-11 can a comparison of backends over so many updates say anything.

LONG = {
    "online": (1, {"optimizer": SGD(0.02)}), "mini_batch": (7, {"optimizer": SGD(0.1, momentum=0.5, nesterov=True)}),
    "full_batch": (None, {"optimizer": SGD(0.2, momentum=0.9)}), "adam": (None, {"optimizer": Adam(3e-3)}),
    "adamw": (7, {"optimizer": AdamW(1e-3)}),
    "flooded": (7, {"optimizer": SGD(0.05), "loss": Flooding(CrossEntropy(), 0.3), "penalty": L2(1e-3)}),
    "squared": (7, {"optimizer": SGD(0.02, weight_decay=1e-3), "loss": SquaredError()}),
}


def amplified(batch_size, **options):
    """The model after 50 epochs on NumPy, and how far one ulp at the start has grown by then."""
    model, nudged = start("numpy"), start("numpy")
    nudged.flat[:] = np.nextafter(nudged.flat, np.inf)
    for m in (model, nudged):
        train(m, batch_size, **options, epochs=50, check_every=0)
    return model, relative_error(nudged.flat, model.flat)


@pytest.mark.parametrize("case", LONG)
def test_backends_agree_over_50_epochs_where_rounding_is_not_amplified(case):
    batch_size, options = LONG[case]
    definition, growth = amplified(batch_size, **options)
    assert growth < 1e-11
    model = start("numba")
    history = train(model, batch_size, **options, epochs=50, check_every=0)
    assert relative_error(model.flat, definition.flat) <= 1e-9
    assert (0 < history["flooded_fraction"][0] < 1) == (case == "flooded")


def test_a_chaotic_setting():
    """On-line with a learning rate that is too large: after 1000 updates nothing is left of a shared start."""
    assert amplified(1, optimizer=SGD(1.0))[1] > 1e-3


# --- to the last bit ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["nesterov", "adamw"])
def test_same_seed_twice(backend, dtype, optimizer):
    models = [start(backend, dtype=dtype) for _ in range(2)]
    one, two = (train(m, 7, optimizer=OPTIMIZERS[optimizer], loss=LOSSES["flooded"]) for m in models)
    np.testing.assert_array_equal(models[0].flat, models[1].flat)
    assert_histories_agree(one, two, 0)
    other = start(backend, dtype=dtype)
    train(other, 7, optimizer=OPTIMIZERS[optimizer], loss=LOSSES["flooded"], seed=6)
    assert not np.array_equal(other.flat, models[0].flat)


@pytest.mark.parametrize("batch_size", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_flood_level_0_is_plain_training(backend, batch_size, dtype):
    models = [start(backend, dtype=dtype) for _ in range(2)]
    losses = (CrossEntropy(), Flooding(CrossEntropy(), 0.0))
    one, two = (train(m, batch_size, loss=loss) for m, loss in zip(models, losses, strict=True))
    np.testing.assert_array_equal(models[0].flat, models[1].flat)
    assert_histories_agree(one, two, 0)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_number_of_threads(dtype):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(70, 40)), rng.integers(3, size=70)
    sizes, batch_size = (40, 450, 420, 3), 32  # the last batch holds 6
    # Two threads are really used: the widest product, 450 by 420, makes two panels and is worth it.
    assert useful_threads(start("numba", sizes).layers, batch_size, 2) == 2
    assert useful_threads(start("numba", sizes).layers, batch_size, 1) == 1
    assert useful_threads(start("numba").layers, batch_size, 2) == 1
    models = [start("numba", sizes, dtype=dtype) for _ in range(3)]
    options = {"loss": Flooding(CrossEntropy(), 0.4), "penalty": L2(1e-3), "optimizer": AdamW(1e-3), "epochs": 6}
    histories = [fit(m, x, y, batch_size=batch_size, threads=threads, **options)
                 for m, threads in zip(models, (1, 2, 2), strict=True)]
    assert 0 < histories[0]["flooded_fraction"].mean() < 1
    for m, history in zip(models[1:], histories[1:], strict=True):
        np.testing.assert_array_equal(m.flat, models[0].flat)
        assert_histories_agree(history, histories[0], 0)
