"""The largest margin: by hand, against scikit-learn's machines, its optimality conditions; and data that have none."""
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from losses.margins import hard_margin


def assert_optimal(x, y, result, bias, tolerance=1e-9):
    """The conditions of Karush, Kuhn and Tucker: sufficient, because the problem is convex."""
    x, signs = np.asarray(x, dtype=float), np.where(np.asarray(y) == 1, 1, -1)
    q = signs * (x @ result.w + result.bias)
    scale = np.sum(result.alpha * np.abs(signs * (x @ result.w)))
    assert q.min() > 1 - tolerance and (result.alpha >= 0).all()
    np.testing.assert_allclose(result.w, (result.alpha * signs) @ x, rtol=1e-7, atol=1e-9 * np.abs(result.w).max())
    assert np.abs(result.alpha * (q - 1)).sum() < tolerance * (scale + result.alpha.sum())
    assert bias or result.bias == 0
    assert not bias or abs(result.alpha @ signs) < tolerance * result.alpha.sum()
    assert result.margin == pytest.approx(1 / np.linalg.norm(result.w), rel=1e-14)
    np.testing.assert_allclose(result.direction, result.w * result.margin, rtol=1e-14)
    np.testing.assert_array_equal(result.support, np.flatnonzero(result.alpha > 0))


@pytest.mark.parametrize("x, w, alpha", [
    ([(1, 3), (1, -2)], (1, 0), (0.4, 0.6)),
    ([(1, 2), (2, 0.5), (3, 3), (4, 1)], (3 / 7, 2 / 7), (5 / 49, 8 / 49, 0, 0)),
    ([(1, 3), (1, -2), (2, 1), (3, -1)], (1, 0), (0.4, 0.6, 0, 0)),
    ([(3, 0), (0, 4)], (1 / 3, 1 / 4), (1 / 9, 1 / 16)),
    ([(2.0,)], (0.5,), (0.25,)),
])
def test_by_hand(x, w, alpha):
    result = hard_margin(x, np.ones(len(x)))
    np.testing.assert_allclose(result.w, w, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(result.alpha, alpha, rtol=1e-12, atol=1e-14)
    assert_optimal(x, np.ones(len(x)), result, False)


def test_repeated_samples_share_evenly():
    # Soudry et al., figure 1: x and -x of the other class are one condition; with 0 and -0 among the inputs too.
    x = [(0.5, 1.5), (1.5, 0.5), (-0.5, -1.5), (-1.5, -0.5), (3, 3)]
    for labels in ([1, 1, -1, -1, 1], [1, 1, 0, 0, 1], [True, True, False, False, True]):
        result = hard_margin(x, labels)
        np.testing.assert_allclose(result.w, [0.5, 0.5], rtol=1e-14)
        np.testing.assert_allclose(result.alpha, [1 / 8] * 4 + [0], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(hard_margin([(2, 0), (-2, -0.0), (-2, 0.0)], [1, 0, 0]).alpha, [1 / 12] * 3, rtol=1e-12)


def test_a_free_offset_is_not_a_constant_input():
    x, y = [(3, 1), (1, 0)], [1, -1]
    free = hard_margin(x, y, bias=True)
    np.testing.assert_allclose([*free.w, free.bias], [0.8, 0.4, -1.8], rtol=1e-12)
    augmented = hard_margin(np.column_stack([x, np.ones(2)]), y)
    np.testing.assert_allclose(augmented.w, [0.5, 1, -1.5], rtol=1e-12)


def separable(seed, N, D, offset=0.0):
    rng = np.random.default_rng([seed, N, D])
    direction = rng.normal(size=D)
    x = rng.normal(size=(N, D))
    y = np.where(x @ direction + offset > 0, 1, -1)
    return x + 0.1 * y[:, None] * direction, y


SIZES = [(40, 2), (30, 5), (100, 10), (8, 20)]


@pytest.mark.parametrize("N, D", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_equals_support_vector_machines(N, D, seed):
    svm = pytest.importorskip("sklearn.svm")

    def machine(x, y):
        return svm.SVC(kernel="linear", C=1e10, tol=1e-8, max_iter=2_000_000).fit(x, y)

    x, y = separable(seed, N, D)
    result = hard_margin(x, y)
    Z = x * y[:, None]
    mirrored = machine(np.vstack([Z, -Z]), np.repeat([1, -1], N))  # its free offset is 0 by symmetry
    np.testing.assert_allclose(result.w, mirrored.coef_[0], rtol=0, atol=1e-6 * np.linalg.norm(result.w))
    linear = svm.LinearSVC(C=1e10, fit_intercept=False, loss="hinge", max_iter=200_000, tol=1e-10, random_state=0).fit(x, y)
    np.testing.assert_allclose(result.w, linear.coef_[0], rtol=0, atol=1e-6 * np.linalg.norm(result.w))
    assert_optimal(x, y, result, False)

    x, y = separable(seed, N, D, offset=0.7)
    result, theirs = hard_margin(x, y, bias=True), machine(x, y)
    np.testing.assert_allclose(result.w, theirs.coef_[0], rtol=0, atol=1e-6 * np.linalg.norm(result.w))
    assert result.bias == pytest.approx(theirs.intercept_[0], rel=1e-5, abs=1e-6)
    assert set(result.support) <= set(theirs.support_)
    assert_optimal(x, y, result, True)


@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 6), st.floats(-6, 6), st.booleans())
def test_optimality_whatever_the_scale(seed, N, D, exponent, bias):
    x, y = separable(seed, N, D, offset=0.5 * bias)
    x = (x + 3 * bias) * 10.0**exponent
    if bias and abs(y.sum()) == N:
        return
    assert_optimal(x, y, hard_margin(x, y, bias=bias), bias, 1e-8)


@pytest.mark.parametrize("gap", [1e-3, 1e-6])
def test_thin_margins(gap):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 3))
    y = np.where(x[:, 0] > 0, 1, -1)
    x[:, 0] = y * (np.abs(x[:, 0]) + 0.1)
    x[:2, 0], y[:2], x[:2, 1:] = [gap, -gap], [1, -1], 0
    result = hard_margin(x, y)
    assert_optimal(x, y, result, False, 1e-7)
    assert 0.9 * gap < result.margin <= gap * (1 + 1e-9)


def test_adding_far_samples_changes_nothing():
    x, y = separable(0, 30, 4)
    result = hard_margin(x, y)
    far = x + 5 * y[:, None] * result.direction
    more = hard_margin(np.vstack([x, far]), np.append(y, y))
    np.testing.assert_allclose(more.w, result.w, rtol=1e-10)
    np.testing.assert_allclose(more.alpha, np.append(result.alpha, np.zeros(30)), atol=1e-10)


NOT_SEPARABLE = [
    ("a flipped label", lambda: (separable(1, 500, 10)[0], separable(1, 500, 10)[1] * np.where(np.arange(500) == 7, -1, 1))),
    ("random labels", lambda: (np.random.default_rng(0).normal(size=(2000, 20)), np.arange(2000) % 2)),
    ("the same sample twice", lambda: ([(1.0, 2), (1, 2)], [0, 1])),
    ("exclusive or", lambda: ([(0.0, 0), (1, 1), (0, 1), (1, 0)], [0, 0, 1, 1])),
    ("a sample at the origin, without offset", lambda: ([(0.0, 0), (1, 1)], [1, 1])),
    ("all zero", lambda: (np.zeros((3, 2)), [1, 1, 1])),
]


@pytest.mark.parametrize("name, data", NOT_SEPARABLE)
def test_data_that_are_not_separable_are_refused_at_once(name, data):
    x, y = data()
    started = time.perf_counter()
    with pytest.raises(ValueError, match=r"not linearly separable by a hyperplane through the origin \(bias=True allows"):
        hard_margin(x, y)
    if len(np.unique(y)) == 2:
        with pytest.raises(ValueError, match="x and y: got samples that are not linearly separable, accepted: separable"):
            hard_margin(x, y, bias=True)
    assert time.perf_counter() - started < 20


def test_separable_only_with_an_offset():
    x, y = np.array([[1.0], [2.0], [4.0]]), [0, 0, 1]
    with pytest.raises(ValueError, match="bias=True allows"):
        hard_margin(x, y)
    result = hard_margin(x, y, bias=True)
    assert result.w == pytest.approx([1.0]) and result.bias == pytest.approx(-3) and result.margin == pytest.approx(1)
    np.testing.assert_allclose(result.alpha, [0, 0.5, 0.5], atol=1e-12)


@pytest.mark.parametrize("x, y, error, message", [
    ([[1.0], [2]], [1, 2], ValueError, r"y: got the values \[1 2\], accepted: labels 0 and 1, or -1 and 1"),
    ([[1.0], [2], [3]], [-1, 0, 1], ValueError, r"y: got the values \[-1  0  1\], accepted: labels 0 and 1, or -1 and 1"),
    ([[1.0], [2]], [1], ValueError, r"y: got shape \(1,\), accepted: a first axis of length 2, one row per sample"),
    ([[1.0], [2]], np.ones((2, 2)), ValueError, r"y: got shape \(2, 2\), accepted: labels of shape \(2,\) or \(2, 1\)"),
    ([[1.0], [np.nan]], [0, 1], ValueError, r"x: got \[nan\] in row 1, accepted: finite numbers"),
    (np.zeros((0, 2)), [], ValueError, r"x: got shape \(0, 2\), empty, accepted: at least one sample and one output"),
    ([["a"]], [1], TypeError, "x: got dtype <U1, accepted: real numbers"),
    (np.zeros((2, 2, 2)), [0, 1], ValueError, r"x: got shape \(2, 2, 2\), accepted: \(N, K\), or \(N,\) for one output"),
])
def test_bad_data(x, y, error, message):
    with pytest.raises(error, match=message):
        hard_margin(x, y)


def test_one_class_has_no_largest_margin_with_an_offset():
    with pytest.raises(ValueError, match="y: got one class"):
        hard_margin([[1.0], [2.0]], [1, 1], bias=True)
