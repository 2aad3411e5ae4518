"""The cases of zero_loss: settings, what is trained, and what came of it."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, NamedTuple

from ...report.levels import Levels
from ...report.measured import Measured, load
from ...report.methods import Methods
from ...runs.settings import DIFFERENT, SHARE, SOME, above, at_least
from ...runs.store import Store
from ...trainers.asking import OnThreads, per_seed
from ...trainers.description import Description
from ...trainers.flipped import Flipped
from ...trainers.image_settings import ImageSettings, announce, images_of, pictures

SEEDS = 10  # that differences of a point of test error take
MEASURES = ("errors", "losses", "calibration", "margins", "gradient_norm", "movement", "changed")
METHODS = {"zero": "zero error", "patience_loss": "patience: loss", "patience_error": "patience: error", "end": "to the end",
           "flood": "flooding"}


@dataclass(frozen=True)
class Config(ImageSettings, OnThreads):
    """Settings of zero_loss; the defaults are sized for a coffee break on two cores."""

    seeds: Annotated[int, at_least(1)] = SEEDS
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
    image_noise: Annotated[tuple[float, ...], SHARE, DIFFERENT] = (0.0, 0.10)
    """Shares of flipped labels for the images: as they are, and with one in ten wrong."""
    image_levels: Annotated[tuple[float, ...], above(0), SOME] = (0.02, 0.05, 0.1, 0.2, 0.4)
    """Flooding levels, of which one is chosen for all seeds: up to just below the Bayes cross-entropy 0.54 of 10 % flips."""
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
    """Every epoch is checked up to here, where patience stops; zero error is found whenever the checks are."""
    growth: Annotated[float, above(1)] = 1.25
    """Factor between later checks: evaluation must stay cheaper than training."""
    curve_points: Annotated[int, at_least(1)] = 1000
    """Test samples used for the curves; final figures use the whole test set."""

    @classmethod
    def quick(cls) -> "Config":
        """Two seeds, which cannot tell, and short runs."""
        return cls(seeds=2, gaussian_epochs=60, image_epochs=120, image_levels=(0.1, 0.4), gaussian_test=500,
                   curve_points=250, dense=12, growth=1.6)

    @classmethod
    def full(cls) -> "Config":
        """More seeds, more epochs, the published test set, a finer list of levels."""
        return cls(seeds=20, gaussian_epochs=2000, image_epochs=5000, gaussian_test=10_000, growth=1.15,
                   image_levels=(0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5))

    def related(self, need: Callable[..., None]) -> None:
        """A level per share, something to train, and enough images."""
        need(len(self.gaussian_levels) == len(self.gaussian_noise), "gaussian_levels", "one level per gaussian_noise")
        need(bool(self.gaussian_noise or self.image_noise), "gaussian_noise", "at least one share here or in image_noise")
        super().related(need)


class Case(NamedTuple):
    """One data set and share of flips: title, plain runs per seed, flooded ones per level and seed, a note on the data."""

    title: str
    where: Flipped
    plain: Sequence[Description]
    flooded: Sequence[Sequence[Description]]
    note: str = ""


def cases(config: Config) -> list[Case]:
    """All cases of a configuration with the runs that each needs; raises SettingError as `pictures` does."""
    images = pictures(config)
    shared = {"experiment": "zero_loss", "learning_rate": config.learning_rate, "dense": config.dense,
              "growth": config.growth, "curve_points": config.curve_points, "measures": MEASURES,
              "metrics": ("margin_min", "margin_median")}
    gaussians = {"data": "two_gaussians", "train": config.gaussian_train, "validation": config.gaussian_train,
                 "test": config.gaussian_test, "hidden": config.gaussian_hidden, "epochs": config.gaussian_epochs, **shared}
    classes = {**images.settings, "hidden": config.image_hidden, "batch_size": config.image_batch,
               "epochs": config.image_epochs, **shared}
    kept = (("zero", "zero error"), ("patience_loss", f"Patience({config.patience})"),
            ("patience_error", f"Patience({config.patience}, monitor='val_error')"), ("ten", "10 * zero"), ("end", "end"))

    def case(title: str, noise: float, levels: Sequence[float], fixed: dict[str, Any], note: str = "") -> Case:
        some = partial(per_seed, config.seeds, noise=noise, **fixed)
        return Case(f"{title}, {100 * noise:.0f} % flipped labels" if noise else f"{title}, labels as they are",
                    Flipped(fixed["data"], noise), some(level=0.0, models=kept),
                    [some(level=level, models=(("end", "end"),)) for level in levels], note)

    pairs = zip(config.gaussian_noise, config.gaussian_levels, strict=True)
    return [*(case("Two Gaussians", noise, (level,), gaussians) for noise, level in pairs),
            *(case(images.title, noise, config.image_levels, classes, images.note) for noise in config.image_noise)]


def runs(config: Config) -> list[Description]:
    """All runs; raises SettingError as `cases` does."""
    return [one for case in cases(config) for some in (case.plain, *case.flooded) for one in some]


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet; raises SettingError before any training."""
    wanted = runs(config)
    announce(images_of(config))
    config.train_all(store, wanted)


@dataclass(frozen=True)
class Results(Methods):
    """The methods of a case, and its flooded runs with the level that was chosen for all seeds."""

    case: Case
    flooding: Levels

    @classmethod
    def of(cls, case: Case, plain: Measured, flooded: Sequence[Measured]) -> "Results":
        """Choose the level."""
        levels = Levels.of([some[0].loss.level for some in case.flooded], flooded)
        return cls(case.title, {method: (plain, method) for method in METHODS} | {"flood": (levels.chosen, "end")}, case,
                   levels)

    @property
    def reached(self) -> int:
        """Seeds that reached zero training error."""
        return sum(value == value for value in self.values("zero", "epoch"))


def gather(store: Store, config: Config) -> list[Results]:
    """Load all runs and choose levels; raises StoreError when a run is missing."""
    return [Results.of(case, load(store, case.plain), [load(store, some) for some in case.flooded])
            for case in cases(config)]
