"""Embedded and generated data: exact flips, honest splits, figures that closed forms confirm."""
import gzip
import hashlib
from importlib import resources

import numpy as np
import pytest

from experiments.data import (
    breast_cancer,
    digits,
    fashion_mnist,
    flip_labels,
    iris,
    k_fold,
    sinusoid,
    spiral,
    stratified_split,
    two_gaussians,
    two_gaussians_bayes,
    wine,
    words,
)


def test_digits_file_is_scikit_learns():
    packed = resources.files("experiments.data").joinpath("digits.csv.gz").read_bytes()
    assert hashlib.sha256(packed).hexdigest() == "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
    assert len(gzip.decompress(packed).splitlines()) == 1797


def test_digits_equal_scikit_learns_loader():
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    x, y = sklearn_datasets.load_digits(return_X_y=True)
    data = digits(500, 500)
    ours = np.concatenate([np.column_stack([part.x * 16, part.y]) for part in (data.train, data.validation, data.test)])
    theirs = np.column_stack([x, y])
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, theirs.tolist()))  # disjoint parts, nothing lost


def test_digits_shapes_and_documents():
    data = digits(300, 200, seed=3)
    assert [part.x.shape for part in (data.train, data.validation, data.test)] == [(300, 64), (200, 64), (1297, 64)]
    assert data.train.x.dtype == np.float32 and data.train.y.dtype == np.int64
    assert data.train.x.min() == 0 and data.train.x.max() == 1
    assert data.classes == tuple("0123456789") and "BSD" in data.licence and "Alpaydin" in data.source
    licence = resources.files("experiments.data").joinpath("scikit_learn_LICENSE.txt").read_text("utf-8")
    assert licence.count("BSD 3-Clause") == 1 and "digits.csv.gz" in licence


def test_digits_are_stratified_and_seeded():
    data, again, other = digits(300, 300, seed=1), digits(300, 300, seed=1), digits(300, 300, seed=2)
    shares = np.bincount(np.concatenate([data.train.y, data.validation.y, data.test.y])) / 1797
    for part in (data.train, data.validation):
        assert np.abs(np.bincount(part.y, minlength=10) - 300 * shares).max() <= 2
    assert np.array_equal(data.train.x, again.train.x) and not np.array_equal(data.train.x, other.train.x)


def test_digits_noise_keeps_the_images_and_the_clean_labels():
    clean, noisy = digits(seed=4), digits(noise=0.1, seed=4)
    for a, b in ((clean.train, noisy.train), (clean.validation, noisy.validation), (clean.test, noisy.test)):
        assert np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y_clean) and np.array_equal(a.y, a.y_clean)
        assert np.sum(b.y != b.y_clean) == int(len(b) * 0.1)


def test_digits_test_size_does_not_change_training_labels():
    assert np.array_equal(digits(noise=0.1, test=50).train.y, digits(noise=0.1).train.y)


def test_digits_refuse_more_than_there_is():
    with pytest.raises(ValueError, match="train, validation and test: got 1000, 800 and None, accepted: at most 1797 "):
        digits(1000, 800)


@pytest.mark.parametrize("size", [300.5, "300"])
def test_sizes_are_whole_numbers(size):
    with pytest.raises(TypeError, match=r"train: got .*300.*, accepted: an integer"):
        digits(size, 300, 300)


@pytest.mark.parametrize("fraction, count", [(0, 0), (0.01, 2), (0.1, 20), (0.29, 58), (1, 200)])
@pytest.mark.parametrize("classes", [2, 10])
def test_flips_are_an_exact_count_of_other_classes(fraction, count, classes):
    y = np.arange(200) % classes
    flipped = flip_labels(y, fraction, classes, np.random.default_rng(0))
    assert np.sum(flipped != y) == count
    assert flipped.min() >= 0 and flipped.max() < classes
    assert np.array_equal(y, np.arange(200) % classes)  # the argument is left alone


def test_flips_reach_every_other_class_evenly():
    flipped = flip_labels(np.zeros(9000, int), 1.0, 10, np.random.default_rng(0))
    counts = np.bincount(flipped, minlength=10)
    assert counts[0] == 0 and np.abs(counts[1:] - 1000).max() < 120  # 4 standard deviations of a binomial


@pytest.mark.parametrize("arguments, message", [
    (([0, 1], 1.5, 2), r"fraction: got 1.5, accepted: a number from 0 to 1"),
    (([0, 1], float("nan"), 2), r"fraction: got nan"),
    (([0, 0], 0.5, 1), r"classes: got 1, accepted"),
    (([0, 2], 0.5, 2), "got values from 0 to 2, accepted: class ids from 0 to 1"),
    (([[0], [1]], 0.5, 2), r"shape \(2, 1\)")])
def test_flips_refuse_nonsense(arguments, message):
    with pytest.raises(ValueError, match=message):
        flip_labels(*arguments, np.random.default_rng(0))


@pytest.mark.parametrize("y", [[0.9, 1.7, 0.2], [0.0, 1.0], ["a", "b"], np.ma.array([0, 1], mask=[True, False])], ids=repr)
def test_measurements_are_not_made_into_classes(y):
    for split in (lambda: flip_labels(y, 0.5, 2, np.random.default_rng(0)),
                  lambda: stratified_split(y, (1, 1), np.random.default_rng(0)), lambda: k_fold(y, 2)):
        with pytest.raises(TypeError, match=r"y: got (dtype .*integer class ids|1 masked entries)"):
            split()


@pytest.mark.parametrize("load, samples", [
    (digits, 1797), (iris, 150), (wine, 178), (breast_cancer, 569), (fashion_mnist, 500), (words, 4500)],
    ids=lambda value: getattr(value, "__name__", None))
def test_the_whole_set_can_be_trained_on(load, samples, monkeypatch):
    monkeypatch.delenv("AFTERZERO_DATA", raising=False)
    data = load(train=None if load is fashion_mnist else samples, validation=0, test=0)
    assert len(data.validation) == len(data.test) == 0 and data.validation.x.shape[1:] == data.train.x.shape[1:]
    assert len(data.train) >= samples
    with pytest.raises(ValueError, match=r"^validation: got -1, accepted: an integer of at least 0"):
        load(train=1, validation=-1, test=1)
    with pytest.raises(ValueError, match=r"^train: got 0, accepted: an integer of at least 1"):
        load(train=0, validation=1, test=1)


@pytest.mark.parametrize("make", [two_gaussians, sinusoid, spiral], ids=lambda make: make.__name__)
def test_generated_sets_need_no_validation(make):
    data, usual = make(10, 0, 0), make(10, 5, 5)
    assert len(data.validation) == len(data.test) == 0 and np.array_equal(data.train.x, usual.train.x)


def test_stratified_split_is_a_partition():
    y = np.random.default_rng(0).choice(3, 100, p=[0.6, 0.3, 0.1])
    parts = stratified_split(y, (50, 30, 20), np.random.default_rng(1))
    assert sorted(np.concatenate(parts)) == list(range(100))
    for part in parts:
        assert np.abs(np.bincount(y[part], minlength=3) - len(part) * np.bincount(y) / 100).max() <= 2


def test_two_gaussians_protocol():
    data = two_gaussians(100, 100, 5000, noise=0.1, seed=0)
    assert [part.x.shape for part in (data.train, data.validation, data.test)] == [(200, 10), (200, 10), (10_000, 10)]
    assert data.train.x.dtype == np.float32 and data.train.y.dtype == np.int64 and len(data.classes) == 2
    for part in (data.train, data.validation, data.test):
        assert np.sum(part.y != part.y_clean) == int(len(part) * 0.1)
        assert np.sum(part.y_clean) == len(part) // 2
    for label, mean in ((0, 0.0), (1, 1.0)):
        x = data.test.x[data.test.y_clean == label]
        assert np.abs(x.mean(axis=0) - mean).max() < 0.06 and np.abs(np.cov(x.T) - np.eye(10)).max() < 0.08


def test_two_gaussians_parts_are_independent_draws():
    small, large = two_gaussians(10, 10, 10, seed=5), two_gaussians(10, 10, 500, seed=5)
    assert np.array_equal(small.train.x, large.train.x) and np.array_equal(small.validation.y, large.validation.y)
    assert not np.array_equal(small.train.x, small.validation.x)
    assert not np.array_equal(small.train.x, two_gaussians(10, 10, 10, seed=6).train.x)


@pytest.mark.parametrize("argument", ["train", "dimensions"])
def test_two_gaussians_refuse_empty_parts(argument):
    with pytest.raises(ValueError, match=f"{argument}: got 0, accepted"):
        two_gaussians(**{argument: 0})


@pytest.mark.parametrize("distance", [float("nan"), float("inf")])
def test_two_gaussians_refuse_a_distance_without_end(distance):
    with pytest.raises(ValueError, match=r"distance: got .*, accepted: a finite number"):
        two_gaussians(distance=distance)


# reference/flooding.md, section 2.3
@pytest.mark.parametrize("noise, accuracy, cross_entropy",
                         [(0.01, 93.42, 0.181), (0.05, 89.88, 0.290), (0.10, 85.45, 0.391)])
def test_bayes_figures_are_the_published_ones(noise, accuracy, cross_entropy):
    bayes = two_gaussians_bayes(noise=noise)
    assert round(100 * bayes.clean_error, 2) == 5.69
    assert abs(100 * (1 - bayes.noisy_error) - accuracy) < 0.006
    assert round(bayes.cross_entropy, 3) == cross_entropy


def test_bayes_cross_entropy_without_noise():
    assert abs(two_gaussians_bayes(noise=0.0).cross_entropy - 0.143) < 1e-3


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_bayes_figures_by_monte_carlo(noise):
    test = two_gaussians(1, 1, 200_000, noise=noise, seed=7).test
    logit = test.x.astype(float).sum(axis=1) - 5  # m = 1, d = 10: log of the ratio of the two densities
    p = 1 / (1 + np.exp(-logit))
    q = (1 - noise) * p + noise * (1 - p)
    losses = -np.log(np.where(test.y == 1, q, 1 - q))
    bayes = two_gaussians_bayes(noise=noise)
    n = len(test)
    assert abs(np.mean((logit > 0) != test.y_clean) - bayes.clean_error) < 4 * np.sqrt(0.057 * 0.943 / n)
    assert abs(np.mean((logit > 0) != test.y) - bayes.noisy_error) < 4 * np.sqrt(0.15 * 0.85 / n)
    assert abs(losses.mean() - bayes.cross_entropy) < 4 * losses.std() / np.sqrt(n)


def test_bayes_figures_of_far_apart_gaussians_do_not_overflow():
    bayes = two_gaussians_bayes(distance=1000.0, noise=0.1)
    assert bayes.clean_error == 0 and abs(bayes.cross_entropy - -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))) < 1e-6
