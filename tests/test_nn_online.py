"""Batches of one: the layer in single passes, at widths around the vector's, changes what it should and nothing else."""
import numpy as np
import pytest

from losses import L2, CrossEntropy
from nn import MLP, SGD, Adam, TrainingDiverged, fit
from nn.backends import backend_named
from nn.cpu import dense_one
from nn.cpu.compile import JIT
from nn.shared.parameters import aligned_zeros
from tests.numerical import relative_error

SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 20, 31, 32, 33, 50, 64]
RATE = 0.25


def from_python(function):
    """Return a function of this module of parts as one that Python may call."""
    if not JIT:
        return function
    import numba
    return numba.njit(lambda *arguments: function(*arguments))


CALLS = [from_python(f) for f in (dense_one.dense_forward_one, dense_one.dense_backward_one, dense_one.dense_update_one)]


@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-6), ("float64", 2e-15)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_alone(dtype, tolerance, bias):
    forward, backward, update = CALLS
    rng = np.random.default_rng(3)
    for n_in in SIZES:
        for n_out in SIZES:
            P = 5 + n_in * n_out + n_out * bias
            flat, x, dz = aligned_zeros(P, dtype), aligned_zeros(3 + n_in, dtype), aligned_zeros(96, dtype)
            flat[:], x[:] = rng.normal(size=P), rng.normal(size=3 + n_in)
            dz[16:] = rng.normal(size=80)  # what lies behind the n_out deltas must not matter
            z, dx = aligned_zeros(96, dtype), aligned_zeros(96, dtype)
            W, b = flat[5:5 + n_in * n_out].reshape(n_in, n_out).astype(float), flat[5 + n_in * n_out:].astype(float)
            b_at = 5 + n_in * n_out if bias else -1

            forward(z, 16, x, 3, flat, 5, b_at, n_in, n_out)
            expected = x[3:] @ W + (b if bias else 0)
            assert relative_error(z[16:16 + n_out], expected) <= tolerance * 4

            first = flat.copy()
            backward(dx, 16, flat, 5, b_at, dz, 16, x, 3, n_in, n_out, flat.dtype.type(RATE))
            d = dz[16:16 + n_out].astype(float)
            assert relative_error(dx[16:16 + n_in], W @ d) <= tolerance * 4
            stepped = np.concatenate([first[:5], (W - RATE * np.outer(x[3:], d)).ravel(), b - RATE * d if bias else []])
            assert relative_error(flat, stepped) <= tolerance
            assert (flat[:5] == first[:5]).all() and (np.concatenate([dx[:16], dx[16 + n_in:]]) == 0).all()

            again = aligned_zeros(P, dtype)
            again[:] = first
            update(again, 5, b_at, dz, 16, x, 3, n_in, n_out, flat.dtype.type(RATE))
            assert relative_error(again, stepped) <= tolerance


def test_the_spare_room_stays_as_it_was():
    """Vectors reach behind the last parameter; what stands there may be someone's."""
    _, backward, update = CALLS
    room = aligned_zeros(64, "float64")
    room[:] = np.arange(64)
    flat, x, dz = room[:20], np.ones(4), aligned_zeros(32, "float64")
    dz[:] = np.arange(1, 33)
    backward(aligned_zeros(16, "float64"), 0, flat, 0, 16, dz, 0, x, 0, 4, 4, 0.5)
    update(flat, 0, 16, dz, 0, x, 0, 4, 4, 0.5)
    assert (room[20:] == np.arange(20, 64)).all()
    assert (room[16:20] == np.arange(16, 20) - np.arange(1, 5)).all()


@pytest.mark.compiled
def test_a_diverged_run_leaves_nothing_behind():
    """Its last steps overflowed; NaN in the spare room behind the weights would enter the next run's gradients."""
    x, y = np.full((3, 4), 10.0), [0, 1, 2]
    models = [MLP([4, 16, 9], bias=False) for _ in range(2)]
    models[0].flat = 1.0
    with pytest.raises(TrainingDiverged):
        fit(models[0], x, y, loss=CrossEntropy(), optimizer=SGD(3e38), epochs=2, batch_size=1)
    for model in models:
        model.flat = np.linspace(0.01, 0.1, model.flat.size)  # no unit is dead
        fit(model, x, y, loss=CrossEntropy(), optimizer=SGD(0.01), epochs=2, batch_size=1)
    assert np.array_equal(models[0].flat, models[1].flat)


@pytest.mark.compiled
def test_threads_change_nothing(monkeypatch):
    """Layers so wide that batches of one would get a second thread; a lower threshold makes narrower ones do."""
    monkeypatch.setattr("nn.cpu.threads.WORTHWHILE", 1.0)
    x, y = np.random.default_rng(0).normal(size=(5, 3)), [0, 1, 0, 1, 1]
    models = [MLP([3, 500, 500, 2]) for _ in range(2)]
    for threads, model in enumerate(models, start=1):
        fit(model, x, y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=2, batch_size=1, threads=threads)
    assert np.array_equal(models[0].flat, models[1].flat)


@pytest.mark.compiled
@pytest.mark.parametrize("options, online", [
    ({}, True), ({"optimizer": SGD(0.1, momentum=0.5)}, False), ({"optimizer": Adam()}, False),
    ({"penalty": L2(0.1)}, False), ({"clip_norm": 1.0}, False), ({"batch_size": 2}, False)])
def test_who_is_served(options, online, monkeypatch):
    kernels, calls = backend_named("numba").online, []
    original = kernels.train_steps
    monkeypatch.setattr(kernels, "train_steps", lambda *arguments: calls.append(1) or original(*arguments))
    model = MLP([2, 3, 2], dtype="float64", activation="tanh")
    fit(model, np.eye(2), [0, 1], **{"loss": CrossEntropy(), "optimizer": SGD(0.1), "epochs": 1, "batch_size": 1, **options})
    assert bool(calls) is online
