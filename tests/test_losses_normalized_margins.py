"""Margins per norm of the weights: by hand, invariance, 50-digit arithmetic, and the networks they are not defined for."""
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy
from losses.margins import (
    layer_norms,
    log_odds_margins,
    normalized_margin,
    output_margins,
    per_norm,
    smoothed_margin,
    smoothed_output_margin,
)
from nn import MLP, RNN, SGD, fit

RNG = np.random.default_rng(5)
X = RNG.normal(size=(12, 3))


def linear(w):
    """Anything with forward and parameters will do."""
    W = np.reshape(np.array(w, dtype=float), (len(w), -1))
    return SimpleNamespace(parameters={"W": W}, forward=lambda x: np.asarray(x) @ W)


def test_by_hand():
    model = linear([3.0, 4.0])
    assert normalized_margin(model, [[1.0, 0], [1, 1]], [1, 1]) == pytest.approx(3 / 5, rel=1e-15)
    assert normalized_margin(model, [[1.0, 0], [1, 1]], [1, 0], norm="layers") == pytest.approx(-7 / 5, rel=1e-15)
    # one sample: the inverse of the loss is the margin itself
    assert smoothed_margin(model, [[1.0, 0]], [1]) == pytest.approx(3 / 5, rel=1e-14)
    two = np.log1p(np.exp(-3)) + np.log1p(np.exp(-7))
    assert smoothed_margin(model, [[1.0, 0], [1, 1]], [1, 1]) == pytest.approx(-np.log(np.expm1(two)) / 5, rel=1e-13)


@pytest.mark.parametrize("sizes", [(3, 1), (3, 6, 2), (3, 5, 4, 3)])
def test_norms_and_invariance(sizes):
    model = MLP(sizes, bias=False, dtype="float64", backend="numpy", seed=2)
    y = RNG.integers(max(2, sizes[-1]), size=12)
    L, q = len(sizes) - 1, output_margins(model.forward(X), y).min()
    assert layer_norms(model) == pytest.approx([np.sqrt((W**2).sum()) for W in model.parameters.values()], rel=1e-14)
    assert normalized_margin(model, X, y) == pytest.approx(q / np.linalg.norm(model.flat) ** L, rel=1e-13)
    assert normalized_margin(model, X, y, "layers") == pytest.approx(q / np.prod(layer_norms(model)), rel=1e-13)
    loss = (CrossEntropy() if sizes[-1] > 1 else BinaryCrossEntropy()).per_sample(model.forward(X), y).sum()
    expected = -np.log(np.expm1(loss)) / np.linalg.norm(model.flat) ** L
    assert smoothed_margin(model, X, y) == pytest.approx(expected, rel=1e-12)
    for norm in ("total", "layers"):
        before = normalized_margin(model, X, y, norm)
        grown = model.copy()
        grown.flat[:] *= 8.0
        assert normalized_margin(grown, X, y, norm) == pytest.approx(before, rel=1e-13)
    grown = model.copy()
    grown.parameters["W1"] *= 4.0  # one layer alone: only the product of layer norms divides that out
    assert normalized_margin(grown, X, y, "layers") == pytest.approx(normalized_margin(model, X, y, "layers"), rel=1e-13)


def test_smoothed_approaches_the_smallest_margin():
    y = (X @ [1, 2, 3] > 0).astype(int)
    gaps = [normalized_margin(linear(w), X, y) - smoothed_margin(linear(w), X, y)
            for w in (np.array([1.0, 2, 3]) * scale for scale in (1, 10, 100, 1000))]
    assert gaps[0] > 0.1 > 0.01 > gaps[1] >= gaps[2] >= gaps[3] >= 0


def exact_smoothed(outputs, y):
    """From 50 digits and more: the loss at a margin of 1e4 is exp(-1e4)."""
    losses = []
    for row, label in zip(outputs, y, strict=True):
        z = [mpmath.mpf(float(v)) for v in row]
        if len(z) == 1:
            z = [mpmath.mpf(0), z[0]]
        rest = mpmath.fsum(mpmath.exp(v - z[label]) for j, v in enumerate(z) if j != label)
        losses.append(mpmath.log1p(rest))
    return -mpmath.log(mpmath.expm1(mpmath.fsum(losses)))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 745.0, 1e4])
@pytest.mark.parametrize("K", [1, 2, 5])
@pytest.mark.parametrize("right", [True, False])
def test_smoothed_output_margin_is_exact(scale, K, right):
    rng = np.random.default_rng([int(scale * 1000), K])
    outputs = np.clip(rng.normal(size=(6, K)) * scale, -1e4, 1e4)
    y = (outputs[:, 0] > 0).astype(int) if K == 1 else outputs.argmax(axis=1)
    if not right:
        y[2] = (y[2] + 1) % max(K, 2)
    with mpmath.workdps(50):
        exact = exact_smoothed(outputs, y)
        assert abs(smoothed_output_margin(outputs, y) - exact) <= 16 * np.finfo(float).eps * max(1, np.abs(outputs).max())
    assert smoothed_output_margin(outputs, y) <= log_odds_margins(outputs, y).min() + 1e-15 * scale


def test_smoothed_output_margin_far_out():
    # The summed loss underflows (exp(-5000)), or is 1e8: the inverse is exact on both sides.
    assert smoothed_output_margin([5000.0, 5000.0], [1, 1]) == pytest.approx(5000 - np.log(2), rel=1e-15)
    assert smoothed_output_margin([1e8], [0]) == -1e8
    assert smoothed_output_margin([1e300, 1.0], [1, 1]) == pytest.approx(1, rel=1e-14)
    # around Σ = log 2, where the sign changes
    assert smoothed_output_margin([0.0], [1]) == pytest.approx(0, abs=1e-15)


def test_zero_weights_have_no_margin():
    model = linear([0.0, 0.0])
    assert np.isnan(normalized_margin(model, [[1.0, 0]], [1])) and np.isnan(smoothed_margin(model, [[1.0, 0]], [1]))


def test_many_layers_do_not_overflow():
    many = SimpleNamespace(parameters={f"W{l}": np.full((1, 1), 1e3) for l in range(200)})  # a product of 1e600
    assert per_norm(1e300, many, "layers") == pytest.approx(1e-300, rel=1e-12, abs=0)


@pytest.mark.parametrize("model, message", [
    (MLP([3, 4, 1]), "model: got the parameters b1, b2, accepted: weight matrices alone, for which"),
    (MLP([3, 4, 1], batch_norm=True, bias=False), "model: got the parameters gamma1, beta1, accepted: weight matrices"),
    (MLP([3, 4, 1], bias=False, activation="tanh"), "model: got activation 'tanh', accepted: 'relu' and 'identity',"),
    (RNN(3, 4, 1), "model: got the parameters b_h, b_y, accepted: weight matrices alone, for")])
def test_networks_that_are_not_homogeneous(model, message):
    for function in (normalized_margin, smoothed_margin):
        with pytest.raises(ValueError, match=message):
            function(model, X, np.zeros(12, int))
    for metric in ("margin_normalized", "margin_smoothed"):
        before = model.flat.copy()
        with pytest.raises(ValueError, match=message):
            fit(model, X if isinstance(model, MLP) else X[:, None], np.zeros(12, int), loss=BinaryCrossEntropy(),
                optimizer=SGD(0.1), epochs=1, metrics=metric)
        np.testing.assert_array_equal(model.flat, before)


def test_one_layer_is_homogeneous_whatever_the_activation():
    assert np.isfinite(normalized_margin(MLP([3, 1], bias=False, activation="tanh", backend="numpy"), X, np.zeros(12, int)))


def test_norm_is_checked():
    with pytest.raises(ValueError, match="norm: got 'spectral', accepted: 'total', 'layers'"):
        normalized_margin(linear([1.0, 1, 1]), X, np.zeros(12, int), norm="spectral")
