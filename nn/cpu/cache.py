"""The folder where compiled kernels are kept: whose it is, what may be deleted.

What Numba loads from its cache is pickle and machine code: whoever can write there runs code as the
user. So a folder is used only if nobody else can write to it, and nothing is ever deleted but
folders that bear our mark. What is promised stands in SECURITY.md; the files in it are the business
of kernel_files.py.
"""
import atexit
import contextlib
import logging
import os
import platform
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path

KEEP_DAYS = 30
MARK = "afterzero-cache"  # a file of this name, with this text, in every folder that we made
MARK_TEXT = (
    "Compiled kernels of afterzero. This folder is deleted when it was not used for a month.\n")
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_root():
    """Return the folder of all caches: AFTERZERO_CACHE_DIR, or this user's cache folder."""
    if os.environ.get("AFTERZERO_CACHE_DIR"):
        return Path(os.environ["AFTERZERO_CACHE_DIR"])
    homes = {"Windows": os.environ.get("LOCALAPPDATA"),
             "Darwin": os.path.expanduser("~/Library/Caches")}
    home = homes.get(platform.system(), os.environ.get("XDG_CACHE_HOME"))
    return Path(home or os.path.expanduser("~/.cache")) / "afterzero"


def cache_folder(stamp):
    """Return the folder of the sources with this stamp, made if need be.

    It is a temporary one where that cannot be trusted.
    """
    root = cache_root()
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(mode=0o700, exist_ok=True)
        # Numba opens files by their path, later: a link may lead elsewhere by then.
        root = root.resolve()
        folder = root / stamp
        _make(folder)
        why = (_untrusted(root.stat(), root) or _untrusted(folder.lstat(), folder)
               or next(filter(None, map(_replaceable, root.parents)), ""))
        if why:
            logging.getLogger("afterzero").warning(
                "compiled kernels are not kept: %s, accepted: a folder of your own that nobody "
                "else can write to (mode 700); AFTERZERO_CACHE_DIR names another", why)
            return temporary_folder()
        os.utime(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:  # a disk that is full or may not be written to
        return temporary_folder()
    _forget_old(folder)
    return folder


def stamp_known(name):
    """Return the stamp that sources of just these bytes were found to have, "" if nobody did.

    A marker in the folder of that stamp says so: whoever could have put it there is refused by
    `cache_folder`.
    """
    with contextlib.suppress(OSError):
        for folder in cache_root().iterdir():
            marker = folder / f"{name}.sources"
            if re.fullmatch("[0-9a-f]{16}", folder.name) and marker.is_file():
                return folder.name
    return ""


def remember_stamp(folder, name):
    """Let later processes find the stamp of a folder without reading what the sources mean."""
    with contextlib.suppress(OSError):
        (folder / f"{name}.sources").touch()


_temporary: list[str] = []


def temporary_folder():
    """Return a folder that is deleted when the process ends."""
    _temporary.append(tempfile.mkdtemp(prefix="afterzero-"))
    return Path(_temporary[-1])


@atexit.register
def remove_temporary():
    """Delete the temporary folders now; for ways out on which Python calls nothing."""
    while _temporary:
        shutil.rmtree(_temporary.pop(), ignore_errors=True)


def _make(folder):
    """Make a folder and mark it.

    One that stands there already is left unmarked, as we cannot know who made it.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    (folder / MARK).write_text(MARK_TEXT, encoding="utf-8")


def _untrusted(status, path):
    """Return why others could put files into a folder, or "".

    The root is followed if it is a link, ours never is one.
    """
    if not stat.S_ISDIR(status.st_mode):
        return f"{path} is no folder"
    if not hasattr(os, "getuid"):  # Windows keeps a user's folders from other users by other means
        return ""
    if status.st_uid != os.getuid():
        return f"{path} belongs to user {status.st_uid}"
    if status.st_mode & OTHERS_WRITE:
        return f"{path} is writable by others (mode {stat.S_IMODE(status.st_mode):o})"
    return ""


def _replaceable(path):
    """Return why others could put another folder in the place of one below this, or "".

    With the sticky bit, as /tmp has it, only its owner can move what lies there. Group's right to
    write is no objection here: many systems give each user a group of his own, and ~/.cache that
    mode.
    """
    status = path.stat()
    if not hasattr(os, "getuid"):
        return ""
    if status.st_uid not in (0, os.getuid()):
        return f"{path} belongs to user {status.st_uid}"
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        return f"{path} is writable by others (mode {stat.S_IMODE(status.st_mode):o})"
    return ""


def is_ours(folder):
    """Return whether `_make` provably made a folder: its name, its mark, no link, nobody else's."""
    mark = folder / MARK
    try:
        return (re.fullmatch("[0-9a-f]{16}", folder.name) is not None
                and not _untrusted(folder.lstat(), folder)
                and stat.S_ISREG(mark.lstat().st_mode) and mark.read_bytes() == MARK_TEXT.encode())
    except OSError:
        return False


def _forget_old(current):
    """Delete our folders beside this one that nobody has used for a month."""
    for other in current.parent.iterdir():
        with contextlib.suppress(OSError):
            old = time.time() - other.lstat().st_mtime > KEEP_DAYS * 86400
            if old and other != current and is_ours(other):
                shutil.rmtree(other, ignore_errors=True)  # never follows a link
