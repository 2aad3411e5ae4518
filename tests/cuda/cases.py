"""Networks, losses and trainings that launch every kernel, and how far from the definition results are.

The same cases run on the simulated GPU, on a real one, and on a machine that only notes what is launched.
"""
import contextlib
from typing import Any, NamedTuple

import numpy as np

from losses import L1, L2, AdaFlooding, CrossEntropy, Flooding, InstanceFlooding
from nn import MLP, RNN, RPROP, SGD, Adam, AdamW, TrainingDiverged, fit
from nn.cuda import _compat
from tests.cuda.small import modules
from tests.cuda.twins import KERNEL, TWINS, compare_twin
from tests.losses_and_floods import FLOODS, bases
from tests.numerical import relative_error

NETWORK = {"float32": 1e-5, "float64": 1e-11}  # the relative errors allowed of a gradient, a chain of functions

RNG = np.random.default_rng(5)
N, T = 21, 5
X, SEQUENCES, TOKENS = RNG.normal(size=(N, 4)), RNG.normal(size=(N, T, 4)), RNG.integers(0, 6, (N, T))
LENGTHS, Y, Y_STEPS = RNG.integers(1, T + 1, N), RNG.integers(0, 3, N), RNG.integers(0, 3, (N, T))
EMPTIES = np.where(np.arange(N) % 5 == 3, 0, LENGTHS)  # some sequences without a step
CE = CrossEntropy()


class Case(NamedTuple):
    """A network, its data, and how it is trained or differentiated."""

    make: Any
    x: np.ndarray
    y: np.ndarray
    lengths: np.ndarray | None = None
    options: dict = {}  # noqa: RUF012


def mlp(**options):
    return lambda **more: MLP([4, 11, 9, 3], seed=3, **options, **more)


def rnn(inputs=4, **options):
    return lambda **more: RNN(inputs, 5, 3, seed=3, **options, **more)


NETWORKS = {
    "relu": Case(mlp(), X, Y), "tanh": Case(mlp(activation="tanh"), X, Y), "sigmoid": Case(mlp(activation="sigmoid"), X, Y),
    "identity, no bias": Case(mlp(activation="identity", bias=False), X, Y), "dropout": Case(mlp(dropout=0.4), X, Y),
    "batch norm": Case(mlp(batch_norm=True), X, Y), "batch norm, dropout": Case(mlp(batch_norm=True, dropout=0.3), X, Y),
    "one layer": Case(lambda **more: MLP([4, 3], **more), X, Y), "one row": Case(mlp(), X[:1], Y[:1]),
    "rnn": Case(rnn(), SEQUENCES, Y, LENGTHS), "reverse too": Case(rnn(bidirectional=True), SEQUENCES, Y, LENGTHS),
    "relu rnn, mean": Case(rnn(activation="relu", pooling="mean", dropout=0.3), SEQUENCES, Y, EMPTIES),
    "every step": Case(rnn(bidirectional=True, pooling="none", dropout=0.3), SEQUENCES, Y_STEPS, EMPTIES),
    "tokens": Case(rnn(6, bidirectional=True), TOKENS, Y, EMPTIES),
    "tokens, truncated": Case(rnn(6, bidirectional=True, pooling="none", truncate=2), TOKENS, Y_STEPS, LENGTHS),
    "empty sequences": Case(rnn(bidirectional=True), SEQUENCES, Y, np.zeros(N, int)),
    "few": Case(rnn(pooling="none"), SEQUENCES[:6], Y_STEPS[:6], EMPTIES[:6]),
}
LEVELS = RNG.uniform(0, 2, N)


def losses_and_floods():
    """Yield (name, loss, targets, outputs) of every loss under every flood; RelaxLoss refuses real-valued targets.

    Where one number decides about the whole batch, it lies once above the level and once below.
    """
    for base, (loss, y, outputs) in bases(Y).items():
        for flood, flooded in FLOODS.items():
            if not (base == "squared" and flood.startswith("relax")):
                yield f"{base}, {flood}", flooded(loss, 1.0, LEVELS), y, outputs
                if flood in ("batch", "relaxed"):
                    yield f"{base}, {flood}, below", flooded(loss, 9.0, LEVELS), y, outputs



def compare_gradient(case, dtype, loss=CE, backend="cuda"):
    """Yield the relative errors of outputs, objective and gradients of a network against the definition in float64."""
    model, exact = case.make(dtype=dtype, backend=backend), case.make(dtype="float64", backend="numpy")
    exact.flat[:] = model.flat
    real = case.x.dtype.kind == "f"
    x = case.x.astype(dtype) if real else case.x
    arguments = {"lengths": case.lengths, "input_gradient": real, "update": 3}
    for training in (False, True):
        found, expected = (m.forward(x, case.lengths, training=training, update=3) for m in (model, exact))
        yield relative_error(found.astype(float), expected)
    (J, found), (J_exact, expected) = (m.loss_and_gradients(x, case.y, loss, **arguments) for m in (model, exact))
    assert list(found) == list(expected)
    yield abs(J - J_exact) / max(abs(J_exact), 1)
    yield relative_error(*(np.concatenate([g.ravel() for g in gradients.values()]).astype(float)
                           for gradients in (found, expected)))


def one_layer(y, outputs):
    """Return the case of a network for any loss."""
    return Case(lambda **more: MLP([4, outputs], **more), X, y)


# --- training

TRAININGS = {
    "sgd": ("relu", {"optimizer": SGD(0.1)}),
    "nesterov": ("batch norm", {"optimizer": SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.01)}),
    "adam": ("dropout", {"optimizer": Adam(0.02, weight_decay=0.1), "penalty": L1(0.01) + L2(0.02)}),
    "adamw": ("batch norm, dropout", {"optimizer": AdamW(0.02, weight_decay=0.1), "clip_norm": 0.5}),
    "rprop": ("tanh", {"optimizer": RPROP(), "batch_size": None}),
    "flooding": ("sigmoid", {"loss": Flooding(CE, 1.13)}),
    "instance flooding": ("rnn", {"loss": InstanceFlooding(CE, 1.0)}),
    "adaptive flooding": ("tokens", {"loss": AdaFlooding(CE, LEVELS), "penalty": L2(0.1), "clip_norm": 1.0}),
    "relax": ("relu", {"loss": FLOODS["relax"](CE, 1.0, None), "optimizer": SGD(0.3)}),
    "frozen": ("batch norm", {"frozen": ["W1", "gamma2"], "clip_norm": 0.5, "optimizer": SGD(0.1, momentum=0.9)}),
    "weights": ("every step", {"sample_weight": np.where(np.arange(N) < 7, 0.0, np.arange(N))}),
    "batches without weight": ("relu", {"sample_weight": (np.arange(N) < 2) * 1.0, "optimizer": Adam(0.1)}),
    "empty sequences": ("empty sequences", {"optimizer": Adam(0.1)}),
    "batches without rows": ("few", {"optimizer": Adam(0.1), "batch_size": 1}),
}


def train(model, case, options, epochs=2):
    """Fit a model on a case; 6 updates, or `epochs` where a batch holds all."""
    settings = {"loss": CE, "optimizer": SGD(0.1), "batch_size": 8, "check_every": 0, "progress": False, **options}
    return fit(model, case.x, case.y, lengths=case.lengths, epochs=epochs, **settings)


def trained(name, dtype="float64", backend="cuda", epochs=2):
    """Return (parameters and running statistics, history as a dict) after the training of that name."""
    network, options = TRAININGS[name]
    model = NETWORKS[network].make(dtype=dtype, backend=backend)
    before = model.flat.copy()
    history = train(model, NETWORKS[network], options, epochs)
    assert name == "empty sequences" or relative_error(model.flat, before) > 1e-3  # it was no standing still
    return np.append(model.flat, model.running), {column: history[column] for column in history}


def compare_trained(found, expected, tolerance):
    """Compare two results of `trained`."""
    assert relative_error(found[0], expected[0]) <= tolerance
    assert list(found[1]) == list(expected[1])
    for column, values in expected[1].items():
        np.testing.assert_allclose(found[1][column], values, rtol=tolerance, atol=tolerance, err_msg=column)


# --- all of it, without running any


def kernels():
    """Return every kernel by its name, "module.function"."""
    return {f"{name}.{value.body.__name__}": value for name, module in modules().items() for value in vars(module).values()
            if isinstance(value, _compat.Kernel) and value.body.__module__ == module.__name__}


def recorded_launches():
    """Return {kernel: the types of arguments it was launched with} for all cases, in both dtypes; nothing is executed."""
    from tests.cuda.simulator import simulated  # which a machine with a GPU does not need

    names = {kernel: name for name, kernel in kernels().items()}
    with simulated(run=False) as machine:
        for dtype in KERNEL:
            for module, name in TWINS:
                list(compare_twin(module, name, dtype))
            cases = [(case, CE) for case in NETWORKS.values()]
            cases += [(one_layer(y, outputs), loss) for _, loss, y, outputs in losses_and_floods()]
            for case, loss in cases:
                with contextlib.suppress(ValueError):  # nothing was computed that could be put in order
                    list(compare_gradient(case, dtype, loss))
            for network, options in TRAININGS.values():
                model = NETWORKS[network].make(dtype=dtype, backend="cuda")
                with contextlib.suppress(TrainingDiverged, ValueError):  # no update was taken
                    train(model, NETWORKS[network], options)
    return {names[kernel]: sorted(types) for kernel, types in machine.launches.items()}
