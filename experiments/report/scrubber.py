"""The scrubber: recorded trainings in the plane, packed for a page on which they are moved through by hand."""
import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .web_parts import Part

TITLE = "Past zero training error, by hand"
SCRIPTS = ("uPlot.iife.min.js", "field.js", "scrubber_charts.js", "scrubber_marks.js", "scrubber.js")
STYLES = ("uPlot.min.css", "scrubber.css")
CURVES = ("train_loss", "train_error", "val_loss", "val_error", "test_loss", "test_error")
DIGITS = 4  # significant ones, of curves
STOPPED = "stopped "
REACH = 100.0  # of margins, which grow without bound: what is above is drawn there
ALT = ("Two networks with the same initial weights learn the same points, one by cross-entropy and one as is chosen here. "
       "The slider moves both through their training, on a log scale, far past the first epoch without a training error. "
       "Flags tell where that was, and where stopping rules would have stopped.")


def part(recordings: Sequence[tuple[Mapping, Any]], squeeze: float, looks: Sequence[tuple] = ()) -> Part:
    """Return the part of a page.

    Parameters
    ----------
    recordings : sequence of (settings, run)
        As `trainers.frames` makes them, with frames at the same epochs and, for one noise, of the same points; by noise, the
        one that all others are shown beside first.
    squeeze : float
        Of the log-odds in their fields.
    looks : sequence of (question, noise, "flooding" or loss, level)
        Choices that are offered as questions.
    """
    one, first = recordings[0]
    shared = {"epochs": first.curves["epoch"].astype(int).tolist(), "size": one["size"], "reach": one["reach"],
              "squeeze": squeeze, "rules": list(one["rules"]), "margin": REACH, "hidden": list(one["hidden"]),
              "seed": one["seed"]}
    sets = {settings["noise"]: {"points": np.round(run.arrays["points"].astype(float), 3).ravel().tolist(),
                                "labels": run.arrays["labels"].tolist(), "wrong": run.arrays["flipped"].astype(int).tolist()}
            for settings, run in recordings}
    runs = [{"noise": settings["noise"], "loss": settings["loss"], "level": settings["level"], **_run(run)}
            for settings, run in recordings]
    data = {**shared, "noises": list(sets), "sets": list(sets.values()), "runs": runs,
            "looks": [list(look) for look in looks],
            "losses": list(dict.fromkeys(settings["loss"] for settings, _ in recordings)),
            "levels": sorted({settings["level"] for settings, _ in recordings} - {0.0})}
    return Part("scrubber", TITLE, "scrubber.html", SCRIPTS, STYLES, data, ALT)


def missing_part(missing: int, of: int, command: str, takes: str) -> Part:
    """Return the part where not all has been recorded: it says how many are missing and which command trains them."""
    data = {"missing": missing, "of": of, "command": command, "takes": takes}
    return Part("scrubber", TITLE, "scrubber.html", ("scrubber.js",), ("scrubber.css",), data,
                "Here one will move through a training by hand, far past its first epoch without a training error.")


def _run(run: Any) -> dict[str, Any]:
    frames = len(run.curves["epoch"])
    return {"fields": packed(run.arrays["fields"].reshape(frames, -1)), "margins": packed(shown(run.arrays["margins"])),
            "curves": {name: [_short(value) for value in run.curves[name].tolist()] for name in CURVES},
            "zero": _whole(run.scalars.get("zero")),
            "stops": {name.removeprefix(STOPPED): _whole(epoch) for name, epoch in run.scalars.items()
                      if name.startswith(STOPPED)}}


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _whole(epoch: float | None) -> int | None:
    return None if epoch is None else int(epoch)


def shown(margins: np.ndarray) -> np.ndarray:
    """Return margins as bytes, 127.5 (1 + arsinh(q) / arsinh(REACH)): finely around 0 and coarsely far off.

    Those below 0 become 127 and less, all others 128 and more.
    """
    values = np.rint(127.5 * (1 + np.arcsinh(margins) / np.arcsinh(REACH)))
    return np.where(margins < 0, np.clip(values, 0, 127), np.clip(values, 128, 255)).astype(np.uint8)


def packed(frames: np.ndarray) -> str:
    """Return bytes (F, M) as text: what each frame adds to the one before, modulo 256, deflated (zlib), in base64."""
    steps = np.diff(frames, axis=0, prepend=np.zeros((1, frames.shape[1]), np.uint8))  # uint8 goes around by itself
    return base64.b64encode(zlib.compress(steps.astype(np.uint8).tobytes(), 9)).decode()


def unpacked(text: str, width: int) -> np.ndarray:
    """Return the bytes (F, width) that `packed` was given, as the page computes them."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), np.uint8).reshape(-1, width)
    return np.cumsum(steps, axis=0, dtype=np.uint8)
