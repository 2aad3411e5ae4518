"""Figures and tables that are written beside the store."""
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import IO, Any

from .schema import StoreError


class OutputError(StoreError):
    """A figure or a table cannot be written; what stood there is left as it was. The message says why."""


@contextmanager
def writing(path: str | PathLike[str], *, text: bool = False) -> Iterator[IO[Any]]:
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
def named(path: str | PathLike[str]) -> Iterator[None]:
    """Turn an OSError of what writes `path` into an OutputError of one line."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
