"""stopping_study from end to end with tiny settings, its words on made-up runs, and its central claim."""
import math
import sys

import numpy as np
import pytest

from experiments.data import digits
from experiments.data.proben1 import PROBLEMS as TABLES
from experiments.data.proben1 import Problem
from experiments.questions import stopping_study
from experiments.questions.stopping_study import Config
from experiments.questions.stopping_study.cases import Results, arms, outcomes
from experiments.questions.stopping_study.rules import COMPARED, END, PRECHELT, WITHOUT, all_rules
from experiments.questions.stopping_study.tradeoff import BY_LOSS, beside, fourfold
from experiments.report import plots
from experiments.report.labels import Named, write
from experiments.report.ratios import Ratio
from experiments.runs.settings import SettingError
from experiments.runs.store import Store
from experiments.trainers.trajectories import FOUND, PROBLEMS, RECORD, Trajectory, fingerprint, train_fleet, trajectory_of
from tests.stopping_runs import RULES, made

TINY = Config(seeds=2, problems=("iris",), epochs=50, workers=1)


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "page", lambda path, panels, **how: drawn.append((path.stem, len(panels))) or [path])
    store = Store(tmp_path)
    stopping_study.run(TINY, store)
    assert store.count("stopping_study") == 2 * 3 * 2
    results = stopping_study.gather(store, TINY)
    text = "".join(table.plain() for table in stopping_study.tables(results))
    for words in ("Criteria on the same runs (2 seeds)", "UP 8, error", "label wave", "no stop", "Iris", "squared error"):
        assert words in text
    assert len(stopping_study.figures(results, tmp_path)) == 3
    assert drawn == [("stopping_study", 2), ("stopping_study_watched", 1), ("stopping_study_claim", 1)]
    assert stopping_study.answer(results) == "It depends on more than 2 seeds: at least 3 are needed for a verdict."


# --- records ---

@pytest.mark.compiled
def test_a_record_is_that_of_a_lone_run_tested_on_true_labels():
    from losses import CrossEntropy
    from nn import MLP, RPROP, fit

    run = Trajectory("claim", 1, "digits_flipped", "", (4,), epochs=3)
    assert trajectory_of(run.settings()) == run
    [record] = train_fleet([run.settings()])
    data = digits(300, 150, 600, noise=0.2, seed=1)
    history = fit(MLP((64, 4, 10), activation="tanh", seed=1), data.train.x, data.train.y, loss=CrossEntropy(),
                  optimizer=RPROP(0.01), batch_size=None, epochs=3, seed=1, progress=False,
                  validation=(data.validation.x, data.validation.y), test=(data.test.x, data.test.y_clean))
    assert set(record.arrays) == set(RECORD)
    for name in ("train_loss", "val_error", "test_loss"):
        np.testing.assert_allclose(record.arrays[name], history[name], rtol=1e-6, err_msg=name)


@pytest.mark.compiled
def test_words_are_read_by_a_recurrent_network():
    [record] = train_fleet([Trajectory("claim", 0, "words", "", (4,), "squared_error", "adam", 0.003, epochs=2).settings()])
    assert all(len(record.arrays[name]) == 2 for name in RECORD) and np.isfinite(record.arrays["evidence"]).all()


def test_proben1_counts_where_it_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(TABLES, "diabetes", Problem(60, 8, 2))
    monkeypatch.setattr(sys.modules["experiments.data.proben1"], "SYSTEM_FOLDER", "/nowhere")
    monkeypatch.setenv("AFTERZERO_DATA", str(tmp_path))
    fingerprint.cache_clear()
    try:
        assert {data for data, *_ in arms(Config())} == set(PROBLEMS) - set(FOUND) and len(arms(Config())) == 40
        with pytest.raises(SettingError, match=r"problems: got \('proben1_diabetes',\), of which none is here, accepted"):
            arms(Config(problems=("proben1_diabetes",)))
        for part in ("train", "test"):
            lines = [f"{' '.join(str((k + i) % 7) for i in range(8))}\n{('1 0', '0 1')[k % 2]}\n" for k in range(30)]
            (tmp_path / f"diabetes.{part}").write_text(f"30 8 2\n{''.join(lines)}", encoding="ascii")
        fingerprint.cache_clear()
        own = arms(Config(seeds=1, problems=("iris", "proben1_diabetes"), losses=("cross_entropy",)))
        assert len(own) == 6 and len(own["proben1_diabetes", (8,), "cross_entropy"][0].files) == 16
        with pytest.raises(ValueError, match=r"files: got 'others', accepted: '[0-9a-f]{16}'"):
            train_fleet([Trajectory("t", 0, "proben1_diabetes", "others", (4,)).settings()])
    finally:
        fingerprint.cache_clear()


# --- what criteria make of a record ---

def record_of(**columns):
    """A record of 60 epochs in which the validation loss is lowest after 12; others as given."""
    t = np.arange(1.0, 61)
    curve = 1 + ((t - 12) / 40) ** 2
    return {"epoch": t, "train_loss": 1 / t, "train_error": np.maximum(0, 0.2 - t / 100), "val_loss": curve,
            "val_error": curve / 4, "test_loss": curve + 0.1 * (t > 20), "test_error": curve / 4, "gradient_norm": 1 / t,
            "evidence": -1 / t, "prediction_changes": 100 / t} | columns


def test_slowness_and_cost_are_those_of_the_library():
    from experiments.runs.store import Run
    from stopping import compare

    rules, record = all_rules(60), record_of()
    found = np.array(outcomes(Run(arrays=record), rules))[None, None]  # (1, 1, J, 4)
    results = Results(TINY, [("iris", (8,), "cross_entropy")], list(rules), found[..., 0], found[..., 1].astype(bool),
                      found[..., 2], found[..., 3])
    expected = compare([rules[name] for name in PRECHELT], [record]).rows
    for name, row in zip(PRECHELT, expected, strict=True):
        assert np.exp(results.of(results.slowness, name))[0, 0, 0] == pytest.approx(row["slowness"]), name
        assert 100 * np.expm1(results.of(results.cost, name))[0, 0, 0] == pytest.approx(row["cost"]), name
        assert results.never(name) == 100 * row["never"], name
    # Of the end its own network is taken, of a criterion with a best that one.
    assert results.of(results.losses, END, "GL 1")[0, 0].tolist() == [record["test_loss"][-1], record["test_loss"][11]]
    assert results.of(results.stops, END)[0, 0, 0] == 60 and results.never("evidence") == 100


def test_there_are_many_criteria_and_each_watches_what_it_says():
    rules = all_rules(400)
    assert len(PRECHELT) == 14 and len(COMPARED) >= 12 and list(rules) == RULES
    for name, rule in COMPARED.items():
        watched = {"validation loss": "val_loss", "validation error": "val_error"}.get(rule.watches, "")
        monitors = {one for one in rules[name].requires if one.startswith("val")}
        assert monitors == ({watched} if watched else set()), name


@pytest.mark.parametrize("gain", [0.8, 1.0, 1.3])
def test_a_fourfold_time_is_measured_within_runs(gain):
    results = made(scatter=0)
    power = math.log(gain) / math.log(4)  # loss ~ time^power, whatever the level of a run
    level = np.random.default_rng(0).uniform(0.5, 2, results.losses.shape[:2])[..., None]
    results = Results(results.config, results.arms, results.rules, results.stops, results.fired,
                      level * results.stops**power, results.errors)
    assert fourfold(results).mean == pytest.approx(gain)
    assert fourfold(results, "cross_entropy", problem="wine").mean == pytest.approx(gain)


def test_runs_that_all_stop_at_once_have_no_slope():
    results = made(never=RULES, problems=("iris", "wine", "digits"))
    assert math.isnan(fourfold(results).mean) and not fourfold(results).known


# --- the claim ---

@pytest.mark.compiled
def test_waiting_pays_with_squared_error_and_training_to_the_end_costs_with_cross_entropy():
    """The central claims, on tables of 178 wines and 150 flowers: means with their whole 95 % interval, one-sided."""
    def results(data, hidden, loss, seeds, epochs, *names):
        rules = {name: all_rules(epochs)[name] for name in (*PRECHELT, *names)}
        described = [Trajectory("claim", seed, data, "", hidden, loss, epochs=epochs) for seed in range(seeds)]
        runs = train_fleet([one.settings() for one in described])
        found = np.moveaxis(np.array([[outcomes(run, rules) for run in runs]]), 3, 0)
        config = Config(seeds=seeds, problems=(data,), losses=(loss,), epochs=epochs)
        return Results(config, [(data, hidden, loss)], list(rules), found[0], found[1].astype(bool), *found[2:])

    squared = results("wine", (32,), "squared_error", 10, 120, "zero error")
    entropy = results("iris", (8,), "cross_entropy", 6, 100, END)
    slow, early, end = beside(squared, "UP 6", "GL 1"), beside(squared, "zero error", "UP 3"), beside(entropy, END, "UP 3")
    assert slow.time.low > 2 and slow.loss.high < 0.9  # at least twice the time, at least 10 % less test loss
    assert early.loss.low > 1.1 and end.loss.low > 1.5


# --- words ---

FASTEST, *SLOWER = BY_LOSS
CHEAP = dict.fromkeys(SLOWER, 0.9)


@pytest.mark.parametrize("results, start", [
    ({"costs": CHEAP}, "It depends on what time is worth: of the 19 slower criteria that watch the validation loss 19 with "
     "cross-entropy and 19 with squared error end with a clearly lower test loss than the fastest, GL 1. "),
    ({"by_loss": {"squared_error": CHEAP}}, "It depends on the loss whether waiting pays: of the 19 slower criteria that "
     "watch the validation loss none with cross-entropy and 19 with squared error end with a clearly lower test loss than"),
    ({}, "No, waiting does not pay clearly: "),
    ({"costs": dict.fromkeys(SLOWER, 1.1)}, "No, waiting does not pay clearly: of the 19 slower criteria that watch the "
     "validation loss none with cross-entropy and none with squared error end with a clearly lower test loss (with a higher "
     "one 38) than the fastest, GL 1. With cross-entropy that is also the lowest."),
    ({"costs": CHEAP, "seeds": 2}, "It depends on more than 2 seeds: at least 3 are needed for a verdict.")])
def test_the_opening_follows_the_intervals(results, start):
    assert stopping_study.answer(made(**results)).startswith(start)


def test_the_lowest_and_the_soonest_that_comes_near_are_named():
    costs = CHEAP | {"UP 6": 0.8, "PQ 1": 0.8008}
    text = stopping_study.answer(made(costs, scatter=0.002))
    assert "With cross-entropy the lowest is UP 6: -20 % (" in text
    assert "; not clearly above it, and the soonest of those, is PQ 1 (-20 % (" in text


@pytest.mark.parametrize("factor, scatter, words", [
    (0.5, 1e-4, "over all runs -50 % (-50 to -50), clearly more than that; with"),
    (1.5, 1e-4, "over all runs 50 % (50 to 50), clearly less than that, a loss; with"), (0.96, 0.01, ", which agrees; with"),
    (1.0, 1e-4, ", clearly less than that, though not clearly different from none; with")])
def test_prechelts_figure_is_judged_by_the_interval(factor, scatter, words):
    costs = {name: (10 + j) ** math.log(factor, 4) for j, name in enumerate(BY_LOSS)}
    text = stopping_study.answer(made(costs, scatter=scatter))
    assert words in text and ("which agrees" in text) == (factor == 0.96)


def test_problems_are_judged_together():
    """By an interval of its own each of four is clearly lower; with all of them at once two are."""
    results = made({name: (10 + j) ** math.log(0.9, 4) for j, name in enumerate(BY_LOSS)}, scatter=0.08)
    assert all(fourfold(results, problem=problem).high < 1 for problem in results.problems)
    assert "By problem, all at once, it is clearly lower in 2 of 4, higher in 0." in stopping_study.answer(results)


def test_a_gain_of_leaving_gl_is_told_from_one_of_waiting():
    text = stopping_study.answer(made(dict.fromkeys(("GL 1", "GL 2", "GL 3", "GL 5"), 1.3), scatter=1e-4))
    overall, alone = (part.split(";")[0] for part in (text.split("over all runs ")[1], text.split("PQ and UP alone ")[1]))
    assert "clearly more than that" in overall and "clearly less than that, though not clearly different" in alone
    assert "GL 5 that is asked only from 25 on makes -23 % (" in text


def test_loss_and_error_are_compared_both_ways():
    errors = [name for name, rule in COMPARED.items() if rule.watches == "validation error"]
    text = stopping_study.answer(made(dict.fromkeys(errors, 1.2), never=errors[:2]))
    assert "by test loss clearly better in 0 and worse in 17 of 17 criteria (1.2 times it)" in text
    assert "by test error clearly better in 0 and worse in 17" in text
    assert "no stop in 0 to 100 % of runs instead of 0 %" in text
    text = stopping_study.answer(made(dict.fromkeys(errors, 0.8)))
    assert "by test loss clearly better in 17 and worse in 0 of 17 criteria (0.80 times it)" in text


def test_criteria_without_a_validation_set_are_named_by_how_they_do():
    text = stopping_study.answer(made({"zero error": 1.5, "evidence": 0.7}))
    part = text.split("Without a validation set, beside UP 3, the test loss is ")[1].split(" Such criteria")[0]
    higher, unclear, lower = part.split("; ")
    assert higher.startswith("clearly higher with zero error (50 % (") and unclear.startswith("not clearly different with")
    assert lower.startswith("clearly lower with evidence (-30 % (")
    assert unclear.count(" times the epochs)") == len(WITHOUT) - 2


def test_the_label_wave_is_compared_where_labels_are_wrong():
    results = made()
    column, noisy = results.rules.index("label wave"), [a for a, (data, *_) in enumerate(results.arms) if "flipped" in data]
    for factor, words in ((0.8, "clearly less than on clean ones"), (1.2, "clearly more than on clean ones"),
                          (1.0, "not clearly another figure than on clean ones")):
        losses = results.losses.copy()
        losses[noisy, :, column] *= factor
        changed = Results(results.config, results.arms, results.rules, results.stops, results.fired, losses, results.errors)
        assert words in stopping_study.answer(changed)
    assert "label wave is meant" not in stopping_study.answer(made(problems=("iris", "wine", "digits")))


def test_what_never_stopped_is_named():
    assert stopping_study.answer(made()).endswith("All criteria stopped in at least 90 % of runs.")
    text = stopping_study.answer(made(never=("UP 8", "evidence")))
    assert text.endswith("Within 400 epochs 2 of 44 criteria did not stop in more than 10 % of runs (of those that watch "
                         "the loss most often UP 8 100 %): their slowness is a lower bound.")


def test_ratios_are_averaged_by_their_logarithms():
    ratio = Ratio.of(np.log([0.5, 1.0, 2.0, np.nan]))
    assert ratio.mean == pytest.approx(1) and ratio.low == pytest.approx(1 / ratio.high)
    assert Ratio(0.85, 0.8, 1.1).change == "-15 % (-20 to 10)" and Ratio(0.85, 0.8, 1.1).percent == "-15 (-20 to 10)"
    assert Ratio.of([0.0, 0.1]).times == "1.1" and not Ratio.of([0.0, 0.1]).known
    assert [Ratio(1, low, high).beside(1, "below", "within", "above") for low, high in (
        (0.8, 0.9), (0.9, 1.1), (1.1, 1.2))] == ["below", "within", "above"]


def test_names_do_not_cover_each_other():
    from matplotlib.figure import Figure

    axis = Figure().subplots()
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    marks = [Named(0.5, 0.5 + 0.001 * k, f"name {k}", plots.RED) for k in range(4)]
    write(axis, [*marks, Named(0.9, 0.1, "", plots.RED)])
    assert len({text.get_position() for text in axis.texts}) == len(axis.texts) == 4


