"""Small real tables, cross-validated: part of all folds but one to train on, the samples of that one held out."""
import hashlib
from dataclasses import replace
from functools import lru_cache

import numpy as np

from .checks import counts
from .digits import digits
from .folds import k_fold
from .labels import flip_labels, stratified_order
from .preprocessing import Standardisation, prepared
from .proben1 import proben1
from .sets import DataSet, Split
from .uci import breast_cancer

FOLDS = 5  # held out are 20 %, as usual
SAMPLES = {"digits": 1797, "breast_cancer": 569, "diabetes": 768}
SCALED = ("breast_cancer", "diabetes")  # columns in units of their own; pixels are left as they are


@lru_cache(maxsize=3)
def whole(name: str) -> DataSet:
    """A table as one training part, always in the same order; the other parts are empty.

    Parameters
    ----------
    name : {"breast_cancer", "digits", "diabetes"}
        The last is Proben1's, see `proben1`.

    Raises
    ------
    FileNotFoundError
        When the files of Proben1 are not there.
    """
    data = {"digits": digits, "breast_cancer": breast_cancer}[name]() if name != "diabetes" else proben1(name)
    parts = (data.train, data.validation, data.test)
    x, y = (np.concatenate([getattr(part, field) for part in parts]) for field in ("x", "y_clean"))
    nothing = Split(x[:0], y[:0], y[:0])
    return replace(data, train=Split(x, y, y), validation=nothing, test=nothing)


def found(name: str) -> bool:
    """Whether a table is on this machine."""
    try:
        return bool(len(whole(name).train))
    except FileNotFoundError:
        return False


def fingerprint(name: str) -> str:
    """What tells a table that is read from files from another one of its name; "" for one that travels with the code."""
    if name != "diabetes":
        return ""
    part = whole(name).train
    return hashlib.sha256(part.x.tobytes() + part.y.tobytes()).hexdigest()[:16]


def cross_validated(name: str, train: int, validation: int, test: int | None = None, *, noise: float = 0.0,
                    seed: int = 0) -> DataSet:
    """One fold of a stratified cross-validation, trained on a part of the others: a point of a learning curve.

    Seeds 0 to 4 are the five folds of one division, 5 to 9 those of the next. Within a division a sample's label is flipped
    or not whatever fold it is in, and a smaller training set is part of a larger one.

    Parameters
    ----------
    name : str
        As `whole` takes it.
    train : int
        Training samples, from the four folds that are not held out.
    validation : int
        Held-out samples; folds differ in size by one, so that `N // 5` are in each.
    test : int, optional
        Of what is left of the four folds, which may be nothing; None takes it all.
    noise : float
        Share of flipped labels: an exact count of the whole table, before it is divided.
    seed : int

    Returns
    -------
    DataSet
        Tables with units are standardised by the training samples.

    Raises
    ------
    TypeError, ValueError
        When a size does not fit or `noise` is out of range.
    """
    counts(1, train=train, validation=validation)
    counts(0, test=test or 0)
    table = whole(name)
    repetition, fold = divmod(seed, FOLDS)
    x, y_clean = table.train.x, table.train.y
    y = flip_labels(y_clean, noise, len(table.classes), np.random.default_rng([repetition, 0]))
    pool, held = k_fold(y, FOLDS, seed=repetition)[fold]
    for part, size, room in (("train", train + (test or 0), len(pool)), ("validation", validation, len(y) // FOLDS)):
        if size > room:
            raise ValueError(f"{part}: got {size}{' with test' * (size != train and part == 'train')}, accepted: at most "
                             f"{room} of the {len(y)} samples of {name}")
    pool = pool[stratified_order(y[pool], np.random.default_rng([repetition, 1, fold]))]
    held = held[stratified_order(y[held], np.random.default_rng([repetition, 2, fold]))][:validation]
    parts = [Split(x[rows], y[rows], y_clean[rows]) for rows in (pool[:train], held, pool[train:][:test])]
    data = replace(table, train=parts[0], validation=parts[1], test=parts[2])
    return prepared(data, Standardisation.of) if name in SCALED else data
