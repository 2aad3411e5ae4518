"""The clipping of gradients by their norm."""
import math

import numpy as np
import pytest

from losses import L2, CrossEntropy, Loss
from nn import MLP, RNN, SGD
from tests.checkpointing import LENGTHS, SEQUENCE_LABELS, SEQUENCES
from tests.fitting import CE, X, Y, network, order, tanh_gradient, train


def moved(model, **options):
    """The step of one full-batch update with learning rate 1: minus the gradient that was used."""
    before = model.flat.copy()
    data = options.pop("data", (X, Y))
    train(model, *data, optimizer=SGD(1.0), epochs=1, batch_size=None, **options)
    return before - model.flat


MODELS = {"mlp": lambda backend: (network(backend), (X, Y), {}),
          "rnn": lambda backend: (RNN(3, 4, 2, bidirectional=True, dtype="float64", backend=backend),
                                  (SEQUENCES, SEQUENCE_LABELS), {"lengths": LENGTHS})}


@pytest.mark.parametrize("penalty", [None, L2(0.3)])
@pytest.mark.parametrize("name", MODELS)
def test_clipping(backend, name, penalty):
    def run(**options):
        model, data, more = MODELS[name](backend)
        return moved(model, data=data, penalty=penalty, **more, **options)
    model, (x, y), more = MODELS[name]("numpy")
    gradients = model.loss_and_gradients(x, y, CrossEntropy(), **more)[1]
    for key, weights in model.parameters.items():
        if penalty is not None and key.startswith("W"):
            gradients[key] = gradients[key] + 0.6 * weights
    gradient = np.concatenate([g.ravel() for g in gradients.values()])
    norm = np.linalg.norm(gradient)
    np.testing.assert_allclose(run(), gradient, rtol=0, atol=1e-13)
    for clip in (0.5 * norm, 0.01, 0.999 * norm):
        clipped = run(clip_norm=clip)
        assert np.linalg.norm(clipped) == pytest.approx(clip, rel=1e-12)
        np.testing.assert_allclose(clipped, gradient * (clip / norm), rtol=0, atol=1e-13)
    for clip in (1.001 * norm, 1e9):
        assert np.array_equal(run(clip_norm=clip), run())  # a shorter gradient is left alone


def test_clipping_acts_on_each_update(backend):
    model = network(backend)
    p = {name: array.copy() for name, array in model.parameters.items()}
    train(model, clip_norm=0.8)
    scales = []
    for u in range(12):
        batch = order(u // 4)[u % 4 * 7:(u % 4 + 1) * 7]
        gradients = tanh_gradient(p, X[batch], Y[batch])[1]
        scales.append(min(1.0, 0.8 / math.sqrt(sum((g * g).sum() for g in gradients.values()))))
        for key, g in gradients.items():
            p[key] -= 0.2 * scales[-1] * g
    assert min(scales) < 1 == max(scales)  # some were clipped, some not
    for key, array in p.items():
        np.testing.assert_allclose(model.parameters[key], array, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("clip", "error"), [(0, ValueError), (-1.0, ValueError), (math.inf, ValueError),
                                             (math.nan, ValueError), ("1", TypeError), (True, TypeError)])
def test_bad_clip_norm(clip, error):
    with pytest.raises(error, match="clip_norm: got"):
        train(network("numpy"), loss=CE, clip_norm=clip)


class Steep(Loss):
    """Finite losses with gradients whose squares overflow in float32."""

    def rows(self, outputs, y):
        return outputs.sum(axis=1), np.full_like(outputs, 1e25)


def test_an_exploding_gradient_is_clipped_and_not_erased():
    model = MLP([X.shape[1], 2], backend="numpy", bias=False)
    before = model.flat.copy()
    train(model, loss=Steep(), optimizer=SGD(0.1), epochs=1, batch_size=None, clip_norm=1.0)
    assert np.linalg.norm(model.flat.astype(float) - before) == pytest.approx(0.1, rel=1e-4)


def test_compiled_clipping_too():
    training = pytest.importorskip("nn.cpu.training")
    function = getattr(training.clip_gradient, "py_func", training.clip_gradient)
    gradient = np.full(4, 1e25, np.float32)
    function(gradient, 1.0)
    np.testing.assert_allclose(gradient, 0.5, rtol=1e-6)
