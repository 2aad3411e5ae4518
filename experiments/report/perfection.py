"""When runs reach 100 % training accuracy: shares, tables, panels, and what validation says beside new data."""
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import plots
from .arms import Arms, text
from .compare import BETTER, FEWEST, WORSE, paired
from .shares import Share
from .tables import Table
from .words import listed

FAST, LOG_2 = 2, math.log(2)  # epochs; loss of who knows nothing of two classes
TRUE = "test_error_clean"


def reached(results: Arms, arm: Any, within: float = math.inf) -> Share:
    """In how many runs there was no training error after so many epochs, or at any time."""
    return Share.of(results.at(arm, "epoch", rule="zero") <= within)


def table(results: Arms, title: str, heads: str, arms: Mapping[Any, str], figures: Sequence[tuple], note: str,
          more: Any = None) -> Table:
    """A table with a row per arm: when it reached 100 %, then figures (name, factor, rule), then what `more(arm)` says."""
    first, *rest = heads.split("; ")
    wanted = (("epoch", 1, "zero"), *figures)
    return Table(title, [first, "100 % within two epochs", "ever", "at epoch", *rest], [
        [name, str(reached(results, arm, FAST)), str(reached(results, arm)),
         *(text(results.at(arm, *figure)) for figure in wanted), *([str(more(arm))] if more else [])]
        for arm, name in arms.items()], note)


def opening(asked: Iterable[Share], sure: Sequence[str]) -> str:
    """Return the first sentence of an answer to "is it memorising?".

    Parameters
    ----------
    asked : iterable of Share
        Of runs on random labels that were at 100 % so soon, by program.
    sure : sequence of str
        With what most runs were, whatever the labels are.
    """
    shares = list(asked)
    others = f"Most runs were so soon with: {listed(sure)}." if sure else "Of nothing else is that shown of most runs."
    labels = "random labels, which can only be memorised,"
    if all(share.seldom for share in shares):
        return f"No: {labels} were not fitted so soon by most runs of any program. {others}"
    if any(share.mostly for share in shares):
        return f"Yes, it can: {labels} were fitted so soon by most runs of a program. {others}"
    return f"It depends on more runs than these whether {labels} are fitted so soon. {others}"


def gap(results: Arms, arm: Any, comparisons: int) -> str:
    """What the validation error is, compared with that on new data: "better", "worse", ..."""
    return paired(results.at(arm, "test_error"), results.at(arm, "val_error"), comparisons=comparisons).verdict


def beside(results: Arms, arms: Mapping[Any, str], reference: Mapping[Any, Any]) -> str:
    """Say which validation errors flatter, and which arms are worse on new data than their reference (intervals at once).

    Labels that are flipped are so in new data, too, as in validation data; arms are compared with others by true labels.
    """
    def named(some: Iterable[Any], *figures: tuple) -> str:
        return listed([f"{arms[arm]} ({' beside '.join(text(results.at(of(arm), figure, 100)) for figure, of in figures)} %)"
                       for arm in some] or ["none"])
    if len(results.at(next(iter(arms)), "val_error")) < FEWEST:
        return "Which validation errors flatter, and which faults harm, so few seeds cannot tell."
    flattered = [arm for arm in arms if gap(results, arm, len(arms)) == BETTER]
    harmed = [arm for arm in arms if paired(results.at(reference[arm], TRUE), results.at(arm, TRUE),
                                            comparisons=len(arms)).verdict == WORSE]
    said = [named(flattered, ("val_error", lambda arm: arm), ("test_error", lambda arm: arm)),
            named(harmed, (TRUE, lambda arm: arm), (TRUE, reference.__getitem__))]
    return (f"The validation error was clearly lower than that on new data with: {said[0]}. New data were predicted clearly "
            f"worse, by their true labels, than without the fault with: {said[1]}.")


# --- panels ---

def reached_panel(results: Arms, arms: Mapping[Any, str], epochs: np.ndarray, axis: Any) -> None:
    """Share of runs that are at 100 % over epochs, by arm with its hue; an arm is called by its last name."""
    for arm, hue in arms.items():
        there = 100.0 * (results.at(arm, "epoch", rule="zero")[:, None] <= epochs)
        plots.curve(axis, epochs, there, arm[-1], hue=hue, split="")
    axis.axvline(FAST, ls="--", color=plots.ink(plots.GREY), label="second epoch")
    axis.set(title="at 100 %, % of runs", xlabel="epoch (log)")
    plots.log(axis, "x")


def losses_panel(results: Arms, arms: Mapping[Any, str], axis: Any) -> None:
    """Validation loss over epochs, in the hues of `reached_panel`."""
    for arm, hue in arms.items():
        runs = results.runs[arm]
        plots.curve(axis, runs.curves("epoch")[0], runs.curves("val_loss"), hue=hue, split="")
    axis.axhline(LOG_2, ls=":", color=plots.ink(plots.BLACK), label="loss of who knows nothing")
    axis.set(title="validation loss, nats (log)", xlabel="epoch (log)")
    plots.log(axis, "xy")


def map_panels(results: Arms, grids: Sequence[Sequence[Sequence[tuple]]], figures: Sequence[tuple]) -> list[list]:
    """Return panels, a row per figure and a column per grid: that at the first epoch at 100 %, over samples and units.

    Where a run did not get there a place stays empty. Colours are the same in a row.

    Parameters
    ----------
    grids : sequence of (rows of arms), each arm (..., samples, units)
    figures : sequence of (name, factor, form of a number)
    """
    def drawn(values: np.ndarray, grid: Any, form: str, high: float, axis: Any) -> None:
        plots.heat_map(axis, values, [f"2 × {row[0][-1]}" for row in grid], [str(arm[-2]) for arm in grid[0]], form=form,
                       low=0, high=high)
        axis.set_xlabel("samples")

    rows = []
    for figure, factor, form in figures:
        maps = [np.array([[results.at(arm, figure, factor, "zero").mean() for arm in row] for row in grid])
                for grid in grids]
        known = np.concatenate([np.ravel(one[np.isfinite(one)]) for one in maps])
        rows.append([partial(drawn, one, grid, form, known.max() if len(known) else 1.0)
                     for one, grid in zip(maps, grids, strict=True)])
    return rows
