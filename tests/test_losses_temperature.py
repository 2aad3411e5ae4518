"""Temperature of the softmax: the convex minimum by other means, and the data that have none."""
import numpy as np
import pytest

from losses import CrossEntropy
from losses.calibration import expected_calibration_error, fit_temperature, probabilities

RNG = np.random.default_rng(11)


def overconfident(N=4000, K=4, factor=5.0):
    """Labels drawn from softmax(outputs/factor): the best temperature is near `factor`."""
    true = RNG.normal(size=(N, K)) * 1.5
    y = (probabilities(true).cumsum(axis=1) < RNG.random((N, 1))).sum(axis=1)
    return factor * true, np.minimum(y, K - 1)


def loss_at(outputs, y, T):
    return CrossEntropy().value(outputs / T, y)


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0, 50.0])
def test_finds_the_temperature_that_made_the_labels(factor):
    outputs, y = overconfident(factor=factor)
    T = fit_temperature(outputs, y)
    assert abs(T / factor - 1) < 0.1
    best = loss_at(outputs, y, T)
    for other in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert loss_at(outputs, y, other * T) > best
    # the derivative by central differences
    h = 1e-4
    assert abs(loss_at(outputs, y, T * (1 + h)) - loss_at(outputs, y, T * (1 - h))) / (2 * h) < 1e-7


def test_scaling_the_outputs_scales_the_temperature():
    outputs, y = overconfident()
    T = fit_temperature(outputs, y)
    assert fit_temperature(outputs * 3, y) == pytest.approx(3 * T, rel=1e-9)
    assert fit_temperature(outputs + RNG.normal(size=(len(y), 1)) * 100, y) == pytest.approx(T, rel=1e-9)


def test_one_output_is_two():
    outputs, y = overconfident(K=2)
    one = outputs[:, 1] - outputs[:, 0]
    expected = fit_temperature(outputs, y)
    assert fit_temperature(one, y) == pytest.approx(expected, rel=1e-9) == fit_temperature(one[:, None], y)


def test_calibrates():
    outputs, y = overconfident()
    T = fit_temperature(outputs, y)
    before, after = (expected_calibration_error(probabilities(o), y) for o in (outputs, outputs / T))
    assert after < 0.04 < 0.2 < before


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0, 1e4])
def test_separable_data_give_the_smallest_temperature(scale):
    y = np.array([0, 1, 2, 1])
    outputs = scale * np.eye(3)[y]
    assert fit_temperature(outputs, y) == 0.01
    assert fit_temperature(outputs, y, bounds=(0.5, 2)) == 0.5


def test_worse_than_chance_gives_the_largest():
    y = np.array([0, 1, 2, 1])
    assert fit_temperature(-np.eye(3)[y], y) == 100


def test_one_wrong_sample_among_extreme_ones():
    outputs = np.array([[1e4, -1e4], [1e4, -1e4], [-1e4, 1e4], [1.0, 0.0]])
    T = fit_temperature(outputs, [0, 0, 1, 1])  # only the wrong one matters, and it wants T -> infinity until others suffer
    assert T == 100
    T = fit_temperature(outputs, [0, 0, 1, 1], bounds=(1e-2, 1e8))
    assert 1e3 < T < 1e6 and loss_at(outputs, [0, 0, 1, 1], T) < loss_at(outputs, [0, 0, 1, 1], 1.1 * T)


@pytest.mark.parametrize("bounds, error", [((1, 1), ValueError), ((0, 1), ValueError), ((-1, 1), ValueError),
                                           ((1,), ValueError), ((1, np.inf), ValueError), (("a", 2), TypeError),
                                           (3, ValueError)])
def test_bounds(bounds, error):
    with pytest.raises(error, match="bounds: got"):
        fit_temperature([[0.0, 1.0]], [1], bounds=bounds)


def test_bad_data():
    with pytest.raises(ValueError, match=r"outputs: got .* in row 1, accepted: finite"):
        fit_temperature([[0.0, 1.0], [np.nan, 0]], [0, 1])
    with pytest.raises(ValueError, match=r"y\[0\]: got 2"):
        fit_temperature([[0.0, 1.0]], [2])
    with pytest.raises(ValueError, match="empty"):
        fit_temperature(np.zeros((0, 2)), [])


@pytest.mark.parametrize("outputs", [np.zeros((4, 3)), np.full((4, 3), -7.0), np.arange(4.0)[:, None] + np.zeros(3)])
def test_nothing_to_choose_between_is_1_with_a_note(outputs):
    with pytest.warns(UserWarning, match="every temperature gives this cross-entropy"):
        assert fit_temperature(outputs, [0, 1, 2, 1]) == 1
    with pytest.warns(UserWarning, match="outputs: got the same number"):
        assert fit_temperature(outputs, [0, 1, 2, 1], bounds=(2.0, 5.0)) == 2
    with pytest.warns(UserWarning, match="outputs: got the same number"):
        assert fit_temperature([0.0, 0.0], [0, 1]) == 1


def test_outputs_whose_differences_overflow():
    outputs = np.array([[1.5e308, -1.5e308, 0.0], [1e307, 0.0, 0.0]])
    assert fit_temperature(outputs, [0, 0]) == 0.01
    assert fit_temperature(outputs, [1, 2]) == 100
