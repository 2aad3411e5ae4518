"""Whose word is it? Bayes' rule with letters counted in runs of n: what is known of each language is how often they occur.

Two models of a language's words, both with equal priors. Naive Bayes: all runs of 1 to n letters of a word were drawn one by
one (multinomial, as for texts, McCallum & Nigam, AAAI workshop 1998). Markov: each letter depends on the n - 1 before it,
with the interpolated estimates of Witten & Bell (IEEE Trans. Information Theory 37, 1991), which leave something for what
was never seen. Words can be drawn from the second, and then Bayes' rule is the best that anybody can do, exactly.
"""
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Words(NamedTuple):
    """Words as letters.

    Attributes
    ----------
    x : int array (N, T)
        Tokens from 0 to `letters` - 1; what stands behind a word's end never matters.
    lengths : int array (N,)
        At least 1.
    y : int array (N,)
        Languages, from 0.
    """

    x: np.ndarray
    lengths: np.ndarray
    y: np.ndarray

    def take(self, rows: np.ndarray) -> "Words":
        """Return some of them, by number or by True."""
        return Words(self.x[rows], self.lengths[rows], self.y[rows])


def spelled(x: np.ndarray, lengths: np.ndarray, letters: int, before: int) -> np.ndarray:
    """Return words (N, before + T + 1) between `before` signs of a beginning and signs of an end, both `letters`."""
    n, longest = x.shape
    whole = np.full((n, before + longest + 1), letters, np.int64)
    whole[:, before:-1] = np.where(np.arange(longest) < lengths[:, None], x, letters)
    return whole


@dataclass
class NaiveBayes:
    """Multinomial naive Bayes on runs of 1 to `order` signs, one sign of beginning and end included.

    Parameters
    ----------
    letters : int
        That there are.
    order : int
        Longest run.
    smoothing : float
        Added to the count of each run that the training words hold (Laplace: 1). Runs that none holds are ignored.
    """

    letters: int
    order: int = 4
    smoothing: float = 1.0

    def fit(self, words: Words) -> "NaiveBayes":
        """Count."""
        rows, runs = self._runs(words)
        self.known, place = np.unique(runs, return_inverse=True)
        counts = np.full((int(words.y.max()) + 1, len(self.known)), self.smoothing)  # (K, runs)
        np.add.at(counts, (words.y[rows], place.reshape(-1)), 1)
        self.logs = np.log(counts / counts.sum(axis=1, keepdims=True))
        return self

    def scores(self, words: Words) -> np.ndarray:
        """Return log p(word | language) up to a constant of the word, (N, K)."""
        rows, runs = self._runs(words)
        place = np.minimum(np.searchsorted(self.known, runs), len(self.known) - 1)
        seen = self.known[place] == runs
        scores = np.zeros((len(words.y), len(self.logs)))
        np.add.at(scores, rows[seen], self.logs[:, place[seen]].T)
        return scores

    def _runs(self, words: Words) -> tuple[np.ndarray, np.ndarray]:
        """Return of each run (runs,) its word and its number, in which its length is told, too."""
        whole, signs = spelled(words.x, words.lengths, self.letters, 1), self.letters + 2
        rows, numbers = [], []
        for n in range(1, self.order + 1):
            ends = np.arange(n, whole.shape[1] + 1)
            number = sum((whole[:, ends - n + i] + 1) * signs ** (n - 1 - i) for i in range(n))  # (N, ends)
            row, end = np.nonzero(ends <= words.lengths[:, None] + 2)
            rows.append(row)
            numbers.append(number[row, end])
        return np.concatenate(rows), np.concatenate(numbers)


@dataclass
class Markov:
    """A Markov chain of letters per language; each letter, or the end, depends on the `order` - 1 signs before it.

    Parameters
    ----------
    letters : int
        That there are.
    order : int
        From 1; a table has (letters + 1)^order entries per language.
    shortest, longest : int
        Words that are shorter or longer do not exist: no chain ends before, all end then.
    """

    letters: int
    order: int = 3
    shortest: int = 3
    longest: int = 25

    def fit(self, words: Words) -> "Markov":
        """Estimate the tables (K, signs, ..., signs) of log p(sign | signs before it)."""
        self.logs = np.log([self._table(words.take(words.y == k)) for k in range(int(words.y.max()) + 1)])
        return self

    def _table(self, words: Words) -> np.ndarray:
        """Return p(sign | signs before it), the last axis of (signs,) * order."""
        signs, n = self.letters + 1, self.order
        whole = spelled(words.x, words.lengths, self.letters, n - 1)
        row, place = np.nonzero(np.arange(words.x.shape[1] + 1) <= words.lengths[:, None])
        counts = np.zeros((signs,) * n)
        np.add.at(counts, tuple(whole[row, place + i] for i in range(n)), 1)
        p = np.full(signs, 1 / signs)
        for context in range(n):  # from none to n - 1 signs before
            seen = counts.sum(axis=tuple(range(n - 1 - context)))  # (signs,) * (context + 1)
            kinds, total = (seen > 0).sum(axis=-1, keepdims=True), seen.sum(axis=-1, keepdims=True)
            p = np.where(total > 0, (seen + kinds * p) / np.maximum(total + kinds, 1), p)
        return p

    def scores(self, words: Words) -> np.ndarray:
        """Return log p(word | language), (N, K)."""
        whole = spelled(words.x, words.lengths, self.letters, self.order - 1)
        places = np.arange(words.x.shape[1] + 1)
        at = tuple(whole[:, places + i] for i in range(self.order))
        end = (*at[:-1], np.full_like(at[-1], self.letters))
        steps = places < words.lengths[:, None]
        found = []
        for logs in self.logs:
            stay = np.log1p(-np.exp(logs[end]))  # not to end here
            p = np.where(steps & (places < self.shortest), logs[at] - stay, logs[at])
            p = np.where((places == words.lengths[:, None]) & (places >= self.longest), 0, p)
            found.append(np.where(places <= words.lengths[:, None], p, 0).sum(axis=1))
        return np.stack(found, axis=1)

    def draw(self, y: np.ndarray, rng: np.random.Generator) -> Words:
        """Return a word of each of these languages (N,), letter by letter."""
        whole = np.full((len(y), self.order - 1 + self.longest), self.letters, np.int64)
        lengths, going = np.full(len(y), self.longest), np.arange(len(y))
        for place in range(self.longest):
            before = tuple(whole[going, place + i] for i in range(self.order - 1))
            p = np.exp(self.logs[(y[going], *before)])  # (going, signs)
            if place < self.shortest:
                p[:, self.letters] = 0
            totals = p.cumsum(axis=1)
            sign = (totals < rng.random(len(going))[:, None] * totals[:, -1:]).sum(axis=1)
            whole[going, place + self.order - 1] = sign
            lengths[going[sign == self.letters]] = place
            going = going[sign != self.letters]
        x = whole[:, self.order - 1:]
        return Words(np.where(x == self.letters, 0, x), lengths, y)
