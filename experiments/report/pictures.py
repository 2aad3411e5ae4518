"""Figures inside a page: one SVG for light and dark where the two differ in colours alone, PNG where a figure is dense."""
import base64
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from . import vectors
from .canvas import Look, drawn

DENSE = 200_000  # bytes of SVG above which a figure becomes two PNG, which are smaller then
DOTS = 144  # per inch of these: sharp at the width of the page on most screens


@dataclass(frozen=True)
class Picture:
    """A figure as it stands in a page.

    Attributes
    ----------
    name : str
        Of its file, without ending.
    title : str
        What stands above it, which its alternative text begins with.
    width, height : int
        CSS pixels.
    light, dark : str
        Data addresses; `dark` is "" where one file holds both.
    """

    name: str
    title: str
    width: int
    height: int
    light: str
    dark: str = ""


@dataclass
class _Drawn:
    title: str
    size: tuple[float, float]
    svg: Element | None
    png: bytes = b""


def pictures(figures: Callable[[Path], Any]) -> list[Picture]:
    """Draw the figures of a question, light and dark, without writing a file.

    Parameters
    ----------
    figures : callable
        figures(folder), as a question has it.
    """
    with _kept(dark=False, dense=set()) as light:
        figures(Path())
    dense = {name for name, one in light.items() if one.png}
    with _kept(dark=True, dense=dense) as dark:
        figures(Path())
    return [_picture(name, one, dark[name]) for name, one in light.items()]


@contextmanager
def _kept(*, dark: bool, dense: set[str]) -> Iterator[dict[str, _Drawn]]:
    found: dict[str, _Drawn] = {}

    def keep(drawing: Any, path: Path) -> None:
        title = " ".join((drawing._suptitle.get_text() if drawing._suptitle else "").split())
        one = _Drawn(title, tuple(drawing.get_size_inches()), None if path.stem in dense else _svg(drawing))
        if one.svg is None or len(vectors.text_of(one.svg)) > DENSE:
            one.png = _png(drawing)
        found[path.stem] = one

    with drawn(Look(dark=dark, keep=keep)):
        yield found


def _svg(drawing: Any) -> Element:
    file = io.StringIO()
    drawing.savefig(file, format="svg")  # Matplotlib's random names and the day go in the next step
    return vectors.small(file.getvalue())


def _png(drawing: Any) -> bytes:
    file = io.BytesIO()
    drawing.savefig(file, format="png", dpi=DOTS, metadata={"Software": None})
    return palette(file.getvalue())


def palette(png: bytes) -> bytes:
    """Return the same picture with at most 256 colours: figures have few, and their files shrink to a third."""
    from PIL import Image

    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return min(file.getvalue(), png, key=len)


def _picture(name: str, light: _Drawn, dark: _Drawn) -> Picture:
    width, height = (round(96 * inches) for inches in light.size)
    if light.png or light.svg is None or dark.svg is None:
        files = [f"data:image/png;base64,{base64.b64encode(one.png).decode()}" for one in (light, dark)]
    elif joined := vectors.both(light.svg, dark.svg):
        files = [vectors.address(joined)]
    else:
        files = [vectors.packed(vectors.text_of(one.svg)) for one in (light, dark) if one.svg is not None]
    return Picture(name, light.title, width, height, *files)
