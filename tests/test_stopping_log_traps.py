"""Logs that could be read wrong without anybody noticing: what is read instead, or asked."""
import json
import math
import os

import numpy as np
import pytest

from stopping import Patience, Target, ZeroError, read_csv, replay
from stopping.__main__ import main
from stopping.answers import verdict
from stopping.logs import read_logs


def logs(folder, text, name="log.csv", **options):
    (folder / name).write_text(text, encoding="utf-8")
    return read_logs([folder / name], **options)


def one(folder, text, **options):
    [log] = logs(folder, text, **options)
    return log


# --- several runs ---

@pytest.mark.parametrize("text, why", [
    ("epoch,val_loss\n1,5\n2,4\n1,3\n2,2\n", "line 4: 'epoch' falls from 2 to 1"),
    ("epoch,val_loss\n1,5\n2,4\n2,3\n3,2\n", "line 4: 'epoch' repeats 2"),
    ("epoch,val_loss\n1,5\n2,4\nepoch,val_loss\n3,3\n4,2\n", "line 5: the names of the columns stand once more"),
    ("step,val_loss\n10,5\n20,4\n10,3\n20,2\n", "line 4: 'step' falls from 20 to 10"),
    ("epoch,step,loss,val_loss\n0,1,9,\n0,1,,5\n1,2,9,\n1,2,,4\n0,1,8,\n0,1,,3\n1,2,8,\n1,2,,2\n", "line 6: 'epoch' falls")])
def test_several_runs_are_asked_about(tmp_path, text, why):
    with pytest.raises(ValueError, match=rf"got 2 runs in one file \({why}.*accepted: one; say which: --runs last, --runs"):
        logs(tmp_path, text)
    assert [log["val_loss"].tolist() for log in logs(tmp_path, text, runs="all")] == [[5, 4], [3, 2]]
    for last in ("last", 2):
        assert one(tmp_path, text, runs=last)["val_loss"].tolist() == [3, 2]
    assert one(tmp_path, text, runs="1")["val_loss"].tolist() == [5, 4]
    for wrong in (0, 3, "first", True, -1):
        with pytest.raises(ValueError, match=r"runs: got .*, accepted: last, all or a number from 1 to 2"):
            logs(tmp_path, text, runs=wrong)
    with pytest.raises(ValueError, match="runs: got 'all', accepted: 'last' or a number"):
        read_csv(tmp_path / "log.csv", runs="all")


def test_runs_side_by_side_are_asked_about(tmp_path):
    text = '"Step","a - val_loss","b - val_loss"\n1,3,4\n2,1,2\n'
    with pytest.raises(ValueError, match=r"got 'a - val_loss', 'b - val_loss', which may all be val_loss, accepted: one"):
        logs(tmp_path, text)
    assert one(tmp_path, text, columns={"val_loss": "b - val_loss"})["val_loss"].tolist() == [4, 2]


@pytest.mark.parametrize("text", [
    "run,epoch,val_loss\nA,1,2\nB,1,3\nA,2,1\nB,2,2\n", "seed,epoch,val_loss\n0,1,2\n1,1,3\n0,2,1\n1,2,2\n",
    "epoch,phase,loss,accuracy\n1,train,1,0.5\n1,val,2,0.4\n2,train,0.5,0.7\n2,val,1.5,0.5\n"])
def test_rows_side_by_side_are_not_mixed(tmp_path, text):
    with pytest.raises(ValueError, match=r"got several rows for an epoch, told apart by '(run|seed|phase)', accepted"):
        logs(tmp_path, text)


def test_records_say_what_they_are_of(tmp_path):
    log = one(tmp_path, '{"epoch": 1, "phase": "train", "loss": 1}\n{"epoch": 1, "phase": "valid", "loss": 2}\n'
                        '{"epoch": 2, "phase": "train", "loss": 0.5}\n{"epoch": 2, "phase": "valid", "loss": 1.5}\n')
    assert log["train_loss"].tolist() == [1, 0.5] and log["val_loss"].tolist() == [2, 1.5]


def test_numbered_evaluation_sets_are_not_guessed(tmp_path):
    sets = {"validation_0": {"logloss": [0.5, 0.4]}, "validation_1": {"logloss": [0.6, 0.5]}}
    with pytest.raises(ValueError, match="got the columns 'validation_0/logloss', 'validation_1/logloss', accepted"):
        logs(tmp_path, json.dumps(sets))
    del sets["validation_1"]
    assert one(tmp_path, json.dumps(sets))["val_loss"].tolist() == [0.5, 0.4]


# --- which rows are checks ---

def test_several_validations_in_an_epoch_are_several_checks(tmp_path):
    log = one(tmp_path, "epoch,step,train_loss_epoch,val_loss\n0,4,,5\n0,9,,4\n0,9,3,\n1,14,,3\n1,19,,2\n1,19,1,\n")
    assert log["val_loss"].tolist() == [5, 4, 3, 2] and log["step"].tolist() == [4, 9, 14, 19]
    assert log.reading.epochs.tolist() == [0, 0, 1, 1]
    assert log.measured["train_loss"].tolist() == [False, True, False, True] and log["train_loss"][[1, 3]].tolist() == [3, 1]
    dense = one(tmp_path, "epoch,loss,val_loss\n1,9,5\n1,8,4\n2,7,3\n2,6,2\n")
    assert dense["val_loss"].tolist() == [5, 4, 3, 2]


def test_metrics_of_one_validation_in_two_rows_are_one_check(tmp_path):
    log = one(tmp_path, "epoch,step,loss,val_loss,val_acc\n0,4,3,,\n0,4,,5,\n0,4,,,0.5\n1,9,2,,\n1,9,,4,\n1,9,,,0.75\n")
    assert log["val_loss"].tolist() == [5, 4] and log["val_error"].tolist() == [0.5, 0.25]


def test_what_is_written_after_training_is_no_check(tmp_path):
    rows = "epoch,step,train_loss,val_loss,test_loss\n0,4,3,,\n0,4,,5,\n1,9,2,,\n1,9,,4,\n2,14,1,,\n2,14,,6,\n"
    for end in ("", "3,15,,4,\n", "3,15,,,7\n", "3,15,,4,\n3,15,,,7\n", "2,14,,6,\n"):
        log = one(tmp_path, rows + end)
        assert log["val_loss"].tolist() == [5, 4, 6] and bool(log.reading.notes) == bool(end)
    # A loss logged every 500 steps alone: the last validation comes before the next.
    late = one(tmp_path, "epoch,step,loss,val_loss\n1,500,3,\n1,500,,5\n2,1000,2,\n2,1000,,4\n2.4,1200,,3\n")
    assert late["val_loss"].tolist() == [5, 4, 3] and not late.reading.notes
    summary = one(tmp_path, "epoch,loss,val_loss\n1,3,5\n2,2,4\n3,1,6\n2,2,4\n")  # the best epoch once more
    assert summary["val_loss"].tolist() == [5, 4, 6] and "a summary" in summary.reading.notes[0]
    assert one(tmp_path, "epoch,loss,val_loss\n1,3,5\n2,2,4\n,2,4\n")["val_loss"].tolist() == [5, 4]


def test_tests_all_along_in_rows_of_their_own_are_kept(tmp_path):
    log = one(tmp_path, '{"epoch": 1, "train_loss": 3}\n{"epoch": 1, "test_loss": 5}\n{"epoch": 2, "train_loss": 2}\n'
                        '{"epoch": 2, "test_loss": 4}\n')
    assert log["train_loss"].tolist() == [3, 2] and log["test_loss"].tolist() == [5, 4] and log["epoch"].tolist() == [1, 2]


# --- what was measured ---

def test_a_blank_is_asked_of_no_rule_and_a_nan_is_one(tmp_path):
    text = "epoch,loss,val_loss\n1,9,5\n2,8,{0}\n3,7,{0}\n4,6,4\n5,5,6\n"
    for blank in ("", "NA", " ", "None"):
        log = one(tmp_path, text.format(blank))
        assert log.measured["val_loss"].tolist() == [True, False, False, True, True]
        decision = replay(Patience(2), log)
        assert (decision.stopped_step, decision.best_step, decision.best_epoch, decision.checks) == (None, 4, 4, 5)
        assert replay(Patience(1), log).stopped_step == 5
    decision = replay(Patience(2), one(tmp_path, text.format("nan")))
    assert (decision.stopped_step, decision.best_step) == (3, 1)
    both = one(tmp_path, "epoch,val_loss\n1,5\n2,nan\n3,NA\n4,NaN\n")
    assert both.measured["val_loss"].tolist() == [True, True, False, True] and replay(Patience(2), both).stopped_step == 4


def test_a_rule_that_was_hardly_ever_asked_says_so(tmp_path, capsys):
    rows = "".join(f"{n},{9 - n},{n if n == 4 else ''}\n" for n in range(1, 9))
    (tmp_path / "log.csv").write_text("epoch,loss,val_loss\n" + rows)
    assert main(["replay", str(tmp_path / "log.csv"), "--criterion", "Patience(3)"]) == 0
    assert "Patience(3) was asked at 1 of 8 checks, where val_loss was measured; it could not" in capsys.readouterr().out


def test_an_almost_empty_column_wins_over_no_full_one(tmp_path):
    text = "epoch,train_loss,loss,val_loss,eval_loss\n1,,3,,5\n2,,2,,4\n3,9,1,9,3\n"
    log = one(tmp_path, text)
    assert log["train_loss"].tolist() == [3, 2, 1] and log["val_loss"].tolist() == [5, 4, 3]
    assert log.reading.sources == {"train_loss": "loss", "val_loss": "eval_loss"}


# --- what a number means ---

def test_a_bare_accuracy_is_of_training_only_beside_a_bare_loss(tmp_path):
    assert one(tmp_path, "epoch,loss,accuracy\n1,3,0.5\n")["train_error"].tolist() == [0.5]
    assert one(tmp_path, "epoch,train_loss,valid_loss,accuracy\n1,3,2,0.5\n")["val_error"].tolist() == [0.5]
    apart = one(tmp_path, "epoch,loss,accuracy\n1,3,\n1,,0.5\n2,2,\n2,,0.75\n")
    assert "train_error" not in apart and "'accuracy' never stands in a row with a training loss" in apart.reading.notes[0]
    alone = one(tmp_path, "epoch,val_loss,accuracy\n1,3,0.5\n")
    assert alone["accuracy"].tolist() == [0.5] and not {"train_error", "val_error"} & set(alone)


@pytest.mark.parametrize("accuracies, errors, percent", [
    ("0.5 1.0000001", [0.5, 0], False), ("0.5 1.0005", [0.5, 0], False), ("0.5 100", [0.995, 0], True),
    ("50 100.00001", [0.5, 0], True), ("0.25 0.75", [0.75, 0.25], False), ("0.2 1.5", [0.998, 0.985], True)])
def test_shares_and_percent_by_the_whole_column(tmp_path, accuracies, errors, percent):
    first, second = accuracies.split()
    log = one(tmp_path, f"epoch,val_acc\n1,{first}\n2,{second}\n")
    np.testing.assert_allclose(log["val_error"], errors, rtol=0, atol=1e-15)
    assert (log["val_error"] >= 0).all() and any("percent" in note for note in log.reading.notes) == percent
    if errors[-1] == 0:
        assert replay(ZeroError("val_error"), log).stopped_step == 2


def test_shares_are_said_of_what_is_read_as_shares_alone(tmp_path):
    log = one(tmp_path, "epoch,train_acc,val_acc,test_acc,val_err\n1,50,60,0.5,40\n2,80,70,0.75,30\n")
    assert log["val_error"].tolist() == [40, 30] and log["test_error"].tolist() == [0.5, 0.25]
    assert log.reading.notes == ["'train_acc' is read as percent", "'test_acc' is read as shares",
                                 "'val_err' exceeds 1: an error in percent, left as it is"]


def test_what_is_no_accuracy_makes_no_error(tmp_path):
    log = one(tmp_path, "epoch,val_loss,val_acc\n1,2,-3\n2,1,250\n")
    assert "val_error" not in log and "from -3 to 250: no accuracy" in log.reading.notes[0]


def test_an_accuracy_is_never_taken_for_an_error(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,my_acc\n1,2,0.5\n2,1,1\n")
    assert main(["replay", str(path), "--criterion", "Patience(3, 'val_error')"]) == 2
    assert "--columns val_error=NAME, or val_accuracy=NAME for an accuracy" in capsys.readouterr().err
    assert main(["replay", str(path), "--criterion", "Patience(3, 'val_error')", "--columns", "val_error=my_acc"]) == 2
    assert "accepted: an error; of an accuracy one is made: --columns val_accuracy=my_acc" in capsys.readouterr().err
    assert main(["replay", str(path), "--criterion", "Patience(3, 'val_error')", "--columns", "val_accuracy=my_acc"]) == 0


def test_a_rising_metric_watched_downwards_is_pointed_out(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,val_loss,val_acc,f1\n1,2,0.5,0.5\n2,2,0.6,0.25\n3,2,0.7,0.125\n")
    for rule, said in (("Patience(3, 'val_acc')", True), ("Patience(3, 'val_acc', mode='max')", False),
                       ("Patience(3, 'f1')", False)):
        assert main(["replay", str(path), "--criterion", rule]) == 0
        assert ("val_acc rises: mode='max'?" in capsys.readouterr().out) == said


def test_a_falling_loss_watched_upwards_is_pointed_out(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n1,0.9,0.8\n2,0.5,0.4\n3,0.3,0.2\n")
    for mode, said in (("max", True), ("min", False)):
        main(["replay", str(path), "--criterion", f"Patience(3, 'val_loss', mode='{mode}')"])
        assert ("val_loss falls: mode='min'?" in capsys.readouterr().out) == said


def test_a_column_answers_to_its_own_name(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,Eval Loss,mAP\n1,2,0.5\n2,3,0.6\n")
    rules = ["Patience(1)", "Patience(1, 'Eval Loss')", "Patience(1, 'mAP', mode='max')"]
    assert main(["replay", str(path), *(part for rule in rules for part in ("--criterion", rule))]) == 0
    rows = [line.split()[-7:-2] for line in capsys.readouterr().out.splitlines()[-3:]]
    assert rows[0] == rows[1] == ["2", "2", "1", "1", "2"] and rows[2] == ["never", "-", "2", "2", "0.6"]


# --- epochs ---

def test_epochs_are_the_files_own_to_the_last_digit(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,val_loss\n123456,2\n123457.25,1\n123458.5,3\n")
    assert main(["replay", str(path), "--criterion", "Patience(1)"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:-2] == ["Patience(1)", "3", "123458.5", "2", "123457.25", "1"]


@pytest.mark.parametrize("name", ["step", "iteration", "Step", "iter"])
def test_steps_are_the_files_own_to_the_last_digit(tmp_path, capsys, name):
    path = tmp_path / "log.csv"
    path.write_text(f"epoch,{name},val_loss\n1,123456,2\n2,234567,1\n3,345678,3\n")
    assert main(["replay", str(path), "--criterion", "Patience(1)"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:-2] == [
        "Patience(1)", "3", "3", "345678", "2", "2", "234567", "1"]


def test_records_of_a_document_are_no_lines(tmp_path):
    history = [{"epoch": 1, "loss": 2.0, "step": 9}, {"epoch": 1, "eval_loss": 2.0, "step": 9},
               {"epoch": 2, "loss": 1.0, "step": 18}, {"epoch": 2, "eval_loss": 1.0, "step": 18},
               {"epoch": 2, "step": 18, "train_loss": 1.5, "train_runtime": 9.5}]
    log = one(tmp_path, json.dumps({"log_history": history}, indent=2), name="trainer_state.json")
    assert log.reading.notes == ["record 5 is one of a test or a summary: not counted as a check"]
    with pytest.raises(ValueError, match=r"2 runs in one file \(record 3: 'epoch' falls from 2 to 1"):
        logs(tmp_path, json.dumps([{"epoch": n, "val_loss": 1.0} for n in (1, 2, 1, 2)]), name="a.json")
    with pytest.raises(ValueError, match=r"a.json, entry 2, column 'val_loss': got 'lost', accepted: a number"):
        logs(tmp_path, json.dumps({"val_loss": [1.0, "lost"]}), name="a.json")
    with pytest.raises(ValueError, match=r"b.json, line 2, column 'val_loss': got 'lost'"):
        logs(tmp_path, '{"val_loss": 1}\n{"val_loss": "lost"}\n', name="b.json")


def test_an_evaluation_before_training_stays_at_epoch_0(tmp_path):
    before = one(tmp_path, "epoch,step,loss,val_loss\n0,0,,5\n1,9,3,\n1,9,,4\n2,19,2,\n2,19,,3\n")
    assert before["epoch"].tolist() == [0, 1, 2] and before["val_loss"].tolist() == [5, 4, 3]
    assert one(tmp_path, "epoch,eval_loss\n0,5\n0.5,4\n1,3\n")["epoch"].tolist() == [0, 0.5, 1]
    assert one(tmp_path, "epoch,loss,val_loss\n0,5,4\n1,4,3\n")["epoch"].tolist() == [1, 2]


# --- damaged files ---

@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_at_once(tmp_path):
    """Its first lines would be gone when it is opened again, as `replay <(zcat log.csv.gz)` does."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: got a pipe or a device, accepted: a file"):
        read_csv(tmp_path / "pipe")


def test_a_last_line_that_was_cut_is_reported(tmp_path):
    log = one(tmp_path, "epoch,loss,val_loss\n1,3,5\n2,2,4\n3,1")
    assert log["val_loss"].tolist() == [5, 4] and log.reading.notes == [
        "the last line (4) is cut short, with 2 of 3 cells: left out"]
    log = one(tmp_path, '{"epoch": 1, "val_loss": 5}\n{"epoch": 2, "val_loss": 4}\n{"epoch": 3, "val_')
    assert log["val_loss"].tolist() == [5, 4] and log.reading.notes == ["the last line (3) is cut short: left out"]
    log = one(tmp_path, "epoch,val_loss\n1,0.51\n2,0.42\n3,0.")  # of 0.43: as many cells as names, and the lowest loss
    assert log.reading.notes == ["the last line (4) has no end: its last number, '0.', may be cut short"]
    for whole in ("epoch,val_loss\n1,0.51\n2,0.4\n", "epoch,val_loss\n1,0.51\n2,0.42"):
        assert one(tmp_path, whole).reading.notes == []
    for text in ("epoch,loss,val_loss\n1,3,5\n2,2\n3,1,4\n", "epoch,loss,val_loss\n1,3,5\n2,2\n"):
        with pytest.raises(ValueError, match="line 3: got 2 cells, accepted: 3"):
            one(tmp_path, text)


@pytest.mark.parametrize("text, message", [
    ("step\tval_loss\n1,000\t0.5\n2,000\t0.25\n", None),
    ("epoch\tval_loss\n1\t1,234\n2\t2,345\n", r"line 2, column 'val_loss': got '1,234', accepted: a number"),
    ("epoch;val_loss;loss\n1;1,5;0.5\n", r"line 2, column 'val_loss': got '1,5', accepted: a number")])
def test_a_comma_that_may_be_either_is_not_guessed(tmp_path, text, message):
    if message is None:
        log = one(tmp_path, text)
        assert "step" not in log and log["val_loss"].tolist() == [0.5, 0.25]
        return
    with pytest.raises(ValueError, match=message):
        one(tmp_path, text)


def test_decimal_commas_that_are_clear(tmp_path):
    assert one(tmp_path, "epoch\tval_loss\n1\t1,234\n2\t0,345\n")["val_loss"].tolist() == [1.234, 0.345]


def test_infinity_and_nan_in_json_are_numbers(tmp_path):
    log = one(tmp_path, '{"val_loss": [1, NaN, Infinity, null]}')
    assert log.measured["val_loss"].tolist() == [True, True, True, False] and math.isinf(log["val_loss"][2])
    assert replay(Target(2, "val_loss"), log).stopped_step == 1


# --- layouts of people ---

def test_a_table_of_markdown(tmp_path):
    log = one(tmp_path, "| epoch | train_loss | val_loss |\n|-------|:----------:|---------:|\n"
                        "| 1 | 1.5 | 1.75 |\n| 2 | 1 | 2 |\n")
    assert log["train_loss"].tolist() == [1.5, 1] and log["val_loss"].tolist() == [1.75, 2]


def test_units_behind_a_name(tmp_path):
    log = one(tmp_path, "Epoch,Train Loss (CE),Validation Loss (CE),Validation Accuracy (%),Accuracy (top-5)\n1,3,2,25,50\n")
    assert log["train_loss"].tolist() == [3] and log["val_loss"].tolist() == [2] and log["val_error"].tolist() == [0.75]
    assert log["Accuracy (top-5)"].tolist() == [50]


def test_lightnings_several_validation_sets_are_asked_about(tmp_path):
    text = "epoch,train_loss,val_loss/dataloader_idx_0,val_loss/dataloader_idx_1\n0,3,2,1\n"
    with pytest.raises(ValueError, match="which may all be val_loss, accepted: one; say which: --columns"):
        logs(tmp_path, text)
    assert one(tmp_path, text.replace("_1", "_0x"))["val_loss"].tolist() == [2]


def test_epochs_from_the_last_to_the_first(tmp_path):
    log = one(tmp_path, "epoch,loss,val_loss\n3,1,2\n2,2,1.5\n1,3,3\n")
    assert log["epoch"].tolist() == [1, 2, 3] and log["val_loss"].tolist() == [3, 1.5, 2]
    assert log.reading.notes == ["'epoch' falls from line to line: read from the last line to the first"]
    assert log.reading.lines.tolist() == [4, 3, 2]


def test_a_test_all_along_is_taken_for_the_validation_that_is_not_there(tmp_path):
    log = one(tmp_path, "epoch,TrainLoss,TestLoss,TestAcc\n1,3,4,50\n2,2,5,75\n")
    assert log["val_loss"].tolist() == log["test_loss"].tolist() == [4, 5] and log["val_error"].tolist() == [0.5, 0.25]
    assert "a test by which one stops is none" in log.reading.notes[0]
    assert verdict(log).startswith("No: val_loss was lowest at epoch 1")
    beside = one(tmp_path, "epoch,loss,val_loss,test_loss\n1,3,4,9\n2,2,5,8\n")
    assert beside["val_loss"].tolist() == [4, 5] and not beside.reading.notes
    after = one(tmp_path, "epoch,step,train_loss,test_loss\n0,1,3,\n1,2,2,\n2,3,,9\n2,4,,8\n")  # twice, at the end
    assert "val_loss" not in after and after["train_loss"].tolist() == [3, 2]


def test_a_log_of_one_metric_that_is_not_recognised_answers_to_its_own_name(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("epoch,mAP\n1,0.25\n2,0.5\n3,0.375\n")
    assert main(["replay", str(path)]) == 2 and "or let a rule watch one by its own name" in capsys.readouterr().err
    assert main(["replay", str(path), "--criterion", "Patience(1, 'mAP', mode='max')"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "read as a table: no name is recognised" and lines[-1].split()[-5:] == ["3", "3", "2", "2", "0.5"]


def test_rules_that_were_asked_alike_are_named_in_one_line(tmp_path, capsys):
    rows = "".join(f"{n},{9 - n},{n if n % 3 == 0 else ''}\n" for n in range(1, 8))
    (tmp_path / "log.csv").write_text("epoch,loss,val_loss\n" + rows)
    assert main(["replay", str(tmp_path / "log.csv"), "--criterion", "Patience(3) | GL(5)"]) == 0
    assert ("note: Patience(3), GL(5), Patience(3) | GL(5) were asked at 2 of 7 checks, where val_loss was measured; they "
            "could not fire at the others") in capsys.readouterr().out


def test_a_word_in_the_records_of_one_set_leaves_those_of_the_other(tmp_path):
    records = [{"epoch": 1, "mode": "train", "loss": 3}, {"epoch": 1, "mode": "val", "loss": "high"}]
    with pytest.raises(ValueError, match="column 'val/loss': got 'high', accepted: a number"):
        one(tmp_path, "\n".join(map(json.dumps, records)) + "\n")
