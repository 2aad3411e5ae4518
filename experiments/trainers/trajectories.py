"""Training recorded whole: all metrics after every epoch, so that any criterion can be asked later when it would stop.

Problems are cut 50/25/25 by the seed, as Prechelt's were, or to sizes that train in a second. Inputs in units of their own
are scaled by the training set. Criteria see validation labels as a user has them; the test set has the true ones.
"""
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..data import alphabet, breast_cancer, digits, iris, prepared, proben1, wine, words
from ..data.fashion_mnist import CUT_NOTE, read_cut
from ..data.image_sets import FASHION_MNIST, image_data_set
from ..data.preprocessing import Standardisation
from ..data.sets import DataSet
from ..runs.identity import code_version
from ..runs.settings import one_of
from ..runs.store import Run

TRAINER = __name__
VARIED = ("seed",)
ASKED = ("gradient_norm", "evidence", "prediction_changes")  # for criteria that need no validation set
RECORD = ("epoch", *(f"{part}_{what}" for part in ("train", "val", "test") for what in ("loss", "error")), *ASKED)
CHECK_SECONDS, FLOPS, STEPS = 7e-4, 8e9, 20  # of one core; a word is about as many samples


def _cut(train: int, validation: int, *, noise: float, seed: int) -> DataSet:
    """The embedded cut, also where the whole set is installed."""
    return image_data_set(FASHION_MNIST, read_cut(), train, validation, None, noise=noise, seed=seed, note=CUT_NOTE)


class Problem(NamedTuple):
    """What is learnt.

    Attributes
    ----------
    title : str
    load : callable
    sizes : tuple of int
        Training, validation (and test) samples; (): a half, a quarter and the rest.
    noise : float
        Share of wrong labels in training and validation set.
    scaled : bool
        Whether columns are standardised.
    about : (int, int)
        Training samples and inputs, for estimates of time.
    """

    title: str
    load: Callable[..., DataSet]
    sizes: tuple[int, ...] = ()
    noise: float = 0.0
    scaled: bool = False
    about: tuple[int, int] = (300, 64)


def _proben1(name: str) -> Callable[..., DataSet]:
    return lambda *sizes, **how: proben1(name, *sizes, **how)


# Of Proben1 what has classes; its mushrooms every network gets right, so that all criteria cost nothing.
FOUND = {f"proben1_{name}": Problem(f"{name.title()} (Proben1)", _proben1(name), scaled=True, about=about)
         for name, about in (("diabetes", (384, 8)), ("gene", (1588, 120)), ("soybean", (342, 82)), ("thyroid", (3600, 21)))}
PROBLEMS = {
    "iris": Problem("Iris", iris, scaled=True, about=(75, 4)),
    "wine": Problem("Wine", wine, scaled=True, about=(89, 13)),
    "breast_cancer": Problem("Breast cancer", breast_cancer, scaled=True, about=(284, 30)),
    "digits": Problem("Digits", digits, (300, 150, 600)),
    "digits_flipped": Problem("Digits, 20 % wrong", digits, (300, 150, 600), noise=0.2),
    "fashion_mnist": Problem("Fashion-MNIST", _cut, (250, 125), about=(250, 784)),
    "words": Problem("Words", words, (300, 150, 1000), about=(300, 45)), **FOUND}
RECURRENT = ("words",)


@lru_cache(maxsize=8)
def fingerprint(data: str) -> str | None:
    """What tells a problem that is read from files from another of its name; "": it has none; None: they are not here."""
    if data not in FOUND:
        return ""
    try:
        parts = FOUND[data].load(seed=0)
    except FileNotFoundError:
        return None
    return hashlib.sha256(b"".join(part.x.tobytes() + part.y.tobytes() for part in (
        parts.train, parts.validation, parts.test))).hexdigest()[:16]


def load(data: str, seed: int) -> DataSet:
    """Return the parts of a problem, the columns scaled by training inputs where they are to be."""
    problem = PROBLEMS[data]
    parts = problem.load(*problem.sizes, noise=problem.noise, seed=seed)
    return prepared(parts, Standardisation.of) if problem.scaled else parts


@dataclass(frozen=True)
class Trajectory:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; parts of the data, initial weights, order.
    data, files : str
        A name of `PROBLEMS`, and its `fingerprint`.
    hidden : tuple of int
        Units of the tanh layers; of words one layer, recurrent in both directions.
    loss : {"cross_entropy", "squared_error"}
    optimizer : {"rprop", "adam"}
        On the full batch, or on batches of 32.
    learning_rate : float
        Of RPROP the first step.
    epochs : int
    dtype : str
    """

    experiment: str
    seed: int
    data: str
    files: str
    hidden: tuple[int, ...]
    loss: str = "cross_entropy"
    optimizer: str = "rprop"
    learning_rate: float = 0.01
    epochs: int = 1
    dtype: str = "float32"

    def __post_init__(self) -> None:
        one_of("data", self.data, PROBLEMS)
        one_of("loss", self.loss, ("cross_entropy", "squared_error"))
        one_of("optimizer", self.optimizer, ("rprop", "adam"))

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "hidden": list(self.hidden), "code": code_version(TRAINER)}


def trajectory_of(settings: Mapping) -> Trajectory:
    """Return the run whose `settings` these are."""
    fields = {name: value for name, value in settings.items() if name != "code"}
    return Trajectory(**{**fields, "hidden": tuple(fields["hidden"])})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = trajectory_of(settings)
    samples, inputs = PROBLEMS[run.data].about
    weights = sum(a * b for a, b in itertools.pairwise((inputs, *run.hidden, 10)))
    return run.epochs * (CHECK_SECONDS + samples * weights * 12 / FLOPS) * (STEPS if run.data in RECURRENT else 1)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Arrays (epochs,) of `RECORD`, as `nn.History` names them.

    Raises
    ------
    ValueError
        For a problem whose files are others.
    ArithmeticError
        When a loss is no longer finite.
    """
    from losses import CrossEntropy, SquaredError
    from nn import RPROP, Adam, fit_fleet
    from nn.processor import one_blas_thread, thread_limit

    many = [trajectory_of(run) for run in runs]
    one = many[0]
    one_of("files", one.files, (fingerprint(one.data),))
    sets, full = [load(one.data, run.seed) for run in many], one.optimizer == "rprop"
    x, y, *lengths = _stacked([data.train for data in sets], "y")
    with one_blas_thread(), thread_limit(1):
        fleet = fit_fleet(
            _network(one, sets[0]), x, y, lengths=lengths[0] if lengths else None, members=[{"seed": r.seed} for r in many],
            loss={"cross_entropy": CrossEntropy, "squared_error": SquaredError}[one.loss](),
            optimizer=(RPROP if full else Adam)(one.learning_rate), batch_size=None if full else 32, epochs=one.epochs,
            validation=_stacked([data.validation for data in sets], "y"),
            test=_stacked([data.test for data in sets], "y_clean"), metrics=ASKED, workers=1, progress=False)
    if broken := [message for message in fleet.messages if message]:
        raise ArithmeticError(f"learning_rate: got {one.learning_rate}, accepted: a smaller one ({broken[0]})")
    return [Run(arrays={name: np.asarray(fleet.history(r)[name], dtype=float) for name in RECORD}) for r in range(len(many))]


def _network(run: Trajectory, data: DataSet) -> Any:
    from nn import MLP, RNN

    if run.data in RECURRENT:
        return RNN(len(alphabet()), run.hidden[0], len(data.classes), bidirectional=True, dtype=run.dtype)
    return MLP((data.train.x.shape[1], *run.hidden, len(data.classes)), activation="tanh", dtype=run.dtype)


def _stacked(parts: Sequence[Any], labels: str) -> tuple[np.ndarray, ...]:
    """Return x (R, N, D), labels (R, N) and, of sequences, lengths (R, N) of one part of all members' data."""
    names = ("x", labels, *["lengths"] * (parts[0].lengths is not None))
    return tuple(np.stack([getattr(part, name) for part in parts]) for name in names)
