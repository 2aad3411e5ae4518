"""What a table is once its columns are told apart: inputs, labels, groups, and how its rows are parted."""
from dataclasses import dataclass

import numpy as np

NUMBER, CATEGORY, DATE = "number", "category", "date"
KINDS = (NUMBER, CATEGORY, DATE)


@dataclass(frozen=True)
class Column:
    """One input column of a table.

    Attributes
    ----------
    name : str
        As the file has it (made unique where a name stands twice).
    kind : {"number", "category", "date"}
    values : ndarray, shape (N,)
        Of numbers float64, of dates float64 days since 1970, both NaN where missing; of categories int64 codes, -1 where
        missing.
    categories : tuple of str
        What the codes mean, in their order; () for numbers and dates.
    note : str
        What is done with the column, in words.
    """

    name: str
    kind: str
    values: np.ndarray
    categories: tuple[str, ...] = ()
    note: str = ""

    @property
    def missing(self) -> np.ndarray:
        """Where no value is, bool (N,)."""
        return self.values < 0 if self.kind == CATEGORY else np.isnan(self.values)


@dataclass(frozen=True)
class Parts:
    """Rows of a problem to train on, to choose by and to test on: sorted, disjoint indices int64."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Problem:
    """A table with a question: which label belongs to a row?

    Attributes
    ----------
    source : str
        The file's name, for messages.
    digest : str
        SHA-256 of everything that decides the numbers: the bytes of the files and the options.
    label : str
        Name of the label column.
    columns : tuple of Column
        Inputs, in the file's order; without label, group and what was left out.
    dropped : tuple of (str, str)
        Columns that are no inputs: name and reason.
    y : ndarray, shape (N,)
        Class ids int64; of a regression problem float64.
    classes : tuple of str
        Of the ids; () for a regression problem.
    groups : ndarray of int64, shape (N,), or None
        What must not stand on both sides of a split.
    group : str
        Name of the group column, "" for none.
    test_from : int or None
        The rows from here on came from a separate test file, and are always the test part.
    places : ndarray of int64, shape (N,), or None
        Which row of its file each is, from 0: those without a label are left out here. None: all are here.
    notes : tuple of str
        What the reader must be told: rows left out for want of a label, a guessed separator.
    aside : tuple of Column
        Those of the dropped columns that can still be looked at, for what they say about the rows: a running number, names,
        columns that are there twice or constant. () where there is a test file.
    """

    source: str
    digest: str
    label: str
    columns: tuple[Column, ...]
    dropped: tuple[tuple[str, str], ...]
    y: np.ndarray
    classes: tuple[str, ...]
    groups: np.ndarray | None = None
    group: str = ""
    test_from: int | None = None
    places: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    aside: tuple[Column, ...] = ()

    def __len__(self) -> int:
        return len(self.y)
