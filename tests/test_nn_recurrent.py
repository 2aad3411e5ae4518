"""The recurrence and its neighbours alone, on packed sequences: one example by hand, complex step, loops over sequences."""
import numpy as np
import pytest

import nn.cpu.recurrent
import nn.reference.recurrent
from nn.shared.codes import EVERY_STEP, LAST, MEAN, POOLINGS, RELU, TANH
from tests.numerical import complex_step, relative_error

BACKENDS = {"numpy": nn.reference.recurrent, "numba": nn.cpu.recurrent}
LENGTHS = {"one_step": [1], "one": [4], "equal": [3, 3, 3], "different": [5, 4, 3, 2, 1], "mixed": [6, 6, 3, 1, 1]}
H = 3

packings = pytest.mark.parametrize("name", LENGTHS)
both_ways = pytest.mark.parametrize("reverse", [False, True])


def packing(name):
    """lengths, starts, and for each sequence the packed rows of its steps."""
    lengths = np.array(LENGTHS[name])
    running = [sum(length > t for length in lengths) for t in range(lengths[0])]
    starts = np.array([0, *np.cumsum(running)])
    return lengths, starts, [[starts[t] + i for t in range(length)] for i, length in enumerate(lengths)]


def numbers(name, seed=0):
    """Non-uniform numbers: u (M, H), W_hh, dh (M, H)."""
    lengths, starts, rows = packing(name)
    rng = np.random.default_rng([seed, *lengths])
    M = starts[-1]
    u = rng.normal(size=(M, H)) * rng.uniform(0.3, 2, (M, 1)) + 0.1
    dh = rng.normal(size=(M, H)) * rng.uniform(0.1, 3, (M, 1)) + 0.2
    return lengths, starts, rows, u, rng.normal(size=(H, H)) * rng.uniform(0.3, 1.2, H), dh


def states(u, W_hh, starts, kind, reverse, module=nn.reference.recurrent):
    h = np.full(u.shape, np.nan, np.result_type(u, W_hh))
    module.recurrence_forward(h, u.astype(h.dtype), W_hh, starts, kind, reverse)
    return h


def backward(module, dh, h, W_hh, starts, lengths, kind, reverse, truncate=0):
    dz = np.full(dh.shape, np.nan)
    module.recurrence_backward(dz, dh, h, np.ascontiguousarray(W_hh.T), starts, lengths, kind, reverse, truncate)
    return dz


# Lengths 2 and 1, one relu unit, W_hh = 2; rows: step 0 of both sequences (u = 1, 3), step 1 of the first (u = −1).
#   forward: h = 1, 3; then −1 + 2·1 = 1                reverse: step 1 first, h = 0 (−1 < 0); then 1 + 2·0 = 1, and 3
# dh = (10, 20, 100): dz of the first sequence's step 1 is 100 forward, so that of step 0 is 10 + 2·100; reverse, nothing
# flows to step 1 but 100 + 2·10, which the relu stops.
def test_by_hand(backend):
    module, W_hh, starts, lengths = BACKENDS[backend], np.array([[2.0]]), np.array([0, 2, 3]), np.array([2, 1])
    u, dh = np.array([[1.0], [3.0], [-1.0]]), np.array([[10.0], [20.0], [100.0]])
    for reverse, expected_h, expected_dz, previous in ((False, [1, 3, 1], [210, 20, 100], [0, 0, 1]),
                                                       (True, [1, 3, 0], [10, 20, 0], [0, 0, 0])):
        h = states(u, W_hh, starts, RELU, reverse, module)
        np.testing.assert_array_equal(h[:, 0], expected_h)
        np.testing.assert_array_equal(backward(module, dh, h, W_hh, starts, lengths, RELU, reverse)[:, 0], expected_dz)
        before = np.full(h.shape, np.nan)
        module.previous_states(before, h, starts, reverse)
        np.testing.assert_array_equal(before[:, 0], previous)
    h = states(np.array([[1.0], [3.0], [0.5]]), W_hh, starts, RELU, True, module)  # an active later step: 1 + 2·0.5
    np.testing.assert_array_equal(h[:, 0], [2, 3, 0.5])
    np.testing.assert_array_equal(backward(module, dh, h, W_hh, starts, lengths, RELU, True)[:, 0], [10, 20, 120])
    np.testing.assert_array_equal(backward(module, dh, h, W_hh, starts, lengths, RELU, True, 1)[:, 0], [10, 20, 100])


@packings
@both_ways
@pytest.mark.parametrize("kind", [TANH, RELU])
def test_sequence_by_sequence(backend, name, reverse, kind):
    module = BACKENDS[backend]
    _, starts, rows, u, W_hh, _ = numbers(name)
    found = states(u, W_hh, starts, kind, reverse, module)
    before = np.full(u.shape, np.nan)
    module.previous_states(before, found, starts, reverse)
    for steps in rows:
        h = np.zeros(H)
        for row in steps[::-1] if reverse else steps:
            np.testing.assert_allclose(before[row], h, rtol=1e-13, atol=1e-14)
            h = u[row] + h @ W_hh
            h = np.tanh(h) if kind == TANH else np.maximum(h, 0)
            np.testing.assert_allclose(found[row], h, rtol=1e-13, atol=1e-14)


@packings
@both_ways
@pytest.mark.parametrize("kind", [TANH, RELU])
def test_recurrence_by_complex_step(backend, name, reverse, kind):
    """dz is the gradient of u, and h_beforeᵀ dz that of W_hh."""
    module = BACKENDS[backend]
    lengths, starts, _, u, W_hh, dh = numbers(name, seed=1)
    h = states(u, W_hh, starts, kind, reverse)
    dz = backward(module, dh, h, W_hh, starts, lengths, kind, reverse)
    assert relative_error(dz, complex_step(lambda u: np.sum(dh * states(u, W_hh, starts, kind, reverse)), u)) <= 1e-13
    before = np.full(h.shape, np.nan)
    module.previous_states(before, h, starts, reverse)
    dW_hh = complex_step(lambda W: np.sum(dh * states(u, W, starts, kind, reverse)), W_hh)
    assert relative_error(before.T @ dz, dW_hh) <= 1e-13


@packings
@both_ways
@pytest.mark.parametrize("truncate", [1, 2, 3, 9])
def test_truncation(backend, name, reverse, truncate):
    """Cut into stretches from the end: dz is the gradient when the state that enters a stretch is a constant."""
    lengths, starts, rows, u, W_hh, dh = numbers(name, seed=2)
    h = states(u, W_hh, starts, TANH, reverse)
    dz = backward(BACKENDS[backend], dh, h, W_hh, starts, lengths, TANH, reverse, truncate)
    for steps in rows:
        taken = steps[::-1] if reverse else steps
        end = len(taken)
        while end > 0:
            start = max(0, end - truncate)
            stretch, entering = taken[start:end], h[taken[start - 1]] if start else np.zeros(H)

            def objective(u, stretch=stretch, entering=entering):
                state, total = entering, 0
                for value, row in zip(u, stretch, strict=True):
                    state = np.tanh(value + state @ W_hh)
                    total = total + np.sum(dh[row] * state)
                return total

            assert relative_error(dz[stretch], complex_step(objective, u[stretch])) <= 1e-13
            end = start


@packings
@both_ways
def test_outputs_may_be_inputs(backend, name, reverse):
    module = BACKENDS[backend]
    lengths, starts, _, u, W_hh, dh = numbers(name)
    expected = states(u, W_hh, starts, TANH, reverse, module)
    h = u.copy()
    module.recurrence_forward(h, h, W_hh, starts, TANH, reverse)
    np.testing.assert_array_equal(h, expected)
    for truncate in (0, 2):
        expected, dz = backward(module, dh, h, W_hh, starts, lengths, TANH, reverse, truncate), dh.copy()
        module.recurrence_backward(dz, dz, h, np.ascontiguousarray(W_hh.T), starts, lengths, TANH, reverse, truncate)
        np.testing.assert_array_equal(dz, expected)


# --- pooling ---


def pooled_states(module, h, starts, lengths, pooling, reverse, column, width):
    pooled = np.full((len(h) if pooling == EVERY_STEP else len(lengths), width), np.nan, h.dtype)
    module.pool_forward(pooled, h, starts, lengths, pooling, reverse, column)
    return pooled


@packings
@both_ways
@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling(backend, name, pooling, reverse):
    module, code, column = BACKENDS[backend], POOLINGS[pooling], 2
    lengths, starts, rows, h, _, _ = numbers(name, seed=3)
    pooled = pooled_states(module, h, starts, lengths, code, reverse, column, H + 3)
    assert np.isnan(np.delete(pooled, range(column, column + H), axis=1)).all()  # nothing else is touched
    mine = pooled[:, column:column + H]
    if code == EVERY_STEP:
        np.testing.assert_array_equal(mine, h)
    for i, steps in enumerate(rows):
        if code == LAST:
            np.testing.assert_array_equal(mine[i], h[steps[0] if reverse else steps[-1]])
        elif code == MEAN:
            np.testing.assert_allclose(mine[i], np.mean([h[row] for row in steps], axis=0), rtol=1e-13)
    dpooled = np.random.default_rng(4).normal(size=pooled.shape) + 0.3
    found = np.full(h.shape, np.nan)
    module.pool_backward(found, dpooled, starts, lengths, code, reverse, column)

    def objective(h):
        pooled = pooled_states(nn.reference.recurrent, h, starts, lengths, code, reverse, column, H + 3)
        return np.sum((dpooled * pooled)[:, column:column + H])

    assert relative_error(found, complex_step(objective, h)) <= 1e-13


# --- tokens ---


def test_lookup_is_the_product_with_a_one_hot_row(backend):
    module, rng = BACKENDS[backend], np.random.default_rng(5)
    tokens, W_xh, b_h = np.array([2, 0, 2, 2, 4]), rng.normal(size=(5, H)), rng.normal(size=H)
    u, one_hot = np.full((5, H), np.nan), np.eye(5)[tokens]
    module.lookup_forward(u, tokens, W_xh, b_h)
    np.testing.assert_allclose(u, one_hot @ W_xh + b_h, rtol=1e-15)
    dz = rng.normal(size=(5, H)) + 0.3
    dW_xh, db_h = np.full((5, H), np.nan), np.full(H, np.nan)
    module.lookup_backward(dW_xh, db_h, dz, tokens)
    np.testing.assert_array_equal(dW_xh[[1, 3]], 0)  # tokens that did not occur

    def objective(W_xh, b_h):
        u = np.empty((5, H), np.result_type(W_xh, b_h))
        nn.reference.recurrent.lookup_forward(u, tokens, W_xh, b_h)
        return np.sum(dz * u)

    assert relative_error(dW_xh, complex_step(lambda W: objective(W, b_h), W_xh)) <= 1e-13
    assert relative_error(db_h, complex_step(lambda b: objective(W_xh, b), b_h)) <= 1e-13
