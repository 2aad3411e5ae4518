"""The page of `play`: what its template is given."""
from typing import Any

from experiments.report.web_parts import web_file

from . import choices
from .record import RULES

SCRIPTS = ("uPlot.iife.min.js", "field.js", "play_charts.js", "play_save.js", "play.js")
STYLES = ("base.css", "uPlot.min.css", "play.css")
# When a rule stops, in words.
STOPS = {
    "ZeroError()": "no training error is left",
    "GL(5)": "the validation loss is more than 5 % above its lowest",
    "PQ(0.75)": "as GL, but it waits while the training loss still falls fast",
    "UP(3)": "the validation loss rose in 3 strips of 5 epochs in a row",
    "Patience(20)": "20 epochs brought no lower validation loss",
    "AdaptivePatience(50)": "from epoch 50 on: the run is twice as long as it took to the lowest validation loss",
    "LabelWave(5)": "predictions of the training set, averaged over 5 epochs, begin to change more: no validation set"}


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
                       number("level", "Flood level", 0, 5, "0.05",
                              "below it the training loss is pushed up again; 0: no flooding")]),
        ("Training", [select("optimizer", "Optimizer", choices.OPTIMIZERS), number("rate", "Learning rate", 1e-6, 10, "any"),
                      select("batch", "Samples in a batch", choices.BATCHES),
                      number("seed", "Seed", 0, 2**31 - 1, "1", "of data, first weights and orders")])]
    return {"groups": groups, "speed": select("speed", "Speed", choices.SPEEDS), "styles": STYLES,
            "rules": [(rule, STOPS[rule]) for rule in RULES],
            "script_names": SCRIPTS, "scripts": [web_file(name) for name in SCRIPTS], "settings": {"defaults": default}}
