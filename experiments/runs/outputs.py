"""Figures and tables that are written beside the store."""
from contextlib import contextmanager

from .schema import StoreError


class OutputError(StoreError):
    """A figure or a table cannot be written; what stood there is left as it was. The message says why."""


@contextmanager
def writing(path, *, text: bool = False):
    """As `nn.files.replacing`, for people: an error is an OutputError of one line.

    Raises
    ------
    OutputError
        When there is no regular file to be written, the disk is full, and the like.
    """
    from nn.files import replacing

    with named(path), replacing(path, text=text) as file:
        yield file


@contextmanager
def named(path):
    """Turn an OSError of what writes `path` into an OutputError of one line."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
