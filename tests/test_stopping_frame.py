"""What holds for every criterion: the run, the record, saving, combining, replaying."""
import copy
import doctest
import importlib
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopping import (
    GL,
    PQ,
    UP,
    AdaptivePatience,
    CorrelationDriven,
    Criterion,
    Divergence,
    LabelWave,
    Patience,
    Plateau,
    StopDecision,
    Target,
    ZeroError,
    after,
    compare,
    replay,
)
from tests.curves import tells

# Few different values, so that ties, plateaus and zeros are common; NaN and infinities among them.
VALUES = st.one_of(st.sampled_from([0.0, -0.0, 0.25, 0.5, 0.5, 1.0, -1.0, math.nan, math.inf, -math.inf]),
                   st.floats(-3, 3))
RECORDS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=25).map(
    lambda rows: {"val_loss": [a for a, _ in rows], "train_error": [b for _, b in rows]}).filter(tells)
LEAVES = st.one_of(
    st.builds(Patience, st.integers(1, 4), st.sampled_from(["val_loss", "train_error"]),
              st.sampled_from(["min", "max"]), st.sampled_from([0.0, 0.3]), warmup=st.integers(0, 4),
              baseline=st.sampled_from([None, 0.4]),
              reference=st.sampled_from(["significant", "best"])),
    st.builds(ZeroError, hold=st.integers(1, 3)),
    st.builds(Target, st.sampled_from([0.0, 0.5]), st.just("val_loss"), st.sampled_from(["min", "max"])))
CRITERIA = st.recursive(LEAVES, lambda part: st.one_of(st.builds(lambda a, b: a | b, part, part),
                                                       st.builds(lambda a, b: a & b, part, part)), max_leaves=4)


class Rise(Criterion):
    """A criterion as a user would write it: stops when the training loss is above the one before."""

    _counters = ("last", "seen")

    def __init__(self):
        super().__init__(requires=("train_loss",))

    def _begin(self):
        self.last = math.inf
        self.seen = []

    def _decide(self, values):
        before, self.last = self.last, values["train_loss"]
        self.seen.append(self.last)
        return self.last > before


class Never(Criterion):
    """Needs nothing, never stops."""

    def __init__(self):
        super().__init__(requires=())

    def _decide(self, values):
        return False


def rows(record):
    return [dict(zip(record, row, strict=True)) for row in zip(*record.values(), strict=True)]


def run(criterion, record):
    """Answers at every check, without stopping."""
    return [criterion.update(**row) for row in rows(record)]


def answer(criterion):
    return criterion.step, criterion.stopped_step, criterion.best_step, criterion.best_value


@pytest.mark.parametrize("module", ["patience", "replay", "targets"])
def test_the_examples_in_the_docstrings_are_true(module):
    results = doctest.testmod(importlib.import_module(f"stopping.{module}"))
    assert results.attempted > 0 and results.failed == 0


# --- live and replayed ---

@pytest.mark.parametrize("rule", [
    Patience(1), ~Patience(1), GL(5), UP(1), PQ(1.0, 2), AdaptivePatience(1), Target(1, "val_loss"),
    Patience(9, "train_loss") | Target(1, "val_loss"), after(1) & ZeroError("val_loss"), Plateau(0.1, 1, "val_loss"),
    CorrelationDriven(3, 0.0, 1), LabelWave(1, monitor="val_loss"), Divergence(monitor="train_loss") & Patience(1)],
    ids=repr)
def test_a_metric_that_is_always_nan_is_no_record(rule):
    """As fit refuses to watch the errors of real-valued targets: it would stop, or never, and mean nothing."""
    record = {"train_loss": [3.0, 2.0, 1.0], "val_loss": [math.nan] * 3}
    with pytest.raises(ValueError, match=r"history\['val_loss'\]: got NaN at every check, of which .* accepted: numbers"):
        replay(rule, record)
    with pytest.raises(ValueError, match=r"histories\[1\]: history\['val_loss'\]: got NaN at every check"):
        compare([rule], [{name: [1.0, 2.0, 3.0] for name in record}, record], metric="train_loss")
    assert replay(rule, record | {"val_loss": [math.nan, 1.0, math.nan]}).checks == 3


def test_nan_throughout_that_means_something():
    record = {"val_loss": [math.nan] * 3, "train_loss": [math.nan] * 3}
    assert replay(Patience(2) | Divergence(monitor="val_loss"), record).stopped_step == 1
    assert replay(Rise(), record).stopped_step is None  # a rule of one's own
    assert replay(LabelWave(2), {"prediction_changes": [math.nan]}).stopped_step is None  # there is none before the first


@settings(max_examples=100)
@given(CRITERIA, RECORDS)
def test_live_equals_replay(criterion, record):
    decision = replay(criterion, record)
    for row in rows(record):
        if criterion.update(**row):
            break
    assert decision == StopDecision(criterion.stopped_step, None, criterion.best_step, None, criterion.best_value,
                                    len(record["val_loss"]))


@given(CRITERIA, RECORDS)
def test_stopped_step_is_the_first_true_and_stays(criterion, record):
    answers = run(criterion, record)
    assert criterion.stopped_step == (answers.index(True) + 1 if True in answers else None)


@given(CRITERIA, RECORDS)
def test_replay_leaves_a_live_criterion_alone(criterion, record):
    fresh = replay(criterion, record)
    run(criterion, record)
    before = criterion.state_dict()
    assert replay(criterion, record) == fresh
    assert criterion.state_dict() == before


def test_replay_reads_epochs_and_looks_no_further_than_the_stop():
    history = {"epoch": np.array([0.5, 1.0, 1.5, 2.0, 2.5]), "val_loss": [0.9, 0.7, 0.8, 0.7, 0.1]}
    assert replay(Patience(2), history) == StopDecision(4, 2.0, 2, 1.0, 0.7, 5)


def test_replay_that_never_stops_has_the_best_of_the_whole_record():
    assert replay(Patience(9), {"val_loss": np.float32([2, 1, 3])}) == StopDecision(None, None, 2, None, 1.0, 3)


def test_replay_without_a_best():
    history = {"train_error": np.array([1, 0, 0]), "epoch": [1, 2, 3]}
    assert replay(ZeroError(), history) == StopDecision(2, 2.0, None, None, None, 3)


def test_replay_of_a_criterion_that_requires_nothing_counts_any_column():
    assert replay(Never(), {"anything": [1.0, 2.0]}).checks == 2
    assert replay(Never() | Patience(1), {"val_loss": [1.0, 2.0], "other": [1.0]}).stopped_step == 2


@pytest.mark.parametrize("history, message", [
    ({"train_loss": [1.0]}, r"metrics: got 'train_loss', accepted: with 'val_loss', which Patience\(2\) needs"),
    ({}, r"metrics: got nothing, accepted: with 'val_loss', which Patience\(2\) needs at"),
    ({"val_loss": []}, "history: got no checks, accepted: at least one"),
    ({"val_loss": [1.0, 2.0], "epoch": [1.0]}, r"history: got metrics of different lengths, \{'val_loss': 2, 'epoch':"),
    ({"val_loss": [[1.0], [2.0]]}, r"history\['val_loss'\]: got 2-D of type float64, accepted: a 1-D array of real"),
    ({"val_loss": 1.0}, r"history\['val_loss'\]: got 0-D of type float64, accepted: a 1-D array of real"),
    ({"val_loss": ["1.0"]}, "real numbers"),
    ({"val_loss": [1j]}, "complex"),
    ({"val_loss": [1.0, None]}, "object"),
    ({"val_loss": [[1.0], [2.0, 3.0]]}, r"history\['val_loss'\]: got no array"),
])
def test_replay_refuses(history, message):
    with pytest.raises(ValueError, match=message):
        replay(Patience(2), history)


def test_replay_refuses_an_empty_history_for_a_criterion_that_requires_nothing():
    with pytest.raises(ValueError, match="history: got no checks, accepted: at least one"):
        replay(Never(), {})


def test_replay_refuses_what_is_no_criterion_or_no_mapping():
    with pytest.raises(TypeError, match=r"criterion: got <class 'stopping\.patience\.Patience'>, accepted: a stopping"):
        replay(Patience, {"val_loss": [1.0]})
    with pytest.raises(TypeError, match="mapping"):
        replay(Patience(2), [1.0, 2.0])


# --- saving ---

@settings(max_examples=100)
@given(CRITERIA, RECORDS)
def test_saved_and_restored_at_every_step_decides_the_same(criterion, record):
    resumed = copy.deepcopy(criterion)
    for row in rows(record):
        fresh = copy.deepcopy(criterion)
        fresh.reset()
        fresh.load_state_dict(json.loads(json.dumps(resumed.state_dict(), allow_nan=False)))
        resumed = fresh
        assert resumed.update(**row) == criterion.update(**row)
        assert answer(resumed) == answer(criterion)
    assert resumed.state_dict() == criterion.state_dict()


def test_a_state_may_hold_nan_and_infinity():
    saved, resumed = Rise(), Rise()
    for loss in (math.nan, -math.inf, math.inf):
        saved.update(train_loss=loss)
        state = json.loads(json.dumps(saved.state_dict(), allow_nan=False))
        resumed.load_state_dict(state)
        assert resumed.last == loss or (math.isnan(loss) and math.isnan(resumed.last))
    assert state["seen"] == ["nan", "-inf", "inf"]
    assert math.isnan(resumed.seen[0]) and resumed.seen[1:] == [-math.inf, math.inf]


def test_a_state_shares_nothing_with_the_criterion():
    stop = Rise()
    stop.update(train_loss=1.0)
    state = stop.state_dict()
    stop.update(train_loss=2.0)
    assert state["seen"] == [1.0]


def test_a_newly_configured_patience_wins_over_the_saved_one():
    losses = [1.0, 2.0, 2.0]
    saved = Patience(10)
    run(saved, {"val_loss": losses})
    resumed = Patience(3)
    resumed.load_state_dict(saved.state_dict())
    assert repr(resumed) == "Patience(3)"
    assert resumed.update(val_loss=2.0) and resumed.stopped_step == 4 and resumed.best_step == 1


def without(state, name):
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize("criterion, state, message", [
    (Patience(2), ZeroError().state_dict(), "criterion in a state: got 'ZeroError', accepted: 'Patience', as in"),
    (Patience(2), Patience(2, "val_error").state_dict(), "monitor in a state: got 'val_error', accepted: 'val_loss', as"),
    (Patience(2), Patience(2, mode="max").state_dict(), "mode in a state: got 'max', accepted: 'min', as in"),
    (Patience(2), without(Patience(2).state_dict(), "improved_step"), "holds"),
    (Patience(2), {**Patience(2).state_dict(), "surplus": 1}, "'surplus'"),
    (Patience(2), {**Patience(2).state_dict(), "step": None}, "step in a state: got None, accepted: a whole number"),
    (Patience(2), {**Patience(2).state_dict(), "best_step": 1.5}, r"best_step in a state: got 1\.5, accepted: a whole"),
    (Patience(2), {}, r"criterion in a state: got None, accepted: 'Patience', as in Patience\(2\)"),
    (Patience(2), 7, r"state: got 7, accepted: a mapping, of Patience\(2\)"),
    (Patience(2) | ZeroError(), (Patience(2) & ZeroError()).state_dict(), "'Or'"),
    (Patience(2) | ZeroError(), (ZeroError() | Patience(2)).state_dict(), "'Patience'"),
    (Patience(2) | ZeroError(), {**(Patience(2) | ZeroError()).state_dict(), "operands": []}, "operands in a state: got"),
])
def test_foreign_states_are_refused_and_change_nothing(criterion, state, message):
    criterion.update(val_loss=1.0, train_error=0.0)
    before = criterion.state_dict()
    with pytest.raises(ValueError, match=message):
        criterion.load_state_dict(state)
    assert criterion.state_dict() == before


# --- a run ---

@given(CRITERIA, RECORDS)
def test_reset_makes_it_as_new(criterion, record):
    new = criterion.state_dict()
    first = run(criterion, record), criterion.state_dict()
    criterion.reset()
    assert criterion.state_dict() == new
    assert (run(criterion, record), criterion.state_dict()) == first


def test_the_weights_to_keep_are_those_of_the_last_check_that_was_the_best():
    # What `fit` does: copy whenever best_step is the present check.
    stop = Patience(3) | ZeroError()
    losses, kept = [0.9, 0.7, math.nan, 0.7, 0.69, 0.8, 0.8, 0.8], None
    for check, loss in enumerate(losses, 1):
        stopped = stop.update(val_loss=loss, train_error=0.1)
        if stop.best_step == check:
            kept = check
        if stopped:
            break
    assert (kept, check) == (5, 8) and stop.best_step == 5 and stop.best_value == 0.69


def test_extra_metrics_are_ignored_whatever_their_name_and_value():
    assert not Patience(1).update(val_loss=1.0, self="me", update=3, train_loss="?", criterion=None)


@pytest.mark.parametrize("value", [1, True, np.float32(1), np.int64(1), np.array(1.0)])
def test_one_number_of_any_kind_will_do(value):
    stop = Patience(1)
    stop.update(val_loss=value)
    assert stop.best_value == 1.0 and type(stop.best_value) is float


@pytest.mark.parametrize("value", [None, "0.5", b"1", 1j, [1.0], np.array([1.0]), np.zeros((1, 1)), 10**400])
def test_what_is_not_one_real_number_is_refused(value):
    stop = Patience(1)
    with pytest.raises(ValueError, match="metric val_loss: got "):
        stop.update(val_loss=value)
    assert stop.step == 0


def test_a_missing_metric_is_named_and_changes_nothing():
    stop = Patience(1) | ZeroError()
    with pytest.raises(ValueError, match="metrics: got 'val_loss', 'x', accepted: with 'train_error', which"):
        stop.update(val_loss=1.0, x=2.0)
    assert stop.step == 0 and stop.operands[0].step == 0


def test_the_base_class_wants_a_rule():
    with pytest.raises(NotImplementedError):
        Criterion(("train_loss",)).update(train_loss=1.0)


# --- combining ---

@settings(max_examples=100)
@given(CRITERIA, CRITERIA, RECORDS)
def test_or_and_and_are_those_of_the_answers_at_the_same_check(left, right, record):
    both, either = copy.deepcopy(left) & copy.deepcopy(right), copy.deepcopy(left) | copy.deepcopy(right)
    lefts, rights = run(left, record), run(right, record)
    assert run(either, record) == [a or b for a, b in zip(lefts, rights, strict=True)]
    assert run(both, record) == [a and b for a, b in zip(lefts, rights, strict=True)]
    first = left if left.best_step is not None else right
    for whole in (both, either):
        assert (whole.best_step, whole.best_value) == (first.best_step, first.best_value)
        # No short circuit: the parts went through what they go through alone.
        assert [answer(part) for part in whole.operands] == [answer(left), answer(right)]


def test_and_is_not_latched():
    # The target is reached at check 2 only, the error is zero at check 3 only: never both at once.
    both = Target(0.5, "val_loss") & ZeroError()
    assert run(both, {"val_loss": [1.0, 0.5, 0.6], "train_error": [0.1, 0.1, 0.0]}) == [False, False, False]
    assert both.stopped_step is None
    assert [part.stopped_step for part in both.operands] == [2, 3]


def test_requires_is_the_union_without_repetition():
    assert (Patience(1) | ZeroError() & Patience(2)).requires == ("val_loss", "train_error")
    assert ZeroError().requires == ("train_error",)


def test_best_is_that_of_the_first_operand_that_has_one():
    whole = ZeroError() | Patience(5, "val_error") | Patience(5)
    run(whole, {"train_error": [0.5, 0.5, 0.5], "val_error": [0.3, 0.2, 0.4], "val_loss": [3.0, 2.0, 1.0]})
    assert (whole.best_step, whole.best_value) == (2, 0.2)


@pytest.mark.parametrize("text", [
    "Patience(10) | ZeroError()", "Patience(10) & ZeroError() | Target(0.1, 'val_loss')",
    "(Patience(10) | ZeroError()) & Target(0.1, 'val_loss')", "Patience(1) | Patience(2) | Patience(3)",
    "Patience(1) & (Patience(2) & Patience(3))", "Patience(1) | Patience(2) & Patience(3)",
    "Patience(3, monitor='val_error', mode='max', min_delta=0.01, relative=True, warmup=2, baseline=0.0, "
    "reference='best')", "Target(0.99, 'val_accuracy', mode='max')", "ZeroError(monitor='val_error', hold=3)"])
def test_repr_is_the_expression_that_makes_it(text):
    assert repr(eval(text)) == text


def test_one_object_twice_is_refused():
    stop = Patience(2)
    with pytest.raises(ValueError, match=r"operands: got Patience\(2\) twice in Patience\(2\) \| Patience\(2\), accepted:"):
        stop | stop
    whole = r"\(Patience\(2\) \| ZeroError\(\)\) & Patience\(2\)"
    with pytest.raises(ValueError, match=rf"operands: got Patience\(2\) twice in {whole}, accepted:"):
        (stop | ZeroError()) & stop


def test_a_part_updated_from_outside_is_refused_until_reset():
    part = Patience(2)
    part.update(val_loss=1.0)
    whole = part | ZeroError()
    assert part.step == 1  # combining resets nothing
    with pytest.raises(ValueError, match=r"Patience\(2\): got 1 checks, accepted: 0, as many as its whole, Patience\(2\)"):
        whole.update(val_loss=1.0, train_error=1.0)
    whole.reset()
    assert not whole.update(val_loss=1.0, train_error=1.0)


def test_an_error_in_a_later_operand_leaves_the_earlier_ones_alone():
    whole = Patience(2) | Patience(2, min_delta=0.1, relative=True)
    with pytest.raises(ValueError, match="negative"):
        whole.update(val_loss=-1.0)
    assert [part.step for part in (whole, *whole.operands)] == [0, 0, 0]
