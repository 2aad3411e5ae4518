"""fit(checkpoint=...) under SIGKILL: processes are really killed, at random moments and at the worst ones, and resumed.

A driver process forks a child for each attempt, so that a kill costs milliseconds and not a start of Python; one test
starts new interpreters all the same.
"""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nn import CheckpointError
from tests.checkpointing import remains, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork and SIGKILL")

DRIVER = """
import hashlib, json, os, pathlib, random, signal, sys, time
import nn.fitting.checkpoint
from tests.checkpointing import contents, remains, start

folder, name, backend, seed, kills = json.loads(sys.argv[1])
path, rng = os.path.join(folder, "run"), random.Random(seed)

def digest(pair):
    return {key: hashlib.sha256(str(value).encode()).hexdigest() for key, value in remains(*pair).items()}

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def attempt(child):
    # Run child() in a process of its own; return its pid.
    pid = os.fork()
    if pid == 0:
        try:
            child()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid

def slow_train():
    write = nn.fitting.checkpoint.RunFile.write
    def slow_write(self):
        write(self)
        os.write(pipe[1], b".")
        time.sleep(0.01)
    nn.fitting.checkpoint.RunFile.write = slow_write
    found = digest(start(name, backend, path, epochs=60))
    with open(os.path.join(folder, "result"), "w") as file:
        json.dump(found, file)

def die_in_write(count, moment):
    # Train; at the count-th write die at one moment of it.
    fsync, replace, writes = os.fsync, os.replace, [0]
    def dying_fsync(handle):
        writes[0] += 1
        if writes[0] == count and moment == "empty":
            os.ftruncate(handle, 0)
            die()
        if writes[0] == count and moment == "half":
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
            die()
        fsync(handle)
        if writes[0] == count and moment == "synced":
            die()
    def dying_replace(source, target):
        if writes[0] == count and moment == "before":
            die()
        replace(source, target)
        if writes[0] == count and moment == "after":
            die()
    nn.fitting.checkpoint.os.fsync, nn.fitting.checkpoint.os.replace = dying_fsync, dying_replace
    start(name, backend, path)

def wait(pid):
    status = os.waitpid(pid, 0)[1]
    return "killed" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

report = {"whole": digest(start(name, backend, epochs=60)), "killed": 0, "leftovers": 0, "progress": []}
if kills:  # at random moments
    while True:
        pipe = os.pipe()
        pid = attempt(slow_train)
        os.close(pipe[1])  # a child that fails ends the wait for it
        if report["killed"] < kills:
            if rng.random() < 0.75:
                os.read(pipe[0], 1)  # its first epoch; else it is killed at its start
            time.sleep(rng.uniform(0, 0.1))
            os.kill(pid, signal.SIGKILL)
        end = wait(pid)
        os.close(pipe[0])
        report["killed"] += end == "killed"
        report["leftovers"] += any(file.endswith(".part") for file in os.listdir(folder))
        if os.path.exists(path):
            report["progress"].append(contents(pathlib.Path(path))[0]["update"])
        if end != "killed":
            break
    assert end == 0, end
    report["resumed"] = json.load(open(os.path.join(folder, "result")))
else:  # at every write, at its worst moments
    report["whole"] = digest(start(name, backend))
    for moment in ("empty", "half", "synced", "before", "after"):
        for count in (1, 2, 4):
            if os.path.exists(path):
                os.unlink(path)
            assert wait(attempt(lambda: die_in_write(count, moment))) == "killed"
            files = os.listdir(folder)
            parts = sum(file.endswith(".part") for file in files)
            assert parts == (moment != "after"), (moment, files)
            assert ("run" in files) == (count > 1 or moment == "after"), (moment, files)
            report["leftovers"] += parts
            assert digest(start(name, backend, path)) == report["whole"], (moment, count)
            assert os.listdir(folder) == ["run"]
    report["resumed"] = report["whole"]
report["files"] = os.listdir(folder)
print(json.dumps(report))
"""
ROOT = Path(__file__).parent.parent


def drive(folder, name, backend, seed=0, kills=0):
    done = subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", DRIVER,
                           json.dumps([str(folder), name, backend, seed, kills])], capture_output=True, text=True, cwd=ROOT,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["resumed"] == report["whole"]
    return report


def check_random_kills(report):
    assert report["killed"] >= 6
    assert report["progress"] == sorted(report["progress"])  # no file was ever lost or put back
    assert sorted(report["files"]) == ["result", "run"]


def crossed(one, other):
    """Both runs with each backend; each of them once is slow, as the file is the same work for both."""
    return [pytest.param(backend, name, marks=[pytest.mark.slow] * slow) for backend, name, slow in (
        ("numba", one, False), ("numpy", other, False), ("numpy", one, True), ("numba", other, True))]


# 60 epochs sleep 0.6 s, and a child lives for 0.1 s at most after its first: six kills strike in the middle of the run even
# on the fastest machine.
@pytest.mark.parametrize(("backend", "name"), crossed("everything", "recurrent"))
def test_killed_at_random_moments(backend, name, tmp_path):
    report = drive(tmp_path, name, backend, seed=1, kills=10)
    check_random_kills(report)
    assert len(set(report["progress"])) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["everything", "recurrent", "rprop", "one check"])
def test_killed_at_many_random_moments(backend, name, seed, tmp_path):
    check_random_kills(drive(tmp_path, name, backend, seed=seed, kills=60))


@pytest.mark.parametrize(("backend", "name"), crossed("everything", "stopped"))
def test_killed_within_a_write(backend, name, tmp_path):
    assert drive(tmp_path, name, backend)["leftovers"] == 12


INTERPRETER = """
import sys, time
import nn.fitting.run
from tests.checkpointing import start
write = nn.fitting.checkpoint.RunFile.write
def told(self):
    write(self)
    print("written", flush=True)
    time.sleep(0.02)
nn.fitting.checkpoint.RunFile.write = told
start(*sys.argv[1:4])
"""


def test_another_interpreter_goes_on(backend, tmp_path):
    """Two new interpreters, each killed after some epochs; this process finishes what they began."""
    path, rng = tmp_path / "run", np.random.default_rng(3)
    whole = remains(*start("everything", backend))
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", INTERPRETER, "everything", backend, str(path)], cwd=ROOT,
                              stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "written\n"
            time.sleep(rng.uniform(0, 0.02))
            os.kill(child.pid, signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
    assert remains(*start("everything", backend, path)) == whole
    assert os.listdir(tmp_path) == ["run"]


def test_a_half_file_in_place_of_the_checkpoint_is_not_believed(tmp_path):
    """What no crash of ours leaves behind, but a full disk or a bad copy may."""
    path = tmp_path / "run"
    start("everything", "numpy", path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        start("everything", "numpy", path)
