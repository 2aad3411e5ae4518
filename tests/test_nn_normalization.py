"""Batch normalisation: each function alone, whole networks, and the running statistics that evaluation uses."""
import numpy as np
import pytest

import nn.cpu.normalization
import nn.reference.normalization
from losses import L2, CrossEntropy, Flooding
from nn import MLP, SGD, Adam, check_model, fit
from nn.backends import NumbaBackend
from stopping import Patience
from tests import naive
from tests.numerical import complex_step, relative_error

BACKENDS = {"numpy": nn.reference.normalization, "numba": nn.cpu.normalization}
REFERENCE = nn.reference.normalization
SHAPES = [(2, 1), (3, 4), (11, 6)]  # B, H
EPS = 1e-3
CE = CrossEntropy()


def numbers(shape, seed=0):
    """z, gamma, beta, and an upstream gradient whose every row and column differs: uniform ones cancel and hide errors."""
    B, H = shape
    rng = np.random.default_rng([seed, B, H])
    z = rng.normal(size=shape) * rng.uniform(0.3, 2, H) + rng.normal(size=H)
    dy = rng.normal(size=shape) * rng.uniform(0.1, 3, (B, 1)) + rng.normal(size=H)
    return z, rng.uniform(0.3, 2, H) * rng.choice([-1, 1], H), rng.normal(size=H), dy


def forward(module, z, gamma, beta, eps=EPS):
    """y, z_hat, mean, var."""
    dtype = np.result_type(z, gamma, beta)
    y, z_hat, mean, var = (np.full(shape, np.nan, dtype) for shape in (z.shape, z.shape, z.shape[1], z.shape[1]))
    module.batch_norm_forward(y, z_hat, mean, var, z.astype(dtype), gamma, beta, eps)
    return y, z_hat, mean, var


def backward(module, dy, z, gamma, beta, eps=EPS):
    """dz, dgamma, dbeta."""
    _, z_hat, _, var = forward(REFERENCE, z, gamma, beta, eps)
    results = np.full(z.shape, np.nan), np.full(z.shape[1], np.nan), np.full(z.shape[1], np.nan)
    module.batch_norm_backward(*results, dy, z_hat, var, gamma, eps)
    return results


# --- each function alone ---


def test_by_hand(backend):
    # One unit, z = 1, 3, 8: mean 4, deviations −3, −1, 4, variance 26/3; ε = 1/3 makes the root 3. γ = 6, β = 1.
    module, z, gamma, beta = BACKENDS[backend], np.array([[1.0], [3.0], [8.0]]), np.array([6.0]), np.array([1.0])
    y, z_hat, mean, var = forward(module, z, gamma, beta, eps=1 / 3)
    np.testing.assert_allclose(z_hat[:, 0], [-1, -1 / 3, 4 / 3], rtol=1e-15)
    np.testing.assert_allclose(y[:, 0], [-5, -1, 9], rtol=1e-15)
    np.testing.assert_allclose([mean[0], var[0]], [4, 26 / 3], rtol=1e-15)
    # dy = 3, 0, 0: dβ = 3, dγ = −3; dz = γ/3 · (dy − 1 + ẑ) = 2 · (3 − 1 − 1, −1 − 1/3, −1 + 4/3)
    dz, dgamma, dbeta = backward(module, np.array([[3.0], [0.0], [0.0]]), z, gamma, beta, eps=1 / 3)
    np.testing.assert_allclose(dz[:, 0], [2, -8 / 3, 2 / 3], rtol=1e-14)
    np.testing.assert_allclose([dgamma[0], dbeta[0]], [-3, 3], rtol=1e-14)
    # Running mean 2 and variance 9, momentum 1/4: 2 + (4 − 2)/4; the variance kept is 26/3 · 3/2 = 13: 9 + (13 − 9)/4
    running_mean, running_var = np.array([2.0]), np.array([9.0])
    module.update_running(running_mean, running_var, mean, var, 3, 0.25)
    np.testing.assert_allclose([running_mean[0], running_var[0]], [2.5, 10], rtol=1e-14)
    # Evaluation, variance 9, ε = 7: the root is 4
    y = np.full((3, 1), np.nan)
    module.batch_norm_evaluate(y, z, gamma, beta, np.array([3.0]), np.array([9.0]), 7.0)
    np.testing.assert_allclose(y[:, 0], [1 - 3, 1, 1 + 7.5], rtol=1e-15)


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_loops(backend, shape):
    z, gamma, beta, dy = numbers(shape)
    y, _, mean, var = forward(BACKENDS[backend], z, gamma, beta)
    found = (y, mean, var, *backward(BACKENDS[backend], dy, z, gamma, beta))
    for one, two in zip(found, naive.naive_batch_norm(z, gamma, beta, EPS, dy), strict=True):
        assert relative_error(one, two) <= 1e-12


@pytest.mark.parametrize("shape", SHAPES)
def test_backward_by_complex_step(backend, shape):
    z, gamma, beta, dy = numbers(shape, seed=1)
    dz, dgamma, dbeta = backward(BACKENDS[backend], dy, z, gamma, beta)

    def objective(z, gamma, beta):
        return np.sum(dy * forward(REFERENCE, z, gamma, beta)[0])

    assert relative_error(dz, complex_step(lambda z: objective(z, gamma, beta), z)) <= 1e-13
    assert relative_error(dgamma, complex_step(lambda gamma: objective(z, gamma, beta), gamma)) <= 1e-13
    assert relative_error(dbeta, complex_step(lambda beta: objective(z, gamma, beta), beta)) <= 1e-13


def test_outputs_may_be_inputs(backend):
    module, (z, gamma, beta, dy) = BACKENDS[backend], numbers((11, 6))
    y, z_hat, mean, var = forward(module, z, gamma, beta)
    same = z.copy()
    module.batch_norm_forward(same, *(np.empty_like(array) for array in (z_hat, mean, var)), same, gamma, beta, EPS)
    np.testing.assert_array_equal(same, y)
    expected, same = np.empty_like(z), z.copy()
    module.batch_norm_evaluate(expected, z, gamma, beta, mean, var, EPS)
    module.batch_norm_evaluate(same, same, gamma, beta, mean, var, EPS)
    np.testing.assert_array_equal(same, expected)
    dz, dgamma, dbeta = np.empty_like(z), np.empty_like(gamma), np.empty_like(gamma)
    module.batch_norm_backward(dz, dgamma, dbeta, dy, z_hat, var, gamma, EPS)
    same = dy.copy()
    module.batch_norm_backward(same, dgamma.copy(), dbeta.copy(), same, z_hat, var, gamma, EPS)
    np.testing.assert_array_equal(same, dz)


def test_a_unit_that_never_changes(backend):
    z, gamma, beta, dy = numbers((5, 3))
    z[:, 1] = 0.5
    y, z_hat, _, var = forward(BACKENDS[backend], z, gamma, beta)
    np.testing.assert_array_equal(y[:, 1], beta[1])
    assert var[1] == 0 and not z_hat[:, 1].any()
    assert np.isfinite(backward(BACKENDS[backend], dy, z, gamma, beta)[0]).all()


# --- whole networks ---

RNG = np.random.default_rng(51)
X = RNG.normal(size=(22, 4)) * [1, 2, 0.5, 1] + [0, 0.3, 0, -0.2]
Y = RNG.integers(3, size=22)


def network(backend, sizes=(4, 6, 5, 3), **options):
    """Gammas and betas away from their start at 1 and 0."""
    model = MLP(list(sizes), **{"batch_norm": True, "dtype": "float64", "seed": 4, "backend": backend, **options})
    rng = np.random.default_rng(6)
    for name, array in model.parameters.items():
        if name.startswith(("gamma", "beta")):
            array[...] = rng.uniform(0.5, 1.5, array.shape) if name.startswith("gamma") else rng.normal(size=array.shape)
    return model


def train(model, **options):
    """20 updates, batches of 6, 6, 6 and 4."""
    return fit(model, X, Y, **{"loss": CE, "optimizer": SGD(0.1), "epochs": 5, "batch_size": 6, "seed": 5, **options})


def written_out(model, x, training, statistics=None):
    """Outputs, and (mean, biased variance) of each hidden layer's z in training."""
    p, seen, a = model.parameters, [], x
    for l in (1, 2):
        z = a @ p[f"W{l}"]
        mean, var = (z.mean(axis=0), z.var(axis=0)) if training else (statistics[f"running_mean{l}"],
                                                                        statistics[f"running_var{l}"])
        seen.append((mean, var))
        a = np.maximum(p[f"gamma{l}"] * (z - mean) / np.sqrt(var + model.batch_norm_eps) + p[f"beta{l}"], 0)
    return a @ p["W3"] + p["b3"], seen


def test_parameters_and_statistics():
    model = MLP([4, 6, 5, 3], batch_norm=True)
    assert list(model.parameters) == ["W1", "gamma1", "beta1", "W2", "gamma2", "beta2", "W3", "b3"]
    assert {name: array.shape for name, array in model.statistics.items()} == {
        "running_mean1": (6,), "running_var1": (6,), "running_mean2": (5,), "running_var2": (5,)}
    for name, array in {**model.parameters, **model.statistics}.items():
        if name.startswith(("gamma", "beta", "running")):
            assert np.all(array == name.startswith(("gamma", "running_var"))), name
    assert not MLP([4, 6, 3]).statistics
    assert (model.batch_norm_eps, model.batch_norm_momentum) == (1e-5, 0.1)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity"])
def test_gradients_by_complex_step(backend, activation):
    for loss, bias in ((CE, True), (Flooding(CE, 9.0), False)):
        model = network(backend, activation=activation, bias=bias)
        report = check_model(model, X[:5], Y[:5], loss)
        small = check_model(model.copy(dtype="float32"), X[:5].astype(np.float32), Y[:5], loss)
        for p in report.parameters + small.parameters:
            if activation == "identity" and p.name.endswith("beta1"):
                assert abs(p.analytic) <= 1e-6  # a shift that the next normalisation takes out: its gradient is 0
            else:
                tolerance = 1e-13 if ":" not in p.name else 1e-4 if "float32" in p.name else 1e-11
                assert p.error <= tolerance, f"{report}\n{small}"


def test_training_mode_uses_the_batch_and_evaluation_the_running_statistics(backend):
    model = network(backend)
    for l in (1, 2):
        model.statistics[f"running_mean{l}"] = RNG.normal(size=6 - (l == 2))
        model.statistics[f"running_var{l}"] = RNG.uniform(0.5, 2, size=6 - (l == 2))
    expected = written_out(model, X, True)[0]
    np.testing.assert_allclose(model.forward(X, training=True), expected, rtol=1e-12)
    assert model.loss_and_gradients(X, Y, CE)[0] == pytest.approx(CE.value(expected, Y), rel=1e-12)
    frozen = written_out(model, X, False, model.statistics)[0]
    np.testing.assert_allclose(model.forward(X), frozen, rtol=1e-12)
    np.testing.assert_allclose(model.forward(X[:1]), frozen[:1], rtol=1e-12)  # one sample can be evaluated
    assert relative_error(frozen, expected) > 0.1


def test_running_statistics_are_left_alone_but_by_fit(backend):
    model = network(backend)
    model.running[:] = np.arange(1, 23)
    model.loss_and_gradients(X, Y, CE, input_gradient=True)
    model.forward(X, training=True)
    model.forward(X)
    np.testing.assert_array_equal(model.running, np.arange(1, 23))


@pytest.mark.parametrize("momentum", [0.1, 0.5])
def test_fit_moves_them_as_by_hand(backend, momentum):
    model, by_hand = (network(backend, batch_norm_momentum=momentum, batch_norm_eps=1e-3) for _ in range(2))
    history = train(model, penalty=L2(0.02))
    running = {name: array.copy() for name, array in by_hand.statistics.items()}
    for epoch in range(5):
        order = np.random.default_rng([5, epoch]).permutation(22)
        for batch in (order[i:i + 6] for i in range(0, 22, 6)):
            _, seen = written_out(by_hand, X[batch], True)
            for l, (mean, var) in enumerate(seen, start=1):
                n = len(batch)
                old_mean, old_var = running[f"running_mean{l}"], running[f"running_var{l}"]
                running[f"running_mean{l}"] = (1 - momentum) * old_mean + momentum * mean
                running[f"running_var{l}"] = (1 - momentum) * old_var + momentum * var * n / (n - 1)
            gradients = by_hand.loss_and_gradients(X[batch], Y[batch], CE)[1]
            for name, w in by_hand.parameters.items():  # no penalty on gamma, beta, b
                w -= 0.1 * (gradients[name] + (2 * 0.02 * w if name.startswith("W") else 0))
    assert relative_error(model.flat, by_hand.flat) <= 1e-10
    for name, expected in running.items():
        assert relative_error(model.statistics[name], expected) <= 1e-10, name
    outputs = written_out(model, X, False, running)[0]
    assert history["train_loss"][-1] == pytest.approx(CE.value(outputs, Y), rel=1e-9)  # measured with frozen statistics


@pytest.mark.parametrize("options", [{}, {"optimizer": Adam(0.02)}, {"loss": Flooding(CE, 1.0), "clip_norm": 0.5}])
def test_backends_agree_over_20_updates(options):
    models = [network(backend) for backend in ("numpy", "numba")]
    one, two = (train(m, **options, validation=(X, Y), metrics=("gradient_norm", "margin_min")) for m in models)
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    assert relative_error(models[1].running, models[0].running) <= 1e-9
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_a_batch_of_one(backend):
    model = network(backend)
    before = model.flat.copy()
    for options in ({"batch_size": 1}, {"batch_size": 7}, {"batch_size": 3}):  # 22 = 3·7 + 1 = 7·3 + 1
        with pytest.raises(ValueError, match=r"batch_size: got .* at least 2 samples in every batch"):
            train(model, **options)
    for call in (lambda: model.loss_and_gradients(X[:1], Y[:1], CE), lambda: model.forward(X[:1], training=True)):
        with pytest.raises(ValueError, match="batch of 1 sample, accepted: at least 2 with batch normalisation"):
            call()
    np.testing.assert_array_equal(model.flat, before)
    train(model, batch_size=4)  # a last batch of two is enough
    train(MLP([4, 5, 3], backend=backend), batch_size=7, epochs=1)  # and without batch normalisation there is no such rule


def test_statistics_go_with_the_model(backend):
    model = network(backend)
    best = []
    history = train(model, stopping=Patience(99, "train_loss", mode="max"), check_every=1,
                    on_check=lambda m, row: best.append((row["train_loss"], m.running.copy())))
    expected = max(best, key=lambda item: item[0])[1]
    assert history.best_epoch is not None and not np.array_equal(expected, best[-1][1])
    np.testing.assert_array_equal(model.running, expected)  # the best weights come with the statistics of that moment
    copy = model.copy()
    np.testing.assert_array_equal(copy.running, model.running)
    np.testing.assert_array_equal(copy.forward(X), model.forward(X))
    other = model.copy(dtype="float32")
    np.testing.assert_array_equal(other.running, model.running.astype(np.float32))
    copy.statistics["running_mean1"] = np.full(6, 7.0)
    np.testing.assert_array_equal(model.running, expected)
    fresh = network(backend, seed=9)
    fresh.copy_from(model, layers=[1])
    np.testing.assert_array_equal(fresh.statistics["running_var1"], model.statistics["running_var1"])
    assert np.all(fresh.statistics["running_var2"] == 1)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_number_of_threads_changes_no_bit(dtype, monkeypatch):
    rng, sizes = np.random.default_rng(13), (40, 300, 530, 3)  # layers of two and three panels
    x, y, results = rng.normal(size=(70, 40)), rng.integers(3, size=70), []
    model = network("numba", sizes, dtype=dtype)
    inputs = model.check_x(x)
    proved = model.copy(backend="numpy", dtype="float64").loss_and_gradients(x, y, CE)[1]
    for threads in (1, 2, 3):
        with monkeypatch.context() as patched:
            patched.setattr(NumbaBackend, "useful_threads", lambda *_, threads=threads: threads)
            engine = model.open(inputs, y, CE, batch=70)
            flat = engine.gradient(np.arange(70))
        trained = network("numba", sizes, dtype=dtype)
        fit(trained, x, y, loss=CE, optimizer=Adam(1e-3), epochs=2, batch_size=32, threads=threads)
        results.append([flat, *(engine.deltas(l) for l in (1, 2, 3)), trained.flat, trained.running])
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    flat = np.concatenate([gradient.ravel() for gradient in proved.values()])
    assert relative_error(results[0][0], flat) <= (1e-4 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("eps", [1e300, 2, 0, 1e-300, -1e-5, np.nan])
def test_an_epsilon_that_float32_cannot_hold_is_refused(eps):
    with pytest.raises(ValueError, match=r"batch_norm_eps: got .*, accepted: a finite number >= 1e-30 and <= 1"):
        MLP([4, 3, 2], batch_norm=True, batch_norm_eps=eps)
