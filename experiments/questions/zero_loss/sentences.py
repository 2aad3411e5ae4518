"""The answer of zero_loss: sentences whose words follow the numbers."""
from collections.abc import Sequence

from ...report.compare import BETTER, WORSE
from ...report.methods import best, outcome, verdicts
from ...report.tables import number
from ...report.words import opening_by, too_few, unjudged
from .cases import SEEDS, Results

# What is compared with training to the end.
RULES = {"flood": "flooding", "patience_loss": "patience on the validation loss",
         "patience_error": "patience on the validation error", "zero": "stopping at zero error"}
ERROR, LOSS = "test_error", "test_loss"
FIGURES = {"test error": ERROR, "test loss": LOSS}


def sentences(all_results: Sequence[Results]) -> list[str]:
    """What it means for the reader; then train on or not, what still changes, what did best. Words follow the numbers.

    Verdicts are counted over all cases; figures are those of one case, whose test loss changed by the largest factor.
    """
    reached = [results for results in all_results if results.reached]
    if not reached:
        return ["It depends on more epochs: no run reached zero training error, so the question has no answer here."]
    example = max(reached, key=lambda results: results.change("zero", "end", LOSS))
    most = max(results.reached for results in reached)
    found = {name: verdicts(reached, "zero", "end", figure) for name, figure in FIGURES.items()}
    return [opening_by(found, [_labels(results) for results in reached], most, SEEDS, "the labels"),
            _train_on(reached, example, most, len(all_results)), _still_changes(example), _best_rule(all_results, example)]


def _labels(results: Results) -> str:
    noise = results.case.plain[0].data.noise
    return f"where {100 * noise:g} % are wrong" if noise else "where they are clean"


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


def _best_rule(all_results: Sequence[Results], example: Results) -> str:
    name, better = best(all_results, "end", tuple(RULES), (ERROR, LOSS), example)
    if not name:
        return f"{too_few(len(example.case.plain), 'seed')} cannot tell which alternative to training to the end is best."
    lead = (f"Of the alternatives to training to the end, {RULES[name]} did best" if better else
            f"No alternative to training to the end was clearly better on balance; {RULES[name]} came closest")
    error, loss = (example.pair(name, "end", figure, "instead of") for figure in (ERROR, LOSS))
    return f"{lead}: {outcome(all_results, 'end', name, FIGURES)}; in that case error {error}, loss {loss}."
