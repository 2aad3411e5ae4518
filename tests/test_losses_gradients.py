"""Every loss alone, by complex step: derivatives of its objective, weights included, to 1e-13."""
import numpy as np
import pytest

from losses import L2, BinaryCrossEntropy, CrossEntropy, Flooding, Loss, SquaredError
from tests.numerical import complex_step, relative_error

RNG = np.random.default_rng(2)
K3 = RNG.normal(size=(5, 3)) * [[1], [4], [0.1], [8], [20]] + [0.3, -1, 2]
K1 = np.array([-30.0, -2.0, -0.1, 0.7, 25.0])
IDS = np.array([0, 2, 1, 1, 2])
SOFT = RNG.dirichlet([0.3, 1, 2], size=5)

PLAIN = {
    "cross_entropy": (CrossEntropy(), K3, IDS),
    "smoothed": (CrossEntropy(label_smoothing=0.3), K3, IDS),
    "soft": (CrossEntropy(), K3, SOFT),
    "soft32": (CrossEntropy(), K3, SOFT.astype(np.float32)),
    "soft_smoothed": (CrossEntropy(label_smoothing=0.3), K3, SOFT),
    "binary_0": (BinaryCrossEntropy(), K1, np.zeros(5)),
    "binary_1": (BinaryCrossEntropy(), K1, np.ones(5)),
    "squared": (SquaredError(), K3, RNG.normal(size=(5, 3))),
    "squared_ids": (SquaredError(), K3, IDS),
}


class Weighted(Loss):
    """A sample-weighted sum: shows that rows are right one by one, where a mean could hide errors that cancel."""

    def __init__(self, base):
        self.base = base
        self.prepare, self.rows = base.prepare, base.rows

    def weigh(self, losses, *, indices=None):
        w = np.arange(1.0, len(losses) + 1) ** 2 * (-1) ** np.arange(len(losses))
        return (w * losses).sum().item(), w


@pytest.mark.parametrize("case", PLAIN)
@pytest.mark.parametrize("wrap", [lambda loss: loss, Weighted, lambda loss: Flooding(loss, 1e-3),
                                  lambda loss: Flooding(loss, 1e3), lambda loss: Flooding(Weighted(loss), 5.0)],
                         ids=["plain", "weighted", "above_level", "below_level", "weighted_flooded"])
def test_gradient(case, wrap):
    loss, outputs, y = PLAIN[case]
    loss = wrap(loss)
    value, dOutputs = loss.value_and_gradient(outputs, y)
    assert relative_error(dOutputs, complex_step(lambda o: loss.value(o, y), outputs)) <= 1e-13
    assert loss.value(outputs.astype(complex), y).real == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("case", PLAIN)
def test_gradient_of_each_sample(case):
    loss, outputs, y = PLAIN[case]
    prepared = loss.prepare(y, 5, 1 if outputs.ndim == 1 else outputs.shape[1])
    _, dOutputs = loss.rows(outputs.reshape(5, -1), prepared)
    for i in range(5):
        numerical = complex_step(lambda o, i=i: loss.per_sample(o, y)[i], outputs).reshape(5, -1)
        assert relative_error(dOutputs[i], numerical[i]) <= 1e-13
        numerical[i] = 0
        assert not numerical.any()  # a sample's loss depends on its own outputs alone


def test_gradient_where_logits_tie():
    # Exactly at a tie the maximum is chosen by the real part; the loss itself is smooth there.
    outputs, y = np.array([[2.0, 2.0, 2.0], [1.0, 1.0, -3.0]]), np.array([1, 1])
    loss = CrossEntropy(label_smoothing=0.2)
    assert relative_error(loss.value_and_gradient(outputs, y)[1],
                          complex_step(lambda o: loss.value(o, y), outputs)) <= 1e-15
    binary = BinaryCrossEntropy()
    np.testing.assert_array_equal(binary.value_and_gradient([0.0, -0.0], [0, 1])[1], [0.25, -0.25])
    np.testing.assert_array_equal(complex_step(lambda o: binary.value(o, [0, 1]), np.zeros(2)), [0.25, -0.25])


def test_gradient_of_l2():
    weights = [RNG.normal(size=(3, 2)), RNG.normal(size=(2, 4))]
    dweights = [np.ones((3, 2)), np.full((2, 4), -2.0)]
    penalty = L2(0.7)
    penalty.add_gradient(dweights, weights)
    first = complex_step(lambda w: penalty.value([w, weights[1]]), weights[0])
    second = complex_step(lambda w: penalty.value([weights[0], w]), weights[1])
    assert relative_error(dweights[0] - 1, first) <= 1e-13
    assert relative_error(dweights[1] + 2, second) <= 1e-13
