"""With flooding, does the test loss descend a second time, and is the end flatter?

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
from ..report.words import between, counted, flips, means, paragraph, spread, tally
from ..runs.settings import DIFFERENT, SHARE, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed
from ..trainers.data_sets import SETS
from ..trainers.description import Description
from ..trainers.flipped import Flipped
from ..trainers.landscape import GRID, RADIUS, STEPS

SEEDS = 10
RUN_TIMES = {"quick": "20 s", "default": "1 min 50 s", "full": "2 h"}  # on 2 cores
DATA = {"two_gaussians": 1000, "digits": 0}  # and test samples: per class; 0 takes all that are left
FLOODED = "flooded at {:g} log K"
PARTS = ("train", "test")
HIGH = 0.10  # share of flips from which the replication in reference to Ishida et al. found it on Two Gaussians
FIGURES = {"gradient, training": "slope_train", "gradient, test": "slope_test",
           "rise, training": "rise_train", "rise, test": "rise_test"}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of double_descent."""

    seeds: Annotated[int, at_least(1)] = SEEDS
    """Runs of each arm: 12 intervals at once take 3.8 standard errors of ten seeds, 15 of three."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped labels: a replication found the second descent on Two Gaussians with 10 % alone."""
    train: Annotated[int, Range(20, 1795)] = 200  # of 1797 digits one validates, and one at least tests
    """Training samples: few, so that zero error comes soon and the test loss can rise."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (64, 64)
    """Hidden units: far more weights than samples."""
    epochs: Annotated[int, at_least(20)] = 4000
    """The second descent is slow: 25 to 40 times the epochs to zero error with flips. Chosen on trials with four seeds."""
    batch_size: Annotated[int, at_least(1)] = 50
    """Four updates per epoch."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, as published for flooding."""
    levels: Annotated[tuple[float, ...], above(0, 1), DIFFERENT, SOME] = (0.02, 0.1)
    """Flood levels, shares of the loss log K of a network that knows nothing: zero error stays in reach. Chosen likewise."""

    @classmethod
    def quick(cls) -> "Config":
        """Flipped labels alone, five seeds, one level: shows the direction."""
        return cls(seeds=5, noise=(0.10,), epochs=2000, levels=(0.02,))

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
    found = {(data, noise): load_all(store, arms(config, data, noise)) for data in DATA for noise in config.noise}
    comparisons = sum(map(len, found.values()))
    return [LongRuns(*case, Flipped(*case).title, runs, comparisons) for case, runs in found.items()]


def tables(results: Sequence[LongRuns]) -> list[Table]:
    """The turning points of the test loss, and the surroundings of the models, a row per case and arm."""
    seeds = spread(results[0].seeds, "seed")
    return [turning_table(results, f"Test loss after zero training error ({seeds})"),
            Table(f"Around the models ({seeds})", ["", "epoch", *FIGURES],
                  [row for case in results for row in case.place_rows([*FIGURES.values()])],
                  f"norm of the loss's gradient; rise of the loss at {RADIUS:g} of the weights, random directions")]


def figures(results: Sequence[LongRuns], folder: Path) -> list:
    """Draw losses and gradients over the epochs, the loss along directions, and on planes where most labels are flipped."""
    seeds, size, step = spread(results[0].seeds, "seed"), (8.4, 1.6 + 2.1 * len(results)), "step, share of the weights"
    noise = max(case.noise for case in results)
    flipped = [case for case in results if case.noise == noise]
    paths = plots.page(
        folder / "double_descent.png", [[case.test_loss, case.train_loss, case.slopes] for case in results],
        title=f"Losses and their gradients ({seeds})", x="epoch (log)", size=size, legend=3)
    paths += plots.page(
        folder / "double_descent_profiles.png", [[partial(case.profile, part, STEPS) for part in PARTS] for case in results],
        title=f"Loss along random directions ({seeds})", x=step, size=size, legend=2)
    planes = [[partial(case.plane, place, GRID) for place in case.places] for case in flipped]
    return paths + plots.page(
        folder / "double_descent_planes.png", planes,
        title=f"Training loss on a random plane (seed 0, {flips(noise)})", x=step,
        y=[case.title.partition(",")[0] for case in flipped], size=(8.4, 1 + 2 * len(flipped)))


@paragraph
def answer(results: Sequence[LongRuns]) -> Iterator[str]:
    """Open with where the second descent is; then how large it is, what the gradients do, and what is flat."""
    pairs, of = [(case, arm) for case in results for arm in case.flooded], results[0].comparisons
    there, cases = [pair for pair in pairs if pair[0].there(pair[1])], counted(len(results), "case")
    falls = [paired(case.descents[PLAIN].falls, case.descents[arm].falls, lower_is_better=False, comparisons=of).verdict
             for case, arm in pairs]

    def beside(figure: str, start: bool = False) -> str:  # of the flooded network's end beside the plain one's, or its start
        return tally([case.compared((arm, "start") if start else (PLAIN, "end"), (arm, "end"), figure).verdict
                      for case, arm in pairs])

    yield opening(results, SEEDS)
    yield (f"What counts: after zero training error, a rise and then a fall of more than {100 * SMALLEST:g} % of the "
           f"peak with their 95 % intervals, all {of} arms at once, each seed at the turning points of the others.")
    if there:
        found = [case.descents[arm] for case, arm in there]
        lower = [paired(-one.rises, -one.falls, comparisons=of).verdict for one in found]
        errors = [case.turned(arm, "test_error").verdict for case, arm in there]
        yield (f"Where it was there, the test loss had risen by {means(100 * one.rises for one in found)} % of its peak and "
               f"fell by {means(100 * one.falls for one in found)} %, beyond their own noise in "
               f"{between(one.seen.sum() for one in found)} of {results[0].seeds} seeds. Its second minimum was "
               f"{tally(lower)} of {len(there)}, beside the first; the test error there {tally(errors)}, beside the peak.")
    yield (f"Without flooding it was there in {sum(case.there(PLAIN) is True for case in results)} of {cases}; the fall was "
           f"{tally(falls)} of {len(pairs)} comparisons with flooding.")
    yield (f"A replication of the published descent had it on Two Gaussians only where {100 * HIGH:g} % of the labels were "
           f"flipped: {replicated(results)}.")
    yield (f"Norm of the gradient at the end, beside the plain network's (smaller is better): of the training loss "
           f"{beside('slope_train')}, of the test loss {beside('slope_test')}.")
    yield (f"Published expectation: a drift into a flatter region. Measured by the rise of the loss at {RADIUS:g} of the "
           f"weights, of {len(pairs)}: from the flood's start to the end {beside('rise_train', True)} (training), "
           f"{beside('rise_test', True)} (test); beside the plain network's end {beside('rise_train')} (training), "
           f"{beside('rise_test')} (test).")


def replicated(results: Sequence[LongRuns]) -> str:
    """Whether Two Gaussians did as a replication says: the second descent from `HIGH` on, and not below."""
    found = {case.noise >= HIGH: any(case.there(arm) for arm in case.flooded) for case in results
             if case.data == "two_gaussians"}
    if len(found) < 2:
        return "that takes more and fewer flips to compare"
    if found[True] and not found[False]:
        return "so it was here"
    return f"here it was{' not' * (not found[True])} there from so many on, and{' not' * (not found[False])} below"
