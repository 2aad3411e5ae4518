"""Does flooding help where labels are wrong, and does early stopping make it needless?

The synthetic table of Ishida et al. (ICML 2020, arXiv 2002.08709): three data sets, three shares of flipped labels, with and
without early stopping, with and without flooding. The level is chosen from a grid by validation accuracy, in every trial
anew; early stopping takes the epoch of the best validation accuracy. Labels are noisy in training, validation and test.

A run is trained to the end and remembers its best validation epoch. What early stopping would have returned is a second,
shorter run with the same settings, which is the same run up to there bit for bit; it is made for the levels that were chosen
alone. So the large test set is looked at once per run.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..report import plots
from ..report.compare import UNCLEAR
from ..report.measured import Measured, load
from ..report.tables import Table, number
from ..report.words import counted, direction, opening, paragraph, spread, tally, too_few, unjudged
from ..runs.settings import at_least
from ..runs.store import Store
from ..trainers.description import Description
from ..trainers.flipped import TITLES, Flipped
from ..trainers.flooding_grid import PUBLISHED, Grid, Trial, followed, grid, trials

RUN_TIMES = {"quick": "1 min", "default": "19 min", "full": "4 h"}  # on 2 cores, compilation included
COLUMNS = ("without", "flooded", "early", "early_flooded")
LOWEST = 0.02  # of the second figure: training losses go on to 1e-5 and would leave no room for test losses


@dataclass(frozen=True)
class Config(Grid):
    """Settings of flooding_table."""

    curve_seeds: Annotated[int, at_least(0, "no more than seeds")] = 1
    """Trials whose test loss is followed through training for the second figure: runs of their own."""
    curve_points: Annotated[int, at_least(1)] = 2000
    """Test samples for these curves."""

    @classmethod
    def quick(cls) -> "Config":
        """Two Gaussians, four levels, two trials: shows the effect, not its size."""
        return replace(super().quick(), curve_points=1000)

    @classmethod
    def full(cls) -> "Config":
        """The published protocol: 51 levels, 500 epochs, every epoch checked."""
        return replace(super().full(), curve_seeds=2)

    def related(self, need: Callable[..., None]) -> None:
        """No more curves than trials."""
        super().related(need)
        need(self.curve_seeds <= self.seeds, "curve_seeds", "a whole number from 0 to seeds")


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet: the grid, then what the chosen levels ask for."""
    config.train_all(store, {"grid of levels": lambda: grid(config), "chosen levels": lambda: [
        one for case in config.cases() for some in asked(config, trials(store, config, *case)) for one in some]})


def runs(config: Config) -> list[Description]:
    """Return the grid, from which all else follows."""
    return grid(config)


def asked(config: Config, found: Sequence[Trial]) -> tuple[list[Description], ...]:
    """Return what is asked once the levels are chosen, one run per trial each: stopped early without and with flooding;
    and, of the first trials, those whose test loss is followed, likewise.
    """
    some = found[:config.curve_seeds]
    return ([trial.stopped(trial.plain) for trial in found], [trial.stopped(trial.early) for trial in found],
            [followed(config, trial.specs[trial.plain]) for trial in some],
            [followed(config, trial.specs[trial.last]) for trial in some])


@dataclass(frozen=True)
class Case(Flipped):
    """One data set with one share of flipped labels.

    Attributes
    ----------
    trials : list of Trial
    runs : dict of str -> Measured
        By `COLUMNS`, a run per trial; the last two stopped at their best validation epoch.
    curves : tuple of Measured
        Without and with flooding, with test loss on the way.
    """

    trials: Sequence[Trial]
    runs: dict[str, Measured]
    curves: Sequence[Measured]

    def levels(self, which: str) -> np.ndarray:
        """Chosen levels, shape (trials,); which: "last" or "early"."""
        return np.array([trial.specs[getattr(trial, which)].loss.level for trial in self.trials])


def gather(store: Store, config: Config) -> list[list[Case]]:
    """Load everything: a list per data set, a Case per noise; raises StoreError when runs are missing."""
    return [[_case(store, config, data, noise) for noise in config.noise] for data in config.data]


def _case(store: Store, config: Config, data: str, noise: float) -> Case:
    found = trials(store, config, data, noise)
    early, early_flooded, *curves = (load(store, specs) for specs in asked(config, found))
    last = Measured([trial.runs[trial.plain] for trial in found]), Measured([trial.runs[trial.last] for trial in found])
    return Case(data, noise, found, dict(zip(COLUMNS, (*last, early, early_flooded), strict=True)), curves)


def tables(results: Sequence[Sequence[Case]]) -> list[Table]:
    """One table per data set: accuracies of the four columns, mean ± standard error over trials."""
    return [_table(cases) for cases in results]


def _table(cases: Sequence[Case]) -> Table:
    published, first = cases[0].data == "two_gaussians", cases[0].trials[0]
    heads = ["flipped", "without", "flooding", "early stop", "both", "best possible", "level", "level, both", "Bayes CE",
             *(["published: without", "flooding (level)"] if published else [])]
    rows = [[f"{100 * case.noise:g} %", *(case.runs[which].text("accuracy", 100) for which in COLUMNS),
             f"{case.best_accuracy:.1f}", *(_levels(case.levels(which)) for which in ("last", "early")),
             f"{case.best.cross_entropy:.3f}", *(_published(case.noise) if published else [])] for case in cases]
    note = (f"{first.specs[0].schedule.epochs} epochs, {len(first.specs)} levels{' (published: 500, 51)' * published}; "
            "level: mean (smallest to largest) over trials, 0 is none; CE: cross-entropy, nats")
    diverged = sum(bool(run.scalars["diverged"]) for case in cases for trial in case.trials for run in trial.runs)
    if diverged:
        note += f"\n{diverged} runs diverged and were not chosen"
    title = f"{TITLES[cases[0].data]}: accuracy in % on noisy test labels ({spread(len(cases[0].trials), 'trial')})"
    return Table(title, heads, rows, note)


def _levels(levels: np.ndarray) -> str:
    low, high = levels.min(), levels.max()
    return f"{levels.mean():.2f}" + (f" ({low:g} to {high:g})" if low < high else "")


def _published(noise: float) -> list[str]:
    level, without, flooded = PUBLISHED.get(noise, (0, 0, 0))
    return [f"{without:.2f}", f"{flooded:.2f} ({level:.2f})"] if noise in PUBLISHED else ["–", "–"]


def figures(results: Sequence[Sequence[Case]], folder: Path) -> list:
    """Draw accuracy over the flood level, and loss over epochs where it was followed."""
    first, each = results[0][0], len(results)
    paths = plots.cases(folder / "flooding_table_levels.png", _level_panel, results, x="flood level, nats", legend=3,
                        title=f"Accuracy after the last epoch, on noisy labels ({spread(len(first.trials), 'trial')})",
                        y=["accuracy, %"] * each)
    if count := len(first.curves[0].runs):
        of = f"mean of {count} trials" if count > 1 else "one trial"
        paths += plots.cases(folder / "flooding_table_curves.png", _curve_panel, results, x="epoch (log scale)", legend=3,
                             title=f"Loss with and without flooding ({of})",
                             y=[f"cross-entropy, nats\n(log scale, cut at {LOWEST:g})"] * each)
    return paths


def _level_panel(case: Case, axis: Any) -> None:
    """Validation and test accuracy over the flood level, with the chosen levels and the Bayes cross-entropy marked."""
    levels = np.array([one.loss.level for one in case.trials[0].specs])
    plots.splits(axis, levels, lambda split: 100 - np.array(
        [Measured(trial.runs).values(f"{split}_error", 100) for trial in case.trials]), parts=("val", "test"),
        hue=plots.FLOODING, marker="o", ms=3.5)
    axis.axvline(case.best.cross_entropy, color=plots.ink(plots.BLACK), lw=1.2, ls=":", label="Bayes cross-entropy")
    case.best_line(axis)
    bottom, top = axis.get_ylim()
    bottom -= 0.08 * (top - bottom)
    # The chosen levels stand on the axis, one mark per trial, apart a little: trials often agree.
    chosen = np.sort(case.levels("last"))
    first, end = np.searchsorted(chosen, chosen), np.searchsorted(chosen, chosen, "right")
    rank = np.arange(len(chosen)) - (first + end - 1) / 2
    axis.plot(chosen + 0.018 * levels.max() * rank, np.full(len(chosen), bottom), "^", color=plots.ink(plots.BLACK), ms=6,
              clip_on=False, zorder=5, label="level chosen by validation, one mark per trial")
    axis.set_ylim(bottom, top)


def _curve_panel(case: Case, axis: Any) -> None:
    """Loss on training and test set over epochs, without flooding and with the chosen level."""
    for runs, hue, name in zip(case.curves, (plots.PLAIN, plots.FLOODING), ("without flooding", "flooding, chosen level"),
                               strict=True):
        plots.over_epochs(axis, runs, "loss", name, hue=hue, band=False)
    axis.axhline(case.best.cross_entropy, color=plots.ink(plots.BLACK), lw=1.2, ls=":", label="Bayes cross-entropy")
    axis.set(xscale="log", yscale="log")
    axis.set_ylim(bottom=max(LOWEST, axis.get_ylim()[0]))
    plots.log(axis, "xy")


@paragraph
def answer(results: Sequence[Sequence[Case]]) -> list[str]:
    """Return yes, no or what it depends on; then what flooding does alone and after early stopping, where its level lies,
    and how far the published row is.
    """
    cases = [case for group in results for case in group]
    alone, beside = ([case.runs[after].gain(case.runs[before]) for case in cases]
                     for before, after in (COLUMNS[:2], COLUMNS[2:]))
    count = len(cases[0].trials)
    return [_opening(alone, beside, count), _compare(alone, count, "Without early stopping, flooding"),
            _compare(beside, count, "With early stopping, flooding"), _where(cases), *_against_published(cases)]


def _opening(alone: Any, beside: Any, count: int) -> str:
    """Answer both halves of the question: does it help, and does early stopping make it needless?"""
    said = opening({"accuracy": [gain.verdict for gain in alone]}, count, "trial", "data and noise")
    if said != "Yes.":
        return said
    return {"yes": "Yes, and early stopping does not make it needless.",
            "no": "Yes, but with early stopping it gains nothing clear.",
            "depends": "Yes, and whether early stopping makes it needless depends on data and noise.",
            "unknown": "Yes; whether early stopping makes it needless cannot be judged."
            }[direction([gain.verdict for gain in beside])]


def _compare(found: Any, count: int, lead: str) -> str:
    verdicts, gains = [gain.verdict for gain in found], [gain.mean for gain in found]
    if unjudged(verdicts):
        return f"{lead} cannot be judged: {too_few(count, 'trial').lower()} cannot tell."
    clear, unclear = tally(verdicts), verdicts.count(UNCLEAR)
    if unclear and "none" not in clear:
        clear += f", with no clear difference in {unclear}"
    return (f"{lead} changed the accuracy by {number(min(gains), 2)} to {number(max(gains), 2)} points and was {clear}"
            f" of {counted(len(found), 'case')}.")


def _where(cases: Sequence[Case]) -> str:
    ratios = [(case.levels("last").mean() / case.best.cross_entropy, case.title) for case in cases
              if case.best.cross_entropy > 0]
    if not ratios:
        return "No case has noise, so no level can be set beside a Bayes cross-entropy."
    (low, a), (high, b) = min(ratios, key=lambda pair: pair[0]), max(ratios, key=lambda pair: pair[0])
    return (f"The level that validation chose was {low:.2f} ({a}) to {high:.2f} ({b}) times the Bayes cross-entropy, and "
            f"below it in {sum(ratio < 1 for ratio, _ in ratios)} of {len(ratios)}.")


def _against_published(cases: Sequence[Case]) -> list[str]:
    gaps = [case.runs[which].mean("accuracy", 100) - PUBLISHED[case.noise][i] for case in cases
            if case.data == "two_gaussians" and case.noise in PUBLISHED for which, i in (("without", 1), ("flooded", 2))]
    return [f"The {len(gaps)} accuracies of Two Gaussians without early stopping differ from the published ones by "
            f"{min(gaps):+.1f} to {max(gaps):+.1f} points."] if gaps else []
