"""Every refusal names the argument, the value received and what is accepted."""
import numpy as np
import pytest

from losses import L2, BinaryCrossEntropy, CrossEntropy, Flooding, SquaredError
from losses.calibration import expected_calibration_error, probabilities
from losses.margins import log_odds_margins, output_margins, probability_margins

TWO = np.array([[0.5, 0.5], [1.0, 0.0]])  # outputs, or probabilities
ONE = np.array([0.5, 1.0])
CE, BCE, SE = CrossEntropy(), BinaryCrossEntropy(), SquaredError()

TARGETS = [
    (CE, TWO, [0, 2], ValueError, r"y\[1\] is 2; class ids must lie in 0 \.\. 1"),
    (CE, TWO, [-1, 0], ValueError, r"y\[0\] is -1; class ids must lie in 0 \.\. 1"),
    (CE, TWO, np.array([0, 2**63], dtype=np.uint64), ValueError, r"y\[1\] is 9223372036854775808"),
    (CE, TWO, [0.0, 1.0], TypeError, r"dtype float64 and shape \(2,\); class ids must be integers"),
    (CE, TWO, [0, 1, 1], ValueError, r"y has shape \(3,\); its first axis must have length 2"),
    (CE, TWO, [], ValueError, r"y has shape \(0,\)"),
    (CE, TWO, 1, ValueError, r"y has shape \(\)"),
    (CE, TWO, [[0], [1]], ValueError, r"y has shape \(2, 1\); accepted are class ids \(2,\) or soft targets \(2, 2\)"),
    (CE, TWO, np.zeros((2, 2, 2)), ValueError, r"y has shape \(2, 2, 2\)"),
    (CE, TWO, [[0.5, 0.5], [0.5, 0.6]], ValueError, "y must have rows that sum to 1 within 1e-06, but row 1"),
    (CE, TWO, [[0.5, 0.5], [1.5, -0.5]], ValueError, "y must not be negative, but row 1"),
    (CE, TWO, [[0.5, 0.5], [np.nan, 1.0]], ValueError, "y must be finite, but row 1"),
    (CE, TWO, [[0, 1], [1]], ValueError, "y is not a rectangular array"),
    (CE, TWO, np.array([0, None]), TypeError, "y has dtype object"),
    (CE, TWO, [0j, 1], TypeError, "y has dtype complex128"),
    (CE, TWO, ["cat", "dog"], TypeError, "y has dtype <U3"),
    (CE, ONE, [0, 1], ValueError, "at least 2 outputs, got 1; for one output use BinaryCrossEntropy"),
    (BCE, TWO, [0, 1], ValueError, r"for 1 output alone, got 2: .*\(2, 2\) in \[0, 1\]; .* use CrossEntropy"),
    (BCE, ONE, [0, 2], ValueError, r"y\[1\] is 2.*with one output, labels must be 0 or 1"),
    (BCE, ONE, [0, 1.5], ValueError, r"y\[1\] is 1\.5"),
    (BCE, TWO, [[0, 0.5], [1.5, 1]], ValueError, r"y\[1, 0\] is 1\.5; targets must lie in \[0, 1\]"),
    (BCE, TWO, [[0, 0.5], [1, np.nan]], ValueError, r"y\[1, 1\] is nan"),
    (BCE, ONE, [0, np.nan], ValueError, r"y\[1\] is nan"),
    (BCE, ONE, [-1, 1], ValueError, r"y\[0\] is -1"),
    (BCE, ONE, [[0, 1], [1, 0]], ValueError, r"y has shape \(2, 2\); labels for one output must have shape"),
    (SE, TWO, [0.0, 1.0], ValueError, r"accepted are real targets \(2, 2\), or integer class ids \(2,\)"),
    (SE, TWO, [0, 2], ValueError, r"y\[1\] is 2"),
    (SE, TWO, [[0.0, np.inf], [0, 0]], ValueError, "y must be finite, but row 0"),
    (SE, ONE, [[0.0, 1.0], [0, 0]], ValueError, r"accepted are real targets \(2, 1\) or \(2,\)"),
    (SE, ONE, [1j, 0], TypeError, "y has dtype complex128"),
]


@pytest.mark.parametrize(("loss", "outputs", "y", "error", "message"), TARGETS)
def test_targets(loss, outputs, y, error, message):
    for method in (loss.per_sample, loss.value, loss.value_and_gradient, Flooding(loss, 0.1).value):
        with pytest.raises(error, match=message):
            method(outputs, y)


OUTPUTS = [
    (np.zeros((2, 2, 2)), ValueError, r"outputs has shape \(2, 2, 2\); accepted are \(N, K\)"),
    (3.0, ValueError, r"outputs has shape \(\)"),
    (np.zeros((0, 2)), ValueError, r"outputs has shape \(0, 2\): empty"),
    ([], ValueError, r"outputs has shape \(0,\): empty"),
    (np.array([[None, 1], [2, 3]]), TypeError, "outputs has dtype object"),
    ([["a", "b"], ["c", "d"]], TypeError, "outputs has dtype <U1"),
]
MARGINS = [output_margins, probability_margins, log_odds_margins]


@pytest.mark.parametrize(("outputs", "error", "message"), OUTPUTS)
def test_outputs(outputs, error, message):
    for loss in (CE, BCE, SE):
        with pytest.raises(error, match=message):
            loss.value(outputs, [0, 1])
    for margins in MARGINS:
        with pytest.raises(error, match=message):
            margins(outputs, [0, 1])
    with pytest.raises(error, match=message):
        probabilities(outputs)


@pytest.mark.parametrize("function", [*MARGINS, lambda outputs, y: probabilities(outputs)])
def test_margins_and_probabilities_need_real_finite_outputs(function):
    for bad in (np.nan, -np.inf):
        with pytest.raises(ValueError, match=r"outputs: got .* in row 1, accepted: finite"):
            function([[0.0, 1.0], [bad, 0.0]], [0, 1])
    with pytest.raises(TypeError, match="outputs: got dtype complex128"):
        function(TWO * 1j, [0, 1])


@pytest.mark.parametrize("function", [*MARGINS, expected_calibration_error])
def test_labels_of_margins_and_calibration(function):
    for y, error, message in [([0, 2], ValueError, r"y\[1\] is 2"), ([0], ValueError, "must have length 2"),
                              ([0.0, 1.0], TypeError, "must be integers"), (["a", "b"], TypeError, "dtype <U1"),
                              (TWO, ValueError, r"class ids must have shape \(2,\)")]:
        with pytest.raises(error, match=message):
            function(TWO, y)
    with pytest.raises(ValueError, match=r"y\[0\]: got 3, accepted: with one output, labels 0 or 1"):
        function(ONE, [3, 1])


@pytest.mark.parametrize(("p", "error", "message"), [
    (TWO * 1.01, ValueError, "probabilities must have rows that sum to 1 within 1e-05, but row 0"),
    ([[-0.5, 1.5], [0, 1]], ValueError, "probabilities must not be negative, but row 0"),
    ([[np.nan, 1], [0, 1]], ValueError, "probabilities must be finite, but row 0"),
    ([0.5, 1.5], ValueError, r"probabilities must lie in \[0, 1\], but row 1"),
    ([-0.5, 0.5], ValueError, r"probabilities must lie in \[0, 1\], but row 0"),
    (np.zeros((0, 2)), ValueError, "probabilities has shape"),
    (np.array([None, 1]), TypeError, "probabilities has dtype object"),
])
def test_probabilities_of_calibration(p, error, message):
    with pytest.raises(error, match=message):
        expected_calibration_error(p, [0, 1])


def test_bins():
    with pytest.raises(ValueError, match="bins: got 0, accepted: an integer of at least 1"):
        expected_calibration_error(TWO, [0, 1], bins=0)
    with pytest.raises(TypeError, match=r"bins: got 2\.5, accepted: an integer"):
        expected_calibration_error(TWO, [0, 1], bins=2.5)


@pytest.mark.parametrize(("value", "error"), [(-0.1, ValueError), (np.nan, ValueError), (np.inf, ValueError),
                                              pytest.param(10**400, ValueError, id="huge"),
                                              ("0.1", TypeError), (None, TypeError), (True, TypeError),
                                              (1j, TypeError), (np.ones(2), TypeError)])
def test_numbers(value, error):
    with pytest.raises(error, match="level: got"):
        Flooding(CE, value)
    with pytest.raises(error, match="strength: got"):
        L2(value)
    with pytest.raises(error, match="label_smoothing: got"):
        CrossEntropy(label_smoothing=value)


def test_label_smoothing_stays_below_one():
    with pytest.raises(ValueError, match=r"label_smoothing: got 1\.0, accepted: a number in \[0, 1\)"):
        CrossEntropy(label_smoothing=1.0)


def test_base_of_flooding():
    for base in ("cross_entropy", CrossEntropy, None):
        with pytest.raises(TypeError, match=r"base: got .*accepted: a loss"):
            Flooding(base, 0.1)
    with pytest.raises(ValueError, match="base is flooded already"):
        Flooding(Flooding(CE, 0.1), 0.1)
    with pytest.raises(TypeError, match="level"):
        Flooding(CE)


def test_l2_needs_matching_arrays():
    with pytest.raises(ValueError, match=r"dweights has an array of shape \(2,\) where weights has \(3,\)"):
        L2(1).add_gradient([np.zeros(2)], [np.zeros(3)])
    with pytest.raises(ValueError, match="zip"):
        L2(1).add_gradient([np.zeros(2)], [])
