"""The engine of nn/device.py on the simulated GPU: what no single kernel shows."""
import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP, SGD, fit
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
