"""Runs on separable data beside theory: slopes over the last tenfold of time and what they are expected to be; margins that
grow; and what it means that a classifier which makes no training error grows surer.
"""
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import plots
from .compare import AGREES, BETTER, DEVIATES, UNKNOWN, WORSE, agreement, mean_and_error, paired
from .measured import Measured
from .tables import mean_error
from .words import between, counted, listed, tally

DECADE = 10  # slopes are fitted to the last tenfold of epochs
SURE = 0.95  # mean probability of the label
FLAT = 0.01  # below, the validation loss is predicted hardly to rise, and a ratio to that says nothing


class Case(NamedTuple):
    """Runs of one case, as `trainers.separable` leaves them.

    Attributes
    ----------
    title, hue : str
    network : bool
        Whether it has hidden units; theory about the support vector machine is about those without.
    seeds : int
    runs, others : Measured
        On data that a hyperplane separates (of networks: all), and the rest.
    """

    title: str
    hue: str
    network: bool
    seeds: int
    runs: Measured
    others: Measured

    def rise(self, name: str, logarithm: bool = False) -> np.ndarray:
        """Slope (seeds,) of a curve, or of its logarithm, per unit of log t."""
        return rises(self.runs, name, logarithm)


def rises(runs: Measured, name: str, logarithm: bool = False) -> np.ndarray:
    """Slope (seeds,) of a curve, or of its logarithm, per unit of log t."""
    return _slopes(runs, lambda one: np.log(one.curves["epoch"]),
                   lambda one: np.log(one.curves[name]) if logarithm else one.curves[name])


def _slopes(runs: Measured, x: Any, y: Any) -> np.ndarray:
    """Least-squares slope (seeds,) of one function of a run over another."""
    def fitted(one: Any) -> float:
        late = one.curves["epoch"] >= one.curves["epoch"][-1] / DECADE
        return float(np.polyfit(x(one)[late], y(one)[late], 1)[0])
    return np.array([fitted(one) for one in runs.runs])


def _turning(case: Case) -> np.ndarray:
    """By how much the weights go across the direction of the support vector machine while they go on along it, by 1.

    An angle that falls like 1/log t is a part across that stays while the part along grows like log t.
    """
    def part(function: Any) -> Any:
        return lambda one: one.curves["size"] * function(np.radians(one.curves["angle"]))
    return _slopes(case.runs, part(np.cos), part(np.sin))


def _ratio(case: Case) -> np.ndarray:
    predicted = case.runs.values("svm.val_slope")
    return case.rise("val_loss") / np.where(predicted > FLAT, predicted, np.nan)


def _network_loss(case: Case) -> np.ndarray:
    """Slope of log loss over log(T log T), T = ηt: of two layers (Lyu & Li, theorem 4.3)."""
    def clock(one: Any) -> np.ndarray:
        T = one.scalars["eta"] * one.curves["epoch"]
        return np.log(T * np.log(np.maximum(T, math.e)))
    return _slopes(case.runs, clock, lambda one: np.log(one.curves["train_loss"]))


# Claim: its figure (seeds,) of a case, and what theory expects of it.
LOSS, CONSTANT, NORM, ACROSS, VALIDATION = (
    "slope of log loss over log t", "Σ loss·ηt·γ²", "γ·slope of the norm over log t", "growth across over along the SVM",
    "slope of the validation loss over log t / predicted")
CLAIMS: dict[str, tuple[Any, float]] = {
    LOSS: (lambda case: case.rise("train_loss", True), -1),
    CONSTANT: (lambda case: case.runs.values("end.constant"), 1),
    NORM: (lambda case: case.rise("size") * case.runs.values("svm.margin"), 1),
    ACROSS: (_turning, 0),
    VALIDATION: (_ratio, 1)}
NETWORK = "slope of log loss over log(T log T)"
NETWORK_CLAIMS: dict[str, tuple[Any, float]] = {NETWORK: (_network_loss, -1)}


def dips(runs: Measured) -> np.ndarray:
    """Between how many checks (seeds,) the smoothed margin fell, once the summed loss is below log 2.

    Under gradient flow there are none (Lyu & Li, theorem 4.1); their proof for steps excludes relu.
    """
    def counted(one: Any) -> int:
        below = one.scalars["samples"] * one.curves["train_loss"] < math.log(2)
        values = one.curves["smoothed"][below]
        return int(np.sum(np.diff(values) < -1e-12 * values[:-1]))
    return np.array([counted(one) for one in runs.runs])


def judged(cases: Sequence[Case], claims: Mapping[str, tuple[Any, float]], tolerance: float) -> str:
    """Say of every claim in how many cases it holds, and in which it clearly does not, all intervals together at 95 %."""
    parts, together = [], max(1, len(cases) * len(claims))
    for name, (claim, expected) in claims.items():
        found = [(case.title, claim(case)) for case in cases]
        verdicts = [agreement(values, expected, tolerance, comparisons=together) for _, values in found]
        pairs = list(zip(found, verdicts, strict=True))
        known = [mean_and_error(values)[0] for (_, values), verdict in pairs if verdict != UNKNOWN]
        off = [f"{title} ({mean_error(*mean_and_error(values))})"
               for (title, values), verdict in pairs if verdict == DEVIATES]
        holds = f"in {verdicts.count(AGREES)} of {counted(len(known), 'case')} ({between(known)})" if known else UNKNOWN
        parts.append(f"{name} → {expected} {holds}" + (f", clearly not {listed(off)}" if off else ""))
    return "; ".join(parts)


def means(cases: Sequence[Case], figure: str, factor: float = 1.0, when: str = "") -> str:
    """Return the smallest and largest mean over seeds of some cases: of a scalar, or of a figure at "zero" or at "end"."""
    return between(mean_and_error(case.runs.at(when, figure, factor) if when else case.runs.values(figure, factor))[0]
                   for case in cases)


def apart(cases: Sequence[Case]) -> str:
    """Say what happened where no hyperplane separates the data, and theory says nothing."""
    runs = Measured([one for case in cases for one in case.others.runs])
    total = counted(sum(case.seeds for case in cases if not case.network), "linear run")
    if not runs.runs:
        return f"All {total} were on separable data."
    # To nine places: what is at rest has slopes of rounding errors.
    slopes = [mean_error(*mean_and_error(rises(runs, *one).round(9))) for one in (("train_loss", True), ("size",))]
    return (f"In {len(runs.runs)} of {total} no hyperplane separates the data, and there is no such limit: in the end the "
            f"loss was {runs.text('end.train_loss')} (slope of its logarithm {slopes[0]}), of the training decisions "
            f"{runs.text('end.train_error', 100)} % were wrong, and the norm was {runs.text('end.size')} (slope {slopes[1]} "
            "per log t).")


def grown(networks: Sequence[Case], tolerance: float) -> str:
    """Say what became of the margins of networks."""
    verdicts = [paired(case.runs.at("zero", "margin"), case.runs.at("end", "margin"), lower_is_better=False).verdict
                for case in networks]
    said = tally(verdicts).replace(BETTER, "larger").replace(WORSE, "smaller")
    fell = sum(int((dips(case.runs) > 0).sum()) for case in networks)
    return (f"Relu networks: the normalised margin was {means(networks, 'margin', when='zero')} at zero error and "
            f"{means(networks, 'margin', when='end')} in the end, {said} of {counted(len(networks), 'case')}; the smoothed "
            f"one, which under gradient flow never falls, fell in {counted(fell, 'run')}; "
            f"{judged(networks, NETWORK_CLAIMS, tolerance)}.")


def surer(cases: Sequence[Case]) -> str:
    """Say how sure the classifiers were at zero training error and in the end, and what else changed meanwhile."""
    def changes(figure: str) -> str:
        return tally([paired(case.runs.at("zero", figure), case.runs.at("end", figure), comparisons=len(cases)).verdict
                      for case in cases])

    def both(figure: str, factor: float = 1.0) -> str:
        return f"{means(cases, figure, factor, 'zero')} at zero error, {means(cases, figure, factor, 'end')} in the end"

    waits = [np.array([_epochs_to(SURE, run) for run in case.runs.runs]) for case in cases]
    never, of = sum(int(np.isnan(one).sum()) for one in waits), counted(len(cases), "case")
    times = f"{between(mean_and_error(one)[0] for one in waits)} times the epochs to zero error"
    times += f" (not in {counted(never, 'run')})" if never else ""
    return (f"What growing confidence at unchanged training accuracy means ({of}): the mean probability of the label was "
            f"{both('confidence')}; it passed {SURE} after {times}. Weights of zero "
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
    return max(float(run.curves["epoch"][reached[0]]) / zero, 1.0) if len(reached) else np.nan  # NaN first: it stays


# --- panels ---

def confidence_panel(case: Case, axis: Any) -> None:
    """Draw how sure a classifier is on training and validation samples, and how often it is right."""
    t = case.runs.runs[0].curves["epoch"]
    for name, label, split in (("confidence", "mean probability of the label", "train"),
                               ("val_confidence", "mean probability of the decision", "val")):
        plots.curve(axis, t, case.runs.curves(name), label, hue=plots.BLUE, split=split)
    plots.curve(axis, t, 1 - case.runs.curves("val_error"), "share of right decisions", hue=plots.ORANGE, split="val")
    axis.set(title=case.title, ylabel="probability, share")
    plots.log(axis, "x")


def norm_panel(case: Case, axis: Any) -> None:
    """Draw the margins of networks over the power of the norm of their weights with which they grow, over the epochs."""
    for name, label, hue, line in (("margin", "smallest margin", plots.BLUE, "-"),
                                   ("smoothed", "smoothed margin", plots.ORANGE, "--")):
        plots.curve(axis, case.runs.runs[0].curves["epoch"], case.runs.curves(name), label, hue=hue, split="",
                    linestyle=line)
    axis.set(title=case.title, ylabel="margin / norm²")
    axis.set_ylim(bottom=-0.02)
    plots.log(axis, "x")
