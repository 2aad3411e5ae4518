"""What to do next, and how sure that is, in words."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.tables.problem import Problem
from ..report.compare import BETTER, WORSE
from ..report.tables import number
from ..report.words import NUMBERS, counted, listed
from .changes import SAME, TOO_FEW
from .finding import FOUND, named
from .plan import IMBALANCE, SEEDS, uneven
from .results import ERROR, LOSS, Results, RuleCost
from .verdicts import decision, late, measures, unasked

MANY_TIMES = 100  # rows that nobody gets
WITH_SPLITS = 10.0  # square of how much narrower ten splits may make an interval, and a little luck
USUAL = "Patience(10)"


def next_steps(results: Results, accused: Sequence[Any]) -> str:
    """Return what to do next, a list in one sentence."""
    way, said = decision(results), []
    rule = best_rule(results)
    if accused:
        said.append(_mend(accused))
    if way in ("no", "depends") and rule is not None and rule.above_end < 0:
        said.append(f"stop with {rule.rule}: none of the panel cost less by what matters; it returns epoch "
                    f"{rule.returned:.0f}, test loss {number(rule.loss)}, {-rule.above_end:.2g} below the end's")
    elif way != "yes":
        said.append("keep the weights of the lowest validation loss, which costs nothing")
    if way == "yes":
        said.append("train on, and keep the weights of the lowest validation loss")
    if way in ("yes", "unknown", "same") and late(results):
        said.append("the lowest validation loss came at the end, so try more (--epochs)")
    flood = results.flooding(LOSS)
    if way in ("no", "depends") and flood is not None and flood.verdict == BETTER:
        said.append(f"or train to the end with flooding at {results.trained.level:g}")
    if way == "unknown" and not unasked(results):
        said.append(_what_would_tell(results))
    if not results.asks_zero and not results.regression:
        said.append("to ask what happens after zero training error, train longer or wider (--epochs, --hidden)")
    nothing = _no_better_than_guessing(results)
    said += [*nothing, *_simpler(results, (BETTER,) if nothing else (SAME, BETTER))]
    return f"What to do next: {'; '.join(said)}."


def _mend(accused: Sequence[Any]) -> str:
    if any(one.level == FOUND for one in accused):
        return "leave out the columns or rows that leak, and check again"
    return "settle whether that leaks, and if so mend it as said above and check again"


def _no_better_than_guessing(results: Results) -> list[str]:
    plain, guess = results.trained.plain, dict(zip((ERROR, LOSS), results.guessing, strict=True))
    best = {figure: float(np.nanmean(results.values(plain, "best", figure)))
            for figure in ((LOSS,) if results.regression else (ERROR, LOSS))}
    # Of a rare class chances are learnt, which the loss shows, long before it is the likeliest.
    if any(value < guess[figure] - results.matters(figure) for figure, value in best.items()):
        return []
    said = [f"test loss {number(best[LOSS])} instead of {number(guess[LOSS])}"]
    if ERROR in best:
        said.insert(0, f"test error {number(100 * best[ERROR])} instead of {number(100 * guess[ERROR])} %")
    return [f"at its best the network is no better than guessing ({listed(said)}): look for {_lacking(results.problem)} "
            "before you look for other epochs"]


def _lacking(problem: Problem) -> str:
    """What may be wanting where nothing was learnt: of a rare class perhaps the rows to learn it from."""
    if uneven(problem) < IMBALANCE:
        return "other columns"
    rows = np.bincount(problem.y)
    rare = int(np.argmin(np.where(rows, rows, len(problem))))
    return f"more rows of the class {named(problem.classes[rare])}, which has {rows[rare]}, or other columns"


def _simpler(results: Results, enough: tuple[str, ...]) -> list[str]:
    figure = LOSS if results.regression else ERROR
    name, factor, unit = ("loss", 1.0, "") if results.regression else ("error", 100.0, " %")
    linear = results.change(figure, "best", "best", runs=results.trained.linear)
    if linear.verdict in enough:
        return [f"a linear model does as well or better (test {name} {number(factor * linear.after)} instead of "
                f"{number(factor * linear.before)}{unit}) and cannot memorise as much"]
    return []


def best_rule(results: Results) -> RuleCost | None:
    """Return the rule to stop with, of those that stopped in most divisions: patience, unless another costs less by what
    matters: which of them is lowest by a hair on these test rows means nothing.
    """
    able = [rule for rule in results.rules if 2 * rule.fired > results.divisions]
    lowest = min((rule.loss for rule in able), default=0.0)
    near = sorted((rule for rule in able if rule.loss <= lowest + results.matters(LOSS)), key=lambda rule: rule.loss)
    return next((rule for rule in near if rule.rule == USUAL), next(iter(near), None))


def _what_would_tell(results: Results) -> str:
    """Return whether more splits or more rows would tell, and how many."""
    unclear = [(one, results.matters(ERROR if "error" in name else LOSS)) for name, one in measures(results).items()
               if one.verdict == TOO_FEW]
    narrower = min(((one.half / max(matters, abs(one.mean))) ** 2 for one, matters in unclear), default=0.0)  # for a change
    factor = max(((one.half / matters) ** 2 for one, matters in unclear), default=0.0)  # for none, in any figure
    seeds = results.plan.seeds
    few = seeds < SEEDS[0]
    if not unclear or (few and narrower <= WITH_SPLITS):
        return f"more splits may tell: --seeds {SEEDS[0] if few else 2 * seeds}"
    times = f"{number(factor, 2)} times as many" if factor < MANY_TIMES else f"more than {MANY_TIMES} times as many"
    return (f"more rows would tell: {times}, as intervals shrink with the root of their number"
            + f"; more splits (--seeds {SEEDS[0]}) narrow them somewhat" * few)


def how_sure(results: Results) -> str:
    """Return of what one can be sure, and by what."""
    count, sampled = results.divisions, results.problem.test_from is None
    tests = len(results.parts[0].test)
    away = results.plan.seeds - count
    lost = f" {counted(away, 'run')} diverged and {'is' if away == 1 else 'are'} left out." if away else ""
    about = ("widened as divisions share rows (Nadeau and Bengio, 2003)" if sampled else
             "with what the choice of the test file's rows adds")
    verbs = {BETTER: "falls", WORSE: "rises", SAME: "does not change by what matters"}
    said = [(name, since, one.verdict) for start, since in ((results.start, ""), ("best", " from the best on"))
            for name, one in measures(results, start).items() if since == "" or results.asks_zero]
    clear = [f"that {name} {verbs[way]}{since}" for name, since, way in said if way in verbs]
    unclear = [f"what becomes of {name}{since}" for name, since, way in said if way not in verbs]
    sure = "; ".join(f"{how} {listed(some)}" for how, some in (("sure", clear), ("not sure", unclear)) if some)
    return (f"How sure: by 95 % intervals over {counted(count, 'split')} with {counted(tests, 'test row')} each, paired, "
            f"for {NUMBERS[results.comparisons]} comparisons at once, {about}: {sure}.{lost} Of other networks and learning "
            "rates this says nothing.")
