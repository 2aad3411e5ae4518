"""The callback in Keras 3 itself."""
import os

import numpy as np
import pytest

from stopping import parse, replay
from tests.integrations.frameworks import TRAIN, VALID, X, Y, require

os.environ.setdefault("KERAS_BACKEND", "torch")
require("keras")
require("torch")
import keras  # noqa: E402

from stopping.integrations.keras import Callback  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def model():
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.Input((6,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    return made


def fit(net, *callbacks, epochs=60, **more):
    return net.fit(X[TRAIN], Y[TRAIN], validation_data=(X[VALID], Y[VALID]), epochs=epochs, batch_size=20, verbose=0,
                   callbacks=list(callbacks), **more)


def val_loss(net):
    return net.evaluate(X[VALID], Y[VALID], verbose=0, return_dict=True)["loss"]


@pytest.mark.parametrize("rule", ["Patience(5)", "GL(20) | Patience(30)", "Patience(8, monitor='val_error')", "UP(3)"])
def test_stops_where_a_replay_of_its_log_does_with_the_best_weights(rule):
    net, log = model(), keras.callbacks.History()
    fit(net, Callback(rule), log)
    history = {"val_loss": log.history["val_loss"], "train_loss": log.history["loss"],
               "val_error": 1 - np.array(log.history["val_accuracy"])}
    decision = replay(parse(rule), history)
    assert decision.stopped_step == len(log.history["loss"]) < 60
    assert val_loss(net) == pytest.approx(log.history["val_loss"][decision.best_step - 1], rel=1e-5)


def test_the_last_weights_stay_where_nothing_is_restored():
    net, log = model(), keras.callbacks.History()
    fit(net, Callback("Patience(5)", restore_best=False), log)
    assert val_loss(net) == pytest.approx(log.history["val_loss"][-1], rel=1e-5)


def test_after_an_exception_the_best_weights_are_back():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 12:
                raise KeyboardInterrupt

    net, log = model(), keras.callbacks.History()
    with pytest.raises(KeyboardInterrupt), Callback("Patience(50)") as rule:
        fit(net, log, rule, Stop())
    assert val_loss(net) == pytest.approx(min(log.history["val_loss"]), rel=1e-5)


def test_a_run_goes_on_with_backup_and_restore(tmp_path):
    def part(net, epochs, done=0):
        rule, log = Callback("Patience(6)", state=tmp_path / "rule.json"), keras.callbacks.History()
        fit(net, rule, log, keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False), epochs=epochs)
        return rule.watcher.criterion, log.history["val_loss"]

    _, first = part(model(), 4)
    net = model()
    rule, second = part(net, 60)
    decision = replay(parse("Patience(6)"), {"val_loss": first + second})
    assert decision.stopped_step == rule.step == len(first + second) < 60
    assert val_loss(net) == pytest.approx((first + second)[decision.best_step - 1], rel=1e-5)
    assert {path.name for path in tmp_path.iterdir()} == {"backup", "rule.json", "rule.json.weights.h5"}


def test_best_weights_that_could_not_be_written_do_not_replace_the_last_ones(tmp_path, monkeypatch):
    """As where the process is killed, or the disk is full, while they are."""
    path = tmp_path / "rule.json.weights.h5"

    class Fail(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.whole = path.read_bytes()
                monkeypatch.setattr(net, "save_weights", half_written)

    def half_written(to):
        with open(to, "wb") as file:
            file.write(b"half")
        raise OSError("no space left on device")

    net, fail = model(), Fail()
    with pytest.raises(OSError, match="no space left"):
        fit(net, Callback("Patience(50, monitor='train_loss')", state=tmp_path / "rule.json"), fail)
    assert path.read_bytes() == fail.whole


def test_training_error_with_frozen_weights():
    net = model()
    rule = Callback("ZeroError()", training=(X[TRAIN], Y[TRAIN]))
    log = keras.callbacks.History()
    fit(net, rule, log, epochs=300)
    assert rule.watcher.criterion.stopped_step == len(log.history["loss"]) < 300
    assert net.evaluate(X[TRAIN], Y[TRAIN], verbose=0, return_dict=True)["accuracy"] == 1
