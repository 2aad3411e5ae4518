"""A backend is what nn/engine.py says and nothing more: a third one, which keeps its arrays to itself, serves everywhere.

`CopiesBackend` computes with the definition, but as a device would: on copies of its own, which it fetches from the host
when a call begins and brings back where the protocol says so. Whatever reads more than the protocol names fails here.
"""
import ast
import copy
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import nn
from losses import AdaFlooding, CrossEntropy, Flooding, SquaredError
from nn import MLP, RNN, SGD, Adam, TrainingInterrupted, check_model, fit, fit_fleet
from nn.backends import BACKENDS, NumbaBackend, NumpyBackend, backend_named
from nn.engine import Backend, Engine
from nn.fitting.augmentation import GaussianNoise, Mixup
from nn.shared.layers import NO_UPDATE
from stopping import EvidenceBased, Patience

PUBLIC = {name for name in vars(Engine) if not name.startswith("_")}


class CopiesEngine:
    """The NumPy engine behind a wall."""

    def __init__(self, network, inputs, y=None, loss=None, **options):
        own = copy.deepcopy(network)
        handed_out = []

        def fetch():
            own.flat[:], own.running[:] = network.flat, network.running

        def forget():  # what was handed out is no longer good
            for array in handed_out:
                array.fill(-77)
            handed_out.clear()

        def hand_out(array):
            handed_out.append(array.copy())
            return handed_out[-1]

        engine = NumpyBackend().open(own, *copy.deepcopy((inputs, y)), loss, **options)
        self.__private = engine, network, own, fetch, forget, hand_out

    def load(self, inputs, y, weights=None):
        self.__private[0].load(*copy.deepcopy((inputs, y, weights)))

    def _pass(self, name, *arguments):
        engine, _, _, fetch, forget, hand_out = self.__private
        forget()
        fetch()
        return hand_out(getattr(engine, name)(*copy.deepcopy(arguments)))

    def forward(self, indices, training=False, update=NO_UPDATE):
        return self._pass("forward", indices, training, update)

    def gradient(self, indices, update=NO_UPDATE):
        return self._pass("gradient", indices, update)

    def evaluate(self, layer=-1):
        return self._pass("evaluate", layer)

    def steps(self, plan, log):
        engine, network, own, fetch, forget, _ = self.__private
        forget()
        fetch()
        mine = copy.deepcopy(log)
        taken = engine.steps(copy.deepcopy(plan), mine)
        network.flat[:], network.running[:] = own.flat, own.running
        for theirs, filled in zip(log, mine, strict=True):
            theirs[...] = filled
        return taken

    def _told(self, name, *arguments):
        return self.__private[5](getattr(self.__private[0], name)(*arguments))

    def activations(self, l):
        return self._told("activations", l)

    def deltas(self, l):
        return self._told("deltas", l)

    def states(self, direction):
        return self._told("states", direction)

    def state_deltas(self, direction):
        return self._told("state_deltas", direction)

    def input_deltas(self):
        return self._told("input_deltas")

    def weights(self):
        self.__private[3]()
        return copy.deepcopy(self.__private[0].weights())

    def set_weights(self, state):
        engine, network, own = self.__private[:3]
        engine.set_weights(copy.deepcopy(state))
        network.flat[:], network.running[:] = own.flat, own.running

    def memory(self):
        return self.__private[0].memory()


class CopiesBackend:
    """Opens such engines."""

    name = "copies"

    def open(self, network, inputs, y=None, loss=None, **options):
        return CopiesEngine(network, inputs, y, loss, **options)


class FleetBackend(CopiesBackend):
    """Steps with many at once."""

    name = "fleet"

    def __init__(self):
        self.calls = []  # (members, threads that asked)

    def train_fleet(self, engines, plans, logs):
        self.calls.append(len(engines))
        return [engine.steps(plan, log) for engine, plan, log in zip(engines, plans, logs, strict=True)]


@pytest.fixture(autouse=True)
def third(monkeypatch):
    monkeypatch.setitem(BACKENDS, "copies", CopiesBackend)
    monkeypatch.setitem(BACKENDS, "fleet", FleetBackend)


RNG = np.random.default_rng(3)
N, T = 30, 6
X, SEQUENCES, TOKENS = RNG.normal(size=(N, 4)), RNG.normal(size=(N, T, 4)), RNG.integers(0, 4, (N, T))
LENGTHS, Y, Y_STEPS = RNG.integers(1, T + 1, N), RNG.integers(0, 3, N), RNG.integers(0, 3, (N, T))
CE = CrossEntropy()
SMALL = {"seed": 5, "dtype": "float64"}
CASES = {  # name -> (model, x, y, lengths)
    "mlp": (lambda backend: MLP([4, 7, 6, 3], activation="tanh", backend=backend, **SMALL), X, Y, None),
    "batch norm and dropout": (lambda backend: MLP([4, 7, 6, 3], batch_norm=True, dropout=0.3, backend=backend, **SMALL),
                               X, Y, None),
    "rnn": (lambda backend: RNN(4, 5, 3, bidirectional=True, dropout=0.2, backend=backend, **SMALL), SEQUENCES, Y, LENGTHS),
    "rnn mean relu": (lambda backend: RNN(4, 5, 3, pooling="mean", activation="relu", backend=backend, **SMALL),
                      SEQUENCES, Y, LENGTHS),
    "rnn every step": (lambda backend: RNN(4, 5, 3, bidirectional=True, pooling="none", backend=backend, **SMALL),
                       SEQUENCES, Y_STEPS, LENGTHS),
    "truncated rnn of tokens": (lambda backend: RNN(4, 5, 3, bidirectional=True, pooling="none", truncate=2, backend=backend,
                                            **SMALL),
                                TOKENS, Y_STEPS, LENGTHS),
}
cases = pytest.mark.parametrize("case", CASES)


def both(case):
    """Return the two models, and x, y, lengths."""
    make, x, y, lengths = CASES[case]
    return make("numpy"), make("copies"), x, y, lengths


def settings(case, **options):
    _, x, y, lengths = CASES[case]
    some = (x[:9], y[:9]) if lengths is None else (x[:9], y[:9], lengths[:9])
    return {"loss": Flooding(CE, 0.3), "optimizer": Adam(0.02), "epochs": 4, "batch_size": 10, "lengths": lengths,
            "validation": some, "progress": False, "seed": 2, **options}


def assert_equal(one, two):
    np.testing.assert_array_equal(one.flat, two.flat)
    np.testing.assert_array_equal(one.running, two.running)


@cases
def test_model(case):
    proved, model, x, y, lengths = both(case)
    for training, update in ((False, 0), (True, None), (True, 7)):
        one, two = (m.forward(x, lengths, training, update) for m in (proved, model))
        np.testing.assert_array_equal(two, one)
    np.testing.assert_array_equal(model.predict(x, lengths), proved.predict(x, lengths))
    np.testing.assert_array_equal(model.predict_proba(x, lengths), proved.predict_proba(x, lengths))
    np.testing.assert_array_equal(model.encode(x, 0, lengths), proved.encode(x, 0, lengths))
    arguments = {"lengths": lengths, "input_gradient": x.dtype.kind == "f", "update": 3}
    (a, one), (b, two) = (m.loss_and_gradients(x, y, Flooding(CE, 0.3), **arguments) for m in (proved, model))
    assert a == b and list(one) == list(two)
    for name, gradient in one.items():
        np.testing.assert_array_equal(two[name], gradient)


@pytest.mark.parametrize("case", [case for case in CASES if "truncated" not in case])  # whose gradient is another one
def test_gradient_check(case):
    _, model, x, y, lengths = both(case)
    some = slice(3)
    report = check_model(model, x[some], y[some], CE, None if lengths is None else lengths[some], method="central",
                         samples=4, update=1)
    assert report.error < 1e-5
    assert "copies float64: " + next(iter(model.parameters)) in [p.name for p in report.parameters]


@cases
def test_fit(case):
    metrics = ["gradient_norm", "update_norm", "prediction_changes", "margin_min"]
    if "norm" not in case:
        metrics.append("evidence")
    histories = []
    for model in both(case)[:2]:
        _, x, y, _ = CASES[case]
        histories.append(fit(model, x, y, metrics=metrics, stopping=Patience(2), check_every=4, clip_norm=0.9,
                             **settings(case)))
    assert histories[0] == histories[1]
    assert_equal(*both_after(case, metrics=metrics))


def both_after(case, **options):
    """Return both models after the same training."""
    proved, model, x, y, _ = both(case)
    for one in (proved, model):
        fit(one, x, y, **settings(case, **options))
    return proved, model


@pytest.mark.parametrize("options", [
    {"batch_size": 1}, {"batch_size": None, "optimizer": nn.RPROP()}, {"augment": GaussianNoise(0.1)},
    {"augment": Mixup(0.4, 3), "loss": CE}, {"loss": AdaFlooding(CE, np.linspace(0, 1, N)), "validation": None},
    {"loss": SquaredError()}, {"sample_weight": np.arange(N)},
    {"augment": Mixup(0.4, 3), "loss": CrossEntropy(class_weight=[1, 2, 3]), "sample_weight": np.arange(N)}], ids=str)
def test_fit_in_other_ways(options):
    assert_equal(*both_after("mlp", **options))


def test_the_evidence_stops_it():
    histories = [fit(model, X, Y, **settings("mlp", epochs=60, loss=CE, stopping=EvidenceBased(), optimizer=SGD(0.5)))
                 for model in both("mlp")[:2]]
    assert histories[0].stopped_epoch == histories[1].stopped_epoch is not None


@pytest.mark.parametrize("case", ["batch norm and dropout", "rnn every step"])
def test_checkpoint(case, tmp_path):
    proved, model, x, y, _ = both(case)
    whole = fit(proved, x, y, **settings(case))

    def interrupt(model, row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt
    options = settings(case, checkpoint=tmp_path / "run")
    with pytest.raises(TrainingInterrupted):
        fit(model, x, y, on_check=interrupt, **options)
    fresh = both(case)[1]
    assert fit(fresh, x, y, **options) == whole
    assert_equal(proved, fresh)


def test_what_a_callback_does_to_the_weights_counts():
    def decay(model, row):
        model.flat[:] *= 0.5
        model.running[:] += 1
    assert_equal(*both_after("batch norm and dropout", on_check=decay))


@pytest.mark.parametrize("name", ["copies", "fleet"])
@pytest.mark.parametrize("case", ["batch norm and dropout", "rnn every step"])
def test_fit_fleet(case, name):
    make, x, y, _ = CASES[case]
    members = [{"seed": seed, "level": level} for seed in (0, 1) for level in (0.0, 0.5)] + [{"learning_rate": 1e200}]
    options = settings(case, metrics=["gradient_norm"], stopping=Patience(1)) | {"loss": Flooding(CE, 0.0)}
    proved, fleet = (fit_fleet(make(backend), x, y, members=members, **options) for backend in ("numpy", name))
    assert fleet == proved
    assert fleet.diverged[-1] or "rnn" in case  # whose states cannot grow
    for r in range(len(members)):
        assert_equal(fleet.model(r), proved.model(r))


def test_a_backend_that_trains_fleets_is_asked_to():
    backend, barrier = backend_named("fleet"), threading.Barrier(3, timeout=30)
    backend.calls.clear()

    def together(x, y, rng):  # all three are there before anybody steps
        barrier.wait()
        return x, y
    fit_fleet(MLP([4, 5, 3], backend="fleet"), X, Y, members=[{"seed": seed} for seed in range(3)],
              **settings("mlp", augment=together, epochs=2, validation=None))
    assert backend.calls == [3, 3]  # an epoch each


def test_an_error_of_such_a_backend_is_raised(monkeypatch):
    def broken(self, engines, plans, logs):
        raise OSError("the device is gone")
    monkeypatch.setattr(FleetBackend, "train_fleet", broken)
    with pytest.raises(OSError, match="the device is gone"):
        fit_fleet(MLP([4, 5, 3], backend="fleet"), X, Y, members=[{}] * 3, **settings("mlp"))


def test_copies_and_files(tmp_path):
    model = MLP([4, 5, 3], backend="copies")
    nn.save(tmp_path / "model", model)
    for twin in (copy.deepcopy(model), nn.load(tmp_path / "model"), MLP([4, 5, 3]).copy(backend="copies")):
        assert twin.backend == "copies"
        np.testing.assert_array_equal(twin.forward(X), model.forward(X))


# --- nobody else reads a workspace ---

ROOT = Path(nn.__file__).parent
OWN = {"host.py", "backends.py", "device.py"}  # beside nn/reference, nn/cpu and nn/cuda
BUFFERS = {"Workspace", "workspace", "Packed", "packed", "block", "Norm", "Drop", "Data", "LossCode", "HostEngine"}
KNOWN = {"work", "workspace", "buffers", "kernel_data"}


def outsiders():
    """Yield every source file outside the engines."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] not in {"reference", "cpu", "cuda", "shared", *OWN}:
            yield path


def readers(path):
    """Return what a file says of buffers, or of what an engine keeps to itself."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found += [alias.name for alias in node.names if alias.name in BUFFERS]
        elif isinstance(node, ast.Attribute):
            owner = getattr(node.value, "attr", getattr(node.value, "id", "")).lstrip("_")
            if node.attr.lstrip("_") in KNOWN or (owner == "engine" and node.attr not in PUBLIC):
                found.append(f"{owner}.{node.attr}")
        elif isinstance(node, ast.Name) and node.id in KNOWN:
            found.append(node.id)
    return found


def test_nobody_outside_an_engine_reads_a_workspace():
    assert len(list(outsiders())) > 30
    assert {path.name: found for path in outsiders() if (found := readers(path))} == {}


@pytest.mark.parametrize("line", ["work.activations", "engine._work", "from .shared.layers import workspace",
                                  "self.engine._slots", "run._engine.slots", "model.buffers(3)"])
def test_a_reader_is_found(line, tmp_path):
    (tmp_path / "planted.py").write_text(f"{line}\n", encoding="utf-8")
    assert readers(tmp_path / "planted.py")


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("backend", ["numpy", "numba", "copies"])
def test_an_engine_has_what_the_protocol_names(backend):
    model = MLP([4, 5, 3], backend=backend)
    engine = model.open(model.check_x(X), batch=3)
    assert public(engine) == PUBLIC
    assert {"name", "open"} <= public(backend_named(backend))
    assert backend_named(backend).name == backend
    assert {"open"} == {name for name in vars(Backend) if not name.startswith("_")}


# --- how far it is from `fit` to the first product ---

def test_calls_between_fit_and_the_first_product():
    depths = []

    def trace(frame, event, argument):
        if frame.f_code.co_name == "dense_forward":
            names = []
            while frame is not None:
                names.append(frame.f_code.co_name)
                frame = frame.f_back
            depths.append(names[:names.index("fit") + 1])

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        fit(MLP([4, 5, 3], backend="numpy"), X, Y, loss=CE, optimizer=SGD(0.1), epochs=1, progress=False)
    finally:
        sys.settrace(before)
    assert depths[0] == ["dense_forward", "forward", "forward_pass", "gradient_pass", "train_steps", "steps", "_train_chunk",
                         "train_until", "train", "fit"]


def test_both_of_ours_open_by_name():
    assert isinstance(backend_named("numpy"), NumpyBackend) and isinstance(backend_named("numba"), NumbaBackend)
    with pytest.raises(ValueError, match="backend: got 'jax', accepted: 'numpy', 'numba', 'cuda'"):
        backend_named("jax")
