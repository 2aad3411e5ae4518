"""When runs are looked at, and which models the rules take."""
import numpy as np

from experiments.trainers.description import check_epochs
from experiments.trainers.watching import Watcher


def test_checks_are_dense_then_geometric():
    assert check_epochs(5, 10, 1.5) == [1, 2, 3, 4, 5]
    assert check_epochs(30, 4, 1.5) == [1, 2, 3, 4, 6, 9, 14, 21, 30]
    assert check_epochs(8, 3, 1.01) == [1, 2, 3, 4, 5, 6, 7, 8]  # always a step of at least one epoch


class Model:
    def __init__(self):
        self.flat, self.running = np.zeros(1), np.zeros(1)


RULES = (("zero", "zero error"), ("patience_loss", "Patience(2)"), ("patience_error", "Patience(2, monitor='val_error')"),
         ("ten", "10 * zero"), ("late", "epoch 21"), ("end", "end"))


def watched(train_error, val_loss, val_error):
    model, errors = Model(), iter(train_error)
    watcher = Watcher(RULES, lambda model: next(errors) == 0)
    for epoch, row in enumerate(zip(train_error, val_loss, val_error, strict=True), start=1):
        model.flat[0], model.running[0] = epoch, -epoch
        if watcher.looks:
            watcher.epoch(model, epoch)
        watcher(model, {"epoch": epoch, **dict(zip(("train_error", "val_loss", "val_error"), row, strict=True))})
    return watcher


def test_rules_take_the_right_models():
    zeros = 22 * [0.0]
    watcher = watched([0.5, *zeros], [3, 2, 1, 2, 2, 0.5, *17 * [9.0]], [0.3, 0.1, *21 * [0.2]])
    taken = {name: (one.epoch, one.flat[0], -one.running[0]) for name, one in watcher.taken.items()}
    assert taken == {"zero": (2, 2, 2), "ten": (20, 20, 20), "late": (21, 21, 21),
                     "patience_loss": (3, 3, 3),  # it stopped at 5 and never saw the 0.5
                     "patience_error": (2, 2, 2)}
    assert watcher.stopped == {"zero": 2, "patience_loss": 5, "patience_error": 4}


def test_a_rule_that_never_fires():
    watcher = watched([0.5, 0.4, 0.3], [3, 2, 1], [0.3, 0.2, 0.1])
    assert set(watcher.taken) == {"patience_loss", "patience_error"}  # their best so far; no zero error
    assert watcher.stopped == {}
