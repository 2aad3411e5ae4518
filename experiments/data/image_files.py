"""Image sets in four IDX files (training and test, images and labels), as MNIST and Fashion-MNIST are published."""
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .idx import IdxError, encode_header, read_idx

CLASSES = 10
STEMS = {(part, what): f"{part}-{what}-idx{axes}-ubyte" for part in ("train", "t10k")
         for what, axes in (("images", 3), ("labels", 1))}


@dataclass(frozen=True)
class ImageFiles:
    """What four files hold.

    Attributes
    ----------
    images, test_images : ndarray of uint8, shape (N, rows, columns)
        Grey values, 0 to 255.
    labels, test_labels : ndarray of uint8, shape (N,)
        0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def sha256(self) -> tuple[str, ...]:
        """Of training images and labels, test images and labels, each as the unpacked IDX file, however it was packed."""
        hashes = []
        for array in (self.images, self.labels, self.test_images, self.test_labels):
            digest = hashlib.sha256(encode_header(array.shape))
            digest.update(array.tobytes())
            hashes.append(digest.hexdigest())
        return tuple(hashes)

    def fingerprint(self) -> str:
        """64 hexadecimal digits in which all four files have a part: sets that differ in labels alone differ here, too."""
        return hashlib.sha256("".join(self.sha256()).encode()).hexdigest()


def find_file(folder: Path, part: str, what: str) -> Path | None:
    """Return the path of one of the four files, packed or not, under any of the names in use, or None."""
    stem = STEMS[part, what]
    for name in (stem, stem.replace("-idx", ".idx")):
        for path in (Path(folder, name), Path(folder, f"{name}.gz")):
            if path.is_file():
                return path
    return None


def holds_image_files(folder: Path) -> bool:
    """Is one of the four files there? Then the absence of another is a fault, not a reason to look elsewhere."""
    return any(find_file(folder, *key) for key in STEMS)


def read_image_files(folder: Path, *, max_bytes: int = 2**30) -> ImageFiles:
    """Read the four files.

    Parameters
    ----------
    folder : str or path
    max_bytes : int
        Limit for each file, see `read_idx`.

    Raises
    ------
    FileNotFoundError
        When one of the files is missing.
    IdxError
        (a ValueError) When a file is damaged, counts or image sizes disagree, or a label is above 9.
    """
    paths = {key: find_file(folder, *key) for key in STEMS}
    there = {key: path for key, path in paths.items() if path is not None}
    missing = [STEMS[key] for key in paths if key not in there]
    if missing:
        raise FileNotFoundError(f"{folder}: got no {', '.join(missing)}, accepted: these names, with or without .gz")
    arrays = []
    for part in ("train", "t10k"):
        images, labels = (read_idx(there[part, what], max_bytes=max_bytes) for what in ("images", "labels"))
        check_pair(images, labels, there[part, "images"], there[part, "labels"])
        arrays += [images, labels]
    if arrays[0].shape[1:] != arrays[2].shape[1:]:
        raise IdxError(f"{folder}: got training images of {arrays[0].shape[1:]} and test images of {arrays[2].shape[1:]} "
                       "pixels, accepted: one size")
    return ImageFiles(*arrays)


def check_pair(images: np.ndarray, labels: np.ndarray, images_path: Any, labels_path: Any) -> None:
    """Refuse images (N, rows, columns) and labels (N,) that do not belong together."""
    for array, axes, path in ((images, 3, images_path), (labels, 1, labels_path)):
        if array.ndim != axes:
            raise IdxError(f"{path}: got {array.ndim} axes, accepted: {axes}")
    if len(images) != len(labels):
        raise IdxError(f"{labels_path}: got {len(labels)} labels for {len(images)} images in {images_path}, accepted: as "
                       "many")
    if labels.max() >= CLASSES:
        raise IdxError(f"{labels_path}: got label {labels.max()}, accepted: 0 to {CLASSES - 1}")
