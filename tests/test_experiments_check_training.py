"""What is trained on a table of one's own: divisions, figures of every model, levels, and that stored runs are the same."""
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.check import training
from experiments.check.plan import Asked, planned, uneven
from experiments.check.results import Results, copies_across
from experiments.check.training import levels_of, soon, train
from experiments.data.tables import Column, Problem, cut
from experiments.report.measured import Measured
from experiments.runs.settings import SettingError
from experiments.runs.store import Run, Store
from experiments.trainers import own_table
from experiments.trainers.own_table import RANDOM, UNSCALED, OwnRun, data_of, offered, own_run_of, train_fleet
from losses import CrossEntropy
from tests.own_tables import gaussians, overlapping, problem_from

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def problem():
    return problem_from(*overlapping(90, np.random.default_rng(1), 0.15))


@pytest.fixture(scope="module")
def one(problem):
    """A run on it, and what it left."""
    run = OwnRun(3, problem.digest, 0.2, (16, 16), 40, 16, 0.01)
    with offered(problem):
        return run, train_fleet([run.settings()])[0]


def test_figures_are_those_of_the_models_and_rows_they_are_said_to_be_of(problem, one):
    run, found = one
    parts = cut(problem, 0.2, run.seed)
    y = problem.y[parts.test]
    for rule in ("zero", "best", "best_error", "end"):
        wrong = np.mean(found.arrays[f"{rule}.predictions"] != y)
        assert found.scalars[f"{rule}.test_error"] == pytest.approx(wrong)
        assert found.scalars[f"{rule}.test_loss"] == pytest.approx(found.arrays[f"{rule}.losses"].mean(), rel=1e-5)
        # The record of the run says the same of that epoch: a check each.
        check = int(found.scalars[f"{rule}.epoch"]) - 1
        for figure in ("train_error", "test_error", "val_loss", "test_loss"):
            assert found.scalars[f"{rule}.{figure}"] == pytest.approx(found.arrays[f"record.{figure}"][check], rel=1e-4)
    error, loss = found.arrays["record.train_error"], found.arrays["record.val_loss"]
    assert found.scalars["zero.epoch"] == 1 + np.flatnonzero(error == 0)[0]
    assert found.scalars["best.epoch"] == 1 + np.argmin(loss) != 1 + np.argmin(found.arrays["record.test_loss"])
    assert found.scalars["best_error.epoch"] == 1 + np.argmin(found.arrays["record.val_error"])
    assert found.scalars["end.epoch"] == len(error) == run.epochs


def test_the_temperature_is_fitted_on_validation_rows():
    outputs = {"validation": np.array([[3.0, 0.0]] * 4), "test": np.array([[0.0, 3.0]] * 4)}
    one = SimpleNamespace(outputs=outputs.get, labels=lambda part: np.array([0, 0, 0, 1]), base=CrossEntropy())
    found = own_table._cooled(one)  # three of four are class 0: logits log(3) apart
    assert found["temperature"] == pytest.approx(3 / np.log(3), rel=1e-3)
    assert found["cooled_loss"] == pytest.approx(-0.75 * np.log(0.25) - 0.25 * np.log(0.75), rel=1e-3)


def test_a_level_is_a_flood_and_runs_of_one_division_share_a_fleet(problem, one):
    run, found = one
    with offered(problem):
        again, flooded = train_fleet([run.settings(), replace(run, level=0.3).settings()])
    assert np.array_equal(again.arrays["record.test_loss"], found.arrays["record.test_loss"])
    assert flooded.arrays["record.train_loss"][-5:].mean() > 0.15 > found.arrays["record.train_loss"][-1]
    assert "end.losses" in flooded.arrays and "best.losses" not in flooded.arrays


def test_classes_count_alike_with_weights():
    rng = np.random.default_rng(0)
    y = (np.arange(120) < 20).astype(np.int64)
    problem = problem_from(rng.normal(size=(120, 3)) + y[:, None] * 0.7, y)
    with offered(problem):
        plain, weighted = (train_fleet([OwnRun(0, problem.digest, 0.2, (), 60, 16, 0.01, weighted=how).settings()])[0]
                           for how in (False, True))
    assert weighted.arrays["end.predictions"].sum() > plain.arrays["end.predictions"].sum()
    assert own_table._class_weights(np.array([0, 0, 0, 1]), 3).tolist() == [4 / 9, 4 / 3, 0.0]
    y = problem.y[cut(problem, 0.2, 0).test]
    wrong = [np.mean(plain.arrays["end.predictions"][y == k] != k) for k in (0, 1)]
    assert plain.scalars["end.balanced_error"] == pytest.approx(np.mean(wrong))


def test_a_regression_problem_has_losses_alone():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    problem = problem_from(x, 5 + 3 * x[:, 0], ())
    with offered(problem):
        found = train_fleet([OwnRun(0, problem.digest, 0.2, (8,), 30, 16, 0.01).settings()])[0]
    assert {name for name in found.scalars if "." in name} == {
        f"{rule}.{figure}" for rule in ("best", "end") for figure in ("epoch", "train_loss", "val_loss", "test_loss")}
    assert found.scalars["end.train_loss"] < 0.5 < found.arrays["record.train_loss"][0]  # of a variance of 1


def test_diagnoses_change_labels_or_scales_and_nothing_else(problem):
    run = OwnRun(0, problem.digest, 0.2, (4,), 1, 16)
    with offered(problem):
        data, random, raw = (data_of(replace(run, change=change)) for change in ("", RANDOM, UNSCALED))
    assert sorted(random.train.y) == sorted(data.train.y) and (random.train.y != data.train.y).any()
    assert random.test is data.test and random.train.x is data.train.x
    rows = cut(problem, 0.2, 0)
    for place, column in enumerate(problem.columns):
        assert np.allclose(raw.test.x[:, place], column.values[rows.test], atol=1e-5)


def test_unscaled_inputs_have_no_holes_and_leave_categories_alone():
    values = np.where(np.arange(60) % 3 == 0, np.nan, np.arange(60.0) * 1e9)
    names = Column("colour", "category", np.arange(60) % 2, ("red", "blue"))
    problem = problem_from(np.zeros((60, 1)), np.arange(60) % 2, columns=(names, Column("size", "number", values)))
    with offered(problem):
        data, raw = (data_of(OwnRun(0, problem.digest, 0.2, (), 1, 16, change=change)) for change in ("", UNSCALED))
    assert np.isfinite(raw.train.x).all() and np.abs(raw.train.x).max() == own_table.LARGEST
    assert np.array_equal(raw.train.x[:, :2], data.train.x[:, :2])


def test_a_table_that_is_not_on_offer_is_refused(problem):
    run = OwnRun(0, "0" * 64, 0.2, (4,), 1, 16)
    with pytest.raises(SettingError, match="table: got 000000000000…, accepted: one that is offered in this process"):
        own_table.table_of(run.table)
    assert own_run_of(run.settings()) == run


# --- plans ---

def plan_of(rows, columns=5, **asked):
    problem = problem_from(np.zeros((rows, columns)), np.arange(rows) % 2)
    with offered(problem):
        return planned(problem, Asked(**asked))


def test_the_network_can_memorise_and_large_tables_get_less_of_everything():
    small, large = plan_of(800, 20), plan_of(100_000, 100)
    assert small.run.hidden == (64, 64) and small.seeds == 10 and small.run.epochs == 400 and len(small.fractions) == 3
    assert small.takes < 2 * 30 and large.takes <= 1.05 * 2 * 240
    assert large.seeds < 10 and large.run.batch_size > small.run.batch_size and large.memory < 4e9
    assert any("10 weights a row" in why for why in small.why)
    assert any("6000 updates: far beyond zero error" in why for why in small.why)
    quick = plan_of(800, 20, quick=True).why
    assert any("1500 updates: a quarter of the usual (--quick)" in why for why in quick)
    assert any(why.endswith("no network can avoid.") for why in quick)  # of one level nothing is chosen
    assert [any("all training is to take" in why for why in plan.why) for plan in (small, large)] == [False, True]


def test_a_test_file_leaves_the_rest_to_train_and_to_choose():
    problem = problem_from(np.zeros((500, 3)), np.arange(500) % 2, test_from=400)
    with offered(problem):
        plan = planned(problem, Asked())
    parts = cut(problem, 0.2, 0)
    words = f"{100 * len(parts.train) / 400:.0f} % of the rows to train, 25 % to choose by and the test file to test"
    assert any(words in why for why in plan.why)
    assert f"for about {len(parts.train)} training rows" in plan.why[0]


def test_what_is_asked_for_is_done():
    plan = plan_of(100_000, 100, hidden=(7,), epochs=500, seeds=4, split=0.1)
    assert (plan.run.hidden, plan.run.epochs, plan.seeds, plan.run.split) == ((7,), 500, 4, 0.1)
    quick = plan_of(800, 20, quick=True)
    assert (quick.seeds, quick.run.epochs, len(quick.fractions)) == (5, 100, 1)
    assert uneven(problem_from(np.zeros((8, 1)), np.repeat([0, 1], (6, 2)))) == 3


# --- all of it ---

def test_stages_follow_from_each_other_and_nothing_is_trained_twice(tmp_path, monkeypatch, capsys):
    problem = problem_from(*gaussians(60, np.random.default_rng(0)))
    store = Store(tmp_path)
    with offered(problem):
        plan = planned(problem, Asked(hidden=(8,), epochs=5, seeds=2))
        first = train(plan, store)
        assert store.count("check") == 2 * (2 + len(first.levels)) and first.random is None
        monkeypatch.setattr(own_table, "train_fleet", None)
        second = train(plan, store)
    assert np.array_equal(first.plain.values("end.test_loss"), second.plain.values("end.test_loss"))
    assert "training: 4 runs to train" in capsys.readouterr().err


def test_levels_are_shares_of_the_lowest_validation_loss_to_one_digit():
    plain = Measured([Run(scalars={"best.val_loss": loss}) for loss in (0.42, 0.46)])
    assert levels_of(plain, (0.8, 0.4, 0.2), 0.7) == (0.09, 0.2, 0.4)
    assert levels_of(plain, (0.8,), 0.1) == (0.08,)  # flooded above guessing's loss nothing is learnt
    assert levels_of(Measured([Run(scalars={"best.val_loss": 1e-6})]), (0.8, 0.2), 0.7) == (0.001,)
    assert levels_of(Measured([Run(scalars={})]), (0.8,), 0.7) == ()


def test_zero_error_within_two_epochs_in_half_of_the_divisions_is_soon():
    def runs(*epochs):
        return Measured([Run(scalars={} if epoch is None else {"zero.epoch": epoch}) for epoch in epochs])
    assert soon(runs(1, 2, 9, 9)) and not soon(runs(2, 9, None)) and not soon(runs(None, None))


def test_the_level_with_the_lowest_validation_error_is_chosen_and_one_that_diverged_never():
    def runs(error, loss):
        return Measured([Run(scalars={"end.val_error": error, "end.val_loss": loss} if error is not None else {})] * 2)
    assert training.chosen([runs(0.2, 0.1), runs(0.1, 0.9), runs(None, None)]) == 1
    losses = [Measured([Run(scalars={"end.val_loss": loss})] * 2) for loss in (0.9, 0.2)]
    assert training.chosen(losses) == 1  # a regression problem


def test_copies_across_a_division_are_the_rows_that_are_equal_and_few_do_not_count():
    x, y = overlapping(100, np.random.default_rng(0))
    x[50:], y[50:] = x[:50], y[:50]
    problem = problem_from(x, y)
    parts = tuple(cut(problem, 0.2, seed) for seed in range(2))
    fresh = copies_across(problem, parts)
    for one, rows in zip(parts, fresh, strict=True):
        known = {tuple(x[row]) for row in (*one.train, *one.validation)}
        assert rows.tolist() == [tuple(x[row]) not in known for row in one.test]
    assert copies_across(problem_from(*overlapping(100, np.random.default_rng(0))), parts) is None


def test_rules_are_asked_about_every_check(problem, one):
    from stopping import Patience, replay

    run, found = one
    with offered(problem):
        plan = planned(problem, Asked(hidden=(16, 16), epochs=40, seeds=1))
    results = Results(problem, plan, training.Trained(Measured([found]), Measured([])), (cut(problem, 0.2, run.seed),))
    cost = next(rule for rule in results.rules if rule.rule == "Patience(10)")
    log = {name.removeprefix("record."): values for name, values in found.arrays.items() if name.startswith("record.")}
    decision = replay(Patience(10), log)
    assert cost.returned == decision.best_epoch and cost.fired == (decision.stopped_epoch is not None)
    loss = log["test_loss"]
    at = loss[decision.best_step - 1]
    assert (cost.loss, cost.above_best, cost.above_end) == pytest.approx((at, at - loss.min(), at - loss[-1]))
    assert results.confusion.sum() == pytest.approx(1) and np.trace(results.confusion) == pytest.approx(
        1 - found.scalars["best.test_error"])


def test_a_problem_without_inputs_has_no_copies():
    problem = Problem("a", "b", "y", (), (), np.arange(4) % 2, ("a", "b"))
    assert copies_across(problem, ()) is None
