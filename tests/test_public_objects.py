"""Every public object arrives as it was: pickle, deepcopy, joblib, a pool of processes. A network trains on identically."""
import copy
import inspect
import io
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from losses import SquaredError
from nn import MLP, SGD, Adam, TrainingDiverged, fit
from tests.public import CLASSES, MORE, OBJECTS, PACKAGES, QUIET, SEQUENCES, X, Y


def ways():
    """Name -> function(thing) that returns it after a journey."""
    pickled = {f"pickle {p}": lambda thing, p=p: pickle.loads(pickle.dumps(thing, p))
               for p in range(pickle.HIGHEST_PROTOCOL + 1)}
    return pickled | {"deepcopy": copy.deepcopy, "joblib": through_joblib}


def through_joblib(thing):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(thing, file)
    file.seek(0)
    return joblib.load(file)


def state_of(thing, depth=0):
    """Return what can be compared: arrays as lists, objects as their attributes."""
    if isinstance(thing, np.ndarray):
        return str(thing.dtype), thing.tolist()
    if isinstance(thing, dict):
        return sorted((str(name), repr(state_of(value, depth + 1))) for name, value in thing.items())
    if isinstance(thing, (list, tuple)):
        return [state_of(value, depth + 1) for value in thing]
    if hasattr(thing, "__dict__") and not inspect.isclass(thing) and not callable(thing) and depth < 6:
        return type(thing).__name__, state_of(vars(thing).copy(), depth + 1)
    return repr(thing)


@pytest.mark.parametrize("way", ways())
@pytest.mark.parametrize("name", OBJECTS)
def test_every_public_object_arrives_as_it_was(name, way):
    thing = OBJECTS[name]()
    arrived = ways()[way](thing)
    assert type(arrived) is type(thing) and arrived is not thing
    assert repr(state_of(arrived)) == repr(state_of(thing))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_public_functions_and_classes_are_found_again(package):
    for name in package.__all__:
        thing = getattr(package, name)
        if not inspect.ismodule(thing):
            assert pickle.loads(pickle.dumps(thing)) is thing, name


# --- networks ---

NETWORKS = {"mlp": (lambda: MLP([3, 4, 2]), X, {}), "batch_norm": (MORE["batch_norm"], X, {}),
            "rnn": (MORE["bidirectional"], SEQUENCES, {"lengths": np.arange(20) % 4 + 1})}


@pytest.mark.parametrize("way", ways())
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_trains_on_identically(name, way):
    make, x, more = NETWORKS[name]
    model = make()
    fit(model, x, Y, **QUIET, **more)
    arrived = ways()[way](model)
    before = model.flat.copy()
    for each in (model, arrived):
        fit(each, x, Y, **QUIET | {"optimizer": Adam(0.01)}, **more)
    np.testing.assert_array_equal(arrived.flat, model.flat)
    np.testing.assert_array_equal(arrived.running, model.running)
    assert not np.array_equal(arrived.flat, before)


@pytest.mark.parametrize("way", ways())
@pytest.mark.parametrize("name", NETWORKS)
def test_the_views_of_a_network_are_attached(name, way):
    model = NETWORKS[name][0]()
    arrived = ways()[way](model)
    assert not np.shares_memory(arrived.flat, model.flat)
    assert arrived.flat.ctypes.data % 64 == 0 and arrived.flat.flags.writeable
    arrived.flat[:] = 7
    assert all((array == 7).all() for array in arrived.parameters.values())
    arrived.running[:] = 5
    assert all((array == 5).all() for array in arrived.statistics.values())
    assert not (model.flat == 7).any()


def test_attributes_of_ones_own_travel():
    model = MLP([3, 4, 2])
    model.note = {"who": "me"}
    assert pickle.loads(pickle.dumps(model)).note == copy.deepcopy(model).note == {"who": "me"}


@pytest.mark.parametrize("way", ways())
def test_parameters_alone_are_arrays_of_their_own(way):
    model = MLP([3, 4, 2])
    arrived = ways()[way](model.parameters)
    arrived["W1"] = np.ones((3, 4))
    assert not (model.parameters["W1"] == 1).any() and list(arrived) == list(model.parameters)
    with pytest.raises(ValueError, match="W1: got shape"):
        arrived["W1"] = np.ones(3)


# --- a pool of processes ---


def diverging():
    fit(MLP([3, 1], activation="identity"), X * 1e3, Y.astype(float), loss=SquaredError(), optimizer=SGD(1.0), epochs=99,
        progress=False)


def fitted(model):
    fit(model, X, Y, **QUIET)
    return model


@pytest.mark.slow
def test_a_pool_of_processes_brings_back_models_and_errors():
    here = fitted(MLP([3, 4, 2], backend="numpy"))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        there = pool.submit(fitted, MLP([3, 4, 2], backend="numpy")).result()
        np.testing.assert_array_equal(there.flat, here.flat)
        with pytest.raises(TrainingDiverged, match="training diverged") as caught:
            pool.submit(diverging).result()
    assert caught.value.history.checks >= 0 and caught.value.update > 0


def test_an_error_keeps_its_words_and_its_record():
    with np.errstate(all="ignore"), pytest.raises(TrainingDiverged) as caught:
        diverging()
    arrived = pickle.loads(pickle.dumps(caught.value))
    assert str(arrived) == str(caught.value) and arrived.history == caught.value.history
    assert (arrived.update, arrived.learning_rate) == (caught.value.update, caught.value.learning_rate)


def test_the_walk_walks():
    assert len(CLASSES) > 40
