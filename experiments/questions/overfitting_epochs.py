"""Do too many epochs overfit, and why?

Few digits, with true labels or some that are flipped, are learnt by gradient descent for up to thousands of epochs, by small
and large networks at small and large rates. What grows with the epochs is the effective capacity: how far a network has gone
from its start, in how many directions, and how many wrong labels it has taken in.
"""
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from ..report import plots
from ..report.arms import Arms, text
from ..report.compare import FEWEST, WORSE
from ..report.many_epochs import (
    GROWN,
    Case,
    error_panel,
    growth_panel,
    opened,
    product_words,
    rise,
    rises,
    same_products,
    values,
    why,
)
from ..report.tables import Table
from ..report.words import listed, spread
from ..runs.settings import DIFFERENT, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed

RUN_TIMES = {"quick": "15 s", "default": "2 min", "full": "25 min"}  # on 2 cores
EVERY = 10  # epochs between checks: all epochs that are asked about are multiples
HUES = (plots.BLUE, plots.ORANGE, plots.RED, plots.GREEN, plots.PURPLE, plots.SKY)
FLIPS, FIT = "flips_learnt", "fit_error"


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of overfitting_epochs."""

    seeds: Annotated[int, at_least(1)] = 20
    """Runs of each case: other samples, flips and weights. Test errors scatter by 3 points, so 20 tell a rise of 2.5."""
    epochs: Annotated[tuple[int, ...], at_least(EVERY), DIFFERENT, SOME] = (50, 500, 5000)
    """That are asked about, multiples of ten; the last one is that of the runs."""
    rates: Annotated[tuple[float, ...], above(0), DIFFERENT, SOME] = (0.005, 0.05, 0.5)
    """Of full-batch gradient descent; ten times each other as the epochs are, so that products are the same."""
    widths: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (4, 32, 128)
    """Hidden units: too few to fit all, enough, and more than enough."""
    train: Annotated[int, at_least(10)] = 200
    """Training digits: few, so that they can be learnt by heart."""
    test: Annotated[int, at_least(100)] = 1500
    """Test digits, judged by their true labels."""
    noise: Annotated[float, Range(0, 1, beyond=True, below=True)] = 0.2
    """Share of flipped training labels where some are: 40 samples that no rule explains."""

    def related(self, need: Any) -> None:
        """Epochs are those of checks; there are 1797 digits, one of which every loader keeps for validation."""
        need(not any(epoch % EVERY for epoch in self.epochs), "epochs", f"multiples of {EVERY}")
        need(self.train + self.test < 1797, "train", "with `test` below 1797 digits")

    @property
    def kept(self) -> list[int]:
        """Epochs whose networks are measured: 10, 20, 50, 100, … and those that are asked about."""
        last = max(self.epochs)
        series = {step * 10**power for power in range(1, len(str(last))) for step in (1, 2, 5)}
        return sorted({epoch for epoch in series if epoch <= last} | set(self.epochs))

    @property
    def labels(self) -> dict[float, str]:
        """Shares of flipped labels, in words."""
        return {self.noise: f"with {100 * self.noise:g} % of labels flipped", 0.0: "with true labels"}

    @classmethod
    def quick(cls) -> "Config":
        """Fewer epochs and seeds."""
        return cls(seeds=8, epochs=(20, 200, 2000), widths=(4, 32))

    @classmethod
    def full(cls) -> "Config":
        """Five times the seeds, more sizes."""
        return cls(seeds=100, widths=(2, 4, 8, 32, 128, 256))


def arms(config: Config) -> dict[Case, list]:
    """Return what is trained, a description per seed."""
    models = tuple((str(epoch), f"epoch {epoch}") for epoch in config.kept)
    return {Case(noise, width, rate): per_seed(
        config.seeds, experiment="overfitting_epochs", data="digits", train=config.train, test=config.test, noise=noise,
        hidden=(width,), optimizer="sgd", learning_rate=rate, epochs=max(config.epochs), batch_size=0, every=EVERY,
        curves="thinned", models=models, measures=("experiments.trainers.learnt:learnt",))
        for noise in config.labels for width in config.widths for rate in config.rates}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some])


def gather(store: Store, config: Config) -> Arms:
    """Load everything; raises StoreError when runs are missing."""
    return Arms.load(store, config, arms(config))


def cases_of(results: Arms, noise: float) -> list[Case]:
    """The cases with this share of flipped labels."""
    return [case for case in results.runs if case.noise == noise]


def tables(results: Arms) -> list[Table]:
    """Errors after the epochs that are asked about; and what has grown until then."""
    config, seeds = results.config, spread(results.config.seeds, "seed")
    judged = config.seeds >= FEWEST
    asked, found = sorted(config.epochs), []
    heads = [f"{epoch} epochs" for epoch in asked]
    for noise, labels in config.labels.items():
        cases = cases_of(results, noise)
        verdicts = {figure: rises(results, cases, figure) for figure in ("true_error", "true_loss")}
        found.append(Table(f"Test error on true labels, %, {labels} ({seeds})", [
            "network", *heads, "lowest at epoch", "then rises by", *["clearly"] * judged, "test loss rises by, nats",
            *["clearly"] * judged], [[
                case.title, *(text(results.at(case, "true_error", 100, str(epoch))) for epoch in asked),
                str(config.kept[values(results, case, "true_error").mean(axis=0).argmin()]),
                text(rise(values(results, case, "true_error", 100))),
                *["yes" if verdicts["true_error"][case] == WORSE else "no"] * judged,
                text(rise(values(results, case, "true_loss"))),
                *["yes" if verdicts["true_loss"][case] == WORSE else "no"] * judged] for case in cases],
            "Rise of each seed: from the epoch that is best for the others to the end."
            + " Clearly: all intervals at once." * judged))
        shown = [figure for figure in (FLIPS, FIT, *GROWN) if noise or figure != FLIPS]
        found.append(Table(f"Effective capacity, {labels} ({seeds})", ["network, epochs", *(
            {FLIPS: "flipped labels learnt, %", FIT: "training error, %", **GROWN}[figure] for figure in shown)], [[
                f"{case.title}, {epoch}", *(text(results.at(case, figure, 100 if figure in (FLIPS, FIT) else 1, str(epoch)))
                                            for figure in shown)] for case in cases for epoch in asked],
            "Directions: effective rank (Roy and Vetterli, 2007) of how the first weights have changed."))
    return found


def figures(results: Arms, folder: Path) -> list:
    """Draw the test error over rate × epochs, and what grows."""
    config, seeds = results.config, spread(results.config.seeds, "seed")
    rates, widths = (dict(zip(sorted(some), HUES * len(some), strict=False)) for some in (config.rates, config.widths))
    paths = plots.page(
        folder / "overfitting_epochs.png", [[partial(error_panel, results, noise, width, rates) for width in widths]
                                            for noise in config.labels],
        heads=[[f"{width} units" for width in widths]], y=[f"test error, %\n{labels}" for labels in config.labels.values()],
        x="rate × epochs (log)", legend=len(rates), size=(8.4, 5.8),
        title=f"Test error on true labels; dots: {listed(map(str, sorted(config.epochs)))} epochs ({seeds})")
    grown = {figure: name for figure, name in GROWN.items() if figure != "norm"}
    return paths + plots.page(
        folder / "overfitting_epochs_capacity.png", [[partial(growth_panel, results, noise, figure, widths) for figure in (
            FLIPS if noise else FIT, *grown)] for noise in config.labels],
        heads=[[*[f"{'flipped labels learnt' if noise else 'training error'}, %"], *grown.values()]
               for noise in config.labels], y=list(config.labels.values()), x="rate × epochs (log)", legend=len(widths),
        size=(8.0, 5.0), title=f"Effective capacity, all rates ({seeds})")


def answer(results: Arms) -> str:
    """Open with whether; then which conditions spare many epochs, what counts, and what has grown."""
    config, last = results.config, max(results.config.epochs)
    verdicts = {labels: rises(results, cases_of(results, noise), "true_error") for noise, labels in config.labels.items()}
    by_loss = {labels: list(rises(results, cases_of(results, noise), "true_loss").values())
               for noise, labels in config.labels.items()}
    losses = listed(f"{found.count(WORSE)} of {len(found)} {labels}" for labels, found in by_loss.items())
    flipped = config.labels[config.noise]
    spared = [case.title for case, verdict in verdicts[flipped].items() if verdict != WORSE]
    by_width = {width: Case(config.noise, width, max(config.rates)) for width in sorted(config.widths)}
    epochs = sorted(config.epochs)
    errors = {width: [text(results.at(case, "true_error", 100, str(epoch))) for epoch in epochs]
              for width, case in by_width.items()}
    asked = "; ".join(f"{width} units {' → '.join(some)} %" for width, some in errors.items())
    products = same_products(sorted(config.rates), config.epochs)
    said = [opened(verdicts, config.seeds, last), *([f"The test loss rose clearly in {losses}.",
            f"Spared, as far as is clear, {flipped}: {'; '.join(spared or ['none'])}."] * (config.seeds >= FEWEST)),
            f"At rate {max(config.rates):g} {flipped} after {listed(map(str, epochs))} "
            f"epochs: {asked}."]
    if products:
        most = max(products, key=lambda product: len(products[product]))
        said.append(product_words(results, products[most], most))
    said.append(why(results, max(by_width), config.labels))
    return " ".join(said)
