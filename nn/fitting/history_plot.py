"""Drawings of a History and of a FleetHistory: losses above, errors below, over epochs."""
import numbers
from os import PathLike
from typing import Any

import numpy as np

from .. import drawing

MEASURES = {"loss": "loss", "error": "error, %"}
MOST_NAMED = 6  # replicas that get a hue and a label of their own


def _new(columns: int, title: Any) -> Any:
    """Return an empty figure that any notebook shows, and that pyplot does not know (nothing to close), with its panels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Shown(Figure):
        def _repr_png_(self) -> bytes:
            from io import BytesIO
            data = BytesIO()
            self.savefig(data, format="png", metadata={"Software": None})
            return data.getvalue()

    figure = Shown(figsize=(1.2 + 4.6 * columns, 1.2 + 2.4 * len(MEASURES)), layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title)
    return figure, figure.subplots(len(MEASURES), columns, squeeze=False, sharex=True)


def _finish(figure: Any, axes: Any, path: str | PathLike[str] | None) -> Any:
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
    drawing.legend(figure, axes)
    if path is not None:
        drawing.save(figure, path)
    return figure


def _scale(axes: Any, values: np.ndarray, measure: str) -> None:
    """Give panels that are there to be compared the same limits; losses over more than a decade get a logarithmic axis."""
    values = values[np.isfinite(values)]
    for axis in axes:
        if not len(values):
            axis.text(0.5, 0.5, "not defined here", transform=axis.transAxes, ha="center")  # errors of real-valued targets
        elif measure == "error":
            axis.set_ylim(0, max(1.05 * values.max(), 0.1))
        elif values.min() > 0 and values.max() > 10 * values.min():
            axis.set_yscale("log")
            axis.set_ylim(values.min() / 1.15, 1.15 * values.max())
            drawing.log_ticks(axis.yaxis)
        else:
            room = 0.05 * (values.max() - values.min()) or 0.05 * abs(values.max()) or 1.0
            axis.set_ylim(values.min() - room, values.max() + room)


def plot(history: Any, path: str | PathLike[str] | None = None) -> Any:
    """Draw a History; see `History.plot`."""
    import matplotlib

    if not history.checks:
        raise ValueError("plot: got a history without checks, accepted: at least one check")
    splits = [split for split in drawing.SPLITS if f"{split}_loss" in history]
    with matplotlib.rc_context(drawing.style()):
        figure, axes = _new(1, "")
        for axis, (measure, label) in zip(axes[:, 0], MEASURES.items(), strict=True):
            factor = 100 if measure == "error" else 1
            columns = {split: factor * history[f"{split}_{measure}"] for split in splits}  # (checks,) each
            marker = "o" if history.checks == 1 else None  # one point makes no line
            for split, values in columns.items():
                axis.plot(history["epoch"], values, label=drawing.SPLITS[split][0], marker=marker,
                          **drawing.look_of(split, drawing.BLUE))
            axis.set_ylabel(label)
            _scale([axis], np.concatenate(list(columns.values())), measure)
            _mark(axis, history, columns)
        return _finish(figure, axes, path)


def _mark(axis: Any, history: Any, columns: Any) -> None:
    """Show where the criterion stopped, by a line, and its best check, by rings on what may have been monitored."""
    if history.stopped_epoch is not None:
        axis.axvline(history.stopped_epoch, color=drawing.BLACK, linewidth=1.2, linestyle="-.", zorder=1.5,
                     label=f"stopped at {history.stopped_epoch:g}")
    if history.best_epoch is not None:
        best = np.flatnonzero(history["epoch"] == history.best_epoch)[:1]
        split = "val" if "val" in columns else "train"
        axis.plot(history["epoch"][best], columns[split][best], "o", color=drawing.RED, markersize=8, fillstyle="none",
                  markeredgewidth=1.8, label=f"best at {history.best_epoch:g}", zorder=4)


def plot_fleet(fleet: Any, path: str | PathLike[str] | None = None) -> Any:
    """Draw a FleetHistory; see `FleetHistory.plot`."""
    import matplotlib

    if not any(fleet.history(r).checks for r in range(fleet.replicas)):
        raise ValueError("plot: got a history without checks, accepted: at least one check")
    splits = [split for split in drawing.SPLITS if f"{split}_loss" in fleet]
    few = fleet.replicas <= MOST_NAMED
    hues = (drawing.BLUE, drawing.RED, drawing.GREEN, drawing.ORANGE, drawing.PURPLE, drawing.SKY)
    with matplotlib.rc_context(drawing.style()):
        figure, axes = _new(len(splits), "")
        for row, (measure, label) in zip(axes, MEASURES.items(), strict=True):
            found = []
            for axis, split in zip(row, splits, strict=True):
                values = (100 if measure == "error" else 1) * fleet[f"{split}_{measure}"]  # (R, checks)
                for r, line in enumerate(values):
                    axis.plot(fleet.epoch, line,
                              **({"color": hues[r], "label": _name(fleet, r)} if few else
                                 {"color": drawing.light(drawing.BLUE, 0.4), "linewidth": 0.7,
                                  "label": f"{fleet.replicas} replicas"}))
                if not few:
                    axis.plot(fleet.epoch, _median(values), color=drawing.BLACK, label="their median")
                found.append(values.ravel())
                if measure == "loss":
                    axis.set_title(drawing.SPLITS[split][0])
            row[0].set_ylabel(label)
            _scale(row, np.concatenate(found), measure)
        return _finish(figure, axes, path)


def _name(fleet: Any, r: int) -> str:
    said = ", ".join(f"{name} {value:g}" for name, value in fleet.members[r].items() if isinstance(value, numbers.Real))
    return f"{r}: {said}" if said else f"replica {r}"


def _median(values: np.ndarray) -> np.ndarray:
    """Median over the replicas that were measured at each check; NaN where none was."""
    known = ~np.isnan(values)
    return np.array([np.median(column[there]) if there.any() else np.nan
                     for column, there in zip(values.T, known.T, strict=True)])
