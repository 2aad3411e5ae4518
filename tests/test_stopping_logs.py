"""CSV logs of other frameworks, and of our own, as histories."""
import math

import numpy as np
import pytest

from stopping import GL, Patience, ZeroError, read_csv, replay

NAN = math.nan

KERAS = """epoch,accuracy,loss,val_accuracy,val_loss
0,0.5,1.0,0.5,1.0
1,0.75,0.8,0.6,0.8
2,1.0,0.7,NA,NA
3,1.0,0.6,0.6,0.9
"""
# train rows and validation rows of their own; the learning rate without an epoch; the test at the very end
LIGHTNING = """epoch,lr,step,test_loss,train_loss_epoch,train_loss_step,val_acc,val_loss
,0.1,0,,,,,
0,,1,,,0.9,,
0,,3,,,0.8,,
0,,3,,,,0.5,1.0
0,,3,,0.85,,,
1,,7,,,,0.6,0.7
1,,7,,0.65,,,
2,,11,,0.5,,,
3,,15,,,,0.7,0.6
3,,15,,0.4,,,
4,,16,0.66,,,,
"""


def written(folder, text, name="log.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder, text, columns=None):
    return {name: values.tolist() for name, values in read_csv(written(folder, text), columns).items()}


def test_keras(tmp_path):
    history = read_csv(written(tmp_path, KERAS))
    assert next(iter(history)) == "epoch" and history["epoch"].tolist() == [1, 2, 3, 4]  # complete epochs, not 0-based
    assert history["train_loss"].tolist() == [1.0, 0.8, 0.7, 0.6]
    assert history["train_error"].tolist() == [0.5, 0.25, 0, 0]
    np.testing.assert_array_equal(history["val_loss"], [1.0, 0.8, NAN, 0.9])
    np.testing.assert_array_equal(history["val_error"], [0.5, 0.4, NAN, 0.4])
    assert {"loss", "accuracy"}.isdisjoint(history)
    assert replay(ZeroError(), history).stopped_epoch == 3
    assert replay(GL(5), history).best_epoch == 2


def test_lightning_rows_of_an_epoch_are_merged(tmp_path):
    history = read_csv(written(tmp_path, LIGHTNING))
    # Epoch 2 had no validation and epoch 4 is the test: neither is a check.
    assert history["epoch"].tolist() == [1, 2, 4]
    assert history["val_loss"].tolist() == [1.0, 0.7, 0.6] and history["train_loss"].tolist() == [0.85, 0.65, 0.4]
    np.testing.assert_allclose(history["val_error"], [0.5, 0.4, 0.3], rtol=1e-15)
    np.testing.assert_array_equal(history["train_loss_step"], [0.8, NAN, NAN])  # the last entry of the epoch
    assert replay(Patience(1), history).stopped_step is None


def test_lightning_without_validation_has_a_check_per_epoch(tmp_path):
    history = read(tmp_path, "epoch,step,train_loss\n0,9,0.5\n0,19,0.4\n1,29,0.3\n")
    assert history == {"epoch": [1, 2], "train_loss": [0.4, 0.3], "step": [19, 29]}


def test_lightning_with_a_validation_that_never_ran_has_a_check_per_epoch(tmp_path):
    history = read(tmp_path, "epoch,step,train_loss,val_loss\n0,9,0.5,\n1,19,0.4,\n")
    assert history["train_loss"] == [0.5, 0.4] and np.isnan(history["val_loss"]).all()


def test_our_own(tmp_path):
    from nn.fitting.history import History
    ours = History(["update", "epoch", "train_loss", "val_loss"])
    for update, loss in ((0, 1.0), (5, 0.1)):
        ours.append({"update": update, "epoch": update / 10, "train_loss": loss, "val_loss": math.nan})
    ours.to_csv(tmp_path / "ours.csv")
    history = read_csv(tmp_path / "ours.csv")
    assert set(history) == set(ours)
    for name in ours:
        np.testing.assert_array_equal(history[name], ours[name])


@pytest.mark.parametrize("text", [
    "my_val;epoch\n0.5;1\n0.25;2\n", "my_val\tepoch\n0.5\t1\n0.25\t2\n", "\ufeffmy_val,epoch\r\n0.5,1\r\n\r\n0.25,2\r\n",
    ' my_val , epoch\n"0.5", 1\n 0.25 ,2', 'epoch, "my_val"\n1, "0.5"\n2, 0.25\n'])
def test_separators_and_columns_by_name(tmp_path, text):
    assert read(tmp_path, text, {"val_loss": "my_val"}) == {"epoch": [1, 2], "val_loss": [0.5, 0.25]}


def test_a_named_column_wins_over_a_recognised_one(tmp_path):
    history = read(tmp_path, "val_loss,ema_val\n1,2\n", {"val_loss": "ema_val"})
    assert history["val_loss"] == [2]


def test_named_columns_that_count_are_read_as_such(tmp_path):
    text = "Epoch,Loss\n0,3\n1,2\n"  # counted from 0, as Keras does
    assert read(tmp_path, text, {"train_loss": "Loss", "epoch": "Epoch"}) == {"epoch": [1, 2], "train_loss": [3, 2]}
    ours = "Updates,Epoch,Loss\n0,0,3\n5,0.5,2\n"  # with updates: from 0 because nothing is trained yet
    names = {"train_loss": "Loss", "epoch": "Epoch", "update": "Updates"}
    assert read(tmp_path, ours, names) == {"epoch": [0, 0.5], "train_loss": [3, 2], "update": [0, 5]}
    both = "epoch,passes,loss\n7,0,3\n8,1,2\n"
    assert read(tmp_path, both, {"epoch": "passes"}) == {"epoch": [1, 2], "train_loss": [3, 2]}
    sparse = "pass,step,loss,val_loss\n0,9,3,\n0,9,,4\n1,19,,5\n"
    assert read(tmp_path, sparse, {"epoch": "pass"})["val_loss"] == [4, 5]


def test_other_columns_keep_their_name_if_they_are_numbers(tmp_path):
    history = read(tmp_path, ",val_loss,f1,when,note\n0,1,0.5,12:30,\n1,2,0.6,12:31,x\n")
    assert history == {"val_loss": [1, 2], "f1": [0.5, 0.6]}


def test_accuracies_in_percent_are_not_taken_for_shares(tmp_path):
    assert read(tmp_path, "val_loss,val_acc\n1,98.5\n") == {"val_loss": [1], "val_accuracy": [98.5], "val_error": [0.015]}


def test_epochs_that_start_elsewhere_are_left_as_they_are(tmp_path):
    assert read(tmp_path, "epoch,loss\n5,1\n6,1\n")["epoch"] == [5, 6]


@pytest.mark.parametrize("text, columns, message", [
    ("", None, r"log\.csv: got"), ("1,3\n2,2\n", None, "got numbers in the first line"),
    ("a,b\n1,2\n", None, r"log\.csv: got the columns 'a',"),
    ("epoch\n1\n", None, r"log\.csv: got"),
    ("val_loss\n", None, r"log\.csv: got"),
    ("val_loss,b\n1,2\n3\n", None, r"log\.csv, line 3: got 1 cell, accepted: 2"),
    ("val_loss,b\n1,2\n3,4,5\n", None, r"log\.csv, line"),
    ("val_loss\n1\nhigh\n", None, r"log\.csv, line"),
    ("val_loss\n1_000\n", None, r"log\.csv, line"),
    ("val_loss,val_loss\n1,2\n", None, r"log\.csv: got"),
    ("my_val,b\n1,2\n", {"val_loss": "my_vall"}, "columns: got 'my_vall', accepted: columns of"),
    ("epoch,step,val_loss\n,1,1.0\n", None, r"log\.csv:"),
    ("epoch,val_loss\nfirst,1\n", None, r"log\.csv, line")])
def test_read_csv_refuses(tmp_path, text, columns, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, columns)


def test_read_csv_refuses_what_is_no_mapping_or_no_file(tmp_path):
    with pytest.raises(TypeError, match=r"columns: got \['a'\], accepted: a mapping of our names to those in the file,"):
        read(tmp_path, "a\n1\n", ["a"])
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        read_csv(tmp_path / "nothing.csv")
    for content, what in ((b"\x80\xff\x01", "other bytes .*decode.*"), (b"\x80\xff\x00\x01", "a binary file")):
        (tmp_path / "binary.csv").write_bytes(b"val_loss\n" + content)
        with pytest.raises(ValueError, match=rf"binary\.csv: got {what}, accepted: text in UTF-8 or UTF-16"):
            read_csv(tmp_path / "binary.csv")
    for line, text in ((1, "1" * 200_000), (2, "val_loss\n" + "1" * 200_000)):
        with pytest.raises(ValueError, match=rf"long\.csv, line {line}: got what cannot be read .field larger"):
            read_csv(written(tmp_path, text, "long.csv"))
