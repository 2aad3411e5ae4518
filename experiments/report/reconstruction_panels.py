"""Panels about autoencoders: error and accuracy over epochs, one against the other, other rates, and where rules stop."""
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import plots
from .compare import half_width, mean_and_error
from .measured import Measured
from .reconstruction import FOOLED, Outcome, Told, looks

HUES = {2: plots.PURPLE, 4: plots.SKY, 8: plots.GREEN, 16: plots.RED, 32: plots.BLUE}
OTHERS = (plots.ORANGE, plots.BLACK, plots.GREY)
FIRST = 0.5  # of the distance between checks: where the one before training stands on a logarithmic axis


def hue_of(units: int, place: int) -> str:
    """The hue of a code."""
    return HUES.get(units, OTHERS[place % len(OTHERS)])


def times(epochs: np.ndarray) -> np.ndarray:
    """Epochs for a logarithmic axis: what was seen before training stands left of the first check."""
    return np.where(epochs > 0, epochs, FIRST * epochs[1])


def errors_panel(arms: Mapping[str, tuple[Measured, str]], axis: Any) -> None:
    """Draw the test errors of some networks over epochs, in percent of the variance, each with its hue, of the first the
    training error as well; and what principal components leave of test images.
    """
    for name, (runs, hue) in arms.items():
        t = times(runs.curves("epoch")[0])
        for split in ("train", "test") if name == next(iter(arms)) else ("test",):
            plots.curve(axis, t, runs.curves(f"{split}_loss", 100), name, hue=hue, split=split)
    first = next(iter(arms.values()))[0]
    axis.axhline(first.mean("pca_loss", 100), color=plots.ink(plots.GREY), ls=":", label="principal components, test")
    plots.log(axis, "x")
    plots.log(axis, "y", 4, 500)


def accuracy_panel(arms: Mapping[str, tuple[Measured, str]], axis: Any) -> None:
    """Draw the accuracy of classifiers of their codes, of principal components, and of the pixels."""
    for name, (runs, hue) in arms.items():
        at = looks(runs.runs[0])
        plots.curve(axis, times(runs.curves("epoch")[0])[at], runs.curves("accuracy", 100)[:, at], name, hue=hue, marker=".")
    first = next(iter(arms.values()))[0]
    axis.axhline(first.mean("pca_accuracy", 100), color=plots.ink(plots.GREY), ls=":", label="principal components, test")
    axis.axhline(first.mean("raw_accuracy", 100), color=plots.ink(plots.BLACK), ls="-.", lw=1, label="pixels, test")
    plots.log(axis, "x")


def plane_panel(codes: Mapping[int, Measured], others: Mapping[str, tuple[Measured, str]], axis: Any) -> None:
    """Draw accuracy against error while networks train: a line for each code and each other network, a ring at its end."""
    lines = [(f"{units} units", runs, hue_of(units, place), "-") for place, (units, runs) in enumerate(codes.items())]
    for label, runs, hue, line in [*lines, *((name, runs, hue, "--") for name, (runs, hue) in others.items())]:
        at = looks(runs.runs[0], 1e-9)
        x, y = (runs.curves(name, 100)[:, at].mean(axis=0) for name in ("test_loss", "accuracy"))
        axis.plot(x, y, line, marker=".", ms=5, color=plots.ink(hue), label=label)
        plots.mark(axis, x[-1], y[-1], "o", hue=hue, size=8)
    plots.log(axis, "x")
    axis.invert_xaxis()
    axis.set_xlabel("test error, % of the variance (better →)")


def rates_panel(found: Told, axis: Any) -> None:
    """Draw what other rates bring more than going on as before: at plateaus that were not the end, and at the end."""
    names = list(found.gains)
    for side, (label, hue, marker) in enumerate((("on a plateau", plots.ORANGE, "o"), ("at the end", plots.BLUE, "s"))):
        for place, name in enumerate(names):
            values = found.gains[name][side]
            values = values[~np.isnan(values)]
            mean, error = mean_and_error(values)
            half = half_width(error, len(values))
            axis.errorbar([place + 0.16 * (side - 0.5)], [mean], yerr=[half] if np.isfinite(half) else None, fmt=marker,
                          ms=7, capsize=3, color=plots.ink(hue), label=label if place == 0 else "")
    axis.axhline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xticks(range(len(names)), [f"× {name}" for name in names])
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.set_yscale("symlog", linthresh=5)
    axis.set_yticks([-100, -30, -10, -3, 0, 3, 10, 30], ["-100", "-30", "-10", "-3", "0", "3", "10", "30"])
    axis.minorticks_off()
    axis.set_xlabel("learning rate")


def rules_panel(outcomes: Mapping[str, Outcome], last: float, axis: Any) -> None:
    """Draw the epochs of the models that rules return, one mark a run: those far from the run's best as crosses."""
    for place, one in enumerate(outcomes.values()):
        fooled = ~np.isnan(one.stopped) & (one.cost > FOOLED)
        never = np.isnan(one.stopped)
        step = 0.5 * (np.arange(len(one.epochs)) / max(1, len(one.epochs) - 1) - 0.5)
        for which, marker, hue, label in ((fooled, "x", plots.RED, "stopped on a plateau or too soon"),
                                          (~fooled & ~never, "o", plots.GREEN, "stopped near the best"),
                                          (never, "|", plots.GREY, "never stopped")):
            axis.plot(np.maximum(one.epochs, 2)[which], place + step[which], marker, ms=5, mew=1.2, ls="",
                      color=plots.ink(hue), label=label if place == 0 else "")
    axis.set_yticks(range(len(outcomes)), list(outcomes))
    axis.set_ylim(len(outcomes) - 0.5, -0.5)
    axis.set_xlim(2, 1.15 * last)
    plots.log(axis, "x")
