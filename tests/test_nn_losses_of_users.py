"""Losses that users write: never taken for a built-in one, and given what they were written for."""
import numpy as np
import pytest

from losses import CrossEntropy, Flooding, Loss
from nn import MLP, SGD, fit

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(12, 4)), RNG.integers(0, 2, 12)


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
