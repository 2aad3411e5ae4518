"""Logs that the frameworks write in here, read by `stopping.logs`: against what the same run said in another way.

The files of `tests/real_logs` were written by these tests (AFTERZERO_KEEP_LOGS=FOLDER keeps what they write).
"""
import json
import os
import shutil

import numpy as np
import pytest

from stopping.logs import read_logs
from tests.integrations.frameworks import VALID, X, Y, require

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
require("torch")


def read(path, name):
    if folder := os.environ.get("AFTERZERO_KEEP_LOGS"):
        shutil.copyfile(path, os.path.join(folder, name))
    [log] = read_logs([path])
    return log


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_keras(tmp_path):
    require("keras")
    import keras

    from tests.integrations.test_keras import fit, model
    known = fit(model(), keras.callbacks.CSVLogger(tmp_path / "log.csv"), epochs=4).history
    (tmp_path / "history.json").write_text(json.dumps(known))
    for log in (read(tmp_path / "log.csv", "keras_csvlogger.csv"), read(tmp_path / "history.json", "keras_history.json")):
        close(log["train_loss"], known["loss"])
        close(log["val_loss"], known["val_loss"])
        close(log["train_error"], 1 - np.array(known["accuracy"]))
        close(log["val_error"], 1 - np.array(known["val_accuracy"]))
        assert len(log.reading.notes) == 0
    assert read_logs([tmp_path / "log.csv"])[0]["epoch"].tolist() == [1, 2, 3, 4]
    fit(model(), keras.callbacks.CSVLogger(tmp_path / "log.csv", append=True), epochs=3)  # another run behind it
    with pytest.raises(ValueError, match=r"got 2 runs in one file \(line 6: 'epoch' falls from 3 to 0"):
        read_logs([tmp_path / "log.csv"])


def test_lightning(tmp_path):
    """Two validations in an epoch, one before training that looks for mistakes, and one and a test after it."""
    require("lightning")
    import torch
    from lightning.pytorch import Trainer, seed_everything
    from lightning.pytorch.callbacks import Callback, LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger

    from tests.integrations.test_lightning import Net, loader

    class Logged(Net):
        def training_step(self, batch, index):
            loss = torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def test_step(self, batch, index):
            self.log("test_loss", torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1]))

    class Seen(Callback):
        validations, epochs = [], []

        def on_validation_end(self, trainer, pl_module):
            if not trainer.sanity_checking and trainer.state.fn == "fit":
                self.validations.append([float(trainer.callback_metrics[name]) for name in ("val_loss", "val_acc")])

        def on_train_epoch_end(self, trainer, pl_module):
            self.epochs.append(float(trainer.callback_metrics["train_loss_epoch"]))

    seed_everything(0)
    net, seen = Logged(), Seen()
    trainer = Trainer(max_epochs=3, callbacks=[seen, LearningRateMonitor()], logger=CSVLogger(tmp_path, name="a", version=0),
                      val_check_interval=2, check_val_every_n_epoch=None, log_every_n_steps=1, enable_progress_bar=False,
                      enable_checkpointing=False, enable_model_summary=False, default_root_dir=tmp_path)
    parts = loader(slice(0, 80)), loader(VALID)
    trainer.fit(net, *parts)
    trainer.validate(net, parts[1], verbose=False)
    trainer.test(net, parts[1], verbose=False)
    log = read(tmp_path / "a/version_0/metrics.csv", "lightning_metrics.csv")
    losses, accuracies = zip(*seen.validations, strict=True)
    assert len(losses) == 6
    close(log["val_loss"], losses)
    close(log["val_error"], 1 - np.array(accuracies))
    close(log["train_loss"][log.measured["train_loss"]], seen.epochs)
    assert log.reading.epochs.tolist() == [0, 0, 1, 1, 2, 2]


def test_transformers(tmp_path):
    require("transformers")
    from tests.integrations.test_transformers import evaluations, trainer
    run = trainer(tmp_path, epochs=3)
    run.train()
    run.evaluate()
    run.save_state()
    rows = evaluations(run)
    log = read(tmp_path / "trainer_state.json", "transformers_trainer_state.json")
    assert len(rows) == 4 and log["epoch"].tolist() == [1, 2, 3]  # the last was after training
    close(log["val_loss"], [row["eval_loss"] for row in rows[:3]])
    close(log["val_error"], [1 - row["eval_accuracy"] for row in rows[:3]])
    close(log["train_loss"], [row["loss"] for row in run.state.log_history if "loss" in row])


def test_skorch(tmp_path):
    require("skorch")
    from tests.integrations.test_skorch import net
    trained = net(epochs=3).fit(X, Y)
    trained.history.to_file(tmp_path / "history.json")
    log = read(tmp_path / "history.json", "skorch_history.json")
    close(log["train_loss"], trained.history[:, "train_loss"])
    close(log["val_loss"], trained.history[:, "valid_loss"])
    close(log["val_error"], 1 - np.array(trained.history[:, "valid_acc"]))
    assert log["epoch"].tolist() == [1, 2, 3] and log.reading.kind == "skorch's history"
