"""Where the accuracy that is missing went: to the network, its training, or what no method here finds in the words."""
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from . import words
from .compare import BETTER, FEWEST, UNCLEAR, UNKNOWN, WORSE, half_width, mean_and_error
from .measured import Measured

LENGTHS = {"3 to 6": (3, 6), "7 to 9": (7, 9), "10 to 12": (10, 12), "13 to 25": (13, 25)}
PARTS = ("network", "training", "one start of several", "n-grams", "left")  # of the missing points, as they are found


def half(values: Any, folds: int = 0, comparisons: int = 1) -> float:
    """Half the width of the 95 % t interval of a mean; infinite below three values.

    With `folds`, values are those of the folds of one or more divisions, whose training sets overlap: the variance of their
    mean is then not s²/J but s²(1/J + n_held/n_train) (Nadeau & Bengio, Machine Learning 52, 2003).
    """
    count = int((~np.isnan(values)).sum())
    error = mean_and_error(values)[1] * np.sqrt(1 + count / (folds - 1) if folds else 1)
    return half_width(error, count, comparisons)


def interval(values: Any, folds: int = 0) -> str:
    """Return "mean ±half the width of its interval", see `half`; the mean alone of fewer than three."""
    return words.interval(values, half=half(values, folds))


def verdict(values: Any, folds: int = 0, comparisons: int = 1) -> str:
    """Whether the mean of some gains is clearly above 0 (`BETTER`) or below (`WORSE`)."""
    if len(values) < FEWEST:
        return UNKNOWN
    mean = float(np.mean(values))
    return UNCLEAR if abs(mean) <= half(values, folds, comparisons) else BETTER if mean > 0 else WORSE


class Grid(NamedTuple):
    """Accuracies in percent of networks × trainings.

    Attributes
    ----------
    networks, trainings : sequence of str
        The first of each is the plain one.
    values : array (networks, trainings, J)
        Of the folds of one division after another.
    folds : int
        In a division.
    """

    networks: Sequence[str]
    trainings: Sequence[str]
    values: np.ndarray
    folds: int

    def chosen(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the methods (M, J), take for each fold the one that is best on the other folds of its division.

        Returns
        -------
        array (J,), array (J,)
            Its accuracy on the fold itself, and its number.
        """
        cut = values.reshape(len(values), -1, self.folds)
        places = np.argmax(cut.sum(axis=2, keepdims=True) - cut, axis=0).reshape(-1)
        return values[places, np.arange(values.shape[1])], places

    @property
    def best(self) -> np.ndarray:
        """Accuracy (J,) of the best network and training together, chosen on other folds."""
        return self.chosen(self.values.reshape(-1, self.values.shape[2]))[0]

    @property
    def favourite(self) -> tuple[str, str, int]:
        """Network and training that were chosen most often as best together, and for how many folds."""
        counts = np.bincount(self.chosen(self.values.reshape(-1, self.values.shape[2]))[1])
        network, training = divmod(int(counts.argmax()), len(self.trainings))
        return self.networks[network], self.trainings[training], int(counts.max())

    def shares(self) -> dict[str, np.ndarray]:
        """What better networks and better training gain (J,): each the mean of its gain before and after the other one, so
        that the two add up to the gain of both (Shapley 1953).
        """
        plain, both = self.values[0, 0], self.best
        network, training = self.chosen(self.values[:, 0])[0], self.chosen(self.values[0])[0]
        return {"network": (network - plain + both - training) / 2, "training": (training - plain + both - network) / 2}


class Fold(NamedTuple):
    """Words held out: language (held,), letters (held,), whether another language has nearly the same word, or the same."""

    y: np.ndarray
    lengths: np.ndarray
    twin: np.ndarray
    equal: np.ndarray


class Spelled:
    """All that was found.

    Parameters
    ----------
    config : settings
    runs : mapping of arm -> Measured
        ("cell", network, training), ("together",), ("n-grams", model), ("few", name, words), ("drawn", name, words).
    held : sequence of Fold
        Of each run on real words.
    folds : int
    """

    def __init__(self, config: Any, runs: Mapping[tuple, Measured], held: Sequence[Fold], folds: int) -> None:
        self.config, self.runs, self.held, self.folds = config, runs, held, folds

    def at(self, *arm: Any) -> np.ndarray:
        """Accuracy of an arm in percent, (J,)."""
        return self.runs[arm].values("held_accuracy", 100)

    def curve(self, kind: str, name: str) -> dict[int, np.ndarray]:
        """Accuracy by number of words of ("few" or "drawn", name)."""
        return {arm[2]: self.at(*arm) for arm in self.runs if arm[:2] == (kind, name)}

    @cached_property
    def grid(self) -> Grid:
        """Networks × trainings."""
        networks, trainings = ([*dict.fromkeys(arm[i] for arm in self.runs if arm[0] == "cell")] for i in (1, 2))
        values = np.array([[self.at("cell", network, training) for training in trainings] for network in networks])
        return Grid(networks, trainings, values, self.folds)

    @cached_property
    def hits(self) -> dict[str, np.ndarray]:
        """Right answers (J, held) of the plain network, of several together, of n-grams, and of these two joined."""
        first = next(arm for arm in self.runs if arm[0] == "cell")
        n_grams = [arm for arm in self.runs if arm[0] == "n-grams"]
        log_p = {"plain network": self._log_p([first]), "networks together": self._log_p([("together",)]),
                 "n-grams together": self._log_p(n_grams), "all joined": self._log_p([("together",), *n_grams])}
        y = np.array([fold.y for fold in self.held])
        return {name: found.argmax(axis=2) == y for name, found in log_p.items()}

    def _log_p(self, arms: Sequence[tuple]) -> np.ndarray:
        """Mean log probability (J, held, 4) of some methods: each has a say where it is sure (a product of experts)."""
        return np.mean([[run.arrays["log_p"] for run in self.runs[arm].runs] for arm in arms], axis=0)

    def accuracy(self, name: str) -> np.ndarray:
        """Accuracy in percent (J,) of one of `hits`."""
        return 100 * self.hits[name].mean(axis=1)

    def pooled(self, name: str, of: np.ndarray) -> float:
        """The same of all words held out `of` which (J, held) is true, of all folds; NaN of none."""
        return 100 * float(self.hits[name][of].mean()) if of.any() else np.nan

    def parts(self) -> dict[str, np.ndarray]:
        """Points (J,) of the missing accuracy by `PARTS`, which add up to what the plain network lacks."""
        together, joined = self.accuracy("networks together"), self.accuracy("all joined")
        return {**self.grid.shares(), "one start of several": together - self.grid.best, "n-grams": joined - together,
                "left": 100 - joined}

    def twins(self, which: bool = True) -> np.ndarray:
        """Whether a word held out has (or has not) nearly the same word in another language, (J, held)."""
        return np.array([fold.twin == which for fold in self.held])

    @property
    def equal(self) -> np.ndarray:
        """Whether a word held out is one of another language, too, (J, held)."""
        return np.array([fold.equal for fold in self.held])

    def long(self, name: str) -> np.ndarray:
        """Whether a word held out has so many letters, (J, held)."""
        low, high = LENGTHS[name]
        return np.array([(fold.lengths >= low) & (fold.lengths <= high) for fold in self.held])
