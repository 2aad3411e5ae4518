"""Can any data be fitted to zero error?

Networks fit random labels as they fit real ones (Zhang et al., "Understanding deep learning requires rethinking
generalization", ICLR 2017), and one that fits anything can be written down without training. What tells learning from
memorising: time, size, margins, test error? And where is zero error out of reach, as zero cross-entropy always is?
"""
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np

from ..report import plots
from ..report.arms import Arms, text
from ..report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE, paired
from ..report.panels import lines, points
from ..report.tables import Table
from ..report.words import listed, spread
from ..runs.settings import DIFFERENT, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed
from ..trainers.data_sets import SETS, bayes_figures

RUN_TIMES = {"quick": "15 s", "default": "2 min", "full": "2 h"}  # on 2 cores
REAL, RANDOM = PAIR = "digits", "digits_random_labels"
INPUTS, TWICE, OVERLAPPING = "digits_random_inputs", "digits_two_labels", "two_gaussians"
KINDS = {REAL: "real labels", "digits_shuffled_pixels": "shuffled pixels", "digits_random_pixels": "random pixels",
         INPUTS: "random inputs", RANDOM: "random labels"}
HUES = dict(zip(KINDS, (plots.BLUE, plots.SKY, plots.GREEN, plots.ORANGE, plots.RED), strict=True))
# Labels that are no function of the input, with these shares of noise; what no function beats on new data, %.
FLOORS, NOISE = {TWICE: "one input, two labels", OVERLAPPING: "Two Gaussians"}, {TWICE: 0.2, OVERLAPPING: 0.1}
BAYES = {TWICE: 100 * NOISE[TWICE] / 2, OVERLAPPING: 100 * bayes_figures(OVERLAPPING, NOISE[OVERLAPPING]).noisy_error}
CHANCE = 100 * (1 - 1 / SETS[REAL].classes)  # test error, %
LOG_2 = math.log(2)  # what an error costs at least, for p <= 1/2 then; so a mean loss of b leaves a share b / log 2 at most
FITTED, DISTANCES, CONSTRUCTED = (f"experiments.trainers.memorizing:{one}" for one in ("fitted", "distances", "constructed"))
ROUNDING = {"largest weight": (plots.GREY, "constructed_weight"), "off by, float32": (plots.RED, "constructed_off32"),
            "off by, float64": (plots.BLUE, "constructed_off")}
SAID = {BETTER: "clearly sooner", WORSE: "clearly later", UNCLEAR: "not clearly sooner or later", UNKNOWN: "(no verdict)"}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of memorization."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each network: the same images, initial weights and order. Ten tell epochs apart that differ by a tenth."""
    train: Annotated[int, Range(20, 1000)] = 300
    """Training samples, even: as few as a small network memorises in a second. All other digits are the test set."""
    hidden: Annotated[int, at_least(1)] = 128
    """Units of the one hidden layer: thirty times as many weights as samples."""
    epochs: Annotated[int, at_least(20)] = 400
    """Three times what random labels take."""
    sizes: Annotated[tuple[int, ...], Range(10, 1000), DIFFERENT, SOME] = (50, 100, 200, 400)
    """Numbers of samples for which the smallest network that fits is looked for."""
    widths: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (3, 4, 6, 8, 12, 16, 24, 32)
    """Its numbers of hidden units that are tried, each for three times the epochs: what training finds in that time."""
    levels: Annotated[tuple[float, ...], above(0), DIFFERENT, SOME] = (0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.4, 2.0)
    """Flood levels, from near log 2/N, below which an error is impossible, towards log 10, the loss of a guess."""

    @classmethod
    def quick(cls) -> "Config":
        """Four seeds and a coarse search: shows the direction."""
        return cls(seeds=4, epochs=300, sizes=(50, 200), widths=(3, 6, 12, 24), levels=(0.03, 0.2, 0.8, 2.0))

    @classmethod
    def full(cls) -> "Config":
        """More seeds, sizes, widths and levels, and five times the epochs."""
        return cls(seeds=30, epochs=2000, sizes=(50, 100, 200, 400, 800), widths=(*range(2, 10), *range(10, 50, 2)),
                   levels=(0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0))


def arms(config: Config) -> dict[tuple, list]:
    """Return what is trained, a description per seed: kinds of data, flood levels, sizes and widths, labels by chance."""
    fitted, long, widest = ("errors", "losses", FITTED), 3 * config.epochs, max(config.widths)
    own: dict[tuple, dict] = {("kind", kind): {"measures": (*fitted, "margins", DISTANCES, CONSTRUCTED)} for kind in KINDS}
    own |= {("level", kind, level): {"level": level, "every": 5} for kind in PAIR for level in config.levels}
    own |= {("kind", data): {"noise": noise, "every": 5} for data, noise in NOISE.items()}
    own["kind", OVERLAPPING] |= {"train": config.train // 2, "test": 2500}  # per class
    own |= {("size", kind, size, width): {"train": size, "hidden": (width,), "epochs": long, "every": long, "measures": (
        *fitted, *[CONSTRUCTED] * (kind == RANDOM and width == widest))}
        for kind in PAIR for size in config.sizes for width in config.widths}
    return {arm: per_seed(config.seeds, **{
        "experiment": "memorization", "data": arm[1], "train": config.train, "hidden": (config.hidden,),
        "epochs": config.epochs, "batch_size": 50, "learning_rate": 3e-3, "dense": 20, "growth": 1.1, "measures": fitted,
        "models": (("zero", "zero error"), ("end", "end")), **settings}) for arm, settings in own.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some])


def gather(store: Store, config: Config) -> Arms:
    """Load everything; raises StoreError when runs are missing."""
    return Arms.load(store, config, arms(config))


def needed(results: Arms, kind: str, size: int, per: float = 1.0) -> np.ndarray:
    """Weights (seeds,) of the smallest network that reached zero error; NaN: none did."""
    return np.fmin.reduce([results.at(("size", kind, size, w), "weights", 1 / per, "zero") for w in results.config.widths])


def tables(results: Arms) -> list[Table]:
    """What was fitted and how; the constructed network; what just fits; flooding; where zero is out of reach."""
    config, at, table = results.config, results.at, results.table

    def rows(names: dict, *figures: tuple) -> dict[str, list]:
        return {name: [at(("kind", data), *figure) for figure in figures] for data, name in names.items()}
    return [
        table(f"{config.train} digits, {config.hidden} hidden units", "data; zero at epoch; test error, %; training loss; "
              "smallest margin, then; end; distance, then; end", rows(
                  KINDS, ("epoch", 1, "zero"), ("test_error", 100), ("train_loss",), ("margin_min", 1, "zero"),
                  ("margin_min",), ("distance_median", 1, "zero"), ("distance_median",)),
              "then: first epoch without an error; distance: of the median training input to another answer (first order)"),
        table("The constructed network for the same data", "data; numbers; largest; wrong, %; float32; off by; float32; "
              "test error, %; margin; distance", rows(KINDS, *((f"constructed_{one}", factor) for one, factor in (
                  ("numbers", 1), ("weight", 1), ("error", 100), ("error32", 100), ("off", 1), ("off32", 1),
                  ("test_error", 100), ("margin", 1), ("distance_median", 1)))),
              "numbers: 2n + d. Off by: largest error of what is to be the number of the class; from 1/2 on it is wrong."),
        table("The smallest network that fits", "labels, samples; weights; per sample", {f"{KINDS[kind]}, {size}": [
            needed(results, kind, size, per) for per in (1, size)] for kind in PAIR for size in config.sizes},
            f"of {listed(map(str, config.widths))} hidden units, within {3 * config.epochs} epochs"),
        table("Flooding: training error, %", f"level; {'; '.join(KINDS[kind] for kind in PAIR)}; at most", {f"{level:g}": [
            *(at(("level", kind, level), "late_train_error", 100) for kind in PAIR), 100 * min(level / LOG_2, 1)]
            for level in config.levels}, "over the second half of the epochs; at most: level / log 2"),
        table("Where the label is no function of the input", "data; lowest training error, %; least possible; training "
              "loss; least possible; test error, %", rows(FLOORS, ("lowest_train_error", 100), ("least_error", 100), (
                  "train_loss",), ("least_loss",), ("test_error", 100)), "least possible: by any function of the input, on "
              f"these samples; error on new ones, %: {listed(f'{BAYES[data]:.1f} ({FLOORS[data]})' for data in FLOORS)}")]


def figures(results: Arms, folder: Path) -> list:
    """Draw how kinds of data are fitted, what it takes, and where zero error is out of reach."""
    config, at, hues = results.config, results.at, list(HUES.values())
    sizes, levels, widest = np.sort(config.sizes), np.sort(config.levels), max(config.widths)
    course, growing, flooded = (partial(lines, x=x, x_label=f"{label} (log)") for x, label in (
        (results.runs["kind", REAL].curves("epoch")[0], "epoch"), (sizes, "training samples n"), (levels, "flood level")))

    def curves(figure: str, factor: float = 1.0) -> dict:
        return {KINDS[kind]: (hue, results.runs["kind", kind].curves(figure, factor).T) for kind, hue in HUES.items()}

    def grouped(names: dict, *groups: tuple) -> dict:
        return {"names": list(names.values()), "groups": {label: (marker, [
            at(("kind", data), figure, factor) for data in names]) for label, marker, figure, factor in groups}}
    pages = {"": (f"Fitting {config.train} digits, real and not", [
        [partial(course, series=curves("train_error", 100), title="training error, %", log="x", markers=False),
         partial(points, hues=hues, title="test error at the end, %", bound=("chance", [CHANCE] * len(KINDS)), **grouped(
             KINDS, ("", "o", "test_error", 100)))],
        [partial(course, series=curves("train_loss"), title="training loss, nats (log)", log="xy", markers=False),
         partial(points, hues=hues, title="distance to another answer (log)", log="y", **grouped(KINDS, (
             "trained", "o", "distance_median", 1), ("constructed", "x", "constructed_distance_median", 1)))]]),
        "_limits": ("What it takes, and where it is out of reach", [
            [partial(growing, series={KINDS[kind]: (HUES[kind], [needed(results, kind, size) for size in sizes])
                                      for kind in PAIR}, title="weights of the smallest network (log)", log="xy",
                     bound=("constructed: 2n + d", 2 * sizes + SETS[REAL].inputs)),
             partial(growing, series={label: (hue, [at(("size", RANDOM, size, widest), one) for size in sizes])
                                      for label, (hue, one) in ROUNDING.items()}, log="xy",
                     title="constructed network (log)", bound=("wrong from here", [0.5] * len(sizes)), legend=2)],
            [partial(flooded, series={KINDS[kind]: (HUES[kind], [at(("level", kind, level), "late_train_error", 100)
                                                                 for level in levels]) for kind in PAIR}, log="x",
                     title="flooding: training error, %", bound=("level / log 2", 100 * np.minimum(levels / LOG_2, 1))),
             partial(points, hues=[plots.PURPLE, plots.GREEN], title="labels by chance: error, %", bound=(
                 "Bayes error", list(BAYES.values())), **grouped(
                     FLOORS, ("training, lowest", "o", "lowest_train_error", 100), ("test", "s", "test_error", 100)))]])}
    return [path for name, (title, panels) in pages.items() for path in plots.page(
        folder / f"memorization{name}.png", panels, size=(8.4, 7), title=f"{title} ({spread(config.seeds, 'seed')})")]


def answer(results: Arms) -> str:
    """Open with yes, no or what it depends on; then what memorising took, and what theory says of it."""
    config, at, size, names = results.config, results.at, max(results.config.sizes), KINDS | FLOORS
    zero = {data: at(("kind", data), "epoch", 1, "zero") for data in names}
    fits = {data: int(np.isfinite(epochs).sum()) for data, epochs in zero.items()}
    start = ("No." if not any(fits.values()) else "It depends on the data and on training." if any(
        count < config.seeds for data, count in fits.items() if data != TWICE) else
        "Yes." if fits[TWICE] else "Yes, if equal inputs have equal labels.")
    later, sooner = (SAID[paired(zero[a], zero[b], comparisons=2).verdict] for a, b in ((REAL, RANDOM), (RANDOM, INPUTS)))
    kept = [max([0, *(level for level in config.levels if not any(
        at(("level", kind, low), "late_train_error").any() for low in config.levels if low <= level))]) for kind in PAIR]
    wrong = [max(at(("kind", kind), f"constructed_error{end}", 100).max() for kind in KINDS) for end in ("", "32")]
    losses = np.concatenate([at(arm, "train_loss") for arm in results.runs])

    def of(figure: str, *data: str, factor: float = 100.0) -> str:
        return listed(results.text(("kind", one), figure, factor) for one in data)
    return (
        f"{start} Zero training error was reached, of {config.seeds} runs each, by "
        f"{listed(f'{count} on {names[data]}' for data, count in fits.items())}. With two labels for one input no function "
        f"is wrong on less than {of('least_error', TWICE)} %; the least error was {of('lowest_train_error', TWICE)} %. "
        f"Random labels took {text(zero[RANDOM] / zero[REAL])} times the epochs of real ones, {later} (Zhang et al.: a "
        f"small constant factor), random inputs were fitted {sooner} than random labels (Zhang et al.: sooner). Test error "
        f"with real and random labels: {of('test_error', REAL, RANDOM)} % (chance: {CHANCE:.0f} %). The median training "
        f"input was {of('distance_median', REAL, RANDOM, INPUTS, factor=1)} from another answer with real labels, random "
        f"labels, random inputs; {of('constructed_distance_median', RANDOM, factor=1)} in networks constructed for random "
        f"labels, whose 2n + d numbers go up to {at(('kind', RANDOM), 'constructed_weight').mean():.1e}. Those constructed "
        f"were wrong on at most {wrong[0]:.2g} % in float64, {wrong[1]:.2g} % in float32. The smallest trained to fit "
        f"{size} samples had {listed(text(needed(results, kind, size, size)) for kind in PAIR)} weights per sample (real, "
        f"random labels). Flooding left no training error up to levels of {kept[0]:g} and {kept[1]:g}. Cross-entropy was "
        f"{losses.min():.2g} or more at the end of all {len(losses)} runs (theory: above 0).")
