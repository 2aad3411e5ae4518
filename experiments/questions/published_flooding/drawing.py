"""The figure of published_flooding, drawn from stored runs."""
import numpy as np

from ...report import plots
from ...report.compare import mean_and_error
from ...report.words import counted
from . import TOLERANCE
from .report import best_possible

# Label, colour and place beside the share of flips.
METHODS = (("plain cross-entropy", plots.PLAIN, -0.18), ("flooding", plots.FLOODING, 0.18))


def draw_row(row, path):
    """Accuracy beside the published values, and test cross-entropy: every run a dot, means with standard errors.

    Parameters
    ----------
    row : list of published_flooding_report.Measured
        For each share of flips first without, then with flooding.
    path : path
        Of the PNG file.

    Returns
    -------
    list of path
        The files written.
    """
    seeds = len(row[0].runs)
    bars = ", bars: ± standard error" if seeds > 1 else ""
    title = f"Two Gaussians, published and measured ({counted(seeds, 'seed')}{bars})"
    with plots.figure(path, 1, 2, size=(10.5, 4.6), title=title) as (drawing, axes):
        _panel(axes[0, 0], row, "accuracy", lambda best: 100 * (1 - best.noisy_error))
        _panel(axes[0, 1], row, "test_loss", lambda best: best.cross_entropy)
        axes[0, 0].set_ylabel("accuracy on test labels with flips, %")
        axes[0, 1].set_ylabel("test cross-entropy, nats (log scale)")
        axes[0, 1].set_yscale("log")
        plots.log_ticks(axes[0, 1].yaxis)
        plots.legend(drawing, axes, columns=5)
    return plots.written(path)


def _panel(axis, row, figure: str, best) -> None:
    for i, measured in enumerate(row):
        label, colour, shift = METHODS[i % 2]
        place, values = i // 2 + shift, measured.values(figure)
        # Runs stand left of their mean, in three columns by rank so that they do not cover each other.
        columns = place - 0.06 - 0.035 * (np.arange(len(values)) % 3)
        axis.plot(columns, np.sort(values), ".", color=colour, alpha=0.4, ms=6, mew=0)
        mean, error = mean_and_error(values)
        axis.errorbar([place], [mean], yerr=None if np.isnan(error) else [error], fmt="o", color=colour, ms=4, capsize=5,
                      label=label)
        if figure == "accuracy":
            axis.errorbar([place + 0.1], [measured.cell.published], yerr=[TOLERANCE], fmt="D", color=plots.BLACK, ms=5,
                          mfc="white", elinewidth=3, ecolor="#bbbbbb", label=f"published (± {TOLERANCE:g} point)")
        if i % 2:
            axis.hlines(best(best_possible(measured.cell)), i // 2 - 0.42, i // 2 + 0.42, color=plots.BLUE, lw=1.2, ls="--",
                        label="best possible")
    shares = [measured.cell.noise for measured in row[::2]]
    axis.set_xticks(range(len(shares)), [f"{share:.0%}" for share in shares])
    axis.set_xlabel("flipped labels")
    axis.set_xlim(-0.6, len(shares) - 0.4)
