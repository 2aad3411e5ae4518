"""No setting of a public object can be assigned and then be ignored."""
import inspect

import numpy as np
import pytest

import stopping
from nn import MLP, RNN
from tests.public import CLASSES, OBJECTS

RECORDS = {"FleetHistory", "GradientReport", "TrainingDiverged", "TrainingInterrupted", "CheckpointError", "History",
           "StopDecision", "Comparison"}  # what functions return: nothing reads them again


@pytest.mark.parametrize("name", [name for name in CLASSES if name.partition(".")[2] not in RECORDS])
def test_no_setting_can_be_assigned_and_ignored(name):
    thing = OBJECTS[name]()
    before = repr(thing)
    for argument in inspect.signature(type(thing)).parameters:
        if hasattr(thing, argument):
            with pytest.raises(AttributeError, match=argument):
                setattr(thing, argument, getattr(thing, argument))
    assert repr(thing) == before


@pytest.mark.parametrize("name, value, advice", [
    ("activation", "tanh", r"activation: got 'tanh', accepted: no assignment.*MLP\(\*\*model.settings\(\) \| "),
    ("dropout", 0, "dropout: got 0, .*copy_from"), ("backend", "numpy", r"model.copy\(backend='numpy'\)"),
    ("dtype", "float64", r"model.copy\(dtype='float64'\)"), ("parameters", {}, r"model.parameters\[name\] = values"),
    ("W1", 0, r"model.parameters\['W1'\] = values copies"),
    ("outputs", 3, "it follows from the settings"), ("rates", 0, "it follows"), ("batch_norm_eps", 1e-3, "keeps")])
def test_a_network_says_what_to_do_instead(name, value, advice):
    model = MLP([3, 4, 2], dropout=0.5)
    before = model.settings()
    with pytest.raises(AttributeError, match=advice):
        setattr(model, name, value)
    assert model.settings() == before and model.copy().settings() == before
    with pytest.raises(AttributeError, match="is a setting"):
        del model.dropout


def test_what_is_no_setting_of_a_network_stays_assignable():
    model = MLP([3, 4, 2])
    model.flat = np.arange(model.flat.size)
    model.parameters["b2"] = [1, 2]
    assert model.flat[0] == 0 and model.flat[-1] == 2
    with pytest.raises(AttributeError):
        model.parameters.W1 = np.zeros((3, 4))
    model.note = "mine"
    model.note_again = "mine"
    del model.note


def test_the_rnn_has_no_batch_normalisation_to_set():
    with pytest.raises(AttributeError, match="batch_norm_eps"):
        RNN(3, 4, 2).batch_norm_eps = 0.1


def test_counters_of_a_criterion_move_and_its_settings_do_not():
    class Countdown(stopping.Criterion):
        _counters = ("left",)

        def __init__(self, checks):
            self.checks = checks
            super().__init__(["train_loss"])

        def _begin(self):
            self.left = self.checks

        def _decide(self, values):
            self.left -= 1
            return self.left == 0

    rule = Countdown(2)
    assert [rule.update(train_loss=1.0) for _ in range(2)] == [False, True]
    with pytest.raises(AttributeError, match="checks: got 5, accepted: no assignment"):
        rule.checks = 5
