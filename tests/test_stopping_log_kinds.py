"""Logs as their frameworks write them: which columns are recognised, and the numbers, checked by hand."""
import json
from pathlib import Path

import pytest

from stopping.logs import read_logs

CELLS = {
    # Keras' CSVLogger: old names, and names of its metrics
    "keras_old": ("epoch,acc,loss,val_acc,val_loss\n0,0.5,1,0.25,2\n1,0.75,0.5,0.5,1\n",
                  {"train_error": [0.5, 0.25], "train_loss": [1, 0.5], "val_error": [0.75, 0.5], "val_loss": [2, 1]}),
    "keras_new": ("epoch,learning_rate,loss,sparse_categorical_accuracy,val_loss,val_sparse_categorical_accuracy\n"
                  "0,0.1,1,0.5,2,0.25\n1,0.1,0.5,0.75,1,0.5\n", {"train_error": [0.5, 0.25], "val_error": [0.75, 0.5]}),
    # Ultralytics: padded names; detectors write the weighted parts of their loss
    "ultralytics": ("                  epoch,         train/box_loss,         train/cls_loss,       metrics/mAP50(B),"
                    "           val/box_loss,           val/cls_loss,                 lr/pg0\n"
                    "                      1,                  1.25,                   2.5,                    0.5,"
                    "                    1.5,                    2.5,                   0.01\n"
                    "                      2,                  1.0,                   2.0,                    0.75,"
                    "                    1.25,                    2.5,                   0.01\n",
                    {"train_loss": [3.75, 3], "val_loss": [4, 3.75], "metrics/mAP50(B)": [0.5, 0.75]}),
    # 8.4 pads no more; other tasks have other parts (segmentation, RT-DETR)
    "ultralytics_seg": ("epoch,time,train/box_loss,train/seg_loss,train/cls_loss,train/dfl_loss,train/sem_loss,"
                        "metrics/mAP50(B),metrics/mAP50(M),val/box_loss,val/seg_loss,val/cls_loss,val/dfl_loss,val/sem_loss,"
                        "lr/pg0\n1,8.25,1,2,0.5,0.25,0.125,0.5,0.25,2,2,1,0.5,0.5,0.01\n"
                        "2,15.5,1,1,0.5,0.25,0.25,0.5,0.25,2,1,1,0.5,0.5,0.01\n",
                        {"train_loss": [3.875, 3], "val_loss": [6, 5], "epoch": [1, 2]}),
    "rtdetr": ("epoch,time,train/giou_loss,train/cls_loss,train/l1_loss,metrics/mAP50(B),val/giou_loss,val/cls_loss,"
               "val/l1_loss,lr/pg0\n1,8,1,0.5,0.25,0.5,1,1,0.5,0.01\n", {"train_loss": [1.75], "val_loss": [2.5]}),
    "ultralytics_cls": ("epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,lr/pg0\n"
                        "1,4.5,2,0.25,1,1.5,0.1\n2,9,1,0.5,1,1.25,0.1\n",
                        {"train_loss": [2, 1], "val_loss": [1.5, 1.25], "val_error": [0.75, 0.5]}),
    # fastai's table: blanks between, a time of the day; its accuracy and error_rate are of validation
    "fastai": ("epoch     train_loss  valid_loss  accuracy  time    \n0         1.5         1.25        0.5       00:12   \n"
               "1         1           0.75        0.75      00:11   \n",
               {"train_loss": [1.5, 1], "val_loss": [1.25, 0.75], "val_error": [0.5, 0.25]}),
    "fastai_csv": ("epoch,train_loss,valid_loss,error_rate,time\n0,1.5,1.25,0.5,00:12\n1,1,0.75,0.25,00:11\n",
                   {"val_error": [0.5, 0.25]}),
    # skorch's printed table
    "skorch_printed": ("  epoch    train_loss    valid_acc    valid_loss     dur\n"
                       "-------  ------------  -----------  ------------  ------\n"
                       "      1        0.7500       0.5000        1.2500  0.1345\n"
                       "      2        0.5000       0.7500        1.0000  0.0608\n",
                       {"epoch": [1, 2], "train_loss": [0.75, 0.5], "val_loss": [1.25, 1], "val_error": [0.5, 0.25]}),
    "timm": ("epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n0,2.5,2,50,80,0.1\n1,2,1.5,75,90,0.1\n",
             {"train_loss": [2.5, 2], "val_loss": [2, 1.5], "val_error": [0.5, 0.25]}),
    "wandb": ('"Step","sun-1 - val_loss","sun-1 - val_loss__MIN","sun-1 - val_loss__MAX","sun-1 - train/loss"\n'
              '"0","","","","2"\n"1","1.5","1.5","1.5",""\n"2","","","","1"\n"3","1.25","1.25","1.25",""\n',
              {"val_loss": [1.5, 1.25], "train_loss": [2, 1]}),
    # pandas' to_csv of transformers' log_history: train_loss is the mean over the run, in its summary
    "transformers": (",loss,grad_norm,learning_rate,epoch,step,eval_loss,eval_accuracy,eval_runtime,train_runtime,"
                     "train_loss\n"
                     "0,0.75,1,5e-5,0.5,10,,,,,\n1,0.5,1,5e-5,1.0,20,,,,,\n2,,,,1.0,20,0.625,0.5,1,,\n"
                     "3,0.25,1,5e-5,2.0,40,,,,,\n4,,,,2.0,40,0.5,0.75,1,,\n5,,,,2.0,40,,,,9.5,0.5\n6,,,,2.0,40,0.5,0.75,1,,\n",
                     {"epoch": [1, 2], "train_loss": [0.5, 0.25], "val_loss": [0.625, 0.5], "val_error": [0.5, 0.25]}),
    "words": ("Epoch;Train Loss;Val Loss;training_acc;Valid Acc\n1;1,5;2,5;58,0%;50%\n2;1,25;2;75%;62,5 %\n",
              {"epoch": [1, 2], "train_loss": [1.5, 1.25], "val_loss": [2.5, 2], "train_error": [0.42, 0.25],
               "val_error": [0.5, 0.375]}),
    "excel": ("sep=;\nepoch;loss;val_loss\n1;1,5;2,5\n2;1,25;2\n", {"train_loss": [1.5, 1.25], "val_loss": [2.5, 2]}),
    "comments": ("\n# a run of mine\n\nepoch\tloss\tval_loss\n1\t1.5\t2.5\n# half time\n2\t1.25\t2\n",
                 {"epoch": [1, 2], "train_loss": [1.5, 1.25], "val_loss": [2.5, 2]}),
    "savetxt": ("# epoch loss val_loss\n1 1.5 2.5\n2 1.25 2\n", {"train_loss": [1.5, 1.25], "val_loss": [2.5, 2]}),
    "pandas": ("Unnamed: 0,train_loss,val_loss,val_acc\n0,1.5,2.5,tensor(0.5)\n1,1.25,2,\"tensor(0.75, device='cuda:0')\"\n",
               {"val_error": [0.5, 0.25]}),
    "trailing": ("epoch,loss,val_loss,\n1,1.5,2.5,\n2,1.25,2,\n", {"train_loss": [1.5, 1.25], "val_loss": [2.5, 2]}),
    "trailing_rows": ("epoch,loss,val_loss\n1,1.5,2.5,\n2,1.25,2,\n", {"train_loss": [1.5, 1.25], "val_loss": [2.5, 2]}),
}
DOCUMENTS = {
    "trainer_state": ({"best_metric": None, "log_history": [
        {"epoch": 0.5, "learning_rate": 5e-5, "loss": 0.75, "step": 10}, {"epoch": 1.0, "loss": 0.5, "step": 20},
        {"epoch": 1.0, "eval_accuracy": 0.5, "eval_loss": 0.625, "eval_runtime": 1.5, "step": 20},
        {"epoch": 2.0, "loss": 0.25, "step": 40}, {"epoch": 2.0, "eval_accuracy": 0.75, "eval_loss": 0.5, "step": 40},
        {"epoch": 2.0, "step": 40, "total_flos": 1e15, "train_loss": 0.5, "train_runtime": 9.5},
        {"epoch": 2.0, "eval_accuracy": 0.75, "eval_loss": 0.5, "step": 40}]},
        {"epoch": [1, 2], "train_loss": [0.5, 0.25], "val_loss": [0.625, 0.5], "val_error": [0.5, 0.25]}),
    "trainer_state_without_evaluation": ({"log_history": [
        {"epoch": 1.0, "loss": 0.75, "step": 20}, {"epoch": 2.0, "loss": 0.25, "step": 40},
        {"epoch": 2.0, "step": 40, "total_flos": 1e15, "train_loss": 0.5, "train_runtime": 9.5}]},
        {"epoch": [1, 2], "train_loss": [0.75, 0.25]}),
    "keras": ({"loss": [1, 0.5], "accuracy": [0.5, 0.75], "val_loss": [2, 1], "val_accuracy": [0.25, 0.5]},
              {"train_loss": [1, 0.5], "train_error": [0.5, 0.25], "val_loss": [2, 1], "val_error": [0.75, 0.5]}),
    "keras_frame": ({"loss": {"0": 1, "1": 0.5, "10": 0.25, "2": 0.375}}, {"train_loss": [1, 0.5, 0.375, 0.25]}),
    "skorch": ([{"batches": [{"train_loss": 1.0, "train_batch_size": 8}], "epoch": 1, "train_loss": 1.0, "valid_loss": 2.0,
                 "valid_acc": 0.5, "train_loss_best": True, "dur": 0.1},
                {"batches": [], "epoch": 2, "train_loss": 0.5, "valid_loss": 1.0, "valid_acc": 0.75, "dur": 0.1}],
               {"epoch": [1, 2], "train_loss": [1, 0.5], "val_loss": [2, 1], "val_error": [0.5, 0.25]}),
    "chainer": ([{"main/loss": 1.0, "validation/main/loss": 2.0, "main/accuracy": 0.5, "validation/main/accuracy": 0.25,
                  "epoch": 1, "iteration": 600, "elapsed_time": 1.5},
                 {"main/loss": 0.5, "validation/main/loss": 1.0, "main/accuracy": 0.75, "validation/main/accuracy": 0.5,
                  "epoch": 2, "iteration": 1200, "elapsed_time": 3}],
                {"train_loss": [1, 0.5], "train_error": [0.5, 0.25], "val_loss": [2, 1], "val_error": [0.75, 0.5]}),
    "xgboost": ({"train": {"logloss": [0.6, 0.5], "error": [0.25, 0]},
                 "eval": {"logloss": [0.7, 0.6], "error": [0.5, 0.25]}},
                {"train_loss": [0.6, 0.5], "train_error": [0.25, 0], "val_loss": [0.7, 0.6], "val_error": [0.5, 0.25]}),
    "lightgbm": ({"training": {"binary_logloss": [0.6, 0.5]}, "valid_0": {"binary_logloss": [0.7, 0.6]}},
                 {"train_loss": [0.6, 0.5], "val_loss": [0.7, 0.6]}),
    "catboost": ({"meta": {"learn_metrics": [{"best_value": "Min", "name": "Logloss"}],
                           "test_metrics": [{"best_value": "Min", "name": "Logloss"}]},
                  "iterations": [{"learn": [0.6], "iteration": 0, "test": [0.7]},
                                 {"learn": [0.5], "iteration": 1, "test": [0.6]}]},
                 {"train_loss": [0.6, 0.5], "val_loss": [0.7, 0.6]}),
    "sklearn": ({"loss_curve_": [1, 0.5], "validation_scores_": [0.5, 0.75]},
                {"train_loss": [1, 0.5], "val_error": [0.5, 0.25]}),
}
LINES = {
    "mmdetection": ([{"env_info": "sys.platform: linux", "seed": 0}, {"mode": "train", "epoch": 1, "iter": 50, "loss": 1.5},
                     {"mode": "train", "epoch": 1, "iter": 100, "loss": 1.0},
                     {"mode": "val", "epoch": 1, "iter": 100, "loss": 2.0},
                     {"mode": "train", "epoch": 2, "iter": 50, "loss": 0.5},
                     {"mode": "val", "epoch": 2, "iter": 100, "loss": 1.0}],
                    {"epoch": [1, 2], "train_loss": [1, 0.5], "val_loss": [2, 1]}),
    # mmengine's scalars.json: what a validation calls its step is the epoch
    "mmengine": ([{"lr": 0.1, "data_time": 0.1, "loss": 1.5, "epoch": 1, "iter": 50, "memory": 9, "step": 50},
                  {"lr": 0.1, "loss": 1.0, "epoch": 1, "iter": 100, "step": 100},
                  {"accuracy/top1": 50.0, "time": 0.1, "step": 1},
                  {"lr": 0.1, "loss": 0.5, "epoch": 2, "iter": 200, "step": 200},
                  {"accuracy/top1": 75.0, "time": 0.1, "step": 2}],
                 {"epoch": [1, 2], "train_loss": [1, 0.5], "val_error": [0.5, 0.25]}),
    "detectron2": ([{"iteration": 19, "total_loss": 1.5, "lr": 0.1},
                    {"iteration": 39, "total_loss": 1.25, "validation_loss": 2.0},
                    {"iteration": 59, "total_loss": 1.0, "validation_loss": 1.5}],
                   {"train_loss": [1.5, 1.25, 1]}),
    "deit": ([{"train_lr": 0.1, "train_loss": 2.5, "test_loss": 2.0, "test_acc1": 50.0, "epoch": 0, "n_parameters": 5},
              {"train_lr": 0.1, "train_loss": 2.0, "test_loss": 1.5, "test_acc1": 75.0, "epoch": 1, "n_parameters": 5}],
             {"train_loss": [2.5, 2], "test_loss": [2, 1.5], "test_error": [0.5, 0.25]}),
}


def found(folder, text, expected, name="log.txt", encoding="utf-8"):
    (folder / name).write_text(text, encoding=encoding)
    [log] = read_logs([folder / name])
    return {ours: log[ours].round(12).tolist() for ours in expected}


@pytest.mark.parametrize("kind", CELLS)
def test_cells(tmp_path, kind):
    text, expected = CELLS[kind]
    assert found(tmp_path, text, expected) == expected


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents(tmp_path, kind):
    document, expected = DOCUMENTS[kind]
    assert found(tmp_path, json.dumps(document), expected) == expected
    assert found(tmp_path, json.dumps(document, indent=2), expected) == expected


@pytest.mark.parametrize("kind", LINES)
def test_lines(tmp_path, kind):
    records, expected = LINES[kind]
    assert found(tmp_path, "\n".join(map(json.dumps, records)) + "\n", expected) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings(tmp_path, encoding):
    text, expected = CELLS["keras_old"]
    assert found(tmp_path, text, expected, encoding=encoding) == expected
    document, expected = DOCUMENTS["keras"]
    assert found(tmp_path, json.dumps(document), expected, encoding=encoding) == expected


def test_tensorboards_files_are_joined_by_step(tmp_path):
    train, val = tmp_path / "run-fit_train-tag-epoch_loss.csv", tmp_path / "run-fit_validation-tag-epoch_loss.csv"
    train.write_text("Wall time,Step,Value\n1.5,0,2\n2.5,1,1\n3.5,2,0.5\n")
    val.write_text("Wall time,Step,Value\n1.5,0,3\n3.5,2,1.5\n")
    [log] = read_logs([train, val])
    assert log["train_loss"].tolist() == [2, 1, 0.5] and log["val_loss"][[0, 2]].tolist() == [3, 1.5]
    assert log.measured["val_loss"].tolist() == [True, False, True] and log["step"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="from two files, accepted: one file for each metric"):
        read_logs([train, train])


def test_catboosts_files_are_joined_by_iteration(tmp_path):
    (tmp_path / "learn_error.tsv").write_text("iter\tLogloss\n0\t0.6\n1\t0.5\n")
    (tmp_path / "test_error.tsv").write_text("iter\tLogloss\n0\t0.7\n1\t0.6\n")
    [log] = read_logs([tmp_path / "learn_error.tsv", tmp_path / "test_error.tsv"])
    assert log["train_loss"].tolist() == [0.6, 0.5] and log["val_loss"].tolist() == [0.7, 0.6]


def test_parts_of_a_loss_are_added_for_ultralytics_alone(tmp_path):
    """Of a GAN the sum of what two networks are trained by means nothing, nor does one of different parts."""
    rows = "epoch,train/g_loss,train/d_loss,val/g_loss,val/d_loss{}\n1,1,2,3,4{}\n"
    for names, cells in (("", ""), (",metrics/mAP50(B),val/more_loss", ",0.5,1")):
        (tmp_path / "log.csv").write_text(rows.format(names, cells))
        with pytest.raises(ValueError, match="accepted: recognised ones; say which is which"):
            read_logs([tmp_path / "log.csv"])


# --- files that packages wrote (tests/integrations/test_written_logs.py; xgboost-cpu 3.2.0, lightgbm 4.7.0) ---

WRITTEN = {
    "keras_csvlogger.csv": {"epoch": [1, 2, 3, 4], "val_loss": [0.72023, 0.75983, 0.76781, 0.81186],
                            "train_error": [0.48333, 0.3, 0.3, 0.3], "val_error": [0.51667, 0.48333, 0.45, 0.43333]},
    "keras_history.json": {"train_loss": [0.75366, 0.62866, 0.59225, 0.55768],
                           "val_error": [0.51667, 0.48333, 0.45, 0.43333]},
    "lightning_metrics.csv": {"val_loss": [0.73262, 0.79154, 0.78238, 0.75853, 0.713, 0.69004],
                              "val_error": [0.53333, 0.48333, 0.5, 0.48333, 0.45, 0.43333], "step": [1, 3, 5, 7, 9, 11]},
    "transformers_trainer_state.json": {"epoch": [1, 2, 3], "step": [3, 6, 9], "val_error": [0.53333, 0.48333, 0.48333]},
    "skorch_history.json": {"epoch": [1, 2, 3], "val_error": [0.51667, 0.48333, 0.5]},
    "xgboost_evals_result.json": {"train_error": [0.17, 0.11, 0.12, 0.11, 0.1], "val_error": [0.34, 0.26, 0.32, 0.25, 0.24],
                                  "val_loss": [0.64612, 0.58528, 0.57515, 0.54627, 0.54816]},
    "lightgbm_evals_result.json": {"val_error": [0.34, 0.34, 0.32, 0.29, 0.28]},
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_packages_wrote(name):
    [log] = read_logs([Path(__file__).parent / "real_logs" / name])
    assert {ours: log[ours].round(5).tolist() for ours in WRITTEN[name]} == WRITTEN[name]
