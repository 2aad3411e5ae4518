"""Does dropout help after training accuracy is 100 %? Which regulariser controls the training loss at a preset level?

Dropout (Srivastava et al., JMLR 2014) is usually there from the start; here it also begins at the first epoch without a
training error, beside a network that goes on without. Flooding (Ishida et al., ICML 2020) promises a training loss at a
preset level; what others leave depends on data and network. All have as many tries, chosen by validation.
"""
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ..report.measured import load
from ..report.regularizing import (
    AT_LEVEL,
    DROPOUT,
    EARLY,
    FLOODING,
    LATE_DROPOUT,
    LATE_PLAIN,
    NONE,
    Results,
    level_table,
    matrix,
    pages,
    replayed,
    said,
)
from ..report.tables import Table
from ..report.tuned import Tuned
from ..runs.settings import DIFFERENT, SHARE, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.flipped import TITLES
from ..trainers.regularized import TRAINER, Regularized

RUN_TIMES = {"quick": "30 s", "default": "2 min 10 s", "full": "30 min"}  # on 2 cores
KINDS = {"L1": "l1", "L2": "l2", DROPOUT: "dropout", "label smoothing": "smoothing", "confidence penalty": "confidence",
         "input noise": "noise", "mixup": "mixup", "shifts": "shift", FLOODING: "flooding"}
# Noise on units and on inputs; small weights and soft targets; whether a level is kept where there is noise.
PAIRS = (("dropout", "input noise"), ("L2", "label smoothing"), ("dropout", FLOODING))
Three = Annotated[tuple[float, float, float], above(0), DIFFERENT]
Shares = Annotated[tuple[float, float, float], Range(0, 1, beyond=True, below=True), DIFFERENT]


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of regularizers; each method has three strengths, and a pair the three of both, weakest with weakest."""

    seeds: Annotated[int, at_least(1)] = 8
    """Runs of each strength: other samples, weights, orders. Paired, they resolve about 1.5 points of test error."""
    train: Annotated[int, at_least(20)] = 200
    """Training samples: few, so that there is something to gain."""
    validation: Annotated[int, at_least(10)] = 150
    """Clean samples that choose strengths, by error, then loss, mean over all seeds; test samples never do."""
    noise: Annotated[tuple[float, ...], SHARE, DIFFERENT, SOME] = (0.0, 0.10)
    """Shares of flipped training labels of digits; the cut of Fashion-MNIST, on which much is left to learn, has none."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (64,)
    """Hidden units: more weights than it takes to fit flipped labels."""
    epochs: Annotated[int, at_least(1)] = 120
    """Plain training has long been at 100 %; as many again where dropout begins late."""
    batch_size: Annotated[int, at_least(1)] = 20
    """Ten updates per epoch."""
    learning_rate: Annotated[float, above(0)] = 4e-3
    """Of Adam; flipped labels are fitted within the first half of the epochs."""
    level: Annotated[float, above(0, 1)] = 0.1
    """The preset level: between plain training's last loss and that of guessing. Flooding tries 0.3, 1 and 3 times it."""
    l1: Three = (3e-4, 1e-3, 3e-3)
    """Of the sum of absolute weights: from hardly felt to training errors."""
    l2: Three = (3e-3, 1e-2, 3e-2)
    """Of half the squared norm; likewise."""
    dropout: Shares = (0.2, 0.5, 0.8)
    """Rates: the usual one and one on each side."""
    smoothing: Shares = (0.03, 0.1, 0.3)
    """Label smoothing: likewise."""
    confidence: Three = (0.03, 0.1, 0.3)
    """Strength of the confidence penalty: likewise."""
    deviations: Three = (0.1, 0.3, 0.5)
    """Of input noise; pixels lie between 0 and 1."""
    mixup: Three = (0.1, 0.3, 1.0)
    """Alpha, within what its authors take."""
    shift: Three = (1.0, 2.0, 3.0)
    """Whole pixels: there are no smaller ones."""
    patience: Three = (3.0, 6.0, 12.0)
    """Checks without a better validation loss, of the plain run as recorded: its best model is taken."""

    @classmethod
    def quick(cls) -> "Config":
        """Three seeds, digits with flips and Fashion-MNIST: shows the direction."""
        return cls(seeds=3, noise=(0.10,), epochs=60)

    @classmethod
    def full(cls) -> "Config":
        """More seeds, longer runs."""
        return cls(seeds=40, epochs=400)

    def related(self, need: Any) -> None:
        """The cut has 500 images for training and validation; pixels and patience are whole."""
        need(self.train + self.validation <= 500, "train", "with `validation` at most 500, the images of the cut")
        for name in ("shift", "patience"):
            need(all(float(one).is_integer() for one in getattr(self, name)), name, "whole numbers")

    def strengths(self, name: str) -> tuple[float, ...]:
        """Of a regulariser."""
        if name == FLOODING:
            return tuple(round(factor * self.level, 6) for factor in (0.3, 1, 3))
        return getattr(self, {"noise": "deviations"}.get(KINDS[name], KINDS[name]))


def arms(config: Config, data: str, noise: float) -> dict[str, dict[float, list[Regularized]]]:
    """Return what is trained in one case: of every method, by strength (of a pair: its first one's), a run per seed."""
    def runs(*parts: tuple[str, float], late: bool = False) -> list[Regularized]:
        return [Regularized("regularizers", seed, data, config.train, config.validation, noise, config.hidden, parts, late,
                            config.epochs, config.batch_size, config.learning_rate) for seed in range(config.seeds)]

    found = {NONE: {0.0: runs()}}
    for names in (*((name,) for name in KINDS), *PAIRS):
        found[" + ".join(names)] = {some[0]: runs(*zip((KINDS[name] for name in names), some, strict=True))
                                    for some in zip(*map(config.strengths, names), strict=True)}
    late = {rate: runs(("dropout", rate), late=True) for rate in config.dropout}
    return found | {LATE_PLAIN: {0.0: runs(late=True)}, LATE_DROPOUT: late}


def cases_of(config: Config) -> list[tuple[str, float]]:
    """Data sets and shares of flipped labels."""
    return [*(("digits", noise) for noise in config.noise), ("fashion_mnist", 0.0)]


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for case in cases_of(config) for grid in arms(config, *case).values()
                             for some in grid.values() for one in some], TRAINER)


def gather(store: Store, config: Config) -> Results:
    """Load everything, replay the criteria; raises StoreError when runs are missing."""
    from stopping import Patience, Target

    grids = []
    for case in cases_of(config):
        grid: dict = {name: {one: load(store, some) for one, some in runs.items()}
                      for name, runs in arms(config, *case).items()}
        plain = grid[NONE][0.0]
        grid[EARLY] = {one: replayed(plain, Patience(int(one), "val_loss")) for one in config.patience}
        grid[AT_LEVEL] = {config.level: replayed(plain, Target(config.level, "train_loss"))}
        grids.append(grid)
    titles = [TITLES[data] + (f", {100 * noise:g} % flipped" if noise else "") for data, noise in cases_of(config)]
    return Results(config.level, config.seeds, list(map(Tuned.of, titles, grids)), grids)


def tables(results: Results) -> list[Table]:
    """The matrix of each case, and how well each method keeps the level."""
    return [*matrix(results), level_table(results)]


def figures(results: Results, folder: Path) -> list[Path]:
    """Draw the matrix, what late dropout changes, and the final training losses about the level."""
    return pages(results, folder)


def answer(results: Results) -> str:
    """Open with late dropout; then the level; then the matrix."""
    return said(results)
