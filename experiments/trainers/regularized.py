"""One network trained under one regulariser, or a pair of them: what is measured at every check, on clean test labels.

No `Description` says how inputs are augmented, or that a regulariser begins late: only after the first epoch without a
training error. Then two networks can go on from the same weights, one with dropout and one without (their optimizer starts
anew in both, and their orders are the same), so that nothing but dropout tells them apart.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..data import digits
from ..data.fashion_mnist import CUT_NOTE, read_cut
from ..data.image_sets import FASHION_MNIST, image_data_set
from ..data.sets import DataSet
from ..runs.identity import code_version
from ..runs.settings import one_of
from ..runs.store import Run
from .description import check_epochs

TRAINER = __name__
VARIED = ("seed", "parts")
SIDES = {"digits": 8, "fashion_mnist": 28}
KINDS = ("l1", "l2", "dropout", "smoothing", "confidence", "noise", "mixup", "shift", "flooding")
FIGURES = ("error", "loss", "ece")
DENSE, GROWTH = 30, 1.08  # checks: each of the first epochs, in which validation turns; then at epochs growing by the factor
LAST = 5  # checks whose mean is the final training loss, which floods swing about
FLOPS, UPDATE_SECONDS = 2e10, 4e-5  # of one core


@dataclass(frozen=True)
class Regularized:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; data, initial weights, order.
    data : {"digits", "fashion_mnist"}
        The latter: its embedded cut, of 500 + 500 images.
    train, validation : int
        Samples; all others of the digits, or of the second part of the cut, are for test.
    noise : float
        Share of flipped labels among training samples; no other ones are flipped.
    hidden : tuple of int
        Units of the relu layers.
    parts : tuple of (kind, strength)
        Regularisers out of `KINDS`: strengths of the penalties, rate of dropout, smoothing, the deviation of noise, alpha of
        mixup, pixels, the level of flooding.
    late : bool
        Whether they begin after the first epoch without a training error, with `epochs` from there; plain before.
    epochs, batch_size : int
    learning_rate : float
        Of Adam.
    dtype : str
    """

    experiment: str
    seed: int
    data: str
    train: int
    validation: int
    noise: float
    hidden: tuple[int, ...]
    parts: tuple[tuple[str, float], ...] = ()
    late: bool = False
    epochs: int = 1
    batch_size: int = 20
    learning_rate: float = 1e-3
    dtype: str = "float32"

    def __post_init__(self) -> None:
        one_of("data", self.data, SIDES)
        for kind, _ in self.parts:
            one_of("parts", kind, KINDS)
        if len(dict(self.parts)) < len(self.parts):
            raise ValueError(f"parts: got {self.parts!r}, accepted: different kinds")

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "hidden": list(self.hidden), "parts": [list(part) for part in self.parts],
                "code": code_version(TRAINER)}


def regularized_of(settings: Mapping) -> Regularized:
    """Return the run whose `settings` these are."""
    fields = {name: value for name, value in settings.items() if name != "code"}
    return Regularized(**{**fields, "hidden": tuple(fields["hidden"]),
                          "parts": tuple((kind, strength) for kind, strength in fields["parts"])})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = regularized_of(settings)
    weights = SIDES[run.data]**2 * run.hidden[0] + run.hidden[0] * run.hidden[-1] * (len(run.hidden) - 1)
    updates = run.epochs * -(-run.train // run.batch_size)
    return updates * (UPDATE_SECONDS + run.batch_size * weights * 6 / FLOPS) + len(checks_of(run)) * 3e-3


def checks_of(run: Regularized) -> list[int]:
    """Epochs after which a run is looked at."""
    return check_epochs(run.epochs, DENSE, GROWTH)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Curves with a value per check: `epoch`, counted from where the regulariser begins, and
        `train_*`, `val_*`, `test_*` of "error" (a share), "loss" (plain cross-entropy, in nats) and "ece", the expected
        calibration error (a share), of frozen weights on inputs as they are. Of a late start the first check, epoch 0, is
        the first epoch without a training error, the scalar `begun`; NaN, and no curves, when there was none in `epochs`.
        Scalars of the last check: `end.*`; `end.train_loss` is the mean of the last `LAST` checks.
    """
    from nn.processor import one_blas_thread, thread_limit

    with one_blas_thread(), thread_limit(1):
        return [_train(regularized_of(run)) for run in runs]


def samples_of(run: Regularized) -> DataSet:
    """Return the data set of a run, with flips in all parts beside clean labels."""
    if run.data == "digits":
        return digits(run.train, run.validation, noise=run.noise, seed=run.seed)
    return image_data_set(FASHION_MNIST, read_cut(), run.train, run.validation, None, noise=run.noise, seed=run.seed,
                          note=CUT_NOTE)


def loss_of(parts: Mapping[str, float]) -> Any:
    """Return what is minimised, without the penalties on weights."""
    from losses import ConfidencePenalty, CrossEntropy, Flooding

    loss: Any = CrossEntropy(parts.get("smoothing", 0.0))
    if "confidence" in parts:
        loss = ConfidencePenalty(loss, parts["confidence"])
    return Flooding(loss, parts["flooding"]) if "flooding" in parts else loss


def augment_of(parts: Mapping[str, float], side: int) -> Any:
    """Return what is done to the inputs in each epoch, or None: shifts first, as noise has no borders; then mixing."""
    from nn import GaussianNoise, Mixup, RandomShift

    steps: list[Any] = [RandomShift(side, side, int(parts["shift"]))] if "shift" in parts else []
    steps += [GaussianNoise(parts["noise"])] if "noise" in parts else []
    steps += [Mixup(parts["mixup"], 10)] if "mixup" in parts else []

    def augment(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        for step in steps:
            x, y = step(x, y, rng)
        return x, y

    return augment if steps else None


def _train(run: Regularized) -> Run:
    from losses import L1, L2, CrossEntropy
    from nn import MLP, Adam, fit
    from stopping import ZeroError

    data, parts, side = samples_of(run), dict(run.parts), SIDES[run.data]
    sizes, batches = (side**2, *run.hidden, 10), -(-run.train // run.batch_size)
    how: dict[str, Any] = {"batch_size": run.batch_size, "epochs": run.epochs, "progress": False, "seed": run.seed}
    model, rows = MLP(sizes, dropout=parts.get("dropout", 0.0), dtype=run.dtype, seed=run.seed), []
    scalars: dict[str, float] = {}
    if run.late:
        before = MLP(sizes, dtype=run.dtype, seed=run.seed)
        plain = fit(before, data.train.x, data.train.y, loss=CrossEntropy(), optimizer=Adam(run.learning_rate),
                    stopping=ZeroError(), restore_best=False, **how)
        if plain["train_error"][-1] > 0:
            return Run(scalars={"begun": np.nan})
        scalars["begun"] = float(plain["epoch"][-1])
        model.copy_from(before)
        rows.append({"epoch": 0.0, **measured(model, data)})
    penalties = [kind(parts[name]) for name, kind in (("l1", L1), ("l2", L2)) if name in parts]
    fit(model, data.train.x, data.train.y, loss=loss_of(parts), optimizer=Adam(run.learning_rate),
        penalty=sum(penalties[1:], penalties[0]) if penalties else None, augment=augment_of(parts, side),
        check_every=[batches * epoch for epoch in checks_of(run)],
        on_check=lambda now, row: rows.append({"epoch": float(row["epoch"]), **measured(now, data)}), **how)
    curves = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    scalars |= {f"end.{name}": float(values[-1]) for name, values in curves.items()}
    scalars["end.train_loss"] = float(curves["train_loss"][-LAST:].mean())
    return Run(scalars=scalars, curves=curves)


def measured(model: Any, data: DataSet) -> dict[str, float]:
    """Return error, loss and calibration error on all parts: by the labels given for training samples, else by true ones."""
    from losses import CrossEntropy
    from losses.calibration import expected_calibration_error, probabilities

    found: dict[str, float] = {}
    for name, part, y in (("train", data.train, data.train.y), ("val", data.validation, data.validation.y_clean),
                          ("test", data.test, data.test.y_clean)):
        outputs = model.forward(part.x)  # (N, 10)
        values = (float(np.mean(outputs.argmax(axis=1) != y)), float(CrossEntropy().value(outputs, y)),
                  float(expected_calibration_error(probabilities(outputs), y)))
        found |= {f"{name}_{figure}": value for figure, value in zip(FIGURES, values, strict=True)}
    return found
