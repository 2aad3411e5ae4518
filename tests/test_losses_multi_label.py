"""BinaryCrossEntropy with soft targets and with several labels per sample, from its definition to a fit."""
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Flooding, InstanceFlooding, SoftAD, SquaredError, rows
from losses.relax import class_of
from nn import MLP, RNN, SGD, check_model, fit, fit_fleet
from tests.numerical import complex_step

BCE = BinaryCrossEntropy()
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = (X @ RNG.normal(size=(3, 4)) > 0).astype(int)
SOFT = np.where(Y, 0.9, 0.2) * RNG.uniform(0.5, 1, Y.shape)


@pytest.mark.parametrize("K", [1, 3, 40])
def test_definition(K):
    o, t = RNG.normal(size=(6, K)) * 5, RNG.uniform(size=(6, K))
    t[0], t[1] = 0, 1
    p = 1 / (1 + np.exp(-o))
    expected = -(t * np.log(p) + (1 - t) * np.log1p(-p)).sum(axis=1)
    np.testing.assert_allclose(BCE.per_sample(o, t), expected, rtol=1e-12)
    value, gradient = BCE.value_and_gradient(o, t)
    np.testing.assert_allclose(value, expected.mean(), rtol=1e-13)
    np.testing.assert_allclose(gradient, (p - t) / 6, rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("loss", [BCE, Flooding(BCE, 3.5), InstanceFlooding(BCE, 2.5), SoftAD(BCE, 2.5)])
def test_complex_step(loss):
    o, t = np.vstack([RNG.normal(size=(5, 4)), np.zeros((1, 4))]), SOFT[:6]
    _, gradient = loss.value_and_gradient(o, t)
    np.testing.assert_allclose(gradient, complex_step(lambda o: loss.value(o, t), o), rtol=1e-12)


def test_one_logit_and_two_are_one_loss():
    o, t = RNG.normal(size=(5, 1)), RNG.uniform(size=(5, 1))
    np.testing.assert_allclose(BCE.per_sample(o, t), CrossEntropy().per_sample(np.hstack([0 * o, o]), np.hstack([1 - t, t])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hard_labels_of_one_output_are_bit_for_bit_the_plain_softplus(dtype):
    o = np.concatenate([RNG.normal(size=500) * 30, [0, 1e4, -1e4]]).astype(dtype)[:, None]
    for label in (0, 1):
        u = o if label == 0 else -o
        e = np.exp(-np.abs(u))
        losses, dOutputs = BCE.rows(o, np.full(o.shape, float(label)))
        np.testing.assert_array_equal(losses, (np.where(u > 0, u, 0) + np.log1p(e))[:, 0])
        np.testing.assert_array_equal(dOutputs, np.sign(0.5 - label).astype(dtype) * np.where(u > 0, 1, e) / (1 + e))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [1, 2, 33, 200])
def test_scalar_loops(K, dtype):
    o, t = (RNG.normal(size=(6, K)) * 10).astype(dtype), RNG.uniform(size=(6, K)).round(1)
    losses, dOutputs = BCE.rows(o, t)
    for n in range(6):
        dz = np.full(K, np.nan, dtype)
        np.testing.assert_allclose(rows.binary_cross_entropy(dz, o[n], t[n]), losses[n], rtol=16 * np.finfo(dtype).eps)
        np.testing.assert_allclose(dz, dOutputs[n], rtol=0, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("y", [Y, SOFT], ids=["labels", "soft"])
def test_gradients_of_a_network(y, backend):
    model = MLP((3, 5, 4), activation="tanh", dtype="float64", backend=backend)
    assert check_model(model, X, y, BCE).error < 1e-10
    twin = model.copy(backend="numpy")
    value, gradients = model.loss_and_gradients(X, y, BCE)
    expected, by_definition = twin.loss_and_gradients(X, y, BCE)
    assert value == pytest.approx(expected, rel=1e-14)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, by_definition[name], rtol=1e-11, atol=1e-14)


def test_fit_counts_wrong_entries(backend):
    model = MLP((3, 8, 4), dtype="float64", backend=backend)
    history = fit(model, X, Y, loss=BCE, optimizer=SGD(0.5), epochs=60, batch_size=8, validation=(X[:7], Y[:7]),
                  progress=False, metrics="prediction_changes")
    assert history["train_error"][-1] == np.mean((model.forward(X) > 0) != Y) < 0.1 < history["train_error"][0]
    assert history["val_error"][-1] == np.mean((model.forward(X[:7]) > 0) != Y[:7])
    assert history["train_loss"][-1] == pytest.approx(BCE.value(model.forward(X), Y), rel=1e-12)


def test_margins_are_refused():
    with pytest.raises(ValueError, match=r"one class per sample, .* which margins need"):
        fit(MLP((3, 4, 4)), X, Y, loss=BCE, optimizer=SGD(0.1), epochs=1, metrics="margin_min", progress=False)


def test_fleet_member_is_the_lone_fit(backend):
    options = {"loss": Flooding(BCE, 0.5), "optimizer": SGD(0.1), "epochs": 3, "batch_size": 8, "progress": False}
    fleet = fit_fleet(MLP((3, 6, 4), backend=backend), X, SOFT, members=[{"seed": 0}, {"seed": 1}], **options)
    lone = MLP((3, 6, 4), backend=backend, seed=1)
    history = fit(lone, X, SOFT, seed=1, **options)
    np.testing.assert_array_equal(fleet.model(1).flat, lone.flat)
    np.testing.assert_array_equal(fleet["train_error"][1], history["train_error"])


def test_labels_at_every_step(backend):
    x, lengths = RNG.normal(size=(4, 5, 2)), np.array([5, 3, 1, 4])
    y = RNG.integers(0, 2, (4, 5, 3))
    model = RNN(2, 4, 3, pooling="none", dtype="float64", backend=backend)
    outputs = model.forward(x, lengths)
    valid = np.arange(5) < lengths[:, None]
    value, _ = model.loss_and_gradients(x, y, BCE, lengths)
    assert value == pytest.approx(BCE.value(outputs[valid], y[valid]), rel=1e-13)


def test_the_error_of_one_output_trained_towards_labels_is_told_at_one_half(backend):
    model = MLP((3, 8, 1), dtype="float64", backend=backend)
    history = fit(model, X, Y[:, 0], loss=SquaredError(), optimizer=SGD(0.05), epochs=40, validation=(X[:5], X[:5, 0]),
                  progress=False)
    assert history["train_error"][-1] == np.mean((model.forward(X)[:, 0] > 0.5) != Y[:, 0])
    assert np.isnan(history["val_error"]).all()


def test_class_of_a_soft_target():
    assert class_of(np.array([[0.7], [0.5], [0.2], [1.0]])).tolist() == [1, 0, 0, 1]
