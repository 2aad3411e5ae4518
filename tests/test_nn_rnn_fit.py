"""`fit` of a recurrent network: both backends, the formulas written out, threads, wrong arguments."""
import re

import numpy as np
import pytest

import nn.cpu.threads
from losses import L2, CrossEntropy, Flooding
from nn import RNN, SGD, Adam, fit
from nn.backends import NumbaBackend
from nn.shared.codes import POOLINGS
from tests.numerical import relative_error

RNG = np.random.default_rng(41)
N, T, D = 22, 7, 3
LENGTHS = RNG.integers(1, T + 1, size=N)
LENGTHS[:4] = [1, T, 1, 4]
X, TOKENS = RNG.normal(size=(N, T, D)), RNG.integers(5, size=(N, T))
PADDING = np.arange(T) >= LENGTHS[:, None]
X[PADDING], TOKENS[PADDING] = np.nan, -1
Y, Y_STEPS = RNG.integers(3, size=N), RNG.integers(3, size=(N, T))
CE = CrossEntropy()
kinds = pytest.mark.parametrize("pooling", POOLINGS)


def network(backend, tokens=False, **options):
    return RNN(5 if tokens else D, 4, 3, **{"dtype": "float64", "seed": 3, "backend": backend, **options})


def data(pooling, tokens=False):
    return (TOKENS if tokens else X), (Y_STEPS if pooling == "none" else Y)


def train(model, tokens=False, **options):
    """20 updates: batches of 6, 6, 6 and 4 sequences of mixed lengths."""
    x, y = data(model.pooling, tokens)
    options = {"loss": CE, "optimizer": SGD(0.3, momentum=0.5), "epochs": 5, "batch_size": 6, "lengths": LENGTHS, "seed": 5,
               **options}
    return fit(model, x, y, **options)


@kinds
@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("options", [
    {}, {"clip_norm": 0.2}, {"penalty": L2(0.05), "clip_norm": 1.0, "loss": Flooding(CE, 1.05)},
    {"optimizer": Adam(0.03), "penalty": L2(0.01)}], ids=["plain", "clipped", "penalty", "adam"])
def test_backends_agree_over_20_updates(options, tokens, pooling):
    models = [network(backend, tokens, bidirectional=True, pooling=pooling) for backend in ("numpy", "numba")]
    validation = (*data(pooling, tokens), LENGTHS)
    one, two = (train(m, tokens, **options, check_every=4, validation=validation,
                      metrics=("margin_min", "gradient_norm", "update_norm", "prediction_changes")) for m in models)
    assert one["update"].tolist() == [4, 8, 12, 16, 20]
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    assert relative_error(models[0].flat, network("numpy", tokens, bidirectional=True).flat) > 0.05
    assert list(one) == list(two)
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(one["val_loss"], one["train_loss"])


@kinds
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("clip_norm", [None, 0.25, 0.45])
def test_fit_is_what_the_formulas_say(backend, clip_norm, bidirectional, pooling):
    """Order from the seed; the penalty on weight matrices and on no bias; then clipping; then the step."""
    model, by_hand = (network(backend, bidirectional=bidirectional, pooling=pooling) for _ in range(2))
    x, y = data(pooling)
    history = train(model, penalty=L2(0.05), clip_norm=clip_norm, optimizer=SGD(0.3))
    clipped, matrices = 0, [name for name in by_hand.parameters if name.startswith("W_")]
    assert matrices == ["W_xh", "W_hh", *["W_xh_reverse", "W_hh_reverse"] * bidirectional, "W_hy"]
    for epoch in range(5):
        order = np.random.default_rng([5, epoch]).permutation(N)
        for batch in (order[i:i + 6] for i in range(0, N, 6)):
            gradients = by_hand.loss_and_gradients(x[batch], y[batch], CE, LENGTHS[batch])[1]
            for name in matrices:
                gradients[name] += 2 * 0.05 * by_hand.parameters[name]
            norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
            factor = min(1, clip_norm / norm) if clip_norm else 1
            clipped += factor < 1
            for name, w in by_hand.parameters.items():
                w -= 0.3 * factor * gradients[name]
    assert relative_error(model.flat, by_hand.flat) <= 1e-10
    assert {None: clipped == 0, 0.25: clipped > 0, 0.45: clipped < 20}[clip_norm]
    outputs = model.forward(X, LENGTHS)
    rows, labels = (outputs[~PADDING], Y_STEPS[~PADDING]) if pooling == "none" else (outputs, Y)
    assert history["train_loss"][-1] == pytest.approx(CE.value(rows, labels), rel=1e-12)  # the mean over valid steps
    assert history["train_error"][-1] == pytest.approx(np.mean(rows.argmax(axis=1) != labels))


@kinds
def test_gradient_norm_of_the_history(backend, pooling):
    model = network(backend, pooling=pooling)
    x, y = data(pooling)
    history = train(model, check_every=[0], metrics="gradient_norm")
    start = network(backend, pooling=pooling)
    gradients = start.loss_and_gradients(x, y, CE, LENGTHS)[1]
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    assert history["gradient_norm"][0] == pytest.approx(norm, rel=1e-12)


def test_gradient_norm_in_blocks(backend):
    """Blocks of sequences hold different numbers of steps: each step counts the same."""
    lengths = np.repeat([6, 1], [500, 400])
    x = np.random.default_rng(2).normal(size=(900, 6, D))
    y = np.random.default_rng(3).integers(3, size=(900, 6))
    model = network(backend, pooling="none")
    gradients = model.loss_and_gradients(x, y, CE, lengths)[1]
    history = fit(model, x, y, loss=CE, optimizer=SGD(0.1), epochs=1, batch_size=None, check_every=[0], lengths=lengths,
                  metrics="gradient_norm")
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    assert history["gradient_norm"][0] == pytest.approx(norm, rel=1e-12)


@kinds
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_padding_changes_no_bit_of_training(backend, dtype, pooling):
    flats = []
    for garbage, extra in ((0.0, 0), (np.nan, 2)):
        model = network(backend, bidirectional=True, pooling=pooling, dtype=dtype)
        x = np.pad(np.where(PADDING[..., None], garbage, X), ((0, 0), (0, extra), (0, 0)), constant_values=garbage)
        y = np.pad(Y_STEPS, ((0, 0), (0, extra))) if pooling == "none" else Y
        fit(model, x, y, loss=CE, optimizer=SGD(0.3), epochs=3, batch_size=6, lengths=LENGTHS)
        flats.append(model.flat)
    np.testing.assert_array_equal(*flats)


@pytest.mark.compiled
@kinds
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_number_of_threads(monkeypatch, dtype, pooling):
    flats, used, run_team = [], [], nn.cpu.threads.run_team
    monkeypatch.setattr(nn.cpu.threads, "run_team",
                        lambda kernel, arguments, threads: used.append(threads) or run_team(kernel, arguments, threads))
    for threads in (1, 2, 2):
        monkeypatch.setattr(NumbaBackend, "useful_threads", lambda *_, threads=threads: threads)
        model = network("numba", bidirectional=True, pooling=pooling, dtype=dtype)
        train(model, optimizer=Adam(0.03), penalty=L2(0.01), clip_norm=0.5)
        flats.append(model.flat)
    assert set(used) == {1, 2}
    np.testing.assert_array_equal(flats[0], flats[1])
    np.testing.assert_array_equal(flats[0], flats[2])


def test_truncation_reaches_fit(backend):
    flats = []
    for truncate in (None, T, 2, 1):
        model = network(backend, truncate=truncate)
        train(model)
        flats.append(model.flat)
    np.testing.assert_allclose(flats[1], flats[0], rtol=0, atol=1e-13)
    assert relative_error(flats[2], flats[0]) > 1e-4
    assert relative_error(flats[3], flats[2]) > 1e-4


# --- wrong arguments ---

GOOD = np.full(N, T)


def changed(array, index, value):
    array = np.array(array)
    array[index] = value
    return array


CLEAN, CLEAN_TOKENS = np.where(PADDING[..., None], 0, X), np.where(PADDING, 0, TOKENS)
LENGTH_ERRORS = [
    (changed(GOOD, 3, -1), "values from -1"), (changed(GOOD, 3, 8), "to 8"),
    (GOOD[:-1], r"shape \(21,\)"), (GOOD[:, None], r"shape \(22, 1\)"), (GOOD.astype(float), "dtype float64"),
    (GOOD > 0, "dtype bool"), (7, r"shape \(\)")]


@pytest.mark.parametrize("lengths, text", LENGTH_ERRORS)
def test_wrong_lengths(backend, lengths, text):
    model = network(backend)
    pattern = f"^lengths: got .*{text}.*22 integers from 0 to 7"
    for call in (model.forward, model.predict, model.predict_proba):
        with pytest.raises(ValueError, match=pattern):
            call(CLEAN, lengths)
    with pytest.raises(ValueError, match=pattern):
        model.loss_and_gradients(CLEAN, Y, CE, lengths)
    before = model.flat.copy()
    with pytest.raises(ValueError, match=f"^training lengths: got .*{text}"):
        train(model, lengths=lengths)
    with pytest.raises(ValueError, match=f"^validation lengths: got .*{text}"):
        train(model, validation=(CLEAN, Y, lengths))
    np.testing.assert_array_equal(model.flat, before)


@pytest.mark.parametrize("x, error, text", [
    (CLEAN[0], ValueError, r"shape \(7, 3\)"), (CLEAN[:, :, :2], ValueError, r"shape \(22, 7, 2\).*\(N, T, 3\)"),
    (CLEAN[:, 0], ValueError, r"shape \(22, 3\) and dtype float64.*integer tokens"), (CLEAN[:0], ValueError, "no samples"),
    (CLEAN[:, :0], ValueError, "no samples or steps"), (CLEAN + 0j, TypeError, "complex128"),
    (CLEAN.astype(object), TypeError, "object"), (changed(CLEAN, (2, 0, 1), np.nan), ValueError, "nan at sample 2, step 0"),
    (changed(CLEAN, (1, 6, 2), np.inf), ValueError, "inf at sample 1, step 6, input 2"),
    (changed(CLEAN_TOKENS, (0, 0), 3), ValueError, "tokens from 0 to .*0 to 2"),
    (changed(CLEAN_TOKENS % 3, (0, 0), -1), ValueError, "tokens from -1 to")])
def test_wrong_inputs(backend, x, error, text):
    model = network(backend)
    with pytest.raises(error, match=f"^x: got .*{text}"):
        model.forward(x, LENGTHS if len(x) == N and x.shape[1] == T else None)
    if len(x) == N and x.shape[1] == T:
        with pytest.raises(error, match=f"^training x: got .*{text}"):
            fit(model, x, Y, loss=CE, optimizer=SGD(0.1), epochs=1, lengths=LENGTHS)


@pytest.mark.parametrize("y", [Y, Y_STEPS[:, :-1], Y_STEPS[:-1], Y_STEPS[None]])
def test_wrong_targets_where_every_step_is_kept(backend, y):
    model = network(backend, pooling="none")
    pattern = re.escape(f"y: got shape {y.shape}, accepted: (22, 7)")
    with pytest.raises(ValueError, match=pattern):
        model.loss_and_gradients(X, y, CE, LENGTHS)
    with pytest.raises(ValueError, match="training " + pattern):
        fit(model, X, y, loss=CE, optimizer=SGD(0.1), epochs=1, lengths=LENGTHS)


@pytest.mark.parametrize("options, error, text", [
    ({"pooling": "max"}, ValueError, "pooling: got 'max'"), ({"activation": "sigmoid"}, ValueError, "activation"),
    ({"truncate": 0}, ValueError, "truncate: got 0"), ({"truncate": 1.5}, TypeError, "truncate"),
    ({"dropout": 1.0}, ValueError, "dropout"), ({"dropout": [0.1, 0.2]}, ValueError, "dropout"),
    ({"init": "fan_in_uniform"}, ValueError, "init")])
def test_wrong_construction(options, error, text):
    with pytest.raises(error, match=text):
        RNN(3, 4, 2, **options)


def test_wrong_calls(backend):
    model = network(backend, tokens=True)
    with pytest.raises(ValueError, match="input_gradient"):
        model.loss_and_gradients(TOKENS, Y, CE, LENGTHS, input_gradient=True)
    for bad in (0, -1.0, np.nan):
        with pytest.raises(ValueError, match="clip_norm"):
            train(model, tokens=True, clip_norm=bad)


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
