"""Words that nearly exist in two languages: one letter away from a word of another one."""
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

BLANK = "\0"


def has_equal(words: Sequence[str], y: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return whether another class has the same word, (N,) bool."""
    classes = defaultdict(set)
    for word, label in zip(words, y, strict=True):
        classes[word].add(label)
    return np.array([len(classes[word]) > 1 for word in words], dtype=bool)


def has_twin(words: Sequence[str], y: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return whether another class has a word that is the same but for one letter more, less or other, (N,) bool.

    Equal words count, too.
    """
    whole, blanked, shortened = (defaultdict(set) for _ in range(3))  # text -> classes that have it so
    for word, label in zip(words, y, strict=True):
        whole[word].add(label)
        for i in range(len(word)):
            blanked[word[:i] + BLANK + word[i + 1:]].add(label)
            shortened[word[:i] + word[i + 1:]].add(label)

    def found(word: str, label: int) -> bool:
        near = whole[word] | shortened[word]
        for i in range(len(word)):
            near |= blanked[word[:i] + BLANK + word[i + 1:]] | whole[word[:i] + word[i + 1:]]
        return bool(near - {label})
    return np.array([found(word, label) for word, label in zip(words, y, strict=True)], dtype=bool)
