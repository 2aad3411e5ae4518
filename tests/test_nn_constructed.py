"""The constructed network: by hand, as the triangular system of the theorem, its rounding, and what it refuses."""
import numpy as np
import pytest

from nn import constructed_network

RNG = np.random.default_rng(1)


def test_by_hand(backend):
    model = constructed_network([[1.0], [3.0], [2.0]], [4.0, -1.0, 2.0], seed=0, backend=backend)
    [[a, *_]] = model.parameters["W1"]
    assert a > 0 and (model.parameters["W1"] == a).all() and model.sizes == (1, 3, 1)
    # Inputs 1, 2, 3 by their projections: slopes 4/(2/3), 2 - 4 and -1 - 2, all divided by a.
    np.testing.assert_allclose(model.parameters["b1"], -a * np.array([1 / 3, 1, 2]), rtol=1e-14)
    np.testing.assert_allclose(model.parameters["W2"][:, 0] * a, [6, -8, -1], rtol=1e-13)
    x = [[0.0], [1 / 3], [1.0], [1.5], [2.0], [2.5], [3.0], [4.0]]
    np.testing.assert_allclose(model.forward(x)[:, 0], [0, 0, 4, 3, 2, 0.5, -1, -4], atol=1e-13)
    np.testing.assert_array_equal(model.predict(x), model.forward(x))


def test_it_is_the_solution_of_the_triangular_system():
    """Zhang et al.: A_ij = max(a·x_i - b_j, 0) is lower triangular with a positive diagonal, and A w = y."""
    x, y = RNG.normal(size=(40, 5)), RNG.normal(size=40)
    model = constructed_network(x, y, seed=3)
    a, b = model.parameters["W1"][:, 0], -model.parameters["b1"]
    A = np.maximum(np.sort(x @ a)[:, None] - b, 0)
    assert (np.triu(A, 1) < 1e-12).all() and (np.diag(A) > 0).all()
    w = np.linalg.solve(np.tril(A), y[np.argsort(x @ a)])
    np.testing.assert_allclose(model.parameters["W2"][:, 0], w, rtol=1e-7, atol=1e-7 * np.abs(w).max())


@pytest.mark.parametrize("n, d, off", [(50, 5, 3e-11), (200, 10, 7e-9), (1000, 20, 4e-6)])
def test_any_labels_are_fitted_with_2n_plus_d_numbers(n, d, off):
    x, y = RNG.normal(size=(n, d)), RNG.integers(10, size=n)
    values, classes = constructed_network(x, y.astype(float)), constructed_network(x, y)
    # `off`: of the solution by forward substitution with thresholds halfway between samples, reference/margins.md.
    assert np.abs(values.forward(x)[:, 0] - y).max() < off
    np.testing.assert_array_equal(classes.predict(x), y)
    assert values.sizes == (d, n, 1) and classes.sizes == (d, n, 10)
    for model in (values, classes):
        a, W2 = model.parameters["W1"][:, 0], model.parameters["W2"]
        assert (model.parameters["W1"] == a[:, None]).all() and np.linalg.matrix_rank(W2) == 1
    np.testing.assert_allclose(classes.parameters["W2"], values.parameters["W2"] * np.arange(10), rtol=1e-12)


def test_classes_lead_by_a_half_or_more():
    from losses.margins import output_margins
    x, y = RNG.normal(size=(100, 4)), RNG.integers(5, size=100)
    margins = output_margins(constructed_network(x, y).forward(x), y)
    np.testing.assert_allclose(margins, 0.5, atol=1e-8)


def test_values_of_several_outputs():
    x, y = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 2))
    np.testing.assert_allclose(constructed_network(x, y).predict(x), y, atol=1e-9)


def test_float32_cannot_hold_it():
    """Weights grow like 1/gap, so that what float64 fits is lost in float32: samples as close as 1e-6."""
    x, y = RNG.normal(size=(2000, 5)), RNG.integers(10, size=2000)
    wrong = [np.mean(constructed_network(x, y, dtype=dtype).predict(x) != y) for dtype in ("float64", "float32")]
    assert wrong[0] == 0 and wrong[1] > 0.01


def test_equal_inputs_count_once():
    x, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -0.0]]), [2, 1, 2]
    model = constructed_network(x, y)
    assert model.sizes == (2, 2, 3) and model.predict(x).tolist() == y
    with pytest.raises(ValueError, match=r"^y: got two answers for one input, rows 0 and 2 of x, accepted: one for equal"):
        constructed_network(x, [2, 1, 0])


def test_the_seed_decides():
    x, y = RNG.normal(size=(10, 3)), RNG.integers(2, size=10)
    one, same, other = (constructed_network(x, y, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.flat, same.flat) and not np.array_equal(one.flat, other.flat)
    assert constructed_network(x, y.astype(bool)).predict(x).tolist() == y.tolist()


@pytest.mark.parametrize("x, y, error, message", [
    ([1.0, 2.0], [0, 1], ValueError, r"^x: got shape \(2,\), accepted: \(N, D\), D at least 1"),
    (np.zeros((3, 0)), [0, 1, 0], ValueError, r"^x: got shape \(3, 0\)"),
    ([[1.0], [np.nan]], [0, 1], ValueError, "^x: got nan at row 1"),
    ([["a"], ["b"]], [0, 1], TypeError, "^x: got "),
    ([[1.0], [2.0]], [0], ValueError, r"^y: got shape \(1,\), accepted: \(2,\) or \(2, K\)"),
    ([[1.0], [2.0]], [0, -1], ValueError, r"^y\[1\]: got -1, accepted: class ids"),
    ([[1.0], [2.0]], [[0, 1], [1, 0]], ValueError, r"^y: got shape \(2, 2\) of int64, accepted: class ids \(2,\)"),
    ([[1.0], [2.0]], [0.5, np.inf], ValueError, "^y: got inf at row 1"),
])
def test_what_it_refuses(x, y, error, message):
    with pytest.raises(error, match=message):
        constructed_network(x, y)


def test_inputs_that_a_direction_does_not_tell_apart():
    x = [[1e16, 1.0], [1e16, 1.5]]  # 0.5 times any number of about one is lost beside 1e16
    with pytest.raises(ValueError, match=r"^seed: got 0, whose direction does not tell rows 0 and 1 of x apart, accepted: "):
        constructed_network(x, [0, 1])
    with pytest.raises(ValueError, match=r"^seed: got 0, whose direction does not tell rows 0 and 1 of x apart"):
        constructed_network([[1e308] * 50, [1.1e308] * 50], [0, 1])
    with pytest.raises(ValueError, match=r"^seed: got 0, by whose direction .* too close to each other for float32"):
        constructed_network([[0.0], [1e-39]], [0.0, 1e3], dtype="float32")
