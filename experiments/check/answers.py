"""The answer in words: does training on pay, by which figures, and what else changed."""
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..report.compare import BETTER, UNKNOWN, WORSE
from ..report.tables import number
from ..report.words import counted, listed
from .advice import how_sure, next_steps
from .causes import leaking, so_soon
from .changes import SAME, TOO_FEW, Change
from .finding import FOUND
from .plan import SEEDS
from .results import ERROR, LOSS, Results
from .training import soon
from .verdicts import measures, unasked, verdict


def answer(results: Results, accused: Sequence[Any] = ()) -> dict[str, str]:
    """Return topic -> paragraph; the first opens with yes, no, it depends or cannot tell.

    Parameters
    ----------
    results : Results
    accused : sequence of Finding
        What was found in the table.
    """
    accused = leaking(accused, {column.name for column in results.problem.aside})
    if not results.divisions:
        return {"answer": "Cannot tell: every run diverged. A column with extreme values is the usual reason: look at the "
                          "largest ones."}
    found = {"answer": " ".join([opening(results), *_warning(accused)])}
    if results.fresh is not None:
        found["without copies"] = _without_copies(results)
    found["what changed"] = _changed(results)
    if not results.regression and soon(results.trained.plain):
        found["so soon"] = so_soon(results, accused)
    found["next"] = next_steps(results, accused)
    found["how sure"] = how_sure(results)
    return {topic: text for topic, text in found.items() if text}


# --- does it pay? ---

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
    if way == "same" and unasked(results):
        return f"Cannot tell, as the lowest validation loss came at the end (--epochs trains longer): {after}."
    lead = {"yes": "Yes, training on pays", "no": "No, stop", "same": "No, training on changes nothing that matters",
            "depends": "It depends on what counts"}.get(way) or _cannot(results, changes)
    return f"{lead}: {after}." + (f" And {since}." if before in ("yes", "no", "depends") else "")


def _cannot(results: Results, changes: dict[str, Change]) -> str:
    splits = (f"Cannot tell from {counted(max(one.count for one in changes.values()), 'split')} of "
              f"{counted(len(results.problem), 'row')}")
    if any(one.verdict == UNKNOWN for one in changes.values()):
        return f"{splits}, as an interval takes three (--seeds {3 if results.plan.seeds < 3 else SEEDS[0]})"
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
    lowest = 100 * float(np.nanmean([np.nanmin(run.arrays["record.train_error"]) for run in plain.runs
                                     if not run.scalars["diverged"]]))
    return (f"training error did not reach zero in most splits ({number(lowest)} % was the lowest, on average), so judged "
            f"from the lowest validation loss (epoch {at} on average) to epoch {epochs}")


def _phrase(name: str, one: Change, matters: float) -> str:
    error = "error" in name
    factor, unit = (100.0, " points") if error else (1.0, "")
    values = f"{number(factor * one.before)} to {number(factor * one.after)}{' %' * error}"
    mean = one.mean if abs(one.mean) > 1e-12 else 0.0  # of equal figures, added up in another order
    change = ("+" if mean >= 0 else "") + _short(factor * mean) + (
        "" if math.isinf(one.half) else f" ±{_short(factor * one.half)}") + unit
    return {BETTER: f"{name} fell from {values} ({change})", WORSE: f"{name} rose from {values} ({change})",
            SAME: f"{name} stayed, {values} ({change}: less than {factor * matters:.2g} makes no difference)",
            TOO_FEW: f"whether {name} changed cannot be told, {values} ({change})",
            UNKNOWN: f"{name} went from {values}"}[one.verdict]


def _short(value: float) -> str:
    """Two digits, of large numbers those before the point: "0.013", "140"."""
    return number(value, 3) if abs(value) >= 100 else f"{value:.2g}"


def _warning(accused: Sequence[Any]) -> list[str]:
    if not accused:
        return []
    names = list(dict.fromkeys(name for one in accused for name in one.columns))
    about = f" ({', '.join(names[:4])}{', …' if len(names) > 4 else ''})" if names else ""
    if any(one.level == FOUND for one in accused):
        return [f"But first: something leaks{about}, see above; until that is mended the test figures flatter."]
    return [f"But first: something may leak{about}, see above; until that is settled the test figures may flatter."]


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
        said.append(f"Flooding at {results.trained.level:g}, to the end as well: {'; '.join(parts)}.")
    if results.trained.weighted is not None:
        one = results.change("balanced_error", "best", "best", runs=results.trained.weighted)
        said.append(f"With class weights: {_beside('balanced error', one)} (classes count alike in it).")
    return " ".join(said)


def _beside(name: str, one: Change) -> str:
    factor, unit = (100.0, " %") if "error" in name else (1.0, "")
    values = f"{number(factor * one.after)} instead of {number(factor * one.before)}{unit}"
    return f"{name} {values}, " + {BETTER: "clearly better", WORSE: "clearly worse", SAME: "no difference that matters",
                                   TOO_FEW: "too few rows to tell", UNKNOWN: "too few splits to tell"}[one.verdict]
