"""nn/backprop.py, which a newcomer reads first, and the package compute the same; and it stays one small file of NumPy."""
import ast
import itertools
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from losses import CrossEntropy, Flooding
from nn import MLP, RNN, SGD, backprop, fit
from stopping import Patience, replay
from tests.numerical import complex_step, relative_error
from tests.test_packaging import SOURCES, imports

DOOR = Path(__file__).parents[1] / "nn" / "backprop.py"
RNG = np.random.default_rng(41)
X = RNG.normal(size=(27, 4)) * [1, 2, 0.5, 1] + [0, 0.3, 0, -0.2]
Y = np.where(RNG.random(27) < 0.2, RNG.integers(3, size=27), (X[:, 0] > 0) + (X[:, 1] > 0).astype(int))
MARGINS = (5, 20, 40, 800, 1e4)


def is_close(mine, theirs, tolerance=1e-12):
    assert relative_error(mine, theirs) <= tolerance
    return True


# --- one small file ---


def test_one_file_that_fits_in_an_evening():
    lines = DOOR.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 130
    assert max(map(len, lines)) <= 100


def test_imports_numpy_alone_and_nobody_imports_it():
    tree = ast.parse(DOOR.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in found] == ["import numpy as np"]
    for path in SOURCES:
        assert not [name for name in imports(path) if name == "nn.backprop" or name.startswith("nn.backprop.")], path


def test_each_backward_stands_under_its_forward():
    functions = [node.name for node in ast.parse(DOOR.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    assert functions == ["cross_entropy", "flooded", "mlp_forward", "mlp_backward", "rnn_forward", "rnn_backward",
                         "train_mlp", "patience"]


# --- the objective ---


def exact_cross_entropy(row, y):
    """Loss and gradient of one row of logits in 50 digits; the label's p - 1 as minus the others, for 1e4 needs 4343."""
    with mpmath.workdps(50):
        z = [mpmath.mpf(float(v)) for v in row]
        e = [mpmath.exp(v - max(z)) for v in z]
        total, rest = mpmath.fsum(e), mpmath.fsum(e[:y] + e[y + 1:])
        gradient = [v / total for v in e]
        gradient[y] = -rest / total
        return float(mpmath.log1p(rest / e[y])), [float(g) for g in gradient]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("margin", MARGINS)
def test_cross_entropy_is_exact_at_every_margin(margin, sign):
    o = np.array([[sign * margin, 0.0, -2.5], [0.25, sign * margin + 0.25, 0.25], [-3.0, -700.0, sign * margin - 3.0]])
    y = np.arange(3)
    losses, do = backprop.cross_entropy(o, y)
    exact = [exact_cross_entropy(row, label) for row, label in zip(o, y, strict=True)]
    np.testing.assert_allclose(losses, [loss for loss, _ in exact], rtol=1e-15, atol=0)
    np.testing.assert_allclose(do, [gradient for _, gradient in exact], rtol=1e-15, atol=0)  # digit by digit
    if sign * margin in (5, 20, 40):
        assert (losses > 0).all() and (do[y, y] < 0).all()


def test_cross_entropy_by_complex_step_and_untouched_arguments():
    o, y = RNG.normal(size=(5, 3)) * 2 + 0.3, np.array([0, 2, 1, 1, 0])
    kept = o.copy()
    _, do = backprop.cross_entropy(o, y)
    np.testing.assert_array_equal(o, kept)
    assert is_close(do, complex_step(lambda o: backprop.cross_entropy(o, y)[0].sum(), o), 1e-13)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.2, 5.0])
@pytest.mark.parametrize("scale", [0.1, 3.0, 3e3])
def test_losses_and_gradients_of_outputs_equal_the_package(level, scale):
    o = RNG.normal(size=(27, 3)) * scale
    losses, do = backprop.cross_entropy(o, Y)
    J, dlosses = backprop.flooded(losses, level)
    objective, dO = Flooding(CrossEntropy(), level).value_and_gradient(o, Y)
    assert is_close(losses, CrossEntropy().per_sample(o, Y))
    assert is_close(J, objective)
    assert is_close(dlosses[:, None] * do, dO)


def test_flooding_takes_the_mean_first():
    losses = np.array([0.2, 1.0, 0.6, 0.4])  # mean 0.55: some samples are on the other side of each level
    for level, J, weight in [(0.5, 0.55, 0.25), (0.7, 0.85, -0.25), (0.0, 0.55, 0.25)]:
        value, dlosses = backprop.flooded(losses, level)
        assert value == pytest.approx(J, rel=1e-15)
        assert dlosses.tolist() == [weight] * 4


@pytest.mark.parametrize("losses", [[0.1, 0.7, 1e-17], [0.0, 0.0]])
def test_level_0_is_the_mean_loss_exactly_and_at_the_level_nothing_moves(losses):
    losses = np.array(losses)
    J, dlosses = backprop.flooded(losses, 0.0)
    assert losses.mean() == J and dlosses.tolist() == [1 / len(losses)] * len(losses)
    if losses.any():
        J, dlosses = backprop.flooded(losses, losses.mean())
        assert losses.mean() == J and not dlosses.any()


# --- the multilayer perceptron ---


def mlp(sizes=(4, 6, 6, 3), backend="numpy", seed=2):
    """A tanh network of the package, with biases; one weight matrix is square, so that a missing transpose runs."""
    model = MLP(list(sizes), activation="tanh", init="fan_in_uniform", dtype="float64", seed=seed, backend=backend)
    return model, *layers_of(model)


def layers_of(model):
    p = model.parameters
    L = len(p) // 2
    return [p[f"W{l}"].copy() for l in range(1, L + 1)], [p[f"b{l}"].copy() for l in range(1, L + 1)]


@pytest.mark.parametrize("level", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("sizes", [(4, 3), (4, 5, 3), (4, 6, 6, 3)])
def test_mlp_equals_the_package(backend, sizes, level):
    model, Ws, bs = mlp(sizes, backend)
    activations = backprop.mlp_forward(Ws, bs, X)
    losses, do = backprop.cross_entropy(activations[-1], Y)
    J, dlosses = backprop.flooded(losses, level)
    dWs, dbs, dx = backprop.mlp_backward(Ws, activations, dlosses[:, None] * do)
    objective, gradients = model.loss_and_gradients(X, Y, Flooding(CrossEntropy(), level), input_gradient=True)
    assert [a.shape for a in activations] == [(27, size) for size in sizes]
    assert is_close(activations[-1], model.forward(X))
    assert is_close(J, objective)
    assert is_close(dx, gradients["x"])
    for l, (dW, db) in enumerate(zip(dWs, dbs, strict=True), start=1):
        assert is_close(dW, gradients[f"W{l}"]) and is_close(db, gradients[f"b{l}"])


def test_mlp_by_complex_step():
    _, Ws, bs = mlp((4, 5, 5, 3))
    coefficients = RNG.normal(size=(27, 3))  # an upstream gradient without any symmetry
    arrays = [*Ws, *bs, X]

    def objective(at, moved):
        changed = [*arrays[:at], moved, *arrays[at + 1:]]
        return (coefficients * backprop.mlp_forward(changed[:3], changed[3:6], changed[6])[-1]).sum()

    dWs, dbs, dx = backprop.mlp_backward(Ws, backprop.mlp_forward(Ws, bs, X), coefficients)
    for at, gradient in enumerate([*dWs, *dbs, dx]):
        assert is_close(gradient, complex_step(lambda moved, at=at: objective(at, moved), arrays[at]), 1e-13)


# --- the recurrent network ---

LENGTHS = {"different": [2, 5, 1, 4, 3], "equal": [4, 4, 4], "one": [3], "short_in_front": [1, 1, 6],
           "empty": [3, 0, 2]}


def sequences(lengths):
    """x (B, T, D), two steps longer than needed, with NaN in the padding; a step of zeros is no padding."""
    rng, lengths = np.random.default_rng([3, *lengths]), np.array(lengths)
    x = rng.normal(size=(len(lengths), lengths.max() + 2, 3)) * [0.5, 1, 2] + 0.2
    x[0, 0] = 0
    x[np.arange(x.shape[1]) >= lengths[:, None]] = np.nan
    return x, lengths


def rnn(backend="numpy"):
    model = RNN(3, 4, 2, dtype="float64", seed=6, backend=backend)
    model.flat += np.random.default_rng(8).normal(size=model.flat.shape) * 0.3
    return model


@pytest.mark.parametrize("name", LENGTHS)
def test_rnn_equals_the_package(backend, name):
    model, (x, lengths) = rnn(backend), sequences(LENGTHS[name])
    y = np.arange(len(x)) % 2
    W_xh, W_hh, b_h, W_hy, b_y = model.parameters.values()
    h = backprop.rnn_forward(W_xh, W_hh, b_h, x, lengths)
    head = backprop.mlp_forward([W_hy], [b_y], h[-1])
    losses, do = backprop.cross_entropy(head[-1], y)
    J, dlosses = backprop.flooded(losses, 0.3)
    (dW_hy,), (db_y,), dh = backprop.mlp_backward([W_hy], head, dlosses[:, None] * do)
    kept = dh.copy()
    dW_xh, dW_hh, db_h, dx = backprop.rnn_backward(W_xh, W_hh, x, lengths, h, dh)
    np.testing.assert_array_equal(dh, kept)  # a caller may use it again
    objective, gradients = model.loss_and_gradients(x, y, Flooding(CrossEntropy(), 0.3), lengths, input_gradient=True)
    assert is_close(head[-1], model.forward(x, lengths)) and is_close(J, objective)
    mine = {"W_xh": dW_xh, "W_hh": dW_hh, "b_h": db_h, "W_hy": dW_hy, "b_y": db_y, "x": dx}
    assert all(is_close(mine[key], gradients[key]) for key in gradients) and list(mine) == list(gradients)


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_rnn_by_complex_step(lengths):
    x, lengths = sequences(lengths)
    W_xh, W_hh, b_h = (a.copy() for a in list(rnn().parameters.values())[:3])
    arrays, dh = [W_xh, W_hh, b_h, x], RNG.normal(size=(len(x), 4))

    def objective(at, moved):
        changed = [*arrays[:at], moved, *arrays[at + 1:]]
        return (dh * backprop.rnn_forward(*changed, lengths)[-1]).sum()

    h = backprop.rnn_forward(W_xh, W_hh, b_h, x, lengths)
    for at, gradient in enumerate(backprop.rnn_backward(W_xh, W_hh, x, lengths, h, dh)):
        assert is_close(gradient, complex_step(lambda moved, at=at: objective(at, moved), arrays[at]), 1e-13)


def test_rnn_states_are_those_of_each_sequence_alone():
    x, lengths = sequences(LENGTHS["different"])
    weights = list(rnn().parameters.values())[:3]
    h = backprop.rnn_forward(*weights, x, lengths)
    assert h.shape == (x.shape[1] + 1, len(x), 4) and not h[0].any()
    for n, length in enumerate(lengths):
        alone = backprop.rnn_forward(*weights, x[n:n + 1, :length], np.array([length]))
        assert is_close(h[:length + 1, n], alone[:, 0])
        np.testing.assert_array_equal(h[length:, n], np.broadcast_to(h[length, n], h[length:, n].shape))


def test_rnn_takes_whole_numbers():
    x, lengths = np.array([[[1, 0], [0, 1]], [[0, 1], [7, 7]]]), np.array([2, 1])  # one-hot, padded by anything
    weights = [RNG.normal(size=shape) for shape in ((2, 3), (3, 3), (3,))]
    h, same = (backprop.rnn_forward(*weights, as_type, lengths) for as_type in (x, x.astype(float)))
    np.testing.assert_array_equal(h, same)
    dx, same = (backprop.rnn_backward(*weights[:2], as_type, lengths, h, np.ones((2, 3)))[3] for as_type in (x, x * 1.0))
    np.testing.assert_array_equal(dx, same)


# --- learning ---

# batch size -> (samples, epochs) of 20 updates: 20·1, (7 + 7 + 7 + 6)·5, 27·20
MODES = {1: (20, 1), 7: (27, 5), 27: (27, 20), None: (27, 20)}
LEVELS = {"none": 0.0, "below": 1e-3, "inside": 0.85, "above": 1e3}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("batch_size", MODES)
def test_20_updates_equal_those_of_fit(backend, batch_size, level):
    (n, epochs), b = MODES[batch_size], LEVELS[level]
    model, Ws, bs = mlp(backend=backend)
    start = model.flat.copy()
    history = fit(model, X[:n], Y[:n], loss=Flooding(CrossEntropy(), b), optimizer=SGD(0.3), epochs=epochs, seed=5,
                  batch_size=batch_size, check_every=1, progress=False)
    losses = backprop.train_mlp(Ws, bs, X[:n], Y[:n], epochs=epochs, batch_size=batch_size, learning_rate=0.3, level=b,
                                seed=5)
    assert losses.shape == (20,)
    assert is_close(losses, history["train_loss_running"], 1e-9)
    for mine, theirs in zip([*Ws, *bs], itertools.chain(*layers_of(model)), strict=True):
        assert is_close(mine, theirs, 1e-9)
    assert relative_error(model.flat, start) > 0.05  # it was no standing still
    flooded = history["flooded_fraction"]
    assert {"none": not flooded.any(), "below": not flooded.any(), "inside": 0 < flooded.mean() < 1,
            "above": flooded.all()}[level]


def test_a_batch_size_beyond_the_data_is_the_full_batch_and_0_is_refused():
    runs = []
    for batch_size in (None, 27, 100):
        _, Ws, bs = mlp()
        runs.append(backprop.train_mlp(Ws, bs, X, Y, epochs=3, batch_size=batch_size, learning_rate=0.1))
    assert runs[0].tolist() == runs[1].tolist() == runs[2].tolist()
    with pytest.raises(ValueError, match="zero"):
        backprop.train_mlp(Ws, bs, X, Y, epochs=1, batch_size=0, learning_rate=0.1)


# --- patience ---


@pytest.mark.parametrize("losses, patience, expected", [
    ([0.9, 0.7, 0.8, 0.7, 0.1], 2, (4, 2)),         # a tie is no improvement
    ([0.9, 0.7, 0.8, 0.6, 0.7], 2, (None, 4)),      # never two in a row
    ([np.nan, 0.5, np.nan, 0.4], 2, (None, 4)),     # NaN first must not be the best for good
    ([np.nan, np.nan, 0.5], 2, (2, None)),          # nothing to keep
    ([0.5, np.inf, np.nan, 0.1], 2, (3, 1)),
    ([0.5], 1, (None, 1)), ([0.5, 0.6], 1, (2, 1)), ([np.nan], 2, (None, None))])
def test_patience_by_hand(losses, patience, expected):
    assert backprop.patience(np.array(losses), patience) == expected
    assert replayed(losses, patience) == expected


def replayed(losses, patience):
    decision = replay(Patience(patience), {"val_loss": losses})
    return decision.stopped_step, decision.best_step


@given(st.lists(st.one_of(st.sampled_from([0.0, 0.1, 0.2, 0.3, np.nan, np.inf]), st.floats(allow_subnormal=False)),
                min_size=1, max_size=30), st.integers(1, 6))
def test_patience_equals_the_packages(losses, patience):
    assert backprop.patience(np.array(losses), patience) == replayed(losses, patience)
