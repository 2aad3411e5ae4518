"""Weights of samples and classes: J = Σ w l / Σ w, then flooded; class weights go by the target before smoothing."""
import copy
import functools
import pickle

import numpy as np
import pytest

from losses import ConfidencePenalty, CrossEntropy, Flooding, Loss, RelaxLoss, SquaredError
from losses.weights import row_weights
from tests.losses_and_floods import FLOODS, K, bases, walk
from tests.numerical import complex_step, relative_error

RNG = np.random.default_rng(5)
N = 12
O = RNG.normal(size=(N, K))
Y = RNG.integers(K, size=N)
TIMES = RNG.integers(0, 4, size=N)
C = [1.0, 0.25, 5.0]
LEVELS = RNG.uniform(0, 2, size=N)
BASES = bases(Y)
FLOODED = {name: functools.partial(flood, level=9.0 if name == "relaxed" else 0.8) for name, flood in FLOODS.items()}
FLOODED["above"] = functools.partial(FLOODS["batch"], level=9.0)


@pytest.mark.parametrize(("base", "flood"), walk(BASES, FLOODED))
def test_a_weight_is_so_many_copies_of_the_sample(base, flood):
    loss, y, k = BASES[base]
    value, dO = FLOODED[flood](loss, levels=LEVELS).value_and_gradient(O[:, :k], y, sample_weight=TIMES)
    copies = np.repeat(np.arange(N), TIMES)
    often = FLOODED[flood](loss, levels=LEVELS[copies])
    expected, parts = often.value_and_gradient(O[copies, :k], y[copies])
    together = np.zeros((N, k))
    np.add.at(together, copies, parts)
    assert value == pytest.approx(expected, rel=1e-14)
    assert relative_error(dO, together) <= 1e-14 and not dO[TIMES == 0].any()


@pytest.mark.parametrize(("base", "flood"), walk(BASES, FLOODED))
def test_gradient_by_the_complex_step(base, flood):
    loss, y, k = BASES[base]
    loss, w = FLOODED[flood](loss, levels=LEVELS), RNG.uniform(0.1, 3, N)
    _, dO = loss.value_and_gradient(O[:, :k], y, sample_weight=w)
    assert relative_error(dO, complex_step(lambda o: loss.value(o, y, sample_weight=w), O[:, :k])) <= 1e-13


@pytest.mark.parametrize("s", [0.0, 0.3])
@pytest.mark.parametrize("wrap", [lambda loss: loss, lambda loss: Flooding(loss, 0.5), lambda loss: RelaxLoss(loss, 0.5),
                                  lambda loss: ConfidencePenalty(loss, 0.1)])
def test_class_weights_go_by_the_target_before_smoothing(s, wrap):
    loss, plain, w = wrap(CrossEntropy(s, class_weight=C)), wrap(CrossEntropy(s)), np.array(C)[Y]
    soft = RNG.dirichlet(np.ones(K), N)
    for y, weights in ((Y, w), (np.eye(K)[Y], w), (soft, soft @ C)):
        for own in (np.ones(N), np.arange(N)):
            found = loss.value_and_gradient(O, y, sample_weight=own)
            expected = plain.value_and_gradient(O, y, sample_weight=weights * own)
            assert found[0] == pytest.approx(expected[0], rel=1e-14) and relative_error(found[1], expected[1]) <= 1e-14
        np.testing.assert_array_equal(loss.per_sample(O, y), plain.per_sample(O, y))  # raw
        assert loss.value(O, y) == pytest.approx(plain.value(O, y, sample_weight=weights), rel=1e-14)


def test_a_class_of_weight_0_counts_nothing_exactly():
    loss = CrossEntropy(0.1, class_weight=[0, 1, 1])
    for y in (Y, np.eye(K)[Y]):
        assert not loss.value_and_gradient(O, y)[1][Y == 0].any()


def test_only_ratios_matter_and_nothing_overflows():
    w = RNG.uniform(0.1, 3, N)
    loss = CrossEntropy(class_weight=C)
    expected = loss.value(O, Y, sample_weight=w)
    for factor in (1e-300, 1e300):
        huge = CrossEntropy(class_weight=np.array(C) * factor)
        assert huge.value(O, Y, sample_weight=w * factor) == pytest.approx(expected, rel=1e-14)
    assert row_weights(CrossEntropy(), Y) is None
    np.testing.assert_array_equal(row_weights(CrossEntropy(), Y, np.full(N, 7)), np.ones(N))


def test_a_batch_without_weight_has_no_gradient():
    for flood in FLOODED.values():
        for loss, y, k in (BASES["ce"], BASES["binary"]):
            objective, losses, slopes, dO = flood(loss, levels=LEVELS).objective(O[:, :k], loss.prepare(y, N, k),
                                                                          weights=np.zeros(N))
            assert np.isfinite(objective) and losses.all() and not slopes.any() and not dO.any()


def test_the_loss_is_a_value():
    loss = CrossEntropy(class_weight=np.array(C))
    assert repr(loss) == "CrossEntropy(class_weight=(1.0, 0.25, 5.0))"
    assert loss == CrossEntropy(class_weight=C) == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss)
    assert hash(loss) == hash(CrossEntropy(class_weight=C)) and loss != CrossEntropy()


@pytest.mark.parametrize(("weights", "message"), [
    (np.ones(N - 1), r"sample_weight: got shape \(11,\), accepted: \(12,\)"),
    (np.ones((N, 1)), r"sample_weight: got shape \(12, 1\)"),
    (2.0, r"sample_weight: got shape \(\)"), ([], r"got shape \(0,\)"),
    (np.zeros(N), "got 12 weights that are all 0, accepted: at least one above 0"),
    (np.where(np.arange(N) == 3, -1, 1), r"sample_weight\[3\]: got -1.0, accepted: finite numbers >= 0"),
    (np.where(np.arange(N) == 4, np.nan, 1), r"sample_weight\[4\]: got nan"), (np.full(N, np.inf), "got inf"),
    (["a"] * N, "sample_weight: got dtype"), (np.ones(N) * 1j, "sample_weight: got dtype complex"),
    ({0: 1}, "sample_weight: got a dict"), (np.ma.masked_equal(np.arange(N), 3), "1 masked entries")])
def test_wrong_weights_are_refused(weights, message):
    with pytest.raises((TypeError, ValueError), match=message):
        CrossEntropy().value(O, Y, sample_weight=weights)


@pytest.mark.parametrize(("weights", "message"), [
    ([1.0, 2.0], r"class_weight: got shape \(2,\), accepted: \(3,\), one weight for each output"),
    ([1, -1, 1], r"class_weight\[1\]: got -1.0"), ([0, 0, 0], "all 0"), ({0: 1, 1: 2}, "class_weight: got a dict"),
    ("balanced", "class_weight: got dtype"), ([[1, 2, 3]], r"accepted: \(K,\), one weight for each class"),
    ([1, np.nan, 1], "got nan")])
def test_wrong_class_weights_are_refused(weights, message):
    with pytest.raises((TypeError, ValueError), match=message):
        CrossEntropy(class_weight=weights).value(O, Y)
    with pytest.raises(ValueError, match="sample_weight and class_weight: got weights that are all 0 for these 12 samples"):
        CrossEntropy(class_weight=[1, 0, 0]).value(O, np.ones(N, int))


def test_users_losses():
    class Plain(SquaredError):
        def weigh(self, losses, *, indices=None):
            return super().weigh(losses, indices=indices)

    class Weighing(Loss):
        def rows(self, outputs, y):
            return ((outputs - y) ** 2).sum(axis=1), 2 * (outputs - y)

    for loss in (Plain(), Flooding(Plain(), 0.5)):
        assert loss.value(O, O + 1) == 3
        with pytest.raises(TypeError, match=r"Plain.weigh, which takes none, accepted: .*weights=None"):
            loss.value(O, O + 1, sample_weight=np.ones(N))
    assert Weighing().value(O, O + 2 * np.eye(N, 1), sample_weight=np.arange(N) == 0) == pytest.approx(12)
