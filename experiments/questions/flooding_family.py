"""Does it pay to hold the training loss up, and does it matter how?

Flooding holds the mean loss of each batch at a level (Ishida et al., ICML 2020); iFlood, SoftAD and AdaFlood hold each
sample's own, RelaxLoss floods and flattens in turn, label smoothing and the confidence penalty move the optimum itself. All
have the epochs of plain cross-entropy and equally many candidates of one setting, chosen for all seeds on validation data by
the rule of report/levels.py. Apart from that the batch size varies, at one level for all: flooding batches minimises a bound
of flooding the whole set, and report/jensen.py predicts how far above it lies.
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
from ..report.tables import Table
from ..report.tuned import Tuned, beside, verdicts
from ..report.words import counted, listed, means, opening_by, paragraph, spread, tally
from ..runs.settings import DIFFERENT, SHARE, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed
from ..trainers.data_sets import SETS
from ..trainers.description import Description
from ..trainers.flipped import Flipped

RUN_TIMES = {"quick": "10 s", "default": "2 min", "full": "3 h"}  # on 2 cores; full: extrapolated
SEEDS = 10
DATA = {"two_gaussians": 2500, "digits": 0}  # and test samples: per class; 0 takes all that are left
PLAIN, BATCHES, SAMPLES = "plain", "flooding of batches", "flooding of samples"
# What each method is called: its hue, the flood, the field of a run that is chosen, the setting with its candidates.
METHODS = {PLAIN: (plots.PLAIN, "flooding", "level", ""), BATCHES: (plots.FLOODING, "flooding", "level", "levels"),
           SAMPLES: (plots.BLUE, "instance_flooding", "level", "levels"),
           "AdaFlood": (plots.PURPLE, "adaflood", "gamma", "gammas"),
           "SoftAD": (plots.SKY, "softad", "level", "soft_levels"), "RelaxLoss": (plots.ORANGE, "relax", "level", "levels"),
           "confidence penalty": (plots.GREY, "flooding", "confidence_penalty", "penalties"),
           "label smoothing": (plots.BLACK, "flooding", "label_smoothing", "smoothings")}
FAMILY, HUES = [*METHODS][1:], {name: hue for name, (hue, *_) in METHODS.items()}  # plain is what FAMILY is compared with
FIGURES = {"test loss": ("test_loss", 1.0), "test error, %": ("test_error", 100.0),
           "calibration error, %": ("calibration_error", 100.0)}
MORE = {"on true labels, %": ("test_error_clean", 100.0), "training loss": ("train_loss", 1.0),
        "flooded, %": ("flooded_fraction", 100.0), "weights' norm": ("parameter_norm", 1.0)}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of flooding_family."""

    seeds: Annotated[int, at_least(1)] = SEEDS
    """Runs of each candidate: 28 comparisons at once take 4.6 standard errors of ten seeds, 16 of three."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels in all parts of both data sets: as they are, and with one in ten wrong."""
    train: Annotated[int, at_least(4)] = 200
    """Training samples, and as many for validation: few, so that all are memorised and there is something to gain."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (64, 64)
    """Hidden units: far more weights than samples."""
    epochs: Annotated[int, at_least(10)] = 400
    """Of every run with `batch_size`, many times those to zero training error. AdaFlood's auxiliary networks come on top."""
    batch_size: Annotated[int, at_least(1)] = 40
    """Where methods are compared: five updates per epoch."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, as published for flooding."""
    levels: Annotated[tuple[float, ...], above(0, 1), DIFFERENT, SOME] = (0.03, 0.06, 0.12, 0.25, 0.5)
    """Of both floodings and RelaxLoss, as shares of the loss log K of a network that knows nothing."""
    soft_levels: Annotated[tuple[float, ...], above(0, 2), DIFFERENT, SOME] = (0.06, 0.12, 0.25, 0.5, 1.0)
    """Of SoftAD, as such shares too: its authors found the best ones well above those of flooding."""
    gammas: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.05, 0.25, 0.5, 0.75, 0.95)
    """Of AdaFlood, how far levels are drawn from held-out losses (0) towards 0 (1): the range of its authors."""
    penalties: Annotated[tuple[float, ...], above(0), DIFFERENT, SOME] = (0.12, 0.25, 0.5, 1.0, 2.0)
    """Strengths of the confidence penalty: with two classes the optimum's confidence falls from 0.999 to 0.68."""
    smoothings: Annotated[tuple[float, ...], Range(0, 1, True, True), DIFFERENT, SOME] = (0.05, 0.1, 0.2, 0.4, 0.8)
    """Of label smoothing: with two classes the optimum's confidence falls from 0.975 to 0.6."""
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
        return cls(seeds=3, noise=(0.10,), epochs=200, levels=(0.06, 0.25), soft_levels=(0.12, 0.5), gammas=(0.25, 0.75),
                   penalties=(0.25, 1.0), smoothings=(0.1, 0.4), batch_sizes=(10, 40, 200))

    @classmethod
    def full(cls) -> "Config":
        """More seeds, shares and epochs, wider networks."""
        return cls(seeds=30, noise=(0.0, 0.05, 0.10, 0.20), epochs=2000, hidden=(128, 128))

    def related(self, need: Callable[..., None]) -> None:
        """Equal budgets and equal batches."""
        super().related(need)
        for name in ("soft_levels", "gammas", "penalties", "smoothings"):
            need(len(getattr(self, name)) == len(self.levels), name, f"{len(self.levels)} candidates, as levels has")
        need(self.train % 2 == 0, "train", "an even number, half of each class of Two Gaussians")
        need(len(self.batch_sizes) > 1 and not any(self.train % size for size in self.batch_sizes), "batch_sizes",
             f"two or more different divisors of train, {self.train}")


def arms(config: Config, case: Flipped) -> list[dict[str, dict[Any, list[Description]]]]:
    """Return what is trained in one case, a run per seed: by method and candidate, and by method and batch size."""
    part, log_k = config.train // SETS[case.data].per_train, math.log(SETS[case.data].classes)
    auxiliary = {"adaflood": {"folds": config.folds, "auxiliary_epochs": config.auxiliary_epochs}}

    def some(size: int, level: float = 0.0, **settings: Any) -> list[Description]:
        epochs = max(1, config.epochs * size // config.batch_size)  # for as many updates
        return per_seed(config.seeds, experiment="flooding_family", data=case.data, noise=case.noise, train=part,
                        validation=part, test=DATA[case.data], hidden=config.hidden, learning_rate=config.learning_rate,
                        models=(("end", "end"),), level=level * log_k, epochs=epochs, batch_size=size,
                        measures=("errors", "calibration", "experiments.trainers.plain_losses:plain_losses"),
                        every=max(1, epochs // 10), **settings)

    tuned = {name: {value: some(config.batch_size, flood=flood, **{field: value}, **auxiliary.get(flood, {}))
                    for value in (getattr(config, candidates) if candidates else (0.0,))}
             for name, (_, flood, field, candidates) in METHODS.items()}
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
    note = (f"setting: one for all seeds, of {counted(len(config.levels), 'candidate')}, {RULE} (levels: shares of log K); "
            "agree: resamplings of the seeds with the same choice; losses: plain cross-entropy, flipped labels included; "
            f"flooded: gradients reversed, last tenth of the run; AdaFlood: {more:.0%} more epochs of auxiliary networks")
    return [one.table(FIGURES | MORE, seeds, note) for one in results.tuned] + [one.table(seeds) for one in results.batches]


def figures(results: Results, folder: Path) -> list:
    """Draw what the methods come to, and what the batch size changes."""
    seeds, titles = spread(results.config.seeds, "seed"), [one.title.replace(", ", "\n") for one in results.tuned]
    bars = [[partial(one.bars, *how, HUES, not i) for i, how in enumerate(FIGURES.values())] for one in results.tuned]
    panels: list = [[one.gap_panel for one in results.batches], [partial(one.panel, "test_loss") for one in results.batches]]
    return plots.page(folder / "flooding_family.png", bars, heads=[[*FIGURES]], y=titles,
                      size=(8.4, 1 + 2 * len(bars)), title=f"Methods that hold the training loss up ({seeds})") + plots.page(
        folder / "flooding_family_batches.png", panels, heads=[titles], size=(1.4 + 1.8 * max(3, len(titles)), 5.2),
        legend=5, x="batch size (log)", y=["gap, nats (log)", "test loss, nats"],
        title=f"One flood level, several batch sizes ({seeds})")


@paragraph
def answer(results: Results) -> Iterator[str]:
    """Open with yes, no or what it depends on; then what was measured, beside what authors report and the gap's formula."""
    every, where = results.tuned, f"{counted(len(results.tuned), 'set')} of data"
    groups = [f"where {case.noise:.0%} are wrong" if case.noise else "where they are clean"
              for _ in FAMILY for case in cases(results.config)]
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
    yield f"Batches or samples? Beside flooding of batches: {beside(every, BATCHES, FAMILY[1:], both, len(groups))}."
    yield ("SoftAD's authors report smaller weights than with flooding and a much smaller gap from training to test loss: "
           f"measured, the norm was {tally(told(BATCHES, 'SoftAD', 'parameter_norm'))}, the gap "
           f"{tally(told(BATCHES, 'SoftAD', 'loss_gap'))} (smaller is better). RelaxLoss's report that accuracy is kept or "
           f"better: measured, its test error beside plain was {tally(told(PLAIN, 'RelaxLoss', 'test_error'))}.")
    yield batch_words(results.batches)
