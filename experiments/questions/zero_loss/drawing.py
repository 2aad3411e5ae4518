"""The two figures of zero_loss, drawn from stored runs."""
import numpy as np

from ...report import plots
from ...report.words import spread

# Name, marker, size and colour of each method in the figure of curves, the largest first. Rules often agree on an epoch, and
# then each mark must show around or inside the others: the large ones are hollow. Shapes differ too, for print.
MARKS = {"patience_error": ("patience, validation error", "s", 13, plots.PURPLE),
         "patience_loss": ("patience, validation loss", "o", 9, plots.BLUE),
         "flood": ("end of flooding", "D", 9, plots.FLOODING), "end": ("end of training", "x", 10, plots.PLAIN),
         "zero": ("zero training error", "v", 5, plots.BLACK)}
HOLLOW = ("patience_error", "patience_loss", "flood", "end")
# One method at three times, so one hue.
TIMES = {"zero": ("at zero training error", plots.light(plots.PLAIN, 0.45), ":"),
         "ten": ("at 10 x that epoch", plots.PLAIN, "--"), "end": ("at the end", "#7a3600", "-")}


def draw_curves(all_results, path):
    """Training and test loss and error over epochs, with what each rule returns marked and the time after zero error shaded.

    Parameters
    ----------
    all_results : list of zero_loss_report.Results
        One column each.
    path : path
        Of the PNG file.

    Returns
    -------
    list of path
        The files written.
    """
    columns, seeds = len(all_results), len(all_results[0].plain)
    title = f"Training on after zero training error: loss and error ({spread(seeds, 'seed')})"
    with plots.figure(path, 2, columns, size=(1.2 + 3.4 * columns, 6.8), title=title) as (drawing, axes):
        for column, results in enumerate(all_results):
            for row, (figure, factor) in enumerate((("loss", 1.0), ("error", 100.0))):
                _curve_panel(axes[row, column], results, figure, factor)
            axes[0, column].set_title(results.case.title.replace(", ", "\n", 1))
            axes[0, column].set_yscale("log")
            plots.log_ticks(axes[0, column].yaxis)
            axes[1, column].set_xlabel("epoch (log scale)")
        axes[0, 0].set_ylabel("cross-entropy, nats (log scale)")
        axes[1, 0].set_ylabel("error, %")
        plots.legend(drawing, axes, columns=5)
    return plots.written(path)


def _curve_panel(axis, results, figure: str, factor: float) -> None:
    epochs = results.plain[0].curves["epoch"]  # (checks,), the same for all seeds
    zero = results.mean("zero", "epoch")
    if not np.isnan(zero):
        axis.axvspan(zero, epochs[-1], color="#f0e9d8", zorder=0, lw=0, label="after zero training error")
    for runs, split, colour, method in (
            (results.plain, "train", plots.PLAIN, "cross-entropy"), (results.plain, "test", plots.PLAIN, "cross-entropy"),
            (results.flooded, "train", plots.FLOODING, "flooding"), (results.flooded, "test", plots.FLOODING, "flooding")):
        values = factor * np.array([run.curves[f"{split}_{figure}"] for run in runs])  # (seeds, checks)
        mean = values.mean(axis=0)
        axis.plot(runs[0].curves["epoch"], mean, label=f"{plots.SPLITS[split][0]}, {method}", **plots.look_of(split, colour))
        if len(runs) > 1:
            error = values.std(axis=0, ddof=1) / np.sqrt(len(runs))
            # The lower edge of a band may not reach zero on a logarithmic axis.
            axis.fill_between(runs[0].curves["epoch"], np.maximum(mean - error, mean / 10), mean + error, color=colour,
                              alpha=0.2, lw=0)
    for place, (method, (label, marker, size, colour)) in enumerate(MARKS.items()):
        epoch = results.mean(method, "epoch")
        if not np.isnan(epoch):
            runs = results.flooded if method == "flood" else results.plain
            faces = {"mfc": "none", "mec": colour, "mew": 1.8} if method in HOLLOW else {"mec": "white", "mew": 0.6}
            height = factor * at_stops(runs, f"test_{figure}", results.values(method, "epoch"))
            axis.plot([epoch], [height], marker, color=colour, ms=size, zorder=5 + place, ls="", label=label, clip_on=False,
                      **faces)
    axis.set_xscale("log")
    axis.set_xlim(1, epochs[-1] * 1.3)
    plots.log_ticks(axis.xaxis)
    axis.margins(y=0.08)
    if figure == "error":
        axis.set_ylim(bottom=0)


def at_stops(runs, name: str, epochs) -> float:
    """Mean over the runs of each one's own curve at its own stop (seeds,): at the mean epoch of all stops no run was.

    Where all stop at the same epoch, at the end, this is on the mean curve. The final figures of a run are measured on the
    whole test set, its curves on a part.
    """
    return float(np.mean([np.interp(np.log(epoch), np.log(run.curves["epoch"]), run.curves[name])
                          for run, epoch in zip(runs, epochs, strict=True) if not np.isnan(epoch)]))


def draw_margins(all_results, path):
    """Distribution of probability and output margins of the training samples at three times of the cross-entropy runs.

    Parameters and return value as `draw_curves`.
    """
    columns = len(all_results)
    title = "Margins of the training samples, trained on with cross-entropy (all seeds together)"
    with plots.figure(path, 2, columns, size=(1.2 + 3.4 * columns, 6.4), title=title) as (drawing, axes):
        for column, results in enumerate(all_results):
            axes[0, column].set_title(results.case.title.replace(", ", "\n", 1))
            _margin_panel(axes[0, column], results, "probability_margins", "probability margin: p(label) − largest other")
            _margin_panel(axes[1, column], results, "output_margins", "output margin: f(label) − largest other")
        for row in range(2):
            axes[row, 0].set_ylabel("share of training samples, %")
        plots.legend(drawing, axes, columns=3)
    return plots.written(path)


def _margin_panel(axis, results, name: str, label: str) -> None:
    margins, some = {}, {}
    for time in TIMES:
        found = [run.arrays[f"{time}.{name}"] for run in results.plain if f"{time}.{name}" in run.arrays]
        if found:  # a run may be too short for ten times its zero-error epoch
            margins[time] = np.concatenate(found)
            some[time] = f", {len(found)} of {len(results.plain)} seeds" if len(found) < len(results.plain) else ""
    everything = np.concatenate(list(margins.values()))
    # Output margins grow like the logarithm of time and differ by orders of magnitude; an axis with negative ones
    # stays linear.
    if name == "output_margins" and everything.min() > 0:
        bins = np.geomspace(everything.min() * 0.999, everything.max() * 1.001, 31)
        axis.set_xscale("log")
        axis.set_xlim(bins[0] / 1.05, bins[-1] * 1.05)
        plots.log_ticks(axis.xaxis)
        label += " (log scale)"
    else:
        bins = np.linspace(min(0.0, float(everything.min())), max(1.0, float(everything.max())), 31)
    for time, values in margins.items():
        name_of_time, colour, line = TIMES[time]
        weights = np.full(len(values), 100 / len(values))
        axis.hist(values, bins, weights=weights, histtype="stepfilled", color=colour, alpha=0.18)
        axis.hist(values, bins, weights=weights, histtype="step", color=colour, ls=line, label=name_of_time)
    axis.set_xlabel(label)
    axis.set_ylim(top=axis.get_ylim()[1] * 1.3)  # room for the text
    axis.set_yticks([tick for tick in axis.get_yticks() if tick <= 100])
    digits = ".3f" if label.startswith("probability") else ".2f"
    lines = [f"{np.median(values):{digits}} ({values.min():{digits}}) {TIMES[time][0]}{some[time]}"
             for time, values in margins.items()]
    text = "\n".join(["median (smallest)", *lines])
    axis.text(0.03, 0.98, text, transform=axis.transAxes, va="top", fontsize="small")
