"""What `fit` records: the columns of its History, the metrics on request, and what users' own losses and criteria see."""
import numpy as np
import pytest

import nn
from losses import L2, BinaryCrossEntropy, CrossEntropy, Flooding, SquaredError
from losses.base import Loss
from nn import SGD
from stopping import Patience
from tests.fitting import (
    ALWAYS,
    CE,
    RNG,
    X_TEST,
    X_VAL,
    Y_TEST,
    Y_VAL,
    X,
    Y,
    cross_entropy,
    network,
    order,
    tanh_gradient,
    train,
)

# --- the columns ---

def test_columns_and_their_meaning(backend):
    model, seen = network(backend), []
    history = train(model, validation=(X_VAL, Y_VAL), test=(X_TEST, Y_TEST),
                    on_check=lambda m, row: seen.append((m is model, m.flat.copy(), row)))
    assert list(history) == [*ALWAYS, "val_loss", "val_error", "test_loss", "test_error"]
    assert len(history) == len(list(history)) == 11
    assert history.checks == len(seen) == 3
    assert history["update"].dtype == np.int64
    assert all(history[name].dtype == np.float64 and history[name].shape == (3,) for name in history if name != "update")
    assert history.stopped_epoch is None
    assert history.best_epoch is None
    assert "3 checks" in repr(history)
    probe = network("numpy")
    for i, (same, flat, row) in enumerate(seen):
        probe.flat[:] = flat  # the weights of that check
        assert same
        assert set(row) == set(history)
        assert all(np.array_equal(row[name], history[name][i], equal_nan=True) for name in history)
        for name, x, y in (("train", X, Y), ("val", X_VAL, Y_VAL), ("test", X_TEST, Y_TEST)):
            outputs = probe.forward(x)
            assert row[f"{name}_loss"] == pytest.approx(cross_entropy(outputs, y).mean(), rel=1e-12)
            assert row[f"{name}_error"] == pytest.approx(np.mean(outputs.argmax(axis=1) != y), abs=1e-15)
        assert row["parameter_norm"] == pytest.approx(np.sqrt((flat**2).sum()), rel=1e-13)
        assert row["flooded_fraction"] == 0
    assert np.array_equal(model.flat, seen[-1][1])
    assert (history["train_loss_running"] != history["train_loss"]).all()


def test_losses_are_raw_and_flooded_samples_are_counted(backend):
    level, p = 0.66, {name: array.copy() for name, array in network(backend).parameters.items()}
    model = network(backend)
    history = train(model, loss=Flooding(CE, level), penalty=L2(0.01), check_every=3)
    losses, flooded, rows = [], [], [7, 7, 7, 2] * 3
    for update in range(12):
        start = update % 4 * 7
        batch = order(update // 4)[start:start + 7]
        loss, gradients = tanh_gradient(p, X[batch], Y[batch])
        losses.append(loss)
        flooded.append(float(loss < level))
        for name in p:
            sign = -1 if loss < level else 1
            p[name] -= 0.2 * (sign * gradients[name] + (0.02 * p[name] if name[0] == "W" else 0))
    assert 0 < np.mean(flooded) < 1
    expected = [np.average(losses[i:i + 3], weights=rows[i:i + 3]) for i in range(0, 12, 3)]
    np.testing.assert_allclose(history["train_loss_running"], expected, rtol=1e-11)  # every sample counts the same
    expected = [np.average(flooded[i:i + 3], weights=rows[i:i + 3]) for i in range(0, 12, 3)]
    np.testing.assert_allclose(history["flooded_fraction"], expected, rtol=1e-12)
    np.testing.assert_allclose(model.flat, np.concatenate([a.ravel() for a in p.values()]), atol=1e-12)
    assert history["train_loss"][-1] == pytest.approx(cross_entropy(model.forward(X), Y).mean(), rel=1e-12)


@pytest.mark.parametrize(("loss", "y", "outputs"), [(SquaredError(), RNG.normal(size=(23, 2)), 2),
                                                    (SquaredError(), RNG.normal(size=23), 1)])
def test_errors_are_nan_for_real_targets(backend, loss, y, outputs):
    history = train(network(backend, (4, 5, outputs)), y=y, loss=loss, validation=(X, y))
    assert np.isnan(history["train_error"]).all()
    assert np.isnan(history["val_error"]).all()
    assert np.isfinite(history["train_loss"]).all()


@pytest.mark.parametrize(("loss", "y", "outputs"), [
    (BinaryCrossEntropy(), Y, 1), (BinaryCrossEntropy(), Y[:, None].astype(float), 1), (SquaredError(), Y, 2),
    (CE, np.eye(2)[Y], 2), (CrossEntropy(0.1), np.eye(2)[Y], 2)])
def test_errors_of_every_kind_of_label(backend, loss, y, outputs):
    model = network(backend, (4, 5, outputs))
    history = train(model, y=y, loss=loss)
    assert history["train_error"][-1] == pytest.approx(np.mean(model.predict(X) != Y), abs=1e-15)
    assert history["train_loss"][-1] == pytest.approx(loss.per_sample(model.forward(X), y).mean(), rel=1e-12)


# --- metrics on request ---

def test_every_metric_on_request(backend):
    # Margins per norm of the weights need another kind of network: tests/test_theory_homogeneous.py
    names = tuple(name for name in nn.fitting.metrics.ON_REQUEST if name not in nn.fitting.metrics.PER_NORM)
    weights = []
    model = network(backend)
    history = train(model, X_TEST, Y_TEST, metrics=reversed(names), batch_size=64, optimizer=SGD(1.0),
                    loss=Flooding(CE, 0.3), on_check=lambda m, row: weights.append(m.flat.copy()))
    assert list(history) == [*ALWAYS, *names]  # in a fixed order
    probe, before = network("numpy"), network(backend)
    previous, classes = before.flat.copy(), None
    for i, flat in enumerate(weights):
        probe.flat[:] = flat
        outputs = probe.forward(X_TEST)
        margins = np.where(Y_TEST == 1, 1, -1) * (outputs[:, 1] - outputs[:, 0])
        assert history["margin_min"][i] == pytest.approx(margins.min(), rel=1e-12)
        assert history["margin_median"][i] == pytest.approx(np.median(margins), rel=1e-12)
        _, gradients = tanh_gradient(probe.parameters, X_TEST, Y_TEST)  # of the raw loss over all 600, in two blocks
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        assert history["gradient_norm"][i] == pytest.approx(norm, rel=1e-11)
        assert history["update_norm"][i] == pytest.approx(np.linalg.norm(flat - previous), rel=1e-12)
        now = outputs.argmax(axis=1)
        expected = np.nan if classes is None else np.sum(now != classes)
        np.testing.assert_array_equal(history["prediction_changes"][i], expected)
        previous, classes = flat, now
    assert history["prediction_changes"][1] > 0


def test_metrics_by_name_or_because_a_criterion_watches_them(backend):
    assert "gradient_norm" in train(network(backend), metrics="gradient_norm")
    history = train(network(backend), metrics=["margin_min", "margin_min"], stopping=Patience(9, "update_norm"))
    assert list(history)[7:] == ["margin_min", "update_norm"]
    one = network(backend, (4, 5, 1))
    history = train(one, loss=BinaryCrossEntropy(), metrics=("margin_min", "prediction_changes"))
    assert history["margin_min"][-1] == pytest.approx((np.where(Y == 1, 1, -1) * one.forward(X)[:, 0]).min(), rel=1e-12)
    with pytest.raises(ValueError, match="with real-valued targets, accepted: with class labels"):
        train(one, y=X[:, 0], loss=SquaredError(), metrics=("margin_min",))
    assert np.isfinite(train(one, y=X[:, 0], loss=SquaredError(), metrics=("gradient_norm",))["gradient_norm"]).all()


def test_csv_round_trip(backend, tmp_path):
    history = train(network(backend), validation=(X_VAL, Y_VAL), metrics=("prediction_changes",), check_every=[0, 1, 7])
    history.to_csv(tmp_path / "history.csv")
    table = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    assert list(table.dtype.names) == list(history)
    for name in history:
        np.testing.assert_array_equal(table[name], history[name])  # in full precision, NaN too


# --- what users bring ---

class Quartic(Loss):
    def rows(self, outputs, y):
        error = outputs - y
        return (error**4).sum(axis=1), 4 * error**3


def test_own_loss_runs_on_numpy_and_is_refused_by_compiled_code():
    y = np.random.default_rng(1).normal(size=(23, 2))
    model = network("numpy")
    history = train(model, y=y, loss=Flooding(Quartic(), 0.1), optimizer=SGD(0.01), metrics=("gradient_norm",))
    assert history["train_loss"][-1] == pytest.approx(((model.forward(X) - y)**4).sum(axis=1).mean(), rel=1e-12)
    assert history["train_loss"][-1] < history["train_loss"][0]
    compiled = network("numba")
    before = compiled.flat.copy()
    for call in (lambda: train(compiled, y=y, loss=Quartic()), lambda: compiled.loss_and_gradients(X, y, Quartic())):
        with pytest.raises(TypeError, match=r"loss: .*Quartic\(\).*backend='numpy'"):
            call()
    assert np.array_equal(compiled.flat, before)


class ThirdCheck:
    """A criterion of one's own: no base class."""

    requires = ("margin_min",)
    best_step = None

    def reset(self):
        self.rows = []

    def update(self, **row):
        self.rows.append(row)
        self.best_step = 2 if len(self.rows) >= 2 else 1
        return len(self.rows) == 3


def test_own_criterion(backend):
    own, weights, model = ThirdCheck(), [], network(backend)
    history = train(model, stopping=own, check_every=1, on_check=lambda m, row: weights.append(m.flat.copy()))
    assert history.checks == len(own.rows) == 3
    assert set(own.rows[0]) == {*ALWAYS, "margin_min"}
    assert (history.stopped_epoch, history.best_epoch) == (0.75, 0.5)
    assert np.array_equal(model.flat, weights[1])


def test_histories_compare():
    first, second = (train(network("numpy"), epochs=2) for _ in range(2))
    assert first == second and first != train(network("numpy"), epochs=2, optimizer=SGD(0.25))
