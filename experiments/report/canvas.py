"""The sheet that figures are drawn on: how it looks, where it is written, and what keeps its words from overlapping."""
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ..runs import outputs

TALK = 1.35  # how much larger letters, lines and marks are for a talk, beside the figure
GROUNDS = {False: "#ffffff", True: "#14171c"}  # by whether the look is dark
DARK = {"figure.facecolor": GROUNDS[True], "axes.facecolor": GROUNDS[True], "savefig.facecolor": GROUNDS[True],
        "grid.color": "#363b42", **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color",
                                                  "ytick.color", "axes.titlecolor"), "#e8e8e8")}


@dataclass(frozen=True)
class Look:
    """How figures are to be drawn, whatever they show.

    Attributes
    ----------
    svg : bool
        Whether an SVG file is written beside the PNG.
    talk : bool
        Larger letters, lines and markers, to be read from the last row.
    dark : bool
        Light letters and hues on a dark ground.
    keep : callable, optional
        keep(figure, path) is given each finished figure, which is then not written.
    """

    svg: bool = False
    talk: bool = False
    dark: bool = False
    keep: Callable[[Any, Path], None] | None = None

    def paths(self, path: str | PathLike[str]) -> list[Path]:
        """Return the files of the figure that is called `path` (with the ending .png)."""
        path = Path(path)
        return [path, path.with_suffix(".svg")] if self.svg else [path]


_look: ContextVar[Look] = ContextVar("look", default=Look())  # noqa: B039 (frozen)


@contextmanager
def drawn(look: Look) -> Iterator[None]:
    """Draw all figures inside the block in this way; what the figures show, and who asks for them, need not know."""
    before = _look.set(look)
    try:
        yield
    finally:
        _look.reset(before)


def look() -> Look:
    """Return how figures are drawn here."""
    return _look.get()


def written(path: str | PathLike[str]) -> list[Path]:
    """Return the files that `figure` writes for this path."""
    return _look.get().paths(path)


@contextmanager
def figure(path: str | PathLike[str], rows: int, columns: int, *, size: tuple[float, float],
           title: str) -> Iterator[tuple[Any, Any]]:
    """Yield (figure, axes) of shape (rows, columns) and save the figure afterwards: to `path`, and what else `drawn` asks.

    The canvas is attached to this figure alone: the user's Matplotlib backend is left as it is, and no display is needed.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from nn.drawing import style

    look = _look.get()
    if look.talk:  # less paper for the same letters, lines and marks, and as many dots as before
        size = (size[0] / TALK, 1.1 * size[1] / TALK)
    with matplotlib.rc_context(style(TALK if look.talk else 1.0) | (DARK if look.dark else {})), warnings.catch_warnings():
        # Names from somebody's table may be in any script: what the font lacks is drawn as a box, and no news.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        drawing = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(drawing)
        axes = drawing.subplots(rows, columns, squeeze=False)
        _title(drawing, title)
        yield drawing, axes
        _fit_labels(drawing, axes)
        if look.keep is not None:
            look.keep(drawing, Path(path))
            return
        for one in look.paths(path):
            with outputs.named(one):
                save(drawing, one)


def save(drawing: Any, path: str | PathLike[str]) -> None:
    """Write a figure, see `nn.drawing.save`."""
    from nn import drawing as files

    files.save(drawing, path)


def _title(drawing: Any, title: str) -> None:
    """Set the title of a figure, broken between words where it is wider than the figure."""
    heading = drawing.suptitle("")
    heading.set_text(_broken(title, heading.get_fontsize(), 0.97 * drawing.get_figwidth(), "bold"))


def _fit_labels(drawing: Any, axes: Any) -> None:
    """Break the labels and titles of panels that are wider than their panel, and would run into the next one."""
    drawing.draw_without_rendering()  # the layout
    for axis in axes.flat:
        across, down = axis.bbox.width / drawing.dpi, axis.bbox.height / drawing.dpi
        for text, room in ((axis.xaxis.label, across), (axis.title, across), (axis.yaxis.label, down)):
            if text.get_text():
                text.set_text(_broken(text.get_text(), text.get_fontsize(), 1.05 * room))


def _broken(text: str, size: float, inches: float, weight: str = "normal") -> str:
    """Return a text with more line breaks, between words, so that no line is wider than it may be, and none much shorter."""
    found = _lines(text, size, inches, weight)
    if len(found) == 1:  # nothing to make even
        return found[0]
    even = (_lines(text, size, share * inches, weight) for share in (0.55, 0.65, 0.75, 0.85))
    return "\n".join(next((lines for lines in even if len(lines) == len(found)), found))


def _lines(text: str, size: float, inches: float, weight: str) -> list[str]:
    from nn.drawing import width_of

    lines = []
    for part in text.split("\n"):
        line = ""
        for word in part.split():
            longer = f"{line} {word}" if line else word
            if line and width_of(longer, size, weight) > inches:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines
