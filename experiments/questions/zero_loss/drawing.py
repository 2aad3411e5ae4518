"""The figures of zero_loss."""
from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
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
HOLLOW = ("patience_error", "patience_loss", "flood", "end")
# One method at three times, so one hue, from pale to deep.
TIMES = {"zero": ("at zero training error", 0.45, ":"), "ten": ("at 10 x that epoch", 0.0, "--"),
         "end": ("at the end", -0.43, "-")}


def draw_curves(all_results: Sequence[Results], path: str | PathLike[str]) -> list:
    """Training and test loss and error over epochs, what each rule returns and the time after zero error."""
    return _page(all_results, path, _curve_panel, ("loss", "error"), "Training on after zero training error: loss and error",
                 x="epoch (log scale)", y=("cross-entropy, nats (log scale)", "error, %"), legend=5)


def draw_margins(all_results: Sequence[Results], path: str | PathLike[str]) -> list:
    """Distribution of probability and output margins of the training samples at three times of the cross-entropy runs."""
    return _page(all_results, path, _margin_panel, tuple(MARGINS), "Margins of the training samples, trained on with "
                 "cross-entropy", "all seeds together", y=2 * ["share of training samples, %"], legend=3)


def draw_levels(all_results: Sequence[Results], path: str | PathLike[str]) -> list:
    """Error and loss over the flood level, where there is one to choose."""
    some = [results for results in all_results if len(results.flooding.levels) > 1]
    return _page(some, path, _level_panel, ("error", "loss"), "After flooding: error and loss over the level", legend=3,
                 x="flood level, nats", y=("error, %", "cross-entropy, nats")) if some else []


def _page(some: Sequence[Results], path: str | PathLike[str], panel: Callable[..., Any], rows: Sequence[str], title: str,
          what: str = "", **how: Any) -> list:
    """Draw a column per case; returns the files written."""
    panels = [[partial(panel, results, row) for results in some] for row in rows]
    return plots.page(path, panels, title=f"{title} ({what or spread(len(some[0].case.plain), 'seed')})",
                      size=(1.2 + 3.4 * max(2, len(some)), 6.8), **how)


def _head(results: Results, axis: Any) -> None:
    axis.set_title(results.title.replace(", ", "\n", 1))


def _curve_panel(results: Results, figure: str, axis: Any) -> None:
    plain, factor = results.runs["end"][0], 100.0 if figure == "error" else 1.0
    epochs, zero = plain.curves("epoch")[0], results.mean("zero", "epoch")  # the same checks for all seeds
    if not np.isnan(zero):
        axis.axvspan(zero, epochs[-1], color=plots.ink(plots.PALE), zorder=0, lw=0, label="after zero training error")
    for runs, hue, name in ((plain, plots.PLAIN, "cross-entropy"), (results.flooding.chosen, plots.FLOODING, "flooding")):
        for split in ("train", "test"):
            plots.curve(axis, runs.curves("epoch")[0], runs.curves(f"{split}_{figure}", factor), name, hue=hue, split=split)
    for place, (method, (label, marker, size, hue)) in enumerate(MARKS.items()):
        epoch, stops = results.mean(method, "epoch"), results.values(method, "epoch")
        if not np.isnan(epoch):
            colour = plots.ink(hue)
            faces = {"mfc": "none", "mec": colour, "mew": 1.8} if method in HOLLOW else {"mec": plots.paper(), "mew": 0.6}
            axis.plot([epoch], [results.runs[method][0].curve_at(f"test_{figure}", stops, factor)], marker, color=colour,
                      ms=size, zorder=5 + place, ls="", label=label, clip_on=False, **faces)
    plots.log(axis, "x", 1, epochs[-1] * 1.3)
    axis.margins(y=0.08)
    if figure == "error":
        axis.set_ylim(bottom=0)
    else:
        _head(results, axis)
        plots.log(axis, "y")


def _margin_panel(results: Results, name: str, axis: Any) -> None:
    runs = results.runs["end"][0].runs
    margin_panel(axis, name, {words: ([run.arrays[f"{time}.{name}"] for run in runs if f"{time}.{name}" in run.arrays],
                                      plots.tone(plots.PLAIN, share), line)  # a run may end before ten times its epoch
                              for time, (words, share, line) in TIMES.items()}, len(runs))
    if name == "probability_margins":
        _head(results, axis)


def _level_panel(results: Results, figure: str, axis: Any) -> None:
    results.flooding.panel(figure, results.runs["end"][0], axis)
    if figure == "error":
        _head(results, axis)
