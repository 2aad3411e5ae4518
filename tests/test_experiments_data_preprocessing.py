"""Statistics of the training part alone; splits and folds that leak nothing. scikit-learn is the oracle where it has one."""
from dataclasses import replace

import numpy as np
import pytest

from experiments.data import (
    Clipping,
    Imputation,
    Split,
    Standardisation,
    grouped_split,
    k_fold,
    prepared,
    row_groups,
    two_gaussians,
    wine,
)

NAN = float("nan")


def table(seed=0, shape=(50, 4), missing=0.0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * [1, 10, 0.1, 3] + [0, 100, -5, 1]
    x[rng.random(shape) < missing] = np.nan
    return x


# --- standardise ---

def test_standardisation_is_scikit_learns():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    train, test = table(0), table(1)
    ours, theirs = Standardisation.of(train), preprocessing.StandardScaler().fit(train)
    assert np.allclose(ours.apply(test), theirs.transform(test), rtol=1e-12, atol=1e-12)
    assert np.allclose(ours.apply(train).mean(axis=0), 0, atol=1e-12) and np.allclose(ours.apply(train).std(axis=0), 1)


def test_standardisation_knows_the_training_rows_alone():
    train, test = table(0), table(1)
    alone = Standardisation.of(train).apply(test[:3])
    assert np.array_equal(Standardisation.of(train).apply(np.concatenate([test[:3], 1e6 * test[3:]]))[:3], alone)
    assert not np.allclose(Standardisation.of(np.concatenate([train, test])).apply(test[:3]), alone)  # the common mistake


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, -7.3e-9, 0.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_column_becomes_zero_and_is_named(value, dtype):
    """The mean of n times 0.1 is not 0.1: a deviation of 1e-17 would blow the column up."""
    x = table().astype(dtype)
    x[:, 1] = value
    step = Standardisation.of(x)
    assert step.constant.tolist() == [False, True, False, False] and step.scale[1] == 1
    assert np.array_equal(step.apply(x)[:, 1], np.zeros(50))
    other = x[:1].copy()
    other[0, 1] += 2
    assert step.apply(other)[0, 1] == pytest.approx(float(other[0, 1]) - float(x[0, 1]))


def test_float32_columns_with_a_large_mean_keep_their_digits():
    x = (np.random.default_rng(0).integers(0, 100, (10_000, 1)) + 1_000_000).astype(np.float32)
    scaled = Standardisation.of(x).apply(x)
    assert scaled.dtype == np.float32 and abs(float(scaled.astype(float).mean())) < 1e-6
    assert abs(float(scaled.astype(float).std()) - 1) < 1e-6


# --- impute ---

@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
def test_imputation_is_scikit_learns(strategy):
    impute = pytest.importorskip("sklearn.impute")
    train, test = np.round(table(0, missing=0.2)), np.round(table(1, missing=0.3))
    ours = Imputation.of(train, strategy)
    theirs = impute.SimpleImputer(strategy=strategy).fit(train)
    assert np.allclose(ours.apply(test), theirs.transform(test), rtol=1e-12)
    assert np.array_equal(ours.apply(test)[~np.isnan(test)], test[~np.isnan(test)])


def test_imputation_uses_training_values_for_other_parts():
    train, test = np.array([[1.0], [2.0], [NAN], [6.0]]), np.array([[NAN], [100.0]])
    assert Imputation.of(train).apply(test).tolist() == [[3.0], [100.0]]
    assert Imputation.of(train, "median").apply(test).tolist() == [[2.0], [100.0]]
    assert Imputation.of(np.array([[5.0], [3.0], [5.0], [3.0]]), "most_frequent").values == [3.0]  # the smaller of equals
    assert np.isnan(test[0, 0])  # the argument is left alone


# --- clip ---

def test_clipping_by_quantiles():
    train, test = table(0), table(1) * 3
    step = Clipping.of_quantiles(train, 0.05, 0.9)
    assert np.allclose([step.low, step.high], np.quantile(train, [0.05, 0.9], axis=0))
    assert np.array_equal(step.apply(test), np.clip(test, step.low, step.high))


def test_clipping_by_deviations():
    x = np.random.default_rng(0).standard_normal((20_000, 1))
    clean = Clipping.of_deviations(x, 4)
    assert clean.high[0] == pytest.approx(4, abs=0.1) and clean.low[0] == pytest.approx(-4, abs=0.1)
    x[:200] = 1e6
    spoilt = Clipping.of_deviations(x, 4)
    assert spoilt.high[0] == pytest.approx(4, abs=0.2)  # one outlier in a hundred hardly moves it
    assert spoilt.apply(x).max() == spoilt.high[0]


def test_clipping_leaves_rare_values_of_a_code_alone():
    """More than half zeros: the median absolute deviation is 0, and median ± 0 would make the column constant."""
    x = np.array([[0.0]] * 9 + [[1.0]])
    assert np.array_equal(Clipping.of_deviations(x, 3).apply(x), x)


def test_clipping_ignores_and_keeps_missing_values():
    x = np.array([[1.0], [2.0], [NAN], [3.0], [1000.0]])
    for step in (Clipping.of_quantiles(x, 0, 0.5), Clipping.of_deviations(x, 2)):
        assert np.isnan(step.apply(x)[2, 0]) and np.isfinite(step.high).all() and step.apply(x)[4, 0] < 1000


# --- all of them ---

STEPS = [Standardisation.of, Imputation.of, Clipping.of_quantiles, Clipping.of_deviations]


@pytest.mark.parametrize("make", STEPS)
@pytest.mark.parametrize("dtype, result", [(np.float32, np.float32), (np.float64, np.float64), (np.uint8, np.float64)])
def test_dtypes(make, dtype, result):
    x = np.arange(40).reshape(10, 4).astype(dtype)
    kept = x.copy()
    assert make(x).apply(x).dtype == result and make(x).apply(x[:2]).shape == (2, 4) and np.array_equal(x, kept)


@pytest.mark.parametrize("make", STEPS)
def test_refusals_of_all(make):
    step = make(table())
    for x, error, message in ((np.zeros((3, 5)), ValueError, r"x: got shape \(3, 5\), accepted: \(N, 4\)"),
                              (np.zeros(4), ValueError, r"x: got shape \(4,\)"),
                              (np.zeros((0, 4)), ValueError, "N at least 1"),
                              (np.full((2, 4), np.inf), ValueError, r"x\[0, 0\]: got inf, accepted: finite numbers"),
                              (np.full((2, 4), "a"), TypeError, "x: got dtype <U1, accepted: real numbers")):
        with pytest.raises(error, match=message):
            step.apply(x)
        if np.shape(x) != (3, 5):
            with pytest.raises(error):
                make(x)


@pytest.mark.parametrize("call, message", [
    (lambda: Standardisation.of([[1.0], [NAN]]), r"x\[1, 0\]: got nan, accepted: finite numbers \(impute missing"),
    (lambda: Imputation.of([[1.0, NAN], [2.0, NAN]]), "x: got no value in column 1"),
    (lambda: Clipping.of_quantiles([[NAN], [NAN]]), "x: got no value in column 0"),
    (lambda: Clipping.of_deviations([[NAN], [NAN]]), "x: got no value in column 0"),
    (lambda: Imputation.of([[1.0]], "mode"), "strategy: got 'mode', accepted: 'mean', 'median', 'most_frequent'"),
    (lambda: Clipping.of_quantiles([[1.0]], 0.9, 0.1), "low and high: got 0.9 and 0.1, accepted: 0 <= low < high <= 1"),
    (lambda: Clipping.of_quantiles([[1.0]], 0, NAN), "low and high"),
    (lambda: Clipping.of_deviations([[1.0]], 0), "k: got 0, accepted: a finite number above 0")])
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_prepared_makes_each_step_from_the_training_part_as_left_by_the_last():
    data = wine(seed=3)
    done = prepared(data, Clipping.of_quantiles, Standardisation.of)
    clip = Clipping.of_quantiles(data.train.x)
    scale = Standardisation.of(clip.apply(data.train.x))
    for name in ("train", "validation", "test"):
        before, after = getattr(data, name), getattr(done, name)
        assert np.array_equal(after.x, scale.apply(clip.apply(before.x))) and np.array_equal(after.y, before.y)
    assert done.name == data.name and done.train.x.dtype == np.float32


def test_prepared_leaves_a_part_without_samples():
    done = prepared(wine(100, 78, 0), Clipping.of_quantiles, Standardisation.of)
    assert done.test.x.shape == (0, 13) and abs(done.train.x.mean()) < 0.1


def test_prepared_does_not_see_the_test_part():
    data = two_gaussians(20, 20, 20)
    other = replace(data, test=replace(data.test, x=data.test.x * 1000 + 7))
    ours, theirs = prepared(data, Standardisation.of), prepared(other, Standardisation.of)
    assert np.array_equal(ours.train.x, theirs.train.x) and np.array_equal(ours.validation.x, theirs.validation.x)


# --- folds and groups ---

@pytest.mark.parametrize("folds", [2, 3, 5, 10])
def test_every_sample_is_held_out_once_and_folds_are_stratified(folds):
    y = np.random.default_rng(0).choice(3, 201, p=[0.6, 0.3, 0.1])
    pairs = k_fold(y, folds, seed=1)
    assert len(pairs) == folds
    assert np.array_equal(np.sort(np.concatenate([held for _, held in pairs])), np.arange(201))
    for train, held in pairs:
        assert np.array_equal(np.sort(np.concatenate([train, held])), np.arange(201))
    counts = np.array([np.bincount(y[held], minlength=3) for _, held in pairs])
    assert np.ptp(counts, axis=0).max() <= 1 and np.ptp(counts.sum(axis=1)) <= 1


def test_folds_follow_from_the_seed_and_are_shuffled():
    y = np.arange(100) % 2
    one, again, other = (np.stack([held for _, held in k_fold(y, seed=seed)]) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert np.ptp(np.diff(one[0])) > 0  # not every fifth


def test_groups_are_held_out_together():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 300)
    y = groups % 3
    pairs = k_fold(y, 5, seed=1, groups=groups)
    largest = np.bincount(groups).max()
    assert np.array_equal(np.sort(np.concatenate([held for _, held in pairs])), np.arange(300))
    for train, held in pairs:
        assert not set(groups[train]) & set(groups[held])
        assert abs(len(held) - 60) <= largest and np.abs(np.bincount(y[held], minlength=3) - 20).max() <= 2 * largest


def test_a_split_of_duplicated_rows_leaks_nothing():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 3))[rng.integers(0, 100, 400)]  # each row about four times
    y = (x[:, 0] > 0).astype(int)
    parts = grouped_split(y, row_groups(x), (200, 100, 100), rng)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(400))
    rows = [set(map(tuple, x[part].tolist())) for part in parts]
    assert not rows[0] & rows[1] and not rows[0] & rows[2] and not rows[1] & rows[2]
    assert np.abs(np.array([len(part) for part in parts]) - [200, 100, 100]).max() <= 12
    assert all(abs(y[part].mean() - y.mean()) < 0.1 for part in parts)


def test_a_grouped_split_may_leave_samples_over():
    y = np.zeros(40, int)
    parts = grouped_split(y, np.arange(40), (10, 5), np.random.default_rng(0))
    assert [len(part) for part in parts] == [10, 5] and not set(parts[0]) & set(parts[1])


def test_row_groups_compare_values():
    x = np.array([[0.0, 1.0], [-0.0, 1.0], [NAN, 1.0], [-NAN, 1.0], [1.0, 0.0], [0.0, 1.0]])
    assert row_groups(x).tolist() == [row_groups(x)[0]] * 2 + [row_groups(x)[2]] * 2 + [row_groups(x)[4], row_groups(x)[0]]
    assert sorted(set(row_groups(x))) == [0, 1, 2] and np.signbit(x[1, 0])  # the argument is left alone
    for dtype in (np.uint8, np.int64, np.float32, bool):
        assert len(set(row_groups(np.array([[0, 1], [1, 0], [0, 1]], dtype)))) == 2


@pytest.mark.parametrize("call, error, message", [
    (lambda: k_fold([0, 1] * 5, 1), ValueError, "folds: got 1, accepted: an integer of at least 2"),
    (lambda: k_fold([0, 1] * 5, 2.5), TypeError, "folds: got 2.5"),
    (lambda: k_fold([0, 0, 0, 0, 0, 7, 7], 3), ValueError, "folds: got 3, and class 7 has 2 samples, accepted: at most"),
    (lambda: k_fold([0.5, 1.0]), TypeError, "y: got dtype float64, accepted"),
    (lambda: k_fold([[0, 1]]), ValueError, r"y: got shape \(1, 2\)"),
    (lambda: k_fold([0, 1] * 5, 2, groups=[1, 2]), ValueError, r"groups: got shape \(2,\), accepted: \(10,\)"),
    (lambda: k_fold([0, 1] * 5, 2, groups=[1] * 10), ValueError, "parts large enough for groups of up to 10"),
    (lambda: grouped_split([0, 1], [0, 1], (2, 1), np.random.default_rng(0)), ValueError, "at most N = 2"),
    (lambda: grouped_split([0, 1], [0, 1], (), np.random.default_rng(0)), ValueError, r"sizes: got \[\]"),
    (lambda: row_groups(np.array([["a"]])), ValueError, "dtype <U1, accepted"),
    (lambda: row_groups(np.zeros((0, 2))), ValueError, r"shape \(0, 2\)")])
def test_folds_refuse_nonsense(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_split_keeps_its_other_fields():
    lengths = np.array([1, 2])
    part = Split(np.zeros((2, 3), np.float32), np.array([0, 1]), np.array([1, 1]), lengths)
    data = replace(two_gaussians(2, 2, 2), train=part, validation=part, test=part)
    assert prepared(data, Imputation.of).test.lengths is lengths


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-155, 1.0, 1e155, 1e200, 1e307])
def test_columns_of_any_scale_have_deviation_one(scale):
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2)) * [scale, 1.0] + [0.0, 5.0]
    step = Standardisation.of(x)
    assert np.allclose(step.apply(x).std(axis=0), 1, rtol=1e-9)
    assert np.allclose(step.apply(x).mean(axis=0), 0, atol=1e-9)
    other = Standardisation.of(np.column_stack([x[:, 1], x[:, 1]]))
    assert step.mean[1] == other.mean[1] and step.scale[1] == other.scale[1]  # nothing changes for the others


def test_what_is_too_far_out_is_refused_and_not_infinite():
    step = Standardisation.of(np.array([[0.0, 0.0], [1e-200, 1.0]]))
    with pytest.raises(ValueError, match=r"x\[0, 0\]: got 1e\+200, accepted: values near 5e-201"):
        step.apply([[1e200, 0.0]])
    with pytest.raises(ValueError, match=r"x\[0, 1\]: got 3\.0"):
        step.apply(np.array([[0.0, 3e38]], np.float32))


@pytest.mark.parametrize("make", STEPS)
def test_masked_entries_are_refused(make):
    with pytest.raises(TypeError, match="x: got 1 masked entries"):
        make(np.ma.array([[1.0], [2.0]], mask=[[True], [False]]))
