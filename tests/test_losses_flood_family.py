"""The flooding family beside Flooding itself: φ and w by hand and by differences, the kinks, level 0, bad arguments."""
import copy
import functools
import inspect
import math
import pickle

import numpy as np
import pytest

import losses as package
from losses import (
    L1,
    L2,
    AdaFlooding,
    BinaryCrossEntropy,
    ConfidencePenalty,
    CrossEntropy,
    Flooding,
    Hinge,
    InstanceFlooding,
    Loss,
    RelaxLoss,
    SoftAD,
    SquaredError,
    relax,
    rows,
)
from nn.cpu import rows as cpu_rows
from nn.shared.codes import SOFT_CROSS_ENTROPY
from tests.losses_and_floods import FLOODS, bases
from tests.numerical import central_difference, complex_step, relative_error

RNG = np.random.default_rng(15)
OUTPUTS = RNG.normal(size=(8, 3)) * 2
IDS = np.array([0, 2, 1, 1, 0, 2, 0, 1])
LEVELS = RNG.uniform(0.1, 2, size=8)
LOSSES = np.array([0.1, 0.9, 0.3, 2.0, 0.02, 1.1, 0.6, 0.4])
CE = CrossEntropy()

FAMILY = {name: functools.partial(FLOODS[flood], level=level, levels=LEVELS) for name, (flood, level) in {
    "batch_above": ("batch", 0.2), "batch_below": ("batch", 3.0), "instance": ("instance", 0.5), "soft": ("soft", 0.5),
    "adaptive": ("adaptive", None), "relax": ("relax", 3.0), "relax_odd": ("relaxed", 9.0),
    "relax_odd_above": ("relaxed", 0.1)}.items()}


class Outputs(Loss):
    """The outputs are the losses."""

    def rows(self, outputs, y):
        return outputs[:, 0], np.ones_like(outputs)


def test_the_walks_leave_no_public_loss_or_flood_out():
    walked = {type(loss) for loss, *_ in bases(IDS).values()} | {type(FLOODS[name](CE, 1.0, LEVELS)) for name in FLOODS}
    public = [getattr(package, name) for name in package.__all__]
    assert {one for one in public if inspect.isclass(one) and issubclass(one, Loss)} - {Loss} <= walked


def test_by_hand():
    # Losses 0.2 and 1.0, level 0.5. Flooding the batch (mean 0.6) would let both descend.
    losses = np.array([0.2, 1.0])
    for loss, value, weights in [
            (InstanceFlooding(CE, 0.5), (0.8 + 1.0) / 2, [-0.5, 0.5]),
            (AdaFlooding(CE, [0.1, 1.25]), (0.2 + 1.5) / 2, [0.5, -0.5]),
            (SoftAD(CE, 0.5, scale=0.4), 0.5 - 0.4 + (0.5 + math.sqrt(0.41)) / 2, [-0.3, 0.25 / math.sqrt(0.41)]),
            (RelaxLoss(CE, 0.7), 0.8, [-0.5, -0.5]), (RelaxLoss(CE, 0.7).in_epoch(1), -0.6, [-0.5, -0.5]),
            (RelaxLoss(CE, 0.5).in_epoch(1), 0.6, [0.5, 0.5])]:
        found, w = loss.weigh(losses)
        assert found == pytest.approx(value, rel=1e-15)
        np.testing.assert_allclose(w, weights, rtol=1e-14)


def test_at_the_level():
    """The weight is 0, except for RelaxLoss in odd epochs, which ascends there."""
    same = np.array([0.5, 0.5])
    for loss in (InstanceFlooding(CE, 0.5), SoftAD(CE, 0.5), AdaFlooding(CE, same), RelaxLoss(CE, 0.5)):
        value, weights = loss.weigh(same)
        assert value == 0.5 and not weights.any()
    assert RelaxLoss(CE, 0.5).in_epoch(3).weigh(same)[0] == -0.5
    np.testing.assert_array_equal(RelaxLoss(CE, 0.5).in_epoch(3).weigh(same)[1], [-0.5, -0.5])


@pytest.mark.parametrize("kind", FAMILY)
def test_weights_by_differences(kind):
    """w_i is the derivative of φ; the losses lie away from the levels."""
    loss = FAMILY[kind](CE)
    numerical = central_difference(lambda l: loss.weigh(l)[0], LOSSES)
    assert relative_error(loss.weigh(LOSSES)[1], numerical) <= 1e-8
    assert relative_error(loss.weigh(LOSSES)[1], complex_step(lambda l: loss.weigh(l)[0], LOSSES)) <= 1e-14


@pytest.mark.parametrize("kind", FAMILY)
def test_the_table_equals_the_classes(kind):
    loss = FAMILY[kind](CE)
    levels = loss.levels if kind == "adaptive" else np.full(8, loss.level)
    table = [rows.flood_weight(rows.FLOODS[loss.flood], l, LOSSES.mean(), b, loss.flood_parameter) / 8
             for l, b in zip(LOSSES, levels, strict=True)]
    np.testing.assert_allclose(loss.weigh(LOSSES)[1], table, rtol=1e-15)


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize(("base", "outputs", "y"), [
    (CE, OUTPUTS, IDS), (CrossEntropy(0.2), OUTPUTS, np.eye(3)[IDS]), (BinaryCrossEntropy(), OUTPUTS[:, 0], IDS % 2),
    (SquaredError(), OUTPUTS, IDS), (Hinge(), OUTPUTS, IDS), (Hinge(), OUTPUTS[:, 0], IDS % 2)])
def test_gradient(base, outputs, y, kind):
    loss = FAMILY[kind](base)
    value, dOutputs = loss.value_and_gradient(outputs, y)
    assert relative_error(dOutputs, complex_step(lambda o: loss.value(o, y), outputs)) <= 1e-13
    assert loss.value(outputs.astype(complex), y).real == pytest.approx(value, rel=1e-12)
    np.testing.assert_array_equal(loss.per_sample(outputs, y), base.per_sample(outputs, y))  # raw


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("base", [CE, SquaredError(), Hinge()])
def test_level_zero_is_the_base_loss_bit_for_bit(base, dtype):
    outputs = OUTPUTS.astype(dtype)
    outputs[0] = [9, 0, 0]  # the hinge is 0 here: weight 1/N, not 0
    expected, d_expected = base.value_and_gradient(outputs, IDS)
    for loss in (Flooding(base, 0), InstanceFlooding(base, 0), SoftAD(base, 0), AdaFlooding(base, np.zeros(8)),
                 RelaxLoss(base, 0), RelaxLoss(base, 0).in_epoch(1)):
        value, dOutputs = loss.value_and_gradient(outputs, IDS)
        assert value == expected
        np.testing.assert_array_equal(dOutputs, d_expected)
        assert dOutputs.dtype == dtype
        np.testing.assert_array_equal(loss.weigh(np.zeros(8))[1], np.full(8, 1 / 8))


def test_adaflooding_looks_levels_up_by_index():
    loss, indices = AdaFlooding(CE, LEVELS), np.array([5, 1, 1, 7])
    losses = np.array([0.5, 1.0, 1.5, 0.5])
    np.testing.assert_array_equal(loss.weigh(losses, indices=indices)[1], np.sign(losses - LEVELS[indices]) / 4)
    with pytest.raises(ValueError, match="levels: got 8 entries for 4 samples, accepted: one for each"):
        loss.weigh(losses)
    single = AdaFlooding(CE, np.where(np.arange(8) == 3, 0, LEVELS))  # one sample of level 0 is trained plainly
    assert single.weigh(np.zeros(8))[1][3] == 1 / 8 and (np.delete(single.weigh(np.zeros(8))[1], 3) < 0).all()


def test_adaflooding_is_its_levels():
    loss = AdaFlooding(CE, list(LEVELS))
    assert loss == AdaFlooding(CE, LEVELS) and hash(loss) == hash(AdaFlooding(CE, LEVELS))
    other = LEVELS.copy()
    other[4] = np.nextafter(other[4], 9)
    assert loss != AdaFlooding(CE, other) and repr(loss) != repr(AdaFlooding(CE, other)) and loss != CE
    assert repr(loss).startswith("AdaFlooding(CrossEntropy(), levels=<8 of mean ")
    source = LEVELS.copy()
    loss = AdaFlooding(CE, source)
    source[:] = 0
    np.testing.assert_array_equal(loss.levels, LEVELS)
    with pytest.raises(ValueError, match="read-only"):
        loss.levels[0] = 1


def test_relaxloss_flattening_for_cross_entropy():
    """F - l is (1 - t_y)(o_y - mean of the others), t_y = min(p_y, upper); samples that are right only ascend."""
    for upper in (0.05, 1.0):
        loss = RelaxLoss(CE, 50.0, upper).in_epoch(1)
        expected = []
        for o, y in zip(OUTPUTS, IDS, strict=True):
            p = np.exp(o) / np.exp(o).sum()
            others = np.delete(o, y).mean()
            expected.append(np.log(p[y]) if p.argmax() == y else (1 - min(p[y], upper)) * (o[y] - others))
        assert loss.value(OUTPUTS, IDS) == pytest.approx(np.mean(expected), rel=1e-13)
        one, y = OUTPUTS[:, 0], IDS % 2  # one output: the two logits 0 and o
        binary = RelaxLoss(BinaryCrossEntropy(), 50.0, upper).in_epoch(1)
        two = np.column_stack([np.zeros(8), one])
        assert binary.value(one, y) == pytest.approx(loss.value(two, y), rel=1e-14)
        dTwo = loss.value_and_gradient(two, y)[1]
        np.testing.assert_allclose(binary.value_and_gradient(one, y)[1], dTwo[:, 1], rtol=1e-13)


@pytest.mark.parametrize("base", [CE, CrossEntropy(0.1), SquaredError()])
def test_relaxloss_finds_the_class_of_targets(base):
    odd = RelaxLoss(base, 50.0, 0.3).in_epoch(1)
    value, dOutputs = odd.value_and_gradient(OUTPUTS, np.eye(3)[IDS] if base != SquaredError() else IDS)
    F, dF = relax.posterior_flattening(OUTPUTS, IDS, 0.3)
    J, dJ = base.value_and_gradient(OUTPUTS, IDS)
    assert F.any() and value == pytest.approx(F.mean() - J, rel=1e-13)
    np.testing.assert_allclose(dOutputs, dF / 8 - dJ, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("base", [CE, CrossEntropy(0.1), SquaredError()])
def test_relaxloss_finds_the_class_of_targets_of_two_classes(base):
    """Two columns are one target per class, and not the labels 0 and 1 in a column."""
    odd, ids, outputs = RelaxLoss(base, 50.0, 0.3).in_epoch(1), IDS % 2, OUTPUTS[:, :2]
    targets = np.eye(2)[ids]
    np.testing.assert_array_equal(relax.class_of(targets), ids)
    value, dOutputs = odd.value_and_gradient(outputs, targets if base != SquaredError() else ids)
    F, dF = relax.posterior_flattening(outputs, ids, 0.3)
    J, dJ = base.value_and_gradient(outputs, ids)
    assert F.any() and value == pytest.approx(F.mean() - J, rel=1e-13)
    np.testing.assert_allclose(dOutputs, dF / 8 - dJ, rtol=1e-12, atol=1e-15)


def test_the_class_of_tied_targets_is_the_first_in_every_backend():
    targets = np.array([[0.0, 0.5, 0.5], [0.4, 0.2, 0.4], [0.2, 0.2, 0.6]])
    np.testing.assert_array_equal(relax.class_of(targets), [1, 0, 2])
    function = getattr(cpu_rows.class_of, "py_func", cpu_rows.class_of)  # as it stands: Python may not call compiled parts
    assert [function(np.zeros(0, int), targets, n, SOFT_CROSS_ENTROPY) for n in range(3)] == [1, 0, 2]


def test_relaxloss_alternates():
    loss = RelaxLoss(CE, 0.3, 0.5)
    assert loss.in_epoch(0) is loss and loss.in_epoch(2) is loss
    odd = loss.in_epoch(1)
    assert odd == loss.in_epoch(7) and odd.in_epoch(0) is odd and odd.raw is CE
    assert loss.value(OUTPUTS, IDS) == Flooding(CE, 0.3).value(OUTPUTS, IDS)
    assert CE.in_epoch(1) is CE
    y = RNG.normal(size=(8, 3))
    with pytest.raises(ValueError, match=r"y: got real-valued targets for SquaredError\(\), accepted: class labels, which"):
        RelaxLoss(SquaredError(), 0.3).value(OUTPUTS, y)


def test_soft_ad_from_a_distance():
    """Far from the level it is instance flooding, at large losses too; the weight never exceeds 1/N."""
    losses = np.array([1e150, 1e8, 0.0])
    _, weights = SoftAD(CE, 1.0, scale=1e-3).weigh(losses[1:])
    np.testing.assert_allclose(weights, [0.5, -0.5], rtol=1e-6)
    assert np.abs(SoftAD(CE, 1.0).weigh(losses)[1]).max() <= 1 / 3
    # the value without cancellation: d²/2s for a distance far below the scale
    assert SoftAD(Outputs(), 1.0, scale=1e6).weigh(np.array([1.001]))[0] - 1 == pytest.approx(5e-13, rel=1e-3, abs=0)


def test_float32_losses_are_compared_with_the_level_in_float64():
    # The nearest float32 of 0.1 lies above it, and rounding the level as well would call the two equal.
    outputs = np.full((1, 1), 0.1, dtype=np.float32)
    for loss in (Flooding(Outputs(), 0.1), InstanceFlooding(Outputs(), 0.1), AdaFlooding(Outputs(), [0.1])):
        assert loss.value_and_gradient(outputs, [0])[1] == 1
    distance = float(np.float32(0.1)) - 0.1
    assert SoftAD(Outputs(), 0.1, 1e-8).value_and_gradient(outputs, [0])[1] == pytest.approx(
        distance / np.hypot(1e-8, distance), rel=1e-6)


@pytest.mark.parametrize("kind", FAMILY)
def test_a_diverged_network_stays_visible(kind):
    losses = LOSSES.copy()
    losses[3] = np.nan
    loss = FAMILY[kind](CE)
    assert np.isnan(loss.weigh(losses)[0])
    assert math.isnan(rows.flood_weight(rows.FLOODS[loss.flood], math.nan, math.nan, 0.5, 1.0))


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: InstanceFlooding(3, 0.1), TypeError, "base: got 3, accepted: a loss, as in"),
    (lambda: SoftAD(Flooding(CE, 0.1), 0.1), ValueError, r"base: got .*, accepted: a loss that is not flooded"),
    (lambda: RelaxLoss(InstanceFlooding(CE, 0.1), 0.1), ValueError, r"base: got .*, accepted: a loss that is not flooded"),
    (lambda: InstanceFlooding(CE, -1), ValueError, "level: got -1, accepted: a finite number >= 0"),
    (lambda: SoftAD(CE, 0.1, 0), ValueError, "scale: got 0, accepted: a finite number > 0 whose square does not"),
    (lambda: SoftAD(CE, 0.1, "1"), TypeError, r"scale: got '1' \(str\), accepted: a real number"),
    (lambda: SoftAD(CE, 0.1, 1e-200), ValueError, "scale: got 1e-200, accepted: a finite number > 0 whose square does"),
    (lambda: RelaxLoss(CE, 0.1, 1.5), ValueError, r"upper: got 1\.5, accepted: a number in \(0, 1\]"),
    (lambda: RelaxLoss(CE, 0.1, 0), ValueError, "upper: got 0, accepted: a finite number > 0 whose square does not"),
    (lambda: AdaFlooding(CE, []), ValueError, r"levels: got shape \(0,\), accepted: \(N,\), one level for each sample"),
    (lambda: AdaFlooding(CE, 0.1), ValueError, r"levels: got shape \(\), accepted: \(N,\), one level for each sample"),
    (lambda: AdaFlooding(CE, [0.1, -0.2]), ValueError, r"levels\[1\]: got -0\.2, accepted: finite numbers >= 0"),
    (lambda: AdaFlooding(CE, [np.nan, 1]), ValueError, r"levels\[0\]: got nan, accepted: finite numbers >= 0"),
    (lambda: AdaFlooding(CE, ["a"]), TypeError, "levels: got dtype <U1, accepted: real numbers"),
    (lambda: AdaFlooding(CE), TypeError, "levels"),
])
def test_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_repr():
    assert repr(SoftAD(CE, 0.3)) == "SoftAD(CrossEntropy(), level=0.3)"
    assert repr(SoftAD(CE, 0.3, 2)) == "SoftAD(CrossEntropy(), level=0.3, scale=2.0)"
    assert repr(RelaxLoss(CE, 1, 0.3)) == "RelaxLoss(CrossEntropy(), level=1.0, upper=0.3)"
    assert SoftAD(CE, 0.3) != SoftAD(CE, 0.3, 2) and InstanceFlooding(CE, 0.3) != Flooding(CE, 0.3)


def test_what_may_nest_is_flat_or_bounded():
    with pytest.raises(ValueError, match="flooded already"):
        Flooding(Flooding(CE, 0.1), 0.1)
    total = sum((L1(1e-4) + L2(1e-3) for _ in range(300)), L1(0.0))
    assert (total.l1, total.l2) == (pytest.approx(0.03), pytest.approx(0.3)) and repr(total).count("+") == 1
    loss = CE
    for _ in range(20):
        loss = ConfidencePenalty(loss, 0.01)
    assert loss.confidence == pytest.approx(0.2) and repr(loss) and pickle.loads(pickle.dumps(copy.deepcopy(loss))) == loss
    assert Flooding(loss, 0.1).value(OUTPUTS, IDS) == pytest.approx(
        Flooding(ConfidencePenalty(CE, 0.2), 0.1).value(OUTPUTS, IDS), rel=1e-12)
    with pytest.raises(ValueError, match="base: got 20 penalties, accepted: up to 20 around each other; use one, with"):
        ConfidencePenalty(loss, 0.01)
