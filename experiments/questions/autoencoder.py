"""When to stop a deep autoencoder? Does better reconstruction mean better classification?

Autoencoders of digits and of the embedded cut of Fashion-MNIST are watched while they train: reconstruction of training,
validation and test images, and how well a linear classifier of the code, trained to its optimum on 200 labels, does. Deep
networks stand still for long (Hinton and Salakhutdinov, Science 313, 2006: with small weights, gradients in the early
layers are tiny): at a plateau, copies go on at other learning rates. Then it is asked which rules would have stopped where.
"""
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..report import plots
from ..report.measured import Measured, load_all
from ..report.reconstruction import LATE, RULES, Outcome, Told, at_best, outcome, over_sizes, over_time, told
from ..report.reconstruction_panels import accuracy_panel, errors_panel, plane_panel, rates_panel, rules_panel
from ..report.reconstruction_words import halving, leaving, opened, plateaus, rules, useful
from ..report.tables import Table
from ..report.words import counted, interval, paragraph, spread
from ..runs.settings import DIFFERENT, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.autoencoding import TRAINER, Autoencoder

RUN_TIMES = {"quick": "20 s", "default": "2 min", "full": "20 min"}  # on 2 cores
DATA = {"digits": "digits", "fashion_mnist": "Fashion-MNIST"}
SIZES = {"digits": (500, 200), "fashion_mnist": (400, 100)}  # training and validation samples; the cut has 500 of both
PLAIN, SLOW, REDUCED = "tanh, Adam", "sigmoid, SGD", "sigmoid, rate halved"
HUES = {PLAIN: plots.RED, REDUCED: plots.BLUE, SLOW: plots.ORANGE}  # the slow one on top: often the rate never changes


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of autoencoder."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each network: other images, weights, orders. The accuracy of one run is known to 2 points, so its rank
    correlations scatter by 0.2."""
    codes: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (2, 4, 8, 16, 32)
    """Units of the code, for how networks of different codes compare; the last but one is that of all other figures."""
    hidden: Annotated[tuple[int, ...], at_least(1)] = (64, 32)
    """Units of the encoder's layers; six layers of weights with the decoder, deep enough to stand still."""
    labelled: Annotated[int, Range(10, 400)] = 200
    """Training samples whose labels the classifier of the code knows: few, which is when one learns codes."""
    epochs: Annotated[int, at_least(40)] = 600
    """With tanh and Adam validation error is lowest before that, and slow networks have left their first plateau."""
    batch_size: Annotated[int, at_least(1)] = 20
    """Twenty to twenty-five updates per epoch."""
    adam_rate: Annotated[float, above(0)] = 2e-3
    """Of the networks of tanh units."""
    sgd_rate: Annotated[float, above(0)] = 0.02
    """Of the slow ones, with momentum 0.9: at five times as much they do not leave the first plateau in 300 epochs."""
    every: Annotated[int, at_least(1)] = 5
    """Epochs between the checks that rules see."""
    looks: Annotated[int, at_least(2)] = 20
    """At about so many of them, ever farther apart, a classifier of the code is trained: enough for a rank correlation."""

    trial: Annotated[int, at_least(1)] = 20
    """Epochs for which copies go on at other rates: as many as a plateau is looked at before it is called one."""

    def related(self, need: Any) -> None:
        """One code for most figures, and others to compare it with; a plateau takes four checks."""
        need(len(self.codes) > 1, "codes", "at least two sizes")
        need(8 * self.every <= self.epochs, "every", f"at most {self.epochs // 8}, an eighth of the epochs")

    @property
    def units(self) -> int:
        """Of the code in most figures."""
        return self.codes[-2]

    @classmethod
    def quick(cls) -> "Config":
        """Few seeds and codes, a third of the epochs: shows the direction; digits do not leave their plateau."""
        return cls(seeds=4, codes=(2, 16, 32), epochs=200)

    @classmethod
    def full(cls) -> "Config":
        """Three times the seeds and the epochs."""
        return cls(seeds=30, epochs=1800)


class Results(NamedTuple):
    """The settings, and the runs by data and network: a size of the code (all `PLAIN`), or `SLOW`, or `REDUCED`."""

    config: Config
    runs: dict[tuple[str, Any], Measured]

    def named(self, data: str) -> dict[str, tuple[Measured, str]]:
        """The three networks with the same code, each with its hue."""
        return {name: (self.runs[data, self.config.units if name == PLAIN else name], hue) for name, hue in HUES.items()}

    def codes(self, data: str) -> dict[int, Measured]:
        """Networks of all codes."""
        return {units: self.runs[data, units] for units in self.config.codes}

    def correlations(self, data: str) -> dict[str, np.ndarray]:
        """Rank correlations (seeds,) of good reconstruction with good classification, over what."""
        named = self.named(data)
        return {"units of the code": over_sizes(list(self.codes(data).values())),
                PLAIN: over_time(named[PLAIN][0]), f"{PLAIN}, late": over_time(named[PLAIN][0], LATE),
                SLOW: over_time(named[SLOW][0])}

    def told(self, data: str) -> Told:
        """What plateaus and ends say, those of all networks whose rate does not change."""
        return told([*self.codes(data).values(), self.runs[data, SLOW]])

    def outcomes(self, data: str, name: str) -> dict[str, Outcome]:
        """What each rule makes of a network."""
        return {rule: outcome(text, self.named(data)[name][0]) for rule, text in RULES.items()}


def arms(config: Config) -> dict[tuple[str, Any], list[Autoencoder]]:
    """Return what is trained, a run per seed: networks of all codes, and two that are slow."""
    how = {"trial": config.trial, "looks": config.looks, "every": config.every}
    slow = how | {"activation": "sigmoid", "optimizer": "sgd", "learning_rate": config.sgd_rate, "units": config.units}
    kinds: dict[Any, dict] = {units: how | {"units": units, "learning_rate": config.adam_rate} for units in config.codes}
    kinds |= {SLOW: slow, REDUCED: slow | {"optimizer": "sgd reduced", "trial": 0}}
    return {(data, kind): [Autoencoder("autoencoder", seed, data, *SIZES[data], config.labelled, config.hidden,
                                       epochs=config.epochs, batch_size=config.batch_size, **own)
                           for seed in range(config.seeds)] for data in DATA for kind, own in kinds.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some], TRAINER)


def gather(store: Store, config: Config) -> Results:
    """Load everything; raises StoreError when runs are missing."""
    return Results(config, load_all(store, arms(config)))


def tables(results: Results) -> list[Table]:
    """Errors and accuracies of all networks; correlations; what plateaus say; what rules would have returned."""
    config = results.config
    seeds = counted(config.seeds, "seed") + (", mean ± half the 95 % interval" if config.seeds > 2 else "")
    networks, correlations, rates, stops = [], [], [], []
    for (data, kind), runs in results.runs.items():
        name = f"{PLAIN}, {kind} units" if kind in config.codes else f"{kind}, {config.units} units"
        figures = [100 * at_best(runs, curve) for curve in ("train_loss", "test_loss", "accuracy")]
        figures += [runs.curves("accuracy", 100)[:, 0]]
        figures += [runs.values(figure, 100) for figure in ("pca_loss", "pca_accuracy", "raw_accuracy")]
        networks.append([f"{DATA[data]}, {name}", interval(at_best(runs, "epoch"), 0), *map(interval, figures)])
    for data, title in DATA.items():
        correlations += [[f"{title}, {over}", interval(values, 2)] for over, values in results.correlations(data).items()]
        rates += [[f"{title}, × {factor}", *map(interval, sides)] for factor, sides in results.told(data).gains.items()]
        stops += [[f"{title}, {name}, {rule}", str(int(np.sum(~np.isnan(one.stopped)))), interval(one.stopped, 0),
                   interval(one.epochs, 0), interval(one.cost, 2), interval(one.points)]
                  for name in (PLAIN, SLOW) for rule, one in results.outcomes(data, name).items()]
    return [
        Table(f"Where validation error is lowest ({seeds})",
              ["network", "epoch", "training error", "test error", "accuracy", "before training", "components: error",
               "accuracy", "pixels: accuracy"], networks,
              "Errors in percent of the variance; accuracy in percent, on test images, of a linear classifier of the code, "
              f"which knows {config.labelled} labels. Components: as many principal ones as the code has units."),
        Table(f"Is the code better where the reconstruction is? ({seeds})", ["over", "rank correlation"], correlations,
              f"Over epochs within each run, over codes within each seed; late: from {100 * LATE:.0f} % of the epochs on."),
        Table(f"What another rate brings more than going on, % of the training loss ({seeds})",
              ["rate", "on a plateau", "at an end"], rates, "Over all networks but the one whose rate is halved."),
        Table(f"Where rules would have stopped ({seeds})",
              ["rule", "runs stopped", "stop, epoch", "returned, epoch", "test error / lowest", "accuracy, points"], stops,
              f"{'; '.join(f'{name}: {text}' for name, text in RULES.items())}; a check is {config.every} epochs. Points: "
              "more than where validation error is lowest.")]


def figures(results: Results, folder: Path) -> list:
    """Draw errors and accuracies over epochs; one against the other, and other rates; and where rules stop."""
    config, names, seeds = results.config, list(DATA.values()), counted(results.config.seeds, "seed")
    over = [[partial(panel, results.named(data)) for data in DATA] for panel in (errors_panel, accuracy_panel)]
    codes = [[partial(plane_panel, results.codes(data), {SLOW: results.named(data)[SLOW]}) for data in DATA],
             [partial(rates_panel, results.told(data)) for data in DATA]]
    stops = [[partial(rules_panel, results.outcomes(data, kind), config.epochs) for data in DATA] for kind in (PLAIN, SLOW)]
    return [*plots.page(folder / "autoencoder.png", over, heads=[names], legend=3, size=(8.4, 8.2),
                        x="epoch (left: before training)", y=["error, % of the variance", "accuracy of the code, %"],
                        title=f"Codes of {config.units} units ({spread(config.seeds, 'seed')})"),
            *plots.page(folder / "autoencoder_codes.png", codes, heads=[names], legend=4, size=(8.4, 8.2),
                        y=["accuracy of the code, %", "more than going on, %"],
                        title=f"Is a better reconstruction a better code? What does another rate bring? ({seeds})"),
            *plots.page(folder / "autoencoder_rules.png", stops, x="epoch of the model returned", legend=3, size=(8.4, 7.4),
                        heads=[[f"{title}, {kind}" for title in names] for kind in (PLAIN, SLOW)],
                        title=f"What rules would have returned ({seeds})")]


@paragraph
def answer(results: Results) -> Any:
    """Open with what better reconstruction means for the code; then when to stop, plateaus, and rules."""
    config, named = results.config, {title: results.named(data) for data, title in DATA.items()}
    yield opened({(title, over): values for data, title in DATA.items()
                  for over, values in results.correlations(data).items()}, config.seeds)
    yield f"{'; '.join(useful(data, one[PLAIN][0]) for data, one in named.items())} ({PLAIN}, {config.units} units)."
    yield (f"To reconstruct more than the mean image takes {SLOW} long: "
           f"{'; '.join(leaving(data, one[SLOW][0]) for data, one in named.items())}.")
    yield plateaus({title: results.told(data) for data, title in DATA.items()},
                   {data: one[SLOW][0] for data, one in named.items()})
    yield ("Halving the rate whenever the loss stands still: "
           f"{'; '.join(halving(data, one[SLOW][0], one[REDUCED][0]) for data, one in named.items())}.")
    for name in (PLAIN, SLOW):
        yield rules(name, {title: results.outcomes(data, name) for data, title in DATA.items()})
