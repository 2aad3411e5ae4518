"""The figures of flooding_table."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...report import plots
from ...report.measured import Measured
from ...report.words import spread
from .cases import Case

LOWEST = 0.02  # of the second figure: training losses go on to 1e-5 and would leave no room for test losses


def figures(results: Sequence[Sequence[Case]], folder: Path) -> list:
    """Draw accuracy over the flood level, and loss over epochs where it was followed."""
    first, each = results[0][0], len(results)
    paths = plots.cases(folder / "flooding_table_levels.png", _level_panel, results, x="flood level, nats", legend=3,
                        title=f"Accuracy after the last epoch, on noisy labels ({spread(len(first.trials), 'trial')})",
                        y=["accuracy, %"] * each)
    if count := len(first.curves[0].runs):
        of = f"mean of {count} trials" if count > 1 else "one trial"
        paths += plots.cases(folder / "flooding_table_curves.png", _curve_panel, results, x="epoch (log scale)", legend=3,
                             title=f"Loss with and without flooding ({of})",
                             y=[f"cross-entropy, nats\n(log scale, cut at {LOWEST:g})"] * each)
    return paths


def _level_panel(case: Case, axis: Any) -> None:
    """Validation and test accuracy over the flood level, with the chosen levels and the Bayes cross-entropy marked."""
    levels = np.array([one.loss.level for one in case.trials[0].specs])
    plots.splits(axis, levels, lambda split: 100 - np.array(
        [Measured(trial.runs).values(f"{split}_error", 100) for trial in case.trials]), parts=("val", "test"),
        hue=plots.FLOODING, marker="o", ms=3.5)
    axis.axvline(case.best.cross_entropy, color=plots.ink(plots.BLACK), lw=1.2, ls=":", label="Bayes cross-entropy")
    case.best_line(axis)
    bottom, top = axis.get_ylim()
    bottom -= 0.08 * (top - bottom)
    # The chosen levels stand on the axis, one mark per trial, apart a little: trials often agree.
    chosen = np.sort(case.levels("last"))
    first, end = np.searchsorted(chosen, chosen), np.searchsorted(chosen, chosen, "right")
    rank = np.arange(len(chosen)) - (first + end - 1) / 2
    axis.plot(chosen + 0.018 * levels.max() * rank, np.full(len(chosen), bottom), "^", color=plots.ink(plots.BLACK), ms=6,
              clip_on=False, zorder=5, label="level chosen by validation, one mark per trial")
    axis.set_ylim(bottom, top)


def _curve_panel(case: Case, axis: Any) -> None:
    """Loss on training and test set over epochs, without flooding and with the chosen level."""
    for runs, hue, name in zip(case.curves, (plots.PLAIN, plots.FLOODING), ("without flooding", "flooding, chosen level"),
                               strict=True):
        plots.over_epochs(axis, runs, "loss", name, hue=hue, band=False)
    axis.axhline(case.best.cross_entropy, color=plots.ink(plots.BLACK), lw=1.2, ls=":", label="Bayes cross-entropy")
    axis.set(xscale="log", yscale="log")
    axis.set_ylim(bottom=max(LOWEST, axis.get_ylim()[0]))
    plots.log(axis, "xy")
