"""Figures of experiments: drawn to files, in the style that `nn.drawing` shares with `History.plot`."""
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from experiments import outputs
from nn.drawing import (  # noqa: F401 (what figures draw with)
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    SPLITS,
    legend,
    light,
    log_ticks,
    look_of,
    save,
    style,
    width_of,
)

PLAIN, FLOODING = RED, GREEN  # the hue of a method is the same in every figure


@dataclass(frozen=True)
class Look:
    """How figures are to be drawn, whatever they show.

    Attributes
    ----------
    svg : bool
        Whether an SVG file is written beside the PNG.
    talk : bool
        Larger letters, lines and markers, to be read from the last row.
    """

    svg: bool = False
    talk: bool = False

    def paths(self, path) -> list[Path]:
        """Return the files of the figure that is called `path` (with the ending .png)."""
        path = Path(path)
        return [path, path.with_suffix(".svg")] if self.svg else [path]


_look: ContextVar[Look] = ContextVar("look", default=Look())  # noqa: B039 (frozen)


@contextmanager
def drawn(look: Look):
    """Draw all figures inside the block in this way; what the figures show, and who asks for them, need not know."""
    before = _look.set(look)
    try:
        yield
    finally:
        _look.reset(before)


def written(path) -> list[Path]:
    """Return the files that `figure` writes for this path."""
    return _look.get().paths(path)


@contextmanager
def figure(path, rows: int, columns: int, *, size: tuple[float, float], title: str):
    """Yield (figure, axes) of shape (rows, columns) and save the figure afterwards: to `path`, and what else `drawn` asks.

    The canvas is attached to this figure alone: the user's Matplotlib backend is left as it is, and no display is needed.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    look = _look.get()
    if look.talk:
        size = (1.15 * size[0], 1.25 * size[1])
    with matplotlib.rc_context(style(look.talk)):
        drawing = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(drawing)
        axes = drawing.subplots(rows, columns, squeeze=False)
        _title(drawing, title)
        yield drawing, axes
        for one in look.paths(path):
            with outputs.named(one):
                save(drawing, one)


def _title(drawing, title: str) -> None:
    """Set the title of a figure, broken between words where it is wider than the figure."""
    heading = drawing.suptitle("")
    lines, line = [], ""
    for part in title.split("\n"):
        for word in part.split():
            longer = f"{line} {word}" if line else word
            if line and width_of(longer, heading.get_fontsize(), "bold") > 0.97 * drawing.get_figwidth():
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
        line = ""
    heading.set_text("\n".join(lines))
