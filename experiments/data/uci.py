"""Three small tables that everybody knows: iris, wine, breast cancer. Real, numeric, and good for seconds of training."""
from functools import lru_cache

import numpy as np

from .embedded import read_embedded
from .parts import split_parts, three_sizes
from .sets import DataSet

SHA256 = {"iris": "b9470abe241a87c9a16160dd676e1f75be1bf3d37e71b2f3887c06bea7334f76",
          "wine": "f2909b6928f3a86c46442ba969b9e0a5b6bd6b1cf088adcfc10e38e6a739d665",
          "breast_cancer": "d35383f294046b3609a23ad5236031d2bf668b7c7e500c9d0474a2765bfe03b6"}
SOURCES = {"iris": "Iris (R. A. Fisher, 1936)", "wine": "Wine (M. Forina et al., UCI, 1991)",
           "breast_cancer": "Breast Cancer Wisconsin, Diagnostic (W. Wolberg, W. Street, O. Mangasarian, UCI, 1995)"}
LICENCE = "BSD-3-Clause; text in experiments/data/scikit_learn_LICENSE.txt"


@lru_cache(maxsize=3)
def _table(name: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Inputs float32 (N, D), class ids int64 (N,) and class names. The first line of a file is "N,D,names of classes"."""
    first, *lines = read_embedded(f"{name}.csv.gz", SHA256[name]).decode("ascii").splitlines()
    table = np.loadtxt(lines, delimiter=",", ndmin=2)  # (N, D + 1), the class last
    x, y = table[:, :-1].astype(np.float32), table[:, -1].astype(np.int64)
    for array in (x, y):
        array.flags.writeable = False  # they are shared by all callers
    return x, y, tuple(first.split(",")[2:])


def _load(name: str, train: int | None, validation: int | None, test: int | None, noise: float, seed: int) -> DataSet:
    x, y, classes = _table(name)
    sizes = three_sizes(len(y), train, validation, test)
    train_set, validation_set, test_set = split_parts(x, y, sizes, len(classes), noise=noise, seed=seed)
    return DataSet(name, train_set, validation_set, test_set, classes=classes,
                   source=f"{SOURCES[name]}, as distributed with scikit-learn 1.9.1", licence=LICENCE)


def iris(train: int | None = None, validation: int | None = None, test: int | None = None, *, noise: float = 0.0,
         seed: int = 0) -> DataSet:
    """Stratified, seeded splits of 150 flowers of 3 species, 50 each; 4 lengths in cm, not scaled.

    One flower is in the table twice (and may be in two parts): `leakage_report` finds it.

    Parameters
    ----------
    train, validation, test : int, optional
        Sizes of the parts; by default a half, a quarter, and all that is left.
    noise : float
        Share of labels flipped to another class, an exact count in each part; clean labels are kept beside them.
    seed : int
        Decides splits and flips.

    Returns
    -------
    DataSet
        x is float32 of shape (N, 4), y is int64 of shape (N,).

    Raises
    ------
    ValueError
        When the sizes do not fit, `noise` is out of range or the embedded file is damaged.
    """
    return _load("iris", train, validation, test, noise, seed)


def wine(train: int | None = None, validation: int | None = None, test: int | None = None, *, noise: float = 0.0,
         seed: int = 0) -> DataSet:
    """Stratified, seeded splits of 178 wines of 3 growers (59, 71, 48); 13 chemical measures, in very different units.

    Parameters as `iris`. x is float32 of shape (N, 13), not scaled: see `Standardisation`.
    """
    return _load("wine", train, validation, test, noise, seed)


def breast_cancer(train: int | None = None, validation: int | None = None, test: int | None = None, *, noise: float = 0.0,
                  seed: int = 0) -> DataSet:
    """Stratified, seeded splits of 569 tumours, 212 malignant (class 0) and 357 benign; 30 measures of cell nuclei.

    Parameters as `iris`. x is float32 of shape (N, 30), not scaled: see `Standardisation`. This is the Diagnostic table, not
    the Original one of 699 cases that Proben1 calls cancer.
    """
    return _load("breast_cancer", train, validation, test, noise, seed)
