"""The figures of a check: loss and error over epochs with what is returned when, and what stopping rules cost."""
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..report import plots
from ..report.words import spread
from .results import Results

MARKS = {"zero": ("zero training error", "v", 6, plots.BLACK), "best": ("lowest validation loss", "o", 10, plots.BLUE),
         "end": ("end of training", "x", 10, plots.PLAIN)}
MOST_CLASSES = 10


def figures(results: Results, folder: Path) -> list[Path]:
    """Draw both; their names hold the table's name and the start of its digest."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(results.problem.source).stem)[:40].strip("_") or "table"
    name = f"check_{stem}_{results.problem.digest[:8]}"
    seeds = spread(results.plan.seeds, "split")
    kinds = ("loss",) if results.regression else ("loss", "error")
    labels = {"loss": "squared error" if results.regression else "cross-entropy, nats", "error": "error, %"}
    paths = plots.page(folder / f"{name}.png", [[partial(_curves, results, kind) for kind in kinds]],
                       size=(1.2 + 3.9 * len(kinds), 4.6), heads=[[labels[kind] for kind in kinds]], x="epoch (log scale)",
                       legend=3 if len(kinds) > 1 else 2, title=f"Training past zero error: {_title(results)} ({seeds})"
                       if results.asks_zero else f"Training past the best: {_title(results)} ({seeds})")
    panels = [partial(_costs, results)]
    if 1 < len(results.problem.classes) <= MOST_CLASSES:
        panels.append(partial(_confusion, results))
    return paths + plots.page(folder / f"{name}_rules.png", [panels], size=(1.6 + 3.9 * len(panels), 4.0), heads=[
        ["what stopping rules return", "confusion at lowest validation loss, %"]],
        title=f"Stopping: {_title(results)} ({seeds})")


def _title(results: Results) -> str:
    name = Path(results.problem.source).name
    return name if len(name) <= 32 else f"{name[:31]}…"


def _curves(results: Results, kind: str, axis: Any) -> None:
    plain, flooded = results.trained.plain, results.trained.flooded
    epochs, factor = plain.curves("epoch")[0], 100.0 if kind == "error" else 1.0
    start = plain.mean("zero.epoch")
    if results.asks_zero:
        axis.axvspan(start, epochs[-1], color=plots.ink(plots.PALE), zorder=0, lw=0, label="after zero training error")
    plots.over_epochs(axis, plain, kind, "squared error" if results.regression else "cross-entropy", factor=factor,
                      hue=plots.PLAIN)
    if flooded is not None:
        plots.over_epochs(axis, flooded, kind, f"flooding {results.trained.level:g}", factor=factor, hue=plots.FLOODING)
    for place, (rule, (label, marker, size, hue)) in enumerate(MARKS.items()):
        at = plain.values(f"{rule}.epoch")
        if np.isfinite(at).any():
            known = plain.values(f"{rule}.test_{kind}")
            plots.mark(axis, float(np.nanmean(at)), factor * float(np.nanmean(known)), marker, label, hue=hue, size=size,
                       hollow=rule != "zero", zorder=5 + place)
    plots.log(axis, "x", 1, epochs[-1] * 1.15)
    axis.margins(y=0.08)
    if kind == "error":
        axis.set_ylim(bottom=0)
    else:
        plots.log(axis, "y")


def _costs(results: Results, axis: Any) -> None:
    fired = [rule for rule in results.rules if rule.fired]
    bars = [(rule.rule.replace(", monitor=", ",\n"), rule.above_best, plots.BLUE) for rule in fired]
    bars += [("no rule:\nto the end", rule.above_best - rule.above_end, plots.PLAIN) for rule in results.rules[:1]]
    names, costs, hues = zip(*bars, strict=True)
    plots.bars(axis, names, costs, hues=hues)
    axis.set_xlabel("test loss above the lowest of the run")


def _confusion(results: Results, axis: Any) -> None:
    shares = 100 * results.confusion
    of = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300) * 100
    names = [name if len(name) <= 10 else f"{name[:9]}…" for name in results.problem.classes]
    plots.heat_map(axis, of, names, names, form="{:.0f}", low=0, high=100)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true class")
