"""The view of a recurrent network unrolled over a word: recorded runs of `trainers.unrolled` as a part of the page."""
import base64
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..runs.store import Run
from .web_parts import Part
from .words import listed

LEVELS = 127  # of 8 bits with a sign
LANGUAGES = ("english", "spanish", "dutch", "polish")  # in the order of the answers


def part(recorded: Iterable[tuple[Any, Run]]) -> Part:
    """Return the part that shows some runs, pairs of a `trainers.unrolled.Unrolled` and what it left."""
    recorded = list(recorded)
    return Part(name="unrolled", title="Backpropagation through time, letter by letter", question="sequences",
                html_template="unrolled.html", scripts=("stepper.js", "unrolled.js"), styles=("stepper.css", "unrolled.css"),
                data={"languages": list(LANGUAGES), "networks": [_shown(*one) for one in recorded]},
                alt=_told(recorded) if recorded else "")


def _title(one: Any) -> str:
    return "reads in both directions" if one.bidirectional else "reads forwards only"


def _shown(one: Any, run: Run) -> dict[str, Any]:
    """What scripts need of one run."""
    found = run.arrays
    moments = [{"name": str(name), "epoch": int(epoch), "train": round(float(train), 4), "held": round(float(held), 4)}
               for name, epoch, (train, held) in zip(found["moments"], found["epochs"], found["accuracy"], strict=True)]
    return {"title": _title(one), "hidden": one.hidden, "moments": moments,
            "words": [_word(found, n) for n in range(len(found["words"]))]}


def _word(found: dict[str, np.ndarray], n: int) -> dict[str, Any]:
    """One word at all moments M, in all directions D, over its T letters."""
    text = str(found["words"][n])
    states, gradients = (found[name][n, :, :, :len(text)] for name in ("states", "gradients"))  # (M, D, T, H)
    largest = np.abs(gradients).max(axis=(2, 3), keepdims=True)  # of each moment and direction: colours are relative to it
    return {"text": text, "language": str(found["language"][n]), "choice": str(found["choice"][n]),
            "loss": [float(f"{loss:.4g}") for loss in found["loss"][n]],
            "sizes": [[[float(f"{size:.4g}") for size in direction] for direction in moment] for moment in sizes(gradients)],
            "said": np.round(1000 * found["p_read"][n, :, :, :len(text)]).astype(int).tolist(),
            "states": packed(states), "gradients": packed(gradients / np.where(largest > 0, largest, 1))}


def sizes(gradients: np.ndarray) -> np.ndarray:
    """Return |dh_t| from gradients (…, H)."""
    return np.linalg.norm(gradients.astype(float), axis=-1)


def packed(values: np.ndarray) -> str:
    """Return numbers in [-1, 1] as 8-bit integers in base64, in order."""
    return base64.b64encode(np.round(np.clip(values, -1, 1) * LEVELS).astype(np.int8).tobytes()).decode()


def reach(found: dict[str, np.ndarray]) -> np.ndarray:
    """Return |dh| at the step taken first over that at the step taken last, (W, M, D): how far the gradient reaches."""
    ends = np.array([len(str(word)) for word in found["words"]]) - 1  # (W,)
    size = sizes(found["gradients"])  # (W, M, D, T)
    last, first = size[np.arange(len(ends)), :, :, ends], size[..., 0].copy()  # forwards: taken last, taken first
    if size.shape[2] > 1:
        last[:, :, 1], first[:, :, 1] = first[:, :, 1].copy(), last[:, :, 1].copy()
    return first / np.where(last > 0, last, np.nan)


def _told(recorded: Sequence[tuple[Any, Run]]) -> str:
    """Say what is seen: how far back the gradient reaches at each moment."""
    said = []
    for one, run in recorded:
        found, shares = run.arrays, 100 * np.nanmedian(reach(run.arrays), axis=(0, 2))  # (M,)
        parts = [f"{share:.{1 if share < 10 else 0}f} % {name} (epoch {int(epoch)})" for name, epoch, share in
                 zip(found["moments"], found["epochs"], shares, strict=True)]
        said.append(f"in a network that {_title(one)} {listed(parts)}")
    count = len(recorded[0][1].arrays["words"])
    return (f"How large |dh| is at the first step of a word, in percent of what it is at the last (median of {count} words, "
            f"one network each): {'; '.join(said)}.")
