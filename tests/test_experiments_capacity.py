"""The capacity bound, and what is read off a grid of sizes and samples: by hand, and against brute force."""
import itertools
import math

import numpy as np
import pytest

from experiments.report.capacity import Grid, mean_of
from experiments.report.risk import confidence_term, log_growth, log_growth_counted, samples_needed, weights


def test_weights_are_those_of_the_network():
    from nn import MLP
    assert weights((64, 8, 10)) == MLP((64, 8, 10)).flat.size == 65 * 8 + 9 * 10


# --- the bound ---

def test_the_counted_bound_holds_of_linear_classifiers():
    """Cover: a line cuts m points of a plane in exactly 2 Σ C(m - 1, i), i < 3, ways. One output has 3 weights."""
    for m in (3, 4, 10, 50):
        ways = 2 * sum(math.comb(m - 1, i) for i in range(3))
        assert math.log(ways) <= log_growth_counted(m, (2, 1)) <= 3 * math.log(m + 1)
    assert log_growth_counted(3, (2, 1)) == 3 * math.log(2)


def test_the_growth_by_hand():
    # 3 inputs, 2 units, 2 classes: 8 weights before the units, 14 in all; of 100 samples 200 signs of units, 100 answers.
    expected = 2 * math.log(2) + 8 * math.log(2 * math.e * 200 * 1 / 8) + 14 * math.log(2 * math.e * 100 * 2 / 14)
    assert log_growth(1000, (3, 2, 2)) == pytest.approx(expected + 22 * math.log(10))
    assert log_growth(4, (3, 2, 2)) == 4 * math.log(2)
    # Ten classes have 45 differences.
    assert log_growth(10**5, (3, 2, 10)) > log_growth(10**5, (3, 2, 2)) + 20 * math.log(2)


def test_the_growth_holds_of_networks_drawn_at_random():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 1))
    seen = set()
    for _ in range(3000):
        hidden = np.maximum(x @ rng.standard_normal((1, 2)) + rng.standard_normal(2), 0)
        seen.add((hidden @ rng.standard_normal((2, 2)) + rng.standard_normal(2)).argmax(axis=1).tobytes())
    assert 100 < len(seen) <= math.exp(log_growth(60, (1, 2, 2)))


def test_the_term_is_vapniks():
    h, n = weights((2, 1)), 500
    assert confidence_term(n, (2, 1), log_growth_counted) == pytest.approx(
        math.sqrt((h * (math.log(2 * n / h) + 1) + math.log(4 / 0.05)) / n))
    # At most: all 2^2n patterns.
    assert confidence_term(50, (64, 128, 10)) == pytest.approx(math.sqrt(2 * math.log(2) + math.log(80) / 50))


def test_more_samples_until_the_bound_says_something():
    needed = samples_needed(1.0, (64, 4, 10))
    assert confidence_term(needed, (64, 4, 10)) <= 1 < confidence_term(int(0.98 * needed), (64, 4, 10))
    assert samples_needed(0.1, (64, 4, 10)) > 50 * needed


# --- the grid ---

def grid(seeds=4, perfect=0.1, imperfect=0.2, zero=True, seed=0):
    """Widths 2, which never fits, and 8; one number of samples; four checks, at the last two of which 8 fits.

    Held-out errors are `imperfect` at the best check with errors, the second of width 8, and `perfect` at the third.
    """
    scatter = 0.004 * np.random.default_rng(seed).standard_normal((seeds, 5, 1))
    train = np.array([[0.5, 0.4, 0.3, 0.3], [0.4, 0.1, 0.0, 0.0]])[:, None, None, None, :] + np.zeros((2, 1, seeds, 5, 4))
    val = np.array([[0.5, 0.5, 0.5, 0.5], [0.4, imperfect, perfect, perfect + 0.05]])[:, None, None, None, :] + scatter
    val[:, :, :, :, 2] += scatter[:, :, 0] * 0.3
    first = np.stack([np.full((1, seeds, 5), np.nan), val[1, :, :, :, 2] + 0.02])
    if not zero:
        train, first = train + 0.1, first * np.nan
    return Grid("Digits", 0.1, 64, 10, (2, 8), (100,), train, val, first)


def test_the_best_with_and_without_training_errors():
    one = grid()
    np.testing.assert_array_equal(one.perfect, one.val[1, :, :, :, 2])
    np.testing.assert_array_equal(one.imperfect[0], one.val[1, :, :, :, 1])
    assert np.all(one.imperfect[1] == 1)  # which would have reached zero
    assert one.above(one.perfect).mean() == pytest.approx(-10, abs=0.5) and one.above(one.perfect).shape == (1, 4)
    np.testing.assert_array_equal(one.smallest, one.zero[1])
    assert one.fits.tolist() == [[False], [True]] and np.all(one.shares == 1)
    assert np.all(grid(perfect=0.3).shares == 0)


def test_the_best_is_chosen_on_other_divisions():
    """A size and epoch that is best in one division by chance is not what that division is judged by."""
    one = grid()
    one.val[1, ..., 2], one.val[1, ..., 3] = 0.1, 0.102
    one.val[1, 0, 0, :, 3] = 0.09  # so that it is best in the mean of all four
    assert np.all(one.perfect[0, 0] == 0.1)
    assert np.all(np.isnan(grid(seeds=1).perfect))


def test_the_first_epoch_without_an_error_counts_when_no_check_saw_one():
    one = grid()
    one.train[...] = np.maximum(one.train, 0.01)
    np.testing.assert_array_equal(one.perfect, one.zero[1])


def test_where_nothing_fits_there_is_nothing_to_compare():
    one = grid(zero=False)
    assert np.all(np.isnan(one.above(one.perfect))) and np.all(np.isnan(one.smallest)) and not one.fits.any()
    assert mean_of(np.array([[1.0, np.nan, 3.0], [np.nan] * 3])).tolist()[0] == 2


def test_equals_share_the_best():
    one = grid()
    one.val[...] = 0.2
    assert one.shares == pytest.approx(np.full((1, 4), 2 / 8))


def test_structural_risk_minimisation_adds_the_term():
    one = grid()
    for term, width in ((lambda n, layers: 0.0, 8), (lambda n, layers: 0.1 * layers[1], 2), (lambda n, layers: n * 1.0, 8)):
        chosen, cost = one.structural(term)
        assert {one.widths[place] for place in chosen.flat} == {width}
        assert cost == pytest.approx(100 * (one.end("val")[one.widths.index(width)] - one.end("val")[1]))
    one.train[...] = 0.1  # of equals the smaller
    assert np.all(one.structural(lambda n, layers: 0.0)[0] == 0)


def test_the_gap_is_validation_minus_training_error():
    one = grid()
    for (w, s), (part, sign) in itertools.product(((0, 1), (1, 2)), (("val", 1), ("train", -1))):
        assert one.end(part)[w, 0, s] == pytest.approx(getattr(one, part)[w, 0, s, :, -1].mean())
        assert sign * (one.end("gap") - one.end("val"))[w, 0, s] == pytest.approx(-sign * one.end("train")[w, 0, s])
