"""The decision table: your situation, and what to do, a row each; every row is computed from one question's runs."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import situations
from .report.decisions import EITHER, NOT_YET, UNTOLD, Advice, Decision


@dataclass(frozen=True)
class Row:
    """A situation, the question whose runs tell, and advise(module, results)."""

    situation: str
    question: str
    advise: Callable[[Any, Any], Advice]


TABLE = (
    Row("Labels are right; you count errors", "loss_matters", situations.clean_errors),
    Row("Some labels are wrong; you count errors", "zero_loss", situations.wrong_errors),
    Row("Labels are right; you use the probabilities", "loss_matters", situations.clean_losses),
    Row("Some labels are wrong; you use the probabilities", "zero_loss", situations.wrong_losses),
    Row("Labels are right, squared error; you count errors", "loss_matters", situations.squared_clean),
    Row("Some labels are wrong, squared error; you count errors", "loss_matters", situations.squared_wrong),
    Row("A linear classifier separates the classes; you want the largest margin", "margin_theory", situations.separable),
    Row("Training error is zero; has it learnt anything?", "memorization", situations.random_labels),
    Row("100 % accuracy after one or two epochs", "fast_perfect", situations.fast),
    Row("Validation accuracy above training accuracy", "validation_above_training", situations.above),
    Row("You want to give less away about who was in the training set", "privacy", situations.private),
    Row("All learnt by heart, validation near chance, few exact data, weight decay", "grokking", situations.late),
    Row("You learn sample by sample (on-line), some labels are wrong", "online", situations.online),
    Row("You train an autoencoder for its code", "autoencoder", situations.codes),
    Row("Short sequences such as words, stuck near an accuracy of 0.9", "sequences", situations.words))


def decisions(found: Mapping[str, tuple[Any, Any, str]]) -> list[Decision]:
    """Return all rows.

    Parameters
    ----------
    found : mapping of str -> (module, results, str)
        By question what there is, and of which runs.
    """
    rows = []
    for row in TABLE:
        if row.question not in found:
            rows.append(Decision(row.situation, row.question, Advice(NOT_YET, "")))
            continue
        module, results, runs = found[row.question]
        advice = row.advise(module, results)
        if advice.action == EITHER and runs.startswith("quick"):  # whose seeds are too few to find a difference
            advice = Advice(UNTOLD, advice.measured)
        rows.append(Decision(row.situation, row.question, advice, runs))
    return rows
