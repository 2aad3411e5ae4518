"""Bar charts of the races and curves of growth, drawn from stored measurements."""
import numpy as np

from ...report import plots
from .contenders import OURS
from .harness import Spread
from .race import TIMING_ONLY

COLOURS = {"afterzero": plots.BLUE, "numpy": plots.SKY, "torch": plots.RED, "jax": plots.GREEN, "scikit-learn": plots.ORANGE}


def draw_race(results, path):
    """Horizontal bars, milliseconds per epoch with quartiles, a panel per number of threads.

    Parameters
    ----------
    results : list of report.Result
        Of one workload.
    path : path
        Of the PNG file.

    Returns
    -------
    list of path
        The files written.
    """
    workload = results[0].part.subject
    title = f"{workload.name}: {workload.title}, one epoch of {workload.samples} samples"
    tallest = max(len(result.medians()) for result in results)
    size = (2.2 + 4.2 * len(results), 1.5 + 0.36 * tallest)
    with plots.figure(path, 1, len(results), size=size, title=title) as (_, axes):
        for axis, result in zip(axes[0], results, strict=True):
            _bars(axis, result)
    return plots.written(path)


def _bars(axis, result) -> None:
    medians = result.medians()
    for place, (name, median) in enumerate(medians.items()):
        spread = Spread.of(result.seconds(name))
        errors = [[1e3 * (spread.median - spread.low)], [1e3 * (spread.high - spread.median)]]
        axis.barh(place, 1e3 * median, xerr=errors, color=COLOURS.get(name.split(" ")[0], plots.PURPLE), height=0.7,
                  error_kw={"lw": 1, "capsize": 2})
        times = f"  ({median / medians[OURS]:.3g} x)" if OURS in medians and name != OURS else ""
        axis.text(1e3 * max(spread.high, median) * 1.04, place, f"{1e3 * median:.3g}{times}", va="center",
                  fontsize="small")
    axis.set_yticks(range(len(medians)), [f"{name} *" if result.status[name] == TIMING_ONLY else name for name in medians])
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")
    smallest, largest = min(medians.values()), max(medians.values())
    if largest > 20 * smallest:
        axis.set_xscale("log")
        axis.set_xlim(1e3 * smallest / 3, 1e3 * largest * 8)
        plots.log_ticks(axis.xaxis)
    else:
        axis.set_xlim(0, 1e3 * largest * 1.4)
    cores = result.part.threads
    clock = "CPU" if result.clock == "cpu" else "wall"
    star = "; * timing only" if TIMING_ONLY in result.status.values() else ""
    axis.set_xlabel(f"ms per epoch, {clock} time, {cores} core{'s' if cores > 1 else ''}{star}")


def draw_growth(results, path):
    """Milliseconds per epoch against each size on logarithmic axes, with the exponents fitted to both halves.

    Parameters and return value as `draw_race`, for axes of growth.
    """
    from .growth import exponents

    measured = [result for result in results if result.run.curves] or results
    columns = min(3, len(measured))
    rows = -(-len(measured) // columns)
    size, title = (4.2 * columns, 3.2 * rows), "Time of an epoch, ours, 1 core"
    with plots.figure(path, rows, columns, size=size, title=title) as (_, axes):
        for axis in axes.flat[len(measured):]:
            axis.set_visible(False)
        for axis, result in zip(axes.flat, measured, strict=False):
            run = result.run
            axis.set_xlabel(result.part.subject.title.partition(" (")[0])
            if not run.curves:
                axis.set_title(f"{result.part.subject.name}: not measured")
                continue
            sizes, low_high = run.curves["size"], exponents(run)
            axis.loglog(sizes, 1e3 * run.curves["seconds"], "o-", color=plots.BLUE)
            plots.log_ticks(axis.xaxis)
            plots.log_ticks(axis.yaxis)
            share = 100 * run.curves["flops"] / run.scalars["peak"]
            axis.set_title(f"{result.part.subject.name}: exponents {low_high[0]:.2f}, then {low_high[1]:.2f};\n"
                           f"{share[0]:.2g} to {np.max(share):.2g} % of peak", fontsize="small")
            axis.set_ylabel("ms per epoch")
    return plots.written(path)
