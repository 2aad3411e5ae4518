"""Imported first: is what Python finds under the names of our packages ours? A `losses.py` beside a script is not.

A library says so by an ImportError; the command, which is told apart by how it was called, by one line: see command.py.
"""
import os
import sys


def foreign() -> str:
    """Return what is wrong if Python finds another module under the name of one of our packages; else ""."""
    import importlib.util
    from pathlib import Path

    home = Path(__file__).resolve().parents[1]
    for name in ("losses", "nn", "stopping"):
        spec = importlib.util.find_spec(name)
        place = Path(spec.origin or next(iter(spec.submodule_search_locations or []), "")) if spec else Path()
        if place.resolve() != home / name / "__init__.py":
            return (f"{name}: got {place}, accepted: {home / name}; a module of yours has the name of one of "
                    "ours: rename it, or call from another folder")
    return ""


def is_script() -> bool:
    """Return whether this process is the console script, by its name: on Windows a program, formerly a script of its own."""
    return bool(sys.argv) and os.path.basename(sys.argv[0]) in ("afterzero", "afterzero.exe", "afterzero-script.py")


def is_command() -> bool:
    """Return whether this process is about to be the command, which says by itself what is wrong."""
    if sys.argv[:1] == ["-m"]:  # while Python looks for a package's entry, perhaps that of a user's package
        word = sys.orig_argv[-len(sys.argv)]  # behind it are its arguments alone; options may stand before it, as in -bm
        return word == "experiments" or (word[:1] == "-" and word.endswith("mexperiments"))
    return is_script()


if not is_command() and (said := foreign()):
    raise ImportError(said)
