"""What a loader returns: three splits, and where the data come from."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """Samples of one part of a data set.

    Attributes
    ----------
    x : ndarray of float32, shape (N, D)
        Inputs; of sequences int64 tokens (N, T).
    y : ndarray of int64, shape (N,)
        Labels as a learner sees them: some may have been flipped. Of a regression problem, whose data set has no classes,
        targets: float32 (N, K).
    y_clean : ndarray, as y
        The same labels before any was flipped.
    lengths : ndarray of int64, shape (N,), or None
        Valid steps of each sequence; None where samples are not sequences.
    """

    x: np.ndarray
    y: np.ndarray
    y_clean: np.ndarray
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class DataSet:
    """Training, validation and test data of one seed.

    Attributes
    ----------
    name : str
        What the loader is called.
    train, validation, test : Split
        Disjoint (or, for generated data, independently drawn) parts.
    classes : tuple of str
        Name of class 0, 1, ...; none for a regression problem.
    source, licence : str
        Where the data come from and under which terms.
    note : str
        What whoever reads a result must know, such as that a small cut stood in for the full set; "" for nothing. An
        experiment prints it and puts it into the settings of its runs, or runs on different data would pass for the same.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    source: str
    licence: str
    note: str = ""
