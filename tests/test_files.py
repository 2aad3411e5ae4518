"""Writing files: links are followed, modes kept, what is no regular file refused, and nothing half-written stays."""
import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import nn.files
import stopping.files
from nn import MLP, History, load, save
from nn.fitting.checkpoint import MAGIC, remove_leftovers
from stopping import GL
from stopping.figure import draw

ROOT = Path(__file__).resolve().parent.parent
posix = pytest.mark.skipif(os.name != "posix", reason="links, modes and special files of POSIX")


def model(seed=0):
    return MLP([2, 3, 2], seed=seed, backend="numpy")


def history():
    record = History(["update", "val_loss"])
    record.append({"update": 1, "val_loss": 0.5})
    return record


# All that writes a file in one go: name -> function of the path.
WRITERS = {"save": lambda path: save(path, model()), "to_csv": lambda path: history().to_csv(path),
           "figure": lambda path: draw([GL(5)], {"val_loss": [1.0, 0.5, 0.8]}, path)}


@pytest.fixture(params=WRITERS)
def write(request):
    return WRITERS[request.param]


@pytest.fixture(params=[nn.files, stopping.files], ids=["nn", "stopping"])
def files(request):
    return request.param


def test_both_packages_write_files_alike():
    assert (ROOT / "nn/files.py").read_bytes() == (ROOT / "stopping/files.py").read_bytes()


@posix
def test_a_link_is_followed_and_stays(tmp_path, write):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "target").write_text("old")
    (tmp_path / "link.png").symlink_to("far/target")
    (tmp_path / "link to link.png").symlink_to("link.png")
    write(tmp_path / "link to link.png")
    assert (tmp_path / "link to link.png").is_symlink() and (tmp_path / "link.png").is_symlink()
    assert len((tmp_path / "far" / "target").read_bytes()) > 10
    assert os.listdir(tmp_path / "far") == ["target"]


@posix
def test_a_link_to_nothing_makes_its_target(tmp_path, write):
    (tmp_path / "link.png").symlink_to("new")
    write(tmp_path / "link.png")
    assert sorted(os.listdir(tmp_path)) == ["link.png", "new"] and (tmp_path / "link.png").is_symlink()


@posix
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_the_mode_of_what_is_replaced_is_kept(tmp_path, write, mode):
    path = tmp_path / "file.png"
    path.write_text("old")
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
@pytest.mark.parametrize("mask, mode", [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path, write, mask, mode):
    old = os.umask(mask)
    try:
        write(tmp_path / "file.png")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file.png").stat().st_mode) == mode


@posix
def test_what_was_private_is_so_while_it_is_written(tmp_path, files):
    (tmp_path / "file").touch(0o600)
    with files.replacing(tmp_path / "file"):
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_root_leaves_a_file_to_its_owner(tmp_path, files):
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 12345, 23456)
    (tmp_path / "file").chmod(0o640)
    with files.replacing(tmp_path / "file") as file:
        file.write(b"new")
    found = (tmp_path / "file").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o640)


@posix
def test_a_file_of_another_user_is_left_alone(tmp_path, files, monkeypatch):
    (tmp_path / "file").write_text("theirs")
    monkeypatch.setattr(files.os, "geteuid", lambda: (tmp_path / "file").stat().st_uid + 1)
    with pytest.raises(PermissionError, match="a file of another user, accepted"), files.replacing(tmp_path / "file"):
        pytest.fail("nothing may be written")
    assert (tmp_path / "file").read_text() == "theirs" and os.listdir(tmp_path) == ["file"]


@posix
def test_a_write_protected_file_is_left_alone(tmp_path, files, monkeypatch):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "file").chmod(0o444)
    monkeypatch.setattr(files.os, "access", lambda *_: False)  # which root never hears
    with pytest.raises(PermissionError, match="may not be written, accepted"), files.replacing(tmp_path / "file"):
        pytest.fail("nothing may be written")
    assert (tmp_path / "file").read_text() == "kept" and os.listdir(tmp_path) == ["file"]


@posix
@pytest.mark.parametrize("kind", ["named pipe", "device", "socket", "folder", "link to a device", "circle of links"])
def test_what_is_no_regular_file_is_refused_and_left(tmp_path, write, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    path, holder = Path("it.png"), socket.socket(socket.AF_UNIX)
    {"named pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/null"), "folder": path.mkdir,
     "socket": lambda: holder.bind(str(path)), "link to a device": lambda: path.symlink_to("/dev/full"),
     "circle of links": lambda: path.symlink_to(path)}[kind]()
    before = os.lstat(path)
    with pytest.raises(OSError) as caught:
        write(path)
    holder.close()
    assert "it.png" in str(caught.value)
    named = kind.split()[-1] if "link" in kind else kind
    assert "circle" in kind or "which is a folder, accepted: " in str(caught.value) or f"got a {named}, accepted: " in str(
        caught.value)
    assert os.listdir() == ["it.png"] and os.lstat(path).st_ino == before.st_ino and os.lstat(path).st_mode == before.st_mode


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes devices")
def test_a_device_file_is_refused_and_left(tmp_path, write):
    path = tmp_path / "null.png"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("not even root may make devices here")
    with pytest.raises(OSError, match="got a device"):
        write(path)
    assert stat.S_ISCHR(os.lstat(path).st_mode)


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_full_disk_leaves_what_was_there(tmp_path, write, monkeypatch, old):
    if old:
        (tmp_path / "file.png").write_bytes(old)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*file\.png'$"):
        write(tmp_path / "file.png")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([old] if old else [])


@posix
def test_a_limit_that_the_system_sets_is_a_full_disk(tmp_path):
    script = textwrap.dedent("""
        import resource, sys
        import numpy as np
        from nn import files
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            with files.replacing(sys.argv[1]) as file:
                for _ in range(100):
                    file.write(bytes(1000))
        except OSError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "file")], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert str(tmp_path / "file") in done.stdout and ".part" not in done.stdout and os.listdir(tmp_path) == []


def test_a_long_name_is_none_too_long(tmp_path, files):
    name = "ä" * 120
    with files.replacing(tmp_path / name, text=True) as file:
        file.write("ü\n")
    assert (tmp_path / name).read_bytes() == "ü\n".encode()


# --- leftovers ---

def leftover(path, token="0123abcd"):
    return path.with_name(nn.files.partial_name(path.name, token))


@pytest.mark.parametrize("content", [b"", MAGIC[:7], MAGIC + b"0123"])
def test_leftovers_of_ours_are_deleted(tmp_path, content):
    path = tmp_path / "run"
    leftover(path).write_bytes(content)
    remove_leftovers(path)
    assert os.listdir(tmp_path) == []


def test_nothing_else_is_deleted(tmp_path):
    path = tmp_path / "run"
    ours = leftover(path).name
    others = {"run.0123abcd.part": b"", f"{ours}x": b"", ours.replace("0123abcd", "0123abce"): b"", ours[1:]: b"",
              leftover(tmp_path / "runs").name: b"", leftover(path, "ffffffff").name: b"my thesis",
              leftover(path, "eeeeeeee").name: MAGIC[:5] + b"?" + MAGIC[5:]}
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)
    leftover(path, "dddddddd").mkdir()
    remove_leftovers(path)
    assert set(os.listdir(tmp_path)) == {*others, leftover(path, "dddddddd").name}


@posix
def test_links_and_files_of_other_users_are_not_deleted(tmp_path, monkeypatch):
    path = tmp_path / "run"
    (tmp_path / "empty").touch()
    leftover(path, "cccccccc").symlink_to("empty")
    os.mkfifo(leftover(path, "bbbbbbbb"))
    leftover(path).touch()
    monkeypatch.setattr(os, "geteuid", lambda: leftover(path).stat().st_uid + 1)
    remove_leftovers(path)
    assert len(os.listdir(tmp_path)) == 4


@posix
def test_leftovers_lie_where_a_link_leads(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "run").symlink_to("far/target")
    leftover(tmp_path / "far" / "target").write_bytes(MAGIC)
    remove_leftovers(tmp_path / "run")
    assert os.listdir(tmp_path / "far") == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_save_leaves_what_is_known_as_ours(tmp_path):
    script = "import os, signal, sys, nn; os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL); " \
             "nn.save(sys.argv[1], nn.MLP([2, 3, 2], backend='numpy'))"
    save(tmp_path / "model", model(1))
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path / "model")], cwd=ROOT,
                          check=False).returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2
    remove_leftovers(tmp_path / "model")
    assert os.listdir(tmp_path) == ["model"]
    np.testing.assert_array_equal(load(tmp_path / "model").flat, model(1).flat)
