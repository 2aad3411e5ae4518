"""By what things are told apart in a checkpoint: texts that are the same in another process."""
import functools
import hashlib
from types import CodeType
from typing import Any

import numpy as np


def digest(*arrays: Any) -> str:
    """Return a short text that stands for arrays, their shapes and dtypes."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:16]


def text_of(thing: Any) -> str:
    """Return a text for a callable or a loss that is the same in another process, where a default repr holds an address.

    A function is told by its code as well as by its name, so that two lambdas are not taken for one another.
    """
    if isinstance(thing, functools.partial):
        return f"partial({text_of(thing.func)}, {thing.args!r}, {thing.keywords!r})"
    if hasattr(thing, "__code__"):
        code = hashlib.sha256(_code_text(thing.__code__).encode()).hexdigest()[:8]
        return f"{thing.__module__}.{thing.__qualname__} {code}"
    if type(thing).__repr__ is object.__repr__:
        return f"{type(thing).__qualname__}({sorted(vars(thing).items())!r})"
    settings = sorted(getattr(thing, "__dict__", {}).items())  # a repr of one's own may leave some out
    return f"{thing!r} {settings!r}"


def _code_text(code: CodeType) -> str:
    """Return a text of compiled Python; functions inside it are constants whose repr would hold an address."""
    constants = [_code_text(constant) if hasattr(constant, "co_code") else repr(constant) for constant in code.co_consts]
    return repr((code.co_code, code.co_names, constants))


def identity(run: Any) -> dict[str, Any]:
    """Return what must be the same for a run to go on: dict name -> text."""
    sets = {f"{name} data": "none" if data is None else digest(*data.inputs, data.y) for name, data in run.sets.items()}
    return {"model": repr(run.model), "initial weights": digest(run.model.flat, run.model.running), **sets,
            **run.settings.recorded(run)}
