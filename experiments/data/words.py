"""Words of four languages, letter by letter: the small real sequence set. Which language is a word from?"""
from functools import lru_cache

import numpy as np

from .checks import part_sizes
from .embedded import read_embedded
from .parts import split_parts
from .sets import DataSet

SHA256 = "ddb1b161ab050f807c7e2eadd66f4b4bdceee7062c4d87fbe9e4d6a03f2833a1"
SAMPLES = 4500
LANGUAGES = ("english", "spanish", "dutch", "polish")
SOURCE = ("1125 words each, drawn at random from Debian's word lists wamerican 2020.12.07, wspanish 1.0.30, wdutch 2.20.19 "
          "and wpolish 20220301: lower case, 3 to 25 letters, in one of the lists only")
LICENCE = "SCOWL, public domain, BSD-3-Clause, CC BY 4.0; texts in experiments/data/words_LICENSES.txt"


@lru_cache(maxsize=1)
def _lines() -> list:
    """The file as (language, word) pairs."""
    return [tuple(line.split("\t")) for line in read_embedded("words.tsv.gz", SHA256).decode("utf-8").splitlines()]


@lru_cache(maxsize=1)
def alphabet() -> str:
    """The 45 letters in order: token k is the k-th of them."""
    return "".join(sorted({letter for _, word in _lines() for letter in word}))


def words(train: int = 3000, validation: int = 500, test: int | None = None, *, noise: float = 0.0,
          seed: int = 0) -> DataSet:
    """Stratified, seeded splits of the embedded words.

    Parameters
    ----------
    train, validation : int
        Sizes of these parts.
    test : int, optional
        Size of the test part; None takes all that is left of the 4500 words.
    noise : float
        Share of labels flipped to another language, an exact count in each part; clean labels are kept beside them.
    seed : int
        Decides splits and flips.

    Returns
    -------
    DataSet
        x is int64 tokens of shape (N, 25), 0 in the padding; lengths int64 of shape (N,), 3 to 25, mean 10.4; y int64 of
        shape (N,), 4 classes. An RNN takes `len(alphabet())` inputs.

    Raises
    ------
    ValueError
        When the sizes do not fit into 4500 words, `noise` is out of range or the embedded file is damaged.
    """
    pairs = _lines()
    number = {letter: k for k, letter in enumerate(alphabet())}
    lengths = np.array([len(word) for _, word in pairs])  # (4500,)
    x = np.zeros((SAMPLES, lengths.max()), np.int64)  # (4500, 25)
    for row, (_, word) in zip(x, pairs, strict=True):
        row[:len(word)] = [number[letter] for letter in word]
    y = np.array([LANGUAGES.index(language) for language, _ in pairs])  # (4500,)
    sizes = part_sizes(SAMPLES, train, validation, test)
    train_set, validation_set, test_set = split_parts(x, y, sizes, len(LANGUAGES), noise=noise, seed=seed, lengths=lengths)
    return DataSet("words", train_set, validation_set, test_set, classes=LANGUAGES, source=SOURCE, licence=LICENCE)
