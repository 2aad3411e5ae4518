"""Does it pay to hold the training loss up, and does it matter how?

Flooding holds the mean loss of each batch at a level (Ishida et al., ICML 2020); iFlood, SoftAD and AdaFlood hold each
sample's own, RelaxLoss floods and flattens in turn, label smoothing and the confidence penalty move the optimum itself. All
have the epochs of plain cross-entropy and the same candidates on one scale (trainers/strengths.py), chosen for all seeds on
validation data by the rule of report/levels.py; what a choice at the edge of its grid counts for stands in report/tuned.py.
Apart from that the batch size varies, at one level for all: flooding batches minimises a bound of flooding the whole set, of
which report/batch_sizes.py predicts how far above it lies.
"""
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from ..report import plots
from ..report.batch_sizes import BatchSizes, batch_words
from ..report.levels import RULE
from ..report.measured import load_all
from ..report.methods import verdicts
from ..report.tables import Table
from ..report.tuned import Tuned, beside, edge_words, edges, judged
from ..report.words import counted, listed, means, opening_by, paragraph, spread, tally
from ..runs.settings import DIFFERENT, SHARE, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed
from ..trainers.data_sets import SETS
from ..trainers.description import Description
from ..trainers.flipped import Flipped
from ..trainers.strengths import strength

RUN_TIMES = {"quick": "10 s", "default": "2 min", "full": "3 h"}  # on 2 cores; full: extrapolated
SEEDS = 10
DATA = {"two_gaussians": 2500, "digits": 0}  # and test samples: per class; 0 takes all that are left
PLAIN, BATCHES, SAMPLES = "plain", "flooding of batches", "flooding of samples"
# What each method is called: its hue, the flood, the field of a run that is chosen.
METHODS = {PLAIN: (plots.PLAIN, "flooding", "level"), BATCHES: (plots.FLOODING, "flooding", "level"),
           SAMPLES: (plots.BLUE, "instance_flooding", "level"), "AdaFlood": (plots.PURPLE, "adaflood", "gamma"),
           "SoftAD": (plots.SKY, "softad", "level"), "RelaxLoss": (plots.ORANGE, "relax", "level"),
           "confidence penalty": (plots.GREY, "flooding", "confidence_penalty"),
           "label smoothing": (plots.BLACK, "flooding", "label_smoothing")}
FAMILY, HUES = [*METHODS][1:], {name: hue for name, (hue, *_) in METHODS.items()}  # plain is what FAMILY is compared with
FIGURES = {"test loss": ("test_loss", 1.0), "test error, %": ("test_error", 100.0),
           "calibration error, %": ("calibration_error", 100.0)}
MORE = {"on true labels, %": ("test_error_clean", 100.0), "training loss": ("train_loss", 1.0),
        "flooded, %": ("flooded_fraction", 100.0), "weights' norm": ("parameter_norm", 1.0)}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of flooding_family."""

    seeds: Annotated[int, at_least(1)] = SEEDS
    """Runs of each candidate: 28 comparisons at once take 4.4 standard errors of ten seeds, 24 of three."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels in all parts of both data sets: as they are, and with one in ten wrong."""
    train: Annotated[int, Range(4, 898)] = 200  # of 1797 digits, of which as many validate
    """Training samples, and as many for validation: few, so that all are memorised and there is something to gain."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (64, 64)
    """Hidden units: far more weights than samples."""
    epochs: Annotated[int, at_least(10)] = 400
    """Of every run with `batch_size`, many times those to zero training error. AdaFlood's auxiliary networks come on top."""
    batch_size: Annotated[int, at_least(1)] = 40
    """Where methods are compared: five updates per epoch."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, as published for flooding."""
    shares: Annotated[tuple[float, ...], Range(0, 0.5, True), DIFFERENT, SOME] = (1/64, 1/32, 1/16, 1/8, 1/4, 1/2)
    """Candidates of every method, each twice the one before, on the scale of trainers/strengths.py, one for all: at 1/2 each
    holds a sample at half the loss log K of a network that knows nothing."""
    folds: Annotated[int, at_least(2)] = 5
    """Auxiliary networks of AdaFlood, as its authors have."""
    auxiliary_epochs: Annotated[int, at_least(1)] = 25
    """Of these networks: stopped before they memorise labels, as a level above the risk hurts."""
    batch_sizes: Annotated[tuple[int, ...], at_least(1), DIFFERENT] = (5, 10, 20, 40, 100, 200)
    """For the gap, up to the full batch; all with as many updates as `epochs` are with `batch_size`."""
    batch_level: Annotated[float, above(0, 1)] = 0.25
    """For all batch sizes, as a share of log K: not chosen, so that the batch size alone varies."""

    @classmethod
    def quick(cls) -> "Config":
        """Flipped labels alone, three seeds, fewer candidates: shows the direction."""
        return cls(seeds=3, noise=(0.10,), epochs=200, shares=(1/32, 1/8, 1/2), batch_sizes=(10, 40, 200))

    @classmethod
    def full(cls) -> "Config":
        """More seeds, shares and epochs, wider networks."""
        return cls(seeds=30, noise=(0.0, 0.05, 0.10, 0.20), epochs=2000, hidden=(128, 128))

    def related(self, need: Callable[..., None]) -> None:
        """Equal batches."""
        super().related(need)
        need(self.train % 2 == 0, "train", "an even number, half of each class of Two Gaussians")
        need(len(self.batch_sizes) > 1 and not any(self.train % size for size in self.batch_sizes), "batch_sizes",
             f"two or more different divisors of train, {self.train}")


def arms(config: Config, case: Flipped) -> list[dict[str, dict[Any, list[Description]]]]:
    """Return what is trained in one case, a run per seed: by method and candidate, and by method and batch size."""
    part, classes = config.train // SETS[case.data].per_train, SETS[case.data].classes
    auxiliary = {"adaflood": {"folds": config.folds, "auxiliary_epochs": config.auxiliary_epochs}}

    def some(size: int, level: float = 0.0, **settings: Any) -> list[Description]:
        epochs = max(1, config.epochs * size // config.batch_size)  # for as many updates
        return per_seed(config.seeds, experiment="flooding_family", data=case.data, noise=case.noise, train=part,
                        validation=part, test=DATA[case.data], hidden=config.hidden, learning_rate=config.learning_rate,
                        models=(("end", "end"),), level=level * math.log(classes), epochs=epochs, batch_size=size,
                        measures=("errors", "calibration", "experiments.trainers.plain_losses:plain_losses"),
                        every=max(1, epochs // 10), **settings)

    def candidates(name: str) -> dict[float, list[Description]]:
        _, flood, field = METHODS[name]
        values = [strength(field, share, classes) for share in config.shares] if name != PLAIN else [0.0]
        return {value: some(config.batch_size, flood=flood, **auxiliary.get(flood, {}),
                            **{field: 1 - value if field == "gamma" else value}) for value in values}

    tuned = {name: candidates(name) for name in METHODS}
    return [tuned, {name: {size: some(size, config.batch_level * (name != PLAIN), flood=METHODS[name][1])
                           for size in sorted(config.batch_sizes)} for name in (BATCHES, SAMPLES, PLAIN)}]


def cases(config: Config) -> list[Flipped]:
    """Data sets and shares of flips."""
    return [Flipped(data, noise) for data in DATA for noise in config.noise]


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for case in cases(config) for part in arms(config, case) for method in part.values()
                             for runs in method.values() for one in runs])


class Results(NamedTuple):
    """Of every case the methods at their chosen settings, and the runs over batch sizes."""

    config: Config
    tuned: list[Tuned]
    batches: list[BatchSizes]


def gather(store: Store, config: Config) -> Results:
    """Load everything and choose settings; raises StoreError when runs are missing."""
    results = Results(config, [], [])
    for case in cases(config):
        tuned, sizes = ({name: load_all(store, some) for name, some in part.items()} for part in arms(config, case))
        results.tuned.append(Tuned.of(case.title, tuned))
        results.batches.append(BatchSizes(case.title, config.batch_level * math.log(SETS[case.data].classes), sizes, HUES))
    return results


def tables(results: Results) -> list[Table]:
    """A row per method at its chosen setting in each case, then a row per batch size."""
    config, seeds = results.config, spread(results.config.seeds, "seed")
    more = (config.folds - 1) * config.auxiliary_epochs / config.epochs
    note = (f"setting: one for all seeds, of {counted(len(config.shares), 'candidate')}, {RULE} (levels: shares of log K; "
            "AdaFlood: 1 − γ); agree: resamplings of the seeds with the same choice; losses: plain cross-entropy, flipped "
            "labels included; flooded: gradients reversed, last tenth of the run; AdaFlood: "
            f"{100 * more:.0f} % more epochs of auxiliary networks")
    return [*(one.table(FIGURES | MORE, seeds, note) for one in results.tuned), edges(results.tuned),
            *(one.table(seeds) for one in results.batches)]


def figures(results: Results, folder: Path) -> list:
    """Draw what the methods come to, and what the batch size changes."""
    seeds, titles = spread(results.config.seeds, "seed"), [one.title.replace(", ", "\n") for one in results.tuned]
    bars = [[partial(one.bars, *how, HUES, not i) for i, how in enumerate(FIGURES.values())] for one in results.tuned]
    panels: list = [[one.gap_panel for one in results.batches], [partial(one.panel, "test_loss") for one in results.batches]]
    return plots.page(folder / "flooding_family.png", bars, heads=[[*FIGURES]], y=titles,
                      size=(8.4, 1 + 2 * len(bars)), title="Methods that hold the training loss up "
                      f"({seeds}; * set at an edge of its grid)") + plots.page(
        folder / "flooding_family_batches.png", panels, heads=[titles], size=(1.4 + 1.8 * max(3, len(titles)), 5.2),
        legend=5, x="batch size (log)", y=["gap, nats (log)", "test loss, nats"],
        title=f"One flood level, several batch sizes ({seeds})")


@paragraph
def answer(results: Results) -> Iterator[str]:
    """Open with yes, no or what it depends on; then what was measured, beside what authors report and the gap's formula."""
    every, where = results.tuned, f"{counted(len(results.tuned), 'set')} of data"
    groups = [case.labels for _ in FAMILY for case in cases(results.config)]
    told = partial(verdicts, every, comparisons=len(groups))
    loss, error, sure = ([one for name in FAMILY for one in told(PLAIN, name, figure)] for figure, _ in FIGURES.values())
    yield opening_by({"test loss": loss, "test error": error}, groups, results.config.seeds, SEEDS, "the labels")
    left = listed(f"{means(case.values(name, 'test_loss') / case.values(PLAIN, 'test_loss') for case in every)} ({name})"
                  for name in FAMILY)
    split = "; ".join(f"{group} {tally([one for one, own in zip(loss, groups, strict=True) if own == group])}"
                      for group in dict.fromkeys(groups))
    yield (f"A case is one of {len(FAMILY)} methods, set by validation error, beside plain cross-entropy on {where}. Test "
           f"loss and labels: {split}. Calibration was {tally(sure)}. Of the plain test loss were left: {left}.")
    both = dict([*FIGURES.items()][:2])
    yield edge_words(every, PLAIN, both, len(groups))
    yield ("Batches or samples? Beside flooding of batches, where both choices lie inside: "
           f"{beside(every, BATCHES, FAMILY[1:], both, len(groups))}.")
    yield ("SoftAD's authors report smaller weights than with flooding and a much smaller gap from training to test loss: "
           f"measured (smaller is better) the norm: {judged(told(BATCHES, 'SoftAD', 'parameter_norm'))}; the gap: "
           f"{judged(told(BATCHES, 'SoftAD', 'loss_gap'))}. RelaxLoss's report that accuracy is kept or "
           f"better: measured, its test error beside plain was {judged(told(PLAIN, 'RelaxLoss', 'test_error'))}.")
    yield batch_words(results.batches)
