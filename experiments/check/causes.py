"""100 % after two epochs: which of the usual causes the numbers support."""
from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from ..report.tables import number
from ..report.words import listed
from .finding import FOUND
from .plan import FAST
from .results import ERROR, Results

ONE_CLASS = 0.95  # share of the largest class
EASY = 0.02  # test error of a linear model
# Kinds by which test figures flatter, in words.
WHAT = {"copies": "copied rows", "near_copies": "nearly equal rows", "shared_groups": "groups on both sides",
        "tells_label": "a column that tells the label", "is_label": "a column that is the label",
        "missing_tells_label": "missing values that tell the label", "numbering_tells_label": "a number of the rows",
        "looks_like_groups": "a column that looks like groups", "order": "neighbours in the file"}
TOLD = {"tells_label", "is_label", "missing_tells_label", "numbering_tells_label"}  # by the column's own values


def leaking(found: Sequence[Any], aside: Set[str] = frozenset()) -> list[Any]:
    """Return the accusations by which test figures flatter; a drift or a repeated column does not.

    Nor does what a column tells that is left `aside`: the network is not given it. Groups that it names are there all the
    same.
    """
    return [one for one in found if one.level != "note" and one.kind in WHAT
            and not (one.kind in TOLD and set(one.columns) <= aside)]


def so_soon(results: Results, accused: Sequence[Any] = ()) -> str:
    """Return which of the usual causes of 100 % after two epochs the numbers support."""
    trained, rows = results.trained, len(results.parts[0].train)
    at = trained.plain.mean("zero.epoch")
    causes: list[str] = []
    others: list[str] = []

    def weigh(cause: str, supported: bool, numbers: str) -> None:
        (causes if supported else others).append(f"{cause} ({numbers})")

    if accused:
        sure = any(one.level == FOUND for one in accused)
        weigh("leakage" if sure else "possibly leakage", True, ", ".join(dict.fromkeys(WHAT[one.kind] for one in accused)))
    else:
        weigh("leakage", False, "nothing was found")
    if trained.random is not None:
        epochs = trained.random.values("zero.epoch")
        known = epochs[~np.isnan(epochs)]
        when = f"fitted at epoch {known.mean():.0f}" if len(known) else f"not fitted within {results.plan.run.epochs} epochs"
        weigh(f"too few rows ({rows}) for the network's size", bool(2 * np.sum(epochs <= 2 * FAST) >= len(epochs)),
              f"random labels are {when}")
    linear = float(np.nanmean(trained.linear.values(f"best.{ERROR}")))
    weigh("an easy problem", linear <= max(EASY, results.matters(ERROR)) or linear <= 0.1 * results.guessing[0],
          f"a linear model errs on {number(100 * linear)} % of the test rows")
    largest = 1 - results.guessing[0]
    weigh("one class", largest >= ONE_CLASS, f"the largest has {number(100 * largest)} % of the rows")
    if trained.unscaled is not None:
        epochs, errors = trained.unscaled.values("zero.epoch"), trained.unscaled.values(f"best.{ERROR}")
        when = f"100 % came at epoch {np.nanmean(epochs):.1f}" if np.isfinite(epochs).any() else "100 % never came"
        test = f", test error {number(100 * float(np.nanmean(errors)))} %" if np.isfinite(errors).any() else ""
        weigh("unscaled inputs", bool(np.isfinite(epochs).all() and 2 * np.mean(epochs) <= at),
              f"with numbers as the table has them {when}{test}")
    said = f"The numbers support: {listed(causes)}." if causes else "The numbers support none of the usual causes."
    return f"100 % after two epochs (here at epoch {at:.1f} on average): {said}" + (f" Not: {listed(others)}."
                                                                                            if others else "")
