"""Who takes part: name, package, and a class per kind of workload, imported only by the process that runs it."""
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

OURS, SGEMM, DEFINITION = "afterzero", "sgemm", "definition"
PEERS_EXTRA = "pip install -e '.[peers]'"


@dataclass(frozen=True)
class Contender:
    """One way to train.

    Attributes
    ----------
    name : str
        In tables.
    package : str
        Distribution that must be installed.
    classes : dict of str -> str
        Kind of workload ("mlp", "rnn", "fleet") -> "module:Class" of this folder; kinds that it cannot do are
        missing. The class is made with (problem, threads) and has `validated` (does its loss curve have to agree?),
        `train(epochs)` (what is timed) and `curve(epochs)` (the mean raw batch loss of each epoch).
    """

    name: str
    package: str
    classes: dict[str, str] = field(compare=False)

    def version(self) -> str | None:
        """Version of the package, None when it is not installed."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None

    def load(self, kind: str) -> Any:
        """Import the class for a kind of workload."""
        module, _, name = self.classes[kind].partition(":")
        return getattr(importlib.import_module(f"experiments.questions.speed.{module}"), name)


def _every_kind(place: str) -> dict[str, str]:
    return dict.fromkeys(("mlp", "rnn", "fleet"), place)


CONTENDERS = (
    Contender(OURS, "numba", {"mlp": "ours:Ours", "rnn": "ours:Ours", "fleet": "ours:OursFleet"}),
    Contender("numpy", "numpy", {"mlp": "peers_numpy:Mlp", "rnn": "peers_numpy:Rnn", "fleet": "peers_numpy:Fleet"}),
    Contender("torch eager", "torch", {"mlp": "peers_torch:Mlp", "rnn": "peers_torch:Rnn", "fleet": "peers_torch:Fleet"}),
    Contender("torch compiled", "torch", {"mlp": "peers_torch:CompiledMlp"}),
    Contender("torch packed", "torch", {"rnn": "peers_torch:PackedRnn"}),
    Contender("torch by hand", "torch", {"fleet": "peers_torch:FleetByHand"}),
    Contender("jax step", "jax", {"mlp": "peers_jax:Step", "rnn": "peers_jax:RnnStep"}),
    Contender("jax scan", "jax", {"mlp": "peers_jax:Scan", "rnn": "peers_jax:RnnScan"}),
    Contender("jax vmap", "jax", {"fleet": "peers_jax:FleetVmap"}),
    Contender("jax map", "jax", {"fleet": "peers_jax:FleetMap"}),
    Contender("scikit-learn", "scikit-learn", {"mlp": "peers_sklearn:Mlp"}),
)
# Not in the race: the speed of the machine, and the curve that all must reproduce.
HELPERS = (Contender(SGEMM, "numpy", _every_kind("peers_numpy:Sgemm")),
           Contender(DEFINITION, "numpy", _every_kind("ours:Definition")))
NAMES = tuple(contender.name for contender in CONTENDERS)


def by_name(name: str) -> Contender:
    """The contender or helper of that name."""
    return next(contender for contender in (*CONTENDERS, *HELPERS) if contender.name == name)


def entered(kind: str, names: Sequence[str] = ()) -> list[Contender]:
    """Contenders for a kind of workload, ours first; `names` (all when empty) chooses among the peers."""
    return [contender for contender in CONTENDERS
            if kind in contender.classes and (not names or contender.name in (OURS, *names))]


def versions() -> dict[str, str]:
    """Version of each contender's package that is installed."""
    found = {contender.package: contender.version() for contender in CONTENDERS}
    return {package: version for package, version in found.items() if version is not None}


def unavailable(contender: Contender, kind: str) -> str | None:
    """Why a contender cannot start here, None when it can."""
    if contender.version() is None:
        return f"not installed ({PEERS_EXTRA})"
    if contender.name == OURS and kind == "fleet":
        import nn
        if not hasattr(nn, "fit_fleet"):
            return "not available: this version has no nn.fit_fleet"
    return None
