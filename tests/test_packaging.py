"""What is installed, what importing it costs, and what the packages must not contain."""
import ast
import configparser
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("nn", "losses", "stopping", "experiments")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


# --- the wheel ---

def builder():
    """Return the options of `python -m build`: in this environment where it can, else in one that pip fetches."""
    version = importlib.metadata.version("setuptools") if importlib.util.find_spec("setuptools") else "0"
    major, minor = (int(part) for part in (*version.split("."), "0")[:2])
    here = (major, minor) >= (70, 1) or (major >= 68 and importlib.util.find_spec("wheel") is not None)
    return ["--no-isolation"] if here else []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "tests"):
        shutil.copytree(ROOT / name, folder / "src" / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder / "src")
    command = [sys.executable, "-m", "build", "--wheel", *builder(), "--outdir", str(folder), str(folder / "src")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    if "No matching distribution found" in done.stdout + done.stderr:
        pytest.skip("needs setuptools >= 70.1, here or from a package index")
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_wheel_holds_the_packages_with_their_data_and_nothing_else(wheel):
    names = set(wheel.namelist())
    expected = {path.relative_to(ROOT).as_posix() for path in SOURCES}
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "experiments" / "data").iterdir() if path.suffix in (
        ".gz", ".txt")}
    assert len(data) >= 2  # data, and its licence
    assert expected | data <= names
    assert {name.split("/")[0] for name in names} == {*PACKAGES, next(n.split("/")[0] for n in names if ".dist-info/" in n)}
    assert not [name for name in names if "test" in name or name.endswith((".pyc", ".sqlite", ".db"))]
    assert {f"{package}/py.typed" for package in PACKAGES} <= names  # or type checkers take our annotations for absent


def test_wheel_metadata(wheel):
    [info] = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    files = {name.removeprefix(f"{info}/") for name in wheel.namelist() if name.startswith(info)}
    for licence in ("LICENSE", "NOTICE"):
        assert licence in files or f"licenses/{licence}" in files
    entry_points = wheel.read(f"{info}/entry_points.txt").decode()
    assert re.search(r"\[console_scripts\]\s+afterzero = experiments\.__main__:main", entry_points)
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "\nName: afterzero\n" in metadata
    assert "Requires-Python: >=3.10" in metadata
    assert "Requires-Dist: numba" in metadata


def test_console_script_is_what_python_m_runs():
    [script] = [entry for entry in importlib.metadata.entry_points(group="console_scripts") if entry.name == "afterzero"]
    assert script.value == "experiments.__main__:main"
    assert callable(script.load())


def test_pyproject_holds_the_build_system_alone():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("[")] == ["[build-system]"]


def test_public_packages_are_checked_for_types():
    settings = configparser.ConfigParser()
    settings.read_string((ROOT / "setup.cfg").read_text(encoding="utf-8"))
    assert set(settings["mypy"]["files"].split(", ")) == set(PACKAGES)
    for package in ("losses", "stopping"):
        assert settings[f"mypy-{package}.*"].getboolean("disallow_untyped_defs")


def test_lower_bounds_are_read_from_setup_cfg():
    text = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    done = subprocess.run([sys.executable, ROOT / ".ci" / "lower_bounds.py"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    pins = dict(line.split("==") for line in done.stdout.split())
    assert {"numpy": "1.26", "numba": "0.61", "scipy": "1.11.1", "tyro": "0.9.14"}.items() <= pins.items()
    settings = configparser.ConfigParser()
    settings.read_string(text)
    required = [line for line in settings["options"]["install_requires"].splitlines() if line and not line.startswith("#")]
    assert len(pins) == len(required)
    assert all(f"{name}>={version}" in required for name, version in pins.items())
    assert ".ci/lower_bounds.py" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_extras_are_what_they_are_for():
    settings = configparser.ConfigParser()
    settings.read_string((ROOT / "setup.cfg").read_text(encoding="utf-8"))
    extras = {name: text for name, text in settings["options.extras_require"].items() if "dask" in text}
    assert extras.keys() == {"test", "cluster"}  # --workers needs none
    assert "dask" not in settings["options"]["install_requires"]
    for package in ("pandas", "pyarrow"):
        assert package in settings["options.extras_require"]["tables"]


# --- what an import brings along ---

def imported_by(statement):
    """Return the top-level modules that a statement loads in a fresh process, without those of the standard library."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stdout.split()} - set(sys.stdlib_module_names)


def test_import_nn_is_light():
    ours = imported_by("import nn") - imported_by("import numpy.random")  # that brings Cython's runtime
    assert ours <= {"nn", "losses", "numpy", "threadpoolctl"}
    numpy_only = "import nn; nn.MLP([2, 3, 2], backend='numpy').forward([[1.0, 2.0]])"
    assert "numba" not in imported_by(numpy_only)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_blas_comes_without_the_rest_of_scipy_linalg(elsewhere):
    # `elsewhere`: a SciPy whose extension is not where it is looked for; the ordinary import finds it then.
    code = f"""if True:
        import sys
        import numpy as np
        from nn.cpu import cython_blas
        if {elsewhere}:
            cython_blas.PathFinder = type("Nowhere", (), {{"find_spec": lambda *arguments: None}})
        from nn.backends import backend_named
        from nn.processor import _blas
        backend_named("numba"), _blas()
        assert ("scipy.linalg" in sys.modules) == {elsewhere}
        import scipy.linalg.cython_blas
        assert scipy.linalg.cython_blas.__pyx_capi__.keys() == cython_blas.load().__pyx_capi__.keys()
        assert scipy.linalg.solve([[2.0]], [1.0])[0] == 0.5
        """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_losses_and_stopping_stand_alone():
    assert imported_by("import losses") <= {"losses", "numpy"}
    assert imported_by("import stopping") <= {"stopping", "numpy"}


def imports(path):
    """Yield the full names of all modules that a file imports anywhere, also inside functions."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[:len(package) + 1 - node.level], *filter(None, [node.module])]) if node.level else (
                node.module)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def ours(package):
    return [path for path in SOURCES if path.relative_to(ROOT).parts[0] == package]


# Where pickles are read, all of which this user's own processes wrote: see SECURITY.md.
PICKLES = {"nn/cpu/kernel_files.py": "Numba's files in a folder that nobody else can write to, behind their checksum",
           "experiments/runs/processes.py": "what our own child processes send through their pipe",
           "experiments/runs/worker.py": "what the parent process sends through its pipe"}


def test_dependencies_point_one_way():
    forbidden = {"losses": {"nn", "experiments", "stopping", "numba", "llvmlite", "rich"},
                 "stopping": {"nn", "experiments", "losses", "numba", "llvmlite", "rich", "scipy"},
                 "nn": {"experiments", "stopping", "tyro"}, "experiments": {"llvmlite"}}
    for package, names in forbidden.items():
        for path in ours(package):
            tops = {name.split(".")[0] for name in imports(path)}
            # Inside their functions these may.
            if path.relative_to(ROOT).as_posix() not in ("nn/drawing.py", "nn/fitting/history_plot.py"):
                assert package != "nn" or "matplotlib" not in tops, path
            pickled = {"pickle"} - {"pickle" for allowed in PICKLES if path == ROOT / allowed}
            assert not tops & (names | pickled | {"tests", "dill", "joblib", "socket", "urllib", "requests"}), path


def test_numba_stays_in_its_place():
    for path in SOURCES:
        names, place = list(imports(path)), path.relative_to(ROOT).as_posix()
        if not place.startswith("nn/cuda/"):
            assert not [name for name in names if name.startswith(("numba.cuda", "numba_cuda", "cuda"))], path
        if not place.startswith(("nn/cpu/", "nn/cuda/", "nn/backends.py", "nn/processor.py", "experiments/")):
            assert not [name for name in names if name.split(".")[0] in ("numba", "llvmlite")], path


def test_one_file_serves_to_the_browser_and_nothing_brings_its_server_along():
    assert {path.relative_to(ROOT).as_posix() for path in SOURCES if "aiohttp" in {
        name.split(".")[0] for name in imports(path)}} == {"experiments/play.py"}
    assert not imported_by("import experiments.play, experiments.command") & {"aiohttp", "jinja2", "nn", "numba"}


def test_only_views_cut_the_flat_arrays_of_the_definition():
    cut = {"matrix", "vector", "block"}
    for path in (ROOT / "nn" / "reference").glob("*.py"):
        names = {name.split(".")[-1] for name in imports(path)}
        found = {name for name in names if name in cut or name.startswith("AT_")}
        assert cut < found if path.name == "views.py" else not found, path


def test_definition_and_its_mirrors_stand_side_by_side_on_a_screen():
    mirrored = [path for path in SOURCES if path.relative_to(ROOT).as_posix().startswith(
        ("nn/backprop.py", "nn/reference/", "nn/cpu/", "nn/cuda/"))]
    assert {path.parent.name for path in mirrored} >= {"nn", "reference", "cpu"}
    lines = [(path, *line) for path in mirrored for line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)]
    assert not [f"{path.relative_to(ROOT)}:{number}: {len(line)} columns, accepted: at most 100"
                for path, number, line in lines if len(line) > 100]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_executes_data(path):
    text = path.read_text(encoding="utf-8").replace('exec("")', "")  # nothing, of which ways_out.py has need
    if path.relative_to(ROOT).as_posix() in PICKLES:
        text = re.sub(r"\bpickle\.loads?\b", "", text)
    found = re.findall(r"\bpickle\.loads?\b|(?<![\w.])eval\(|(?<![\w.])exec\(|allow_pickle=True|os\.system|shell=True", text)
    assert not found


def test_no_extra_is_installed_from_an_index():
    """Whoever has our name there would be run."""
    documents = [path for path in ROOT.rglob("*.md") if not {".venv", "results"} & set(path.parts)]
    texts = [*SOURCES, *documents, ROOT / "setup.cfg", *(path for path in (ROOT / ".ci").iterdir() if path.is_file())]
    from_index = re.compile(r"(pip install|pipx|uvx|uv (add|tool)) [^\n]*\bafterzero\b|\bafterzero\[\w")
    assert [path for path in texts if from_index.search(path.read_text(encoding="utf-8"))] == []
