"""L1, L2 and their sum; the confidence penalty on outputs."""
import math

import numpy as np
import pytest

from losses import (
    L1,
    L2,
    BinaryCrossEntropy,
    ConfidencePenalty,
    CrossEntropy,
    Flooding,
    Hinge,
    InstanceFlooding,
    Loss,
    SquaredError,
)
from nn import MLP, SGD, fit
from tests import naive
from tests.numerical import complex_step, relative_error

RNG = np.random.default_rng(14)
WEIGHTS = [RNG.normal(size=(3, 2)), RNG.normal(size=(2, 4))]
OUTPUTS = RNG.normal(size=(6, 3)) * 3
IDS = np.array([0, 2, 1, 1, 0, 2])


def test_by_hand():
    weights = [np.array([[1.0, -2.0]]), np.array([[0.0, 3.0]])]
    penalty = L1(0.5) + L2(0.25)
    assert L1(0.5).value(weights) == 3.0 and penalty.value(weights) == 3.0 + 3.5
    dweights = [np.array([[10.0, 10.0]]), np.array([[1.0, 1.0]])]
    penalty.add_gradient(dweights, weights)
    np.testing.assert_array_equal(dweights[0], [[11, 8.5]])
    np.testing.assert_array_equal(dweights[1], [[1, 3]])  # at w = 0 the subgradient is 0


@pytest.mark.parametrize("dtype", [np.int8, np.float16, np.float32])
def test_values_of_narrow_weights_do_not_overflow(dtype):
    assert (L1(1) + L2(0.5)).value([np.full((3, 3), 100, dtype)]) == 9 * (100 + 5000)
    assert L2(1).value([np.float32([[3e19]])]) == pytest.approx(9e38, rel=1e-7)


def test_sums():
    total = L1(0.1) + L2(0.2) + L1(0.3) + L2(0.4)
    assert (total.l1, total.l2) == (0.4, pytest.approx(0.6))
    assert L1(0.1) + L2(0.2) == L2(0.2) + L1(0.1) and repr(L1(0.5) + L2(2)) == "L1(0.5) + L2(2.0)"
    assert (L1(0.1).l1, L1(0.1).l2, repr(L1(0.1))) == (0.1, 0.0, "L1(0.1)")
    with pytest.raises(TypeError):
        L1(0.1) + 0.2
    with pytest.raises(ValueError, match=r"strength: got -1, accepted: a finite number >= 0"):
        L1(-1)


@pytest.mark.parametrize("penalty", [L1(0.7), L2(0.7), L1(0.2) + L2(0.3)])
def test_gradient(penalty):
    dweights = [np.ones((3, 2)), np.full((2, 4), -2.0)]
    penalty.add_gradient(dweights, WEIGHTS)
    assert relative_error(dweights[0] - 1, complex_step(lambda w: penalty.value([w, WEIGHTS[1]]), WEIGHTS[0])) <= 1e-13
    assert relative_error(dweights[1] + 2, complex_step(lambda w: penalty.value([WEIGHTS[0], w]), WEIGHTS[1])) <= 1e-13


def test_stands_outside_the_flood(backend):
    """One update at a level far above the loss: the data's gradient is reversed, the penalty's is not; biases have none."""
    x, penalty = RNG.normal(size=(6, 4)), L1(0.1) + L2(0.05)
    model, start = (MLP((4, 3), dtype="float64", backend=backend, init="fan_in_uniform") for _ in range(2))
    start.parameters["W1"][0, 0] = model.parameters["W1"][0, 0] = 0
    _, g = start.loss_and_gradients(x, IDS, CrossEntropy())
    fit(model, x, IDS, loss=Flooding(CrossEntropy(), 99), optimizer=SGD(0.5), epochs=1, batch_size=None, penalty=penalty)
    w = start.parameters["W1"]
    np.testing.assert_allclose(model.parameters["W1"], w + 0.5 * g["W1"] - 0.5 * (0.1 * np.sign(w) + 0.1 * w), rtol=1e-13)
    np.testing.assert_allclose(model.parameters["b1"], start.parameters["b1"] + 0.5 * g["b1"], rtol=1e-13)


# --- the confidence penalty ---


def entropy(logits):
    return -sum(p * math.log(p) for p in naive.naive_softmax(logits))


def test_confidence_penalty_is_minus_the_entropy():
    loss = ConfidencePenalty(CrossEntropy(), 0.3)
    expected = CrossEntropy().per_sample(OUTPUTS, IDS) - 0.3 * np.array([entropy(row) for row in OUTPUTS])
    np.testing.assert_allclose(loss.per_sample(OUTPUTS, IDS), expected, rtol=1e-13)
    assert loss.value([[0.0] * 4], [1]) == pytest.approx(0.7 * math.log(4), rel=1e-15)
    binary = ConfidencePenalty(BinaryCrossEntropy(), 0.3)
    assert binary.per_sample([0.5], [1])[0] == pytest.approx(math.log1p(math.exp(-0.5)) - 0.3 * entropy([0, 0.5]), rel=1e-15)


@pytest.mark.parametrize(("base", "outputs", "y"), [
    (CrossEntropy(0.1), OUTPUTS, IDS), (BinaryCrossEntropy(), OUTPUTS[:, 0], IDS % 2), (SquaredError(), OUTPUTS, IDS),
    (Hinge(), OUTPUTS, IDS), (ConfidencePenalty(CrossEntropy(), 0.2), OUTPUTS, IDS),
    (CrossEntropy(), OUTPUTS * 30, IDS), (CrossEntropy(), np.zeros((6, 3)), IDS)])
def test_gradient_of_the_confidence_penalty(base, outputs, y):
    loss = ConfidencePenalty(base, 0.7)
    _, dOutputs = loss.value_and_gradient(outputs, y)
    assert relative_error(dOutputs, complex_step(lambda o: loss.value(o, y), outputs)) <= 1e-13
    flooded = InstanceFlooding(loss, 0.2)
    assert relative_error(flooded.value_and_gradient(outputs, y)[1],
                          complex_step(lambda o: flooded.value(o, y), outputs)) <= 1e-13


def test_confidence_penalty_at_large_margins():
    # two logits, margin m: H = m e^-m + e^-m up to e^-2m; its derivative is -m e^-m
    for m in (50.0, 700.0):
        loss = ConfidencePenalty(SquaredError(), 1.0)
        outputs = np.array([[m, 0.0]])
        H = SquaredError().rows(outputs, outputs)[0] - loss.rows(outputs, outputs)[0]
        assert H[0] == pytest.approx((m + 1) * math.exp(-m), rel=1e-12, abs=0)
        np.testing.assert_allclose(loss.rows(outputs, outputs)[1], m * math.exp(-m) * np.array([[1, -1]]), rtol=1e-12)
    assert loss.value([[1e4, -1e4]], [[1e4, -1e4]]) == 0


def test_confidence_penalty_ends_the_growth_of_the_margin():
    """For two classes the optimum is where 1 - p = strength · m p (1 - p): m p = 1/strength."""
    model = MLP((1, 2), dtype="float64", bias=False)
    fit(model, np.ones((4, 1)), np.zeros(4, int), loss=ConfidencePenalty(CrossEntropy(), 0.25), optimizer=SGD(0.5),
        epochs=4000, batch_size=None, check_every=0)
    m = float(np.diff(model.parameters["W1"][0])[0] * -1)
    assert m / (1 + math.exp(-m)) == pytest.approx(1 / 0.25, rel=1e-6)


def test_confidence_penalty_arguments():
    loss = ConfidencePenalty(CrossEntropy(0.1), 0.3)
    assert repr(loss) == "ConfidencePenalty(CrossEntropy(label_smoothing=0.1), strength=0.3)" and loss.raw is loss
    assert (loss.row, loss.row_parameter, loss.confidence) == ("cross_entropy", 0.1, 0.3)
    assert ConfidencePenalty(loss, 0.2).confidence == 0.5
    np.testing.assert_array_equal(ConfidencePenalty(CrossEntropy(), 0).value_and_gradient(OUTPUTS, IDS)[1],
                                  CrossEntropy().value_and_gradient(OUTPUTS, IDS)[1])
    with pytest.raises(TypeError, match="base: got 3, accepted: a loss"):
        ConfidencePenalty(3, 0.1)
    with pytest.raises(ValueError, match=r"base: got Flooding\(CrossEntropy\(\), level=0\.1\), accepted: a loss that is"):
        ConfidencePenalty(Flooding(CrossEntropy(), 0.1), 0.1)
    with pytest.raises(ValueError, match="strength: got"):
        ConfidencePenalty(CrossEntropy(), -0.1)


def test_confidence_penalty_of_a_loss_that_only_python_knows():
    class Quartic(Loss):
        def rows(self, outputs, y):
            return ((outputs - y) ** 4).sum(axis=1), 4 * (outputs - y) ** 3

    with pytest.raises(TypeError, match=r"has no compiled row function .*backend='numpy'"):
        fit(MLP((1, 1)), [[1.0]], [[1.0]], loss=ConfidencePenalty(Quartic(), 0.1), optimizer=SGD(0.1), epochs=1)
