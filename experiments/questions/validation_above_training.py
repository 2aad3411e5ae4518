"""Why is validation accuracy above training accuracy? By how it is measured?

A progress bar shows training accuracy as the average over an epoch whose weights still change, with dropout, on augmented
inputs, against labels that may be wrong; validation accuracy is that of the last weights, without all that. Each cause is
isolated, as are a network trained before (`copy_from`), also one that has seen the validation samples, and an easier and a
tiny validation set. The remedy: measure training samples at the epoch's end, the way validation samples are measured.
"""
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from ..report import plots
from ..report.accuracy_parts import PARTS, Case, bars, course, lost, opened, split
from ..report.compare import FEWEST, mean_and_error
from ..report.measured import Measured, load_all
from ..report.tables import Table
from ..report.words import counted, interval, spread
from ..runs.settings import Range, above, at_least
from ..runs.store import Store
from ..trainers.accuracy_gap import TRAINER, Observed
from ..trainers.asking import OnThreads

RUN_TIMES = {"quick": "20 s", "default": "45 s", "full": "6 min"}  # on 2 cores
FIRST, LAST = 0, -1  # epochs
# Title: arm, epoch, validation set. Averaging shows while the network learns fast, all else when it has learnt.
GAPS = {"Averaging alone": ("plain", FIRST, "validation"),
        "Trained before": ("others", FIRST, "validation"),
        "Trained before, new output layer": ("head", FIRST, "validation"),
        "Trained on the validation set": ("seen", FIRST, "validation"),
        "Plain": ("plain", LAST, "validation"),
        "Dropout": ("dropout", LAST, "validation"),
        "Augmentation": ("augmentation", LAST, "validation"),
        "Dropout + augmentation": ("both", LAST, "validation"),
        "Flipped training labels": ("flipped", LAST, "validation"),
        "Easier validation set": ("plain", LAST, "easy"),
        "Tiny validation set": ("plain", LAST, "tiny")}
COURSES = ("Plain", "Dropout", "Augmentation", "Dropout + augmentation", "Flipped training labels",
           "Trained on the validation set")


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of validation_above_training."""

    seeds: Annotated[int, at_least(1)] = 20
    """Runs of each arm: other samples, weights, orders. A tiny set scatters by 5 points, dropout's gap is about 1.5."""
    train: Annotated[int, at_least(20)] = 400
    """Training digits, and as many others for the networks that are trained before."""
    validation: Annotated[int, at_least(20)] = 300
    """Validation digits; the rest, 697, is the reference that tells the set from the network."""
    tiny: Annotated[int, at_least(1)] = 20
    """Samples of the tiny validation set: one of them is 5 points."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (100,)
    """Hidden units."""
    dropout: Annotated[float, Range(0, 1, beyond=True, below=True)] = 0.5
    """Rate where there is dropout: the usual one."""
    shift: Annotated[int, at_least(1)] = 1
    """Pixels by which augmentation moves a digit of 8 x 8, at most, in each direction."""
    noise: Annotated[float, Range(0, 1, beyond=True, below=True)] = 0.1
    """Share of flipped labels where training labels are flipped; validation labels never are."""
    epochs: Annotated[int, at_least(2)] = 20
    """Plain training is at 99 % then, and nothing is memorised that was flipped."""
    batch_size: Annotated[int, at_least(1)] = 20
    """Twenty updates per epoch, over which the first average is taken."""
    learning_rate: Annotated[float, above(0)] = 2e-3
    """Of Adam: half of the first epoch's samples are seen before anything is learnt."""

    def related(self, need: Any) -> None:
        """There are 1797 digits; the tiny set is a part of the validation set."""
        need(2 * self.train + self.validation < 1797, "train", "with `validation` and as many others below 1797 digits")
        need(self.tiny <= self.validation, "tiny", f"at most {self.validation}, the validation samples")

    @classmethod
    def quick(cls) -> "Config":
        """Eight seeds: shows the large gaps."""
        return cls(seeds=8)

    @classmethod
    def full(cls) -> "Config":
        """Ten times the seeds."""
        return cls(seeds=200)


class Results(NamedTuple):
    """The settings, and the gaps."""

    config: Config
    cases: list[Case]

    def case(self, title: str) -> Case:
        """One of them."""
        return next(case for case in self.cases if case.title == title)


def arms(config: Config) -> dict[str, list[Observed]]:
    """Return what is trained: the runs of each arm, one per seed, that differ from "plain" in one thing ("both": in two)."""
    dropout, shift = {"dropout": config.dropout}, {"shift": config.shift}
    changes: dict[str, dict[str, Any]] = {
        "plain": {}, "dropout": dropout, "augmentation": shift, "both": dropout | shift, "flipped": {"noise": config.noise},
        "others": {"source": "others"}, "head": {"source": "head"}, "seen": {"source": "validation"}}
    return {arm: [Observed("validation_above_training", seed, config.train, config.validation, config.tiny, config.hidden,
                           epochs=config.epochs, batch_size=config.batch_size, learning_rate=config.learning_rate, **change)
                  for seed in range(config.seeds)] for arm, change in changes.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some], TRAINER)


def gather(store: Store, config: Config) -> Results:
    """Load everything; raises StoreError when runs are missing."""
    found: dict[str, Measured] = load_all(store, arms(config))
    return Results(config, [Case(title, found[arm], epoch, against) for title, (arm, epoch, against) in GAPS.items()])


def tables(results: Results) -> list[Table]:
    """The accuracies, observed and after the remedy; and every observed gap, split into its causes."""
    config = results.config
    seeds = counted(config.seeds, "seed") + (", mean ± half the 95 % interval" if config.seeds > 2 else "")
    when = {FIRST: "1", LAST: f"{config.epochs}"}
    accuracies = [[case.title, when[case.epoch], *(interval(case.at(name)) for name in ("running", "frozen", case.against)),
                   interval(case.observed), interval(case.remedied), f"{sum(case.remedied > 0)}"] for case in results.cases]
    parts = [[case.title, interval(case.observed), *(interval(values) for values in case.parts().values())]
             for case in results.cases]
    return [
        Table(f"Validation above training? ({seeds})",
              ["case", "epoch", "training, running, %", "training, remedy, %", "validation, %", "gap", "gap, remedy",
               "seeds above"], accuracies,
              "Running: of each batch before its update. Remedy: of all training samples at the epoch's end, the way "
              "validation samples are measured. Seeds above: by the remedy's measure."),
        Table(f"The observed gap, split into its causes, points ({seeds})",
              ["case", "gap", *(name for name, _ in PARTS.values())], parts,
              "Of each seed the parts add up to its gap. The first four: mean gain of switching one off, over all orders "
              "(Shapley). Validation set: beyond a reference drawn as the training set was. Generalisation, what remains: "
              "the reference less training samples with true labels.")]


def figures(results: Results, folder: Path) -> list:
    """Draw the gaps in parts, and the three accuracies over the epochs."""
    config = results.config
    seeds = counted(config.seeds, "seed") + (", 95 % intervals" if config.seeds > 2 else "")
    groups = {f"after epoch {name}": [case for case in results.cases if case.epoch == epoch]
              for name, epoch in ((1, FIRST), (config.epochs, LAST))}
    paths = plots.page(folder / "validation_above_training.png", [[partial(bars, some)] for some in groups.values()],
                       heads=[[name] for name in groups], title=f"Validation less training accuracy ({seeds})",
                       x="points", legend=4, size=(8.4, 6.6))
    shown = [results.case(title) for title in COURSES]
    return paths + plots.cases(folder / "validation_above_training_epochs.png", course, [shown[:3], shown[3:]], x="epoch",
                               y=["accuracy, %"] * 2, legend=3, size=(8.4, 5.6),
                               title=f"Training accuracy as shown, and as it is ({spread(config.seeds, 'seed')})")


def answer(results: Results) -> str:
    """Open with what the remedy leaves; then every gap in its parts, the average's lag, and chance."""
    config, first, plain = results.config, results.case("Averaging alone"), results.case("Plain")
    tiny = results.case("Tiny validation set")
    chance = mean_and_error(tiny.at("chance"))[0]
    gaps = [case for case in results.cases if case not in (plain, tiny)]
    raising = ", with what clearly raises them (95 % intervals)" * (config.seeds >= FEWEST)
    return (f"{opened(results.cases, config.seeds)} Gaps as shown → after the remedy, in points{raising}: "
            f"{'; '.join(split(case) for case in gaps)}. Generalisation takes {lost(results.cases)} points "
            f"from each; with no cause at all, after {config.epochs} epochs, {interval(plain.observed)} are left. A "
            "running average is said to lag by half an epoch: in the first epoch that makes "
            f"{interval(first.at('frozen') - first.at('half'))} of its {interval(first.at('averaging'))} points. Of all "
            f"sets of {config.tiny} validation samples {chance:.0f} % are above by chance; a large one is by "
            f"{interval(plain.remedied)} points. Remedy: evaluate training samples at the epoch's end, as "
            "validation samples are; a gap that is left is in the data: a leak, wrong labels, an easier or a tiny set.")
