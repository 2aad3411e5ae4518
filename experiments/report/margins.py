"""How margins are distributed."""
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import plots

MARGINS = {"probability_margins": "probability margin: p(label) − largest other",
           "output_margins": "output margin: f(label) − largest other"}


def margin_panel(axis: Any, name: str, groups: Mapping[str, tuple[list, str, str]], seeds: int) -> None:
    """Draw the distributions of margins of some groups of runs, with median and smallest in words.

    Parameters
    ----------
    name : str
        Of `MARGINS`.
    groups : mapping of str -> (list of array (N,), colour, line)
        By label, the margins of each run, all runs together; a group without any is left out.
    seeds : int
        Runs that there are; what a group lacks is said.
    """
    shown, lines, digits = {}, ["median (smallest)"], ".3f" if name == "probability_margins" else ".2f"
    for words, (found, colour, line) in groups.items():
        if found:
            values = np.concatenate(found)
            shown[words] = values, colour, line
            some = f", {len(found)} of {seeds} seeds" * (len(found) < seeds)
            lines.append(f"{np.median(values):{digits}} ({values.min():{digits}}) {words}{some}")
    low, high = (float(extreme([extreme(values) for values, *_ in shown.values()])) for extreme in (min, max))
    # Output margins grow like the logarithm of time and differ by orders of magnitude; an axis with negative ones
    # stays linear.
    logarithmic = name == "output_margins" and low > 0
    bins = np.geomspace(low * 0.999, high * 1.001, 31) if logarithmic else np.linspace(min(0.0, low), max(1.0, high), 31)
    plots.distribution(axis, shown, bins)
    if logarithmic:
        plots.log(axis, "x", bins[0] / 1.05, bins[-1] * 1.05)
    axis.set_xlabel(MARGINS[name] + " (log scale)" * logarithmic)
    axis.set_ylim(top=axis.get_ylim()[1] * 1.3)  # room for the text
    axis.set_yticks([tick for tick in axis.get_yticks() if tick <= 100])
    axis.text(0.03, 0.98, "\n".join(lines), transform=axis.transAxes, va="top", fontsize="small")
