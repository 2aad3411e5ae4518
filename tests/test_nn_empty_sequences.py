"""Sequences of length 0: their state is 0, their mean too, they have no steps; a batch of nothing else moves nothing."""
import itertools

import numpy as np
import pytest

from losses import AdaFlooding, CrossEntropy, SquaredError
from nn import RNN, SGD, Adam, adaptive_levels, check_model, fit
from stopping import Patience

RNG = np.random.default_rng(4)
N, T = 12, 4
X, TOKENS = RNG.normal(size=(N, T, 3)), RNG.integers(0, 3, (N, T))
Y = RNG.integers(0, 2, N)
LENGTHS = np.array([3, 0, 2, 4, 0, 1, 2, 3, 0, 4, 1, 0])
STEPS = np.repeat(Y[:, None], T, axis=1)
CE = CrossEntropy()
POOLINGS = ("last", "mean", "none")
KINDS = [(pooling, bidirectional) for pooling in POOLINGS for bidirectional in (False, True)]


def rnn(pooling, backend, **more):
    model = RNN(3, 4, 2, pooling=pooling, backend=backend, dtype="float64", **more)
    model.flat += np.random.default_rng(8).normal(size=model.flat.size) * 0.3
    return model


def targets(pooling):
    return STEPS if pooling == "none" else Y


@pytest.mark.parametrize("pooling, bidirectional", KINDS)
def test_an_empty_sequence_says_what_the_bias_says(backend, pooling, bidirectional):
    model = rnn(pooling, backend, bidirectional=bidirectional)
    outputs = model.forward(X, LENGTHS)
    empty = outputs[LENGTHS == 0]
    np.testing.assert_array_equal(empty, np.broadcast_to(0 if pooling == "none" else model.parameters["b_y"], empty.shape))
    assert not model.encode(X, 0, LENGTHS)[LENGTHS == 0].any()
    some = LENGTHS > 0  # and the others do not notice
    np.testing.assert_allclose(outputs[some], model.forward(X[some], LENGTHS[some]), rtol=1e-13)


@pytest.mark.parametrize("tokens", [False, True], ids=["real", "tokens"])
@pytest.mark.parametrize("pooling, bidirectional", KINDS)
def test_gradients_equal_the_complex_step(backend, pooling, bidirectional, tokens):
    model = rnn(pooling, backend, bidirectional=bidirectional)
    assert check_model(model, TOKENS if tokens else X, targets(pooling), CE, LENGTHS).passed


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_whole_batch_of_empty_sequences(backend, pooling):
    model, none = rnn(pooling, backend), np.zeros(N, int)
    assert model.forward(X, none).shape == ((N, T, 2) if pooling == "none" else (N, 2))
    assert (model.predict(X, none) == (-1 if pooling == "none" else model.parameters["b_y"].argmax())).all()
    assert np.isfinite(model.predict_proba(X, none)).all()
    if pooling == "none":
        with pytest.raises(ValueError, match=r"lengths: got 0 for every sequence, accepted .* at least one valid step"):
            model.loss_and_gradients(X, STEPS, CE, none)
        return
    _, gradients = model.loss_and_gradients(X, Y, CE, none, input_gradient=True)
    assert not any(gradients[name].any() for name in ("W_xh", "W_hh", "b_h", "W_hy", "x")) and gradients["b_y"].any()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), Adam(0.05, weight_decay=0.1)], ids=["sgd", "adam"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_batch_without_a_valid_step_moves_nothing(backend, pooling, optimizer, threads):
    """On-line, empty sequences are such batches: leaving their updates out of the order changes nothing but Adam's clock."""
    model = rnn(pooling, backend)
    path = []
    history = fit(model, X, targets(pooling), lengths=LENGTHS, loss=CE, optimizer=optimizer, epochs=2, batch_size=1,
                  check_every=1, progress=False, threads=threads, on_check=lambda model, row: path.append(model.flat.copy()))
    order = np.concatenate([np.random.default_rng([0, epoch]).permutation(N) for epoch in range(2)])
    moved = [not np.array_equal(now, before) for before, now in itertools.pairwise(path)]
    np.testing.assert_array_equal(moved, LENGTHS[order][1:] > 0)
    running = history["train_loss_running"]
    assert np.isfinite(running[LENGTHS[order] > 0]).all()
    assert (np.isnan(running) == ((LENGTHS[order] == 0) & (pooling == "none"))).all()


@pytest.mark.parametrize("pooling, bidirectional", KINDS)
def test_backends_train_alike(pooling, bidirectional):
    flats = []
    for backend in ("numpy", "numba"):
        model = rnn(pooling, backend, bidirectional=bidirectional)
        fit(model, X, targets(pooling), lengths=LENGTHS, loss=CE, optimizer=Adam(0.02), epochs=5, batch_size=5,
            metrics=("gradient_norm", "evidence"), progress=False)
        flats.append(model.flat.copy())
    assert np.linalg.norm(flats[0] - flats[1]) <= 1e-9 * np.linalg.norm(flats[0])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_as_many_rows_as_samples_are_still_steps(pooling):
    model, lengths = rnn(pooling, "numpy"), np.array([2, 0] * 6)
    history = fit(model, X, targets(pooling), lengths=lengths, loss=CE, optimizer=SGD(0.1), epochs=2,
                  metrics=("evidence", "gradient_norm"), progress=False)
    assert np.isfinite(history["evidence"]).all()
    levels = adaptive_levels(model, X, targets(pooling), lengths=lengths, loss=CE, optimizer=SGD(0.1), epochs=1, folds=2)
    assert np.isfinite(levels).all() and (levels[lengths == 0] > 0).all() == (pooling != "none")
    fit(model, X, targets(pooling), lengths=lengths, loss=AdaFlooding(CE, levels), optimizer=SGD(0.1), epochs=1,
        progress=False)


def test_a_run_with_batches_of_no_rows_resumes(tmp_path):
    def run(epochs, **more):
        model = rnn("none", "numba")
        fit(model, X, STEPS, lengths=LENGTHS, validation=(X, STEPS, LENGTHS), loss=CE, optimizer=Adam(0.02), epochs=4,
            batch_size=1, check_every=[30], progress=False, **more)
        return model.flat

    class Stop(Exception):
        pass

    def stop(model, row):
        raise Stop

    whole, path = run(4), tmp_path / "run"
    with pytest.raises(Stop):
        run(4, checkpoint=path, on_check=stop)
    np.testing.assert_array_equal(run(4, checkpoint=path), whole)


def test_lengths_below_0_are_refused():
    with pytest.raises(ValueError, match="lengths: got values from -1 to 4, accepted: 12 integers from 0 to 4"):
        rnn("last", "numpy").forward(X, LENGTHS - (LENGTHS == 0))


def test_regression_and_stopping_with_empty_sequences():
    model = RNN(3, 4, 1)
    y = RNG.normal(size=N)
    history = fit(model, X, y, lengths=LENGTHS, validation=(X, y, LENGTHS), loss=SquaredError(), optimizer=SGD(0.01),
                  epochs=3, stopping=Patience(2), progress=False)
    assert np.isfinite(history["val_loss"]).all() and model.predict(X, LENGTHS).shape == (N, 1)
