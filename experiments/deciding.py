"""The decision table: your situation, and what to do, a row each; every row is computed from one question's runs.

A row names its situation, its question, and a function of that question's module and results that gives `Advice`. The words
follow intervals: where too few runs can tell, the row says so.
"""
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE, Difference, judge
from .report.decisions import (
    DEPENDS,
    EITHER,
    FLOOD,
    KEEP,
    LOOK,
    NOT_YET,
    STOP,
    UNTOLD,
    Advice,
    Decision,
    compared,
    course,
    ratio,
    spread,
)
from .report.perfection import FAST, reached
from .report.reconstruction import since_early
from .report.rises import ends
from .report.shares import Share
from .report.words import counted, listed


@dataclass(frozen=True)
class Row:
    """A situation, the question whose runs tell, and advise(module, results)."""

    situation: str
    question: str
    advise: Callable[[Any, Any], Advice]


def _to_the_end(cases: Any, loss: str) -> Advice:
    """Zero training error beside the end by test error, with one of the losses of loss_matters."""
    found = [(case.title, *compared(case.at(loss, 1, "test_error"), case.at(loss, "end", "test_error"), 100,
                                    comparisons=len(cases))) for case in cases]
    said = "; ".join(f"{title}: {change}" for title, _, change in found)
    return Advice(course([one.verdict for _, one, _ in found]), f"Test error with {loss}, %, zero training error → "
                  f"end: {said}.")


def _clean_errors(module: Any, results: Any) -> Advice:
    return _to_the_end([case for case in results if not case.noise], "cross-entropy")


def _squared(module: Any, results: Any) -> Advice:
    return _to_the_end(results, "squared error")


def _beside_flooding(results: Any, figure: str, unit: str, compare: Callable[..., tuple[Difference, str]]) -> Advice:
    """Flooding is advised where it is clearly better than both ways to stop, and the end is not clearly better than it."""
    cases = [one for one in results if one.case.where.noise == max(one.case.where.noise for one in results)]
    rivals, count = ("zero", "patience_loss", "end"), 4 * len(cases)  # beside flooding; and zero error beside the end

    def change(case: Any, before: str, after: str) -> tuple[str, str]:
        found, text = compare(*(case.values(name, figure) for name in (before, after)), comparisons=count)
        return found.verdict, text

    flooded, said = [], []
    on = [change(case, "zero", "end") for case in cases]
    for case, (_, ended) in zip(cases, on, strict=True):
        verdicts, texts = zip(*(change(case, rival, "flood") for rival in rivals), strict=True)
        flooded.append(WORSE if WORSE in verdicts else next(
            (one for one in (UNKNOWN, UNCLEAR) if one in verdicts[:2]), BETTER))
        said.append(f"{case.title}: at the end {ended}, flooded {texts[0]}, flooded beside patience {texts[1]}")
    action = course([verdict for verdict, _ in on])
    return Advice(course(flooded, FLOOD, action) if {BETTER, WORSE} & set(flooded) else action,
                  f"{unit}, beside that at zero training error, or of patience on the validation loss: {'; '.join(said)}.")


def _wrong_errors(module: Any, results: Any) -> Advice:
    return _beside_flooding(results, "test_error", "Test error, %", partial(compared, factor=100))


def _wrong_losses(module: Any, results: Any) -> Advice:
    return _beside_flooding(results, "test_loss", "Test loss", ratio)


def _clean_losses(module: Any, results: Any) -> Advice:
    cases = [case for case in results if not case.noise]
    found = [ratio(*(case.at("cross-entropy", when, "test_loss") for when in (1, "end")), comparisons=len(cases))
             for case in cases]
    said = "; ".join(f"{case.title}: {change}" for case, (_, change) in zip(cases, found, strict=True))
    return Advice(course([one.verdict for one, _ in found]), f"Test cross-entropy, zero training error → end: {said}.")


def _separable(module: Any, results: Any) -> Advice:
    cases = [case for case in results if case.runs.runs and not case.network]
    found = [ratio(case.runs.at("zero", "angle"), case.runs.at("end", "angle"), comparisons=len(cases)) for case in cases]
    verdicts = [one.verdict for one, _ in found]
    last = cases[-1].runs
    return Advice(course(verdicts), "Angle to the classifier with the largest margin, zero training error → end: clearly "
                  f"smaller in {verdicts.count(BETTER)} of {counted(len(cases), 'case')}; {cases[-1].title} "
                  f"{spread(last.at('zero', 'angle'))} → {spread(last.at('end', 'angle'))} degrees, {found[-1][1]}.")


def _random_labels(module: Any, results: Any) -> Advice:
    epochs, error = (results.at(("kind", module.RANDOM), *how) for how in (("epoch", 1, "zero"), ("test_error", 100)))
    fitted = Share.of(np.isfinite(epochs))
    learnt = judge(error - module.CHANCE).verdict
    action = UNTOLD if learnt == UNKNOWN else LOOK if fitted.mostly and learnt != BETTER else EITHER
    real = results.at(("kind", module.REAL), "test_error", 100)
    return Advice(action, f"Random labels were fitted to zero training error in {fitted.hits} of {fitted.runs} runs; test "
                  f"error at the end {spread(error)} % (chance: {module.CHANCE:.0f} %), with real labels {spread(real)} %.")


def _fast(module: Any, results: Any) -> Advice:
    alarms = {name: replace(module.alarm(results, name), comparisons=len(module.FAULTS)) for name in module.FAULTS}
    leaks, others = ({name: alarms[name] for name, (*_, leak) in module.FAULTS.items() if leak is told}
                     for told in (True, False))
    chance = [reached(results, ("example", name), FAST) for name in module.ASKED]
    column = reached(results, ("fault", "label as a column"), FAST)
    found = all(one.mostly for one in leaks.values()) and alarms[module.SOUND].seldom
    told, false = ("; ".join(f"{name} {one.hits} of {one.runs}" for name, one in some.items() if one.hits) or "none"
                   for some in (leaks, others))
    return Advice(LOOK if found else UNTOLD, f"Random labels were learnt by heart so soon in "
                  f"{sum(one.hits for one in chance)} of {sum(one.runs for one in chance)} runs, data with the label in a "
                  f"column in {column}. leakage_report gave alarm at leaks, runs: {told}; at data without one: {false}.")


def _above(module: Any, results: Any) -> Advice:
    shown = {"Averaging alone": "averaging over the epoch", "Dropout": "dropout", "Augmentation": "augmentation",
             "Trained on the validation set": "a leaked validation set", "Flipped training labels": "wrong training labels"}
    cases = [results.case(title) for title in shown]
    left = [judge(case.remedied, lower_is_better=False, comparisons=len(cases)).verdict for case in cases]
    said = "; ".join(f"{shown[case.title]} {spread(case.observed)}, then {spread(case.remedied, comparisons=len(cases))}"
                     for case in cases)
    action = UNTOLD if UNKNOWN in left else LOOK if BETTER in left else EITHER
    return Advice(action, "Points that validation is above training, as shown, then with training samples measured at the "
                  f"epoch's end: {said}. What is left lies in the data.")


def _private(module: Any, results: Any) -> Advice:
    found = [(case.title, *compared(*(case.plain[when].found("auc", "loss") for when in ("zero", "end")),
                                    comparisons=len(results))) for case in results if case.plain["zero"].there.any()]
    said = "; ".join(f"{title}: {change}" for title, _, change in found)
    return Advice(course([one.verdict for _, one, _ in found]), "AUC by which the loss tells members of the training set "
                  f"from others, zero training error → end: {said}.")


def _grokking(module: Any, results: Any) -> Advice:
    late = {one.title: Share.of(one.there, comparisons=len(results.decayed)) for one in results.decayed}
    mostly = [share.mostly for share in late.values()]
    action = KEEP if all(mostly) else DEPENDS if any(mostly) else UNTOLD
    said = "; ".join(f"{one.title}: by heart at epoch {spread(one.at('zero', 'epoch'))}, 90 % of new sums right at "
                     f"{spread(one.at('there', 'epoch'))} ({late[one.title].hits} of {late[one.title].runs} runs)"
                     for one in results.decayed)
    without = "".join(f" Without weight decay in {Share.of(one.there)} runs." for one in results.control)
    return Advice(action, f"{said[0].upper()}{said[1:]}.{without}")


def _online(module: Any, results: Any) -> Advice:
    loss = ends(results.tuned, "test_loss")
    to_end = 100 * (loss[:, -1] / np.nanmin(loss, axis=1) - 1)
    name = min(results.stops, key=lambda rule: float(np.mean(results.stops[rule].excess)))
    found, _ = compared(to_end, results.stops[name].excess, comparisons=len(results.stops))  # the best of so many rules
    worst = max(results.stops, key=lambda rule: float(np.mean(results.stops[rule].excess)))
    return Advice(course([found.verdict], STOP, KEEP), f"Test loss above the lowest, %: {spread(to_end)} at the end, "
                  f"{spread(results.stops[name].excess)} by the rule “{name}”, {spread(results.stops[worst].excess)} by "
                  f"“{worst}”.")


def _codes(module: Any, results: Any) -> Advice:
    found = {title: since_early(results.named(data)[module.PLAIN][0]) for data, title in module.DATA.items()}
    verdicts = [judge(points, lower_is_better=False, comparisons=len(found)).verdict for *_, points in found.values()]
    said = "; ".join(f"{title}: from epoch {epoch:.0f} on test error fell by {spread(error)} %, the accuracy of the code "
                     f"changed by {spread(points, comparisons=len(found))} points"
                     for title, (epoch, error, points) in found.items())
    return Advice(course(verdicts), f"{said[0].upper()}{said[1:]}.")


def _words(module: Any, results: Any) -> Advice:
    from .report.spelled import interval, verdict

    parts = results.parts()
    left, others = parts["left"], [values for name, values in parts.items() if name in ("network", "training")]
    found = [verdict(left - values, results.folds, len(others)) for values in others]
    action = UNTOLD if UNKNOWN in found else LOOK if set(found) == {BETTER} else DEPENDS if WORSE in found else EITHER
    named = listed(f"{name} {interval(parts[name], results.folds)}" for name in ("network", "training", "left"))
    return Advice(action, f"Of the points that the plain network lacks: {named}.")


TABLE = (
    Row("Labels are right; you count errors", "loss_matters", _clean_errors),
    Row("Some labels are wrong; you count errors", "zero_loss", _wrong_errors),
    Row("Labels are right; you use the probabilities", "loss_matters", _clean_losses),
    Row("Some labels are wrong; you use the probabilities", "zero_loss", _wrong_losses),
    Row("You train with squared error", "loss_matters", _squared),
    Row("A linear classifier separates the classes; you want the largest margin", "margin_theory", _separable),
    Row("Training error is zero; has it learnt anything?", "memorization", _random_labels),
    Row("100 % accuracy after one or two epochs", "fast_perfect", _fast),
    Row("Validation accuracy above training accuracy", "validation_above_training", _above),
    Row("Nobody may find out who was in the training set", "privacy", _private),
    Row("All learnt by heart, validation near chance, few exact data, weight decay", "grokking", _grokking),
    Row("You learn sample by sample (on-line)", "online", _online),
    Row("You train an autoencoder for its code", "autoencoder", _codes),
    Row("Short sequences such as words, stuck at an accuracy of 0.9", "sequences", _words))


def decisions(found: Mapping[str, tuple[Any, Any, str]]) -> list[Decision]:
    """Return all rows.

    Parameters
    ----------
    found : mapping of str -> (module, results, str)
        By question what there is, and of which runs.
    """
    rows = []
    for row in TABLE:
        if row.question not in found:
            rows.append(Decision(row.situation, row.question, Advice(NOT_YET, "")))
            continue
        module, results, runs = found[row.question]
        advice = row.advise(module, results)
        if advice.action == EITHER and runs.startswith("quick"):  # whose seeds are too few to find a difference
            advice = Advice(UNTOLD, advice.measured)
        rows.append(Decision(row.situation, row.question, advice, runs))
    return rows
