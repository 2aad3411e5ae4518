"""The column to learn: classes by name, or numbers to predict; and what can be neither."""
from collections.abc import Iterable, Sequence

import numpy as np

from .errors import TableError, counted, listed, shortened, shown
from .growing import MANY_VALUES
from .numbers import number
from .reading import RawTable
from .telling import coded, plain, running

MAX_CLASSES = 1000
PARTS = 3  # training, validation and test
MAX_FRACTIONS = 20  # different numbers that are not whole and still may be classes


def classes_of(table: RawTable, label: str, known: tuple[str, ...] = ()) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Return class ids int64 (N,), -1 where none stands, the names of the classes, and notes.

    Parameters
    ----------
    table : RawTable
    label : str
    known : tuple of str
        Classes of the table that this one is a test file of; new ones get ids behind theirs.

    Raises
    ------
    TableError
        If these are no classes: one alone, nearly as many as rows, a running number.
    """
    raw = table.columns[label]
    if raw.left:
        raise _no_classes(table, label, raw.left)
    codes, words = coded(raw)
    names = _names(words, raw.decimal, known or words)
    ids: dict[str, int] = {name: j for j, name in enumerate(known)}
    for name in _sorted(set(names) - set(known)):
        ids[name] = len(ids)
    y = np.array([ids[name] for name in names] + [-1], dtype=np.int64)[codes]
    notes = _missing_labels(table, label, y < 0)
    if not known:
        _refuse(table, label, y, tuple(ids))
        notes += _rare(y, tuple(ids))
    elif len(ids) > len(known):
        new = list(ids)[len(known):]
        rows = int((y >= len(known)).sum())
        notes.append(f"{counted(len(new), 'class', 'classes')} that the table has not ({listed(new, 3)}): "
                     f"{counted(rows, 'row')} that nobody can get right")
    if not known and len(ids) > MANY_VALUES and _numeric(names):
        notes.append(f"{len(ids)} different numbers in {shown(label)} are taken as classes; --regression predicts a number")
    folded: dict[str, str] = {}
    notes += shortened([f"classes {shown(folded[name.casefold()])} and {shown(name)} differ by capitals alone: two classes"
                        for name in ids if folded.setdefault(name.casefold(), name) != name])
    return y, tuple(ids), notes


def targets_of(table: RawTable, label: str, test: bool = False) -> tuple[np.ndarray, list[str]]:
    """Return numbers to predict, float64 (N,), NaN where none stands, and notes.

    Raises
    ------
    TableError
        If they are no numbers, or all equal (which those of a test file may be).
    """
    raw = table.columns[label]
    if raw.values is None:
        words = [number(word, raw.decimal) for word in raw.words]
        odd = [j for j, value in enumerate(words) if value is None]
        if odd or raw.left:
            row = int(np.flatnonzero(np.isin(raw.codes, odd))[0]) if odd and raw.codes is not None else 0
            found = shown(raw.words[odd[0]]) if odd else raw.left
            raise TableError(f"{table.path}, {table.at(row)}, column {shown(label)}: got {found}, accepted: a number, for "
                             "regression, or a blank")
        y = np.array([np.nan if value is None else value for value in words] + [np.nan])[raw.codes]
    else:
        y = raw.values
        if raw.odd:
            raise TableError(f"{table.path}, {table.place} {raw.odd[0]}, column {shown(label)}: got {shown(raw.odd[1])}, "
                             "accepted: a number, for regression, or a blank")
    y = np.where(np.isinf(y), np.nan, y)
    present = y[~np.isnan(y)]
    if not test and (not len(present) or present.min() == present.max()):
        found = f"{present[0]:g} in every row" if len(present) else "no value in any row"
        raise TableError(f"{table.path}, column {shown(label)}: got {found}, accepted: a label of different values")
    notes = _missing_labels(table, label, np.isnan(y))
    if not test and running(present):
        notes.append(f"{shown(label)} is {running(present)}: is it what is to be predicted?")
    return y, notes


def _names(words: list[str], decimal: str, known: Sequence[str]) -> list[str]:
    """Return one name for 1, 1.0 and 01, where the known labels are all numbers."""
    if not all(_finite(number(word, decimal)) for word in known):
        return words
    values = [number(word, decimal) for word in words]
    return [plain(value) if value is not None and _finite(value) else word
            for word, value in zip(words, values, strict=True)]


def _finite(value: float | None) -> bool:
    """Say whether a label is a number that no other label can be taken for: above 2^53 floats are several."""
    return value is not None and bool(np.isfinite(value)) and abs(value) < 2**53


def _sorted(names: set[str]) -> list[str]:
    """Return names in order: as numbers where all are."""
    if not _numeric(names):
        return sorted(names)
    return sorted(names, key=lambda name: (number(name) or 0.0, name))


def _numeric(names: Iterable[str]) -> bool:
    return all(value is not None and np.isfinite(value) for value in map(number, names))


def _missing_labels(table: RawTable, label: str, missing: np.ndarray) -> list[str]:
    rows = np.flatnonzero(missing)
    if not len(rows):
        return []
    return [f"{counted(len(rows), 'row')} without a label in {shown(label)} left out (the first: {table.at(int(rows[0]))})"]


def _rare(y: np.ndarray, classes: tuple[str, ...]) -> list[str]:
    counts = np.bincount(y[y >= 0], minlength=len(classes))
    few = [classes[j] for j in np.flatnonzero(counts < PARTS)]
    if not few:
        return []
    return [f"{counted(len(few), 'class', 'classes')} of fewer than {PARTS} rows ({listed(few, 3)}): not in every part"]


def _refuse(table: RawTable, label: str, y: np.ndarray, classes: tuple[str, ...]) -> None:
    labels = y[y >= 0]
    where = f"{table.path}, column {shown(label)}"
    if len(classes) < 2 or not len(labels):
        found = f"one class, {shown(classes[0])}, in every row" if classes else "no label in any row"
        raise TableError(f"{where}: got {found}, accepted: two classes at least")
    values = np.array([number(name) if number(name) is not None else np.nan for name in classes], dtype=np.float64)
    numeric = bool(np.isfinite(values).all())
    if numeric and running(values[labels]):
        raise _no_classes(table, label, f"{running(values[labels])}, {shown(classes[0])} to {shown(classes[-1])}")
    fractions = numeric and not np.array_equal(values, np.floor(values))
    if len(classes) > MAX_CLASSES or 2 * len(classes) > len(labels) or (fractions and len(classes) > MAX_FRACTIONS):
        raise _no_classes(table, label, f"{len(classes):,} different {'numbers' if numeric else 'words'} in "
                                        f"{counted(len(labels), 'row')}", numeric)


def _no_classes(table: RawTable, label: str, found: str, numeric: bool = True) -> TableError:
    remedy = "; or, where it is a number to predict, --regression" if numeric else ""
    return TableError(f"{table.path}, column {shown(label)}: got {found}, accepted: classes, at most {MAX_CLASSES} and of "
                      f"two rows or more each on average{remedy}")

