"""What the page is shown of a network: its decision field as bytes, and the margins it has on the training set."""
import json
import math
from typing import Any

import numpy as np

from experiments.report.web_parts import as_json
from losses.margins import output_margins

SIZE = 48  # cells of the field on a side
# Logits are divided by a fifth of the largest before they become bytes, at most by 4: so that the boundary is sharp both where
# every p is about 1/2 and where all are 0 or 1.
SQUEEZED, MOST_SQUEEZED = 0.2, 4.0
STEEP = 4.0  # a loss without probabilities wants outputs that differ by 1: shown as a logit of this size
BARS = 40
SHOWN = 300  # points of the test set that the page can show


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
    """Return by how much logits are squeezed, and a byte per row of outputs (n, 2): 255 p of class 1, so squeezed (see field.js)."""
    logits = (outputs[:, 1] - outputs[:, 0]).astype(np.float64) * (1 if probabilities else STEEP)  # (n,)
    squeeze = float(np.clip(SQUEEZED * np.abs(logits).max(), 1e-3, MOST_SQUEEZED))
    return squeeze, np.rint(255 / (1 + np.exp(-np.clip(logits / squeeze, -50, 50)))).astype(np.uint8).tobytes()


def margins_of(outputs: np.ndarray, y: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    """Return a histogram of the output margins, samples with wrong labels apart.

    It reaches to round numbers, so that the axis does not change with every epoch, and at least a tenth beyond 0.
    """
    margins = output_margins(outputs, y)
    low, high = (max(float((sign * margins).max()), float(np.abs(margins).max()) / 10, 1e-3) for sign in (-1, 1))
    low, high = -round_up(low), round_up(high)
    edges = np.linspace(low, high, BARS + 1)
    return {"reach": [low, high], "right": np.histogram(margins[~wrong], edges)[0].tolist(),
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
