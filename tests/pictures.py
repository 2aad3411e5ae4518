"""Made-up results for every figure of the experiments, and what is read off the figures."""
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.questions import (
    autoencoder,
    double_descent,
    fast_perfect,
    flooding_table,
    level_choice,
    loss_matters,
    memorization,
    online,
    overfitting_epochs,
    perfect_training_accuracy,
    privacy,
    published_flooding,
    stopping_study,
    validation_above_training,
    zero_loss,
)
from experiments.questions.flooding_table import COLUMNS, Case
from experiments.questions.privacy.attacked import case_of
from experiments.questions.privacy.cases import TIMES
from experiments.questions.privacy.cases import arms as arms_of_privacy
from experiments.questions.speed import drawing as speed_figures
from experiments.questions.speed import growth
from experiments.questions.speed.report import Result
from experiments.questions.speed.workloads import WORKLOADS
from experiments.questions.zero_loss import Results
from experiments.report import canvas, plots
from experiments.report.accuracy_parts import Case as GapCase
from experiments.report.arms import Arms
from experiments.report.capacity import Grid
from experiments.report.measured import Measured
from experiments.runs.store import Run
from experiments.trainers import flooding_grid
from experiments.trainers.accuracy_gap import CAUSES
from experiments.trainers.flooding_grid import Trial
from tests import autoencoders, many_epochs, on_line, perfection, stopping_runs
from tests.long_runs import cases as long_runs

RULES = ("zero", "ten", "patience_loss", "patience_error", "end")


def zero_loss_results(epochs=None, seeds=3, last=300):
    """A case of zero_loss; `epochs`: of the rules, so that they may coincide.

    The final figures are half a curve's: they are measured on other samples.
    """
    epochs = {"zero": 30, "ten": 300, "patience_loss": 12, "patience_error": 20, "end": last} | (epochs or {})
    checks = np.unique(np.geomspace(1, last, 40).astype(int)).astype(float)

    def run(seed, floor):
        curves = {"epoch": checks}
        for split, lowest in (("train", floor), ("test", 0.2)):
            curves[f"{split}_loss"] = lowest + (1 + 0.1 * seed) / checks + 0.2 * (split == "test") * np.log(checks) / 6
            curves[f"{split}_error"] = np.minimum(0.5, curves[f"{split}_loss"] / 3)
        scalars = {f"{rule}.{name}": 0.5 * curves[name][-1] for rule in RULES for name in ("test_loss", "test_error")}
        margins = np.random.default_rng(seed).uniform(0.5, 30, 50)
        return Run(scalars=scalars | {f"{rule}.epoch": float(epoch) for rule, epoch in epochs.items()}, curves=curves,
                   arrays={f"{time}.{kind}_margins": margins / (30 if kind == "probability" else 1)
                           for time in ("zero", "ten", "end") for kind in ("probability", "output")})

    case = zero_loss.cases(zero_loss.Config(seeds=seeds, image_noise=()))[0]
    plain, flooded = ([run(seed, floor) for seed in range(seeds)] for floor in (0.001, 0.17))
    return Results.of(case, Measured(plain), [Measured(flooded)])


def levels():
    """A case of zero_loss with levels to choose from."""
    case = zero_loss.cases(zero_loss.Config(seeds=3, gaussian_noise=(), gaussian_levels=()))[0]

    def some(level):
        return Measured([Run(scalars={f"end.{part}_{figure}": (level - 0.1) ** 2 + 0.05 + 0.01 * seed
                                      for part in ("val", "test") for figure in ("error", "loss")}) for seed in range(3)])

    return Results.of(case, some(0.0), [some(one[0].loss.level) for one in case.flooded])


def cells(seeds=3):
    """One row of three cells of flooding_table."""
    config = flooding_table.Config(seeds=seeds)

    def run(level, seed, epochs=250):
        checks = np.arange(5.0, epochs + 1, 5)
        return Run(scalars={"val_error": 0.2 + (level - 0.3) ** 2 + 0.01 * seed, "val_loss": 0.5,
                            "test_error": 0.21 + (level - 0.3) ** 2 + 0.01 * seed, "best_epoch": 50.0,
                            "best_val_error": 0.2, "best_val_loss": 0.5, "diverged": 0.0},
                   curves={"epoch": checks, "train_loss": level + 20 / checks**2, "test_loss": 0.4 + checks / 500})

    def cell(noise):
        trials = []
        for seed in range(seeds):
            specs = [flooding_grid.spec(config, "two_gaussians", noise, level, seed) for level in config.levels]
            trials.append(Trial(specs, [run(spec.loss.level, seed) for spec in specs]))
        ends = {name: Measured([trial.runs[i] for trial in trials]) for name, i in zip(COLUMNS, (0, 3, 0, 3), strict=True)}
        return Case("two_gaussians", noise, trials, ends, [Measured([run(0.0, 0)]), Measured([run(0.3, 0)])])

    return [[cell(noise) for noise in config.noise]]


def choices(seeds=3):
    """Three cases of level_choice."""
    costs = {"none": 1.0, "grid": 12.0, "coarse": 5.0, "noise": 1.0, "held_out": 2.0, "adaflood": 1.4}
    runs = {method: Measured([Run(scalars={"test_error": 0.2 + 0.01 * (seed + i)}) for seed in range(seeds)])
            for i, method in enumerate(costs)}
    return [level_choice.Case("two_gaussians", noise, runs, {}, costs, 250) for noise in (0.01, 0.05, 0.1)]


def losses(seeds=3):
    """Four cases of loss_matters, of which some seeds reach zero error too late."""
    config = loss_matters.Config(seeds=seeds)

    def run(seed, arm, late):
        times = {str(time): 60.0 * time for time in loss_matters.TIMES} | {"end": float(config.epochs)}
        scalars = {f"{name}.epoch": epoch * (1 + late) for name, epoch in times.items()}
        for figure in ("test_error", "test_loss", "margin_min", "margin_normalized", "parameter_norm", "train_loss"):
            scalars |= {f"{name}.{figure}": 0.1 + 0.01 * arm + 0.02 * seed + 1e-4 * times[name] for name in times}
        return Run(scalars=scalars)

    def case(data, noise):
        arms = {arm: Measured([run(seed, i, late=seed == i == 1) for seed in range(seeds)])
                for i, arm in enumerate(loss_matters.arms(config, data, noise))}
        return loss_matters.Case(data, noise, config, arms)

    return [case(data, noise) for data in loss_matters.DATA for noise in config.noise]


def leaks(seeds=4):
    """Two cases of privacy, in the second of which no run gets to ten times the epoch of zero error."""
    config = privacy.Config(seeds=seeds)

    def run(seed, rules):
        rng = np.random.default_rng(seed)
        shown = (f"{box}_{what}" for box in ("white", "black") for what in ("class", "mean", "nearest"))
        found = "epoch", "train_loss", "test_error", *shown
        scalars = {f"{rule}.{name}": 0.05 + 0.01 * place + 0.01 * seed for place, rule in enumerate(rules)
                   for name in found}
        arrays = {f"{rule}.{name}": values for rule in rules for name, values in (
            ("odds", rng.standard_normal((60, 3))), ("labels", np.arange(60) % 3), ("parts", rng.integers(3, size=60)),
            *((f"{kind}_images", rng.random((3, 16))) for kind in ("white", "black", "member", "other")))}
        return Run(scalars=scalars, arrays=arrays)

    def case(noise, rules):
        arms = {arm: Measured([run(seed, rules) for seed in range(seeds)]) for arm in arms_of_privacy(config, noise)}
        return case_of(noise, seeds, arms)

    return [case(0.0, tuple(TIMES)), case(0.1, tuple(time for time in TIMES if time != "10"))]


def row(seeds=3):
    """The published row."""
    def made(cell):
        return Measured([Run(scalars={"test_error": 1 - cell.beside.published / 100 + 0.01 * seed, "train_error": 0.0,
                                      "test_loss": (0.3 if cell.level else 1.4) + 0.1 * seed}) for seed in range(seeds)])

    config = published_flooding.Config(seeds=seeds)
    return published_flooding.Results([replace(cell, beside=replace(cell.beside, runs=made(cell)))
                                       for cell in published_flooding.cells(config)], config)


class Part:
    def __init__(self, subject, threads=1):
        self.subject, self.threads = subject, threads


def races(slowest=200):
    """Two races, of one and of two threads."""
    names = {"afterzero": 1, "numpy": 3, "torch eager": 0.2 * slowest, "jax scan": 1.2, "scikit-learn": slowest}
    curves = {f"{clock}.{name}": 1e-3 * times * np.array([0.9, 1, 1.2]) for name, times in names.items()
              for clock in ("cpu", "wall")}
    status = np.array([(name, "ok") for name in names])
    return [Result(Part(WORKLOADS[0], threads), Run(curves=curves, arrays={"status": status})) for threads in (1, 2)]


def grown():
    """Growth along every axis."""
    return [Result(Part(axis), Run(scalars={"peak": 1e11}, curves={
        "size": 2.0 ** np.arange(4, 4 + count), "seconds": 1e-4 * 2.0 ** np.arange(count),
        "flops": 1e9 * np.arange(1.0, count + 1)})) for axis, count in zip(growth.AXES, range(3, 99), strict=False)]


def gaps(seeds=3):
    """Gaps of validation_above_training: every cause in one case each, one of them below 0."""
    epochs = np.arange(1.0, 21)

    def case(place, title, epoch):
        def run(seed):
            curves = {name: np.full(20, (0.01 + 0.03 * place) * (k == place % 4)) for k, name in enumerate(CAUSES)}
            frozen = 1 - 0.5 / epochs - 0.002 * seed
            curves |= dict.fromkeys(("validation", "easy", "tiny"), frozen - 0.02)
            curves |= dict.fromkeys(("chance", "half"), frozen)
            return Run(curves=curves | {"epoch": epochs, "frozen": frozen, "true": frozen, "reference": frozen - 0.04,
                                        "running": frozen - 0.01 - 0.03 * place})
        return GapCase(title, Measured([run(seed) for seed in range(seeds)]), epoch)

    return validation_above_training.Results(validation_above_training.Config(seeds=seeds), [
        case(place, title, epoch) for place, (title, (_, epoch, _)) in enumerate(validation_above_training.GAPS.items())])


def capacities(seeds=3):
    """Two tables with and without flips: large networks fit, few samples the sooner."""
    widths, samples = (2, 4, 8, 16, 32, 128), (50, 100, 200, 400, 800)
    scatter = np.random.default_rng(0).uniform(0, 0.01, (len(widths), len(samples), seeds, 5, 3))

    def case(table, noise):
        size = np.log2(widths)[:, None] - (0.2 + 5 * noise) * np.log2(samples) / 2  # (widths, samples)
        train = np.maximum(0, 0.3 - 0.1 * size)[..., None, None, None] + np.array([0.3, 0.1, 0]) + 0 * scatter
        val = train + (0.1 + noise) * (50 / np.array(samples))[:, None, None, None] ** 0.5 + scatter
        return Grid(table, noise, 64, 10, widths, samples, train, val, np.where(train == 0, val, np.nan)[..., -1])

    return [case(table, noise) for table in ("Digits", "Breast cancer") for noise in (0.0, 0.1)]


# What draws each figure, and perhaps others of its question, into a folder; the figure's name is that of its file.
FIGURES = {
    "zero_loss_curves": lambda folder: zero_loss.figures([zero_loss_results(last=last) for last in (60, 5000)], folder),
    "zero_loss_margins": lambda folder: zero_loss.figures([zero_loss_results()] * 2, folder),
    "zero_loss_levels": lambda folder: zero_loss.figures([levels()], folder),
    "loss_matters": lambda folder: loss_matters.figures(losses(), folder),
    "loss_matters_test": lambda folder: loss_matters.figures(losses()[1:3], folder),
    "loss_matters_margins": lambda folder: loss_matters.figures(losses()[1:3], folder),
    "privacy": lambda folder: privacy.figures(leaks(), folder),
    "privacy_defences": lambda folder: privacy.figures(leaks(), folder),
    "privacy_images": lambda folder: privacy.figures(leaks(), folder),
    **dict.fromkeys(("double_descent", "double_descent_profiles", "double_descent_planes"), lambda folder: (
        double_descent.figures(long_runs((0.0, 0.2), (0.3, 0.2), seeds=3), folder))),
    "flooding_table_levels": lambda folder: flooding_table.figures(cells(), folder),
    "flooding_table_curves": lambda folder: flooding_table.figures(cells(), folder),
    "memorization": lambda folder: memorization.figures(memorized(), folder),
    "memorization_limits": lambda folder: memorization.figures(memorized(), folder),
    **dict.fromkeys(("fast_perfect", "fast_perfect_sizes", "fast_perfect_faults"),
                    lambda folder: fast_perfect.figures(perfection.made(), folder)),
    **dict.fromkeys(("online", "online_measures", "online_stops"), lambda folder: online.figures(on_line.made(), folder)),
    **dict.fromkeys(("overfitting_epochs", "overfitting_epochs_capacity"), lambda folder: (
        overfitting_epochs.figures(many_epochs.made(), folder))),
    **{f"validation_above_training{page}": lambda folder: validation_above_training.figures(gaps(), folder)
       for page in ("", "_epochs")},
    **{f"stopping_study{page}": lambda folder: stopping_study.figures(stopping_runs.made(
        dict.fromkeys(stopping_runs.RULES[1:14], 0.9), scatter=0.1), folder) for page in ("", "_watched", "_claim")},
    **{f"autoencoder{page}": lambda folder: autoencoder.figures(autoencoders.made(3), folder)
       for page in ("", "_codes", "_rules")},
    "level_choice": lambda folder: level_choice.figures(choices(), folder),
    "published_flooding": lambda folder: published_flooding.figures(row(), folder),
    "perfect_training_accuracy": lambda folder: perfect_training_accuracy.figures(capacities(), folder),
    "perfect_training_accuracy_tables": lambda folder: perfect_training_accuracy.figures(capacities(), folder),
    "perfect_training_accuracy_best": lambda folder: perfect_training_accuracy.figures(capacities(), folder),
    "speed_race": lambda folder: speed_figures.draw_race(races(), folder / "speed_race.png"),
    "speed_close": lambda folder: speed_figures.draw_race(races(slowest=4)[:1], folder / "speed_close.png"),
    "speed_growth": lambda folder: speed_figures.draw_growth(grown(), folder / "speed_growth.png"),
}


_drawn = {}


def drawing(name, monkeypatch, draw=None, talk=False, dark=False):
    """Return the matplotlib figure of a name of `FIGURES`, or of `draw(folder)`, laid out but not written.

    The figures of `FIGURES` are drawn once and are to be looked at only.
    """
    if draw is None and (name, talk, dark) in _drawn:
        return _drawn[name, talk, dark]
    made, page = [], plots.page
    with monkeypatch.context() as patch, plots.drawn(plots.Look(talk=talk, dark=dark)):
        patch.setattr(canvas, "save", lambda figure, path: (figure.draw_without_rendering(), made.append(figure)))
        patch.setattr(plots, "page", lambda path, *what, **how: page(path, *what, **how) if path.stem == name else [])
        (draw or FIGURES[name])(Path("unused"))
    [figure] = made
    if draw is None:
        _drawn[name, talk, dark] = figure
    return figure


def overlaps(axis):
    """Pairs of labels of one axis (xaxis, yaxis) that cover each other."""
    labels = [label for label in (*axis.get_majorticklabels(), *axis.get_minorticklabels())
              if label.get_visible() and label.get_text()]
    low, high = sorted(axis.get_view_interval())
    places = {"x": 0, "y": 1}[axis.axis_name]
    labels = [label for label in labels if low <= label.get_position()[places] <= high]
    boxes = [label.get_window_extent() for label in labels]
    return [(labels[i].get_text(), labels[j].get_text()) for i in range(len(boxes)) for j in range(i)
            if boxes[i].overlaps(boxes[j])]


def memorized(changes=None, late=0.0, seeds=4):
    """Made-up results; `changes`: by data, scalars of its "kind" arm; `late`: errors under any flood."""
    config = memorization.Config(seeds=seeds, sizes=(50, 200), widths=(3, 6), levels=(0.01, 0.1, 1.0))
    epochs = np.arange(1, 41)
    found = {"epoch": 400, "train_loss": 0.001, "train_error": 0.0, "test_error": 0.05, "margin_min": 5.0,
             "least_error": 0.0, "distance_median": 0.45, "late_train_error": 0.0, "lowest_train_error": 0.0,
             "least_loss": 0.0, "constructed_numbers": 664, "constructed_weight": 9e5, "constructed_error": 0.0,
             "constructed_error32": 0.02, "constructed_off": 1e-10, "constructed_off32": 0.1, "constructed_test_error": 0.9,
             "constructed_margin": 0.5, "constructed_distance_median": 2e-4}

    def run(arm, seed):
        kind, data, *more = arm
        scalars = {f"end.{name}": value * (1 + 0.01 * seed * (name == "test_error")) for name, value in found.items()}
        scalars |= {"zero.epoch": 45.0 + seed % 2, "zero.margin_min": 0.2, "zero.distance_median": 0.4}
        if data == memorization.TWICE:
            del scalars["zero.epoch"]
            scalars |= {"end.lowest_train_error": 0.1, "end.least_error": 0.1}
        if kind == "level":
            scalars["end.late_train_error"] = late + 0.3 * (more[0] > (0.1 if data == memorization.REAL else 0.01))
        if kind == "size":
            scalars["zero.weights"] = more[0] * (2.0 if data == memorization.REAL else 9.0)
        scalars |= {name: values[seed] for name, values in (changes or {}).get(data, {}).items() if kind == "kind"}
        return Run(scalars={name: value for name, value in scalars.items() if not np.isnan(value)},
                   curves={"epoch": epochs, "train_error": np.exp(-epochs / 5), "train_loss": np.exp(-epochs / 4)})

    return Arms(config, {arm: Measured([run(arm, seed) for seed in range(seeds)]) for arm in memorization.arms(config)})
