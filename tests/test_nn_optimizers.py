"""Optimizer steps: three steps by hand in numbers, and ten against formulas that carry nothing from step to step."""
import itertools

import numpy as np
import pytest

import nn.cpu.optimizers
import nn.reference.optimizers
from nn import SGD, Adam, AdamW
from nn.shared.codes import ADAM
from nn.shared.codes import SGD as SGD_KIND
from tests import naive
from tests.numerical import relative_error

BACKENDS = {"numpy": nn.reference.optimizers, "numba": nn.cpu.optimizers}

# Two parameters and their gradients at three steps.
START = [1.0, -2.0]
GRADIENTS = [[0.5, -1.0], [0.25, 2.0], [-1.0, 0.5]]


def path(module, optimizer, start, gradients):
    """Parameters after each step, (steps, P)."""
    theta = np.array(start)
    state, o = optimizer.state(theta.size, np.float64), optimizer.code()
    steps = []
    for t, g in enumerate(gradients, start=1):
        g = np.array(g)
        before = g.copy()
        if o.kind == SGD_KIND:
            module.sgd_step(theta, state[0], g, optimizer.learning_rate, o.momentum, o.nesterov, o.weight_decay)
        else:
            assert o.kind == ADAM
            module.adam_step(theta, *state, g, optimizer.learning_rate, o.beta1, o.beta2, o.eps, o.weight_decay,
                             o.decoupled, t)
        np.testing.assert_array_equal(g, before)  # the gradient is the caller's
        steps.append(theta.copy())
    return np.array(steps)


BY_HAND = {
    # θ ← θ − 0.1 g: 1 − 0.05, − 0.025, + 0.1 and −2 + 0.1, − 0.2, − 0.05
    "sgd": (SGD(0.1), [[0.95, -1.9], [0.925, -2.1], [1.025, -2.15]]),
    # v = g1, v/2 + g2, v/2 + g3: [0.5, −1], [0.25 + 0.25, −0.5 + 2] = [0.5, 1.5], [0.25 − 1, 0.75 + 0.5] = [−0.75, 1.25]
    "momentum": (SGD(0.1, momentum=0.5), [[0.95, -1.9], [0.9, -2.05], [0.975, -2.175]]),
    # The same v; the step is g + v/2: [0.75, −1.5], [0.25 + 0.25, 2 + 0.75] = [0.5, 2.75], [−1 − 0.375, 0.5 + 0.625]
    "nesterov": (SGD(0.1, momentum=0.5, nesterov=True), [[0.925, -1.85], [0.875, -2.125], [1.0125, -2.2375]]),
    # g + 0.1 θ: [0.5 + 0.1, −1 − 0.2], [0.25 + 0.094, 2 − 0.188], [−1 + 0.09056, 0.5 − 0.20612]
    "weight_decay": (SGD(0.1, weight_decay=0.1), [[0.94, -1.88], [0.9056, -2.0612], [0.996544, -2.090588]]),
    # The decay enters the velocity: v = [0.6, −1.2], [0.3 + 0.25 + 0.094, −0.6 + 2 − 0.188] = [0.644, 1.212],
    # [0.322 − 1 + 0.08756, 0.606 + 0.5 − 0.20012] = [−0.59044, 0.90588]
    "momentum_and_decay": (SGD(0.1, momentum=0.5, weight_decay=0.1),
                           [[0.94, -1.88], [0.8756, -2.0012], [0.934644, -2.091788]]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_sgd_by_hand(backend, name):
    optimizer, expected = BY_HAND[name]
    np.testing.assert_allclose(path(BACKENDS[backend], optimizer, START, GRADIENTS), expected, rtol=1e-14)


# Adam with η = 0.1, β = (1/2, 3/4), ε = 1/2, so that ε and both corrections matter. The first parameter sees 2, −2, 2:
#   m = 1, −1/2, 3/4; corrected by 1 − 2^-t = 1/2, 3/4, 7/8: 2, −2/3, 6/7
#   v = 1, 7/4, 37/16; corrected by 1 − (3/4)^t = 1/4, 7/16, 37/64: always 4, whose root is 2
#   steps 0.1·2/2.5 = 0.08, −0.1·(2/3)/2.5 = −0.02666…, 0.1·(6/7)/2.5 = 0.0342857…
# the second 1, 3, −2:
#   m = 1/2, 7/4, −1/8; corrected 1, 7/3, −1/7
#   v = 1/4, 39/16, 181/64; corrected 1, 39/7, 181/37, roots 1, 2.360388, 2.211762
#   steps 0.1/1.5 = 0.0666…, 0.1·(7/3)/2.860388 = 0.0815740, −0.1/7/2.711762 = −0.00526806
ADAM_GRADIENTS = [[2.0, 1.0], [-2.0, 3.0], [2.0, -2.0]]
ADAM_SETTINGS = {"learning_rate": 0.1, "betas": (0.5, 0.75), "eps": 0.5}
ADAM_BY_HAND = {
    "adam": (Adam(**ADAM_SETTINGS), [[0.92, -2.06666666666666667], [0.946666666666666667, -2.1482406993226024],
                                     [0.912380952380952381, -2.1429726435729447]]),
    # Decoupled, λ = 1/2: each time 0.95 θ minus the very same step; 0.95 − 0.08 = 0.87, 0.95·0.87 + 0.02666… = 0.853166…
    "adamw": (AdamW(**ADAM_SETTINGS, weight_decay=0.5),
              [[0.87, -1.96666666666666667], [0.853166666666666667, -1.949907365989269],
               [0.776222619047619048, -1.8471439419401479]]),
    # Not decoupled: g + θ/2 = [2.5, 0] first: step 0.1·2.5/3 = 0.08333…, and exactly none for the second parameter
    "adam_decay": (Adam(**ADAM_SETTINGS, weight_decay=0.5),
                   [[0.916666666666666667, -2.0], [0.9244160641950351, -2.0662737332796104],
                    [0.87568938103045416, -2.0247348031019541]]),
}


@pytest.mark.parametrize("name", ADAM_BY_HAND)
def test_adam_by_hand(backend, name):
    optimizer, expected = ADAM_BY_HAND[name]
    np.testing.assert_allclose(path(BACKENDS[backend], optimizer, START, ADAM_GRADIENTS), expected, rtol=1e-14)


def random_run(seed=5, steps=10, p=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=p), rng.normal(size=(steps, p)) * rng.choice([0.01, 1, 30], size=(steps, p))


def assert_formula(backend, optimizer, formula, **settings):
    start, gradients = random_run()
    found = path(BACKENDS[backend], optimizer, start, gradients)
    expected = np.transpose([formula(t, g, **settings) for t, g in zip(start, gradients.T, strict=True)])
    assert relative_error(found, expected) <= 1e-13


@pytest.mark.parametrize("momentum, nesterov, decay", [(m, n, d) for m, n, d in itertools.product(
    (0.0, 0.9), (False, True), (0.0, 0.03)) if m or not n])
def test_sgd_formula(backend, momentum, nesterov, decay):
    settings = {"learning_rate": 0.05, "momentum": momentum, "nesterov": nesterov, "weight_decay": decay}
    assert_formula(backend, SGD(**settings), naive.naive_sgd, **settings)


@pytest.mark.parametrize("decay", [0.0, 0.2])
@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam_formula(backend, kind, decay):
    settings = {"learning_rate": 0.02, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": decay}
    assert_formula(backend, kind(**settings), naive.naive_adam, **settings, decoupled=kind is AdamW)


def test_first_step_of_adam_is_the_learning_rate(backend):
    # m̂ = g and √v̂ = |g|: the size of the gradient does not matter. Without bias correction it would be 3.2 times that.
    moved = path(BACKENDS[backend], Adam(1e-3), [0.0, 0.0, 0.0], [[1e-3, -7.0, 1e4]])
    np.testing.assert_allclose(moved, [[-1e-3, 1e-3, -1e-3]], rtol=1e-4)


def test_defaults():
    assert Adam() == Adam(1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    assert AdamW().weight_decay == 0.01
    assert SGD(0.1) == SGD(0.1, momentum=0.0, nesterov=False, weight_decay=0.0)


def test_state_starts_at_zero_and_takes_only_what_is_needed():
    sizes = {SGD(0.1): (0, 0), SGD(0.1, momentum=0.5): (7, 0), Adam(): (7, 7), AdamW(): (7, 7)}
    for optimizer, expected in sizes.items():
        state = optimizer.state(7, np.float32)
        assert tuple(vector.size for vector in state) == expected
        assert all(vector.dtype == np.float32 and not vector.any() for vector in state)


def test_zero_gradient():
    """Nothing moves without a gradient, but by decay and by what momentum still carries."""
    still = [[0.0, 0.0]] * 3
    for optimizer in (SGD(0.1), SGD(0.1, momentum=0.9, nesterov=True), Adam()):
        np.testing.assert_array_equal(path(BACKENDS["numpy"], optimizer, START, still), [START] * 3)
    shrink = (1 - 0.1 * 0.01) ** np.arange(1, 4)[:, None]
    for optimizer in (SGD(0.1, weight_decay=0.01), AdamW(0.1, weight_decay=0.01)):
        np.testing.assert_allclose(path(BACKENDS["numpy"], optimizer, START, still), shrink * START, rtol=1e-15)


@pytest.mark.parametrize("make, words", [
    (lambda: SGD(0), "learning_rate: got 0"), (lambda: SGD(-1.0), "learning_rate: got -1"),
    (lambda: SGD(float("nan")), "learning_rate"), (lambda: SGD(0.1, momentum=1), "momentum: got 1"),
    (lambda: SGD(0.1, momentum=-0.1), "momentum"), (lambda: SGD(0.1, nesterov=True), "nesterov"),
    (lambda: SGD(0.1, weight_decay=-1), "weight_decay"), (lambda: Adam(betas=(0.9, 1.0)), "betas"),
    (lambda: Adam(betas=0.9), "betas"), (lambda: Adam(eps=0), "eps"), (lambda: AdamW(weight_decay=-1), "weight_decay"),
])
def test_bad_settings(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_settings_of_a_wrong_type():
    for bad in ("0.1", None, True, 1j):
        with pytest.raises(TypeError, match="learning_rate"):
            SGD(bad)
