"""What holds for every criterion there is, alone and in nested expressions."""
import copy
import doctest
import importlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stopping
from stopping import Not, Patience, StopDecision, ZeroError, parse, replay
from stopping.expression import NAMES
from tests.curves import LEAVES, NESTED, RECORDS, rows

EVERY = {**LEAVES, "nested": NESTED}


def answer(criterion):
    return criterion.step, criterion.stopped_step, criterion.best_step, criterion.best_value


def test_every_criterion_is_here_and_can_be_parsed_and_is_exported():
    assert set(LEAVES) == set(NAMES)
    assert set(NAMES) <= set(stopping.__all__) and all(hasattr(stopping, name) for name in stopping.__all__)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=30)
@given(data=st.data(), record=RECORDS)
def test_live_equals_replay(name, data, record):
    criterion = data.draw(EVERY[name])
    decision = replay(criterion, record)
    for row in rows(record):
        if criterion.update(**row):
            break
    assert decision == StopDecision(criterion.stopped_step, None, criterion.best_step, None, criterion.best_value,
                                    len(record["val_loss"]))


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=30)
@given(data=st.data(), record=RECORDS)
def test_saved_and_restored_at_every_step_decides_the_same(name, data, record):
    criterion = data.draw(EVERY[name])
    resumed = copy.deepcopy(criterion)
    for row in rows(record):
        fresh = copy.deepcopy(criterion)
        fresh.reset()
        fresh.load_state_dict(json.loads(json.dumps(resumed.state_dict(), allow_nan=False)))
        resumed = fresh
        assert resumed.update(**row) == criterion.update(**row)
        assert answer(resumed) == answer(criterion)
    assert resumed.state_dict() == criterion.state_dict()


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=10)
@given(data=st.data(), record=RECORDS)
def test_reset_makes_it_as_new(name, data, record):
    criterion = data.draw(EVERY[name])
    new = criterion.state_dict()
    first = [criterion.update(**row) for row in rows(record)], criterion.state_dict()
    criterion.reset()
    assert criterion.state_dict() == new
    assert ([criterion.update(**row) for row in rows(record)], criterion.state_dict()) == first


@settings(max_examples=100)
@given(NESTED)
def test_what_repr_prints_is_parsed_into_the_same(criterion):
    assert repr(parse(repr(criterion))) == repr(criterion)
    assert parse(repr(criterion)).requires == criterion.requires


@pytest.mark.parametrize("text", [
    "GL(5, monitor='val_error', strip=3, min_progress=0.1, max_checks=3000)", "PQ(0.5, strip=3, train='fit')",
    "UP(3, strip=1, monitor='val_error')", "AdaptivePatience(10, factor=1.5, threshold=0.995, monitor='e', minimum=5)",
    "AdaptivePatience(10, mode='max')", "Plateau(0.0001, 10, monitor='val_loss', relative=True)",
    "GradientNorm(1e-05, monitor='g')", "EvidenceBased(monitor='e')", "LabelWave(3, monitor='n')",
    "CorrelationDriven(10, 0.0, 5, monitor='v', train='t')", "Divergence()", "Divergence(threshold=10)",
    "Divergence(monitor='val_loss')", "TimeBudget(3600, monitor='t')", "~after(10) & ~(GL(5) | GL(6))"])
def test_repr_is_the_expression_that_makes_it(text):
    assert repr(parse(text)) == text


BAD = [
    ("GL(-1)", "alpha: got .*, accepted: a finite number of at least 0"), ("GL('5')", "alpha: got"),
    ("GL(True)", "alpha: got"),
    ("PQ(1, 0)", "strip: got .*, accepted: a whole number of at least 1"),
    ("UP(0)", "successive: got .*, accepted: a whole number"),
    ("UP(2.0)", "successive: got"), ("GL(1, min_progress=0)", "min_progress: got .*, accepted: a finite number above 0"),
    ("GL(1, max_checks=0)", "max_checks: got"), ("PQ(1, train='')", "train: got .*, accepted: the name of a metric"),
    ("AdaptivePatience(0)", "initial: got"), ("AdaptivePatience(1, 1)", "factor: got .*, accepted: a finite number above 1"),
    ("AdaptivePatience(1, threshold=0)", "threshold: got .*, accepted: a finite number above 0 and at most 1"),
    ("AdaptivePatience(1, threshold=1.5)", "threshold: got"), ("AdaptivePatience(1, minimum=-1)", "minimum: got"),
    ("AdaptivePatience(1, mode='auto')", "mode: got .*, accepted: 'min' or 'max'"), ("Plateau(-1, 1)", "tol: got"),
    ("Plateau(1, 1, relative=True)", "tol: got .*, accepted: below 1 with relative=True"), ("Plateau(1, 0)", "checks: got"),
    ("Plateau(1, 1, relative=1)", "relative: got .*, accepted: False or True"), ("GradientNorm(-1)", "eps: got"),
    ("LabelWave(0)", "window: got"),
    ("CorrelationDriven(2, 0, 1)", "window: got .*, accepted: a whole number of at least 3"),
    ("CorrelationDriven(3, -1, 1)", "threshold: got .*, accepted: a finite number above -1 and at most 1"),
    ("CorrelationDriven(3, 0, 0)", "patience: got"), ("Divergence('x')", "threshold: got"),
    ("Divergence(1e999)", "threshold: got inf"),
    ("TimeBudget(0)", "seconds: got .*, accepted: a finite number above 0"), ("after(0)", "n: got"),
    ("after(1.5)", "n: got"),
    (f"GL(1{'0' * 400})", "alpha: got .*, accepted: a finite number"), ("EvidenceBased(monitor=3)", "monitor: got")]


@pytest.mark.parametrize("text, message", BAD)
def test_bad_arguments_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize("name", LEAVES)
@settings(max_examples=5)
@given(data=st.data(), record=RECORDS)
def test_a_state_of_another_metric_is_refused(name, data, record):
    criterion = data.draw(LEAVES[name])
    for row in rows(record):
        criterion.update(**row)
    state = criterion.state_dict()
    if name == "after":  # it watches nothing
        return
    assert state["monitor"] == criterion.monitor
    with pytest.raises(ValueError, match="monitor in a state: got 'another', accepted: "):
        criterion.load_state_dict({**state, "monitor": "another"})
    assert criterion.state_dict() == state


@pytest.mark.parametrize("module", ["combine", "compare", "correlation", "expression", "limits", "online", "patience",
                                    "prechelt", "replay", "targets", "without_validation"])
def test_the_examples_in_the_docstrings_are_true(module):
    results = doctest.testmod(importlib.import_module(f"stopping.{module}"))
    assert results.attempted > 0 and results.failed == 0


def test_python_words_instead_of_operators_are_refused():
    with pytest.raises(TypeError, match=r"criterion: got a question whether it is true \(`or`, `and`, `if`\), accepted:"):
        Patience(2) or ZeroError()
    with pytest.raises(TypeError, match="unsupported operand"):
        Patience(2) | 3
    with pytest.raises(TypeError, match="unsupported operand"):
        Patience(2) & "ZeroError()"
    with pytest.raises(TypeError, match=r"operands: got 3, accepted: stopping criteria, like Patience\(10\)"):
        Not(3)
