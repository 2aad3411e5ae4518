"""0·∞: a logit of -inf rules a class out. No share of the target: it costs nothing; a share: infinity."""
import numpy as np
import pytest

from losses import (
    AdaFlooding,
    BinaryCrossEntropy,
    ConfidencePenalty,
    CrossEntropy,
    Flooding,
    Hinge,
    InstanceFlooding,
    RelaxLoss,
    SoftAD,
    SquaredHinge,
    rows,
)
from losses.confidence import entropies
from losses.relax import posterior_flattening

RULED_OUT = np.array([[1.0, 2.0, -np.inf]])
CE, INF = CrossEntropy(), np.inf


def both(loss, outputs, y, name, *parameters):
    """Return (loss, gradient) of one sample, from the class and from the scalar loop, after seeing that they agree."""
    prepared = loss.prepare(y, *outputs.shape)
    losses, dOutputs = loss.rows(outputs, prepared)
    dz = np.full(outputs.shape[1], np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        value = getattr(rows, name)(dz, outputs[0], prepared[0], *parameters)
    np.testing.assert_allclose(value, losses[0], rtol=1e-14)
    np.testing.assert_allclose(dz, dOutputs[0], rtol=1e-14, atol=1e-16)
    return losses[0], dOutputs[0]


@pytest.mark.parametrize(("y", "name", "parameters"), [
    ([0], "cross_entropy", (0.0,)), ([[1.0, 0.0, 0.0]], "soft_cross_entropy", ())])
def test_a_class_that_is_ruled_out_costs_nothing(y, name, parameters):
    value, gradient = both(CE, RULED_OUT, y, name, *parameters)
    two, two_gradient = CE.value_and_gradient(RULED_OUT[:, :2], [0])
    assert value == pytest.approx(1.3132616875182228, rel=1e-15) and value == two
    np.testing.assert_array_equal(gradient, [*two_gradient[0], 0])
    assert np.isfinite(CE.value_and_gradient(RULED_OUT, y)[1]).all()


@pytest.mark.parametrize(("loss", "y", "name", "parameters"), [
    (CE, [2], "cross_entropy", (0.0,)), (CrossEntropy(0.1), [0], "cross_entropy", (0.1,)),
    (CE, [[0.5, 0.0, 0.5]], "soft_cross_entropy", ()), (CrossEntropy(0.1), [[1.0, 0, 0]], "soft_cross_entropy", ())])
def test_a_share_of_what_is_ruled_out_costs_infinity(loss, y, name, parameters):
    value, gradient = both(loss, RULED_OUT, y, name, *parameters)
    assert value == INF and np.isfinite(gradient).all()


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("outputs", [INF, -INF])
def test_binary(label, outputs):
    value, gradient = both(BinaryCrossEntropy(), np.array([[outputs]]), [label], "binary_cross_entropy")
    right = (outputs > 0) == (label == 1)
    assert value == (0 if right else INF)
    assert gradient[0] == (0 if right else (-1 if label else 1))


def test_several_labels():
    value, gradient = both(BinaryCrossEntropy(), np.array([[INF, 0.0, -INF]]), [[1, 0.5, 0]], "binary_cross_entropy")
    assert value == np.log(2) and gradient.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("loss", "squared"), [(Hinge(), False), (SquaredHinge(), True)])
def test_hinges(loss, squared):
    assert both(loss, RULED_OUT, [1], "hinge", 1.0, squared)[0] == 0
    value, gradient = both(loss, RULED_OUT, [2], "hinge", 1.0, squared)
    assert value == INF and gradient[0] == 0  # the one that is neither label nor runner-up


def test_entropy():
    H, dH = entropies(RULED_OUT)
    two, dtwo = entropies(RULED_OUT[:, :2])
    assert two == H
    np.testing.assert_array_equal(dH, [[*dtwo[0], 0]])
    for outputs in (np.array([[INF]]), np.array([[-INF]])):
        H, dH = entropies(outputs)
        assert H == 0 and dH == 0
    for outputs in (RULED_OUT[0], np.array([INF]), np.array([-INF])):
        dz = np.zeros(len(outputs))
        H, dH = entropies(outputs[None])
        np.testing.assert_allclose(rows.add_confidence_penalty(dz, outputs, 1.0), -H[0], rtol=1e-14)
        np.testing.assert_allclose(dz, -dH[0], rtol=1e-13)
    assert np.isfinite(ConfidencePenalty(CE, 0.1).value(RULED_OUT, [0]))


@pytest.mark.parametrize(("outputs", "label"), [(RULED_OUT[0], 2), (np.array([INF]), 0), (np.array([-INF]), 1)])
def test_posterior_flattening(outputs, label):
    F, dF = posterior_flattening(outputs[None], np.array([label]), 1.0)
    dz = np.zeros(len(outputs))
    np.testing.assert_allclose(rows.add_posterior_flattening(dz, outputs, label, 1.0, 1.0), F[0], rtol=1e-14)
    np.testing.assert_allclose(dz, dF[0], rtol=1e-13, atol=1e-16)
    assert np.isfinite(F).all() and np.isfinite(dF).all()


def test_relax_loss_is_infinite_and_no_nan():
    assert RelaxLoss(CE, 0.5).value(RULED_OUT, [2]) == INF


FLOODED = [CE, Flooding(CE, 0.1), InstanceFlooding(CE, 0.1), SoftAD(CE, 0.1), AdaFlooding(CE, [0.1, 0.2]),
           RelaxLoss(CE, 0.1), RelaxLoss(CE, 0.1).in_epoch(1), ConfidencePenalty(CE, 0.1)]


@pytest.mark.parametrize("loss", FLOODED, ids=repr)
def test_an_infinite_loss_that_weighs_nothing_counts_for_nothing(loss):
    two = np.array([[1.0, 2.0, -np.inf], [1.0, 2.0, 3.0]])
    value, gradient = loss.value_and_gradient(two, [2, 0], sample_weight=[0, 1])
    last = AdaFlooding(CE, [0.2]) if isinstance(loss, AdaFlooding) else loss
    alone, row = last.value_and_gradient(two[1:], [0])
    assert value == alone
    np.testing.assert_array_equal(gradient, [[0, 0, 0], row[0]])
    value, gradient = loss.value_and_gradient(two, [2, 0])
    assert value == INF and np.isfinite(gradient).all()


@pytest.mark.parametrize("far", [1e30, INF])
def test_softad_far_away_is_the_loss_itself(far):
    loss, losses = SoftAD(CE, 0.5, 2.0), np.array([far, 1.0], np.float32)
    J, weights = loss.weigh(losses)
    assert far in (INF, pytest.approx(2 * J, rel=1e-6)) and weights[0] == 0.5 and weights.dtype == np.float32
    assert rows.flood_weight(rows.SOFT, INF, 0.0, 0.5, 2.0) == rows.flood_weight(rows.SOFT, 1e200, 0.0, 0.5, 2.0) == 1
    assert rows.flood_weight(rows.SOFT, -1e200, 0.0, 0.5, 2.0) == -1


@pytest.mark.parametrize("y", [[0], [1], [[0.5, 0.5, 0.0]]])
def test_nan_and_plus_infinity_stay_visible(y):
    for bad in (np.nan, INF):
        value, _ = CE.value_and_gradient(np.array([[1.0, bad, -INF]]), y)
        assert not np.isfinite(value)
