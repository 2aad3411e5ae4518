"""The answer in words: does training on pay, what to do next, how sure, and what 100 % after two epochs means here."""
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..report.compare import BETTER, UNKNOWN, WORSE
from ..report.tables import number
from ..report.words import NUMBERS, counted, listed
from .causes import leaking, so_soon
from .changes import SAME, TOO_FEW, Change
from .plan import SEEDS
from .results import ERROR, LOSS, Results, RuleCost
from .training import soon

MANY_TIMES = 100  # rows that nobody gets
LATE = 0.95  # of the run: a best after it may not be the best


def answer(results: Results, accused: Sequence[Any] = ()) -> dict[str, str]:
    """Return topic -> paragraph; the first opens with yes, no, it depends or cannot tell.

    Parameters
    ----------
    results : Results
    accused : sequence of Finding
        What was found in the table.
    """
    accused = leaking(accused)
    if not results.divisions:
        return {"answer": "Cannot tell: every run diverged. A column with extreme values is the usual reason: look at the "
                          "largest ones."}
    found = {"answer": " ".join([opening(results), *_warning(accused)])}
    if results.fresh is not None:
        found["without copies"] = _without_copies(results)
    found["what changed"] = _changed(results)
    if not results.regression and soon(results.trained.plain):
        found["so soon"] = so_soon(results, accused)
    found["next"] = _next(results, accused)
    found["how sure"] = _how_sure(results)
    return {topic: text for topic, text in found.items() if text}


# --- does it pay? ---

def measures(results: Results, start: str = "", *, fresh: bool = False) -> dict[str, Change]:
    """What training on did to each figure, by its name, from zero error or from `start`."""
    names = {"test loss": LOSS} if results.regression else {"test error": ERROR, "test loss": LOSS}
    return {name: results.after(figure, start, fresh=fresh) for name, figure in names.items()}


def verdict(changes: dict[str, Change]) -> str:
    """Return "yes", "no", "same", "depends" or "unknown" for "does training on pay?"."""
    found = {one.verdict for one in changes.values()}
    if {BETTER, WORSE} <= found:
        return "depends"
    if BETTER in found:
        return "yes"
    if WORSE in found:
        return "no"
    return "same" if found == {SAME} else "unknown"


def opening(results: Results, *, fresh: bool = False) -> str:
    """Return the first sentences: yes or no, and by which figures; both from zero error on and from the best."""
    changes = measures(results, fresh=fresh)
    after = f"{_where(results)} {_phrases(results, changes)}"
    past = measures(results, "best", fresh=fresh) if results.asks_zero else {}
    since = (f"from the lowest validation loss (epoch {_epoch(results, 'best')}) to epoch {results.plan.run.epochs} "
             f"{_phrases(results, past)}")
    way, before = verdict(changes), verdict(past) if past else ""
    if way in ("same", "unknown") and before == "no":
        return f"No, the best was past by then: {since}; {after}."
    lead = {"yes": "Yes, training on pays", "no": "No, stop", "same": "No, training on changes nothing that matters",
            "depends": "It depends on what counts"}.get(way) or _cannot(results, changes)
    return f"{lead}: {after}." + (f" And {since}." if before in ("yes", "no", "depends") else "")


def decision(results: Results) -> str:
    """Return `verdict` of the whole: "no" too where the best was clearly past before there was no error."""
    way = verdict(measures(results))
    if way in ("same", "unknown") and results.asks_zero and verdict(measures(results, "best")) == "no":
        return "no"
    return way


def _cannot(results: Results, changes: dict[str, Change]) -> str:
    splits = (f"Cannot tell from {counted(max(one.count for one in changes.values()), 'split')} of "
              f"{counted(len(results.problem), 'row')}")
    if any(one.verdict == UNKNOWN for one in changes.values()):
        return f"{splits}, as an interval takes three (--seeds 3)"
    if results.plan.seeds < SEEDS[0]:
        return f"{splits} (--seeds {SEEDS[0]} narrows the intervals)"
    return "Cannot tell: too few rows"


def _epoch(results: Results, rule: str) -> str:
    return f"{np.nanmean(results.trained.plain.values(f'{rule}.epoch')):.0f}"


def _phrases(results: Results, changes: dict[str, Change]) -> str:
    return listed(_phrase(name, one, results.matters(ERROR if "error" in name else LOSS)) for name, one in changes.items()
                  ) if changes else ""


def _where(results: Results) -> str:
    """From where to where."""
    plain, epochs = results.trained.plain, results.plan.run.epochs
    at = _epoch(results, results.start)
    if results.asks_zero:
        return (f"from zero training error (epoch {at} on average, in {results.reached} of {results.plan.seeds} splits) to "
                f"epoch {epochs}")
    if results.regression:
        return ("a regression problem has no zero training error, so judged from the lowest validation loss (epoch "
                f"{at} on average) to epoch {epochs}")
    lowest = 100 * float(np.nanmean([np.nanmin(run.arrays["record.train_error"]) for run in plain.runs]))
    return (f"training error did not reach zero in most splits ({number(lowest)} % was the lowest, on average), so judged "
            f"from the lowest validation loss (epoch {at} on average) to epoch {epochs}")


def _phrase(name: str, one: Change, matters: float) -> str:
    error = "error" in name
    factor, unit = (100.0, " points") if error else (1.0, "")
    values = f"{number(factor * one.before)} to {number(factor * one.after)}{' %' * error}"
    mean = one.mean if abs(one.mean) > 1e-12 else 0.0  # of equal figures, added up in another order
    change = f"{factor * mean:+.2g}" + ("" if math.isinf(one.half) else f" ±{factor * one.half:.2g}") + unit
    return {BETTER: f"{name} fell from {values} ({change})", WORSE: f"{name} rose from {values} ({change})",
            SAME: f"{name} stayed, {values} ({change}: less than {factor * matters:.2g} makes no difference)",
            TOO_FEW: f"whether {name} changed cannot be told, {values} ({change})",
            UNKNOWN: f"{name} went from {values}"}[one.verdict]


def _warning(accused: Sequence[Any]) -> list[str]:
    if not accused:
        return []
    names = list(dict.fromkeys(name for one in accused for name in one.columns))
    about = f" ({', '.join(names[:4])}{', …' if len(names) > 4 else ''})" if names else ""
    return [f"But first: the data are accused of {counted(len(accused), 'leak')}{about}, see above; until that is settled "
            "the test figures flatter."]


def _without_copies(results: Results) -> str:
    copies = [int((~rows).sum()) for rows in results.fresh or ()]
    if not any(rows.any() for rows in results.fresh or ()):
        return "All test rows stand among the other rows too: without them nothing is left to judge by."
    return (f"Without the {np.mean(copies):.0f} of {len(results.parts[0].test)} test rows that stand among the other "
            f"rows too: {opening(results, fresh=True)}")


# --- what else changed ---

def _changed(results: Results) -> str:
    said = []
    if not results.regression:
        calibration, margin = (results.change(figure, results.start, "end")
                               for figure in ("calibration_error", "margin_median"))
        said.append(f"Meanwhile calibration error went from {number(100 * calibration.before)} to "
                    f"{number(100 * calibration.after)} %, the median training margin from {number(margin.before)} to "
                    f"{number(margin.after)}.")
        cooled = results.trained.plain.values("end.cooled_loss")
        if results.after(LOSS).verdict == WORSE and np.isfinite(cooled).any():
            temperature = number(results.trained.plain.mean("end.temperature"))
            said.append(f"With a temperature fitted on the validation rows ({temperature}) the test "
                        f"loss at the end is {number(float(np.nanmean(cooled)))} instead of "
                        f"{number(results.after(LOSS).after)}: so much of it is overconfidence.")
    if results.trained.flooded is not None:
        names = {"test loss": LOSS} if results.regression else {"test error": ERROR, "test loss": LOSS}
        parts = [_beside(name, one) for name, figure in names.items() if (one := results.flooding(figure)) is not None]
        said.append(f"Flooding at {results.trained.level:g}, to the end as well: {listed(parts)}.")
    if results.trained.weighted is not None:
        one = results.change("balanced_error", "best", "best", runs=results.trained.weighted)
        said.append(f"With class weights: {_beside('balanced error', one)} (classes count alike in it).")
    return " ".join(said)


def _beside(name: str, one: Change) -> str:
    factor, unit = (100.0, " %") if "error" in name else (1.0, "")
    values = f"{number(factor * one.after)} instead of {number(factor * one.before)}{unit}"
    return f"{name} {values}, " + {BETTER: "clearly better", WORSE: "clearly worse", SAME: "no difference that matters",
                                   TOO_FEW: "too few rows to tell", UNKNOWN: "too few splits to tell"}[one.verdict]


# --- what to do ---

def _next(results: Results, accused: Sequence[Any]) -> str:
    way, said = decision(results), []
    rule = best_rule(results)
    if accused:
        said.append("take the accused columns or rows away and check again")
    if way in ("no", "depends") and rule is not None and rule.above_end < 0:
        said.append(f"stop with {rule.rule}: of the panel it cost least on these test rows; it returns epoch "
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
    if way == "unknown":
        said.append(_what_would_tell(results))
    if not results.asks_zero and not results.regression:
        said.append("to ask what happens after zero training error, train longer or wider (--epochs, --hidden)")
    said += _simpler(results)
    return f"What to do next: {'; '.join(said)}."


def _simpler(results: Results) -> list[str]:
    figure = LOSS if results.regression else ERROR
    name, factor, unit = ("loss", 1.0, "") if results.regression else ("error", 100.0, " %")
    linear = results.change(figure, "best", "best", runs=results.trained.linear)
    if linear.verdict in (SAME, BETTER):
        return [f"a linear model does as well or better (test {name} {number(factor * linear.after)} instead of "
                f"{number(factor * linear.before)}{unit}) and cannot memorise as much"]
    return []


def best_rule(results: Results) -> RuleCost | None:
    """Return the rule of the panel with the lowest mean test loss of those that stopped in most divisions."""
    able = [rule for rule in results.rules if 2 * rule.fired > results.divisions]
    return min(able, key=lambda rule: rule.loss, default=None)


def late(results: Results) -> bool:
    """Whether the lowest validation loss came so late that more training may lower it."""
    return float(np.nanmean(results.trained.plain.values("best.epoch"))) >= LATE * results.plan.run.epochs


def _what_would_tell(results: Results) -> str:
    """Return whether more splits or more rows would tell, and how many."""
    if results.plan.seeds < SEEDS[0]:
        return f"more splits may tell: --seeds {SEEDS[0]}"
    factor = max((one.half / results.matters(ERROR if "error" in name else LOSS)) ** 2
                 for name, one in measures(results).items() if one.verdict == TOO_FEW)
    times = f"{number(factor, 2)} times as many" if factor < MANY_TIMES else f"more than {MANY_TIMES} times as many"
    return f"more rows would tell: {times}, as intervals shrink with the root of their number"


# --- how sure ---

def _how_sure(results: Results) -> str:
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
