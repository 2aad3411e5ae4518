"""What level_choice reports: accuracy and cost of every way to a flood level, set against the full grid."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...report import plots
from ...report.compare import UNKNOWN, WORSE, mean_and_error, paired
from ...report.tables import Table, mean_error, number
from ...report.words import depends_on_more, spread, too_few
from ...runs.store import Run
from ...trainers.data_sets import bayes_figures
from ...trainers.description import Description
from ...trainers.flooding_grid import TITLES, choose, trials
from . import Config, adaflood, at_level

METHODS = {"none": "no flooding", "grid": "full grid", "coarse": "coarse grid", "noise": "suggested from the noise",
           "held_out": "suggested from held-out loss", "adaflood": "AdaFlood"}
MARKS = {"none": ("X", plots.PLAIN), "grid": ("s", plots.FLOODING), "coarse": ("o", plots.BLUE), "noise": ("v", plots.SKY),
         "held_out": ("^", plots.ORANGE), "adaflood": ("D", plots.PURPLE)}


@dataclass(frozen=True)
class Case:
    """One data set with one share of flipped labels.

    Attributes
    ----------
    data, noise : str, float
    runs : dict of str -> list of Run
        Per method, one run per trial: the one it ends up with.
    levels : dict of str -> ndarray (trials,)
        Their levels; NaN where every sample has its own.
    costs : dict of str -> float
        Per method, in whole trainings.
    """

    data: str
    noise: float
    runs: dict[str, list[Run]]
    levels: dict[str, np.ndarray]
    costs: dict[str, float]

    def accuracies(self, method: str) -> np.ndarray:
        """Accuracy in % on the noisy test labels, shape (trials,)."""
        return 100 - 100 * np.array([run.scalars["test_error"] for run in self.runs[method]])

    @property
    def title(self) -> str:
        """For tables and figures."""
        return f"{TITLES[self.data]}, {100 * self.noise:g} % flipped"


def _suggested(config: Config, noise: float, plain: Run) -> dict[str, float]:
    """Return what `losses.suggest_level` says to who knows the noise, and to who has trained once without flooding."""
    from losses import suggest_level

    held_out = plain.scalars["lowest_val_loss"]
    levels = {"noise": suggest_level(noise=noise, fraction=config.fraction)}
    if held_out == held_out:  # a diverged run suggests nothing
        levels["held_out"] = suggest_level(held_out_loss=held_out, fraction=config.fraction)
    return {"held_out": 0.0, **levels}


def _suggested_specs(store, config: Config, data: str, noise: float) -> list[dict[str, Description]]:
    """Return the runs at suggested levels, by method, for each trial."""
    return [{method: at_level(config, data, noise, level, seed)
             for method, level in _suggested(config, noise, trial.runs[trial.plain]).items()}
            for seed, trial in enumerate(trials(store, config, data, noise))]


def suggested(store, config: Config) -> list[Description]:
    """Return all runs at suggested levels."""
    return [one for data in config.data for noise in config.noise
            for by_method in _suggested_specs(store, config, data, noise) for one in by_method.values()]


def gather(store, config: Config) -> list[Case]:
    """Load everything.

    Raises
    ------
    StoreError
        When runs are missing.
    """
    return [_case(store, config, data, noise) for data in config.data for noise in config.noise]


def _case(store, config: Config, data: str, noise: float) -> Case:
    runs: dict[str, list[Run]] = {method: [] for method in METHODS}
    levels: dict[str, list[float]] = {method: [] for method in METHODS}

    def add(method, run, level):
        runs[method].append(run)
        levels[method].append(level)

    for trial in trials(store, config, data, noise):
        add("none", trial.runs[trial.plain], 0.0)
        add("grid", trial.runs[trial.last], trial.specs[trial.last].loss.level)
    for trial in trials(store, config, data, noise, config.coarse):
        index = choose(trial.runs, "")
        add("coarse", trial.runs[index], trial.specs[index].loss.level)
    for seed, specs in enumerate(_suggested_specs(store, config, data, noise)):
        for method, one in specs.items():
            add(method, store.require(one.settings()), one.loss.level)
        add("adaflood", store.require(adaflood(config, data, noise, seed).settings()), np.nan)
    # A fold's network sees all samples but its own; epochs of the full batch cost what they have samples.
    auxiliary = config.folds * (1 - 1 / config.folds) * config.auxiliary_epochs / config.epochs
    costs = {"none": 1.0, "grid": float(len(config.levels)), "coarse": float(len(config.coarse)), "noise": 1.0,
             "held_out": 2.0, "adaflood": 1 + auxiliary}
    return Case(data, noise, runs, {method: np.array(values) for method, values in levels.items()}, costs)


def table(case: Case, config: Config) -> Table:
    """Accuracy, difference from the grid, level and cost of every method."""
    rows = []
    for method, title in METHODS.items():
        difference = paired(case.accuracies("grid"), case.accuracies(method), lower_is_better=False)
        level = case.levels[method]
        rows.append((title, mean_error(*mean_and_error(case.accuracies(method))),
                     "" if method == "grid" else mean_error(difference.mean, difference.error),
                     "" if method == "grid" else difference.verdict,
                     "per sample" if np.isnan(level).any() else f"{level.mean():.3f}", number(case.costs[method])))
    best, count = bayes_figures(case.data, case.noise), len(case.runs["grid"])
    title = f"{case.title}: accuracy in % on noisy test labels ({spread(count, 'trial')})"
    return Table(title, ("", "accuracy", "minus full grid", "which is", "mean level", "trainings"), rows,
                 f"best possible accuracy {100 - 100 * best.noisy_error:.1f} %, Bayes cross-entropy "
                 f"{best.cross_entropy:.3f}; {config.epochs} epochs")


def draw(cases: Sequence[Case], path):
    """Accuracy over cost, a panel per case; returns the files written."""
    count = len(cases[0].runs["grid"])
    title = f"Accuracy on noisy test labels over cost ({spread(count, 'trial')})"
    ticks = (1, 2, 5, 10, 20, 50)
    with plots.figure(path, 1, len(cases), size=(1.2 + 3.6 * len(cases), 4.2), title=title) as (drawing, axes):
        for axis, case in zip(axes[0], cases, strict=True):
            places = _places(case.costs)
            for method, (marker, colour) in MARKS.items():
                mean, error = mean_and_error(case.accuracies(method))
                bar = None if np.isnan(error) else [error]
                axis.errorbar([places[method]], [mean], yerr=bar, fmt=marker, color=colour, ms=7,
                              capsize=3, label=METHODS[method])
            axis.axhline(100 - 100 * bayes_figures(case.data, case.noise).noisy_error, color=plots.GREY, lw=1, ls="-.",
                         label="best possible accuracy")
            axis.set_xscale("log")
            axis.set_xticks(ticks, map(str, ticks))
            axis.minorticks_off()
            axis.set_xlim(0.8, 1.25 * max(case.costs.values()))
            axis.set_title(case.title)
            axis.set_xlabel("whole trainings (log scale)")
        axes[0, 0].set_ylabel("accuracy, %")
        plots.legend(drawing, axes, columns=4)
    return plots.written(path)


def _places(costs: dict[str, float]) -> dict[str, float]:
    """Where methods stand on the axis of costs: side by side where they cost the same, so that none hides another."""
    places = {}
    for cost in set(costs.values()):
        same = [method for method in costs if costs[method] == cost]
        places.update({method: cost * 1.1 ** (i - (len(same) - 1) / 2) for i, method in enumerate(same)})
    return places


def sentences(cases: Sequence[Case]) -> list[str]:
    """Return yes, no or what it depends on; what each cheap way loses against the grid; the cheapest that is no worse."""
    costs, total = cases[0].costs, f"{len(cases)} case{'s' if len(cases) > 1 else ''}"
    others = [method for method in METHODS if method != "grid"]
    found = {method: [paired(case.accuracies("grid"), case.accuracies(method), lower_is_better=False) for case in cases]
             for method in others}
    gains = {method: float(np.mean([difference.mean for difference in found[method]])) for method in others}
    worse = {method: sum(difference.verdict == WORSE for difference in found[method]) for method in others}
    judged = any(difference.verdict != UNKNOWN for differences in found.values() for difference in differences)
    count = len(cases[0].runs["grid"])
    said = "; ".join(f"{METHODS[method]} {_gain(gains[method])} for {_times(costs[method])}"
                     + (f" (clearly worse in {worse[method]})" if judged else "") for method in others)
    opening = f"Against the full grid of {_times(costs['grid'])}, on average over {total}: {said}."
    if not judged:
        return [depends_on_more(count, "trial"), opening, f"{too_few(count, 'trial')} cannot tell which of them will do."]
    # A method that could not be judged in some case (its runs diverged) is not known to be as good there.
    good = [method for method in others if not {WORSE, UNKNOWN} & {difference.verdict for difference in found[method]}]
    if not good:
        return ["No.", opening, "No other way can be recommended: each was clearly worse in some case, or failed."]
    best = min(good, key=lambda method: (costs[method], -gains[method]))
    return ["Yes.", opening, f"The cheapest that was clearly worse in no case: {METHODS[best]}, for "
            f"{100 * costs[best] / costs['grid']:.0f} % of the cost of the grid."]


def _gain(points: float) -> str:
    return "diverged" if np.isnan(points) else f"{round(points, 1) + 0.0:+.1f} points"


def _times(cost: float) -> str:
    return "1 training" if cost == 1 else f"{cost:.3g} trainings"
