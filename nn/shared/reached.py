"""Which modules a piece of code is made of, and one hash of what they mean: names stored runs and compiled kernels.

From the modules that are asked for, imports are followed through the sources, in functions too, without importing anything.
`from package import name` is followed into the module `package.name` where there is one, and into all that the package's own
file imports where it is not, or where that file has a use for the name as well: too much costs a minute, too little a
conclusion. The packages above a module that is reached are run when it is imported, but nobody takes a name from them:
their own statements count, what they import does not. So the kernels' hash does not hold the public names of `nn`.

Imports of others' packages end here: who keeps results records their versions. An import that only exists as text at run
time (`importlib.import_module`) cannot be followed; whoever trains through one names the module.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .meaning import Import, Meaning, meaning_of
from .pauses import without_garbage_collection

PACKAGES = ("experiments", "losses", "nn", "stopping")
ROOT = Path(__file__).resolve().parents[2]  # where they lie side by side, in a clone as in an installation

# Given "nn/shared/codes.py", the bytes of that file, None where there is none.
Reader = Callable[[str], "bytes | None"]


def read_below(root: Path) -> Reader:
    """Return a reader of files below a folder."""
    def read(path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
    return read


def version_of(modules: Iterable[str], *, without: Iterable[str] = (), packages: Iterable[str] = PACKAGES,
               read: Reader | None = None) -> str:
    """Return one hash of what modules mean and of all that they reach.

    Parameters
    ----------
    modules : iterable of str
        Dotted names.
    without : iterable of str
        Modules that decide nothing, or packages of such modules: neither counted nor followed.
    packages : iterable of str
        Whose modules are followed.
    read : callable, optional
        Where sources come from; the folder in which this package lies by default.

    Returns
    -------
    str
        16 hexadecimal digits, the same on every version of Python, in every folder.

    Raises
    ------
    ModuleNotFoundError
        When one of `modules` is not there.
    """
    digest = hashlib.sha256()
    for name, meaning in sorted(reached(modules, without=without, packages=packages, read=read).items()):
        digest.update(f"{name} {meaning}\n".encode())
    return digest.hexdigest()[:16]


def reached(modules: Iterable[str], *, without: Iterable[str] = (), packages: Iterable[str] = PACKAGES,
            read: Reader | None = None) -> dict[str, str]:
    """Return name -> hash of all modules that count; arguments as for `version_of`."""
    walk = _Walk(frozenset(packages), tuple(without), read or read_below(ROOT))
    with without_garbage_collection():
        for name in modules:
            if walk.find(name) is None:
                raise ModuleNotFoundError(f"modules: got {name!r}, accepted: dotted names of modules with a Python source")
            walk.follow(name)
    return walk.digests()


class _Walk:
    """The modules found so far: `followed` with their imports, `above` because one below them was imported."""

    def __init__(self, packages: frozenset[str], without: tuple[str, ...], read: Reader) -> None:
        self._packages, self._without, self._read = packages, without, read
        self._found: dict[str, tuple[Meaning, bool] | None] = {}
        self._followed: set[str] = set()
        self._above: set[str] = set()

    def digests(self) -> dict[str, str]:
        """Return name -> hash."""
        own = {name: entry[0].own_digest for name in self._above if (entry := self.find(name))}
        return own | {name: entry[0].digest for name in self._followed if (entry := self.find(name))}

    def find(self, name: str) -> tuple[Meaning, bool] | None:
        """Return what a module means and whether it is a package; None where there is no such source."""
        if name not in self._found:
            self._found[name] = None
            path = name.replace(".", "/")
            for file, package in ((f"{path}/__init__.py", True), (f"{path}.py", False)):
                if (source := self._read(file)) is not None:
                    self._found[name] = meaning_of(source, package), package
                    break
        return self._found[name]

    def follow(self, name: str) -> None:
        """Add a module and all that it imports."""
        waiting = [name]
        while waiting:
            name = waiting.pop()
            if name in self._followed or not self._counts(name) or (entry := self.find(name)) is None:
                continue
            meaning, package = entry
            self._followed.add(name)
            self._above.update(above for above in _packages_above(name) if self._counts(above))
            here = name if package else name.rpartition(".")[0]
            for statement in meaning.imports:
                waiting.extend(self._targets(statement, here))

    def _counts(self, name: str) -> bool:
        return name.partition(".")[0] in self._packages and not any(
            f"{name}.".startswith(f"{other}.") for other in self._without)

    def _targets(self, statement: Import, here: str) -> Iterator[str]:
        """Yield the modules that an import in a module of the package `here` names."""
        parts = here.split(".")
        base = ".".join(parts[:len(parts) - statement.level + 1] if statement.level else [])
        module = f"{base}.{statement.module}".strip(".")
        if not statement.names or module.partition(".")[0] not in self._packages:
            yield module
            if statement.whole:
                yield from _packages_above(module)
            return
        entry = self.find(module)
        for name in statement.names:
            inner = f"{module}.{name}"
            if not self._counts(inner):
                continue
            below = entry is not None and entry[1] and self.find(inner) is not None
            if below:
                yield inner
            if not below or (entry is not None and name in entry[0].mentioned):
                yield module


def _packages_above(name: str) -> Iterator[str]:
    """Yield "a" and "a.b" for "a.b.c"."""
    parts = name.split(".")
    return (".".join(parts[:depth]) for depth in range(1, len(parts)))
