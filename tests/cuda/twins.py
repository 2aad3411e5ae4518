"""The functions of nn/cuda one by one: random arguments for them, and how far their results are from the definition's."""
import importlib

import numpy as np

from nn.cuda import _compat
from tests.numerical import relative_error
from tests.twin_rows import TABLE, as_dtype

KERNEL = {"float32": 1e-6, "float64": 1e-12}  # the relative errors allowed
SIMULATED = 6000  # numbers in a row of the table that the simulator can take


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
