"""online from end to end with tiny settings, its words on made-up runs, and its central claims."""
from functools import partial

import numpy as np
import pytest

from experiments.questions import online
from experiments.questions.online import ONLINE, Config
from experiments.report import plots
from experiments.report.compare import AGREES, BETTER, UNCLEAR, UNKNOWN, WORSE, agreement, clearly_above
from experiments.report.measured import Measured
from experiments.report.online import Family, compared, opened, verdict_at, verdict_in_time
from experiments.report.online_seen import judged, seen
from experiments.report.rises import Rise, Stops, advice, ends, rises, stops
from experiments.runs.store import Store
from experiments.trainers.online import Course, check_points, course_of, train_fleet
from tests.on_line import made
from tests.pages import bare

TINY = Config(seeds=2, rates=(0.02, 0.05), compared=(1, 2), epochs=3, train=40, validation=40, hidden=(6,), window=10)


def course(seeds=1, *, batch_size=1, learning_rate=0.02, **how):
    runs = [Course("test", seed, batch_size, learning_rate, **how) for seed in range(seeds)]
    return Measured(train_fleet([run.settings() for run in runs]))


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    store = Store(tmp_path)
    online.run(TINY, store)
    assert store.count("online") == 2 * 2 * 3
    results = online.gather(store, TINY)
    text = "".join(table.plain() for table in online.tables(results))
    for words in ("(2 seeds", "full batch, 2 epochs", "epoch's average ≤ 0.1", "validation loss, adaptive M", "one pattern"):
        assert words in text
    assert [path.stem for path in online.figures(results, tmp_path)] == ["online", "online_measures", "online_stops"]
    answer = online.answer(results)
    assert answer.startswith("It depends on more than 2 seeds: at least 3 are needed") and "nan" not in answer
    assert "clearly" not in answer and "not clear" not in answer  # so few seeds


# --- the trainer ---

@pytest.mark.parametrize("batch_size", [1, 15, 0])
def test_it_trains_as_fit_does_and_keeps_the_loss_before_every_update(batch_size):
    from experiments.data import digits
    from losses import CrossEntropy
    from nn import MLP, SGD, fit
    from stopping import RunningAverage

    run = Course("test", 3, batch_size, 0.1, train=40, validation=40, hidden=(6,), epochs=3, checks=2, first=4, window=20)
    [found] = train_fleet([run.settings()])
    data, singles = digits(40, 40, noise=run.noise, seed=3), []
    history = fit(MLP((64, 6, 10), seed=3), data.train.x, data.train.y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=3,
                  batch_size=batch_size or None, seed=3, progress=False, check_every=1,
                  on_check=lambda model, row: singles.append(row["train_loss_running"]),
                  validation=(data.validation.x, data.validation.y), test=(data.test.x, data.test.y_clean))
    t, curves = np.asarray(history["epoch"]), found.curves
    np.testing.assert_allclose(found.arrays["losses"], singles, rtol=1e-6)
    at = [int(np.argmin(abs(t - epoch))) for epoch in curves["epoch"][1:]]
    for name in ("train_loss", "train_error", "val_loss", "val_error", "test_loss", "test_error"):
        np.testing.assert_allclose(curves[name][1:], np.asarray(history[name])[at], rtol=1e-6, err_msg=name)
    sizes = [15, 15, 10] if batch_size == 15 else [1] * 40 if batch_size else [40]
    np.testing.assert_allclose(ends(Measured([found]), "average")[0],
                               np.average(np.reshape(singles, (3, -1)), axis=1, weights=sizes), rtol=1e-6)
    average = RunningAverage(max(0, 1 - (batch_size or 40) / 20))
    assert curves["running"][-1] == pytest.approx([average.update(loss) for loss in singles][-1], rel=1e-6)
    assert found.scalars["times_online"] > 0 and found.scalars["online_seconds"] > 0


def test_a_run_that_diverges_has_no_more_figures():
    [run] = course(batch_size=0, learning_rate=1e30, train=40, validation=40, hidden=(6,), epochs=4).runs
    assert len(run.curves["epoch"]) == 5 and np.isnan(run.curves["test_loss"][-1]) and np.isfinite(run.curves["val_loss"][0])
    family = Family("", plots.RED, {1.0: Measured([run] * 3), 0.1: course(3, train=40, validation=40, epochs=4)})
    assert family.best(2) == 0.1 and family.tuned() is family.rates[0.1]
    alone = Family("", plots.RED, {1.0: Measured([run] * 3)})
    assert alone.value(3).tolist() == [1, 1, 1] and np.isnan(alone.value(3, "test_loss")).all()  # wrong, not left out
    assert np.isnan(alone.value(5)).all()  # beyond what was trained


def test_when_a_run_is_looked_at():
    run = Course("test", 0, 15, 0.1, train=40)
    assert course_of(run.settings()) == run
    assert check_points(run, 2) == [2, 3] and check_points(run, 5) == [1, 2, 3]
    with pytest.raises(ValueError, match=r"compared: got \(30,\), accepted: at most 20, the epochs"):
        Config(compared=(30,), epochs=20)


# --- the claims ---

@pytest.mark.compiled
def test_on_line_learns_faster_and_its_first_pass_tells_the_validation_loss():
    """Each with its whole 95 % interval over seven seeds on its side of a bound, at the best rates of the question."""
    on_line, full = course(7, epochs=10), course(7, batch_size=0, learning_rate=1.0, epochs=3, first=1)
    assert clearly_above(ends(full, "test_error")[:, 2] - ends(on_line, "test_error")[:, 2], 0.2)
    first, second, last = (seen(on_line, 400, epoch) for epoch in (1, 2, 10))
    assert agreement(first["average"] / first["val_mean"], 1, 0.05) == AGREES
    assert clearly_above(first["average"] - first["train_loss"], 0.2)  # which lags
    assert clearly_above(last["val_mean"] - last["average"], 0.1) and clearly_above(second["scatter"], 0.4)


# --- words ---

def test_faster_at_equal_patterns_and_in_equal_time():
    results = made()
    cheap, dear, noisy = (made(prices=prices, noise=noise) for prices, noise in (
        ((1.0, 1.0, 1.0), 0), ((9.0, 1.0, 1.0), 0), ((3.0, 1.0, 1.0), 0.25)))
    for rival, _ in results.cases:
        assert verdict_at(results.families[ONLINE], rival, 3, 12) == BETTER

    def verdict(one):
        return verdict_in_time(one.families[ONLINE], one.families["full batch"], 1, 12)
    assert (verdict(cheap), verdict(dear), verdict(noisy)) == (BETTER, WORSE, UNCLEAR)
    late = verdict_in_time(dear.families[ONLINE], dear.families["full batch"], 10, 12)
    assert late == UNKNOWN  # 90 epochs, of 40
    answer = online.answer(results)
    assert answer.startswith("Yes. Test error on-line at equal pattern presentations: beside batches of 20 clearly lower in")
    assert "nan" not in answer and (
        "An epoch on-line took 1.00 ms; timed beside that, epochs took 1.00 (on-line), 0.750 (batches of 20) and 0.500 "
        "(full batch) times as long. ") in answer
    assert compared(dear.families[ONLINE], dear.cases, 6).startswith("It depends on what is kept equal.")


@pytest.mark.parametrize("patterns, time, opening", [
    ([BETTER, BETTER], [BETTER, UNCLEAR], "Yes."), ([UNCLEAR, WORSE], [WORSE, WORSE], "No."),
    ([BETTER, BETTER], [WORSE, UNCLEAR], "It depends on what is kept equal."), ([UNCLEAR] * 2, [UNKNOWN] * 2, "No."),
    ([BETTER, WORSE], [BETTER, BETTER], "It depends on the batches and on how long is trained."),
    ([UNKNOWN] * 2, [UNKNOWN] * 2, "It depends on more than 4 seeds: at least 3")])
def test_the_answer_opens_as_the_verdicts_say(patterns, time, opening):
    assert opened({"all": patterns}, {"all": time}, 4).startswith(opening)


def test_a_rival_far_behind_does_not_answer_for_the_other():
    far, near = [BETTER] * 4, [BETTER, UNCLEAR, UNCLEAR, UNCLEAR]
    for patterns, time in ((near, far), (far, near)):
        assert opened({"far": far, "near": patterns}, {"far": far, "near": time}, 9).startswith(
            "It depends on the batches and on how long is trained. Test error")
    assert opened({"far": far, "none": [UNKNOWN]}, {"far": far}, 9).startswith("Yes.")


def test_rises_that_must_be_passed():
    assert rises([3, 2, 2.5, 2.2, 1.9, 1.8]) == [Rise(2, pytest.approx(0.25))]
    assert rises([3, 2, 2.5, 2.2, 1.99]) == []  # not passed by more than 1 %
    assert rises([3, 2, 2.5]) == rises([3, 2, 1]) == rises([]) == []
    assert rises([2, 3, 1, 1.5, 0.5]) == [Rise(1, pytest.approx(0.5)), Rise(1, pytest.approx(0.5))]


def test_a_rule_that_stops_in_a_temporary_rise_is_named():
    from stopping import Patience, replay

    results = made()
    hasty, patient = (stops(partial(replay, Patience(n)), "val_loss", results.tuned) for n in (1, 10))
    assert (hasty.epoch == 4).all() and hasty.deceived.all() and hasty.early.all() and not patient.deceived.any()
    assert (patient.excess == 0).all() and (hasty.excess > 1).all() and patient.fired.all()
    words = advice({"hasty": hasty, "patient": patient}, ["hasty"])
    assert words.startswith("How to stop (") and ": by patient (0 %, epoch 1" in words
    assert "clearly worse: hasty (" in words and words.endswith("stop, in most runs: hasty (6 of 6 (54 to 100 %)).")
    assert "The best without validation samples, hasty, is clearly worse than that; it is a temporary rise that" in words


@pytest.mark.parametrize("off, word", [(0.0, "clearly worse: none"), (0.2, "clearly worse: other")])
def test_rules_are_compared_with_the_best(off, word):
    def rule(loss):
        loss = loss + 0.01 * np.arange(6)
        return Stops(np.full(6, 9.0), np.ones(6, bool), np.zeros(6, bool), np.zeros(6, bool), loss, loss, loss)
    words = advice({"one": rule(1.0), "other": rule(1.0 + off)}, ["one"])
    assert word in words and "The best without" not in words and words.endswith("in most runs: none.")


@pytest.mark.parametrize("gap, words", [(0.0, "is (to 3 %)"), (0.5, "is not (to 3 %)"), (0.03, "may be (to 3 %)")])
def test_an_estimate_is_judged_by_its_interval(gap, words):
    gaps = gap + 0.01 * np.arange(-2, 3)
    assert judged(gaps, np.ones(5)) == words
    assert judged(gaps[:2], np.ones(2)).startswith("is, for all these runs can tell")
