"""Does it make sense to train on after 100 % training accuracy?

Two data sets, each with few and with many wrong labels, are trained with cross-entropy far beyond the first epoch without a
training error. Five ways to choose the model are compared on the same runs: that epoch itself, patience on the validation
loss, patience on the validation error, the end of training, and the end of a second run with flooding (Ishida et al., ICML
2020), which keeps the training loss near a level instead of letting it go to zero. The level is chosen once for all seeds.

Besides test error, test loss and calibration the table shows what still goes on after zero error: margins, the norm of the
gradient, the distance that the parameters still travel, and the share of test predictions that still change.
"""
from collections.abc import Sequence
from pathlib import Path

from ...data import two_gaussians_bayes
from ...report.tables import Table
from ...report.words import spread
from ...runs.store import Store
from ...runs.sweep import Threads, train_missing
from ...trainers.image_settings import announce, images_of
from ...trainers.train import TRAINER
from .cases import METHODS, Config, Results, cases, gather, runs  # noqa: F401 (what a question consists of)

RUN_TIMES = {"quick": "20 s", "default": "2.5 min", "full": "45 min"}  # on 2 cores, compilation included
# Figure, name of the row, factor for display; the rows that stand in README.md.
ROWS = (("epoch", "epoch", 1), ("test_error", "test error, %", 100), ("test_error_clean", "... on true labels, %", 100),
        ("test_loss", "test loss", 1), ("calibration_error", "calibration error, %", 100),
        ("train_error", "training error, %", 100), ("margin_min", "smallest margin", 1),
        ("margin_median", "median margin", 1), ("gradient_norm", "gradient norm", 1),
        ("movement", "weights still move, %", 100), ("changed", "predictions change, %", 100))
SUMMARY = ("epoch", "test error, %", "test loss", "median margin")


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet; raises SettingError as `cases` does, before any training."""
    wanted = runs(config)
    announce(images_of(config))
    train_missing(store, wanted, TRAINER, Threads(config.workers), "training")


def tables(results: Sequence[Results]) -> list[Table]:
    """One table per case: methods side by side, mean ± standard error over seeds; then those of levels to choose from."""
    return [*map(_methods, results), *(one.flooding.table(one.title, one.runs["end"][0]) for one in results
                                       if len(one.flooding.levels) > 1)]


def _methods(results: Results) -> Table:
    data, seeds = results.case.plain[0].data, len(results.case.plain)
    # Without flips both rows of test errors are the same.
    rows = [(title, *(results.text(method, figure, factor) for method in METHODS))
            for figure, title, factor in ROWS if data.noise > 0 or figure != "test_error_clean"]
    notes = [results.case.note] * bool(results.case.note) + [
        f"flooding level {results.flooding.level:g} ({results.flooding.note})"]
    if data.data == "two_gaussians":
        best = two_gaussians_bayes(noise=data.noise)
        notes.append(f"best possible: test error {best.noisy_error:.1%}, on true labels {best.clean_error:.1%}, "
                     f"test loss {best.cross_entropy:.3f}")
    if results.reached < seeds:
        notes.append(f"zero training error was reached by {results.reached} of {seeds} seeds; its column is about these")
    return Table(f"{results.title} ({spread(seeds, 'seed')})", ("", *METHODS.values()), rows, "\n".join(notes))


def figures(results: Sequence[Results], folder: Path) -> list:
    """Draw all figures."""
    from . import drawing

    return [*drawing.draw_curves(results, folder / "zero_loss_curves.png"),
            *drawing.draw_margins(results, folder / "zero_loss_margins.png"),
            *drawing.draw_levels(results, folder / "zero_loss_levels.png")]


def answer(results: Sequence[Results]) -> str:
    """Open with what it means for the reader, then quote the measured numbers in three sentences."""
    from .sentences import sentences

    return " ".join(sentences(results))
