"""The figures of zero_loss."""
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...report import plots
from ...report.margins import MARGINS, margin_panel
from ...report.words import spread
from .cases import Results

# Name, marker, size and hue of each method in the figure of curves, the largest first. Rules often agree on an epoch, and
# then each mark must show around or inside the others: the large ones are hollow. Shapes differ too, for print.
MARKS = {"patience_error": ("patience, validation error", "s", 13, plots.PURPLE),
         "patience_loss": ("patience, validation loss", "o", 9, plots.BLUE),
         "flood": ("end of flooding", "D", 9, plots.FLOODING), "end": ("end of training", "x", 10, plots.PLAIN),
         "zero": ("zero training error", "v", 5, plots.BLACK)}
# One method at three times, so one hue, from pale to deep.
TIMES = {"zero": ("at zero training error", 0.45, ":"), "ten": ("at 10 x that epoch", 0.0, "--"),
         "end": ("at the end", -0.43, "-")}


def figures(results: Sequence[Results], folder: Path) -> list:
    """Draw loss and error over epochs with what each rule returns, margins at three times, and what each level leads to."""
    def page(name: str, some: Sequence[Results], panel: Callable[..., Any], rows: Sequence[str], **how: Any) -> list:
        panels = [[partial(panel, one, row) for one in some] for row in rows]
        return plots.page(folder / f"zero_loss_{name}.png", panels, size=(1.2 + 3.4 * max(2, len(some)), 6.8),
                          heads=[[one.title.replace(", ", "\n", 1) for one in some]], **how)

    seeds, chosen = spread(len(results[0].case.plain), "seed"), [one for one in results if len(one.flooding.levels) > 1]
    return [
        *page("curves", results, _curve_panel, ("loss", "error"), x="epoch (log scale)", legend=5,
              y=("cross-entropy, nats (log scale)", "error, %"),
              title=f"Training on after zero training error: loss and error ({seeds})"),
        *page("margins", results, _margin_panel, tuple(MARGINS), y=2 * ["share of training samples, %"], legend=3,
              title="Margins of the training samples, trained on with cross-entropy (all seeds together)"),
        *(page("levels", chosen, _level_panel, ("error", "loss"), x="flood level, nats", legend=3,
               y=("error, %", "cross-entropy, nats"), title=f"After flooding: error and loss over the level ({seeds})")
          if chosen else [])]


def mark_name(method: str, seeds: int) -> str:
    """Return what the legend calls a mark: seeds that lose patience at different epochs may put it off the mean curve."""
    return MARKS[method][0] + ",\nmean of the seeds' stops" * ("patience" in method and seeds > 1)


def _curve_panel(results: Results, figure: str, axis: Any) -> None:
    plain, factor = results.runs["end"][0], 100.0 if figure == "error" else 1.0
    epochs, zero = plain.curves("epoch")[0], results.mean("zero", "epoch")  # the same checks for all seeds
    if not np.isnan(zero):
        axis.axvspan(zero, epochs[-1], color=plots.ink(plots.PALE), zorder=0, lw=0, label="after zero training error")
    for runs, hue, name in ((plain, plots.PLAIN, "cross-entropy"), (results.flooding.chosen, plots.FLOODING, "flooding")):
        plots.over_epochs(axis, runs, figure, name, factor=factor, hue=hue)
    for place, (method, (_, marker, size, hue)) in enumerate(MARKS.items()):
        epoch, stops = results.mean(method, "epoch"), results.values(method, "epoch")
        if not np.isnan(epoch):
            plots.mark(axis, epoch, results.runs[method][0].curve_at(f"test_{figure}", stops, factor), marker,
                       mark_name(method, len(stops)), hue=hue, size=size, hollow=method != "zero", zorder=5 + place)
    plots.log(axis, "x", 1, epochs[-1] * 1.3)
    axis.margins(y=0.08)
    if figure == "error":
        axis.set_ylim(bottom=0)
    else:
        plots.log(axis, "y")


def _margin_panel(results: Results, name: str, axis: Any) -> None:
    runs = results.runs["end"][0].runs
    margin_panel(axis, name, {words: ([run.arrays[f"{time}.{name}"] for run in runs if f"{time}.{name}" in run.arrays],
                                      plots.tone(plots.PLAIN, share), line)  # a run may end before ten times its epoch
                              for time, (words, share, line) in TIMES.items()}, len(runs))


def _level_panel(results: Results, figure: str, axis: Any) -> None:
    results.flooding.panel(figure, results.runs["end"][0], axis)
