"""Does cross-entropy on separable data lead to the support vector machine, as theory says?

Full-batch gradient descent on the cross-entropy of two classes, without an offset. Where a hyperplane separates the data the
loss falls like 1/t, the norm of the weights grows like log t and their direction nears that of the support vector machine,
like 1/log t (Soudry et al., JMLR 2018); in a relu network without offsets the normalised margin grows (Lyu & Li, ICLR 2020).
What grows meanwhile is confidence: from a mean probability of 0.7 for the label to 0.95 and on, at unchanged accuracy.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..report import limits, plots
from ..report.compare import BETTER, WORSE, paired
from ..report.limits import CLAIMS, NETWORK_CLAIMS, Case, judged, means
from ..report.measured import Measured, load
from ..report.tables import Table
from ..report.words import opening_by, spread, text
from ..runs.settings import above, at_least
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.separable import TRAINER, descent

RUN_TIMES = {"quick": "20 s", "default": "1 min 30 s", "full": "1 h"}  # on 2 cores
# Arm: title, hue, data, field of Config for its samples, whether it has hidden units.
ARMS = {"four_points": ("Four points", plots.BLACK, "four_points", "", False),
        "generic": ("Generic points", plots.GREEN, "generic", "", False),
        "figure_1": ("Soudry's figure 1", plots.PURPLE, "figure_1", "", False),
        "gaussians": ("Two Gaussians", plots.RED, "two_gaussians", "few", False),
        "digits": ("Digits 0 and 1", plots.BLUE, "digits", "images", False),
        "overlap": ("Two Gaussians, many", plots.ORANGE, "two_gaussians", "many", False),
        "gaussians_relu": ("Two Gaussians, relu", plots.RED, "two_gaussians", "few", True),
        "digits_relu": ("Digits 0 and 1, relu", plots.BLUE, "digits", "images", True)}
COURSES = (("training loss", "train_loss", "xy"), ("γ · norm of the weights", "size", "x"),
           ("angle to the SVM, degrees", "angle", "xy"), ("validation loss", "val_loss", "x"))
NEEDED = 5  # seeds, below which "no clear difference" does not mean that there is none
TOLERANCE = 0.1  # of every claim: its figure is expected to be 0, 1 or -1


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of margin_theory."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each case: other initial weights, other samples. Slopes scatter by a few percent, angles by a quarter."""
    epochs: Annotated[int, at_least(20)] = 50_000
    """Updates: log t is the clock, so that ten times as many only move it by 2.3."""
    few: Annotated[int, at_least(4)] = 20
    """Samples of Two Gaussians in 10 dimensions: a hyperplane separates nearly every draw, though 6 % can never be told."""
    many: Annotated[int, at_least(4)] = 400
    """Samples of the same, which no hyperplane separates: where theory says nothing, and what happens then."""
    images: Annotated[int, at_least(4)] = 40
    """Digits 0 and 1 to train on; the other 320 validate."""
    hidden: Annotated[int, at_least(1)] = 20
    """Hidden units of the relu networks."""
    step: Annotated[float, above(0, 2)] = 1.0
    """Learning rate in units of 1/curvature; below 2 every update is sure to lower the loss of a linear classifier."""

    def related(self, need: Any) -> None:
        """Samples come in pairs of classes; there are 360 digits."""
        for name in ("few", "many"):
            need(getattr(self, name) % 2 == 0, name, "an even number")
        need(self.images < 360, "images", "below 360, the digits 0 and 1 that there are")

    @classmethod
    def quick(cls) -> "Config":
        """Five seeds, short runs: shows the direction."""
        return cls(seeds=5, epochs=5000)

    @classmethod
    def full(cls) -> "Config":
        """More seeds, a million epochs."""
        return cls(seeds=20, epochs=1_000_000)


def arms(config: Config) -> dict[str, list[dict]]:
    """Return what is trained: the runs of each case, one per seed."""
    return {arm: [descent("margin_theory", seed, data, getattr(config, size) if size else 0, (config.hidden,) * layers,
                          config.epochs, config.step) for seed in range(config.seeds)]
            for arm, (_, _, data, size, layers) in ARMS.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some], TRAINER)


def gather(store: Store, config: Config) -> list[Case]:
    """Load everything; raises StoreError when runs are missing."""
    found = []
    for arm, specs in arms(config).items():
        title, hue, _, size, network = ARMS[arm]
        runs = load(store, specs).runs
        kinds = [Measured([one for one in runs if (network or one.scalars["separable"] == 1) == good])
                 for good in (True, False)]
        found.append(Case(title + (f" ({getattr(config, size)})" if size else ""), hue, network, config.seeds, *kinds))
    return found


def tables(results: Sequence[Case]) -> list[Table]:
    """Theory's figures beside the measured ones; then what training on past zero error changed."""
    machines, networks = _kinds(results)

    def beside(title: str, cases: Sequence[Case], claims: dict, more: dict, note: str) -> Table:
        heads = [*(f"{name} -> {expected}" for name, (_, expected) in claims.items()), *more]
        figures = [*(claim for claim, _ in claims.values()), *more.values()]
        return Table(f"{title} ({spread(results[0].seeds, 'seed')})", ["case", "runs", *heads], [
            [case.title, f"{len(case.runs.runs)}", *(text(figure(case)) for figure in figures)] for case in cases], note)

    def at(when: str, name: str, factor: float = 1.0) -> Any:
        return lambda case: case.runs.at(when, name, factor) if when else case.runs.values(name, factor)

    return [
        beside("Linear classifiers on separable data", machines, CLAIMS, {
            "offset -> 0": at("end", "offset"), "angle at zero error, °": at("zero", "angle"), "end": at("end", "angle")},
            "η: step of the summed loss; γ: largest margin; offset: of support vectors' outputs from log(ηt/alpha). "
            "Slopes: of the last tenfold of epochs. Predicted: mean of max(0, -y·w_svm·x), left out where nearly 0."),
        beside("Relu networks", networks, NETWORK_CLAIMS, {
            "margin / norm² at zero error, 1e-3": at("zero", "margin", 1e3), "end": at("end", "margin", 1e3),
            "dips of the smoothed one": lambda case: limits.dips(case.runs)},
            "Dips: checks at which it fell, from where on a gradient flow never lowers it."),
        beside("From zero training error to the end", [*machines, *networks], {}, {
            "p(label)": at("zero", "confidence"), "p, end": at("end", "confidence"), "p, only longer": at("", "scaled"),
            "changed, %": at("", "changed", 100), "val error, %": at("zero", "val_error", 100),
            "error, end": at("end", "val_error", 100), "val loss": at("zero", "val_loss"),
            "loss, end": at("end", "val_loss"), "loss at the best temperature": at("zero", "val_loss_scaled"),
            "it, end": at("end", "val_loss_scaled"), "calibration error, %": at("zero", "val_calibration", 100),
            "that, end": at("end", "val_calibration", 100)},
            "p(label): mean probability of the label on training samples; only longer: of the weights of zero error, as "
            "long as those of the end; changed: decisions on validation samples.")]


def _kinds(results: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Return the linear cases and the networks, those with runs on separable data."""
    some = [case for case in results if case.runs.runs]
    return [case for case in some if not case.network], [case for case in some if case.network]


def figures(results: Sequence[Case], folder: Path) -> list:
    """Draw theory's four figures over time, the confidence that grows, and the margins of the networks."""
    seeds, (machines, networks) = spread(results[0].seeds, "seed"), _kinds(results)
    fixed = [title for title, _, _, size, _ in ARMS.values() if not size]  # and nothing is hard to tell there
    shown = [case for case in machines if case.title not in fixed] + networks
    pages: dict[str, tuple[list, str]] = {
        "": ([partial(_course, results, *one) for one in COURSES], "Gradient descent on separable data"),
        "_confidence": ([partial(limits.confidence_panel, case) for case in shown], "Sure, and right"),
        "_networks": ([partial(limits.norm_panel, case) for case in networks], "Margins of relu networks without offsets")}
    paths = []
    for name, (panels, title) in pages.items():
        rows = [panels[i:i + 2] for i in range(0, len(panels), 2)]
        paths += plots.page(folder / f"margin_theory{name}.png", rows, title=f"{title} ({seeds})", x="epoch (log)", legend=2,
                            size=(8.4, 1.9 + 2.6 * len(rows))) if rows else []
    return paths


def _course(results: Sequence[Case], label: str, name: str, scale: str, axis: Any) -> None:
    """One curve of all linear cases; what is not separable has no machine, and is dashed."""
    t = results[0].runs.runs[0].curves["epoch"]  # of the first case, which is always separable
    for case in (case for case in results if not case.network):
        for runs, line in ((case.runs, "-"), (case.others, "--")):
            if runs.runs and name in runs.runs[0].curves and (name != "size" or runs is case.runs):
                unit = runs.values("svm.margin")[:, None] if name == "size" else 1
                plots.curve(axis, t, runs.curves(name) * unit, hue=case.hue, split="", linestyle=line,
                            label=case.title + ", not separable" * (runs is case.others))
    if name in ("train_loss", "size"):
        axis.plot(t, 0.5 / t if name == "train_loss" else np.log(t), ":", color=plots.ink(plots.GREY), lw=2.5,
                  label="theory, up to a constant: 1/t, log t")
    axis.set_ylabel(label)
    plots.log(axis, scale)


def answer(results: Sequence[Case]) -> str:
    """Open with yes, no or what it depends on; then theory's figures beside measured ones, and what confidence means."""
    machines, networks = _kinds(results)
    turned = [paired(np.log(case.runs.at("zero", "angle")), np.log(case.runs.at("end", "angle")),
                     comparisons=len(machines)).verdict for case in machines]
    where = [f"on {case.title}" for case in machines]
    start = opening_by({"direction": turned}, where, results[0].seeds, NEEDED, "the data")
    start = start.replace(BETTER, "nearer").replace(WORSE, "farther")
    return (f"{start} The angle to the machine was {means(machines, 'angle', when='zero')} degrees at zero error and "
            f"{means(machines, 'angle', when='end')} in the end (means of a case). Theory's figures, met where the whole "
            f"95 % interval is within {TOLERANCE}: {judged(machines, CLAIMS, TOLERANCE)}. {limits.apart(results)} "
            f"{limits.grown(networks, TOLERANCE)} {limits.surer([*machines, *networks])}")
