"""Every function of nn/cuda, run by the simulator on tiles so small that each case spans several, against the definition.

Races, divergence, unwritten memory and indices outside raise (simulator.py); numbers are compared with nn/reference in
float64.
"""
import pytest

from tests.cuda.cases import (
    KERNEL,
    NETWORK,
    NETWORKS,
    TRAININGS,
    TWINS,
    compare_gradient,
    compare_trained,
    compare_twin,
    losses_and_floods,
    one_layer,
    trained,
)
from tests.cuda.random_shapes import random_shapes
from tests.cuda.simulator import simulated
from tests.cuda.small import modules, small_tiles
from tests.test_nn_twins import ADDED, TABLE, functions, parameters, reference

dtypes = pytest.mark.parametrize("dtype", KERNEL)


@pytest.fixture(autouse=True)
def gpu():
    with small_tiles(), simulated() as machine:
        yield machine


@pytest.mark.parametrize("module", [*TABLE, *ADDED])
def test_every_function_has_a_twin(module):
    """With the definition's arguments; what it may have more comes last and has a default."""
    for name, definition in functions(reference(module)).items():
        [twin] = {f for m in modules().values() for found, f in functions(m).items() if found == name}
        assert parameters(twin)[:len(parameters(definition))] == parameters(definition), name
        assert len(parameters(twin)) == len(parameters(definition)) + len(twin.__defaults__ or ()), name


@dtypes
@pytest.mark.parametrize("module, name", TWINS)
def test_twins(module, name, dtype):
    errors = list(compare_twin(module, name, dtype))
    assert errors and max(errors) <= KERNEL[dtype]


@dtypes
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients(name, dtype):
    assert max(compare_gradient(NETWORKS[name], dtype)) <= NETWORK[dtype]


@dtypes
@pytest.mark.parametrize("names, loss, y, outputs", [pytest.param(*row, id=row[0]) for row in losses_and_floods()])
def test_losses(names, loss, y, outputs, dtype):
    assert max(compare_gradient(one_layer(y, outputs), dtype, loss)) <= NETWORK[dtype]


@pytest.mark.parametrize("name", TRAININGS)
def test_training(name):
    found, expected = trained(name), trained(name, backend="numpy")
    compare_trained(found, expected, 1e-10)
    if "flooding" in name:
        assert 0 < expected[1]["flooded_fraction"].mean() < 1  # both sides of the level were met


@pytest.mark.slow
def test_random_shapes():
    """What the device is asked ten thousand times, of small sizes."""
    counts, failed = random_shapes(shapes=150, seconds=600, largest=13)
    assert not failed and min(counts.values()) == 30
