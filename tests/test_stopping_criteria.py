"""Each criterion against its literal definition and on curves with known answers."""
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopping import Patience, Target, ZeroError

NAN, INF = math.nan, math.inf

# tests/ is no package (--import-mode=importlib), so the definitions next door are loaded by path.
_spec = importlib.util.spec_from_file_location("naive", Path(__file__).with_name("naive.py"))
naive = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(naive)

NUMBERS = st.one_of(st.sampled_from([0.0, -0.0, 0.1, 0.25, 0.5, 1.0]), st.floats(0, 3, width=16))
SPECIAL = st.sampled_from([NAN, NAN, INF])
SIGNED = st.one_of(NUMBERS, NUMBERS.map(lambda v: -v), SPECIAL, st.just(-INF))


@st.composite
def curves(draw, values):
    """Stretches of one repeated value: plateaus, constants, ties."""
    stretches = draw(st.lists(st.tuples(values, st.integers(1, 4)), min_size=1, max_size=14))
    return [value for value, length in stretches for _ in range(length)]


SETTINGS = {"patience": st.integers(1, 6), "mode": st.sampled_from(["min", "max"]), "warmup": st.integers(0, 8),
            "min_delta": st.sampled_from([0.0, 0.05, 0.25, 0.5]), "reference": st.sampled_from(["significant", "best"])}


def watch_all(criterion, values, name):
    return [(criterion.update(**{name: value}), criterion.best_step, criterion.best_value) for value in values]


# --- Patience ---

@settings(max_examples=200)
@given(curves(SIGNED), st.fixed_dictionaries({**SETTINGS, "baseline": st.sampled_from([None, -0.5, 0.0, 0.5])}))
def test_patience_is_the_definition(curve, chosen):
    assert watch_all(Patience(**chosen), curve, "val_loss") == naive.naive_patience(curve, **chosen)


@settings(max_examples=100)
@given(curves(st.one_of(NUMBERS, SPECIAL)),
       st.fixed_dictionaries({**SETTINGS, "baseline": st.sampled_from([None, 0.0, 0.5])}))
def test_relative_patience_is_the_definition(curve, chosen):
    stop = Patience(**chosen, relative=True)
    assert watch_all(stop, curve, "val_loss") == naive.naive_patience(curve, **chosen, relative=True)


@given(curves(SIGNED), st.fixed_dictionaries(SETTINGS))
def test_maximising_is_minimising_the_negative(curve, chosen):
    chosen["mode"] = "max"
    mirrored = [-value for value in curve]
    highest, lowest = Patience(**chosen), Patience(**{**chosen, "mode": "min"})
    assert [highest.update(val_loss=v) for v in curve] == [lowest.update(val_loss=v) for v in mirrored]
    assert highest.best_step == lowest.best_step


@given(curves(SIGNED), st.fixed_dictionaries(SETTINGS))
def test_without_min_delta_both_references_are_one(curve, chosen):
    chosen["min_delta"] = 0.0
    a, b = Patience(**{**chosen, "reference": "best"}), Patience(**{**chosen, "reference": "significant"})
    assert watch_all(a, curve, "val_loss") == watch_all(b, curve, "val_loss")


def first_stop(curve, **chosen):
    stop = Patience(**chosen)
    for value in curve:
        if stop.update(val_loss=value):
            break
    return stop.stopped_step, stop.best_step


@pytest.mark.parametrize("curve, chosen, stopped, best", [
    # the plain rule: three checks after the best; the tie at check 5 is no improvement
    ([1.0, 0.8, 0.9, 0.7, 0.7, 0.75, 0.71, 0.1], {"patience": 3}, 7, 4),
    ([1.0, 1.0, 1.0], {"patience": 1}, 2, 1),
    ([1.0, 0.9, 0.8, 0.7], {"patience": 1}, None, 4),
    ([0.1, 0.5, 0.4, 0.6, 0.6, 0.6], {"patience": 2, "mode": "max"}, 6, 4),
    # values that are not finite are neither best nor improvement, at the start, in the middle, throughout
    ([NAN, 1.0, NAN, NAN], {"patience": 2}, 4, 2),
    ([NAN, NAN, NAN], {"patience": 3}, 3, None),
    ([INF, -INF, INF], {"patience": 3}, 3, None),
    ([2.0, -INF, 1.0, 1.5, 1.5], {"patience": 2}, 5, 3),
    # no stop before warmup + patience; the best may lie in the warm-up
    ([0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], {"patience": 2, "warmup": 4}, 6, 1),
    ([1.0, 0.9, 0.8, 0.7, 0.6, 0.6, 0.6], {"patience": 2, "warmup": 4}, 7, 5),
    # a baseline that is never beaten: stopped by patience, the best is there all the same
    ([0.9, 0.8, 0.7, 0.6, 0.4], {"patience": 3, "baseline": 0.5}, 3, 3),
    ([0.9, 0.8, 0.4, 0.45, 0.45, 0.45], {"patience": 3, "baseline": 0.5}, 6, 3),
    ([0.5, 0.5], {"patience": 2, "baseline": 0.5}, 2, 1),
    # steps of 0.0625 against a min_delta of 0.125: they add up from the last significant value (0.8125 at 4) ...
    ([1.0, 0.9375, 0.875, 0.8125, 0.75, 0.6875], {"patience": 3, "min_delta": 0.125}, None, 6),
    # ... and each alone is too small when measured from the best
    ([1.0, 0.9375, 0.875, 0.8125, 0.75], {"patience": 3, "min_delta": 0.125, "reference": "best"}, 4, 4),
    # exactly min_delta is not enough
    ([1.0, 0.75, 0.75], {"patience": 2, "min_delta": 0.25}, 3, 2),
    # half of the reference: 4 -> 1.9 counts, 1.9 -> 1.0 does not, 0 may be reached
    ([4.0, 1.9, 1.0, 1.0], {"patience": 2, "min_delta": 0.5, "relative": True}, 4, 3),
    ([4.0, 1.9, 0.0, 0.0, 0.0], {"patience": 2, "min_delta": 0.5, "relative": True}, 5, 3),
])
def test_patience_on_known_curves(curve, chosen, stopped, best):
    assert first_stop(curve, **chosen) == (stopped, best)


def test_an_answer_can_be_taken_back():
    stop = Patience(2)
    assert [stop.update(val_loss=v) for v in (1, 2, 2, 2, 0.5, 2, 2)] == [False, False, True, True, False, False, True]
    assert stop.stopped_step == 3 and stop.best_step == 5


@pytest.mark.parametrize("value", [-1e-9, -INF])
def test_a_relative_min_delta_refuses_negative_values(value):
    stop = Patience(2, min_delta=0.1, relative=True)
    stop.update(val_loss=1.0)
    with pytest.raises(ValueError, match="val_loss: got -"):
        stop.update(val_loss=value)
    assert stop.step == 1


@pytest.mark.parametrize("chosen, message", [
    ({"patience": 0}, "patience: got 0, accepted: a whole number of at least 1"),
    ({"patience": -3}, "patience: got"),
    ({"patience": 2.0}, r"patience: got 2\.0, accepted: a whole number of at least 1"),
    ({"patience": True}, "patience: got"),
    ({"patience": "10"}, "patience: got"),
    ({"patience": None}, "patience: got"),
    ({"warmup": -1}, "warmup: got -1, accepted: a whole number of at least 0"),
    ({"warmup": False}, "warmup: got False, accepted: a whole number of at least 0"),
    ({"mode": "auto"}, "mode: got 'auto', accepted: 'min' or 'max'"),
    ({"mode": None}, "mode: got None, accepted: 'min' or 'max'"),
    ({"min_delta": -0.1}, r"min_delta: got -0\.1, accepted: a finite number of at least 0"),
    ({"min_delta": NAN}, "min_delta: got"),
    ({"min_delta": INF}, "min_delta: got"),
    ({"min_delta": True}, "min_delta: got"),
    ({"min_delta": "0.1"}, "min_delta: got"),
    ({"relative": 1}, "relative: got 1, accepted: False or True"),
    ({"relative": True, "min_delta": 1.0}, r"min_delta: got 1\.0, accepted: below 1 with relative=True and mode='min'"),
    ({"relative": True, "baseline": -0.5}, r"baseline: got -0\.5, accepted: with relative=True a number that is not"),
    ({"baseline": NAN}, "baseline: got nan, accepted: a finite number"),
    ({"baseline": "0.5"}, r"baseline: got '0\.5', accepted: a finite number"),
    ({"monitor": ""}, "monitor: got '', accepted: the name of a metric, like 'val_loss'"),
    ({"monitor": None}, "monitor: got"),
    ({"reference": "last"}, "reference: got 'last', accepted: 'significant' or 'best'"),
])
def test_patience_refuses_bad_arguments(chosen, message):
    with pytest.raises(ValueError, match=message):
        Patience(**{"patience": 2, **chosen})


def test_numpy_numbers_are_welcome_as_arguments():
    assert repr(Patience(np.int64(3), min_delta=np.float32(0.5))) == "Patience(3, min_delta=0.5)"


def test_relative_gains_may_exceed_the_reference_when_maximising():
    assert first_stop([1.0, 2.5, 4.0, 4.0], patience=2, mode="max", min_delta=1.0, relative=True) == (4, 3)


# --- Target ---

@given(curves(SIGNED), st.sampled_from([-0.5, 0.0, 0.5]), st.sampled_from(["min", "max"]))
def test_target_is_the_definition(curve, value, mode):
    stop = Target(value, "m", mode)
    assert watch_all(stop, curve, "m") == [(hit, None, None) for hit in naive.naive_target(curve, value, mode)]


@pytest.mark.parametrize("curve, mode, stopped", [
    ([1.0, 0.6, 0.5, 0.4], "min", 3), ([0.4, 0.6], "max", 2), ([1.0, 0.6], "min", None),
    ([NAN, -INF, 0.5], "min", 3), ([NAN, INF, 0.5], "max", 3)])
def test_target_on_known_curves(curve, mode, stopped):
    stop = Target(0.5, "m", mode)
    for value in curve:
        stop.update(m=value)
    assert stop.stopped_step == stopped


@pytest.mark.parametrize("arguments, message", [
    ((NAN, "m"), "value: got nan, accepted: a finite number"), (("0.5", "m"), "value: got"), ((True, "m"), "value: got"),
    ((0.5, 3), "monitor: got 3, accepted: the name"), ((0.5, "m", "lower"), "mode: got 'lower', accepted: 'min' or 'max'")])
def test_target_refuses_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Target(*arguments)


# --- ZeroError ---

@given(curves(SIGNED), st.integers(1, 5))
def test_zero_error_is_the_definition(curve, hold):
    stop = ZeroError("e", hold)
    assert watch_all(stop, curve, "e") == [(hit, None, None) for hit in naive.naive_zero_error(curve, hold)]


@pytest.mark.parametrize("curve, hold, stopped", [
    ([0.1, 0.0, 0.0], 1, 2), ([0.1, 0.0, 0.1, 0.0, 0.0], 2, 5), ([0.0, NAN, 0.0], 2, None), ([1e-300, -0.0], 1, 2),
    ([0.0, 0.0], 3, None)])
def test_zero_error_on_known_curves(curve, hold, stopped):
    stop = ZeroError(hold=hold)
    for value in curve:
        stop.update(train_error=value)
    assert stop.stopped_step == stopped


@pytest.mark.parametrize("chosen, message", [
    ({"hold": 0}, "hold: got 0, accepted: a whole number of at least 1"), ({"hold": 1.5}, "hold: got"),
    ({"hold": True}, "hold: got"), ({"monitor": 0}, "monitor: got")])
def test_zero_error_refuses_bad_arguments(chosen, message):
    with pytest.raises(ValueError, match=message):
        ZeroError(**chosen)
