"""The version of code in a run's identity: what it covers, and that better comments cost no stored result."""
import pytest

from experiments.questions.speed import MEASURES
from experiments.runs.identity import NEVER_DECIDES, code_version
from nn.shared.reached import ROOT, reached, read_below, version_of
from tests import programs
from tests.edits import changed, reworded

TRAINERS = ("experiments.trainers.train",)
disk = read_below(ROOT)


def path_of(module):
    path = module.replace(".", "/")
    return f"{path}.py" if disk(f"{path}.py") is not None else f"{path}/__init__.py"


def cut_off(module):
    return f"{module}.".startswith(tuple(f"{cut}." for cut in NEVER_DECIDES))


@pytest.fixture(scope="module")
def modules():
    """Path -> source of all that training reaches."""
    paths = map(path_of, reached(TRAINERS, without=NEVER_DECIDES))
    return {path: disk(path) for path in paths}


def version(sources):
    return version_of(TRAINERS, without=NEVER_DECIDES, read=sources.get)


def test_training_reaches_what_computes(modules):
    assert {"losses/rows.py", "nn/__init__.py", "nn/backends.py", "nn/cpu/vectors.py", "nn/reference/dense.py",
            "nn/shared/scalars.py", "nn/fitting/run.py", "stopping/patience.py", "experiments/data/spiral.py",
            "experiments/trainers/__init__.py", *map(path_of, TRAINERS)} <= modules.keys()
    assert not [path for path in modules if "draw" in path or "plot" in path or path.startswith(("experiments/runs/",
                                                                                                "experiments/report/"))]


def test_words_and_formatting_anywhere_change_no_version(modules):
    assert version({path: reworded(source) for path, source in modules.items()}) == version(modules) == version_of(
        TRAINERS, without=NEVER_DECIDES)


def test_an_operator_or_a_number_in_any_module_changes_the_version(modules):
    before = version(modules)
    assert [path for path, source in modules.items() for edited in changed(source)
            if version({**modules, path: edited}) == before] == []


def test_a_clone_in_another_folder_has_the_same_version(modules, tmp_path):
    for path, source in modules.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(source.replace(b"\n", b"\r\n"))
    assert version_of(TRAINERS, without=NEVER_DECIDES, read=read_below(tmp_path)) == version(modules)


def test_all_that_a_training_run_imports_is_in_its_version():
    script = """
        import sys
        from experiments.trainers.description import describe
        from experiments.trainers.train import train_fleet
        run = describe(experiment="test", seed=0, data="spiral", train=5, validation=5, test=5, hidden=(2,))
        train_fleet([run.settings()])
        print(*(name for name in sys.modules if name.partition(".")[0] in ("experiments", "losses", "nn", "stopping")))
    """
    done = programs.run("-c", script, env=programs.environment(NUMBA_DISABLE_JIT="1"))  # compiles nothing, imports the same
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    left = loaded - reached(TRAINERS, without=NEVER_DECIDES).keys()
    assert "losses.rows" in loaded
    assert [name for name in left if not cut_off(name)] == []


def test_what_never_decides_imports_nothing_that_trains():
    # Of their own imports: files and interrupts, and how many threads a run may take.
    harmless = {"experiments", "losses", "nn", "nn.cpu", "nn.cpu.cython_blas", "nn.files", "nn.fitting", "nn.interrupts",
                "nn.processor", "nn.shared", "stopping"}
    paths = [path for cut in NEVER_DECIDES for pattern in (f"{cut.replace('.', '/')}.py", f"{cut.replace('.', '/')}/*.py")
             for path in ROOT.glob(pattern)]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    assert len(names) > 20
    # A rule that is asked of a record trains nothing; those that end a run are reached by what trains it.
    assert {name for name in reached(names) if not (cut_off(name) or name.startswith("stopping."))} <= harmless


def test_measurements_of_speed_cover_their_folder():
    folder = ROOT / "experiments" / "questions" / "speed"
    shown = {"__init__", "drawing", "report"}  # what is said of measurements
    assert {f"experiments.questions.speed.{path.stem}" for path in folder.glob("*.py") if path.stem not in shown} <= reached(
        MEASURES, without=NEVER_DECIDES).keys()


def test_a_trainer_of_somebody_else_counts_with_what_it_imports(tmp_path, monkeypatch):
    package = tmp_path / "some_package"
    (package / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py", "unread.py"):
        (package / name).touch()
    (package / "train.py").write_text("from .inner import a\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def version(text, name="inner/a.py"):
        (package / name).write_text(text)
        code_version.cache_clear()
        return code_version("some_package.train")
    first = version("x = 1\n")
    assert first == version("x = 1  # one\n") == version("y = 1\n", "unread.py") != version("x = 2\n")
    code_version.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r"got 'no_such_package.train', accepted: "):
        code_version("no_such_package.train")
