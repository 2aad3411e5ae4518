"""Can any data be fitted to zero error?

Networks fit random labels as they fit real ones (Zhang et al., "Understanding deep learning requires rethinking
generalization", ICLR 2017), and one that fits anything can be written down without training. What then tells learning from
memorising: time, size, margins, test error? And when is zero error out of reach? Where one input has two labels, and above
some flood level. Zero cross-entropy always is.
"""
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..report import plots
from ..report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE, mean_and_error, paired
from ..report.measured import Measured, load
from ..report.panels import lines, points
from ..report.tables import Table, mean_error, number
from ..report.words import listed, spread
from ..runs.settings import DIFFERENT, SOME, Range, Settings, above, at_least
from ..runs.store import Store
from ..runs.sweep import Threads, train_missing
from ..trainers.data_sets import SETS, bayes_figures
from ..trainers.description import Description, describe
from ..trainers.train import TRAINER

RUN_TIMES = {"quick": "25 s", "default": "2 min", "full": "30 min"}  # on 2 cores
REAL, RANDOM = PAIR = "digits", "digits_random_labels"
INPUTS, TWICE, OVERLAPPING = "digits_random_inputs", "digits_two_labels", "two_gaussians"
KINDS = {REAL: "real labels", "digits_shuffled_pixels": "shuffled pixels", "digits_random_pixels": "random pixels",
         INPUTS: "random inputs", RANDOM: "random labels"}
HUES = dict(zip(KINDS, (plots.BLUE, plots.SKY, plots.GREEN, plots.ORANGE, plots.RED), strict=True))
# Labels that are no function of the input: 20 % of the images come again with another label; Gaussians, 10 % flipped.
FLOORS = {TWICE: ("digits, some twice", 0.2, 0.1),
          OVERLAPPING: ("Two Gaussians", 0.1, bayes_figures(OVERLAPPING, 0.1).noisy_error)}
CHANCE = 1 - 1 / SETS[REAL].classes
FITTED, DISTANCES, CONSTRUCTED = (f"experiments.trainers.memorizing:{one}" for one in ("fitted", "distances", "constructed"))
SAID = {BETTER: "clearly sooner", WORSE: "clearly later", UNCLEAR: "not clearly sooner or later", UNKNOWN: "not to be judged"}


@dataclass(frozen=True)
class Config(Settings):
    """Settings of memorization."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each network: the same images, initial weights and order. Ten tell epochs apart that differ by a tenth."""
    train: Annotated[int, Range(20, 1000)] = 300
    """Training samples: as few as a small network memorises in a second; the test set is what is left of the digits."""
    hidden: Annotated[int, at_least(1)] = 128
    """Units of the one hidden layer: thirty times as many weights as samples."""
    epochs: Annotated[int, at_least(20)] = 400
    """Several times what random labels take."""
    sizes: Annotated[tuple[int, ...], Range(10, 1000), DIFFERENT, SOME] = (50, 100, 200, 400)
    """Numbers of samples for which the smallest network that fits is looked for."""
    widths: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (2, 3, 4, 6, 8, 12, 16, 24)
    """Its numbers of hidden units that are tried, each for `longer` times the epochs."""
    longer: Annotated[int, at_least(1)] = 4
    """A small network fits late: what is found is what training finds, not what weights could hold."""
    levels: Annotated[tuple[float, ...], above(0), DIFFERENT, SOME] = (0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0, 1.4)
    """Flood levels, from near log 2/N, below which an error is impossible, towards log 10, the loss of a guess."""
    workers: Annotated[int, at_least(0, "0 for one per core")] = 0
    """Runs trained at the same time; results do not depend on it."""

    @classmethod
    def quick(cls) -> "Config":
        """Four seeds and a coarse search: shows the direction."""
        return cls(seeds=4, epochs=200, sizes=(50, 200), widths=(3, 6, 12, 24), levels=(0.03, 0.2, 0.7, 1.4))

    @classmethod
    def full(cls) -> "Config":
        """More seeds, sizes, widths and levels, ten times the epochs."""
        return cls(seeds=30, epochs=4000, sizes=(50, 100, 200, 400, 800), longer=1,
                   widths=(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48),
                   levels=(0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0))


def arms(config: Config) -> dict[tuple, list[Description]]:
    """Return what is trained, a description per seed: kinds of data, flood levels, sizes and widths, labels by chance."""
    long, widest, fixed = config.epochs * config.longer, max(config.widths), ("errors", "losses", FITTED)
    wanted: dict[tuple, dict] = {("kind", kind): {"measures": (*fixed, "margins", DISTANCES, CONSTRUCTED)} for kind in KINDS}
    wanted |= {("level", kind, level): {"level": level, "every": 5} for kind in PAIR for level in config.levels}
    wanted |= {("floor", data): {"noise": noise, "every": 5} for data, (_, noise, _) in FLOORS.items()}
    wanted["floor", OVERLAPPING] |= {"train": config.train // 2, "test": 2500}  # per class
    wanted |= {("size", kind, size, width): {
        "train": size, "hidden": (width,), "epochs": long, "every": long, "measures": (
            *fixed, *[CONSTRUCTED] * ((kind, width) == (RANDOM, widest)))}
        for kind in PAIR for size in config.sizes for width in config.widths}
    return {arm: [describe(seed=seed, **{
        "experiment": "memorization", "data": arm[1], "train": config.train, "hidden": (config.hidden,),
        "epochs": config.epochs, "batch_size": 50, "learning_rate": 3e-3, "dense": 20, "growth": 1.1, "measures": fixed,
        "models": (("zero", "zero error"), ("end", "end")), **settings}) for seed in range(config.seeds)]
        for arm, settings in wanted.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    train_missing(store, [one.settings() for some in arms(config).values() for one in some], TRAINER,
                  Threads(config.workers), "training")


class Results(NamedTuple):
    """The settings and the runs of every arm."""

    config: Config
    arms: dict[tuple, Measured]

    def at(self, arm: tuple, figure: str, factor: float = 1.0, when: str = "end") -> np.ndarray:
        """A figure (seeds,) of the first model without a training error ("zero"; NaN: there was none) or the last one."""
        return self.arms[arm].at(when, figure, factor)

    def needed(self, kind: str, size: int, per: float = 1.0) -> np.ndarray:
        """Weights (seeds,) of the smallest network that reached zero error; NaN: none did."""
        return np.fmin.reduce([self.at(("size", kind, size, width), "weights", 1 / per, "zero")
                               for width in self.config.widths])


def gather(store: Store, config: Config) -> Results:
    """Load everything; raises StoreError when runs are missing."""
    return Results(config, {arm: load(store, some) for arm, some in arms(config).items()})


def most(level: float) -> float:
    """Largest training error, %, that a mean cross-entropy leaves: where a sample is wrong p <= 1/2, its loss >= log 2."""
    return 100 * min(level / math.log(2), 1.0)


def tables(results: Results) -> list[Table]:
    """What was fitted and how; the constructed network; what just fits; flooding; where zero is out of reach."""
    config, at = results.config, results.at

    def table(title: str, heads: str, rows: dict[str, list], note: str) -> Table:
        return Table(f"{title} ({spread(config.seeds, 'seed')})", heads.split("; "), [
            [name, *(mean_error(*mean_and_error(value)) for value in row)] for name, row in rows.items()], note)
    return [
        table(f"{config.train} digits, {config.hidden} hidden units", "data; zero at epoch; test error, %; training loss; "
              "smallest margin, then; end; distance, then; end", {name: [at(("kind", kind), *one) for one in (
                  ("epoch", 1, "zero"), ("test_error", 100), ("train_loss",), ("margin_min", 1, "zero"), ("margin_min",),
                  ("distance_median", 1, "zero"), ("distance_median",))] for kind, name in KINDS.items()},
              f"then: first epoch without a training error; else after {config.epochs} epochs. Distance: median over the "
              "training set of how far an input is from another answer, to first order; pixels are 0 to 1."),
        table("The constructed network for the same data", "data; numbers; largest; wrong, %; float32; off by; float32; "
              "smallest margin; distance", {name: [at(("kind", kind), f"constructed_{one}", factor) for one, factor in (
                  ("numbers", 1), ("weight", 1), ("error", 100), ("error32", 100), ("off", 1), ("off32", 1), ("margin", 1),
                  ("distance_median", 1))] for kind, name in KINDS.items()},
              "numbers: 2n + d. Off by: largest error of what is to be the number of the class; from 1/2 on it is wrong."),
        table("The smallest network that fits", "labels, samples; weights; per sample", {f"{KINDS[kind]}, {size}": [
            results.needed(kind, size), results.needed(kind, size, size)] for kind in PAIR for size in config.sizes},
            f"of {listed(map(str, config.widths))} hidden units, within {config.epochs * config.longer} epochs"),
        table("Flooding", f"level; {'; '.join(f'{KINDS[kind]}: training error, %' for kind in PAIR)}; at most", {
            number(level): [*(at(("level", kind, level), "late_train_error", 100) for kind in PAIR), [most(level)]]
            for level in config.levels}, "training error: over the second half of the epochs; at most: level / log 2"),
        table("Where the answer is not a function of the input", "data; lowest training error, %; least possible; training "
              "loss; least possible; test error, %; Bayes error, %", {name: [*(at(("floor", data), *one) for one in (
                  ("lowest_train_error", 100), ("least_error", 100), ("train_loss",), ("least_loss",), ("test_error", 100))),
                  [100 * bayes]] for data, (name, _, bayes) in FLOORS.items()},
              "least possible: by any function of the input, on these samples; Bayes error: on all that there could be")]


def figures(results: Results, folder: Path) -> list:
    """Draw how kinds of data are fitted, what it takes, and where zero error is out of reach."""
    config, at = results.config, results.at
    sizes, levels, widest = np.sort(config.sizes), np.sort(config.levels), max(config.widths)

    def course(figure: str, factor: float, title: str, log: str) -> Any:
        return partial(lines, x=results.arms["kind", REAL].curves("epoch")[0], series={KINDS[kind]: (
            hue, results.arms["kind", kind].curves(figure, factor)) for kind, hue in HUES.items()}, title=title,
            x_label="epoch (log)", log=log, markers=False, legend=log == "x")

    def over(places: Any, values: Any) -> np.ndarray:
        return np.array([values(place) for place in places]).T  # (seeds, places)

    def grouped(arm: str, names: dict, groups: tuple, hues: Any, title: str, **how: Any) -> Any:
        return partial(points, names=list(names.values()), hues=hues, title=title, groups={label: (marker, [
            at((arm, data), figure, factor) for data in names]) for label, marker, figure, factor in groups}, **how)
    kinds = partial(grouped, "kind", KINDS, hues=list(HUES.values()))
    first = [[course("train_error", 100, "training error, %", "x"), kinds(
        (("", "o", "test_error", 100),), title="test error at the end, %", bound=("chance", [100 * CHANCE] * len(KINDS)))],
        [course("train_loss", 1, "training loss, nats (log)", "xy"), kinds((
            ("trained", "o", "distance_median", 1), ("constructed", "x", "constructed_distance_median", 1)),
            title="distance to another answer (log)", log="y")]]
    second = [[partial(lines, x=sizes, series={KINDS[kind]: (HUES[kind], over(sizes, partial(results.needed, kind)))
                                               for kind in PAIR}, title="weights of the smallest network (log)",
                       x_label="training samples n (log)", log="xy", bound=("2n + d", 2 * sizes + SETS[REAL].inputs)),
               partial(lines, x=sizes, series={label: (hue, over(sizes, lambda size, one=one: at(
                   ("size", RANDOM, size, widest), f"constructed_{one}"))) for label, hue, one in (
                   ("largest weight", plots.GREY, "weight"), ("off by, float32", plots.RED, "off32"),
                   ("off by, float64", plots.BLUE, "off"))}, title="constructed network (log)", log="xy",
                   x_label="training samples n (log)", bound=("wrong from here", [0.5] * len(sizes)))],
              [partial(lines, x=levels, series={KINDS[kind]: (HUES[kind], over(levels, lambda level, kind=kind: at(
                  ("level", kind, level), "late_train_error", 100))) for kind in PAIR}, title="training error, %", log="x",
                  x_label="flood level (log)", bound=("at most: level / log 2", [most(level) for level in levels])),
               grouped("floor", {data: name for data, (name, *_) in FLOORS.items()}, (
                   ("lowest training error", "o", "lowest_train_error", 100), ("test error", "s", "test_error", 100)),
                   [plots.PURPLE, plots.BLACK], "error, %", bound=("Bayes error", [100 * one[2] for one in FLOORS.values()]))]]
    return [path for name, title, panels in (("", f"Fitting {config.train} digits, real and not", first),
                                             ("_limits", "What it takes, and where it is out of reach", second))
            for path in plots.page(folder / f"memorization{name}.png", panels, size=(8.4, 7.0),
                                   title=f"{title} ({spread(config.seeds, 'seed')})")]


def answer(results: Results) -> str:
    """Open with yes, no or what it depends on; then what memorising took, and what theory says of it."""
    config, at, levels = results.config, results.at, sorted(results.config.levels)

    def text(arm: tuple, figure: str, factor: float = 1.0, when: str = "end") -> str:
        return mean_error(*mean_and_error(at(arm, figure, factor, when)))
    real, random, inputs = (("kind", kind) for kind in (REAL, RANDOM, INPUTS))
    twice, gaussians = (("floor", data) for data in FLOORS)
    epochs = {arm: at(arm, "epoch", 1, "zero") for arm in (*(("kind", kind) for kind in KINDS), twice, gaussians)}
    fits = {arm: int(np.isfinite(found).sum()) for arm, found in epochs.items()}
    single = [fits[arm] == config.seeds for arm in epochs if arm != twice]
    start = ("No." if not any(fits.values()) else "It depends on the data and the training." if not all(single) else
             "Yes, as long as equal inputs have equal labels." if not fits[twice] else "Yes.")
    later, sooner = (SAID[paired(epochs[one], epochs[other], comparisons=2).verdict]
                     for one, other in ((real, random), (random, inputs)))
    kept = [max((level for level in levels if not at(("level", kind, level), "late_train_error").any()), default=0)
            for kind in PAIR]
    over = sum(bool((at(("level", kind, level), "late_train_error", 100) > results.most(level)).any())
               for kind in PAIR for level in levels)
    loss = np.concatenate([at(arm, "train_loss") for arm in results.arms])
    size = max(config.sizes)
    return (
        f"{start} Runs with zero training error: {listed(f'{fits[arm]} on {NAMES[arm[1]]}' for arm in epochs)}, of "
        f"{config.seeds} each. Where inputs come twice with two labels no function is wrong on less than "
        f"{text(twice, 'least_error', 100)} %; the lowest training error was {text(twice, 'lowest_train_error', 100)} %. Where "
        f"only the distributions overlap, training error fell to {text(gaussians, 'train_error', 100)} %, and the Bayes error "
        f"of {100 * FLOORS[gaussians[1]][2]:.1f} % returned on new data: {text(gaussians, 'test_error', 100)} %. Random labels "
        f"took {text(random, 'epoch', 1, 'zero')} epochs and real ones {text(real, 'epoch', 1, 'zero')}, {later} (Zhang et al.: "
        f"slower by a small constant factor; measured: {mean_error(*mean_and_error(epochs[random] / epochs[real]))}), random "
        f"inputs {text(inputs, 'epoch', 1, 'zero')}, {sooner} than random labels (Zhang et al.: sooner). Test error at the end: "
        f"{text(real, 'test_error', 100)} % with real labels and {text(random, 'test_error', 100)} % with random ones, where "
        f"chance has {100 * CHANCE:.0f} %. A training input was {text(real, 'distance_median')} from another answer with real "
        f"labels, {text(random, 'distance_median')} with random ones, and {text(random, 'constructed_distance_median')} in the "
        f"network constructed for those, whose {text(random, 'constructed_numbers')} numbers go up to "
        f"{text(random, 'constructed_weight')}: in float64 it was wrong on {text(random, 'constructed_error', 100)} %, in "
        f"float32 on {text(random, 'constructed_error32', 100)} %. The smallest network that fitted {size} samples had "
        f"{' and '.join(mean_error(*mean_and_error(results.needed(kind, size, size))) for kind in PAIR)} weights per sample "
        f"for real and random labels. With flooding no training error was left up to a level of {kept[0]:g} and {kept[1]:g}; at "
        f"{levels[-1]:g} there were {text(('level', REAL, levels[-1]), 'late_train_error', 100)} % and "
        f"{text(('level', RANDOM, levels[-1]), 'late_train_error', 100)} %. Theory: at most level / log 2, exceeded in {over} "
        f"of {len(levels) * 2} cases. Theory: cross-entropy never reaches 0. Measured: at least {number(loss.min())} at the "
        f"end of {len(loss)} runs.")
