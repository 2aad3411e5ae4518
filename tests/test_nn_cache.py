"""The cache of compiled kernels: it never runs stale code, bears company, and leaves everything else alone.

The packages are copied, so that they can be edited; every child process that compiles `forward` anew takes 3 s.
"""
import builtins
import importlib
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import losses
import nn
from losses import CrossEntropy, SquaredError
from nn import SGD, TrainingDiverged
from nn.shared.reached import ROOT, reached, version_of
from tests.edits import changed, reworded
from tests.fitting import X, network, train
from tests.programs import posix

pytestmark = pytest.mark.compiled

# The outputs of a network with weights 1 for x = 2, and how often its kernel was compiled here.
FORWARD = """
import numpy as np
from nn import MLP
def output():
    model = MLP([1, 1, 1], dtype="float64", backend="numba")
    model.flat[:] = [1, 0, 1, 0]
    return model.forward([[2.0]])[0, 0]
def compiled():
    from nn.cpu import training
    return sum(training.forward_pass.stats.cache_misses.values())
"""


@pytest.fixture
def sources(tmp_path):
    """A copy of the packages with an empty cache."""
    for package in (nn, losses):
        source = Path(package.__file__).parent
        shutil.copytree(source, tmp_path / "src" / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "src"


def start(sources, code, **environment):
    environment = {"AFTERZERO_CACHE_DIR": str(sources.parent / "cache"), "PYTHONPATH": str(sources), **environment}
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return subprocess.Popen([sys.executable, "-W", "error", "-c", FORWARD + textwrap.dedent(code)], cwd=sources, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**inherited, **environment})


def finish(child):
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    return out.split()


def run(sources, code="print(output(), compiled())", **environment):
    return finish(start(sources, code, **environment))


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_two_cold_starts_words_and_edits(sources):
    # Two processes that start cold at once: both right, and the next one compiles nothing.
    pair = [start(sources, "print(output())") for _ in range(2)]
    assert [finish(child) for child in pair] == [["2.0"], ["2.0"]]
    assert run(sources) == ["2.0", "0"]

    # Words, dates and folders compile nothing anew.
    clone = sources.parent / "clone" / "deeper"
    shutil.move(sources, clone)
    for path in clone.rglob("*.py"):
        path.write_bytes(reworded(path.read_bytes()))  # with 30 lines on top
        os.utime(path, (1e9, 1e9))
    code = "print(output(), compiled()); from nn.shared.meaning import meaning_of; print(meaning_of.cache_info().misses > 0)"
    cache = {"AFTERZERO_CACHE_DIR": str(sources.parent / "cache")}
    assert run(clone, code, **cache) == ["2.0", "0", "True"]
    assert run(clone, code, **cache) == ["2.0", "0", "False"]  # files of these bytes are known by now

    # A deep leaf: forward_pass -> forward -> activation_forward_panel -> relu, in another file.
    leaf = clone / "nn" / "shared" / "scalars.py"
    edit(leaf, "return zero if z < zero else z\n", "return zero if z < zero else z + z\n")
    assert run(clone, **cache) == ["4.0", "1"]
    assert run(clone, **cache) == ["4.0", "0"]
    edit(leaf, "z + z\n", "z\n")
    assert run(clone, **cache) == ["2.0", "0"]


@pytest.mark.slow
def test_an_edit_between_import_and_compilation(sources):
    # The process below runs what it imported; the edited text must not inherit its machine code.
    code = """
        import nn.cpu.training
        from pathlib import Path
        path = Path("nn/shared/scalars.py")
        path.write_text(path.read_text(encoding="utf-8").replace("else z\\n", "else z + z\\n"), encoding="utf-8")
        print(output())
        """
    assert run(sources, code) == ["2.0"]
    assert run(sources)[0] == "4.0"


def file_of(module):
    path = module.replace(".", "/")
    return f"{path}.py" if (ROOT / f"{path}.py").is_file() else f"{path}/__init__.py"


def kernel_modules(compile_):
    return compile_._of_kernels(reached, compile_.SOURCES.get).keys()


def double(number):
    return number * 2


def bytes_of(damage):
    return lambda path: path.write_bytes(damage(path.read_bytes()))


def piped(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("suffix", ["nbc", "nbi"])
@pytest.mark.parametrize("damage", [bytes_of(lambda data: data[:100]), bytes_of(lambda data: b""),
                                    bytes_of(lambda data: b"\0" * len(data)),
                                    bytes_of(lambda data: data[:32] + bytes([data[32] ^ 1]) + data[33:]),
                                    bytes_of(lambda data: data[:-1] + bytes([data[-1] ^ 128])),
                                    pytest.param(piped, marks=posix)])
def test_broken_files_are_replaced(tmp_path, monkeypatch, suffix, damage):
    from nn.cpu import compile
    monkeypatch.setattr(compile, "_directory", tmp_path)
    compile.entry(double)(1)
    [path] = tmp_path.rglob(f"*.{suffix}")
    damage(path)
    for hits in (0, 1):
        function = compile.entry(double)
        assert function(2) == 4
        assert sum(function.stats.cache_hits.values()) == hits


def test_an_edit_between_import_and_the_first_model(sources):
    code = """
        import nn
        from pathlib import Path
        path = Path("nn/cpu/dense.py")
        path.write_text(path.read_text(encoding="utf-8") + {!r}, encoding="utf-8")
        import nn.cpu.training
        from nn.cpu import compile
        print(compile._directory.parent)
        """
    cache = str(sources.parent / "cache")
    assert run(sources, code.format("# words\n")) == [cache]
    assert run(sources, code.format("SIZE = 1.5\n")) != [cache]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_a_cache_that_cannot_be_written(sources, tmp_path):
    (tmp_path / "file").write_text("not a folder")  # permissions would not stop root
    code = """
        from nn.cpu import compile
        path = compile.cache_directory()
        print(path.is_dir(), path.parent)
        from nn.shared.random_bits import unit_bits
        print(compile.entry(unit_bits)(1, 2) == unit_bits(1, 2), len(list(path.parent.rglob("*.nbc"))))
        """
    out = run(sources, code, AFTERZERO_CACHE_DIR=str(tmp_path / "file"), TMPDIR=str(tmp_path))
    assert out == ["True", str(tmp_path), "True", "1"]


def test_where_caches_lie(sources, tmp_path):
    code = "from nn.cpu import compile; from nn.cpu.cache import cache_root; print(cache_root())"
    assert run(sources, code) == [str(tmp_path / "cache")]
    if sys.platform == "linux":
        assert run(sources, code, AFTERZERO_CACHE_DIR="", XDG_CACHE_HOME="/x") == [str(Path("/x/afterzero"))]
        assert run(sources, code, AFTERZERO_CACHE_DIR="", XDG_CACHE_HOME="", HOME="/y") == [str(Path("/y/.cache/afterzero"))]


def test_the_users_own_numba_cache_is_left_alone(tmp_path):
    (tmp_path / "mine.py").write_text(textwrap.dedent("""
        import numba
        import nn.cpu.training
        @numba.njit(cache=True)
        def f(a):
            return a + 1
        """))
    code = """
        import mine, numba
        from numba.core import config
        print(config.CACHE_DIR, mine.f(1))
        """
    root = str(Path(nn.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, str(tmp_path)])}
    for own in ("", str(tmp_path / "own")):
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60,
                              env={**environment, "NUMBA_CACHE_DIR": own}, cwd=tmp_path)
        assert done.stdout.split() == [*([own] if own else []), "2"], done.stderr
        where = list(Path(own or tmp_path / "__pycache__").rglob("mine.f*.nbc"))
        assert len(where) == 1


def float_state():
    import numba

    from nn.cpu import floats
    return numba.njit(lambda: floats.float_state())


def test_floating_point_state_is_put_back():
    state = float_state()
    before = state()
    tiny = np.array([1e-310, 1e-40])
    for options in ({}, {"loss": SquaredError(), "optimizer": SGD(1e30), "batch_size": None, "epochs": 99}):
        model = network("numba", activation="relu")
        try:
            train(model, y=(X[:, 0] > 0).astype(int), **{"loss": CrossEntropy(), **options})
        except TrainingDiverged:
            assert options
        else:
            assert not options
        assert state() == before
        assert (tiny * 0.5 > 0).all()  # denormals are numbers here, and flushed in kernels only
    network("numba").forward(X)
    assert state() == before


@pytest.mark.parametrize(("added", "kept"), [("", True), ("# words\n", True), ("SIZE = 1.5\n", False), ("SIZE =\n", False)])
def test_a_source_that_means_something_else_than_what_was_loaded_is_not_cached(monkeypatch, tmp_path, added, kept):
    monkeypatch.setenv("AFTERZERO_CACHE_DIR", str(tmp_path))
    compile_ = importlib.import_module("nn.cpu.compile")
    name = "nn/cpu/dense.py"
    monkeypatch.setitem(compile_.SOURCES, name, compile_.SOURCES[name] + added.encode())
    folder = compile_.cache_directory()
    assert (folder.parent == tmp_path) == kept and folder.is_dir()


def test_the_stamp_covers_all_that_can_end_in_a_kernel():
    compile_ = importlib.import_module("nn.cpu.compile")
    sources = {path: source for path, source in compile_.SOURCES.items() if path in map(file_of, kernel_modules(compile_))}
    assert {"losses/rows.py", "nn/cpu/compile.py", "nn/cpu/parts.py", "nn/cpu/vectors.py", "nn/shared/scalars.py",
            "nn/shared/random_bits.py", "nn/shared/codes.py", "nn/__init__.py"} <= sources.keys()

    def version(sources):
        return compile_._of_kernels(version_of, sources.get)
    assert version({path: reworded(source) for path, source in sources.items()}) == version(sources) is not None
    assert [path for path, source in sources.items() for edited in changed(source)
            if version({**sources, path: edited}) == version(sources)] == []


def test_what_is_in_no_kernel_is_not_in_the_stamp():
    compile_ = importlib.import_module("nn.cpu.compile")
    modules = kernel_modules(compile_)
    assert not modules & {"nn.model", "nn.fitting.fit", "nn.drawing", "nn.compiling", "losses.base", "nn.reference.dense"}
    own = reached(compile_.NEVER_COMPILED)
    assert own.keys() - set(compile_.NEVER_COMPILED) <= {"nn", "nn.shared"}  # none of them imports a kernel


def test_a_new_public_name_compiles_nothing_anew():
    compile_ = importlib.import_module("nn.cpu.compile")
    name, sources = "nn/__init__.py", dict(compile_.SOURCES)
    sources[name] = sources[name].replace(b"__all__ = [", b"from .model import Model\n__all__ = ['Model', ")
    assert sources != compile_.SOURCES
    assert compile_._of_kernels(version_of, sources.get) == compile_._of_kernels(version_of, compile_.SOURCES.get)


def test_a_function_that_no_file_holds_is_compiled_and_not_kept(tmp_path, monkeypatch):
    from nn.cpu import compile
    monkeypatch.setattr(compile, "_directory", tmp_path)
    scope = {"__name__": "nowhere"}
    exec("def nameless(x):\n    return x + 1", scope)
    assert compile.entry(scope["nameless"])(1) == 2
    assert list(tmp_path.rglob("*.nbc")) == []


def test_constants_are_told_apart_and_folders_are_not(tmp_path, monkeypatch):
    # Names, lines and bytecode are the same; constants are not in bytecode. What files mean decides, not where they lie.
    from nn.cpu import compile
    monkeypatch.setattr(compile, "_directory", tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    for folder, constant in (("one", 1.5), ("two", 2.5), ("three", 1.5)):
        path = tmp_path / folder / "some_kernel.py"
        path.parent.mkdir()
        path.write_text(f"def kernel(x):\n    return x * {constant}\n")
        scope = {"__name__": __name__}
        exec(builtins.compile(path.read_text(), str(path), "exec"), scope)
        function = compile.entry(scope["kernel"])
        assert function(2.0) == 2 * constant
        assert sum(function.stats.cache_hits.values()) == (folder == "three")
