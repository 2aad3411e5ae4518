"""The cases of privacy: settings, and what is trained."""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from ...runs.settings import DIFFERENT, SHARE, SOME, Range, above, at_least
from ...trainers.asking import OnThreads, per_seed
from ...trainers.description import Description

SEEDS = 16  # that a difference of 0.02 of AUC takes
IMAGES = 1797  # digits there are
PLAIN = "plain"
# Models of the plain runs: name, rule, what it is called.
TIMES = {"stop": "early stopping", "zero": "zero error", "3": "3 x zero", "10": "10 x zero", "end": "end"}
MEASURES = ("errors", "losses", "experiments.trainers.exposure:answers", "experiments.trainers.exposure:reconstruction")
Arms = dict[str, list[Description]]


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of privacy."""

    seeds: Annotated[int, at_least(1)] = SEEDS
    """Runs of each kind, each with its own cut of the digits, weights and order. Every run is attacked, with the others as
    shadow models; 16 leave each sample 12 that were not trained on it, and AUCs known to 0.01."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels: as they are, and with one in ten wrong, which can only be learnt by heart."""
    train: Annotated[int, at_least(10)] = 300
    """Members: few, so that zero error comes soon and there is something that does not generalise."""
    validation: Annotated[int, at_least(10)] = 300
    """Samples that early stopping looks at: neither members nor others. All that are left, 1197, are the others."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (128, 128)
    """Hidden units: far more weights than samples."""
    epochs: Annotated[int, at_least(1)] = 1000
    """More than ten times those to zero error."""
    batch_size: Annotated[int, at_least(1)] = 32
    """The everyday choice; ten updates per epoch."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, its default."""
    levels: Annotated[tuple[float, ...], above(0), SOME, DIFFERENT] = (0.1, 0.3, 1.0)
    """Flood levels: from far below the test loss to above it."""
    relax: Annotated[tuple[float, ...], above(0), DIFFERENT] = (0.3, 1.0)
    """Levels of RelaxLoss: the same, for a comparison; its authors take 0.4 to 3."""
    dropout: Annotated[tuple[float, ...], Range(0, 1, beyond=True, below=True), DIFFERENT] = (0.5,)
    """Rates of dropout: the usual one."""
    patience: Annotated[int, at_least(1)] = 10
    """Checks without a better validation loss before early stopping stops."""

    @classmethod
    def quick(cls) -> "Config":
        """Six seeds, the wrong labels only, one level of each defence: shows the direction."""
        return cls(seeds=6, noise=(0.10,), epochs=300, levels=(0.3,), relax=(0.3,))

    @classmethod
    def full(cls) -> "Config":
        """More seeds, levels, rates and epochs."""
        return cls(seeds=32, noise=(0.0, 0.05, 0.10, 0.20), epochs=4000, levels=(0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0),
                   relax=(0.03, 0.1, 0.3, 0.5, 1.0), dropout=(0.2, 0.5, 0.8))

    def related(self, need: Callable[[bool, str, str], None]) -> None:
        """Enough digits: some are left, who are neither members nor looked at by early stopping."""
        super().related(need)
        left = IMAGES - self.train - self.validation
        need(left >= 10, "train", f"at most {IMAGES - 10 - self.validation} beside {self.validation} for validation")


def arms(config: Config, noise: float) -> Arms:
    """Return what is trained in one case: a description per seed, plain and with every defence."""
    fixed = {"experiment": "privacy", "data": "digits", "noise": noise, "train": config.train,
             "validation": config.validation, "hidden": config.hidden, "batch_size": config.batch_size,
             "learning_rate": config.learning_rate, "epochs": config.epochs, "dense": 30, "growth": 1.25,
             "measures": MEASURES}
    plain = {"models": (("stop", f"Patience({config.patience})"), ("zero", "zero error"), ("3", "3 * zero"),
                        ("10", "10 * zero"), ("end", "end"))}
    change: dict[str, dict] = {PLAIN: plain, **{f"flooding {level:g}": {"level": level} for level in config.levels},
                               **{f"RelaxLoss {level:g}": {"flood": "relax", "level": level} for level in config.relax},
                               **{f"dropout {rate:g}": {"dropout": rate} for rate in config.dropout}}
    return {arm: per_seed(config.seeds, **{**fixed, "models": (("end", "end"),), **settings})
            for arm, settings in change.items()}


def runs(config: Config) -> list[Description]:
    """All runs."""
    return [one for noise in config.noise for some in arms(config, noise).values() for one in some]
