"""What it means that a classifier which makes no training error grows surer: a panel and sentences about `limits.Case`."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import plots
from .compare import mean_and_error, paired
from .limits import Case, means
from .words import between, counted, tally

SURE = 0.95  # mean probability of the label


def confidence_panel(case: Case, axis: Any) -> None:
    """Draw how sure a classifier is on training and validation samples, and how often it is right."""
    t = case.runs.runs[0].curves["epoch"]
    for name, label, hue in (("confidence", "training: mean probability of the label", plots.BLUE),
                             ("val_confidence", "validation: mean probability of the decision", plots.ORANGE)):
        plots.curve(axis, t, case.runs.curves(name), label, hue=hue, split="")
    plots.curve(axis, t, 1 - case.runs.curves("val_error"), "validation: share of right decisions", hue=plots.BLACK,
                split="", linestyle="--")
    axis.set(title=case.title, ylabel="probability, share")
    plots.log(axis, "x")


def surer(cases: Sequence[Case]) -> str:
    """Say how sure the classifiers were at zero training error and in the end, and what else changed meanwhile."""
    def changes(figure: str) -> str:
        return tally([paired(case.runs.at("zero", figure), case.runs.at("end", figure), comparisons=len(cases)).verdict
                      for case in cases])

    def both(figure: str, factor: float = 1.0) -> str:
        return f"{means(cases, figure, factor, 'zero')} at zero error, {means(cases, figure, factor, 'end')} in the end"

    waits = between(mean_and_error([_epochs_to(SURE, run) for run in case.runs.runs])[0] for case in cases)
    of = counted(len(cases), "case")
    return (f"What growing confidence at unchanged training accuracy means ({of}): the mean probability of the label was "
            f"{both('confidence')}; it passed {SURE} after {waits} times the epochs to zero error. Weights of zero "
            f"error, made as long as in the end without turning, say {means(cases, 'scaled')}: so much is length, which "
            "decides nothing; the rest is margin. On validation samples the mean probability of the decision was "
            f"{both('val_confidence')}; {means(cases, 'changed', 100)} % of the decisions changed. The error there, "
            f"{both('val_error', 100)} (in %), was {changes('val_error')} of {of}, the calibration error "
            f"{changes('val_calibration')}, the loss {changes('val_loss')}, the loss at the best temperature "
            f"{changes('val_loss_scaled')}.")


def _epochs_to(level: float, run: Any) -> float:
    """Return at how many times the epoch of zero error a run was this sure; NaN if it never was, or made no such epoch."""
    reached = np.flatnonzero(run.curves["confidence"] >= level)
    zero = run.scalars.get("zero.epoch", np.nan)
    return max(1.0, float(run.curves["epoch"][reached[0]]) / zero) if len(reached) else np.nan
