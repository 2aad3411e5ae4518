"""The whole network: one example by hand, loops, numerical derivatives for every combination, and numba against NumPy."""
import itertools

import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Flooding, SquaredError
from nn import MLP, check_model
from nn.backends import NumbaBackend
from nn.shared.codes import ACTIVATIONS
from tests import naive
from tests.numerical import central_difference, relative_error

LN3 = np.log(3)


# --- 2-3-2 by hand ---
#
# x_1 = (1, 2), x_2 = (−1, 1), both of class 1; relu; cross-entropy.
#   W1 = 1  −1/2  1/2   b1 = (0, −1/2, 1/4)      W2 = ln 3   0    b2 = (−1/2 − ln 3, 0)
#       1/2   1   −1                                  1    1/2
#                                                     2    −1
# Forward, z1 = x W1 + b1:
#   sample 1: (1 + 1 + 0, −1/2 + 2 − 1/2, 1/2 − 2 + 1/4) = (2, 1, −5/4)          a1 = (2, 1, 0)
#   sample 2: (−1 + 1/2 + 0, 1/2 + 1 − 1/2, −1/2 − 1 + 1/4) = (−1/2, 1, −5/4)    a1 = (0, 1, 0)
# z2 = a1 W2 + b2:
#   sample 1: (2 ln 3 + 1 − 1/2 − ln 3, 1/2) = (1/2 + ln 3, 1/2)    softmax (3/4, 1/4)    loss −ln(1/4) = ln 4
#   sample 2: (0 + 1 − 1/2 − ln 3, 1/2) = (1/2 − ln 3, 1/2)         softmax (1/4, 3/4)    loss −ln(3/4) = ln(4/3)
# J = (ln 4 + ln(4/3)) / 2 = ln(16/3) / 2 = 0.836988…
# Backward, dz2 = (softmax − onehot) / 2:
#   sample 1: (3/8, −3/8)    sample 2: (1/8, −1/8)
#   db2 = (1/2, −1/2)
#   dW2 = a1ᵀ dz2: row 1: 2·(3/8, −3/8) + 0 = (3/4, −3/4); row 2: (3/8 + 1/8, −3/8 − 1/8) = (1/2, −1/2); row 3: 0
# dz1 = (dz2 W2ᵀ) where a1 > 0:
#   sample 1: (3/8 ln 3, 3/8 − 3/16, —) = (3/8 ln 3, 3/16, 0)       sample 2: (—, 1/8 − 1/16, —) = (0, 1/16, 0)
#   db1 = (3/8 ln 3, 1/4, 0)
#   dW1 = xᵀ dz1: row 1: 1·(3/8 ln 3, 3/16, 0) − 1·(0, 1/16, 0) = (3/8 ln 3, 1/8, 0)
#                 row 2: 2·(3/8 ln 3, 3/16, 0) + 1·(0, 1/16, 0) = (3/4 ln 3, 7/16, 0)
# dx = dz1 W1ᵀ:
#   sample 1: (3/8 ln 3 − 3/32, 3/16 ln 3 + 3/16)                   sample 2: (−1/32, 1/16)
X = np.array([[1.0, 2.0], [-1.0, 1.0]])
Y = np.array([1, 1])
J = 0.8369882167858358
GRADIENTS = {
    "W1": [[3 / 8 * LN3, 1 / 8, 0], [3 / 4 * LN3, 7 / 16, 0]],
    "b1": [3 / 8 * LN3, 1 / 4, 0],
    "W2": [[3 / 4, -3 / 4], [1 / 2, -1 / 2], [0, 0]],
    "b2": [1 / 2, -1 / 2],
    "x": [[3 / 8 * LN3 - 3 / 32, 3 / 16 * LN3 + 3 / 16], [-1 / 32, 1 / 16]],
}


def hand_model(backend, dtype="float64"):
    model = MLP([2, 3, 2], backend=backend, dtype=dtype)
    model.parameters["W1"] = [[1, -0.5, 0.5], [0.5, 1, -1]]
    model.parameters["b1"] = [0, -0.5, 0.25]
    model.parameters["W2"] = [[LN3, 0], [1, 0.5], [2, -1]]
    model.parameters["b2"] = [-0.5 - LN3, 0]
    return model


def test_by_hand_forward(backend):
    model = hand_model(backend)
    np.testing.assert_allclose(model.forward(X), [[0.5 + LN3, 0.5], [0.5 - LN3, 0.5]], rtol=1e-14)
    np.testing.assert_allclose(model.predict_proba(X), [[0.75, 0.25], [0.25, 0.75]], rtol=1e-14)
    np.testing.assert_array_equal(model.predict(X), [0, 1])


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-14), ("float32", 1e-6)])
def test_by_hand_gradients(backend, dtype, rtol):
    objective, gradients = hand_model(backend, dtype).loss_and_gradients(X, Y, CrossEntropy(), input_gradient=True)
    assert objective == pytest.approx(J, rel=rtol)
    assert list(gradients) == list(GRADIENTS)
    for name, expected in GRADIENTS.items():
        np.testing.assert_allclose(gradients[name], expected, rtol=rtol, atol=rtol / 10)
        assert gradients[name].dtype == dtype


def test_by_hand_flooded(backend):
    # Level 1/2 < J: plain. Level 1 > J: objective 2 − J, every gradient reversed, also that of sample 1, whose loss is ln 4.
    for level, objective, sign in ((0.5, J, 1), (1.0, 2 - J, -1)):
        found = hand_model(backend).loss_and_gradients(X, Y, Flooding(CrossEntropy(), level), input_gradient=True)
        assert found[0] == pytest.approx(objective, rel=1e-14)
        for name, expected in GRADIENTS.items():
            np.testing.assert_allclose(found[1][name], sign * np.array(expected), rtol=1e-14, atol=1e-15)


def test_flooding_exactly_at_the_level_stands_still(backend):
    # Zero outputs for two classes: every loss is ln 2 exactly, and so is the mean.
    model = MLP([2, 3, 2], backend=backend, dtype="float64")
    model.flat[:] = 0
    objective, gradients = model.loss_and_gradients(X, [0, 0], Flooding(CrossEntropy(), np.log1p(1.0)))
    assert objective == np.log1p(1.0)
    assert not any(g.any() for g in gradients.values())
    assert model.loss_and_gradients(X, [0, 0], CrossEntropy())[1]["b2"].any()


def test_parameters_are_only_read(backend):
    model = hand_model(backend)
    before, x, y = model.flat.copy(), X.copy(), Y.copy()
    first = model.loss_and_gradients(x, y, CrossEntropy(), input_gradient=True)[1]
    second = model.loss_and_gradients(x, y, CrossEntropy(), input_gradient=True)[1]  # nothing is accumulated
    model.forward(x)
    np.testing.assert_array_equal(model.flat, before)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
        assert not np.shares_memory(first[name], second[name])


# --- all combinations ---


def losses_and_targets():
    rng = np.random.default_rng(8)
    ids, soft = np.array([2, 0, 1]), rng.dirichlet([1, 1, 1], size=3)
    return {
        "ids": (CrossEntropy(), ids), "soft": (CrossEntropy(), soft), "smoothed": (CrossEntropy(0.2), ids),
        "soft_smoothed": (CrossEntropy(0.2), soft), "binary": (BinaryCrossEntropy(), [1, 0, 1]),
        "squared": (SquaredError(), rng.normal(size=(3, 3))), "squared_ids": (SquaredError(), ids),
        "flooded_above": (Flooding(CrossEntropy(), 0.01), ids), "flooded_below": (Flooding(CrossEntropy(), 4.0), ids),
        "squared_below": (Flooding(SquaredError(), 40.0), rng.normal(size=(3, 3))),
        "soft_below": (Flooding(CrossEntropy(0.1), 4.0), soft),
        "binary_below": (Flooding(BinaryCrossEntropy(), 4.0), [1, 0, 1]),
    }


LOSSES = losses_and_targets()


def weird_model(sizes, **options):
    """Weights of different sizes and offsets everywhere, biases too: zeros and symmetry mask errors."""
    model = MLP(sizes, **options)
    rng = np.random.default_rng([9, *sizes])
    for array in model.parameters.values():
        array[...] = rng.normal(size=array.shape) * rng.uniform(0.5, 2, array.shape)
        array[...] = (array + 0.1) / np.sqrt(array.shape[0])
    return model


def model_and_x(loss, **options):
    sizes = [4, 5, 6, 1 if "binary" in loss else 3]
    x = np.random.default_rng(10).normal(size=(3, 4)) * [1, 2, 0.1, 1] + 0.2
    return weird_model(sizes, dtype="float64", **options), x


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_by_complex_step(backend, activation, loss, bias):
    model, x = model_and_x(loss, activation=activation, bias=bias, backend=backend)
    report = check_model(model, x, LOSSES[loss][1], LOSSES[loss][0])
    names = [*model.parameters, "x"]
    assert [p.name for p in report.parameters] == names + [f"{backend} float64: {name}" for name in names]
    for p in report.parameters:
        assert p.checked == (x if p.name.endswith("x") else model.parameters[p.name.split()[-1]]).size
        assert p.error <= (1e-11 if ":" in p.name else 1e-13), str(report)


@pytest.mark.parametrize("loss", [name for name in LOSSES if "flooded" in name or "below" in name])
def test_levels_lie_on_the_side_that_their_names_say(loss):
    for activation, bias in itertools.product(ACTIVATIONS, [True, False]):
        model, x = model_and_x(loss, activation=activation, bias=bias, backend="numpy")
        level = LOSSES[loss][0].level
        raw = model.loss_and_gradients(x, LOSSES[loss][1], LOSSES[loss][0].raw)[0]
        assert raw < level / 1.2 if "below" in loss else raw > level * 1.2


@pytest.mark.parametrize("loss", LOSSES)
def test_relu_by_central_differences(loss):
    model, x = model_and_x(loss, activation="relu", backend="numpy")
    report = check_model(model, x, LOSSES[loss][1], LOSSES[loss][0], method="central")
    assert report.passed(1e-7), str(report)
    assert not any(p.skipped for p in report.parameters)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equals_loops(backend, activation, bias):
    model, x = model_and_x("squared", activation=activation, bias=bias, backend=backend)
    target = LOSSES["squared"][1]
    weights = [model.parameters[f"W{l}"] for l in (1, 2, 3)]
    biases = [model.parameters[f"b{l}"] if bias else [] for l in (1, 2, 3)]

    def mean_squared(outputs):
        return [[g / len(x) for g in row] for row in naive.naive_squared_error(outputs, target)[1]]

    outputs, dWs, dbs, dx = naive.naive_mlp(weights, biases, x, activation, mean_squared)
    assert relative_error(model.forward(x), outputs) <= 1e-13
    objective, gradients = model.loss_and_gradients(x, target, SquaredError(), input_gradient=True)
    assert objective == pytest.approx(np.mean(naive.naive_squared_error(outputs, target)[0]), rel=1e-13)
    for l in (1, 2, 3):
        assert relative_error(gradients[f"W{l}"], dWs[l - 1]) <= 1e-13
        if bias:
            assert relative_error(gradients[f"b{l}"], dbs[l - 1]) <= 1e-13
    assert relative_error(gradients["x"], dx) <= 1e-13


def test_input_gradient_of_the_objective(backend):
    """Apart from check_model: the public loss and gradient of a network, by central differences of its own objective."""
    model, x = model_and_x("ids", activation="tanh", backend=backend)
    loss, y = LOSSES["ids"]
    dx = model.loss_and_gradients(x, y, loss, input_gradient=True)[1]["x"]
    assert relative_error(dx, central_difference(lambda x: model.loss_and_gradients(x, y, loss)[0], x)) <= 1e-7


# --- numba against NumPy: shapes that are multiples of nothing, and layers of several panels ---

SHAPES = {"no_hidden": [7, 3], "one_unit": [3, 1, 2], "odd": [5, 17, 3], "wide": [10, 600, 2], "deep_wide": [6, 300, 270, 3],
          "wide_input": [530, 4, 2], "wide_output": [3, 5, 300]}


def both(sizes, N, loss, y, activation):
    """Objective and gradients: NumPy in float64, and numba in both dtypes from the same (float32) weights and inputs."""
    model = weird_model(sizes, activation=activation, dtype="float32")
    x = np.random.default_rng([12, N]).normal(size=(N, sizes[0])).astype(np.float32)
    models = [model.copy(backend="numpy", dtype="float64"), model.copy(dtype="float64"), model]
    assert relative_error(models[1].forward(x), models[0].forward(x)) <= 1e-11
    assert relative_error(models[2].forward(x), models[0].forward(x)) <= 1e-4
    return [m.loss_and_gradients(x, y, loss, input_gradient=True) for m in models]


def assert_agree(proved, found, tolerance):
    assert found[0] == pytest.approx(proved[0], rel=tolerance)
    for name, gradient in proved[1].items():
        assert relative_error(found[1][name], gradient) <= tolerance, name


@pytest.mark.parametrize("N", [1, 2, 37])
@pytest.mark.parametrize("shape", SHAPES)
def test_numba_equals_numpy(shape, N):
    sizes = SHAPES[shape]
    y = np.random.default_rng(N).integers(sizes[-1], size=N)
    for activation in ("relu", "tanh"):
        proved, found64, found32 = both(sizes, N, CrossEntropy(0.1), y, activation)
        assert_agree(proved, found64, 1e-11)
        assert_agree(proved, found32, 1e-4)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_numba_float32(activation, loss):
    model, x = model_and_x(loss, activation=activation, backend="numba")
    report = check_model(model.copy(dtype="float32"), x, LOSSES[loss][1], LOSSES[loss][0], samples=1)
    assert all(p.error <= 1e-4 for p in report.parameters), str(report)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ["wide", "deep_wide", "wide_input", "wide_output"])
def test_number_of_threads_changes_no_bit(shape, dtype, monkeypatch):
    sizes = SHAPES[shape]
    model = weird_model(sizes, dtype=dtype)
    rng = np.random.default_rng(13)
    x, y = rng.normal(size=(37, sizes[0])).astype(dtype), rng.integers(sizes[-1], size=37)
    inputs, results = model.check_x(x), []
    for threads in (1, 2, 3):
        monkeypatch.setattr(NumbaBackend, "useful_threads", lambda *_, threads=threads: threads)
        engine = model.open(inputs, y, CrossEntropy(), batch=37, input_gradient=True)
        flat = engine.gradient(np.arange(37))
        layers = range(len(sizes))
        results.append([flat, *map(engine.activations, layers), *map(engine.deltas, layers)])
        assert len(results[-1][1]) == 37
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
