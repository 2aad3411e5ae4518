"""Which experiments exist: their question and run times, read without importing them.

An experiment's question is the first line of its module docstring and its run times stand in its constant
``RUN_TIMES``. Both are read from the source text, so that the menu neither repeats them nor waits for Numba and
Matplotlib.
"""
import ast
import importlib
from dataclasses import dataclass
from importlib.resources import files
from types import ModuleType
from typing import Any

# In the order of the menu.
NAMES = ("zero_loss", "loss_matters", "margin_theory", "double_descent", "flooding_family", "memorization",
         "perfect_training_accuracy", "privacy", "fast_perfect", "regularizers", "stopping_study", "online",
         "validation_above_training", "autoencoder", "sequences", "grokking", "overfitting_epochs",
         "published_flooding", "flooding_table", "level_choice", "speed")


@dataclass(frozen=True)
class Entry:
    """One line of the menu.

    Attributes
    ----------
    name : str
        What to type.
    question : str
        What the experiment answers.
    times : tuple of str
        Expected run times of --quick, the default and --full.
    """

    name: str
    question: str
    times: tuple[str, str, str]


def _source(name: str) -> Any:
    """The file in which a question introduces itself: NAME.py or NAME/__init__.py."""
    folder = files("experiments").joinpath("questions")
    page = folder.joinpath(f"{name}.py")
    return page if page.is_file() else folder.joinpath(name, "__init__.py")


def path(name: str) -> str:
    """Where the source of one experiment stands, from the folder that holds all our packages."""
    folder = "experiments/questions"
    return f"{folder}/{name}.py" if _source(name).name == f"{name}.py" else f"{folder}/{name}/__init__.py"


def docstring(name: str) -> str:
    """How one experiment introduces itself."""
    return ast.get_docstring(ast.parse(_source(name).read_text(encoding="utf-8"))) or ""


def entry(name: str) -> Entry:
    """Read question and run times of one experiment from its source."""
    tree = ast.parse(_source(name).read_text(encoding="utf-8"))
    question = (ast.get_docstring(tree) or "").partition("\n")[0]
    times = next(ast.literal_eval(node.value) for node in tree.body
                 if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RUN_TIMES")
    return Entry(name, question, (times["quick"], times["default"], times["full"]))


def load(name: str) -> ModuleType:
    """Import one experiment. Its heavy imports wait until it trains or draws."""
    return importlib.import_module(f"experiments.questions.{name}")
