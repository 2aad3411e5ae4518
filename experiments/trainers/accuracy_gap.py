"""Training and validation accuracy of a network on digits, and what makes them differ, cause by cause.

What a progress bar calls training accuracy is measured on each batch before its update: by weights that still change, with
dropout, on augmented inputs, against labels that may be wrong. Validation accuracy has none of the four. So training
accuracy is measured in all 2⁴ ways, and the difference between the first and the last of them is shared out by the mean gain
of switching a cause off, over all orders of doing so (Shapley 1953): such shares add up, whatever interacts.
"""
import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from ..data import digits
from ..runs.identity import code_version
from ..runs.settings import one_of
from ..runs.store import Run
from .shares import share_above, shared_out

TRAINER = __name__
VARIED = ("seed",)
CAUSES = ("averaging", "dropout", "augmentation", "labels")  # axes of the 2⁴ figures: 0 as in training, 1 switched off
SOURCES = ("", "head", "others", "validation")
SIDE = 8  # pixels of a digit
UPDATE_SECONDS, FLOPS = 9e-4, 4e9  # of one core, with what is measured around an update


@dataclass(frozen=True)
class Observed:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; data, initial weights, order.
    train, validation, tiny : int
        Samples. As many others as for training are for another network; the rest of the digits are the reference, drawn as
        training and validation samples are. The tiny set is a part of the validation set, the easy one half of it.
    hidden : tuple of int
        Units of the relu layers.
    dropout : float
    shift : int
        Pixels by which augmentation moves an image, at most, in each direction; 0: none.
    noise : float
        Share of flipped labels among training samples; no other ones are flipped.
    source : {"", "others", "head", "validation"}
        On which samples a network was trained before whose weights this one begins with; "head": others, but the output
        layer is new.
    epochs, batch_size : int
    learning_rate : float
        Of Adam.
    dtype : str
    """

    experiment: str
    seed: int
    train: int
    validation: int
    tiny: int
    hidden: tuple[int, ...]
    dropout: float = 0.0
    shift: int = 0
    noise: float = 0.0
    source: str = ""
    epochs: int = 1
    batch_size: int = 20
    learning_rate: float = 1e-3
    dtype: str = "float32"

    def __post_init__(self) -> None:
        one_of("source", self.source, SOURCES)

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "hidden": list(self.hidden), "code": code_version(TRAINER)}


def observed_of(settings: Mapping) -> Observed:
    """Return the run whose `settings` these are."""
    fields = {name: value for name, value in settings.items() if name != "code"}
    return Observed(**{**fields, "hidden": tuple(fields["hidden"])})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = observed_of(settings)
    sizes = (SIDE**2, *run.hidden, 10)
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    return run.epochs * -(-run.train // run.batch_size) * (UPDATE_SECONDS + run.train * weights * 6 / FLOPS)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core: each begins with weights of its own.

    Returns
    -------
    list of Run
        In the same order. Curves with a value per epoch, accuracies and their differences as shares: `epoch`; `running`, as
        a progress bar shows it; `half`, of frozen weights in the middle of the epoch, and `frozen`, at its end, on training
        inputs and labels as they are; by how much each of `CAUSES` lowers `running`; `true`, what is left when all are off:
        `running` and the four; at the end of the epoch `validation`, `tiny`, `easy` and `reference`, of these sets; and
        `chance`, the share of all sets of validation and reference samples, as large as the tiny one, above `frozen`.

    Raises
    ------
    ValueError
        For sizes that do not fit, naming them.
    """
    from nn.processor import one_blas_thread, thread_limit

    with one_blas_thread(), thread_limit(1):
        return [_train(observed_of(run)) for run in runs]


class Samples(NamedTuple):
    """Inputs (N, 64) and labels (N,); of training samples `given` may be wrong."""

    x: np.ndarray
    y: np.ndarray
    given: np.ndarray


def samples_of(run: Observed) -> dict[str, Samples]:
    """Return the parts of the digits: "train", "others", "validation", "tiny" and "reference"."""
    data = digits(run.train, run.validation, noise=run.noise, seed=run.seed)
    if len(data.test) <= run.train:
        raise ValueError(f"train: got {run.train}, accepted: at most {(1796 - run.validation) // 2}, which leaves as many "
                         f"others and a reference beside {run.validation} validation samples")
    test, validation = (Samples(part.x, part.y_clean, part.y_clean) for part in (data.test, data.validation))
    return {"train": Samples(data.train.x, data.train.y_clean, data.train.y), "validation": validation,
            "others": Samples(*(array[:run.train] for array in test)), "tiny": Samples(*(a[:run.tiny] for a in validation)),
            "reference": Samples(*(array[run.train:] for array in test))}


def easy_half(model: Any, samples: Samples) -> Samples:
    """Return the half that a network which has not seen the samples gets right by the largest margins."""
    from losses.margins import output_margins

    surest = np.argsort(-output_margins(model.forward(samples.x), samples.y), kind="stable")[:len(samples.y) // 2]
    return Samples(*(array[surest] for array in samples))


def _train(run: Observed) -> Run:
    from losses import CrossEntropy
    from nn import MLP, Adam, RandomShift, fit

    parts, sizes = samples_of(run), (SIDE**2, *run.hidden, 10)
    how: dict[str, Any] = {"loss": CrossEntropy(), "optimizer": Adam(run.learning_rate), "epochs": run.epochs,
                           "batch_size": run.batch_size, "seed": run.seed, "progress": False}

    def before(name: str) -> Any:
        other = MLP(sizes, dtype=run.dtype, seed=run.seed + 2**32)  # no run's own
        fit(other, parts[name].x, parts[name].y, check_every=0, **how)
        return other

    guide = before("others")
    parts["easy"] = easy_half(guide, parts["validation"])
    model = MLP(sizes, dropout=run.dropout, dtype=run.dtype, seed=run.seed)
    if run.source:
        model.copy_from(before("validation") if run.source == "validation" else guide,
                        layers=range(1, len(run.hidden) + 1) if run.source == "head" else None)
    augment = RandomShift(SIDE, SIDE, run.shift) if run.shift else None
    watch = Watch(run, parts, augment)
    fit(model, parts["train"].x, parts["train"].given, augment=augment, check_every=range(watch.updates + 1),
        on_check=watch, **how)
    return Run(curves=watch.curves())


class Watch:
    """Asked between updates: measures the next batch as training is about to see it, and all samples at an epoch's end."""

    def __init__(self, run: Observed, parts: Mapping[str, Samples], augment: Any) -> None:
        self.run, self.parts, self.augment = run, parts, augment
        self.batches = -(-run.train // run.batch_size)
        self.updates = run.epochs * self.batches
        self._rows: list[dict[str, float]] = []
        self._half = np.nan

    def __call__(self, model: Any, row: Mapping) -> None:
        """Take what there is to see after row["update"] updates."""
        update = int(row["update"])
        epoch, batch = divmod(update, self.batches)
        if batch == 0 and update:
            self._end_of_epoch(model, update, 1 - row["train_error"])
        if update == self.updates:
            return
        if batch == 0:
            self._begin_epoch(epoch)
        if batch == self.batches // 2:
            self._half = 1 - row["train_error"]
        self._right[0] += self.right(model, update, self.order[batch * self.run.batch_size:][:self.run.batch_size])

    def _begin_epoch(self, epoch: int) -> None:
        """Draw order and augmented inputs as `nn.fit` does."""
        train = self.parts["train"]
        self.order = np.random.default_rng([self.run.seed, epoch]).permutation(self.run.train)
        self.shifted = (self.augment(train.x, train.y, np.random.default_rng([self.run.seed, epoch, 1]))[0]
                        if self.augment else train.x)
        self._right = np.zeros((2,) * len(CAUSES))

    def outputs(self, model: Any, update: int, rows: np.ndarray, still: bool, plain: bool) -> np.ndarray:
        """Outputs (rows, 10) of training samples: without dropout if `still`, else by the masks of this update; not
        augmented if `plain`. A mask belongs to the number of a sample among all, so dropout takes all of them.
        """
        x = self.parts["train"].x if plain else self.shifted
        if still:
            return model.forward(x[rows])
        return model.forward(x, training=True, update=update)[rows]

    def right(self, model: Any, update: int, rows: np.ndarray) -> np.ndarray:
        """Count right decisions on training samples (2, 2, 2): without dropout, without augmentation, by true labels."""
        train, found, decided = self.parts["train"], np.zeros((2, 2, 2)), {}
        for still, plain in np.ndindex(2, 2):
            how = bool(still) or not self.run.dropout, bool(plain) or not self.augment
            if how not in decided:
                decided[how] = self.outputs(model, update, rows, *how).argmax(axis=1)
            found[still, plain] = [(decided[how] == labels[rows]).sum() for labels in (train.given, train.y)]
        return found

    def _end_of_epoch(self, model: Any, update: int, frozen: float) -> None:
        self._right[1] = self.right(model, update, np.arange(self.run.train))
        shares = self._right / self.run.train
        hits = {name: model.forward(part.x).argmax(axis=1) == part.y
                for name, part in self.parts.items() if name not in ("train", "others")}
        alike = np.concatenate([hits["validation"], hits["reference"]])
        self._rows.append({
            "epoch": len(self._rows) + 1.0, "running": shares[0, 0, 0, 0], "half": self._half, "frozen": frozen,
            **dict(zip(CAUSES, shared_out(shares), strict=True)), "true": shares[1, 1, 1, 1],
            **{name: float(hit.mean()) for name, hit in hits.items()},
            "chance": share_above(int(alike.sum()), len(alike), self.run.tiny, frozen)})

    def curves(self) -> dict[str, np.ndarray]:
        """Return what was seen, a value per epoch."""
        return {name: np.array([row[name] for row in self._rows]) for name in self._rows[0]}
