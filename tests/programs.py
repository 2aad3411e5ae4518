"""Python programs that tests start, with this checkout to import from."""
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
posix = pytest.mark.skipif(os.name != "posix", reason="signals, links, modes and terminals of POSIX")


def environment(*paths, **variables):
    """This process's variables and more; imports come from this checkout, then from `paths`."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths))), **variables}


def start(*arguments, **options):
    """Start Python; what it writes is text in pipes, unless the options say otherwise. A script may be indented."""
    usual = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT, "env": environment()}
    return subprocess.Popen([sys.executable, *(textwrap.dedent(str(argument)) for argument in arguments)], **usual | options)


def run(*arguments, timeout=60, **options):
    """Run Python to its end; returns what subprocess.run does."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
