"""Sinusoid and Spiral: protocols as published, their traps avoided, and the best possible figures confirmed by samples."""
import numpy as np
import pytest

from experiments.data import sinusoid, sinusoid_bayes, spiral, spiral_bayes
from experiments.data.sinusoid import VARIANTS, sinusoid_side
from losses import bayes


def parts(data):
    return data.train, data.validation, data.test


def spiral_posterior(x, tau, points=4000):
    """Probability of class 1 at x (N, 2), by the midpoint rule over both arms: slow, and nothing like `spiral_bayes`."""
    a = (np.arange(points) + 0.5) / points * 4 * np.pi
    densities = []
    for radius in (a + np.pi, a):
        arm = np.stack([radius * np.cos(a), radius * np.sin(a)], axis=1)
        densities.append(np.array([np.exp(-((row - arm) ** 2).sum(axis=1) / (2 * tau**2)).mean() for row in x]))
    return densities[1] / (densities[0] + densities[1])


# --- both ---

@pytest.mark.parametrize("make, sizes", [(sinusoid, (100, 50, 300)), (spiral, (200, 100, 600))])
def test_shapes_and_documents(make, sizes):
    data = make(100, 50, 300, noise=0.1)
    assert [part.x.shape for part in parts(data)] == [(size, 2) for size in sizes]
    for part in parts(data):
        assert part.x.dtype == np.float32 and part.y.dtype == part.y_clean.dtype == np.int64 and part.lengths is None
    assert len(data.classes) == 2 and "2002.08709" in data.source and data.licence == "none needed" and data.note == ""


@pytest.mark.parametrize("make", [sinusoid, spiral])
@pytest.mark.parametrize("noise, per_200", [(0.0, 0), (0.01, 2), (0.05, 10), (0.1, 20), (1.0, 200)])
def test_a_share_is_flipped_in_every_part_and_clean_copies_are_kept(make, noise, per_200):
    """The published generators flipped one label, whatever the share."""
    size = 200 if make is sinusoid else 100
    noisy, clean = make(size, size, size, noise=noise, seed=3), make(size, size, size, noise=0.0, seed=3)
    flips = []
    for part, original in zip(parts(noisy), parts(clean), strict=True):
        flips.append(np.flatnonzero(part.y != part.y_clean))
        assert len(flips[-1]) == per_200
        assert np.array_equal(part.x, original.x) and np.array_equal(part.y_clean, original.y)
    if 0 < noise < 1:
        assert not np.array_equal(flips[0], flips[1])  # drawn for each part anew


@pytest.mark.parametrize("make", [sinusoid, spiral])
def test_parts_are_independent_and_seeded(make):
    small, large, other = make(20, 20, 20, seed=5), make(20, 20, 500, seed=5), make(20, 20, 20, seed=6)
    assert np.array_equal(small.train.x, large.train.x) and np.array_equal(small.validation.y, large.validation.y)
    assert not np.array_equal(small.train.x, small.validation.x) and not np.array_equal(small.train.x, other.train.x)


@pytest.mark.parametrize("make", [sinusoid, spiral])
@pytest.mark.parametrize("arguments, error, message", [
    ({"train": 0}, ValueError, "train: got 0, accepted: an integer of at least 1"),
    ({"validation": -1}, ValueError, "validation: got -1"),
    ({"test": 2.5}, TypeError, "test: got 2.5, accepted: an integer"),
    ({"noise": 1.5}, ValueError, "1.5, accepted: a number from 0 to 1")])
def test_refusals(make, arguments, error, message):
    with pytest.raises(error, match=message):
        make(**arguments)


# --- sinusoid ---

def test_sinusoid_inputs_have_the_published_distributions():
    x = sinusoid(1, 1, 40_000, variant="gaussian").test.x
    assert np.abs(x.mean(axis=0)).max() < 0.02 and np.abs(np.cov(x.T) - np.eye(2)).max() < 0.03
    x = sinusoid(1, 1, 40_000, variant="wide", dimensions=4).test.x
    assert x.shape == (40_000, 4) and np.abs(np.cov(x.T) - 4 * np.eye(4)).max() < 0.12
    radius = np.linalg.norm(sinusoid(1, 1, 40_000, variant="disc").test.x, axis=1)
    assert radius.max() <= 2
    for r in (0.5, 1.0, 1.5):  # uniform in the disc: P(|x| < r) = r²/4
        assert abs(np.mean(radius < r) - r**2 / 4) < 4 * np.sqrt(0.25 / 40_000)


@pytest.mark.parametrize("variant, formula", [
    ("gaussian", lambda a, b: a + b + np.sin(-a + b)), ("disc", lambda a, b: 1.5 * a + np.sin(1.5 * b)),
    ("wide", lambda a, b: a + np.sin(b))])
def test_sinusoid_labels_are_the_published_functions(variant, formula):
    part = sinusoid(1, 1, 4000, variant=variant).test
    a, b = part.x.astype(float).T
    assert np.array_equal(part.y_clean, formula(a, b) > 0)
    # f(-x) = -f(x), and x and -x are equally likely: half of the samples are in each class.
    assert abs(part.y_clean.mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
def test_sinusoid_bayes_figures_by_samples(variant, noise):
    part = sinusoid(1, 1, 20_000, variant=variant, noise=noise).test
    best = sinusoid_bayes(noise=noise)
    right = (sinusoid_side(part.x, variant) > 0) == part.y
    # The count of flips is exact, so the figures are, too, and not only within the error of sampling.
    assert best.clean_error == 0 and abs(np.mean(~right) - best.noisy_error) < 1e-12
    assert abs(-np.log(np.where(right, 1 - noise, noise)).mean() - best.cross_entropy) < 1e-12
    assert round(best.cross_entropy, 3) == {0.01: 0.056, 0.05: 0.199, 0.1: 0.325}[noise]


@pytest.mark.parametrize("arguments, message", [
    ({"variant": "square"}, "variant: got 'square', accepted: 'gaussian', 'disc', 'wide'"),
    ({"dimensions": 1}, "dimensions: got 1, accepted: an integer of at least 2"),
    ({"dimensions": 3}, "dimensions: got 3, accepted with variant 'gaussian': 2")])
def test_sinusoid_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        sinusoid(**arguments)


# --- spiral ---

def test_spiral_without_displacement_is_the_published_curve():
    part = spiral(50, 1, 1, tau=0.0, noise=0.0).train
    a = np.linspace(0, 4 * np.pi, 50)
    for label, radius in ((0, a + np.pi), (1, a)):
        expected = np.stack([radius * np.cos(a), radius * np.sin(a)], axis=1)
        assert np.abs(part.x[part.y == label] - expected).max() < 2e-6
    assert np.linalg.norm(part.x, axis=1).max() == pytest.approx(5 * np.pi)  # not scaled
    assert np.array_equal(part.y, np.repeat([0, 1], 50))


def test_spiral_displacements_are_normal():
    straight, bent = spiral(5000, 1, 1, tau=0.0).train.x, spiral(5000, 1, 1, tau=0.7).train.x
    steps = (bent - straight) / 0.7
    assert np.abs(steps.mean(axis=0)).max() < 0.05 and np.abs(np.cov(steps.T) - np.eye(2)).max() < 0.07
    assert abs(np.mean(np.abs(steps) < 1) - 0.6827) < 0.015


@pytest.mark.parametrize("tau", [1.0, 2.0])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_spiral_bayes_figures_by_samples(tau, noise):
    n = 3000
    part = spiral(1, 1, n, tau=tau, noise=noise, seed=1).test
    best = spiral_bayes(tau=tau, noise=noise)
    p = spiral_posterior(part.x.astype(float), tau, 1000)
    q = (1 - noise) * p + noise * (1 - p)
    losses = -np.log(np.where(part.y == 1, q, 1 - q))
    assert abs(np.mean((p > 0.5) != part.y_clean) - best.clean_error) < 4 * np.sqrt(best.clean_error / (2 * n))
    assert abs(np.mean((p > 0.5) != part.y) - best.noisy_error) < 4 * np.sqrt(best.noisy_error / (2 * n))
    assert abs(losses.mean() - best.cross_entropy) < 4 * losses.std() / np.sqrt(2 * n)


def test_spiral_bayes_figures_equal_those_of_a_mixture():
    """The Monte Carlo of `losses.bayes` knows nothing of grids or quadrature; its means stand at most 3.1 apart."""
    a = (np.arange(64) + 0.5) / 64 * 4 * np.pi
    means = np.concatenate([np.stack([r * np.cos(a), r * np.sin(a)], axis=1) for r in (a + np.pi, a)])
    mixture = bayes.gaussian_mixture(means, 16.0, classes=np.repeat([0, 1], 64), noise=0.1, samples=20_480)
    best = spiral_bayes(tau=4.0, noise=0.1)
    for name in ("clean_error", "noisy_error", "cross_entropy"):
        assert abs(getattr(best, name) - getattr(mixture, name)) < 4 * mixture.uncertainty, name


def test_spiral_bayes_figures_meet_their_limits():
    assert spiral_bayes(tau=0.0, noise=0.1).cross_entropy == bayes.flipped_labels(0.1).cross_entropy
    touching = spiral_bayes(tau=0.25, noise=0.0)
    assert 0 < touching.clean_error < 1e-7 and touching.cross_entropy < 1e-6  # continuous with the figures below 0.25
    clean = spiral_bayes(tau=1.0, noise=0.0)
    noisy = spiral_bayes(tau=1.0, noise=0.2)
    assert noisy.clean_error == clean.clean_error
    assert noisy.noisy_error == pytest.approx(0.2 + 0.6 * clean.clean_error, abs=1e-12)
    assert clean.uncertainty < 1e-4 and spiral_bayes(tau=2.0).clean_error > clean.clean_error


@pytest.mark.parametrize("call", [spiral, spiral_bayes])
@pytest.mark.parametrize("tau", [-1.0, float("nan"), float("inf")])
def test_spiral_refuses_a_bad_tau(call, tau):
    with pytest.raises(ValueError, match=r"tau: got .*, accepted: a finite number"):
        call(tau=tau)
