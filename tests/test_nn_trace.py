"""model.trace: what every layer takes in and gives out, and ∂J of each of that, against the complex step."""
import numpy as np
import pytest

from losses import CrossEntropy, Flooding, SquaredError
from nn import MLP, RNN
from nn.reference.dropout import dropout_forward
from tests.numerical import complex_step

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])
SEQUENCES, TOKENS, LENGTHS = RNG.normal(size=(6, 4, 3)), RNG.integers(0, 3, (6, 4)), np.array([3, 0, 1, 4, 2, 4])
STEPS = RNG.integers(0, 2, (6, 4))
F = {"tanh": np.tanh, "relu": lambda z: np.where(z.real > 0, z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
     "identity": lambda z: z}
CE, TOLERANCE = CrossEntropy(), {"numpy": 1e-13, "numba": 1e-11}


def mlp(backend, **settings):
    model = MLP([3, 4, 5, 2], dtype="float64", seed=3, backend=backend, **settings)
    model.flat += np.random.default_rng(8).normal(size=model.flat.size) * 0.2
    return model


def run_mlp(model, x, update, moved):
    """Every quantity of a forward pass by the formulas, plus what `moved` (name -> array) says; and the outputs."""
    found, a = {}, x.astype(complex)
    hidden = len(model.sizes) - 2

    def take(name, value):
        found[name] = value + moved.get(name, 0)
        return found[name]

    for l in range(1, hidden + 2):
        p = model.parameters
        if update is not None and l > 1 and model.dropout[l - 2]:
            mask = np.empty(a.shape)
            dropout_forward(mask, np.ones(a.shape), model.dropout[l - 2], model.seed, update, l - 1, np.arange(len(x)))
            a = a * mask
        z = take(f"z{l}", take(f"x{l}", a) @ p[f"W{l}"] + p.get(f"b{l}", 0))
        if f"gamma{l}" in p:
            centred = z - z.mean(axis=0)
            z = take(f"y{l}", p[f"gamma{l}"] * centred / np.sqrt((centred**2).mean(axis=0) + 1e-5) + p[f"beta{l}"])
        a = take(f"a{l}", F[model.activation](z) if l <= hidden else z)
    return found, a


def run_rnn(model, x, moved):
    """The same for sequences, one at a time; rows of the last layer for each sequence, or for each valid step."""
    p, (N, T, D) = model.parameters, x.shape
    suffixes = ["", "_reverse"][:1 + model.bidirectional]
    found = {f"{q}_h{s}": np.zeros((N, T, D if q == "x" else model.hidden), complex) for s in suffixes for q in "xza"}

    def take(name, n, t, value):
        found[name][n, t] = value + (moved[name][n, t] if name in moved else 0)
        return found[name][n, t]

    pooled = []
    for n, length in enumerate(LENGTHS):
        for s in suffixes:
            h = np.zeros(model.hidden, complex)
            for t in range(length) if not s else reversed(range(length)):
                u = take("x_h" + s, n, t, x[n, t]) @ p["W_xh" + s] + p["b_h" + s]
                z = take("z_h" + s, n, t, u + h @ p["W_hh" + s])
                h = take("a_h" + s, n, t, F[model.activation](z))
        states = np.concatenate([found["a_h" + s][n, :length] for s in suffixes], axis=1)
        if model.pooling == "none":
            pooled += list(states)
        elif model.pooling == "mean":
            pooled.append(states.sum(axis=0) / max(length, 1))
        else:
            ends = [found["a_h" + s][n, 0 if s else length - 1] * (length > 0) for s in suffixes]
            pooled.append(np.concatenate(ends))
    found["x_y"] = np.array(pooled) + moved.get("x_y", 0)
    found["z_y"] = found["x_y"] @ p["W_hy"] + p["b_y"] + moved.get("z_y", 0)
    found["a_y"] = found["z_y"] + moved.get("a_y", 0)
    return found, found["a_y"]


def assert_equals_the_complex_step(trace, run, y, loss, tolerance):
    """Each quantity is that of the formulas, and each of its gradients the slope where that quantity alone is moved."""
    values, outputs = run({})
    assert set(trace) == set(values) | {"d" + name for name in values}
    for name, value in values.items():
        assert trace[name].shape == value.shape
        np.testing.assert_allclose(trace[name], value.real, rtol=tolerance, atol=tolerance)
        slopes = complex_step(lambda nudge, name=name: loss.objective(run({name: nudge})[1], y)[0], np.zeros(value.shape))
        np.testing.assert_allclose(trace["d" + name], slopes, rtol=tolerance, atol=tolerance, err_msg=name)
    assert np.isfinite(loss.objective(outputs.real, y)[0])


@pytest.mark.parametrize("settings", [
    {"activation": "relu"}, {"activation": "tanh", "dropout": 0.4}, {"activation": "identity", "bias": False},
    {"activation": "sigmoid", "batch_norm": True, "dropout": [0.0, 0.3]}], ids=str)
def test_mlp_equals_the_complex_step(backend, settings):
    model = mlp(backend, **settings)
    update = 3 if "dropout" in settings else None
    loss = Flooding(CE, 0.9)
    trace = model.trace(X, Y, loss, update=update)
    assert_equals_the_complex_step(trace, lambda moved: run_mlp(model, X, update, moved), Y, loss, TOLERANCE[backend])


@pytest.mark.parametrize("pooling", ["last", "mean", "none"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_rnn_equals_the_complex_step(backend, pooling, bidirectional):
    model = RNN(3, 2, 2, pooling=pooling, bidirectional=bidirectional, dtype="float64", seed=1, backend=backend)
    model.flat += np.random.default_rng(8).normal(size=model.flat.size) * 0.3
    y = STEPS if pooling == "none" else Y
    rows = STEPS[np.arange(4) < LENGTHS[:, None]] if pooling == "none" else Y
    trace = model.trace(SEQUENCES, y, CE, LENGTHS)
    padding = np.arange(4) >= LENGTHS[:, None]
    assert not any(trace[name][padding].any() for name in trace if "_h" in name)
    assert_equals_the_complex_step(trace, lambda moved: run_rnn(model, SEQUENCES, moved), rows, CE, TOLERANCE[backend])


def test_tokens_are_rows_of_the_identity(backend):
    model = RNN(3, 4, 2, dtype="float64", backend=backend)
    trace, same = model.trace(TOKENS, Y, CE, LENGTHS), model.trace(np.eye(3)[TOKENS], Y, CE, LENGTHS)
    for name, array in trace.items():
        np.testing.assert_allclose(array, same[name], atol=1e-14, err_msg=name)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_truncation_cuts_what_comes_from_later(backend, bidirectional):
    """z's gradient is f′ times all that reaches the state, and the gradients of the weights follow from the deltas."""
    model = RNN(3, 4, 2, bidirectional=bidirectional, truncate=2, pooling="mean", dropout=0.3, dtype="float64",
                backend=backend)
    trace = model.trace(SEQUENCES, Y, CE, LENGTHS, update=5)
    _, gradients = model.loss_and_gradients(SEQUENCES, Y, CE, LENGTHS, update=5)
    for s in ["", "_reverse"][:1 + bidirectional]:
        np.testing.assert_allclose(trace["da_h" + s] * (1 - trace["a_h" + s]**2), trace["dz_h" + s], atol=1e-14)
        np.testing.assert_allclose(np.einsum("bti,btj->ij", trace["x_h" + s], trace["dz_h" + s]), gradients["W_xh" + s],
                                   atol=1e-14)
    np.testing.assert_allclose(trace["x_y"].T @ trace["dz_y"], gradients["W_hy"], atol=1e-14)


def test_the_names_belong_to_the_parameters(backend):
    model = mlp(backend, batch_norm=True)
    before, running = model.flat.copy(), model.running.copy()
    trace = model.trace(X, Y, CE)
    _, gradients = model.loss_and_gradients(X, Y, CE)
    for l in "123":
        np.testing.assert_allclose(trace["x" + l].T @ trace["dz" + l], gradients["W" + l], atol=1e-13)
    np.testing.assert_allclose(trace["dy1"].sum(axis=0), gradients["beta1"], atol=1e-13)
    np.testing.assert_allclose(trace["a3"], model.forward(X, training=True), atol=1e-13)
    np.testing.assert_array_equal(model.flat, before)
    np.testing.assert_array_equal(model.running, running)
    trace["x1"][:] = 7  # arrays of the caller's own
    np.testing.assert_array_equal(model.trace(X, Y, CE)["x1"], X)


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="x: got a batch of 1 sample"):
        mlp("numpy", batch_norm=True).trace(X[:1], Y[:1], CE)
    with pytest.raises(ValueError, match="update: got -1"):
        mlp("numpy").trace(X, Y, CE, update=-1)
    with pytest.raises(TypeError, match="steps: got 3, but trace has no such argument"):
        mlp("numpy").trace(X, Y, CE, steps=3)


def test_regression_of_one_value(backend):
    model = MLP([3, 1], dtype="float64", backend=backend)
    trace = model.trace(X, X[:, 0], SquaredError())
    np.testing.assert_allclose(trace["dz1"][:, 0], 2 * (trace["a1"][:, 0] - X[:, 0]) / 6, atol=1e-14)
