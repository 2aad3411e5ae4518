"""The tables of a check: what training on does, what stopping rules return, which classes are confused."""
import math
from typing import Any

import numpy as np

from ..report.tables import Table, number
from ..report.words import text
from .results import ERROR, LOSS, Results

NAMES = {"zero": "at zero training error", "best": "at lowest validation loss", "best_error": "at lowest validation error",
         "end": "at the end"}
FIGURES = (("epoch", 1.0, "epoch"), ("train_error", 100.0, "training error, %"), (ERROR, 100.0, "test error, %"),
           (LOSS, 1.0, "test loss"), ("calibration_error", 100.0, "calibration error, %"),
           ("margin_median", 1.0, "median margin"), ("balanced_error", 100.0, "balanced error, %"))
REGRESSION = (("epoch", 1.0, "epoch"), ("train_loss", 1.0, "training loss"), (LOSS, 1.0, "test loss"))
MOST_CLASSES, MOST_CONFUSED = 10, 8


def tables(results: Results) -> list[Table]:
    """Return all of them."""
    found = [models(results), rules(results)]
    if not results.regression:
        found.append(confused(results))
    if results.fresh is not None and any(rows.any() for rows in results.fresh):
        found.insert(1, without_copies(results))
    return found


def arms(results: Results) -> list[tuple[str, Any, str]]:
    """Name, runs and model of each line of the main table."""
    trained = results.trained
    found = []
    for rule, name in NAMES.items():
        known = int(np.isfinite(trained.plain.values(f"{rule}.epoch")).sum())
        if known:
            some = f" ({known} of {results.plan.seeds})" if known < results.plan.seeds else ""
            found.append((f"{name}{some}", trained.plain, rule))
    if trained.flooded is not None:
        found.append((f"flooding at {trained.level:g}, end", trained.flooded, "end"))
    if trained.weighted is not None:
        found.append(("class weights, lowest val. loss", trained.weighted, "best"))
    return [*found, ("linear model, lowest val. loss", trained.linear, "best")]


def models(results: Results) -> Table:
    """Return what is measured of each model."""
    figures = REGRESSION if results.regression else FIGURES if results.trained.weighted is not None else FIGURES[:-1]
    rows = [(name, *(text(factor * results.values(runs, rule, figure)) for figure, factor, _ in figures))
            for name, runs, rule in arms(results)]
    error, loss = results.guessing
    guess = {ERROR: 100 * error, LOSS: loss}
    rows.append(("guessing", *(number(guess[figure]) if figure in guess else "–" for figure, *_ in figures)))
    note = ("Loss: mean squared error in units of the training rows' variance; of guessing the mean it is 1."
            if results.regression else "Loss: cross-entropy, nats. Margin: of the training rows, in logits."
            + (" Balanced error: classes count alike." if results.trained.weighted is not None else ""))
    note += " Splits share rows: for new rows ± is larger, as the answer has it."
    return Table(f"What training on does ({results.plan.splits}, mean ± standard error)",
                 ("model", *(title for *_, title in figures)), rows, note)


def without_copies(results: Results) -> Table:
    """Return errors and losses without the test rows that stand in another part too."""
    fresh = results.fresh or ()
    copies = [int((~rows).sum()) for rows in fresh]
    figures = [one for one in FIGURES if one[0] in ((LOSS,) if results.regression else (ERROR, LOSS))]
    rows = [(name, *(text(factor * results.values(runs, rule, figure, fresh=only))
                     for figure, factor, _ in figures for only in (False, True)))
            for name, runs, rule in arms(results) if rule in ("zero", "best", "end")]
    return Table(f"With and without copies: {np.mean(copies):.0f} of {len(fresh[0])} test rows stand among those trained on "
                 "or chosen by", ("model", *(f"{title}{more}" for *_, title in figures for more in ("", ", without"))), rows)


def rules(results: Results) -> Table:
    """Return what each rule of the default panel returns, and at which cost."""
    def epoch(value: float) -> str:
        return "never" if math.isnan(value) else f"{value:.0f}"
    many, error = results.divisions, not results.regression
    rows = [(one.rule, f"{one.fired} of {many}", epoch(one.stop), epoch(one.returned), number(one.loss),
             *([number(100 * one.error)] if error else []), f"{one.above_best:+.3g}", f"{one.above_end:+.3g}")
            for one in results.rules]
    return Table(f"What stopping rules would have returned ({results.plan.splits}, means)",
                 ("rule", "stopped", "at epoch", "returns epoch", "test loss", *(["test error, %"] if error else []),
                  "above best", "above end"), rows,
                 "Above best, above end: its test loss less the lowest of the run, and less that of the end. A rule that "
                 "never stopped returns its best.")


def confused(results: Results) -> Table:
    """Return the confusion matrix at the lowest validation loss, or of many classes the commonest confusions."""
    shares, classes = results.confusion, results.problem.classes
    title = f"Confusion at the lowest validation loss (test rows of {results.plan.splits})"
    if len(classes) <= MOST_CLASSES:
        of = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
        rows = [(_short(name), *(f"{100 * share:.1f}" for share in row)) for name, row in zip(classes, of, strict=True)]
        return Table(title, ("true class", *(f"as {_short(name)}" for name in classes)), rows,
                     "In % of the rows of each true class.")
    wrong = shares - np.diag(np.diag(shares))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSED]
    rows = [(_short(classes[i]), _short(classes[j]), f"{100 * wrong[i, j]:.2f}")
            for i, j in zip(*np.unravel_index(worst, wrong.shape), strict=True) if wrong[i, j] > 0]
    return Table(title, ("true class", "taken for", "% of all rows"), rows or [("none", "–", "0")],
                 f"Of {len(classes)} classes, the commonest confusions.")


def _short(name: str, most: int = 16) -> str:
    return name if len(name) <= most else f"{name[:most - 1]}…"
