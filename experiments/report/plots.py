"""What figures of questions are made of: a page of panels, and in them curves, points, bars, distributions, heat maps.

Hues are named by constants and become colours when something is drawn, light on a dark ground and dark on a light one. They
are Okabe and Ito's, which colour-blind readers tell apart. The hue says which method a curve belongs to; line and lightness
say on which part of the data it was measured. Nothing heavy is imported before something is drawn.
"""
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .canvas import Look, drawn, figure, look, written  # noqa: F401 (what figures are drawn with)
from .compare import mean_and_error
from .measured import Measured

BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE, GREY = (
    f"hue {name}" for name in ("black", "orange", "sky", "green", "blue", "red", "purple", "grey"))
PLAIN, FLOODING = RED, GREEN  # the hue of a method is the same in every figure
PALE = "hue pale"  # areas behind curves
# How much white makes a hue visible on a dark ground; black and the areas change places.
DARK: dict[str, float | str] = {BLUE: 0.3, BLACK: "#e8e8e8", PALE: "#2b2a22"}


def ink(hue: str) -> str:
    """Return the colour of a hue on the ground of this figure."""
    from nn import drawing

    colour = "#f0e9d8" if hue == PALE else getattr(drawing, hue.removeprefix("hue ").upper())
    if not look().dark:
        return colour
    other = DARK.get(hue, 0.1)
    return other if isinstance(other, str) else drawing.light(colour, other)


def tone(hue: str, share: float) -> str:
    """Return a hue that recedes (a share, up to 1, of the ground mixed in) or stands out (below 0: of black, or white)."""
    from matplotlib.colors import to_hex, to_rgb

    ground = "#000000" if (share < 0) != look().dark else "#ffffff"
    share *= 0.6 if look().dark and share > 0 else 1  # on a dark ground lines vanish sooner
    red, green, blue = (1 - abs(share)) * np.array(to_rgb(ink(hue))) + abs(share) * np.array(to_rgb(ground))
    return to_hex((red, green, blue))


def paper() -> str:
    """Return the colour of the ground."""
    from .canvas import GROUNDS

    return GROUNDS[look().dark]


def split_name(split: str) -> str:
    """Return what a part of the data is called: "train" is "training"; "" is none in particular."""
    from nn.drawing import SPLITS

    return SPLITS[split][0] if split else ""


def look_of(split: str, hue: str) -> dict[str, Any]:
    """Return line and colour of the curve of a method's hue on "train", "val" or "test"."""
    from nn.drawing import SPLITS

    _, line, share = SPLITS[split] if split else ("", "-", 0.0)
    return {"linestyle": line, "color": tone(hue, share)}


# --- the page ---

def page(path: str | PathLike[str], panels: Sequence[Sequence[Callable]], *, title: str,
         size: tuple[float, float] | None = None, heads: Sequence[Sequence[str]] = (), x: str = "", y: Sequence[str] = (),
         legend: int = 0) -> list[Path]:
    """Draw a page of panels.

    Parameters
    ----------
    path : path
        Of the PNG file.
    panels : rows of callables
        Each draws on the Matplotlib axes that it is given.
    title : str
        Above all.
    size : (float, float), optional
        Inches; else what the panels need.
    heads : rows of str
        Titles of the panels; rows may be left out at the end.
    x, y : str, sequence of str
        Labels: below the last row, and left of each row.
    legend : int
        Columns of one legend below all panels; 0: none.

    Returns
    -------
    list of path
        The files written.
    """
    from nn.drawing import legend as below

    rows, columns = len(panels), max(map(len, panels))
    with figure(path, rows, columns, size=size or (1.2 + 3.4 * columns, 1.6 + 2.7 * rows), title=title) as (drawing, axes):
        for line, row in zip(axes, panels, strict=True):
            for axis, panel in zip_longest(line, row):
                if panel is None:
                    axis.set_visible(False)
                else:
                    panel(axis)
        for line, titles in zip(axes, heads, strict=False):
            for axis, head in zip(line, titles, strict=False):
                axis.set_title(head)
        for axis in axes[-1] if x else ():
            axis.set_xlabel(x)
        for axis, label in zip(axes[:, 0], y, strict=False):
            axis.set_ylabel(label)
        if legend:
            below(drawing, axes, columns=legend)
    return written(path)


def cases(path: str | PathLike[str], panel: Callable, rows: Sequence[Sequence[Any]], **how: Any) -> list[Path]:
    """Draw a page with a panel per case, below the case's title; `panel` draws (case, axis), the rest is as for `page`."""
    return page(path, [[partial(panel, one) for one in row] for row in rows],
                heads=[[one.title for one in row] for row in rows], **how)


def log(axis: Any, which: str, low: float | None = None, high: float | None = None) -> None:
    """Make an axis ("x", "y" or "xy") logarithmic, with ticks that do not overlap; last, when its limits are final."""
    from nn.drawing import log_ticks

    for one in which:
        getattr(axis, f"set_{one}scale")("log")
        if low is not None or high is not None:
            getattr(axis, f"set_{one}lim")(low, high)
        log_ticks(getattr(axis, f"{one}axis"))


# --- what stands in a panel ---

def curve(axis: Any, x: ArrayLike, values: Any, label: str = "", *, hue: str = PLAIN, split: str = "test", band: bool = True,
          whole: bool = False, shade: float = 0.2, **how: Any) -> None:
    """Draw the mean of some curves, with a band of one standard error.

    Parameters
    ----------
    x : array (checks,)
    values : array (runs, checks)
    label : str
        Of the legend, behind the name of the split ("test, LABEL").
    hue, split : str
        Of the method; part of the data, or "".
    band : bool
        Whether the error is drawn, where there are two runs or more.
    whole : bool
        Whether runs that have no figure (NaN) somewhere are left out; where none is left, nothing is drawn.
    shade : float
        Opacity of the band: less where many bands cross.
    how
        As Matplotlib's `plot` takes it.
    """
    values = np.asarray(values, dtype=float)
    if whole and not len(values := values[~np.isnan(values).any(axis=1)]):
        return
    mean, style = values.mean(axis=0), look_of(split, hue)
    name = ", ".join(part for part in (split_name(split), label) if part)
    axis.plot(x, mean, label=name, **{**style, **how})
    if band and len(values) > 1:
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        # The lower edge of a band may not reach zero on a logarithmic axis.
        low = np.where(mean > 0, np.maximum(mean - error, mean / 10), mean - error)
        axis.fill_between(x, low, mean + error, color=ink(hue), alpha=shade, lw=0)


def splits(axis: Any, x: ArrayLike, values: Callable[[str], Any], label: str = "", *,
           parts: Sequence[str] = ("train", "test"), **how: Any) -> None:
    """Draw the curves of one method on some parts of the data, as `curve` does; `values` gives those of a part."""
    for split in parts:
        curve(axis, x, values(split), label, split=split, **how)


def over_epochs(axis: Any, runs: Measured, figure: str, label: str = "", *, factor: float = 1.0, **how: Any) -> None:
    """Draw "loss" or "error" of some runs over epochs, on training and test set, as `curve` does."""
    splits(axis, runs.curves("epoch")[0], lambda split: runs.curves(f"{split}_{figure}", factor), label, **how)


def point(axis: Any, place: float, values: Any, label: str = "", *, hue: str = PLAIN, marker: str = "o", size: float = 7,
          **how: Any) -> None:
    """Draw a mean with a bar of one standard error, where there are two values or more."""
    mean, error = mean_and_error(values)
    axis.errorbar([place], [mean], yerr=None if np.isnan(error) else [error], fmt=marker, color=ink(hue), ms=size,
                  label=label, **{"capsize": 3, **how})


def mark(axis: Any, x: float, y: float, marker: str, label: str = "", *, hue: str = PLAIN, size: float = 9,
         hollow: bool = False, **how: Any) -> None:
    """Draw one mark, over the edge of the panel too: hollow, to show around others, or filled with a rim of the ground."""
    faces: dict[str, Any] = {"mfc": "none", "mec": ink(hue), "mew": 1.8} if hollow else {"mec": paper(), "mew": 0.6}
    axis.plot([x], [y], marker, color=ink(hue), ms=size, ls="", label=label, clip_on=False, **faces, **how)


def dots(axis: Any, place: float, values: Any, *, hue: str = PLAIN, columns: int = 3, step: float = 0.035) -> None:
    """Draw every value as a dot left of `place`, in columns by rank so that they do not cover each other."""
    values = np.sort(np.asarray(values, dtype=float))
    axis.plot(place - step * (np.arange(len(values)) % columns), values, ".", color=ink(hue), ms=6, mew=0,
              alpha=0.7 if look().dark else 0.4)


def bars(axis: Any, names: Sequence[str], means: Any, errors: Any = None, *, hues: Sequence[str] = ()) -> None:
    """Draw horizontal bars, the first on top, with error bars.

    Parameters
    ----------
    names : sequence of str
    means : array (names,)
    errors : array (names,) or (2, names), optional
        Standard errors, or how far a bar reaches below and above its mean.
    hues : sequence of str
        Of each bar; none: `BLUE`.
    """
    hues = hues or [BLUE] * len(names)
    axis.barh(range(len(names)), means, xerr=errors, color=[ink(hue) for hue in hues], height=0.7, ecolor=ink(BLACK),
              error_kw={"lw": 1, "capsize": 2})
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")


def distribution(axis: Any, groups: Mapping[str, tuple[Any, str, Any]], bins: Any) -> None:
    """Draw the distributions of some groups of values, as shares in percent.

    Parameters
    ----------
    groups : mapping of str -> (array (N,), colour, line)
        By label; the colour as `ink` or `tone` gives it.
    bins : array (edges,)
    """
    for label, (values, colour, line) in groups.items():
        weights = np.full(len(values), 100 / len(values))
        axis.hist(values, bins, weights=weights, histtype="stepfilled", color=colour, alpha=0.18)
        axis.hist(values, bins, weights=weights, histtype="step", color=colour, ls=line, label=label)


def heat_map(axis: Any, values: Any, rows: Sequence[str], columns: Sequence[str], *, form: str = "{:.3g}",
             low: float | None = None, high: float | None = None) -> None:
    """Draw a table of numbers as colours, each with its number; NaN stays empty.

    The colours are cividis, which runs evenly from dark to light for colour-blind readers too.

    Parameters
    ----------
    values : array (rows, columns)
    rows, columns : sequence of str
        Names.
    form : str
        Of a number.
    low, high : float, optional
        Ends of the colours; else those of the values.
    """
    values = np.asarray(values, dtype=float)
    image = axis.imshow(np.ma.masked_invalid(values), cmap="cividis", vmin=low, vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            light = sum(image.cmap(image.norm(value))[:3]) > 1.5
            axis.text(column, row, form.format(value), ha="center", va="center", color="black" if light else "white",
                      fontsize="small")
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.grid(visible=False)
