"""Every public function and method says what it takes and what it returns, in names that can be looked up."""
import importlib
import inspect
import pkgutil
import types
import typing

import pytest

PACKAGES = ["experiments", "losses", "nn", "stopping"]


def functions_of(kind, package):
    """Yield (name, function) for the public methods, properties and constructor of a class, inherited ones of ours too."""
    for base in kind.__mro__:
        if base.__module__.split(".")[0] != package:
            continue
        for name, member in vars(base).items():
            if name.startswith("_") and name != "__init__":
                continue
            if isinstance(member, property):
                member = member.fget
            elif isinstance(member, (classmethod, staticmethod)):
                member = member.__func__
            if inspect.isfunction(member) and member.__module__.split(".")[0] == package:  # not what a Protocol makes
                yield f"{base.__qualname__}.{name}", member


def public_functions(package):
    """Return name -> function for all that `__all__` of a package names; modules stand for what is public in them.

    A package without `__all__` is a program: what counts are the modules of its rooms, but not those that need somebody
    else's library.
    """
    top = importlib.import_module(package)
    found, left = {}, [top]
    if not hasattr(top, "__all__"):
        left = [importlib.import_module(name) for _, name, _ in pkgutil.walk_packages(top.__path__, f"{package}.")
                if not name.rpartition(".")[2].startswith(("__main__", "peers_"))]
    while left:
        module = left.pop()
        for name in getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")]):
            thing = getattr(module, name)
            if isinstance(thing, types.ModuleType):
                left += [thing] if module is top else []
            elif inspect.isclass(thing):
                found.update(functions_of(thing, package))
            elif inspect.isfunction(thing) and thing.__module__.split(".")[0] == package:
                found[f"{module.__name__}.{name}"] = thing
    return found


def missing(function):
    """Return the names of a function's arguments without an annotation, and "return" if that has none."""
    signature = inspect.signature(function)
    bare = [name for name, parameter in signature.parameters.items()
            if parameter.annotation is parameter.empty and name not in ("self", "cls")]
    return bare + (["return"] if signature.return_annotation is signature.empty else [])


@pytest.mark.parametrize("package", PACKAGES)
def test_public_functions_are_annotated(package):
    functions = public_functions(package)
    assert len(functions) > 40
    assert {name: missing(function) for name, function in functions.items() if missing(function)} == {}
    for function in functions.values():
        typing.get_type_hints(inspect.unwrap(function))  # NameError where a name is not there


def test_a_function_without_annotations_is_found():
    def bare(a, b: int = 0, *rest, c, **more: str):
        return a, b, rest, c, more

    assert missing(bare) == ["a", "rest", "c", "return"]
    for half in (public_functions("losses")["Loss.value"], public_functions("stopping")["Patience.__init__"]):
        assert missing(half) == []
