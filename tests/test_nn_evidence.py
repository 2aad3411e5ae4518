"""The evidence metric against gradients taken one sample at a time."""
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Flooding, SquaredError
from nn import MLP, RNN, SGD, fit
from nn.fitting.evidence import gradient_evidence
from stopping import EvidenceBased, Patience

RNG = np.random.default_rng(5)


def one_by_one(model, gradients_of, samples):
    """1 - (N/D) sum g²/s², from the gradient of each sample alone."""
    gradients = np.stack([gradients_of(n) for n in range(samples)])  # (N, P)
    mean, variance = gradients.mean(axis=0), gradients.var(axis=0, ddof=1)
    varies = variance > 1e-14 * (gradients**2).mean(axis=0)
    return 1 - samples / varies.sum() * np.sum(mean[varies] ** 2 / variance[varies])


def flatten(gradients):
    return np.concatenate([gradient.ravel() for gradient in gradients.values()])


def measured(model, x, y, loss, lengths=None, block=512):
    inputs = model.check_x(x, lengths)
    prepared = loss.prepare(model.pack_targets(y, inputs), model.rows_of(inputs), model.outputs)
    return gradient_evidence(model, inputs, prepared, loss, block)


@pytest.mark.parametrize("block", [512, 5])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize(("loss", "outputs", "y"), [
    (CrossEntropy(), 3, RNG.integers(0, 3, 17)), (BinaryCrossEntropy(), 1, RNG.integers(0, 2, 17)),
    (SquaredError(), 2, RNG.normal(size=(17, 2)))])
def test_dense_networks(backend, loss, outputs, y, activation, block):
    x = RNG.normal(size=(17, 4))
    model = MLP([4, 6, 5, outputs], activation=activation, dtype="float64", backend=backend)
    expected = one_by_one(model, lambda n: flatten(model.loss_and_gradients(x[n:n + 1], y[n:n + 1], loss)[1]), 17)
    assert measured(model, x, y, loss, block=block) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("block", [512, 4])
@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"pooling": "mean", "bidirectional": True},
                                     {"truncate": 2}])
def test_recurrent_networks(backend, options, tokens, block):
    """A recurrent weight's gradient is a sum over time: it is squared after summing."""
    lengths = RNG.integers(1, 6, 9)
    x = RNG.integers(0, 4, (9, 5)) if tokens else RNG.normal(size=(9, 5, 4))
    y = RNG.integers(0, 3, 9)
    model = RNN(4, 3, 3, dtype="float64", backend=backend, **options)
    expected = one_by_one(model, lambda n: flatten(model.loss_and_gradients(
        x[n:n + 1], y[n:n + 1], CrossEntropy(), lengths[n:n + 1])[1]), 9)
    assert measured(model, x, y, CrossEntropy(), lengths, block) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("block", [512, 4])
def test_an_output_per_step(backend, block):
    """A sample is a sequence: its part of the mean over all steps, times the number of sequences."""
    lengths, x, y = RNG.integers(1, 6, 9), RNG.normal(size=(9, 5, 4)), RNG.integers(0, 3, (9, 5))
    model = RNN(4, 3, 3, dtype="float64", backend=backend, pooling="none", bidirectional=True)

    def gradient(n):
        one = model.loss_and_gradients(x[n:n + 1], y[n:n + 1], CrossEntropy(), lengths[n:n + 1])[1]
        return flatten(one) * 9 * lengths[n] / lengths.sum()
    assert measured(model, x, y, CrossEntropy(), lengths, block) == pytest.approx(one_by_one(model, gradient, 9), rel=1e-9)


def test_known_values(backend):
    """k equal samples that carry all the gradient, of N: 1 - k(N-1)/(N-k) (0 for one, -1.0204 for two of 100)."""
    for k, expected in ((1, 0.0), (2, -1.0204), (5, -4.2105)):
        x = np.zeros((100, 2))
        x[:k] = [1.0, 2.0]
        model = MLP([2, 1], bias=False, dtype="float64", backend=backend)
        assert measured(model, x, np.ones(100), BinaryCrossEntropy()) == pytest.approx(expected, abs=5e-5)


def test_fit_records_it_of_the_raw_loss_and_refuses_batch_norm(backend):
    x, y = RNG.normal(size=(20, 4)), RNG.integers(0, 2, 20)
    model = MLP([4, 5, 2], dtype="float64", backend=backend)
    history = fit(model, x, y, loss=Flooding(CrossEntropy(), 5.0), optimizer=SGD(0.1), epochs=2,
                  metrics=("evidence", "seconds"))
    assert history["evidence"][-1] == pytest.approx(measured(model, x, y, CrossEntropy()), rel=1e-12)
    assert 0 < history["seconds"][0] <= history["seconds"][1]
    with pytest.raises(ValueError, match="'evidence', which needs a gradient per sample, accepted: models without batch"):
        fit(MLP([4, 5, 2], batch_norm=True, backend=backend), x, y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=1,
            metrics="evidence")


@pytest.mark.parametrize("asked", [{"metrics": "evidence"}, {"stopping": EvidenceBased()},
                                   {"stopping": Patience(9, "train_loss") | EvidenceBased()}])
def test_batch_norm_is_refused_before_training(backend, asked):
    """Not at the first check, when an epoch has been trained already."""
    x, y = RNG.normal(size=(20, 4)), RNG.integers(0, 2, 20)
    model = MLP([4, 5, 2], batch_norm=True, backend=backend)
    flat, running = model.flat.copy(), model.running.copy()
    with pytest.raises(ValueError, match="'evidence', which needs a gradient per sample, accepted: models without batch"):
        fit(model, x, y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=1, **asked)
    np.testing.assert_array_equal(model.flat, flat)
    np.testing.assert_array_equal(model.running, running)


def test_nothing_varies(backend):
    model = MLP([2, 2], dtype="float64", backend=backend)
    assert np.isnan(measured(model, np.ones((4, 2)), np.zeros(4, int), CrossEntropy()))
    assert np.isnan(measured(model, np.ones((1, 2)), np.zeros(1, int), CrossEntropy()))
