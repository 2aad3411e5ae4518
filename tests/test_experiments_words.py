"""The embedded words: what the file holds, and that splits are what they say."""
import numpy as np
import pytest

from experiments.data import alphabet, words
from experiments.data import words as words_loader


def test_shapes_and_shares():
    data = words(train=3000, validation=500)
    assert (len(data.train), len(data.validation), len(data.test)) == (3000, 500, 1000)
    assert data.classes == ("english", "spanish", "dutch", "polish") and len(alphabet()) == 45
    for split in (data.train, data.validation, data.test):
        shares = np.bincount(split.y, minlength=4) / len(split)
        assert np.abs(shares - 0.25).max() < 0.005
        assert split.x.dtype == np.int64 and split.x.shape[1] == 25 and split.lengths.min() >= 3
        beyond = np.arange(25) >= split.lengths[:, None]
        assert (split.x[beyond] == 0).all() and split.x.max() < 45


def test_mean_length_and_no_word_twice():
    data = words()
    spelled = {(tuple(row[:length]), int(length)) for split in (data.train, data.validation, data.test)
               for row, length in zip(split.x, split.lengths, strict=True)}
    assert len(spelled) == 4500
    lengths = np.concatenate([split.lengths for split in (data.train, data.validation, data.test)])
    assert lengths.mean() == pytest.approx(10.385, abs=0.001)


def test_words_can_be_read_back():
    data = words(seed=3)
    letters = alphabet()
    row, length, label = data.test.x[0], data.test.lengths[0], data.test.y[0]
    word = "".join(letters[k] for k in row[:length])
    assert (data.classes[label], word) in words_loader.__globals__["_lines"]()


def test_noise_flips_an_exact_count_and_seeds_differ():
    data = words(noise=0.1, seed=1)
    assert (data.train.y != data.train.y_clean).sum() == 300
    assert not np.array_equal(data.train.x, words(seed=2).train.x)
    np.testing.assert_array_equal(words(seed=1).train.x, data.train.x)


def test_a_network_learns_languages():
    """Chance is 0.75 error; a small network after three epochs does much better, also on words it has not seen."""
    from losses import CrossEntropy
    from nn import RNN, Adam, fit
    data = words(train=1500, validation=500)
    model = RNN(len(alphabet()), 16, 4, bidirectional=True, backend="numpy")
    history = fit(model, data.train.x, data.train.y, lengths=data.train.lengths, loss=CrossEntropy(), optimizer=Adam(1e-2),
                  epochs=3, validation=(data.validation.x, data.validation.y, data.validation.lengths), check_every=0)
    assert history["val_error"][-1] < 0.45


@pytest.mark.parametrize("sizes", [(4501, 1), (0, 10)])
def test_sizes_that_do_not_fit(sizes):
    with pytest.raises(ValueError, match=r"train.*: got .*, accepted"):
        words(*sizes)
