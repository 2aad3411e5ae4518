"""Handwritten digits, 8 x 8 pixels: the small real image set that is always there."""
from functools import lru_cache

import numpy as np

from .checks import part_sizes
from .embedded import read_embedded
from .parts import split_parts
from .sets import DataSet

SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
SAMPLES = 1797
SOURCE = ("Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, UCI, 1998), the test part, "
          "as distributed with scikit-learn 1.9.1")
LICENCE = "BSD-3-Clause; text in experiments/data/scikit_learn_LICENSE.txt"


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """The file as whole numbers, shape (1797, 65): 64 pixels of 0..16, then the class."""
    table = np.loadtxt(read_embedded("digits.csv.gz", SHA256).decode("ascii").splitlines(), delimiter=",").astype(np.int64)
    table.flags.writeable = False  # it is shared by all callers
    return table


def digits(train: int = 300, validation: int = 300, test: int | None = None, *, noise: float = 0.0,
           seed: int = 0) -> DataSet:
    """Stratified, seeded splits of the embedded digits.

    Parameters
    ----------
    train, validation : int
        Sizes of these parts.
    test : int, optional
        Size of the test part; None takes all that is left of the 1797 samples.
    noise : float
        Share of labels flipped to another class, an exact count in each part; clean labels are kept beside them.
    seed : int
        Decides splits and flips.

    Returns
    -------
    DataSet
        x is float32 of shape (N, 64) in [0, 1] (pixels / 16), y is int64 of shape (N,), 10 classes.

    Raises
    ------
    ValueError
        When the sizes do not fit into 1797 samples, `noise` is out of range or the embedded file is damaged.
    """
    table = _table()
    x, y = (table[:, :64] / 16).astype(np.float32), table[:, 64]  # (1797, 64), (1797,)
    sizes = part_sizes(SAMPLES, train, validation, test)
    train_set, validation_set, test_set = split_parts(x, y, sizes, 10, noise=noise, seed=seed)
    return DataSet("digits", train_set, validation_set, test_set, classes=tuple("0123456789"),
                   source=SOURCE, licence=LICENCE)
