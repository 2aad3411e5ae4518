"""Does it make sense to train on after 100 % training accuracy?

Two data sets, each with few and with many wrong labels, are trained with cross-entropy far beyond the first epoch without a
training error. Five ways to choose the model are compared on the same runs: the epoch of zero training error,
patience on the validation loss, patience on the validation error, the end of training, and the end of a second run
with flooding (Ishida et al., ICML 2020), which keeps the training loss near a level instead of letting it go to zero.

Besides test error, test loss and calibration the table shows what still goes on after zero error: margins, the norm of the
gradient, the distance that the parameters still travel, and the share of test predictions that still change.
"""
import math
from dataclasses import dataclass

from ...runs.settings import requirement
from ...runs.sweep import Threads, train_missing
from ...trainers.description import Description, describe
from ...trainers.train import TRAINER
from .images import TITLES, announce, images_of, images_title, short_note, sizes

RUN_TIMES = {"quick": "20 s", "default": "80 s", "full": "25 min"}  # on 2 cores, compilation included
MEASURES = ("errors", "losses", "calibration", "margins", "gradient_norm", "movement", "changed")


@dataclass(frozen=True)
class Config:
    """Settings of zero_loss; the defaults are sized for a coffee break on two cores."""

    seeds: int = 3
    """Runs per case, each with its own data, weights and order; with 3 a difference is clear beyond 4.3 standard errors."""
    gaussian_noise: tuple[float, ...] = (0.01, 0.10)
    """Shares of flipped labels for Two Gaussians: the lowest and the highest of the published table."""
    gaussian_levels: tuple[float, ...] = (0.17, 0.32)
    """Flooding level for each of these shares: the ones chosen in the published table."""
    gaussian_train: int = 100
    """Training (and validation) samples per class, as published: few enough to be memorised completely."""
    gaussian_test: int = 5000
    """Test samples per class: 5000 put the sampling error of the test error near 0.3 points."""
    gaussian_hidden: tuple[int, ...] = (500, 500, 500, 500)
    """Hidden units, as published (here without batch normalisation)."""
    gaussian_epochs: int = 300
    """Far beyond zero training error, which comes after 20 to 50 epochs of one full-batch update each."""
    images: str = "digits"
    """The second data set: digits (embedded), fashion_mnist (embedded in part) or mnist; image_... settings are about it."""
    data_dir: str = ""
    """Folder of the four files of fashion_mnist or mnist; if empty, the one that AFTERZERO_DATA names, the system's, or the
    embedded cut. Runs are known by what the files hold, not by where they are."""
    image_noise: tuple[float, ...] = (0.0, 0.10)
    """Shares of flipped labels for the images: as they are, and with one in ten wrong."""
    image_levels: tuple[float, ...] = (0.02, 0.1, 0.4)
    """Flooding levels to choose from by validation error: up to just below the Bayes cross-entropy 0.54 of 10 % flips."""
    image_train: int = 300
    """Training samples: few, so that the network can memorise wrong labels and generalisation is not saturated."""
    image_validation: int = 0
    """Validation samples; 0: as many as for training, or what a training file has left. The rest of the 1797 digits is their
    test set; fashion_mnist and mnist have a test file, which is used whole."""
    image_hidden: tuple[int, ...] = (128, 128)
    """Hidden units: far more weights than samples."""
    image_batch: int = 32
    """Mini-batch size for the images, the everyday choice; Two Gaussians use the full batch as published."""
    image_epochs: int = 1000
    """Far beyond zero training error, here 10 updates each."""
    learning_rate: float = 1e-3
    """Of Adam, as published."""
    patience: int = 10
    """Checks without improvement before patience stops; checks are log-spaced, so late ones mean more epochs."""
    dense: int = 30
    """Every epoch is checked up to here: the stops of interest lie in this region."""
    growth: float = 1.25
    """Factor between later checks: evaluation must stay cheaper than training."""
    curve_points: int = 2000
    """Test samples used for the curves; final figures use the whole test set."""
    workers: int = 0
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

    def __post_init__(self):
        _check(self)


def _check(config: Config) -> None:
    """Raise ValueError for the first setting out of range."""
    need = requirement(config)

    for name in ("seeds", "gaussian_train", "gaussian_test", "gaussian_epochs", "image_train", "image_batch",
                 "image_epochs", "patience", "dense", "curve_points"):
        need(getattr(config, name) >= 1, name, "a whole number of at least 1")
    for name in ("gaussian_noise", "image_noise"):
        noise = getattr(config, name)
        need(all(0 <= share < 1 for share in noise) and len(set(noise)) == len(noise), name,
             "different shares from 0 to below 1")
    for name in ("gaussian_levels", "image_levels"):
        need(all(0 < level < math.inf for level in getattr(config, name)), name, "levels above 0")
    for name in ("gaussian_hidden", "image_hidden"):
        need(all(units >= 1 for units in getattr(config, name)), name, "whole numbers of at least 1")
    need(len(config.gaussian_levels) == len(config.gaussian_noise), "gaussian_levels", "one level per gaussian_noise")
    need(bool(config.gaussian_noise or config.image_noise), "gaussian_noise", "at least one share here or in image_noise")
    need(bool(config.image_levels), "image_levels", "at least one level")
    need(config.images in TITLES, "images", ", ".join(TITLES))
    need(config.image_validation >= 0, "image_validation", "a whole number, 0 for as many as image_train")
    if config.images == "digits":
        need(not config.data_dir, "data_dir", "a folder with images fashion_mnist or mnist, but none with digits, which are "
             "embedded")
        need(sum(sizes(config, None)) < 1797, "image_train", "less than 1797 with image_validation")
    need(0 < config.learning_rate < math.inf, "learning_rate", "a number above 0")
    need(1 < config.growth < math.inf, "growth", "a number above 1")
    need(config.workers >= 0, "workers", "a whole number, 0 for one per core")


@dataclass(frozen=True)
class Case:
    """One data set with one share of flipped labels.

    Attributes
    ----------
    title : str
        For tables and figures.
    plain : tuple of Description
        One cross-entropy run per seed.
    flooded : tuple of tuple of Description
        Per level, one run per seed.
    note : str
        What a reader must know about the data, or "".
    """

    title: str
    plain: tuple[Description, ...]
    flooded: tuple[tuple[Description, ...], ...]
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
              "metrics": ("margin_min", "margin_median", "gradient_norm", "update_norm")}
    kept = (("zero", "ZeroError()"), ("patience_loss", f"Patience({config.patience})"),
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


def tables(store, config: Config) -> list:
    """One table per case: methods side by side, mean ± standard error over seeds."""
    from .report import case_table, gather

    return [case_table(results) for results in gather(store, config)]


def figures(store, config: Config) -> list:
    """Draw both figures from the store; returns their paths."""
    from .drawing import draw_curves, draw_margins
    from .report import gather

    results = gather(store, config)
    return [*draw_curves(results, store.folder / "zero_loss_curves.png"),
            *draw_margins(results, store.folder / "zero_loss_margins.png")]


def answer(store, config: Config) -> str:
    """Open with yes, no or what it depends on, then answer in three sentences that quote the measured numbers."""
    from .report import gather, sentences

    return " ".join(sentences(gather(store, config)))
