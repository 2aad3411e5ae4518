"""What a function reads: its code as text, its default arguments, the globals it names, the modules it imports."""
import dis
import functools
import os
import random
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HOUSE = ("experiments", "losses", "nn", "stopping")


def code_text(code: types.CodeType) -> str:
    """Return a text of compiled Python; functions inside it are constants whose repr would hold an address."""
    constants = [code_text(c) if hasattr(c, "co_code") else repr(sorted(map(repr, c)) if isinstance(c, frozenset) else c)
                 for c in code.co_consts]
    return repr((code.co_code, code.co_names, constants))


def defaults_of(function: types.FunctionType) -> dict[str, Any]:
    """Return the default arguments, keyword-only ones included: dict name -> value."""
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[:code.co_argcount]
    return dict(zip(names[len(names) - len(defaults):], defaults, strict=True)) | (function.__kwdefaults__ or {})


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from _codes(constant)


def globals_of(function: types.FunctionType) -> list[tuple[str, Any]]:
    """Return (name, value) of what a function reads of its module, and of modules of the user's own: "settings.LEVEL"."""
    found = {}
    for code in _codes(function.__code__):
        instructions = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "PUSH_NULL", "EXTENDED_ARG")]
        for at, instruction in enumerate(instructions):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and instruction.argval in function.__globals__:
                steps = list(_followed(instruction.argval, function.__globals__[instruction.argval], instructions[at + 1:]))
                path, value = steps[-1]
                if not of_the_process(value):  # of a library its name is enough
                    path, value = next(((path, value) for path, value in steps
                                        if isinstance(value, types.ModuleType) and is_of_a_library(value)), steps[-1])
                found[path] = value
    return sorted(found.items())


def _followed(path: str, value: Any, instructions: list[dis.Instruction]) -> Iterator[tuple[str, Any]]:
    """Yield a path and its value, and those of its attributes as far as they are attributes of modules."""
    yield path, value
    for instruction in instructions:
        if not isinstance(value, types.ModuleType) or instruction.opname not in (
                "LOAD_ATTR", "LOAD_METHOD") or not hasattr(value, instruction.argval):
            break
        path, value = f"{path}.{instruction.argval}", getattr(value, instruction.argval)
        yield path, value


def of_the_process(thing: Any) -> str | None:
    """Return what a thing reads that belongs to the whole process, and so differs in the next one; None: nothing known."""
    owner = getattr(thing, "__self__", None)
    if isinstance(owner, (np.random.RandomState, random.Random)) and owner in (np.random.mtrand._rand, random._inst):
        return "it draws from a random state of the whole process; draw from the rng that augment is given"
    if thing is os.environ or thing is os.getenv:
        return "it reads the environment of the process"
    return None


def imported_inside(function: types.FunctionType) -> list[str]:
    """Return the modules of the user's own that a function imports when it is called."""
    names = {i.argval for code in _codes(function.__code__) for i in dis.get_instructions(code) if i.opname == "IMPORT_NAME"}
    return sorted(name for name in names if name and not is_of_a_library(sys.modules.get(name.partition(".")[0])))


@functools.cache
def _library_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    return tuple({Path(paths[name]).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_of_a_library(module: types.ModuleType | None) -> bool:
    """Return whether a module is Python's own, an installed one's, or of this package: known by the names in it."""
    if module is None:
        return False
    top = module.__name__.partition(".")[0]
    if (top in sys.stdlib_module_names and top != "__main__") or top in HOUSE:
        return True
    file = getattr(module, "__file__", None)
    if file is None:  # made while running
        return top != module.__name__ and is_of_a_library(sys.modules.get(top))
    return any(folder in Path(file).resolve().parents for folder in _library_folders())
