"""What the runs of one question say to somebody in a situation: functions of its module and results that give `Advice`.

Words follow intervals, which hold together within a row: at 95 % for all that a verdict is about.
"""
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .report.compare import AGREES, BETTER, UNCLEAR, UNKNOWN, WORSE, Difference, agreement, judge
from .report.decisions import (
    CURB,
    DEPENDS,
    EITHER,
    FLOOD,
    KEEP,
    LOOK,
    STOP,
    UNTOLD,
    Advice,
    compared,
    course,
    ratio,
    with_interval,
)
from .report.perfection import FAST, reached
from .report.reconstruction import since_early
from .report.rises import ends
from .report.shares import Share
from .report.words import counted, listed

Compare = Callable[..., tuple[Difference, str]]
SHARES = partial(compared, factor=100)  # errors, which are shown in percent
NEAR = 10.0  # points of error that a test error at chance may be off
TWICE = 2  # of the epochs to zero training error: what is best need not be at one of the two ends


# --- zero training error, and after it ---

def _after_zero(results: Any, loss: str, *, wrong: bool = False, figure: str = "test_error", unit: str = "Test error in %",
                compare: Compare = SHARES) -> Advice:
    """Zero training error beside the end and twice the epochs, with one of the losses of loss_matters, where labels are
    right or where some are `wrong`. The end decides; where it is no different, a clear difference half way makes it depend.
    """
    cases = [case for case in results if bool(case.noise) is wrong]
    if not cases:
        return Advice(UNTOLD, f"{unit}, {loss}: no runs where {'some labels are wrong' if wrong else 'labels are right'}.")
    times = {TWICE: "at twice the epochs", "end": "at the end"}
    verdicts, said = [], []
    for case in cases:
        found = [compare(case.at(loss, 1, figure), case.at(loss, when, figure), comparisons=len(times) * len(cases))
                 for when in times]
        verdicts.append([one.verdict for one, _ in found])
        changes = (f"{name} {text}" for name, (_, text) in zip(times.values(), found, strict=True))
        said.append(f"{case.title}: {', '.join(changes)}")
    half_way, at_end = zip(*verdicts, strict=True)
    action = course(at_end)
    if action == EITHER and {BETTER, WORSE} & set(half_way):
        action = DEPENDS
    return Advice(action, f"{unit}, {loss}, from zero training error on: {'; '.join(said)}.")


def clean_errors(module: Any, results: Any) -> Advice:
    """Labels are right, errors count."""
    return _after_zero(results, "cross-entropy")


def clean_losses(module: Any, results: Any) -> Advice:
    """Labels are right, probabilities count."""
    return _after_zero(results, "cross-entropy", figure="test_loss", unit="Test loss", compare=ratio)


def squared_clean(module: Any, results: Any) -> Advice:
    """Squared error, labels are right."""
    return _after_zero(results, "squared error")


def squared_wrong(module: Any, results: Any) -> Advice:
    """Squared error, some labels are wrong."""
    return _after_zero(results, "squared error", wrong=True)


def _beside_flooding(results: Any, figure: str, unit: str, compare: Compare) -> Advice:
    """Flooding is advised where it is clearly better than both ways to stop, and than the end where that is better, too."""
    cases = [one for one in results if one.case.where.noise == max(one.case.where.noise for one in results)]
    rivals, count = ("zero", "patience_loss", "end"), 4 * len(cases)  # beside flooding; and zero error beside the end

    def change(case: Any, before: str, after: str) -> tuple[str, str]:
        found, text = compare(*(case.values(name, figure) for name in (before, after)), comparisons=count)
        return found.verdict, text

    flooded, said = [], []
    on = [change(case, "zero", "end") for case in cases]
    for case, (late, ended) in zip(cases, on, strict=True):
        verdicts, texts = zip(*(change(case, rival, "flood") for rival in rivals), strict=True)
        beaten = verdicts if late == BETTER else verdicts[:2]
        flooded.append(WORSE if WORSE in verdicts else next((one for one in (UNKNOWN, UNCLEAR) if one in beaten), BETTER))
        said.append(f"{case.title}: at the end {ended}, flooded (level {case.flooding.level:g}) {texts[0]}, flooded "
                    f"beside patience {texts[1]}")
    action = course([verdict for verdict, _ in on])
    if {BETTER, WORSE} <= set(flooded) and action == STOP:
        action = CURB  # not to the end anywhere; which of the two depends on the data
    elif {BETTER, WORSE} & set(flooded):
        action = course(flooded, FLOOD, action)
    return Advice(action, f"{unit}, beside that at zero training error, or of patience on the validation loss: "
                  f"{'; '.join(said)}.")


def wrong_errors(module: Any, results: Any) -> Advice:
    """Some labels are wrong, errors count."""
    return _beside_flooding(results, "test_error", "Test error in %", SHARES)


def wrong_losses(module: Any, results: Any) -> Advice:
    """Some labels are wrong, probabilities count."""
    return _beside_flooding(results, "test_loss", "Test loss", ratio)


def separable(module: Any, results: Any) -> Advice:
    """A linear classifier, its direction."""
    cases = [case for case in results if case.runs.runs and not case.network]
    found = [ratio(case.runs.at("zero", "angle"), case.runs.at("end", "angle"), comparisons=len(cases)) for case in cases]
    verdicts = [one.verdict for one, _ in found]
    last, larger = cases[-1].runs, verdicts.count(WORSE)
    return Advice(course(verdicts), "Angle to the classifier with the largest margin, zero training error → end: clearly "
                  f"smaller in {verdicts.count(BETTER)} of {counted(len(cases), 'case')}"
                  f"{f', larger in {larger}' * bool(larger)}; {cases[-1].title} {with_interval(last.at('zero', 'angle'))} → "
                  f"{with_interval(last.at('end', 'angle'))} degrees, {found[-1][1]}.")


def private(module: Any, results: Any) -> Advice:
    """Who was in the training set."""
    cases, attacks = [case for case in results if case.plain["zero"].there.any()], ("loss", module.LIRA)
    found = [(f"{case.title}, {attack}", *compared(*(case.plain[when].found("auc", attack) for when in ("zero", "end")),
                                                   comparisons=len(attacks) * len(cases)))
             for case in cases for attack in attacks]
    said = "; ".join(f"{title}: {change}" for title, _, change in found) or "no run got there"
    return Advice(course([one.verdict for _, one, _ in found]), "AUC by which an attack tells members of the training set "
                  f"from others (0.5: not at all), zero training error → end: {said}.")


def late(module: Any, results: Any) -> Advice:
    """Learnt by heart, and not yet understood."""
    arms = {one.title: Share.of(one.there, comparisons=len(results.decayed)) for one in results.decayed}
    mostly = [share.mostly for share in arms.values()]
    rare = all(share.seldom for share in arms.values())
    action = KEEP if all(mostly) else DEPENDS if any(mostly) else EITHER if rare else UNTOLD
    said = "; ".join(f"{one.title}: by heart at epoch {with_interval(one.at('zero', 'epoch'))}, 90 % of new sums right at "
                     f"{with_interval(one.at('there', 'epoch'))} ({arms[one.title].hits} of {arms[one.title].runs} runs)"
                     for one in results.decayed)
    without = "".join(f" Without weight decay in {Share.of(one.there)} runs." for one in results.control)
    return Advice(action, f"Sums modulo {results.config.modulus}. {said[:1].upper()}{said[1:]}.{without}")


def online(module: Any, results: Any) -> Advice:
    """Sample by sample."""
    loss, config = ends(results.tuned, "test_loss"), results.config
    zero = Share.of(ends(results.tuned, "train_error").min(axis=1) == 0)
    to_end = 100 * (loss[:, -1] / np.nanmin(loss, axis=1) - 1)
    name, worst = (pick(results.stops, key=lambda rule: float(np.mean(results.stops[rule].excess))) for pick in (min, max))
    found, _ = compared(to_end, results.stops[name].excess, comparisons=len(results.stops))  # the best of so many rules
    return Advice(course([found.verdict], STOP, KEEP), f"{config.train} digits, {100 * config.noise:.0f} % of their labels "
                  f"wrong; zero training error in {zero.hits} of {zero.runs} runs. Test loss above the lowest, %: "
                  f"{with_interval(to_end)} at the end, {with_interval(results.stops[name].excess)} by the rule “{name}”, "
                  f"{with_interval(results.stops[worst].excess)} by “{worst}”.")


def codes(module: Any, results: Any) -> Advice:
    """The code of an autoencoder, of every network: from an early epoch to the lowest validation error."""
    found = {f"{title}, {name}": since_early(runs) for data, title in module.DATA.items()
             for name, (runs, _) in results.named(data).items()}
    verdicts = [judge(points, lower_is_better=False, comparisons=len(found)).verdict for *_, points in found.values()]
    epochs = sorted({epoch for epoch, *_ in found.values()})
    said = "; ".join(f"{name} {with_interval(points, comparisons=len(found))} (reconstruction error {with_interval(error)} "
                     "% lower)" for name, (_, error, points) in found.items())
    return Advice(course(verdicts), "Points of accuracy that the code gains from epoch "
                  f"{listed(f'{one:.0f}' for one in epochs)} to the lowest validation error: {said}.")


# --- is it the data? ---

def random_labels(module: Any, results: Any) -> Advice:
    """What zero training error proves."""
    epochs, error = (results.at(("kind", module.RANDOM), *how) for how in (("epoch", 1, "zero"), ("test_error", 100)))
    fitted = Share.of(np.isfinite(epochs), comparisons=2)
    learnt = judge(error - module.CHANCE, comparisons=2).verdict
    by_chance = agreement(error, module.CHANCE, NEAR, comparisons=2) == AGREES
    told = fitted.seldom or learnt == BETTER or (fitted.mostly and by_chance)
    action = UNTOLD if learnt == UNKNOWN or not told else LOOK if fitted.mostly and learnt != BETTER else EITHER
    real = results.at(("kind", module.REAL), "test_error", 100)
    return Advice(action, f"{results.config.train} digits. Random labels were fitted to zero training error in "
                  f"{fitted.hits} of {fitted.runs} runs; test error at the end {with_interval(error, comparisons=2)} % "
                  f"(chance: {module.CHANCE:.0f} %), with real labels {with_interval(real)} %.")


def fast(module: Any, results: Any) -> Advice:
    """100 % at once: every kind of leak is found, and data as they should be give no alarm."""
    judged = sum(leak for *_, leak in module.FAULTS.values()) + 1  # and data as they should be
    leaks, others = ({name: replace(module.alarm(results, name), comparisons=judged)
                      for name, (*_, leak) in module.FAULTS.items() if leak is told} for told in (True, False))
    sound = others[module.SOUND]
    missed = sound.mostly or any(one.seldom for one in leaks.values())
    found = sound.seldom and all(one.mostly for one in leaks.values())
    told, false = ("; ".join(f"{name} {one.hits} of {one.runs}" for name, one in some.items()) for some in (
        leaks, {name: one for name, one in others.items() if one.hits or name == module.SOUND}))
    soon = {name: reached(results, ("example", name), FAST) for name in module.EXAMPLES}
    asked = [soon.pop(name) for name in module.ASKED]
    more = listed(f"{name}: {one.hits} of {one.runs}" for name, one in soon.items())
    column = reached(results, ("fault", "label as a column"), FAST)
    return Advice(LOOK if found else DEPENDS if missed else UNTOLD, "Random labels were at 100 % so soon in "
                  f"{sum(one.hits for one in asked)} of {sum(one.runs for one in asked)} runs ({more}), tumours with the "
                  f"label in a column in {column}. leakage_report gave alarm at leaks, runs: {told}; at data without one: "
                  f"{false}.")


def above(module: Any, results: Any) -> Advice:
    """Validation above training: what measuring alike leaves lies in the data."""
    shown = {"Averaging alone": "averaging over the epoch", "Dropout": "dropout", "Augmentation": "augmentation",
             "Trained on the validation set": "a leaked validation set", "Flipped training labels": "wrong training labels"}
    cases = [results.case(title) for title in shown]
    left = [judge(case.remedied, lower_is_better=False, comparisons=len(cases)).verdict for case in cases]
    said = "; ".join(f"{shown[case.title]} {with_interval(case.observed)}, then "
                     f"{with_interval(case.remedied, comparisons=len(cases))}" for case in cases)
    some = BETTER in left
    action = UNTOLD if UNKNOWN in left else LOOK if set(left) == {BETTER} else DEPENDS if some else EITHER
    return Advice(action, "Points that validation is above training, on digits, as shown, then with training samples "
                  f"measured at the epoch's end: {said}.{' What is left then lies in the data.' * some}")


def words(module: Any, results: Any) -> Advice:
    """Where the missing points of accuracy on words lie."""
    from .report.spelled import interval, verdict

    parts, plain = results.parts(), results.accuracy("plain network")
    left = parts.pop("left")
    found = np.sum(list(parts.values()), axis=0)
    most = verdict(left - found, results.folds)  # as in the question's answer
    action = {UNKNOWN: UNTOLD, BETTER: LOOK, WORSE: DEPENDS}.get(most, EITHER)
    named = listed(f"{name} {interval(values, results.folds)}" for name, values in parts.items())
    return Advice(action, f"Accuracy of the plain network {interval(plain, results.folds)} %. Of the points that it lacks, "
                  f"{interval(found, results.folds)} were found ({named}), {interval(left, results.folds)} are left (too "
                  "few words, no better method, or words of either language).")
