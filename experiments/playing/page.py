"""The page of `play`: what its template is given."""
from typing import Any

from experiments.report.web_parts import web_file

from . import choices
from .record import RULES

SCRIPTS = ("uPlot.iife.min.js", "field.js", "play_charts.js", "play_save.js", "play.js")
STYLES = ("base.css", "uPlot.min.css", "play.css")
# What a rule watches, in words, by its name.
WATCHED = {"ZeroError": "the training error", "LabelWave": "changed predictions, no validation set"}


def values() -> dict[str, Any]:
    """Return what play.html is filled in with."""
    default = choices.Choices().as_sent()

    def select(name: str, label: str, options: dict[str, str], hint: str = "") -> dict[str, Any]:
        return {"name": name, "label": label, "options": options, "hint": hint, "value": default.get(name, "30")}

    def number(name: str, label: str, low: float, high: float, step: str, hint: str = "") -> dict[str, Any]:
        return {"name": name, "label": label, "low": low, "high": high, "step": step, "hint": hint, "value": default[name],
                "options": None}

    def text(name: str, label: str, hint: str) -> dict[str, Any]:
        return {"name": name, "label": label, "low": None, "hint": hint, "value": default[name], "options": None}

    groups = [
        ("Data", [select("data", "Data set", choices.DATA), number("samples", "Training samples", 10, 500, "10"),
                  number("noise", "Wrong labels (share)", 0, 0.5, "0.05",
                         "in training and validation data; the test set has the true ones")]),
        ("Network", [text("hidden", "Hidden layers", "units, such as 64-64"),
                     select("activation", "Activation", choices.ACTIVATIONS)]),
        ("Objective", [select("loss", "Loss", choices.LOSSES),
                       number("level", "Flood level", 0, 5, "0.05", "0: no flooding")]),
        ("Training", [select("optimizer", "Optimizer", choices.OPTIMIZERS), number("rate", "Learning rate", 1e-6, 10, "any"),
                      select("batch", "Samples in a batch", choices.BATCHES),
                      number("seed", "Seed", 0, 2**31 - 1, "1", "of data, first weights and orders")])]
    return {"groups": groups, "speed": select("speed", "Speed", choices.SPEEDS), "styles": STYLES,
            "rules": [(rule, WATCHED.get(rule.partition("(")[0], "the validation loss")) for rule in RULES],
            "script_names": SCRIPTS, "scripts": [web_file(name) for name in SCRIPTS], "settings": {"defaults": default}}
