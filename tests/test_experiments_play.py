"""`play`: what is accepted of a page, what it is shown, and that a saved run is the run."""
import json
import threading
import time

import numpy as np
import pytest

from experiments.data.planar import circles, corners
from experiments.playing import choices, frames, record
from experiments.playing.choices import Choices, Refused, read
from experiments.playing.lines import lines
from experiments.playing.page import STOPS
from experiments.playing.session import Session
from experiments.playing.turns import Turns

TINY = Choices(samples=10, hidden=(4,), batch=None)


# --- data ---

@pytest.mark.parametrize("made", [circles, corners])
def test_sets_in_the_plane(made):
    data = made(30, 5, 200, noise=0.1, seed=3)
    assert [split.x.shape for split in (data.train, data.validation, data.test)] == [(60, 2), (10, 2), (400, 2)]
    assert data.train.x.dtype == np.float32 and (data.train.y != data.train.y_clean).sum() == 6
    for split in (data.train, data.test):
        right = (split.x**2).sum(axis=1) < 1.2**2 if made is circles else split.x.prod(axis=1) < 0
        assert np.array_equal(right.astype(int), split.y_clean)
    assert np.array_equal(made(30, 9, 200, noise=0.1, seed=3).test.x, data.test.x)  # parts do not depend on each other
    assert not np.array_equal(made(30, 5, 200, seed=4).train.x, data.train.x)
    with pytest.raises(ValueError, match=r"fraction: got 2"):
        made(30, noise=2)


# --- what a page may ask for ---

def test_what_the_page_sends_is_read():
    assert read(Choices().as_sent()) == Choices()
    other = Choices("spiral", 100, 0.25, (), "tanh", "hinge", 0.125, "rprop", 0.0625, None, 7)
    assert read(other.as_sent()) == other


@pytest.mark.parametrize(("name", "got"), [
    ("data", "../etc/passwd"), ("data", 3), ("samples", "9"), ("samples", "11"), ("samples", "1e2"), ("samples", 60),
    ("samples", "9" * 400), ("noise", "nan"), ("noise", "-0.1"), ("noise", "0.51"), ("noise", ""), ("hidden", "64-999"),
    ("hidden", "8-8-8-8-8"), ("hidden", "0"), ("hidden", "64;1"), ("hidden", [64]), ("activation", "softplus"),
    ("loss", "__class__"), ("level", "inf"), ("optimizer", ""), ("rate", "0"), ("rate", "1e9"), ("batch", "7"),
    ("seed", "-1"), ("seed", "1.5"), ("seed", None), ("batch", True)])
def test_what_is_out_of_its_range_is_refused(name, got):
    with pytest.raises(Refused, match=rf"^{name}: got .*, accepted: ") as refused:
        read(Choices().as_sent() | {name: got})
    assert refused.value.name == name and len(str(refused.value)) < 300


@pytest.mark.parametrize("sent", [None, [], "x", {}, Choices().as_sent() | {"backend": "cuda"}])
def test_choices_must_be_whole(sent):
    with pytest.raises(Refused, match=r"got .*, accepted: "):
        read(sent)
    with pytest.raises(Refused, match=r"^batch: got '32', accepted: full with RPROP"):
        read(Choices(optimizer="rprop").as_sent())


# --- what it is shown ---

def test_field_has_its_top_row_first():
    grid = frames.grid_of((-1.0, 3.0, 0.0, 4.0)).reshape(48, 48, 2)
    assert grid[0, 0] == pytest.approx([-1 + 2 / 48, 4 - 2 / 48]) and grid[-1, -1] == pytest.approx([3 - 2 / 48, 2 / 48])
    squeeze, field = frames.field_of(np.array([[0.0, -8], [0, 0], [0, 4]]), True)
    assert squeeze == pytest.approx(1.6) and list(field) == [round(255 / (1 + np.exp(-z / squeeze))) for z in (-8, 0, 4)]
    assert frames.field_of(np.array([[0.0, 1]]), False)[0] == pytest.approx(0.8)  # an output apart is a logit of 4


def test_margins_are_counted_by_labels():
    outputs = np.array([[0.0, 2], [0, -1], [3, 0], [0, 0.5]])
    seen = frames.margins_of(outputs, np.array([1, 1, 0, 0]), np.array([False, True, False, False]))
    low, high = seen["reach"]
    assert low == pytest.approx(-1.1) and high == pytest.approx(3.1) and len(seen["right"]) == 42  # a bar begins at 0
    assert seen["smallest"] == -1 and seen["median"] == pytest.approx(0.75)
    assert sum(seen["right"]) == 3 and sum(seen["wrong"][:2]) == sum(seen["wrong"]) == 1
    assert [frames.round_up(v) for v in (0.001, 1.01, 4, 99)] == [0.001, 1.5, 5, 100]
    head, field = frames.unpacked(frames.packed({"a": [1, None]}, b"\x00\xff"))
    assert head == {"a": [1, None]} and field == b"\x00\xff"


def row(epoch, train_error, val_loss):
    return {"epoch": float(epoch), "train_loss": 1 / epoch, "val_loss": val_loss, "test_loss": 2 * val_loss,
            "train_error": train_error, "test_error": train_error + 0.1, "prediction_changes": 1.0}


def test_record_says_what_stopping_is_worth():
    seen = record.Record()
    assert "Nothing" in seen.worth()["says"] and seen.unsent() == []
    for epoch in range(1, 41):
        seen.add(row(epoch, max(0.0, 0.5 - epoch / 20), abs(epoch - 8) / 10 + 1))
        if epoch == 8:
            assert seen.worth()["says"].endswith("has never been lower than now.")
            assert "10.0 % of the training" in seen.worth()["says"]
        if epoch == 10:
            assert "has just become zero" in seen.worth()["says"]
    assert seen.zero == 9 and seen.best == 7
    assert seen.worth()["says"] == (
        "Since the training error was first zero (epoch 10) the test error went from 10.0 % to 10.0 %, the test loss "
        "from 2.4 to 8.4. "
        "The validation loss was lowest at epoch 8: test error 20.0 %, test loss 2.")
    said = {one["rule"]: one for one in seen.rules()}
    assert said["ZeroError()"]["stopped"]["epoch"] == said["ZeroError()"]["returned"]["epoch"] == 10
    assert said["GL(5)"]["stopped"]["epoch"] == 9 and said["GL(5)"]["returned"]["epoch"] == 8
    assert said["Patience(20)"]["stopped"]["epoch"] == 28 and said["AdaptivePatience(50)"]["stopped"] is None


def test_a_training_error_that_came_back_is_said():
    seen = record.Record()
    for epoch, error in ((1, 0.0), (2, 0.25)):
        seen.add(row(epoch, error, 1.0))
    assert seen.worth()["says"].startswith("Since the training error was first zero (epoch 1; now it is 25.0 %) the ")


@pytest.mark.parametrize("first", [float("nan"), float("inf")])
def test_losses_that_are_not_finite_reach_the_page_as_none(first):
    seen = record.Record()
    seen.add(row(1, 0.0, first))
    assert seen.best is None and seen.worth()["says"] == "The training error has just become zero."
    for epoch, loss in ((2, 2.0), (3, 1.0), (4, first)):
        seen.add(row(epoch, 0.0, loss))
    worth = seen.worth()
    assert worth["best"]["epoch"] == 3 and worth["now"]["test_loss"] is None and worth["zero"]["val_loss"] is None
    frames.packed({"worth": worth, "rules": seen.rules(), "rows": seen.unsent()}, b"")


def test_every_rule_is_explained():
    assert list(STOPS) == list(record.RULES)


def test_rows_that_nobody_asked_for_are_thinned():
    seen = record.Record()
    for epoch in range(1, 1002):
        seen.add(row(epoch, 0.5, float("inf") if epoch == 1001 else 1.0))
    sent = seen.unsent()
    assert len(sent) <= record.MOST_ROWS and sent[-1][0] == 1001 and sent[-1][2] is None and seen.unsent() == []
    json.dumps(sent, allow_nan=False)


# --- a run ---

class Watched:
    """A session and its frames."""

    def __init__(self, turns=None):
        self.ready = threading.Event()
        self.session = Session(turns or Turns(2), self.ready.set)

    def frame(self):
        self.session.ask()
        assert self.ready.wait(60)
        self.ready.clear()
        return frames.unpacked(self.session.take())

    def until(self, wanted):
        while not wanted(head := self.frame()[0]):
            pass
        return head

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.session.end()
        assert self.session.join(20)


def test_it_begins_stopped_goes_on_and_stops():
    with Watched() as watched:
        watched.session.begin(TINY)
        head, field = watched.frame()
        assert (head["epoch"], head["training"], len(field), len(head["data"]["train"]["labels"])) == (0, False, 48 * 48, 10)
        watched.session.ask()
        assert not watched.ready.wait(0.05)  # nothing new
        watched.session.keep_training(1)
        assert watched.ready.wait(60)
        head = watched.until(lambda head: head["epoch"])
        assert (head["epoch"], head["training"], len(head["rows"])) == (1, False, 1) and "data" not in head
        watched.session.speed(0)
        watched.session.keep_training()
        assert watched.until(lambda head: head["epoch"] >= 5)["training"]
        watched.session.stop_here()
        head = watched.until(lambda head: not head["training"])
        assert sum(head["margins"]["right"]) + sum(head["margins"]["wrong"]) == 10
        watched.session.keep_training()
        watched.session.begin(TINY)  # another run waits, whatever the one before did
        head = watched.until(lambda head: head["run"] == 2)
        assert (head["epoch"], head["training"]) == (0, False)


def test_it_trains_as_slowly_as_was_asked_for():
    with Watched() as watched:
        watched.session.begin(TINY)
        watched.session.speed(1e-3)  # an epoch in 1000 seconds, after the first
        watched.session.keep_training()
        assert watched.until(lambda head: head["epoch"])["epoch"] == 1
        watched.session.ask()
        assert not watched.ready.wait(0.05)
        watched.session.speed(0)
        assert watched.until(lambda head: head["epoch"] > 5)


def test_points_are_those_of_the_data():
    made = lines(Choices("corners", noise=0.3))
    samples = made.data.made()
    shown, _ = frames.unpacked(frames.View(made, samples, made.model.made(), record.Record()).frame({}))
    train, test, step = shown["data"]["train"], shown["data"]["test"], 1000 // frames.SHOWN
    assert train["labels"] == samples.train.y.tolist() and sum(train["wrong"]) == 18
    assert np.allclose(np.reshape(train["points"], (-1, 2)), samples.train.x, atol=1e-4)
    assert test["labels"] == samples.test.y_clean[::step].tolist() and not any(test["wrong"])


@pytest.mark.parametrize("chosen", [
    Choices(samples=20, hidden=(5,), level=0.3), Choices("spiral", 20, 0.2, (3, 2), "tanh", "hinge", 0.0, "sgd", 0.05, 8, 2),
    Choices("gaussians", 20, 0.0, (), "relu", "smoothed", 0.0, "rprop", 0.01, None, 1),
    Choices("sinusoid", 20, 0.1, (4,), "sigmoid", "squared_error", 0.1, "momentum", 0.05, 1, 0),
    Choices("corners", 20, 0.1, (4,), "relu", "squared_hinge", 0.0, "adamw", 0.05, 8, 5)], ids=lambda chosen: chosen.data)
def test_saved_lines_make_the_same_run(chosen, capsys):
    with Watched() as watched:
        watched.session.begin(chosen)
        watched.session.keep_training(3)
        head = watched.until(lambda head: head["epoch"] == 3)
        played, text = np.array(watched.session._record.rows), head["lines"]
        weights = watched.session._view._model.flat.copy()
    assert "epochs=3," in text and max(map(len, text.splitlines())) <= 125
    there = {}
    exec(compile(text, "played.py", "exec"), there)
    for name, column in zip(record.CURVES, played.T, strict=True):
        assert np.array_equal(there["history"][name], column), name
    assert np.array_equal(there["model"].flat, weights) and "test_error" in capsys.readouterr().out


def test_all_that_can_be_chosen_can_be_made_and_written():
    for name, known in (("data", choices.DATA), ("activation", choices.ACTIVATIONS), ("loss", choices.LOSSES),
                        ("optimizer", choices.OPTIMIZERS)):
        for value in known:
            made = lines(Choices(**{"batch": None, name: value}))
            compile(made.text(1), "played.py", "exec")
            assert [made.model.made(), made.loss.made(), made.optimizer.made(), made.data.made().train.x.shape[1]][3] == 2


def test_what_goes_wrong_is_said():
    with Watched() as watched:
        watched.session.begin(Choices(samples=10, hidden=(4,), batch=1, loss="squared_error", optimizer="sgd", rate=9.0))
        watched.session.speed(0)
        watched.session.keep_training()
        head = watched.until(lambda head: head["message"])
        assert "learning rate" in head["message"] and not head["training"]
        watched.session.begin(TINY)  # and another one can begin
        assert watched.until(lambda head: head["run"] == 2)["message"] == ""


def test_turns_are_taken_in_the_order_of_waiting():
    turns, order, threads = Turns(1), [], []
    turns.take()
    for number in range(4):
        def work(number=number):
            turns.take()
            order.append(number)
            turns.give()
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        while len(turns._line) <= number:
            time.sleep(0.001)
    turns.give()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3]
