"""What makes two runs the same run, and what is worth knowing about the machine that made one."""
import hashlib
import json
import platform
from functools import cache
from importlib import metadata
from importlib.resources import files

# Sources that decide what a training run computes. Figures, tables and wording are not among them: changing a legend must
# not make anybody train again.
TRAINING_SOURCES = ("nn", "losses", "stopping", "experiments/data",
                    *(f"experiments/trainers/{name}.py" for name in
                      ("data_sets", "description", "measures", "models", "train", "watching")))
RECORDED_PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "afterzero")


def canonical(settings: dict) -> str:
    """Settings as text, the same for equal settings whatever the order of their names.

    Raises
    ------
    ValueError, TypeError
        When a value is NaN, infinite or nothing JSON knows: such a value cannot identify a run.
    """
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)


def run_key(settings: dict) -> str:
    """SHA-256 of the canonical settings, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(settings).encode()).hexdigest()


def _python_files(folder, prefix: str):
    """All (name, bytes) of Python files below a folder (a Traversable), sorted by name."""
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            yield from _python_files(entry, name)
        elif entry.name.endswith(".py"):
            yield name, entry.read_bytes()


@cache
def code_version(sources: tuple[str, ...] = TRAINING_SOURCES) -> str:
    """Hash of the sources that decide what a run computes.

    Parameters
    ----------
    sources : tuple of str
        Packages, folders or files, relative to the folder that holds `experiments`.

    Returns
    -------
    str
        16 hexadecimal digits. Any edit, even of a comment, gives a new version: being careful costs seconds, a result of old
        code under a new name costs a conclusion.
    """
    digest = hashlib.sha256()
    for source in sources:
        package, _, inner = source.partition("/")
        root = files(package)
        entry = root.joinpath(*inner.split("/")) if inner else root
        pairs = [(source, entry.read_bytes())] if source.endswith(".py") else _python_files(entry, source)
        for name, content in pairs:
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide rounding and speed; "" for one that has no metadata."""
    versions = {"python": platform.python_version()}
    for name in RECORDED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""  # run from a checkout
    return versions


def machine() -> dict:
    """Where a run is trained: "versions" and "cpu"."""
    return {"versions": package_versions(), "cpu": cpu_name()}


@cache
def cpu_name() -> str:
    """Model name of the processor; bit-identity holds on one type only."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
