"""The sources of kernels as they were when this process loaded the package: one edited later is not the code that runs.

Read before any other module of the package is imported; nn/cpu/compile.py compares what both mean.
"""
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PLACES = ("nn/__init__.py", "nn/shared/*.py", "nn/cpu/*.py", "losses/*.py")

# "nn/shared/codes.py" -> bytes; empty where the package is not made of files.
SOURCES = {path.relative_to(_ROOT).as_posix(): path.read_bytes() for place in _PLACES for path in _ROOT.glob(place)}
