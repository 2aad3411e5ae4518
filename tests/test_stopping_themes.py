"""The ten complaints about early stopping that recur in the issue trackers of all frameworks, one test each.

The threads are listed in stopping/README.md.
"""
import json
import math

import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP, SGD, fit
from stopping import GL, Criterion, Divergence, Patience, Target, ZeroError, after, compare, replay

NAN = math.nan
X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def train(stopping, *, epochs=12, learning_rate=0.5, **options):
    """Return the model, its history and the weights at every check."""
    model, weights = MLP([2, 4, 2], dtype="float64", backend="numpy"), []
    history = fit(model, X[:20], Y[:20], loss=CrossEntropy(), optimizer=SGD(learning_rate), epochs=epochs, batch_size=5,
                  validation=(X[20:], Y[20:]), stopping=stopping, progress=False,
                  on_check=lambda model, row: weights.append(model.flat.copy()), **options)
    return model, history, weights


class WorstFirst(Criterion):
    """Calls the first check the best, so that there is something to restore whatever happens later."""

    def __init__(self):
        super().__init__(requires=("val_loss",))

    def _decide(self, values):
        self.best_step = self.best_step or self.step
        self.best_value = values["val_loss"]
        return False


@pytest.mark.parametrize("way_out", ["stop", "end"])
def test_1_the_best_weights_are_restored_on_every_way_out(way_out):
    # keras#12511, #16876, tensorflow#35634: restored only if early stopping itself had stopped the run
    stopping = WorstFirst() | after(3) if way_out == "stop" else WorstFirst()
    model, history, weights = train(stopping)
    assert len(weights) == (3 if way_out == "stop" else 12)
    assert history.best_epoch == 1 and (history.stopped_epoch is None) == (way_out == "end")
    assert (model.flat == weights[0]).all() and (weights[0] != weights[-1]).any()


def test_2_patience_and_best_survive_a_resume():
    # lightning#1463, transformers#28544, fairseq#3531: a run on spot instances never ran out of patience
    curve, stop = [0.9, 0.5, 0.6, 0.7, 0.8], Patience(3)
    for loss in curve[:4]:
        assert not stop.update(val_loss=loss)
        saved = json.dumps(stop.state_dict())
        stop = Patience(3)  # a new process
        stop.load_state_dict(json.loads(saved))
    assert stop.update(val_loss=curve[4]) and (stop.stopped_step, stop.best_step) == (5, 2)


def test_3_an_instance_used_again_starts_afresh():
    # keras#20521, #20256: the second fit ran 5 epochs instead of 50
    stop = Patience(3)
    lengths = [len(train(stop)[1]["epoch"]) for _ in range(2)]
    record = {"val_loss": [0.9, 0.5, 0.6, 0.7, 0.8]}
    assert lengths[0] == lengths[1] and replay(stop, record) == replay(stop, record) == replay(Patience(3), record)
    kept = Patience(3)  # to go on with the old best instead, as fastai#2841 wants: call no reset()
    assert [kept.update(val_loss=loss) for loss in (0.1, 0.5, 0.5, 0.5, 0.5)][-1] and kept.best_step == 1


def test_4_training_and_validation_loss_are_those_of_the_same_weights():
    # keras#3562, #605, #12681, skorch#722: the training loss was the average of a whole epoch of changing weights
    _, history, weights = train(ZeroError())
    model = MLP([2, 4, 2], dtype="float64", backend="numpy")
    for check, flat in enumerate(weights):
        model.flat[:] = flat
        for name, x, y in (("train_loss", X[:20], Y[:20]), ("val_loss", X[20:], Y[20:])):
            assert history[name][check] == pytest.approx(CrossEntropy().value(model.forward(x), y), rel=1e-12)
    assert (history["train_loss"] != history["train_loss_running"]).all()


def test_5_the_direction_is_never_guessed_from_a_name():
    # keras#15138, #17593, tensorflow#44509, fastai#2442: mode="auto" took an unknown metric for a loss
    record = {"val_accuracy": [0.5, 0.6, 0.7, 0.8]}
    assert replay(Patience(2, "val_accuracy"), record).stopped_step == 3
    assert replay(Patience(2, "val_accuracy", mode="max"), record).stopped_step is None
    with pytest.raises(ValueError, match="mode: got 'auto', accepted: 'min' or 'max'"):
        Patience(2, "val_accuracy", mode="auto")


def test_6_nan_is_never_an_improvement_and_can_stop():
    # keras#4848, ignite#201, Bjarten#28: NaN was the best for ever; ultralytics#19357: best.pt was full of NaN
    record = {"val_loss": [NAN, 0.5, NAN, NAN, 0.6]}
    decision = replay(Patience(2), record)
    assert (decision.best_step, decision.stopped_step) == (2, 4)
    assert replay(Patience(9) | Divergence(monitor="val_loss"), record).stopped_step == 1
    assert replay(GL(5), record).best_step == 2


def test_7_min_delta_may_be_relative():
    # tensorflow#35970, lightning#18012: one absolute min_delta cannot fit a loss that falls over decades
    record = {"val_loss": [10.0**-t for t in range(9)]}
    assert replay(Patience(2, min_delta=0.01), record).stopped_step == 5
    assert replay(Patience(2, min_delta=0.01, relative=True), record).stopped_step is None
    with pytest.raises(ValueError, match="negative"):
        replay(Patience(2, min_delta=0.01, relative=True), {"val_loss": [1.0, -1.0]})


def test_8_a_minimum_of_epochs_is_not_a_delayed_stop():
    # lightning#19966: patience ran out early, and the run ended exactly at min_epochs although it was improving
    record = {"val_loss": [1.0, 2.0, 2.0, 0.9, 0.8, 0.7, 0.6, 0.5]}
    assert replay(Patience(2), record).stopped_step == 3
    assert replay(after(6) & Patience(2), record).stopped_step is None
    assert replay(Patience(2, warmup=3), record).stopped_step is None


def test_9_a_target_is_a_criterion_of_its_own():
    # keras#10586, #11496: baseline= was taken for the value at which to stop
    record = {"val_accuracy": [0.5, 0.8, 0.95, 0.99], "train_error": [0.5, 0.1, 0.0, 0.0]}
    assert replay(Target(0.9, "val_accuracy", mode="max"), record).stopped_step == 3
    assert replay(ZeroError(), record).stopped_step == 3
    assert replay(Patience(2, "val_accuracy", mode="max", baseline=0.9), record).stopped_step == 2  # to be beaten, or else


def test_10_what_to_watch_when_the_loss_rises_while_the_accuracy_does_too():
    # keras#3755, open_clip#31: the loss of a few confident mistakes outweighs all that still gets better
    t = np.arange(1, 101)
    record = {"val_loss": 0.3 + 1 / t + 0.05 * np.log(t), "val_error": 0.1 + 0.2 / t, "test_error": 0.1 + 0.2 / t}
    table = compare([Patience(10), Patience(10, "val_error")], [record], metric="test_error")
    loss, error = table.rows
    assert (loss["never"], error["never"]) == (0, 1)
    assert loss["stop"] == 30 and loss["cost"] > 5 and error["cost"] == 0
