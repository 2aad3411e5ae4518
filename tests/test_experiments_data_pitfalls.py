"""Data with planted faults: each is where it is said to be and nowhere else, and leaks are found."""
import numpy as np
import pytest

from experiments.data.leakage import leakage_report
from experiments.data.pitfalls import FAULTS, INPUTS, PITFALLS, far_apart, inputs_of, random_rows, tumours
from experiments.trainers.data_sets import SETS, load_data
from experiments.trainers.description import describe

SIZES = (280, 140)


@pytest.mark.parametrize("name", PITFALLS)
def test_each_can_be_described_and_has_the_shape_that_is_said(name):
    data = load_data(describe(experiment="", seed=3, data=name, train=20, validation=10, test=30).data, 3)
    for part, size in ((data.train, 20), (data.validation, 10), (data.test, 30)):
        assert part.x.shape == (size, SETS[name].inputs) == (size, inputs_of(name))
        assert part.x.dtype == np.float32 and np.isfinite(part.x).all() and set(part.y) <= {0, 1}
    other = PITFALLS[name](20, 10, 30, seed=4)
    assert not np.array_equal(data.train.x, other.train.x)
    np.testing.assert_array_equal(PITFALLS[name](20, 10, 30, seed=3).validation.x, data.validation.x)


def test_random_rows_have_nothing_to_learn():
    data = random_rows(20_000, 1, seed=1)
    assert data.test.x.shape == (1000, INPUTS) and abs(data.train.y.mean() - 0.5) < 0.02  # 5.7 standard deviations
    correlations = np.corrcoef(data.train.x.T, data.train.y)[-1, :-1]
    assert np.abs(correlations).max() < 0.04 and data.train.x.min() >= 0 and data.train.x.max() < 1
    np.testing.assert_array_equal(random_rows(10, 5, seed=1).test.y, data.test.y)
    with pytest.raises(ValueError, match=r"noise: got 0\.1, accepted: 0 "):
        random_rows(10, 5, noise=0.1)


def test_classes_far_apart_are_told_by_the_mean():
    data = far_apart(2000, 10, seed=2)
    assert np.mean((data.train.x.mean(axis=1) > 1.5) != data.train.y) < 1e-3


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(2))
def test_the_report_finds_leaks(fault, seed):
    data = tumours(fault, *SIZES, seed=seed)
    report = leakage_report(data.train, data.validation)
    assert report.features.tolist() == {"label_column": [30], "missing_by_class": [0]}.get(fault, [])
    assert len(report.duplicates) == (70 if fault == "duplicates" else 0)
    # Columns stretched by outliers are small everywhere else: the report calls rows near duplicates that are not.
    assert bool(len(report.near_duplicates)) == (fault == "outliers")
    if fault in ("scaled", "unscaled", "missing_mean", "label_column", "duplicates", "outliers_clipped"):
        assert leakage_report(data.train, data.test).clean


def test_the_test_set_has_no_fault():
    plain = tumours("unscaled", *SIZES, seed=1)
    for fault in FAULTS:
        data = tumours(fault, *SIZES, noise=0.2, seed=1)
        np.testing.assert_array_equal(data.test.y_clean, plain.test.y)
        if fault != "outliers_clipped":
            # Up to the scale of a column, those of the table.
            for column in range(30):
                assert abs(np.corrcoef(data.test.x[:, column], plain.test.x[:, column])[0, 1]) > 0.9999


def test_faults_are_in_training_and_validation():
    plain = tumours("scaled", *SIZES, seed=1)
    assert np.abs(plain.train.x.mean(axis=0)).max() < 1e-4
    label = tumours("label_column", *SIZES, seed=1)
    for part in (label.train, label.validation):
        assert np.abs(np.corrcoef(part.x[:, 30], part.y)[0, 1]) > 0.9999
    assert np.abs(label.test.x[:, 30]).max() < 1e-6
    filled = tumours("missing_sentinel", *SIZES, seed=1)
    for part in (filled.train, filled.validation):
        assert abs(np.mean(part.x == filled.train.x.min(axis=0)) - 0.2) < 0.02
    outliers = tumours("outliers", *SIZES, seed=1)
    for part in (outliers.train, outliers.validation):
        assert abs(np.mean(np.abs(part.x) > 4) - 0.01) < 0.004
