"""The flooding family and the newer losses inside networks: both backends, MLP and RNN, shuffling, epochs, level 0."""
import numpy as np
import pytest

from losses import L1, L2, AdaFlooding, Hinge, InstanceFlooding, RelaxLoss
from nn import MLP, RNN, SGD, Adam, CheckpointError, check_model, fit
from tests.losses_and_floods import CE, FLOODS, bases
from tests.numerical import relative_error

RNG = np.random.default_rng(33)
N = 27
X = RNG.normal(size=(N, 4))
Y = np.where(RNG.random(N) < 0.2, RNG.integers(3, size=N), (X[:, 0] > 0) + (X[:, 1] > 0).astype(int))
LEVELS = RNG.uniform(0, 1.5, size=N)
LEVELS[5] = 0
SEQUENCES, LENGTHS = RNG.normal(size=(N, 5, 2)), RNG.integers(1, 6, size=N)
Y_STEPS = RNG.integers(3, size=(N, 5))

FAMILY = {name: lambda base, b, flood=flood: flood(base, b, b * LEVELS)
          for name, flood in FLOODS.items() if name not in ("none", "relaxed")}
# Of every loss a level that losses lie on both sides of, in 20 updates.
LEVEL = {"smoothed": 0.9, "soft": 1.1, "binary": 0.6, "squared_ids": 0.8, "hinge": 0.9, "squared_hinge_1": 1.5,
         "confidence": 0.7, "sure_hinge": 0.4}
BASES = {name: (*bases(Y)[name], level) for name, level in LEVEL.items()}
kinds = pytest.mark.parametrize("kind", FAMILY)
# RelaxLoss has kernels of its own, which take as long to compile as those of all the others.
kinds_of_one_kernel = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "relax")) for kind in FAMILY])


def network(backend, outputs=3, **options):
    return MLP((4, 6, outputs), **{"activation": "tanh", "dtype": "float64", "seed": 2, "backend": backend, **options})


def train(model, loss, y=Y, **options):
    """20 updates: batches of 7, 7, 7 and 6."""
    options = {"optimizer": SGD(0.2, momentum=0.5), "epochs": 5, "batch_size": 7, "seed": 5, **options}
    return fit(model, X, y, loss=loss, **options)


def assert_agree(models, histories):
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    for name in histories[0]:
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-9, atol=1e-9, err_msg=name)


# Slow: kernels of their own that put together what test_gradients of them and others of these have apart.
@pytest.mark.parametrize(("kind", "base"), [
    pytest.param(kind, base, marks=[pytest.mark.slow] * (base == "confidence" or (kind == "relax" and base == "sure_hinge")))
    for kind in FAMILY for base in BASES])
@pytest.mark.parametrize("options", [{}, {"optimizer": Adam(0.03), "penalty": L1(0.01) + L2(0.02)}], ids=["sgd", "adam"])
def test_backends_agree_over_20_updates(kind, base, options):
    loss, y, outputs, level = BASES[base]
    models = [network(backend, outputs) for backend in ("numpy", "numba")]
    histories = [train(m, FAMILY[kind](loss, level), y, **options) for m in models]
    assert_agree(models, histories)
    assert 0 < histories[0]["flooded_fraction"].mean() < 1
    y_checked = loss.prepare(y, N, outputs)
    raw = loss.rows(models[0].forward(X), y_checked)[0].mean()
    assert histories[0]["train_loss"][-1] == pytest.approx(raw, rel=1e-12)  # logged losses are not flooded


@kinds_of_one_kernel
@pytest.mark.parametrize("pooling", ["last", "mean", "none"])
def test_backends_agree_on_sequences(kind, pooling):
    models = [RNN(2, 4, 3, bidirectional=True, pooling=pooling, dtype="float64", backend=b) for b in ("numpy", "numba")]
    y = Y_STEPS if pooling == "none" else Y
    histories = [fit(m, SEQUENCES, y, loss=FAMILY[kind](CE, 1.1), optimizer=SGD(0.3), epochs=5, batch_size=7,
                     lengths=LENGTHS, penalty=L1(0.01)) for m in models]
    assert_agree(models, histories)
    assert 0 < histories[0]["flooded_fraction"].mean() < 1


@pytest.mark.parametrize(("kind", "dtype"), [
    pytest.param(kind, dtype, marks=[pytest.mark.slow] * (kind == "relax" and dtype == "float32"))
    for kind in FAMILY for dtype in ("float32", "float64")])
def test_level_0_is_plain_training_bit_for_bit(backend, kind, dtype):
    plain, flooded = (network(backend, dtype=dtype) for _ in range(2))
    train(plain, Hinge())  # losses of exactly 0 as well
    history = train(flooded, FAMILY[kind](Hinge(), 0.0))
    np.testing.assert_array_equal(plain.flat, flooded.flat)
    assert not history["flooded_fraction"].any()


@kinds
def test_fit_is_what_the_formulas_say(backend, kind):
    """Weights by hand, in the order of the epoch; RelaxLoss by its gradient in even and odd epochs."""
    loss, model, by_hand = FAMILY[kind](CE, 0.9), network(backend), network("numpy")
    history = train(model, loss, optimizer=SGD(0.3))
    negative = []
    for epoch in range(5):
        order = np.random.default_rng([5, epoch]).permutation(N)
        for batch in (order[i:i + 7] for i in range(0, N, 7)):
            l, B = CE.per_sample(by_hand.forward(X[batch]), Y[batch]), len(batch)
            w = {"batch": np.full(B, np.sign(l.mean() - 0.9)), "instance": np.sign(l - 0.9),
                 "soft": (l - 0.9) / np.sqrt(0.25 + (l - 0.9) ** 2), "relax": np.full(B, np.sign(l.mean() - 0.9)),
                 "adaptive": np.where(LEVELS[batch] > 0, np.sign(l - 0.9 * LEVELS[batch]), 1)}[kind]
            negative.append((w < 0).sum())
            step = dict.fromkeys(by_hand.parameters, 0)
            for n, weight in zip(batch, w, strict=True):
                single = RelaxLoss(CE, 99.0, 0.4).in_epoch(1) if kind == "relax" and epoch % 2 and weight < 0 else CE
                _, gradients = by_hand.loss_and_gradients(X[[n]], Y[[n]], single)
                for name, g in gradients.items():
                    step[name] += (g if single is not CE else weight * g) / B
            for name, s in step.items():
                by_hand.parameters[name] -= 0.3 * s
    assert relative_error(model.flat, by_hand.flat) <= 1e-9
    assert history["flooded_fraction"] @ np.ones(5) / 5 == pytest.approx(sum(negative) / 5 / N)


def test_levels_follow_their_samples_through_shuffling(backend):
    """With weights of its own for each sample, what happens to one depends on its own level and on no order."""
    levels = np.where(np.arange(N) % 3 == 0, 99.0, 0.2 * LEVELS)
    flats = {}
    for seed, loss in [(5, AdaFlooding(CE, levels)), (6, AdaFlooding(CE, levels)), (5, AdaFlooding(CE, np.roll(levels, 1)))]:
        model = MLP((N, 3), dtype="float64", bias=False, backend=backend)
        before = CE.per_sample(model.forward(np.eye(N)), Y)
        fit(model, np.eye(N), Y, loss=loss, optimizer=SGD(0.5), epochs=20, batch_size=9, seed=seed)
        rises = CE.per_sample(model.forward(np.eye(N)), Y) > before
        np.testing.assert_array_equal(rises, loss.levels == 99)
        flats[seed, loss] = model.flat
    one, other, rolled = flats.values()
    assert relative_error(other, one) <= 1e-13 and relative_error(rolled, one) > 0.1


def test_one_level_for_all_is_instance_flooding(backend):
    one, two = network(backend), network(backend)
    train(one, InstanceFlooding(CE, 0.8))
    train(two, AdaFlooding(CE, np.full(N, 0.8)))
    np.testing.assert_array_equal(one.flat, two.flat)


@kinds
@pytest.mark.parametrize("base", BASES)
def test_gradients(backend, kind, base):
    loss, y, outputs, level = BASES[base]
    loss = FAMILY[kind](loss, level)
    report = check_model(network(backend, outputs), X, y, loss)
    assert report.passed(1e-11), report
    if kind == "relax":
        report = check_model(network(backend, outputs), X, y, RelaxLoss(loss.base, 9.0, 0.4).in_epoch(1))
        assert report.passed(1e-11), report


def test_gradients_of_sequences(backend):
    model = RNN(2, 4, 3, pooling="none", dtype="float64", backend=backend)
    for kind in FAMILY:
        report = check_model(model, SEQUENCES, Y_STEPS, FAMILY[kind](CE, 1.1).in_epoch(1), LENGTHS, samples=20)
        assert report.passed(1e-11), report


def test_loss_and_gradients_in_float32(backend):
    for kind in FAMILY:
        loss = FAMILY[kind](CE, 0.9).in_epoch(1)
        exact, gradients = network("numpy").loss_and_gradients(X, Y, loss)
        single = network("numpy").copy(backend=backend, dtype="float32")
        value, found = single.loss_and_gradients(X, Y, loss)
        assert value == pytest.approx(exact, rel=1e-5)
        assert relative_error(found["W1"], gradients["W1"]) <= 1e-4


def test_levels_must_fit_the_data_set(backend, tmp_path):
    model = network(backend)
    for call in (lambda loss: train(model, loss), lambda loss: model.loss_and_gradients(X, Y, loss)):
        with pytest.raises(ValueError, match="levels: got 20 entries for 27 samples, accepted: one for each"):
            call(AdaFlooding(CE, LEVELS[:20]))
    train(model, AdaFlooding(CE, LEVELS), validation=(X[:9], Y[:9]))  # a validation set needs none
    path = tmp_path / "run"
    train(network(backend), AdaFlooding(CE, LEVELS), checkpoint=path)
    with pytest.raises(CheckpointError, match="loss, levels was array"):
        train(network(backend), AdaFlooding(CE, LEVELS[::-1]), checkpoint=path)


def test_relaxloss_goes_on_in_the_right_epoch(backend, tmp_path):
    """A run that is interrupted after an odd number of epochs ends where the uninterrupted one does."""
    whole, resumed = network(backend), network(backend)
    options = {"loss": RelaxLoss(CE, 1.2, 0.4), "epochs": 5}
    train(whole, **options)

    def interrupt(model, row):
        if row["epoch"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(resumed, **options, checkpoint=tmp_path / "run", on_check=interrupt)
    resumed = network(backend)
    train(resumed, **options, checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(whole.flat, resumed.flat)


@pytest.mark.parametrize("penalty", [L1(0.5), L1(0.1) + L2(0.3)])
def test_l1_drives_what_the_loss_does_not_hold_to_zero(backend, penalty):
    model = network(backend)
    train(model, CE, penalty=penalty, optimizer=SGD(0.01), epochs=300, batch_size=None)
    assert np.abs(model.parameters["W1"]).max() <= 0.01  # one step about 0
    assert np.abs(model.parameters["b2"]).max() > 0.05  # biases are free
