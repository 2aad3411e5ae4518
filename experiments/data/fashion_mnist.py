"""Fashion-MNIST: 28 x 28 pixels of clothes, ten classes. The whole set where it is installed, else a small embedded cut."""
import io
from os import PathLike

from .embedded import read_embedded
from .idx import parse_idx
from .image_files import ImageFiles
from .image_sets import FASHION_MNIST, image_data_set, read_published
from .sets import DataSet

CUT = 500  # images in each of the two parts of the cut
CUT_SHA256 = {
    "fashion_mnist_cut-images-idx3-ubyte.gz": "5f4e34f957fed96b6a04a6e1ddb85d0dc27fcb8e5bec8b56e855a2b10aeafdb1",
    "fashion_mnist_cut-labels-idx1-ubyte.gz": "3014bb82648d6af5f68ab373868be2231a1eafc2c984be4cd096bdcbb9d02d5e"}
CUT_NOTE = f"an embedded cut of Fashion-MNIST, {CUT} + {CUT} of its 60000 + 10000 images; for all, {FASHION_MNIST.advice}"


def fashion_mnist(train: int | None = None, validation: int | None = None, test: int | None = None, *, noise: float = 0.0,
                  seed: int = 0, data_dir: str | PathLike[str] | None = None) -> DataSet:
    """Fashion-MNIST, whole or cut.

    The first of these that has the files is taken: `data_dir`; the folder that the environment variable AFTERZERO_DATA names
    (itself, or fashion-mnist or usr/share/datasets/fashion-mnist in it); /usr/share/datasets/fashion-mnist, where Debian's
    package dataset-fashion-mnist puts them; the embedded cut. The field `note` of the result says if it is the cut.

    Parameters
    ----------
    train, validation : int, optional
        Sizes of these parts of the training file, stratified; by default a fifth of it for validation, and the rest.
    test : int, optional
        Size of a stratified part of the test file; None takes all.
    noise : float
        Share of labels flipped to another class, an exact count in each part; clean labels are kept beside them.
    seed : int
        Decides splits and flips.
    data_dir : str or path, optional
        Folder of the four IDX files, raw or packed; looked up nowhere else if given.

    Returns
    -------
    DataSet
        x is float32 of shape (N, 784) in [0, 1], y is int64 of shape (N,), 10 classes.

    Raises
    ------
    FileNotFoundError
        When `data_dir` lacks the files, a folder has only some of them, or AFTERZERO_DATA names no folder.
    ValueError
        When the sizes do not fit (the cut has 500 + 500 images), `noise` is out of range, or a file is damaged.
    """
    files, note = read_fashion_mnist(data_dir)
    return image_data_set(FASHION_MNIST, files, train, validation, test, noise=noise, seed=seed, note=note)


def read_fashion_mnist(data_dir: str | PathLike[str] | None = None) -> tuple[ImageFiles, str]:
    """Return the files and a note on them; `data_dir` and errors of the files as of `fashion_mnist`."""
    return read_published(FASHION_MNIST, data_dir) or (read_cut(), CUT_NOTE)


def read_cut() -> ImageFiles:
    """Return the embedded cut: the first 50 training images of each class, in file order, and the first 50 test images."""
    images, labels = (parse_idx(io.BytesIO(read_embedded(name, sha256)), name) for name, sha256 in CUT_SHA256.items())
    return ImageFiles(images[:CUT], labels[:CUT], images[CUT:], labels[CUT:])
