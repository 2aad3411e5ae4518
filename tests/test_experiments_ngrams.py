"""N-grams with Bayes' rule: against counts of texts, sums of probabilities, numbers by hand; twins of words."""
import itertools
import math
from collections import Counter

import numpy as np
import pytest

from experiments.data.twins import has_equal, has_twin
from experiments.trainers.ngrams import Markov, NaiveBayes, Words


def words_of(texts, y=None):
    x = np.zeros((len(texts), max(map(len, texts))), np.int64)
    for row, text in zip(x, texts, strict=True):
        row[:len(text)] = ["abc".index(letter) for letter in text]
    return Words(x, np.array(list(map(len, texts))), np.zeros(len(texts), int) if y is None else np.array(y))


def random_words(count, seed):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("abc"), rng.integers(1, 7))) for _ in range(count)]


@pytest.mark.parametrize("order", [1, 3])
def test_naive_bayes_counts_runs_of_letters(order):
    """Against runs cut out of texts and counted as such."""
    def runs(text):
        text = f".{text}."
        return [text[i:i + n] for n in range(1, order + 1) for i in range(len(text) - n + 1)]

    texts, y, others = random_words(60, 0), np.arange(60) % 3, random_words(20, 1)
    counts = [Counter(run for text, label in zip(texts, y, strict=True) if label == k for run in runs(text))
              for k in range(3)]
    known = set().union(*counts)
    expected = [[sum(math.log((count[run] + 0.5) / (count.total() + 0.5 * len(known))) for run in runs(text) if run in known)
                 for count in counts] for text in others]
    ours = NaiveBayes(3, order, smoothing=0.5).fit(words_of(texts, y)).scores(words_of(others))
    np.testing.assert_allclose(ours, expected, rtol=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_all_words_together_have_probability_one(order):
    """Of the chain with its shortest and its longest words."""
    chain = Markov(3, order, shortest=2, longest=4).fit(words_of(random_words(30, 2)))
    every = ["".join(word) for n in (2, 3, 4) for word in itertools.product("abc", repeat=n)]
    assert np.exp(chain.scores(words_of(every))).sum() == pytest.approx(1)


def test_words_are_drawn_as_often_as_they_are_probable():
    chain = Markov(3, 2, shortest=1, longest=2).fit(words_of(["ab", "b", "c", "ab"]))
    every = ["".join(word) for n in (1, 2) for word in itertools.product("abc", repeat=n)]
    p = np.exp(chain.scores(words_of(every)))[:, 0]
    drawn = chain.draw(np.zeros(20_000, int), np.random.default_rng(0))
    texts = ["".join("abc"[k] for k in x[:length]) for x, length in zip(drawn.x, drawn.lengths, strict=True)]
    shares = np.array([texts.count(text) for text in every]) / len(texts)
    assert np.abs(shares - p).max() < 4 * 0.5 / np.sqrt(len(texts))


def test_estimates_by_hand():
    """Of "ab", "ac": without context a 2, b 1, c 1, end 2 of 6, four kinds; after a: b 1, c 1 of 2, two kinds."""
    chain = Markov(3, 2).fit(words_of(["ab", "ac"]))
    b = (1 + 4 / 4) / (6 + 4)
    assert np.exp(chain.logs[0, 0, 1]) == pytest.approx((1 + 2 * b) / (2 + 2))
    np.testing.assert_allclose(np.exp(chain.logs).sum(axis=-1), 1)


def test_what_stands_behind_a_word_does_not_matter():
    words = words_of(random_words(30, 3), np.arange(30) % 2)
    dirty = words._replace(x=np.where(np.arange(words.x.shape[1]) < words.lengths[:, None], words.x, 2))
    for model in (NaiveBayes(3, 2), Markov(3, 2, 1, 6)):
        np.testing.assert_array_equal(model.fit(words).scores(words), model.fit(dirty).scores(dirty))


@pytest.mark.parametrize("word, other, near", [
    ("abc", "abd", True), ("abc", "ab", True), ("abc", "xabc", True), ("abc", "abc", True), ("abc", "acb", False),
    ("abc", "a", False), ("ab", "ba", False)])
def test_a_twin_is_one_letter_away(word, other, near):
    assert has_twin([word, other, "zzzzzz"], [0, 1, 1]).tolist() == [near, near, False]
    assert not has_twin([word, other], [1, 1]).any()
    assert has_equal([word, other, "zzzzzz"], [0, 1, 1]).tolist() == [word == other] * 2 + [False]
