"""Behaviour that reading the code once showed to be wrong, and that must stay right."""
import copy
import os
import signal
import threading

import numpy as np
import pytest

from losses import CrossEntropy, Flooding, Loss
from nn import MLP, RNN, RPROP, SGD, Mixup, TrainingDiverged, check_model, fit
from nn.processor import _blas, one_blas_thread, uninterrupted

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(12, 4)), RNG.integers(0, 2, 12)
CE = CrossEntropy()


class Twice(CrossEntropy):
    """A built-in loss with other maths, which has no compiled twin."""

    def rows(self, outputs, y):
        losses, gradients = super().rows(outputs, y)
        return 2 * losses, 2 * gradients


class Upside(CrossEntropy):
    def weigh(self, losses, *, indices=None):
        objective, weights = super().weigh(losses, indices=indices)
        return -objective, -weights


@pytest.mark.parametrize("loss", [Twice(), Upside(), Flooding(Twice(), 0.1)])
def test_a_subclass_with_other_maths_is_not_taken_for_the_built_in_loss(loss):
    with pytest.raises(TypeError, match="backend='numpy'"):
        MLP([4, 3, 2]).loss_and_gradients(X, Y, loss)
    assert np.isfinite(MLP([4, 3, 2], backend="numpy").loss_and_gradients(X, Y, loss)[0])


class Quartic(Loss):
    def rows(self, outputs, y):
        return ((outputs - y) ** 4).sum(axis=1), 4 * (outputs - y) ** 3


@pytest.mark.parametrize("width", [None, 1, 2])
def test_a_users_loss_sees_its_real_targets_in_training_too(width):
    model = MLP([4, 3, 2], backend="numpy", dtype="float64")
    y = RNG.normal(size=12 if width is None else (12, width))
    objective, _ = model.loss_and_gradients(X, y, Quartic())
    assert objective == pytest.approx(Quartic().value(model.forward(X), y), rel=1e-14)
    history = fit(model, X, y, loss=Quartic(), optimizer=SGD(1e-12), epochs=1, batch_size=None)
    assert history["train_loss_running"][0] == pytest.approx(history["train_loss"][0], rel=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_its_parents_threads():
    assert uninterrupted(sum, ([1, 2],)) == 3
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if uninterrupted(sum, ([1, 2],)) == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0


class Steep(Loss):
    """Finite losses with gradients whose squares overflow in float32."""

    def rows(self, outputs, y):
        return outputs.sum(axis=1), np.full_like(outputs, 1e25)


def test_an_exploding_gradient_is_clipped_and_not_erased():
    model = MLP([4, 2], backend="numpy", bias=False)
    before = model.flat.copy()
    fit(model, X, Y, loss=Steep(), optimizer=SGD(0.1), epochs=1, batch_size=None, clip_norm=1.0)
    assert np.linalg.norm(model.flat.astype(float) - before) == pytest.approx(0.1, rel=1e-4)


def test_compiled_clipping_too():
    training = pytest.importorskip("nn.cpu.training")
    function = getattr(training.clip_gradient, "py_func", training.clip_gradient)
    gradient = np.full(4, 1e25, np.float32)
    function(gradient, 1.0)
    np.testing.assert_allclose(gradient, 0.5, rtol=1e-6)


def test_weights_that_are_not_finite_after_the_last_check_are_reported(backend):
    with pytest.raises(TrainingDiverged):
        fit(MLP([4, 3, 2], backend=backend), 1e15 * X, Y, loss=CE, optimizer=SGD(1e30), epochs=1, batch_size=None,
            check_every=[0])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_are_independent(duplicate):
    model = MLP([4, 3, 2])
    twin = duplicate(model)
    twin.flat[0] += 1
    assert model.parameters["W1"][0, 0] + 1 == twin.parameters["W1"][0, 0]


def test_views_cannot_be_detached():
    model = MLP([4, 3, 2])
    model.flat = np.arange(model.flat.size)
    assert model.parameters["W1"][0, 1] == 1
    with pytest.raises(TypeError, match="fixed"):
        model.parameters |= {"W1": np.zeros((4, 3))}


def test_the_running_loss_counts_steps_where_every_step_has_an_output(backend):
    x, lengths = RNG.normal(size=(9, 6, 3)), RNG.integers(1, 7, 9)
    model = RNN(3, 4, 2, pooling="none", backend=backend, dtype="float64")
    history = fit(model, x, RNG.integers(0, 2, (9, 6)), lengths=lengths, loss=CE, optimizer=SGD(1e-14), epochs=1,
                  batch_size=2)
    assert history["train_loss_running"][0] == pytest.approx(history["train_loss"][0], rel=1e-10)


@pytest.mark.parametrize(("x", "y"), [([[1, 2, 3], [1, 2]], [0, 1]), ([[[1.0]], [[1.0], [2.0]]], [0, 1])])
def test_ragged_sequences_are_told_what_to_do(x, y):
    with pytest.raises(ValueError, match="unequal length, accepted: one array padded"):
        RNN(5, 3, 2).loss_and_gradients(x, y, CE)


def test_histories_compare():
    first, second = (fit(MLP([4, 3, 2]), X, Y, loss=CE, optimizer=SGD(0.1), epochs=2) for _ in range(2))
    assert first == second and first != fit(MLP([4, 3, 2]), X, Y, loss=CE, optimizer=SGD(0.2), epochs=2)


def test_central_differences_see_the_floods_kink():
    model = MLP([4, 3, 2], activation="tanh", dtype="float64", backend="numpy")
    level, _ = model.loss_and_gradients(X, Y, CE)
    report = check_model(model, X, Y, Flooding(CE, level + 1e-9), method="central", samples=4)
    skipped = [kink for parameter in report.parameters for _, kink in parameter.skipped]
    assert skipped and all("flood" in kink for kink in skipped)


def test_small_checks():
    with pytest.raises(ValueError, match="learning_rate"):
        RPROP(100.0)
    with pytest.raises(ValueError, match="sequences of different lengths"):
        Mixup(1.0, 2)(np.zeros((3, 2, 2)), Y[:3], RNG)


def test_every_thread_that_trains_has_one_blas_thread():
    """Also where another thread, still alive, was the first to set the number."""
    with one_blas_thread():
        pass  # this thread has now set it once
    before = [library.get_num_threads() for library in _blas()]
    seen = []

    def look():
        with one_blas_thread():
            seen.extend(library.get_num_threads() for library in _blas())
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1] * len(before)
    assert [library.get_num_threads() for library in _blas()] == before
