"""RPROP by hand, by formula and in `fit`."""
import math

import numpy as np
import pytest

import nn.cpu.optimizers
import nn.reference.optimizers
from nn import RPROP, step
from tests.fitting import X, Y, network, tanh_gradient, train

BACKENDS = {"numpy": nn.reference.optimizers, "numba": nn.cpu.optimizers}


def rprop_path(backend, optimizer, start, gradients, dtype=np.float64):
    """Parameters and step sizes after each step, each (steps, P)."""
    theta = np.array(start, dtype)
    state, o = optimizer.state(theta.size, dtype), optimizer.code()
    thetas, sizes = [], []
    for g in gradients:
        g = np.array(g, dtype)
        before = g.copy()
        BACKENDS[backend].rprop_step(theta, *state, g, o.shrink, o.grow, o.smallest, o.largest)
        np.testing.assert_array_equal(g, before)  # the gradient is the caller's
        thetas.append(theta.copy())
        sizes.append(state[1].copy())
    return np.array(thetas), np.array(sizes)


def test_rprop_by_hand(backend):
    # Δ = 0.1 at first. Only signs count.
    # θ1: + + − −   same sign: Δ = 0.12; change: Δ = 0.06 and no step; then as after a 0: Δ stays, θ rises by 0.06
    # θ2: − + + +   change: Δ = 0.05, no step; after a 0: Δ stays 0.05; same: 0.06
    # θ3: + 0 + +   a gradient of 0: no step, Δ stays, also next time; then 0.12
    gradients = [[0.5, -1.0, 2.0], [1e-9, 2.0, 0.0], [-1.0, 7.0, 3.0], [-5.0, 0.25, 1.0]]
    thetas, sizes = rprop_path(backend, RPROP(0.1), [1.0, -2.0, 3.0], gradients)
    np.testing.assert_allclose(thetas, [[0.9, -1.9, 2.9], [0.78, -1.9, 2.9], [0.78, -1.95, 2.8], [0.84, -2.01, 2.68]],
                               rtol=1e-14)
    np.testing.assert_allclose(sizes, [[0.1, 0.1, 0.1], [0.12, 0.05, 0.1], [0.06, 0.05, 0.1], [0.06, 0.06, 0.12]],
                               rtol=1e-14)


def test_rprop_reaches_its_bounds_and_stays(backend):
    up, down = [1.0], [-1.0]
    thetas, sizes = rprop_path(backend, RPROP(1.0, grow=2.0, largest=5.0), [0.0], [up] * 6)
    assert sizes.ravel().tolist() == [1, 2, 4, 5, 5, 5]
    assert thetas.ravel().tolist() == [-1, -3, -7, -12, -17, -22]
    thetas, sizes = rprop_path(backend, RPROP(1.0, smallest=0.2), [0.0], [up, down] + [down, up] * 3)
    # a change, then a step of the same size, then a change …
    assert sizes.ravel().tolist() == [1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]
    np.testing.assert_allclose(thetas.ravel(), [-1, -1, -0.5, -0.5, -0.25, -0.25, -0.05, -0.05], rtol=1e-13)


def naive_rprop(theta, gradients, learning_rate, shrink, grow, smallest, largest):
    """One parameter: at every step the whole past is gone through again."""
    path = []
    for t in range(1, len(gradients) + 1):
        value, size, last = theta, learning_rate, 0
        for g in gradients[:t]:
            sign = (g > 0) - (g < 0)
            if sign * last == 1:
                size = min(grow * size, largest)
            elif sign * last == -1:
                size, sign = max(shrink * size, smallest), 0
            value, last = value - sign * size, sign
        path.append(value)
    return path


@pytest.mark.parametrize("settings", [{}, {"learning_rate": 0.01, "shrink": 0.3, "grow": 1.7},
                                      {"smallest": 0.05, "largest": 0.2}])
def test_rprop_formula(backend, settings):
    rng = np.random.default_rng(2)
    start, gradients = rng.normal(size=9), rng.normal(size=(30, 9)) + rng.normal(size=9)
    gradients[rng.random((30, 9)) < 0.1] = 0
    found, _ = rprop_path(backend, RPROP(**settings), start, gradients)
    full = {"learning_rate": 0.1, "shrink": 0.5, "grow": 1.2, "smallest": 1e-6, "largest": 50.0, **settings}
    expected = np.transpose([naive_rprop(t, g, **full) for t, g in zip(start, gradients.T.tolist(), strict=True)])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-25, 1e-18, 1.0, 1e25])
def test_rprop_sees_signs_alone(backend, scale):
    """Also of gradients whose product is too small or large for the dtype, as they are after zero training error."""
    gradients = np.random.default_rng(4).normal(size=(12, 5))
    expected = rprop_path(backend, RPROP(), np.ones(5), gradients, np.float32)
    found = rprop_path(backend, RPROP(), np.ones(5), gradients * scale, np.float32)
    np.testing.assert_array_equal(found, expected)


def test_rprop_in_fit(backend):
    """Five epochs by hand; the order of the epochs does not matter to a full batch, but for rounding."""
    model = network(backend)
    p = {name: array.copy() for name, array in model.parameters.items()}
    size, before = {n: np.full(a.shape, 0.05) for n, a in p.items()}, {n: np.zeros(a.shape) for n, a in p.items()}
    train(model, optimizer=RPROP(0.05), epochs=5, batch_size=None)
    for _ in range(5):
        for name, g in tanh_gradient(p, X, Y)[1].items():
            agreement = np.sign(g * before[name])
            size[name] *= np.array([0.5, 1.0, 1.2])[agreement.astype(int) + 1]
            before[name] = np.where(agreement < 0, 0, g)
            p[name] -= np.sign(before[name]) * size[name]
    for name, array in p.items():
        np.testing.assert_allclose(model.parameters[name], array, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 7, 22])
def test_rprop_wants_the_full_batch(backend, batch_size):
    model = network(backend)
    before = model.flat.copy()
    words = rf"batch_size: got {batch_size} of 23 samples, accepted: None \(full batch\) with RPROP\("
    with pytest.raises(ValueError, match=words):
        train(model, optimizer=RPROP(), batch_size=batch_size)
    assert np.array_equal(model.flat, before)
    flats = []
    for full in (None, 23, 99):
        model = network(backend)
        train(model, optimizer=RPROP(), batch_size=full)
        flats.append(model.flat.tobytes())
    assert len(set(flats)) == 1


@pytest.mark.parametrize(("settings", "words"), [
    ({"learning_rate": 0}, "learning_rate: got 0"), ({"shrink": 1.0}, "shrink: got 1.0"), ({"shrink": 0}, "shrink: got 0"),
    ({"grow": 1.0}, "grow: got 1.0"), ({"smallest": 0}, "smallest: got 0"), ({"largest": 1e-9}, "largest: got 1e-09"),
    ({"smallest": math.inf}, "smallest"), ({"grow": math.nan}, "grow")])
def test_bad_settings_of_rprop(settings, words):
    with pytest.raises(ValueError, match=words):
        RPROP(**settings)


def test_rprop_takes_no_schedule():
    with pytest.raises(TypeError, match=r"learning_rate: got step\(0.1, 2.0, 0.1\), accepted: a finite number > 0"):
        RPROP(step(0.1, 2))


def test_a_first_step_beyond_the_largest_is_refused():
    with pytest.raises(ValueError, match="learning_rate"):
        RPROP(100.0)
