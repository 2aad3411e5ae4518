"""Does it make sense to train on after 100 % training accuracy?

Two data sets, each with few and with many wrong labels, are trained with cross-entropy far beyond the first epoch without a
training error. Five ways to choose the model are compared on the same runs: the epoch of zero training error,
patience on the validation loss, patience on the validation error, the end of training, and the end of a second run
with flooding (Ishida et al., ICML 2020), which keeps the training loss near a level instead of letting it go to zero.

Besides test error, test loss and calibration the table shows what still goes on after zero error: margins, the norm of the
gradient, the distance that the parameters still travel, and the share of test predictions that still change.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from ...data import two_gaussians_bayes
from ...report.compare import Difference, mean_and_error, paired
from ...report.measured import Measured, load
from ...report.tables import Table
from ...report.words import spread
from ...runs.settings import DIFFERENT, SHARE, SOME, Settings, above, at_least, choice
from ...runs.sweep import Threads, train_missing
from ...trainers.description import Description, describe
from ...trainers.train import TRAINER
from .images import TITLES, announce, images_of, images_title, short_note, sizes

RUN_TIMES = {"quick": "20 s", "default": "80 s", "full": "25 min"}  # on 2 cores, compilation included
MEASURES = ("errors", "losses", "calibration", "margins", "gradient_norm", "movement", "changed")
METHODS = {"zero": "zero error", "patience_loss": "patience: loss", "patience_error": "patience: error", "end": "to the end",
           "flood": "flooding"}
# Figure, name of the row, factor for display.
ROWS = (("epoch", "epoch", 1), ("test_error", "test error, %", 100), ("test_error_clean", "... on true labels, %", 100),
        ("test_loss", "test loss", 1), ("calibration_error", "calibration error, %", 100),
        ("train_error", "training error, %", 100), ("margin_min", "smallest margin", 1),
        ("margin_median", "median margin", 1), ("gradient_norm", "gradient norm", 1),
        ("movement", "weights still move, %", 100), ("changed", "predictions change, %", 100))
CHOSEN = "chosen by validation error for each seed"


@dataclass(frozen=True)
class Config(Settings):
    """Settings of zero_loss; the defaults are sized for a coffee break on two cores."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs per case, each with its own data, weights and order; with 3, differences of a point of error stay unseen."""
    gaussian_noise: Annotated[tuple[float, ...], SHARE, DIFFERENT] = (0.01, 0.10)
    """Shares of flipped labels for Two Gaussians: the lowest and the highest of the published table."""
    gaussian_levels: Annotated[tuple[float, ...], above(0)] = (0.17, 0.32)
    """Flooding level for each of these shares: the ones chosen in the published table."""
    gaussian_train: Annotated[int, at_least(1)] = 100
    """Training (and validation) samples per class, as published: few enough to be memorised completely."""
    gaussian_test: Annotated[int, at_least(1)] = 5000
    """Test samples per class: 5000 put the sampling error of the test error near 0.3 points."""
    gaussian_hidden: Annotated[tuple[int, ...], at_least(1)] = (500, 500, 500, 500)
    """Hidden units, as published (here without batch normalisation)."""
    gaussian_epochs: Annotated[int, at_least(1)] = 300
    """Far beyond zero training error, which comes after 20 to 50 epochs of one full-batch update each."""
    images: Annotated[str, choice(*TITLES)] = "digits"
    """The second data set: digits (embedded), fashion_mnist (embedded in part) or mnist; image_... settings are about it."""
    data_dir: str = ""
    """Folder of the four files of fashion_mnist or mnist; if empty, the one that AFTERZERO_DATA names, the system's, or the
    embedded cut. Runs are known by what the files hold, not by where they are."""
    image_noise: Annotated[tuple[float, ...], SHARE, DIFFERENT] = (0.0, 0.10)
    """Shares of flipped labels for the images: as they are, and with one in ten wrong."""
    image_levels: Annotated[tuple[float, ...], above(0), SOME] = (0.02, 0.05, 0.1, 0.2, 0.4)
    """Flooding levels to choose from by validation error: up to just below the Bayes cross-entropy 0.54 of 10 % flips."""
    image_train: Annotated[int, at_least(1)] = 300
    """Training samples: few, so that the network can memorise wrong labels and generalisation is not saturated."""
    image_validation: Annotated[int, at_least(0, "0 for as many as image_train")] = 0
    """Validation samples; 0: as many as for training, or what a training file has left. The rest of the 1797 digits is their
    test set; fashion_mnist and mnist have a test file, which is used whole."""
    image_hidden: Annotated[tuple[int, ...], at_least(1)] = (128, 128)
    """Hidden units: far more weights than samples."""
    image_batch: Annotated[int, at_least(1)] = 32
    """Mini-batch size for the images, the everyday choice; Two Gaussians use the full batch as published."""
    image_epochs: Annotated[int, at_least(1)] = 1000
    """Far beyond zero training error, here 10 updates each."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, as published."""
    patience: Annotated[int, at_least(1)] = 10
    """Checks without improvement before patience stops; checks are log-spaced, so late ones mean more epochs."""
    dense: Annotated[int, at_least(1)] = 30
    """Every epoch is checked up to here: the stops of interest lie in this region."""
    growth: Annotated[float, above(1)] = 1.25
    """Factor between later checks: evaluation must stay cheaper than training."""
    curve_points: Annotated[int, at_least(1)] = 1000
    """Test samples used for the curves; final figures use the whole test set."""
    workers: Annotated[int, at_least(0, "0 for one per core")] = 0
    """Runs trained at the same time; 0 takes one per core. Results do not depend on it."""

    @classmethod
    def quick(cls) -> "Config":
        """Two seeds and short runs: shows the effect, not its size."""
        return cls(seeds=2, gaussian_epochs=60, image_epochs=120, image_levels=(0.1, 0.4), gaussian_test=500,
                   curve_points=250, dense=12, growth=1.6)

    @classmethod
    def full(cls) -> "Config":
        """More seeds, more epochs, the published test set, a finer list of levels."""
        return cls(seeds=10, gaussian_epochs=2000, image_epochs=5000, gaussian_test=10_000, growth=1.15,
                   image_levels=(0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5))

    def related(self, need):
        """A level per share, something to train, and enough digits."""
        need(len(self.gaussian_levels) == len(self.gaussian_noise), "gaussian_levels", "one level per gaussian_noise")
        need(bool(self.gaussian_noise or self.image_noise), "gaussian_noise", "at least one share here or in image_noise")
        if self.images == "digits":
            need(not self.data_dir, "data_dir",
                 "a folder with images fashion_mnist or mnist, but none with digits, which are embedded")
            need(sum(sizes(self, None)) < 1797, "image_train", "less than 1797 with image_validation")


class Case(NamedTuple):
    """One data set and share of flips: title, plain runs per seed, flooded ones per level and seed, a note on the data."""

    title: str
    plain: Sequence[Description]
    flooded: Sequence[Sequence[Description]]
    note: str = ""


def cases(config: Config) -> list[Case]:
    """All cases of a configuration with the runs that each needs.

    Raises
    ------
    SettingError
        When image files are missing or damaged, or have too few images. They are read once per process.
    """
    images = images_of(config)
    training, validation = sizes(config, images)
    shared = {"experiment": "zero_loss", "learning_rate": config.learning_rate, "dense": config.dense,
              "growth": config.growth, "curve_points": config.curve_points, "measures": MEASURES,
              "metrics": ("margin_min", "margin_median")}
    kept = (("zero", "zero error"), ("patience_loss", f"Patience({config.patience})"),
            ("patience_error", f"Patience({config.patience}, monitor='val_error')"), ("ten", "10 * zero"), ("end", "end"))
    gaussians = {"data": "two_gaussians", "train": config.gaussian_train, "validation": config.gaussian_train,
                 "test": config.gaussian_test, "hidden": config.gaussian_hidden, "batch_size": 0,
                 "epochs": config.gaussian_epochs, **shared}
    pictures = {"data": config.images, "train": training, "validation": validation, "test": 0, "hidden": config.image_hidden,
                "batch_size": config.image_batch, "epochs": config.image_epochs,
                "files": "" if images is None else images.fingerprint, **shared}

    def case(title, noise, levels, fixed, note=""):
        def runs(level, models=(("end", "end"),)):
            return tuple(describe(noise=noise, level=level, seed=seed, models=models, **fixed)
                         for seed in range(config.seeds))
        return Case(f"{title}, {noise:.0%} flipped labels" if noise else f"{title}, labels as they are",
                    runs(0.0, kept), tuple(runs(level) for level in levels), note)

    pairs = zip(config.gaussian_noise, config.gaussian_levels, strict=True)
    return [*(case("Two Gaussians", noise, (level,), gaussians) for noise, level in pairs),
            *(case(images_title(config, images), noise, config.image_levels, pictures, short_note(images))
              for noise in config.image_noise)]


def run(config: Config, store) -> None:
    """Train every run that the store does not have yet; raises SettingError as `cases` does, before any training."""
    found = cases(config)
    announce(images_of(config))
    runs = [spec.settings() for case in found for specs in (case.plain, *case.flooded) for spec in specs]
    train_missing(store, runs, TRAINER, Threads(config.workers), "training")


@dataclass(frozen=True)
class Results:
    """One case with its finished runs: cross-entropy, flooding with the levels that validation chose, and these levels."""

    case: Case
    plain: Measured
    flooded: Measured
    levels: Sequence[float]

    def of(self, method: str) -> tuple[Measured, str]:
        """The runs of a method, and the rule whose models are meant."""
        return (self.flooded, "end") if method == "flood" else (self.plain, method)

    def values(self, method: str, figure: str, factor: float = 1.0) -> np.ndarray:
        """One figure of one method for all seeds, shape (seeds,); NaN where the rule never fired."""
        runs, rule = self.of(method)
        return runs.values(f"{rule}.{figure}", factor)

    def mean(self, method: str, figure: str) -> float:
        """Mean over the seeds for which the rule fired."""
        return mean_and_error(self.values(method, figure))[0]

    def compared(self, before: str, after: str, figure: str) -> Difference:
        """What one method is compared with another."""
        return paired(self.values(before, figure), self.values(after, figure))

    @property
    def reached(self) -> int:
        """Seeds that reached zero training error."""
        return int(np.sum(~np.isnan(self.values("zero", "epoch"))))


def gather(store, config: Config) -> list[Results]:
    """Load all runs and choose the flooding level of each seed; raises StoreError when a run is missing."""
    results = []
    for case in cases(config):
        levels = [load(store, specs) for specs in case.flooded]
        # Lowest validation error at the end; the validation loss decides between equals. (seeds,)
        losses, errors = ([one.values(f"end.{name}") for one in levels] for name in ("val_loss", "val_error"))
        chosen = np.lexsort((losses, errors), axis=0)[0]
        results.append(Results(case, load(store, case.plain),
                               Measured([levels[level].runs[seed] for seed, level in enumerate(chosen)]),
                               [case.flooded[level][0].loss.level for level in chosen]))
    return results


def tables(results: Sequence[Results]) -> list[Table]:
    """One table per case: methods side by side, mean ± standard error over seeds."""
    return [_table(one) for one in results]


def _table(results: Results) -> Table:
    data, seeds = results.case.plain[0].data, len(results.case.plain)
    # Without flips both rows of test errors are the same.
    rows = [(title, *(runs.text(f"{rule}.{figure}", factor) for runs, rule in map(results.of, METHODS)))
            for figure, title, factor in ROWS if data.noise > 0 or figure != "test_error_clean"]
    levels = ", ".join(f"{level:g}" for level in sorted(set(results.levels)))
    notes = [results.case.note] * bool(results.case.note) + [
        f"flooding level {levels} ({'fixed' if len(results.case.flooded) == 1 else CHOSEN})"]
    if data.data == "two_gaussians":
        best = two_gaussians_bayes(noise=data.noise)
        notes.append(f"best possible: test error {best.noisy_error:.1%}, on true labels {best.clean_error:.1%}, "
                     f"test loss {best.cross_entropy:.3f}")
    if results.reached < seeds:
        notes.append(f"zero training error was reached by {results.reached} of {seeds} seeds; its column is about these")
    return Table(f"{results.case.title} ({spread(seeds, 'seed')})", ("", *METHODS.values()), rows, "\n".join(notes))


def figures(results: Sequence[Results], folder) -> list:
    """Draw both figures."""
    from .drawing import draw_curves, draw_margins

    return [*draw_curves(results, folder / "zero_loss_curves.png"), *draw_margins(results, folder / "zero_loss_margins.png")]


def answer(results: Sequence[Results]) -> str:
    """Open with yes, no or what it depends on, then answer in three sentences that quote the measured numbers."""
    from .sentences import sentences

    return " ".join(sentences(results))
