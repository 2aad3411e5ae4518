"""compare: slowness, cost and good solutions, worked out by hand."""
import math

import numpy as np
import pytest

from stopping import GL, Comparison, Divergence, Patience, Target, ZeroError, compare

NAN = math.nan
# GL(5) stops at 3 with the best at 2; Patience(2) at 6 with the best at 4; Target never does.
RUN = {"val_loss": [4.0, 2.0, 2.2, 1.0, 1.1, 1.2, 1.3, 0.5], "test_loss": [5.0, 2.0, 9.0, 1.0, 9.0, 9.0, 9.0, 1.005]}
FLAT = {"val_loss": [1.0] * 8, "test_loss": [1.0] * 8}


def columns(table, *names):
    return [tuple(row[name] for name in names) for row in table.rows]


def test_one_run_by_hand():
    table = compare([GL(5), Patience(2), Target(0, "val_loss")], [RUN])
    assert table.metric == "test_loss"
    assert columns(table, "criterion", "runs", "never", "stop", "slowness") == [
        ("GL(5)", 1, 0, 3, 1), ("Patience(2)", 1, 0, 6, 2), ("Target(0, 'val_loss')", 1, 1, 8, pytest.approx(8 / 3))]
    # the best of the record is 1.0, at check 4; Target has no best, so its solution is the last check
    assert columns(table, "cost", "good") == [(100, 0), (0, 1), (pytest.approx(0.5), 1)]


def test_means_over_runs_and_what_counts_as_good():
    table = compare([GL(5), Patience(2)], [RUN, FLAT], within=0)
    assert columns(table, "never", "stop", "slowness", "cost", "good") == [
        (1, 5.5, (1 + 8 / 3) / 2, 50, 0.5), (0, 4.5, 1.5, 0, 1)]
    assert columns(compare([GL(5)], [RUN], within=1.0), "good") == [(1,)]
    assert columns(compare([Target(0.0, "val_loss")], [RUN], within=0.001), "good") == [(0,)]


def test_slowness_is_measured_in_epochs_where_they_are_known():
    epochs = {**RUN, "epoch": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]}
    assert columns(compare([GL(5), Patience(2)], [epochs]), "slowness") == [(1,), (8,)]
    class Labelled(dict):
        """Like a pandas Series whose index does not count from 0."""

        def __array__(self, dtype=None, copy=None):
            return np.array(list(self.values()), dtype)

    labelled = Labelled({100 - t: epoch for t, epoch in enumerate(epochs["epoch"])})
    assert columns(compare([GL(5), Patience(2)], [{**RUN, "epoch": labelled}]), "slowness") == [(1,), (8,)]
    before = {**RUN, "epoch": np.arange(8) * 0.0}  # nothing to divide by
    assert columns(compare([GL(5), Patience(2)], [before]), "slowness") == [(1,), (2,)]


def test_the_metric_is_the_test_loss_if_all_have_it():
    other = {"val_loss": RUN["val_loss"]}
    assert compare([GL(5)], [RUN, other]).metric == "val_loss"
    assert compare([GL(5)], [RUN], metric="val_loss").rows[0]["cost"] == 300


def test_costs_at_the_edges():
    def cost(values, val=(1.0, 2.0, 3.0, 0.5)):
        [row] = compare([Patience(2)], [{"val_loss": val, "test_loss": values}]).rows  # the solution is check 1
        return row["cost"], row["good"]
    assert cost([0.0, 1.0, 1.0, 1.0]) == (0, 1)
    assert cost([1.0, 0.0, 1.0, 1.0]) == (math.inf, 0)
    assert cost([NAN, 1.0, 1.0, 1.0]) == (math.inf, 0)
    assert cost([1.0, NAN, math.inf, 1.0]) == (0, 1)


def test_it_prints_as_a_table_with_its_terms():
    table = compare([GL(5), Patience(2)], [RUN])
    lines = str(table).splitlines()
    assert isinstance(table, Comparison)
    assert lines[0].split() == ["criterion", "runs", "never", "stop", "slowness", "cost", "good"]
    assert lines[1].split() == ["GL(5)", "1", "0", "3", "1", "100", "0"]
    assert len({len(line) for line in lines[:3]}) == 1
    assert lines[3] == ("slowness: stop / fastest stop of the run; cost: % of test_loss above the run's lowest; "
                        "good: share of runs within 1 %")


def test_criteria_in_use_are_left_alone():
    stop = Patience(2)
    stop.update(val_loss=1.0)
    compare([stop], [RUN])
    assert stop.step == 1


@pytest.mark.parametrize("arguments, kind, message", [
    ((GL(5), [RUN]), TypeError, r"criteria must be a sequence, like \[GL\(5\), Patience\(10\)\], not GL\(5\)"),
    (([GL], [RUN]), TypeError, "criteria must .* holds <class"), (("GL(5)", [RUN]), TypeError, "criteria must"),
    (([GL(5)], RUN), TypeError, r"histories must be a sequence, like \[history\]"),
    (([GL(5)], [[1.0]]), TypeError, "histories must"), (([GL(5)], 3), TypeError, "histories must"),
    (([], [RUN]), ValueError, "criteria must not be empty"), (([GL(5)], []), ValueError, "histories must not be empty"),
    (([ZeroError()], [RUN]), ValueError, r"histories\[0\]: ZeroError\(\) needs 'train_error'"),
    (([GL(5)], [RUN, {"val_loss": [-1.0]}]), ValueError, r"histories\[1\]: 'val_loss' is negative"),
    (([GL(5)], [{**RUN, "test_loss": [1.0] * 9}]), ValueError, r"histories\[0\]: 'test_loss' has 9 entries for 8 checks"),
    (([GL(5)], [{**RUN, "test_loss": [1.0] * 7}]), ValueError, "'test_loss' has 7 entries for 8 checks"),
    (([GL(5)], [{**RUN, "test_loss": [[1.0]] * 8}]), ValueError, r"history\['test_loss'\] must be a 1-D array .* not 2-D"),
    (([GL(5)], [{**RUN, "test_loss": ["low"] * 8}]), ValueError, r"history\['test_loss'\] must be a 1-D array of real"),
    (([Divergence()], [{"train_loss": [1.0]}]), ValueError, r"there is no 'val_loss' to judge by, only 'train_loss'"),
    (([GL(5)], [{"val_loss": [NAN, math.inf]}]), ValueError, "nowhere finite")])
def test_compare_refuses(arguments, kind, message):
    with pytest.raises(kind, match=message):
        compare(*arguments)


@pytest.mark.parametrize("within", [-0.1, NAN, True, "0.1"])
def test_compare_refuses_a_bad_tolerance(within):
    with pytest.raises(ValueError, match="within: got"):
        compare([GL(5)], [RUN], within=within)
