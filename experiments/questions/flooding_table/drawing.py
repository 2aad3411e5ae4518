"""The two figures of flooding_table, drawn from stored runs."""
import numpy as np

from ...report import plots
from ...report.words import spread

LOWEST = 0.02  # of the second figure: training losses go on to 1e-5 and would leave no room for test losses


def draw_levels(tables, path):
    """Validation and test accuracy over the flood level, with the chosen levels and the Bayes cross-entropy marked.

    Parameters
    ----------
    tables : list of list of flooding_table_report.Cell
        A row of panels per data set, a column per noise.
    path : path
        Of the PNG file.

    Returns
    -------
    list of path
        The files written.
    """
    rows, columns = len(tables), len(tables[0])
    count = len(tables[0][0].trials)
    title = f"Accuracy after the last epoch, on noisy labels ({spread(count, 'trial')})"
    size = (1.2 + 3.4 * columns, 1.6 + 2.7 * rows)
    with plots.figure(path, rows, columns, size=size, title=title) as (drawing, axes):
        for row, cells in enumerate(tables):
            for column, cell in enumerate(cells):
                _level_panel(axes[row, column], cell)
            axes[row, 0].set_ylabel("accuracy, %")
        for axis in axes[-1]:
            axis.set_xlabel("flood level, nats")
        plots.legend(drawing, axes, columns=3)
    return plots.written(path)


def _level_panel(axis, cell) -> None:
    levels = [one.loss.level for one in cell.trials[0].specs]
    for split in ("val", "test"):
        errors = [[run.scalars[f"{split}_error"] for run in trial.runs] for trial in cell.trials]
        line = plots.look_of(split, plots.FLOODING)
        values = 100 - 100 * np.array(errors)  # (trials, levels)
        mean = values.mean(axis=0)
        axis.plot(levels, mean, marker="o", ms=3.5, label=plots.SPLITS[split][0], **line)
        if len(values) > 1:
            error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
            axis.fill_between(levels, mean - error, mean + error, color=line["color"], alpha=0.2, lw=0)
    axis.axvline(cell.best.cross_entropy, color=plots.BLACK, lw=1.2, ls=":", label="Bayes cross-entropy")
    axis.axhline(100 - 100 * cell.best.noisy_error, color=plots.GREY, lw=1, ls="-.", label="best possible accuracy")
    axis.set_title(cell.title)
    bottom, top = axis.get_ylim()
    bottom -= 0.08 * (top - bottom)
    # The chosen levels stand on the axis, one mark per trial, spread a little: trials often agree.
    chosen, width = cell.levels("last"), max(levels)
    spread = np.zeros(len(chosen))
    for level in set(chosen):
        same = np.flatnonzero(chosen == level)
        spread[same] = (np.arange(len(same)) - (len(same) - 1) / 2) * 0.018 * width
    axis.plot(chosen + spread, np.full(len(chosen), bottom), "^", color=plots.BLACK, ms=6, clip_on=False, zorder=5,
              label="level chosen by validation, one mark per trial")
    axis.set_ylim(bottom, top)


def draw_curves(tables, path):
    """Loss on training and test set over epochs, without flooding and with the chosen level.

    Parameters and return value as `draw_levels`.
    """
    rows, columns = len(tables), len(tables[0])
    count = len(tables[0][0].curves)
    title = f"Loss with and without flooding ({f'mean of {count} trials' if count > 1 else 'one trial'})"
    size = (1.2 + 3.4 * columns, 1.6 + 2.7 * rows)
    with plots.figure(path, rows, columns, size=size, title=title) as (drawing, axes):
        for row, cells in enumerate(tables):
            for column, cell in enumerate(cells):
                _curve_panel(axes[row, column], cell)
            axes[row, 0].set_ylabel(f"cross-entropy, nats\n(log scale, cut at {LOWEST:g})")
        for axis in axes[-1]:
            axis.set_xlabel("epoch (log scale)")
        plots.legend(drawing, axes, columns=3)
    return plots.written(path)


def _curve_panel(axis, cell) -> None:
    for which, hue, name in ((0, plots.PLAIN, "without flooding"), (1, plots.FLOODING, "flooding, chosen level")):
        runs = [pair[which] for pair in cell.curves]
        checks = min(len(run.curves["epoch"]) for run in runs)  # a diverged run has fewer
        for split in ("train", "test"):
            mean = np.mean([run.curves[f"{split}_loss"][:checks] for run in runs], axis=0)
            axis.plot(runs[0].curves["epoch"][:checks], mean, label=f"{plots.SPLITS[split][0]}, {name}",
                      **plots.look_of(split, hue))
    axis.axhline(cell.best.cross_entropy, color=plots.BLACK, lw=1.2, ls=":", label="Bayes cross-entropy")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(bottom=max(LOWEST, axis.get_ylim()[0]))
    plots.log_ticks(axis.xaxis)
    plots.log_ticks(axis.yaxis)
    axis.set_title(cell.title)
