"""Files that are written whole or not at all, and only where that harms nobody.

A file is written beside its place, flushed to disk and renamed, so that a reader finds the old file or the new one, never
half of one. This file stands in nn and in stopping, word for word, because stopping imports nothing of ours.
"""
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

KINDS = {"a named pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK,
         "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode)}


def place(path: str | os.PathLike[str]) -> Path:
    """Return where a file of this name would be written, with links followed; nothing is touched.

    Raises
    ------
    OSError
        If what stands there is no regular file, may not be written, or belongs to another user.

    """
    target = Path(os.path.realpath(path))
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "got a folder, accepted: a regular file or a new name", str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for name, is_kind in KINDS.items() if is_kind(found.st_mode)), "a special file")
        raise OSError(errno.EINVAL, f"got {kind}, accepted: a regular file or a new name", str(path))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "got a file that may not be written, accepted: one that may, or a new name",
                              str(path))
    # A renamed file would have another owner than the one it replaces. Root gives it back, below.
    if hasattr(os, "geteuid") and os.geteuid() not in (0, found.st_uid):
        raise PermissionError(errno.EPERM, "got a file of another user, accepted: one of your own, or a new name", str(path))
    return target


@contextmanager
def replacing(path: str | os.PathLike[str], *, text: bool = False) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its place when the block ends, and never exists when the block fails.

    An existing file keeps its mode and owner; a new one has those of any new file. A link stays, and leads to the new file.

    Parameters
    ----------
    path : str or Path
    text : bool
        UTF-8 text whose line ends are written as they are; else bytes.

    Raises
    ------
    OSError
        As `place`, before anything is written; and when writing fails.

    """
    target = place(path)
    old = os.stat(target) if target.exists() else None
    temporary = target.with_name(partial_name(target.name, secrets.token_hex(4)))
    mode = 0o666 if old is None else 0o600  # what was private must not be readable meanwhile
    with _naming(path, temporary):
        # Outside the next block: only a file that was made here may be removed.
        file = open(temporary, "x" if text else "xb", encoding="utf-8" if text else None,  # noqa: SIM115
                    newline="" if text else None, opener=lambda name, flags: os.open(name, flags, mode))
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if old is not None:
                _take_over(temporary, old)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def _naming(path: str | os.PathLike[str], temporary: Path) -> Iterator[None]:
    """Let errors name the file that was asked for."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (error.filename is None or str(error.filename) == str(temporary)):
            error.filename = str(path)
            del error.filename2
        raise


def _take_over(temporary: Path, old: os.stat_result) -> None:
    new = os.stat(temporary)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.chown(temporary, old.st_uid, old.st_gid)
    os.chmod(temporary, stat.S_IMODE(old.st_mode))  # after chown, which clears some bits


def partial_name(name: str, token: str) -> str:
    """Return the name under which a file is written at first: the last 8 digits follow from the rest, so that it is ours."""
    check = hashlib.sha256(f"afterzero {name} {token}".encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{name[:40]}.afterzero-{token}{check}.part"  # cut, because file systems allow 255 bytes
