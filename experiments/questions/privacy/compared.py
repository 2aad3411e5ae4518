"""Figures of attacked models by which the answer compares them, and words for what came of it."""
from collections.abc import Callable, Sequence

import numpy as np

from ...report.compare import BETTER, FEWEST, WORSE, half_width, mean_and_error, paired
from .attacked import LIRA, Attacked

Figure = Callable[[Attacked], np.ndarray]


def loss_auc(one: Attacked) -> np.ndarray:
    """AUC of the loss attack."""
    return one.found("auc", "loss")


def lira_auc(one: Attacked) -> np.ndarray:
    """AUC of the shadow models' attack."""
    return one.found("auc", LIRA)


def loss_balanced(one: Attacked) -> np.ndarray:
    """Balanced accuracy of the loss attack."""
    return one.found("balanced", "loss")


def error_on_test(one: Attacked) -> np.ndarray:
    """Test error, as a share."""
    return one.values("test_error")


def rounded(values: np.ndarray) -> str:
    """Return an AUC with its 95 % interval, to three places; a dash where too few runs had one."""
    values = values[~np.isnan(values)]
    mean, error = mean_and_error(values)
    return f"{mean:.3f} ±{half_width(error, len(values)):.3f}" if len(values) >= FEWEST else "–"


def verdict(before: Attacked, after: Attacked, figure: Figure, comparisons: int = 1) -> str:
    """Return what one kind of model is beside another: less is better."""
    return paired(figure(before), figure(after), comparisons=comparisons).verdict


def clearly_shown(values: np.ndarray, comparisons: int) -> bool:
    """Whether a mean is clearly above 0, with so many looked at together."""
    return paired(np.zeros(len(values)), values, lower_is_better=False, comparisons=comparisons).verdict == BETTER


def moves(verdicts: Sequence[str]) -> str:
    """Count clear verdicts as directions: "clearly lower in 1, higher in 3"; of one alone "clearly lower"."""
    words = {BETTER: "lower", WORSE: "higher"}
    found = [f"{word}{f' in {verdicts.count(one)}' * (len(verdicts) > 1)}" for one, word in words.items() if one in verdicts]
    return f"clearly {', '.join(found)}" if found else "not clearly different" + " in any" * (len(verdicts) > 1)
