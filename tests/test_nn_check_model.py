"""check_model: whole networks on every backend and dtype, planted errors in loss and backend, relu kinks."""
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Flooding, Loss, SquaredError
from nn import MLP, check_model

TOLERANCE = {"complex": 1e-13, "central": 1e-7, "direction": 1e-7}
X, Y = np.random.default_rng(21).normal(size=(3, 4)), np.array([0, 2, 1])


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-11), ("float32", 1e-4)])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_right_model_passes(backend, dtype, tolerance, activation):
    model = MLP([4, 5, 3], activation=activation, dtype=dtype, backend=backend, seed=2)
    before = model.flat.copy()
    report = check_model(model, X, Y, CrossEntropy())
    names = ["W1", "b1", "W2", "b2", "x"]
    assert [p.name for p in report.parameters] == names + [f"{backend} {dtype}: {name}" for name in names]
    assert all(p.error <= 1e-13 for p in report.parameters[:5]), str(report)
    assert all(p.error <= tolerance for p in report.parameters[5:]), str(report)
    assert all(p.error > 1e-9 for p in report.parameters[5:]) == (dtype == "float32")  # it is really that dtype's gradient
    np.testing.assert_array_equal(model.flat, before)


@pytest.mark.parametrize("method", TOLERANCE)
def test_every_method(method):
    model = MLP([4, 5, 1], activation="sigmoid", dtype="float64", backend="numpy")
    for loss, y in ((BinaryCrossEntropy(), [0, 1, 1]), (Flooding(SquaredError(), 9.0), [0.3, 1, -2])):
        report = check_model(model, X, y, loss, method=method, samples=3)
        assert report.passed(TOLERANCE[method]), str(report)
        assert [p.checked for p in report.parameters[:5]] == [3, 3, 3, 3 if method == "direction" else 1, 3]


class WrongSlope(Loss):
    """A user's loss with an error in one place: the slope of output 1 lacks its factor 2."""

    def rows(self, outputs, y):
        return (outputs**2).sum(axis=1), outputs * [2, 1, 2]


def test_a_wrong_loss_is_found():
    model = MLP([4, 5, 3], activation="tanh", dtype="float64", backend="numpy")
    report = check_model(model, X, np.zeros(3), WrongSlope())
    found = {p.name: p for p in report.parameters}
    assert found["b2"].worst == (1,)
    assert found["b2"].analytic == pytest.approx(found["b2"].numerical / 2)
    assert all(found[name].error > 1e-3 for name in ("W1", "b1", "W2", "b2", "x"))
    assert not report.passed(1e-3)


class WrongBackend(MLP):
    """A model whose compiled backend gives another gradient than the definition."""

    def loss_and_gradients(self, *args, **kwargs):
        objective, gradients = super().loss_and_gradients(*args, **kwargs)
        gradients["W2"][3, 1] += 0.01 * (self.backend == "numba")
        return objective, gradients


def test_a_wrong_backend_is_found():
    model = WrongBackend([4, 5, 3], activation="tanh", dtype="float32")
    for p in check_model(model, X, Y, CrossEntropy()).parameters:
        assert (p.error > 1e-4) == (p.name == "numba float32: W2")
        assert p.name != "numba float32: W2" or p.worst == (3, 1)


def test_relu_kinks_are_skipped_by_name():
    model = MLP([2, 2, 2], dtype="float64", backend="numpy", seed=1)
    model.parameters["W1"] = [[1, 0.5], [-1, 0.7]]
    x = np.array([[0.3, 0.3 + 1e-9], [1.0, -0.4]])  # unit 0 of sample 0 sees -1e-9
    report = check_model(model, x, [0, 1], CrossEntropy(), method="central")
    assert report.passed(1e-7)
    skipped = {p.name: p.skipped for p in report.parameters if p.skipped}
    assert set(skipped) == {"W1", "b1", "x"}
    assert [index for index, _ in skipped["W1"]] == [(0, 0), (1, 0)]
    assert skipped["b1"] == [((0,), "relu input of layer 1 at (0, 0) changes branch")]
    assert [index for index, _ in skipped["x"]] == [(0, 0), (0, 1)]


def test_central_differences_see_the_floods_kink():
    model = MLP([4, 3, 2], activation="tanh", dtype="float64", backend="numpy")
    level, _ = model.loss_and_gradients(X, Y % 2, CrossEntropy())
    report = check_model(model, X, Y % 2, Flooding(CrossEntropy(), level + 1e-9), method="central", samples=4)
    skipped = [kink for parameter in report.parameters for _, kink in parameter.skipped]
    assert skipped and all("flood" in kink for kink in skipped)
