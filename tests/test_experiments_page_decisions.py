"""The decision table: its words follow intervals, both ways, and say so where nobody can tell."""
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import deciding, registry, situations
from experiments.report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE
from experiments.report.decisions import (
    ACTIONS,
    CURB,
    DEPENDS,
    EITHER,
    FLOOD,
    KEEP,
    LOOK,
    NOT_YET,
    STOP,
    UNTOLD,
    compared,
    course,
    ratio,
    with_interval,
)
from experiments.report.delays import Delays
from experiments.report.shares import Share

WAVES = np.array([-0.01, 0.0, 0.01, 0.02, -0.02])  # between seeds
LOW, HIGH = 0.20 + WAVES, 0.40 + WAVES[::-1]
FEW, NOISY = LOW[:2], 0.2 + 8 * WAVES
EVEN, SLIGHT = np.full(5, 0.2), 0.2 + 0.022 + WAVES  # 3.1 standard errors apart: clear alone, not among two


@pytest.mark.parametrize(("verdicts", "action"), [
    ([BETTER, UNCLEAR], KEEP), ([WORSE, UNKNOWN], STOP), ([BETTER, WORSE], DEPENDS), ([UNCLEAR], EITHER),
    ([UNKNOWN, UNCLEAR], UNTOLD), ([], UNTOLD)])
def test_the_course_follows_verdicts(verdicts, action):
    assert course(verdicts) == action


def test_figures_have_the_interval_of_their_verdict():
    found, text = compared(HIGH, LOW, 100)
    assert found.verdict == BETTER and text == "40.0 → 20.0 (-20.0 ±2.0)"  # t(4) = 2.776
    assert compared(HIGH, LOW, 100, comparisons=4)[1] == "40.0 → 20.0 (-20.0 ±3.1)"
    assert compared(FEW, FEW + 1)[1] == "0.195 → 1.19" and compared([np.nan] * 4, LOW[:4])[1] == "– → – (0 of 4 runs)"
    assert compared([np.nan, *HIGH], [0.1, *LOW], 100)[1] == "40.0 → 20.0 (-20.0 ±2.0; 5 of 6 runs)"
    assert ratio(LOW, 2 * LOW * np.exp(WAVES))[1] == "× 2.00 (1.96 to 2.04)"
    assert ratio([0.0, np.nan, *LOW], [1.0, 1.0, *LOW])[1] == "× 1.00 (1.00 to 1.00; 5 of 7 runs)"
    assert with_interval(LOW, 100) == "20.0 ±2.0" and with_interval(LOW, 100, comparisons=4) == "20.0 ±3.1"
    assert with_interval(FEW) == "0.195" and with_interval([1, 1, 1]) == "1.00"


def flips(noise, zero, end, flood=None, patience=None):
    """A case of zero_loss by its test errors."""
    values = {"zero": zero, "end": end, "flood": end if flood is None else flood,
              "patience_loss": zero if patience is None else patience}

    def of(method, figure, factor=1.0):
        return factor * values[method]
    return SimpleNamespace(case=SimpleNamespace(where=SimpleNamespace(noise=noise)), title=f"Data {noise:g}", values=of,
                           flooding=SimpleNamespace(level=0.25))


@pytest.mark.parametrize(("zero", "end", "flood", "wrong"), [
    (HIGH, LOW, HIGH, KEEP), (LOW, HIGH, HIGH, STOP), (HIGH, HIGH - 0.1, LOW, FLOOD),
    (HIGH, LOW - 0.1, LOW, KEEP), (LOW, NOISY, NOISY, EITHER), (FEW, FEW + 1, FEW, UNTOLD)])
def test_errors_with_wrong_labels(zero, end, flood, wrong):
    results = [flips(0.0, zero, end), flips(0.01, end, zero), flips(0.1, zero, end, flood)]
    found = situations.wrong_errors(None, results)
    assert found.action == wrong and "Data 0.1:" in found.measured and "Data 0.01" not in found.measured
    assert situations.wrong_losses(None, results).action == wrong and "×" in situations.wrong_losses(None, results).measured


def test_flooding_is_advised_only_where_nothing_else_is_clearly_better():
    better, worse = flips(0.1, HIGH, HIGH, LOW), flips(0.1, HIGH, HIGH, HIGH - 0.1, patience=LOW)
    assert situations.wrong_errors(None, [better]).action == FLOOD
    found = situations.wrong_errors(None, [better, worse])
    assert found.action == DEPENDS and found.measured.endswith(
        ", flooded (level 0.25) 40.0 → 30.0 (-10.0000 ±0.0000), flooded beside patience 20.0 → 30.0 (+10.0 ±3.7).")
    assert situations.wrong_losses(None, [worse, better]).action == DEPENDS
    rises = [flips(0.1, LOW + 0.2, HIGH + 0.3, LOW), flips(0.1, LOW + 0.1, HIGH, LOW + 0.05, patience=LOW)]
    assert situations.wrong_losses(None, rises).action == CURB  # to the end nowhere; flooding is better in one, worse in one
    alike = flips(0.1, HIGH, HIGH + 0.1, LOW, patience=LOW[::-1])  # who stops by patience gains as much
    assert situations.wrong_errors(None, [alike]).action == STOP
    stopped = flips(0.1, LOW + 0.1, HIGH, LOW + 0.05, patience=LOW)  # better than at zero error, where it goes on to rise
    assert situations.wrong_errors(None, [stopped]).action == STOP
    late = flips(0.1, HIGH, LOW, LOW[::-1])  # flooded or not, the end is as good
    assert situations.wrong_errors(None, [late]).action == KEEP
    late = flips(0.1, HIGH, HIGH - 0.1, LOW)
    assert situations.wrong_errors(None, [late]).action == FLOOD


def at(**arms):
    """Something with at(arm or rule, …) that returns what stands under that name."""
    return SimpleNamespace(at=lambda *where, **more: next(arms[str(one)] for one in where if str(one) in arms), title="Data",
                           values=lambda name, figure, factor=1.0: factor * arms[name])


def after_zero(noise, zero, end, twice=None):
    """A case of loss_matters by one figure."""
    values = {1: zero, 2: zero if twice is None else twice, "end": end}
    return SimpleNamespace(title="Data", noise=noise, at=lambda arm, when, figure: values[when])


def test_both_losses_to_the_end_by_labels():
    falls, rises, wrong = after_zero(0.0, HIGH, LOW), after_zero(0.0, LOW, HIGH), after_zero(0.1, LOW, HIGH)
    assert situations.squared_clean(None, [falls, wrong]).measured == (
        "Test error in %, squared error, from zero training error on: Data: at twice the epochs 40.0 → 40.0 "
        "(+0.00 ±0.00), at the end 40.0 → 20.0 (-20.0 ±2.5).")
    for advise in (situations.squared_clean, situations.clean_errors, situations.clean_losses):
        assert advise(None, [falls, wrong]).action == KEEP  # wrong labels have rows of their own
        assert advise(None, [rises, after_zero(0.1, HIGH, LOW)]).action == STOP
        assert advise(None, [falls, rises]).action == DEPENDS  # one data set does not speak for all
        assert advise(None, [after_zero(0.0, LOW, NOISY, HIGH)]).action == DEPENDS  # on when one stops
        assert advise(None, [after_zero(0.0, LOW, HIGH, LOW)]).action == STOP  # the end decides
        assert advise(None, [after_zero(0.0, LOW, NOISY, LOW)]).action == EITHER
        assert advise(None, [after_zero(0.0, EVEN, SLIGHT)]).action == EITHER
    assert situations.squared_wrong(None, [falls, wrong]).action == STOP
    doubled = after_zero(0.0, LOW, 2 * LOW * np.exp(WAVES), 0.5 * LOW * np.exp(WAVES))
    assert situations.clean_losses(None, [doubled]).measured.endswith(
        ": Data: at twice the epochs × 0.500 (0.488 to 0.513), at the end × 2.00 (1.95 to 2.05).")
    none = situations.squared_wrong(None, [falls])
    assert none.action == UNTOLD and none.measured == (
        "Test error in %, squared error: no runs where some labels are wrong.")


def test_every_row_reads_its_own_loss_and_figure():
    def of_loss(noise, figures):
        return SimpleNamespace(title="Data", noise=noise, at=lambda arm, when, figure: figures[arm, figure][when == "end"])
    falls, rises, neither = (HIGH, LOW), (LOW, HIGH), (LOW, LOW)
    clean = of_loss(0.0, {("cross-entropy", "test_error"): falls, ("cross-entropy", "test_loss"): rises,
                          ("squared error", "test_error"): neither})
    wrong = of_loss(0.1, {("squared error", "test_error"): rises})
    both = flips(0.1, None, None)
    both.values = lambda method, figure: (falls if figure == "test_error" else rises)[method == "end"]
    assert [row.advise(None, [clean, wrong] if row.question == "loss_matters" else [both]).action
            for row in deciding.TABLE[:6]] == [KEEP, KEEP, STOP, STOP, EITHER, STOP]


def test_separable_data():
    def turned(zero, end):
        runs = SimpleNamespace(runs=[1], at=lambda when, name: {("zero", "angle"): zero, ("end", "angle"): end}[when, name])
        return SimpleNamespace(runs=runs, network=False, title="Data")
    assert situations.separable(None, [turned(HIGH, LOW)]).action == KEEP
    assert situations.separable(None, [turned(LOW, HIGH)]).action == STOP
    assert "smaller in 0 of 1 case, larger in 1; Data" in situations.separable(None, [turned(LOW, HIGH)]).measured
    network, empty = turned(LOW, HIGH), SimpleNamespace(runs=SimpleNamespace(runs=[]), network=False)
    network.network = True
    found = situations.separable(None, [turned(HIGH, LOW), network, empty])
    assert found.action == KEEP and "smaller in 1 of 1 case; Data" in found.measured
    assert situations.separable(None, [turned(HIGH, LOW), turned(LOW, HIGH)]).action == DEPENDS
    slight = turned(EVEN, EVEN * np.exp(SLIGHT - EVEN))
    assert situations.separable(None, [slight]).action == STOP
    assert situations.separable(None, [slight, slight]).action == EITHER


def test_zero_error_says_nothing_where_random_labels_are_fitted_too():
    module = SimpleNamespace(RANDOM="random", REAL="real", CHANCE=90.0)

    def results(epochs, error):
        return SimpleNamespace(at=lambda arm, name, factor, rule="end": epochs if name == "epoch" else error,
                               config=SimpleNamespace(train=300))
    reached = np.arange(10.0)
    assert situations.random_labels(module, results(reached, 90 + np.tile(WAVES, 2))).action == LOOK
    assert situations.random_labels(module, results(reached, 20 + np.tile(WAVES, 2))).action == EITHER  # they can be learnt
    wide = results(reached, 80 + 20 * np.tile([-1, 1], 5))  # no clearer than that from 90
    assert situations.random_labels(module, wide).action == UNTOLD
    assert situations.random_labels(module, results(reached * np.nan, 90 + np.tile(WAVES, 2))).action == EITHER
    assert situations.random_labels(module, results(reached[:2], 90 + WAVES[:2])).action == UNTOLD
    slight = results(reached[:5], 90 - (SLIGHT - EVEN))  # clear alone, not beside the share that was fitted
    assert situations.random_labels(module, slight).action == UNTOLD
    few = results(np.arange(6.0), 90 + np.append(WAVES, 0.0))  # all were fitted, which so few cannot show of most
    assert situations.random_labels(module, few).action == UNTOLD
    assert situations.random_labels(module, results(np.arange(6.0), 20 + np.append(WAVES, 0.0))).action == EITHER
    assert situations.random_labels(module, results(reached, reached * np.nan)).action == UNTOLD


def test_alarms_of_the_report_on_leaks():
    def module(column, copies, sound, outliers):
        hits = {"label as a column": column, "copies": copies, "no fault": sound, "outliers": outliers}
        return SimpleNamespace(FAULTS={name: ("", 0, name in ("label as a column", "copies")) for name in hits},
                               ASKED=["10 rows"], EXAMPLES=["10 rows", "in haste"], SOUND="no fault",
                               alarm=lambda results, name: Share(hits[name], 20))
    runs = SimpleNamespace(at=lambda arm, name, rule: np.array([1.0, 1.0 if arm[1] == "in haste" else 5.0]))
    found = situations.fast(module(20, 20, 1, 18), runs)
    assert found.measured.startswith("Random labels were at 100 % so soon in 1 of 2 runs (in haste: 2 of 2), tumours ")
    assert found.action == LOOK and found.measured.endswith(
        "at leaks, runs: label as a column 20 of 20; copies 20 of 20; at data without one: no fault 1 of 20; outliers 18 of "
        "20.")
    missed = situations.fast(module(20, 0, 0, 0), runs)  # every kind of leak must be found
    assert missed.action == DEPENDS and missed.measured.endswith(
        "label as a column 20 of 20; copies 0 of 20; at data without one: no fault 0 of 20.")
    assert situations.fast(module(20, 15, 0, 0), runs).action == UNTOLD  # 15 of 20 is clear alone, not among three
    assert situations.fast(module(20, 20, 19, 0), runs).action == DEPENDS  # sound data are accused
    assert situations.fast(module(20, 20, 10, 0), runs).action == UNTOLD


@pytest.mark.parametrize(("left", "action"), [(HIGH, LOOK), (-HIGH, EITHER), (FEW, UNTOLD)])
def test_what_is_left_above_training_lies_in_the_data(left, action):
    results = SimpleNamespace(case=lambda title: SimpleNamespace(title=title, observed=left, remedied=left))
    found = situations.above(None, results)
    assert found.action == action
    assert f"then {with_interval(left, comparisons=5)}" in found.measured  # the interval of the verdict
    assert ("lies in the data" in found.measured) is (action == LOOK)
    some = SimpleNamespace(case=lambda title: SimpleNamespace(title=title, observed=HIGH, remedied=HIGH if title == "Dropout"
                                                              else -HIGH))
    assert situations.above(None, some).action == DEPENDS and "lies in the data" in situations.above(None, some).measured
    slight = SimpleNamespace(case=lambda title: SimpleNamespace(title=title, observed=HIGH, remedied=SLIGHT - EVEN))
    assert situations.above(None, slight).action == EITHER


@pytest.mark.parametrize(("zero", "end", "action"), [(LOW, HIGH, STOP), (HIGH, LOW, KEEP), (FEW, FEW + 1, UNTOLD)])
def test_who_was_in_the_training_set(zero, end, action):
    def model(values, lira=None):
        return SimpleNamespace(found=lambda kind, attack: {("auc", "loss"): values, ("auc", "LiRA"): (
            values if lira is None else lira)}[kind, attack], there=np.ones(len(values), dtype=bool))
    module = SimpleNamespace(LIRA="LiRA")
    case = SimpleNamespace(title="clean", plain={"zero": model(zero), "end": model(end)})
    found = situations.private(module, [case])
    assert found.action == action and "clean, loss: " in found.measured and "clean, LiRA: " in found.measured
    other = SimpleNamespace(title="clean", plain={"zero": model(zero, EVEN), "end": model(end, EVEN)})
    assert "clean, LiRA: 0.200 → 0.200 (" in situations.private(module, [other]).measured
    nowhere = SimpleNamespace(plain={"zero": SimpleNamespace(there=np.zeros(5, dtype=bool))})
    assert situations.private(module, [case, nowhere]) == found
    assert situations.private(module, [nowhere]).measured.endswith(" → end: no run got there.")
    slight = SimpleNamespace(title="clean", plain={"zero": model(EVEN), "end": model(SLIGHT)})
    assert situations.private(module, [slight]).action == EITHER


def test_late_generalisation():
    def checks(right):
        return {"epoch": np.array([10.0, 20.0]), "train_error": np.array([0.5, 0.0]),
                "test_error": np.array([0.9, 1 - right])}

    def delays(decay, right):
        return Delays(decay, [checks(right)] * 8)
    def results(*decayed, control=()):
        return SimpleNamespace(decayed=decayed, control=control, config=SimpleNamespace(modulus=31))
    found = situations.late(None, results(delays(1.0, 0.95), control=[delays(0.0, 0.1)]))
    assert found.action == KEEP and "right at 20.0 (8 of 8 runs)" in found.measured and "decay in 0 of 8" in found.measured
    assert situations.late(None, results(delays(1.0, 0.2))).action == EITHER
    assert situations.late(None, results(delays(1.0, 0.95), delays(0.1, 0.2))).action == DEPENDS
    half = Delays(1.0, [checks(0.95)] * 10 + [checks(0.2)] * 10)
    assert situations.late(None, results(half, delays(0.1, 0.2))).action == UNTOLD
    often = Delays(1.0, [checks(0.95)] * 15 + [checks(0.2)] * 5)
    assert situations.late(None, results(often)).action == KEEP
    assert situations.late(None, results(often, often)).action == UNTOLD  # 15 of 20 is clear alone, not among two


def test_sample_by_sample_codes_and_words(monkeypatch):
    loss = np.array([[2.0, 1.0, 3.0]] * 5) + WAVES[:, None]
    curves = {"test_loss": loss, "train_error": np.array([[0.5, 0.0, 0.1]] + [[0.5, 0.2, 0.1]] * 4)}
    monkeypatch.setattr(situations, "ends", lambda runs, name: curves[name])

    def stops(best):
        return SimpleNamespace(tuned=None, config=SimpleNamespace(train=400, noise=0.1), stops={
            "a": SimpleNamespace(excess=best), "b": SimpleNamespace(excess=300 + WAVES)})
    found = situations.online(None, stops(10 + WAVES))
    assert found.action == STOP and "rule “a”" in found.measured and "by “b”" in found.measured
    assert found.measured.startswith("400 digits, 10 % of their labels wrong; zero training error in 1 of 5 runs. ")
    assert situations.online(None, stops(200 + 3000 * WAVES)).action == EITHER
    assert situations.online(None, stops(250 + WAVES)).action == KEEP  # every rule ends before what is best
    near = stops(160 + 1000 * WAVES)  # clear of one rule, not of the best of forty
    assert situations.online(None, near).action == STOP
    near.stops.update({f"rule {i}": SimpleNamespace(excess=300 + WAVES) for i in range(40)})
    assert situations.online(None, near).action == EITHER
    module = SimpleNamespace(DATA={"digits": "digits", "more": "more"})
    results = SimpleNamespace(named=lambda data: {"plain": ("plain", ""), "slow": (f"slow {data}", "")})
    for points, other, action in ((HIGH, HIGH, KEEP), (-HIGH, -HIGH, STOP), (8 * WAVES, 8 * WAVES, EITHER),
                                  (8 * WAVES, HIGH, KEEP), (-HIGH, HIGH, DEPENDS), (SLIGHT - EVEN, 8 * WAVES, EITHER)):
        monkeypatch.setattr(situations, "since_early", lambda runs, points=points, other=other: (
            60.0, HIGH, other if runs == "slow more" else points))  # every network of every data set has its say
        found = situations.codes(module, results)
        assert found.action == action and "from epoch 60 to" in found.measured
        assert (f"more, slow {with_interval(other, comparisons=4)} (reconstruction error {with_interval(HIGH)} % lower)"
                in found.measured)
    for left, action in ((10 * HIGH, LOOK), (2.5 * HIGH + 20 * WAVES, EITHER), (LOW, DEPENDS), (FEW, UNTOLD),
                         (2 * HIGH + LOW + 0.025 + WAVES, EITHER),  # clear of runs that share no words
                         (2 * HIGH + 0.1, DEPENDS)):  # more than either that was found, and less than both
        few = len(left)
        words = SimpleNamespace(folds=5, accuracy=lambda name, few=few: 80 + HIGH[:few], parts=lambda left=left, few=few: {
            "network": 2 * HIGH[:few], "n-grams": LOW[:few], "left": left})
        found = situations.words(None, words)
        assert found.action == action and "plain network 80.4" in found.measured
        assert "found (network 0.8" in found.measured and " and n-grams 0.2" in found.measured
        assert f"), {left.mean():.1f}" in found.measured and " are left (" in found.measured


def test_every_row_has_its_question_and_says_when_it_is_not_run(monkeypatch):
    assert {row.question for row in deciding.TABLE} <= set(registry.NAMES) and len(deciding.TABLE) == 15
    rows = deciding.decisions({})
    assert [row.advice.action for row in rows] == [NOT_YET] * len(deciding.TABLE)
    results = [flips(0.0, HIGH, LOW), flips(0.1, HIGH, HIGH, LOW)]
    found = deciding.decisions({"zero_loss": (None, results, "default, 5 seeds")})
    assert [(one.situation, one.advice.action) for one in found if one.question == "zero_loss"] == [
        ("Some labels are wrong; you count errors", FLOOD),
        ("Some labels are wrong; you use the probabilities", FLOOD)]
    row = deciding.Row("s", "speed", lambda module, results: deciding.Advice(results, "m"))
    monkeypatch.setattr(deciding, "TABLE", (row,))
    for runs, told, action in (("quick, 3 seeds", EITHER, UNTOLD), ("default, 10 seeds", EITHER, EITHER),
                               ("quick, 3 seeds", STOP, STOP)):  # three seeds find no small difference
        [row] = deciding.decisions({"speed": (None, told, runs)})
        assert row.advice.action == action and row.runs == runs and action in ACTIONS
