"""What zero_loss reports: figures gathered from the store, tables, and sentences whose words follow the numbers."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data import two_gaussians_bayes
from ...report.compare import BETTER, UNKNOWN, WORSE, mean_and_error, paired
from ...report.tables import Table, mean_error, number
from ...report.words import opening, spread, too_few
from ...runs.store import Run
from . import Case, Config, cases

METHODS = {"zero": "zero error", "patience_loss": "patience: loss", "patience_error": "patience: error", "end": "to the end",
           "flood": "flooding"}
# What is compared with training to the end.
RULES = {"flood": "flooding", "patience_loss": "patience on the validation loss",
         "patience_error": "patience on the validation error", "zero": "stopping at zero error"}
# Figure, name of the row, factor for display.
ROWS = (("epoch", "epoch", 1), ("test_error", "test error, %", 100), ("test_error_clean", "... on true labels, %", 100),
        ("test_loss", "test loss", 1), ("calibration_error", "calibration error, %", 100),
        ("train_error", "training error, %", 100), ("margin_min", "smallest margin", 1),
        ("margin_median", "median margin", 1),
        ("gradient_norm", "gradient norm", 1), ("movement", "weights still move, %", 100),
        ("changed", "predictions change, %", 100))


@dataclass(frozen=True)
class Results:
    """One case with its finished runs.

    Attributes
    ----------
    case : Case
        What was run.
    plain : list of Run
        Cross-entropy, one per seed.
    flooded : list of Run
        Flooding, one per seed, with the level that validation chose.
    levels : list of float
        These levels.
    """

    case: Case
    plain: list[Run]
    flooded: list[Run]
    levels: list[float]

    def values(self, method: str, figure: str) -> np.ndarray:
        """One figure of one method for all seeds, shape (seeds,); NaN where the rule never fired."""
        runs, rule = (self.flooded, "end") if method == "flood" else (self.plain, method)
        return np.array([run.scalars.get(f"{rule}.{figure}", np.nan) for run in runs])

    def mean(self, method: str, figure: str) -> float:
        """Mean over the seeds for which the rule fired."""
        return mean_and_error(self.values(method, figure))[0]


def gather(store, config: Config) -> list[Results]:
    """Load all runs of a configuration and choose the flooding level of each seed.

    Raises
    ------
    StoreError
        When runs are missing: figures and answers come from complete results only.
    """
    def load(spec):
        return store.require(spec.settings())

    results = []
    for case in cases(config):
        candidates = [[load(spec) for spec in specs] for specs in case.flooded]  # [level][seed]
        chosen = [choose_level([runs[seed] for runs in candidates]) for seed in range(len(case.plain))]
        results.append(Results(case, [load(spec) for spec in case.plain],
                               [candidates[level][seed] for seed, level in enumerate(chosen)],
                               [case.flooded[level][seed].loss.level for seed, level in enumerate(chosen)]))
    return results


def choose_level(runs: Sequence[Run]) -> int:
    """Index of the run with the lowest final validation error; the validation loss decides between equals."""
    return min(range(len(runs)), key=lambda i: (runs[i].scalars["end.val_error"], runs[i].scalars["end.val_loss"]))


def case_table(results: Results) -> Table:
    """Methods side by side, mean ± standard error over seeds."""
    spec = results.case.plain[0]
    # Without flips both rows of test errors are the same.
    shown = [row for row in ROWS if spec.data.noise > 0 or row[0] != "test_error_clean"]
    rows = [(title, *(mean_error(*mean_and_error(factor * results.values(method, figure))) for method in METHODS))
            for figure, title, factor in shown]
    seeds = len(results.plain)
    return Table(f"{results.case.title} ({spread(seeds, 'seed')})", ("", *METHODS.values()), rows,
                 "\n".join(_notes(results, spec, seeds)))


def _notes(results: Results, spec, seeds: int) -> list[str]:
    levels = sorted(set(results.levels))
    how = "fixed" if len(results.case.flooded) == 1 else "chosen by validation error for each seed"
    notes = [results.case.note] if results.case.note else []
    notes.append(f"flooding level {', '.join(f'{level:g}' for level in levels)} ({how})")
    if spec.data.data == "two_gaussians":
        best = two_gaussians_bayes(noise=spec.data.noise)
        notes.append(f"best possible: test error {best.noisy_error:.1%}, on true labels {best.clean_error:.1%}, "
                     f"test loss {best.cross_entropy:.3f}")
    reached = int(np.sum(~np.isnan(results.values("zero", "epoch"))))
    if reached < seeds:
        notes.append(f"zero training error was reached by {reached} of {seeds} seeds; its column is about these")
    return notes


# --- the answer ---

def sentences(all_results: Sequence[Results]) -> list[str]:
    """Yes, no or what it depends on; then train on or not, what still changes, what did best. Words follow the numbers.

    Verdicts are counted over all cases; figures are those of one case, whose test loss changed by the largest factor.
    """
    reached = [results for results in all_results if not np.all(np.isnan(results.values("zero", "epoch")))]
    if not reached:
        return ["It depends on more epochs: no run reached zero training error, so the question has no answer here."]
    example = max(reached, key=_change_of_loss)
    verdicts = {name: _verdicts(reached, "zero", "end", f"test_{name.split()[1]}") for name in ("test error", "test loss")}
    return [opening(verdicts, _most_pairs(reached)), _train_on(reached, example, len(all_results)), _still_changes(example),
            _best_rule(all_results, example)]


def _most_pairs(reached: Sequence[Results]) -> int:
    """Most seeds of a case that reached zero error."""
    return max(int(np.sum(~np.isnan(results.values("zero", "epoch")))) for results in reached)


def _change_of_loss(results: Results) -> float:
    """Relative change of the test loss after zero error; the larger loss divides, so twice and half count the same."""
    before, after = _means(results, "zero", "end", "test_loss")
    return abs(after - before) / max(after, before) if after != before else 0.0


def _train_on(reached: Sequence[Results], example: Results, total: int) -> str:
    training_on = "training on from 100 % training accuracy" + (
        f" (reached in {len(reached)} of {total} cases)" if len(reached) < total else "") + " to the end"
    losses = _verdicts(reached, "zero", "end", "test_loss")
    if set(losses) == {UNKNOWN}:
        effect = f"{too_few(_most_pairs(reached), 'seed')} cannot tell whether {training_on} pays"
    else:
        effect = f"After {training_on}, {_outcome(reached, 'zero', 'end')}"
    unsaid = set(losses) == {UNKNOWN} or _verdicts([example], "zero", "end", "test_loss")[0] in (BETTER, WORSE)
    lead = (f"{example.case.title}: loss" if len(reached) == 1 else
            f"loss changed by the largest factor{'' if unsaid else ', though not clearly,'} for {example.case.title}:")
    loss = _pair(example, "zero", "end", "test_loss", "to")
    error = _pair(example, "zero", "end", "test_error", "to", 100)
    return f"{effect}; {lead} {loss}, error {error} %."


def _still_changes(example: Results) -> str:
    before, after = _means(example, "zero", "end", "margin_median")
    changed = example.mean("zero", "changed")
    # A margin that moves by less than a hundredth, and one prediction in 200: most would call that standing still.
    verb = "hardly changed any more" if abs(after - before) < 0.01 * abs(before) and changed < 0.005 else "went on changing"
    margin, gradient = (_pair(example, "zero", "end", figure, "to") for figure in ("margin_median", "gradient_norm"))
    return (f"In that case the model {verb} after zero error: its median training margin went from {margin}, its gradient "
            f"norm from {gradient}, and {number(100 * changed)} % of its test predictions changed.")


def _best_rule(all_results: Sequence[Results], example: Results) -> str:
    """What did best against training to the end: most verdicts better, fewest worse; the example decides between equals."""
    found = {method: [verdict for figure in ("test_error", "test_loss")
                      for verdict in _verdicts(all_results, "end", method, figure)] for method in RULES}
    balance = {method: verdicts.count(BETTER) - verdicts.count(WORSE)
               for method, verdicts in found.items() if set(verdicts) != {UNKNOWN}}
    if not balance:
        return f"{too_few(len(example.plain), 'seed')} cannot tell which alternative to training to the end is best."
    best = max(balance, key=lambda method: (balance[method], -example.mean(method, "test_error")))
    opening = (f"Of the alternatives to training to the end, {RULES[best]} did best" if balance[best] > 0 else
               f"No alternative to training to the end was clearly better on balance; {RULES[best]} came closest")
    error = _pair(example, best, "end", "test_error", "instead of", 100)
    loss = _pair(example, best, "end", "test_loss", "instead of")
    return f"{opening}: {_outcome(all_results, 'end', best)}; in that case error {error} %, loss {loss}."


def _outcome(all_results: Sequence[Results], before: str, after: str) -> str:
    """What one method is compared with another: "test error was clearly better in 2 and test loss ... in 4 of 4 cases"."""
    errors, losses = (_verdicts(all_results, before, after, figure) for figure in ("test_error", "test_loss"))
    text = f"test error was {_tally(errors)} and test loss {_tally(losses)}"
    judged = len(errors) - errors.count(UNKNOWN)
    if judged < len(errors):
        return f"{text} of {judged} cases with enough seeds"
    return text if judged == 1 else f"{text} of {judged} cases"


def _verdicts(all_results: Sequence[Results], before: str, after: str, figure: str) -> list[str]:
    """Per case, what a method is compared with another one."""
    return [paired(r.values(before, figure), r.values(after, figure)).verdict for r in all_results]


def _tally(verdicts: Sequence[str]) -> str:
    """Count verdicts: "clearly better in 1, worse in 2"; what is not named was not clearly different."""
    counts = {verdict: verdicts.count(verdict) for verdict in (BETTER, WORSE) if verdict in verdicts}
    if len(verdicts) == 1:
        return f"clearly {verdicts[0]}" if counts else "not clearly different"
    return "clearly " + (", ".join(f"{verdict} in {count}" for verdict, count in counts.items()) or "different in none")


def _means(results: Results, a: str, b: str, figure: str) -> tuple[float, float]:
    """Means of two methods over the seeds that have both."""
    values = np.array([results.values(a, figure), results.values(b, figure)])
    first, second = values[:, ~np.isnan(values).any(axis=0)]
    return mean_and_error(first)[0], mean_and_error(second)[0]


def _pair(results: Results, a: str, b: str, figure: str, between: str, factor: float = 1) -> str:
    """Both means with a word between them: "0.312 to 1.40"."""
    first, second = _means(results, a, b, figure)
    return f"{number(factor * first)} {between} {number(factor * second)}"
