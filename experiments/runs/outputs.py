"""Figures and tables that are written beside the store."""
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
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


def document(path: Path) -> str:
    """Return the text of a document of which a part is to be replaced.

    Raises
    ------
    OutputError
        When it could not be written either, as `writing`, or is not text. A named pipe is not waited for.
    """
    from nn.files import place

    try:
        with named(path):
            place(path)
            return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise OutputError(f"{path}: got a byte that is no UTF-8 (number {error.start}), accepted: text in UTF-8") from error


@contextmanager
def named(path: str | PathLike[str]) -> Iterator[None]:
    """Turn an OSError of what writes `path` into an OutputError of one line."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
