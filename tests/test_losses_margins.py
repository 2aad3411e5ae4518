"""Margins and calibration: by hand, naive loops, identities. (Exactness: test_losses_exact.py)"""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from losses import BinaryCrossEntropy, CrossEntropy
from losses.calibration import expected_calibration_error, probabilities
from losses.margins import log_odds_margins, output_margins, probability_margins
from tests import naive

RNG = np.random.default_rng(9)
OUTPUTS = RNG.normal(size=(40, 4)) * 2 + [0, 1, -1, 0.5]
IDS = RNG.integers(4, size=40)


def test_margins_by_hand():
    outputs = [[0.0, math.log(2), 0.0]]  # p = (1, 2, 1)/4
    assert output_margins(outputs, [1])[0] == math.log(2)
    assert probability_margins(outputs, [1])[0] == pytest.approx(0.25, rel=1e-15)
    assert log_odds_margins(outputs, [1])[0] == pytest.approx(0, abs=1e-16)
    assert output_margins(outputs, [0])[0] == -math.log(2)
    assert probability_margins(outputs, [0])[0] == pytest.approx(-0.25, rel=1e-15)
    assert log_odds_margins(outputs, [0])[0] == pytest.approx(-math.log(3), rel=1e-15)


def test_margins_equal_naive():
    q, p, log_odds = np.array(naive.naive_margins(OUTPUTS, IDS)).T
    np.testing.assert_allclose(output_margins(OUTPUTS, IDS), q, rtol=1e-13)
    np.testing.assert_allclose(probability_margins(OUTPUTS, IDS), p, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(log_odds_margins(OUTPUTS, IDS), log_odds, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("shape", [(40,), (40, 1)])
def test_one_output_is_two_logits(shape):
    f, y = OUTPUTS[:, 0].reshape(shape), IDS % 2
    two = np.column_stack([np.zeros(40), OUTPUTS[:, 0]])
    for margins in (output_margins, probability_margins, log_odds_margins):
        np.testing.assert_allclose(margins(f, y), margins(two, y), rtol=1e-13)
    np.testing.assert_array_equal(output_margins(f, y), np.where(y == 1, 1, -1) * OUTPUTS[:, 0])


def test_ties_and_float32():
    for margins in (output_margins, probability_margins):
        assert margins([[3.0, 3.0, 1.0]], [0])[0] == 0
    computed = probability_margins(OUTPUTS.astype(np.float32), IDS)
    assert computed.dtype == np.float64
    np.testing.assert_allclose(computed, probability_margins(OUTPUTS, IDS), atol=1e-6)


def test_losses_are_functions_of_the_log_odds():
    # -log p_y = log(1 + exp(-log-odds))
    np.testing.assert_allclose(CrossEntropy().per_sample(OUTPUTS, IDS),
                               np.log1p(np.exp(-log_odds_margins(OUTPUTS, IDS))), rtol=1e-13)
    np.testing.assert_allclose(BinaryCrossEntropy().per_sample(OUTPUTS[:, 0], IDS % 2),
                               np.log1p(np.exp(-output_margins(OUTPUTS[:, 0], IDS % 2))), rtol=1e-13)


@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=8), st.data())
def test_margins_agree_with_each_other(row, data):
    y = data.draw(st.integers(0, len(row) - 1))
    q, p, log_odds = (f([row], [y])[0] for f in (output_margins, probability_margins, log_odds_margins))
    assert np.sign(p) == np.sign(q) or abs(q) < 1e-300
    assert -1 <= p <= 1
    slack = 1e-11
    assert q - math.log(len(row) - 1) - slack <= log_odds <= q + slack


def test_probabilities_by_hand():
    np.testing.assert_allclose(probabilities([[0.0, math.log(2), 0.0]]), [[0.25, 0.5, 0.25]], rtol=1e-15)
    np.testing.assert_array_equal(probabilities([[1e4, -1e4], [-1e4, 1e4]]), np.eye(2))
    np.testing.assert_array_equal(probabilities([-1e4, 0.0, 1e4]), [0, 0.5, 1])
    np.testing.assert_allclose(probabilities([[math.log(3)]]), [[0.75]], rtol=1e-15)
    assert probabilities(OUTPUTS.astype(np.float32)).dtype == np.float32
    assert probabilities(OUTPUTS[:, 0].astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(probabilities(OUTPUTS), [naive.naive_softmax(row) for row in OUTPUTS], rtol=1e-13)


def test_calibration_error_by_hand():
    # Two bins. (0, .5]: one sample, confidence .5, wrong. (.5, 1]: confidences .9, .7, .8, two of three right.
    p = [[0.5, 0.25, 0.25], [0.9, 0.1, 0.0], [0.1, 0.7, 0.2], [0.1, 0.1, 0.8]]
    expected = 1 / 4 * 0.5 + 3 / 4 * abs(2 / 3 - 0.8)
    assert expected_calibration_error(p, [1, 0, 1, 0], bins=2) == pytest.approx(expected, rel=1e-14)
    # one bin: |accuracy - mean confidence|
    assert expected_calibration_error(p, [1, 0, 1, 0], bins=1) == pytest.approx(abs(0.5 - 2.9 / 4), rel=1e-14)


def test_bins_are_closed_on_the_right():
    # A confidence of exactly 0.6 = 9/15 belongs to the bin below; 0.6 and 0.65 then lie in different bins.
    p = [[0.6, 0.4], [0.65, 0.35]]
    assert expected_calibration_error(p, [0, 1]) == pytest.approx((0.4 + 0.65) / 2, rel=1e-14)
    assert expected_calibration_error(p, [0, 1], bins=5) == pytest.approx((0.4 + 0.65) / 2, rel=1e-14)
    assert expected_calibration_error(p, [0, 1], bins=2) == pytest.approx(abs(1 - 1.25) / 2, rel=1e-14)


def test_a_confidence_rounded_above_one_is_in_the_last_bin():
    assert expected_calibration_error([[1.000001, 0.0], [0.6, 0.4]], [1, 0], bins=1) == pytest.approx(0.3, rel=1e-14)


@pytest.mark.parametrize("bins", [1, 2, 7, 15, np.int64(40)])
def test_calibration_error_equals_naive(bins):
    p = probabilities(OUTPUTS)
    expected = naive.naive_calibration_error(p.tolist(), IDS, int(bins))
    assert expected_calibration_error(p, IDS, bins) == pytest.approx(expected, rel=1e-12)


def test_calibration_error_of_one_output():
    p1 = probabilities(OUTPUTS[:, 0])
    expected = expected_calibration_error(np.column_stack([1 - p1, p1]), IDS % 2)
    assert expected_calibration_error(p1, IDS % 2) == expected == expected_calibration_error(p1[:, None], IDS % 2)
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0
    assert expected_calibration_error([0.0, 1.0], [1, 0]) == 1


def test_overconfidence_shows():
    # The same decisions, ten times the logits: accuracy stays, calibration gets worse.
    y = np.where(RNG.random(40) < 0.3, IDS, OUTPUTS.argmax(axis=1))
    assert (expected_calibration_error(probabilities(10 * OUTPUTS), y)
            > expected_calibration_error(probabilities(OUTPUTS), y))
