"""check_model where kinks are hit: every activation, loss, flood and method, with blank rows and equal rows."""
import itertools

import numpy as np
import pytest

from losses import CrossEntropy, Flooding, Hinge, Loss, SquaredHinge
from nn import MLP, RNN, check_model
from tests.losses_and_floods import CE, FLOODS, bases

METHODS = ["complex", "central", "direction"]
ACTIVATIONS = ["relu", "tanh", "sigmoid", "identity"]
X = np.random.default_rng(3).normal(size=(3, 3)) + 0.1
X[1] = 0  # a blank row
Y = np.array([0, 1, 1])
WALKED = ("ce", "smoothed", "confidence", "binary", "squared_ids", "hinge", "hinge_1", "perceptron", "squared_hinge")


def settled(report, tolerance=1e-6):
    """Return whether nothing is wrong, and whatever is not decided was skipped by name."""
    def named(p):
        return p.verdict(tolerance) is None and p.skipped and all(kink for _, kink in p.skipped)

    return all(p.verdict(tolerance) is True or named(p) for p in report.parameters)


def test_a_fresh_network_with_a_blank_row_passes(backend):
    for dtype in ("float64", "float32"):
        report = check_model(MLP([3, 5, 2], dtype=dtype, backend=backend), X, Y, CE)
        assert report.passed(1e-6) and str(report).endswith("PASSED at 1e-6"), report
        assert not any(p.skipped for p in report.parameters)
    report = check_model(MLP([3, 5, 2], dtype="float64", backend=backend), X, Y, CE, method="central")
    assert settled(report), report
    assert "NOT DECIDED" in str(report) and "relu input of layer 1 at (1, 0) changes branch" in str(report)


@pytest.mark.parametrize("activation", ["relu", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ACTIVATIONS[1:])])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("flood", FLOODS)
def test_every_loss_and_activation_with_a_blank_row(flood, method, activation):
    losses = bases(Y)
    for name in WALKED:
        base, y, outputs = losses[name]
        model = MLP([3, 4, outputs], activation=activation, dtype="float64", backend="numpy")
        values = base.per_sample(model.forward(X), y)
        for level in {0.9, float(values.mean()), float(values[1])}:
            if not level >= 0 or (flood == "none" and level != 0.9):
                continue
            report = check_model(model, X, y, FLOODS[flood](base, level, np.full(3, level)), method=method,
                                 samples=4 if method == "central" else None)
            assert settled(report), f"{name} {activation} {level}\n{report}"
            if method == "complex" and level == 0.9:
                assert report.passed(), f"{name} {activation}\n{report}"


@pytest.mark.parametrize("method", METHODS)
def test_batch_normalisation_of_equal_rows(method):
    for row, activation, rows in itertools.product(([0.3, -0.7, 1.1], [0.0, 0.0, 0.0]), ACTIVATIONS, (2, 3, 7)):
        model = MLP([3, 6, 5, 2], activation=activation, batch_norm=True, dtype="float64", backend="numpy")
        report = check_model(model, np.tile(row, (rows, 1)), np.arange(rows) % 2, CE, method=method,
                             samples=4 if method == "central" else None)
        assert settled(report), f"{activation} {rows}\n{report}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pooling", ["last", "mean", "none"])
def test_recurrent_networks_with_blank_steps(pooling, method):
    x = np.random.default_rng(4).normal(size=(3, 4, 2))
    x[0], x[1, :2] = 0, 0
    y = np.arange(12).reshape(3, 4) % 2 if pooling == "none" else Y
    for activation, bidirectional in itertools.product(ACTIVATIONS[:2], (False, True)):
        model = RNN(2, 4, 2, activation=activation, bidirectional=bidirectional, pooling=pooling, dtype="float64",
                    backend="numpy")
        for name, array in model.parameters.items():
            if name.startswith("b_h"):
                array[...] = 0
        report = check_model(model, x, y, CE, np.array([4, 3, 2]), method=method)
        assert settled(report), f"{activation} {bidirectional}\n{report}"
        assert method != "complex" or report.passed(), report


def at_the_margin():
    """One sample whose margin is 1 exactly, one far from it."""
    model = MLP([2, 2], dtype="float64", backend="numpy")
    model.parameters["W1"][...], model.parameters["b1"][...] = [[1, 0], [0, 1]], 0
    return model, np.array([[2.0, 1.0], [5.0, 1.0], [1.0, 1.5]]), np.array([0, 0, 0])


@pytest.mark.parametrize("method", ["central", "direction"])
def test_a_loss_at_its_own_kink_is_skipped_by_name(method):
    model, x, y = at_the_margin()
    report = check_model(model, x, y, Hinge(), method=method)
    assert settled(report) and "margin of the hinge at (0,) changes branch" in str(report), report
    assert settled(check_model(model, x, y, Hinge()))
    assert check_model(model, x, y, SquaredHinge(), method=method).passed()  # smooth there
    three = MLP([2, 3], dtype="float64", backend="numpy")
    three.parameters["W1"][...] = [[1, 0, 0], [0, 1, 1]]  # the two others tie
    for loss in (Hinge(), SquaredHinge()):
        report = check_model(three, x, y, loss, method=method)
        assert settled(report) and "runner-up of the hinge at" in str(report), report
        assert settled(check_model(three, x, y, loss))


class Bent(Loss):
    """A loss of somebody's own whose kink has no name."""

    def rows(self, outputs, y):
        side = np.where(outputs.real > 0, 1, 0.2)
        return (side * outputs).sum(axis=1), side + 0 * outputs


class WrongBent(Bent):
    """The same with a slope that is wrong away from the kink."""

    def rows(self, outputs, y):
        losses, slopes = super().rows(outputs, y)
        return losses, slopes * np.where(outputs > 1, 1.01, 1)


def test_a_kink_of_somebodys_own_loss_is_seen_by_its_bend():
    model, x, y = at_the_margin()
    x = np.array([[0.0, 2.0], [1.0, 3.0]])
    report = check_model(model, x, y[:2], Bent(), method="central")
    assert settled(report) and "one-sided slopes differ" in str(report), report
    assert not settled(check_model(model, x, y[:2], WrongBent(), method="central"))


def test_the_flood_at_its_level():
    model = MLP([3, 4, 2], activation="tanh", dtype="float64", backend="numpy")
    loss = Flooding(CE, model.loss_and_gradients(X, Y, CE)[0])
    for method in METHODS:
        report = check_model(model, X, Y, loss, method=method)
        assert settled(report) and (report.passed() or "flood at" in str(report)), report


@pytest.mark.parametrize("batch_norm", [False, True])
def test_kinks_mask_no_wrong_loss(batch_norm):
    """Skipping what rounding decides leaves the rest to be judged."""
    class Wrong(CrossEntropy):
        def rows(self, outputs, y):
            losses, slopes = super().rows(outputs, y)
            return losses, 1.001 * slopes

    model = MLP([3, 5, 2], batch_norm=batch_norm, dtype="float64", backend="numpy")
    for x, method in itertools.product((X, np.tile([0.3, -0.7, 1.1], (3, 1))), METHODS):
        report = check_model(model, x, Y, Wrong(), method=method)
        found = {p.name: p for p in report.parameters}
        assert found["b2"].verdict(1e-6) is False, report
        assert "1.001 times" in found["b2"].hint or method == "direction"
