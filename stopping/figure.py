"""Draw where criteria would have stopped a recorded run. Needs matplotlib, which is imported when something is drawn."""
from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .base import Criterion
from .files import replacing
from .replay import History, StopDecision, replay

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
LONGEST = 90  # characters of a label
# Okabe and Ito's palette, for colour-blind readers, as in all figures of this project.
HUES = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")


def draw(criteria: Sequence[Criterion], history: History, path: str | Path) -> None:
    """Write a figure: what the criteria watch, a vertical line where each stops, a ring at its best check.

    Parameters
    ----------
    criteria : sequence of Criterion
    history : mapping of str to array_like, (C,)
        As for `replay`.
    path : str or path
        Its ending says which format: .png, .svg, .pdf.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    OSError, ValueError
        If the file cannot be written, is no regular file, or its format is not known.
    """
    kind = kind_of(path)
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    decisions = [replay(criterion, history) for criterion in criteria]
    names = list(dict.fromkeys(name for criterion in criteria for name in criterion.requires))
    counts = history["epoch"] if "epoch" in history else range(1, decisions[0].checks + 1)
    checks = np.asarray(counts, dtype=float)  # (C,)
    legend = 0.22 * max(0, len(criteria) - 3)  # inches: the panels keep their size, however many rules stand above them
    figure = Figure(figsize=(8, 1 + legend + 2.2 * max(1, len(names))), layout="constrained")
    panels = figure.subplots(max(1, len(names)), 1, sharex=True, squeeze=False)[:, 0]
    for panel, name in zip(panels, names, strict=False):
        values = np.asarray(history[name], dtype=float)  # (C,)
        known = np.asarray(getattr(history, "measured", {}).get(name, np.ones(len(values), dtype=bool)))
        panel.plot(checks[known], values[known], color="0.35", linewidth=1)
        gap = np.r_[True, ~np.isfinite(values[known]), True]
        lone = gap[:-2] & gap[2:] & ~gap[1:-1]  # between gaps no line shows them
        if lone.any():
            panel.plot(checks[known][lone], values[known][lone], ".", color="0.35")
        panel.set_ylabel(_label(name))
    reading = getattr(history, "reading", None)
    if reading is not None:  # one of several may lie beside this one
        which = f", run {reading.run} of {reading.runs}" if reading.runs > 1 else ""
        panels[0].set_title(_label(os.path.basename(reading.path) + which), loc="right", fontsize="small")
    stops = [decision.stopped_step for decision in decisions]
    bests = [(getattr(criterion, "monitor", None), decision.best_step)
             for criterion, decision in zip(criteria, decisions, strict=True)]
    for j, (criterion, decision) in enumerate(zip(criteria, decisions, strict=True)):
        # Several may stop at one check, or agree on the best: the earlier of them lies as a broader band, or as a wider
        # ring, around the later.
        beneath = 0 if stops[j] is None else stops[j + 1:].count(stops[j])
        look = {"color": HUES[j % len(HUES)], "linestyle": ("-", "--", ":", "-.")[j % 4], "linewidth": 1.5 + 3 * beneath,
                "zorder": 2}
        if beneath:
            look |= {"linestyle": "-", "alpha": 0.5, "zorder": 1}
        _mark(panels, names, criterion, decision, checks, look, size=6 + 5 * bests[j + 1:].count(bests[j]))
    panels[-1].set_xlabel("epoch" if "epoch" in history else "check")
    figure.legend(fontsize="small", loc="outside upper left")
    _save(figure, path, kind)


def kind_of(path: str | Path, name: str = "path") -> str:
    """Return "png", "svg" or "pdf", what the ending of a figure's path says; for any other raise ValueError, with `name`."""
    kind = os.path.splitext(path)[1][1:].lower()
    if kind not in FORMATS:
        raise ValueError(f"{name}: got {str(path)!r}, accepted: a name that ends in .png, .svg or .pdf")
    return kind


def _label(text: str) -> str:
    """Return a text as it is drawn: printable, cut, and without what Matplotlib takes for formulas or for hidden."""
    text = "".join(character if character.isprintable() else "?" for character in text)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST - 1]}…"
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def _save(figure: Figure, path: str | Path, kind: str) -> None:
    """Write the file, with the same bytes every time: without a day, Matplotlib's version, or random names."""
    import matplotlib

    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None},
                "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}[kind]
    picture = io.BytesIO()  # first: what cannot be drawn leaves the file that is there
    with matplotlib.rc_context({"svg.hashsalt": "stopping"}):
        figure.savefig(picture, dpi=120, format=kind, metadata=metadata)
    try:
        with replacing(path) as file:
            file.write(picture.getbuffer())
    except OSError as error:
        error.filename = error.filename or str(path)  # none where the working folder is gone
        raise


def _mark(panels: NDArray, names: list[str], criterion: Criterion, decision: StopDecision, checks: NDArray,
          look: dict[str, Any], size: int) -> None:
    name = _label(repr(criterion))
    where = "never" if decision.stopped_step is None else f"stops at {checks[decision.stopped_step - 1]:g}"
    for k, panel in enumerate(panels):
        label = f"{name}: {where}" if k == 0 else None
        if decision.stopped_step is None:
            panel.plot([], [], label=label, **look)
        else:
            panel.axvline(checks[decision.stopped_step - 1], label=label, **look)
    # Of a combination the best is that of one of its operands, and marked with it.
    monitor = getattr(criterion, "monitor", None)
    if decision.best_step is not None and monitor in names:
        at = checks[decision.best_step - 1]
        panels[names.index(monitor)].plot(at, decision.best_value, "o", color=look["color"], markersize=size,
                                             markeredgewidth=1.8, fillstyle="none", zorder=3, clip_on=False)
