"""Nobody imports upwards, and no two modules import each other: the order of the house, read from the sources."""
import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
           for package in ("nn", "losses", "stopping", "experiments") for path in (ROOT / package).rglob("*.py")}
# Each module may import what stands before it; what stands in one line is alike, and longer names count first.
ORDER = {
    "nn": [("nn.shared", "nn.checks", "nn.compiling", "nn.drawing", "nn.elsewhere", "nn.files", "nn.interrupts"),
           ("nn.cpu", "nn.cuda", "nn.reference"), ("nn.processor",), ("nn.engine",), ("nn.host",), ("nn.device",),
           ("nn.backends",),
           ("nn.initialization", "nn.optimizers", "nn.schedules"),
           ("nn.predicting", "nn.settled"), ("nn.tracing",), ("nn.model",), ("nn.mlp", "nn.rnn"),
           ("nn.archive", "nn.constructed", "nn.gradcheck"), ("nn.saving", "nn.fitting"), ("nn.fleet",),
           ("nn.estimator",), ("nn",)],
    "experiments": [("experiments.ours", "experiments.ways_out"), ("experiments.data", "experiments.runs"),
                    ("experiments.trainers", "experiments.report"), ("experiments.questions",), ("experiments.registry",),
                    ("experiments.recorded", "experiments.views"), ("experiments.collecting", "experiments.situations"),
                    ("experiments.deciding", "experiments.ports", "experiments.running"), ("experiments.check",),
                    ("experiments.documenting",), ("experiments.publishing",), ("experiments.reporting",),
                    ("experiments.playing",), ("experiments.play",), ("experiments.command",),
                    ("experiments.__main__",), ("experiments",)]}
APART = {"nn.backprop"}  # the door: it stands by itself


@functools.cache
def imported(module):
    """Return our modules that a module names in its imports, those inside functions too."""
    path, found = MODULES[module], set()
    package = path.relative_to(ROOT).parent.parts
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    for_types = {id(inside) for node in nodes if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
                 for inside in ast.walk(node)}  # never run
    for node in nodes:
        names = []
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = (*package[:len(package) + 1 - node.level], *filter(None, [node.module])) if node.level else (node.module,)
            names = [".".join((*base, alias.name)) for alias in node.names]
        for name in names:
            while name and name not in MODULES:
                name = name.rpartition(".")[0]
            found |= {name} - {"", module}
    return found


def reached(module):
    """Return all modules that one leads to."""
    seen, waiting = set(), [module]
    while waiting:
        for name in imported(waiting.pop()) - seen:
            seen.add(name)
            waiting.append(name)
    return seen


def floor(module):
    """Return how high in its package a module stands; None where there is no order."""
    best = None
    for height, names in enumerate(ORDER.get(module.partition(".")[0], ())):
        for name in names:
            if f"{module}.".startswith(f"{name}.") and (best is None or len(name) > len(best[1])):
                best = height, name
    return best and best[0]


def test_no_two_modules_import_each_other():
    circles = {frozenset({module, *(name for name in reached(module) if module in reached(name))})
               for module in MODULES if module in reached(module)}
    # The operators & and | of stopping's base class make what combine.py holds, which is made of criteria.
    assert circles == {frozenset({"stopping.base", "stopping.combine"})}


@pytest.mark.parametrize("package", ORDER)
def test_no_module_imports_upwards(package):
    upwards = [f"{module} imports {name}" for module in MODULES for name in imported(module)
               if module.startswith(package) and name.startswith(package) and floor(name) > floor(module)]
    assert upwards == []


@pytest.mark.parametrize("package", ORDER)
def test_every_module_has_its_place(package):
    placed = {name for names in ORDER[package] for name in names}
    assert [m for m in MODULES if m.startswith(f"{package}.") and m not in APART
            and not any(f"{m}.".startswith(f"{name}.") for name in placed - {package})] == []


def test_a_question_imports_no_other_question():
    for module in MODULES:
        if module.startswith("experiments.questions."):
            own = module.split(".")[2]
            assert {name.split(".")[2] for name in imported(module) if name.startswith("experiments.questions.")} <= {own}


def test_nobody_imports_the_door():
    assert not [module for module in MODULES if "nn.backprop" in imported(module)] and imported("nn.backprop") == set()
