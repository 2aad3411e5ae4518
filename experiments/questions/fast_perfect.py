"""Why is accuracy 100 % after the second epoch: has the network memorised the data?

Networks do fit random labels (Zhang et al., "Understanding deep learning requires rethinking generalization", ICLR 2017),
but in two epochs? Three programs of people who asked are rebuilt on random rows: ten numbers and the toss of a coin. Then
samples and units are varied, on easy, real and random data, and faults of the data are planted: some make it sooner.
"""
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..report import plots
from ..report.arms import Arms, text
from ..report.compare import BETTER, WORSE, paired
from ..report.panels import points
from ..report.perfection import FAST, LOG_2, beside, losses_panel, map_panels, opening, reached, reached_panel, table
from ..report.shares import Share
from ..report.tables import Table
from ..report.words import counted, listed, of_those, spread, tally
from ..runs.settings import DIFFERENT, SOME, Range, above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads, per_seed

RUN_TIMES = {"quick": "20 s", "default": "1 min 30 s", "full": "15 min"}  # on 2 cores
PLAIN, PATIENT, HURRIED = "10 rows", "100 rows and patience 3", "10 rows one by one, rate × 10"
# Hue and settings. Three as they were asked about, with the batches of 32 and the rate that libraries take; one in haste.
EXAMPLES: dict[str, tuple[str, dict]] = {
    PLAIN: (plots.BLUE, {}), "10 rows and L2 0.01": (plots.GREEN, {"l2": 0.01}),
    PATIENT: (plots.ORANGE, {"train": 80, "validation": 20, "hidden": (50, 50), "every": 1}),  # a fifth validates
    HURRIED: (plots.RED, {"batch_size": 1, "learning_rate": 0.01})}
ASKED = [name for name in EXAMPLES if name != HURRIED]
DATA = {"far_apart": "classes far apart", "digits": "digits", "random_rows": "random labels"}
SOUND, WRONG = "no fault", "wrong labels"
# Data, share of wrong labels, whether the validation set is told something that it must not know.
FAULTS = {SOUND: ("scaled", 0.0, False), "label as a column": ("label_column", 0.0, True),
          "–999 for the healthy": ("missing_by_class", 0.0, True), "missing: means": ("missing_mean", 0.0, False),
          "missing: –999": ("missing_sentinel", 0.0, False), "units left as they are": ("unscaled", 0.0, False),
          "outliers": ("outliers", 0.0, False), "outliers clipped": ("outliers_clipped", 0.0, False),
          WRONG: ("scaled", 0.2, False), "wrong labels, copies": ("duplicates", 0.2, True)}
PARTS = {"training": ("train_error", "o"), "validation": ("val_error", "s"), "new data": ("test_error", "D")}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of fast_perfect."""

    draws: Annotated[int, at_least(1)] = 200
    """Runs of each example, each on its own random rows: what happens in none of 200 happens in less than 2 %."""
    seeds: Annotated[int, at_least(1)] = 20
    """Runs of all else. Twenty tell a share of three quarters from one half, and errors apart that differ by a point."""
    example_epochs: Annotated[int, at_least(5)] = 100
    """Of the examples: five times what ten random rows take."""
    epochs: Annotated[int, at_least(10)] = 200
    """Of networks and samples of all sizes; a fifth of them with planted faults, where an epoch has more updates."""
    sizes: Annotated[tuple[int, ...], Range(10, 1600), DIFFERENT, SOME] = (10, 30, 100, 300, 1000)
    """Training samples, even; in batches of ten, so that an epoch has as many updates as tens of samples."""
    widths: Annotated[tuple[int, ...], at_least(1), DIFFERENT, SOME] = (8, 32, 128)
    """Units in each of two hidden layers."""
    learning_rate: Annotated[float, above(0)] = 1e-3
    """Of Adam, the usual one; three times that with planted faults."""

    def related(self, need: Any) -> None:
        """Classes far apart are equally many."""
        need(not any(size % 2 for size in self.sizes), "sizes", "even numbers")

    @classmethod
    def quick(cls) -> "Config":
        """Fewer of everything: shows the direction."""
        return cls(draws=60, seeds=12, epochs=100, sizes=(10, 100), widths=(8, 128))

    @classmethod
    def full(cls) -> "Config":
        """More of everything."""
        return cls(draws=2000, seeds=30, epochs=400, sizes=(10, 20, 50, 100, 200, 500, 1000), widths=(4, 8, 16, 32, 64, 128))


def arms(config: Config) -> dict[tuple, list]:
    """Return what is trained, a description per seed: the examples, all sizes, planted faults."""
    own: dict[tuple, dict] = {
        ("example", name): {"train": 10, "validation": 1000, "hidden": (100, 100), "batch_size": 32, "dense": 20,
                            "data": "random_rows", "epochs": config.example_epochs, **settings}
        for name, (_, settings) in EXAMPLES.items()}
    own["example", PATIENT]["models"] = (("stop", "Patience(3)"),)
    own |= {("size", data, size, width): {"data": data, "train": size, "hidden": (width, width), "batch_size": 10}
            for data in DATA for size in config.sizes for width in config.widths}
    own |= {("fault", name): {"data": f"tumours_{fault}", "noise": noise, "train": 280, "validation": 140,
                              "hidden": (50, 50), "batch_size": 4, "epochs": config.epochs // 5,
                              "learning_rate": 3 * config.learning_rate,
                              "measures": ("errors", "losses", "experiments.trainers.leaks:leaks")}
            for name, (fault, noise, _) in FAULTS.items()}
    fixed = {"experiment": "fast_perfect", "epochs": config.epochs, "learning_rate": config.learning_rate}
    return {arm: per_seed(config.draws if arm[0] == "example" else config.seeds, **{**fixed, **settings, "models": (
        ("two", f"epoch {FAST}"), ("zero", "zero error"), *settings.get("models", ()), ("end", "end"))})
        for arm, settings in own.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some])


def gather(store: Store, config: Config) -> Arms:
    """Load everything; raises StoreError when runs are missing."""
    return Arms.load(store, config, arms(config))


def alarm(results: Arms, *faults: str) -> Share:
    """In how many runs with these faults `leakage_report` says that training and validation set share something."""
    return Share.of([copies + columns > 0 for name in faults for copies, columns in zip(*(
        results.at(("fault", name), f"leak_{what}") for what in ("copies", "columns")), strict=True)])


def tables(results: Arms) -> list[Table]:
    """The examples; samples and units; planted faults."""
    config, seeds = results.config, spread(results.config.seeds, "seed")
    sizes = {arm: f"{DATA[arm[1]]}, {arm[2]}, 2 × {arm[3]}" for arm in results.runs if arm[0] == "size"}
    return [
        table(results, f"Random labels ({spread(config.draws, 'draw')})", "program; training error after two, %; validation "
              "loss, then; at 100 %; end; validation error at 100 %, %; end", {("example", name): name for name in EXAMPLES},
              [("train_error", 100, "two"), *(("val_loss", 1, rule) for rule in ("two", "zero", "end")),
               *(("val_error", 100, rule) for rule in ("zero", "end"))],
              f"In brackets: 95 % intervals. End: epoch {config.example_epochs}. Loss of who knows nothing: {LOG_2:.3f}."),
        table(results, f"Samples and units ({seeds})", "data, samples, units; test error then, %; end", sizes,
              [("test_error", 100, "zero"), ("test_error", 100, "end")], f"Within {config.epochs} epochs."),
        table(results, f"Tumours with planted faults ({seeds})", f"fault; {''.join(f'{part} error, %; ' for part in PARTS)}"
              "alarm", {("fault", name): name for name in FAULTS}, [(figure, 100, "end") for figure, _ in PARTS.values()],
              f"Errors at the end, epoch {config.epochs // 5}; new data have no fault but wrong labels, as many. Alarm: "
              "leakage_report finds that training and validation set share something.", lambda arm: alarm(results, arm[1]))]


def figures(results: Arms, folder: Path) -> list:
    """Draw when random labels are fitted, what samples and units change, and what planted faults do."""
    config, epochs = results.config, np.arange(1, results.config.example_epochs + 1)
    seeds, hues = spread(config.seeds, "seed"), {("example", name): hue for name, (hue, _) in EXAMPLES.items()}
    grids = {title: [[("size", data, size, width) for size in sorted(config.sizes)] for width in sorted(config.widths)]
             for data, title in DATA.items()}
    faults = partial(points, names=list(FAULTS), hues=[plots.RED if told else plots.BLUE for *_, told in FAULTS.values()])
    fast = [100.0 * (results.at(("fault", name), "epoch", rule="zero") <= FAST) for name in FAULTS]
    errors = {part: (marker, [results.at(("fault", name), figure, 100) for name in FAULTS])
              for part, (figure, marker) in PARTS.items()}
    paths = plots.page(folder / "fast_perfect.png", [[
        partial(reached_panel, results, hues, epochs), partial(losses_panel, results, hues)]], size=(8.4, 4.4), legend=3,
        title=f"Random labels ({spread(config.draws, 'draw')})")
    paths += plots.page(folder / "fast_perfect_sizes.png", map_panels(results, list(grids.values()), (
        ("epoch", 1, "{:.0f}"), ("test_error", 100, "{:.1f}"))), size=(8.4, 5), heads=[
            [f"{title}: {what}" for title in grids] for what in ("epoch", "error, %")],
        title=f"First epoch at 100 %, and test error then (means of {counted(config.seeds, 'seed')}; empty: not in all)")
    return paths + plots.page(folder / "fast_perfect_faults.png", [
        [partial(faults, title="at 100 % after two epochs, % of runs", groups={"": ("o", fast)})],
        [partial(faults, title="error at the end, %", groups=errors)]], size=(8.4, 6.4),
        title=f"Tumours with planted faults; red: validation is told too much ({seeds})")


def answer(results: Arms) -> str:
    """Open with yes, no or what it depends on; then what reaches 100 % so soon, and what that is worth."""
    config, sizes, widths = results.config, sorted(results.config.sizes), sorted(results.config.widths)
    examples, faults = ({name: (kind, name) for name in names} for kind, names in (("example", EXAMPLES), ("fault", FAULTS)))
    fast = {name: reached(results, arm, FAST) for name, arm in (examples | faults).items()}
    sure = [*(f"{title} ({size} samples)" for data, title in DATA.items() for size in sizes
              if reached(results, ("size", data, size, widths[-1]), FAST).mostly),
            *(name for name in FAULTS if fast[name].mostly)]
    # A network that did not get there is taken to need all epochs, which is too kind to it.
    wider = [paired(*(np.nan_to_num(results.at(("size", data, size, width), "epoch", rule="zero"), nan=config.epochs)
                      for width in (widths[0], widths[-1])), comparisons=len(DATA) * len(sizes)).verdict
             for data in DATA for size in sizes]

    def of(arm: tuple, figure: str, rule: str = "end", factor: float = 100.0) -> str:
        return text(results.at(arm, figure, factor, rule))

    def over(figure: str, factor: float) -> str:
        return "; ".join(f"{title} " + " to ".join(
            of_those(results.at(("size", data, size, widths[-1]), figure, factor, "zero")) for size in (sizes[0], sizes[-1]))
            for data, title in DATA.items())
    plain, patient = examples[PLAIN], examples[PATIENT]
    stops = results.runs[patient].values("stop.stopped")
    stopped = f"at epoch {of_those(stops)}" if np.isfinite(stops).any() else f"in none of {len(stops)} runs"
    leaks, others = ([alarm(results, name) for name in FAULTS if FAULTS[name][2] == told] for told in (True, False))
    false = [name for name, one in zip((name for name in FAULTS if not FAULTS[name][2]), others, strict=True) if one.hits]
    return (
        f"{opening([fast[name] for name in ASKED], sure)} On random labels 100 % came within two epochs "
        f"{listed(f'in {fast[name]} draws with {name}' for name in EXAMPLES)}; within {config.example_epochs} (Zhang et "
        f"al.: in the end in all) in {listed(str(reached(results, arm)) for arm in examples.values())}. Validation: at 100 "
        f"% on {PLAIN} the error on other rows was {of(plain, 'val_error', 'zero')} %; the loss was "
        f"{of(plain, 'val_loss', 'two', 1)} after two epochs, {of(plain, 'val_loss', factor=1)} at the end (who knows "
        f"nothing: {LOG_2:.3f}). Patience stopped {stopped} and "
        f"restored weights with a training error of {of(patient, 'train_error', 'stop')} %, a validation loss of "
        f"{of(patient, 'val_loss', 'stop', 1)} (the lowest of some) and one of {of(patient, 'test_loss', 'stop', 1)} on new "
        f"data. With 2 × {widths[-1]} units and {sizes[0]} to {sizes[-1]} samples 100 % came at epoch: {over('epoch', 1)}; "
        f"test error then, %: {over('test_error', 100)}. {widths[-1]} units instead of {widths[0]} were "
        f"{tally(wider).replace(BETTER, 'sooner').replace(WORSE, 'later')} of {len(wider)} cases. leakage_report gave alarm "
        f"in {sum(one.hits for one in leaks)} of {sum(one.runs for one in leaks)} runs with a leak, in "
        f"{sum(one.hits for one in others)} of {sum(one.runs for one in others)} without ({listed(false or ['none'])}). "
        + beside(results, {arm: name for name, arm in faults.items()}, {
            arm: faults[WRONG if FAULTS[name][1] and name != WRONG else SOUND] for name, arm in faults.items()}))
