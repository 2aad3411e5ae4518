"""With flooding, does the test loss descend a second time, and does training end in a flatter place?

Ishida et al. (ICML 2020) hold the training loss up at a level and report an epoch-wise double descent of the test loss; they
expect the network to drift into a flat region. Each network is trained dozens of times as long as to zero training error,
plain and flooded from the same start. What counts as a second descent is computed (report/descent.py), what is flat measured
along filter-normalised directions (trainers/landscape.py, after Li et al., NeurIPS 2018).
"""
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from ..report import plots
from ..report.compare import paired
from ..report.descent import SMALLEST
from ..report.long_runs import PLAIN, LongRuns, opening, turning_table
from ..report.measured import load_all
from ..report.tables import Table
from ..report.words import counted, means, paragraph, spread, tally
from ..runs.settings import DIFFERENT, SHARE, SOME, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed
from ..trainers.data_sets import SETS
from ..trainers.description import Description
from ..trainers.landscape import RADIUS

RUN_TIMES = {"quick": "15 s", "default": "1 min 30 s", "full": "1 h"}  # on 2 cores
DATA = {"two_gaussians": 1000, "digits": 0}  # and test samples: per class; 0 takes all that are left
FLOODED = "flooded at {:g} log K"
FIGURES = {"gradient, training": "slope_train", "gradient, test": "slope_test",
           "rise, training": "rise_train", "rise, test": "rise_test"}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of double_descent."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each arm: 12 intervals at once take 3.8 standard errors of ten seeds, 15 of three."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels: a replication found the second descent on Two Gaussians with 10 % alone."""
    train: Annotated[int, at_least(20)] = 200
    """Training samples: few, so that zero error comes soon and the test loss can rise."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (64, 64)
    """Hidden units: far more weights than samples."""
    epochs: Annotated[int, at_least(20)] = 4000
    """The second descent is slow: about 20 times the epochs to zero error with flips, 80 times without."""
    batch_size: Annotated[int, at_least(1)] = 50
    """Four updates per epoch."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, as published for flooding."""
    levels: Annotated[tuple[float, ...], above(0, 1), DIFFERENT, SOME] = (0.02, 0.1)
    """Flood levels as shares of log K, the loss of a network that knows nothing: both leave zero training error in reach."""

    @classmethod
    def quick(cls) -> "Config":
        """Three seeds and one level: shows the direction."""
        return cls(seeds=3, epochs=2000, levels=(0.02,))

    @classmethod
    def full(cls) -> "Config":
        """More seeds, shares and levels, five times as long, wider networks."""
        return cls(seeds=30, noise=(0.0, 0.05, 0.10, 0.20), epochs=20000, hidden=(128, 128), levels=(0.01, 0.02, 0.05, 0.1))


def milestones(config: Config) -> list[int]:
    """Epochs at which the surroundings are looked at on the way."""
    return [4 ** power for power in range(math.ceil(math.log(config.epochs, 4)))]


def arms(config: Config, data: str, noise: float) -> dict[str, list[Description]]:
    """Return what is trained in one case: a description per seed, plain and at each flood level."""
    fixed = {"experiment": "double_descent", "data": data, "noise": noise, "test": DATA[data], "hidden": config.hidden,
             "train": config.train // SETS[data].per_train, "epochs": config.epochs, "batch_size": config.batch_size,
             "learning_rate": config.learning_rate, "dense": 20, "growth": 1.1, "curve_points": 1000,
             "measures": ("experiments.trainers.landscape:surroundings",)}
    always = (("zero", "zero error"), ("end", "end"), *((f"{epoch}", f"epoch {epoch}") for epoch in milestones(config)))
    found = {PLAIN: per_seed(config.seeds, models=always, **fixed)}
    for share in config.levels:
        level = share * math.log(SETS[data].classes)
        start = ("start", f"Target({level!r}, 'train_loss')")
        found[FLOODED.format(share)] = per_seed(config.seeds, level=level, models=(*always, start), **fixed)
    return found


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for data in DATA for noise in config.noise
                             for some in arms(config, data, noise).values() for one in some])


def gather(store: Store, config: Config) -> list[LongRuns]:
    """Load everything; raises StoreError when runs are missing."""
    return [LongRuns(data, noise, load_all(store, arms(config, data, noise))) for data in DATA for noise in config.noise]


def tables(results: Sequence[LongRuns]) -> list[Table]:
    """The turning points of the test loss, and the surroundings of the models, a row per case and arm."""
    seeds = spread(len(results[0].arms[PLAIN].runs), "seed")
    return [turning_table(results, f"Test loss after zero training error ({seeds})"),
            Table(f"Around the models ({seeds})", ["", "epoch", *FIGURES],
                  [row for case in results for row in case.place_rows([*FIGURES.values()])],
                  f"norm of the loss's gradient; rise of the loss at {RADIUS:g} of the weights, random directions")]


def figures(results: Sequence[LongRuns], folder: Path) -> list:
    """Draw losses and gradients over the epochs, the loss along directions, and on planes where most labels are flipped."""
    seeds, size = spread(len(results[0].arms[PLAIN].runs), "seed"), (8.4, 1.6 + 2.1 * len(results))
    noise = max(case.noise for case in results)
    flipped = [case for case in results if case.noise == noise]
    return [path for paths in (
        plots.page(folder / "double_descent.png", [[case.losses, case.slopes] for case in results], size=size, x="epoch (log)",
                   title=f"Losses and their gradients ({seeds})", legend=3),
        plots.page(folder / "double_descent_profiles.png", [[partial(case.profile, part) for part in ("train", "test")]
                                                            for case in results], size=size, legend=2,
                   title=f"Loss along random directions ({seeds})", x="step, share of the weights"),
        plots.page(folder / "double_descent_planes.png", [[partial(case.plane, place) for place in case.places]
                                                          for case in flipped], size=(8.4, 1 + 2.4 * len(flipped)),
                   title=f"Training loss on a random plane (seed 0, {100 * noise:g} % flipped)", x="step, share of the weights",
                   y=[case.title.partition(",")[0] for case in flipped])) for path in paths]


@paragraph
def answer(results: Sequence[LongRuns]) -> Iterator[str]:
    """Open with where the second descent is; then how large it is, what the gradients do, and what is flat."""
    seeds, pairs = len(results[0].arms[PLAIN].runs), [(case, arm) for case in results for arm in case.flooded]
    of, everything = len(pairs), sum(len(case.arms) for case in results)
    there = [(case, arm) for case, arm in pairs if case.descents[arm].there(everything)]
    without = sum(bool(case.descents[PLAIN].there(everything)) for case in results)
    falls = [paired(case.descents[PLAIN].falls, case.descents[arm].falls, lower_is_better=False, comparisons=of).verdict
             for case, arm in pairs]

    def said(figure: str, before: str | None, after: str = "end") -> str:  # of the flooded network; None: beside the plain one
        return tally([case.compared((arm if before else PLAIN, before or "end"), (arm, after), figure).verdict
                      for case, arm in pairs])

    yield opening(results, seeds)
    yield (f"Defined beforehand: after zero training error, rise and fall above {100 * SMALLEST:g} % of the peak with their "
           f"95 % intervals, all {everything} at once, each seed at the turning points of the others.")
    if there:
        sizes = [[100 * getattr(case.descents[arm], name) for case, arm in there] for name in ("rises", "falls")]
        own = [int(case.descents[arm].seen.sum()) for case, arm in there]
        yield (f"Where it is there, the test loss had risen by {means(sizes[0])} % of its peak and fell by {means(sizes[1])} % "
               f"(beyond their own noise in {min(own)} to {max(own)} of {seeds} seeds); the second minimum beside the first "
               f"was {tally([paired(-case.descents[arm].rises, -case.descents[arm].falls).verdict for case, arm in there])}, "
               "and the test error there beside that at the peak "
               f"{tally([case.turned(arm, 'test_error').verdict for case, arm in there])} of {counted(len(there), 'case')}.")
    yield (f"Without flooding it was there in {without} of {counted(len(results), 'case')}; the fall with flooding beside that "
           f"without was {tally(falls)} of {of} comparisons.")
    yield (f"At the end, beside the plain network: gradient of the training loss {said('slope_train', None)}, of the test loss "
           f"{said('slope_test', None)}, as smaller is better.")
    yield (f"Flatter, by the rise of the loss at {RADIUS:g} of the weights: from the flood's start to the end, training "
           f"{said('rise_train', 'start')}, test {said('rise_test', 'start')}; beside the plain network's end, training "
           f"{said('rise_train', None)}, test {said('rise_test', None)}.")
