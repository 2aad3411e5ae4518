"""What makes two runs the same run, and what is worth knowing about the machine that made one."""
import hashlib
import json
import platform
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Modules, or packages of modules, that trainers import and that never decide a result, so that changing a legend, a message
# or how results are kept makes nobody train again. None of them imports what trains; a test looks.
NEVER_DECIDES = ("experiments.ours", "experiments.report", "experiments.runs", "experiments.ways_out", "losses.elsewhere",
                 "nn.compiling", "nn.cpu.cache", "nn.cpu.kernel_files", "nn.drawing", "nn.elsewhere",
                 "nn.fitting.history_plot", "nn.shared.loaded", "nn.shared.meaning", "nn.shared.pauses", "nn.shared.reached",
                 "stopping.elsewhere", "stopping.entering", "stopping.logs")
RECORDED_PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "afterzero")


def settings_of(run: Any) -> dict:
    """Settings of a run that is given by them, or by a description that has them."""
    return run if isinstance(run, dict) else run.settings()


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


@cache
def code_version(*modules: str) -> str:
    """Hash of what the code means that decides what a run computes.

    Parameters
    ----------
    *modules : str
        The trainer's module, ``__name__`` there, and others that decide something, such as a question's own measure. What
        they import counts too, through all imports (see nn/shared/reached.py), but for `NEVER_DECIDES`.

    Returns
    -------
    str
        16 hexadecimal digits, remembered for the process. Comments, docstrings and formatting do not count; an operator, a
        constant or a name in any of the modules gives a new version: being careful costs seconds, a result of old code under
        a new name costs a conclusion.

    Raises
    ------
    ModuleNotFoundError
        When a module, which may be anybody's, has no Python source.
    """
    from nn.shared.reached import PACKAGES, version_of

    packages = {name.partition(".")[0] for name in modules}
    return version_of(modules, without=NEVER_DECIDES, packages={*PACKAGES, *packages}, read=_read)


def _read(path: str) -> bytes | None:
    """Return a source by its path from the folder that holds its package, on `sys.path` for one of somebody else."""
    from nn.shared.reached import PACKAGES, ROOT, read_below

    top = path.partition("/")[0].removesuffix(".py")
    folder = ROOT if top in PACKAGES else _folder_of(top)
    return None if folder is None else read_below(folder)(path)


@cache
def _folder_of(package: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.has_location:
        return None
    return Path(spec.origin or "").parents[1 if spec.submodule_search_locations else 0]


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
