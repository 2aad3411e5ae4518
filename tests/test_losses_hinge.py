"""Hinge losses: by hand, the conventions at their kinks, gradients away from them; what each loss does after zero error."""
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Hinge, SquaredError, SquaredHinge
from losses.margins import output_margins
from nn import MLP, SGD, fit
from tests.numerical import complex_step, relative_error

RNG = np.random.default_rng(12)
OUTPUTS = RNG.normal(size=(9, 4)) * 2
IDS = RNG.integers(4, size=9)
ONE, LABELS = RNG.normal(size=9) * 2, RNG.integers(2, size=9)


def test_by_hand():
    # margins 2 - 0.5, 0.5 - 2, 3 - 3
    outputs, y = [[2.0, 0.5, -1.0], [2.0, 0.5, -1.0], [3.0, 1.0, 3.0]], [0, 1, 2]
    np.testing.assert_array_equal(Hinge().per_sample(outputs, y), [0, 2.5, 1])
    np.testing.assert_array_equal(SquaredHinge().per_sample(outputs, y), [0, 6.25, 1])
    value, dOutputs = Hinge().value_and_gradient(outputs, y)
    assert value == 3.5 / 3
    np.testing.assert_array_equal(dOutputs * 3, [[0, 0, 0], [1, -1, 0], [1, 0, -1]])
    np.testing.assert_array_equal(SquaredHinge().value_and_gradient(outputs, y)[1] * 3, [[0, 0, 0], [5, -5, 0], [2, 0, -2]])
    np.testing.assert_array_equal(Hinge(margin=2.0).per_sample(outputs, y), [0.5, 3.5, 2])


def test_one_output_by_hand():
    value, dOutputs = Hinge().value_and_gradient([0.25, 0.25, 3.0, -3.0], [1, 0, 1, 1])
    assert value == (0.75 + 1.25 + 0 + 4) / 4
    np.testing.assert_array_equal(dOutputs, [-0.25, 0.25, 0, -0.25])
    two = np.column_stack([np.zeros(9), ONE])  # two logits 0 and o are one logit o
    for loss in (Hinge(0.7), SquaredHinge(0.7)):
        np.testing.assert_array_equal(loss.per_sample(ONE, LABELS), loss.per_sample(two, LABELS))
        np.testing.assert_array_equal(loss.value_and_gradient(ONE, LABELS)[1], loss.value_and_gradient(two, LABELS)[1][:, 1])


@pytest.mark.parametrize("loss", [Hinge(), Hinge(3.0), SquaredHinge(), SquaredHinge(0.5), Hinge(0.0)])
def test_what_is_left_of_the_margin(loss):
    for outputs, y in ((OUTPUTS, IDS), (ONE, LABELS)):
        missing = np.maximum(0, loss.margin - output_margins(outputs, y))
        squared = isinstance(loss, SquaredHinge)
        np.testing.assert_allclose(loss.per_sample(outputs, y), missing**2 if squared else missing, rtol=1e-15)


@pytest.mark.parametrize("loss", [Hinge(), Hinge(3.0), SquaredHinge(), SquaredHinge(3.0)])
@pytest.mark.parametrize(("outputs", "y"), [(OUTPUTS, IDS), (ONE, LABELS)], ids=["classes", "one_output"])
def test_gradient_of_each_sample(loss, outputs, y):
    rows = outputs.reshape(9, -1)
    _, dOutputs = loss.rows(rows, loss.prepare(y, *rows.shape))
    assert np.abs(dOutputs).sum(axis=1).min() == 0 < np.abs(dOutputs).max()  # both sides of the kink
    for i in range(9):
        numerical = complex_step(lambda o, i=i: loss.per_sample(o, y)[i], outputs).reshape(9, -1)
        assert relative_error(dOutputs[i], numerical[i]) <= 1e-15
        assert not np.delete(numerical, i, axis=0).any()


def test_conventions_at_the_kinks():
    at_the_margin = [[1.5, 0.5, -1.0]]
    for loss in (Hinge(), SquaredHinge()):
        value, dOutputs = loss.value_and_gradient(at_the_margin, [0])
        assert value == 0 and not dOutputs.any()
    first, second = ([[1.0, 1.0, 0.0]], 2), ([[1.0, 0.5, 1.0]], 1)  # two runners-up: the first of them
    np.testing.assert_array_equal(Hinge().value_and_gradient(first[0], [first[1]])[1], [[1, 0, -1]])
    np.testing.assert_array_equal(Hinge().value_and_gradient(second[0], [second[1]])[1], [[1, -1, 0]])


def test_divergence_stays_visible():
    for loss in (Hinge(), SquaredHinge()):
        for outputs in ([[0.0, np.nan, 1.0]], [[np.nan, 0.0, 1.0]], [[0.0, 1.0, np.nan]]):
            assert np.isnan(loss.value(outputs, [0]))
        assert np.isnan(loss.value([np.nan], [1]))
        assert loss.value([[5.0, -np.inf]], [0]) == 0


def test_targets_and_arguments():
    assert Hinge() == Hinge(1.0) != SquaredHinge() and repr(SquaredHinge(2)) == "SquaredHinge(margin=2.0)"
    np.testing.assert_array_equal(Hinge().labels([2, 0], 3), [2, 0])
    np.testing.assert_array_equal(SquaredHinge().labels([[1.0], [0.0]], 1), [1, 0])
    for y, error, message in [([0, 4], ValueError, r"y\[1\]: got 4, accepted: class ids in 0 \.\. 3, one for each of the"),
                              ([0.0, 1.0], TypeError, "class ids must be integers")]:
        with pytest.raises(error, match=message):
            Hinge().value(OUTPUTS[:2], y)
    with pytest.raises(ValueError, match=r"y\[0\]: got -1, accepted: with one output, labels 0 or 1"):
        Hinge().value(ONE[:2], [-1, 1])
    for margin, error in [(-1, ValueError), (np.inf, ValueError), ("1", TypeError)]:
        with pytest.raises(error, match="margin: got"):
            SquaredHinge(margin)


# --- after zero training error: the three kinds of loss side by side ---

X = np.vstack([RNG.normal(size=(10, 2)) + 3, RNG.normal(size=(10, 2)) - 3])
Y = np.repeat([0, 1], 10)


@pytest.mark.parametrize(("loss", "outputs", "rate", "fate"), [
    (CrossEntropy(), 2, 0.1, "grows"), (BinaryCrossEntropy(), 1, 0.1, "grows"), (Hinge(), 2, 0.01, "stops"),
    (Hinge(2.0), 1, 0.01, "stops"), (SquaredHinge(), 2, 0.01, "creeps"), (SquaredError(), 2, 0.01, "returns")])
def test_after_zero_error(backend, loss, outputs, rate, fate):
    """Full-batch gradient descent on separable data, from a start that is right already and from one far beyond."""
    margins = {}
    for start in ("near", "far"):
        model = MLP((2, outputs), dtype="float64", backend=backend)
        direction = np.array([[1.0, -1.0], [1.0, -1.0]]) if outputs == 2 else np.array([[-1.0], [-1.0]])
        model.parameters["W1"][:] = direction * {"near": 1e-3, "far": 2.5}[start]
        model.parameters["b1"][:] = 0
        history = fit(model, X, Y, loss=loss, optimizer=SGD(rate), epochs=3000, batch_size=None, progress=False,
                      check_every=[0, 1500, 3000], metrics=["margin_min", "margin_median", "gradient_norm"])
        assert not history["train_error"].any()
        margins[start] = history
    near, far = (margins[start]["margin_median"] for start in ("near", "far"))
    asked = getattr(loss, "margin", 1.0)
    if fate == "grows":  # as log t: from 1500 to 3000 updates by about as much as in every other doubling
        assert near[2] - near[1] > 0.1 and far[2] > far[1] > far[0]
        assert (margins["near"]["gradient_norm"] > 0).all()
    elif fate in ("stops", "creeps"):
        assert margins["near"]["margin_min"][2] == pytest.approx(asked, rel=0.2 if fate == "stops" else 1e-3)
        assert far[0] == far[2] and not margins["far"]["gradient_norm"].any()  # exactly
        if fate == "stops":
            assert near[1] == near[2] and margins["near"]["gradient_norm"][2] == 0
            assert margins["near"]["margin_min"][2] >= asked
    else:
        assert far[0] > 20 and far[2] == pytest.approx(near[2], rel=1e-3) and near[2] < 1.5  # pulled back to the targets
