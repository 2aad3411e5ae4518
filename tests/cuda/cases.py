"""Arguments and networks that launch every kernel, and how far from the definition results may be.

The same cases run on the simulated GPU, on a real one, and on a machine that only notes what is launched.
"""
import contextlib
import importlib
from typing import Any, NamedTuple

import numpy as np

from losses import L1, L2, AdaFlooding, CrossEntropy, Flooding, InstanceFlooding
from nn import MLP, RNN, RPROP, SGD, Adam, AdamW, TrainingDiverged, fit
from nn.cuda import _compat
from tests.cuda.small import modules
from tests.losses_and_floods import FLOODS, bases
from tests.numerical import relative_error
from tests.twin_rows import TABLE, as_dtype

KERNEL = {"float32": 1e-6, "float64": 1e-12}  # of one function of nn.cuda
NETWORK = {"float32": 1e-5, "float64": 1e-11}  # of a gradient, a chain of them
SIMULATED = 6000  # numbers in a row of the twin table that the simulator can take


def kernels():
    """Return every kernel by its name, "module.function"."""
    return {f"{name}.{value.body.__name__}": value for name, module in modules().items() for value in vars(module).values()
            if isinstance(value, _compat.Kernel) and value.body.__module__ == module.__name__}


# --- functions one by one


def dense_forward(rng):
    for B, n_in, n_out in (17, 23, 19), (9, 1, 8), (1, 24, 1), (0, 3, 4):
        W, b = rng.normal(size=(n_in, n_out)), rng.normal(size=n_out)
        yield [rng.normal(size=(B, n_out))], [rng.normal(size=(B, n_in)), W, b]


def dense_backward(rng):
    for B, n_in, n_out in (23, 17, 19), (8, 9, 1), (1, 1, 17), (31, 8, 3), (0, 3, 4):
        yield ([rng.normal(size=(B, n_in)), rng.normal(size=(n_in, n_out)), rng.normal(size=n_out)],
               [rng.normal(size=(B, n_out)), rng.normal(size=(B, n_in)), rng.normal(size=(n_in, n_out))])


def activation_forward(rng):
    yield [rng.normal(size=(0, 3))], [rng.normal(size=(0, 3)), 1]


def lookup_forward(rng):
    yield [rng.normal(size=(0, 3))], [np.zeros(0, int), rng.normal(size=(5, 3)), rng.normal(size=3)]


def lookup_backward(rng):
    yield [rng.normal(size=(5, 3)), rng.normal(size=3)], [rng.normal(size=(0, 3)), np.zeros(0, int)]


def pool_forward(rng):
    """Sequences without a step, alone and beside others."""
    for lengths, starts in ([0, 0, 0], [0]), ([2, 1, 0], [0, 2, 3]):
        for pooling in (0, 1):
            yield ([rng.normal(size=(3, 4))],
                   [rng.normal(size=(starts[-1], 4)), np.array(starts), np.array(lengths), pooling, False, 0])


def recurrence_forward(rng):
    yield [rng.normal(size=(0, 3))], [rng.normal(size=(0, 3)), rng.normal(size=(3, 3)), np.array([0]), 2, False]


def clip_gradient(rng):
    for size, norm in (1, 0.5), (100, 3.0), (100, 1e3), (7, 0.0):
        gradient = rng.normal(size=size) * (norm > 0)
        gradient[-1] *= 1e30  # whose square is too large for float32
        yield [gradient], [norm]


def clear_frozen(rng):
    for free in [[0, 40]], [[3, 9], [9, 10], [30, 38]], np.zeros((0, 2), int):
        yield [rng.normal(size=40)], [np.array(free)]


# Beside the twin table: functions of other modules, and sizes that matter where there are tiles.
MORE = {"dense": {"dense_forward": dense_forward, "dense_backward": dense_backward},
        "activations": {"activation_forward": activation_forward},
        "recurrent": {"lookup_forward": lookup_forward, "lookup_backward": lookup_backward, "pool_forward": pool_forward,
                      "recurrence_forward": recurrence_forward},
        "training": {"clip_gradient": clip_gradient, "clear_frozen": clear_frozen}}
TWINS = [*((module, name) for module in TABLE for name in TABLE[module]), ("training", "clip_gradient"),
         ("training", "clear_frozen")]


def rows(module, name, most):
    """Yield (outputs, inputs): random arguments of a function, with at most so many numbers."""
    for table in TABLE, MORE:
        if name in table.get(module, ()):
            for outputs, inputs in table[module][name](np.random.default_rng(11)):
                if sum(value.size for value in (*outputs, *inputs) if isinstance(value, np.ndarray)) <= most:
                    yield outputs, inputs


def on_device(values, host=()):
    """Return copies on the device of the arrays among some values, integers in 32 bits, as nn/device.py makes them."""
    return [_compat.to_device(value.astype(np.int32) if value.dtype.kind in "iu" else value)
            if isinstance(value, np.ndarray) and k not in host else value for k, value in enumerate(values)]


def compare_twin(module, name, dtype, most=SIMULATED):
    """Yield the relative errors of a function of nn.cuda on all its rows."""
    for outputs, inputs in rows(module, name, most):
        yield from compare(module, name, dtype, outputs, inputs)


def compare(module, name, dtype, outputs, inputs):
    """Run a function of nn.cuda and its definition, in float64, on the same numbers; yield each output's relative error."""
    twin = getattr(importlib.import_module(f"nn.cuda.{module}"), name)
    definition = getattr(importlib.import_module(f"nn.reference.{module}"), name)
    found, arguments = as_dtype(outputs, dtype), as_dtype(inputs, dtype)
    expected, exact = as_dtype(found, "float64"), as_dtype(arguments, "float64")
    definition(*expected, *exact)
    there = on_device(found)
    given = on_device(arguments, host=[0] if name == "clear_frozen" else ())  # the ranges are the host's
    twin(*there, *given)
    for array, e in zip(there, expected, strict=True):
        yield relative_error(array.copy_to_host().astype(float), e)
    for array, argument in zip(given, arguments, strict=True):
        if hasattr(array, "copy_to_host"):
            np.testing.assert_array_equal(array.copy_to_host(), argument)  # inputs are only read


# --- gradients of whole networks

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
}
LEVELS = RNG.uniform(0, 2, N)


def floods(base, level):
    """Return a loss under each flood by name."""
    return {name: flood(base, level, LEVELS) for name, flood in FLOODS.items()}


def losses_and_floods():
    """Yield (names, loss, targets, outputs) of every loss under every flood; RelaxLoss refuses real-valued targets."""
    for base, (loss, y, outputs) in bases(Y).items():
        for flood, flooded in floods(loss, 0.8).items():
            if not (base == "squared" and flood.startswith("relax")):
                yield f"{base}, {flood}", flooded, y, outputs


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
    "empty sequences": ("empty sequences", {"optimizer": Adam(0.1)}),
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
