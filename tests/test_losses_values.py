"""Losses against hand-computed numbers, naive loops, scikit-learn; shapes, dtypes, the frame itself."""
import math

import numpy as np
import pytest

from losses import L2, BinaryCrossEntropy, CrossEntropy, Flooding, Loss, SquaredError
from tests import naive

RNG = np.random.default_rng(1)
OUTPUTS = RNG.normal(size=(7, 4)) * [1, 2, 0.5, 3] + [0, 1, -1, 0.3]
IDS = np.array([0, 3, 2, 1, 1, 0, 3])
SOFT = RNG.dirichlet([0.4, 1, 2, 0.7], size=7)


def test_cross_entropy_by_hand():
    # p = (1, 2, 1)/4
    value, dOutputs = CrossEntropy().value_and_gradient([[0.0, math.log(2), 0.0]], [1])
    assert value == pytest.approx(math.log(2), rel=1e-15)
    np.testing.assert_allclose(dOutputs, [[0.25, -0.5, 0.25]], rtol=1e-15)


def test_binary_cross_entropy_by_hand():
    # sigmoid(log 3) = 3/4; the mean halves the gradients
    value, dOutputs = BinaryCrossEntropy().value_and_gradient([math.log(3), math.log(3)], [1, 0])
    assert value == pytest.approx((math.log(4 / 3) + math.log(4)) / 2, rel=1e-15)
    np.testing.assert_allclose(dOutputs, [-0.125, 0.375], rtol=1e-15)


def test_squared_error_by_hand():
    value, dOutputs = SquaredError().value_and_gradient([[1.0, 2.0], [0.0, -1.0]], [[0.0, 4.0], [0.0, 0.0]])
    assert value == (1 + 4 + 0 + 1) / 2
    np.testing.assert_array_equal(dOutputs, [[1, -2], [0, -1]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_equals_naive(soft, smoothing):
    targets = SOFT if soft else np.eye(4)[IDS]
    losses, gradients = naive.naive_cross_entropy(OUTPUTS, targets, smoothing)
    loss = CrossEntropy(label_smoothing=smoothing)
    y = SOFT if soft else IDS
    value, dOutputs = loss.value_and_gradient(OUTPUTS, y)
    np.testing.assert_allclose(loss.per_sample(OUTPUTS, y), losses, rtol=1e-13)
    np.testing.assert_allclose(dOutputs, np.array(gradients) / 7, rtol=1e-12, atol=1e-16)
    assert value == loss.value(OUTPUTS, y) == pytest.approx(sum(losses) / 7, rel=1e-14)


def test_binary_cross_entropy_equals_naive():
    labels = [0, 1, 1, 0, 1, 0, 1]
    losses, gradients = naive.naive_binary_cross_entropy(OUTPUTS[:, 3], labels)
    loss = BinaryCrossEntropy()
    np.testing.assert_allclose(loss.per_sample(OUTPUTS[:, 3], labels), losses, rtol=1e-13)
    np.testing.assert_allclose(loss.value_and_gradient(OUTPUTS[:, 3], labels)[1], np.array(gradients) / 7, rtol=1e-13)


def test_squared_error_equals_naive():
    losses, gradients = naive.naive_squared_error(OUTPUTS, SOFT)
    np.testing.assert_allclose(SquaredError().per_sample(OUTPUTS, SOFT), losses, rtol=1e-14)
    np.testing.assert_allclose(SquaredError().value_and_gradient(OUTPUTS, SOFT)[1], np.array(gradients) / 7, rtol=1e-14)


def test_two_logits_are_one_logit():
    two = np.column_stack([np.zeros(7), OUTPUTS[:, 0]])
    y = IDS % 2
    np.testing.assert_allclose(CrossEntropy().per_sample(two, y), BinaryCrossEntropy().per_sample(OUTPUTS[:, 0], y),
                               rtol=1e-14)


def test_scikit_learn_log_loss():
    from sklearn.metrics import log_loss

    p = np.array([naive.naive_softmax(row) for row in OUTPUTS])
    assert CrossEntropy().value(OUTPUTS, IDS) == pytest.approx(log_loss(IDS, p, labels=range(4)), rel=1e-12)
    y = IDS % 2
    p = 1 / (1 + np.exp(-OUTPUTS[:, 1]))
    assert BinaryCrossEntropy().value(OUTPUTS[:, 1], y) == pytest.approx(log_loss(y, p), rel=1e-12)


def test_squared_error_encodes_class_ids():
    np.testing.assert_array_equal(SquaredError().per_sample(OUTPUTS, IDS),
                                  SquaredError().per_sample(OUTPUTS, np.eye(4)[IDS]))


CASES = [(CrossEntropy(0.1), OUTPUTS, IDS), (CrossEntropy(), OUTPUTS, SOFT), (SquaredError(), OUTPUTS, SOFT),
         (BinaryCrossEntropy(), OUTPUTS[:, :1], IDS % 2), (Flooding(CrossEntropy(), 9.0), OUTPUTS, IDS)]


@pytest.mark.parametrize(("loss", "outputs", "y"), CASES, ids=lambda value: repr(value)[:12])
def test_dtype_follows_outputs(loss, outputs, y):
    exact, d_exact = loss.value_and_gradient(outputs, y)
    value, dOutputs = loss.value_and_gradient(outputs.astype(np.float32), y)
    assert type(value) is float
    assert dOutputs.dtype == loss.per_sample(outputs.astype(np.float32), y).dtype == np.float32
    assert value == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(dOutputs, d_exact, rtol=1e-5, atol=1e-6)
    assert loss.per_sample(np.round(outputs).astype(int), y).dtype == np.float64
    assert type(loss.value(outputs.astype(np.complex64), y)) is complex


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), SquaredError()])
def test_one_output_may_be_flat(loss):
    z, y = OUTPUTS[:, 0], IDS % 2
    flat, column = loss.value_and_gradient(z, y), loss.value_and_gradient(z[:, None], y[:, None])
    assert flat[0] == column[0]
    assert flat[1].shape == (7,) and column[1].shape == (7, 1)
    np.testing.assert_array_equal(flat[1], column[1][:, 0])


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, bool, np.int64])
def test_prepare_and_labels_of_class_ids(dtype):
    y = np.array([0, 1, 1], dtype=dtype)
    for loss in (CrossEntropy(), Flooding(CrossEntropy(), 0.1), SquaredError()):
        labels = loss.labels(y, 2)
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(labels, [0, 1, 1])
    assert CrossEntropy().prepare(y, 3, 2).dtype == np.int64
    np.testing.assert_array_equal(SquaredError().prepare(y, 3, 2), [[1, 0], [0, 1], [0, 1]])
    binary = BinaryCrossEntropy().prepare(y, 3, 1)
    assert binary.dtype == np.float64 and binary.shape == (3, 1)


def test_labels_of_other_targets():
    np.testing.assert_array_equal(CrossEntropy().labels(SOFT, 4), SOFT.argmax(axis=1))
    np.testing.assert_array_equal(BinaryCrossEntropy().labels([[0.0], [1.0]], 1), [0, 1])
    assert SquaredError().labels(SOFT, 4) is None
    assert SquaredError().labels([0, 0.5], 1) is None
    np.testing.assert_array_equal(SquaredError().labels([[0.0], [1.0]], 1), [0, 1])


def test_soft_targets_sum_to_one_after_prepare():
    rounded = SOFT.astype(np.float32)
    prepared = CrossEntropy().prepare(rounded, 7, 4)
    assert prepared.dtype == np.float64
    np.testing.assert_allclose(prepared.sum(axis=1), 1, rtol=3e-16)
    np.testing.assert_allclose(prepared, SOFT, rtol=1e-6)
    one_hot = np.eye(4)[IDS]
    np.testing.assert_array_equal(CrossEntropy().prepare(one_hot, 7, 4), one_hot)


def test_layout_of_outputs_does_not_matter():
    # Many classes: NumPy's sum along strided rows is less exact
    outputs, y = RNG.normal(size=(20, 500)), np.arange(20)
    np.testing.assert_array_equal(CrossEntropy().value_and_gradient(np.asfortranarray(outputs), y)[1],
                                  CrossEntropy().value_and_gradient(outputs, y)[1])


@pytest.mark.parametrize("loss", [CrossEntropy(), SquaredError()])
def test_a_diverged_network_gives_nan_or_inf_without_warning(loss):
    for bad in (np.nan, np.inf):
        assert not math.isfinite(loss.value([[0.0, bad], [1.0, 2.0]], [1, 0]))
    assert math.isnan(Flooding(loss, 0.1).value([[0.0, np.nan]], [1]))
    assert math.isnan(BinaryCrossEntropy().value([np.nan], [1]))


def test_repr_and_equality():
    assert repr(Flooding(CrossEntropy(), level=0.32)) == "Flooding(CrossEntropy(), level=0.32)"
    assert repr(CrossEntropy(label_smoothing=np.float64(0.5))) == "CrossEntropy(label_smoothing=0.5)"
    assert repr(BinaryCrossEntropy()) == "BinaryCrossEntropy()" and repr(L2(1)) == "L2(1.0)"
    assert Flooding(SquaredError(), 1) == Flooding(SquaredError(), 1.0) != Flooding(SquaredError(), 2)
    assert len({CrossEntropy(), CrossEntropy(0.0), CrossEntropy(0.1)}) == 2
    with pytest.raises(AttributeError):
        CrossEntropy().label_smoothing = 0.5  # a changed copy of row_parameter would go unnoticed


def test_frame_attributes():
    assert (CrossEntropy(0.2).row, CrossEntropy(0.2).row_parameter) == ("cross_entropy", 0.2)
    flooded = Flooding(CrossEntropy(0.2), 0.3)
    assert (flooded.row, flooded.row_parameter, flooded.flood, flooded.level) == ("cross_entropy", 0.2, "flooding", 0.3)
    assert flooded.raw is flooded.base
    plain = SquaredError()
    assert (plain.row, plain.row_parameter, plain.flood, plain.level) == ("squared_error", 0.0, "none", 0.0)
    assert plain.raw is plain


class Quartic(Loss):
    def rows(self, outputs, y):
        error = outputs - y
        return (error**4).sum(axis=1), 4 * error**3


def test_own_loss():
    value, dOutputs = Quartic().value_and_gradient([[1.0], [2.0]], [[0.0], [0.0]])
    assert value == 8.5
    np.testing.assert_array_equal(dOutputs, [[2], [16]])
    assert Flooding(Quartic(), 10).value([[1.0], [2.0]], [[0.0], [0.0]]) == 11.5
    assert repr(Quartic()) == "Quartic()" and Quartic().row is None and Flooding(Quartic(), 1).row is None


def test_own_loss_labels():
    np.testing.assert_array_equal(Quartic().labels([0, 1, 1], 1), [0, 1, 1])
    for y in ([0.0, 1.0], [[0, 1]], [-1, 1], [0, 2], [0, 5]):
        assert Quartic().labels(y, 2) is None


def test_own_loss_with_wrong_shapes_is_named():
    class Transposed(Loss):
        def rows(self, outputs, y):
            return outputs.sum(axis=0), outputs

    with pytest.raises(ValueError, match=r"Transposed\.rows: got shapes \(4,\) and \(7, 4\), accepted: losses \(7,\) and"):
        Transposed().value(OUTPUTS, IDS)
    with pytest.raises(NotImplementedError, match="does not define rows"):
        Loss().value(OUTPUTS, IDS)
    with pytest.raises(ValueError, match=r"y: got shape \(3,\), accepted: a first axis of length 7, one row per sample"):
        Quartic().value(OUTPUTS, IDS[:3])
    with pytest.raises(ValueError, match="y: got no samples, accepted: at least one"):
        Quartic().prepare([], 0, 2)


def test_squared_error_with_smoothed_labels_is_the_squared_error_to_soft_targets():
    outputs, y = np.array([[0.3, -1.0, 2.0], [0.5, 0.25, 0.0]]), np.array([2, 0])
    soft = np.array([[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    assert SquaredError(0.3).value(outputs, y) == pytest.approx(SquaredError().value(outputs, soft), rel=1e-14)
    with pytest.raises(ValueError, match=r"label_smoothing: got 0\.3 with real targets, accepted: 0, or class ids"):
        SquaredError(0.3).value(outputs, soft)
