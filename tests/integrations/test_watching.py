"""Watcher: metrics under other names, best weights, resuming."""
import json

import pytest

from stopping import GL, Patience, replay
from stopping.integrations.watching import Watcher
from stopping.logs.log import refuse_accuracy_as_error
from stopping.logs.names import ACCURACIES

VAL = [1.0, 0.8, 0.9, 0.7, 0.75, 0.8, 0.9, 0.95]


def test_stops_where_replay_does_and_keeps_the_best():
    weights = {"now": None}
    watcher = Watcher("Patience(3)", take=lambda: weights["now"], give=lambda best: weights.update(now=best))
    with watcher:
        for epoch, loss in enumerate(VAL, start=1):
            weights["now"] = epoch
            if watcher.see(val_loss=loss):
                break
    decision = replay(Patience(3), {"val_loss": VAL})
    assert (epoch, weights["now"]) == (decision.stopped_step, decision.best_step) == (7, 4)


def test_the_best_weights_are_back_after_an_exception():
    given = []
    with pytest.raises(ZeroDivisionError), Watcher(GL(5), take=lambda: "best", give=given.append) as watcher:
        watcher.see(val_loss=1.0)
        raise ZeroDivisionError
    assert given == ["best"]


@pytest.mark.parametrize("metrics, names, value", [
    ({"val_error": 0.25}, {}, 0.25), ({"val_accuracy": 0.75}, {}, 0.25), ({"valid_acc": 0.75}, {}, 0.25),
    ({"eval_accuracy": 0.75}, {}, 0.25), ({"val_mine": 0.25}, {"val_error": "val_mine"}, 0.25),
    ({"val_my_acc": 0.75, "val_accuracy": 0.5}, {"val_error": "val_my_acc"}, 0.25),
    ({"acc_error": 0.25}, {"val_error": "acc_error"}, 0.25), ({"val_score": 0.25}, {"val_error": "val_score"}, 0.25)])
def test_errors_are_found_or_made_of_accuracies(metrics, names, value):
    watcher = Watcher(Patience(2, monitor="val_error"), names=names)
    watcher.see(metrics)
    assert watcher.criterion.best_value == pytest.approx(value)


@pytest.mark.parametrize("name", ACCURACIES)
def test_of_every_name_that_means_accuracy_an_error_is_made(name):
    watcher = Watcher(Patience(2, monitor="val_error"))
    watcher.see({f"val_{name}": 0.75})
    assert watcher.criterion.best_value == 0.25
    with pytest.raises(ValueError, match="accepted: an error; of an accuracy one is made: --columns val_accuracy="):
        refuse_accuracy_as_error({"val_error": f"val_{name}"})


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match=r"metrics: got loss, acc, accepted: with val_loss, which .* needs"):
        Watcher("Patience(2)").see({"loss": 1.0, "acc": 0.5})
    with pytest.raises(ValueError, match="val_accuracy: got 58, accepted"):
        Watcher(Patience(2, monitor="val_error")).see(val_accuracy=58.0)
    with pytest.raises(TypeError, match="criterion: got 3, accepted"):
        Watcher(3)
    with pytest.raises(ValueError, match="take, give: got"):
        Watcher("GL(5)", take=list)


def test_a_run_that_goes_on_ends_as_one_that_was_never_interrupted():
    first, whole = Watcher("Patience(3)", take=lambda: 0, give=print), Watcher("Patience(3)")
    for loss in VAL[:5]:
        first.see(val_loss=loss)
    second = Watcher("Patience(3)", take=lambda: 0, give=print)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())), best="kept")
    second.begin()
    assert second.best == "kept"
    stops = [second.see(val_loss=loss) for loss in VAL[5:]]
    assert [whole.see(val_loss=loss) for loss in VAL][5:] == stops and whole.state_dict() == second.state_dict()
    second.begin()
    assert second.best is None and second.criterion.step == 0  # the next run starts afresh


@pytest.mark.parametrize("metrics, ours, value", [
    ({"loss": 1.0, "accuracy": 0.75}, "train_error", 0.25),                              # Keras
    ({"train_loss": 1.0, "val_loss": 1.0, "accuracy": 0.75}, "val_error", 0.25),         # as in fastai's logs: of validation
    ({"Valid Loss": 0.5}, "val_loss", 0.5), ({"eval/cross_entropy": 0.5}, "val_loss", 0.5),
    ({"error_rate": 0.25, "train_loss": 1.0, "valid_loss": 1.0}, "val_error", 0.25)])
def test_metrics_are_recognised_as_in_logs(metrics, ours, value):
    watcher = Watcher(Patience(2, monitor=ours))
    for _ in range(2):
        watcher.see(metrics)
    assert watcher.criterion.best_value == value


def test_what_nobody_can_tell_is_asked():
    with pytest.raises(ValueError, match=r"got Val Loss, validation-loss, which may all be val_loss, accepted"):
        Watcher("GL(5)").see({"Val Loss": 1.0, "validation-loss": 2.0})
    with pytest.raises(ValueError, match="accepted: with train_error"):  # beside no loss it may be of any set
        Watcher("ZeroError()").see({"accuracy": 1.0})
