"""The criteria that are compared, by what they watch; names are those of tables and figures."""
from functools import lru_cache
from typing import Any, NamedTuple

LOSS, ERROR, NONE, END = "validation loss", "validation error", "no validation set", "no stop"


class Rule(NamedTuple):
    """One criterion: as `stopping.parse` reads it, what it watches, and its family ("": none)."""

    expression: str
    watches: str = LOSS
    family: str = ""


# The 14 that Prechelt compared (the list of parameters adds up to his 14; strips of 5 epochs).
PRECHELT = {f"{kind} {number:g}": Rule(f"{kind}({number:g})", LOSS, kind) for kind, numbers in (
    ("GL", (1, 2, 3, 5)), ("PQ", (0.5, 0.75, 1, 2, 3)), ("UP", (2, 3, 4, 6, 8))) for number in numbers}
PATIENT = {f"{name}": Rule(expression, LOSS, "patience") for name, expression in (
    ("patience 10", "Patience(10)"), ("patience 30", "Patience(30)"), ("adaptive", "AdaptivePatience(20, minimum=10)"))}
OTHER = {"correlation": Rule("CorrelationDriven(10, 0.0, 5)"),  # of training and validation loss, of ten epochs
         "GL 5 from 25 on": Rule("after(25) & GL(5)"), "GL 5 and UP 2": Rule("GL(5) & UP(2)")}
# Of the same criterion, with the classification error in place of the loss.
WATCH_ERROR = {f"{name}, error": Rule(f"{rule.expression[:-1]}, monitor='val_error')", ERROR, rule.family)
               for name, rule in {**PRECHELT, **PATIENT}.items()}
WITHOUT = {"zero error": Rule("ZeroError()", NONE), "zero for 10": Rule("ZeroError(hold=10)", NONE),
           "training plateau": Rule("Plateau(0.01, 10, relative=True)", NONE),  # 1 % in ten epochs
           "loss 0.1": Rule("Target(0.1, 'train_loss')", NONE), "gradient 0.05": Rule("GradientNorm(0.05)", NONE),
           "evidence": Rule("EvidenceBased()", NONE), "label wave": Rule("LabelWave(5)", NONE)}
COMPARED = {**PRECHELT, **PATIENT, **OTHER, **WATCH_ERROR, **WITHOUT}


@lru_cache(maxsize=2)
def all_rules(epochs: int) -> dict[str, Any]:
    """Return the criteria by name, and the end of the record as one more."""
    from stopping import parse

    return {name: parse(rule.expression) for name, rule in {**COMPARED, END: Rule(f"after({epochs})", END)}.items()}
