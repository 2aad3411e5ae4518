"""What a run is: the one description of it, which decides its outcome and identifies it in the store.

It stands in groups: data, network, loss, optimizer, schedule, checks; then whose models are kept and what is measured of
them at the end. As settings, the form in which a run is stored, exported and sent to workers, it is one flat dict: every
field has a name of its own, and what a group is called names the group ("data": "digits", "loss": "cross_entropy").
"""
import difflib
import functools
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..runs.identity import code_version
from ..runs.settings import one_of

LOSSES = ("cross_entropy", "squared_error", "hinge", "squared_hinge")
FLOODS = ("flooding", "instance_flooding", "softad", "relax", "adaflood")
OPTIMIZERS = ("adam", "adamw", "sgd", "rprop")
CODE = ("code", "measures_code")  # what settings hold beside the fields
TRAINER = "experiments.trainers.train"  # whose meaning, and that of all it imports, is "code"; it imports this file


@dataclass(frozen=True)
class Data:
    """What is learnt.

    Attributes
    ----------
    data : str
        A name of `data_sets.SETS`.
    train, validation, test : int
        Samples; of generated sets per class (the sinusoid's first two: in all, as published, and its test set is twice
        `test`). No validation samples, 0: none are looked at. No test samples of a set that is read: all that are left.
    noise : float
        Share of flipped labels in each part.
    files : str
        `Images.fingerprint` of the files that images come from: a cut and the whole set have one name. "" for data that
        travel with the code or are generated: the version of the code stands for them.
    """

    data: str
    train: int
    validation: int = 0
    test: int = 0
    noise: float = 0.0
    files: str = ""


@dataclass(frozen=True)
class Network:
    """What learns: between the inputs of the data and an output per class.

    Attributes
    ----------
    network : {"mlp"}
    hidden : tuple of int
        Units of the hidden layers.
    activation, batch_norm, dropout, bias, init, dtype
        As `nn.MLP` takes them.
    """

    network: str = "mlp"
    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    batch_norm: bool = False
    dropout: float = 0.0
    bias: bool = True
    init: str = "auto"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        one_of("network", self.network, ("mlp",))


@dataclass(frozen=True)
class Loss:
    """What is minimised.

    Attributes
    ----------
    loss : {"cross_entropy", "squared_error", "hinge", "squared_hinge"}
    label_smoothing : float
        Of cross-entropy and squared error.
    confidence_penalty : float
        Strength of the confidence penalty of cross-entropy.
    margin : float
        Of the hinges.
    flood : {"flooding", "instance_flooding", "softad", "relax", "adaflood"}
    level : float
        Flood level; 0 with "flooding" is the loss itself. AdaFlood has a level for every sample and ignores it.
    gamma, folds, auxiliary_epochs : float, int, int
        Of AdaFlood's levels, see `nn.adaptive_levels`.
    l1, l2 : float
        Strengths of penalties on the weights, outside the flood.
    """

    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    confidence_penalty: float = 0.0
    margin: float = 1.0
    flood: str = "flooding"
    level: float = 0.0
    gamma: float = 0.0
    folds: int = 0
    auxiliary_epochs: int = 0
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        one_of("loss", self.loss, LOSSES)
        one_of("flood", self.flood, FLOODS)
        one_of("label_smoothing", self.label_smoothing, (0.0,) if "hinge" in self.loss else None)
        one_of("confidence_penalty", self.confidence_penalty, (0.0,) if self.loss != "cross_entropy" else None)
        one_of("margin", self.margin, (1.0,) if "hinge" not in self.loss else None)


@dataclass(frozen=True)
class Optimizer:
    """How it is minimised: `optimizer` is "adam", "adamw", "sgd" or "rprop", which take what they know of the rest."""

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        one_of("momentum", self.momentum, (0.0,) if self.optimizer != "sgd" else None)
        one_of("weight_decay", self.weight_decay, (0.0,) if self.optimizer == "rprop" else None)


@dataclass(frozen=True)
class Schedule:
    """How long: `epochs` of updates on `batch_size` samples (0: all), at a `rate` that is "constant" or half a "cosine"."""

    epochs: int = 1
    batch_size: int = 0
    rate: str = "constant"

    def __post_init__(self) -> None:
        one_of("rate", self.rate, ("constant", "cosine"))


@dataclass(frozen=True)
class Checks:
    """When the run is looked at, and what is kept of that.

    Attributes
    ----------
    every : int
        Epochs between checks; 0: as the next two say.
    dense, growth : int, float
        Checks after each of the first `dense` epochs, then at epochs growing by this factor.
    curve_points : int
        Test samples in every check; 0: the test set waits for the end.
    metrics : tuple of str
        What `nn.fit` records beside losses and errors.
    curves : {"all", "thinned"}
        "thinned": losses and errors at ever fewer epochs, so that thousands of runs take tens of megabytes.
    """

    every: int = 0
    dense: int = 10
    growth: float = 1.2
    curve_points: int = 0
    metrics: tuple[str, ...] = ()
    curves: str = "all"

    def __post_init__(self) -> None:
        one_of("curves", self.curves, ("all", "thinned"))

    def epochs(self, last: int) -> list[int]:
        """Epochs after which a run of `last` epochs is looked at."""
        if self.every:
            return [*range(self.every, last, self.every), last]
        return check_epochs(last, self.dense, self.growth)


@dataclass(frozen=True)
class Description:
    """Everything that decides the outcome of one run.

    Attributes
    ----------
    experiment : str
        Who asks.
    seed : int
        Decides data, initial weights and sample order.
    data, network, loss, optimizer, schedule, checks
        See there.
    models : tuple of (name, rule)
        Models that are kept and measured, and when each is taken: "zero error", after the first epoch without a training
        error, whenever the checks are; a stopping criterion such as "Patience(10)" (its best check, or where it stops);
        "epoch 50", at the first check from there; "10 * NAME", ten times the epoch at which the rule NAME stopped (the
        first check from there, of "zero error" that epoch itself); or "end".
        Without any the last model is measured.
    measures : tuple of str
        What is measured of each, see measures.py, or "package.module:function", a question's own.
    """

    experiment: str
    seed: int
    data: Data
    network: Network = field(default_factory=Network)
    loss: Loss = field(default_factory=Loss)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    checks: Checks = field(default_factory=Checks)
    models: tuple[tuple[str, str], ...] = ()
    measures: tuple[str, ...] = ("errors", "losses")

    def __post_init__(self) -> None:
        if "best_check" in self.measures and not self.data.validation:
            raise ValueError("validation: got 0, accepted: at least 1 with the measure 'best_check'")

    def settings(self, trainer: str = TRAINER) -> dict[str, Any]:
        """Identity of the run: all fields, flat, and the version of the code that trains (by module) and measures."""
        return {**self._flat(), "code": code_version(trainer), "measures_code": code_of(self.measures)}

    def but(self, **changes: Any) -> "Description":
        """Return a description that differs in these settings."""
        return describe(**{**self._flat(), **changes})

    def check_epochs(self) -> list[int]:
        """Epochs after which the run is looked at."""
        return self.checks.epochs(self.schedule.epochs)

    def _flat(self) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for name, value in asdict(self).items():
            flat.update(value if isinstance(value, dict) else {name: value})
        return {name: _plain(value) for name, value in flat.items()}


GROUPS = {"data": Data, "network": Network, "loss": Loss, "optimizer": Optimizer, "schedule": Schedule, "checks": Checks}
FIELDS = {field.name: group for group, kind in GROUPS.items() for field in fields(kind)}
ALONE = ("experiment", "seed", "models", "measures")


def describe(**settings: Any) -> Description:
    """Return the description with these settings, given by their flat names; what is left out has its default.

    Raises
    ------
    ValueError
        For a name that does not exist or a value that is not among those accepted, naming it.
    TypeError
        When one that has no default is missing.
    """
    groups: dict[str, dict] = {group: {} for group in GROUPS}
    alone: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in FIELDS and name not in ALONE:
            known = [*FIELDS, *ALONE]
            close = difflib.get_close_matches(name, known, n=1)
            raise ValueError(f"settings: got {name!r}, accepted: {close[0] if close else ', '.join(known)}")
        (groups[FIELDS[name]] if name in FIELDS else alone)[name] = _frozen(value)
    return Description(**alone, **{group: kind(**groups[group]) for group, kind in GROUPS.items()})


def description_of(settings: dict) -> Description:
    """Return the description whose `settings` these are."""
    return describe(**{name: value for name, value in settings.items() if name not in CODE})


def check_epochs(epochs: int, dense: int, growth: float) -> list[int]:
    """Every epoch up to `dense`, then epochs growing by the factor `growth`, and the last one.

    Early epochs change a model most; later ones look alike on a linear axis.
    """
    checks = list(range(1, min(dense, epochs) + 1))
    while checks[-1] < epochs:
        checks.append(min(epochs, max(checks[-1] + 1, round(checks[-1] * growth))))
    return checks


@functools.cache
def code_of(measures: tuple[str, ...]) -> str:
    """Version of the modules of a question's own measures; "" without any."""
    modules = sorted({measure.partition(":")[0] for measure in measures if ":" in measure})
    return code_version(*modules) if modules else ""


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
