"""What a check says, on made-up results: yes, no, it depends, cannot tell, and what follows from it."""
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.check import document, shown
from experiments.check.advice import best_rule
from experiments.check.answers import answer, opening
from experiments.check.causes import so_soon
from experiments.check.changes import SAME, TOO_FEW, change
from experiments.check.results import RuleCost
from experiments.check.verdicts import decision
from experiments.data.tables import Column
from experiments.report.compare import BETTER, UNKNOWN, WORSE
from tests.own_tables import made

WIDE = {"spread": 0.3}
DRIFT = SimpleNamespace(kind="drift", columns=("age",), level="suspicious", text="…")
LEAK = SimpleNamespace(kind="tells_label", columns=("diagnosis",), level="found", text="…")
PERHAPS = SimpleNamespace(**{**vars(LEAK), "level": "suspicious"})


@pytest.mark.parametrize("how, start, also", [
    ({"end": (0.2, 0.9)}, "No, stop: from zero training error (epoch 8 on average, in 10 of 10 splits) to epoch 20",
     ("test error stayed, 20.0 to 20.0 %", "test loss rose from 0.500 to 0.900 (+0.4 ±")),
    ({"end": (0.1, 0.3)}, "Yes, training on pays: from zero",
     ("test error fell from 20.0 to 10.0 %", "test loss fell from")),
    ({"end": (0.3, 0.3)}, "It depends on what counts: ", ("test error rose from 20.0 to 30.0 %", "test loss fell from")),
    ({}, "No, training on changes nothing that matters: ", ("+0 ±0.75 points: less than 1 makes no difference)",
                                                          "test loss stayed")),
    (WIDE, "Cannot tell: too few rows: ", ("whether test error changed cannot be told", "whether test loss changed cannot")),
    ({**WIDE, "seeds": 4}, "Cannot tell from 4 splits of 2000 rows (--seeds 10 narrows the intervals): ", ()),
    ({"seeds": 2, "end": (0.2, 0.9)}, "Cannot tell from 2 splits of 2000 rows, as an interval takes three",
     ("test loss went from",)),
    ({"end": (0.2, 0.9), "zero_epoch": float("nan")},
     "No, stop: training error did not reach zero in most splits (10.0 % was",
     ("judged from the lowest validation loss (epoch 5 on",)),
    ({"end": (0.2, 0.9), "regression": True}, "No, stop: a regression problem has no zero training error",
     ("test loss rose",)),
    ({"best": (0.2, 0.5), "end": (0.2, 0.2), "regression": True}, "Yes, training on pays: a regression problem", ()),
])
def test_the_opening_follows_the_intervals(how, start, also):
    text = opening(made(**how))
    assert text.startswith(start) and all(words in text for words in also) and "nan" not in text


@pytest.mark.parametrize("end, words", [
    ((0.2, 0.5), "No, the best was past by then: from the lowest validation loss (epoch 5) to epoch 20 test error rose "
     "from 10.0 to 20.0 % (+10 ±"),
    ((0.3, 0.9), "No, stop: from zero training error (epoch 8 on average"),
    ((0.05, 0.1), "Yes, training on pays: ")])
def test_the_best_may_be_past_before_there_is_no_error(end, words):
    results = made(best=(0.1, 0.2), end=end)
    assert opening(results).startswith(words) and decision(results) == words[:3].strip(",").lower()
    assert "rises from the best on" in answer(results)["how sure"] or end == (0.05, 0.1)
    assert "from the lowest validation loss (epoch 5) to epoch 20 test" in opening(results)


def test_nothing_is_said_twice_where_the_best_is_where_judging_begins():
    for how in ({"zero_epoch": float("nan"), "end": (0.3, 0.9)}, {}):
        assert opening(made(**how)).count("to epoch 20") == 1


def test_class_weights_are_judged_by_the_balanced_error():
    results = made(best=(0.3, 0.4))
    other = made(best=(0.2, 0.5), end=(0.4, 0.9)).trained.plain
    results = dataclasses.replace(results, trained=dataclasses.replace(results.trained, weighted=other))
    assert "With class weights: balanced error 20.0 instead of 30.0 %, clearly better (" in answer(results)["what changed"]
    assert "class weights" not in answer(made())["what changed"]
    [row] = [row for row in shown.models(results).rows if row[0].startswith("class weights")]
    assert row[3].startswith("20.0")


def test_only_one_figure_is_judged_of_a_regression_problem():
    assert "error" not in opening(made(regression=True, end=(0.1, 0.9))).partition("zero training error")[2]


def test_what_to_do_next_names_the_rule_that_costs_least_and_flooding_where_it_helps():
    results = made(best=(0.2, 0.4), end=(0.2, 0.9), flood=(0.2, 0.45))
    said = answer(results)
    rule = best_rule(results)
    assert rule.loss == min(one.loss for one in results.rules if one.fired) and rule.above_end < 0
    assert all(one.above_best == pytest.approx(one.loss - 0.4) for one in results.rules)  # the lowest of the run
    assert all(one.above_end == pytest.approx(one.loss - 0.9) for one in results.rules)
    assert said["next"].startswith(f"What to do next: stop with {rule.rule}: none of the panel cost less by what matters")
    assert "or train to the end with flooding at 0.1" in said["next"]
    assert "test loss 0.450 instead of 0.900, clearly better" in said["what changed"]
    assert "Flooding" not in answer(made(end=(0.2, 0.9)))["what changed"]
    assert "flooding" not in answer(made(end=(0.2, 0.9), flood=(0.2, 1.2)))["next"]


def test_patience_is_named_unless_another_rule_costs_less_by_what_matters(monkeypatch):
    results = made(end=(0.2, 0.9))
    for other, named in ((0.39, "Patience(10)"), (0.3, "GL(5)")):
        rules = [RuleCost(rule, fired, 5.0, 4.0, loss, 0.2, 0.0, -0.5) for rule, fired, loss in (
            ("Patience(10)", 10, 0.4), ("GL(5)", 10, other), ("UP(3)", 5, 0.1))]
        monkeypatch.setitem(vars(results), "rules", rules)
        assert best_rule(results).rule == named


def test_overconfidence_is_told_from_what_else_became_worse():
    assert ("With a temperature fitted on the validation rows (2.00) the test loss at the end is 0.400 instead of 0.900: so "
            ) in answer(made(end=(0.2, 0.9)))["what changed"]
    assert "temperature" not in answer(made(end=(0.2, 0.3)))["what changed"]


def test_a_linear_model_that_does_as_well_is_named():
    assert "a linear model does as well or better (test error 20.0 instead of 20.0 %)" in answer(
        made(linear=(0.2, 0.5)))["next"]
    assert "linear" not in answer(made(linear=(0.3, 0.6)))["next"]


@pytest.mark.parametrize("how, words", [
    ({"end": (0.5, 0.9), "best": (0.5, 0.7), "zero": (0.5, 0.8)},
     "(test error 50.0 instead of 50.0 % and test loss 0.700 instead of 0.693)"),
    ({"end": (0.5, 1.9), "zero": (0.5, 1.1), "regression": True}, "(test loss 1.10 instead of 1.00)")])
def test_what_learns_nothing_is_told_so(how, words):
    said = answer(made(**how))["next"]
    assert f"at its best the network is no better than guessing {words}: look for other columns before" in said
    assert "a linear model does as well or better" in said  # it learns something


def test_a_rare_class_may_lack_rows_and_a_linear_model_may_learn_where_the_network_does_not():
    nothing = {"end": (0.05, 0.9), "best": (0.05, 0.3), "zero": (0.05, 0.5), "largest": 0.95}
    said = answer(made(**nothing, linear=(0.05, 0.3)))["next"]
    assert ": look for more rows of the class 'yes', which has 100, or other columns before" in said and "linear" not in said
    assert "a linear model does as well or better (test error 1.00" in answer(made(**nothing, linear=(0.01, 0.1)))["next"]
    assert "guessing" not in answer(made())["next"]


def test_chances_of_a_rare_class_are_learnt_before_it_is_the_likeliest():
    assert "guessing" not in answer(made(best=(0.03, 0.07), zero=(0.03, 0.1), largest=0.975))["next"]
    assert "guessing" in answer(made(best=(0.03, 0.2), zero=(0.03, 0.3), largest=0.975))["next"]


def test_where_more_splits_would_not_do_more_rows_are_asked_for():
    assert "; more splits may tell: --seeds 10" in answer(made(spread=0.01, seeds=5))["next"]
    assert "; more rows would tell: more than 100 times as many" in answer(made(**WIDE, seeds=5))["next"]
    assert "; more splits may tell: --seeds 20" in answer(made(seeds=10, diverged=8))["next"]


def test_training_on_that_pays_to_the_last_epoch_asks_for_more():
    results = made(end=(0.1, 0.3))
    assert "so try more (--epochs)" not in answer(results)["next"]
    for run in results.trained.plain.runs:
        run.scalars["best.epoch"] = 20.0
    assert answer(results)["next"].startswith("What to do next: train on, and keep") and "so try more (--epochs)" in answer(
        results)["next"]
    for run in results.trained.plain.runs:  # nearly nothing is left to lower
        run.scalars["best.test_loss"] = 0.001
    assert "--epochs" not in answer(results)["next"]


def test_a_best_at_the_end_is_no_answer_to_what_training_on_does():
    results = made(best=(0.2, 0.5), end=(0.2, 0.5), regression=True)
    assert opening(results).startswith("No, training on changes nothing that matters: ") and decision(results) == "same"
    for run in results.trained.plain.runs:
        run.scalars["best.epoch"] = 20.0
    said = answer(results)
    assert said["answer"].startswith("Cannot tell, as the lowest validation loss came at the end (--epochs trains longer): ")
    assert decision(results) == "unknown" and "came at the end, so try more (--epochs)" in said["next"]
    assert "more splits" not in said["next"] and "more rows" not in said["next"]


def test_accused_data_are_named_before_anything_else():
    said = answer(made(end=(0.2, 0.9)), [LEAK])
    assert "But first: something leaks (diagnosis), see above" in said["answer"]
    assert said["next"].startswith("What to do next: leave out the columns or rows that leak, and check again; stop with ")
    said = answer(made(), [PERHAPS])
    assert "But first: something may leak (diagnosis)" in said["answer"]
    assert "next: settle whether that leaks, and if so mend it as said above and check again; " in said["next"]
    group = SimpleNamespace(kind="looks_like_groups", columns=("patient",), level="suspicious", text="…")
    assert "may leak (patient)" in answer(made(), [group])["answer"]
    assert "But first" not in answer(made())["answer"] + answer(made(), [DRIFT])["answer"]  # which flatters nobody


def test_what_the_network_is_not_given_flatters_nobody():
    results, aside = made(end=(0.2, 0.9)), (Column("diagnosis", "number", np.arange(2000.0)),)
    results = dataclasses.replace(results, problem=dataclasses.replace(results.problem, aside=aside))
    assert "leak" not in " ".join(answer(results, [LEAK, PERHAPS]).values())
    more = SimpleNamespace(**{**vars(LEAK), "columns": ("age",)})
    assert "something leaks (age), see" in answer(results, [LEAK, more])["answer"]
    group = SimpleNamespace(kind="looks_like_groups", columns=("diagnosis",), level="suspicious", text="…")
    assert "may leak (diagnosis)" in answer(results, [group])["answer"]  # which are there without the column


def test_splits_are_asked_for_that_were_not_given():
    few = made(seeds=3)
    few.trained.plain.runs[0].scalars["zero.epoch"] = few.trained.plain.runs[0].scalars["zero.test_loss"] = float("nan")
    few.trained.plain.runs[0].scalars["zero.test_error"] = float("nan")
    assert "from 2 splits of 2000 rows, as an interval takes three (--seeds 10): " in opening(few)


def test_how_sure_says_of_what():
    assert ("sure that test error does not change by what matters, that test loss rises, that test error does not "
            "change by what matters from the best on and that test loss rises from the best on. Of other") in answer(
        made(end=(0.2, 0.9)))["how sure"]
    text = answer(made(**WIDE))["how sure"]
    assert "over 10 splits with 400 test rows each, paired, for seven comparisons at once" in text
    assert "not sure what becomes of test error, what becomes of test loss" in text
    assert "for three comparisons" in answer(made(regression=True))["how sure"]
    assert "1 run diverged and is left out" in answer(made(diverged=1))["how sure"]


def test_where_zero_error_was_not_reached_it_says_how_to_get_there():
    unreached = answer(made(zero_epoch=float("nan"), end=(0.2, 0.9)))
    assert "train longer or wider (--epochs, --hidden)" in unreached["next"]
    assert "for five comparisons" in unreached["how sure"] and "wider" not in answer(made())["next"]


def test_only_diverged_runs_tell_nothing():
    assert answer(made(diverged=10)) == {"answer": answer(made(diverged=10))["answer"]}
    assert answer(made(diverged=10))["answer"].startswith("Cannot tell: every run diverged")


def test_confusions_stand_in_the_line_of_the_true_class():
    assert np.allclose(made(best=(0.25, 0.5)).confusion, [[0, 0], [0.25, 0.75]])  # all test rows are "yes"


def test_one_run_that_diverged_leaves_the_rules_alone():
    results = made(end=(0.2, 0.9), diverged=1)
    results.trained.plain.runs[0].arrays["record.test_loss"] = np.where(np.arange(20) < 9, 0.5, np.nan)
    assert all(np.isfinite(rule.above_end) and rule.fired <= 9 for rule in results.rules)


@pytest.mark.parametrize("best, matters", [(0.5, 0.05 * np.log(2)), (0.1, 0.02), (0.001, 0.01 * np.log(2))])
def test_the_less_is_unexplained_the_less_loss_matters(best, matters):
    assert made(best=(0.2, best)).matters("test_loss") == pytest.approx(matters, rel=0.01)


def test_few_rows_that_are_no_copies_prove_nothing():
    results = made(copies=True)
    for place, rows in enumerate(results.fresh):
        rows[:] = np.arange(400) == place
    assert results.after("test_error", fresh=True).half >= 3 / 10 > results.after("test_error").half


def test_a_rare_class_in_a_test_file_makes_balanced_errors_uncertain():
    results = made(test_from=1600, largest=0.98)  # its last 40 of 400 rows
    for run in results.trained.plain.runs:
        run.arrays["end.predictions"] = np.where(np.arange(400) < 380, results.problem.y[1600:], 0)
        run.arrays["best.predictions"] = results.problem.y[1600:]
    plain, balanced = (results.change(figure, "best", "end") for figure in ("test_error", "balanced_error"))
    assert balanced.half > 3 * plain.half


def test_copies_are_left_out_a_second_time():
    results = made(end=(0.2, 0.9), copies=True)
    for run in results.trained.plain.runs:  # among the copies nothing changed
        run.arrays["zero.losses"] = np.full(400, 0.5)
        run.arrays["end.losses"] = np.where(results.fresh[0], 1.3, 0.5)
        run.scalars["end.test_loss"] = 0.9
    text = answer(results)["without copies"]
    assert text.startswith("Without the 200 of 400 test rows that stand among the other rows too: No, stop: ")
    assert "test loss rose from 0.500 to 1.30" in text
    table = shown.without_copies(results)
    [end] = [row for row in table.rows if row[0] == "at the end"]
    assert "200 of 400 test rows" in table.title and end[3:] == ("0.900", "1.30")


def test_where_every_test_row_is_a_copy_nothing_is_left():
    results = made(copies=True)
    for rows in results.fresh:
        rows[:] = False
    assert answer(results)["without copies"].startswith("All test rows stand among the other rows too")
    assert not any("copies" in table.title for table in shown.tables(results))


# --- 100 % after two epochs ---

@pytest.mark.parametrize("how, supported, others", [
    ({"random": 2.0, "unscaled": 2.0}, "too few rows (1200) for the network's size (random labels are fitted at epoch 2)",
     "an easy problem"),
    ({"random": 19.0, "linear": (0.0, 0.01)}, "an easy problem (a linear model errs on 0 % of the test rows)",
     "too few rows"),
    ({"random": 19.0, "largest": 0.99}, "one class (the largest has 99.0 % of the rows)", "too few rows"),
    ({"random": 19.0, "zero_epoch": 2.0, "unscaled": 1.0},
     "unscaled inputs (with numbers as the table has them 100 % came at",
     "one class")])
def test_two_epochs_are_explained_by_what_the_numbers_support(how, supported, others):
    text = so_soon(made(**{"zero_epoch": 1.8, **how}))
    causes, _, rest = text.partition(" Not: ")
    assert supported in causes and others in rest and "leakage (nothing was found)" in rest


def test_two_epochs_without_a_cause_and_with_a_leak():
    assert "The numbers support none of the usual causes. Not: " in so_soon(made(random=19.0, unscaled=9.0))
    assert "The numbers support: leakage (a column that tells the label)" in so_soon(made(random=19.0), [LEAK])
    assert "The numbers support: possibly leakage (" in so_soon(made(random=19.0), [PERHAPS])
    assert "so soon" in answer(made(zero_epoch=2.0, random=19.0)) and "so soon" not in answer(made(zero_epoch=3.0))


# --- changes ---

def test_divisions_that_share_rows_have_wider_intervals():
    before, after = np.zeros(10), np.linspace(0.5, 1.5, 10)
    alone, shared = (change(before, after, matters=0.01, ratio=ratio) for ratio in (0.0, 1 / 3))
    assert shared.half == pytest.approx(alone.half * np.sqrt(1 + 10 / 3))  # s² (1/J + n_test / n_train), J = 10
    assert shared.mean == alone.mean == pytest.approx(1.0)


@pytest.mark.parametrize("after, verdict", [
    ([0.5, 0.5, 0.501], SAME), ([0.6, 0.61, 0.62], WORSE), ([0.4, 0.41, 0.39], BETTER), ([0.1, 0.9, 0.6], TOO_FEW),
    ([0.6, 0.6], UNKNOWN), ([np.nan, 0.6, 0.6], UNKNOWN)])
def test_verdicts(after, verdict):
    assert change(np.full(len(after), 0.5), after, matters=0.02, ratio=0.0).verdict == verdict


def test_equal_errors_on_few_rows_are_no_proof_that_nothing_changed():
    assert change(np.full(5, 0.1), np.full(5, 0.1), matters=0.01, ratio=0.3, least=3 / 90).verdict == TOO_FEW
    assert made(rows=100).after("test_error").verdict == TOO_FEW and made().after("test_error").verdict == SAME


def test_a_test_file_adds_what_the_choice_of_its_rows_does():
    results = made(test_from=1600)
    for run in results.trained.plain.runs:
        run.arrays["end.losses"] = np.where(np.arange(400) % 2, 0.5, 1.3)
    own = results.after("test_loss")
    assert own.half > 2 * np.sqrt(0.16 / 400) > made().after("test_loss").half  # rows differ by 0 or 0.8
    for place, run in enumerate(results.trained.plain.runs):  # what only one network does is no matter of the rows
        run.arrays["end.losses"] = 0.5 + (-1) ** place * (np.arange(400) % 2)
        run.arrays["zero.losses"] = np.full(400, 0.5)
    assert results._sampling("test_loss", "zero", "end", results.trained.plain, results.trained.plain) < 1e-12


# --- for programs ---

@pytest.mark.parametrize("how", [{"end": (0.2, 0.9), "flood": (0.2, 0.4)}, {"regression": True}, {"diverged": 10},
                                 {"zero_epoch": float("nan")}, {"copies": True}, {"seeds": 2}])
def test_documents_are_strict_json(how):
    results = made(**how)
    text = document.written(document.document(results, answer(results), columns=[("x0", "number")], facts={"a": np.nan},
                                              findings=[], figures=[]))

    def refuse(name):
        raise AssertionError(name)
    found = json.loads(text, parse_constant=refuse)
    assert found["facts"] == {"a": None} and found["answer"]["answer"] and found["rows"] == 2000
    with_copies = [one["copies"] for one in found["changes"]]
    assert with_copies == sorted(with_copies, reverse=True) and all(with_copies) == ("copies" not in how)
    assert found["verdict"] in ("yes", "no", "same", "depends", "unknown", "diverged")


def test_tables_fit_80_columns():
    for how in ({"end": (0.2, 0.9), "flood": (0.2, 0.4), "copies": True}, {"regression": True}):
        for table in shown.tables(made(**how)):
            assert all(len(line) <= 80 for line in table.plain(80).splitlines())
