"""One file, one question: experiments that can be run, resumed, redrawn and answered from the command line.

``python -m experiments`` shows the menu. This package imports nothing heavy by itself, so that the menu and ``--help``
appear at once.
"""
from . import ours  # noqa: F401
