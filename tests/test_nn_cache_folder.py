"""The folder of compiled kernels: nobody else's files are loaded, nothing but our own folders is ever deleted."""
import hashlib
import logging
import os
import pickle
import stat
import time
from pathlib import Path

import pytest

from nn.cpu import cache

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="no user ids")
STAMP = "0123456789abcdef"
OLD = "fedcba9876543210"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("AFTERZERO_CACHE_DIR", str(tmp_path / "root"))
    return tmp_path / "root"


def age(path, days=60):
    past = time.time() - days * 86400
    os.utime(path, (past, past))


def ours(root, name=OLD):
    """A folder as an earlier version made it, two months old."""
    cache._make(root / name)
    (root / name / "kernel.nbc").write_bytes(b"x")
    age(root / name)
    return root / name


# --- what is deleted ---

def test_our_old_folders_are_deleted_and_young_ones_stay(root):
    root.mkdir(mode=0o700)
    old, young = ours(root), ours(root, "a" * 16)
    age(young, days=20)
    assert cache.cache_folder(STAMP) == root / STAMP
    assert not old.exists() and young.is_dir()


def test_folders_of_the_user_are_left_alone(root):
    root.mkdir(mode=0o700)
    documents, unmarked, misnamed, forged = root / "Documents", root / OLD, root / "marked", root / ("b" * 16)
    for folder in (documents, unmarked, misnamed, forged):
        folder.mkdir()
        (folder / "thesis.tex").write_text("years of work")
    (misnamed / cache.MARK).write_text(cache.MARK_TEXT)
    (forged / cache.MARK).write_text("something else")
    for folder in (documents, unmarked, misnamed, forged):
        age(folder)
    cache.cache_folder(STAMP)
    assert all((folder / "thesis.tex").read_text() == "years of work" for folder in (documents, unmarked, misnamed, forged))


def test_nothing_is_deleted_through_a_link(root, tmp_path):
    root.mkdir(mode=0o700)
    elsewhere = ours(tmp_path, "c" * 16)
    (root / ("c" * 16)).symlink_to(elsewhere)
    linked_mark = root / ("d" * 16)
    linked_mark.mkdir()
    (linked_mark / cache.MARK).symlink_to(elsewhere / cache.MARK)
    inside = ours(root)
    (inside / "link").symlink_to(elsewhere)
    for path in (elsewhere, linked_mark, inside):
        age(path)
    os.utime(root / ("c" * 16), (0, 0), follow_symlinks=False)
    cache.cache_folder(STAMP)
    assert (elsewhere / "kernel.nbc").exists() and linked_mark.is_dir() and not inside.exists()


def test_a_folder_that_stood_there_is_never_marked_as_ours(root):
    (root / STAMP).mkdir(parents=True, mode=0o700)
    root.chmod(0o700)
    assert cache.cache_folder(STAMP) == root / STAMP
    assert not (root / STAMP / cache.MARK).exists() and not cache.is_ours(root / STAMP)


# --- which stamp the sources have ---

def test_a_stamp_that_was_found_is_known_till_its_folder_goes(root):
    assert cache.stamp_known("abc") == ""
    folder = cache.cache_folder(STAMP)
    assert cache.stamp_known("abc") == ""
    cache.remember_stamp(folder, "abc")
    assert cache.stamp_known("abc") == STAMP and cache.stamp_known("abd") == ""
    (root / "mine").mkdir()
    cache.remember_stamp(root / "mine", "abd")
    assert cache.stamp_known("abd") == ""  # no folder of ours
    cache.remember_stamp(root / "missing", "abc")  # a disk that may not be written to


# --- whose folder is used ---

def refused(caplog):
    """The folder that is used instead, and the message."""
    with caplog.at_level(logging.WARNING, logger="afterzero"):
        folder = cache.cache_folder(STAMP)
    return folder, " ".join(caplog.messages)


def test_new_folders_are_private(root):
    umask = os.umask(0)
    try:
        folder = cache.cache_folder(STAMP)
    finally:
        os.umask(umask)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (root, folder)] == [0o700, 0o700]


@pytest.mark.parametrize("which", ["root", "folder"])
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_can_write_to_is_refused(root, caplog, which, mode):
    folder = cache.cache_folder(STAMP)
    bad = root if which == "root" else folder
    bad.chmod(mode)
    instead, message = refused(caplog)
    assert root not in instead.parents and stat.S_IMODE(instead.stat().st_mode) == 0o700
    assert f"{bad} is writable by others" in message and "accepted: " in message


@pytest.mark.parametrize("which", ["root", "folder"])
def test_a_folder_of_somebody_else_is_refused(root, caplog, monkeypatch, which):
    folder = cache.cache_folder(STAMP)
    bad = root if which == "root" else folder
    if os.getuid() == 0:
        os.chown(bad, 12345, 12345)
    else:
        monkeypatch.setattr(os, "getuid", lambda: bad.stat().st_uid + 1)
    instead, message = refused(caplog)
    assert root not in instead.parents and "belongs to user" in message


def test_a_link_in_place_of_our_folder_is_refused(root, tmp_path, caplog):
    root.mkdir(mode=0o700)
    (tmp_path / "trap").mkdir(mode=0o700)
    (root / STAMP).symlink_to(tmp_path / "trap")
    instead, message = refused(caplog)
    assert root not in instead.parents and "is no folder" in message


@pytest.mark.parametrize("mode", [0o777, 0o707])
def test_a_place_where_others_could_put_another_folder_is_refused(root, caplog, monkeypatch, mode):
    outer = root.parent / "outer"
    outer.mkdir()
    outer.chmod(mode)
    monkeypatch.setenv("AFTERZERO_CACHE_DIR", str(outer / "root"))
    instead, message = refused(caplog)
    assert outer not in instead.parents and f"{outer} is writable by others" in message
    outer.chmod(mode | stat.S_ISVTX)
    assert cache.cache_folder(STAMP) == outer / "root" / STAMP


def test_a_link_to_the_root_is_followed_once(root, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(root)
    root.mkdir(mode=0o700)
    monkeypatch.setenv("AFTERZERO_CACHE_DIR", str(tmp_path / "link"))
    assert cache.cache_folder(STAMP) == root / STAMP


def test_temporary_folders_go_when_they_are_told(root):
    folder = cache.temporary_folder()
    assert folder.is_dir()
    cache.remove_temporary()
    assert not folder.exists()


def test_without_user_ids_the_owner_is_not_asked(root, monkeypatch):
    root.mkdir(mode=0o777)
    root.chmod(0o777)
    monkeypatch.delattr(os, "getuid")
    assert cache.cache_folder(STAMP) == root / STAMP


# --- what is loaded ---

class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


@pytest.mark.compiled
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_nothing_is_unpickled_before_its_checksum_is_right(tmp_path, monkeypatch, suffix):
    from nn.cpu import compile
    monkeypatch.setattr(compile, "_directory", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert compile.entry(triple)(1) == 3
    [path] = Path(tmp_path).rglob(f"*.{suffix}")
    path.write_bytes(hashlib.sha256(b"something else").digest() + pickle.dumps(Bomb()))
    assert compile.entry(triple)(2) == 6
    assert not (tmp_path / "exploded").exists()


def triple(number):
    return number * 3
