"""The images of zero_loss: which sets there are, their files, and how many samples of them are used."""
import sys
from typing import Any

from ...data.images import READERS, Images, read_images
from ...runs.settings import SettingError, requirement

TITLES = {"digits": "Digits", "fashion_mnist": "Fashion-MNIST", "mnist": "MNIST"}


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


def announce(images: Images | None) -> None:
    """Print the whole note, if there is one, on standard error."""
    if images is not None and images.note:
        print(f"images: {images.note}", file=sys.stderr, flush=True)


def _what(images: Images) -> str:
    return images.note or TITLES[images.image_set.name]
