"""Digits of which less, or nothing, can be learnt: what is kept and what is not."""
import numpy as np
import pytest

from experiments.data import digits
from experiments.data.randomized import CHANGES, randomized

PLAIN = digits(200, 10, seed=3)


def changed(change, **settings):
    return randomized(PLAIN, change, **{"seed": 3, **settings})


@pytest.mark.parametrize("change", CHANGES)
def test_seeded_and_called_by_its_name(change):
    one, same, other = changed(change, noise=0.1), changed(change, noise=0.1), changed(change, seed=4, noise=0.1)
    assert one.name == f"digits_{change}"
    for part in ("train", "validation", "test"):
        a, b = getattr(one, part), getattr(same, part)
        assert np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y) and a.x.dtype == np.float32 and a.x.flags.c_contiguous
        assert len(a) == len(getattr(PLAIN, part))
    assert not (np.array_equal(one.train.x, other.train.x) and np.array_equal(one.train.y, other.train.y))


def test_random_labels_are_of_the_training_set_alone():
    data = changed("random_labels")
    assert np.array_equal(data.train.x, PLAIN.train.x) and np.array_equal(data.train.y_clean, PLAIN.train.y)
    assert 0.8 < np.mean(data.train.y != PLAIN.train.y) < 0.98  # 0.9, four standard errors
    assert set(data.train.y) == set(range(10)) and data.test is PLAIN.test


def test_shuffled_pixels_are_shuffled_alike():
    data = changed("shuffled_pixels")
    order = [np.flatnonzero((PLAIN.train.x == column[:, None]).all(axis=0)) for column in data.train.x.T]
    assert all(len(places) for places in order) and not np.array_equal(data.train.x, PLAIN.train.x)
    for column, places in zip(data.test.x.T, order, strict=True):
        assert len(places) > 1 or np.array_equal(column, PLAIN.test.x[:, places[0]])  # several: pixels that are always 0
    assert np.array_equal(data.train.y, PLAIN.train.y)


def test_random_pixels_keep_each_image_s_histogram_and_no_place():
    data = changed("random_pixels")
    assert np.array_equal(np.sort(data.test.x, axis=1), np.sort(PLAIN.test.x, axis=1))
    assert data.test.x.mean(axis=0).std() < 0.1 * PLAIN.test.x.mean(axis=0).std()


def test_random_inputs_have_mean_and_deviation_and_nothing_else():
    data = changed("random_inputs")
    for part in (data.train.x, data.test.x):
        assert part.mean() == pytest.approx(PLAIN.train.x.mean(), abs=0.02)
        assert part.std() == pytest.approx(PLAIN.train.x.std(), abs=0.02)
    assert not np.array_equal(data.train.x[:50], data.test.x[:50]) and np.array_equal(data.test.y, PLAIN.test.y)


@pytest.mark.parametrize("noise", [0.0, 0.2, 1.0])
def test_two_labels_for_a_share_of_the_inputs(noise):
    data = changed("two_labels", noise=noise)
    first, second = data.train.x[:100], data.train.x[100:]
    assert np.array_equal(first, second) and np.array_equal(first, PLAIN.train.x[:100])
    assert np.array_equal(data.train.y[:100], PLAIN.train.y[:100])
    assert (data.train.y[:100] != data.train.y[100:]).sum() == 100 * noise
    assert (data.test.y != data.test.y_clean).sum() == int(len(data.test) * noise / 2)


def test_an_input_that_comes_twice_takes_two():
    with pytest.raises(ValueError, match=r"^train: got 31, accepted: an even number, for every input comes twice"):
        randomized(digits(31, 10), "two_labels", seed=0, noise=0.2)
