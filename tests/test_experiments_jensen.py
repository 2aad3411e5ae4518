"""The gap of Jensen's inequality between flooding batches and flooding the whole set, and what its formula says."""
import numpy as np
import pytest

from experiments.report.batch_sizes import measured_gap, predicted_gap
from losses import CrossEntropy, Flooding, InstanceFlooding

SIZES = (1, 2, 5, 10, 25, 50, 100)
LOSSES = np.random.default_rng(4).exponential(0.3, 100)


@pytest.mark.parametrize("level", [0.05, 0.2, LOSSES.mean(), 0.5])
def test_never_negative_and_never_larger_with_larger_batches(level):
    gaps = np.array([measured_gap(LOSSES, level, size) for size in SIZES])
    assert (gaps >= 0).all() and gaps[-1] == 0
    assert (np.diff(gaps) <= 1e-3 * gaps[0]).all()  # of the mean over all orders it is exact


def test_by_definition():
    """One sample a batch is flooding of samples; two halves by hand; the objective is that of the losses."""
    samples, whole = InstanceFlooding(CrossEntropy(), 0.2).weigh(LOSSES)[0], Flooding(CrossEntropy(), 0.2).weigh(LOSSES)[0]
    assert measured_gap(LOSSES, 0.2, 1) == pytest.approx(samples - whole, rel=1e-12)
    # 0, 1, 2, 9 in pairs: of the three ways (0 1)(2 9) gives means 0.5 and 5.5, (0 2)(1 9) 1 and 5, (0 9)(1 2) 4.5 and 1.5;
    # their mean is 3, and so from 2: (1.5 + 3.5)/2 - 1, (1 + 3)/2 - 1, (0.5 + 2.5)/2 - 1.
    assert measured_gap([0, 1, 2, 9], 2, 2, draws=4000) == pytest.approx((1.5 + 1 + 0.5) / 3, rel=0.03)


def test_none_where_all_batches_lie_on_one_side():
    assert measured_gap(LOSSES, 3.0, 10) == 0 == measured_gap(1 + LOSSES, 0.5, 1)
    assert predicted_gap(LOSSES, 30.0, 10) < 1e-100 and predicted_gap(np.full(100, 0.3), 0.2, 10) == 0
    assert predicted_gap(LOSSES, 0.2, 100) == 0 == predicted_gap([0.4], 0.2, 1)


@pytest.mark.parametrize("batch_size", [1, 5, 20, 50])
@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0])
def test_formula_is_that_of_a_normal_mean(batch_size, apart):
    """Normal losses, and their means drawn without replacement; at the level it is s·√(2/π), in whatever size."""
    losses = np.random.default_rng(1).normal(2.0, 0.5, 2000)
    s = losses.std() * np.sqrt((2000 - batch_size) / 1999 / batch_size)
    level = losses.mean() + apart * s
    predicted = predicted_gap(losses, level, batch_size)
    assert predicted == pytest.approx(measured_gap(losses, level, batch_size, draws=4000), rel=0.03)
    assert predicted == pytest.approx(predicted_gap(losses, 2 * losses.mean() - level, batch_size))
    if apart == 0:
        assert predicted == pytest.approx(s * np.sqrt(2 / np.pi))


@pytest.mark.parametrize("batch_size", [1, 25])
def test_few_samples_vary_less_without_replacement(batch_size):
    """With half of the samples in a batch the means are nearer to each other than independent ones: by √(N - B)/√(N - 1)."""
    losses = np.random.default_rng(2).normal(1.0, 0.2, 50)
    found = np.mean([measured_gap(losses, losses.mean(), batch_size, draws=4000)])
    assert predicted_gap(losses, losses.mean(), batch_size) == pytest.approx(found, rel=0.06)


@pytest.mark.parametrize("batch_size", [0, 30, 101])
def test_unequal_batches_are_refused(batch_size):
    with pytest.raises(ValueError, match=f"^batch_size: got {batch_size}, accepted: a divisor of the 100 samples"):
        measured_gap(LOSSES, 0.2, batch_size)
