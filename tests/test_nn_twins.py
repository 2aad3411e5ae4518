"""Every public function of nn/reference has a twin in nn/cpu: same module, name and arguments, same results.

A new function fails here until it has a twin and a row in TABLE of twin_rows.py; so the backends cannot drift apart.
"""
import importlib
import inspect
import pkgutil
import types

import numpy as np
import pytest

import losses.rows
import nn.cpu
import nn.reference
from nn.shared import codes, layers, sequences
from tests.numerical import relative_error
from tests.twin_rows import TABLE, as_dtype

TOLERANCE = {"float64": 1e-11, "float32": 1e-4}

# Modules that put the array functions together. nn/cpu may differ from the definition in these arguments, added at the end,
# and in no others: `team` is the set of threads that share the work. (The passes and `train_steps` have it in the definition
# too, so that callers need not know the backend.) Their results are compared by the tests of whole networks and of `fit`.
TEAM = ("team",)
ADDED = {
    "mlp": {"forward": TEAM, "backward": TEAM, "update_statistics": ()},
    "rnn": {"rnn_forward": TEAM, "rnn_backward": TEAM},
    "training": {"load_targets": (), "load_vectors": (), "sort_by_length": (), "load_sequences": (), "load_batch": TEAM,
                 "loss_and_output_gradient": (), "add_penalties": (), "clip_gradient": (),
                 "stepless": (), "clear_frozen": (), "update_range": ("at", "n"),
                 "update_parameters": TEAM, "forward_pass": (), "gradient_pass": (), "train_steps": ()},
}


def modules():
    """Names of the reference modules that hold array functions."""
    names = {m.name for m in pkgutil.iter_modules(nn.reference.__path__)}
    return sorted(names - ADDED.keys() - {"views"})  # compiled code cuts its arrays where it needs them


def functions(module):
    """Public functions that are defined in the module, not imported by it."""
    return {name: f for name, f in vars(module).items()
            if isinstance(f, types.FunctionType) and f.__module__ == module.__name__ and not name.startswith("_")}


def twin_of(module, name):
    """Return the function of that name in the cpu module, or fail."""
    found = getattr(module, name, None)
    assert callable(found), f"{module.__name__} has no {name}"
    return found


def parameters(function):
    """Names of the parameters, of compiled functions too."""
    return list(inspect.signature(getattr(function, "py_func", function)).parameters)


def reference(name):
    return importlib.import_module(f"nn.reference.{name}")


def cpu(name):
    return importlib.import_module(f"nn.cpu.{name}")


ROWS = [(module, name) for module, rows in TABLE.items() for name in rows]


def assert_same_results(definition, twin, row, dtype):
    for k, (outputs, inputs) in enumerate(row(np.random.default_rng(11))):
        found, arguments = as_dtype(outputs, dtype), as_dtype(inputs, dtype)
        # Both see the same numbers, rounded to the dtype; the definition then works in float64, the better truth.
        expected, exact = as_dtype(found, "float64"), as_dtype(arguments, "float64")
        definition(*expected, *exact)
        twin(*found, *arguments)
        for i, (f, e) in enumerate(zip(found, expected, strict=True)):
            assert f.dtype == dtype
            assert relative_error(f, e) <= TOLERANCE[dtype], f"set {k}, output {i}"
        for argument, before in zip(arguments, as_dtype(inputs, dtype), strict=True):
            np.testing.assert_array_equal(argument, before)  # inputs are only read


def test_kinds_have_names_of_their_own():
    """No name of a kind is that of another one, nor that of an array in the formulas."""
    def constants(module):
        return {name for name, value in vars(module).items() if name.isupper() and isinstance(value, int)}
    kinds = constants(codes) | constants(layers) | constants(sequences)
    assert not kinds & constants(losses.rows)
    assert not kinds & {"W", "B", "W_XH", "W_HH", "B_H", "GAMMA", "BETA"}


def test_every_reference_module_is_in_the_table():
    assert modules() == sorted(TABLE)


@pytest.mark.parametrize("module", modules())
def test_every_function_has_a_twin_and_a_row(module):
    assert functions(reference(module)), f"nn.reference.{module} has no public function"
    for name, definition in functions(reference(module)).items():
        assert parameters(twin_of(cpu(module), name)) == parameters(definition), name
        assert name in TABLE[module], f"{module}.{name} has no row in TABLE"
    assert set(TABLE[module]) <= set(functions(reference(module)))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("module, name", ROWS)
def test_same_results(module, name, dtype):
    assert_same_results(getattr(reference(module), name), twin_of(cpu(module), name), TABLE[module][name], dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("module, name", ROWS)
def test_the_definition_in_its_own_dtype(module, name, dtype):
    definition = getattr(reference(module), name)
    assert_same_results(definition, definition, TABLE[module][name], dtype)


@pytest.mark.parametrize("module", ADDED)
def test_modules_that_put_functions_together(module):
    defined = functions(reference(module))
    assert set(defined) == set(ADDED[module])
    for name, definition in defined.items():
        assert parameters(twin_of(cpu(module), name)) == parameters(definition) + list(ADDED[module][name]), name


def test_the_walk_notices_what_is_missing():
    """A new function without twin, a twin with other arguments, a wrong twin: each is seen."""
    source = types.ModuleType("nn.reference.fake")
    exec("def doubled(y, x):\n    y[...] = 2 * x\n\ndef _hidden(y):\n    pass\n", vars(source))
    assert set(functions(source)) == {"doubled"}
    with pytest.raises(AssertionError, match="has no doubled"):
        twin_of(types.ModuleType("nn.cpu.fake"), "doubled")

    def swapped(x, y):
        y[...] = 2 * x

    def wrong(y, x):
        y[...] = 2.1 * x

    def overwriting(y, x):
        y[...] = 2 * x
        x[0] = 7

    def row(rng):
        yield [rng.normal(size=3)], [rng.normal(size=3)]

    assert parameters(swapped) != parameters(source.doubled)
    assert_same_results(source.doubled, source.doubled, row, "float32")
    for twin in (wrong, overwriting):
        with pytest.raises(AssertionError):
            assert_same_results(source.doubled, twin, row, "float64")
