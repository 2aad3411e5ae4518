"""What a model is before it computes: one flat vector and its views, copies, initial weights, predictions."""
import copy

import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP
from nn.shared.parameters import Views, aligned_zeros, offsets

X = np.random.default_rng(0).normal(size=(5, 3))


# --- one vector, named views ---


def test_order_shapes_and_size():
    model = MLP([3, 4, 2])
    assert {name: array.shape for name, array in model.parameters.items()} == {
        "W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    assert list(model.parameters) == ["W1", "b1", "W2", "b2"]
    assert model.flat.shape == (3 * 4 + 4 + 4 * 2 + 2,)
    assert list(MLP([3, 4, 5, 2], bias=False).parameters) == ["W1", "W2", "W3"]
    assert MLP([3, 4, 5, 2], bias=False).flat.size == 12 + 20 + 10


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_views_lie_one_behind_the_other(dtype, bias):
    model = MLP([3, 4, 2], dtype=dtype, bias=bias)
    model.flat[:] = np.arange(model.flat.size)
    np.testing.assert_array_equal(np.concatenate([array.ravel() for array in model.parameters.values()]), model.flat)
    assert all(array.flags.c_contiguous and np.shares_memory(array, model.flat) for array in model.parameters.values())
    assert model.flat.dtype == dtype
    assert model.flat.ctypes.data % 64 == 0


def test_writing_to_either_changes_both():
    model = MLP([3, 4, 2])
    model.flat[:] = 0
    model.parameters["W2"][1, 0] = 5  # behind W1 (12), b1 (4) and the first row of W2 (2)
    assert model.flat[18] == 5
    model.flat[12] = 7
    assert model.parameters["b1"][0] == 7


def test_assignment_by_name_copies():
    model = MLP([3, 4, 2])
    view, new = model.parameters["W1"], np.ones((3, 4))
    model.parameters["W1"] = new
    new[:] = 9
    assert model.parameters["W1"] is view
    assert np.all(model.flat[:12] == 1)
    model.parameters["b2"] = [1, 2]
    np.testing.assert_array_equal(model.flat[-2:], [1, 2])


def test_wrong_assignments():
    model = MLP([3, 4, 2])
    before = model.flat.copy()
    with pytest.raises(ValueError, match=r"W1: got shape \(4, 3\), accepted: \(3, 4\)"):
        model.parameters["W1"] = np.ones((4, 3))
    with pytest.raises(ValueError, match="b1: got shape"):
        model.parameters["b1"] = 0.0  # no broadcasting: it hides mistakes
    with pytest.raises(KeyError, match="parameter: got 'W3', accepted: W1, b1, W2, b2"):
        model.parameters["W3"] = np.ones((2, 2))
    for change in (lambda p: p.pop("W1"), lambda p: p.clear(), lambda p: p.update(W1=0), lambda p: p.popitem(),
                   lambda p: p.setdefault("W3", 0), lambda p: p.__delitem__("W1")):
        with pytest.raises(TypeError, match="fixed"):
            change(model.parameters)
    np.testing.assert_array_equal(model.flat, before)
    with pytest.raises(ValueError, match="5 elements"):
        Views(aligned_zeros(5, "float64"), {"W1": (2, 2)})


def test_offsets():
    assert offsets({"W1": (3, 4), "b1": (4,), "W2": (4, 2)}) == {"W1": 0, "b1": 12, "W2": 16}


def test_a_bias_is_used_where_it_stands(backend):
    """Each bias moves its own unit and no other."""
    model = MLP([3, 4, 2], activation="identity", dtype="float64", backend=backend)
    model.flat[:] = 0
    model.parameters["W2"] = [[1, 0], [10, 0], [0, 1], [0, 10]]
    model.parameters["b1"] = [1, 2, 3, 4]
    model.parameters["b2"] = [100, 200]
    np.testing.assert_array_equal(model.forward(X[:1]), [[1 + 20 + 100, 3 + 40 + 200]])


# --- copies ---


def test_copy_is_independent(backend):
    model = MLP([3, 4, 2], activation="tanh", backend=backend, seed=3)
    copy = model.copy()
    np.testing.assert_array_equal(copy.flat, model.flat)
    assert repr(copy) == repr(model)
    before = model.flat.copy()
    copy.flat += 1
    copy.parameters["W1"] = np.zeros((3, 4))
    np.testing.assert_array_equal(model.flat, before)
    model.flat[:] = 5
    assert not np.any(copy.flat == 5)


def test_copy_to_another_backend_or_dtype():
    model = MLP([3, 4, 1], activation="sigmoid", bias=False, init="fan_in_uniform", seed=4)
    model.flat += 0.5
    other = model.copy(backend="numpy", dtype="float64")
    assert (other.backend, other.dtype, other.activation, other.bias) == ("numpy", np.float64, "sigmoid", False)
    np.testing.assert_array_equal(other.flat, model.flat.astype(np.float64))
    assert other.copy(dtype="float32").flat.dtype == np.float32
    np.testing.assert_allclose(other.forward(X), model.forward(X), rtol=1e-5)


# --- initial weights ---

WIDE = [200, 300, 100]  # 60 000 and 30 000 weights: a sample variance lies within 3 % of the true one


def assert_variance(array, expected):
    assert array.var() == pytest.approx(expected, rel=0.03)
    assert abs(array.mean()) < 4 * np.sqrt(expected / array.size)


def test_he_in_front_of_relu_glorot_in_front_of_the_output():
    p = MLP(WIDE, dtype="float64", seed=1).parameters
    assert_variance(p["W1"], 2 / 200)
    assert np.mean(p["W1"] ** 4) == pytest.approx(3 * (2 / 200) ** 2, rel=0.06)  # normal: kurtosis 3
    assert_variance(p["W2"], 2 / (300 + 100))  # uniform ±√(6/(in + out)) has variance 2/(in + out)
    assert not p["b1"].any()
    assert not p["b2"].any()


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "identity"])
def test_glorot_uniform_elsewhere(activation):
    p = MLP(WIDE, activation=activation, dtype="float64", seed=1).parameters
    for name, limit in (("W1", np.sqrt(6 / 500)), ("W2", np.sqrt(6 / 400))):
        assert_variance(p[name], limit**2 / 3)
        assert 0.99 * limit < p[name].max() <= limit
        assert -limit <= p[name].min() < -0.99 * limit
    assert not p["b1"].any()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_fan_in_uniform_fills_biases_too(activation):
    p = MLP(WIDE, activation=activation, init="fan_in_uniform", dtype="float64", seed=1).parameters
    for layer, fan_in in ((1, 200), (2, 300)):
        assert_variance(p[f"W{layer}"], 1 / (3 * fan_in))
        for name in (f"W{layer}", f"b{layer}"):
            assert 0.9 / np.sqrt(fan_in) < np.abs(p[name]).max() <= 1 / np.sqrt(fan_in)
        assert len(np.unique(p[f"b{layer}"])) == p[f"b{layer}"].size


def test_same_seed_same_weights_everywhere():
    first = MLP([3, 40, 2], seed=6, dtype="float64", backend="numpy")
    np.testing.assert_array_equal(first.flat, MLP([3, 40, 2], seed=6, dtype="float64", backend="numba").flat)
    np.testing.assert_array_equal(first.flat.astype(np.float32), MLP([3, 40, 2], seed=6, dtype="float32").flat)
    assert not np.array_equal(first.flat, MLP([3, 40, 2], seed=7, dtype="float64").flat)
    state = np.random.get_state()[1].copy()
    MLP([3, 40, 2], seed=6)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # NumPy's global generator is left alone


# --- predictions ---


def output_model(backend, outputs, dtype="float64"):
    """A network whose outputs are its inputs."""
    model = MLP([outputs, outputs], backend=backend, dtype=dtype)
    model.flat[:] = 0
    model.parameters["W1"] = np.eye(outputs)
    return model


def test_classes_and_probabilities(backend):
    model, logits = output_model(backend, 3), np.log([[1.0, 2.0, 5.0], [6.0, 1.0, 1.0], [0.1, 0.8, 0.1]])
    np.testing.assert_array_equal(model.predict(logits), [2, 0, 1])
    np.testing.assert_allclose(model.predict_proba(logits), [[1 / 8, 2 / 8, 5 / 8], [6 / 8, 1 / 8, 1 / 8], [0.1, 0.8, 0.1]],
                               rtol=1e-14)
    assert model.predict(logits).dtype == np.int64


def test_ties_go_to_the_first(backend):
    model = output_model(backend, 3)
    np.testing.assert_array_equal(model.predict([[1.0, 1.0, 1.0], [0.0, 2.0, 2.0], [-1.0, -2.0, -1.0]]), [0, 1, 0])


def test_one_output_is_class_1_where_positive(backend):
    model = output_model(backend, 1)
    logits = np.array([[-np.log(3)], [-1e-300], [0.0], [1e-300], [np.log(3)], [1e4], [-1e4]])
    np.testing.assert_array_equal(model.predict(logits), [0, 0, 0, 1, 1, 1, 0])
    probabilities = model.predict_proba(logits)
    assert probabilities.shape == (7, 1)
    np.testing.assert_allclose(probabilities[:, 0], [0.25, 0.5, 0.5, 0.5, 0.75, 1, 0], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_of_everything(backend, dtype):
    model = MLP([3, 4, 2], dtype=dtype, backend=backend)
    assert model.forward(X).dtype == model.predict_proba(X).dtype == dtype
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(1, abs=1e-6)
    objective, gradients = model.loss_and_gradients(X, [0, 1, 0, 1, 1], CrossEntropy())
    assert type(objective) is float
    assert {g.dtype for g in gradients.values()} == {np.dtype(dtype)}


def test_many_rows_are_evaluated_in_blocks(backend):
    model = MLP([3, 4, 2], dtype="float64", backend=backend)
    x = np.random.default_rng(1).normal(size=(1100, 3))  # more than two blocks of 512
    whole = model.forward(x)
    np.testing.assert_allclose(whole, np.concatenate([model.forward(x[i:i + 100]) for i in range(0, 1100, 100)]), rtol=1e-13)


def test_integers_lists_and_views_are_accepted(backend):
    model = MLP([3, 4, 2], dtype="float64", backend=backend)
    x = np.arange(12).reshape(4, 3)
    expected = model.forward(x.astype(float))
    for same in (x, x.tolist(), x.astype(np.uint8), np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(model.forward(same), expected)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_are_independent(duplicate):
    model = MLP([4, 3, 2])
    twin = duplicate(model)
    twin.flat[0] += 1
    assert model.parameters["W1"][0, 0] + 1 == twin.parameters["W1"][0, 0]


def test_views_cannot_be_detached():
    model = MLP([4, 3, 2])
    model.flat = np.arange(model.flat.size)
    assert model.parameters["W1"][0, 1] == 1
    with pytest.raises(TypeError, match="fixed"):
        model.parameters |= {"W1": np.zeros((4, 3))}
