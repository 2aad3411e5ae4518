"""Every function of nn/cuda, run by the simulator on tiles so small that each case spans several, against the definition.

Races, divergence, unwritten memory and indices outside raise (simulator.py); numbers are compared with nn/reference in
float64.
"""
import numpy as np
import pytest

from losses import SquaredError
from nn import MLP, SGD, TrainingDiverged, fit
from tests.cuda.cases import (
    NETWORK,
    NETWORKS,
    TRAININGS,
    X,
    Y,
    compare_gradient,
    compare_trained,
    losses_and_floods,
    one_layer,
    trained,
)
from tests.cuda.faults import without_room
from tests.cuda.random_shapes import random_shapes
from tests.cuda.simulator import Unwritten, simulated
from tests.cuda.small import SMALL, modules, small_tiles
from tests.cuda.twins import KERNEL, TWINS, compare_twin
from tests.test_nn_twins import ADDED, TABLE, functions, parameters, reference

dtypes = pytest.mark.parametrize("dtype", KERNEL)
# Networks put together what the twins test apart, in both: once is enough for every day.
dtypes_of_networks = pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])


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


@dtypes_of_networks
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients(name, dtype):
    assert max(compare_gradient(NETWORKS[name], dtype)) <= NETWORK[dtype]


# Every day each loss and each flood once, all pairs of them when slow tests run.
@dtypes_of_networks
@pytest.mark.parametrize("names, loss, y, outputs", [
    pytest.param(*row, id=row[0], marks=() if row[0].startswith("ce, ") or row[0].endswith(", none") else pytest.mark.slow)
    for row in losses_and_floods()])
def test_losses(names, loss, y, outputs, dtype):
    assert max(compare_gradient(one_layer(y, outputs), dtype, loss)) <= NETWORK[dtype]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_training(name):
    found, expected = trained(name), trained(name, backend="numpy")
    compare_trained(found, expected, 1e-10)
    if "flooding" in name:
        assert 0 < expected[1]["flooded_fraction"].mean() < 1  # both sides of the level were met


@pytest.mark.parametrize("rate", [1e80, 1e160])
def test_divergence_is_noticed_at_the_same_update(rate):
    """A loss that is infinite, or NaN because what it is made of was: nothing moves after it."""
    found = []
    with simulated(floats="ignore"):
        for backend in "numpy", "cuda":
            model = MLP([4, 5, 3], dtype="float64", backend=backend)
            with pytest.raises(TrainingDiverged) as caught:
                fit(model, X, Y, loss=SquaredError(), optimizer=SGD(rate), epochs=2, batch_size=8, progress=False)
            found.append((str(caught.value), model.flat.copy()))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-10)


@pytest.mark.parametrize("name", ["recurrence_forward", "recurrence_backward"])
def test_recurrence_without_room_for_its_matrix(name):
    """W_hh is read from global memory then; the states alone lie in shared memory."""
    without_room(name)()


def test_scratch_memory_must_be_written_anew(gpu):
    """The next asker gets the memory of the one before, and may not live on what that one left."""
    reductions = modules()["reductions"]
    found = reductions.scratch("purpose", 3, np.float32)
    found.copy_to_device(np.ones(3, np.float32))
    sums = gpu.empty(1, np.float32)
    reductions.column_sums(sums, found.reshape(3, 1))
    again = reductions.scratch("purpose", 3, np.float32)
    assert again.cells is found.cells and sums.copy_to_host() == 3
    with pytest.raises(Unwritten, match=r"reads a\[0, 0\], which was never written"):
        reductions.column_sums(sums, again.reshape(3, 1))


def test_infinite_losses_of_rows_without_weight():
    """0 · ∞ is 0 there, but a NaN is noticed."""
    rows = modules()["rows"]
    for losses, expected in ([np.inf, 2, 4], 3.5), ([np.nan, 2, 4], np.nan), ([1, np.inf, 4], np.inf):
        with simulated(floats="ignore") as machine:
            summary = machine.empty(3, np.float32)
            losses, weights = (machine.to_device(np.array(a, np.float32)) for a in (losses, [0, 1, 3]))
            machine.launch(rows.summarise, 1, rows.THREADS, summary, losses, weights)
            np.testing.assert_array_equal(summary.copy_to_host()[[rows.J, rows.TOTAL]], [expected, 4])


@pytest.mark.parametrize("place", [0, 13, 50, 99])
def test_a_gradient_with_a_nan_is_left_as_it_is(gpu, place):
    """The next loss is none either, and training stops; scaled by a NaN all parameters would be lost."""
    gradient = np.linspace(-3, 3, 100)
    gradient[place] = np.nan
    there = gpu.to_device(gradient)
    modules()["clipping"].clip_gradient(there, 0.1)
    np.testing.assert_array_equal(there.copy_to_host(), gradient)


def test_tiles_are_small_for_a_while():
    """Also where their size was imported or computed; afterwards all is as it was."""
    names = [(m, name) for m in modules().values() for name in (*SMALL, "SIDE", "SUMS") if hasattr(m, name)]
    small = [getattr(module, name) for module, name in names]
    assert {name: size for (_, name), size in zip(names, small, strict=True) if name in SMALL} == SMALL
    assert modules()["products"].SUMS == 4 and modules()["normalization"].SUMS == 8
    with small_tiles():
        assert small == [getattr(module, name) for module, name in names]
    assert small == [getattr(module, name) for module, name in names]


@pytest.mark.slow
def test_random_shapes():
    """What the device is asked ten thousand times, of small sizes."""
    counts, failed = random_shapes(shapes=150, seconds=600, largest=13)
    assert not failed and min(counts.values()) == 30
