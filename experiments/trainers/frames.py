"""Training in the plane, recorded frame by frame: what a network says of every place, and all margins, at growing epochs.

The frames are few and log-spaced, so that a whole training, far past its first epoch without a training error, can be moved
through by hand; stopping rules are asked after every epoch. Inputs are the sinusoid's in the disc of radius 2: only flipped
labels make it noisy. Validation labels are as a user has them, with flips; the test set has the true ones.
"""
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..data.sinusoid import sinusoid
from ..runs.identity import code_version
from ..runs.store import Run
from .description import one_of

TRAINER = __name__
VARIED = ("seed", "noise", "level")
LOSSES = ("cross_entropy", "squared_error", "hinge")
SEEN = ("train_loss", "train_error", "val_loss", "val_error")  # after every epoch, with what rules ask for
METRICS = ("prediction_changes",)  # for LabelWave
# Log-odds that one step of e in squeezed ones stands for: bytes of plain probabilities are nearly all 0 or 255 in the end,
# and between those nobody can tell where the boundary runs.
SQUEEZE = 4.0
EPOCH_SECONDS, FRAME_SECONDS, FLOPS = 6e-5, 5e-3, 3e10  # of one core


@dataclass(frozen=True)
class Recording:
    """One run: full batch, so that an epoch is an update.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; data, initial weights.
    noise : float
        Share of flipped labels, as `sinusoid` takes it.
    loss, level : str, float
        Out of `LOSSES`; its flood level, 0: none.
    train, validation, test : int
        Samples.
    hidden : tuple of int
        Units of the relu layers.
    learning_rate : float
        Of Adam.
    epochs, frames, size : int
        How long; how many frames there are, of size x size places.
    reach : float
        They fill the square from -reach to reach in both directions.
    rules : tuple of str
        Stopping rules, as `stopping.parse` reads them; they count epochs.
    dtype : str
    """

    experiment: str
    seed: int
    noise: float
    loss: str = "cross_entropy"
    level: float = 0.0
    train: int = 150
    validation: int = 150
    test: int = 4000
    hidden: tuple[int, ...] = (64, 64)
    learning_rate: float = 3e-3
    epochs: int = 10_000
    frames: int = 48
    size: int = 48
    reach: float = 2.3
    rules: tuple[str, ...] = ()
    dtype: str = "float32"

    def __post_init__(self) -> None:
        one_of("loss", self.loss, LOSSES)
        if not 2 <= self.frames <= self.epochs:
            raise ValueError(f"frames: got {self.frames}, accepted: from 2 to the number of epochs, {self.epochs}")

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "hidden": list(self.hidden), "rules": list(self.rules), "code": code_version(TRAINER)}


def recording_of(settings: Mapping) -> Recording:
    """Return the run whose `settings` these are."""
    fields = {name: value for name, value in settings.items() if name != "code"}
    return Recording(**{**fields, "hidden": tuple(fields["hidden"]), "rules": tuple(fields["rules"])})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = recording_of(settings)
    weights = sum(a * b for a, b in itertools.pairwise((2, *run.hidden, 2)))
    epoch = EPOCH_SECONDS + (8 * run.train + 2 * run.validation) * weights / FLOPS
    return run.epochs * epoch + run.frames * (FRAME_SECONDS + 2 * (run.size**2 + run.test) * weights / FLOPS)


def frame_epochs(epochs: int, frames: int) -> list[int]:
    """Return exactly `frames` different epochs from 1 to `epochs`, growing by one factor where whole numbers allow it."""
    found = [1]
    while len(found) < frames:
        here, left = found[-1], frames - len(found)
        found.append(max(here + 1, round(here * (epochs / here) ** (1 / left))))
    return found


def places(size: int, reach: float) -> np.ndarray:
    """Return the centres (size², 2), float64, of a square's cells, row by row from the top left, as pictures have them."""
    axis = ((np.arange(size) + 0.5) / size * 2 - 1) * reach  # (size,)
    return np.stack([np.tile(axis, size), np.repeat(axis[::-1], size)], axis=1)


def squeezed(log_odds: ArrayLike) -> np.ndarray:
    """Return log-odds of class 1 as bytes, 255 / (1 + exp(-log_odds / SQUEEZE)); from 128 on exactly for class 1."""
    log_odds = np.asarray(log_odds, dtype=np.float64)
    values = np.rint(255 * (1 + np.tanh(log_odds / (2 * SQUEEZE))) / 2)
    return np.where(log_odds > 0, np.maximum(values, 128), np.minimum(values, 127)).astype(np.uint8)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Curves (frames,): `epoch`, and loss (without its flood) and error on the training, validation and
        test set. Scalars: `zero`, the first epoch without a training error, and "stopped RULE", the epoch at which a rule
        would have stopped; no entry where that never came. Arrays: `fields` (frames, size, size), bytes of `squeezed`
        log-odds at `places`; `margins` (frames, N), output margins of the training points; `points` (N, 2), `labels` and
        `flipped` (N,) of those.

    Raises
    ------
    ValueError
        For sizes, noise, levels or rules that are not accepted.
    ArithmeticError
        When a loss is no longer finite: the learning rate was too large.
    """
    from losses import Flooding
    from nn import MLP, Adam, fit_fleet
    from nn.processor import one_blas_thread, thread_limit
    from stopping import parse

    many = [recording_of(run) for run in runs]
    one = many[0]
    sets = [sinusoid(run.train, run.validation, run.test, variant="disc", noise=run.noise, seed=run.seed) for run in many]
    for rule in one.rules:  # before anything is trained
        parse(rule)
    watches = [Watch(run, data) for run, data in zip(many, sets, strict=True)]
    train, validation = ([np.stack([getattr(getattr(data, part), axis) for data in sets]) for axis in "xy"]
                         for part in ("train", "validation"))
    with one_blas_thread(), thread_limit(1):
        fleet = fit_fleet(MLP((2, *one.hidden, 2), dtype=one.dtype), *train,
                          members=[{"seed": run.seed, "level": run.level} for run in many],
                          loss=Flooding(_base(one.loss), 0.0), optimizer=Adam(one.learning_rate), epochs=one.epochs,
                          batch_size=None, validation=tuple(validation), metrics=METRICS, workers=1, progress=False,
                          on_check=lambda r, model, row: watches[r](model, row))
    if broken := [message for message in fleet.messages if message]:
        raise ArithmeticError(f"learning_rate: got {one.learning_rate}, accepted: a smaller one ({broken[0]})")
    return [watch.run(fleet.history(r)) for r, watch in enumerate(watches)]


def stops(rules: Sequence[str], history: Mapping) -> dict[str, float]:
    """Return the epoch at which each rule would have stopped a recorded run, by "stopped RULE"; none where it would not."""
    from stopping import parse, replay

    found = {f"stopped {rule}": replay(parse(rule), history).stopped_epoch for rule in rules}
    return {name: epoch for name, epoch in found.items() if epoch is not None}


class Watch:
    """Takes the frames of one run."""

    def __init__(self, run: Recording, data: Any) -> None:
        self._run, self._data, self._base = run, data, _base(run.loss)
        self._epochs = frozenset(frame_epochs(run.epochs, run.frames))
        self._places = places(run.size, run.reach)
        self._rows: list[dict[str, float]] = []
        self._fields: list[np.ndarray] = []
        self._margins: list[np.ndarray] = []

    def __call__(self, model: Any, row: Mapping) -> None:
        """Look at a model after an epoch."""
        if row["epoch"] not in self._epochs:
            return
        from losses.margins import output_margins

        size, train, test = self._run.size, self._data.train, self._data.test
        outputs, said = model.forward(self._places), model.forward(test.x)  # (size², 2), (T, 2)
        self._fields.append(squeezed(outputs[:, 1].astype(np.float64) - outputs[:, 0]).reshape(size, size))
        self._margins.append(output_margins(model.forward(train.x), train.y))
        self._rows.append({"epoch": float(row["epoch"]), **{name: float(row[name]) for name in SEEN},
                           "test_loss": self._base.value(said, test.y_clean),
                           "test_error": float(np.mean(said.argmax(axis=1) != test.y_clean))})

    def run(self, history: Any) -> Run:
        """Return what is kept."""
        train, without = self._data.train, np.flatnonzero(np.asarray(history["train_error"]) == 0)
        zero = {"zero": float(history["epoch"][without[0]])} if len(without) else {}
        return Run(curves={name: np.array([row[name] for row in self._rows]) for name in self._rows[0]},
                   scalars={**zero, **stops(self._run.rules, history)},
                   arrays={"fields": np.stack(self._fields), "margins": np.stack(self._margins), "points": train.x,
                           "labels": train.y, "flipped": train.y != train.y_clean})


def _base(loss: str) -> Any:
    """Return a loss by its name, without a flood."""
    from losses import CrossEntropy, Hinge, SquaredError

    return {"cross_entropy": CrossEntropy, "squared_error": SquaredError, "hinge": Hinge}[loss]()
