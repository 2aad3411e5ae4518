"""Nothing falls through: what a backend has no maths for is refused, and everything public trains the same on all."""
import inspect

import numpy as np
import pytest

import losses
import nn
from losses import CrossEntropy, Loss, SquaredError
from nn import MLP, RNN, SGD, fit
from nn.shared.codes import ACTIVATIONS, OPTIMIZERS, POOLINGS, OptimizerCode

N = 12
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(N, 4)), RNG.integers(0, 3, N)
SEQUENCES, LENGTHS = RNG.normal(size=(N, 5, 4)), RNG.integers(1, 6, N)
REAL = RNG.normal(size=(N, 3))


def public(module, base):
    """Public classes of a kind that can be used as they are."""
    return [cls for name in module.__all__ if inspect.isclass(cls := getattr(module, name)) and issubclass(cls, base)
            and cls is not base]


def settings_of(cls):
    """Arguments that make one of a public loss or optimizer; a new one without an entry fails here, not in silence."""
    needed = {p.name for p in inspect.signature(cls).parameters.values() if p.default is p.empty}
    known = {"base": CrossEntropy(), "level": 0.7, "levels": np.linspace(0, 2, N), "strength": 0.3, "learning_rate": 0.1}
    return {name: known[name] for name in needed}


LOSSES = [cls(**settings_of(cls)) for cls in public(losses, Loss)]
OPTIMIZER_OBJECTS = [cls(**settings_of(cls)) for cls in public(nn, nn.SGD.__mro__[1])]


def targets(loss):
    """Targets that suit a loss, and the number of outputs."""
    if isinstance(loss, SquaredError):
        return REAL, 3
    return (Y % 2, 1) if type(loss).__name__ == "BinaryCrossEntropy" else (Y, 3)


def both(make, x, y, **arguments):
    """Train on each backend; return the weights before and after."""
    after = []
    for backend in ("numpy", "numba"):
        model = make(backend)
        before = model.flat.copy()
        fit(model, x, y, epochs=3, progress=False, **arguments)
        after.append(model.flat.copy())
    return before, after


def assert_same_and_moved(before, after):
    assert np.linalg.norm(after[0] - before) > 1e-4 * np.linalg.norm(before)
    assert np.linalg.norm(after[1] - after[0]) <= 1e-9 * np.linalg.norm(after[0])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_every_public_loss_trains_the_same_on_every_backend(loss):
    y, outputs = targets(loss)
    assert_same_and_moved(*both(lambda backend: MLP([4, 5, outputs], dtype="float64", backend=backend), X, y, loss=loss,
                                optimizer=SGD(0.1), batch_size=5))


@pytest.mark.parametrize("optimizer", OPTIMIZER_OBJECTS, ids=lambda optimizer: type(optimizer).__name__)
def test_every_public_optimizer_trains_the_same_on_every_backend(optimizer):
    assert_same_and_moved(*both(lambda backend: MLP([4, 5, 3], dtype="float64", backend=backend), X, Y, loss=CrossEntropy(),
                                optimizer=optimizer, batch_size=None))


def accepted(model, argument, **values):
    """Which of `values` a model's constructor takes for an argument."""
    good = []
    for value in values[argument]:
        try:
            model(**{argument: value})
        except ValueError:
            continue
        good.append(value)
    return good


@pytest.mark.parametrize("activation", accepted(lambda **a: MLP([4, 5, 3], **a), "activation", activation=ACTIVATIONS))
def test_every_activation_of_an_mlp_trains_the_same_on_every_backend(activation):
    assert_same_and_moved(*both(lambda backend: MLP([4, 5, 3], activation=activation, dtype="float64", backend=backend),
                                X, Y, loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=5))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("activation", accepted(lambda **a: RNN(4, 5, 3, **a), "activation", activation=ACTIVATIONS))
def test_every_rnn_trains_the_same_on_every_backend(activation, pooling):
    y = np.repeat(Y[:, None], 5, axis=1) if pooling == "none" else Y
    assert_same_and_moved(*both(lambda backend: RNN(4, 5, 3, activation=activation, pooling=pooling, dtype="float64",
                                                    backend=backend), SEQUENCES, y, lengths=LENGTHS, loss=CrossEntropy(),
                                optimizer=SGD(0.1), batch_size=5))


# --- kinds with one branch missing: planted, and refused by name ---

NEW = 9  # a code that nobody serves


class NewLoss(CrossEntropy):
    row = "focal"


class NewFlood(losses.Flooding):
    flood = "tidal"


class NewOptimizer(SGD):
    def code(self):
        return OptimizerCode(NEW)


def trained(backend, make=lambda backend: MLP([4, 5, 3], backend=backend), loss=None, optimizer=None, x=X, **arguments):
    model = make(backend)
    before = model.flat.copy()
    try:
        fit(model, x, Y, loss=loss or CrossEntropy(), optimizer=optimizer or SGD(0.1), epochs=1, progress=False, **arguments)
    finally:
        np.testing.assert_array_equal(model.flat, before)


@pytest.mark.parametrize("planted", [NewLoss(), NewFlood(CrossEntropy(), 0.3)], ids=lambda loss: type(loss).__name__)
def test_a_loss_without_a_compiled_branch_is_refused(planted):
    with pytest.raises(ValueError, match=r"(loss: got 'focal'|flood: got 'tidal'), accepted: .*rows.py serves no other"):
        trained("numba", loss=planted)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_an_optimizer_without_a_branch_is_refused(backend, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "lion", NEW)
    with pytest.raises(ValueError, match="optimizer: got 'lion', accepted: 'sgd', 'adam', 'rprop'"):
        trained(backend, optimizer=NewOptimizer(0.1))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_an_activation_without_a_branch_is_refused(backend, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "softplus", NEW)
    with pytest.raises(ValueError, match="activation: got 'softplus', accepted: 'identity', 'relu', 'tanh', 'sigmoid'"):
        trained(backend, make=lambda backend: MLP([4, 5, 3], activation="softplus", backend=backend))


def planted_rnn(backend, field, code):
    model = RNN(4, 5, 3, backend=backend)
    original = model.front_for
    model.front_for = lambda inputs: original(inputs)._replace(**{field: code})
    return model


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_pooling_without_a_branch_is_refused(backend, monkeypatch):
    monkeypatch.setitem(POOLINGS, "attention", NEW)
    with pytest.raises(ValueError, match="pooling: got 'attention', accepted: 'last', 'mean', 'none'"):
        trained(backend, make=lambda backend: planted_rnn(backend, "pooling", NEW), x=SEQUENCES, lengths=LENGTHS)


def test_a_recurrence_with_an_activation_that_only_dense_layers_have_is_refused():
    with pytest.raises(ValueError, match=r"activation: got 'sigmoid', accepted: 'relu', 'tanh' .nn/cpu/recurrent.py"):
        trained("numba", make=lambda backend: planted_rnn(backend, "kind", ACTIVATIONS["sigmoid"]), x=SEQUENCES,
                lengths=LENGTHS)


# --- classes of one's own that define what training does not call ---


class Focal(CrossEntropy):
    def value_and_gradient(self, outputs, y):
        raise AssertionError("training asks rows")


class FocalRows(CrossEntropy):
    def rows(self, outputs, y):
        losses, gradient = super().rows(outputs, y)
        return 2 * losses, 2 * gradient

    def value_and_gradient(self, outputs, y):  # quicker, say
        return super().value_and_gradient(outputs, y)


class Cubes(losses.L2):
    def add_gradient(self, dweights, weights):
        for dw, w in zip(dweights, weights, strict=True):
            dw += w**2


class Residual(MLP):
    def forward(self, x, lengths=None, training=False, update=0):
        return super().forward(x, lengths, training, update) + x[:, :3]


class Spoken(MLP):
    def predict(self, x, lengths=None):
        return np.array(["no", "yes", "perhaps"])[super().predict(x, lengths)]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("argument, planted, name", [
    ("loss", Focal(), "value_and_gradient"), ("penalty", Cubes(0.1), "add_gradient"), ("model", Residual, "forward")])
def test_maths_that_training_would_pass_over_is_refused(backend, argument, planted, name):
    def make(backend):
        return (planted if argument == "model" else MLP)([4, 5, 3], backend=backend)
    arguments = {} if argument == "model" else {argument: planted}
    with pytest.raises(TypeError, match=rf"{argument}: got .* defines {name}, which training does not call, accepted: "):
        trained(backend, make=make, **arguments)


def test_classes_that_define_what_is_called_are_trained():
    after = []
    for make, loss, rate in ((MLP, CrossEntropy(), 0.2), (MLP, FocalRows(), 0.1), (Spoken, CrossEntropy(), 0.2)):
        model = make([4, 5, 3], dtype="float64", backend="numpy")
        fit(model, X, Y, loss=loss, optimizer=SGD(rate), epochs=2, progress=False)
        after.append(model.flat.copy())
    assert set(model.predict(X)) <= {"no", "yes", "perhaps"}
    np.testing.assert_allclose(after[1:], after[:1] * 2, rtol=1e-13)
