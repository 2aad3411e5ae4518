"""Images as settings of a question (`images`, `data_dir`, `image_train`, `image_validation`): their files and sizes."""
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from ..data.images import READERS, Images, read_images
from ..runs.settings import SettingError, Settings, at_least, choice, requirement

TITLES = {"digits": "Digits", "fashion_mnist": "Fashion-MNIST", "mnist": "MNIST"}


@dataclass(frozen=True)
class ImageSettings(Settings):
    """Settings of a question about images."""

    images: Annotated[str, choice(*TITLES)] = "digits"
    """The second data set: digits (embedded), fashion_mnist (embedded in part) or mnist; image_... settings are about it."""
    data_dir: str = ""
    """Folder of the four files of fashion_mnist or mnist; if empty, the one that AFTERZERO_DATA names, the system's, or the
    embedded cut. Runs are known by what the files hold, not by where they are."""
    image_train: Annotated[int, at_least(1)] = 300
    """Training samples: few, so that the network can memorise wrong labels and generalisation is not saturated."""
    image_validation: Annotated[int, at_least(0, "0 for as many as image_train")] = 0
    """Validation samples; 0: as many as for training, or what a training file has left. The rest of the 1797 digits is their
    test set; fashion_mnist and mnist have a test file, which is used whole."""

    def related(self, need: Callable[..., None]) -> None:
        """Enough digits, and no folder for them."""
        if self.images == "digits":
            need(not self.data_dir, "data_dir",
                 "a folder with images fashion_mnist or mnist, but none with digits, which are embedded")
            need(sum(sizes(self, None)) < 1797, "image_train", "less than 1797 with image_validation")


def images_of(config: Any) -> Images | None:
    """Return the files of the images, read once per process; None for digits, which are embedded.

    Raises
    ------
    SettingError
        When they are not there or damaged.
    """
    if config.images not in READERS:
        return None
    try:
        return read_images(config.images, config.data_dir)
    except (OSError, ValueError) as error:
        raise SettingError(str(error)) from error


def images_title(config: Any, images: Images | None) -> str:
    """Return what tables and figures call the images: "Fashion-MNIST", or "Fashion-MNIST, embedded cut"."""
    name = TITLES[config.images]
    return f"{name}, {images.stand_in}" if images is not None and images.stand_in else name


def sizes(config: Any, images: Images | None) -> tuple[int, int]:
    """Return how many images are for training and for validation.

    Raises
    ------
    SettingError
        When the files have too few. (The number of digits is known before anything is read: Config checks it.)
    """
    train, validation = config.image_train, config.image_validation
    if images is None:
        return train, validation or train
    total = len(images.files.labels)
    need = requirement(config, SettingError)
    need(validation < total, "image_validation", f"less than {total}, the training images of {_what(images)}")
    need(train <= total - max(validation, 1), "image_train",
         f"at most {total - max(validation, 1)}, what validation leaves of the {total} training images of {_what(images)}")
    return train, validation or min(train, total - train)


def short_note(images: Images | None) -> str:
    """Return the note of the images without the advice how to get others, as it stands below a table."""
    return images.note.partition(";")[0] if images is not None else ""


class Pictures(NamedTuple):
    """Images as a question describes them: what they are called, a note on them ("": none), and what `describe` is told."""

    title: str
    note: str
    settings: dict[str, Any]


def pictures(config: Any) -> Pictures:
    """Return how runs on the images that these settings name are described; raises SettingError as `images_of`, `sizes` do.

    All that training and validation leave are test images. The fingerprint of the files stands in the description.
    """
    images = images_of(config)
    training, validation = sizes(config, images)
    return Pictures(images_title(config, images), short_note(images), {
        "data": config.images, "train": training, "validation": validation, "test": 0,
        "files": "" if images is None else images.fingerprint})


def announce(images: Images | None) -> None:
    """Print the whole note, if there is one, on standard error."""
    if images is not None and images.note:
        print(f"images: {images.note}", file=sys.stderr, flush=True)


def _what(images: Images) -> str:
    return images.note or TITLES[images.image_set.name]
