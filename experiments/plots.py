"""What all figures share: colours that colour-blind readers tell apart, sizes, and drawing to files without a display."""
import io
from contextlib import contextmanager
from typing import Any

from experiments import outputs

# Okabe and Ito's palette.
BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE = "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
STYLE: Any = {"font.size": 9, "axes.titlesize": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
         "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False,
         "figure.facecolor": "white"}


@contextmanager
def figure(path, rows: int, columns: int, *, size: tuple[float, float], title: str):
    """Yield (figure, axes) of shape (rows, columns) and save the figure to `path` afterwards.

    The Agg canvas is attached to this figure alone: the user's Matplotlib backend is left as it is, and no display is
    needed.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        drawing = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(drawing)
        axes = drawing.subplots(rows, columns, squeeze=False)
        drawing.suptitle(title, fontsize=12, fontweight="bold")
        yield drawing, axes
        picture = io.BytesIO()
        drawing.savefig(picture, dpi=130, format="png", metadata={"Software": None})
        with outputs.writing(path) as file:
            file.write(picture.getbuffer())


def shared_legend(drawing, axes, columns: int) -> None:
    """One legend below all panels, each label once, in the order in which panels name them."""
    handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    drawing.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
