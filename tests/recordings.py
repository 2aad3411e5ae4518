"""Made-up recordings for the scrubber, without training: an edge that turns, growing margins, and a test loss that rises."""
import numpy as np

from experiments.runs.store import Run
from experiments.trainers.frames import Recording, frame_epochs, places, squeezed

RULES = ("ZeroError()", "Patience(20)", "GL(5)", "UP(4)")
ARMS = (("cross_entropy", 0.0), ("cross_entropy", 0.15), ("cross_entropy", 0.35), ("hinge", 0.0))


def recording(noise, loss="cross_entropy", level=0.0, frames=12, size=12, points=30, epochs=1000):
    """Return (settings, run) of one recording, the same every time."""
    made = Recording("scrubber", 1, noise, loss, level, train=points, epochs=epochs, frames=frames, size=size, rules=RULES)
    rng = np.random.default_rng(7)
    at, x = np.array(frame_epochs(epochs, frames)), (rng.random((points, 2)) * 4 - 2).astype(np.float32)
    true = (x[:, 0] > 0).astype(np.int64)
    wrong = np.arange(points) < round(noise * points)
    share, where = np.linspace(0, 1, frames)[:, None], places(size, made.reach)
    # What is learnt of a side, and then of the other direction as well; a flood keeps it small.
    steep = (1 + 40 * share) / (1 + 20 * level)
    fields = squeezed(steep * (where[:, 0] + share * np.sin(2 * where[:, 1]))).reshape(frames, size, size)
    margins = steep * np.where(wrong, 2 * share - 1, 1) * (0.2 + np.abs(x[:, 0]))
    zero = (share[:, 0] > 0) & (level == 0)
    error = np.where(zero & (share[:, 0] > 0.5), 0.0, 0.1)
    curves = {"epoch": at.astype(float), "train_loss": np.maximum(level, 0.7 * (1 - share[:, 0])), "train_error": error,
              "val_loss": 0.6 + share[:, 0], "val_error": error + 0.05, "test_loss": 0.3 + np.abs(share[:, 0] - 0.4),
              "test_error": 0.1 + 0.1 * share[:, 0]}
    scalars = {"stopped Patience(20)": 40.0, "stopped GL(5)": 41.0, "stopped UP(4)": 900.0}
    if level == 0:
        first = float(at[np.argmax(error == 0)])
        scalars |= {"zero": first, "stopped ZeroError()": first}
    return made.settings(), Run(curves, scalars, {"fields": fields, "margins": margins, "points": x,
                                                  "labels": np.where(wrong, 1 - true, true), "flipped": wrong})


def recordings(noises=(0.0, 0.2)):
    """Return all recordings of a choice, as the page needs them."""
    return [recording(noise, loss, level) for noise in noises for loss, level in ARMS]
