"""The engine of nn/device.py on the simulated GPU: what no single kernel shows."""
import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP, RNN, SGD, backends, device, fit, load, save
from nn.cuda import _compat
from nn.shared.reached import reached
from tests.cuda import simulator
from tests.cuda.cases import Case, compare_gradient, mlp, rnn
from tests.cuda.simulated_clock import Index
from tests.cuda.simulator import simulated
from tests.cuda.small import modules, small_tiles
from tests.numerical import relative_error

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(12, 3)), RNG.integers(0, 3, 12)


@pytest.fixture(autouse=True)
def gpu():
    with small_tiles(), simulated() as machine:
        yield machine


@pytest.mark.parametrize("soft_epochs", [(1,), (0, 2)])
def test_targets_may_be_soft_in_some_epochs_alone(soft_epochs):
    """As where mixup is switched off for the last epochs: what was cut for labels is not what targets need."""
    def trained(backend):
        def augment(x, y, rng):
            epochs.append(len(epochs))
            return (x, 0.7 * np.eye(3)[y] + 0.1) if epochs[-1] in soft_epochs else (x, y)

        epochs, model = [], MLP((3, 4, 3), backend=backend, dtype="float64")
        history = fit(model, X, Y, loss=CrossEntropy(), optimizer=SGD(0.5), epochs=3, batch_size=6, augment=augment,
                      progress=False)
        return np.append(model.flat, history["train_loss_running"])

    assert relative_error(trained("cuda"), trained("numpy")) <= 1e-12


LIMIT = 4  # blocks along y and z, in place of 65535


@pytest.mark.parametrize("case", [
    Case(rnn(bidirectional=True, pooling="none"), RNG.normal(size=(3, 20, 4)), RNG.integers(0, 3, (3, 20))),
    Case(rnn(6, bidirectional=True, pooling="none"), RNG.integers(0, 6, (3, 20)), RNG.integers(0, 3, (3, 20))),
    Case(mlp(), RNG.normal(size=(60, 4)), RNG.integers(0, 3, 60))], ids=["vectors", "tokens", "mlp"])
def test_grids_stay_within_a_gpu_s_limits(monkeypatch, case):
    """However many rows and steps there are: a grid may have 65535 blocks along y and z, and as many as it likes along x."""
    monkeypatch.setattr(simulator, "MOST_GRID", Index(2**31 - 1, LIMIT, LIMIT))
    for module in modules().values():
        if hasattr(module, "MOST_PARTS"):
            monkeypatch.setattr(module, "MOST_PARTS", LIMIT)
    assert max(compare_gradient(case, "float64")) <= 1e-12


def test_weights_that_would_become_0_are_refused():
    """A batch of nothing but such ones counts fully in the definition, and would move nothing."""
    def trained(backend, least, dtype="float32"):
        model = MLP((3, 4, 3), backend=backend, dtype=dtype)
        fit(model, X, Y, loss=CrossEntropy(), optimizer=SGD(0.5), epochs=1, batch_size=4, progress=False,
            sample_weight=np.where(np.arange(12) == 0, 7.0, 7.0 * least))
        return model.flat

    for least, dtype in (1e-30, "float32"), (1e-50, "float64"):
        assert relative_error(trained("cuda", least, dtype), trained("numpy", least, dtype)) <= 1e-6
    with pytest.raises(ValueError, match="sample_weight and class_weight: got one of 1e-50 times the largest"):
        trained("cuda", 1e-50)


def test_what_does_not_fit_is_refused_by_name(monkeypatch, gpu):
    """Before anything is launched: states that do not fit into shared memory, places that do not fit into 32 bits."""
    monkeypatch.setattr(gpu, "most_shared", 2 * modules()["recurrent"].SEQUENCES * 5 * 8)
    RNN(2, 5, 1, backend="cuda", dtype="float64").forward(np.ones((2, 3, 2)))
    with pytest.raises(ValueError, match="hidden: got 6, accepted: at most 5 in float64 on backend='cuda'"):
        RNN(2, 6, 1, backend="cuda", dtype="float64").forward(np.ones((2, 3, 2)))
    monkeypatch.setattr(device, "MOST_STEPS", 5)
    RNN(2, 5, 1, backend="cuda").forward(np.ones((2, 3, 2)))
    for x in np.ones((2, 3, 2)), np.ones((2, 3), int):
        with pytest.raises(ValueError, match="x: got 2 sequences of 3 steps, accepted: at most 5 steps"):
            RNN(2, 5, 1, pooling="none", backend="cuda").forward(x)


def test_a_model_that_was_saved_on_a_gpu_is_loaded_where_there_is_none(monkeypatch, tmp_path):
    """Its first use says how it moves, and so does the second."""
    save(tmp_path / "model", MLP((3, 4, 3), backend="cuda"))
    monkeypatch.setattr(_compat, "cuda", None)
    monkeypatch.setattr(_compat, "machine", _compat.Gpu())
    backends._make.cache_clear()
    model = load(tmp_path / "model")
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"backend: got 'cuda', .*model\.copy\(backend='numba'\)"):
            model.predict(X)
    there = load(tmp_path / "model", backend="numpy")
    np.testing.assert_array_equal(there.forward(X), model.copy(backend="numpy").forward(X))


def test_results_of_the_processor_do_not_depend_on_what_runs_on_a_gpu():
    """An edit there must not have every stored run trained anew."""
    names = reached(["nn.fitting.fit", "nn.fleet.fit_fleet"])
    assert "nn.backends" in names and "nn.cpu.training" in names
    assert not [name for name in names if name == "nn.device" or name.startswith("nn.cuda")]
