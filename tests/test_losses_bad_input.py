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
    (CE, TWO, [0, 2], ValueError, r"y\[1\]: got 2, accepted: class ids in 0 \.\. 1, one for each of the 2 outputs"),
    (CE, TWO, [-1, 0], ValueError, r"y\[0\]: got -1, accepted: class ids in 0 \.\. 1, one for each of the 2 outputs"),
    (CE, TWO, np.array([0, 2**63], dtype=np.uint64), ValueError, r"y\[1\]: got 9223372036854775808, accepted: class ids"),
    (CE, TWO, [0.0, 1.0], TypeError, r"y: got dtype float64 and shape \(2,\), accepted: class ids, which are integers:"),
    (CE, TWO, [0, 1, 1], ValueError, r"y: got shape \(3,\), accepted: a first axis of length 2, one row per sample"),
    (CE, TWO, [], ValueError, r"y: got shape \(0,\), accepted: a first axis of length 2, one row per sample"),
    (CE, TWO, 1, ValueError, r"y: got shape \(\), accepted: a first axis of length 2, one row per sample"),
    (CE, TWO, [[0], [1]], ValueError, r"y: got shape \(2, 1\), accepted: class ids \(2,\) or soft targets \(2, 2\)"),
    (CE, TWO, np.zeros((2, 2, 2)), ValueError, r"y: got shape \(2, 2, 2\), accepted: class ids \(2,\) or soft targets"),
    (CE, TWO, [[0.5, 0.5], [0.5, 0.6]], ValueError, r"y: got row 1 with the sum 1\.1, accepted: rows that sum to 1 within"),
    (CE, TWO, [[0.5, 0.5], [1.5, -0.5]], ValueError, r"y: got \[ 1\.5 -0\.5\] in row 1, accepted: numbers that are not"),
    (CE, TWO, [[0.5, 0.5], [np.nan, 1.0]], ValueError, r"y: got \[nan  1\.\] in row 1, accepted: finite numbers"),
    (CE, TWO, [[0, 1], [1]], ValueError, "y: got nested lists of unequal length"),
    (CE, TWO, np.array([0, None]), TypeError, "y: got dtype object, accepted: real numbers"),
    (CE, TWO, [0j, 1], TypeError, "y: got dtype complex128, accepted: real numbers"),
    (CE, TWO, ["cat", "dog"], TypeError, "y: got dtype <U3, accepted: real numbers: for words, classes, y ="),
    (CE, ONE, [0, 1], ValueError, "outputs: got 1, accepted: at least 2 with CrossEntropy; for one output use"),
    (BCE, TWO, [0, 1], ValueError, r"y: got shape \(2,\), accepted: targets \(2, 2\) in \[0, 1\] with BinaryCrossEntropy"),
    (BCE, ONE, [0, 2], ValueError, r"y\[1\]: got 2.*accepted: 0 or 1, or .* with one output"),
    (BCE, ONE, [0, 1.5], ValueError, r"y\[1\]: got 1\.5"),
    (BCE, TWO, [[0, 0.5], [1.5, 1]], ValueError, r"y\[1, 0\]: got 1\.5, accepted: 0 or 1 for each output"),
    (BCE, TWO, [[0, 0.5], [1, np.nan]], ValueError, r"y\[1, 1\]: got nan"),
    (BCE, ONE, [0, np.nan], ValueError, r"y\[1\]: got nan"),
    (BCE, ONE, [-1, 1], ValueError, r"y\[0\]: got -1"),
    (BCE, ONE, [[0, 1], [1, 0]], ValueError, r"y: got shape \(2, 2\), accepted: labels of shape \(2,\) or \(2, 1\) for"),
    (SE, TWO, [0.0, 1.0], ValueError, r"y: got shape \(2,\) and dtype float64, accepted: real targets \(2, 2\), or"),
    (SE, TWO, [0, 2], ValueError, r"y\[1\]: got 2, accepted: class ids in 0 \.\. 1, one for each of the 2 outputs"),
    (SE, TWO, [[0.0, np.inf], [0, 0]], ValueError, r"y: got \[ 0\. inf\] in row 0, accepted: finite numbers"),
    (SE, ONE, [[0.0, 1.0], [0, 0]], ValueError, r"y: got shape \(2, 2\) and dtype float64, accepted: real targets \(2,"),
    (SE, ONE, [1j, 0], TypeError, "y: got dtype complex128, accepted: real numbers"),
]


@pytest.mark.parametrize(("loss", "outputs", "y", "error", "message"), TARGETS)
def test_targets(loss, outputs, y, error, message):
    for method in (loss.per_sample, loss.value, loss.value_and_gradient, Flooding(loss, 0.1).value):
        with pytest.raises(error, match=message):
            method(outputs, y)


OUTPUTS = [
    (np.zeros((2, 2, 2)), ValueError, r"outputs: got shape \(2, 2, 2\), accepted: \(N, K\), or \(N,\) for one output"),
    (3.0, ValueError, r"outputs: got shape \(\), accepted: \(N, K\), or \(N,\) for one output"),
    (np.zeros((0, 2)), ValueError, r"outputs: got shape \(0, 2\), empty, accepted: at least one sample and one output"),
    ([], ValueError, r"outputs: got shape \(0,\), empty, accepted: at least one sample and one output"),
    (np.array([[None, 1], [2, 3]]), TypeError, r"outputs: got dtype object, accepted: (real )?numbers"),
    ([["a", "b"], ["c", "d"]], TypeError, r"outputs: got dtype <U1, accepted: (real )?numbers"),
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
    for y, error, message in [([0, 2], ValueError, r"y\[1\]: got 2, accepted:"), ([0], ValueError,
                              r"y: got shape \(1,\), accepted: a first axis of length 2, one row per sample"),
                              ([0.0, 1.0], TypeError, r"y: got dtype float64 .*accepted: class ids, which are integers"),
                              (["a", "b"], TypeError, "dtype <U1"),
                              (TWO, ValueError, r"y: got shape \(2, 2\), accepted: class ids of shape \(2,\)")]:
        with pytest.raises(error, match=message):
            function(TWO, y)
    with pytest.raises(ValueError, match=r"y\[0\]: got 3, accepted: with one output, labels 0 or 1"):
        function(ONE, [3, 1])


@pytest.mark.parametrize(("p", "error", "message"), [
    (TWO * 1.01, ValueError, r"probabilities: got row 0 with the sum 1\.01, accepted: rows that sum to 1"),
    ([[-0.5, 1.5], [0, 1]], ValueError, r"probabilities: got \[-0\.5  1\.5\] in row 0, accepted: numbers that are not"),
    ([[np.nan, 1], [0, 1]], ValueError, r"probabilities: got \[nan  1\.\] in row 0, accepted: finite numbers"),
    ([0.5, 1.5], ValueError, r"probabilities: got \[1\.5\] in row 1, accepted: numbers in \[0, 1\]"),
    ([-0.5, 0.5], ValueError, r"probabilities: got \[-0\.5\] in row 0, accepted: numbers in \[0, 1\]"),
    (np.zeros((0, 2)), ValueError, r"probabilities: got shape \(0, 2\), empty, accepted: at least one sample and one"),
    (np.array([None, 1]), TypeError, "probabilities: got dtype object, accepted: real numbers"),
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
    with pytest.raises(ValueError, match=r"base: got Flooding\(CrossEntropy\(\), level=0\.1\), accepted: a loss that is"):
        Flooding(Flooding(CE, 0.1), 0.1)
    with pytest.raises(TypeError, match="level"):
        Flooding(CE)


def test_l2_needs_matching_arrays():
    with pytest.raises(ValueError, match=r"dweights: got an array of shape \(2,\), accepted: \(3,\), as in weights"):
        L2(1).add_gradient([np.zeros(2)], [np.zeros(3)])
    with pytest.raises(ValueError, match="zip"):
        L2(1).add_gradient([np.zeros(2)], [])
