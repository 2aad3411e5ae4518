"""An autoencoder, watched while it trains: what it reconstructs, what its code is good for, and whether it is stuck.

How good a code is, a linear classifier tells that is trained to its optimum on the codes of a few labelled samples. Whether
a plateau is the end, learning rates tell: from where the training loss seems to stand still, copies go on at other rates.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from ..data.digits import digits
from ..data.fashion_mnist import read_cut
from ..data.image_sets import FASHION_MNIST, image_data_set
from ..runs.identity import code_version
from ..runs.settings import one_of
from ..runs.store import Run
from .codes import code_accuracy, principal

TRAINER = __name__
VARIED = ("seed",)
DATA = ("digits", "fashion_mnist")
OPTIMIZERS = ("adam", "sgd", "sgd reduced")
FACTORS = (0.5, 1.0, 2.0, 8.0)  # of the learning rate, at which copies go on
PLATEAU, END = "plateau", "end"
FLOPS, UPDATE_SECONDS, CLASSIFIER_SECONDS = 3e10, 2.5e-5, 0.012  # of one core


@dataclass(frozen=True)
class Autoencoder:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; data, initial weights, order.
    data : {"digits", "fashion_mnist"}
        Digits of 8 x 8 pixels; the embedded cut of Fashion-MNIST, means of 2 x 2 pixels: 14 x 14.
    train, validation, labelled : int
        Samples; of the training samples the first `labelled` have a label that the classifier of codes learns. The rest of
        the digits, or the cut's test images, are the test set.
    hidden, units : tuple of int, int
        Units of the encoder's layers, which the decoder has in reverse order, and of the code between them.
    activation : str
        Of all of them, the code's as well; the output is linear.
    optimizer : {"adam", "sgd", "sgd reduced"}
        SGD has momentum 0.9; "reduced": its rate is halved whenever the training loss had no new low for `patience` checks.
    learning_rate : float
    epochs, batch_size : int
    every, looks : int, int
        Epochs between checks; the classifier is trained at about so many of them, and before training.
    tolerance, patience : float, int
        At a plateau the lowest training loss fell by no more than this share over so many checks.
    trial : int
        Epochs for which copies go on at other rates, at the first plateau and at the end; 0: they do not.
    dtype : str
    """

    experiment: str
    seed: int
    data: str
    train: int
    validation: int
    labelled: int
    hidden: tuple[int, ...]
    units: int
    activation: str = "tanh"
    optimizer: str = "adam"
    learning_rate: float = 2e-3
    epochs: int = 10
    batch_size: int = 20
    every: int = 5
    looks: int = 20
    tolerance: float = 0.02
    patience: int = 4
    trial: int = 20
    dtype: str = "float32"

    def __post_init__(self) -> None:
        one_of("data", self.data, DATA)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        if self.labelled > self.train:
            raise ValueError(f"labelled: got {self.labelled}, accepted: at most {self.train}, the training samples")

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "hidden": list(self.hidden), "code": code_version(TRAINER)}

    def sizes(self) -> tuple[int, ...]:
        """Units of all layers."""
        pixels = 64 if self.data == "digits" else 196
        return pixels, *self.hidden, self.units, *self.hidden[::-1], pixels


def autoencoder_of(settings: Mapping) -> Autoencoder:
    """Return the run whose `settings` these are."""
    fields = {name: value for name, value in settings.items() if name != "code"}
    return Autoencoder(**{**fields, "hidden": tuple(fields["hidden"])})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = autoencoder_of(settings)
    sizes = np.array(run.sizes())
    epochs = run.epochs * (1 + 2 / run.every) + 2 * len(FACTORS) * run.trial
    epoch = run.train * 6 * float(sizes[:-1] @ sizes[1:]) / FLOPS + run.train / run.batch_size * UPDATE_SECONDS
    return epochs * epoch + run.looks * CLASSIFIER_SECONDS


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core: copies of each go on in between.

    Returns
    -------
    list of Run
        In the same order. Curves, a value per check: `epoch`; `train_loss`, `val_loss`, `test_loss`, squared errors as
        shares of those that the mean training image makes, so of the variance; `gradient_norm` and `evidence` of the
        training set; `accuracy` on test samples of a classifier of codes, NaN where none was trained. Scalars:
        `plateau.epoch`, of the first plateau, if there was one; `plateau.gain F` and `end.gain F`, the share by which the
        training loss fell (rose: below 0; -1: it doubled, at least) while a copy went on at F times the rate; `pca_loss`
        and `pca_accuracy` of as many principal components as the code has units, `raw_accuracy` of a classifier of pixels.

    Raises
    ------
    ValueError
        For sizes that do not fit, naming them.
    """
    from nn.processor import one_blas_thread, thread_limit

    with one_blas_thread(), thread_limit(1):
        return [_train(autoencoder_of(run)) for run in runs]


class Samples(NamedTuple):
    """Images (N, pixels) in [0, 1] of the three parts; labels (N,) of the labelled and the test samples."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    y: np.ndarray
    y_test: np.ndarray


def samples_of(run: Autoencoder) -> Samples:
    """Return the data of a run."""
    if run.data == "digits":
        data = digits(run.train, run.validation, seed=run.seed)
    else:
        data = image_data_set(FASHION_MNIST, read_cut(), run.train, run.validation, None, noise=0.0, seed=run.seed, note="")
    train, validation, test = (part.x if run.data == "digits" else halved(part.x)
                               for part in (data.train, data.validation, data.test))
    return Samples(train, validation, test, data.train.y[:run.labelled], data.test.y)


def halved(x: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels: images (N, 784) become (N, 196)."""
    return x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


def _train(run: Autoencoder) -> Run:
    from losses import SquaredError
    from nn import MLP, fit

    samples = samples_of(run)
    model = MLP(run.sizes(), activation=run.activation, dtype=run.dtype, seed=run.seed)
    watch = Watch(run, samples)
    updates = -(-run.train // run.batch_size)
    checks = [*range(0, run.epochs, run.every), run.epochs]
    history = fit(model, samples.train, samples.train, loss=SquaredError(), optimizer=optimizer_of(run), epochs=run.epochs,
                  batch_size=run.batch_size, validation=(samples.validation,) * 2, test=(samples.test,) * 2, seed=run.seed,
                  metrics=("gradient_norm", "evidence"), check_every=[epoch * updates for epoch in checks],
                  on_check=watch, progress=False)
    mean = samples.train.mean(axis=0, dtype=float)
    curves = {name: np.asarray(history[name], dtype=float) for name in ("epoch", "gradient_norm", "evidence")}
    for name, part in (("train", samples.train), ("val", samples.validation), ("test", samples.test)):
        variance = np.square(part - mean).sum(axis=1).mean()
        curves[f"{name}_loss"] = np.asarray(history[f"{name}_loss"], dtype=float) / variance
    return Run(curves=curves | {"accuracy": np.array(watch.accuracies)}, scalars=watch.scalars | principal(
        run.units, samples.train, samples.test, samples.y, samples.y_test))


def optimizer_of(run: Autoencoder, factor: float = 1.0) -> Any:
    """Return the optimizer of a run, at a multiple of its rate."""
    from nn import SGD, Adam, ReduceOnPlateau

    rate = factor * run.learning_rate
    if run.optimizer == "adam":
        return Adam(rate)
    return SGD(rate if run.optimizer == "sgd" else ReduceOnPlateau(rate, "train_loss", 0.5, run.patience), momentum=0.9)


class Watch:
    """Asked at every check: trains the classifier of codes, notices the first plateau, and tries other rates."""

    def __init__(self, run: Autoencoder, samples: Samples) -> None:
        from stopping import Plateau

        self.run, self.samples = run, samples
        self.accuracies: list[float] = []
        self.scalars: dict[str, float] = {}
        self._plateau = Plateau(run.tolerance, run.patience, relative=True)
        looks = np.geomspace(run.every, run.epochs, run.looks)
        self._looks = {0, run.epochs, *(int(run.every * round(epoch / run.every)) for epoch in looks)}

    def __call__(self, model: Any, row: Mapping) -> None:
        """Look at the model after row["epoch"] epochs."""
        epoch = round(row["epoch"])
        self.accuracies.append(self.accuracy(model) if epoch in self._looks else np.nan)
        if f"{PLATEAU}.epoch" not in self.scalars and self._plateau.update(**row):
            self.scalars[f"{PLATEAU}.epoch"] = float(epoch)
            self.try_rates(PLATEAU, model, row["train_loss"])
        if epoch == self.run.epochs:
            self.try_rates(END, model, row["train_loss"])

    def accuracy(self, model: Any) -> float:
        """Accuracy of a classifier of the model's codes."""
        samples, layer = self.samples, len(self.run.hidden) + 1
        return code_accuracy(model.encode(samples.train[:self.run.labelled], layer), samples.y,
                             model.encode(samples.test, layer), samples.y_test)

    def try_rates(self, moment: str, model: Any, loss: float) -> None:
        """Let copies go on, all in one new order and with an optimizer that begins anew."""
        for factor in FACTORS if self.run.trial else ():
            self.scalars[f"{moment}.gain {factor:g}"] = gain(self.run, model, self.samples.train, factor, loss)


def gain(run: Autoencoder, model: Any, x: np.ndarray, factor: float, loss: float) -> float:
    """Share by which the training loss falls while a copy of the model goes on at a multiple of the rate; -1 at least."""
    from losses import SquaredError
    from nn import TrainingDiverged, fit

    try:
        found = fit(model.copy(), x, x, loss=SquaredError(), optimizer=optimizer_of(run, factor), epochs=run.trial,
                    batch_size=run.batch_size, check_every=0, seed=run.seed + 2**32, progress=False)
    except TrainingDiverged:
        return -1.0
    return max(-1.0, 1 - float(found["train_loss"][-1]) / loss)
