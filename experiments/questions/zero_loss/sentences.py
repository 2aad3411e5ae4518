"""The answer of zero_loss: sentences whose words follow the numbers."""
from collections.abc import Sequence

import numpy as np

from ...report.compare import BETTER, UNKNOWN, WORSE
from ...report.tables import number
from ...report.words import opening, tally, too_few, unjudged
from . import Results

# What is compared with training to the end.
RULES = {"flood": "flooding", "patience_loss": "patience on the validation loss",
         "patience_error": "patience on the validation error", "zero": "stopping at zero error"}
ERROR, LOSS = "test_error", "test_loss"


def sentences(all_results: Sequence[Results]) -> list[str]:
    """Yes, no or what it depends on; then train on or not, what still changes, what did best. Words follow the numbers.

    Verdicts are counted over all cases; figures are those of one case, whose test loss changed by the largest factor.
    """
    reached = [results for results in all_results if results.reached]
    if not reached:
        return ["It depends on more epochs: no run reached zero training error, so the question has no answer here."]
    example = max(reached, key=_change_of_loss)
    verdicts = {name: _verdicts(reached, "zero", "end", figure) for name, figure in (("test error", ERROR),
                                                                                     ("test loss", LOSS))}
    return [opening(verdicts, _most_pairs(reached)), _train_on(reached, example, len(all_results)), _still_changes(example),
            _best_rule(all_results, example)]


def _most_pairs(reached: Sequence[Results]) -> int:
    """Most seeds of a case that reached zero error."""
    return max(results.reached for results in reached)


def _change_of_loss(results: Results) -> float:
    """Relative change of the test loss after zero error; the larger loss divides, so twice and half count the same."""
    before, after = _means(results, "zero", "end", LOSS)
    return abs(after - before) / max(after, before) if after != before else 0.0


def _train_on(reached: Sequence[Results], example: Results, total: int) -> str:
    training_on = "training on from 100 % training accuracy" + (
        f" (reached in {len(reached)} of {total} cases)" if len(reached) < total else "") + " to the end"
    unknown = unjudged(_verdicts(reached, "zero", "end", LOSS))
    if unknown:
        effect = f"{too_few(_most_pairs(reached), 'seed')} cannot tell whether {training_on} pays"
    else:
        effect = f"After {training_on}, {_outcome(reached, 'zero', 'end')}"
    unsaid = unknown or example.compared("zero", "end", LOSS).verdict in (BETTER, WORSE)
    lead = (f"{example.case.title}: loss" if len(reached) == 1 else
            f"loss changed by the largest factor{'' if unsaid else ', though not clearly,'} for {example.case.title}:")
    return f"{effect}; {lead} {_pair(example, 'zero', 'end', LOSS)}, error {_pair(example, 'zero', 'end', ERROR)} %."


def _still_changes(example: Results) -> str:
    before, after = _means(example, "zero", "end", "margin_median")
    changed = example.mean("zero", "changed")
    # A margin that moves by less than a hundredth, and one prediction in 200: most would call that standing still.
    verb = "hardly changed any more" if abs(after - before) < 0.01 * abs(before) and changed < 0.005 else "went on changing"
    margin, gradient = (_pair(example, "zero", "end", figure) for figure in ("margin_median", "gradient_norm"))
    return (f"In that case the model {verb} after zero error: its median training margin went from {margin}, its gradient "
            f"norm from {gradient}, and {number(100 * changed)} % of its test predictions changed.")


def _best_rule(all_results: Sequence[Results], example: Results) -> str:
    """What did best against training to the end: most verdicts better, fewest worse; the example decides between equals."""
    found = {method: [verdict for figure in (ERROR, LOSS) for verdict in _verdicts(all_results, "end", method, figure)]
             for method in RULES}
    balance = {method: verdicts.count(BETTER) - verdicts.count(WORSE)
               for method, verdicts in found.items() if not unjudged(verdicts)}
    if not balance:
        return f"{too_few(len(example.levels), 'seed')} cannot tell which alternative to training to the end is best."
    best = max(balance, key=lambda method: (balance[method], -example.mean(method, ERROR)))
    lead = (f"Of the alternatives to training to the end, {RULES[best]} did best" if balance[best] > 0 else
            f"No alternative to training to the end was clearly better on balance; {RULES[best]} came closest")
    error, loss = (_pair(example, best, "end", figure, "instead of") for figure in (ERROR, LOSS))
    return f"{lead}: {_outcome(all_results, 'end', best)}; in that case error {error} %, loss {loss}."


def _outcome(all_results: Sequence[Results], before: str, after: str) -> str:
    """What one method is compared with another: "test error was clearly better in 2 and test loss ... in 4 of 4 cases"."""
    errors, losses = (_verdicts(all_results, before, after, figure) for figure in (ERROR, LOSS))
    text = f"test error was {_tally(errors)} and test loss {_tally(losses)}"
    judged = len(errors) - errors.count(UNKNOWN)
    if judged < len(errors):
        return f"{text} of {judged} cases with enough seeds"
    return text if judged == 1 else f"{text} of {judged} cases"


def _verdicts(all_results: Sequence[Results], before: str, after: str, figure: str) -> list[str]:
    """Per case, what a method is compared with another one."""
    return [results.compared(before, after, figure).verdict for results in all_results]


def _tally(verdicts: Sequence[str]) -> str:
    """Count clear verdicts; a single case needs no count."""
    if len(verdicts) > 1:
        return tally(verdicts)
    return f"clearly {verdicts[0]}" if verdicts[0] in (BETTER, WORSE) else "not clearly different"


def _means(results: Results, a: str, b: str, figure: str) -> tuple[float, float]:
    """Means of two methods over the seeds that have both."""
    values = np.array([results.values(a, figure), results.values(b, figure)])
    both = values[:, ~np.isnan(values).any(axis=0)]
    first, second = both.mean(axis=1) if both.size else (np.nan, np.nan)
    return float(first), float(second)


def _pair(results: Results, a: str, b: str, figure: str, between: str = "to") -> str:
    """Both means with a word between them, errors in percent: "0.312 to 1.40"."""
    first, second = (100 ** (figure == ERROR) * mean for mean in _means(results, a, b, figure))
    return f"{number(first)} {between} {number(second)}"
