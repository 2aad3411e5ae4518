"""The two figures of flooding_table, drawn from stored runs."""
import numpy as np

from experiments import plots

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
    path
        The same.
    """
    rows, columns = len(tables), len(tables[0])
    title = "Accuracy after the last epoch, on noisy labels" + (" " if columns > 2 else "\n") + (
        "(mean over trials, band: ± standard error)")
    with plots.figure(path, rows, columns, size=(1.2 + 3.4 * columns, 1.6 + 2.7 * rows), title=title) as (drawing, axes):
        for row, cells in enumerate(tables):
            for column, cell in enumerate(cells):
                _level_panel(axes[row, column], cell)
            axes[row, 0].set_ylabel("accuracy, %")
        for axis in axes[-1]:
            axis.set_xlabel("flood level, nats")
        plots.shared_legend(drawing, axes, columns=3)
    return path


def _level_panel(axis, cell) -> None:
    levels = [one.level for one in cell.trials[0].specs]
    for name, colour, label, line in (("val_error", plots.SKY, "validation", "--"), ("test_error", plots.RED, "test", "-")):
        errors = [[run.scalars[name] for run in trial.runs] for trial in cell.trials]
        values = 100 - 100 * np.array(errors)  # (trials, levels)
        mean = values.mean(axis=0)
        axis.plot(levels, mean, line, marker="o", ms=3.5, color=colour, lw=1.6, label=label)
        if len(values) > 1:
            error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
            axis.fill_between(levels, mean - error, mean + error, color=colour, alpha=0.2, lw=0)
    axis.axvline(cell.best.cross_entropy, color=plots.BLACK, lw=1.2, ls=":", label="Bayes cross-entropy")
    axis.axhline(100 - 100 * cell.best.noisy_error, color="#888888", lw=1, ls="-.", label="best possible accuracy")
    axis.set_title(cell.title)
    bottom, top = axis.get_ylim()
    bottom -= 0.08 * (top - bottom)
    # The chosen levels stand on the axis, one mark per trial, spread a little: trials often agree.
    chosen, width = cell.levels("last"), max(levels)
    spread = np.zeros(len(chosen))
    for level in set(chosen):
        same = np.flatnonzero(chosen == level)
        spread[same] = (np.arange(len(same)) - (len(same) - 1) / 2) * 0.018 * width
    axis.plot(chosen + spread, np.full(len(chosen), bottom), "^", color=plots.GREEN, ms=6, clip_on=False, zorder=5,
              label="level chosen by validation, one mark per trial")
    axis.set_ylim(bottom, top)


def draw_curves(tables, path):
    """Loss on training and test set over epochs, without flooding and with the chosen level.

    Parameters and return value as `draw_levels`.
    """
    rows, columns = len(tables), len(tables[0])
    count = len(tables[0][0].curves)
    title = f"Loss with and without flooding ({f'mean of {count} trials' if count > 1 else 'one trial'})"
    with plots.figure(path, rows, columns, size=(1.2 + 3.4 * columns, 1.6 + 2.7 * rows), title=title) as (drawing, axes):
        for row, cells in enumerate(tables):
            for column, cell in enumerate(cells):
                _curve_panel(axes[row, column], cell)
            axes[row, 0].set_ylabel(f"cross-entropy, nats\n(log scale, cut at {LOWEST:g})")
        for axis in axes[-1]:
            axis.set_xlabel("epoch (log scale)")
        plots.shared_legend(drawing, axes, columns=3)
    return path


def _curve_panel(axis, cell) -> None:
    for which, (test, train), name in ((0, (plots.RED, "#eeb08a"), "without flooding"),
                                       (1, (plots.GREEN, "#8fd6bd"), "flooding, chosen level")):
        runs = [pair[which] for pair in cell.curves]
        checks = min(len(run.curves["epoch"]) for run in runs)  # a diverged run has fewer
        for metric, colour, line in (("train_loss", train, "--"), ("test_loss", test, "-")):
            mean = np.mean([run.curves[metric][:checks] for run in runs], axis=0)
            axis.plot(runs[0].curves["epoch"][:checks], mean, line, color=colour, lw=1.6,
                      label=f"{metric.split('_')[0]}, {name}")
    axis.axhline(cell.best.cross_entropy, color=plots.BLACK, lw=1.2, ls=":", label="Bayes cross-entropy")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(bottom=max(LOWEST, axis.get_ylim()[0]))
    axis.set_title(cell.title)
