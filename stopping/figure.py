"""Draw where criteria would have stopped a recorded run. Needs matplotlib, which is imported when something is drawn."""
import io
import os

import numpy as np

from .files import replacing
from .replay import replay


def draw(criteria, history, path):
    """Write a figure: what the criteria watch, a vertical line where each stops, a dot at its best check.

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
    kind = os.path.splitext(path)[1][1:].lower()
    if not kind:
        raise ValueError(f"path must end in .png, .svg or .pdf, not {str(path)!r}")
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    decisions = [replay(criterion, history) for criterion in criteria]
    names = list(dict.fromkeys(name for criterion in criteria for name in criterion.requires))
    checks = np.asarray(history.get("epoch", np.arange(1, decisions[0].checks + 1)), dtype=float)  # (C,)
    figure = Figure(figsize=(8, 1 + 2.2 * max(1, len(names))), layout="constrained")
    panels = figure.subplots(max(1, len(names)), 1, sharex=True, squeeze=False)[:, 0]
    for panel, name in zip(panels, names, strict=False):
        panel.plot(checks, np.asarray(history[name], dtype=float), color="0.35", linewidth=1)
        panel.set_ylabel(name)
    for j, (criterion, decision) in enumerate(zip(criteria, decisions, strict=True)):
        # Several may stop at one check: an expression lies as a broad band below its operands.
        look = {"color": f"C{j % 10}", "linestyle": ("-", "--", ":", "-.")[j % 4], "linewidth": 1.5, "zorder": 2}
        if getattr(criterion, "operands", ()):
            look |= {"linestyle": "-", "linewidth": 6, "alpha": 0.3, "zorder": 1}
        _mark(panels, names, criterion, decision, checks, look)
    panels[-1].set_xlabel("epoch" if "epoch" in history else "check")
    figure.legend(fontsize="small", loc="outside upper left")
    picture = io.BytesIO()  # first: what cannot be drawn leaves the file that is there
    figure.savefig(picture, dpi=120, format=kind)
    with replacing(path) as file:
        file.write(picture.getbuffer())


def _mark(panels, names, criterion, decision, checks, look):
    where = "never" if decision.stopped_step is None else f"stops at {checks[decision.stopped_step - 1]:g}"
    for k, panel in enumerate(panels):
        label = f"{criterion!r}: {where}" if k == 0 else None
        if decision.stopped_step is None:
            panel.plot([], [], label=label, **look)
        else:
            panel.axvline(checks[decision.stopped_step - 1], label=label, **look)
    # Of a combination the best is that of one of its operands, and marked with it.
    monitor = getattr(criterion, "monitor", None)
    if decision.best_step is not None and monitor in names:
        at = checks[decision.best_step - 1]
        panels[names.index(monitor)].plot(at, decision.best_value, "o", color=look["color"], markersize=5)
