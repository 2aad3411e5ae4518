"""suggest_level against closed forms, levels_from_losses, and adaptive_levels, which trains networks."""
import math

import numpy as np
import pytest

from losses import AdaFlooding, CrossEntropy, SquaredError, levels_from_losses, suggest_level
from nn import MLP, RNN, SGD, adaptive_levels, fit

RNG = np.random.default_rng(16)


@pytest.mark.parametrize(("noise", "expected"), [(0.01, 0.056), (0.05, 0.199), (0.1, 0.325), (0.5, math.log(2)), (0, 0)])
def test_known_flips_of_two_classes(noise, expected):
    assert suggest_level(noise=noise, fraction=1) == pytest.approx(expected, abs=5e-4)
    assert suggest_level(noise=noise) == 0.8 * suggest_level(noise=noise, classes=2, fraction=1)


def test_known_flips_of_more_classes():
    for K in (2, 3, 10):
        channel = np.full(K, 0.3 / (K - 1))
        channel[0] = 0.7
        entropy = -(channel * np.log(channel)).sum()
        assert suggest_level(noise=0.3, classes=K, fraction=1) == pytest.approx(entropy, rel=1e-14)


def test_soft_labels():
    p = RNG.dirichlet([0.5, 1, 2], size=50)
    entropy = -(p * np.log(p)).sum(axis=1).mean()
    assert suggest_level(soft_labels=p, fraction=1) == pytest.approx(entropy, rel=1e-14)
    assert suggest_level(soft_labels=[[1.0, 0.0], [0.5, 0.5]], fraction=0.5) == pytest.approx(math.log(2) / 4, rel=1e-14)
    assert suggest_level(soft_labels=[1.0, 0.5], fraction=0.5) == pytest.approx(math.log(2) / 4, rel=1e-14)
    assert suggest_level(soft_labels=np.eye(3)) == 0


def test_under_the_bayes_cross_entropy_of_two_gaussians():
    """Labels of overlapping classes with flips: the channel alone is an estimate from below, the true posterior is exact."""
    s = RNG.normal(size=200_000) + np.sqrt(10) * (np.arange(200_000) % 2)
    p = 1 / (1 + np.exp(-(np.sqrt(10) * s - 5)))
    for noise, bayes in ((0.01, 0.181), (0.05, 0.290), (0.1, 0.391)):
        q = (1 - noise) * p + noise * (1 - p)
        assert suggest_level(soft_labels=q, fraction=1) == pytest.approx(bayes, abs=2e-3)
        assert suggest_level(noise=noise, fraction=1) < bayes


def test_never_above_the_held_out_loss():
    for loss in (0.0, 0.05, 0.3, 2.0):
        assert suggest_level(held_out_loss=loss, fraction=1) == loss >= suggest_level(held_out_loss=loss)
        together = suggest_level(held_out_loss=loss, noise=0.1, soft_labels=[0.5, 0.9], fraction=1)
        assert together <= loss and together <= suggest_level(noise=0.1, fraction=1)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({}, ValueError, "suggest_level: got nothing to estimate from, accepted: soft_labels, noise or"),
    ({"classes": 3}, ValueError, "classes: got 3 without noise"),
    ({"noise": 0.1, "classes": 1}, ValueError, "classes: got 1, accepted: an integer of at least 2"),
    ({"noise": 0.1, "classes": 2.5}, TypeError, r"classes: got 2\.5, accepted: an integer"),
    ({"noise": 1.0}, ValueError, r"noise: got 1\.0, accepted: a number in \[0, 1\)"),
    ({"noise": "0.1"}, TypeError, r"noise: got '0\.1' \(str\), accepted: a real number"),
    ({"held_out_loss": -1}, ValueError, "held_out_loss: got -1, accepted: a finite number >= 0"),
    ({"noise": 0.1, "fraction": 1.2}, ValueError, r"fraction: got 1\.2, accepted: a number in \(0, 1\]; a level above the"),
    ({"noise": 0.1, "fraction": 0}, ValueError, "fraction: got 0, accepted: a finite number > 0 whose square does not"),
    ({"soft_labels": [[0.5, 0.6]]}, ValueError, r"soft_labels: got row 0 with the sum 1\.1, accepted: rows that sum to 1"),
    ({"soft_labels": [1.5]}, ValueError, r"soft_labels: got \[-0\.5  1\.5\] in row 0, accepted: numbers that are not"),
])
def test_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        suggest_level(**arguments)


# --- adaptive levels ---


def test_levels_from_losses():
    losses = np.array([0, 1e-12, 0.1, 1, 5, 800])
    for gamma in (0.05, 0.5, 0.95):
        levels = levels_from_losses(losses, gamma)
        np.testing.assert_allclose(levels[2:], -np.log((1 - gamma) * np.exp(-losses[2:]) + gamma), rtol=1e-12)
        assert levels[0] == 0 and levels[1] == pytest.approx((1 - gamma) * 1e-12, rel=1e-9, abs=0)
        assert (levels <= losses).all() and (np.diff(levels) > 0).all()
    tiny = levels_from_losses(losses, 1e-20)  # 1 - γ rounds to 1
    np.testing.assert_allclose(tiny, [*losses[:-1], -np.log(1e-20)], rtol=1e-15)
    assert levels_from_losses([40.0], 1e-17)[0] == pytest.approx(40 - np.log1p(1e-17 * np.exp(40)), rel=1e-15)
    np.testing.assert_array_equal(levels_from_losses(losses, 0), losses)
    assert not levels_from_losses(losses, 1).any()


@pytest.mark.parametrize(("losses", "gamma", "error", "message"), [
    ([0.1], 1.5, ValueError, r"gamma: got 1\.5, accepted: a number in \[0, 1\]"), ([0.1], -1, ValueError, "gamma: got -1"),
    ([-0.1], 0.5, ValueError, r"losses: got \[-0\.1\], accepted: finite numbers >= 0 of shape \(N,\)"),
    ([[0.1]], 0.5, ValueError, r"losses: got .*, accepted: finite"),
    ([np.nan], 0.5, ValueError, r"losses: got .*, accepted: finite"),
    ([], 0.5, ValueError, r"losses: got .*, accepted: finite")])
def test_levels_from_losses_arguments(losses, gamma, error, message):
    with pytest.raises(error, match=message):
        levels_from_losses(losses, gamma)


X = np.sort(RNG.normal(size=(30, 1)), axis=0) * 3
Y = (X[:, 0] > 0).astype(int)
Y[3] = 1  # a wrong label, far from the border
OPTIONS = {"loss": CrossEntropy(), "optimizer": SGD(0.3), "epochs": 20}


def test_adaptive_levels(backend):
    model = MLP((1, 4, 2), dtype="float64", backend=backend)
    before = model.flat.copy()
    levels = adaptive_levels(model, X, Y, **OPTIONS, folds=3, gamma=0.2, seed=5)
    np.testing.assert_array_equal(model.flat, before)
    assert levels.argmax() == 3 and levels[3] > 4 * np.median(levels)  # nobody else expects that label
    # written out: fold k is learnt from the others
    fold = np.random.default_rng(5).permutation(30) % 3
    for k in range(3):
        auxiliary = MLP((1, 4, 2), dtype="float64", backend=backend, seed=6 + k)
        fit(auxiliary, X[fold != k], Y[fold != k], **OPTIONS, seed=6 + k)
        losses = CrossEntropy().per_sample(auxiliary.forward(X[fold == k]), Y[fold == k])
        np.testing.assert_allclose(levels[fold == k], levels_from_losses(losses, 0.2), rtol=1e-12)
    flooded = AdaFlooding(CrossEntropy(), levels)
    options = OPTIONS | {"loss": flooded}
    np.testing.assert_array_equal(adaptive_levels(model, X, Y, **options, folds=3, gamma=0.2, seed=5), levels)
    history = fit(model, X, Y, **options)
    assert 0 < history["flooded_fraction"][-1] < 1


def test_adaptive_levels_by_mini_batches_have_orders_of_their_own():
    """Fold k's order is that of seed + 1 + k: with a full batch it would not show."""
    options = OPTIONS | {"batch_size": 4, "epochs": 3}
    model = MLP((1, 4, 2), dtype="float64", backend="numpy")
    levels = adaptive_levels(model, X, Y, **options, folds=3, gamma=0, seed=5)
    fold = np.random.default_rng(5).permutation(30) % 3
    for k in range(3):
        auxiliary = MLP((1, 4, 2), dtype="float64", backend="numpy", seed=6 + k)
        fit(auxiliary, X[fold != k], Y[fold != k], **options, seed=6 + k)
        losses = CrossEntropy().per_sample(auxiliary.forward(X[fold == k]), Y[fold == k])
        np.testing.assert_allclose(levels[fold == k], losses, rtol=1e-12)


@pytest.mark.parametrize("pooling", ["last", "none"])
def test_adaptive_levels_of_sequences(pooling):
    lengths = RNG.integers(1, 5, size=8)
    x = RNG.normal(size=(8, 4, 2))
    y = RNG.normal(size=(8, 4, 1) if pooling == "none" else (8, 1))
    model = RNN(2, 3, 1, pooling=pooling, dtype="float64")
    options = {"loss": SquaredError(), "optimizer": SGD(0.1), "epochs": 1}
    levels = adaptive_levels(model, x, y, **options, folds=8, gamma=0, lengths=lengths)
    fold = np.random.default_rng(0).permutation(8) % 8
    kept = np.arange(8) != 2
    auxiliary = RNN(2, 3, 1, pooling=pooling, dtype="float64", seed=1 + fold[2])
    fit(auxiliary, x[kept], y[kept], **options, lengths=lengths[kept], seed=1 + fold[2])
    errors = (auxiliary.forward(x, lengths)[2] - y[2])[:lengths[2] if pooling == "none" else None] ** 2
    assert levels[2] == pytest.approx(errors.mean(), rel=1e-12)  # over its valid steps


def test_adaptive_levels_arguments():
    model = MLP((1, 4, 2))
    for folds, error in [(1, ValueError), (31, ValueError), (2.5, TypeError)]:
        with pytest.raises(error, match="folds: got"):
            adaptive_levels(model, X, Y, **OPTIONS, folds=folds)
    with pytest.raises(ValueError, match="gamma: got"):
        adaptive_levels(model, X, Y, **OPTIONS, gamma=2)
