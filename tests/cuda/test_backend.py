"""backend="cuda" as users meet it: on a simulated GPU, and where there is none."""
import importlib
import subprocess
import sys

import numpy as np
import pytest

import nn
from losses import CrossEntropy, Flooding, SquaredError
from losses.base import Loss
from nn import MLP, RNN, SGD, Adam, check_model, fit, fit_fleet
from nn.backends import BACKENDS, backend_named
from nn.cuda import _compat
from nn.device import CudaEngine
from tests.cuda.simulator import simulated
from tests.cuda.small import small_tiles

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), RNG.integers(0, 2, 12)
SETTINGS = {"loss": CrossEntropy(), "optimizer": Adam(0.01), "batch_size": 5, "progress": False}


@pytest.fixture
def gpu():
    with small_tiles(), simulated() as machine:
        yield machine


def small(**more):
    return MLP([3, 4, 2], **{"backend": "cuda", "dtype": "float64", "dropout": 0.2} | more)


def test_importing_nn_looks_for_no_gpu():
    code = ("import sys, nn; MODELS = nn.MLP([2, 3, 2]), nn.MLP([2, 3, 2], backend='cuda');"
            "print([name for name in sys.modules if 'cuda' in name and name != '_numba_cuda_redirector'])")
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("why", ["no NVIDIA GPU or driver was found", "no CUDA package could be imported"])
def test_without_a_gpu_the_first_use_says_what_to_install(monkeypatch, why):
    backend = importlib.import_module("nn.backends")
    importlib.import_module("nn.cuda.training")  # all kernels are defined before the package goes
    monkeypatch.setattr(_compat, "machine", _compat.Gpu())
    monkeypatch.setattr(_compat, "cuda", None if "package" in why else type("cuda", (), {"is_available": lambda: False}))
    backend._make.cache_clear()
    model = small()
    message = r"backend: got 'cuda', accepted: 'numba' or 'numpy' on this machine \(a model .*\); "
    with pytest.raises(RuntimeError, match=fr"{message}{why}.*pip install 'numba-cuda\[cu13\]'"):
        model.forward(X)
    assert model.copy(backend="numpy").forward(X).shape == (12, 2)  # what was trained elsewhere is of use here


def test_a_package_whose_libraries_are_missing_is_no_traceback(monkeypatch):
    def broken():
        raise OSError("libnvvm.so: cannot open shared object file")

    monkeypatch.setattr(_compat, "cuda", type("cuda", (), {"is_available": broken}))
    assert _compat.Gpu().unavailable().startswith("OSError: libnvvm.so: cannot open shared object file; it needs")


def test_models_move_between_backends_and_files(gpu, tmp_path):
    model = small()
    fit(model, X, Y, epochs=2, **SETTINGS)
    nn.save(tmp_path / "model.npz", model)
    loaded = nn.load(tmp_path / "model.npz")
    assert loaded.backend == "cuda" and nn.load(tmp_path / "model.npz", backend="numpy").backend == "numpy"
    np.testing.assert_array_equal(loaded.forward(X), model.forward(X))
    np.testing.assert_allclose(model.copy(backend="numpy").forward(X), model.forward(X), rtol=1e-13)
    np.testing.assert_array_equal(model.predict(X), model.copy(backend="numpy").predict(X))


def test_a_resumed_run_ends_bit_for_bit_as_one_that_was_not_interrupted(gpu, tmp_path):
    whole, parts = small(batch_norm=True), small(batch_norm=True)
    fit(whole, X, Y, epochs=4, checkpoint=tmp_path / "whole", **SETTINGS | {"batch_size": 4})
    fit(small(batch_norm=True), X, Y, epochs=2, checkpoint=tmp_path / "parts", **SETTINGS | {"batch_size": 4})
    fit(parts, X, Y, epochs=4, checkpoint=tmp_path / "parts", **SETTINGS | {"batch_size": 4})
    np.testing.assert_array_equal(parts.flat, whole.flat)
    np.testing.assert_array_equal(parts.running, whole.running)


def test_members_of_a_fleet_take_turns_and_equal_lone_fits(gpu):
    fleet = fit_fleet(small(), X, Y, members=[{"seed": 1, "level": 0.5}, {"seed": 2, "level": 0}], epochs=2, workers=2,
                      **SETTINGS | {"loss": Flooding(CrossEntropy(), 0)})
    for r, level in enumerate((0.5, 0)):
        model = small(seed=r + 1)
        fit(model, X, Y, epochs=2, seed=r + 1, **SETTINGS | {"loss": Flooding(CrossEntropy(), level)})
        np.testing.assert_array_equal(fleet.model(r).flat, model.flat)


def test_gradients_are_checked_in_both_precisions(gpu):
    for dtype in "float32", "float64":
        report = check_model(small(dtype=dtype, activation="tanh"), X[:3], Y[:3], CrossEntropy(), update=1)
        assert report.passed and f"cuda {dtype}: W1" in str(report)


def test_nothing_comes_back_between_updates(gpu, monkeypatch):
    """A chunk of updates is launches alone: no copy to the host, no array made, once the first chunk has been through."""
    fetched, made, engines = [], [], []
    array = type(_compat.to_device(np.zeros(1)))
    fetch, empty, steps = array.copy_to_host, gpu.empty, backend_named("cuda").kernels.train_steps
    monkeypatch.setattr(array, "copy_to_host", lambda self, *more: fetched.append(1) or fetch(self, *more))
    monkeypatch.setattr(gpu, "empty", lambda *more, **named: made.append(1) or empty(*more, **named))

    def watched(*arguments):
        before = len(fetched), len(made)
        steps(*arguments)
        engines.append((len(fetched) - before[0], len(made) - before[1]))

    monkeypatch.setattr(backend_named("cuda").kernels, "train_steps", watched)
    model = RNN(3, 4, 2, bidirectional=True, backend="cuda")
    x, lengths = RNG.normal(size=(12, 5, 3)), RNG.integers(1, 6, 12)
    fit(model, x, Y, lengths=lengths, epochs=3, clip_norm=0.5, **SETTINGS | {"loss": Flooding(CrossEntropy(), 0.6)})
    assert len(engines) == 3 and engines[1:] == [(0, 0)] * 2


def test_what_it_does_not_serve_is_refused(gpu):
    class Own(Loss):
        def rows(self, outputs, y):
            return (outputs**2).sum(axis=1), 2 * outputs

    with pytest.raises(TypeError, match=r"loss: got .* accepted: a loss of `losses`, or backend='numpy'"):
        fit(small(), X, Y, epochs=1, **SETTINGS | {"loss": Own()})
    model = small()
    inputs = model.check_x(X, None)
    with pytest.raises(TypeError, match="dtype: got complex128, accepted: float32 or float64 on backend='cuda'"):
        CudaEngine(backend_named("cuda"), model.network(inputs)._replace(flat=model.flat.astype(complex)), inputs, batch=4)
    with pytest.raises(ValueError, match=r"indices: got .* accepted: numbers of 32 bits"):
        model.open(inputs, batch=4)._to_device(np.array([2**40]))


def test_squared_error_and_frozen_layers(gpu):
    targets, models = RNG.normal(size=(12, 2)), []
    for backend in "numpy", "cuda":
        model = small(backend=backend)
        fit(model, X, targets, epochs=2, frozen=["W1"], clip_norm=0.1,
            **SETTINGS | {"loss": SquaredError(), "optimizer": SGD(0.1, momentum=0.9)})
        models.append(model)
    np.testing.assert_allclose(models[1].flat, models[0].flat, rtol=1e-12)
    np.testing.assert_array_equal(models[1].parameters["W1"], small().parameters["W1"])


def test_it_is_named():
    assert list(BACKENDS) == ["numpy", "numba", "cuda"]
