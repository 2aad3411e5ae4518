"""Bar charts of the races and curves of growth, drawn from stored measurements."""
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...report import plots
from ...report.words import counted
from .contenders import OURS
from .harness import Spread
from .race import TIMING_ONLY

HUES = {"afterzero": plots.BLUE, "numpy": plots.SKY, "torch": plots.RED, "jax": plots.GREEN, "scikit-learn": plots.ORANGE}


def draw_race(results: Any, path: str | PathLike[str]) -> list[Path]:
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
    return plots.page(path, [[partial(_bars, result) for result in results]], title=title,
                      size=(2.2 + 4.2 * len(results), 1.5 + 0.36 * tallest))


def _bars(result: Any, axis: Any) -> None:
    medians = result.medians()
    spreads = [Spread.of(result.seconds(name)) for name in medians]
    errors = 1e3 * np.array([(one.median - one.low, one.high - one.median) for one in spreads]).T
    plots.bars(axis, [f"{name} *" if result.status[name] == TIMING_ONLY else name for name in medians],
               [1e3 * median for median in medians.values()], errors,
               hues=[HUES.get(name.split(" ")[0], plots.PURPLE) for name in medians])
    for place, ((name, median), spread) in enumerate(zip(medians.items(), spreads, strict=True)):
        times = f"  ({median / medians[OURS]:.3g} x)" if OURS in medians and name != OURS else ""
        axis.text(1e3 * max(spread.high, median) * 1.04, place, f"{1e3 * median:.3g}{times}", va="center",
                  fontsize="small")
    smallest, largest = min(medians.values()), max(medians.values())
    if largest > 20 * smallest:
        plots.log(axis, "x", 1e3 * smallest / 3, 1e3 * largest * 8)
    else:
        axis.set_xlim(0, 1e3 * largest * 1.4)
    cores = result.part.threads
    clock = "CPU" if result.clock == "cpu" else "wall"
    star = "; * timing only" if TIMING_ONLY in result.status.values() else ""
    axis.set_xlabel(f"ms per epoch, {clock} time, {counted(cores, 'core')}{star}")


def draw_growth(results: Any, path: str | PathLike[str]) -> list[Path]:
    """Milliseconds per epoch against each size on logarithmic axes, with the exponents fitted to both halves.

    Parameters and return value as `draw_race`, for axes of growth.
    """
    measured = [result for result in results if result.run.curves] or results
    columns = min(3, len(measured))
    rows = [measured[start:start + columns] for start in range(0, len(measured), columns)]
    return plots.page(path, [[partial(_grown, result) for result in row] for row in rows],
                      title="Time of an epoch, ours, 1 core", size=(4.2 * columns, 3.2 * len(rows)))


def _grown(result: Any, axis: Any) -> None:
    from .growth import exponents

    run = result.run
    axis.set_xlabel(result.part.subject.title.partition(" (")[0])
    if not run.curves:
        axis.set_title(f"{result.part.subject.name}: not measured")
        return
    low, high = exponents(run)
    axis.plot(run.curves["size"], 1e3 * run.curves["seconds"], "o-", color=plots.ink(plots.BLUE))
    plots.log(axis, "xy")
    share = 100 * run.curves["flops"] / run.scalars["peak"]
    axis.set_title(f"{result.part.subject.name}: exponents {low:.2f}, then {high:.2f};\n"
                   f"{share[0]:.2g} to {np.max(share):.2g} % of peak", fontsize="small")
    axis.set_ylabel("ms per epoch")
