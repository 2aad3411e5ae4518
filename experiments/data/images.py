"""Image files that are read once and cut many times: for many runs, where each call of a loader would read them anew."""
import os
from dataclasses import dataclass
from functools import lru_cache

from .fashion_mnist import CUT_NOTE, read_fashion_mnist
from .image_files import ImageFiles
from .image_sets import FASHION_MNIST, MNIST, ImageSet, image_data_set
from .mnist import read_mnist
from .places import VARIABLE
from .sets import DataSet

READERS = {"fashion_mnist": (FASHION_MNIST, read_fashion_mnist), "mnist": (MNIST, read_mnist)}


@dataclass(frozen=True)
class Images:
    """An image set that has been read.

    Attributes
    ----------
    image_set : ImageSet
        Which.
    files : ImageFiles
        Its pixels as uint8: 55 MB for a whole set. Data sets hold what they need of it as float32.
    note : str
        As in DataSet.
    stand_in : str
        What was read in place of the published files: "embedded cut", "other files", or "" when it was these.
    fingerprint : str
        16 hexadecimal digits that follow from the content of the files, wherever they are and however they are packed.
    """

    image_set: ImageSet
    files: ImageFiles
    note: str
    stand_in: str
    fingerprint: str

    def data_set(self, train: int, validation: int, test: int | None = None, *, noise: float = 0.0,
                 seed: int = 0) -> DataSet:
        """Return what the loader of this set would: arguments, result and errors as of `fashion_mnist`."""
        return image_data_set(self.image_set, self.files, train, validation, test, noise=noise, seed=seed, note=self.note)


def read_images(name: str, data_dir: str = "") -> Images:
    """Read an image set once per process; the last one is kept, and files that change meanwhile are not read again.

    Parameters
    ----------
    name : str
        "fashion_mnist" or "mnist".
    data_dir : str
        As of the loaders; "" for None.

    Raises
    ------
    OSError, ValueError
        As the loader of this set, when files are missing, cannot be read or are damaged.
    """
    return _read(name, data_dir, os.environ.get(VARIABLE, ""), os.getcwd())


def images_with(name: str, fingerprint: str) -> Images:
    """Return the images of this content: those that this process has read last, or the ones that are found without a folder.

    Parameters
    ----------
    name : str
        "fashion_mnist" or "mnist".
    fingerprint : str

    Raises
    ------
    ValueError
        When neither are they.
    OSError
        As of `read_images`.
    """
    images = _last[-1] if _last and _last[-1].image_set.name == name else read_images(name)
    if images.fingerprint != fingerprint:
        images = read_images(name)
    if images.fingerprint != fingerprint:
        raise ValueError(f"files: got those of {name} with the fingerprint {images.fingerprint!r}, accepted: "
                         f"{fingerprint!r}; name their folder with {VARIABLE}")
    return images


_last: list[Images] = []  # what `_read` keeps, at most one


@lru_cache(maxsize=1)
def _read(name: str, data_dir: str, *_where: str) -> Images:
    """Read an image set; `_where` is what else decides which files are found."""
    image_set, read = READERS[name]
    files, note = read(data_dir or None)
    stand_in = "embedded cut" if note == CUT_NOTE else "other files" if note else ""
    _last[:] = [Images(image_set, files, note, stand_in, files.fingerprint()[:16])]
    return _last[0]
