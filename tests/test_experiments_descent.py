"""The statistic of a second descent, on made-up curves: found where planted, and not in noise."""
import numpy as np
import pytest

from experiments.report.descent import Turns, second_descent, smoothed, turns

EPOCHS = np.unique(np.geomspace(1, 1000, 60).round())
ZERO = np.full(6, 30.0)


def curve(peak=200, fall=0.3, low=1.0, top=2.0):
    """Falls to `low` at epoch 20, rises to `top` at `peak`, and falls by a share of it until epoch 1000."""
    return np.interp(np.log(EPOCHS), np.log([1, 20, peak, 1000]), [3.0, low, top, top * (1 - fall)])


def noisy(mean, seeds=6, noise=0.02, seed=0):
    return mean + noise * np.random.default_rng(seed).standard_normal((seeds, len(EPOCHS)))


def test_turning_points_of_a_plain_curve():
    assert turns(np.array([3.0, 1, 2, 4, 3, 2.5, 2.8]), 0) == Turns(1, 3, 5)
    assert turns(np.array([3.0, 1, 2, 4, 3, 2.5, 2.8]), 4) == Turns(1, 4, 5)  # what fell before does not count
    assert turns(np.array([3.0, 1, 2, 4, 5, 5]), 0) is None  # no fall
    assert turns(np.array([5.0, 4, 3, 2]), 0) is None  # no rise


def test_a_running_median_ignores_single_checks():
    values = np.zeros((1, 9))
    values[0, 4] = 100
    assert not smoothed(values).any()
    np.testing.assert_array_equal(smoothed(np.array([1.0, 2, 3])), [2, 2, 2])


def test_a_planted_second_descent_is_found_with_its_sizes():
    found = second_descent(EPOCHS, noisy(curve()), ZERO)
    assert found.there() is True and found.there(comparisons=12) is True and found.seen.all()
    assert abs(EPOCHS[found.turns.peak] - 200) < 50 and abs(EPOCHS[found.turns.first] - 20) < 5
    # The median takes a little off peaks, never adds to them.
    assert 0.24 < found.falls.mean() < 0.3 and 0.43 < found.rises.mean() < 0.5


@pytest.mark.parametrize("mean", [
    curve(fall=0),  # a plateau
    np.interp(np.log(EPOCHS), np.log([1, 20, 1000]), [3.0, 1, 5]),  # rises to the end
    3 / np.sqrt(EPOCHS),  # falls to the end
    curve(fall=0.005),  # less than a percent
], ids=["plateau", "rises", "falls", "tiny"])
def test_no_second_descent(mean):
    assert second_descent(EPOCHS, noisy(mean), ZERO).there() is False
    assert second_descent(EPOCHS, np.tile(mean, (6, 1)), ZERO).there() is False


def test_what_turns_before_zero_error_does_not_count():
    falls = second_descent(EPOCHS, noisy(curve(peak=60, fall=0.4)), ZERO).falls
    later = second_descent(EPOCHS, noisy(curve(peak=60, fall=0.4)), np.full(6, 300.0)).falls
    assert falls.mean() > later.mean() + 0.1  # only what still falls from there


def test_noise_alone_is_called_a_descent_in_few_cases():
    """Each seed at its own turning points falls by construction; at those of the others by zero in the mean."""
    random = np.random.default_rng(1)
    found = [second_descent(EPOCHS, 1 + 0.1 * random.standard_normal((6, len(EPOCHS))), ZERO) for _ in range(100)]
    assert sum(one.there() for one in found) <= 5
    falls = np.array([one.falls.mean() for one in found])
    assert abs(falls.mean()) < 0.01


def test_too_few_seeds_and_no_zero_error_tell_nothing():
    assert second_descent(EPOCHS, noisy(curve(), seeds=2), ZERO[:2]).there() is None
    one = second_descent(EPOCHS, noisy(curve(), seeds=1), ZERO[:1])
    assert one.there() is None and np.isnan(one.falls).all() and one.seen.all()
    assert second_descent(EPOCHS, noisy(curve()), np.full(6, np.nan)).there() is None
    some = np.array([30.0, np.nan, 30, 30, 30, 30])
    assert second_descent(EPOCHS, noisy(curve()), some).there() is True
