"""Does it make sense to train on after 100 % training accuracy?

Two data sets, each with few and with many wrong labels, are trained with cross-entropy far beyond the first epoch without a
training error. Five ways to choose the model are compared on the same runs: that epoch itself, patience on the validation
loss, patience on the validation error, the end of training, and the end of a second run with flooding (Ishida et al., ICML
2020), which keeps the training loss near a level instead of letting it go to zero. The level is chosen once for all seeds.

Besides test error, test loss and calibration the table shows what still goes on after zero error: margins, the norm of the
gradient, the distance that the parameters still travel, and the share of test predictions that still change.
"""
from collections.abc import Sequence

from ...report.compare import BETTER, WORSE
from ...report.methods import alternative, outcome, verdicts
from ...report.tables import Table, number
from ...report.words import opening_by, paragraph, spread, too_few, unjudged
from .cases import METHODS, SEEDS, Config, Results, cases, gather, run, runs  # noqa: F401 (what a question consists of)
from .drawing import figures  # noqa: F401

RUN_TIMES = {"quick": "20 s", "default": "2 min 30 s", "full": "45 min"}  # on 2 cores, compilation included
ROWS = {"epoch": "epoch", "test_error": "test error, %", "test_error_clean": "... on true labels, %",
        "test_loss": "test loss", "calibration_error": "calibration error, %", "train_error": "training error, %",
        "margin_min": "smallest margin", "margin_median": "median margin", "gradient_norm": "gradient norm",
        "movement": "weights still move, %", "changed": "predictions change, %"}
SUMMARY = ("epoch", "test error, %", "test loss", "median margin")  # rows in README.md
# What is compared with training to the end.
RULES = {"flood": "flooding", "patience_loss": "patience on the validation loss",
         "patience_error": "patience on the validation error", "zero": "stopping at zero error"}
ERROR, LOSS = "test_error", "test_loss"
FIGURES = {"test error": ERROR, "test loss": LOSS}


def tables(results: Sequence[Results]) -> list[Table]:
    """One table per case: methods side by side, mean ± standard error over seeds; then those of levels to choose from."""
    return [*map(_methods, results), *(one.flooding.table(one.title, one.runs["end"][0]) for one in results
                                       if len(one.flooding.levels) > 1)]


def _methods(results: Results) -> Table:
    where, seeds = results.case.where, len(results.case.plain)
    # Without flips both rows of test errors are the same.
    rows = [(title, *(results.text(method, figure) for method in METHODS))
            for figure, title in ROWS.items() if where.noise > 0 or figure != "test_error_clean"]
    notes = [results.case.note] * bool(results.case.note) + [
        f"flooding level {results.flooding.level:g} ({results.flooding.note})"]
    if where.data == "two_gaussians":
        notes.append(where.best_note)
    if results.reached < seeds:
        notes.append(f"zero training error was reached by {results.reached} of {seeds} seeds; its column is about these")
    return Table(f"{results.title} ({spread(seeds, 'seed')})", ("", *METHODS.values()), rows, "\n".join(notes))


@paragraph
def answer(all_results: Sequence[Results]) -> list[str]:
    """What it means for the reader; then train on or not, what still changes, what did best. Words follow the numbers.

    Verdicts are counted over all cases; figures are those of one case, whose test loss changed by the largest factor.
    """
    reached = [results for results in all_results if results.reached]
    if not reached:
        return ["It depends on more epochs: no run reached zero training error, so the question has no answer here."]
    example = max(reached, key=lambda results: results.change("zero", "end", LOSS))
    most = max(results.reached for results in reached)
    found = {name: verdicts(reached, "zero", "end", figure) for name, figure in FIGURES.items()}
    return [opening_by(found, _groups(reached), most, SEEDS, "the labels"),
            _train_on(reached, example, most, len(all_results)), _still_changes(example), alternative(
                all_results, "end", RULES, FIGURES, example, count=len(example.case.plain), what="training to the end")]


def _groups(reached: Sequence[Results]) -> list[str]:
    """By what their labels are like. One case alone may differ by its data, which are named where there are others."""
    labels, data = ([getattr(results.case.where, what) for results in reached] for what in ("labels", "data"))
    return [f"{one} ({results.title.partition(',')[0]})" if len(set(data)) > 1 and labels.count(one) == 1 else one
            for one, results in zip(labels, reached, strict=True)]


def _train_on(reached: Sequence[Results], example: Results, most: int, total: int) -> str:
    training_on = "training on from 100 % training accuracy" + (
        f" (reached in {len(reached)} of {total} cases)" if len(reached) < total else "") + " to the end"
    unknown = unjudged(verdicts(reached, "zero", "end", LOSS))
    effect = (f"{too_few(most, 'seed')} cannot tell whether {training_on} pays" if unknown else
              f"After {training_on}, {outcome(reached, 'zero', 'end', FIGURES)}")
    unsaid = unknown or example.compared("zero", "end", LOSS).verdict in (BETTER, WORSE)
    lead = (f"{example.title}: loss" if len(reached) == 1 else
            f"loss changed by the largest factor{'' if unsaid else ', though not clearly,'} for {example.title}:")
    return f"{effect}; {lead} {example.pair('zero', 'end', LOSS)}, error {example.pair('zero', 'end', ERROR)}."


def _still_changes(example: Results) -> str:
    before, after = example.means("zero", "end", "margin_median")
    changed = example.mean("zero", "changed")
    # A margin that moves by less than a hundredth, and one prediction in 200: most would call that standing still.
    verb = "hardly changed any more" if abs(after - before) < 0.01 * abs(before) and changed < 0.005 else "went on changing"
    margin, gradient = (example.pair("zero", "end", figure) for figure in ("margin_median", "gradient_norm"))
    return (f"In that case the model {verb} after zero error: its median training margin went from {margin}, its gradient "
            f"norm from {gradient}, and {number(100 * changed)} % of its test predictions changed.")
