"""The whole recurrent network: against loops over one sequence at a time, by complex step, and what padding must not do."""
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Flooding, SquaredError
from nn import RNN, check_model
from nn.backends import NumbaBackend
from nn.shared.codes import POOLINGS
from tests import naive
from tests.numerical import central_difference, relative_error

D, H, K = 3, 4, 2
LENGTHS = {"one_step": [1], "steps_of_one": [1, 1, 1], "equal": [4, 4, 4], "different": [2, 5, 1, 4, 3],
           "random_1": [3, 1, 6, 2, 6, 1], "random_2": [7, 2, 2, 5]}
SQUARED = SquaredError()
LOOPED = {}
kinds = pytest.mark.parametrize("pooling", POOLINGS)
both_ways = pytest.mark.parametrize("bidirectional", [False, True])


def weird(inputs=D, outputs=K, hidden=H, **options):
    """Weights of different sizes and offsets everywhere, biases too."""
    model = RNN(inputs, hidden, outputs, **{"dtype": "float64", "backend": "numpy", **options})
    rng = np.random.default_rng([17, inputs, hidden])
    for array in model.parameters.values():
        array[...] = (rng.normal(size=array.shape) * rng.uniform(0.5, 1.5, array.shape) + 0.1) / np.sqrt(array.shape[0])
    return model


def sequences(lengths, T=None, seed=0):
    """x (N, T, D) with NaN in the padding, and lengths."""
    rng, lengths = np.random.default_rng([seed, *lengths]), np.array(lengths)
    x = rng.normal(size=(len(lengths), T or max(lengths), D)) * rng.uniform(0.3, 2, D) + 0.2
    x[np.arange(x.shape[1]) >= lengths[:, None]] = np.nan
    return x, lengths


def targets(pooling, x, classes=False, seed=1):
    shape = x.shape[:2] if pooling == "none" else x.shape[:1]
    rng = np.random.default_rng(seed)
    return rng.integers(K, size=shape) if classes else rng.normal(size=(*shape, K))


def by_loops(model, x, y, lengths):
    """Mean squared error over sequences (or all their steps), outputs of each sequence, gradients and dx: no padding."""
    key = (model.flat.tobytes(), x.tobytes(), y.tobytes(), tuple(lengths), model.activation, model.bidirectional,
           model.pooling, model.truncate)
    if key not in LOOPED:  # the loops take seconds, and both backends are compared with them
        LOOPED[key] = looped(model, x, y, lengths)
    return LOOPED[key]


def looped(model, x, y, lengths):
    p = {name: array.tolist() for name, array in model.parameters.items()}
    rows = sum(lengths) if model.pooling == "none" else len(lengths)
    total, outputs, sums = 0.0, [], {name: np.zeros(array.shape) for name, array in model.parameters.items()}
    dx = np.zeros(x.shape)
    for n, length in enumerate(lengths):
        target = y[n, :length] if model.pooling == "none" else y[n:n + 1]
        found, gradients, dx_n = naive.naive_rnn(
            p, x[n, :length].tolist(), model.activation, model.pooling,
            lambda o, target=target: [[g / rows for g in row] for row in naive.naive_squared_error(o, target)[1]],
            model.truncate)
        total += sum(naive.naive_squared_error(found, target)[0]) / rows
        outputs.append(found)
        dx[n, :length] = dx_n
        for name in sums:
            sums[name] += gradients[name]
    return total, outputs, sums | {"x": dx}


def assert_equals_loops(model, x, y, lengths, tokens=None):
    """Compare with the loops on x; the model may get tokens instead."""
    objective, outputs, gradients = by_loops(model, x, y, lengths)
    given, with_x = (x, True) if tokens is None else (tokens, False)
    found = model.forward(given, lengths)
    for n, length in enumerate(lengths):
        mine = found[n, :length] if model.pooling == "none" else found[n:n + 1]
        assert relative_error(mine, outputs[n]) <= 1e-12
    value, mine = model.loss_and_gradients(given, y, SQUARED, lengths, input_gradient=with_x)
    assert value == pytest.approx(objective, rel=1e-12)
    assert list(mine) == [*model.parameters, *["x"] * with_x]
    for name in mine:
        assert relative_error(mine[name], gradients[name]) <= 1e-12, name


@kinds
@both_ways
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("name", LENGTHS)
def test_equals_loops(backend, name, activation, bidirectional, pooling):
    x, lengths = sequences(LENGTHS[name])
    for truncate in (None, 1, 2, 5):
        model = weird(activation=activation, bidirectional=bidirectional, pooling=pooling, backend=backend,
                      truncate=truncate)
        assert_equals_loops(model, x, targets(pooling, x), lengths)


@kinds
@both_ways
@pytest.mark.parametrize("name", LENGTHS)
def test_tokens_equal_loops_and_one_hot_inputs(backend, name, bidirectional, pooling):
    lengths = np.array(LENGTHS[name])
    tokens = np.random.default_rng(6).integers(5, size=(len(lengths), max(lengths)))
    one_hot = np.eye(5)[tokens]
    tokens[np.arange(tokens.shape[1]) >= lengths[:, None]] = -7
    model = weird(5, bidirectional=bidirectional, pooling=pooling, backend=backend)
    y = targets(pooling, one_hot)
    assert_equals_loops(model, one_hot, y, lengths, tokens)
    np.testing.assert_allclose(model.forward(tokens.astype(np.int16), lengths), model.forward(one_hot, lengths), rtol=1e-13,
                               atol=1e-14)
    sparse, dense = (model.loss_and_gradients(x, y, SQUARED, lengths)[1] for x in (tokens, one_hot))
    for gradient in sparse:
        assert relative_error(sparse[gradient], dense[gradient]) <= 1e-13


@kinds
@both_ways
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_by_complex_step(backend, activation, bidirectional, pooling):
    x, lengths = sequences([3, 1, 4])
    model = weird(activation=activation, bidirectional=bidirectional, pooling=pooling, backend=backend)
    clean = np.where(np.isnan(x), 0, x)
    for loss in (CrossEntropy(0.1), Flooding(CrossEntropy(), 5.0)):
        report = check_model(model, x, targets(pooling, x, classes=True), loss, lengths)
        names = [*model.parameters, "x"]
        assert [p.name for p in report.parameters] == names + [f"{backend} float64: {name}" for name in names]
        assert all(p.error <= (1e-11 if ":" in p.name else 1e-13) for p in report.parameters), str(report)
        small = check_model(model.copy(dtype="float32"), clean, targets(pooling, x, classes=True), loss, lengths, samples=1)
        assert all(p.error <= 1e-4 for p in small.parameters), str(small)


def test_objective_by_central_differences(backend):
    """Apart from check_model: one output, the public objective, every weight."""
    x, lengths = sequences([3, 1, 4])
    model = weird(outputs=1, bidirectional=True, pooling="mean", backend=backend)
    y, loss, start = [0, 1, 1], BinaryCrossEntropy(), model.flat.copy()

    def objective(flat):
        model.flat[:] = flat
        return model.loss_and_gradients(x, y, loss, lengths)[0]

    slopes = central_difference(objective, start)
    model.flat[:] = start
    gradients = model.loss_and_gradients(x, y, loss, lengths)[1]
    assert relative_error(np.concatenate([g.ravel() for g in gradients.values()]), slopes) <= 1e-7


# --- batches and padding ---


@kinds
@both_ways
def test_permuting_the_batch_permutes_the_outputs(backend, bidirectional, pooling):
    x, lengths = sequences(LENGTHS["random_1"])
    model, y = weird(bidirectional=bidirectional, pooling=pooling, backend=backend), targets(pooling, x)
    order = np.array([4, 2, 0, 5, 1, 3])
    np.testing.assert_allclose(model.forward(x[order], lengths[order]), model.forward(x, lengths)[order], rtol=1e-13,
                               atol=1e-14)
    one, two = (model.loss_and_gradients(x[rows], y[rows], SQUARED, lengths[rows], input_gradient=True)
                for rows in (np.arange(6), order))
    assert two[0] == pytest.approx(one[0], rel=1e-13)
    one[1]["x"] = one[1]["x"][order]
    for name, gradient in one[1].items():
        assert relative_error(two[1][name], gradient) <= 1e-12
    for n in range(6):  # and a sequence is not touched by its companions
        alone = model.forward(x[n:n + 1, :lengths[n]])[0]
        np.testing.assert_allclose(model.forward(x, lengths)[n][:len(alone)], alone, rtol=1e-13, atol=1e-14)


@kinds
@both_ways
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("garbage", [0.0, np.nan, np.inf, 1e300])
def test_padding_changes_no_bit(backend, garbage, dtype, bidirectional, pooling):
    x, lengths = sequences(LENGTHS["random_1"])
    model = weird(bidirectional=bidirectional, pooling=pooling, backend=backend, dtype=dtype)
    y, loss = targets(pooling, x, classes=True), CrossEntropy()
    expected = model.forward(x, lengths)
    objective, gradients = model.loss_and_gradients(x, y, loss, lengths, input_gradient=True)
    for extra in (0, 3):
        wide = np.full((6, 6 + extra, D), garbage)
        wide[:, :6] = np.where(np.isnan(x), garbage, x)
        y_wide = np.pad(y, ((0, 0), (0, extra)), constant_values=1) if pooling == "none" else y
        outputs = model.forward(wide, lengths)
        np.testing.assert_array_equal(outputs[:, :6] if pooling == "none" else outputs, expected)
        value, found = model.loss_and_gradients(wide, y_wide, loss, lengths, input_gradient=True)
        assert value == objective
        assert not found["x"][np.arange(6 + extra) >= lengths[:, None]].any()
        found["x"] = found["x"][:, :6]
        for name, gradient in gradients.items():
            np.testing.assert_array_equal(found[name], gradient)


def test_zero_inputs_are_no_padding(backend):
    """A mask comes from lengths alone: a step of zeros is a step."""
    model, x = weird(backend=backend, pooling="mean"), np.ones((1, 3, D))
    x[0, 2] = 0
    assert relative_error(model.forward(x), by_loops(model, x, np.zeros((1, K)), [3])[1][0]) <= 1e-12
    assert relative_error(model.forward(x), model.forward(x[:, :2])) > 0.01


def test_no_lengths_mean_all_steps(backend):
    x, _ = sequences([4, 4])
    model = weird(backend=backend, bidirectional=True)
    np.testing.assert_array_equal(model.forward(x), model.forward(x, [4, 4]))


@kinds
def test_evaluation_in_blocks(backend, pooling):
    rng = np.random.default_rng(8)
    lengths = rng.integers(1, 6, size=1100)  # more than two blocks of 512
    x, lengths = sequences(lengths)
    model = weird(backend=backend, bidirectional=True, pooling=pooling)
    pieces = [model.forward(x[i:i + 100], lengths[i:i + 100]) for i in range(0, 1100, 100)]
    np.testing.assert_allclose(model.forward(x, lengths), np.concatenate(pieces), rtol=1e-13, atol=1e-14)


@both_ways
def test_every_step_kept(backend, bidirectional):
    x, lengths = sequences(LENGTHS["random_1"])
    model = weird(backend=backend, pooling="none", bidirectional=bidirectional)
    outputs, classes = model.forward(x, lengths), model.predict(x, lengths)
    padding = np.arange(6) >= lengths[:, None]
    assert outputs.shape == (6, 6, K) and classes.shape == (6, 6)
    assert not outputs[padding].any() and outputs[~padding].all()
    np.testing.assert_array_equal(classes, np.where(padding, -1, outputs.argmax(axis=2)))
    np.testing.assert_allclose(model.predict_proba(x, lengths)[~padding].sum(axis=1), 1, rtol=1e-14)
    one = weird(outputs=1, backend=backend, pooling="none")
    np.testing.assert_array_equal(one.predict(x, lengths), np.where(padding, -1, one.forward(x, lengths)[..., 0] > 0))


@kinds
def test_encode_returns_the_pooled_states(backend, pooling):
    x, lengths = sequences(LENGTHS["random_1"])
    model = weird(backend=backend, bidirectional=True, pooling=pooling)
    features = [naive.naive_rnn_forward(model.parameters, x[n, :length], "tanh", pooling)[0]
                for n, length in enumerate(lengths)]
    found = model.encode(x, 0, lengths)
    if pooling == "none":
        padding = np.arange(6) >= lengths[:, None]
        assert not found[padding].any()
        found = found[~padding]
    assert relative_error(found, np.concatenate(features)) <= 1e-12


# --- numba against NumPy, and threads ---


@kinds
@both_ways
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-11), ("float32", 1e-4)])
def test_numba_equals_numpy(dtype, tolerance, bidirectional, pooling):
    rng = np.random.default_rng(9)
    x, lengths = sequences(rng.integers(1, 12, size=37))
    for hidden, truncate in ((1, None), (17, 3), (64, None)):
        model = weird(hidden=hidden, bidirectional=bidirectional, pooling=pooling, truncate=truncate, dtype="float32")
        proved, found = model.copy(dtype="float64"), model.copy(backend="numba", dtype=dtype)
        y = targets(pooling, x, classes=True)
        assert relative_error(found.forward(x, lengths), proved.forward(x, lengths)) <= tolerance
        (a, one), (b, two) = (m.loss_and_gradients(x, y, CrossEntropy(), lengths, input_gradient=True)
                              for m in (proved, found))
        assert b == pytest.approx(a, rel=tolerance)
        for name, gradient in one.items():
            assert relative_error(two[name], gradient) <= tolerance, name


@pytest.mark.compiled
@kinds
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_number_of_threads_changes_no_bit(dtype, pooling, monkeypatch):
    x, lengths = sequences(np.random.default_rng(10).integers(1, 9, size=37))
    for tokens in (False, True):
        model = weird(9 if tokens else D, hidden=33, bidirectional=True, pooling=pooling, dtype=dtype, backend="numba")
        given = np.random.default_rng(3).integers(9, size=x.shape[:2]) if tokens else x
        inputs, results = model.check_x(given, lengths), []
        y = model.pack_targets(targets(pooling, x, classes=True), inputs)
        for threads in (1, 2, 3):
            monkeypatch.setattr(NumbaBackend, "useful_threads", lambda *_, threads=threads: threads)
            engine = model.open(inputs, y, CrossEntropy(), batch=37, input_gradient=not tokens)
            flat = engine.gradient(np.arange(37))
            assert len(engine.activations(-1)) == (lengths.sum() if pooling == "none" else 37)
            directions = [part(d) for d in (0, 1) for part in (engine.states, engine.state_deltas)]
            dx = [] if tokens else [engine.input_deltas()]
            results.append([flat, *map(engine.activations, (0, 1)), *map(engine.deltas, (0, 1)), *directions, *dx])
        for other in results[1:]:
            for one, two in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(one, two)
