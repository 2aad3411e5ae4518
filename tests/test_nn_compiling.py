"""While kernels compile a user is told so, and Ctrl-C ends cleanly whenever it comes."""
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nn import compiling
from tests.terminals import all_of

ROOT = Path(__file__).parent.parent
SCRIPT = """
import logging, sys
import numpy as np
from losses import CrossEntropy
from nn import MLP, SGD, fit
logging.basicConfig(level=logging.INFO)
print("ready", flush=True)
try:
    fit(MLP([2, 3, 2]), np.eye(2), [0, 1], loss=CrossEntropy(), optimizer=SGD(0.1), epochs=2)
except KeyboardInterrupt:
    sys.exit(130)
"""


def start(cache, stderr=subprocess.PIPE):
    return subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=ROOT,
                            env={**os.environ, "AFTERZERO_CACHE_DIR": str(cache)})


def test_a_line_is_logged_where_nobody_shows_a_bar(caplog):
    with caplog.at_level(logging.INFO, logger="afterzero"):
        compiling.begin()
        try:
            assert compiling.text() == f"{compiling.MESSAGE}: 0 s"
        finally:
            compiling.end()
        with compiling.Watched():
            compiling.begin()
            compiling.end()
    assert caplog.messages == [compiling.MESSAGE] and compiling.text() == "" and compiling.seconds() is None


@pytest.mark.slow  # each of these compiles anew
@pytest.mark.compiled
def test_it_is_said_when_kernels_are_compiled_and_not_when_they_are_loaded(tmp_path):
    for expected in (1, 0):
        out, err = start(tmp_path).communicate(timeout=120)
        assert out == "ready\n" and (err.count(compiling.MESSAGE) >= 1) == bool(expected), err


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_bar_says_so_and_shows_no_loss_before_there_is_one(tmp_path):
    import pty
    ours, theirs = pty.openpty()
    child = start(tmp_path, stderr=theirs)
    os.close(theirs)
    text = all_of(ours)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert b"compiling, once for this" in text and b"nan" not in text


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("wait", [0.2 + 0.8 * k for k in range(8)])
def test_ctrl_c_while_kernels_compile_ends_cleanly(tmp_path, wait):
    child = start(tmp_path)
    assert child.stdout.readline() == "ready\n"
    time.sleep(wait)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode in (130, 0, -signal.SIGINT) and "Traceback" not in err and "ignored" not in err, err
