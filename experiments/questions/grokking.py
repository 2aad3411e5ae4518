"""100 % training accuracy long before validation accuracy: would a stopping rule have missed it?

Sums modulo p are learnt by heart soon; much later the network is right on sums that it has not seen, too: grokking
(Power et al., arXiv:2201.02177, 2022). Weight decay is varied; none is the control. All runs go on to their end, and
stopping rules are replayed on the records. Meanwhile norm and normalised margin are watched, of which theories speak (Liu
et al., "Omnigrok", ICLR 2023; Lyu et al., "Dichotomy of early and late phase implicit biases", ICLR 2024).
"""
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..report import plots
from ..report.compare import mean_and_error
from ..report.delayed_words import after, meanwhile, needed, opening, vain
from ..report.delays import END, RISE, THERE, ZERO, Delays, patience_panel, rules_panel
from ..report.measured import load_all
from ..report.shares import Share
from ..report.tables import Table, mean_error
from ..report.words import counted, paragraph, spread
from ..runs.settings import DIFFERENT, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.grokking import TRAINER, Addition

RUN_TIMES = {"quick": "20 s", "default": "3 min", "full": "40 min"}  # on 2 cores
HUES = (plots.RED, plots.BLUE, plots.GREEN, plots.ORANGE, plots.PURPLE, plots.SKY)  # of weight decays
WATCHED = {"validation loss": "val_loss", "validation error": "val_error"}
MOMENTS = {ZERO: "zero training error", RISE: "10 % right", THERE: "90 % right", END: "end"}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of grokking."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each weight decay, on other sums. A rule that misses it in all ten does in at least 69 % (95 % interval)."""
    modulus: Annotated[int, at_least(5)] = 31
    """p: 961 sums. Smaller ones have too few to be tested on, larger ones take longer."""
    share: Annotated[float, Range(0, 1, beyond=True, below=True)] = 0.7
    """Of the sums, to learn from: with fewer the delay grows (Power et al.)."""
    weight_decay: Annotated[tuple[float, ...], at_least(0), DIFFERENT, SOME] = (0.0, 0.1, 0.3, 1.0)
    """Of AdamW: none, which is the control, and a range of ten."""
    hidden: Annotated[int, at_least(1)] = 128
    """Units of the only hidden layer: enough that nearly all new sums come out right in the end."""
    epochs: Annotated[int, at_least(100)] = 6000
    """A hundred times those to zero training error; with weight decay 0.1 it takes about 3000."""
    every: Annotated[int, at_least(1)] = 5
    """Epochs between checks, the length of Prechelt's strips. An epoch is one update, on all samples."""
    learning_rate: Annotated[float, above(0)] = 1e-2
    """Of AdamW: ten times the usual one, so that it takes minutes."""
    patience: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (100, 300, 1000)
    """Epochs of rules with patience, from more than zero training error takes to nearly what the second descent takes."""

    def related(self, need: Any) -> None:
        """Every part has a sample, every weight decay a hue; patience is counted in checks."""
        need(1 <= self.train <= self.modulus**2 - 2, "share", f"such that it leaves sums of {self.modulus**2} for all parts")
        need(len(self.weight_decay) <= len(HUES), "weight_decay", f"at most {len(HUES)}, which figures can tell apart")
        need(not any(one % self.every for one in self.patience), "patience", f"multiples of {self.every}, of `every`")

    @property
    def train(self) -> int:
        """Sums to learn from."""
        return round(self.share * self.modulus**2)

    @classmethod
    def quick(cls) -> "Config":
        """A smaller modulus, one weight decay beside none: shows the direction."""
        return cls(seeds=6, modulus=23, weight_decay=(0.0, 0.3), epochs=3000)

    @classmethod
    def full(cls) -> "Config":
        """More seeds, less weight decay, more than three times as long."""
        return cls(seeds=30, weight_decay=(0.0, 0.03, 0.1, 0.3, 1.0), epochs=20000)


def rules(config: Config) -> dict[str, str]:
    """Return the stopping rules by what they are called; what they count are checks."""
    checks = [(epochs, epochs // config.every) for epochs in sorted(config.patience)]
    epochs, first = checks[0]
    return {"no training error": "ZeroError()",
            "training loss 0.01": "Target(0.01, 'train_loss')",
            "gain 1e-4 in training loss": "Patience(10, 'train_loss', min_delta=1e-4, reference='best')",
            f"patience {epochs} on training loss": f"Patience({first}, 'train_loss')",
            f"patience {epochs} on normalised margin": f"Patience({first}, 'margin_normalized', 'max')",
            "evidence": "EvidenceBased()", "label wave": "LabelWave(3)",
            **{f"patience {epochs} on {name}": f"Patience({count}, '{figure}')" for name, figure in WATCHED.items()
               for epochs, count in checks},
            "factor 2 on validation loss": "AdaptivePatience(10)", "GL 5 %": "GL(5)", "PQ 0.5": "PQ(0.5)",
            "UP 3": "UP(3, strip=1)", "correlation": "CorrelationDriven(10, 0, 3)"}


def arms(config: Config) -> dict[float, list[Addition]]:
    """Return what is trained: by weight decay a run per seed, from the same weights on the same sums."""
    return {decay: [Addition("grokking", seed, config.modulus, config.train, config.hidden, decay, config.learning_rate,
                             config.epochs, config.every) for seed in range(config.seeds)]
            for decay in sorted(config.weight_decay)}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some], TRAINER)


@dataclass(frozen=True)
class Results:
    """The settings, and the runs by weight decay: of the control, and of the others."""

    config: Config
    control: list[Delays]
    decayed: list[Delays]

    @property
    def all(self) -> list[Delays]:
        """All of them, least weight decay first."""
        return [*self.control, *self.decayed]

    @cached_property
    def rules(self) -> dict[str, str]:
        """As the function of this name gives them."""
        return rules(self.config)

    @cached_property
    def missed(self) -> dict[str, list[Share]]:
        """By rule, in how many runs of each weight decay it misses what they get to; of those that do get there."""
        return {name: [one.missed(rule) for one in self.all if one.there.any()] for name, rule in self.rules.items()}


def gather(store: Store, config: Config) -> Results:
    """Load everything; raises StoreError when runs are missing."""
    found = [Delays(decay, [run.arrays for run in runs.runs]) for decay, runs in load_all(store, arms(config)).items()]
    return Results(config, [one for one in found if not one.weight_decay], [one for one in found if one.weight_decay])


def tables(results: Results) -> list[Table]:
    """What happens when; and what each rule would have done."""
    seeds, shown = spread(results.config.seeds, "seed"), {"accuracy": 100, "parameter_norm": 1, "margin_normalized": 1000,
                                                          "evidence": 1}
    rows = [[f"{one.title}: {name}", f"{np.isfinite(one.moments[moment]).sum()}", *(
        mean_error(*mean_and_error(one.at(moment, figure, factor))) for figure, factor in {"epoch": 1, **shown}.items())]
        for one in results.all for moment, name in MOMENTS.items()]
    heads = [f"{name}, {one.weight_decay:g}" for one in results.all for name in ("missed", "right, %", "epoch")]
    asked = [[name, *(text for one in results.all for text in _asked(one, rule))] for name, rule in results.rules.items()]
    return [Table(f"Sums modulo {results.config.modulus} ({seeds})",
                  ["", "runs", "epoch", "right, %", "norm", "margin, 1e-3", "evidence"], rows,
                  "Right: of the test set. Margin: the smallest of the training set / the product of the layers' norms."),
            Table(f"What stopping rules return, by weight decay ({seeds})", ["rule", *heads], asked,
                  "Rules as in stopping/README.md, patience in epochs. Missed: below 90 %, of the runs that get there; "
                  "epoch: at which it ends training, or the last.")]


def _asked(one: Delays, rule: str) -> list[str]:
    found, share = one.returned(rule), one.missed(rule)
    return [f"{share.hits} of {share.runs}", *(mean_error(*mean_and_error(values)) for values in (
        100 * found.accuracy, found.trained))]


def figures(results: Results, folder: Path) -> list:
    """Draw accuracy, validation loss, norm and margin over epochs; what rules return; and what patience misses."""
    seeds, columns = spread(results.config.seeds, "seed"), min(4, len(results.all))
    panels = [partial(_course, results, *one) for one in (
        ("accuracy, %", "", 100, "x"), ("validation loss", "val_loss", 1, "xy"),
        ("norm of the weights", "parameter_norm", 1, "x"), ("normalised margin, 1e-3", "margin_normalized", 1000, "x"))]
    paths = plots.page(folder / "grokking.png", [panels[:2], panels[2:]], size=(8.4, 5.7), legend=columns, x="epoch (log)",
                       title=f"Sums modulo {results.config.modulus} ({seeds})")
    paths += plots.page(folder / "grokking_rules.png", [[partial(rules_panel, results.all, results.rules, what)
                                                         for what in ("accuracy", "trained")]],
                        heads=[["test accuracy of what is returned, %", "epochs trained"]], size=(8.4, 5.4),
                        x="weight decay", title=f"Stopping rules (means of {counted(results.config.seeds, 'seed')})")
    if not any(one.there.any() for one in results.all):
        return paths
    return paths + plots.page(folder / "grokking_patience.png", [[partial(patience_panel, results.all, HUES, figure)
                                                                  for figure in WATCHED.values()]],
                              size=(8.4, 3.4), legend=columns, heads=[[f"patience on {name}" for name in WATCHED]],
                              x="patience, epochs (log)", y=["missed, % of runs"],
                              title=f"Runs that patience misses ({counted(results.config.seeds, 'seed')})")


def _course(results: Results, label: str, figure: str, factor: float, scale: str, axis: Any) -> None:
    """One figure over epochs; without a name accuracy, on training and test set."""
    for one, hue in zip(results.all, HUES, strict=False):
        if figure:
            plots.curve(axis, one.epochs, factor * one.record(figure), hue=hue, split="")
        for split in () if figure else ("train", "test"):
            plots.curve(axis, one.epochs, factor * (1 - one.record(f"{split}_error")), one.title, hue=hue, split=split)
    plots.log(axis, scale)
    axis.set(ylabel=label)


@paragraph
def answer(results: Results) -> list[str]:
    """Open with whether rules miss it; then when it comes, which patience it takes, and what happens meanwhile."""
    return [opening(results.missed, results.config.epochs), after(results.all),
            needed(results.decayed, WATCHED), vain(results.control, results.missed, results.rules), meanwhile(results.all)]
