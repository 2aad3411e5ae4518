"""A run as calls of the library: what trains here, and the Python lines that train the same elsewhere, are one thing."""
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import losses
import nn
from experiments import data
from experiments.data import planar
from experiments.data.sets import DataSet, Split

from .choices import Choices
from .record import METRICS

VALIDATION, TEST = 200, 1000  # samples in all


@dataclass(frozen=True)
class Call:
    """A call of something public: made here, or written down.

    Attributes
    ----------
    module, name : str
        Where it is imported from, and what it is called.
    arguments, options : tuple, dict
        Plain values and other calls.
    """

    module: str
    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def made(self) -> Any:
        """Return what the call returns."""
        home = {"nn": nn, "losses": losses, "experiments.data": data, "experiments.data.planar": planar}[self.module]
        return getattr(home, self.name)(*map(_made, self.arguments),
                                        **{name: _made(value) for name, value in self.options.items()})

    def __repr__(self) -> str:
        inside = [*map(repr, self.arguments), *(f"{name}={value!r}" for name, value in self.options.items())]
        return f"{self.name}({', '.join(inside)})"

    def imports(self) -> set[tuple[str, str]]:
        """Return (module, name) of this call and those inside it."""
        inside = [value for value in (*self.arguments, *self.options.values()) if isinstance(value, Call)]
        return {(self.module, self.name)}.union(*(call.imports() for call in inside))


def _made(value: Any) -> Any:
    return value.made() if isinstance(value, Call) else value


@dataclass(frozen=True)
class Lines:
    """The calls that a run consists of; `scale` is what the inputs are divided by."""

    data: Call
    scale: float
    model: Call
    loss: Call
    optimizer: Call
    batch_size: int | None
    seed: int

    def part(self, split: Split, labels: str = "y") -> tuple[Any, Any]:
        """Return inputs and labels of a split as the network is given them."""
        return split.x / self.scale, getattr(split, labels)

    def arguments(self, samples: DataSet) -> dict[str, Any]:
        """Return what `fit` is given besides the model, all but the number of epochs."""
        x, y = self.part(samples.train)
        return {"x": x, "y": y, "loss": self.loss.made(), "optimizer": self.optimizer.made(), "batch_size": self.batch_size,
                "seed": self.seed, "metrics": METRICS, "validation": self.part(samples.validation),
                "test": self.part(samples.test, "y_clean")}

    def text(self, epochs: int) -> str:
        """Return Python lines that train the same run, so many epochs of it; `history` is its record."""
        calls = (self.data, self.model, self.loss, self.optimizer)
        wanted = set().union(*(call.imports() for call in calls)) | {("nn", "fit")}
        imports = [f"from {module} import {', '.join(sorted(name for home, name in wanted if home == module))}"
                   for module in sorted({module for module, _ in wanted})]

        def part(name: str, labels: str = "y") -> str:
            return f"samples.{name}.x{f' / {self.scale:g}' if self.scale != 1 else ''}, samples.{name}.{labels}"

        return "\n".join([
            '"""What was played with `afterzero play`."""', *imports, "",
            f"samples = {self.data!r}", f"x, y = {part('train')}", f"model = {self.model!r}",
            f"history = fit(model, x, y, loss={self.loss!r},", f"              optimizer={self.optimizer!r},",
            f"              epochs={epochs}, batch_size={self.batch_size}, seed={self.seed}, metrics={METRICS!r},",
            f"              validation=({part('validation')}),", f"              test=({part('test', 'y_clean')}))",
            'for name in ("train_error", "test_error", "test_loss"):', "    print(name, history[name][-1])", ""])


def lines(chosen: Choices) -> Lines:
    """Return the calls for what was chosen."""
    options: dict[str, Any]
    module, name, options, scale, per_class = {
        "gaussians": ("experiments.data", "two_gaussians", {"dimensions": 2, "distance": 2.0}, 1, True),
        "circles": ("experiments.data.planar", "circles", {}, 1, True),
        "corners": ("experiments.data.planar", "corners", {}, 1, True),
        "sinusoid": ("experiments.data", "sinusoid", {}, 1, False),
        # Its radii go up to 16, of which networks make little.
        "spiral": ("experiments.data", "spiral", {"tau": 0.4}, 5, True)}[chosen.data]
    sizes = [size // 2 if per_class else size for size in (chosen.samples, VALIDATION, TEST)]
    samples = Call(module, name, (), dict(zip(("train", "validation", "test"), sizes, strict=True)) | options | {
        "noise": chosen.noise, "seed": chosen.seed})
    name, options = {"cross_entropy": ("CrossEntropy", {}), "smoothed": ("CrossEntropy", {"label_smoothing": 0.1}),
                     "squared_error": ("SquaredError", {}), "hinge": ("Hinge", {}), "squared_hinge": ("SquaredHinge", {})
                     }[chosen.loss]
    loss = Call("losses", name, (), options)
    if chosen.level:
        loss = Call("losses", "Flooding", (loss, chosen.level))
    name, options = {"sgd": ("SGD", {}), "momentum": ("SGD", {"momentum": 0.9}), "adam": ("Adam", {}),
                     "adamw": ("AdamW", {}), "rprop": ("RPROP", {})}[chosen.optimizer]
    model = Call("nn", "MLP", ([2, *chosen.hidden, 2],), {"activation": chosen.activation, "seed": chosen.seed})
    return Lines(samples, scale, model, loss, Call("nn", name, (chosen.rate,), options), chosen.batch, chosen.seed)
