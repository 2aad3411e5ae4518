"""What the page is shown of a run: the network's decision field as bytes, its margins, points, what the record says."""
import json
import math
from typing import Any

import numpy as np

from experiments.data.sets import DataSet
from experiments.report.web_parts import as_json
from losses.margins import output_margins
from nn import MLP

from .lines import Lines
from .record import Record

SIZE = 48  # cells of the field on a side
# Logits are divided by a fifth of the largest before they become bytes, at most by 4: so that the boundary is sharp where
# every p is about 1/2, and where all are 0 or 1.
SQUEEZED, MOST_SQUEEZED = 0.2, 4.0
STEEP = 4.0  # a loss without probabilities wants outputs that differ by 1: shown as a logit of this size
BARS = 40
SHOWN = 300  # points of the test set that the page can show


class View:
    """What is seen of one run.

    Parameters
    ----------
    made : Lines
    samples : DataSet
    model : MLP
        Looked at whenever a frame is made.
    record : Record
    """

    def __init__(self, made: Lines, samples: DataSet, model: MLP, record: Record) -> None:
        self._made, self._model, self._record = made, model, record
        self._x, self._y = made.part(samples.train)
        self._wrong = samples.train.y != samples.train.y_clean
        test, labels = (array[:: max(1, len(samples.test) // SHOWN)] for array in made.part(samples.test, "y_clean"))
        box = box_of(np.concatenate([self._x, test]))
        self._grid, self._probabilities = grid_of(box), "CrossEntropy" in repr(made.loss)
        self._untold: dict[str, Any] = {"data": {"box": box, "train": points(self._x, self._y, self._wrong),
                                                 "test": points(test, labels, np.zeros(len(test), bool))}}
        self._field, self._plane = b"", {"squeeze": 1.0, "margins": {}}

    def frame(self, more: dict[str, Any]) -> bytes:
        """Return a message with the network as it is, all rows that no frame had, and `more`; the first has the data too.

        Each has the Python lines that make what it shows: the page must have them when the server is no more.
        """
        outputs, plane = self._model.forward(self._x), self._model.forward(self._grid)
        if np.isfinite(outputs).all() and np.isfinite(plane).all():  # else what was last seen stays
            squeeze, self._field = field_of(plane, self._probabilities)
            self._plane = {"squeeze": squeeze, "margins": margins_of(outputs, self._y, self._wrong)}
        record = self._record
        head = {"epoch": len(record.rows), "rows": record.unsent(), "zero": record.figures(record.zero),
                "rules": record.rules(), "worth": record.worth(),
                "lines": self._made.text(max(1, len(record.rows))), **self._plane, **self._untold, **more}
        self._untold = {}
        return packed(head, self._field)


def points(x: np.ndarray, y: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    """Return points (N, 2), their labels, and which labels are wrong, as the page takes them."""
    return {"points": np.round(x.astype(np.float64), 4).ravel().tolist(), "labels": y.tolist(),
            "wrong": wrong.astype(int).tolist()}


def box_of(x: np.ndarray) -> tuple[float, float, float, float]:
    """Return left, right, bottom, top of a square around points (N, 2)."""
    low, high = x.min(axis=0), x.max(axis=0)
    middle, half = (low + high) / 2, 0.54 * float((high - low).max()) + 1e-6
    left, bottom = (middle - half).tolist()
    return left, left + 2 * half, bottom, bottom + 2 * half


def grid_of(box: tuple[float, float, float, float]) -> np.ndarray:
    """Return the centres of all cells (SIZE², 2), float32, the row at the top first."""
    left, right, bottom, top = box
    steps = (np.arange(SIZE) + 0.5) / SIZE
    across, down = np.meshgrid(left + steps * (right - left), top - steps * (top - bottom))
    return np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)


def field_of(outputs: np.ndarray, probabilities: bool) -> tuple[float, bytes]:
    """Return by how much logits are squeezed, and a byte per row of outputs (n, 2): 255 p of class 1 (see field.js)."""
    first, second = outputs.astype(np.float64).T  # near divergence their difference may be too large for a float32
    logits = (second - first) * (1 if probabilities else STEEP)  # (n,)
    squeeze = float(np.clip(SQUEEZED * np.abs(logits).max(), 1e-3, MOST_SQUEEZED))
    return squeeze, np.rint(255 / (1 + np.exp(-np.clip(logits / squeeze, -50, 50)))).astype(np.uint8).tobytes()


def margins_of(outputs: np.ndarray, y: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    """Return a histogram of the output margins, samples with wrong labels apart.

    Its bars are of a round width, so that they do not change with every epoch, and one begins at 0, so that no bar mixes
    what is classified rightly with what is not.
    """
    margins = output_margins(outputs, y)
    wide = round_up(max(float(margins.max() - margins.min()), float(np.abs(margins).max()), 1e-3) / BARS)
    first, last = (int(np.ceil(max(float((sign * margins).max()), 0) / wide + 1e-9)) for sign in (-1, 1))
    edges = np.arange(-first, last + 1) * wide
    return {"reach": [-first * wide, last * wide], "right": np.histogram(margins[~wrong], edges)[0].tolist(),
            "wrong": np.histogram(margins[wrong], edges)[0].tolist(), "smallest": float(margins.min()),
            "median": float(np.median(margins))}


def round_up(value: float) -> float:
    """Return the smallest of … 1, 1.5, 2, 3, 5, 7, 10, 15 … that is not below a positive value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 5, 7, 10) if step * power >= value * (1 - 1e-12))


def packed(head: dict[str, Any], field: bytes) -> bytes:
    """Return one message: the length of the head (4 bytes, little end first), the head as JSON, the field."""
    text = as_json(head).encode()
    return len(text).to_bytes(4, "little") + text + field


def unpacked(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Return head and field of a message, as the page reads them."""
    length = int.from_bytes(message[:4], "little")
    return json.loads(message[4:4 + length]), message[4 + length:]
