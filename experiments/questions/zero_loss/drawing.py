"""The two figures of zero_loss."""
from collections.abc import Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from ...report import plots
from ...report.words import spread
from . import Results

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
MARGINS = {"probability_margins": "probability margin: p(label) − largest other",
           "output_margins": "output margin: f(label) − largest other"}


def draw_curves(all_results: Sequence[Results], path: str | PathLike[str]) -> list:
    """Training and test loss and error over epochs, with what each rule returns marked and the time after zero error shaded.

    A column per case; returns the files written.
    """
    panels = [[partial(_curve_panel, results, figure) for results in all_results] for figure in ("loss", "error")]
    title = f"Training on after zero training error: loss and error ({spread(len(all_results[0].levels), 'seed')})"
    return plots.page(path, panels, title=title, size=(1.2 + 3.4 * len(all_results), 6.8), x="epoch (log scale)",
                      y=("cross-entropy, nats (log scale)", "error, %"), legend=5)


def _curve_panel(results: Results, figure: str, axis: Any) -> None:
    factor, epochs = 100.0 if figure == "error" else 1.0, results.plain.curves("epoch")[0]  # the same for all seeds
    zero = results.mean("zero", "epoch")
    if not np.isnan(zero):
        axis.axvspan(zero, epochs[-1], color=plots.ink(plots.PALE), zorder=0, lw=0, label="after zero training error")
    for runs, hue, method in ((results.plain, plots.PLAIN, "cross-entropy"), (results.flooded, plots.FLOODING, "flooding")):
        for split in ("train", "test"):
            values = runs.curves(f"{split}_{figure}", factor)
            plots.curve(axis, runs.curves("epoch")[0], values, method, hue=hue, split=split)
    for place, (method, (label, marker, size, hue)) in enumerate(MARKS.items()):
        epoch = results.mean(method, "epoch")
        if not np.isnan(epoch):
            colour = plots.ink(hue)
            faces = {"mfc": "none", "mec": colour, "mew": 1.8} if method in HOLLOW else {"mec": plots.paper(), "mew": 0.6}
            height = factor * at_stops(results.of(method)[0].runs, f"test_{figure}", results.values(method, "epoch"))
            axis.plot([epoch], [height], marker, color=colour, ms=size, zorder=5 + place, ls="", label=label, clip_on=False,
                      **faces)
    plots.log(axis, "x", 1, epochs[-1] * 1.3)
    axis.margins(y=0.08)
    if figure == "error":
        axis.set_ylim(bottom=0)
    else:
        axis.set_title(results.case.title.replace(", ", "\n", 1))
        plots.log(axis, "y")


def at_stops(runs: Any, name: str, epochs: Any) -> float:
    """Mean over the runs of each one's own curve at its own stop (seeds,): at the mean epoch of all stops no run was.

    Where all stop at the same epoch, at the end, this is on the mean curve. The final figures of a run are measured on the
    whole test set, its curves on a part.
    """
    return float(np.mean([np.interp(np.log(epoch), np.log(run.curves["epoch"]), run.curves[name])
                          for run, epoch in zip(runs, epochs, strict=True) if not np.isnan(epoch)]))


def draw_margins(all_results: Sequence[Results], path: str | PathLike[str]) -> list:
    """Distribution of probability and output margins of the training samples at three times of the cross-entropy runs.

    A column per case; returns the files written.
    """
    panels = [[partial(_margin_panel, results, name) for results in all_results] for name in MARGINS]
    title = "Margins of the training samples, trained on with cross-entropy (all seeds together)"
    return plots.page(path, panels, title=title,
                      size=(1.2 + 3.4 * len(all_results), 6.4), y=2 * ["share of training samples, %"], legend=3)


def _margin_panel(results: Results, name: str, axis: Any) -> None:
    groups, lines, label = {}, ["median (smallest)"], MARGINS[name]
    for time, (words, share, line) in TIMES.items():
        found = [run.arrays[f"{time}.{name}"] for run in results.plain.runs if f"{time}.{name}" in run.arrays]
        if found:  # a run may be too short for ten times its zero-error epoch
            values = np.concatenate(found)
            groups[words] = values, plots.tone(plots.PLAIN, share), line
            some, seeds = f", {len(found)} of {len(results.plain.runs)} seeds", len(results.plain.runs)
            digits = ".3f" if name == "probability_margins" else ".2f"
            lines.append(f"{np.median(values):{digits}} ({values.min():{digits}}) {words}{some * (len(found) < seeds)}")
    low, high = (float(extreme([extreme(values) for values, *_ in groups.values()])) for extreme in (min, max))
    # Output margins grow like the logarithm of time and differ by orders of magnitude; an axis with negative ones
    # stays linear.
    logarithmic = name == "output_margins" and low > 0
    bins = np.geomspace(low * 0.999, high * 1.001, 31) if logarithmic else np.linspace(min(0.0, low), max(1.0, high), 31)
    plots.distribution(axis, groups, bins)
    if logarithmic:
        plots.log(axis, "x", bins[0] / 1.05, bins[-1] * 1.05)
    axis.set_xlabel(label + " (log scale)" * logarithmic)
    if name == "probability_margins":
        axis.set_title(results.case.title.replace(", ", "\n", 1))
    axis.set_ylim(top=axis.get_ylim()[1] * 1.3)  # room for the text
    axis.set_yticks([tick for tick in axis.get_yticks() if tick <= 100])
    axis.text(0.03, 0.98, "\n".join(lines), transform=axis.transAxes, va="top", fontsize="small")
