"""The data sets that a description can name: how they are loaded, how large they are, what is best possible on them."""
from typing import Any, NamedTuple

from .. import data as datasets
from ..data.cross_validation import cross_validated, fingerprint
from ..data.images import READERS, images_with
from ..data.pitfalls import PITFALLS, inputs_of
from ..data.randomized import CHANGES, randomized
from ..data.sets import DataSet
from ..runs.settings import one_of
from .description import Data


class Shape(NamedTuple):
    """What can be said of a data set before it is loaded.

    Attributes
    ----------
    inputs, classes : int
    per_train, per_test : int
        Samples for each that a description counts: 2 where it counts per class.
    """

    inputs: int
    classes: int
    per_train: int = 1
    per_test: int = 1


SETS = {"two_gaussians": Shape(10, 2, 2, 2), "sinusoid": Shape(2, 2, 1, 2), "spiral": Shape(2, 2, 2, 2),
        "digits": Shape(64, 10), "fashion_mnist": Shape(784, 10), "mnist": Shape(784, 10)}
SETS |= {name: Shape(inputs_of(name), 2) for name in PITFALLS}
RANDOMIZED = {f"digits_{change}": change for change in CHANGES}
SETS |= dict.fromkeys(RANDOMIZED, SETS["digits"])
# Cross-validated tables: the seed is division and fold, the test set what is not trained on.
FOLDED = {"digits_folds": "digits", "breast_cancer_folds": "breast_cancer", "diabetes_folds": "diabetes"}
SETS |= {"digits_folds": Shape(64, 10), "breast_cancer_folds": Shape(30, 2), "diabetes_folds": Shape(8, 2)}


def load_data(data: Data, seed: int) -> DataSet:
    """Return the data set of a run.

    A validation set of which none is wanted has one sample all the same, as no loader makes less.

    Raises
    ------
    ValueError
        When the data set is unknown, the image files are not those of `data.files`, or the sizes do not fit.
    """
    one_of("data", data.data, SETS)
    sizes = data.train, max(data.validation, 1)
    how: dict[str, Any] = {"noise": data.noise, "seed": seed}
    if data.data == "two_gaussians":
        return datasets.two_gaussians(*sizes, data.test, **how)
    if data.data == "sinusoid":
        return datasets.sinusoid(*sizes, 2 * data.test, **how)
    if data.data == "spiral":
        return datasets.spiral(*sizes, data.test, **how)
    if data.data in PITFALLS:
        return PITFALLS[data.data](*sizes, data.test or None, **how)
    if data.data in FOLDED:
        one_of("files", data.files, (fingerprint(FOLDED[data.data]),))
        return cross_validated(FOLDED[data.data], *sizes, data.test or None, **how)
    if data.data in READERS:
        return images_with(data.data, data.files).data_set(*sizes, data.test or None, **how)
    digits = datasets.digits(*sizes, data.test or None, **how)
    return randomized(digits, RANDOMIZED[data.data], **how) if data.data in RANDOMIZED else digits


def data_bytes(data: Data) -> int:
    """About how many bytes the training and validation inputs of a run are."""
    shape = SETS[data.data]
    return 4 * shape.inputs * shape.per_train * (data.train + data.validation)


def bayes_figures(data: str, noise: float) -> Any:
    """Return what no classifier can beat on a generated data set."""
    return {"two_gaussians": datasets.two_gaussians_bayes, "sinusoid": datasets.sinusoid_bayes,
            "spiral": datasets.spiral_bayes}[data](noise=noise)
