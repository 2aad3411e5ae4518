"""What all figures share: a palette for colour-blind readers, what hue and line mean, sizes, and files that never vary.

The hue says which method (or replica) a curve belongs to; line and lightness say on which data it was measured.
Matplotlib is imported when something is drawn.
"""
import io
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

from .files import replacing

# Okabe and Ito's palette.
BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE = "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#888888"
# Part of the data -> its word, line, and how much white is mixed into the method's hue.
SPLITS: dict[str, tuple[str, Any, float]] = {"train": ("training", "--", 0.45), "val": ("validation", (0, (1, 1)), 0.2),
                                             "test": ("test", "-", 0.0)}
FORMATS = ("png", "svg", "pdf")


def style(enlarged: float = 1.0) -> Any:
    """Return Matplotlib's settings for our figures; `enlarged`: dots for each of the usual ones."""
    return {"font.size": 9.0, "axes.titlesize": "large", "axes.spines.top": False, "axes.spines.right": False,
            "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True,
            "legend.frameon": False, "figure.facecolor": "white", "lines.linewidth": 1.6,
            "figure.titlesize": "x-large", "figure.titleweight": "bold", "figure.dpi": 130 * enlarged,
            "savefig.dpi": 130 * enlarged}


def light(colour: str, white: float) -> str:
    """Return a colour with a share of white mixed in."""
    channels = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(channel + (255 - channel) * white):02x}" for channel in channels)


def look_of(split: str, colour: str) -> dict[str, Any]:
    """Return line and colour of the curve of a method's hue on "train", "val" or "test"."""
    _, line, white = SPLITS[split]
    return {"linestyle": line, "color": light(colour, white)}


def save(drawing: Any, path: str | PathLike[str]) -> None:
    """Write a figure, whole or not at all, with the same bytes every time; the ending of `path` says the format.

    Raises
    ------
    ValueError
        When the ending is none of .png, .svg, .pdf.
    OSError
        When the file cannot be written; nothing is left behind.
    """
    import matplotlib

    path = Path(path)
    kind = path.suffix[1:].lower()
    if kind not in FORMATS:
        raise ValueError(f"path: got {str(path)!r}, accepted: a name that ends in {', '.join(f'.{one}' for one in FORMATS)}")
    # Neither the day nor Matplotlib's version: the same picture is the same file.
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None},
                "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}[kind]
    picture = io.BytesIO()  # first: what cannot be drawn leaves the file that is there
    with matplotlib.rc_context({"svg.hashsalt": "afterzero"}):  # ids inside an SVG are random without a salt
        drawing.savefig(picture, format=kind, metadata=metadata)
    with replacing(path) as file:
        file.write(picture.getbuffer())


@lru_cache(maxsize=4096)  # the panels of a figure have the same labels, and an outline takes milliseconds
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of a line of text in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    return TextPath((0, 0), text, prop=FontProperties(size=size, weight=weight)).get_extents().width / 72


def legend(drawing: Any, axes: Any, columns: int | None = None) -> list[Any]:
    """Put one legend below all panels: each label once, in the order in which panels name them, no wider than the figure."""
    handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    columns = min(columns or len(handles), len(handles))
    while True:
        found = drawing.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
        width = found.get_window_extent(drawing.canvas.get_renderer()).width
        if columns == 1 or width <= drawing.bbox.width:
            return found
        found.remove()
        columns -= 1


def log_ticks(axis: Any) -> None:
    """Give a logarithmic axis (``axes.xaxis`` or ``axes.yaxis``), whose limits are final, ticks that do not overlap.

    Decades where there are several; else 1, 2, 5 of each; else the even steps of a linear axis. Unlabelled minor ticks at
    the other digits show that the axis is logarithmic.
    """
    import numpy as np
    from matplotlib.ticker import MaxNLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    if not 0 < low < high < np.inf:  # nothing was drawn that has a place there: any decade
        low, high = 1.0, 10.0
        axis.axes.set(**{f"{axis.axis_name}lim": (low, high)})
    most = 6
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)

    def inside(values: Any) -> np.ndarray:
        values = np.asarray(values, dtype=float)
        return values[(values >= low * (1 - 1e-9)) & (values <= high * (1 + 1e-9))]

    digits = {name: inside([digit * 10.0 ** k for k in decades for digit in some])
              for name, some in (("1", (1,)), ("13", (1, 3)), ("125", (1, 2, 5)), ("1..9", range(1, 10)))}
    ticks = next((digits[name] for name in ("1..9", "125", "13", "1") if 3 <= len(digits[name]) <= most), None)
    if ticks is None and len(digits["1"]) > most:
        ticks = digits["1"][::-(-len(digits["1"]) // most)]
    if ticks is None:
        ticks = inside(MaxNLocator(most - 2, steps=[1, 2, 5, 10]).tick_values(low, high))
    labels = [_power(tick) for tick in ticks]
    if axis.axis_name == "x" and sum(map(len, labels)) > 40:  # 4·10⁻⁶ and the like, side by side
        ticks, labels = ticks[::2], labels[::2]
    axis.set_ticks(ticks, labels=labels)
    axis.set_ticks(np.setdiff1d(digits["1..9"], ticks) if len(decades) < 9 else [], minor=True)
    axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    """0.01, 3, 1000, but 10⁻⁵."""
    if 1e-3 <= value < 1e5:
        return f"{value:.6g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    lead = "" if float(mantissa) == 1 else f"{float(mantissa):g}\\cdot"
    return f"${lead}10^{{{int(exponent)}}}$"
