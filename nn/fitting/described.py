"""What a callable or a setting is made of, as texts that are the same in another process: name of a part -> text.

A function is its code and whatever that reads: captured variables, default arguments, globals, and the functions among them
in turn. An object is its class and its attributes, or what it gives to pickle; an array is all of its bytes. Libraries are
told by the names of their functions and classes. What is left (an open file, a generator, an object that holds its state in
another language and does not hand it out) has no text that could be compared: it is UNKNOWN, and says why.
"""
import functools
import hashlib
import sys
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from .functions import code_text, defaults_of, globals_of, imported_inside, is_of_a_library, of_the_process

UNKNOWN = "unknown: "  # how the text of a part begins whose state cannot be known
LONGEST = 200  # characters of a value that is shown as it is
MOST = 5000  # parts
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.generic)


def digest(*arrays: Any) -> str:
    """Return a short text that stands for arrays, their shapes and dtypes."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:16]


def parts_of(thing: Any, name: str) -> dict[str, str]:
    """Return dict of parts: `name` itself, and "name, captured scale", "name, global LEVEL", … where it has such."""
    described = _Described()
    described.add(thing, name, ", ")
    return described.parts


class _Described:
    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self._functions: dict[int, str] = {}
        self._inside: set[int] = set()

    def add(self, thing: Any, name: str, separator: str = "'s ") -> None:
        """Add what a thing is under a name; `separator` stands between it and the names of its parts."""
        if len(self.parts) > MOST:
            raise ValueError(f"{name}: got something of more than {MOST} parts, accepted with a checkpoint: less")
        if (text := _plain(thing)) is not None:
            self.parts[name] = text
        elif (text := of_the_process(thing)) is not None:
            self.parts[name] = f"{UNKNOWN}{text}"
        elif id(thing) in self._inside:
            self.parts[name] = f"{type(thing).__qualname__} that holds this"
        else:
            self._inside.add(id(thing))
            try:
                self._add(thing, name, f"{name}{separator}")
            finally:
                self._inside.discard(id(thing))

    def _add(self, thing: Any, name: str, prefix: str) -> None:
        if isinstance(thing, functools.partial):
            self.parts[name] = "partial"
            self._add_each(prefix, {"function": thing.func, "arguments": thing.args, "keywords": thing.keywords})
        elif isinstance(thing, types.MethodType):
            self.parts[name] = f"method {thing.__func__.__qualname__}"
            self._add_each(prefix, {"function": thing.__func__, "self": thing.__self__})
        elif isinstance(thing, types.FunctionType):
            self._add_function(thing, name, prefix)
        elif isinstance(thing, type):
            self._add_class(thing, name, prefix)
        elif isinstance(thing, types.ModuleType):
            self.parts[name] = f"module {thing.__name__}"
        elif isinstance(thing, (types.BuiltinFunctionType, types.MethodWrapperType, np.ufunc)):
            self._add_builtin(thing, name, prefix)
        elif isinstance(thing, np.ndarray) and type(thing) is np.ndarray:  # of objects
            self.parts[name] = f"array of objects {thing.shape}"
            self._add_each(prefix, {str(k): item for k, item in enumerate(thing.ravel().tolist())})
        elif type(thing) in (tuple, list):
            self.parts[name] = f"{type(thing).__name__} of {len(thing)}"
            self._add_each(prefix, {str(k): item for k, item in enumerate(thing)})
        elif type(thing) is dict and all(_plain(key) is not None for key in thing):
            self.parts[name] = f"dict of {len(thing)}"
            self._add_each(prefix, {_plain(key): value for key, value in thing.items()})
        else:
            self._add_object(thing, name, prefix)

    def _add_each(self, prefix: str, named: Mapping[Any, Any]) -> None:
        for name, thing in named.items():
            self.add(thing, f"{prefix}{name}")

    def _add_function(self, function: types.FunctionType, name: str, prefix: str) -> None:
        known = self._functions.setdefault(id(function), name)
        if known != name:
            self.parts[name] = f"as {known}"
            return
        code = function.__code__
        sha = hashlib.sha256(code_text(code).encode()).hexdigest()[:8]
        self.parts[name] = f"{function.__module__}.{function.__qualname__} {sha}"
        if is_of_a_library(sys.modules.get(function.__module__)):
            return
        for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                self.add(cell.cell_contents, f"{prefix}captured {variable}")
            except ValueError as error:
                if str(error) != "Cell is empty":
                    raise
                self.parts[f"{prefix}captured {variable}"] = "nothing yet"
        self._add_each(f"{prefix}default ", defaults_of(function))
        self._add_each(f"{prefix}attribute ", {k: v for k, v in vars(function).items() if k != "__wrapped__"})
        if hasattr(function, "__wrapped__"):
            self.add(function.__wrapped__, f"{prefix}wrapped function")
        for path, value in globals_of(function):
            self.add(value, f"{prefix}global {path}")
        for module in imported_inside(function):
            self.parts[f"{prefix}module {module}"] = f"{UNKNOWN}it is imported inside the function"

    def _add_class(self, cls: type, name: str, prefix: str) -> None:
        self.parts[name] = f"class {cls.__module__}.{cls.__qualname__}"
        if cls.__module__ == "builtins" or is_of_a_library(sys.modules.get(cls.__module__)):
            return
        known = self._functions.setdefault(id(cls), name)
        if known != name:
            self.parts[name] += f", as {known}"
            return
        members = {key: _member(value) for key, value in vars(cls).items() if key not in NO_MEMBERS}
        self._add_each(prefix, {key: value for key, value in members.items() if not _is_slot(value)})
        self._add_each(prefix, {f"base {base.__qualname__}": base for base in cls.__bases__ if base is not object})

    def _add_builtin(self, thing: Any, name: str, prefix: str) -> None:
        owner = getattr(thing, "__self__", None)
        self.parts[name] = f"built-in {getattr(thing, '__module__', None)}.{getattr(thing, '__qualname__', thing.__name__)}"
        if owner is not None and not isinstance(owner, (types.ModuleType, type)):
            self.add(owner, f"{prefix}self")

    def _add_object(self, thing: Any, name: str, prefix: str) -> None:
        cls = type(thing)
        self.parts[name] = f"{cls.__module__}.{cls.__qualname__}"
        if not is_of_a_library(sys.modules.get(cls.__module__)):
            self.add(cls, f"{prefix}class")
        if isinstance(thing, functools._lru_cache_wrapper):  # to pickle it is but a name
            self.add(thing.__wrapped__, f"{prefix}wrapped function")
        try:
            constructor, arguments, *rest = _reduced(thing)
        except Exception as error:  # whatever a class makes of being asked
            self.parts[name] = f"{UNKNOWN}{cls.__module__}.{cls.__qualname__} does not tell its state ({error})"
            return
        if constructor.__name__ != "__newobj__" or len(arguments) > 1:
            self._add_each(f"{prefix}", {f"argument {k}": item for k, item in enumerate(arguments) if item is not cls})
        state, items, pairs = (*rest, None, None, None)[:3]
        if type(state) is tuple and len(state) == 2 and isinstance(state[1], dict) and not state[0]:
            state = state[1]  # of __slots__
        elif type(state) is tuple and len(state) == 2 and isinstance(state[1], dict) and isinstance(state[0], dict):
            state = state[0] | state[1]
        if isinstance(state, dict) and all(isinstance(key, str) for key in state):
            self._add_each(prefix, state)
        elif state is not None:
            self.add(state, f"{prefix}state")
        if items is not None:
            self.add(list(items), f"{prefix}items")
        if pairs is not None:
            self.add(list(pairs), f"{prefix}pairs")


NO_MEMBERS = {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__firstlineno__",
              "__static_attributes__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__abstractmethods__",
              "_abc_impl", "__orig_bases__", "__parameters__", "__dataclass_fields__", "__dataclass_params__",
              "__match_args__", "__replace__", "__hash__", "__slotnames__"}


def _is_slot(value: Any) -> bool:
    return isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType))


def _member(value: Any) -> Any:
    """Return the function behind a descriptor of a class, or the value."""
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    if isinstance(value, property):
        return tuple(f for f in (value.fget, value.fset, value.fdel) if f is not None)
    return value.func if isinstance(value, functools.cached_property) else value


def _reduced(thing: Any) -> tuple[Any, ...]:
    """Return what an object gives to pickle."""
    reduced = thing.__reduce_ex__(4)
    if isinstance(reduced, str):
        return type(thing), (reduced,)
    return reduced


def _plain(thing: Any) -> str | None:
    """Return a text for a value without code and address in it; None for others. Long ones are digests."""
    if isinstance(thing, np.ndarray) and type(thing) is np.ndarray and not thing.dtype.hasobject:
        return repr(thing.tolist()) if thing.ndim == 0 else f"array {thing.dtype} {thing.shape} {digest(thing)}"
    if (isinstance(thing, PLAIN) and type(thing).__module__ in ("builtins", "numpy")) or isinstance(thing, np.dtype):
        return _shortened(repr(thing), type(thing).__name__)
    if type(thing) in (tuple, list):
        texts = [_plain(item) for item in thing]
        if None in texts:
            return None
        marks = "()" if type(thing) is tuple else "[]"
        return _shortened(f"{marks[0]}{', '.join(map(str, texts))}{marks[1]}", f"{type(thing).__name__} of {len(thing)}")
    if type(thing) in (set, frozenset):
        texts = [_plain(item) for item in thing]
        if None in texts:
            return None
        return _shortened(f"{type(thing).__name__}({sorted(map(str, texts))})", f"set of {len(thing)}")
    if type(thing) is dict:
        pairs = [(_plain(key), _plain(value)) for key, value in thing.items()]
        if any(None in pair for pair in pairs):
            return None
        return _shortened("{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}", f"dict of {len(thing)}")
    return None


def _shortened(text: str, kind: str) -> str:
    return text if len(text) <= LONGEST else f"{kind} {hashlib.sha256(text.encode()).hexdigest()[:16]}"
