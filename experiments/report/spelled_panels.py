"""What figures of `questions.sequences` are made of."""
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import plots
from .measured import Measured
from .spelled import half


def course(runs: Mapping[str, tuple[str, Measured]], axis: Any) -> None:
    """Draw training and validation accuracy over epochs of some runs, by name, with a hue each."""
    for name, (hue, some) in runs.items():
        for part, split, line in (("train", "train", "--"), ("held", "val", "-")):
            plots.curve(axis, some.curves("epoch")[0], some.curves(f"{part}_accuracy", 100),
                        f"{plots.split_name(split)}, {name}", hue=hue, split="", linestyle=line)
    axis.set_xlabel("epoch")
    axis.set_ylabel("accuracy, %")
    axis.legend()


def parts_panel(parts: Mapping[str, np.ndarray], folds: int, axis: Any) -> None:
    """Draw the missing points by part, with their intervals."""
    halves = [half(values, folds) for values in parts.values()]
    plots.bars(axis, list(parts), [values.mean() for values in parts.values()],
               halves if np.isfinite(halves).all() else None,
               hues=[plots.GREY if name == "left" else plots.BLUE for name in parts])
    axis.axvline(0, color=plots.ink(plots.BLACK), lw=1)
    axis.set_xlabel("points")


def error_panel(curves: Mapping[str, tuple[str, str, Mapping[int, np.ndarray]]], widest: tuple[float, float],
                best: float | None, axis: Any) -> None:
    """Draw errors over numbers of words, both logarithmic.

    Parameters
    ----------
    curves : mapping of str -> (hue, marker, mapping of int -> array (J,))
        Accuracies in percent by numbers of words.
    widest : (float, float)
        Ends of the axis of words.
    best : float, optional
        The smallest error possible.
    """
    for name, (hue, marker, values) in curves.items():
        means = [100 - some.mean() for some in values.values()]
        axis.plot(list(values), means, color=plots.ink(hue))
        for words, some in values.items():
            plots.point(axis, words, 100 - some, name if words == min(values) else "", hue=hue, marker=marker)
    if best is not None:
        axis.axhline(best, color=plots.ink(plots.BLACK), ls=":", label="best possible")
    axis.set_xlabel("words to learn from")
    plots.log(axis, "x", *widest)
    plots.log(axis, "y", 4, 30)
