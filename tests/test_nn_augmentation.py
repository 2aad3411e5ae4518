"""Augmentation: what the three provided ones do, when `fit` calls one and with what, and that only training sees it."""
import numpy as np
import pytest

from losses import CrossEntropy, SquaredError
from nn import MLP, RNN, SGD, GaussianNoise, Mixup, RandomShift
from tests.checkpointing import LENGTHS, SEQUENCE_LABELS, SEQUENCES, TOKENS
from tests.fitting import CE, X_VAL, Y_VAL, X, Y, cross_entropy, network, order, tanh_gradient, train


class Fixed:
    """An rng whose answers are given."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def __getattr__(self, name):
        def answer(*arguments):
            self.asked.append((name, arguments))
            return np.array(self.answers[name])
        return answer


# --- what they do ---

def test_gaussian_noise_by_hand():
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1])
    noisy, same = GaussianNoise(0.5)(x, y, Fixed(standard_normal=[[1.0, -2.0], [0.0, 4.0]]))
    assert noisy.tolist() == [[1.5, 1.0], [3.0, 6.0]]
    assert same is y
    x = np.zeros((400, 50))
    noise = GaussianNoise(0.3)(x, None, np.random.default_rng(0))[0]
    assert noise.std() == pytest.approx(0.3, rel=0.02)  # 20000 numbers: a deviation of 0.5 %
    assert abs(noise.mean()) < 0.01
    assert not x.any()


def test_mixup_by_hand():
    x, rng = np.array([[0.0, 8.0], [4.0, 0.0], [2.0, 2.0]]), Fixed(beta=[0.25, 1.0, 0.5], permutation=[1, 2, 0])
    mixed, targets = Mixup(0.4, 3)(x, np.array([2, 0, 1]), rng)
    assert mixed.tolist() == [[3.0, 2.0], [4.0, 0.0], [1.0, 5.0]]
    assert targets.tolist() == [[0.75, 0, 0.25], [1, 0, 0], [0, 0.5, 0.5]]
    assert rng.asked == [("beta", (0.4, 0.4, 3)), ("permutation", (3,))]
    soft = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])  # soft targets are mixed as they are
    assert Mixup(0.4, 2)(x, soft, rng)[1].tolist() == [[0.875, 0.125], [1, 0], [0.25, 0.75]]


@pytest.mark.parametrize(("x", "y", "words"), [
    (SEQUENCES, SEQUENCE_LABELS, r"x: got shape \(11, 5, 3\), accepted: \(N, D\); sequences"),
    (X, Y + 1, r"y\[\d+\]: got 2, accepted: class ids in 0 \.\. 1"),
    (X, Y - 1, r"y\[\d+\]: got -1, accepted: class ids"), (X, Y * 0.5, "y: got dtype float64"),
    (X, Y.astype(str), "y: got dtype <U"), (X, Y[:0], r"y: got shape \(0,\)")])
def test_what_cannot_be_mixed(x, y, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Mixup(0.4, 2)(x, y, np.random.default_rng(0))


def test_random_shift_by_hand():
    images = np.arange(1.0, 10).reshape(1, 9).repeat(3, axis=0)  # 1 2 3 / 4 5 6 / 7 8 9
    y, rng = np.arange(3), Fixed(integers=[[1, 0, 2], [1, 2, 1]])  # 1 is no shift; down from the top, left from the right
    shifted, same = RandomShift(3, 3, fill=-1.0)(images, y, rng)
    assert shifted.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 9], [-1, -1, -1, 2, 3, -1, 5, 6, -1],
                                [4, 5, 6, 7, 8, 9, -1, -1, -1]]
    assert same is y
    assert rng.asked == [("integers", (0, 3, (2, 3)))]


def test_random_shift_of_oblong_images():
    images = np.random.default_rng(1).random((500, 2 * 5))
    shifted = RandomShift(2, 5, pixels=2)(images, None, np.random.default_rng(0))[0].reshape(-1, 2, 5)
    seen = set()
    for image, found in zip(images.reshape(-1, 2, 5), shifted, strict=True):
        places = [(down, right) for down in range(-2, 3) for right in range(-2, 3) if np.array_equal(found, [
            [image[i - down, j - right] if 0 <= i - down < 2 and 0 <= j - right < 5 else 0 for j in range(5)]
            for i in range(2)])]
        assert places
        seen.update(places)
    assert len(seen) == 25


@pytest.mark.parametrize("shape", [(4, 8), (4, 10), (4, 3, 3), (4,)])
def test_random_shift_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"x: got shape \(4.*accepted: \(N, 9\) for images of 3 x 3"):
        RandomShift(3, 3)(np.zeros(shape), None, np.random.default_rng(0))


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: GaussianNoise(-1), ValueError, "deviation: got -1"), (lambda: GaussianNoise("1"), TypeError, "deviation"),
    (lambda: Mixup(0, 2), ValueError, "alpha: got 0"), (lambda: Mixup(0.4, 1), ValueError, "classes: got 1"),
    (lambda: Mixup(0.4, 2.0), TypeError, "classes"), (lambda: RandomShift(0, 3), ValueError, "height: got 0"),
    (lambda: RandomShift(3, 3, pixels=0), ValueError, "pixels: got 0"), (lambda: RandomShift(3, 2.5), TypeError, "width")])
def test_bad_settings(make, error, words):
    with pytest.raises(error, match=words):
        make()


# --- when fit calls one ---

class Watching:
    """Remembers what it was given."""

    def __init__(self):
        self.calls = []

    def __call__(self, x, y, rng):
        self.calls.append((x.copy(), y.copy(), rng.random(3).tolist(), (x, y)))
        return x + 1, y


@pytest.mark.parametrize("options", [{}, {"check_every": 3}, {"check_every": 0}, {"batch_size": 1}, {"batch_size": None}])
def test_called_once_per_epoch_with_the_original(backend, options):
    watching = Watching()
    train(network(backend), augment=watching, epochs=4, seed=9, **options)
    assert [call[2] for call in watching.calls] == [np.random.default_rng([9, e, 1]).random(3).tolist() for e in range(4)]
    assert all(np.array_equal(x, X) and np.array_equal(y, Y) for x, y, *_ in watching.calls)


def test_epochs_by_hand(backend):
    """Two epochs of SGD on noisy inputs; losses and errors are those of the clean ones."""
    model = network(backend)
    p = {name: array.copy() for name, array in model.parameters.items()}
    history = train(model, augment=GaussianNoise(0.5), epochs=2, seed=4, validation=(X_VAL, Y_VAL), check_every=5)
    for epoch in range(2):
        noisy = X + 0.5 * np.random.default_rng([4, epoch, 1]).standard_normal(X.shape)
        for start in range(0, 23, 7):
            batch = order(epoch, seed=4)[start:start + 7]
            for name, g in tanh_gradient(p, noisy[batch], Y[batch])[1].items():
                p[name] -= 0.2 * g
    for name, array in p.items():
        np.testing.assert_allclose(model.parameters[name], array, rtol=0, atol=1e-13)
    for name, x, y in (("train", X, Y), ("val", X_VAL, Y_VAL)):
        outputs = model.forward(x)
        assert history[f"{name}_loss"][-1] == pytest.approx(cross_entropy(outputs, y).mean(), rel=1e-12)
        assert history[f"{name}_error"][-1] == np.mean(outputs.argmax(axis=1) != y)


def test_mixup_in_fit(backend):
    """Soft targets in training, class ids in the History."""
    model, by_hand = network(backend), network("numpy")
    history = train(model, augment=Mixup(0.4, 2), epochs=2, metrics=("margin_min", "prediction_changes"))
    for epoch in range(2):
        x, targets = Mixup(0.4, 2)(X, Y, np.random.default_rng([0, epoch, 1]))
        assert ((targets > 0) & (targets < 1)).any()
        for start in range(0, 23, 7):
            batch = order(epoch)[start:start + 7]
            for name, g in by_hand.loss_and_gradients(x[batch], targets[batch], CE)[1].items():
                by_hand.parameters[name] -= 0.2 * g
    np.testing.assert_allclose(model.flat, by_hand.flat, rtol=0, atol=1e-12)
    assert history["train_error"][-1] == np.mean(model.predict(X) != Y)
    assert history["train_loss"][-1] == pytest.approx(CE.value(model.forward(X), Y), rel=1e-12)
    assert np.isfinite(history["margin_min"]).all()


@pytest.mark.parametrize("augment", [GaussianNoise(0.3), Mixup(1.0, 2), RandomShift(2, 2)], ids=repr)
def test_backends_agree(augment):
    models = [network(name) for name in ("numpy", "numba")]
    histories = [train(model, augment=augment, epochs=4) for model in models]
    np.testing.assert_allclose(models[1].flat, models[0].flat, rtol=0, atol=1e-11)
    for name in histories[0]:
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-9)


def test_recurrent_networks(backend):
    """Dense sequences: noise in the padding does not matter."""
    def run(fill):
        model = RNN(3, 4, 2, bidirectional=True, dtype="float64", backend=backend)
        padding = np.arange(5) >= LENGTHS[:, None]

        def augment(x, y, rng):
            x, y = GaussianNoise(0.3)(x, y, rng)
            x[padding] = fill
            return x, y
        history = train(model, SEQUENCES, SEQUENCE_LABELS, lengths=LENGTHS, augment=augment, batch_size=4)
        assert history["train_error"][-1] == np.mean(model.predict(SEQUENCES, LENGTHS) != SEQUENCE_LABELS)
        return model.flat
    assert np.array_equal(run(0.0), run(np.nan))
    clean = RNN(3, 4, 2, bidirectional=True, dtype="float64", backend=backend)
    train(clean, SEQUENCES, SEQUENCE_LABELS, lengths=LENGTHS, batch_size=4)
    assert not np.array_equal(clean.flat, run(0.0))


def test_augmented_tokens(backend):
    model = RNN(6, 4, 2, dtype="float64", backend=backend)
    train(model, TOKENS, SEQUENCE_LABELS, lengths=LENGTHS, batch_size=4,
          augment=lambda x, y, rng: (rng.permutation(6)[x], y))
    assert np.isfinite(model.flat).all()


def test_an_autoencoder_that_removes_noise(backend):
    """The targets are the clean inputs."""
    model = MLP([4, 3, 4], backend=backend, dtype="float64")
    history = train(model, X, X, loss=SquaredError(), augment=GaussianNoise(0.2), epochs=60, optimizer=SGD(0.02))
    assert history["train_loss"][-1] < 0.7 * history["train_loss"][0]
    assert np.isnan(history["train_error"]).all()


# --- what it may not do ---

def fails(augment, error, words, model=None, data=(X, Y), **options):
    model = network("numpy") if model is None else model
    before = model.flat.copy()
    with pytest.raises(error, match=words):
        train(model, *data, augment=augment, **options)
    assert np.array_equal(model.flat, before)


@pytest.mark.parametrize(("augment", "error", "words"), [
    (lambda x, y, rng: (x[:-1], y[:-1]), ValueError, r"augment: got 22 samples from it, accepted: .*given \(23\)"),
    (lambda x, y, rng: (np.vstack([x, x]), np.append(y, y)), ValueError, "augment: got 46 samples"),
    (lambda x, y, rng: (x[:, :3], y), ValueError, r"augmented x: got shape \(23, 3\)"),
    (lambda x, y, rng: (x, y[:5]), ValueError, "augmented y"),
    (lambda x, y, rng: (x * np.nan, y), ValueError, "augmented x: got nan"),
    (lambda x, y, rng: (x, y + 2), ValueError, "augmented y"),
    (lambda x, y, rng: x, TypeError, r"augment: got ndarray from it, accepted: a pair \(x, y\)"),
    (lambda x, y, rng: None, TypeError, "augment: got NoneType"),
    (Mixup(0.4, 3), ValueError, "augmented y"), (RandomShift(3, 3), ValueError, "images of 3 x 3"),
    (7, TypeError, "augment: got 7"), (GaussianNoise, TypeError, "augment: got <class")])
def test_wrong_augmentations(augment, error, words):
    fails(augment, error, words)


def test_the_given_arrays_cannot_be_changed(backend):
    """What was written into them would be lost when a run is resumed from its checkpoint."""
    x, y = X.copy(), Y.copy()

    def in_place(x, y, rng):
        x += 1
        return x, y
    fails(in_place, ValueError, "read-only", network(backend), (x, y))
    assert np.array_equal(x, X)
    x += 0  # the caller's own array can still be written to


def test_sequences_of_another_length_or_kind(backend):
    def longer(x, y, rng):
        return np.concatenate([x, x], axis=1), y
    words = "augment: got sequences of another kind or length"
    fails(longer, ValueError, words, RNN(3, 4, 2, backend=backend), (SEQUENCES, SEQUENCE_LABELS), loss=CrossEntropy())
    fails(lambda x, y, rng: (np.eye(6)[x], y), ValueError, words, RNN(6, 4, 2, backend=backend), (TOKENS, SEQUENCE_LABELS))


@pytest.mark.parametrize("images, fill, dtype", [
    (np.ones((1, 4), np.uint8), -1.0, np.float32), (np.ones((1, 4), np.uint8), 0.5, np.float32),
    (np.ones((1, 4), np.uint8), 255, np.uint8), (np.ones((1, 4), bool), 2, np.float32), (np.ones((1, 4), bool), 1, bool),
    (np.ones((1, 4), np.float32), 0.1, np.float32), (np.ones((1, 4), np.int32), 0.5, np.float64)])
def test_the_border_holds_the_fill(images, fill, dtype):
    shifted = np.concatenate([RandomShift(2, 2, fill=fill)(images, None, np.random.default_rng(s))[0] for s in range(9)])
    assert shifted.dtype == dtype and set(np.unique(shifted)) == {dtype(fill), dtype(1)}


def test_a_fill_beyond_the_range_is_refused():
    with pytest.raises(ValueError, match=r"fill: got 1e\+300, accepted: .*float32"):
        RandomShift(2, 2, fill=1e300)(np.ones((1, 4), np.float32), None, np.random.default_rng(0))
    with pytest.raises(ValueError, match="fill: got nan"):
        RandomShift(2, 2, fill=float("nan"))


def test_mixup_takes_the_labels_that_fit_takes():
    x, y = np.eye(4), np.array([True, False, True, True])
    mixed, targets = Mixup(0.4, 2)(x, y, np.random.default_rng(3))
    same, same_targets = Mixup(0.4, 2)(x, y.astype(int), np.random.default_rng(3))
    assert np.array_equal(mixed, same) and np.array_equal(targets, same_targets)


def test_sequences_of_different_lengths_cannot_be_mixed():
    with pytest.raises(ValueError, match="sequences of different lengths"):
        Mixup(1.0, 2)(np.zeros((3, 2, 2)), Y[:3], np.random.default_rng(3))
